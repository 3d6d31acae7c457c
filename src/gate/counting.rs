//! Counters of a Prometheus, asked for while a bake goes on, and judged as a load is.
//!
//! Asks once a scrape, by the clock of Prometheus; what is counted of the answers is pure
//! ([`crate::witness::counters`]), and so is what that comes to ([`crate::objective::blocks`]).
//!
//! Invariant: whoever does not answer, or with nothing, says nothing for the deploy.

use super::context::PhaseContext;
use super::prerequisites::means_of;
use crate::clock;
use crate::delivery::means::Means;
use crate::duration::show;
use crate::limits::ANSWER_BYTES_MAX;
use crate::load::{Control, Stop};
use crate::net::address::without_credentials;
use crate::net::client::{self, bearer};
use crate::net::connect::Connector;
use crate::objective::Outcome;
use crate::objective::blocks::Blocks;
use crate::objective::slot::Count;
use crate::project::counter::Counter;
use crate::record::gate::inputs;
use crate::secret::start_of;
use crate::witness::counters::{Counters, block_of};
use crate::witness::samples::{Answer, SECONDS, understand, understand_last};
use crate::witness::selector::Selector;
use crate::witness::series;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Time for all answers of one scrape.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// Scrapes of which the samples are asked for each time: a Prometheus that is away for less loses nothing.
const WINDOW_SCRAPES: u32 = 10;
/// Scrapes before the bake of which the samples are asked for, too: what targets counted while nobody looked.
const EARLIER_SCRAPES: u32 = 30;
/// Pause before `up` is asked for again at the least.
const ASKED_AGAIN: Duration = Duration::from_secs(1);
/// How often it is asked for at the least, where somebody is missing.
const ASKED_MIN: u32 = 3;
/// How far one looks back for targets that were away when the bake began.
const LOOK_BACK: &str = "1h";
/// Scrapes after the end for which one waits until each target was seen since then.
const LINGERS_SCRAPES: u32 = 4;
/// Time of the gate's budget that is left to whoever comes after.
const SPARED: Duration = Duration::from_secs(2);
/// How far back a bake that goes on can have begun.
const BEFORE_MAX: Duration = Duration::from_secs(6 * 3_600);
/// A clock that is off by no more than this, or a few scrapes, is right.
const CLOCK_OFF_MAX: Duration = Duration::from_secs(10);
/// Characters of a body that is no answer.
const SHOWN: usize = 200;

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
    /// What that clock showed first, and when.
    clock: Option<(i64, Instant)>,
}

