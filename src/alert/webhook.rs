//! A message as a signed webhook (Standard Webhooks).

use super::channel::{Channel, ReadChannel};
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::delivery::webhook::{WEBHOOK, Webhook};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Shape, field};
use crate::doing::Doing;
use crate::record::message::Message;
use crate::scenario::reader::Reader;
use crate::{clock, limits};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field(
        "webhook",
        Shape::Object(&WEBHOOK),
        "a signed webhook with the message as JSON",
    ),
    what: read,
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    Some(Box::new(Webhook::read(reader, node)?))
}

impl Channel for Webhook {
    fn tell<'a>(
        &'a self,
        means: &'a Means,
        message: &'a Message,
        key: &'a str,
    ) -> Doing<'a, Delivery> {
        let now = clock::now_text();
        let body = json!({ "type": "bellwether.message", "timestamp": now, "data": message });
        Box::pin(async move {
            let none = BTreeMap::new();
            self.send(
                means,
                &none,
                key,
                body.to_string(),
                limits::DELIVERY_TIMEOUT,
            )
            .await
        })
    }
}
