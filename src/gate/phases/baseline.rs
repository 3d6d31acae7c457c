//! The version beside it can be measured: else nothing could be told from a comparison.

use super::smoke::smoke_all;
use crate::environment::everywhere::Look;
use crate::environment::settings::Environment;
use crate::gate::context::{Ended, PhaseContext};
use crate::gate::served;
use crate::objective::Outcome;
use std::sync::Arc;

/// The version beside it must be measurable: else nothing could be told from a comparison.
pub async fn baseline(context: &PhaseContext<'_>) -> Ended {
    let Some(environment) = context.baseline else {
        return Ended::new(
            Outcome::Inconclusive,
            "the baseline's environment is no longer configured",
        );
    };
    let mut shown = Vec::new();
    match served::shown(&PhaseContext {
        environment,
        ..*context
    })
    .await
    {
        Err(problem) => return Ended::new(Outcome::Inconclusive, problem),
        Ok(looks) => {
            for (service, look) in looks {
                let beside = &environment.name;
                match look {
                    // Beside itself nothing is worse.
                    Look::Shown(version) if version == context.record.facts.version => {
                        return Ended::new(
                            Outcome::Inconclusive,
                            format!(
                                "`{service}` in `{beside}` serves `{version}` too: there is no version before to compare with"
                            ),
                        );
                    }
                    Look::Shown(version) => {
                        shown.push(format!("`{service}` in `{beside}` serves `{version}`"));
                    }
                    Look::Hidden(why) | Look::Void(why) => shown.push(format!(
                        "`{service}` in `{beside}` does not show its version: {why}"
                    )),
                }
            }
        }
    }
    let mut ended = measurable(context, environment).await;
    ended.reasons.extend(shown);
    ended
}

/// Whether what is measured of the candidate can be measured there too.
async fn measurable(context: &PhaseContext<'_>, environment: &Arc<Environment>) -> Ended {
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
