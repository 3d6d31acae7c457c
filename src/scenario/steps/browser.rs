//! What is done in a browser, as the language has it: open, look, act, wait, take along.
//!
//! Each is a step like any other; checks look at what the page shows. Does nothing itself.

use super::element::{self, Element, FORM, OR_TEXT};
use super::http_read::relative_to;
use super::screenshot::{self, Shot};
use crate::browser::acting::Button;
use crate::browser::files::is_within;
use crate::browser::going::Until;
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::{Compiler, flag, text};
use crate::scenario::template::Template;
use std::path::PathBuf;

/// What is done in a browser.
#[derive(Debug)]
pub enum Browse {
    /// Goes to an address.
    Open(Template, Until),
    /// Loads the page again.
    Reload(Until),
    /// Goes back to the page before.
    Back(Until),
    /// Clicks.
    Click {
        /// On what.
        on: Element,
        /// With which button.
        with: Button,
        /// How often.
        times: u32,
    },
    /// Moves the pointer there.
    Hover(Element),
    /// Puts a text into a field.
    Fill {
        /// Into which.
        field: Element,
        /// The text.
        text: Template,
        /// Whether each letter is a key of its own.
        by_key: bool,
    },
    /// Chooses from a list.
    Select(Element, Template),
    /// Ticks a box, or takes its tick away.
    Tick(Element, bool),
    /// Presses a key.
    Press(Template, Option<Element>),
    /// Waits until something can be seen.
    See(Element),
    /// Waits until nothing of it can be seen.
    Unseen(Element),
    /// Waits until an element is as it should be.
    Expect(Element, Box<Wanted>),
    /// Takes a picture.
    Screenshot(Box<Shot>),
    /// Clicks, and takes what is downloaded.
    Download(Element),
    /// Gives files to a field.
    Upload(Element, Vec<PathBuf>),
    /// Lets a script run in the page; again and again until what it returns is so, where that is wanted.
    Script(String, bool),
    /// Waits until a request of the page has come to its end.
    Requested {
        /// A part of its address.
        url: Template,
        /// Its method.
        method: Option<String>,
        /// What it comes to.
        status: Option<u16>,
    },
    /// Takes the network away, or gives it back.
    Offline(bool),
    /// Goes over to the window that was opened last, or back to the first.
    Window(bool),
}

/// What an element should be.
#[derive(Debug)]
pub struct Wanted {
    /// How many there are.
    pub count: Option<u64>,
    /// A text that it shows.
    pub shows: Option<Template>,
    /// What stands in it.
    pub value: Option<Template>,
    /// Whether something can be done with it.
    pub enabled: Option<bool>,
    /// Whether it is ticked.
    pub checked: Option<bool>,
    /// An attribute, and what it is.
    pub attribute: Option<(String, Template)>,
}

const UNTIL: Field = field(
    "until",
    Shape::Word(&["load", "dom", "idle"]),
    "how far it must come: all that the document names (`load`), as far as it can be looked at (`dom`), or half a second without traffic (`idle`)",
);

static OPEN: Object = Object {
    name: "open",
    called: "a step that opens a page",
    fields: &[
        required("url", Shape::Template, "a path of the service, or a URL"),
        UNTIL,
    ],
};
static AGAIN: Object = Object {
    name: "again",
    called: "a step that loads a page",
    fields: &[UNTIL],
};
static CLICK: Object = Object {
    name: "click",
    called: "a click",
    fields: &element::and::<21>(&[
        field(
            "times",
            Shape::Count(1, 3),
            "how often, 2 for a double click (1)",
        ),
        field(
            "with",
            Shape::Word(&["left", "right", "middle"]),
            "which button of the mouse (left)",
        ),
    ]),
};
static FILL: Object = Object {
    name: "fill",
    called: "a step that fills a field",
    fields: &element::and::<21>(&[
        required(
            "with",
            Shape::Template,
            "the text, in place of what stands there; an empty one clears it",
        ),
        field(
            "by_key",
            Shape::Bool,
            "each letter is a key of its own, for pages that follow each (false)",
        ),
    ]),
};
static SELECT: Object = Object {
    name: "select",
    called: "a step that chooses from a list",
    fields: &element::and::<20>(&[required(
        "option",
        Shape::Template,
        "the option, by what it shows or what it stands for",
    )]),
};
static PRESS: Object = Object {
    name: "press",
    called: "a step that presses a key",
    fields: &[
        required(
            "key",
            Shape::Template,
            "the key: one letter, `Enter`, `Control+A`",
        ),
        field(
            "on",
            Shape::Object(&FORM),
            "the element; what has the focus by default",
        ),
    ],
};
static EXPECT: Object = Object {
    name: "expect",
    called: "what an element should be",
    fields: &element::and::<25>(&[
        field(
            "count",
            Shape::Count(0, 10_000),
            "how many of it can be seen",
        ),
        field("shows", Shape::Template, "a text that it shows"),
        field("value", Shape::Template, "what stands in the field"),
        field(
            "enabled",
            Shape::Bool,
            "whether something can be done with it",
        ),
        field("checked", Shape::Bool, "whether it is ticked"),
        field(
            "attribute",
            Shape::Object(&ATTRIBUTE),
            "what an attribute is",
        ),
    ]),
};
static ATTRIBUTE: Object = Object {
    name: "attribute",
    called: "an attribute",
    fields: &[
        required("name", Shape::Text, "its name: `href`"),
        required("is", Shape::Template, "what it is"),
    ],
};
static SCRIPT: Object = Object {
    name: "script",
    called: "a script in the page",
    fields: &[
        required(
            "run",
            Shape::Text,
            "what is run; what it returns is `value`",
        ),
        field(
            "until_true",
            Shape::Bool,
            "it is run again until what it returns is true in the sense of JavaScript (false)",
        ),
    ],
};
static REQUESTED: Object = Object {
    name: "requested",
    called: "a request of the page",
    fields: &[
        required(
            "url",
            Shape::Template,
            "a part of its address: `/api/orders`",
        ),
        field("method", Shape::Text, "its method"),
        field(
            "status",
            Shape::Count(100, 599),
            "what it comes to; anything below 400 where nothing is said",
        ),
    ],
};
static UPLOAD: Object = Object {
    name: "upload",
    called: "a step that gives files away",
    fields: &element::and::<20>(&[required(
        "files",
        Shape::OneOrMany(&Shape::Text),
        "files beside the scenario",
    )]),
};

