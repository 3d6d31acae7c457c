//! An element of a page, as the language has it: by what people see of it, or by what was put there for tests.
//!
//! Looks nothing up.

use crate::document::diagnostic::{Diagnostic, nearest};
use crate::document::kind;
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field};
use crate::scenario::compiler::{Compiler, flag};
use crate::scenario::template::Template;

/// By what an element is found.
#[derive(Debug)]
pub enum By {
    /// Its role, and its accessible name.
    Role(Template, Option<Template>),
    /// Its label.
    Label(Template),
    /// A text that it shows.
    Text(Template),
    /// What stands in an empty field.
    Placeholder(Template),
    /// Its `data-testid`.
    TestId(Template),
    /// A selector of CSS.
    Css(Template),
}

/// An element to be found.
#[derive(Debug)]
pub struct Element {
    /// By what.
    pub by: By,
    /// Whether texts must be equal, letter by letter.
    pub exact: bool,
    /// Which of several, from 0; from the end where it is negative.
    pub nth: Option<i64>,
    /// In which element it stands.
    pub within: Option<Box<Element>>,
    /// In which frame it stands.
    pub frame: Option<Box<Element>>,
}

/// Roles that have a key of their own.
const ROLES: [&str; 8] = [
    "button", "link", "heading", "textbox", "checkbox", "radio", "combobox", "image",
];

/// What an element may be said by.
pub(super) static FIELDS: [Field; 19] = [
    field(
        "button",
        Shape::Template,
        "a button with this accessible name",
    ),
    field("link", Shape::Template, "a link with this accessible name"),
    field(
        "heading",
        Shape::Template,
        "a heading with this accessible name",
    ),
    field(
        "textbox",
        Shape::Template,
        "a field for text with this accessible name",
    ),
    field(
        "checkbox",
        Shape::Template,
        "a box to tick with this accessible name",
    ),
    field(
        "radio",
        Shape::Template,
        "a radio button with this accessible name",
    ),
    field(
        "combobox",
        Shape::Template,
        "a list to choose from with this accessible name",
    ),
    field(
        "image",
        Shape::Template,
        "an image with this accessible name",
    ),
    field(
        "role",
        Shape::Template,
        "an element with this role (WAI-ARIA): `tab`, `row`, `dialog`",
    ),
    field(
        "name",
        Shape::Template,
        "the accessible name of that `role`",
    ),
    field("label", Shape::Template, "a field by the text of its label"),
    field(
        "text",
        Shape::Template,
        "the smallest element that shows this text",
    ),
    field(
        "placeholder",
        Shape::Template,
        "a field by what stands in it while it is empty",
    ),
    field(
        "test_id",
        Shape::Template,
        "an element by its `data-testid`",
    ),
    field("css", Shape::Template, "an element by a selector of CSS"),
    field(
        "exact",
        Shape::Bool,
        "texts must be equal letter by letter (false)",
    ),
    field(
        "nth",
        Shape::Text,
        "which of several: 0 is the first, -1 the last; without it there must be exactly one",
    ),
    field("within", Shape::Object(&FORM), "only within this element"),
    field(
        "frame",
        Shape::Object(&FORM),
        "only within this frame (`iframe`)",
    ),
];

/// An element.
pub static FORM: Object = Object {
    name: "element",
    called: "an element",
    fields: &FIELDS,
};

/// An element, or the text that it shows.
pub(super) const OR_TEXT: &[Shape] = &[Shape::Object(&FORM), Shape::Template];

/// The fields of an element, and those of what is done with it.
pub(super) const fn and<const N: usize>(more: &[Field]) -> [Field; N] {
    kind::fields::<(), N>(&FIELDS, &[], more)
}

/// Reads an element, reporting what is wrong.
pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<Element> {
    if node.as_text().is_some() {
        return Some(Element {
            by: By::Text(named(compiler, node)?),
            exact: false,
            nth: None,
            within: None,
            frame: None,
        });
    }
    let by = by(compiler, node)?;
    let nth = node.get("nth").and_then(|written| {
        let number = written.text.trim().parse().ok();
        if number.is_none() {
            let title = format!("`{}` is no place in a list", written.text);
            compiler.error(
                "wrong-type",
                title,
                written.span,
                "expected a whole number, such as 0 or -1",
            );
        }
        number
    });
    let mut inner = |key: &str| {
        let written = node.get(key)?;
        Some(Box::new(read(compiler, written)?))
    };
    Some(Element {
        by,
        exact: flag(node, "exact"),
        nth,
        within: inner("within"),
        frame: inner("frame"),
    })
}

/// A text by which something is found: an empty one finds everything, and so says nothing.
fn named(compiler: &mut Compiler<'_>, node: &Node) -> Option<Template> {
    let text = compiler.template(node)?;
    if text.fixed().is_some_and(|text| text.trim().is_empty()) {
        let title = "an empty text finds everything, and so says nothing";
        compiler.error("which-element", title, node.span, "say what is looked for");
        return None;
    }
    Some(text)
}

/// Roles as they are written (WAI-ARIA 1.2, section 5.4).
const KNOWN_ROLES: &str = "alert alertdialog application article banner blockquote button caption cell checkbox code columnheader combobox complementary contentinfo definition deletion dialog directory document emphasis feed figure form generic grid gridcell group heading image img insertion link list listbox listitem log main marquee math menu menubar menuitem menuitemcheckbox menuitemradio meter navigation none note option paragraph presentation progressbar radio radiogroup region row rowgroup rowheader scrollbar search searchbox separator slider spinbutton status strong subscript superscript switch tab table tablist tabpanel term textbox time timer toolbar tooltip tree treegrid treeitem";

fn known_role(compiler: &mut Compiler<'_>, node: &Node, role: &Template) {
    let Some(role) = role.fixed() else { return };
    if KNOWN_ROLES.split(' ').all(|known| known != role) {
        let near = nearest(role, KNOWN_ROLES.split(' '));
        let title = format!("`{role}` is no role");
        let diagnostic = Diagnostic::error("which-element", title).at(
            compiler.source,
            node.span,
            "nothing ever has it",
        );
        compiler.found.push(match near {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => diagnostic,
        });
    }
}

fn by(compiler: &mut Compiler<'_>, node: &Node) -> Option<By> {
    let others = ["role", "label", "text", "placeholder", "test_id", "css"];
    let known = ROLES.iter().chain(&others);
    let said: Vec<&str> = known
        .copied()
        .filter(|key| node.get(key).is_some())
        .collect();
    let key = match said.as_slice() {
        [key] => *key,
        _ => {
            let title = match said.len() {
                0 => "nothing says which element".to_owned(),
                _ => format!(
                    "an element is found by one thing, not by `{}`",
                    said.join("` and `")
                ),
            };
            let label = "expected `button`, `link`, `label`, `text`, `test_id`, `css` or another";
            compiler.error("which-element", title, node.span, label);
            return None;
        }
    };
    let name = node.get("name");
    if let Some(name) = name.filter(|_| key != "role") {
        let label = format!("belongs to `role`; `{key}` says it already");
        compiler.error("which-element", "`name` without `role`", name.span, &label);
    }
    let written = node.get(key)?;
    let value = named(compiler, written)?;
    Some(match key {
        "role" => {
            known_role(compiler, written, &value);
            let name = name.and_then(|name| named(compiler, name));
            By::Role(value, name)
        }
        "label" => By::Label(value),
        "text" => By::Text(value),
        "placeholder" => By::Placeholder(value),
        "test_id" => By::TestId(value),
        "css" => By::Css(value),
        role => By::Role(Template::literal(role), Some(value)),
    })
}
