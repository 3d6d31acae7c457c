//! Suites of tests that users have, as a step: what their reports say is what it comes to.

use super::support::{bellwether, first_run, root, run};
use serde_json::Value;
use std::path::Path;

const PASS: i32 = 0;
const DOUBT: i32 = 98;
const FAIL: i32 = 99;

const GREEN: &str = "<testsuites><testsuite name='api' tests='2'><testcase classname='api' name='pays' time='0.2'/><testcase classname='api' name='later'><skipped/></testcase></testsuite></testsuites>";
const CUT: &str =
    "<testsuites><testsuite name='api' tests='2'><testcase classname='api' name='pays'/>";
const FEW: &str =
    "<testsuite name='api' tests='7'><testcase classname='api' name='pays'/></testsuite>";
const LEFT_OUT: &str = "<testsuite name='api' tests='1'><testcase classname='api' name='later'><skipped/></testcase></testsuite>";
const SECRET: &str = "<testsuite name='api' tests='1'><testcase classname='api' name='pays'><failure message='got open-sesame'/></testcase></testsuite>";

/// Performs a program that copies a report to where it is looked for.
fn performed(folder: &Path, command: &str) -> (i32, String, Value) {
    let scenario = format!(
        "name: suite\nsecrets: [ TOKEN ]\nsteps:\n  - {{ name: the suite, command: {{ env: {{ OF: \"${{secrets.TOKEN}}\" }}, {command} }} }}\n"
    );
    std::fs::write(folder.join("suite.yaml"), scenario).unwrap();
    std::fs::write(
        folder.join("bellwether.yaml"),
        "environments: { test: { services: { shop: { url: \"http://127.0.0.1:9\" } }, secrets: { TOKEN: { env: TOKEN } } } }\n",
    )
    .unwrap();
    let mut asked = bellwether();
    asked.current_dir(folder).env("TOKEN", "open-sesame");
    let (code, out, err) = run(asked.args([
        "run",
        "suite.yaml",
        "--json",
        "run.json",
        "--junit",
        "run.xml",
        "--html",
        "run.html",
    ]));
    let summary = first_run(&folder.join("run.json"));
    (code, out + &err, summary)
}

#[test]
fn each_test_of_a_suite_must_pass() {
    let suites = root().join("tests/cases/suites");
    let file = |name: &str| std::fs::read_to_string(suites.join(name)).unwrap();
    let (playwright, junit, ctrf) = (
        file("playwright.json"),
        file("junit.xml"),
        file("ctrf.json"),
    );
    let failed = "dashboard › pays` failed: ";
    let cases = [
        (playwright.as_str(), "report: now", FAIL, failed),
        (junit.as_str(), "report: now", FAIL, failed),
        (ctrf.as_str(), "report: now", FAIL, failed),
        (GREEN, "report: now", PASS, "tests: 1 passed, 1 skipped"),
        (
            GREEN,
            "report: { file: now, at_least: 2 }",
            DOUBT,
            "1 tests were performed, expected at least 2",
        ),
        (GREEN, "report: another", DOUBT, "it wrote no report"),
        (CUT, "report: now", DOUBT, "is no report of tests"),
        (FEW, "report: now", DOUBT, "names 1 of its 7 tests"),
        (LEFT_OUT, "report: now", DOUBT, "every test was left out"),
        (
            "{}",
            "report: now",
            DOUBT,
            "neither JUnit, CTRF nor Playwright",
        ),
        ("", "report: now", DOUBT, "is no report of tests"),
    ];
    for (report, how, code, said) in cases {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("written"), report).unwrap();
        let (came, told, summary) =
            performed(folder.path(), &format!("run: [cp, written, now], {how}"));
        assert_eq!(came, code, "{how}: {told}");
        assert!(told.contains(said), "{how}: {told}");
        if code == FAIL {
            assert_eq!(
                summary["steps"][0]["tests"][0]["came"], "failed",
                "{summary}"
            );
            let junit = std::fs::read_to_string(folder.path().join("run.xml")).unwrap();
            assert!(
                junit.contains("the suite: shop.spec.js › dashboard › shows its title"),
                "{junit}"
            );
        }
    }
}

#[test]
fn an_old_report_says_nothing_and_a_program_that_fails_fails() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("now"), GREEN).unwrap();
    let (code, told, _) = performed(folder.path(), "run: ['true'], report: now");
    assert!(
        code == DOUBT && told.contains("was not written anew"),
        "{told}"
    );
    std::fs::write(folder.path().join("written"), GREEN).unwrap();
    let (code, told, _) = performed(
        folder.path(),
        "shell: 'cp written now; exit 3', report: now",
    );
    assert!(code == FAIL && told.contains("exit code 3"), "{told}");
    let (code, told, _) = performed(folder.path(), "run: ['/no/such/program'], report: now");
    assert!(code == DOUBT && told.contains("cannot be run"), "{told}");
}

#[test]
fn pictures_of_tests_that_failed_are_kept_and_secrets_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let junit = std::fs::read_to_string(root().join("tests/cases/suites/junit.xml")).unwrap();
    std::fs::write(folder.path().join("written"), junit).unwrap();
    let left = folder.path().join("out/shop-dashboard-pays");
    std::fs::create_dir_all(&left).unwrap();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05\0\0\0\x03";
    std::fs::write(left.join("test-failed-1.png"), png).unwrap();
    std::fs::write(left.join("trace.zip"), "PK a trace").unwrap();
    let (code, told, summary) = performed(folder.path(), "run: [cp, written, now], report: now");
    assert_eq!(code, FAIL, "{told}");
    let picture = &summary["steps"][0]["pictures"][0];
    assert_eq!(
        (&picture["width"], &picture["height"]),
        (&5.into(), &3.into()),
        "{summary}"
    );
    let files = summary["steps"][0]["tests"][0]["files"].as_array().unwrap();
    let trace = files
        .iter()
        .find(|file| file["file"].as_str().unwrap().ends_with("pays/trace.zip"));
    assert_eq!(trace.unwrap()["bytes"], 10, "{summary}");

    std::fs::write(folder.path().join("written"), SECRET).unwrap();
    let (code, told, summary) = performed(folder.path(), "run: [cp, written, now], report: now");
    assert_eq!(code, FAIL, "{told}");
    let [html, junit] = ["run.html", "run.xml"]
        .map(|file| std::fs::read_to_string(folder.path().join(file)).unwrap());
    for text in [told, summary.to_string(), html, junit] {
        assert!(!text.contains("open-sesame"), "{text}");
    }
}
