//! Pages that must be as good as Lighthouse measures: a stand-in of it that says what a test wants, and the real one.

use super::browser::browser;
use super::standin::{json, of, serve};
use super::support::{Daemon, bellwether, eventually, root, run};
use serde_json::{Value, json as value};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PASS: i32 = 0;
const DOUBT: i32 = 98;
const FAIL: i32 = 99;
const INVALID: i32 = 104;

/// A stand-in of Lighthouse: each start takes the next line of `scores` (points, benchmark index, or an error), and notes what it
/// was called with.
const STAND_IN: &str = r#"#!/bin/sh
here=$(dirname "$0")
if [ "$1" = --version ]; then echo 12.2.3; exit 0; fi
echo "$@" >> "$here/called"
for word in "$@"; do
  case "$word" in
    --output-path=*) out=${word#--output-path=} ;;
    --extra-headers=*) cat "${word#--extra-headers=}" >> "$here/headers" ;;
    http*) url=$word ;;
  esac
done
line=$(head -n 1 "$here/scores"); sed -i 1d "$here/scores"
set -- $line
case "$1" in
  hangs) sleep 100 & sleep 100 ;;
  dies) echo "Unable to connect to Chrome" >&2; exit 1 ;;
  NO_FCP) echo "{\"lighthouseVersion\": \"12.2.3\", \"runtimeError\": {\"code\": \"NO_FCP\", \"message\": \"The page did not paint\"}}" > "$out"; exit 1 ;;
  *) echo "{\"lighthouseVersion\": \"12.2.3\", \"finalDisplayedUrl\": \"$url\", \"environment\": {\"benchmarkIndex\": ${2:-2000}}, \"configSettings\": {\"formFactor\": \"mobile\", \"throttlingMethod\": \"simulate\"}, \"categories\": {\"performance\": {\"score\": $1, \"auditRefs\": []}, \"best-practices\": {\"score\": 1, \"auditRefs\": []}}, \"audits\": {\"first-contentful-paint\": {\"score\": 1, \"numericValue\": 600}, \"interactive\": {\"score\": 1, \"numericValue\": 900}}}" > "$out" ;;
esac
"#;

fn site(asked: &super::standin::Asked) -> super::standin::Answer {
    match asked.path.as_str() {
        "/version" => json(200, value!({"version": "2.0.0"})),
        "/gone" => of(404, "text/html", "<h1>Not found</h1>"),
        _ => of(
            200,
            "text/html; charset=utf-8",
            "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>Shop</title><link rel=icon href='data:,'><h1>Shop</h1>",
        ),
    }
}

fn written(folder: &Path, browser: &str, lighthouse: &Path, quality: &str) {
    let site = serve(site);
    let browser = browser.replace(
        '}',
        &format!(", lighthouse: \"{}\" }}", lighthouse.display()),
    );
    let text = format!(
        "environments: {{ test: {{ services: {{ shop: {{ url: \"http://{site}\" }} }}, browser: {browser}, secrets: {{ TOKEN: {{ env: THE_TOKEN }} }} }} }}\n"
    );
    std::fs::write(folder.join("bellwether.yaml"), text).unwrap();
    let scenario = format!(
        "name: quality\nservice: shop\nsecrets: [TOKEN]\nsteps:\n  - {{ name: the page, quality: {{ url: /, {quality} }}, measure: {{ performance: quality.performance }} }}\n"
    );
    std::fs::write(folder.join("quality.yaml"), scenario).unwrap();
}

fn stand_in(folder: &Path, scores: &str) -> PathBuf {
    let program = folder.join("lighthouse");
    std::fs::write(&program, STAND_IN).unwrap();
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, executable).unwrap();
    std::fs::write(folder.join("scores"), scores.replace(", ", "\n")).unwrap();
    program
}

/// How an environment measures with a stand-in that gives these scores.
pub fn lighthouse(browser: &str, folder: &Path, scores: &str) -> String {
    let program = stand_in(folder, scores);
    browser.replace('}', &format!(", lighthouse: \"{}\" }}", program.display()))
}

