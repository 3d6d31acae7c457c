//! Several runs of Lighthouse: which of them count, what is in their middle, and what that comes to.
//!
//! A run counts if Lighthouse computed what is wanted of it, and the machine was not much slower meanwhile than in the
//! others. Invariant: the order of runs changes nothing.

use super::limits::{Bound, Limit, Of};
use super::report::Report;
use crate::witness::said::Said;
use serde_json::{Map, Value, json};

/// How slow the machine may be beside the median of the set, as a share.
const SLOWEST: f64 = 0.7;
/// Points by which scores of the same page swing: so close to its limit, a set says too little.
pub const SWING: f64 = 4.0;
/// Why there is no report, where that is the page's own doing.
const DEAD: [&str; 8] = [
    "CHROME_INTERSTITIAL_ERROR",
    "ERRORED_DOCUMENT_REQUEST",
    "FAILED_DOCUMENT_REQUEST",
    "INSECURE_DOCUMENT_REQUEST",
    "NOT_HTML",
    "NO_FCP",
    "NO_LCP",
    "PAGE_HUNG",
];

/// Runs that count.
#[derive(Debug)]
pub struct Set<'a> {
    counted: Vec<&'a Report>,
    /// Why others do not.
    pub void: Vec<String>,
}

impl<'a> Set<'a> {
    /// Those of these runs that count.
    pub fn of(reports: &'a [Report], limits: &[Limit]) -> Set<'a> {
        let sound = reports.iter().filter(|report| report.error.is_none());
        let usual = middle(sound.map(|report| report.benchmark).collect());
        let mut set = Set {
            counted: Vec::new(),
            void: Vec::new(),
        };
        for report in reports {
            match why_void(report, limits, usual.unwrap_or_default()) {
                Some(why) => set.void.push(why),
                None => set.counted.push(report),
            }
        }
        set
    }

    /// How many count.
    pub fn len(&self) -> usize {
        self.counted.len()
    }

    /// Whether none counts.
    pub fn is_empty(&self) -> bool {
        self.counted.is_empty()
    }

    fn values(&self, limit: &Limit) -> Vec<f64> {
        let values = self.counted.iter().filter_map(|report| limit.value(report));
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        values
    }

    /// The value that is judged.
    fn judged(&self, limit: &Limit) -> Option<f64> {
        let values = self.values(limit);
        let (least, most) = (values.first().copied(), values.last().copied());
        match (limit.of, limit.is_most()) {
            (Of::Median, _) => middle(values),
            (Of::Typical, _) => limit.value(self.typical()?),
            (Of::Best, true) | (Of::Worst, false) => least,
            (Of::Best, false) | (Of::Worst, true) => most,
        }
    }

    /// The run that is nearest to the medians of first contentful paint and time to interactive, as Lighthouse's own
    /// tool chooses the one that it shows.
    pub fn typical(&self) -> Option<&'a Report> {
        let both = ["first-contentful-paint", "interactive"];
        let medians = both.map(|name| {
            let values = self.counted.iter().filter_map(|report| report.value(name));
            middle(values.collect()).unwrap_or_default()
        });
        let distance = |report: &&&Report| {
            let squares = both.iter().zip(medians).map(|(name, median)| {
                let by = report.value(name).unwrap_or(f64::MAX.sqrt()) - median;
                by * by
            });
            squares.sum::<f64>()
        };
        let nearest = self
            .counted
            .iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.copied()
    }

    /// Whether what falls short may be otherwise in the next set: it is missed by no more than scores swing.
    pub fn is_close(&self, limits: &[Limit]) -> bool {
        let mut misses = limits
            .iter()
            .filter(|limit| !limit.only_warns)
            .filter_map(|limit| Some((limit, self.judged(limit)?)))
            .filter(|(limit, value)| !limit.holds(*value))
            .peekable();
        let is_near = |(limit, value): (&Limit, f64)| match limit.bound {
            Bound::Points(least) => least - value <= SWING,
            Bound::Most(_) | Bound::Items(_) => false,
        };
        misses.peek().is_some() && misses.all(is_near)
    }
}

fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => values.get(half).copied(),
        _ => Some(f64::midpoint(*values.get(half - 1)?, *values.get(half)?)),
    }
}

