//! What every command says of itself, and the schemas, as whole outputs on disk: a change of a word
//! is seen, and meant.

use super::support::{bellwether, first_release, root, run, snapshot};
use regex::Regex;

/// Every command, by its words.
pub const COMMANDS: [&str; 57] = [
    "",
    "explain",
    "init",
    "check",
    "import",
    "run",
    "judge",
    "k6",
    "k6 inspect",
    "k6 run",
    "k6 version",
    "load",
    "load list",
    "load pause",
    "load resume",
    "load scale",
    "load stop",
    "serve",
    "ready",
    "backup",
    "restore",
    "gate",
    "gate start",
    "gate wait",
    "gate show",
    "gate list",
    "gate cancel",
    "gate explain",
    "gate approve",
    "gate attest",
    "gate waive",
    "gate consent",
    "gate rollback",
    "gate incident",
    "gate calibrate",
    "probe",
    "probe list",
    "probe run",
    "alert",
    "alert list",
    "alert show",
    "alert history",
    "alert ack",
    "alert silence",
    "alert unsilence",
    "alert routes",
    "alert test",
    "baseline",
    "baseline accept",
    "baseline list",
    "rules",
    "demo",
    "schema",
    "docs",
    "completion",
    "help gate",
    "nonsense",
];

#[test]
fn every_command_explains_itself() {
    let folder = root().join("tests/cases/commands");
    for words in COMMANDS {
        let help = match words {
            "nonsense" | "help gate" => "",
            _ => "--help",
        };
        let mut command = bellwether();
        command.env_remove("COLUMNS");
        command.args(words.split(' ').filter(|word| !word.is_empty()));
        command.args(Some(help).filter(|help| !help.is_empty()));
        let (code, out, err) = run(&mut command);
        let name = match words {
            "" => "bellwether",
            words => words,
        };
        let text = format!("{out}{err}exit code {code}\n");
        assert!(!text.contains("panicked"), "{text}");
        snapshot(
            &folder.join(format!("{}.out", name.replace(' ', "-"))),
            &text,
        );
    }
}

/// Every command that has subcommands or options is in the list above.
#[test]
fn no_command_is_left_out() {
    let listed = |words: &[&str]| -> Vec<String> {
        let (_, out, _) = run(bellwether().args(words).arg("--help"));
        let commands = out.split_once("Commands:\n").map(|(_, rest)| rest);
        let lines = commands.unwrap_or_default().lines();
        lines
            .take_while(|line| !line.is_empty())
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help")
            .map(str::to_owned)
            .collect()
    };
    let mut all = Vec::new();
    for name in listed(&[]) {
        for sub in listed(&[&name]) {
            all.push(format!("{name} {sub}"));
        }
        all.push(name);
    }
    assert!(all.len() > 25, "{all:?}");
    let missing: Vec<&String> = all
        .iter()
        .filter(|name| !COMMANDS.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_reference_is_the_one_on_disk() {
    let folder = root().join("tests/cases/commands");
    let (code, out, err) = run(bellwether().args(["docs", "expressions"]));
    assert_eq!((code, err.as_str()), (0, ""));
    snapshot(&folder.join("docs-expressions.txt"), &out);
    let (code, out, _) = run(bellwether().args(["docs", "expressions", "--json"]));
    let page: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, page["sections"][0]["entries"][0]["name"].as_str()),
        (0, Some("vars"))
    );
}

#[test]
fn schemas_are_those_on_disk() {
    let folder = root().join("tests/cases/commands");
    for which in ["scenario", "configuration"] {
        let (code, out, err) = run(bellwether().args(["schema", which]));
        assert_eq!(code, 0, "{err}");
        let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert!(schema["$defs"].as_object().unwrap().len() > 10);
        snapshot(&folder.join(format!("schema-{which}.json")), &out);
    }
}

