//! What every command shows on a terminal of 60, 80 and 140 columns, as whole outputs on disk.

use super::commands::{COMMANDS, lasting};
use super::support::{bellwether, first_release, root, run, snapshot};
use std::path::Path;
use std::process::Command;

const WIDTHS: [usize; 3] = [60, 80, 140];

/// Runs a command on a terminal of its own, so wide, and gives what it shows.
fn shown(width: usize, words: &[&str], folder: &Path, server: &str) -> String {
    let program = bellwether();
    let quoted = words
        .iter()
        .map(|word| format!("'{}'", word.replace('\'', "'\\''")));
    let line = format!(
        "stty cols {width} rows 50; {} {}; echo \"exit code $?\"",
        program.get_program().to_string_lossy(),
        quoted.collect::<Vec<_>>().join(" ")
    );
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]);
    command
        .env_remove("COLUMNS")
        .env("NO_COLOR", "1")
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh");
    let (_, out, err) = run(command.env("BELLWETHER_SERVER", server).current_dir(folder));
    assert_eq!(err, "", "{words:?}");
    out.replace('\r', "")
}

/// Lines that are wider than the terminal, unless they are one word.
fn too_wide(text: &str, width: usize) -> Vec<String> {
    let marks = ['✓', '✗', '•', '|', '-', ' '];
    let wide = text.lines().filter(|line| {
        let is_one_word = !line.trim_start_matches(marks).contains(' ');
        // An example of the reference is to be copied as it stands.
        let is_example = line.starts_with("      | ");
        line.chars().count() > width && !is_one_word && !is_example
    });
    wide.map(|line| format!("{width}: {line}")).collect()
}

#[test]
fn help_fits_terminals_of_every_width() {
    let folder = tempfile::tempdir().unwrap();
    for width in WIDTHS {
        let mut all = String::new();
        for words in COMMANDS {
            let mut words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
            if words != ["nonsense"] && words != ["help", "gate"] {
                words.push("--help");
            }
            let text = shown(width, &words, folder.path(), "http://127.0.0.1:1");
            all.push_str(&format!("$ bellwether {}\n{text}\n", words.join(" ")));
        }
        snapshot(
            &root().join(format!("tests/cases/widths/help.{width}.out")),
            &all,
        );
    }
}

#[test]
fn what_commands_say_fits_terminals_of_every_width() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("broken.yaml"),
        "name: broken\nsteps: [ { gett: / } ]\n",
    )
    .unwrap();
    std::fs::write(
        folder.path().join("calls.sh"),
        "curl -H 'X-Tenant: demo' https://api.example.com/items\n",
    )
    .unwrap();
    let daemon = first_release(folder.path());
    let server = format!("http://{}", daemon.address);
    let cases: [&[&str]; 27] = [
        &["gate", "list"],
        &["gate", "show", "3"],
        &["gate", "show", "4"],
        &["gate", "show", "99"],
        &["gate", "wait", "1"],
        &["gate", "explain", "1"],
        &["gate", "cancel", "1"],
        &["gate", "approve", "1", "--by", "me"],
        &["gate", "start", "nothing", "--version", "1"],
        &["gate", "calibrate", "shop"],
        &["probe", "list"],
        &["probe", "run", "shop-api"],
        &["load", "list"],
        &["alert", "list"],
        &["alert", "history"],
        &["alert", "routes"],
        &["alert", "test", "pager", "--config", "bellwether.yaml"],
        &[
            "run",
            "smoke.yaml",
            "--env",
            "production",
            "--config",
            "bellwether.yaml",
        ],
        &["check", "bellwether.yaml", "smoke.yaml"],
        &["check", "broken.yaml"],
        &["import", "curl", "calls.sh", "--output", "-"],
        &["ready"],
        &["docs"],
        &["docs", "metrics"],
        &["docs", "language", "retry"],
        &["explain"],
        &["explain", "unknown-field"],
    ];
    let mut found = Vec::new();
    for width in WIDTHS {
        let mut all = String::new();
        for words in cases {
            let text = shown(width, words, folder.path(), &server);
            assert!(!text.contains("panicked"), "{text}");
            let said = format!("$ bellwether {}\n{text}\n", words.join(" "));
            // How a probe stands depends on when it was last measured: only that it fits is held.
            let stands = [
                &["probe", "list"][..],
                &["alert", "list"],
                &["alert", "history"],
            ];
            if !stands.contains(&words) {
                all.push_str(&lasting(&said, folder.path()));
            }
            // Diagnostics show the lines of the user, and an import what it has written.
            if !["check", "import"].contains(&words[0]) {
                let wide = too_wide(&text, width).into_iter();
                found.extend(wide.map(|line| format!("{} at {line}", words.join(" "))));
            }
        }
        snapshot(
            &root().join(format!("tests/cases/widths/said.{width}.out")),
            &all,
        );
    }
    assert!(found.is_empty(), "wider than the terminal: {found:#?}");
}
