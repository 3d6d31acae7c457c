//! Where people are told: the registry of channels.
//!
//! To add one: its file with settings, form, reader and sending, and its line in [`CHANNELS`].

use super::email::{self, EMAIL, Email};
use super::slack::{self, SLACK};
use super::webhook as message_webhook;
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::delivery::webhook::{WEBHOOK, Webhook, send_webhook};
use crate::document::shape::{Object, Shape, field};
use crate::limits;
use crate::record::message::Message;
use crate::scenario::template::Template;
use std::collections::BTreeMap;

/// Where people are told.
#[derive(Debug)]
pub enum Channel {
    /// E-mail.
    Email(Box<Email>),
    /// Slack.
    Slack(Template),
    /// A webhook.
    Webhook(Webhook),
}

/// Tells a channel once.
pub async fn tell(means: &Means, channel: &Channel, message: &Message, key: &str) -> Delivery {
    let none = BTreeMap::new();
    let fill = |template: &Template| means.fill(template, &none);
    let timeout = limits::DELIVERY_TIMEOUT;
    match channel {
        Channel::Email(settings) => {
            let user = settings.user.as_ref().map(fill).transpose();
            let password = settings.password.as_ref().map(fill).transpose();
            match (user, password) {
                (Ok(user), Ok(password)) => {
                    email::send(settings, user, password, message, key, timeout).await
                }
                (Err(reason), _) | (_, Err(reason)) => Delivery::give_up(reason),
            }
        }
        Channel::Slack(url) => match fill(url) {
            Ok(url) => slack::send(&means.connector, &url, message, timeout).await,
            Err(reason) => Delivery::give_up(reason),
        },
        Channel::Webhook(hook) => {
            let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            send_webhook(
                means,
                hook,
                &none,
                key,
                message_webhook::payload(message, &now),
                timeout,
            )
            .await
        }
    }
}

/// The form of a channel.
pub static CHANNEL: Object = Object {
    name: "channel",
    called: "a channel",
    fields: &[
        field("email", Shape::Object(&EMAIL), "e-mail over SMTP"),
        field(
            "slack",
            Shape::Object(&SLACK),
            "a Slack-compatible incoming webhook",
        ),
        field(
            "webhook",
            Shape::Object(&WEBHOOK),
            "a signed webhook with the message as JSON",
        ),
    ],
};
