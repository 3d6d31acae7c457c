//! A log as a step, as the language has it: where it is read, from when on, and what is looked for.

use super::asked::{self, Asked};
use super::command::{self, Command};
use crate::document::diagnostic::Diagnostic;
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::{Compiler, flag, text, time};
use crate::scenario::template::Template;
use crate::witness::lines::Wanted;
use crate::witness::pattern::{Fits, Pattern, whole};
use regex::Regex;
use std::time::Duration;

pub(super) const FIELD: Field = field(
    "logs",
    Shape::Object(&FORM),
    "read a log: what must be there, what must not, what is counted",
);

/// A log to be read.
#[derive(Debug)]
pub struct Logs {
    /// Where it is read.
    pub source: LogSource,
    /// From when on: a span before now, or a moment.
    pub since: Option<Template>,
    /// For how long it is followed; read once where nothing is said.
    pub follow: Option<Duration>,
    /// What is looked for.
    pub wanted: Wanted,
}

/// Where a log is read.
#[derive(Debug)]
pub enum LogSource {
    /// What a program prints, on both of its streams.
    Command(Box<Command>),
    /// A file.
    File(Template),
    /// An address that answers with lines.
    Http(Asked),
    /// Loki, with a query.
    Loki(Asked, Template),
}

static FORM: Object = Object {
    name: "logs",
    called: "a log step",
    fields: &[
        field(
            "command",
            Shape::List(&Shape::Template),
            "a program that prints it, such as `[fly, logs, --no-tail]`; both of its streams are read",
        ),
        field(
            "shell",
            Shape::Template,
            "a line for `sh -c` that prints it",
        ),
        field("dir", Shape::Template, "working directory of the program"),
        field(
            "env",
            Shape::Named(&Shape::Template),
            "environment variables of the program",
        ),
        field("file", Shape::Template, "a file that holds it"),
        field(
            "http",
            Shape::Object(&HTTP),
            "an address that answers with lines",
        ),
        field("loki", Shape::Object(&LOKI), "Loki"),
        field(
            "since",
            Shape::Template,
            "lines before are left out: a span such as `10m`, or a moment such as `${inputs.started}`",
        ),
        field(
            "follow",
            Shape::Duration,
            "go on reading for so long, as new lines come (of a command or a file)",
        ),
        field(
            "must",
            Shape::List(&Shape::Either(WHAT)),
            "patterns that must be there",
        ),
        field(
            "must_not",
            Shape::List(&Shape::Either(WHAT)),
            "patterns that must not be there",
        ),
        field(
            "count",
            Shape::Named(&Shape::Either(WHAT)),
            "patterns that are counted, by name: `counts.NAME`, and `rates.NAME` a minute",
        ),
        field(
            "at_least",
            Shape::Count(0, u64::MAX),
            "fewest lines that must be there to be read, so that an absence says anything (1)",
        ),
        field(
            "whole",
            Shape::Bool,
            "whether the log must be seen to reach back to `since`; inconclusive where it does not (false)",
        ),
    ],
};

const WHAT: &[Shape] = &[Shape::Object(&PATTERN), Shape::Text];

static PATTERN: Object = Object {
    name: "log_pattern",
    called: "a pattern",
    fields: &[
        field("pattern", Shape::Text, "a regular expression over the line"),
        field(
            "fields",
            Shape::Named(&Shape::Text),
            "of lines that are JSON: fields by their paths, and what their whole text is like",
        ),
        field("name", Shape::Text, "what it is called"),
        field("cause", Shape::Text, "what a line like that comes from"),
        field("advice", Shape::Text, "what to do about it"),
    ],
};

static HTTP: Object = Object {
    name: "log_http",
    called: "an address",
    fields: &[asked::URL, asked::HEADERS, asked::AUTH],
};

