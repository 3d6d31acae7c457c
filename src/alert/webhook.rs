//! A message as a signed webhook (Standard Webhooks).

use crate::record::message::Message;
use serde_json::json;

/// The body of the webhook.
pub fn payload(message: &Message, now: &str) -> String {
    json!({ "type": "bellwether.message", "timestamp": now, "data": message }).to_string()
}
