//! Where people are told: the registry of channels.
//!
//! To add one: its file with settings, form, reader and sending, and its line in [`CHANNELS`].

use super::{discord, email, slack, webhook};
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::document::kind::{self, Kind};
use crate::document::node::Node;
use crate::document::shape::{Field, Object};
use crate::doing::Doing;
use crate::record::message::Message;
use crate::scenario::reader::Reader;
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
pub const CHANNELS: &[Kind<ReadChannel>] =
    &[email::KIND, slack::KIND, discord::KIND, webhook::KIND];

static FIELDS: [Field; CHANNELS.len()] = kind::fields(&[], CHANNELS, &[]);

/// The form of a channel.
pub static CHANNEL: Object = Object {
    name: "channel",
    called: "a channel",
    fields: &FIELDS,
};

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
