//! `bellwether check`: a corpus of files on disk, each with its full output beside it.

use super::support::{bellwether, root, run, snapshot};

#[test]
fn every_mistake_is_shown_where_it_was_made() {
    let folder = root().join("tests/cases/check");
    let mut cases: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.is_dir()
                || path
                    .extension()
                    .is_some_and(|ending| ["yaml", "js", "ts"].iter().any(|known| ending == *known))
        })
        .collect();
    cases.sort();
    assert!(cases.len() > 10, "the corpus is there");
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let (code, out, err) = run(bellwether().current_dir(&folder).args(["check", name]));
        let text = format!("{out}{err}exit code {code}\n");
        snapshot(&folder.join(format!("{name}.out")), &text);
        assert!(!text.contains("panicked"), "{name}");
    }
}

#[test]
fn the_scenarios_of_the_repository_are_clean() {
    let (code, out, err) = run(bellwether()
        .current_dir(root())
        .args(["check", "scenarios"]));
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    // Programs of those who deploy are on their machines.
    let here = ["warning[no-program]", "warning[no-lighthouse]"];
    let others = |line: &&str| {
        line.starts_with("warning[") && !here.iter().any(|warning| line.starts_with(warning))
    };
    assert_eq!(err.lines().filter(others).count(), 0, "{err}");
    assert!(err.contains(" checked: 0 errors"), "{err}");
}

#[test]
fn diagnostics_are_there_for_machines_too() {
    let folder = root().join("tests/cases/check");
    let (code, out, _) =
        run(bellwether()
            .current_dir(folder)
            .args(["check", "twice.yaml", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 104);
    assert_eq!(report["errors"], 1);
    assert_eq!(report["diagnostics"][0]["code"], "duplicate-field");
    assert_eq!(
        report["diagnostics"][0]["place"],
        serde_json::json!({ "file": "twice.yaml", "line": 4, "column": 1 })
    );
}

#[test]
fn nothing_checked_is_not_a_success() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = run(bellwether().arg("check").arg(folder.path()));
    assert_eq!(code, 98, "{err}");
}

/// Whatever bytes a file holds, the reader ends with a message.
#[test]
fn no_file_makes_the_reader_panic() {
    use proptest::prelude::*;
    let words = prop::sample::select(vec![
        "name: a\n",
        "steps:\n",
        "  - get: /\n",
        "    check: [",
        "status == 200",
        "]\n",
        "${",
        "}",
        "{",
        "}",
        "- ",
        ": ",
        "\"",
        "'",
        "&a ",
        "*a",
        "\t",
        "é",
        "load: ",
        "objectives: [p95 < 1s]\n",
        "|",
        ">",
        "\n",
        "  ",
        "#",
        "!!str",
        "environments:\n",
        "gates: {",
        "1e999",
        "-",
    ]);
    let texts = prop::collection::vec(words, 0..40).prop_map(|words| words.concat());
    proptest!(ProptestConfig::with_cases(2000), |(text in texts)| {
        let source = bellwether::document::Source::new("case.yaml", text);
        let mut found = bellwether::document::Diagnostics::default();
        bellwether::scenario::compile(&source, std::path::Path::new("."), &mut found);
        bellwether::config::read::read(&source, std::path::Path::new("."), &mut found);
        found.render(false);
    });
}

#[test]
fn a_first_scenario_is_written_and_sound() {
    let folder = tempfile::tempdir().unwrap();
    let init = || {
        run(bellwether()
            .args(["init", "--url", "https://api.example.com"])
            .arg(folder.path()))
    };
    assert_eq!(init().0, 0);
    let (code, _, err) = run(bellwether().arg("check").arg(folder.path()));
    assert_eq!(code, 0, "{err}");
    assert!(
        std::fs::read_to_string(folder.path().join("bellwether.yaml"))
            .unwrap()
            .contains("https://api.example.com")
    );
    assert_eq!(init().0, 2, "nothing is overwritten");
}

#[test]
fn schemas_are_printed_for_editors() {
    for kind in ["scenario", "configuration"] {
        let (code, out, _) = run(bellwether().args(["schema", kind]));
        let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(code, 0);
        assert!(schema["$defs"].as_object().unwrap().len() > 5);
    }
}
