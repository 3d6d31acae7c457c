//! Web vitals of a page: when its server answered, when there was something to see, how much it moved, how soon it
//! reacted.
//!
//! Pure: takes what a script of ours saw by `PerformanceObserver`. Definitions: <https://web.dev/articles/vitals> and
//! the specifications of Paint Timing, Largest Contentful Paint, Layout Instability and Event Timing.
//! Invariant: what was not measured is absent, never zero.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Milliseconds within which shifts belong together.
const SHIFT_GAP: f64 = 1_000.0;
/// Milliseconds that a window of shifts lasts at the most.
const SHIFT_WINDOW: f64 = 5_000.0;
/// Of so many interactions one, the slowest, is left out (INP is a high percentile on pages with many).
const INTERACTIONS_PER_OUTLIER: usize = 50;
/// Milliseconds under which the browser tells of no interaction.
const SHORTEST_EVENT: f64 = 16.0;
/// Interactions of one document that are kept.
const INTERACTIONS_MAX: usize = 1_000;

/// What a script of ours saw.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Entry {
    /// The first byte of the document.
    Navigation { at: f64 },
    /// Something to see for the first time.
    Paint { at: f64 },
    /// Something larger to see.
    Largest { at: f64 },
    /// Something moved, and nobody had asked for it.
    Shift { at: f64, by: f64 },
    /// Somebody did something; how long until the page showed it.
    Event { id: u64, lasted: f64 },
    /// Nothing else could be done for so long.
    Task { at: f64, lasted: f64 },
}

/// What was measured of one document.
#[derive(Debug, Default)]
pub struct Vitals {
    ttfb: Option<f64>,
    fcp: Option<f64>,
    lcp: Option<f64>,
    is_observed: bool,
    cls: f64,
    /// The window of shifts that is open: when it began, when it last grew, what it came to.
    window: Option<(f64, f64, f64)>,
    interactions: BTreeMap<u64, f64>,
    has_acted: bool,
    tasks: Vec<(f64, f64)>,
}

impl Vitals {
    /// Another document: nothing is measured of it yet.
    pub(super) fn begin(&mut self) {
        *self = Vitals::default();
    }

    /// Whether the browser has told of something to see, and of the largest of it.
    pub(super) fn has_begun(&self) -> bool {
        self.fcp.is_some() && self.lcp.is_some()
    }

    /// Somebody has done something that the page may react to.
    pub(super) fn acted(&mut self) {
        self.has_acted = true;
    }

    /// Takes one entry, as JSON; what is none is passed over, since a page cannot say it but might try.
    pub(super) fn take(&mut self, payload: &str) {
        let Ok(entry) = serde_json::from_str::<Entry>(payload) else {
            return;
        };
        self.is_observed = true;
        match entry {
            Entry::Navigation { at } => self.ttfb = Some(at),
            Entry::Paint { at } => self.fcp = Some(at),
            Entry::Largest { at } => self.lcp = Some(at),
            Entry::Shift { at, by } => self.shift(at, by),
            Entry::Event { id, lasted } => {
                if self.interactions.len() < INTERACTIONS_MAX || self.interactions.contains_key(&id)
                {
                    let longest = self.interactions.entry(id).or_default();
                    *longest = longest.max(lasted);
                }
            }
            Entry::Task { at, lasted } => {
                if self.tasks.len() < INTERACTIONS_MAX {
                    self.tasks.push((at, lasted));
                }
            }
        }
    }

    fn shift(&mut self, at: f64, by: f64) {
        let (began, sum) = match self.window {
            Some((began, last, sum)) if at - last < SHIFT_GAP && at - began < SHIFT_WINDOW => {
                (began, sum + by)
            }
            _ => (at, by),
        };
        self.window = Some((began, at, sum));
        self.cls = self.cls.max(sum);
    }

    /// Milliseconds from an interaction to what it showed: the slowest, without one of each fifty.
    fn inp(&self) -> Option<f64> {
        let mut all: Vec<f64> = self.interactions.values().copied().collect();
        all.sort_unstable_by(f64::total_cmp);
        let left_out = all.len() / INTERACTIONS_PER_OUTLIER;
        match all.len().checked_sub(1 + left_out) {
            Some(at) => all.get(at).copied(),
            // It was so short that the browser tells nothing of it: shorter than this.
            None => self.has_acted.then_some(SHORTEST_EVENT),
        }
    }

