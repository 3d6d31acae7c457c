//! How the pages of a scenario are looked at, and what of what they show fails a step by itself.

use super::compiler::{Compiler, flag, text, time};
use super::template::Template;
use crate::browser::network::Slow;
use crate::browser::page::Options;
use crate::browser::seen::Dialogs;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field};
use crate::scenario::reader::texts;

/// The most runs whose pictures are kept.
pub const KEEP_MAX: u64 = 1_000;

/// What a scenario says of its pages.
#[derive(Debug, Default)]
pub struct Browsing {
    /// How they are looked at.
    pub options: Options,
    /// Whether an error on the console fails the step.
    pub console_fails: bool,
    /// Texts of errors that may stand there.
    pub ignored: Vec<String>,
    /// Whether what a policy refuses fails the step.
    pub policy_fails: bool,
    /// Whether a request that failed fails the step.
    pub requests_fail: bool,
    /// Of how many runs that passed the pictures are kept.
    pub keep: Option<Template>,
    /// Headers that go to the environment's own services.
    pub headers: Vec<(String, Template)>,
    /// How much slower it is than it would be here.
    pub slow: Option<Slow>,
    /// Whether cookies of HTTP steps are those of the pages, too.
    pub shares_cookies: bool,
}

impl Browsing {
    /// Whether one of these texts of an error may be there.
    pub fn ignores(&self, texts: &[&str]) -> bool {
        let is_in = |ignored: &String| texts.iter().any(|text| text.contains(ignored.as_str()));
        self.ignored.iter().any(is_in)
    }

    /// Whether what a page shows by itself can fail a step.
    pub fn judges(&self) -> bool {
        self.console_fails || self.policy_fails || self.requests_fail
    }
}

/// How pages are looked at.
pub(super) static FORM: Object = Object {
    name: "browser",
    called: "how pages are looked at",
    fields: &[
        field(
            "viewport",
            Shape::Text,
            "width and height of what is seen (1280x720)",
        ),
        field(
            "mobile",
            Shape::Bool,
            "as on a phone: with touch, and pages that fit its width (false)",
        ),
        field("user_agent", Shape::Text, "what the browser says it is"),
        field("locale", Shape::Text, "the language (en-US)"),
        field("timezone", Shape::Text, "the time zone (UTC)"),
        field(
            "dialogs",
            Shape::Word(&["dismiss", "accept"]),
            "what dialogs are answered (dismiss)",
        ),
        field(
            "console",
            Shape::Word(&["report", "fail"]),
            "what an error on the console or an exception that nobody catches does (report)",
        ),
        field(
            "ignore",
            Shape::OneOrMany(&Shape::Text),
            "errors that hold one of these texts may be there",
        ),
        field(
            "policy",
            Shape::Word(&["report", "fail"]),
            "what a violation of the content security policy, or mixed content, does (report)",
        ),
        field(
            "requests",
            Shape::Word(&["report", "fail"]),
            "what a request without a reply, or with a status from 400 on, does (report)",
        ),
        field(
            "keep",
            Shape::Either(&[Shape::Count(1, KEEP_MAX), Shape::Template]),
            "of how many runs that passed the pictures are kept, the newest; those of runs that failed, and of the smoke and proof of a gate, are kept like all evidence (5)",
        ),
        field(
            "headers",
            Shape::Named(&Shape::Template),
            "headers that go along with requests to the environment's services, and to no other host",
        ),
        field(
            "slow",
            Shape::Object(&SLOW),
            "a network and a processor that are slower than here",
        ),
        field(
            "share_cookies",
            Shape::Bool,
            "HTTP steps and pages have the same cookies (false)",
        ),
    ],
};

static SLOW: Object = Object {
    name: "slow",
    called: "a slower network",
    fields: &[
        field(
            "latency",
            Shape::Duration,
            "what is added to each round trip",
        ),
        field(
            "download",
            Shape::Count(1, 10_000_000),
            "kilobits a second that come",
        ),
        field(
            "upload",
            Shape::Count(1, 10_000_000),
            "kilobits a second that go",
        ),
        field(
            "processor",
            Shape::Count(1, 20),
            "how many times slower the processor is (1)",
        ),
    ],
};

pub(super) fn read(compiler: &mut Compiler<'_>, root: &Node) -> Browsing {
    let Some(node) = root.get("browser") else {
        return Browsing::default();
    };
    for ignored in node.get("ignore").map(Node::items).unwrap_or_default() {
        if ignored.text.trim().is_empty() {
            let title = "an empty text stands in every error, so that none would fail";
            compiler.error(
                "nothing-checked",
                title,
                ignored.span,
                "say which errors may be there",
            );
        }
    }
    let fails = |key: &str| text(node, key).as_deref() == Some("fail");
    let plain = Options::default();
    let options = Options {
        viewport: viewport(compiler, node).unwrap_or(plain.viewport),
        is_mobile: flag(node, "mobile"),
        user_agent: text(node, "user_agent"),
        locale: text(node, "locale").unwrap_or(plain.locale),
        timezone: text(node, "timezone").unwrap_or(plain.timezone),
        dialogs: match text(node, "dialogs").as_deref() {
            Some("accept") => Dialogs::Accept,
            _ => Dialogs::Dismiss,
        },
    };
    Browsing {
        options,
        console_fails: fails("console"),
        ignored: texts(node, "ignore"),
        policy_fails: fails("policy"),
        requests_fail: fails("requests"),
        keep: node.get("keep").and_then(|node| compiler.template(node)),
        headers: compiler.named(node.get("headers").map(Node::entries).unwrap_or_default()),
        slow: node.get("slow").map(slow),
        shares_cookies: flag(node, "share_cookies"),
    }
}

fn slow(node: &Node) -> Slow {
    let count = |key: &str| node.get(key).and_then(Node::as_count);
    Slow {
        latency: time(node, "latency").unwrap_or_default(),
        download: count("download"),
        upload: count("upload"),
        processor: count("processor").unwrap_or(1),
    }
}

fn viewport(compiler: &mut Compiler<'_>, node: &Node) -> Option<(u32, u32)> {
    let written = node.get("viewport")?;
    let size = written.text.split_once('x').and_then(|(width, height)| {
        let side = |text: &str| {
            text.trim()
                .parse()
                .ok()
                .filter(|side| (100..=7_680).contains(side))
        };
        Some((side(width)?, side(height)?))
    });
    if size.is_none() {
        let title = format!("`{}` is no size of a viewport", written.text);
        compiler.error(
            "wrong-type",
            title,
            written.span,
            "expected width and height from 100 to 7680, such as `1280x720`",
        );
    }
    size
}
