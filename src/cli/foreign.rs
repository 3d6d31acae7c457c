//! Files of other programs that lie beside ours: told apart by what only they say, and never by what is missing.
//!
//! Reads files, and decides by the keys at their top. Invariant: a file that says anything of ours is ours, mistakes and all.

use crate::config::file_shape::FILE;
use crate::document::{Diagnostics, Source, node};
use crate::scenario::shape::SCENARIO;
use std::path::{Path, PathBuf};

/// Keys that stand together at the top of a file, others that it shares with ours, and whose it is.
type Mark = (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

const MARKS: &[Mark] = &[
    (&["apiVersion", "kind"], &[], "an object of Kubernetes"),
    (
        &["runs", "description"],
        &["name", "inputs"],
        "an action of GitHub",
    ),
    (&["on", "jobs"], &["name"], "a workflow of GitHub"),
    (&["spec"], &[], "a component of GitLab"),
    (&["scrape_configs"], &[], "a configuration of Prometheus"),
    (&["groups"], &[], "rules of Prometheus"),
    (
        &["route", "receivers"],
        &[],
        "a configuration of Alertmanager",
    ),
    (
        &["endpoints"],
        &[],
        "a configuration of Gatus; `bellwether import gatus` reads it",
    ),
    (&["modules"], &[], "modules of blackbox_exporter"),
    (
        &["openapi", "paths"],
        &[],
        "an OpenAPI description; `bellwether import openapi` reads it",
    ),
];

/// Files of a folder: those that may be ours, and those that are plainly somebody else's, with whose.
pub(super) fn apart(files: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<(PathBuf, &'static str)>) {
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for path in files {
        match of(&path) {
            None => ours.push(path),
            Some(whose) => others.push((path, whose)),
        }
    }
    (ours, others)
}

/// Says that a file was left out.
pub(super) fn tell(path: &Path, whose: &str) {
    eprintln!("{}: left out, it is {whose}", path.display());
}

/// Whose file it is, if it is plainly somebody else's.
fn of(path: &Path) -> Option<&'static str> {
    let source = Source::read(path).ok()?;
    let documents = node::parse_all(&source, &mut Diagnostics::default())?;
    let first = documents.first()?;
    let is_ours = |key: &str| {
        let mut fields = SCENARIO.fields.iter().chain(FILE.fields);
        fields.any(|field| field.key == key)
    };
    let found = MARKS.iter().find(|(marks, shared, _)| {
        let says_ours = first.entries().iter().any(|(key, _)| {
            let key = key.text.as_str();
            is_ours(key) && !marks.contains(&key) && !shared.contains(&key)
        });
        !says_ours && marks.iter().all(|key| first.get(key).is_some())
    });
    found.map(|(.., whose)| *whose)
}
