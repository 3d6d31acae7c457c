//! A mistake of a script as a person reads it: with the line that it is about.
//!
//! Reads no file that was not read already. Invariant: a place is named where the script has what the mistake is about;
//! where nothing of it is found, no line is blamed.

use super::modules::exports;
use super::program::Program;
use crate::document::diagnostic::nearest;
use crate::document::{Diagnostic, Diagnostics, Severity, Source, Span};
use crate::k6::options::Found;
use std::path::Path;
use std::sync::Arc;

/// Mistakes and warnings with their places, or with the name of the script where they have none.
pub fn told(program: &Program, found: &Found, clean: &dyn Fn(&str) -> String) -> Diagnostics {
    let mut all = Diagnostics::default();
    let levels = [
        (&found.errors, Severity::Error),
        (&found.warnings, Severity::Warning),
    ];
    for (texts, severity) in levels {
        for text in texts {
            let pointed = pointed(program, &clean(text));
            all.push(Diagnostic {
                severity,
                ..pointed
            });
        }
    }
    all
}

/// A mistake with its place, or with the name of the script where it has none.
pub fn pointed(program: &Program, text: &str) -> Diagnostic {
    let mut diagnostic = placed(program, text);
    if diagnostic.place.is_none() {
        let name = shown_path(&program.entry);
        diagnostic.title = format!("`{name}`: {}", diagnostic.title);
    }
    diagnostic
}

fn placed(program: &Program, text: &str) -> Diagnostic {
    let files = program.texts();
    let (first, stack) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(missing) = Missing::of(first) {
        return missing.diagnostic(program, &files);
    }
    let Some(place) = Place::first(text, &files) else {
        return of_options(program, &files, first);
    };
    // What says its place first is shown without it.
    let title = match first.find(&place.written) {
        Some(at) => {
            let before = first[..at].trim_end().trim_end_matches("Error:").trim_end();
            let after = first[at + place.written.len()..].trim_start_matches(':');
            [before, after.trim_start()].concat()
        }
        None => first.to_owned(),
    };
    let called: Vec<String> = stack
        .lines()
        .filter(|line| !line.contains(&place.written) && !line.contains("<input>"))
        .map(|line| shown_paths(line.trim(), &files))
        .filter(|line| !line.is_empty())
        .collect();
    let source = shown(&place.path, &place.text);
    let label = if stack.is_empty() || first.starts_with("SyntaxError") {
        ""
    } else {
        "thrown here"
    };
    let diagnostic = mistake(title).at(&source, place.span, label);
    match called.is_empty() {
        true => diagnostic,
        false => diagnostic.hint(format!("it was called\n{}", called.join("\n"))),
    }
}

fn mistake(title: impl Into<String>) -> Diagnostic {
    Diagnostic::error("bad-script", title)
}

/// A file of a script, and what is in it.
type File = (std::path::PathBuf, String);

