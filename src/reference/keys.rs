//! The keys of a file, from the forms that check it, each with an example from a file that passes `check`.
//!
//! Invariant: no key is left out, since the forms are those that decide what a file may hold.

use super::page::{Entry, Page, Section};
use crate::config::file_shape::FILE;
use crate::document::shape::{Field, Object, Shape, expected};
use crate::document::usage::{self, Used};
use crate::document::{Diagnostics, Source, node};
use crate::scenario::shape::SCENARIO;
use crate::scenario::steps::element::FORM as ELEMENT;
use std::collections::BTreeMap;

/// Lines of an example at the most: what is longer is shown by its beginning.
const EXAMPLE_LINES: usize = 6;

/// Files whose keys are shown: scenarios.
pub(super) const SCENARIOS: &[(&str, &str)] = &[
    ("smoke.yaml", include_str!("examples/smoke.yaml")),
    ("breakpoint.yaml", include_str!("examples/breakpoint.yaml")),
    ("load.yaml", include_str!("examples/load.yaml")),
    ("protocols.yaml", include_str!("examples/protocols.yaml")),
    ("signed.yaml", include_str!("examples/signed.yaml")),
    ("console.yaml", include_str!("examples/console.yaml")),
    ("quality.yaml", include_str!("examples/quality.yaml")),
];

/// The same of configurations.
pub(super) const CONFIGURATIONS: &[(&str, &str)] = &[
    ("probes.yaml", include_str!("examples/probes.yaml")),
    ("gates.yaml", include_str!("examples/gates.yaml")),
    ("channels.yaml", include_str!("examples/channels.yaml")),
];

/// What a scenario may hold.
pub fn language() -> Page {
    Page {
        name: "language",
        title: "Scenarios",
        about: "A scenario file says what is sent, what must hold, and under which load. Every key, with an example.",
        sections: sections(&SCENARIO, SCENARIOS),
    }
}

/// What `bellwether.yaml` may hold.
pub fn configuration() -> Page {
    Page {
        name: "configuration",
        title: "Configuration",
        about: "bellwether.yaml says what the daemon probes, verifies and tells. Every key, with an example.",
        sections: sections(&FILE, CONFIGURATIONS),
    }
}

type Examples = BTreeMap<(&'static str, &'static str), String>;

fn sections(root: &'static Object, files: &[(&str, &str)]) -> Vec<Section> {
    let examples = examples(root, files);
    let section = |object: &'static Object| {
        let fields = object.fields.iter();
        let own = fields.filter(|field| !is_of_element(object, field));
        let entries: Vec<Entry> = own.map(|field| entry(object, field, &examples)).collect();
        let about = match entries.len() == object.fields.len() {
            true => format!("Keys of {}.", object.called),
            false => format!("Keys of {}, beside those of an element.", object.called),
        };
        Section::new(titled(object), about).with(entries)
    };
    usage::objects(root).into_iter().map(section).collect()
}

/// Whether a key is one of those that say which element something is done with: they are explained once.
fn is_of_element(object: &Object, field: &Field) -> bool {
    let mut of_element = ELEMENT.fields.iter();
    let same = |known: &Field| known.key == field.key && known.about == field.about;
    object.name != ELEMENT.name && of_element.any(same)
}

/// Names that are written in a way of their own.
const TITLES: [(&str, &str); 34] = [
    ("bellwether", "The whole file"),
    ("scenario", "The whole file"),
    ("tcp", "TCP"),
    ("tls", "TLS"),
    ("dns", "DNS"),
    ("icmp", "ICMP"),
    ("udp", "UDP"),
    ("ntp", "NTP"),
    ("sql", "SQL"),
    ("grpc", "gRPC"),
    ("websocket", "WebSocket"),
    ("jwt", "JWT"),
    ("aws", "AWS"),
    ("hmac", "HMAC"),
    ("oauth2", "OAuth 2"),
    ("log_http", "Log over HTTP"),
    ("openid", "OpenID Connect"),
    ("openid_roles", "Roles of OpenID Connect"),
    ("slo", "SLO"),
    ("openslo", "OpenSLO"),
    ("github", "GitHub"),
    ("github_dispatch", "GitHub workflow"),
    ("github_ticket", "GitHub ticket"),
    ("github_trigger", "GitHub trigger"),
    ("gitlab", "GitLab"),
    ("gitlab_ticket", "GitLab ticket"),
    ("pagerduty", "PagerDuty"),
    ("circleci", "CircleCI"),
    ("oncall", "Grafana OnCall"),
    ("ntfy", "ntfy"),
    ("argo_rollouts", "Argo Rollouts"),
    ("email", "E-mail"),
    ("dead_man", "Dead man's switch"),
    ("json_trigger", "JSON trigger"),
];

