#![no_main]
#[path = "../doors.rs"]
#[allow(dead_code)]
mod doors;

// Whoever writes to a socket that was closed is told so: outside a program of Rust's own that would be a signal.
libfuzzer_sys::fuzz_target!(init: {
    // SAFETY: before any thread is there, and to the value that `std` sets.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}, |data: &[u8]| doors::frames(data));
