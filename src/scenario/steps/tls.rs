//! A TLS handshake, as the language has it.

use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::net::starttls::Protocol;
use crate::scenario::compiler::Compiler;
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field(
    "tls",
    Shape::Either(FORMS),
    "a TLS handshake with `host:port`",
);

/// A TLS handshake to be.
#[derive(Debug)]
pub struct TlsHandshake {
    /// `host:port`.
    pub host: Template,
    /// The name to verify, if not the host.
    pub server_name: Option<Template>,
    /// Versions that must be accepted.
    pub accepts: Vec<String>,
    /// Versions that must be refused.
    pub refuses: Vec<String>,
    /// The protocol that goes over to TLS, if it does not begin with it.
    pub starttls: Option<Protocol>,
    /// Whether a certificate that is not valid fails the step.
    pub verify: bool,
}

const FORMS: &[Shape] = &[Shape::Object(&FORM), Shape::Template];

static FORM: Object = Object {
    name: "tls",
    called: "a TLS step",
    fields: &[
        required(
            "host",
            Shape::Template,
            "`host:port`; the port is 443 by default",
        ),
        field(
            "server_name",
            Shape::Template,
            "the name sent and verified; the host by default",
        ),
        field(
            "accepts",
            Shape::List(&Shape::Word(&["1.0", "1.1", "1.2", "1.3"])),
            "versions that the server must accept (1.2 and 1.3 can be tried)",
        ),
        field(
            "refuses",
            Shape::List(&Shape::Word(&["1.0", "1.1", "1.2", "1.3"])),
            "versions that the server must refuse",
        ),
        field(
            "starttls",
            Shape::Word(&Protocol::NAMES),
            "the protocol that is spoken first, and goes over to TLS",
        ),
        field(
            "verify",
            Shape::Bool,
            "a certificate that is not valid fails the step (true); without it checks look at `tls.valid` and all other facts",
        ),
    ],
};

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<TlsHandshake> {
    Some(TlsHandshake {
        host: compiler.template(node.get("host").unwrap_or(node))?,
        server_name: node
            .get("server_name")
            .and_then(|node| compiler.template(node)),
        accepts: words(node.get("accepts")),
        refuses: words(node.get("refuses")),
        starttls: node
            .get("starttls")
            .and_then(Node::as_text)
            .and_then(Protocol::of),
        verify: node.get("verify").and_then(Node::as_bool).unwrap_or(true),
    })
}

fn words(node: Option<&Node>) -> Vec<String> {
    let items = node.map(Node::items).unwrap_or_default();
    items
        .into_iter()
        .filter_map(Node::as_text)
        .map(str::to_owned)
        .collect()
}
