//! Counters of a Prometheus, asked for while a bake goes on, and judged as a load is.
//!
//! Asks once a scrape, by the clock of Prometheus; what is counted of the answers is pure
//! ([`crate::witness::counters`]), and so is what that comes to ([`crate::objective::blocks`]).
//!
//! Invariant: whoever does not answer, or with nothing, says nothing for the deploy.

use super::context::PhaseContext;
use super::prerequisites::means_of;
use crate::delivery::means::Means;
use crate::load::{Control, Stop};
use crate::net::client::{self, bearer};
use crate::net::connect::Connector;
use crate::objective::Outcome;
use crate::objective::blocks::Blocks;
use crate::objective::slot::Count;
use crate::project::counter::Counter;
use crate::record::gate::inputs;
use crate::secret::Redactor;
use crate::witness::counters::{Answer, Counters, understand};
use crate::witness::selector::Selector;
use crate::witness::series;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Time for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Scrapes of which the samples are asked for each time: a Prometheus that is away for less loses nothing.
const WINDOW_SCRAPES: u32 = 10;
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

/// Counters with everything filled in.
struct Source<'a> {
    counter: &'a Counter,
    connector: &'a Connector,
    redactor: Redactor,
    url: String,
    headers: HeaderMap,
    total: Selector,
    part: Selector,
}