fn why_void(report: &Report, limits: &[Limit], usual: f64) -> Option<String> {
    if let Some((code, words)) = &report.error {
        return Some(format!("{code}: {words}"));
    }
    if let Some(limit) = limits.iter().find(|limit| limit.value(report).is_none()) {
        return Some(format!("it says nothing of `{}`", limit.name()));
    }
    (report.benchmark < usual * SLOWEST).then(|| {
        format!(
            "the machine was slower than in the others (benchmark index {:.0}, usual {usual:.0})",
            report.benchmark
        )
    })
}

/// What runs come to: `runs` of them were asked for. `is_warm` tells that the cache was warm.
pub fn judge(reports: &[Report], limits: &[Limit], runs: usize, is_warm: bool) -> Said {
    let set = Set::of(reports, limits);
    let mut said = Said::default();
    said.value("quality", values(&set, limits, reports.len(), is_warm));
    let dead = reports.iter().filter_map(|report| report.error.as_ref());
    let dead: Vec<&(String, String)> = dead
        .filter(|(code, _)| DEAD.contains(&code.as_str()))
        .collect();
    // Once may be chance; where most of the runs find none, there is no page.
    if let Some((code, words)) = dead.first()
        && dead.len() * 2 > reports.len()
    {
        said.objections
            .push(format!("there is no page to measure: {code}: {words}"));
        return said;
    }
    if set.len() < runs {
        let why = set
            .void
            .first()
            .map(|why| format!(": {why}"))
            .unwrap_or_default();
        said.doubts.push(format!(
            "{} of {runs} runs of Lighthouse count{why}",
            set.len()
        ));
        return said;
    }
    for limit in limits {
        let held = set.judged(limit).is_some_and(|value| limit.holds(value));
        match (held, limit.only_warns) {
            (true, _) => {}
            (false, true) => said.warnings.push(missed(&set, limit)),
            (false, false) => said.objections.push(missed(&set, limit)),
        }
    }
    said
}

fn missed(set: &Set<'_>, limit: &Limit) -> String {
    let name = limit.name();
    let values = set.values(limit);
    let all = values
        .iter()
        .map(|value| number(*value))
        .collect::<Vec<_>>();
    let value = set
        .judged(limit)
        .map_or_else(|| "not measured".to_owned(), number);
    let of = match limit.of {
        Of::Median => "the median of",
        Of::Typical => "the typical one of",
        Of::Best => "the best of",
        Of::Worst => "the worst of",
    };
    let wanted = match limit.bound {
        Bound::Points(least) => format!("at least {}", number(least)),
        Bound::Most(most) => format!("at most {}", number(most)),
        Bound::Items(most) => format!("at most {most} found"),
    };
    let why = set
        .typical()
        .map(|report| reasons(report, name))
        .unwrap_or_default();
    format!(
        "{name} is {value} ({of} {}), expected {wanted}{why}",
        all.join(", ")
    )
}

/// What costs a category the most points.
fn reasons(report: &Report, category: &str) -> String {
    let Some(category) = report.categories.get(category) else {
        return String::new();
    };
    let lost = category.weights.iter().filter_map(|(name, weight)| {
        let audit = report.audits.get(name)?;
        let lost = (1.0 - audit.score?) * weight;
        let shown = match audit.shown.is_empty() {
            true => name.clone(),
            false => format!("{name} {}", audit.shown),
        };
        (lost > 0.0).then_some((lost, shown))
    });
    let mut lost: Vec<(f64, String)> = lost.collect();
    lost.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names: Vec<String> = lost.into_iter().take(4).map(|(_, shown)| shown).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("; what costs the most: {}", names.join(", ")),
    }
}

fn number(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    format!("{rounded}")
}

