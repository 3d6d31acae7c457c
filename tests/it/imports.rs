//! Files of others as scenarios: what is written, what is said, and that it does what it did there.

use super::standin::{self, Asked};
use super::support::{bellwether, root, run, snapshot};
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;

/// What stands in every case where a value must never be carried over.
const SECRET: &str = "secret-of-the-file";

fn cases() -> Vec<(String, PathBuf)> {
    let folders = std::fs::read_dir(root().join("tests/cases/import")).unwrap();
    let mut cases = Vec::new();
    for folder in folders.map(|folder| folder.unwrap().path()) {
        let kind = folder.file_name().unwrap().to_str().unwrap().to_owned();
        for case in std::fs::read_dir(&folder).unwrap() {
            let case = case.unwrap().path();
            if case.extension().is_some_and(|ending| ending != "out") {
                cases.push((kind.clone(), case));
            }
        }
    }
    cases.sort();
    cases
}

#[test]
fn files_of_others_are_scenarios_that_say_what_is_missing() {
    let cases = cases();
    assert!(cases.len() > 9, "the corpus is there");
    for (kind, case) in cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let folder = case.parent().unwrap();
        let mut command = bellwether();
        command.current_dir(folder);
        let (code, out, err) = run(command.args(["import", &kind, name, "-o", "-"]));
        let text = format!("{out}---\n{err}exit code {code}\n");
        assert!(!text.contains(SECRET), "{name}\n{text}");
        assert!(!text.contains("panicked"), "{name}\n{text}");
        let beside = format!("{name}.out");
        snapshot(&folder.join(beside), &text);
    }
}

#[test]
fn nothing_is_overwritten_and_nothing_left_out_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let case = root().join("tests/cases/import/gatus/config.yaml");
    let import = |more: &[&str]| {
        let mut command = bellwether();
        command.current_dir(folder.path());
        run(command
            .args(["import", "gatus"])
            .arg(&case)
            .args(["-o", "made"])
            .args(more))
    };
    let (code, _, err) = import(&["--strict"]);
    assert_eq!(code, 104, "{err}");
    assert!(err.contains("nothing was written"), "{err}");
    assert!(!folder.path().join("made").exists());
    assert_eq!(import(&[]).0, 98);
    let front = folder.path().join("made/shop-front.yaml");
    std::fs::write(&front, "mine").unwrap();
    let (code, _, err) = import(&[]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("would be overwritten"), "{err}");
    assert_eq!(std::fs::read_to_string(&front).unwrap(), "mine");
    assert_eq!(import(&["--force"]).0, 98);
    let (code, _, err) = run(bellwether()
        .current_dir(folder.path())
        .args(["check", "made"]));
    assert_eq!(code, 0, "{err}");
}

/// A shop that answers as the collection and the file of Hurl want it, or with what was broken by a deploy.
fn shop(is_broken: bool) -> String {
    standin::serve_by(
        move |asked: &Asked| match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/login") => {
                let orders = if is_broken {
                    json!([])
                } else {
                    json!([{ "id": 7 }])
                };
                let body = json!({ "token": "abc.def.ghi", "orders": orders });
                standin::of(200, "application/json", &body.to_string())
            }
            ("GET", "/orders/7") if asked.header("authorization") == "Bearer abc.def.ghi" => {
                let state = if is_broken { "lost" } else { "paid" };
                let order =
                    json!({ "id": 7, "state": state, "items": [{ "sku": "a-1", "price": 3.5 }] });
                standin::json(200, order).with("ETag", "\"1\"")
            }
            ("POST", "/form" | "/graphql") => standin::json(200, json!({})),
            _ => standin::json(404, json!({})),
        },
    )
}

#[test]
fn what_was_imported_finds_what_it_found() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, case) in [("hurl", "login.hurl"), ("postman", "shop.json")] {
        let from = root().join("tests/cases/import").join(kind).join(case);
        let (code, _, err) = run(bellwether()
            .current_dir(folder.path())
            .args(["import", kind])
            .arg(from));
        assert!([0, 98].contains(&code), "{err}");
        for (is_broken, wanted) in [(false, 0), (true, 99)] {
            let base = format!("base=http://{}", shop(is_broken));
            let file = format!("{}.yaml", case.split('.').next().unwrap());
            let mut command = bellwether();
            command.current_dir(folder.path());
            let command = with_secrets(&mut command).args(["run", &file, "--input", &base]);
            let (code, out, err) = run(command.args(["--input", "id=7"]));
            assert_eq!(code, wanted, "{kind} {is_broken}\n{out}{err}");
        }
    }
}

fn with_secrets(command: &mut Command) -> &mut Command {
    for name in ["PASSWORD", "TOKEN", "API_SECRET"] {
        command.env(name, "a-long-word");
    }
    command
}
