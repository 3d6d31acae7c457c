//! Who is asked over HTTP for what others know: an address, its headers, its credentials.

use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::Compiler;
use crate::scenario::template::Template;

/// Somebody who is asked over HTTP.
#[derive(Debug)]
pub struct Asked {
    /// The base URL.
    pub url: Template,
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// A bearer token.
    pub bearer: Option<Template>,
}

/// Where whoever is asked is.
pub const URL: Field = required("url", Shape::Template, "its base URL");
/// What is sent along.
pub const HEADERS: Field = field(
    "headers",
    Shape::Named(&Shape::Template),
    "headers to send, such as `X-Scope-OrgID`",
);
/// Credentials.
pub const AUTH: Field = field("auth", Shape::Object(&FORM), "credentials");

static FORM: Object = Object {
    name: "asked_auth",
    called: "authentication",
    fields: &[required("bearer", Shape::Template, "a bearer token")],
};

/// Reads whoever is asked.
pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<Asked> {
    let bearer = node.get("auth").and_then(|node| node.get("bearer"));
    Some(Asked {
        url: compiler.template(node.get("url")?)?,
        headers: compiler.named(node.get("headers").map(Node::entries).unwrap_or_default()),
        bearer: bearer.and_then(|node| compiler.template(node)),
    })
}