impl Looking {
    fn since(begun: Instant, length_ms: i64) -> Looking {
        Looking {
            begun,
            length_ms,
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

/// Counters with everything filled in.
struct Source<'a> {
    counter: &'a Counter,
    connector: &'a Connector,
    url: String,
    headers: HeaderMap,
    total: Selector,
    part: Selector,
    /// How many targets there are at the least.
    targets: usize,
}

impl<'a> Source<'a> {
    fn new(
        context: &PhaseContext<'_>,
        means: &'a Means,
        counter: &'a Counter,
    ) -> Result<Source<'a>, String> {
        let facts = inputs(context.record);
        let fill =
            |template: &_| Ok::<_, String>(means.fill(template, &facts)?.expose().to_owned());
        let mut headers = HeaderMap::new();
        for (name, value) in &counter.headers {
            let value = HeaderValue::try_from(fill(value)?);
            let (Ok(name), Ok(value)) = (HeaderName::try_from(name), value) else {
                return Err(format!("the header `{name}` cannot be sent"));
            };
            headers.insert(name, value);
        }
        if let Some(token) = &counter.bearer {
            headers.insert(http::header::AUTHORIZATION, bearer(&fill(token)?)?);
        }
        let (total, part) = counter.selectors(fill)?;
        let targets = match &counter.targets {
            Some(targets) => whole(&fill(targets)?)?,
            None => 0,
        };
        Ok(Source {
            counter,
            connector: &means.connector,
            url: fill(&counter.url)?.trim_end_matches('/').to_owned(),
            headers,
            total,
            part,
            targets,
        })
    }

    async fn ask(&self, query: &str, deadline: Instant) -> Result<Value, String> {
        self.ask_at(query, "", deadline).await
    }

    /// `at` is a further parameter, which says for which moment one asks.
    async fn ask_at(&self, query: &str, at: &str, deadline: Instant) -> Result<Value, String> {
        let text = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let address = format!("{}/api/v1/query?query={text}{at}", self.url);
        let headers = self.headers.clone();
        let left = deadline.saturating_duration_since(Instant::now());
        let sent = client::get(self.connector, &address, headers, left, ANSWER_BYTES_MAX);
        let url = without_credentials(&self.url);
        let reply = sent.await;
        let reply = reply.map_err(|fault| format!("{url} did not answer: {fault}"))?;
        let status = reply.status.as_u16();
        let is_refused = matches!(status, 401 | 403 | 407) && !self.headers.is_empty();
        // What is wrong with a question stands in a body of JSON, too.
        match serde_json::from_slice::<Value>(&reply.body) {
            Ok(value) if status < 300 || value["status"] == "error" && !is_refused => Ok(value),
            _ if !self.headers.is_empty() => {
                // Whoever refuses credentials may show them, in a form that nobody knows.
                let length = reply.body.len();
                Err(format!("{url} answered {status} with {length} bytes"))
            }
            _ => {
                let start = start_of(&String::from_utf8_lossy(&reply.body), SHOWN);
                Err(format!("{url} answered {status} with {start:?}"))
            }
        }
    }

    /// The samples of a selector over the last scrapes, and so much time before.
    async fn samples(
        &self,
        selector: &Selector,
        back: Duration,
        deadline: Instant,
    ) -> Result<Answer, String> {
        let window = self.counter.scrape.max(Duration::from_secs(1)) * WINDOW_SCRAPES + back;
        let query = format!("{}[{}s]", selector.text(), window.as_secs());
        let answer = understand(&self.ask(&query, deadline).await?);
        answer.map_err(|why| format!("`{}`: {why}", selector.text()))
    }

    /// Counters from the beginning of the bake on, with what was seen before it.
    async fn begin(&self, from_ms: i64) -> Result<Counters, String> {
        let deadline = Instant::now() + ANSWERS_WITHIN;
        let at = format!("&time={}.{:03}", from_ms / 1_000, from_ms % 1_000);
        let stood = async |selector: &Selector| {
            let query = format!("last_over_time({}[{LOOK_BACK}])", selector.text());
            let answer = understand_last(self.ask_at(&query, &at, deadline).await?);
            answer.map_err(|why| format!("`{query}`: {why}"))
        };
        let (total, part) = (stood(&self.total), stood(&self.part));
        let (total, part) = futures_util::future::try_join(total, part).await?;
        let asked = (self.counter.part.0, self.part.clone());
        let mut counters = Counters::new(self.total.clone(), asked, from_ms, self.counter.scrape);
        counters.look_back(&total, &part);
        Ok(counters)
    }

    /// Who is to be scraped, and who of these answers.
    async fn attendance(&self, query: &str) -> Result<Answer, String> {
        let deadline = Instant::now() + ANSWERS_WITHIN;
        understand_last(self.ask(query, deadline).await?)
    }

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

    /// One number.
    async fn number(&self, query: &str, deadline: Instant) -> Result<Option<f64>, String> {
        let reply = self.ask(query, deadline).await?;
        let said = series::understand(&reply, series::Empty::Doubt, None);
        let said = said.map_err(|why| format!("`{query}`: {why}"))?;
        Ok(said.values.get("value").and_then(Value::as_f64))
    }

    /// What the clock of Prometheus shows, in milliseconds since 1970.
    async fn now_ms(&self, deadline: Instant) -> Result<i64, String> {
        let seconds = self.number("time()", deadline).await?;
        let seconds = seconds.filter(|seconds| SECONDS.contains(seconds));
        Ok((seconds.ok_or("it does not tell what time it is")? * 1e3) as i64)
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
            begun.ends(from_ms + looking.length_ms);
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
        times: (Instant, Instant, Instant),
        over: &Control,
    ) -> (Outcome, String) {
        let (begun, end, last) = times;
        let length = end.saturating_duration_since(begun);
        let mut looking = Looking::since(begun, length.as_millis() as i64);
        let mut counters: Option<Counters> = None;
        let (mut trouble, mut answered) = (None, Instant::now());
        let take = |trial: &mut Blocks, blocks: Vec<Option<(u64, u64)>>| {
            for block in blocks {
                trial.block(block.map(|(requests, bad)| Count { requests, bad }));
            }
        };
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
                        take(&mut trial, counters.close(now));
                    }
                    (trouble, answered) = (None, asked);
                }
            }
            if trial.is_called() {
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
            take(&mut trial, counters.close_all());
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
        let twice = counters.as_ref().map_or((0, 0), Counters::repeated);
        let (outcome, mut reason) = trial.conclude(&doubts, twice);
        if let Some(counters) = &counters
            && outcome == Outcome::Pass
        {
            match counters.starts() {
                0 => {}
                1 => reason.push_str("; a target started anew"),
                times => reason.push_str(&format!("; targets started anew {times} times")),
            }
            if !counters.has_part() {
                let none = self.part.text();
                reason.push_str(&format!("; no series matched `{none}`"));
            }
        }
        (outcome, reason)
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

/// A number of targets.
fn whole(text: &str) -> Result<usize, String> {
    let number = text.trim().parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("`targets` is {text:?}, which is no number of targets"))
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
    let each = counters.iter().map(|counter| async {
        let length = block_of(counter.scrape);
        let trial = Blocks::new(context.gate.rule, &counter.objective, length, level);
        let (outcome, why) = match Source::new(context, &means, counter) {
            Ok(source) => {
                let last = end + counter.scrape * LINGERS_SCRAPES;
                let last = last.min(context.deadline.checked_sub(SPARED).unwrap_or(end));
                source.count(trial, (begun, end, last), over).await
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
