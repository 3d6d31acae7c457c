//! The version beside it can be measured: else nothing could be told from a comparison.

use super::smoke::smoke_all;
use crate::environment::everywhere::Look;
use crate::gate::context::{Ended, PhaseContext};
use crate::gate::served;
use crate::objective::Outcome;

/// The version beside it must be measurable: else nothing could be told from a comparison.
pub async fn baseline(context: &PhaseContext<'_>) -> Ended {
    let Some(environment) = context.baseline else {
        return Ended::new(
            Outcome::Inconclusive,
            "the baseline's environment is no longer configured",
        );
    };
    let beside = PhaseContext {
        environment,
        ..*context
    };
    let shown = match versions(&beside).await {
        Ok(shown) => shown,
        Err(problem) => return Ended::new(Outcome::Inconclusive, problem),
    };
    let mut ended = measurable(&beside).await;
    ended.reasons.extend(shown);
    ended
}

/// Which versions are served there, in words.
///
/// # Errors
/// Where it is the candidate's: beside itself nothing is worse.
async fn versions(beside: &PhaseContext<'_>) -> Result<Vec<String>, String> {
    let place = &beside.environment.name;
    let told = |(service, look): (String, Look)| match look {
        Look::Shown(version) if version == beside.record.facts.version => Err(format!(
            "`{service}` in `{place}` serves `{version}` too: there is no version before to compare with"
        )),
        Look::Shown(version) => Ok(format!("`{service}` in `{place}` serves `{version}`")),
        Look::Hidden(why) | Look::Void(why) => Ok(format!(
            "`{service}` in `{place}` does not show its version: {why}"
        )),
    };
    served::shown(beside).await?.into_iter().map(told).collect()
}

/// Whether what is measured of the candidate can be measured there too.
async fn measurable(beside: &PhaseContext<'_>) -> Ended {
    let Some(old) = beside.record.rollback_to.as_deref() else {
        return Ended::new(
            Outcome::Pass,
            "there is no version before that was proven good; loads go beside all the same",
        );
    };
    let ended = smoke_all(beside, &beside.gate.smoke, old).await;
    match ended.outcome {
        Outcome::Pass => ended,
        // What is broken there too says nothing about the deploy.
        _ if beside.gate.smoke.is_empty() => Ended::new(
            Outcome::Pass,
            format!("loads go to `{}` too", beside.environment.name),
        ),
        _ => Ended {
            outcome: Outcome::Inconclusive,
            ..ended
        },
    }
}
