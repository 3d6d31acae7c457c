//! The rules of the house as pure functions from sources to what is wrong with them.

use super::reading::Source;
use std::collections::BTreeMap;

/// Lines of a file and of a function at the most.
pub const FILE_LINES_MAX: usize = 500;
pub const FUNCTION_LINES_MAX: usize = 100;

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The rule with what it is broken by: what an exception names.
    pub what: String,
    /// File and line.
    pub place: String,
}

fn finding(what: String, source: &Source, line: usize) -> Finding {
    Finding {
        what,
        place: format!("{}:{line}", source.path),
    }
}

/// The layers: rooms by the line that they stand on, and who alone may import a room.
#[derive(Debug, Default)]
pub struct Layers {
    rank: BTreeMap<String, usize>,
    only: BTreeMap<String, Vec<String>>,
}

impl Layers {
    /// Reads the block under `## Layers`: a line holds rooms, two spaces, and what they are; at its
    /// end `(only for: …)` names those that alone may import them.
    pub fn read(document: &str) -> Layers {
        let mut layers = Layers::default();
        let block = document
            .split_once("## Layers")
            .and_then(|(_, rest)| rest.split_once("```text\n"))
            .and_then(|(_, rest)| rest.split_once("```"))
            .map(|(block, _)| block)
            .unwrap_or_default();
        for (rank, line) in block.lines().enumerate() {
            let names = line.split("  ").next().unwrap_or_default();
            let only: Option<Vec<String>> = line
                .split_once("(only for: ")
                .and_then(|(_, rest)| rest.split_once(')'))
                .map(|(names, _)| names.split(", ").map(str::to_owned).collect());
            for name in names.split_whitespace() {
                layers.rank.insert(name.to_owned(), rank);
                if let Some(only) = &only {
                    layers.only.insert(name.to_owned(), only.clone());
                }
            }
        }
        layers
    }

    /// The rooms that the layers name.
    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        self.rank.keys().map(String::as_str)
    }

    /// Arrows that do not run down: to a room that stands below, beside, or nowhere.
    pub fn arrows(&self, sources: &[Source]) -> Vec<Finding> {
        let mut found = Vec::new();
        for source in sources {
            let from = source.room();
            if matches!(from, "lib" | "main") {
                continue;
            }
            for (line, to) in source.imports() {
                if to == from {
                    continue;
                }
                let runs_down = match (self.rank.get(from), self.rank.get(&to)) {
                    (Some(from), Some(to)) => to < from,
                    _ => false,
                };
                let may = self
                    .only
                    .get(&to)
                    .is_none_or(|only| only.iter().any(|name| name == from));
                if !runs_down || !may {
                    found.push(finding(format!("{from} -> {to}"), source, line));
                }
            }
        }
        found
    }
}

/// Files and functions that are too long.
pub fn lengths(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            found.push(finding(format!("long file {}", source.path), source, lines));
        }
        for (line, name, length) in source.functions() {
            if length > FUNCTION_LINES_MAX {
                let what = format!("long function {}::{name}", source.path);
                found.push(finding(what, source, line));
            }
        }
    }
    found
}

/// A `mod.rs` holds its essay and its rooms, no logic, and names every room in the essay.
pub fn essays(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        if !source.path.ends_with("/mod.rs") {
            continue;
        }
        if !source.text.starts_with("//! ") {
            found.push(finding("no essay".to_owned(), source, 1));
        }
        for (number, line) in source.text.lines().enumerate() {
            let code = line.trim();
            let code = code.strip_prefix("pub ").unwrap_or(code);
            let code = match code
                .strip_prefix("pub(")
                .and_then(|rest| rest.split_once(") "))
            {
                Some((_, rest)) => rest,
                None => code,
            };
            if let Some(name) = code
                .strip_prefix("mod ")
                .and_then(|rest| rest.strip_suffix(';'))
            {
                if !source.text.contains(&format!("{name}`]")) && !name.ends_with("tests") {
                    found.push(finding(
                        format!("room `{name}` is not named"),
                        source,
                        number + 1,
                    ));
                }
                continue;
            }
            let is_plain = code.is_empty()
                || code.starts_with("//")
                || code.starts_with("#[")
                || code.starts_with("use ")
                || code == "};"
                || (code.ends_with(',') && !code.contains(['(', '=', '{']));
            if !is_plain {
                found.push(finding("logic in mod.rs".to_owned(), source, number + 1));
            }
        }
    }
    found
}

/// Words that stand only at home.
pub fn banned(sources: &[Source], bans: &[Ban]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        for ban in bans {
            if ban.homes.iter().any(|home| source.path.starts_with(home)) {
                continue;
            }
            for line in source.lines_with(ban.word) {
                let what = format!("`{}` outside its home", ban.word);
                found.push(finding(what, source, line));
            }
        }
    }
    found
}

/// A word, where it may stand, and why only there.
pub struct Ban {
    pub word: &'static str,
    pub homes: &'static [&'static str],
    pub why: &'static str,
}

/// What is found but for the exceptions, and the exceptions that nothing needs any more.
pub fn without<'a>(
    found: Vec<Finding>,
    exceptions: &[(&'a str, &str)],
) -> (Vec<Finding>, Vec<&'a str>) {
    let unneeded = exceptions
        .iter()
        .map(|(what, _)| *what)
        .filter(|what| !found.iter().any(|finding| finding.what == *what))
        .collect();
    let left = found
        .into_iter()
        .filter(|finding| !exceptions.iter().any(|(what, _)| *what == finding.what))
        .collect();
    (left, unneeded)
}
