//! Where people are told: the registry of channels.
//!
//! To add one: its file with settings, form, reader and sending, and its line in [`CHANNELS`].

use super::{
    alertmanager, command, discord, email, grafana, matrix, mattermost, ntfy, oncall, opsgenie,
    pagerduty, pushover, slack, teams, telegram, twilio, webex, webhook,
};
use crate::delivery::attempt::{Delivery, of_reply};
use crate::delivery::means::Means;
use crate::document::kind::{self, Kind};
use crate::document::node::Node;
use crate::document::shape::{Field, Object};
use crate::doing::Doing;
use crate::limits;
use crate::net::client;
use crate::record::message::Message;
use crate::scenario::reader::Reader;
use crate::scenario::template::Template;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// A place where people are told.
pub trait Channel: Debug + Send + Sync {
    /// Tells it once. `key` is the same over all attempts, so that a repeat can be recognized.
    fn tell<'a>(
        &'a self,
        means: &'a Means,
        message: &'a Message,
        key: &'a str,
    ) -> Doing<'a, Delivery>;
}

/// Reads the settings of a channel, reporting what is wrong with them.
pub type ReadChannel = fn(&mut Reader<'_>, &Node) -> Option<Box<dyn Channel>>;

/// All channels.
pub const CHANNELS: &[Kind<ReadChannel>] = &[
    email::KIND,
    slack::KIND,
    discord::KIND,
    teams::KIND,
    grafana::KIND,
    mattermost::KIND,
    pagerduty::KIND,
    opsgenie::KIND,
    oncall::KIND,
    alertmanager::KIND,
    telegram::KIND,
    ntfy::KIND,
    pushover::KIND,
    twilio::KIND,
    matrix::KIND,
    webex::KIND,
    webhook::KIND,
    command::KIND,
];

static FIELDS: [Field; CHANNELS.len()] = kind::fields(&[], CHANNELS, &[]);

/// The form of a channel.
pub static CHANNEL: Object = Object {
    name: "channel",
    called: "a channel",
    fields: &FIELDS,
};

/// Posts JSON to the address of a channel once; `query` is added to it. `whom` is whose answer it is.
pub(super) async fn post(
    whom: &str,
    means: &Means,
    url: &Template,
    query: &str,
    body: &Value,
) -> Delivery {
    let url = match means.fill(url, &BTreeMap::new()) {
        Ok(url) => url,
        Err(reason) => return Delivery::give_up(reason),
    };
    let joint = match (query, url.expose().contains('?')) {
        ("", _) => "",
        (_, true) => "&",
        (_, false) => "?",
    };
    let url = format!("{}{joint}{query}", url.expose());
    let timeout = limits::DELIVERY_TIMEOUT;
    of_reply(
        whom,
        client::post_json(&means.connector, &url, body, timeout).await,
    )
}

/// Reads a channel: exactly one kind.
pub fn read(reader: &mut Reader<'_>, name: &Node, node: &Node) -> Option<Box<dyn Channel>> {
    match kind::named(CHANNELS, node).as_slice() {
        [(kind, settings)] => (kind.what)(reader, settings),
        _ => {
            reader.error(
                "missing-field",
                format!("a channel is one of {}", kind::list(CHANNELS)),
                name.span,
                "exactly one of them",
            );
            None
        }
    }
}
