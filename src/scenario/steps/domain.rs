//! A question to the registry of a domain, as the language has it.

use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::Compiler;
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field(
    "domain",
    Shape::Either(FORMS),
    "ask its registry when a domain ends (RDAP); which registry that is, says a list of IANA",
);

const FORMS: &[Shape] = &[Shape::Object(&FORM), Shape::Template];

static FORM: Object = Object {
    name: "domain",
    called: "a domain step",
    fields: &[
        required("name", Shape::Template, "a domain that is registered"),
        field(
            "registry",
            Shape::Template,
            "where its registry answers, and nobody else is asked: `https://rdap.example`",
        ),
    ],
};

/// A domain to be asked for.
#[derive(Debug)]
pub struct DomainQuestion {
    /// The domain.
    pub name: Template,
    /// Where its registry answers, if that is known.
    pub registry: Option<Template>,
}

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<DomainQuestion> {
    Some(DomainQuestion {
        name: compiler.template(node.get("name").unwrap_or(node))?,
        registry: match node.get("registry") {
            Some(node) => Some(compiler.template(node)?),
            None => None,
        },
    })
}
