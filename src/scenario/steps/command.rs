//! A program as a step, as the language has it: no shell unless asked for.

use crate::document::diagnostic::Diagnostic;
use crate::document::node::{Kind, Node};
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::Compiler;
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field(
    "command",
    Shape::Either(FORMS),
    "run a program; a list is its words, one text is cut at spaces, and no shell is involved",
);

/// A program to be run.
#[derive(Debug)]
pub struct Command {
    /// Program and arguments.
    pub words: Vec<Template>,
    /// Working directory.
    pub folder: Option<Template>,
    /// Environment.
    pub environment: Vec<(String, Template)>,
    /// Standard input.
    pub input: Option<Template>,
    /// The report of tests that it writes.
    pub report: Option<TestReport>,
}

/// The report of a suite of tests.
#[derive(Debug)]
pub struct TestReport {
    /// Where it is written, relative to the working directory.
    pub file: Template,
    /// How many tests must be performed.
    pub at_least: u64,
}

const FORMS: &[Shape] = &[
    Shape::Object(&FORM),
    Shape::List(&Shape::Template),
    Shape::Template,
];

static FORM: Object = Object {
    name: "command",
    called: "a command step",
    fields: &[
        field(
            "run",
            Shape::Either(&[Shape::List(&Shape::Template), Shape::Template]),
            "program and arguments, without a shell",
        ),
        field(
            "shell",
            Shape::Template,
            "a line for `sh -c`, asked for on purpose",
        ),
        field(
            "dir",
            Shape::Template,
            "working directory, relative to the scenario",
        ),
        field(
            "env",
            Shape::Named(&Shape::Template),
            "environment variables beside the inherited ones",
        ),
        field("input", Shape::Template, "standard input"),
        field(
            "report",
            Shape::Either(&[Shape::Object(&REPORT), Shape::Template]),
            "the report of tests that it writes: JUnit, CTRF or Playwright's JSON; each of its tests must pass",
        ),
    ],
};

static REPORT: Object = Object {
    name: "report",
    called: "a report of tests",
    fields: &[
        required(
            "file",
            Shape::Template,
            "the file, relative to the working directory",
        ),
        field(
            "at_least",
            Shape::Count(1, 50_000),
            "how many tests must be performed (1)",
        ),
    ],
};

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<Command> {
    let run = node.get("run").or(if node.entries().is_empty() {
        Some(node)
    } else {
        None
    });
    let words: Vec<Template> = match (run, node.get("shell")) {
        (Some(run), None) => match &run.kind {
            Kind::List(items) => items
                .iter()
                .filter_map(|node| compiler.template(node))
                .collect(),
            _ => {
                let template = compiler.template(run)?;
                match template.fixed() {
                    Some(line) => line.split_whitespace().map(Template::literal).collect(),
                    None => {
                        compiler.found.push(
                            Diagnostic::error(
                                "bad-command",
                                "a command with values in it is written as a list of words",
                            )
                            .at(
                                compiler.source,
                                run.span,
                                "a value could add words of its own",
                            )
                            .hint("write `command: [program, \"${inputs.value}\"]`"),
                        );
                        return None;
                    }
                }
            }
        },
        (None, Some(shell)) => vec![
            Template::literal("sh"),
            Template::literal("-c"),
            compiler.template(shell)?,
        ],
        _ => {
            compiler.error(
                "missing-field",
                "a command step needs either `run` or `shell`",
                node.span,
                "exactly one of them",
            );
            return None;
        }
    };
    if words.is_empty() {
        compiler.error(
            "missing-field",
            "a command needs a program",
            node.span,
            "no word here",
        );
        return None;
    }
    hidden_exit_code(compiler, run.or(node.get("shell"))?);
    Some(Command {
        words,
        folder: node.get("dir").and_then(|node| compiler.template(node)),
        environment: compiler.named(node.get("env").map(Node::entries).unwrap_or_default()),
        input: node.get("input").and_then(|node| compiler.template(node)),
        report: match node.get("report") {
            Some(report) => Some(TestReport {
                file: compiler.template(report.get("file").unwrap_or(report))?,
                at_least: report.get("at_least").and_then(Node::as_count).unwrap_or(1),
            }),
            None => None,
        },
    })
}

/// A program whose words stand under `command`, or whose line stands under `shell`, of another kind of step.
pub(super) fn printing(compiler: &mut Compiler<'_>, node: &Node) -> Option<Command> {
    let (written, words) = match (node.get("command"), node.get("shell")) {
        (Some(command), _) => {
            let items = command.items().into_iter();
            let words = items.map(|node| compiler.template(node));
            (command, words.collect::<Option<Vec<_>>>()?)
        }
        (None, shell) => {
            let shell = shell?;
            let words = [Template::literal("sh"), Template::literal("-c")];
            let line = compiler.template(shell)?;
            (shell, words.into_iter().chain([line]).collect())
        }
    };
    if words.is_empty() {
        let title = "a command needs a program";
        compiler.error("missing-field", title, written.span, "no word here");
        return None;
    }
    hidden_exit_code(compiler, written);
    Some(Command {
        words,
        folder: node.get("dir").and_then(|node| compiler.template(node)),
        environment: compiler.named(node.get("env").map(Node::entries).unwrap_or_default()),
        input: None,
        report: None,
    })
}

/// `cmd || true` always succeeds, so the step would check nothing.
fn hidden_exit_code(compiler: &mut Compiler<'_>, node: &Node) {
    static FORM: std::sync::OnceLock<regex::Regex> = std::sync::OnceLock::new();
    let form = FORM.get_or_init(|| {
        regex::Regex::new(r"\|\|\s*(true|:|echo\b[^|;&]*|exit 0|/bin/true)\s*$|;\s*(true|:|exit 0)\s*$|\bset \+e\b")
            .expect("the pattern is a constant")
    });
    let pieces: Vec<&Node> = match &node.kind {
        Kind::List(items) => items.iter().collect(),
        _ => vec![node],
    };
    for piece in pieces {
        if let Some(found) = form.find(&piece.text) {
            compiler.found.push(
                Diagnostic::error("hidden-exit-code", "this command succeeds whatever happens")
                    .at(
                        compiler.source,
                        piece.part(found.start(), found.end()),
                        "hides the exit code",
                    )
                    .hint("remove it; `advisory: true` shows a failure without counting it"),
            );
        }
    }
}
