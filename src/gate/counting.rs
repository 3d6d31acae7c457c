//! Counters of a Prometheus, asked for while a bake goes on, and judged as a load is.
//!
//! Asks once a scrape, by the clock of Prometheus; what is counted of the answers is pure
//! ([`crate::witness::counters`]), and so is what that comes to ([`crate::objective::blocks`]).
//!
//! Invariant: whoever does not answer, or with nothing, says nothing for the deploy.

use super::context::PhaseContext;
use super::counter_source::{ANSWERS_WITHIN, Source};
use super::prerequisites::means_of;
use crate::clock;
use crate::duration::show;
use crate::load::{Control, Stop};
use crate::net::address::without_credentials;
use crate::objective::Outcome;
use crate::objective::blocks::{Beside, Blocks};
use crate::objective::slot::Count;
use crate::project::counter::Counter;
use crate::record::state::Phase;
use crate::witness::counters::{Closed, Counters, block_of};
use std::time::{Duration, Instant};

/// Scrapes before the bake of which the samples are asked for, too: what targets counted while nobody looked.
const EARLIER_SCRAPES: u32 = 30;
/// Pause before `up` is asked for again at the least.
const ASKED_AGAIN: Duration = Duration::from_secs(1);
/// How often it is asked for at the least, where somebody is missing.
const ASKED_MIN: u32 = 3;
/// Scrapes after the end for which one waits until each target was seen since then.
const LINGERS_SCRAPES: u32 = 4;
/// Time of the gate's budget that is left to whoever comes after.
const SPARED: Duration = Duration::from_secs(2);
/// How far back a bake that goes on can have begun.
const BEFORE_MAX: Duration = Duration::from_secs(6 * 3_600);
/// A clock that is off by no more than this, or a few scrapes, is right.
const CLOCK_OFF_MAX: Duration = Duration::from_secs(10);

/// What some counters came to.
#[derive(Debug)]
pub struct Counted {
    /// Pass, fail or inconclusive.
    pub outcome: Outcome,
    /// Why, with their name.
    pub reason: String,
}

/// Since when one looks, and by which clock.
struct Looking {
    begun: Instant,
    /// How long, in milliseconds.
    length_ms: i64,
    /// When the last load of our own ended, if there was one.
    loaded: Option<Instant>,
    /// What that clock showed first, and when.
    clock: Option<(i64, Instant)>,
}

impl Looking {
    fn since(begun: Instant, length_ms: i64, loaded: Option<Instant>) -> Looking {
        Looking {
            begun,
            length_ms,
            loaded,
            clock: None,
        }
    }

    /// Whether the clock of Prometheus goes on as it did: by one that jumps nothing can be placed.
    fn fits(&mut self, now_ms: i64, asked: Instant, scrape: Duration) -> Result<(), String> {
        let (then_ms, then) = *self.clock.get_or_insert((now_ms, asked));
        let passed = asked.saturating_duration_since(then).as_millis() as i64;
        let off = Duration::from_millis((now_ms - then_ms).abs_diff(passed));
        match off <= CLOCK_OFF_MAX.max(scrape * 3) {
            true => Ok(()),
            false => {
                let off = show(Duration::from_secs(off.as_secs()));
                Err(format!(
                    "its clock is off by {off} from what it showed at first"
                ))
            }
        }
    }
}