/// A path as the user would write it.
fn shown_path(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn shown(path: &Path, text: &str) -> Arc<Source> {
    Source::new(shown_path(path), text)
}

fn shown_paths(line: &str, files: &[File]) -> String {
    files.iter().fold(line.to_owned(), |line, (path, _)| {
        line.replace(&path.display().to_string(), &shown_path(path))
    })
}

/// A place that a text names.
struct Place {
    /// As it stands there.
    written: String,
    path: std::path::PathBuf,
    text: String,
    span: Span,
}

impl Place {
    /// The first one in a file of the script, which is where it happened: the innermost call comes first.
    fn first(said: &str, files: &[File]) -> Option<Place> {
        let found = files.iter().filter_map(|(path, text)| {
            let name = format!("{}:", path.display());
            let mut all = said.match_indices(&name);
            all.find_map(|(at, _)| {
                let rest = &said[at + name.len()..];
                let (line, rest) = number(rest)?;
                let (column, _) = number(rest.strip_prefix(':')?)?;
                let place = Place {
                    written: format!("{name}{line}:{column}"),
                    path: path.clone(),
                    text: text.clone(),
                    span: span(text, line, column)?,
                };
                Some((at, place))
            })
        });
        let first = found.min_by_key(|(at, _)| *at);
        first.map(|(_, place)| place)
    }
}

fn number(text: &str) -> Option<(usize, &str)> {
    let end = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// The word at a line and a column, or the letter where it is none.
fn span(text: &str, line: usize, column: usize) -> Option<Span> {
    let mut start = 0;
    for _ in 1..line {
        start += text[start..].find('\n')? + 1;
    }
    let rest = text[start..].lines().next().unwrap_or_default();
    let at = rest.char_indices().nth(column.saturating_sub(1));
    let at = at.map_or(rest.len(), |(at, _)| at);
    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    let word = rest[at..]
        .find(|letter| !is_word(letter))
        .unwrap_or(rest.len() - at);
    let wide = match word {
        0 => rest[at..].chars().next().map_or(0, char::len_utf8),
        word => word,
    };
    Some(Span::new(start + at, start + at + wide))
}

/// An import of something that is not there, of which the interpreter does not say where it stands.
struct Missing {
    name: String,
    module: String,
}

impl Missing {
    fn of(first: &str) -> Option<Missing> {
        let rest = first.split_once("Could not find export '")?.1;
        let (name, rest) = rest.split_once("' in module '")?;
        Some(Missing {
            name: name.to_owned(),
            module: rest.strip_suffix('\'')?.to_owned(),
        })
    }

    fn diagnostic(self, program: &Program, files: &[File]) -> Diagnostic {
        let Missing { name, module } = self;
        let text = program.source(Path::new(&module)).ok();
        let known = exports(
            text.as_deref()
                .or(super::modules::built_in(&module))
                .unwrap_or_default(),
        );
        let title = format!("`{}` exports no `{name}`", shown_paths(&module, files));
        let near = nearest(&name, known.iter().map(String::as_str));
        let diagnostic = match near {
            Some(near) => mistake(title).hint(format!("did you mean `{near}`?")),
            None => mistake(title),
        };
        let placed = files.iter().find_map(|(path, text)| {
            let mut imports = imports(text);
            let at = imports.find_map(|(at, import)| Some(at + word(import, &name)?))?;
            Some((shown(path, text), Span::new(at, at + name.len())))
        });
        match placed {
            Some((source, span)) => diagnostic.at(&source, span, ""),
            None => diagnostic,
        }
    }
}

/// Lists of what is imported, each with its place.
fn imports(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("import").filter_map(|(at, _)| {
        let rest = &text[at..];
        let (open, close) = (rest.find('{')?, rest.find('}')?);
        (open < close && !rest[..open].contains(';')).then(|| (at + open, &rest[open..close]))
    })
}

/// Where a word stands that is no part of another.
fn word(text: &str, wanted: &str) -> Option<usize> {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    let mut all = text.match_indices(wanted).filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        let after = text[at + wanted.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    });
    all.next().map(|(at, _)| at)
}

/// A mistake in the options: its path is looked for in the text, step by step, and the value after it.
fn of_options(program: &Program, files: &[File], first: &str) -> Diagnostic {
    let entry = files.iter().find(|(path, _)| *path == program.entry);
    let found = entry.and_then(|(path, text)| {
        let mut quoted = first.split('`').skip(1).step_by(2);
        let path_written = quoted.next()?.strip_prefix("options.")?;
        let mut span = Span::new(word(text, "options")?, 0);
        span.end = span.start + "options".len();
        // What is looked for stands within the value of what was found before.
        let mut within = value_after(text, span.end);
        for key in keys(path_written) {
            let Some(next) = key_in(text, within, &key) else {
                break;
            };
            (span, within) = (next, value_after(text, next.end));
        }
        let value = quoted.next().filter(|value| !value.is_empty());
        let value =
            value.and_then(|value| Some((value, text[within.start..within.end].find(value)?)));
        if let Some((value, at)) = value {
            let start = within.start + at;
            span = Span::new(start, start + value.len());
        }
        Some((shown(path, text), span))
    });
    match found {
        Some((source, span)) => mistake(first).at(&source, span, ""),
        None => mistake(first),
    }
}

/// The keys of a path such as `scenarios.a.stages[0].target` or `thresholds["a{b:c}"]`.
fn keys(path: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("[\"") {
            let end = inner.find("\"]").unwrap_or(inner.len());
            all.push(inner[..end].replace("\\\"", "\""));
            rest = inner.get(end + 2..).unwrap_or_default();
        } else if let Some(inner) = rest.strip_prefix('[') {
            // A number: the text does not say it.
            rest = inner.split_once(']').map_or("", |(_, rest)| rest);
        } else {
            let name = rest.trim_start_matches('.');
            let end = name.find(['.', '[']).unwrap_or(name.len());
            all.push(name[..end].to_owned());
            rest = &name[end..];
        }
    }
    all.retain(|key| !key.is_empty());
    all
}