static LOKI: Object = Object {
    name: "loki",
    called: "Loki",
    fields: &[
        asked::URL,
        required(
            "query",
            Shape::Template,
            "a query for lines, such as `{app=\"api\"}`",
        ),
        asked::HEADERS,
        asked::AUTH,
    ],
};

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<Logs> {
    let source = source(compiler, node)?;
    let wanted = Wanted {
        must: patterns(compiler, node, "must"),
        must_not: patterns(compiler, node, "must_not"),
        count: node
            .get("count")
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .filter_map(|(name, node)| Some((name.text.clone(), pattern(compiler, node)?)))
            .collect(),
        at_least: node.get("at_least").and_then(Node::as_count).unwrap_or(1),
        whole: flag(node, "whole"),
    };
    let since = node.get("since").and_then(|node| compiler.template(node));
    if since.is_none() && (wanted.whole || matches!(source, LogSource::Loki(..))) {
        compiler.error(
            "missing-field",
            "it is not said from when on the log is read",
            node.span,
            "add `since: 10m`, or `since: ${inputs.started}`",
        );
    }
    let follow = time(node, "follow");
    if let Some(follow) = node.get("follow")
        && matches!(source, LogSource::Http(_) | LogSource::Loki(..))
    {
        let title = "only a command or a file is followed";
        compiler.error("bad-value", title, follow.span, "repeat the step instead");
    }
    Some(Logs {
        source,
        since,
        follow,
        wanted,
    })
}

fn source(compiler: &mut Compiler<'_>, node: &Node) -> Option<LogSource> {
    let kinds = ["command", "shell", "file", "http", "loki"];
    let mut given = kinds.into_iter().filter(|key| node.get(key).is_some());
    let (first, second) = (given.next(), given.next());
    let (Some(kind), None) = (first, second) else {
        compiler.found.push(
            Diagnostic::error("missing-field", "a log is read from one place")
                .at(compiler.source, node.span, "exactly one of them")
                .hint(format!("one of {}", kinds.join(", "))),
        );
        return None;
    };
    Some(match kind {
        "file" => LogSource::File(compiler.template(node.get("file")?)?),
        "http" => LogSource::Http(asked::read(compiler, node.get("http")?)?),
        "loki" => {
            let loki = node.get("loki")?;
            let query = compiler.template(loki.get("query")?);
            LogSource::Loki(asked::read(compiler, loki)?, query?)
        }
        _ => LogSource::Command(Box::new(command::printing(compiler, node)?)),
    })
}

fn patterns(compiler: &mut Compiler<'_>, node: &Node, key: &str) -> Vec<Pattern> {
    let items = node.get(key).map(Node::items).unwrap_or_default();
    let found = items.into_iter();
    found.filter_map(|node| pattern(compiler, node)).collect()
}

fn pattern(compiler: &mut Compiler<'_>, node: &Node) -> Option<Pattern> {
    let line = match node.entries().is_empty() {
        true => Some(node),
        false => node.get("pattern"),
    };
    let fields = node.get("fields").map(Node::entries).unwrap_or_default();
    let fits = match (line, fields) {
        (Some(line), []) => Fits::Line(regex(compiler, line, Regex::new)?),
        (None, [_, ..]) => {
            let all = fields.iter();
            let all =
                all.map(|(path, value)| Some((path.text.clone(), regex(compiler, value, whole)?)));
            Fits::Fields(all.collect::<Option<Vec<_>>>()?)
        }
        _ => {
            let title = "a pattern is either over the line or over fields";
            compiler.error("missing-field", title, node.span, "`pattern` or `fields`");
            return None;
        }
    };
    let called = match (line, fields) {
        (Some(line), _) => line.text.clone(),
        (None, fields) => {
            let all = fields.iter();
            let all = all.map(|(path, value)| format!("{}: {}", path.text, value.text));
            all.collect::<Vec<_>>().join(", ")
        }
    };
    Some(Pattern {
        name: text(node, "name").unwrap_or(called),
        fits,
        cause: text(node, "cause").unwrap_or_default(),
        advice: text(node, "advice").unwrap_or_default(),
    })
}

/// A regular expression as it is written; one that fits everything waits for nothing.
pub(super) fn regex(
    compiler: &mut Compiler<'_>,
    node: &Node,
    compile: fn(&str) -> Result<Regex, regex::Error>,
) -> Option<Regex> {
    match compile(&node.text) {
        Ok(regex) if !regex.is_match("") => Some(regex),
        Ok(_) => {
            let title = format!("`{}` fits everything", node.text);
            compiler.error("bad-pattern", title, node.span, "also an empty line");
            None
        }
        Err(error) => {
            let error = error.to_string();
            let why = error.lines().last().unwrap_or_default();
            let why = why.trim_start_matches("error: ").to_owned();
            compiler.found.push(
                Diagnostic::error(
                    "bad-pattern",
                    format!("`{}` is not a regular expression", node.text),
                )
                .at(compiler.source, node.span, "cannot be read")
                .hint(why),
            );
            None
        }
    }
}