/// A mapping's name as a title.
fn titled(object: &Object) -> String {
    let known = TITLES.iter().find(|(name, _)| *name == object.name);
    if let Some((_, title)) = known {
        return (*title).to_owned();
    }
    let mut title = object.name.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

fn entry(object: &Object, field: &Field, examples: &Examples) -> Entry {
    let needed = if field.required { "needed; " } else { "" };
    let example = examples.get(&(object.name, field.key));
    Entry {
        name: field.key.to_owned(),
        form: format!("{needed}{}", form(&field.shape)),
        about: field.about.to_owned(),
        example: example.cloned().unwrap_or_default(),
    }
}

/// A form in words, with lists and mappings told by what they hold.
fn form(shape: &Shape) -> String {
    match shape {
        Shape::List(item) => format!("a list, each {}", form(item)),
        Shape::Named(item) => format!("names, each with {}", form(item)),
        Shape::Template => "text, may hold `${…}`".to_owned(),
        Shape::OneOrMany(item) => format!("{}, or a list of them", form(item)),
        Shape::Either(shapes) => shapes.iter().map(form).collect::<Vec<_>>().join("; or "),
        Shape::Object(object) => object.called.to_owned(),
        other => expected(other),
    }
}

/// The shortest example of each key.
fn examples(root: &'static Object, files: &[(&str, &str)]) -> Examples {
    let mut all = Examples::new();
    for (name, text) in files {
        let source = Source::new(*name, *text);
        let mut found = Diagnostics::default();
        let Some(node) = node::parse(&source, &mut found) else {
            continue;
        };
        for Used {
            object,
            field,
            span,
        } in usage::used(&node, root)
        {
            let example = shown(text, span.start, span.end);
            let known = all
                .entry((object.name, field.key))
                .or_insert_with(|| example.clone());
            if example.len() < known.len() {
                *known = example;
            }
        }
    }
    all
}

/// A part of a file, as far to the left as it goes.
fn shown(text: &str, start: usize, end: usize) -> String {
    let part = text.get(start..end).unwrap_or_default().trim_end();
    let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let indent = text[from..start].chars().count();
    let mut lines = part.lines().map(|line| {
        let spaces = line.len() - line.trim_start().len();
        &line[spaces.min(indent)..]
    });
    let mut shown: Vec<&str> = Vec::new();
    // What stands first is at its place already.
    shown.extend(part.lines().next());
    lines.next();
    shown.extend(lines.by_ref().take(EXAMPLE_LINES - 1));
    if lines.next().is_some() {
        shown.push("…");
    }
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;
    use std::path::Path;

    fn without(page: &Page) -> Vec<String> {
        let all = page.sections.iter().flat_map(|section| {
            let lacking = section
                .entries
                .iter()
                .filter(|entry| entry.example.is_empty());
            lacking.map(|entry| format!("{}.{}", section.title, entry.name))
        });
        all.collect()
    }

    #[test]
    fn every_example_passes_check() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/reference/examples");
        for (name, _) in SCENARIOS {
            let mut found = Diagnostics::default();
            load::scenario(&folder.join(name), &mut found);
            assert!(found.sorted().is_empty(), "{}", found.render(false));
        }
        for (name, _) in CONFIGURATIONS {
            let mut found = Diagnostics::default();
            load::configuration(&folder.join(name), &mut found);
            assert!(found.sorted().is_empty(), "{}", found.render(false));
        }
    }

    #[test]
    fn every_key_has_an_example() {
        let lacking = [without(&language()), without(&configuration())].concat();
        assert!(lacking.is_empty(), "{}: {lacking:#?}", lacking.len());
    }

    #[test]
    fn an_example_stands_as_far_to_the_left_as_it_goes() {
        let text = "a:\n  - b:\n      c: 1\n      d: 2\n";
        let start = text.find("b:").unwrap();
        assert_eq!(shown(text, start, text.len()), "b:\n  c: 1\n  d: 2");
    }
}