/// What checks can look at: the middle of each category and audit, and how it was measured.
fn values(set: &Set<'_>, limits: &[Limit], all: usize, is_warm: bool) -> Value {
    let mut told = Map::new();
    let Some(typical) = set.typical() else {
        return Value::Object(told);
    };
    for name in typical.categories.keys() {
        let points = set.counted.iter().filter_map(|report| report.points(name));
        let points: Vec<f64> = points.collect();
        if let Some(median) = middle(points) {
            told.insert(name.clone(), json!(median));
        }
    }
    let audits = typical
        .audits
        .iter()
        .filter(|(_, audit)| audit.value.is_some());
    let audits = audits.filter_map(|(name, _)| {
        let values = set.counted.iter().filter_map(|report| report.value(name));
        Some((name.clone(), json!(middle(values.collect())?)))
    });
    told.insert("audits".to_owned(), Value::Object(audits.collect()));
    let swings = limits.iter().map(|limit| {
        let values = set.values(limit);
        let by = values
            .last()
            .zip(values.first())
            .map(|(most, least)| most - least);
        (limit.name().to_owned(), json!(by))
    });
    told.insert("swing".to_owned(), Value::Object(swings.collect()));
    told.insert("runs".to_owned(), json!(set.len()));
    told.insert("void".to_owned(), json!(all - set.len()));
    told.insert("warm".to_owned(), json!(is_warm));
    told.insert("version".to_owned(), json!(typical.version));
    told.insert("form".to_owned(), json!(typical.form));
    told.insert("throttling".to_owned(), json!(typical.throttling));
    Value::Object(told)
}

