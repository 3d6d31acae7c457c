//! A deadline that costs nothing as long as it does not come.
//!
//! Setting a timer for each request and taking it back is dearer than the rest of its
//! bookkeeping. Deadlines of one connection only move forward, so the timer of an earlier one is
//! left standing; when it fires early, it is set anew.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::time::Sleep;

/// The timer of one connection.
#[derive(Debug, Default)]
pub struct Patience {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Ready once the deadline has passed.
    pub fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let deadline = tokio::time::Instant::from_std(deadline);
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() > deadline {
            // Rare: a step with a shorter timeout than the one before.
            sleep.as_mut().reset(deadline);
        }
        loop {
            std::task::ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_holds_whether_it_moves_forward_or_back() {
        let mut patience = Patience::default();
        let start = tokio::time::Instant::now();
        for (seconds, wanted) in [(5, 5), (9, 9), (7, 9), (20, 20)] {
            let deadline = (start + Duration::from_secs(seconds)).into_std();
            std::future::poll_fn(|cx| patience.poll(cx, deadline)).await;
            assert_eq!(start.elapsed().as_secs(), wanted);
        }
        // A longer one was set and not waited for.
        let far = (start + Duration::from_secs(90)).into_std();
        std::future::poll_fn(|cx| {
            assert!(patience.poll(cx, far).is_pending());
            Poll::Ready(())
        })
        .await;
        let near = (start + Duration::from_secs(30)).into_std();
        std::future::poll_fn(|cx| patience.poll(cx, near)).await;
        assert_eq!(start.elapsed().as_secs(), 30);
    }
}
