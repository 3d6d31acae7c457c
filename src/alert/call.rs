//! A channel that is one HTTP request for each message: settings in, a request out.
//!
//! A channel of this kind says its form and, purely, which request a message becomes; filling secrets in,
//! sending and judging the answer are the same for all of them.

use super::channel::Channel;
use crate::delivery::attempt::{Delivery, of_reply};
use crate::delivery::means::Means;
use crate::document::node::Node;
use crate::document::shape::Object;
use crate::doing::Doing;
use crate::limits;
use crate::net::client;
use crate::record::message::{Message, Tone};
use crate::scenario::reader::Reader;
use crate::scenario::template::Template;
use crate::secret::Secret;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a request carries.
#[derive(Debug, PartialEq)]
pub(super) enum Carried {
    /// JSON.
    Json(Value),
    /// A form.
    Form(Vec<(&'static str, String)>),
}

/// A request that is not sent yet. Holds secrets: it is never shown.
pub(super) struct Call {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub carried: Carried,
}

impl Call {
    /// A POST of JSON.
    pub fn post(url: String, body: Value) -> Call {
        Call {
            method: Method::POST,
            url,
            headers: Vec::new(),
            carried: Carried::Json(body),
        }
    }

    /// The same with one more header.
    pub fn with(mut self, name: &'static str, value: String) -> Call {
        self.headers.push((name, value));
        self
    }
}

/// Settings with their secrets filled in.
pub(super) struct Filled(BTreeMap<&'static str, Secret>);

impl Filled {
    /// A setting; empty where it is not set.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", Secret::expose)
    }

    /// A setting, or what stands for it.
    pub fn or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        match self.text(name) {
            "" => default,
            text => text.trim_end_matches('/'),
        }
    }

    #[cfg(test)]
    pub fn of(pairs: &[(&'static str, &str)]) -> Filled {
        let secrets = pairs
            .iter()
            .map(|(name, value)| (*name, Secret::new(*value)));
        Filled(secrets.collect())
    }
}

/// Which request a message becomes; `key` is the same over all attempts. Nothing where there is nothing to say.
pub(super) type Make = fn(&Filled, &Message, &str) -> Option<Call>;

/// A channel of this kind.
#[derive(Debug)]
struct Caller {
    whom: &'static str,
    settings: BTreeMap<&'static str, Template>,
    make: Make,
}

/// Reads the settings that the form names.
pub(super) fn read(
    reader: &mut Reader<'_>,
    node: &Node,
    form: &'static Object,
    whom: &'static str,
    make: Make,
) -> Option<Box<dyn Channel>> {
    let mut settings = BTreeMap::new();
    for field in form.fields {
        if let Some(node) = node.get(field.key) {
            settings.insert(field.key, reader.template(node)?);
        }
    }
    Some(Box::new(Caller {
        whom,
        settings,
        make,
    }))
}

/// A form as it is sent.
pub(super) fn encoded<V: AsRef<str>>(pairs: &[(&str, V)]) -> String {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value.as_ref())))
        .collect();
    pairs.join("&")
}

impl Caller {
    fn call(&self, means: &Means, message: &Message, key: &str) -> Result<Option<Call>, String> {
        let mut filled = BTreeMap::new();
        for (name, template) in &self.settings {
            filled.insert(*name, means.fill(template, &BTreeMap::new())?);
        }
        Ok((self.make)(&Filled(filled), message, key))
    }

    async fn send(&self, means: &Means, call: Call) -> Delivery {
        let mut headers = HeaderMap::new();
        let (kind, body) = match call.carried {
            Carried::Json(value) => ("application/json", value.to_string()),
            Carried::Form(pairs) => ("application/x-www-form-urlencoded", encoded(&pairs)),
        };
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
        for (name, value) in call.headers {
            // What a token holds that no header may is not shown.
            let Ok(mut value) = HeaderValue::from_str(&value) else {
                return Delivery::give_up(format!(
                    "a setting of {} cannot stand in a header",
                    self.whom
                ));
            };
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        let timeout = limits::DELIVERY_TIMEOUT;
        let body = Bytes::from(body);
        let sent = client::send(
            &means.connector,
            call.method,
            &call.url,
            headers,
            body,
            timeout,
        );
        of_reply(self.whom, sent.await)
    }
}

impl Channel for Caller {
    fn tell<'a>(
        &'a self,
        means: &'a Means,
        message: &'a Message,
        key: &'a str,
    ) -> Doing<'a, Delivery> {
        Box::pin(async move {
            match self.call(means, message, key) {
                Ok(Some(call)) => self.send(means, call).await,
                Ok(None) => Delivery::done(format!("{} has nothing to be told of it", self.whom)),
                Err(reason) => Delivery::give_up(reason),
            }
        })
    }
}

/// The text to so many characters; what is left out is shown to be.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text
            .chars()
            .take(most.saturating_sub(1))
            .chain(['…'])
            .collect(),
        None => text.to_owned(),
    }
}

/// Subject and text, for channels that have one text; the link stays whole, whatever is cut.
pub(super) fn whole(message: &Message, most: usize) -> String {
    let link = message
        .link
        .as_ref()
        .map_or(String::new(), |link| format!("\n{link}"));
    let mut text = message.subject.clone();
    for line in &message.lines {
        text.push('\n');
        text.push_str(line);
    }
    for (name, value) in &message.facts {
        text.push_str(&format!("\n{name}: {value}"));
    }
    let room = most.saturating_sub(link.chars().count());
    format!("{}{link}", cut(&text, room))
}

/// What an incident manager is to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Trigger,
    Acknowledge,
    Resolve,
}

/// What a message is to an incident manager, and under which key. What is good news and no incident is none.
pub(super) fn event(message: &Message, key: &str) -> Option<(Event, String)> {
    match &message.incident {
        Some(incident) => {
            let event = match incident.event.as_str() {
                "resolved" => Event::Resolve,
                "acknowledged" => Event::Acknowledge,
                _ => Event::Trigger,
            };
            Some((event, incident.key.clone()))
        }
        None if message.tone == Tone::Bad => Some((Event::Trigger, key.to_owned())),
        None => None,
    }
}

/// `info`, `warning`, `error` or `critical`.
pub(super) fn severity(message: &Message) -> &str {
    match (&message.incident, message.tone) {
        (Some(incident), _) => &incident.severity,
        (None, Tone::Bad) => "critical",
        (None, Tone::Warning) => "warning",
        (None, Tone::Good) => "info",
    }
}

/// Facts as JSON.
pub(super) fn details(message: &Message) -> Value {
    let facts = message.facts.iter();
    facts
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
