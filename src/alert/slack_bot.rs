//! A bot of Slack: one thread for each incident, each message once.
//!
//! What an incident was told first is found again by the metadata of that message, so that nothing has to be
//! remembered here: an update is an answer in its thread, and a message whose delivery was cut off is seen to
//! be there. Sources: docs.slack.dev, `chat.postMessage`, `conversations.history`, "Message metadata".

use super::slack::payload;
use crate::delivery::attempt::{Delivery, of_reply};
use crate::delivery::means::Means;
use crate::limits;
use crate::net::client::send;
use crate::record::message::Message;
use crate::scenario::template::Template;
use crate::secret::Secret;
use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What our messages are known by.
const EVENT: &str = "bellwether_incident";
/// Messages that are looked through for the first of an incident.
const LOOKED_AT: u32 = 200;
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
        let incident = message.incident.as_ref();
        let known = match incident {
            None => None,
            Some(incident) => {
                let seconds = incident.opened_ms / 1_000 - 60;
                let asked = json!({
                    "channel": filled.channel,
                    "oldest": seconds.to_string(),
                    "limit": LOOKED_AT,
                    "include_all_metadata": true,
                });
                // Who may not read a channel can still write to it: then there are no threads.
                filled.ask("conversations.history", &asked).await.ok()
            }
        };
        if let Some(incident) = incident {
            let payload = json!({ "incident": incident.key, "delivery": key });
            body["metadata"] = json!({ "event_type": EVENT, "event_payload": payload });
            let said = known.as_ref().map(|known| said(known, &incident.key));
            if let Some(said) = said {
                if said.iter().any(|(_, delivery)| delivery == key) {
                    return Delivery::done("Slack has it already".to_owned());
                }
                // The newest stand first.
                if let Some((first, _)) = said.last() {
                    body["thread_ts"] = first.clone().into();
                    // The end is to be seen without opening the thread.
                    body["reply_broadcast"] = (incident.event == "resolved").into();
                }
            }
        }
        match filled.ask("chat.postMessage", &body).await {
            Ok(_) => Delivery::done("Slack answered 200".to_owned()),
            Err(delivery) => delivery,
        }
    }
}

/// Our messages about an incident, the newest first: when each was said, and which delivery it was.
fn said(history: &Value, incident: &str) -> Vec<(String, String)> {
    let messages = history["messages"].as_array().into_iter().flatten();
    let ours = messages.filter(|message| {
        message["metadata"]["event_type"] == EVENT
            && message["metadata"]["event_payload"]["incident"] == incident
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

impl Filled<'_> {
    /// One method of Slack's API. It answers 200 to everything, and says in the body whether it went well.
    async fn ask(&self, method: &str, body: &Value) -> Result<Value, Delivery> {
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(CONTENT_TYPE, kind);
        let Ok(mut token) = HeaderValue::try_from(format!("Bearer {}", self.token.expose())) else {
            return Err(Delivery::give_up(
                "the token of the Slack bot cannot be a header".to_owned(),
            ));
        };
        token.set_sensitive(true);
        headers.insert(AUTHORIZATION, token);
        let url = format!("{}/{method}", self.api);
        let body = Bytes::from(body.to_string());
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
