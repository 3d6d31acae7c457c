//! Whether the load generator kept up with what was asked of it, and if not, why.
//!
//! Pure. A generator that is itself the bottleneck measures itself. What it says then is taken
//! back as far as it may be wrong: with late starts the load was not the one that was asked for,
//! so nothing holds; a saturated processor or a lack of virtual users only adds latency, so what
//! passed all the same has passed, and what failed may be our own fault.

use crate::figures::show_micros;
use crate::load::run::Finished;
use crate::objective::{Judgement, Metric, Objective, Outcome};

/// Own lateness above this at the 99th percentile, in microseconds.
pub const LATENESS_MICROS_MAX: u64 = 5_000;
/// A worker that is on a processor for more than this share of a second has none left.
const BUSY_MAX: f64 = 0.97;
/// Arrivals that waited for a virtual user, of all iterations.
const WAITED_SHARE_MAX: f64 = 0.01;

/// Why the generator could not keep up.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// It started iterations late: so much at the 99th percentile, in microseconds.
    Late(u64, bool),
    /// A worker had no processor time left in so many of so many seconds.
    Saturated(u64, u64),
    /// So many of so many arrivals found no free virtual user.
    NoUser(u64, u64),
}

/// All causes that are seen in a run.
pub fn causes(finished: &Finished) -> Vec<Cause> {
    let mut causes = Vec::new();
    let whole = finished.series.len().saturating_sub(1) as u64;
    let busy = |point: &&crate::load::series::Point| point.busiest > BUSY_MAX;
    // The last interval is shorter than a second.
    let seconds = finished.series.iter().take(whole as usize);
    let saturated = seconds.filter(busy).count() as u64;
    let recorded = &finished.recorded;
    let late = recorded.lateness.value_at_quantile(0.99);
    if !recorded.lateness.is_empty() && late > LATENESS_MICROS_MAX {
        causes.push(Cause::Late(late, saturated * 2 > whole));
    } else if whole > 0 && saturated * 2 > whole {
        causes.push(Cause::Saturated(saturated, whole));
    }
    let arrivals = recorded.lateness.len() + recorded.waited;
    if recorded.waited as f64 > arrivals as f64 * WAITED_SHARE_MAX {
        causes.push(Cause::NoUser(recorded.waited, arrivals));
    }
    causes
}

impl Cause {
    /// Whether nothing that was measured can be relied on.
    pub fn taints_all(&self) -> bool {
        matches!(self, Cause::Late(..))
    }

    /// Whether it would be late again: it has less processor time than the load costs.
    pub fn would_recur(&self) -> bool {
        matches!(self, Cause::Late(_, true))
    }

    /// In a sentence.
    pub fn text(&self) -> String {
        let why = match self {
            Cause::Late(micros, saturated) => {
                let late = show_micros(*micros as f64);
                let why = if *saturated {
                    "its processor was saturated: give it more workers or cores"
                } else {
                    "its processor was not its own: other programs run on this machine"
                };
                format!("it started 1 % of the iterations more than {late} late; {why}")
            }
            Cause::Saturated(seconds, whole) => format!(
                "a worker had no processor time left in {seconds} of {whole} seconds; give it more workers or cores, or less to do"
            ),
            Cause::NoUser(waited, arrivals) => format!(
                "{waited} of {arrivals} arrivals found no free virtual user and waited; raise `maxVUs`"
            ),
        };
        format!("the load generator could not keep up: {why}")
    }
}

/// Takes back what a cause makes doubtful; whether anything was. `by_service` judges an objective
/// by the time from the actual start, in which waiting for a virtual user has no part.
pub fn apply(
    cause: &Cause,
    objectives: &[Objective],
    judgements: &mut [Judgement],
    by_service: &dyn Fn(&Objective) -> Outcome,
) -> bool {
    let mut changed = false;
    for (objective, judgement) in objectives.iter().zip(judgements) {
        let failed = judgement.outcome == Outcome::Fail && is_timed(objective);
        let doubtful = match cause {
            Cause::Late(..) => judgement.outcome != Outcome::Inconclusive,
            Cause::Saturated(..) => failed,
            Cause::NoUser(..) => failed && by_service(objective) != Outcome::Fail,
        };
        if doubtful {
            judgement.outcome = Outcome::Inconclusive;
            judgement.reason = format!(
                "{}; but the load generator could not keep up",
                judgement.reason
            );
            changed = true;
        }
    }
    changed
}

/// Whether an objective is about time or throughput, which the generator itself has a part in.
fn is_timed(objective: &Objective) -> bool {
    matches!(
        objective.metric,
        Metric::Quantile(_) | Metric::Mean | Metric::Max | Metric::Rate
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::Evidence;
    use crate::objective::judge::judge;

    fn after(cause: &Cause, slow: u64, by_service: Outcome) -> Vec<Outcome> {
        let objectives: Vec<Objective> = ["p95 < 300ms", "error_rate < 1%"]
            .iter()
            .map(|text| Objective::parse(text).unwrap())
            .collect();
        let seen = |errors| Evidence {
            requests: 10_000,
            errors,
            slow,
            value: Some(1.0),
        };
        let mut judgements = vec![
            judge(&objectives[0], &seen(0)),
            judge(&objectives[1], &seen(900)),
        ];
        apply(cause, &objectives, &mut judgements, &|_| by_service);
        judgements
            .iter()
            .map(|judgement| judgement.outcome)
            .collect()
    }

    #[test]
    fn only_what_the_generator_may_have_caused_is_taken_back() {
        use Outcome::{Fail, Inconclusive, Pass};
        let saturated = Cause::Saturated(9, 10);
        assert_eq!(after(&saturated, 5000, Fail), [Inconclusive, Fail]);
        assert_eq!(after(&saturated, 0, Pass), [Pass, Fail]);
        let waited = Cause::NoUser(500, 1000);
        assert_eq!(
            after(&waited, 5000, Fail),
            [Fail, Fail],
            "slow without waiting too"
        );
        assert_eq!(after(&waited, 5000, Pass), [Inconclusive, Fail]);
        let late = Cause::Late(9000, false);
        assert_eq!(after(&late, 0, Pass), [Inconclusive, Inconclusive]);
    }
}
