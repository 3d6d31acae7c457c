//! Server-sent events and streamed lines, as the language has them: where they come from, and which one is awaited.

use super::http_read::{headers, relative_to};
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::net::events::Format;
use crate::net::redirect::is_absolute;
use crate::scenario::compiler::Compiler;
use crate::scenario::expression::Expression;
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field(
    "events",
    Shape::Object(&FORM),
    "follow server-sent events, or a body that comes line by line, until what is expected",
);

static FORM: Object = Object {
    name: "events",
    called: "a step of server-sent events",
    fields: &[
        required(
            "url",
            Shape::Template,
            "a path of the service, or an `http://…` or `https://…` URL",
        ),
        field(
            "headers",
            Shape::Named(&Shape::Template),
            "headers of the request, such as `last-event-id`",
        ),
        required(
            "expect",
            Shape::Expression,
            "what the awaited event shows, such as `body.state == 'done'` or `event.name == 'ready'`; others before it are passed over",
        ),
        field(
            "format",
            Shape::Word(&Format::NAMES),
            "`sse` (default): server-sent events; `lines`: a body of any kind that goes on, of which each line that is not empty is an event, such as JSON lines",
        ),
        field(
            "verify",
            Shape::Bool,
            "whether the certificate must be valid (default: true)",
        ),
    ],
};

/// A stream that is to be followed.
#[derive(Debug)]
pub struct Followed {
    /// Path or URL.
    pub url: Template,
    /// Headers of the request.
    pub headers: Vec<(http::HeaderName, Template)>,
    /// Holds for the event that ends the step.
    pub expect: Expression,
    /// How events stand in the body.
    pub format: Format,
    /// Whether the certificate must be valid.
    pub verify: bool,
}

impl Followed {
    /// Whether its address is relative to a service.
    pub fn needs_service(&self) -> bool {
        self.url.start().starts_with('/')
    }
}

pub(super) fn read(compiler: &mut Compiler<'_>, step: &Node, node: &Node) -> Option<Followed> {
    let written = node.get("url")?;
    let url = compiler.template(written)?;
    let start = url.start();
    let is_http = start.starts_with("http://") || start.starts_with("https://");
    if !is_http && !start.starts_with('/') && (url.fixed().is_some() || is_absolute(start)) {
        compiler.error(
            "bad-url",
            format!("`{}` is neither a path nor a URL", written.text),
            written.span,
            "expected `/path`, `http://…` or `https://…`",
        );
    }
    relative_to(compiler, step, &url, written);
    Some(Followed {
        url,
        headers: headers(compiler, node, is_ours),
        expect: compiler.expression(node.get("expect")?, true)?,
        format: node
            .get("format")
            .and_then(|node| Format::of(&node.text))
            .unwrap_or_default(),
        verify: node.get("verify").and_then(Node::as_bool).unwrap_or(true),
    })
}

/// Headers that make the request what it is.
fn is_ours(header: &http::HeaderName) -> Option<&'static str> {
    let name = header.as_str();
    let is_one = matches!(name, "connection" | "content-length" | "transfer-encoding");
    is_one.then_some("is set by HTTP itself")
}
