//! A DNS question, as the language has it.

use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::{Compiler, flag, text};
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field("dns", Shape::Either(FORMS), "look a name up");

/// A DNS question to be.
#[derive(Debug)]
pub struct DnsQuestion {
    /// The name.
    pub name: Template,
    /// The record type.
    pub record: String,
    /// The server to ask.
    pub server: Option<Template>,
    /// Whether there must be no such record.
    pub absent: bool,
}

const FORMS: &[Shape] = &[Shape::Object(&FORM), Shape::Template];

static FORM: Object = Object {
    name: "dns",
    called: "a DNS step",
    fields: &[
        required("name", Shape::Template, "the name to look up"),
        field(
            "type",
            Shape::Word(&["A", "AAAA", "CNAME", "MX", "NS", "TXT", "CAA", "SRV"]),
            "record type (A)",
        ),
        field(
            "server",
            Shape::Template,
            "`address:port` of the server to ask; the machine's own by default",
        ),
        field(
            "absent",
            Shape::Bool,
            "there must be no such name, or no record of that type (false)",
        ),
    ],
};

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<DnsQuestion> {
    Some(DnsQuestion {
        name: compiler.template(node.get("name").unwrap_or(node))?,
        record: text(node, "type").unwrap_or_else(|| "A".to_owned()),
        server: node.get("server").and_then(|node| compiler.template(node)),
        absent: flag(node, "absent"),
    })
}
