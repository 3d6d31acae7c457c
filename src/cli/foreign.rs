//! Files of other programs that lie beside ours: told apart by what only they say, and never by what is missing.
//!
//! Pure. Invariant: a file with a mistake in it is no foreign one.

use crate::document::{Diagnostics, Source, node};
use std::path::Path;

/// Keys that stand together at the top of a file, and whose it is.
const MARKS: &[(&[&str], &str)] = &[
    (&["apiVersion", "kind"], "an object of Kubernetes"),
    (&["runs", "description"], "an action of GitHub"),
    (&["on", "jobs"], "a workflow of GitHub"),
    (&["spec"], "a component of GitLab"),
    (&["scrape_configs"], "a configuration of Prometheus"),
    (&["groups"], "rules of Prometheus"),
    (&["route", "receivers"], "a configuration of Alertmanager"),
    (
        &["endpoints"],
        "a configuration of Gatus; `bellwether import gatus` reads it",
    ),
    (&["modules"], "modules of blackbox_exporter"),
    (
        &["openapi", "paths"],
        "an OpenAPI description; `bellwether import openapi` reads it",
    ),
];

/// Whose file it is, if it is plainly somebody else's.
pub(super) fn of(path: &Path) -> Option<&'static str> {
    let source = Source::read(path).ok()?;
    let mut ignored = Diagnostics::default();
    let documents = node::parse_all(&source, &mut ignored)?;
    let first = documents.first()?;
    // What has anything of ours is ours, mistakes and all.
    let ours = [
        "steps",
        "environments",
        "probes",
        "gates",
        "channels",
        "load",
        "setup",
    ];
    if ours.iter().any(|key| first.get(key).is_some()) {
        return None;
    }
    let mut marks = MARKS.iter();
    let found = marks.find(|(keys, _)| keys.iter().all(|key| first.get(key).is_some()));
    found.map(|(_, whose)| *whose)
}
