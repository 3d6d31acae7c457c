//! What a script's run comes to where nothing may pass that was not measured.
//!
//! k6 says that all is well when every check, every iteration or every request failed, and when a threshold has
//! no samples. Here these never pass. Pure.

use super::metric::BuiltIn;
use super::summary::Judged;
use super::tally::{Tally, Value};
use super::threshold::Aggregate;
use crate::objective::Outcome;

/// What is known beside what was counted.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Iterations that threw, or could not begin.
    pub threw: u64,
    /// Iterations that were cut off.
    pub cut_off: u64,
    /// Whether it was performed once, and not as a load.
    pub is_once: bool,
    /// Whether objectives judge it, too.
    pub has_objectives: bool,
    /// How the script itself ended the run: at once, or as failed.
    pub aborted: Option<String>,
    /// The same, of a failure.
    pub failed: Option<String>,
    /// Whether `teardown` threw, or took too long.
    pub teardown_broke: bool,
    /// Scenarios of a load that performed nothing.
    pub idle: Vec<String>,
    /// Scenarios of a load of which every iteration failed.
    pub failing: Vec<String>,
}

/// What speaks against a pass, with its reasons. Nothing is said of what holds.
pub fn against(tally: &Tally, judged: &[Judged], known: &Known) -> Vec<(Outcome, String)> {
    let mut against = Vec::new();
    let value = |metric: BuiltIn| &tally.metrics[metric as usize].value;
    if let Some(words) = &known.failed {
        against.push((
            Outcome::Fail,
            format!("the script says that it failed: {words}"),
        ));
    }
    if let Some(words) = &known.aborted {
        against.push((
            Outcome::Inconclusive,
            format!("the script ended the run: {words}"),
        ));
    }
    if known.teardown_broke {
        // As of a setup: it says nothing of what was measured, and something is not as it should be.
        let reason = "`teardown` did not come to its end".to_owned();
        against.push((Outcome::Inconclusive, reason));
    }
    if !known.idle.is_empty() {
        let names = known.idle.join("`, `");
        let reason = format!("nothing was performed of the scenario `{names}`");
        against.push((Outcome::Inconclusive, reason));
    }
    if !known.failing.is_empty() {
        let names = known.failing.join("`, `");
        let reason = format!("every iteration of the scenario `{names}` failed");
        against.push((Outcome::Inconclusive, reason));
    }
    for one in judged {
        let text = format!("`{}: {}`", one.source, one.threshold.source);
        let is_count = one.threshold.aggregate == Aggregate::Count;
        if !one.verdict.measured && !is_count {
            let reason = format!("the threshold {text} has nothing to judge: no sample was taken");
            against.push((Outcome::Inconclusive, reason));
        } else if !one.verdict.holds {
            let seen = super::unit::number(one.verdict.seen);
            let reason = format!("the threshold {text} does not hold: {seen}");
            against.push((Outcome::Fail, reason));
        }
    }
    let iterations = value(BuiltIn::Iterations).samples();
    if iterations == 0 && known.cut_off > 0 && known.threw == 0 {
        let reason = format!(
            "no iteration came to its end: all {} were cut off",
            known.cut_off
        );
        against.push((Outcome::Inconclusive, reason));
    }
    if known.threw > 0 {
        let reason = format!(
            "{} iterations threw, and {iterations} came to an end",
            known.threw
        );
        against.push((Outcome::Inconclusive, reason));
    }
    if let Value::Rate { passes, total } = value(BuiltIn::Checks) {
        let failed = total - passes;
        let is_judged = covered(judged, tally) >= failed;
        let is_measured = [
            BuiltIn::HttpReqs,
            BuiltIn::WsSessions,
            BuiltIn::GrpcReqDuration,
        ]
        .iter()
        .any(|metric| value(*metric).samples() > 0);
        let never = tally.checks.iter().filter(|check| check.passes == 0);
        let never: Vec<String> = never.map(|check| format!("`{}`", check.name)).collect();
        let is_telling = judged.iter().any(tells_of_target);
        if *total == 0 && is_measured && !is_telling && !known.has_objectives {
            let reason = match judged.is_empty() {
                true => "nothing was checked, and there is no threshold",
                false => {
                    "nothing was checked, and no threshold that has samples judges what came back"
                }
            };
            against.push((Outcome::Inconclusive, reason.to_owned()));
        } else if *total > 0 && *passes == 0 {
            against.push((Outcome::Fail, format!("all {total} checks failed")));
        } else if failed > 0 && known.is_once {
            against.push((Outcome::Fail, format!("{failed} of {total} checks failed")));
        } else if failed > 0 && !is_judged {
            let reason = format!(
                "{failed} of {total} checks failed, and no threshold on `checks` says how many may"
            );
            against.push((Outcome::Inconclusive, reason));
        } else if !never.is_empty() {
            let shown = never.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>();
            let reason = format!(
                "{} of {} checks never held: {}",
                never.len(),
                tally.checks.len(),
                shown.join(", ")
            );
            against.push((Outcome::Inconclusive, reason));
        }
    }
    against
}

