//! How good a page is, as the language has it: which page, how often it is measured, and what is wanted of it.

use super::http_read::relative_to;
use crate::browser::files::is_within;
use crate::document::diagnostic::Diagnostic;
use crate::document::node::{Node, parse};
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::document::source::Source;
use crate::quality::limits::{CATEGORIES, Limit, lighthouserc};
use crate::scenario::compiler::{Compiler, flag, text};
use crate::scenario::template::Template;

/// Runs where nothing is said.
const RUNS: u64 = 3;
/// The most runs of one step.
pub const RUNS_MAX: u64 = 15;

pub(super) const FIELD: Field = field(
    "quality",
    Shape::Object(&FORM),
    "the page is as good as this, as Lighthouse measures it in several runs",
);

/// How a page is measured.
#[derive(Debug)]
pub struct Quality {
    /// Which page.
    pub url: Template,
    /// How often.
    pub runs: Template,
    /// Whether as on a desktop.
    pub is_desktop: bool,
    /// How network and processor are slowed.
    pub throttling: Option<String>,
    /// Whether what falls short is measured once more with a warm cache.
    pub warm: bool,
    /// Headers that are sent along.
    pub headers: Vec<(String, Template)>,
    /// What is wanted.
    pub limits: Vec<Limit>,
}

impl Quality {
    /// Whether its address is relative to a service.
    pub fn needs_service(&self) -> bool {
        self.url.start().starts_with('/')
    }
}

const LEAST: Shape = Shape::Number;
const COUNTED: &[Shape] = &[Shape::Count(1, RUNS_MAX), Shape::Template];

static FORM: Object = Object {
    name: "quality",
    called: "the quality of a page",
    fields: &[
        required("url", Shape::Template, "a path of the service, or a URL"),
        field(
            "runs",
            Shape::Either(COUNTED),
            "how often it is measured; the median is judged (3)",
        ),
        field(
            "form",
            Shape::Word(&["mobile", "desktop"]),
            "as on what (mobile)",
        ),
        field(
            "throttling",
            Shape::Word(&["simulate", "devtools", "provided"]),
            "how network and processor are slowed, as Lighthouse names it (simulate)",
        ),
        field(
            "warm",
            Shape::Bool,
            "where it falls short, it is measured once more with a warm cache, and that set is judged (false)",
        ),
        field("performance", LEAST, "the least points of 100"),
        field("accessibility", LEAST, "the least points of 100"),
        field("best-practices", LEAST, "the least points of 100"),
        field("seo", LEAST, "the least points of 100"),
        field(
            "audits",
            Shape::Named(&Shape::Number),
            "the most that an audit may measure: `largest-contentful-paint: 2500`",
        ),
        field(
            "lighthouserc",
            Shape::Text,
            "a file of Lighthouse CI beside the scenario, as JSON or YAML, whose assertions must hold, too",
        ),
        field(
            "headers",
            Shape::Named(&Shape::Template),
            "headers that are sent along with every request",
        ),
    ],
};

pub(super) fn read(compiler: &mut Compiler<'_>, step: &Node, node: &Node) -> Option<Quality> {
    let written = node.get("url")?;
    let url = compiler.template(written)?;
    relative_to(compiler, step, &url, written);
    let mut limits = Vec::new();
    for category in CATEGORIES {
        if let Some(points) = node
            .get(category)
            .and_then(|node| number(compiler, node, 100.0))
        {
            limits.push(Limit::points(category, points));
        }
    }
    for (name, most) in node.get("audits").map(Node::entries).unwrap_or_default() {
        if let Some(most) = number(compiler, most, f64::MAX) {
            limits.push(Limit::most(&name.text, most));
        }
    }
    let file = node.get("lighthouserc");
    let asked = file
        .and_then(|file| of_file(compiler, file))
        .unwrap_or_default();
    limits.extend(asked.limits);
    if limits.is_empty() && step.get("check").is_none() {
        let label = "add `performance: 90`, `audits`, `lighthouserc`, or a `check`";
        compiler.error(
            "nothing-checked",
            "whatever Lighthouse measures, this passes",
            node.span,
            label,
        );
    }
    let runs = match node.get("runs") {
        Some(runs) => compiler.template(runs)?,
        None => Template::literal(asked.runs.unwrap_or(RUNS).min(RUNS_MAX).to_string()),
    };
    Some(Quality {
        url,
        runs,
        is_desktop: text(node, "form").or(asked.form).as_deref() == Some("desktop"),
        throttling: text(node, "throttling").or(asked.throttling),
        warm: flag(node, "warm"),
        headers: compiler.named(node.get("headers").map(Node::entries).unwrap_or_default()),
        limits,
    })
}

fn number(compiler: &mut Compiler<'_>, node: &Node, most: f64) -> Option<f64> {
    let number = node
        .as_number()
        .filter(|number| (0.0..=most).contains(number));
    if number.is_none() {
        let title = format!("`{}` is no number from 0 on", node.text);
        let label = if most > 100.0 {
            "expected what an audit measures, such as `2500`"
        } else {
            "expected points from 0 to 100"
        };
        compiler.error("wrong-type", title, node.span, label);
    }
    number
}

fn of_file(compiler: &mut Compiler<'_>, node: &Node) -> Option<crate::quality::limits::Asked> {
    let path = compiler.folder.join(&node.text);
    let wrong = |compiler: &mut Compiler<'_>, label: &str| {
        let title = format!("`{}` cannot be read as a file of Lighthouse CI", node.text);
        compiler.error("unreadable-file", title, node.span, label);
    };
    if !is_within(compiler.folder, &path) {
        wrong(compiler, "not there, or outside of the scenario's folder");
        return None;
    }
    let source = match Source::read(&path) {
        Ok(source) => source,
        Err(why) => {
            wrong(compiler, &why.to_string());
            return None;
        }
    };
    let asked = lighthouserc(&parse(&source, compiler.found)?.to_json());
    for what in &asked.unknown {
        let title = format!(
            "`{}` asks for something that is not checked here: {what}",
            node.text
        );
        let diagnostic = Diagnostic::error("nothing-checked", title).at(
            compiler.source,
            node.span,
            "would pass unseen",
        );
        compiler
            .found
            .push(diagnostic.hint("write it as `check`, or remove it there"));
    }
    for name in &asked.optimistic {
        let title = format!(
            "`{name}` is judged by the best of all runs in `{}`",
            node.text
        );
        let diagnostic = Diagnostic::warning("best-of-runs", title).at(
            compiler.source,
            node.span,
            "one good run hides bad ones",
        );
        compiler
            .found
            .push(diagnostic.hint("say `\"aggregationMethod\": \"median\"` there"));
    }
    Some(asked)
}