/// What is given to a name: from what follows it to the end of that, which is where its brackets close, or the line ends.
fn value_after(text: &str, from: usize) -> Span {
    let (mut depth, mut quote) = (0_u32, None);
    for (at, letter) in text[from..].char_indices() {
        match (letter, quote) {
            (letter, Some(mark)) if letter == mark => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'' | '`', None) if depth > 0 || at > 1 => quote = Some(letter),
            ('{' | '[' | '(', None) => depth += 1,
            ('}' | ']' | ')', None) if depth <= 1 => return Span::new(from, from + at),
            ('}' | ']' | ')', None) => depth -= 1,
            (',' | ';' | '\n', None) if depth == 0 => return Span::new(from, from + at),
            _ => {}
        }
    }
    Span::new(from, text.len())
}

/// Where a key of an object stands.
fn key_in(text: &str, within: Span, key: &str) -> Option<Span> {
    let all = text[within.start..within.end].match_indices(key);
    let mut all = all.map(|(at, _)| within.start + at);
    let start = all.find(|at| {
        let before = text[..*at].chars().next_back();
        let after = &text[at + key.len()..];
        match before.filter(|mark| matches!(mark, '"' | '\'' | '`')) {
            Some(mark) => after
                .strip_prefix(mark)
                .is_some_and(|after| after.trim_start().starts_with(':')),
            None => {
                let is_whole = !before
                    .is_some_and(|letter| letter.is_alphanumeric() || "_-$.".contains(letter));
                is_whole && after.trim_start().starts_with([':', ',', '}'])
            }
        }
    })?;
    Some(Span::new(start, start + key.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SCRIPT: &str = "import { chek } from 'k6';\nexport const options = {\n  scenarios: { a: { executor: 'constant-vu' } },\n  thresholds: {\n    'http_req_duration{a:b}': ['p(95<5'],\n  },\n};\nexport default function () {\n  deep();\n}\nfunction deep() { null.x; }\n";

    fn program() -> Program {
        Program::of_text("/t/main.js".into(), SCRIPT.into(), Default::default())
    }

    fn rendered(text: &str) -> String {
        let mut all = Diagnostics::default();
        all.push(pointed(&program(), text));
        all.render(false)
    }

    #[test]
    fn a_mistake_is_shown_where_it_stands() {
        for (text, lines) in [
            (
                "SyntaxError: Could not find export 'chek' in module 'k6'",
                &[
                    "`k6` exports no `chek`",
                    "/t/main.js:1:10",
                    "^^^^",
                    "did you mean `check`?",
                ][..],
            ),
            (
                "TypeError: cannot read\n\tat deep (/t/main.js:11:24)\n\tat default (/t/main.js:9:3)",
                &[
                    "TypeError: cannot read\n",
                    "/t/main.js:11:24",
                    "^ thrown here",
                    "at default (/t/main.js:9:3)",
                ],
            ),
            (
                "Error: /t/main.js:1:23: there is no module `k6`",
                &["]: there is no module", "/t/main.js:1:23"],
            ),
            (
                "`options.thresholds[\"http_req_duration{a:b}\"]`: `p(95<5`: no",
                &["/t/main.js:5:33", "^^^^^^"],
            ),
            (
                "`options.scenarios.a.executor`: `constant-vu` is no executor",
                &["/t/main.js:3:32", "^^^^^^^^^^^"],
            ),
            (
                "`options.scenarios.a.vus`: expected a number",
                &["/t/main.js:3:16", "^\n"],
            ),
            (
                "`options.scenarios.thresholds`: no",
                &["/t/main.js:3:3", "^^^^^^^^^\n"],
            ),
        ] {
            let shown = rendered(text);
            for line in lines {
                assert!(shown.contains(line), "{line}\n{shown}");
            }
        }
        assert!(!rendered("it was stopped").contains("-->"));
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_shown(text in "(`?options[.a-z\\[\\]\"0]{0,12}`?|/t/main\\.js|:[0-9]{1,5}|[ -~é\n]){0,6}") {
            rendered(&text);
        }
    }
}