const OPENED: &[Shape] = &[Shape::Object(&OPEN), Shape::Template];
const LOADED: &[Shape] = &[Shape::Object(&AGAIN), Shape::Bool];
const CLICKED: &[Shape] = &[Shape::Object(&CLICK), Shape::Template];
const PRESSED: &[Shape] = &[Shape::Object(&PRESS), Shape::Template];
const SCRIPTED: &[Shape] = &[Shape::Object(&SCRIPT), Shape::Text];
const ASKED: &[Shape] = &[Shape::Object(&REQUESTED), Shape::Template];
const PICTURED: &[Shape] = &[Shape::Object(&screenshot::FORM), Shape::Bool];

/// How each is said.
pub(super) const FIELDS: [Field; 20] = [
    field(
        "open",
        Shape::Either(OPENED),
        "open this path or URL in a browser",
    ),
    field("reload", Shape::Either(LOADED), "load the page again"),
    field("back", Shape::Either(LOADED), "go back to the page before"),
    field(
        "click",
        Shape::Either(CLICKED),
        "click an element, or what shows this text",
    ),
    field(
        "hover",
        Shape::Either(OR_TEXT),
        "move the pointer over an element",
    ),
    field("fill", Shape::Object(&FILL), "put a text into a field"),
    field(
        "select",
        Shape::Object(&SELECT),
        "choose an option of a list",
    ),
    field("tick", Shape::Object(&FORM), "tick a box"),
    field(
        "untick",
        Shape::Object(&FORM),
        "take the tick of a box away",
    ),
    field("press", Shape::Either(PRESSED), "press a key"),
    field(
        "see",
        Shape::Either(OR_TEXT),
        "wait until an element, or a text, can be seen",
    ),
    field(
        "unseen",
        Shape::Either(OR_TEXT),
        "wait until nothing of it can be seen",
    ),
    field(
        "expect",
        Shape::Object(&EXPECT),
        "wait until an element is as it should be",
    ),
    field(
        "screenshot",
        Shape::Either(PICTURED),
        "take a picture as evidence",
    ),
    field(
        "download",
        Shape::Either(OR_TEXT),
        "click an element, and take what is downloaded as `bytes`",
    ),
    field("upload", Shape::Object(&UPLOAD), "give files to a field"),
    field(
        "script",
        Shape::Either(SCRIPTED),
        "run JavaScript in the page; what it returns is `value`",
    ),
    field(
        "requested",
        Shape::Either(ASKED),
        "wait until a request of the page has come to its end, by a part of its address",
    ),
    field(
        "offline",
        Shape::Bool,
        "take the page's network away, or give it back",
    ),
    field(
        "window",
        Shape::Word(&["newest", "first"]),
        "go over to the window that was opened last, once there is one, or back to the first",
    ),
];

impl Browse {
    /// Whether it begins with a page of its own.
    pub fn opens(&self) -> bool {
        matches!(self, Browse::Open(..))
    }

    /// Whether it loads something, which takes as long as the network does.
    pub fn loads(&self) -> bool {
        use Browse::{Back, Download, Open, Reload, Upload};
        matches!(
            self,
            Open(..) | Reload(_) | Back(_) | Download(_) | Upload(..)
        )
    }

    /// Whether its address is relative to a service.
    pub fn needs_service(&self) -> bool {
        matches!(self, Browse::Open(url, _) if url.start().starts_with('/'))
    }
}