    /// Milliseconds in which the page could not react, after there was something to see.
    fn tbt(&self) -> Option<f64> {
        let from = self.fcp?;
        let blocked = self.tasks.iter().filter(|(at, _)| *at >= from);
        Some(blocked.map(|(_, lasted)| (lasted - 50.0).max(0.0)).sum())
    }

    /// What was measured, by the usual names: `ttfb`, `fcp`, `lcp`, `inp` and `tbt` in milliseconds, and `cls`.
    pub fn values(&self) -> Map<String, Value> {
        let measured = [
            ("ttfb", self.ttfb),
            ("fcp", self.fcp),
            ("lcp", self.lcp),
            ("cls", self.is_observed.then_some(self.cls)),
            ("inp", self.inp()),
            ("tbt", self.tbt()),
        ];
        let rounded = |value: f64| (value * 10_000.0).round() / 10_000.0;
        let measured = measured
            .into_iter()
            .filter_map(|(name, value)| Some((name, rounded(value?))));
        measured
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(entries: &[Value]) -> Vitals {
        let mut vitals = Vitals::default();
        for entry in entries {
            vitals.take(&entry.to_string());
        }
        vitals
    }

    #[test]
    fn what_was_not_measured_is_absent() {
        assert!(Vitals::default().values().is_empty());
        let shown = of(&[json!({"kind": "paint", "at": 90.0})]).values();
        assert_eq!(shown.get("inp"), None);
        assert_eq!(shown["cls"], 0.0);
    }

    #[test]
    fn shifts_within_a_second_are_one_and_a_window_lasts_five() {
        let shift = |at: f64, by: f64| json!({"kind": "shift", "at": at, "by": by});
        assert_eq!(
            of(&[shift(0.0, 0.1), shift(900.0, 0.1), shift(2_500.0, 0.15)]).values()["cls"],
            0.2
        );
        let steady: Vec<Value> = (0..10).map(|n| shift(f64::from(n) * 900.0, 0.1)).collect();
        assert_eq!(of(&steady).values()["cls"], 0.6);
    }

    #[test]
    fn an_interaction_is_its_longest_event_and_one_of_fifty_is_left_out() {
        let event = |id: u64, lasted: f64| json!({"kind": "event", "id": id, "lasted": lasted});
        assert_eq!(
            of(&[event(1, 40.0), event(1, 120.0), event(2, 60.0)]).values()["inp"],
            120.0
        );
        let many: Vec<Value> = (0..50)
            .map(|id| event(id, if id == 7 { 900.0 } else { 48.0 }))
            .collect();
        assert_eq!(of(&many).values()["inp"], 48.0);
    }

    #[test]
    fn an_interaction_that_is_too_short_to_be_told_of_is_no_zero() {
        let mut vitals = of(&[json!({"kind": "paint", "at": 90.0})]);
        vitals.acted();
        assert_eq!(vitals.values()["inp"], 16.0);
    }

    #[test]
    fn only_what_blocks_after_the_first_paint_counts() {
        let task = |at: f64, lasted: f64| json!({"kind": "task", "at": at, "lasted": lasted});
        let vitals = of(&[
            task(10.0, 400.0),
            json!({"kind": "paint", "at": 90.0}),
            task(100.0, 80.0),
        ]);
        assert_eq!(vitals.values()["tbt"], 30.0);
    }

    proptest! {
        #[test]
        fn the_shift_is_never_less_than_the_largest_and_never_more_than_all(
            shifts in prop::collection::vec((0.0..20_000.0_f64, 0.0..1.0_f64), 1..30)
        ) {
            let mut shifts = shifts;
            shifts.sort_by(|a, b| a.0.total_cmp(&b.0));
            let entries: Vec<Value> = shifts.iter().map(|(at, by)| json!({"kind": "shift", "at": at, "by": by})).collect();
            let vitals = of(&entries);
            let all: f64 = shifts.iter().map(|(_, by)| by).sum();
            let largest = shifts.iter().map(|(_, by)| *by).fold(0.0, f64::max);
            prop_assert!(vitals.cls >= largest - 1e-9 && vitals.cls <= all + 1e-9);
        }
    }
}
