//! Waiting for a moment with an error of some tens of microseconds.
//!
//! tokio's own timer is no finer than a millisecond. Far-away moments are slept through with
//! it; the last stretch is a `timerfd` that the reactor watches.

use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Sleep;

/// A timer of one worker.
#[derive(Debug)]
pub struct Timer {
    fd: Option<AsyncFd<OwnedFd>>,
    /// The moment for which the descriptor is set.
    set: Option<Instant>,
    coarse: Option<Pin<Box<Sleep>>>,
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
        let fd = (raw >= 0).then(|| {
            // SAFETY: `raw` was just created and belongs to nobody else.
            let owned = unsafe { OwnedFd::from_raw_fd(raw) };
            // SAFETY: the descriptor is owned, so it stays open for as long as it is registered.
            unsafe { AsyncFd::register_with_interest(owned, Interest::READABLE) }
        });
        Timer {
            fd: fd.and_then(Result::ok),
            set: None,
            coarse: None,
        }
    }

    /// Ready once a moment has come. Polled for another moment, it waits for that one.
    pub fn poll(&mut self, cx: &mut Context<'_>, moment: Instant) -> Poll<()> {
        loop {
            let left = moment.saturating_duration_since(Instant::now());
            if left < NEAR {
                return Poll::Ready(());
            }
            if left > COARSE || self.fd.is_none() {
                let before = if self.fd.is_some() {
                    COARSE
                } else {
                    Duration::ZERO
                };
                ready!(self.poll_coarse(cx, moment - before));
                continue;
            }
            if ready!(self.poll_fine(cx, moment, left)).is_err() {
                // A descriptor that fails once is not asked again.
                self.fd = None;
            }
        }
    }

    fn poll_coarse(&mut self, cx: &mut Context<'_>, moment: Instant) -> Poll<()> {
        let moment = tokio::time::Instant::from_std(moment);
        let sleep = self
            .coarse
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(moment)));
        if sleep.deadline() != moment {
            sleep.as_mut().reset(moment);
        }
        sleep.as_mut().poll(cx)
    }

    fn poll_fine(
        &mut self,
        cx: &mut Context<'_>,
        moment: Instant,
        left: Duration,
    ) -> Poll<io::Result<()>> {
        let Some(fd) = &self.fd else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        if self.set != Some(moment) {
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
            let result = unsafe {
                libc::timerfd_settime(fd.as_raw_fd(), 0, &raw const spec, std::ptr::null_mut())
            };
            if result < 0 {
                return Poll::Ready(Err(io::Error::last_os_error()));
            }
            self.set = Some(moment);
        }
        // What it counted is not read: setting it anew forgets that, and the reactor is told by
        // the edge, so a system call is saved for each arrival.
        ready!(fd.poll_read_ready(cx))?.clear_ready();
        self.set = None;
        Poll::Ready(Ok(()))
    }
}

impl Default for Timer {
    fn default() -> Timer {
        Timer::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn moments_are_never_missed_by_being_early() {
        let mut timer = Timer::new();
        for micros in [0, 10, 300, 1500, 4000, 6000] {
            let moment = Instant::now() + Duration::from_micros(micros);
            std::future::poll_fn(|cx| timer.poll(cx, moment)).await;
            assert!(Instant::now() + NEAR >= moment);
        }
    }
}