impl Source<'_> {
    /// Asks who is there, and again while somebody is missing: he may be about to leave, and an answer may fail once.
    async fn call_the_roll(&self, counters: &mut Counters, last: Instant, over: &Control) {
        let query = counters.attendance_query();
        let pause = self.counter.scrape.max(ASKED_AGAIN);
        let mut asked = 0;
        loop {
            counters.attend(self.attendance(&query).await);
            asked += 1;
            let is_late = Instant::now() + pause > last;
            if !counters.is_anybody_missing() || asked >= ASKED_MIN && is_late {
                return;
            }
            let pause = if is_late { ASKED_AGAIN } else { pause };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = over.stopped() => return,
            }
        }
    }

    /// Asks once, and lets the counters take it: up to which moment they know now.
    async fn poll(
        &self,
        counters: &mut Option<Counters>,
        looking: &mut Looking,
    ) -> Result<i64, String> {
        let asked = Instant::now();
        let deadline = Instant::now() + ANSWERS_WITHIN;
        let now = self.now_ms(deadline).await?;
        looking.fits(now, asked, self.counter.scrape)?;
        let (since, back) = match counters {
            None => {
                let since = asked.saturating_duration_since(looking.begun);
                (since, since + self.counter.scrape * EARLIER_SCRAPES)
            }
            Some(_) => (Duration::ZERO, Duration::ZERO),
        };
        let total = self.samples(&self.total, back, deadline);
        let part = self.samples(&self.part, back, deadline);
        let (total, part) = futures_util::future::try_join(total, part).await?;
        if counters.is_none() {
            let from_ms = now - since.as_millis() as i64;
            let mut begun = self.begin(from_ms).await?;
            if self.counter.bursts {
                begun.expect_bursts();
            }
            if let Some(share) = self.counter.objective.allowed_share() {
                begun.allow(share);
            }
            begun.ends(from_ms + looking.length_ms);
            if let Some(loaded) = looking.loaded {
                // What was sent last may be in the scrape after it.
                let ago = asked.saturating_duration_since(loaded).as_millis() as i64;
                begun.loaded_until(now - ago + self.counter.scrape.as_millis() as i64);
            }
            *counters = Some(begun);
        }
        if let Some(counters) = counters {
            counters.take(&total, &part);
        }
        Ok(now)
    }

    /// Counts until the end of the bake; a proven failure ends it, and so does that of others.
    async fn count(
        &self,
        mut trial: Blocks,
        times: (Instant, Instant, Instant, Option<Instant>),
        over: &Control,
    ) -> (Outcome, String) {
        let (begun, end, last, loaded) = times;
        let length = end.saturating_duration_since(begun);
        let mut looking = Looking::since(begun, length.as_millis() as i64, loaded);
        let mut counters: Option<Counters> = None;
        let (mut trouble, mut answered) = (None, Instant::now());
        while over.asked() == Stop::No {
            let asked = Instant::now();
            let polled = tokio::select! {
                polled = self.poll(&mut counters, &mut looking) => polled,
                () = over.stopped() => break,
            };
            match polled {
                Err(why) => trouble = Some(why),
                Ok(now) => {
                    if let Some(counters) = &mut counters {
                        hand_on(counters.close(now), &mut trial);
                    }
                    (trouble, answered) = (None, asked);
                }
            }
            let sees_most = counters.as_ref().is_some_and(Counters::sees_most);
            if sees_most && trial.is_called(beside(counters.as_ref())) {
                over.stop();
            }
            // Until each target was seen after the end: who died just before it must not look alive.
            let is_seen = answered >= end && !counters.as_ref().is_some_and(Counters::waits);
            if asked >= end && (is_seen || asked >= last) {
                break;
            }
            let mut next = asked + self.counter.scrape;
            if asked < end {
                next = next.min(end);
            }
            tokio::select! {
                () = tokio::time::sleep_until(next.min(last.max(end)).into()) => {}
                () = over.stopped() => {}
            }
        }
        // What was seen counts, whoever did not answer at last.
        if let Some(counters) = &mut counters {
            hand_on(counters.close_all(), &mut trial);
            if over.asked() == Stop::No && !self.counter.unwatched {
                self.call_the_roll(counters, last, over).await;
            }
        }
        let elapsed = begun.elapsed().min(length);
        let mut doubts = match &counters {
            Some(counters) => counters.doubts(elapsed.as_millis() as i64, self.counter.scales),
            None => Vec::new(),
        };
        // What nobody told of after the end, nobody knows of before it.
        let is_over = Instant::now() >= end && over.asked() == Stop::No;
        if let Some(counters) = counters.as_ref().filter(|_| is_over) {
            // One that was stopped was not waited for.
            doubts.extend(counters.unwatched());
            doubts.extend(counters.too_few(self.targets));
        }
        let is_silent = is_over && answered < end;
        if is_over && !is_silent && counters.as_ref().is_some_and(Counters::waits) {
            doubts.push("not every target was seen after the end, and the budget left no time to wait for that".to_owned());
        }
        if is_silent || counters.is_none() || !doubts.is_empty() {
            doubts.extend(trouble);
        }
        if let Some(counters) = &counters
            && let (sum, lost) = (counters.sum(), counters.lost())
            && trial.would_break(sum, lost)
        {
            doubts.push(format!(
                "targets started anew {} times, and the {lost} requests that they may have counted just before are seen by nobody: had these failed, the objective would be broken",
                counters.starts()
            ));
        }
        let (outcome, mut reason) = trial.conclude(&doubts, beside(counters.as_ref()));
        if let Some(counters) = &counters
            && outcome == Outcome::Pass
        {
            reason.push_str(&self.seen_beside(counters));
        }
        (outcome, reason)
    }

    /// What is told beside a pass.
    fn seen_beside(&self, counters: &Counters) -> String {
        let mut seen = match counters.starts() {
            0 => String::new(),
            1 => "; a target started anew".to_owned(),
            times => format!("; targets started anew {times} times"),
        };
        if !counters.has_part() {
            let none = self.part.text();
            seen.push_str(&format!("; no series matched `{none}`"));
        }
        seen
    }

    /// Why nothing could be counted, before anything is measured.
    async fn obstacle(&self) -> Option<String> {
        // One after the other: each has its own time.
        let soon = || Instant::now() + ANSWERS_WITHIN;
        let look = async {
            self.now_ms(soon()).await?;
            self.samples(&self.total, Duration::ZERO, soon()).await?;
            self.samples(&self.part, Duration::ZERO, soon()).await?;
            let metric = &self.total.metric;
            let known = self.number(&format!("count({metric})"), soon()).await?;
            let url = without_credentials(&self.url);
            if !known.is_some_and(|known| known > 0.0) {
                return Err(format!(
                    "{url} knows no `{metric}`: is it scraped, and named so?"
                ));
            }
            if self.counter.unwatched {
                return Ok(());
            }
            let watched = self.number("count(up)", soon()).await?;
            match watched {
                Some(watched) if watched > 0.0 => Ok(()),
                _ => Err(format!(
                    "{url} knows no `up`, by which it is told who hangs: say `unwatched: true` where that is as it should be"
                )),
            }
        };
        look.await.err()
    }
}

