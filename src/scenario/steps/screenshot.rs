//! A picture of a page: of what, what is covered, and what it must be like.

use super::element::{self, Element, FORM as ELEMENT};
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field};
use crate::picture::baseline::plain;
use crate::scenario::compiler::{Compiler, flag};

/// A picture to be.
#[derive(Debug)]
pub struct Shot {
    /// All of the page.
    pub is_full: bool,
    /// Only this element.
    pub of: Option<Element>,
    /// What is covered.
    pub masks: Vec<Element>,
    /// What it must be like.
    pub baseline: Option<Likened>,
}

/// What a picture must be like: the baseline that somebody accepted.
#[derive(Debug)]
pub struct Likened {
    /// That of another environment.
    pub environment: Option<String>,
    /// How many pixels may differ.
    pub allowed: u64,
}

const LIKENED: &[Shape] = &[Shape::Bool, Shape::Text];
pub(super) static FORM: Object = Object {
    name: "screenshot",
    called: "a picture",
    fields: &[
        field(
            "full",
            Shape::Bool,
            "all of the page, and not only what is seen (false)",
        ),
        field("of", Shape::Object(&ELEMENT), "only this element"),
        field(
            "mask",
            Shape::OneOrMany(&Shape::Object(&ELEMENT)),
            "what is covered, since it is never the same or nobody's business",
        ),
        field(
            "baseline",
            Shape::Either(LIKENED),
            "it must look like the picture that somebody accepted: of this environment (`true`), or of another one, by its name",
        ),
        field(
            "pixels",
            Shape::Count(0, 10_000_000),
            "how many pixels may differ from the baseline, unless they fill a quarter of a square of 32 by 32; one digit is some 20 (0)",
        ),
    ],
};
pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<Shot> {
    let of = match node.get("of") {
        Some(of) => Some(element::read(compiler, of)?),
        None => None,
    };
    let masks = node.get("mask").map(Node::items).unwrap_or_default();
    let masks = masks
        .into_iter()
        .filter_map(|mask| element::read(compiler, mask));
    let masks = masks.collect();
    let baseline = likened(compiler, node);
    Some(Shot {
        masks,
        baseline,
        is_full: flag(node, "full"),
        of,
    })
}

fn likened(compiler: &mut Compiler<'_>, node: &Node) -> Option<Likened> {
    let written = node.get("baseline");
    let allowed = node.get("pixels");
    let is_wanted = written.is_some_and(|written| written.as_bool() != Some(false));
    if !is_wanted && let Some(allowed) = allowed {
        let label = "add `baseline: true`, or leave it out";
        compiler.error(
            "nothing-checked",
            "there is no baseline that pixels could differ from",
            allowed.span,
            label,
        );
    }
    let environment = written.filter(|written| written.as_bool().is_none());
    if let Some(written) = environment
        && (written.text.is_empty() || plain(&written.text) != written.text)
    {
        let title = format!("`{}` is no name of an environment", written.text);
        compiler.error(
            "wrong-type",
            title,
            written.span,
            "expected `true`, or a name such as `production`",
        );
    }
    is_wanted.then(|| Likened {
        environment: environment.and_then(Node::as_text).map(str::to_owned),
        allowed: allowed.and_then(Node::as_count).unwrap_or_default(),
    })
}
