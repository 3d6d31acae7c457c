//! Whether the load generator kept up with what was asked of it, and if not, why.
//!
//! Pure. Latency counts from the intended start, so that whatever holds us up only makes a service
//! look worse. A pass stands, therefore; a failure of the service (a refusal, a 500, a reset) is
//! never explained by it; what failed is judged a second time, by the time from the actual start and
//! without arrivals that nobody took, and is doubtful only where that comes to something else.

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
    /// Whether a load that did not come to anything because of it is worth performing afresh, and a
    /// baseline that it fell on is none.
    pub fn spoils(&self) -> bool {
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
                format!("1 % of its own starts were more than {late} late; {why}")
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

/// Takes back what the causes make doubtful; whether anything was. `by_service` judges an objective
/// without our own part: by the time from the actual start, and without arrivals that nobody took.
/// Where our own delay may be in that time, too (a saturated processor, or a process that stood still
/// under virtual users that loop), a failure of a timed objective is doubtful in any case.
pub fn apply(
    causes: &[Cause],
    is_closed: bool,
    objectives: &[Objective],
    judgements: &mut [Judgement],
    by_service: &dyn Fn(&Objective) -> Outcome,
) -> bool {
    let mut changed = false;
    let is_inside = causes.iter().any(|cause| match cause {
        Cause::Saturated(..) => true,
        Cause::Late(_, saturated) => *saturated || is_closed,
        Cause::NoUser(..) => false,
    });
    for (objective, judgement) in objectives.iter().zip(judgements) {
        let is_of_time = matches!(
            objective.metric,
            Metric::Quantile(_) | Metric::Mean | Metric::Max
        );
        let is_timed = is_of_time && objective.value.is_none();
        // How many requests there were is our own doing in any case.
        let is_ours = matches!(
            objective.metric,
            Metric::Rate | Metric::Requests | Metric::Dropped
        );
        let failed = judgement.outcome == Outcome::Fail;
        let is_doubtful = is_ours || is_timed && is_inside;
        if failed && (is_doubtful || by_service(objective) != Outcome::Fail) {
            judgement.outcome = Outcome::Inconclusive;
            judgement.reason = format!(
                "{}; but the load generator could not keep up, and without its part this may hold",
                judgement.reason
            );
            changed = true;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::Evidence;
    use crate::objective::judge::judge;

    fn after(slow: u64, by_service: [Outcome; 2]) -> Vec<Outcome> {
        after_cause(&Cause::Late(9_000, false), false, slow, by_service)
    }

    fn after_cause(
        cause: &Cause,
        is_closed: bool,
        slow: u64,
        by_service: [Outcome; 2],
    ) -> Vec<Outcome> {
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
        let without = |objective: &Objective| match objective.metric {
            Metric::Quantile(_) => by_service[0],
            _ => by_service[1],
        };
        let causes = std::slice::from_ref(cause);
        apply(causes, is_closed, &objectives, &mut judgements, &without);
        judgements
            .iter()
            .map(|judgement| judgement.outcome)
            .collect()
    }

    #[test]
    fn only_what_the_generator_may_have_caused_is_taken_back() {
        use Outcome::{Fail, Inconclusive, Pass};
        assert_eq!(after(0, [Pass, Fail]), [Pass, Fail], "a pass stands");
        assert_eq!(after(5000, [Pass, Fail]), [Inconclusive, Fail]);
        assert_eq!(
            after(5000, [Fail, Fail]),
            [Fail, Fail],
            "slow without us too"
        );
        let saturated = Cause::Saturated(9, 10);
        let doubtful = [Inconclusive, Fail];
        assert_eq!(after_cause(&saturated, false, 5000, [Fail, Fail]), doubtful);
        let late = Cause::Late(9_000, false);
        assert_eq!(after_cause(&late, true, 5000, [Fail, Fail]), doubtful);
        assert_eq!(
            after(5000, [Inconclusive, Pass]),
            [Inconclusive, Inconclusive],
            "all that failed were arrivals that nobody took"
        );
    }
}
