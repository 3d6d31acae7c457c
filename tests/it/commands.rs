//! What every command says of itself, and the schemas, as whole outputs on disk: a change of a word
//! is seen, and meant.

use super::support::{bellwether, root, run, snapshot};

/// Every command, by its words.
const COMMANDS: [&str; 34] = [
    "",
    "init",
    "check",
    "run",
    "judge",
    "load",
    "load list",
    "load pause",
    "load resume",
    "load scale",
    "load stop",
    "serve",
    "gate",
    "gate start",
    "gate wait",
    "gate show",
    "gate list",
    "gate cancel",
    "gate explain",
    "gate approve",
    "gate waive",
    "gate rollback",
    "gate incident",
    "gate calibrate",
    "probe",
    "probe list",
    "probe run",
    "alert",
    "alert test",
    "demo",
    "schema",
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
