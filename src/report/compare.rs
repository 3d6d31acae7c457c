//! What changed since an earlier run, and how certain that is. Pure.
//!
//! Shares are held against one another by the exact conditional test of two binomials: given all bad requests of
//! both runs, how many would fall to the later one by chance. A latency is compared by the share of requests above
//! the p95 that the earlier run had, in classes of ten percent. Invariant: a change is only called worse or better if
//! chance shows it in less than one of a thousand comparisons of like runs, taken together, and it is more than a
//! trifle. Requests that depend on one another make that optimistic, which is said.

use super::columns::{Column, Paint, lines};
use super::style::Style;
use crate::figures::{percent, show_micros};
use crate::objective::binomial::upper_tail;
use crate::run::summary::{StepSummary, Summary};
use crate::watch::rollup::class_of;
use std::collections::BTreeMap;

/// How often like runs may be called different, over all comparisons of a run.
const LEVEL: f64 = 0.001;
/// A latency that is less than that much longer is a trifle.
const TRIFLE: f64 = 1.1;
/// A share of failures that grew by less is a trifle.
const TRIFLE_SHARE: f64 = 0.001;
/// Requests of either run below which nothing is certain.
const REQUESTS_MIN: u64 = 50;

/// The figures that are compared.
const FAILED: &str = "failed";
const P95: &str = "p95";

/// What a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is worse, for certain.
    Worse,
    /// It is better, for certain.
    Better,
    /// It may be chance, or is a trifle.
    Like,
    /// There is too little to tell.
    Unknown,
}

impl Change {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Change::Worse => "worse",
            Change::Better => "better",
            Change::Like => "like before",
            Change::Unknown => "too few to tell",
        }
    }
}

/// One figure, before and now.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The scenario, and the step where it is one of a step.
    pub of: String,
    /// What is compared.
    pub what: &'static str,
    /// Before.
    pub before: String,
    /// Now.
    pub now: String,
    /// What that is.
    pub change: Change,
}

/// Counts of one run: bad ones, and all.
type Counts = (u64, u64);

/// All figures of runs that have an earlier one of the same name.
pub fn compare(before: &[Summary], now: &[Summary]) -> Vec<Row> {
    let pairs: Vec<(&Summary, &Summary)> = now
        .iter()
        .filter_map(|run| {
            Some((
                before.iter().find(|known| known.scenario == run.scenario)?,
                run,
            ))
        })
        .collect();
    let steps: Vec<(&Summary, &StepSummary, &StepSummary)> = pairs
        .iter()
        .flat_map(|(before, now)| {
            let same = |step: &&StepSummary| {
                let known = before
                    .steps
                    .iter()
                    .find(|known| known.name == step.name && known.part == step.part);
                known.map(|known| (*now, known))
            };
            now.steps
                .iter()
                .filter_map(move |step| same(&step).map(|(run, known)| (run, known, step)))
        })
        .collect();
    // Two figures for each step: the level is shared out.
    let level = LEVEL / (2 * steps.len().max(1)) as f64;
    steps
        .iter()
        .flat_map(|(run, known, step)| {
            let of = format!("{} · {}", run.scenario, step.name);
            [
                failures(&of, known, step, level),
                latency(&of, known, step, level),
            ]
        })
        .collect()
}

/// Whether any figure is worse for certain.
pub fn is_regression(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.change == Change::Worse)
}

/// Whether both kinds of figures could be held against one another at all: where they could not, "no regression"
/// says nothing.
pub fn is_measured(rows: &[Row]) -> bool {
    let known = |what: &str| {
        let mut of_it = rows.iter().filter(|row| row.what == what);
        of_it.any(|row| row.change != Change::Unknown)
    };
    known(FAILED) && known(P95)
}

/// What a difference of shares is, if `by_more` says that it is no trifle.
fn judged(before: Counts, now: Counts, level: f64, by_more: impl Fn(f64, f64) -> bool) -> Change {
    if before.1 < REQUESTS_MIN || now.1 < REQUESTS_MIN {
        return Change::Unknown;
    }
    let share = |(bad, all): Counts| bad as f64 / all as f64;
    let bad = before.0 + now.0;
    let all = (before.1 + now.1) as f64;
    let chance = |one: Counts| upper_tail(one.0, bad, one.1 as f64 / all);
    let (was, is) = (share(before), share(now));
    if is > was && by_more(is, was) && chance(now) <= level {
        Change::Worse
    } else if was > is && by_more(was, is) && chance(before) <= level {
        Change::Better
    } else {
        Change::Like
    }
}

