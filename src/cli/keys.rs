//! Keys that steer a load while its progress is shown: p pauses and resumes, + and - scale, q stops.
//!
//! Only on a terminal that is ours: a command in the background must not touch it. The terminal
//! is given back as it was, however the command ends.

use crate::load::Control;
use std::io::{IsTerminal, Read as _};
use std::os::fd::AsRawFd as _;
use std::sync::OnceLock;
use std::time::Instant;

/// What a step up multiplies with.
const STEP: f64 = 1.25;

/// The terminal as it was.
static BEFORE: OnceLock<libc::termios> = OnceLock::new();

/// The terminal hands over each key at once for as long as this lives.
#[derive(Debug)]
pub struct Keys(());

impl Keys {
    /// Listens to keys, if this is a terminal of ours.
    pub fn listen(control: &Control) -> Option<Keys> {
        let input = std::io::stdin();
        if !input.is_terminal() || !std::io::stderr().is_terminal() {
            return None;
        }
        let fd = input.as_raw_fd();
        // SAFETY: plain calls on an open descriptor; `settings` is written before it is read.
        unsafe {
            if libc::tcgetpgrp(fd) != libc::getpgrp() {
                return None;
            }
            let mut settings = std::mem::zeroed();
            if libc::tcgetattr(fd, &raw mut settings) != 0 {
                return None;
            }
            let _ = BEFORE.set(settings);
            settings.c_lflag &= !(libc::ICANON | libc::ECHO);
            if libc::tcsetattr(fd, libc::TCSANOW, &raw const settings) != 0 {
                return None;
            }
        }
        let control = control.clone();
        // It ends with the process: a read cannot be taken back.
        let _ = std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || {
                for key in std::io::stdin().lock().bytes().map_while(Result::ok) {
                    obey(&control, key, Instant::now());
                }
            });
        Some(Keys(()))
    }

    /// Gives the terminal back.
    pub fn give_back() {
        if let Some(before) = BEFORE.get() {
            let fd = std::io::stdin().as_raw_fd();
            // SAFETY: a plain call on an open descriptor with settings that were read from it.
            unsafe {
                libc::tcsetattr(fd, libc::TCSANOW, before);
            }
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        Keys::give_back();
    }
}

fn obey(control: &Control, key: u8, now: Instant) {
    let scale = control.orders().scale;
    let by_key = match key {
        b'+' | b'=' => Some(scale * STEP),
        b'-' => Some(scale / STEP),
        b'0' => Some(1.0),
        _ => None,
    };
    if let Some(factor) = by_key {
        // A load that cannot be scaled stays as it is.
        control.scale(factor);
    }
    match key {
        b'p' | b' ' if control.orders().paused.is_some() => control.resume(now),
        b'p' | b' ' => control.pause(now),
        b'q' => control.stop(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Stop;

    #[test]
    fn keys_do_what_they_say() {
        let control = Control::new();
        let now = Instant::now();
        obey(&control, b'p', now);
        assert!(control.orders().paused.is_some());
        obey(&control, b'p', now);
        assert!(control.orders().paused.is_none());
        obey(&control, b'+', now);
        assert!(control.orders().scale > 1.2);
        obey(&control, b'0', now);
        obey(&control, b'x', now);
        assert!((control.orders().scale - 1.0).abs() < 1e-9);
        obey(&control, b'q', now);
        assert_eq!(control.asked(), Stop::Drain);
    }
}
