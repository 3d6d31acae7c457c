//! Counters of a Prometheus as evidence: raw samples in, requests and bad ones of each block of time out.
//!
//! Works on samples, never on `rate()` or `increase()`: these go on answering for minutes after a target
//! has died, extrapolate, and a counter born with its first error increases by nothing. Does not ask, and
//! does not judge.
//!
//! Invariant: nothing that was counted is lost, and nothing is counted twice; what was not scraped is no
//! quiet block; whatever does not fit is a doubt.

use super::selector::Selector;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Blocks of a window at the most: more are no window but a clock that jumped.
const BLOCKS_MAX: i64 = 100_000;
/// Scrapes that may be missing in a row before what was counted meanwhile is not attributed to a time.
const GAP_SCRAPES: i64 = 3;
/// The share of blocks that must have been scraped.
pub const COVERAGE: f64 = 0.9;

/// One series of raw samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Moments in milliseconds since 1970, with what the counter stood at.
    pub points: Vec<(i64, f64)>,
}

/// An answer to `selector[window]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Its series.
    pub series: Vec<Series>,
    /// What it warns of, and samples that are no numbers.
    pub doubts: Vec<String>,
}

/// Understands an answer.
///
/// # Errors
///
/// It is none, it says what is wrong with the question, or it is of native histograms.
pub fn understand(reply: &Value) -> Result<Answer, String> {
    if reply["status"] != "success" {
        return Err(
            match (reply["errorType"].as_str(), reply["error"].as_str()) {
                (Some(kind), Some(error)) => format!("{kind}: {error}"),
                _ => "it is no answer of Prometheus".to_owned(),
            },
        );
    }
    let mut answer = Answer::default();
    for warning in reply["warnings"].as_array().into_iter().flatten() {
        let warning = warning.as_str().unwrap_or("of an unknown kind");
        answer
            .doubts
            .push(format!("an answer came with a warning: {warning}"));
    }
    let result = reply["data"]["result"].as_array();
    for one in result.ok_or("it has no `result`")? {
        let labels = one["metric"].as_object().ok_or("a series has no labels")?;
        if one.get("histograms").is_some() {
            return Err("it is of native histograms, which are no counters".to_owned());
        }
        let points = one["values"].as_array().ok_or("a series has no samples")?;
        let mut series = Series {
            labels: BTreeMap::new(),
            points: Vec::with_capacity(points.len()),
        };
        for (name, value) in labels {
            let value = value.as_str().ok_or("a label is no text")?;
            series.labels.insert(name.clone(), value.to_owned());
        }
        for point in points {
            let at = point[0].as_f64().ok_or("a sample has no time")?;
            let value: f64 = point[1]
                .as_str()
                .and_then(|text| text.parse().ok())
                .ok_or("a sample has no value")?;
            match value.is_finite() && value >= 0.0 {
                true => series.points.push(((at * 1e3).round() as i64, value)),
                false => answer
                    .doubts
                    .push(format!("a sample is {value}, which no counter is")),
            }
        }
        series.points.sort_by_key(|(at, _)| *at);
        answer.series.push(series);
    }
    Ok(answer)
}

/// How bad requests are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Those that failed.
    Bad,
    /// Those that did not: all others are bad.
    Good,
}

/// What is counted, and over which time.
#[derive(Debug, Clone)]
pub struct Counters {
    total: Selector,
    part: (Part, Selector),
    /// From when on, by the clock of Prometheus, in milliseconds since 1970.
    from_ms: i64,
    scrape_ms: i64,
    block_ms: i64,
    /// The last sample of each series: of all requests, and of the part.
    last: [BTreeMap<BTreeMap<String, String>, (i64, f64)>; 2],
    /// The first and the last sample of each target.
    targets: BTreeMap<(String, String), (i64, i64)>,
    /// Names of labels that series have.
    labels: [BTreeSet<String>; 2],
    blocks: BTreeMap<i64, Block>,
    /// Blocks that were handed over.
    closed: i64,
    /// Bad ones that came with no requests yet.
    carried: f64,
    measured: u64,
    /// All requests, and bad ones, of what was handed over.
    sum: (u64, u64),
    resets: u64,
    doubts: BTreeSet<String>,
}

#[derive(Debug, Clone, Default)]
struct Block {
    total: f64,
    part: f64,
    is_scraped: bool,
    is_lost: bool,
}

/// Requests of a block, and bad ones among them.
pub type Counted = (u64, u64);

