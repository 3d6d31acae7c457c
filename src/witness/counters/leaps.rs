//! Which steps of a target are too large, or too late, to be blamed on what it did just now.
//!
//! Only reads. Invariant: what is found here takes nothing off what a deploy must show to be promoted.

use super::steps::{FASTER_MAX, Scrape, Steps, YOUNG_MAX};

/// Scrapes after which a target that was not shown was away.
const AWAY_SCRAPES: i64 = 3;

impl Steps {
    /// Whether a target was not shown for a while before a scrape, or never: what it stands at may be of any time.
    pub(super) fn was_away(&self, scrape: &Scrape<'_>) -> bool {
        let shown = self.shown.get(scrape.target);
        let before = shown.and_then(|shown| shown.range(..scrape.at).next_back());
        before.is_none_or(|before| scrape.at - before > AWAY_SCRAPES * scrape.scrape_ms)
    }

    /// Whether a target went further than others do at the scrape before, too.
    pub(super) fn leaps_before(&self, scrape: &Scrape<'_>) -> bool {
        let lately = scrape.at - AWAY_SCRAPES * scrape.scrape_ms..scrape.at;
        let (from, to) = (lately.start, lately.end);
        let target = scrape.target;
        let mut leaps = self
            .leapt
            .range((target.clone(), from)..(target.clone(), to));
        leaps.next().is_some()
    }

    /// How far a target that is known goes from one scrape to the next without anybody wondering.
    pub(super) fn stride(&self) -> f64 {
        let fastest = self.fastest.values().copied().fold(0.0, f64::max);
        (FASTER_MAX * fastest).max(YOUNG_MAX)
    }
}
