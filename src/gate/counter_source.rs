//! What is asked of a Prometheus for counters: samples, what stood before, who is there, and what time it is.
//!
//! Judges nothing. Invariant: no credential is in a word of it.

use super::context::PhaseContext;
use crate::delivery::means::Means;
use crate::limits::ANSWER_BYTES_MAX;
use crate::net::address::without_credentials;
use crate::net::client::{self, bearer};
use crate::net::connect::Connector;
use crate::project::counter::Counter;
use crate::record::gate::inputs;
use crate::secret::start_of;
use crate::witness::counters::Counters;
use crate::witness::samples::{Answer, SECONDS, understand, understand_last};
use crate::witness::selector::Selector;
use crate::witness::series;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Time for all answers of one scrape.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// Scrapes of which the samples are asked for each time: a Prometheus that is away for less loses nothing.
const WINDOW_SCRAPES: u32 = 10;
/// How far one looks back for targets that were away when the bake began.
const LOOK_BACK: &str = "1h";
/// Characters of a body that is no answer.
const SHOWN: usize = 200;

/// Counters with everything filled in.
pub(super) struct Source<'a> {
    pub(super) counter: &'a Counter,
    connector: &'a Connector,
    pub(super) url: String,
    headers: HeaderMap,
    pub(super) total: Selector,
    pub(super) part: Selector,
    /// How many targets there are at the least.
    pub(super) targets: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(
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
    pub(super) async fn samples(
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
    pub(super) async fn begin(&self, from_ms: i64) -> Result<Counters, String> {
        let deadline = Instant::now() + ANSWERS_WITHIN;
        let at = format!("&time={}.{:03}", from_ms / 1_000, from_ms % 1_000);
        let asked = async |function: &str, selector: &Selector| {
            let query = format!("{function}({}[{LOOK_BACK}])", selector.text());
            let answer = understand_last(self.ask_at(&query, &at, deadline).await?);
            answer.map_err(|why| format!("`{query}`: {why}"))
        };
        let total = asked("last_over_time", &self.total);
        let part = asked("last_over_time", &self.part);
        let resets = asked("resets", &self.total);
        let all = futures_util::future::try_join3(total, part, resets).await?;
        let (total, part, resets) = all;
        let asked = (self.counter.part.0, self.part.clone());
        let mut counters = Counters::new(self.total.clone(), asked, from_ms, self.counter.scrape);
        counters.look_back(&total, &part);
        counters.began_anew(&resets);
        Ok(counters)
    }

    /// Who is to be scraped, and who of these answers.
    pub(super) async fn attendance(&self, query: &str) -> Result<Answer, String> {
        let deadline = Instant::now() + ANSWERS_WITHIN;
        understand_last(self.ask(query, deadline).await?)
    }

    /// One number.
    pub(super) async fn number(
        &self,
        query: &str,
        deadline: Instant,
    ) -> Result<Option<f64>, String> {
        let reply = self.ask(query, deadline).await?;
        let said = series::understand(&reply, series::Empty::Doubt, None);
        let said = said.map_err(|why| format!("`{query}`: {why}"))?;
        Ok(said.values.get("value").and_then(Value::as_f64))
    }

    /// What the clock of Prometheus shows, in milliseconds since 1970.
    pub(super) async fn now_ms(&self, deadline: Instant) -> Result<i64, String> {
        let seconds = self.number("time()", deadline).await?;
        let seconds = seconds.filter(|seconds| SECONDS.contains(seconds));
        Ok((seconds.ok_or("it does not tell what time it is")? * 1e3) as i64)
    }
}

/// A number of targets.
fn whole(text: &str) -> Result<usize, String> {
    let number = text.trim().parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("`targets` is {text:?}, which is no number of targets"))
}
