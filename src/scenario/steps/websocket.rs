//! A WebSocket conversation, as the language has it: what is sent, and which message is awaited.

use super::http_read::{headers, relative_to};
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::net::redirect::is_absolute;
use crate::scenario::compiler::Compiler;
use crate::scenario::expression::Expression;
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field(
    "websocket",
    Shape::Object(&FORM),
    "open a WebSocket, and wait for the message that is expected",
);

static FORM: Object = Object {
    name: "websocket",
    called: "a WebSocket step",
    fields: &[
        required(
            "url",
            Shape::Template,
            "a path of the service, or a `ws://…` or `wss://…` URL",
        ),
        field(
            "headers",
            Shape::Named(&Shape::Template),
            "headers of the opening request",
        ),
        field(
            "send",
            Shape::OneOrMany(&Shape::Template),
            "text messages to send, in order",
        ),
        required(
            "expect",
            Shape::Expression,
            "what the awaited message shows, such as `body.type == 'ready'`; others before it are passed over",
        ),
    ],
};

/// A WebSocket conversation to be.
#[derive(Debug)]
pub struct Conversation {
    /// Path or URL.
    pub url: Template,
    /// Headers of the opening request.
    pub headers: Vec<(http::HeaderName, Template)>,
    /// Messages to send.
    pub send: Vec<Template>,
    /// Holds for the message that ends the step.
    pub expect: Expression,
}

impl Conversation {
    /// Whether its address is relative to a service.
    pub fn needs_service(&self) -> bool {
        self.url.start().starts_with('/')
    }
}

pub(super) fn read(compiler: &mut Compiler<'_>, step: &Node, node: &Node) -> Option<Conversation> {
    let written = node.get("url")?;
    let url = compiler.template(written)?;
    let start = url.start();
    let is_own = start.starts_with("ws://") || start.starts_with("wss://");
    if !is_own && !start.starts_with('/') && (url.fixed().is_some() || is_absolute(start)) {
        compiler.error(
            "bad-url",
            format!("`{}` is neither a path nor a WebSocket's URL", written.text),
            written.span,
            "expected `/path`, `ws://…` or `wss://…`",
        );
    }
    relative_to(compiler, step, &url, written);
    let headers = headers(compiler, node, is_ours);
    let send = node.get("send").map(Node::items).unwrap_or_default();
    Some(Conversation {
        url,
        headers,
        send: send
            .into_iter()
            .filter_map(|node| compiler.template(node))
            .collect(),
        expect: compiler.expression(node.get("expect")?, true)?,
    })
}

/// Headers that make the opening request what it is.
fn is_ours(header: &http::HeaderName) -> Option<&'static str> {
    let name = header.as_str();
    let is_one = matches!(
        name,
        "connection" | "upgrade" | "content-length" | "transfer-encoding"
    );
    (is_one || name.starts_with("sec-websocket-")).then_some("is set by the opening of a WebSocket")
}
