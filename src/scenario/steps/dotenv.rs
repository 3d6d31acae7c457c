//! A file of environment variables as a step, as the language has it: which are there and filled in.

use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::Compiler;
use crate::scenario::reader::texts;
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field(
    "dotenv",
    Shape::Object(&FORM),
    "look at a file of environment variables: which are there and filled in; no value is ever shown",
);

/// A file of environment variables.
#[derive(Debug)]
pub struct Dotenv {
    /// The file.
    pub file: Template,
    /// Variables that must be there.
    pub required: Vec<String>,
    /// Of each of these groups one must be there.
    pub one_of: Vec<Vec<String>>,
    /// Texts that must not stand in a value.
    pub refuse: Vec<String>,
    /// Variables whose values are what is said here.
    pub equal: Vec<(String, Template)>,
}

static FORM: Object = Object {
    name: "dotenv",
    called: "a file of environment variables",
    fields: &[
        required(
            "file",
            Shape::Template,
            "the file, such as `.env.production`",
        ),
        field(
            "required",
            Shape::List(&Shape::Text),
            "variables that must be there and not be empty",
        ),
        field(
            "one_of",
            Shape::List(&Shape::List(&Shape::Text)),
            "groups of which one must be there",
        ),
        field(
            "refuse",
            Shape::List(&Shape::Text),
            "texts that must not stand in a value, beside the usual placeholders such as `YOUR_` and `changeme`",
        ),
        field(
            "equal",
            Shape::Named(&Shape::Template),
            "variables whose values are these, such as a base URL",
        ),
    ],
};

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<Dotenv> {
    let groups = node.get("one_of").map(Node::items).unwrap_or_default();
    let group = |node: &Node| node.items().iter().map(|name| name.text.clone()).collect();
    Some(Dotenv {
        file: compiler.template(node.get("file")?)?,
        required: texts(node, "required"),
        one_of: groups.into_iter().map(group).collect(),
        refuse: texts(node, "refuse"),
        equal: compiler.named(node.get("equal").map(Node::entries).unwrap_or_default()),
    })
}
