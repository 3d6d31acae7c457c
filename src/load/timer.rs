//! Waiting for a moment with an error of some tens of microseconds.
//!
//! tokio's own timer is no finer than a millisecond. Far-away moments are slept through with
//! it; the last stretch is a `timerfd` that the reactor watches.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A timer of one worker.
#[derive(Debug)]
pub struct Timer {
    fd: Option<AsyncFd<OwnedFd>>,
}

/// Closer moments are not worth a system call.
const NEAR: Duration = Duration::from_micros(20);
/// tokio's timer is used up to this far before a moment.
const COARSE: Duration = Duration::from_millis(3);

impl Timer {
    /// A timer; without `timerfd` it falls back to tokio's.
    pub fn new() -> Timer {
        // SAFETY: timerfd_create takes plain numbers and returns a new descriptor or -1.
        let raw = unsafe {
            libc::timerfd_create(
                libc::CLOCK_MONOTONIC,
                libc::TFD_NONBLOCK | libc::TFD_CLOEXEC,
            )
        };
        if raw < 0 {
            return Timer { fd: None };
        }
        // SAFETY: `raw` was just created and belongs to nobody else.
        let owned = unsafe { OwnedFd::from_raw_fd(raw) };
        // SAFETY: the descriptor is owned, so it stays open for as long as it is registered.
        let fd = unsafe { AsyncFd::register_with_interest(owned, Interest::READABLE) };
        Timer { fd: fd.ok() }
    }

    /// Waits until a moment; returns at once if it has passed.
    pub async fn until(&self, moment: Instant) {
        let left = moment.saturating_duration_since(Instant::now());
        if left < NEAR {
            return;
        }
        if left > COARSE {
            tokio::time::sleep(left - COARSE).await;
        }
        if self.fine(moment).await.is_err() {
            tokio::time::sleep_until(moment.into()).await;
        }
    }

    async fn fine(&self, moment: Instant) -> io::Result<()> {
        let fd = self.fd.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        let left = moment.saturating_duration_since(Instant::now());
        if left < NEAR {
            return Ok(());
        }
        let spec = libc::itimerspec {
            it_interval: libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: libc::timespec {
                tv_sec: left.as_secs() as libc::time_t,
                tv_nsec: i64::from(left.subsec_nanos()),
            },
        };
        // SAFETY: the descriptor is open for as long as `self` lives, and `spec` outlives the call.
        let set = unsafe {
            libc::timerfd_settime(fd.as_raw_fd(), 0, &raw const spec, std::ptr::null_mut())
        };
        if set < 0 {
            return Err(io::Error::last_os_error());
        }
        // What it counted is not read: setting it anew forgets that, and the reactor is told by
        // the edge, so a system call is saved for each arrival.
        while Instant::now() < moment {
            fd.readable().await?.clear_ready();
        }
        Ok(())
    }
}

impl Default for Timer {
    fn default() -> Timer {
        Timer::new()
    }
}