impl<'a> Source<'a> {
    fn new(
        context: &PhaseContext<'_>,
        means: &'a Means,
        counter: &'a Counter,
    ) -> Result<Source<'a>, String> {
        let facts = inputs(context.record);
        let fill = |template| Ok::<_, String>(means.fill(template, &facts)?.expose().to_owned());
        let selector = |template| {
            let text = fill(template)?;
            Selector::parse(&text).map_err(|why| format!("`{text}`: {why}"))
        };
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
        Ok(Source {
            counter,
            connector: &means.connector,
            redactor: means.redactor(),
            url: fill(&counter.url)?.trim_end_matches('/').to_owned(),
            headers,
            total: selector(&counter.total)?,
            part: selector(&counter.part.1)?,
        })
    }

    async fn ask(&self, query: &str) -> Result<Value, String> {
        let url = &self.url;
        let text = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let address = format!("{url}/api/v1/query?query={text}");
        let headers = self.headers.clone();
        let sent = client::get(
            self.connector,
            &address,
            headers,
            ANSWER_WITHIN,
            ANSWER_BYTES_MAX,
        );
        let clean = |text: String| self.redactor.clean(&text);
        let reply = sent
            .await
            .map_err(|fault| clean(format!("{url} did not answer: {fault}")))?;
        let status = reply.status.as_u16();
        let start: String = String::from_utf8_lossy(&reply.body)
            .chars()
            .take(SHOWN)
            .collect();
        // What is wrong with a question stands in a body of JSON, too.
        match serde_json::from_slice::<Value>(&reply.body) {
            Ok(value) if status < 300 || value["error"].is_string() => Ok(value),
            _ => Err(clean(format!("{url} answered {status} with {start:?}"))),
        }
    }

    /// The samples of a selector over the last scrapes.
    async fn samples(&self, selector: &Selector) -> Result<Answer, String> {
        let window = self.counter.scrape.max(Duration::from_secs(1)) * WINDOW_SCRAPES;
        let query = format!("{}[{}s]", selector.text(), window.as_secs());
        let answer = understand(&self.ask(&query).await?);
        answer.map_err(|why| {
            self.redactor
                .clean(&format!("`{}`: {why}", selector.text()))
        })
    }

    /// One number.
    async fn number(&self, query: &str) -> Result<Option<f64>, String> {
        let reply = self.ask(query).await?;
        let said = series::understand(&reply, series::Empty::Doubt, None);
        let said = said.map_err(|why| self.redactor.clean(&format!("`{query}`: {why}")))?;
        Ok(said.values.get("value").and_then(Value::as_f64))
    }

    /// What the clock of Prometheus shows, in milliseconds since 1970.
    async fn now_ms(&self) -> Result<i64, String> {
        let seconds = self.number("time()").await?;
        let seconds = seconds.ok_or("it does not tell what time it is")?;
        Ok((seconds * 1e3) as i64)
    }

    async fn poll(&self) -> Result<(i64, Answer, Answer), String> {
        let now = self.now_ms().await?;
        let (total, part) = (self.samples(&self.total), self.samples(&self.part));
        let (total, part) = futures_util::future::try_join(total, part).await?;
        Ok((now, total, part))
    }

    /// Counts until the end of the bake, or until it is over; a proven failure ends it.
    async fn count(&self, mut trial: Blocks, end: Instant, over: &Control) -> (Outcome, String) {
        let begun = Instant::now();
        let scrape = self.counter.scrape;
        let mut counters: Option<Counters> = None;
        let mut trouble;
        loop {
            let asked = Instant::now();
            let is_last = asked >= end || over.asked() != Stop::No;
            trouble = match self.poll().await {
                Err(why) => Some(why),
                Ok((now, total, part)) => {
                    let counters = counters.get_or_insert_with(|| self.since(now, begun, asked));
                    counters.take(&total, &part);
                    for block in counters.close(now) {
                        trial.block(block.map(|(requests, bad)| Count { requests, bad }));
                    }
                    None
                }
            };
            if trial.is_called() {
                over.stop();
            }
            if is_last || trial.is_called() {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep_until((asked + scrape).min(end).into()) => {}
                () = over.stopped() => {}
            }
        }
        let elapsed = begun.elapsed().as_millis() as i64;
        let mut doubts: Vec<String> = trouble.into_iter().collect();
        if let Some(counters) = &counters {
            doubts.extend(counters.doubts(elapsed, self.counter.scales));
        }
        let (outcome, mut reason) = trial.conclude(&doubts);
        if let Some(counters) = &counters {
            if counters.resets() > 0 {
                let times = counters.resets();
                reason.push_str(&format!("; counters began anew {times} times"));
            }
            if outcome == Outcome::Pass && !counters.has_part() {
                let none = self.part.text();
                reason.push_str(&format!("; no series matched `{none}`"));
            }
        }
        (outcome, reason)
    }

    /// Counters from the beginning of the bake on, by the clock of Prometheus.
    fn since(&self, now_ms: i64, begun: Instant, asked: Instant) -> Counters {
        let before = asked.saturating_duration_since(begun).as_millis() as i64;
        let part = (self.counter.part.0, self.part.clone());
        let scrape = self.counter.scrape.as_millis() as i64;
        Counters::new(self.total.clone(), part, now_ms - before, scrape)
    }

    /// Why nothing could be counted, before anything is measured.
    async fn obstacle(&self) -> Option<String> {
        let look = async {
            self.now_ms().await?;
            self.samples(&self.total).await?;
            self.samples(&self.part).await?;
            let metric = &self.total.metric;
            let known = self.number(&format!("count({metric})")).await?;
            match known {
                Some(known) if known > 0.0 => Ok(()),
                _ => Err(format!(
                    "{} knows no `{metric}`: is it scraped, and named so?",
                    self.redactor.clean(&self.url)
                )),
            }
        };
        look.await.err()
    }
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
    let means = match means_of(context, context.environment.ca_file.as_deref()) {
        Ok(means) => means,
        Err(reason) => {
            let outcome = Outcome::Inconclusive;
            return vec![Counted { outcome, reason }];
        }
    };
    let each = counters.iter().map(|counter| async {
        let length = counter.scrape.max(Duration::from_secs(2));
        let trial = Blocks::new(context.gate.rule, &counter.objective, length, level);
        let (outcome, why) = match Source::new(context, &means, counter) {
            Ok(source) => source.count(trial, end, over).await,
            Err(why) => (Outcome::Inconclusive, why),
        };
        let reason = format!("counters `{}`: {why}", counter.name);
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
    let means = match means_of(context, context.environment.ca_file.as_deref()) {
        Ok(means) => means,
        Err(reason) => return vec![reason],
    };
    let each = counters.into_iter().map(|counter| async {
        let found = match Source::new(context, &means, counter) {
            Ok(source) => source.obstacle().await,
            Err(why) => Some(why),
        };
        let name = &counter.name;
        found.map(|why| format!("the counters `{name}` could not be counted: {why}"))
    });
    let all = futures_util::future::join_all(each).await;
    all.into_iter().flatten().collect()
}