impl Counters {
    /// Nothing yet. A block is as long as the pause between scrapes, and at least two seconds.
    pub fn new(total: Selector, part: (Part, Selector), from_ms: i64, scrape_ms: i64) -> Counters {
        Counters {
            total,
            part,
            from_ms,
            scrape_ms,
            block_ms: scrape_ms.max(2_000),
            last: Default::default(),
            targets: BTreeMap::new(),
            labels: Default::default(),
            blocks: BTreeMap::new(),
            closed: 0,
            carried: 0.0,
            measured: 0,
            sum: (0, 0),
            resets: 0,
            doubts: BTreeSet::new(),
        }
    }

    /// Takes the samples of all requests and of the part, in which those of earlier answers may stand again.
    pub fn take(&mut self, total: &Answer, part: &Answer) {
        for answer in [total, part] {
            self.doubts.extend(answer.doubts.iter().cloned());
        }
        // A target is known by whatever it was ever seen with, also where the other series was born later.
        for series in total.series.iter().chain(&part.series) {
            let (Some(first), Some(last)) = (series.points.first(), series.points.last()) else {
                continue;
            };
            let known = self
                .targets
                .entry(target(series))
                .or_insert((first.0, last.0));
            *known = (known.0.min(first.0), known.1.max(last.0));
        }
        for (number, answer) in [total, part].into_iter().enumerate() {
            for series in &answer.series {
                self.labels[number].extend(series.labels.keys().cloned());
                self.series(number, series);
            }
        }
    }

    fn series(&mut self, number: usize, series: &Series) {
        let seen = self.targets.get(&target(series)).map(|(first, _)| *first);
        let mut last = self.last[number].get(&series.labels).copied();
        for (at, value) in series.points.iter().copied() {
            if last.is_some_and(|(then, _)| at <= then) {
                continue;
            }
            let since = match last {
                Some(since) => Some(since),
                // Born on a target that was scraped before: it began at nothing. On a new one, nobody
                // knows since when it counts.
                None => {
                    let is_born = seen.is_some_and(|first| first < at);
                    is_born.then_some((at - self.scrape_ms, 0.0))
                }
            };
            self.increase(number, since, (at, value));
            last = Some((at, value));
        }
        if let Some(last) = last {
            self.last[number].insert(series.labels.clone(), last);
        }
    }

    /// One step of one counter.
    fn increase(&mut self, number: usize, since: Option<(i64, f64)>, (at, value): (i64, f64)) {
        if at <= self.from_ms {
            return;
        }
        let place = (at - self.from_ms - 1) / self.block_ms;
        if place > self.closed + BLOCKS_MAX {
            let said = "a sample is of a time that has not come: a clock jumped";
            self.doubts.insert(said.to_owned());
            return;
        }
        // What comes late counts where there is still room: nothing is lost by that.
        let block = self.blocks.entry(place.max(self.closed)).or_default();
        block.is_scraped |= place >= self.closed;
        let Some((then, from)) = since else {
            return;
        };
        if at - then > GAP_SCRAPES * self.scrape_ms.max(1_000) + self.scrape_ms / 2 {
            block.is_lost = true;
            return;
        }
        // Started anew: what it counts now it has counted since.
        let more = if value < from {
            self.resets += u64::from(number == 0);
            value
        } else {
            value - from
        };
        match number {
            0 => block.total += more,
            _ => block.part += more,
        }
    }

    /// Hands over the blocks that are over by a moment of the clock of Prometheus, in order: nothing for
    /// one that was not scraped, or in which samples are missing. A block is over one scrape after its end.
    pub fn close(&mut self, now_ms: i64) -> Vec<Option<Counted>> {
        let mut over = Vec::new();
        let end = (now_ms - self.scrape_ms - self.from_ms).div_euclid(self.block_ms);
        while self.closed < end.min(BLOCKS_MAX) {
            let block = self.blocks.remove(&self.closed).unwrap_or_default();
            self.closed += 1;
            over.push(self.counted(&block));
        }
        over
    }

    fn counted(&mut self, block: &Block) -> Option<Counted> {
        if !block.is_scraped || block.is_lost {
            // Late bad ones of a block that is not there any more are bad all the same.
            self.carried += self.bad(block).max(0.0);
            return None;
        }
        self.measured += 1;
        let requests = block.total.round();
        let pool = self.carried + self.bad(block);
        let bad = pool.round().clamp(0.0, requests);
        self.carried = pool - bad;
        let counted = (requests as u64, bad as u64);
        self.sum = (self.sum.0 + counted.0, self.sum.1 + counted.1);
        Some(counted)
    }

