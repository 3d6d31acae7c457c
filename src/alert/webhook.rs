//! A message as a signed webhook (Standard Webhooks).

use super::channel::{Channel, ReadChannel};
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::delivery::webhook::{WEBHOOK, Webhook};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Shape, field};
use crate::doing::Doing;
use crate::record::message::{INPUTS, Message, VERSION};
use crate::scenario::reader::Reader;
use crate::{clock, limits};
use serde_json::json;

/// What our messages say that they are.
const TYPE: &str = "bellwether.message";

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field(
        "webhook",
        Shape::Object(&WEBHOOK),
        "a signed webhook with the message as JSON",
    ),
    what: read,
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    reader.known_inputs(node, &INPUTS.map(|input| input.name), "a message");
    Some(Box::new(Webhook::read(reader, node)?))
}

impl Channel for Webhook {
    fn tell<'a>(
        &'a self,
        means: &'a Means,
        message: &'a Message,
        key: &'a str,
    ) -> Doing<'a, Delivery> {
        Box::pin(async move {
            let facts = message.inputs();
            let at = match message.at() {
                // One of before, or of what has no moment of its own.
                at if at.is_empty() => clock::now_text(),
                at => at,
            };
            let body =
                json!({ "type": TYPE, "version": VERSION, "timestamp": at, "data": message });
            let time = limits::DELIVERY_TIMEOUT;
            self.send(means, &facts, key, body.to_string(), time).await
        })
    }
}
