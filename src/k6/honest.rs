//! What a script's run comes to where nothing may pass that was not measured.
//!
//! k6 says that all is well when every check, every iteration or every request failed, and when a threshold has
//! no samples. Here these never pass. Pure.

use super::metric::BuiltIn;
use super::summary::Judged;
use super::tally::{Tally, Value};
use super::threshold::Aggregate;
use crate::objective::Outcome;
use std::collections::BTreeMap;

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
        } else if let Some(reason) = never_held(tally) {
            against.push((Outcome::Inconclusive, reason));
        }
    }
    against
}

/// Which checks never held, in a sentence; nothing where each did.
fn never_held(tally: &Tally) -> Option<String> {
    let never = tally.checks.iter().filter(|check| check.passes == 0);
    let (count, all) = (never.clone().count(), tally.checks.len());
    let shown = never
        .take(SHOWN_MAX)
        .map(|check| format!("`{}`", check.name));
    let shown = shown.collect::<Vec<_>>().join(", ");
    (count > 0).then(|| format!("{count} of {all} checks never held: {shown}"))
}

/// Checks whose names are shown.
const SHOWN_MAX: usize = 3;

/// How many failed checks thresholds are about, at least. Parts that are told apart by the same tags do not overlap and add
/// up; of others nobody knows how far they do, and only the largest counts.
fn covered(judged: &[Judged], tally: &Tally) -> u64 {
    let mut parts: BTreeMap<Vec<&str>, BTreeMap<Vec<&str>, u64>> = BTreeMap::new();
    for one in judged.iter().filter(|one| one.key.metric == "checks") {
        if let Some(Value::Rate { passes, total }) = tally.value(&one.key) {
            let (names, values) = one
                .key
                .tags
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .unzip();
            let part = parts.entry(names).or_default();
            part.insert(values, total - passes);
        }
    }
    let sums = parts.values().map(|part| part.values().sum());
    sums.max().unwrap_or(0)
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

    #[test]
    fn parts_that_overlap_are_about_fewer_failures_than_their_sum() {
        let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let counted = |parts: &[&str]| {
            let mut tally = Tally::default();
            let parts = parts.iter();
            let parts: Vec<_> = parts
                .map(|part| threshold("rate>=0", part, Kind::Rate))
                .collect();
            for (source, key, _) in &parts {
                tally.watch(source, key);
            }
            for (holds, check, kind) in [(1.0, "a", "x"), (0.0, "a", "x"), (0.0, "b", "y")] {
                let tags = [("check", check), ("kind", kind)].map(text);
                tally.count(BuiltIn::Checks, holds, &tags[..]);
            }
            covered(&judge(&parts, &tally, 1.0), &tally)
        };
        assert_eq!(counted(&[]), 0);
        assert_eq!(counted(&["checks{check:a}"]), 1);
        assert_eq!(
            counted(&["checks{check:a}", "checks{kind:x}"]),
            1,
            "the same failure"
        );
        assert_eq!(counted(&["checks{check:a}", "checks{check:a}"]), 1);
        assert_eq!(counted(&["checks{check:a}", "checks{check:b}"]), 2);
        assert_eq!(counted(&["checks", "checks{kind:x}"]), 2);
    }
}
