//! File descriptors, of which every connection takes one: how many there are, and what is kept back.
//!
//! Does not know who takes them. Invariant: who asks for a part leaves the rest to the others.

/// Takes as many as the machine allows without asking.
pub fn raise_limit() {
    let (_, most) = limits();
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: the call takes a pointer to a struct that outlives it.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
}

/// How many this process may have open; very many where there is no limit.
pub fn limit() -> u64 {
    limits().0
}

fn limits() -> (u64, u64) {
    let mut limit = libc::rlimit {
        rlim_cur: 1024,
        rlim_max: 1024,
    };
    // SAFETY: the call takes a pointer to a struct that outlives it.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    (limit.rlim_cur, limit.rlim_max)
}

/// Those that whoever asks the daemon may take together: a quarter, so that gates and probes go on.
pub fn for_visitors() -> usize {
    (limit() / 4).clamp(8, 1024) as usize
}

/// Those that probes may take together: what is left when visitors, deliveries, gates and the store have theirs.
pub fn for_probes() -> usize {
    let kept_back = for_visitors() as u64 + 96;
    limit().saturating_sub(kept_back).clamp(16, 1_000_000) as usize
}