/// Lets a trial take blocks that are over.
fn hand_on(blocks: Vec<Option<Closed>>, trial: &mut Blocks) {
    let count = |(requests, bad): (u64, u64)| Count { requests, bad };
    for block in blocks {
        trial.block(block.map(|block| (count(block.sound), count(block.sure))));
    }
}

/// What is known beside what was counted.
fn beside(counters: Option<&Counters>) -> Beside {
    counters.map_or_else(Beside::default, |counters| Beside {
        twice: counters.repeated(),
        unseen: counters.unseen(),
    })
}

/// Counts all counters of a bake at once. `level` is what each may spend of the gate's.
pub async fn count_all(
    context: &PhaseContext<'_>,
    counters: &[Counter],
    level: f64,
    end: Instant,
    over: &Control,
) -> Vec<Counted> {
    if counters.is_empty() {
        return Vec::new();
    }
    let means = match means_of(context, context.environment.tls_files.ca_file.as_deref()) {
        Ok(means) => means,
        Err(reason) => {
            let outcome = Outcome::Inconclusive;
            return vec![Counted { outcome, reason }];
        }
    };
    let redactor = means.redactor();
    // A bake that goes on after a stop of the daemon goes on with what was counted meanwhile, too.
    let state = &context.record.state;
    let entered = clock::now_ms() - state.cut_off_ms.unwrap_or(state.entered_ms);
    let before = Duration::from_millis(entered.max(0).unsigned_abs()).min(BEFORE_MAX);
    let now = Instant::now();
    let begun = now.checked_sub(before).unwrap_or(now);
    let mut loads = state
        .phases
        .iter()
        .filter(|ended| ended.phase == Phase::Load && !context.gate.load.is_empty());
    let loaded = loads.next_back().and_then(|load| {
        let ago = clock::now_ms() - load.ended_ms;
        now.checked_sub(Duration::from_millis(ago.max(0).unsigned_abs()))
    });
    let each = counters.iter().map(|counter| async {
        let length = block_of(counter.scrape);
        let trial = Blocks::new(context.gate.rule, &counter.objective, length, level);
        let (outcome, why) = match Source::new(context, &means, counter) {
            Ok(source) => {
                let last = end + counter.scrape * LINGERS_SCRAPES;
                let last = last.min(context.deadline.checked_sub(SPARED).unwrap_or(end));
                source.count(trial, (begun, end, last, loaded), over).await
            }
            Err(why) => (Outcome::Inconclusive, why),
        };
        // Whatever it is made of, others have had a hand in it.
        let reason = redactor.clean(&format!("counters `{}`: {why}", counter.name));
        Counted { outcome, reason }
    });
    futures_util::future::join_all(each).await
}

/// Which counters could not be counted, before anything is measured.
pub async fn obstacles(context: &PhaseContext<'_>) -> Vec<String> {
    let counters = context.gate.bake.iter().flat_map(|bake| &bake.counters);
    let counters: Vec<&Counter> = counters.collect();
    if counters.is_empty() {
        return Vec::new();
    }
    let means = match means_of(context, context.environment.tls_files.ca_file.as_deref()) {
        Ok(means) => means,
        Err(reason) => return vec![reason],
    };
    let redactor = means.redactor();
    let each = counters.into_iter().map(|counter| async {
        let found = match Source::new(context, &means, counter) {
            Ok(source) => source.obstacle().await,
            Err(why) => Some(why),
        };
        let name = &counter.name;
        found.map(|why| {
            redactor.clean(&format!(
                "the counters `{name}` could not be counted: {why}"
            ))
        })
    });
    let all = futures_util::future::join_all(each).await;
    all.into_iter().flatten().collect()
}
