//! The version beside it can be measured: else nothing could be told from a comparison.

use super::smoke::smoke_all;
use crate::gate::context::{Ended, PhaseContext};
use crate::objective::Outcome;

/// The version beside it must be measurable: else nothing could be told from a comparison.
pub async fn baseline(context: &PhaseContext<'_>) -> Ended {
    let Some(environment) = context.baseline else {
        return Ended::new(
            Outcome::Inconclusive,
            "the baseline's environment is no longer configured",
        );
    };
    let Some(old) = context.record.rollback_to.as_deref() else {
        return Ended::new(
            Outcome::Pass,
            "there is no version before that was proven good; loads go beside all the same",
        );
    };
    let beside = PhaseContext {
        environment,
        ..*context
    };
    let ended = smoke_all(&beside, &context.gate.smoke, old).await;
    match ended.outcome {
        Outcome::Pass => ended,
        // What is broken there too says nothing about the deploy.
        _ if context.gate.smoke.is_empty() => Ended::new(
            Outcome::Pass,
            format!("loads go to `{}` too", environment.name),
        ),
        _ => Ended {
            outcome: Outcome::Inconclusive,
            ..ended
        },
    }
}
