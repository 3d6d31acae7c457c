//! An echo request, as the language has it.

use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::Compiler;
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field(
    "icmp",
    Shape::Either(FORMS),
    "ask a host for an echo (ping)",
);

/// Bytes that are echoed where nobody says how many.
const PAYLOAD: u64 = 56;
/// Bytes that fit into a packet beside its heads.
const PAYLOAD_MAX: u64 = 65_000;

const FORMS: &[Shape] = &[Shape::Object(&FORM), Shape::Template];

static FORM: Object = Object {
    name: "icmp",
    called: "an ICMP step",
    fields: &[
        required("host", Shape::Template, "a name or an address"),
        field(
            "payload",
            Shape::Count(0, PAYLOAD_MAX),
            "bytes that are echoed (56)",
        ),
    ],
};

/// An echo to be asked for.
#[derive(Debug)]
pub struct Ping {
    /// A name or an address.
    pub host: Template,
    /// Bytes that are echoed.
    pub payload: usize,
}

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<Ping> {
    let payload = node.get("payload").and_then(Node::as_count);
    let payload = payload.unwrap_or(PAYLOAD).min(PAYLOAD_MAX);
    Some(Ping {
        host: compiler.template(node.get("host").unwrap_or(node))?,
        payload: usize::try_from(payload).unwrap_or_default(),
    })
}