    fn bad(&self, block: &Block) -> f64 {
        match self.part.0 {
            Part::Bad => block.part,
            Part::Good => block.total - block.part,
        }
    }

    /// Requests and bad ones of all that was handed over.
    pub fn sum(&self) -> Counted {
        self.sum
    }

    /// How often a counter started anew.
    pub fn resets(&self) -> u64 {
        self.resets
    }

    /// Length of a block in milliseconds.
    pub fn block_ms(&self) -> i64 {
        self.block_ms
    }

    /// Whether any series of the part was seen.
    pub fn has_part(&self) -> bool {
        !self.last[1].is_empty()
    }

    /// Why what was counted in so much time is not to be relied on. `may_leave` says that targets come and go.
    pub fn doubts(&self, elapsed_ms: i64, may_leave: bool) -> Vec<String> {
        let mut doubts: Vec<String> = self.doubts.iter().cloned().collect();
        if self.last[0].is_empty() {
            doubts.push(format!(
                "`{}` has no series: it is not scraped, or not named so",
                self.total.text()
            ));
            return doubts;
        }
        let expected = ((elapsed_ms - 2 * self.scrape_ms) / self.block_ms).max(1);
        if (self.measured as f64) < COVERAGE * expected as f64 {
            doubts.push(format!(
                "{} of {expected} blocks of {} were scraped: is that the pause between scrapes?",
                self.measured,
                crate::duration::show(std::time::Duration::from_millis(self.block_ms as u64)),
            ));
        }
        if self.carried.abs() >= 1.0 {
            doubts.push(match self.part.0 {
                Part::Bad => format!(
                    "{:.0} more bad requests than requests: `{}` counts what `{}` does not",
                    self.carried,
                    self.part.1.text(),
                    self.total.text()
                ),
                Part::Good => format!(
                    "{:.0} more good requests than requests: `{}` counts what `{}` does not",
                    self.carried.abs(),
                    self.part.1.text(),
                    self.total.text()
                ),
            });
        }
        doubts.extend(self.unknown_labels());
        let newest = self.targets.values().map(|(_, last)| *last).max();
        let gone = self.targets.iter().filter(|(_, (_, last))| {
            newest.is_some_and(|newest| newest - last > GAP_SCRAPES * self.scrape_ms)
        });
        let gone: Vec<String> = gone.map(|(target, _)| named(target)).collect();
        if !gone.is_empty() && !may_leave {
            doubts.push(format!(
                "{} {} not scraped any more, and nobody knows what it counted at last; where targets come and go, say `scales: true`",
                gone.join(", "),
                if gone.len() == 1 { "is" } else { "are" },
            ));
        }
        doubts
    }

    /// Labels that are asked for, and that no series has: a counter by a label that is not there counts
    /// nothing, or everything.
    fn unknown_labels(&self) -> Vec<String> {
        let (part, selector) = &self.part;
        let is_same = selector.metric == self.total.metric;
        if !is_same && self.last[1].is_empty() {
            return vec![format!(
                "`{}` has no series: a counter that is born with its first error cannot be told from one that is not there; expose it from 0, or ask for `{}` with a label",
                selector.text(),
                self.total.metric
            )];
        }
        if *part == Part::Good && self.last[1].is_empty() {
            return vec![format!(
                "`{}` has no series: nothing shows which requests are good",
                selector.text()
            )];
        }
        let seen = |name: &&str| {
            self.labels[usize::from(!is_same)].contains(*name) || self.labels[1].contains(*name)
        };
        let unknown = selector.labels().filter(|name| !seen(name));
        unknown
            .map(|name| {
                format!(
                    "no series of `{}` has a label `{name}`, which `{}` asks for",
                    if is_same {
                        &self.total.metric
                    } else {
                        &selector.metric
                    },
                    selector.text()
                )
            })
            .collect()
    }
}

/// What a series was scraped from.
fn target(series: &Series) -> (String, String) {
    let label = |name: &str| series.labels.get(name).cloned().unwrap_or_default();
    (label("job"), label("instance"))
}

fn named((job, instance): &(String, String)) -> String {
    match (job.as_str(), instance.as_str()) {
        ("", "") => "what was counted".to_owned(),
        ("", instance) => format!("`{instance}`"),
        (job, "") => format!("`{job}`"),
        (job, instance) => format!("`{instance}` of `{job}`"),
    }
}

#[cfg(test)]
#[path = "counters_tests.rs"]
mod tests;