/// The evidence: every run with its scores, and the typical one with what it looked at.
pub fn evidence(reports: &[Report], limits: &[Limit]) -> Value {
    let set = Set::of(reports, limits);
    let run = |report: &Report| {
        let scores = report
            .categories
            .keys()
            .map(|name| (name.clone(), json!(report.points(name))));
        json!({
            "scores": scores.collect::<Map<_, _>>(),
            "benchmark": report.benchmark, "error": report.error.as_ref().map(|(code, _)| code),
            "warnings": report.warnings, "counted": set.counted.iter().any(|counted| std::ptr::eq(*counted, report)),
        })
    };
    let audits = set.typical().map(|typical| {
        let audits = typical
            .audits
            .iter()
            .filter(|(_, audit)| audit.score.is_some() || audit.value.is_some());
        let told = audits.map(|(name, audit)| {
            (
                name.clone(),
                json!({"score": audit.score, "value": audit.value, "shown": audit.shown}),
            )
        });
        told.collect::<Map<_, _>>()
    });
    let about = set.typical().map(|typical| {
        json!({"lighthouse": typical.version, "url": typical.url, "form": typical.form, "throttling": typical.throttling})
    });
    json!({"about": about, "runs": reports.iter().map(run).collect::<Vec<_>>(), "void": set.void, "audits": audits})
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn run(points: f64, benchmark: f64) -> Report {
        let category = crate::quality::report::Category {
            score: Some(points / 100.0),
            weights: vec![("largest-contentful-paint".to_owned(), 25.0)],
        };
        let paint = crate::quality::report::Audit {
            score: Some(0.5),
            value: Some(5_000.0 - points * 30.0),
            items: None,
            shown: "2.6 s".to_owned(),
        };
        Report {
            version: "12.2.3".to_owned(),
            benchmark,
            categories: BTreeMap::from([("performance".to_owned(), category)]),
            audits: BTreeMap::from([("largest-contentful-paint".to_owned(), paint)]),
            ..Report::default()
        }
    }

    fn dead(code: &str) -> Report {
        Report {
            error: Some((code.to_owned(), "in its words".to_owned())),
            ..run(0.0, 2_000.0)
        }
    }

    fn runs(points: &[f64]) -> Vec<Report> {
        points.iter().map(|points| run(*points, 2_000.0)).collect()
    }

    #[test]
    fn the_median_is_judged_and_its_miss_is_explained() {
        let wanted = [Limit::points("performance", 90.0)];
        let good = judge(&runs(&[84.0, 91.0, 95.0]), &wanted, 3, false);
        assert!(good.objections.is_empty() && good.doubts.is_empty());
        assert_eq!(good.values["quality"]["performance"], 91.0);
        assert_eq!(good.values["quality"]["swing"]["performance"], 11.0);
        let bad = judge(&runs(&[84.0, 95.0, 88.0]), &wanted, 3, false);
        assert_eq!(
            bad.objections,
            [
                "performance is 88 (the median of 84, 88, 95), expected at least 90; what costs the most: largest-contentful-paint 2.6 s"
            ]
        );
        let most = [Limit::most("largest-contentful-paint", 2_500.0)];
        let slow = judge(&runs(&[80.0, 81.0, 82.0]), &most, 3, false);
        assert_eq!(
            slow.objections,
            [
                "largest-contentful-paint is 2570 (the median of 2540, 2570, 2600), expected at most 2500"
            ]
        );
    }

    #[test]
    fn other_tools_may_take_the_best_the_worst_or_the_typical_run() {
        let of = |of: Of| Limit {
            of,
            ..Limit::points("performance", 90.0)
        };
        let all = runs(&[80.0, 85.0, 95.0]);
        let holds = |how: Of| judge(&all, &[of(how)], 3, false).objections.is_empty();
        assert_eq!(
            [Of::Best, Of::Worst, Of::Median, Of::Typical].map(holds),
            [true, false, false, false]
        );
    }

    #[test]
    fn too_few_runs_that_count_say_nothing() {
        let wanted = [Limit::points("performance", 90.0)];
        let mut slow = runs(&[95.0, 95.0]);
        slow.push(run(50.0, 900.0));
        let said = judge(&slow, &wanted, 3, false);
        assert!(said.objections.is_empty());
        assert_eq!(
            said.doubts,
            [
                "2 of 3 runs of Lighthouse count: the machine was slower than in the others (benchmark index 900, usual 2000)"
            ]
        );
        let said = judge(
            &[dead("PROTOCOL_TIMEOUT"), dead("PROTOCOL_TIMEOUT")],
            &wanted,
            3,
            false,
        );
        assert_eq!(
            said.doubts,
            ["0 of 3 runs of Lighthouse count: PROTOCOL_TIMEOUT: in its words"]
        );
        let mut nothing = run(95.0, 2_000.0);
        nothing.categories.clear();
        let said = judge(&[nothing], &wanted, 1, false);
        assert_eq!(
            said.doubts,
            ["0 of 1 runs of Lighthouse count: it says nothing of `performance`"]
        );
    }

    #[test]
    fn a_page_that_is_not_there_fails() {
        let wanted = [Limit::points("performance", 90.0)];
        let said = judge(
            &[dead("NO_FCP"), dead("NO_FCP"), run(95.0, 2_000.0)],
            &wanted,
            3,
            false,
        );
        assert_eq!(
            said.objections,
            ["there is no page to measure: NO_FCP: in its words"]
        );
        let said = judge(
            &[dead("NO_FCP"), run(95.0, 2_000.0), run(95.0, 2_000.0)],
            &wanted,
            2,
            false,
        );
        assert!(said.objections.is_empty() && said.doubts.is_empty());
    }

    #[test]
    fn only_what_is_missed_by_less_than_scores_swing_is_close() {
        let wanted = [
            Limit::points("performance", 90.0),
            Limit::most("largest-contentful-paint", 9_000.0),
        ];
        let close = |points: f64| {
            let all = runs(&[points; 3]);
            Set::of(&all, &wanted).is_close(&wanted)
        };
        assert_eq!(
            [85.0, 86.0, 89.0, 90.0].map(close),
            [false, true, true, false]
        );
        let tight = [
            Limit::points("performance", 90.0),
            Limit::most("largest-contentful-paint", 1.0),
        ];
        assert!(!Set::of(&runs(&[89.0; 3]), &tight).is_close(&tight));
    }

    proptest! {
        #[test]
        fn the_order_of_runs_changes_nothing(points in proptest::collection::vec(0.0..100.0_f64, 1..9), by in 0..8_usize) {
            let wanted = [Limit::points("performance", 50.0)];
            let all = runs(&points);
            let mut turned = all.clone();
            turned.rotate_left(by % points.len());
            let (one, other) = (judge(&all, &wanted, 3, false), judge(&turned, &wanted, 3, false));
            prop_assert_eq!(one.values["quality"]["performance"].clone(), other.values["quality"]["performance"].clone());
            prop_assert_eq!(one.doubts.is_empty(), other.doubts.is_empty());
            prop_assert_eq!(one.objections.is_empty(), other.objections.is_empty());
        }
    }
}