fn failures(of: &str, known: &StepSummary, step: &StepSummary, level: f64) -> Row {
    let counts = |step: &StepSummary| (step.core.errors, step.core.requests);
    let shown = |(bad, all): Counts| match all {
        0 => "no request".to_owned(),
        all => format!("{} of {all}", percent(bad as f64 / all as f64)),
    };
    let (before, now) = (counts(known), counts(step));
    Row {
        of: of.to_owned(),
        what: FAILED,
        before: shown(before),
        now: shown(now),
        change: judged(before, now, level, |more, less| more - less > TRIFLE_SHARE),
    }
}

fn above(bands: &BTreeMap<u8, u64>, class: u8) -> Counts {
    let above = bands.iter().filter(|(known, _)| **known > class);
    (above.map(|(_, count)| count).sum(), bands.values().sum())
}

fn latency(of: &str, known: &StepSummary, step: &StepSummary, level: f64) -> Row {
    let p95 = |step: &StepSummary| step.core.latency_us.p95;
    let shown = |step: &StepSummary| match step.core.has_latency() {
        true => show_micros(p95(step) as f64),
        false => "no latency".to_owned(),
    };
    let factor = p95(step).max(1) as f64 / p95(known).max(1) as f64;
    let is_more = factor >= TRIFLE || factor <= 1.0 / TRIFLE;
    // What is slower than nearly all was, and, for what became faster, than nearly all are.
    let at = |one: &StepSummary| {
        let class = class_of(p95(one));
        judged(
            above(&known.bands, class),
            above(&step.bands, class),
            level,
            |_, _| is_more,
        )
    };
    let change = match factor >= 1.0 {
        true => at(known),
        false => at(step),
    };
    Row {
        of: of.to_owned(),
        what: P95,
        before: shown(known),
        now: shown(step),
        change,
    }
}

/// For a terminal.
pub fn text(rows: &[Row], style: Style) -> String {
    if rows.is_empty() {
        return "Nothing to compare: the earlier run has no scenario of these names.\n".to_owned();
    }
    let cells = |cell: &dyn Fn(&Row) -> String| rows.iter().map(cell).collect::<Vec<_>>();
    let painted = rows.iter().map(|row| {
        let paint = match row.change {
            Change::Worse => Paint::Bad,
            Change::Better => Paint::Good,
            Change::Like | Change::Unknown => Paint::Dim,
        };
        (row.change.word().to_owned(), paint)
    });
    let changes = Column {
        is_text: true,
        cells: painted.collect(),
        ..Column::default()
    };
    let columns = vec![
        Column::of("step", 0, cells(&|row| row.of.clone())),
        Column::of("figure", 0, cells(&|row| row.what.to_owned())),
        Column::of("before", 1, cells(&|row| row.before.clone())),
        Column::of("now", 0, cells(&|row| row.now.clone())),
        changes,
    ];
    let mut text = format!("\n{}\n", style.bold("Compared with the earlier run"));
    for line in lines(columns, 2, style) {
        text.push_str(&format!("{line}\n"));
    }
    text.push_str(&style.dim(NOTE));
    text.push('\n');
    text
}

/// What is to be known of the words.
const NOTE: &str = "  Worse and better are certain to one of a thousand, as far as requests do not depend on one another.";

/// For a pull request.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = "\n### Compared with the earlier run\n\n| Step | | Before | Now | |\n|---|---|---:|---:|---|\n".to_owned();
    for row in rows {
        let mark = match row.change {
            Change::Worse => "❌ worse",
            Change::Better => "✅ better",
            other => other.word(),
        };
        let of = super::markdown::cell(&row.of);
        text.push_str(&format!(
            "| {of} | {} | {} | {} | {mark} |\n",
            row.what, row.before, row.now
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_certain_is_called_so_and_nothing_else() {
        let more = |is: f64, was: f64| is - was > TRIFLE_SHARE;
        assert_eq!(judged((0, 1_000), (30, 1_000), 1e-4, more), Change::Worse);
        assert_eq!(judged((30, 1_000), (0, 1_000), 1e-4, more), Change::Better);
        assert_eq!(judged((10, 1_000), (14, 1_000), 1e-4, more), Change::Like);
        assert_eq!(judged((0, 40), (40, 40), 1e-4, more), Change::Unknown);
        assert_eq!(
            judged((0, 10_000_000), (500, 10_000_000), 1e-4, more),
            Change::Like,
            "a trifle"
        );
    }

    proptest! {
        #[test]
        fn before_and_now_are_mirrored(bad in 0_u64..200, also in 0_u64..200, all in 200_u64..2_000, other in 200_u64..2_000) {
            let there = judged((bad, all), (also, other), 1e-4, |_, _| true);
            let back = judged((also, other), (bad, all), 1e-4, |_, _| true);
            let mirrored = match there { Change::Worse => Change::Better, Change::Better => Change::Worse, same => same };
            prop_assert_eq!(back, mirrored);
        }
    }
}