/// Checks whose names are shown.
const SHOWN_MAX: usize = 3;

/// How many failed checks thresholds are about: those of all checks, or of parts of them.
fn covered(judged: &[Judged], tally: &Tally) -> u64 {
    let mut about: Vec<&Judged> = judged
        .iter()
        .filter(|one| one.key.metric == "checks")
        .collect();
    // Several thresholds on the same are about the same.
    about.dedup_by_key(|one| &one.source);
    let failed = |one: &Judged| match tally.value(&one.key) {
        Some(Value::Rate { passes, total }) => total - passes,
        _ => 0,
    };
    about.into_iter().map(failed).sum()
}

/// Whether a threshold judges what came back: it has samples, and not of what we did ourselves.
fn tells_of_target(judged: &Judged) -> bool {
    const OURS: [&str; 12] = [
        "iterations",
        "iteration_duration",
        "dropped_iterations",
        "vus",
        "vus_max",
        "data_sent",
        "data_received",
        "group_duration",
        "http_reqs",
        "ws_sessions",
        "ws_session_duration",
        "ws_msgs_sent",
    ];
    judged.verdict.measured && !OURS.contains(&judged.key.metric.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::summary::judge;
    use super::super::threshold::{Key, Threshold};
    use super::*;
    use crate::k6::metric::Kind;

    fn threshold(source: &str, metric: &str, kind: Kind) -> (String, Key, Threshold) {
        let key = Key::parse(metric).unwrap();
        (
            metric.to_owned(),
            key,
            Threshold::parse(source, kind).unwrap(),
        )
    }

    fn said(tally: &Tally, thresholds: &[(String, Key, Threshold)], known: &Known) -> Vec<String> {
        let judged = judge(thresholds, tally, 1.0);
        let all = against(tally, &judged, known);
        all.into_iter()
            .map(|(outcome, reason)| format!("{outcome:?}: {reason}"))
            .collect()
    }

    #[test]
    fn what_k6_calls_well_and_is_not_never_passes() {
        let none: &[(String, String)] = &[];
        let mut tally = Tally::default();
        tally.count(BuiltIn::HttpReqs, 1.0, none);
        tally.count(BuiltIn::Iterations, 1.0, none);
        let quiet = ["Inconclusive: nothing was checked, and there is no threshold"];
        assert_eq!(said(&tally, &[], &Known::default()), quiet);
        let known = Known {
            threw: 1,
            ..Known::default()
        };
        assert!(said(&tally, &[], &known)[0].starts_with("Inconclusive: 1 iterations threw"));
        let known = Known {
            cut_off: 2,
            ..Known::default()
        };
        let mut cut = Tally::default();
        cut.count(BuiltIn::Checks, 1.0, none);
        assert!(said(&cut, &[], &known)[0].contains("all 2 were cut off"));
        let latency = [threshold("p(95)<500", "http_req_duration", Kind::Trend)];
        assert!(said(&tally, &latency, &Known::default())[0].contains("no sample was taken"));
        let count = [threshold("count<1", "http_reqs", Kind::Counter)];
        assert!(said(&tally, &count, &Known::default())[0].starts_with("Fail: the threshold"));

        // What we did ourselves, and what nobody counted, says nothing of what came back.
        for (source, metric, kind) in [
            ("count>0", "iterations", Kind::Counter),
            ("count<10", "http_reqs{name:typo}", Kind::Counter),
            ("p(95)<5000", "iteration_duration", Kind::Trend),
        ] {
            tally.count(BuiltIn::IterationDuration, 1.0, none);
            let said = said(
                &tally,
                &[threshold(source, metric, kind)],
                &Known::default(),
            );
            assert!(
                said[0].contains("no threshold that has samples judges"),
                "{said:?}"
            );
        }
        tally.count(BuiltIn::Checks, 1.0, none);
        assert_eq!(said(&tally, &[], &Known::default()), [""; 0]);
        tally.count(BuiltIn::Checks, 0.0, none);
        let once = Known {
            is_once: true,
            ..Known::default()
        };
        assert_eq!(said(&tally, &[], &once), ["Fail: 1 of 2 checks failed"]);
        assert!(said(&tally, &[], &Known::default())[0].contains("no threshold on `checks`"));
        let checks = [threshold("rate>=0.5", "checks", Kind::Rate)];
        assert_eq!(said(&tally, &checks, &Known::default()), [""; 0]);
    }
}
