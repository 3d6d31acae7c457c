//! A question to Prometheus as a step, as the language has it.

use super::asked::{self, Asked};
use crate::document::diagnostic::Diagnostic;
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::{Compiler, text, time};
use crate::scenario::template::Template;
use crate::witness::series::Empty;
use std::time::Duration;

pub(super) const FIELD: Field = field(
    "prometheus",
    Shape::Object(&FORM),
    "ask Prometheus: `value` of one series, `values` and `series` of several",
);

/// A question to Prometheus.
#[derive(Debug)]
pub struct PromQuestion {
    /// Who is asked.
    pub asked: Asked,
    /// The question.
    pub query: Template,
    /// Over which time before now; an instant where nothing is said.
    pub range: Option<Duration>,
    /// Pause between points of a range.
    pub step: Duration,
    /// What an answer without a series means.
    pub empty: Empty,
    /// A question that has an answer only if the source was scraped.
    pub only_if: Option<Template>,
}

static FORM: Object = Object {
    name: "prometheus",
    called: "a question to Prometheus",
    fields: &[
        asked::URL,
        required("query", Shape::Template, "the question, in PromQL"),
        field(
            "range",
            Shape::Duration,
            "over which time before now; at this instant where nothing is said",
        ),
        field(
            "step",
            Shape::Duration,
            "pause between points of a range (15s)",
        ),
        field(
            "empty",
            Shape::Word(&["inconclusive", "fail", "zero"]),
            "what an answer without a series means (inconclusive); `zero` needs `only_if`",
        ),
        field(
            "only_if",
            Shape::Template,
            "the answer counts only if this question has one too, such as `up{job=\"api\"} == 1`",
        ),
        asked::HEADERS,
        asked::AUTH,
    ],
};

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<PromQuestion> {
    let query = node.get("query")?;
    if query.text.replace(' ', "").contains("orvector(0)") {
        compiler.found.push(
            Diagnostic::warning(
                "zero-for-anything",
                "`or vector(0)` answers 0 for anything, a typo too",
            )
            .at(compiler.source, query.span, "it is never empty")
            .hint("leave it out, and say `empty: zero` with `only_if: up{job=\"…\"} == 1`"),
        );
    }
    let only_if = node.get("only_if").and_then(|node| compiler.template(node));
    let empty = match text(node, "empty").as_deref() {
        Some("fail") => Empty::Fails,
        Some("zero") => Empty::Zero,
        _ => Empty::Doubt,
    };
    if empty == Empty::Zero && only_if.is_none() {
        compiler.error(
            "missing-field",
            "nothing is zero only where it is known that something was looked at",
            node.get("empty")?.span,
            "add `only_if: up{job=\"…\"} == 1`",
        );
    }
    Some(PromQuestion {
        asked: asked::read(compiler, node)?,
        query: compiler.template(query)?,
        range: time(node, "range"),
        step: time(node, "step").unwrap_or(Duration::from_secs(15)),
        empty,
        only_if,
    })
}