pub(super) fn read(
    compiler: &mut Compiler<'_>,
    step: &Node,
    key: &str,
    node: &Node,
) -> Option<Browse> {
    if node.as_bool() == Some(false) && key != "offline" {
        let title = format!("`{key}: false` does nothing");
        compiler.error(
            "nothing-checked",
            title,
            node.span,
            "remove the step, or say `true`",
        );
    }
    Some(match key {
        "open" => {
            let written = node.get("url").unwrap_or(node);
            let url = compiler.template(written)?;
            let is_whole = ["http://", "https://"]
                .iter()
                .any(|start| url.start().starts_with(start));
            if !is_whole && !url.start().starts_with('/') && !url.start().is_empty() {
                let title = format!("`{}` is neither a path nor a URL of the web", written.text);
                compiler.error(
                    "bad-url",
                    title,
                    written.span,
                    "expected `/path`, `http://…` or `https://…`",
                );
            }
            relative_to(compiler, step, &url, written);
            Browse::Open(url, until(node))
        }
        "reload" => Browse::Reload(until(node)),
        "back" => Browse::Back(until(node)),
        "click" => Browse::Click {
            on: element::read(compiler, node)?,
            with: match text(node, "with").as_deref() {
                Some("right") => Button::Right,
                Some("middle") => Button::Middle,
                _ => Button::Left,
            },
            times: node
                .get("times")
                .and_then(Node::as_count)
                .map_or(1, |times| times as u32),
        },
        "hover" => Browse::Hover(element::read(compiler, node)?),
        "fill" => Browse::Fill {
            field: element::read(compiler, node)?,
            text: compiler.template(node.get("with")?)?,
            by_key: flag(node, "by_key"),
        },
        "select" => {
            let option = compiler.template(node.get("option")?)?;
            Browse::Select(element::read(compiler, node)?, option)
        }
        "tick" | "untick" => Browse::Tick(element::read(compiler, node)?, key == "tick"),
        "press" => {
            let key = compiler.template(node.get("key").unwrap_or(node))?;
            let on = node.get("on").map(|on| element::read(compiler, on));
            Browse::Press(key, on.map_or(Some(None), |on| on.map(Some))?)
        }
        "see" => Browse::See(element::read(compiler, node)?),
        "unseen" => Browse::Unseen(element::read(compiler, node)?),
        "expect" => {
            let wanted = wanted(compiler, node);
            Browse::Expect(element::read(compiler, node)?, Box::new(wanted))
        }
        "screenshot" => Browse::Screenshot(Box::new(screenshot::read(compiler, node)?)),
        "download" => Browse::Download(element::read(compiler, node)?),
        "upload" => Browse::Upload(element::read(compiler, node)?, files(compiler, node)),
        "requested" => Browse::Requested {
            url: compiler.template(node.get("url").unwrap_or(node))?,
            method: text(node, "method"),
            status: node
                .get("status")
                .and_then(Node::as_count)
                .map(|status| status as u16),
        },
        "offline" => Browse::Offline(node.as_bool()?),
        "window" => Browse::Window(node.as_text()? == "newest"),
        _ => {
            let run = node.get("run").unwrap_or(node);
            Browse::Script(run.as_text()?.to_owned(), flag(node, "until_true"))
        }
    })
}

fn until(node: &Node) -> Until {
    match text(node, "until").as_deref() {
        Some("dom") => Until::Dom,
        Some("idle") => Until::Idle,
        _ => Until::Load,
    }
}

fn wanted(compiler: &mut Compiler<'_>, node: &Node) -> Wanted {
    let attribute = node.get("attribute").and_then(|node| {
        let is = compiler.template(node.get("is")?)?;
        Some((text(node, "name")?, is))
    });
    let wanted = Wanted {
        count: node.get("count").and_then(Node::as_count),
        shows: node.get("shows").and_then(|node| compiler.template(node)),
        value: node.get("value").and_then(|node| compiler.template(node)),
        enabled: node.get("enabled").and_then(Node::as_bool),
        checked: node.get("checked").and_then(Node::as_bool),
        attribute,
    };
    let says_nothing = ["count", "shows", "value", "enabled", "checked", "attribute"]
        .iter()
        .all(|key| node.get(key).is_none());
    if says_nothing {
        let title = "nothing is expected of it";
        let label = "add `count`, `shows`, `value`, `enabled`, `checked` or `attribute`; `see` waits for it to be there";
        compiler.error("nothing-checked", title, node.span, label);
    }
    wanted
}

/// Files beside the scenario: what it gives away is its own.
fn files(compiler: &mut Compiler<'_>, node: &Node) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for written in node.get("files").map(Node::items).unwrap_or_default() {
        let path = compiler.folder.join(&written.text);
        if is_within(compiler.folder, &path) {
            files.push(path.canonicalize().unwrap_or(path));
        } else {
            let title = format!("`{}` is no file beside the scenario", written.text);
            compiler.error(
                "unreadable-file",
                title,
                written.span,
                "not there, or outside of its folder",
            );
        }
    }
    files
}
