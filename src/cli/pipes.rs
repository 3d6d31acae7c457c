//! What happens when whoever reads our output goes away.
//!
//! Invariant: a peer that closes a connection never ends the process: a broken pipe is an error of the write that meets
//! it, and only one of our own output ends us, quietly, as it ends every other tool (`| head`).

use std::panic::PanicHookInfo;

/// The exit code of a tool whose output nobody reads any more: 128 and the number of SIGPIPE.
const UNREAD: i32 = 141;

/// Lets broken pipes be errors, and those of our own output the end.
pub(super) fn prepare() {
    // SAFETY: setting the action of a signal takes plain numbers, before any thread exists.
    unsafe {
        // A socket is a pipe, too: what is written to several pieces at once cannot say that it wants no signal.
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        // A file that may not grow is a failed write, which we can report; not the end of the process.
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if is_unread(info) {
            // Nobody is there who could be told.
            std::process::exit(UNREAD);
        }
        usual(info);
    }));
}

/// Whether a panic is that of a line which could not be printed since nobody reads it.
fn is_unread(info: &PanicHookInfo<'_>) -> bool {
    let text = info.payload_as_str().unwrap_or_default();
    text.starts_with("failed printing to std") && text.contains("Broken pipe")
}
