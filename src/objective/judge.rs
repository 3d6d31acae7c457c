//! From counts to a judgement: pass, fail or inconclusive, with the reason and what is missing.
//!
//! The rule for a fixed sample, looked at once:
//! - *fail* where the exact test rejects "the share of bad requests is within the limit" at
//!   [`ROLLBACK_LEVEL`]: a healthy service fails at most once in a hundred judgements;
//! - *pass* where the share seen is within the limit, the exact test rejects "the share is over
//!   [`INDIFFERENCE`] times the limit" at [`PROMOTE_LEVEL`], and there were enough requests for a
//!   flawless run to prove the limit itself;
//! - *inconclusive* otherwise, with the number of further requests that would probably settle it.
//!
//! A failed request is over every latency limit: of quantiles it counts as bad, `max` it breaks, and a
//! `mean` is that of the others, which is worth nothing where more than [`MEAN_FAILURES`] failed.
//! Nothing measured is never a pass.

use super::binomial;
use super::parse::{Metric, Objective};
use crate::figures::{figure, percent, show_micros};

/// How often a healthy service may be judged to fail.
pub const ROLLBACK_LEVEL: f64 = 0.01;
/// How often a service beyond the indifference zone may be judged to pass.
pub const PROMOTE_LEVEL: f64 = 0.05;
/// Between the limit and this multiple of it, both verdicts are right often enough.
pub const INDIFFERENCE: f64 = 1.5;

/// The share of failed requests up to which the mean of the others means something.
pub const MEAN_FAILURES: f64 = 0.01;

/// Three outcomes, not two.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was measured and it held.
    Pass,
    /// It was measured and it did not hold.
    Fail,
    /// It could not be measured well enough.
    Inconclusive,
}

impl Outcome {
    /// The outcome of several: any failure fails, else any doubt remains.
    pub fn all(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
        let mut any = false;
        let mut result = Outcome::Pass;
        for outcome in outcomes {
            any = true;
            match outcome {
                Outcome::Fail => return Outcome::Fail,
                Outcome::Inconclusive => result = Outcome::Inconclusive,
                Outcome::Pass => {}
            }
        }
        if any { result } else { Outcome::Inconclusive }
    }

    /// The outcome of a word that was kept.
    pub fn of(word: &str) -> Option<Outcome> {
        [Outcome::Pass, Outcome::Fail, Outcome::Inconclusive]
            .into_iter()
            .find(|outcome| outcome.word() == word)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Fail => "fail",
            Outcome::Inconclusive => "inconclusive",
        }
    }
}

/// What was counted for one objective.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// All requests, the failed and dropped ones included.
    pub requests: u64,
    /// Failed requests, the dropped ones included.
    pub errors: u64,
    /// Successful requests over the latency limit.
    pub slow: u64,
    /// The value of the metric itself, in the unit of the limit; `None` if nothing was measured.
    pub value: Option<f64>,
}

/// What became of one objective.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Judgement {
    /// The objective as written.
    pub objective: String,
    /// Pass, fail or inconclusive.
    pub outcome: Outcome,
    /// The value seen, in words.
    pub seen: String,
    /// Why, in a sentence.
    pub reason: String,
    /// Requests that it rests on.
    pub requests: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// How many more would probably settle it, for an inconclusive one.
    pub more_needed: Option<u64>,
}

/// Judges one objective: a healthy service fails in at most [`ROLLBACK_LEVEL`] of cases.
pub fn judge(objective: &Objective, evidence: &Evidence) -> Judgement {
    judge_at(objective, evidence, ROLLBACK_LEVEL)
}

/// The same, where a healthy service may fail as often as a level says.
pub fn judge_at(objective: &Objective, evidence: &Evidence, level: f64) -> Judgement {
    let seen = show_value(objective, evidence.value);
    match objective.allowed_share() {
        Some(share) => judge_share(objective, evidence, (share, level), seen),
        None => judge_point(objective, evidence, seen),
    }
}