/// Exit code, what was said, and how often Lighthouse was called.
fn measured(folder: &Path) -> (i32, String, usize) {
    let temporary = folder.join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let mut command = bellwether();
    command
        .current_dir(folder)
        .env("TMPDIR", &temporary)
        .env("THE_TOKEN", "open-sesame");
    let (code, out, err) = run(command.args(["run", "quality.yaml", "--json", "run.json"]));
    let called = std::fs::read_to_string(folder.join("called")).unwrap_or_default();
    let left: Vec<_> = std::fs::read_dir(&temporary).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    (code, out + &err, called.lines().count())
}

#[test]
fn the_median_of_enough_runs_is_judged() {
    let Some(browser) = browser() else { return };
    // What is wanted, what each run scores, what it comes to after how many runs, and what is said.
    let cases = [
        (
            "performance: 90",
            "0.84, 0.91, 0.95",
            PASS,
            3,
            "performance  91",
        ),
        (
            "performance: 90",
            "0.80, 0.81, 0.82",
            FAIL,
            3,
            "performance is 81 (the median of 80, 81, 82), expected at least 90",
        ),
        (
            "performance: 90",
            "0.88, 0.89, 0.91, 0.92, 0.93, 0.94",
            PASS,
            6,
            "performance  91.5",
        ),
        (
            "performance: 90",
            "0.88, 0.89, 0.91, 0.87, 0.86, 0.85",
            FAIL,
            6,
            "is 87.5 (the median of 85, 86, 87, 88, 89, 91)",
        ),
        (
            "performance: 90, warm: true",
            "0.70, 0.70, 0.70, 0.50, 0.95, 0.95, 0.95",
            PASS,
            7,
            "with a cold cache performance is 70",
        ),
        (
            "performance: 90, warm: true",
            "0.70, 0.70, 0.70, 0.99, 0.75, 0.75, 0.75",
            FAIL,
            7,
            "performance is 75",
        ),
        (
            "performance: 90",
            "0.95, 0.40 500, 0.95, 0.95",
            PASS,
            4,
            "performance  95",
        ),
        (
            "performance: 90",
            "dies, 0.95, NO_FCP, 0.95, 0.95",
            PASS,
            5,
            "performance  95",
        ),
        (
            "performance: 90",
            "NO_FCP, NO_FCP, NO_FCP, NO_FCP, NO_FCP, NO_FCP",
            FAIL,
            6,
            "there is no page to measure: NO_FCP: The page did not paint",
        ),
        (
            "performance: 90",
            "dies, dies, dies, dies, dies, dies",
            DOUBT,
            6,
            "0 of 3 runs of Lighthouse count: no report: exit code 1: Unable to connect to Chrome",
        ),
        (
            "performance: 90",
            "0.95, dies, dies, dies, dies, dies",
            DOUBT,
            6,
            "1 of 3 runs",
        ),
        (
            "seo: 90, runs: 1",
            "0.95, 0.95",
            DOUBT,
            2,
            "it says nothing of `seo`",
        ),
        (
            "audits: { interactive: 800 }, runs: 1",
            "0.95",
            FAIL,
            1,
            "interactive is 900 (the median of 900), expected at most 800",
        ),
    ];
    for (quality, scores, code, calls, said) in cases {
        let folder = tempfile::tempdir().unwrap();
        let lighthouse = stand_in(folder.path(), scores);
        written(folder.path(), browser, &lighthouse, quality);
        let (came, told, called) = measured(folder.path());
        assert_eq!((came, called), (code, calls), "{scores}: {told}");
        assert!(told.contains(said), "{scores}: {told}");
    }
}

#[test]
fn what_hangs_is_ended_with_all_that_it_started_and_headers_are_in_no_command_line() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let lighthouse = stand_in(folder.path(), "hangs");
    let quality = "performance: 90, headers: { authorization: \"Bearer ${secrets.TOKEN}\" }";
    written(folder.path(), browser, &lighthouse, quality);
    let path = folder.path().join("quality.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace("{ name: the page,", "{ name: the page, timeout: 4s,"),
    )
    .unwrap();
    let (code, told, _) = measured(folder.path());
    assert_eq!(code, DOUBT, "{told}");
    assert!(told.contains("did not end within"), "{told}");
    let sent = std::fs::read_to_string(folder.path().join("headers")).unwrap();
    assert!(sent.contains("Bearer open-sesame"));
    for file in ["called", "run.json"] {
        let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(!text.contains("open-sesame"), "{file}");
    }
    // Nothing of it runs on.
    eventually("what it started has ended", Duration::from_secs(10), || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        let own = folder.path().display().to_string();
        let mut of_it = lines.filter(|line| String::from_utf8_lossy(line).contains(&own));
        of_it.next().is_none().then_some(())
    });
}

