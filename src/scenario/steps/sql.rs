//! A question to a database as a step, as the language has it.

use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::Compiler;
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field(
    "sql",
    Shape::Object(&FORM),
    "ask PostgreSQL, by a role that can only read: `rows`, `count`, and `value` of one",
);

/// Rows that are looked at where nothing is said.
const ROWS: u64 = 100;
/// The most rows that can be asked for.
const ROWS_MAX: u64 = 10_000;

/// A question to a database.
#[derive(Debug)]
pub struct SqlQuestion {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub url: Template,
    /// The question: one SELECT.
    pub query: Template,
    /// Rows that are looked at.
    pub rows_max: u64,
}

static FORM: Object = Object {
    name: "sql",
    called: "a question to a database",
    fields: &[
        required(
            "url",
            Shape::Template,
            "`postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full`, best `${secrets.DATABASE_URL}`",
        ),
        required(
            "query",
            Shape::Template,
            "one SELECT; it cannot change anything",
        ),
        field(
            "rows",
            Shape::Count(1, ROWS_MAX),
            "rows that are looked at (100); where there are more, it is inconclusive",
        ),
    ],
};

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<SqlQuestion> {
    Some(SqlQuestion {
        url: compiler.template(node.get("url")?)?,
        query: compiler.template(node.get("query")?)?,
        rows_max: node.get("rows").and_then(Node::as_count).unwrap_or(ROWS),
    })
}
