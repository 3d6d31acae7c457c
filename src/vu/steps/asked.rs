//! Asking others over HTTP for what they know, and what is said where they do not answer.
//!
//! Invariant: whoever does not answer, or answers something else, is a doubt and no failure of the
//! product.

use crate::limits::ANSWER_BYTES_MAX;
use crate::net::body::without_mark;
use crate::net::client::{self, bearer};
use crate::net::{ErrorClass, Fault, Phases, address};
use crate::scenario::steps::asked::Asked;
use crate::scenario::template::Template;
use crate::vu::reply::Reply;
use crate::vu::user::VirtualUser;
use crate::witness::moment;
use crate::witness::said::Said;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::time::{Duration, Instant};

use super::exchange::Attempt;

impl VirtualUser {
    /// Asks, with these parameters in the query; the body of a reply with a status below 300.
    pub(super) async fn ask(
        &self,
        asked: &Asked,
        path: &str,
        query: &[(&str, &str)],
        deadline: Instant,
    ) -> Result<Bytes, Fault> {
        let base = self.render(&asked.url)?;
        let mut url = match path {
            "" => base.clone(),
            path => format!("{}{path}", base.trim_end_matches('/')),
        };
        for (number, (name, value)) in query.iter().enumerate() {
            let mark = if number == 0 && !url.contains('?') {
                '?'
            } else {
                '&'
            };
            let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
            url.push_str(&format!("{mark}{name}={value}"));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &asked.headers {
            let value = self.render(value)?;
            let (name, value) = (HeaderName::try_from(name), HeaderValue::try_from(value));
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(Fault::new(ErrorClass::Template, "a header cannot be sent"));
            };
            headers.insert(name, value);
        }
        if let Some(token) = &asked.bearer {
            let token = self.render(token)?;
            let value = bearer(&token).map_err(|why| Fault::new(ErrorClass::Template, why))?;
            headers.insert(http::header::AUTHORIZATION, value);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let connector = &self.shared.binding.connector;
        let sent = client::get(connector, &url, headers, left, ANSWER_BYTES_MAX);
        let shown = address::without_credentials(&base);
        let reply = sent
            .await
            .map_err(|fault| Fault::unknown(format!("{shown} did not answer: {fault}")))?;
        if reply.status.as_u16() < 300 {
            return Ok(reply.body);
        }
        let text = self.start_of(&reply.body);
        let status = reply.status.as_u16();
        Err(Fault::unknown(format!(
            "{shown}{path} answered {status}: {}",
            text.trim()
        )))
    }

    /// The same, as JSON.
    pub(super) async fn ask_json(
        &self,
        asked: &Asked,
        path: &str,
        query: &[(&str, &str)],
        deadline: Instant,
    ) -> Result<Value, Fault> {
        let body = self.ask(asked, path, query, deadline).await?;
        serde_json::from_slice(without_mark(&body)).map_err(|_| {
            let start = self.start_of(&body);
            Fault::unknown(format!(
                "{path} did not answer with JSON but with {start:?}"
            ))
        })
    }

    /// A moment that is written as a span before now, or as a date with a time; in milliseconds since 1970.
    pub(super) fn moment(&self, template: Option<&Template>) -> Result<Option<i64>, Fault> {
        let Some(template) = template else {
            return Ok(None);
        };
        let text = self.render(template)?;
        if let Ok(span) = crate::duration::parse(text.trim()) {
            return Ok(Some(crate::clock::now_ms() - span.as_millis() as i64));
        }
        moment::of_text(&text).map(Some).ok_or_else(|| {
            let title = format!("`{text}` is neither a span such as `10m` nor a moment");
            Fault::new(ErrorClass::Template, title)
        })
    }
}

/// What was said, as an attempt.
pub(super) fn attempt(said: Result<Said, Fault>, begun: Instant) -> Attempt {
    let phases = Phases {
        wait: begun.elapsed().min(Duration::from_secs(3_600)).as_micros() as u64,
        ..Phases::default()
    };
    match said {
        Ok(said) => Attempt {
            reply: Reply {
                phases,
                said: Some(Box::new(said)),
                ..Reply::default()
            },
            ..Attempt::default()
        },
        Err(fault) => Attempt::failed(fault, phases),
    }
}