#[test]
fn what_lighthouse_ci_asserts_is_read_and_what_is_not_understood_is_refused() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let lighthouse = stand_in(folder.path(), "0.80, 0.95, 0.85, 0.80, 0.80, 0.80");
    written(
        folder.path(),
        browser,
        &lighthouse,
        "lighthouserc: lighthouserc.json",
    );
    let asserts = |assertions: Value| {
        let file =
            value!({"ci": {"collect": {"numberOfRuns": 3}, "assert": {"assertions": assertions}}});
        std::fs::write(folder.path().join("lighthouserc.json"), file.to_string()).unwrap();
    };
    asserts(value!({"categories:performance": ["error", {"minScore": 0.9}]}));
    let (code, told, _) = measured(folder.path());
    assert_eq!(
        code, PASS,
        "the best of all runs, as its own tool does: {told}"
    );
    assert!(told.contains("best-of-runs"), "{told}");
    asserts(
        value!({"categories:performance": ["error", {"minScore": 0.9, "aggregationMethod": "median"}]}),
    );
    let (code, told, _) = measured(folder.path());
    assert_eq!(code, FAIL, "{told}");
    asserts(value!({"resource-summary:script:size": ["error", {"maxNumericValue": 1}]}));
    let (code, told, _) = measured(folder.path());
    assert!(
        code == INVALID && told.contains("resource-summary:script:size"),
        "{told}"
    );
}

#[test]
fn a_gate_that_cannot_measure_a_page_holds_before_anything_is_done() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let site = serve(site);
    let scenario =
        "name: quality\nservice: shop\nsteps: [ { quality: { url: /, performance: 90 } } ]\n";
    std::fs::write(folder.path().join("quality.yaml"), scenario).unwrap();
    let browser = browser.replace('}', ", lighthouse: /no/such/lighthouse }");
    let text = format!(
        "server: {{ listen: LISTEN }}
environments:
  production: {{ browser: {browser}, services: {{ shop: {{ url: \"http://{site}\", version: {{ path: /version, value: body.version }} }} }} }}
gates:
  shop: {{ environment: production, services: [shop], smoke: [quality.yaml], converge: {{ reads: 2, every: 100ms }} }}
"
    );
    let daemon = Daemon::start(folder.path(), &text, &[]);
    daemon.start_gate(&value!({"gate": "shop", "version": "2.0.0"}));
    let gate = daemon.done(1);
    assert_eq!(gate["verdict"], "hold", "{gate}");
    assert!(
        gate.to_string().contains("no page can be measured"),
        "{gate}"
    );
}

#[test]
fn the_real_lighthouse_measures_a_page() {
    let Some(browser) = browser() else { return };
    let lighthouse = root().join("tests/browser/node_modules/.bin/lighthouse");
    if !lighthouse.exists() {
        eprintln!(
            "skipped: Lighthouse is not installed; `npm ci --prefix tests/browser` installs it"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    written(
        folder.path(),
        browser,
        &lighthouse,
        "runs: 1, performance: 50, best-practices: 50",
    );
    let (code, told, _) = measured(folder.path());
    assert_eq!(code, PASS, "{told}");
    let summary = std::fs::read_to_string(folder.path().join("run.json")).unwrap();
    for part in ["first-contentful-paint", "12.2.3", "benchmark"] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    let page = std::fs::read_to_string(folder.path().join("quality.yaml")).unwrap();
    std::fs::write(
        folder.path().join("quality.yaml"),
        page.replace("url: /,", "url: /gone,"),
    )
    .unwrap();
    let (code, told, _) = measured(folder.path());
    assert_eq!(code, FAIL, "{told}");
    assert!(told.contains("ERRORED_DOCUMENT_REQUEST"), "{told}");
}
