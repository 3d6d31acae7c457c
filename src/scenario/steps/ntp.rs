//! A question to a server of time, as the language has it.

use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::{Compiler, time};
use crate::scenario::template::Template;
use std::time::Duration;

pub(super) const FIELD: Field = field(
    "ntp",
    Shape::Either(FORMS),
    "ask a server of time how far its clock is from ours",
);

const FORMS: &[Shape] = &[Shape::Object(&FORM), Shape::Template];

static FORM: Object = Object {
    name: "ntp",
    called: "an NTP step",
    fields: &[
        required(
            "host",
            Shape::Template,
            "a name or an address, with its port where that is not 123",
        ),
        field(
            "within",
            Shape::Duration,
            "how far the two clocks may be apart",
        ),
    ],
};

/// A server to be asked.
#[derive(Debug)]
pub struct TimeQuestion {
    /// `host`, or `host:port`.
    pub host: Template,
    /// How far the clocks may be apart.
    pub within: Option<Duration>,
}

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<TimeQuestion> {
    Some(TimeQuestion {
        host: compiler.template(node.get("host").unwrap_or(node))?,
        within: time(node, "within"),
    })
}
