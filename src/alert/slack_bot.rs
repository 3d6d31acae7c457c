//! A bot of Slack: one thread for each incident and each gate, each message once.
//!
//! What an incident was told first is found again by the metadata of that message, so that nothing has to be
//! remembered here: an update is an answer in its thread, and a message whose delivery was cut off is seen to
//! be there. Sources: docs.slack.dev, `chat.postMessage`, `conversations.history`, "Message metadata".

use super::call::encoded;
use super::slack::payload;
use crate::delivery::attempt::{Delivery, of_reply};
use crate::delivery::means::Means;
use crate::limits;
use crate::net::client::{bearer, send};
use crate::record::message::{Message, Thread};
use crate::scenario::template::Template;
use crate::secret::Secret;
use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What our messages are known by.
const EVENT: &str = "bellwether_incident";
/// Messages that are looked through for the first of a thread.
const LOOKED_AT: &str = "999";
/// What Slack says where asking again later makes sense.
const PASSING: [&str; 5] = [
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
];

/// A bot in one of Slack's channels.
#[derive(Debug)]
pub(super) struct Bot {
    pub token: Template,
    pub channel: Template,
    pub api: Option<Template>,
}

/// Settings with their secrets filled in.
struct Filled<'a> {
    means: &'a Means,
    token: Secret,
    channel: String,
    api: String,
}

impl Bot {
    fn filled<'a>(&self, means: &'a Means) -> Result<Filled<'a>, String> {
        let none = BTreeMap::new();
        let api = self
            .api
            .as_ref()
            .map(|api| means.fill(api, &none))
            .transpose()?;
        let api = api.map_or_else(
            || "https://slack.com/api".to_owned(),
            |api| api.expose().to_owned(),
        );
        Ok(Filled {
            means,
            token: means.fill(&self.token, &none)?,
            channel: means.fill(&self.channel, &none)?.expose().to_owned(),
            api: api.trim_end_matches('/').to_owned(),
        })
    }

    /// Tells it once; `key` is the same over all attempts.
    pub async fn tell(&self, means: &Means, message: &Message, key: &str) -> Delivery {
        let filled = match self.filled(means) {
            Ok(filled) => filled,
            Err(reason) => return Delivery::give_up(reason),
        };
        let mut body = payload(message);
        body["channel"] = filled.channel.clone().into();
        if let Some(thread) = message.thread() {
            let payload = json!({ "incident": thread.key, "delivery": key });
            body["metadata"] = json!({ "event_type": EVENT, "event_payload": payload });
            let first = match filled.first(thread, key).await {
                Ok(Some(said)) if said.has_this => {
                    return Delivery::done("Slack has it already".to_owned());
                }
                Ok(said) => said,
                // Who may not read a channel can still write to it: then there are no threads.
                Err(delivery) if delivery.is_refused => None,
                Err(delivery) => return delivery,
            };
            if let Some(first) = first {
                body["thread_ts"] = first.ts.into();
                // What ends it is to be seen without opening the thread, and so is all that is said of a gate.
                let incident = message.incident.as_ref();
                let is_seen = incident.is_none_or(|incident| incident.event == "resolved");
                body["reply_broadcast"] = is_seen.into();
            }
        }
        match filled.post("chat.postMessage", &body).await {
            Ok(_) => Delivery::done("Slack answered 200".to_owned()),
            Err(delivery) => delivery,
        }
    }
}

/// Our messages of a thread, the newest first: when each was said, and which delivery it was.
fn said_of(history: &Value, thread: &str) -> Vec<(String, String)> {
    let messages = history["messages"].as_array().into_iter().flatten();
    let ours = messages.filter(|message| {
        message["metadata"]["event_type"] == EVENT
            && message["metadata"]["event_payload"]["incident"] == thread
    });
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    ours.map(|message| {
        (
            text(&message["ts"]),
            text(&message["metadata"]["event_payload"]["delivery"]),
        )
    })
    .collect()
}

/// The first message of a thread.
struct First {
    /// Its name in Slack.
    ts: String,
    /// Whether the message that is to be told is there, in the channel or in the thread.
    has_this: bool,
}

impl Filled<'_> {
    /// The first message of a thread, if it is there.
    async fn first(&self, thread: Thread<'_>, key: &str) -> Result<Option<First>, Delivery> {
        let oldest = (thread.opened_ms / 1_000 - 60).to_string();
        let mut asked = vec![
            ("channel", self.channel.as_str()),
            ("oldest", &oldest),
            ("limit", LOOKED_AT),
            ("include_all_metadata", "true"),
        ];
        let history = self.read("conversations.history", &asked).await?;
        let said = said_of(&history, thread.key);
        // The newest stand first.
        let Some((ts, _)) = said.last() else {
            return Ok(None);
        };
        asked.push(("ts", ts));
        let answers = self.read("conversations.replies", &asked).await?;
        let replies = said_of(&answers, thread.key);
        let mut all = said.iter().chain(&replies);
        let has_this = all.any(|(_, delivery)| delivery == key);
        Ok(Some(First {
            ts: ts.clone(),
            has_this,
        }))
    }

    /// Reads by a method of Slack's API, which takes forms for that.
    async fn read(&self, method: &str, asked: &[(&str, &str)]) -> Result<Value, Delivery> {
        let kind = "application/x-www-form-urlencoded";
        self.ask(method, kind, encoded(asked)).await
    }

    /// Writes by a method of Slack's API.
    async fn post(&self, method: &str, body: &Value) -> Result<Value, Delivery> {
        let kind = "application/json; charset=utf-8";
        self.ask(method, kind, body.to_string()).await
    }

    /// One method of Slack's API. It answers 200 to everything, and says in the body whether it went well.
    async fn ask(&self, method: &str, kind: &'static str, body: String) -> Result<Value, Delivery> {
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static(kind);
        headers.insert(CONTENT_TYPE, kind);
        let token = bearer(self.token.expose()).map_err(Delivery::give_up)?;
        headers.insert(AUTHORIZATION, token);
        let url = format!("{}/{method}", self.api);
        let body = Bytes::from(body);
        let time = limits::DELIVERY_TIMEOUT;
        let reply = send(
            &self.means.connector,
            Method::POST,
            &url,
            headers,
            body,
            time,
        )
        .await;
        let answer = reply
            .as_ref()
            .ok()
            .and_then(|reply| serde_json::from_slice::<Value>(&reply.body).ok());
        let delivery = of_reply("Slack", reply);
        if !delivery.delivered {
            return Err(delivery);
        }
        match answer {
            Some(answer) if answer["ok"] == true => Ok(answer),
            Some(answer) => {
                let error = answer["error"]
                    .as_str()
                    .unwrap_or("nothing of why")
                    .to_owned();
                let text = format!("Slack refused `{method}`: {error}");
                Err(match PASSING.contains(&error.as_str()) {
                    true => Delivery::again(text, None),
                    false => Delivery::refused(text, None),
                })
            }
            // Whoever answers something else is not Slack.
            None => Err(Delivery::again(
                format!("what answered `{method}` is not Slack's API"),
                None,
            )),
        }
    }
}