fn judge_share(
    objective: &Objective,
    evidence: &Evidence,
    (share, level): (f64, f64),
    seen: String,
) -> Judgement {
    let n = evidence.requests;
    let bad = match objective.metric {
        Metric::ErrorRate => evidence.errors,
        _ => evidence.errors + evidence.slow,
    };
    let needed = binomial::flawless_needed(share, PROMOTE_LEVEL);
    let observed = bad as f64 / n.max(1) as f64;
    let what = bad_in_words(objective);
    let counted = format!(
        "{bad} of {n} requests ({}) {what}; allowed: {}",
        percent(observed),
        percent(share)
    );
    let mut more_needed = None;
    let (outcome, reason) = if n == 0 {
        more_needed = Some(needed);
        (Outcome::Inconclusive, "nothing was measured".to_owned())
    } else if share <= 0.0 {
        if bad > 0 {
            (Outcome::Fail, counted)
        } else {
            (Outcome::Pass, counted)
        }
    } else if binomial::upper_tail(bad, n, share) <= level && observed > share {
        (Outcome::Fail, counted)
    } else if n >= needed
        && observed <= share
        && binomial::upper_bound(bad, n, PROMOTE_LEVEL) <= (INDIFFERENCE * share).min(1.0)
    {
        (Outcome::Pass, counted)
    } else {
        let more = more_requests(bad, n, (share, level), needed);
        more_needed = Some(more);
        let reason = if n < needed {
            format!("{counted}; at least {needed} requests are needed to prove it")
        } else {
            format!("{counted}; too close to tell, about {more} more requests are needed")
        };
        (Outcome::Inconclusive, reason)
    };
    Judgement {
        objective: objective.text.clone(),
        outcome,
        seen,
        reason,
        requests: n,
        bad,
        more_needed,
    }
}

/// How many more requests with the same share would settle it; a bound where it never would.
fn more_requests(bad: u64, n: u64, (share, level): (f64, f64), needed: u64) -> u64 {
    let observed = bad as f64 / n as f64;
    let mut total = n.max(needed);
    for _ in 0..40 {
        let k = (observed * total as f64).round() as u64;
        let proven_bad = observed > share && binomial::upper_tail(k, total, share) <= level;
        let proven_good = observed <= share
            && binomial::upper_bound(k, total, PROMOTE_LEVEL) <= (INDIFFERENCE * share).min(1.0);
        if proven_bad || proven_good {
            break;
        }
        total = total.saturating_mul(5) / 4 + 1;
        if total > 1_000_000_000 {
            break;
        }
    }
    total - n
}

fn judge_point(objective: &Objective, evidence: &Evidence, seen: String) -> Judgement {
    let limit = show_value(objective, Some(objective.limit));
    let (outcome, reason) = match evidence.value {
        _ if evidence.requests == 0 => (Outcome::Inconclusive, "nothing was measured".to_owned()),
        None => (
            Outcome::Fail,
            format!("no request succeeded, {} failed", evidence.errors),
        ),
        _ if matches!(objective.metric, Metric::Max | Metric::Min) && evidence.errors > 0 => (
            Outcome::Fail,
            format!(
                "{} of {} requests failed, and a failed request is over every limit",
                evidence.errors, evidence.requests
            ),
        ),
        _ if objective.metric == Metric::Mean
            && evidence.errors as f64 > MEAN_FAILURES * evidence.requests as f64 =>
        {
            let (errors, requests) = (evidence.errors, evidence.requests);
            (
                Outcome::Fail,
                format!(
                    "{errors} of {requests} requests failed, and the mean of the others says nothing where more than {} do",
                    percent(MEAN_FAILURES)
                ),
            )
        }
        Some(value) if objective.comparison.holds(value, objective.limit) => {
            (Outcome::Pass, format!("{seen} against {limit}"))
        }
        Some(_) => (Outcome::Fail, format!("{seen} against {limit}")),
    };
    Judgement {
        objective: objective.text.clone(),
        outcome,
        seen,
        reason,
        requests: evidence.requests,
        bad: evidence.errors,
        more_needed: None,
    }
}

/// What is bad by an objective, in words.
pub fn bad_in_words(objective: &Objective) -> String {
    let limit = || show_value(objective, Some(objective.limit));
    match (objective.metric, objective.class, &objective.value) {
        (Metric::Quantile(_), _, Some(name)) => {
            format!("failed or had a `{name}` over {}", limit())
        }
        (Metric::Quantile(_), ..) => format!("failed or took over {}", limit()),
        (_, Some(class), _) => class.told(),
        _ => "failed".to_owned(),
    }
}

