//! A TCP connection, as the language has it, and what is said on it.

use super::logs::regex;
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::Compiler;
use crate::scenario::template::Template;
use regex::Regex;

pub(super) const FIELD: Field = field(
    "tcp",
    Shape::Either(FORMS),
    "connect to `host:port`, and hold a conversation in lines",
);

const FORMS: &[Shape] = &[Shape::Object(&FORM), Shape::Template];

static FORM: Object = Object {
    name: "tcp",
    called: "a TCP step",
    fields: &[
        required("host", Shape::Template, "`host:port`"),
        field(
            "exchange",
            Shape::List(&Shape::Object(&TURN)),
            "what is sent and which lines are waited for, in order; `text` is all that came",
        ),
    ],
};

static TURN: Object = Object {
    name: "turn",
    called: "a turn of a conversation",
    fields: &[
        field(
            "send",
            Shape::Template,
            "a text to send as it stands, with the end of its line: `\"EHLO probe\\r\\n\"`",
        ),
        field(
            "expect",
            Shape::Text,
            "a regular expression that the awaited line fits; others before it are passed over",
        ),
    ],
};

/// A connection to be.
#[derive(Debug)]
pub struct Connection {
    /// `host:port`.
    pub host: Template,
    /// What is said on it.
    pub exchange: Vec<Turn>,
}

/// One turn of a conversation to be.
#[derive(Debug)]
pub enum Turn {
    /// This is sent.
    Send(Template),
    /// A line that fits is waited for.
    Expect(Regex),
}

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<Connection> {
    let turns = node.get("exchange").map(Node::items).unwrap_or_default();
    let mut exchange = Vec::new();
    for node in turns {
        exchange.push(turn(compiler, node)?);
    }
    Some(Connection {
        host: compiler.template(node.get("host").unwrap_or(node))?,
        exchange,
    })
}

fn turn(compiler: &mut Compiler<'_>, node: &Node) -> Option<Turn> {
    match (node.get("send"), node.get("expect")) {
        (Some(text), None) => compiler.template(text).map(Turn::Send),
        (None, Some(pattern)) => regex(compiler, pattern, Regex::new).map(Turn::Expect),
        _ => {
            let title = "a turn is either `send` or `expect`";
            compiler.error("missing-field", title, node.span, "exactly one of them");
            None
        }
    }
}
