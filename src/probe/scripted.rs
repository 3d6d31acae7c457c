//! A probe that is a script, performed on a thread of its own: what it computes, however long, is nobody else's
//! time.
//!
//! Decides nothing.

use super::watched::within;
use crate::load::Control;
use crate::load::once::Once;
use crate::objective::Outcome;
use crate::run::observation::{Events, Observer};
use crate::run::scripted::objections;
use crate::script::prepare::Ready;
use crate::vu::Performers as _;
use std::time::Duration;

/// What a script's performance came to: what became of it and how long it had, where that was not enough, what
/// was seen, and what speaks against a pass.
pub(super) type Performed = ((Once, Option<Duration>), Events, Vec<(Outcome, String)>);

/// Performs a script once.
///
/// # Errors
///
/// Why there is nothing that it came to.
pub(super) async fn performed_apart(
    ready: Ready,
    limits: (Duration, Control),
    observer: Observer,
) -> Result<Performed, String> {
    let here = tokio::runtime::Handle::current();
    let work = move || {
        let done = here.block_on(async {
            let together = ready.run.gather();
            within(&ready.run, &together, limits, &observer).await
        });
        (done, observer.into_events(), objections(&ready, false))
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|died| format!("it was not performed: {died}"))
}