fn show_value(objective: &Objective, value: Option<f64>) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    if objective.value.is_some() {
        return figure(value);
    }
    match objective.metric {
        // So many requests failed that there is no such latency.
        Metric::Quantile(_) if value >= crate::limits::LATENCY_MICROS_MAX as f64 => {
            "no answer".to_owned()
        }
        Metric::Quantile(_) | Metric::Mean | Metric::Max | Metric::Min => show_micros(value),
        Metric::ErrorRate => percent(value),
        Metric::Rate => format!("{value:.1}/s"),
        Metric::Errors | Metric::Requests | Metric::Dropped => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(objective: &str, requests: u64, errors: u64, slow: u64) -> Judgement {
        let objective = Objective::parse(objective).unwrap();
        let value = (requests > 0).then_some(errors as f64 / requests as f64);
        judge(
            &objective,
            &Evidence {
                requests,
                errors,
                slow,
                value,
            },
        )
    }

    #[test]
    fn nothing_measured_is_never_a_pass() {
        for objective in [
            "p95 < 1s",
            "error_rate < 1%",
            "max < 1s",
            "requests >= 0",
            "errors == 0",
        ] {
            assert_eq!(
                judged(objective, 0, 0, 0).outcome,
                Outcome::Inconclusive,
                "{objective}"
            );
        }
        assert_eq!(Outcome::all([]), Outcome::Inconclusive);
    }

    #[test]
    fn a_p99_needs_299_flawless_requests() {
        assert_eq!(judged("p99 < 1s", 298, 0, 0).outcome, Outcome::Inconclusive);
        assert_eq!(judged("p99 < 1s", 299, 0, 0).outcome, Outcome::Pass);
    }

    #[test]
    fn failed_requests_are_over_every_latency_limit() {
        assert_eq!(judged("p95 < 1s", 100, 100, 0).outcome, Outcome::Fail);
        assert_eq!(judged("p95 < 1s", 1000, 0, 100).outcome, Outcome::Fail);
        assert_eq!(judged("p95 < 1s", 1000, 5, 5).outcome, Outcome::Pass);
    }

    #[test]
    fn close_calls_are_inconclusive_and_say_how_many_more() {
        let close = judged("error_rate < 1%", 500, 4, 0);
        assert_eq!(close.outcome, Outcome::Inconclusive);
        assert!(close.more_needed.is_some_and(|more| more > 0));
    }

    #[test]
    fn a_mean_is_that_of_the_successful_ones_and_bears_few_failures() {
        assert_eq!(judged("mean < 1s", 1201, 1, 0).outcome, Outcome::Pass);
        assert_eq!(judged("mean < 1s", 1201, 13, 0).outcome, Outcome::Fail);
        assert_eq!(judged("max < 1s", 1201, 1, 0).outcome, Outcome::Fail);
        assert_eq!(judged("max < 1s", 1201, 0, 0).outcome, Outcome::Pass);
    }

    /// Exact, not simulated: the chance that a service right at its limit is judged to fail.
    #[test]
    fn a_service_at_its_limit_fails_at_most_once_in_a_hundred() {
        for n in [50_u64, 200, 1000] {
            let first = (0..=n)
                .find(|bad| judged("error_rate < 5%", n, *bad, 0).outcome == Outcome::Fail)
                .unwrap();
            assert!(binomial::upper_tail(first, n, 0.05) <= ROLLBACK_LEVEL);
        }
    }

    proptest::proptest! {
        #[test]
        fn more_bad_requests_never_improve_a_judgement(n in 1u64..3000, bad in 0u64..3000) {
            let bad = bad.min(n - 1);
            let rank = |outcome| match outcome { Outcome::Pass => 0, Outcome::Inconclusive => 1, Outcome::Fail => 2 };
            let less = rank(judged("error_rate < 2%", n, bad, 0).outcome);
            let more = rank(judged("error_rate < 2%", n, bad + 1, 0).outcome);
            proptest::prop_assert!(less <= more);
        }
    }
}
