//! The expected version is served.

use crate::gate::context::{Ended, PhaseContext};
use crate::gate::served;
use crate::objective::Outcome;
use std::time::Instant;

pub async fn converge(context: &PhaseContext<'_>) -> Ended {
    let wanted = context.record.facts.version.clone();
    let deadline = Instant::now() + context.gate.converge.timeout;
    match served::await_version(context, &context.gate.converge, deadline, &|version| {
        version == wanted
    })
    .await
    {
        Ok(seen) => Ended::new(Outcome::Pass, seen),
        Err((broken, mut seen)) => {
            let lead = format!(
                "`{wanted}` was not served everywhere within {}",
                crate::duration::show(context.gate.converge.timeout)
            );
            seen.insert(0, lead);
            // A service that answers with another version tells us nothing of this one; one that
            // does not answer at all is broken.
            let outcome = if broken {
                Outcome::Fail
            } else {
                Outcome::Inconclusive
            };
            Ended::because(outcome, seen)
        }
    }
}