/// What changes from run to run (moments, durations, ports, tables that are as wide as those) is
/// shown by what it is.
pub fn lasting(text: &str, folder: &std::path::Path) -> String {
    let text = text.replace(&folder.display().to_string(), "FOLDER");
    let rules = [
        (
            r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( UTC|Z)?",
            "MOMENT",
        ),
        (r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:PORT"),
        (r"\d[\d.]* ?(µs|ms|min|s|h)\b", "TIME"),
        (r"\d[\d.]*/s\b", "RATE"),
        (r"\d[\d.]* (B|KiB|MiB)\b", "SIZE"),
        (r"[ ]{2,}", "  "),
        (r"[─━═-]{4,}", "────"),
    ];
    let replaced = |text: String, (pattern, by): &(&str, &str)| {
        let pattern = Regex::new(pattern).unwrap();
        pattern.replace_all(&text, *by).into_owned()
    };
    let text = rules.iter().fold(text, replaced);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// The whole output of every command that looks or asks, on one known state.
#[test]
fn what_commands_say() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = first_release(folder.path());
    let server = format!("http://{}", daemon.address);
    let cases: [(&str, &[&str]); 14] = [
        ("gate-list", &["gate", "list"]),
        ("gate-show", &["gate", "show", "3"]),
        ("gate-show-open-end", &["gate", "show", "4"]),
        ("gate-show-unknown", &["gate", "show", "99"]),
        ("gate-wait", &["gate", "wait", "1"]),
        ("gate-explain", &["gate", "explain", "1"]),
        ("gate-cancel-too-late", &["gate", "cancel", "1"]),
        (
            "gate-approve-too-late",
            &["gate", "approve", "1", "--by", "me"],
        ),
        (
            "gate-start-unknown",
            &["gate", "start", "nothing", "--version", "1"],
        ),
        ("probe-run", &["probe", "run", "shop-api"]),
        ("load-list", &["load", "list"]),
        (
            "alert-test-unreachable",
            &["alert", "test", "pager", "--config", "bellwether.yaml"],
        ),
        (
            "run-unreachable",
            &[
                "run",
                "smoke.yaml",
                "--env",
                "production",
                "--config",
                "bellwether.yaml",
            ],
        ),
        ("check", &["check", "bellwether.yaml", "smoke.yaml"]),
    ];
    for (name, words) in cases {
        let mut command = bellwether();
        command
            .env_remove("COLUMNS")
            .env("BELLWETHER_SERVER", &server);
        let (code, out, err) = run(command.args(words).current_dir(folder.path()));
        let text = format!(
            "$ bellwether {}\n{out}{err}exit code {code}\n",
            words.join(" ")
        );
        assert!(!text.contains("panicked"), "{text}");
        let path = root().join(format!("tests/cases/said/{name}.out"));
        snapshot(&path, &lasting(&text, folder.path()));
    }
}

/// All files of a folder, and of those in it.
fn sources(folder: &std::path::Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            into.push_str(text.split("#[cfg(test)]").next().unwrap_or_default());
        }
    }
}

#[test]
fn every_code_that_is_said_is_explained() {
    let mut all = String::new();
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, &mut all);
        }
    }
    let said = regex::Regex::new(r#"(?:Diagnostic::(?:error|warning)|self\.(?:error|unknown)|compiler\s*\.error)\(\s*(?:[\w.]+,\s*)?"([a-z0-9]+(?:-[a-z0-9]+)+)""#).unwrap();
    let explained: Vec<&str> = bellwether::reference::codes::ALL
        .iter()
        .map(|(code, ..)| *code)
        .collect();
    assert!(explained.is_sorted(), "in the order of their names");
    let mut missing: Vec<&str> = said
        .captures_iter(&all)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    assert!(missing.len() > 100, "codes are found");
    missing.retain(|code| !explained.contains(code));
    assert!(missing.is_empty(), "not explained: {missing:?}");
    for code in explained {
        let times = all.matches(&format!("\"{code}\"")).count();
        assert!(times > 1, "nobody says `{code}`");
    }
    let (code, out, err) = run(bellwether().args(["explain", "error[unknown-field]"]));
    assert!(code == 0 && out.contains("To mend it"), "{out}{err}");
    let (code, _, err) = run(bellwether().args(["explain", "unknown-fild"]));
    assert!(
        code == 2 && err.contains("did you mean `unknown-field`"),
        "{err}"
    );
}
