//! The house keeps its shape: arrows run down, rooms are small, words stand at home.
//!
//! The layers are read out of `ARCHITECTURE.md`, so that the picture and the code are one. An
//! exception has a reason and fails as soon as nothing needs it.

mod reading;
mod rules;

use super::support::root;
use reading::Source;
use rules::{Ban, Finding, Layers, banned, essays, lengths, without};
use std::path::Path;

/// Arrows that run up.
const UP: &[(&str, &str)] = &[];

/// Files and functions that are longer than the rule.
const LONG: &[(&str, &str)] = &[];

/// What else breaks a rule.
const OTHER: &[(&str, &str)] = &[];

const BANS: &[Ban] = &[
    Ban {
        word: "Utc::now",
        homes: &["src/clock.rs"],
        why: "a simulation follows its own clock",
    },
    Ban {
        word: "SystemTime::now",
        homes: &["src/clock.rs"],
        why: "a simulation follows its own clock",
    },
    Ban {
        word: "env::var",
        homes: &[
            "src/environment/needs.rs",
            // k6 hands all of them to its scripts.
            "src/cli/k6_arguments.rs",
            // Where programs are found.
            "src/net/program.rs",
            // What the runner of a workflow says.
            "src/cli/github.rs",
            "src/report/style.rs",
            "src/telemetry/logs.rs",
        ],
        why: "values come from an environment as it is configured, by name",
    },
    Ban {
        word: "process::Command",
        homes: &[
            "src/net/program.rs",
            "src/environment/needs.rs",
            // A browser lives longer than a step; its group is ended with it, too.
            "src/browser/chromium.rs",
        ],
        why: "a program has a time limit, and its group is ended with it",
    },
    Ban {
        word: "println!",
        homes: &["src/cli/", "src/demo/"],
        why: "only the command line speaks to a terminal",
    },
    Ban {
        word: "rusqlite::",
        homes: &["src/store/"],
        why: "the engine and the nouns know no database",
    },
];

fn collect(folder: &Path, sources: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
            sources.push(Source::new(name, &std::fs::read_to_string(&path).unwrap()));
        }
    }
}

fn house() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&root().join("src"), &mut sources);
    assert!(sources.len() > 200, "the sources are there");
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

fn architecture() -> String {
    std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap()
}

fn assert_none(found: Vec<Finding>, exceptions: &[(&str, &str)]) {
    assert!(
        exceptions.iter().all(|(_, reason)| reason.len() > 20),
        "every exception has a reason"
    );
    let (left, unneeded) = without(found, exceptions);
    let lines: Vec<String> = left
        .iter()
        .map(|finding| format!("{}: {}", finding.place, finding.what))
        .collect();
    assert!(
        left.is_empty(),
        "{} places break a rule of the house:\n{}",
        left.len(),
        lines.join("\n")
    );
    assert!(
        unneeded.is_empty(),
        "exceptions that nothing needs any more: {unneeded:?}"
    );
}

#[test]
fn arrows_run_down() {
    let layers = Layers::read(&architecture());
    let sources = house();
    let rooms: std::collections::BTreeSet<&str> = sources
        .iter()
        .map(Source::room)
        .filter(|room| !matches!(*room, "lib" | "main"))
        .collect();
    let named: std::collections::BTreeSet<&str> = layers.rooms().collect();
    assert_eq!(
        rooms, named,
        "the layers name every room, and none that is not there"
    );
    assert_none(layers.arrows(&sources), UP);
}

#[test]
fn files_and_functions_fit_a_head() {
    assert_none(lengths(&house()), LONG);
}

#[test]
fn every_folder_has_its_essay_and_words_stand_at_home() {
    let sources = house();
    let mut found = essays(&sources);
    found.extend(banned(&sources, BANS));
    assert_none(found, OTHER);
    assert!(BANS.iter().all(|ban| ban.why.len() > 10));
}

/// A recipe that names what is not there leads nowhere.
#[test]
fn recipes_name_files_that_are_there() {
    let document = architecture();
    let (_, rest) = document
        .split_once("## Recipes")
        .expect("there are recipes");
    let recipes = rest.split("\n## ").next().unwrap_or_default();
    let mut named = 0;
    for piece in recipes.split('`').skip(1).step_by(2) {
        let is_file =
            piece.starts_with("src/") || piece.starts_with("tests/") || piece.ends_with(".md");
        if is_file {
            named += 1;
            assert!(
                root().join(piece).exists(),
                "the recipes name `{piece}`, which is not there"
            );
        }
    }
    assert!(named > 15, "{named}");
    for what in [
        "a channel",
        "a vendor",
        "a kind of step",
        "an executor",
        "a phase",
        "a store",
    ] {
        assert!(
            recipes.contains(&format!("| {what} ")),
            "there is no recipe for {what}"
        );
    }
}

/// The negative control: a small house with every fault there is.
#[test]
fn what_breaks_a_rule_is_found() {
    let layers = Layers::read(
        "## Layers\n```text\nground  nothing of ours\nnet vu  the engine\nconfig  reading (only for: cli)\nweb  pages\ncli  commands\n```\n",
    );
    let long = format!("fn endless() {{\n{}}}\n", "    step();\n".repeat(100));
    let sources = [
        Source::new(
            "src/net/a.rs",
            "use crate::{ground, vu::{x, y}};\n// crate::web\nconst T: &str = \"crate::web::x\"; fn f() { crate::cli::g('{'); }\n",
        ),
        Source::new(
            "src/web/b.rs",
            "use crate::config::read;\nuse crate::nowhere::x;\n",
        ),
        Source::new(
            "src/cli/c.rs",
            "use crate::config::read;\nuse crate::web::page;\n",
        ),
        Source::new(
            "src/net/mod.rs",
            "//! Essay of [`a`].\npub mod a;\nmod b;\nfn logic() {}\n",
        ),
        Source::new("src/vu/long.rs", &long),
        Source::new(
            "src/vu/raw.rs",
            "const A: &str = r#\"rusqlite::\" fn x() { \"#; fn short<'a>(x: &'a str) {\n rusqlite::open(); }\n",
        ),
    ];
    let whats = |found: Vec<Finding>| -> Vec<String> {
        found
            .into_iter()
            .map(|finding| format!("{} {}", finding.place, finding.what))
            .collect()
    };
    assert_eq!(
        whats(layers.arrows(&sources)),
        [
            "src/net/a.rs:1 net -> vu",
            "src/net/a.rs:3 net -> cli",
            "src/web/b.rs:1 web -> config",
            "src/web/b.rs:2 web -> nowhere",
        ]
    );
    assert_eq!(
        whats(lengths(&sources)),
        ["src/vu/long.rs:1 long function src/vu/long.rs::endless"]
    );
    assert_eq!(
        whats(essays(&sources)),
        [
            "src/net/mod.rs:3 room `b` is not named",
            "src/net/mod.rs:4 logic in mod.rs"
        ]
    );
    assert_eq!(
        whats(banned(&sources, BANS)),
        ["src/vu/raw.rs:2 `rusqlite::` outside its home"]
    );
    let two = vec![
        Finding {
            what: "a".to_owned(),
            place: String::new(),
        },
        Finding {
            what: "b".to_owned(),
            place: String::new(),
        },
    ];
    let (left, unneeded) = without(two, &[("a", "reason"), ("c", "reason")]);
    assert_eq!(
        (left.len(), left[0].what.as_str(), unneeded),
        (1, "b", vec!["c"])
    );
}
