//! What others say: logs, Prometheus, Alertmanager, files of variables; and what is a doubt of it.

use super::support::{bellwether, run};
use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Answers paths that begin so with these bodies; any other with 404.
struct Witness {
    address: String,
    answers: Arc<Mutex<BTreeMap<String, String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Witness {
    fn start() -> Witness {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let witness = Witness {
            address: listener.local_addr().unwrap().to_string(),
            answers: Arc::default(),
            asked: Arc::default(),
        };
        let (answers, asked) = (witness.answers.clone(), witness.asked.clone());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let Some(path) = super::support::next_path(&mut reader) else {
                    continue;
                };
                let answers = answers.lock().unwrap();
                let found = answers
                    .iter()
                    .rev()
                    .find(|(start, _)| path.starts_with(*start));
                asked.lock().unwrap().push(path.clone());
                let (status, body) = found.map_or((404, "no"), |(_, body)| (200, body.as_str()));
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        witness
    }

    fn says(&self, path: &str, body: &str) {
        self.answers
            .lock()
            .unwrap()
            .insert(path.to_owned(), body.to_owned());
    }
}

/// Performs steps once: exit code and what was said.
fn perform(folder: &Path, steps: &str) -> (i32, String) {
    let file = folder.join("steps.yaml");
    std::fs::write(&file, format!("name: steps\nsteps:\n{steps}\n")).unwrap();
    let (code, out, err) = run(bellwether().arg("run").arg(&file));
    (code, format!("{out}{err}"))
}

const PASS: i32 = 0;
const FAIL: i32 = 99;
const DOUBT: i32 = 98;

#[track_caller]
fn expect(folder: &Path, steps: &str, code: i32, said: &str) {
    let (found, text) = perform(folder, steps);
    assert_eq!(found, code, "{steps}\n{text}");
    assert!(text.contains(said), "{said}\n{text}");
}

#[test]
fn a_log_that_was_not_read_whole_is_never_free_of_what_must_not_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let long = "{ shell: 'yes fine | head -c 3000000; echo CRITICAL' }";
    // The same output by a command step is cut, and says so.
    expect(
        at,
        &format!("  - {{ command: {long}, check: [ \"!output.stdout.contains('CRITICAL')\" ] }}"),
        DOUBT,
        "looked at only so far",
    );
    expect(at, &format!("  - {{ command: {long} }}"), PASS, "");
    let logs = |rest: &str| format!("  - logs: {{ {rest} }}");
    let shell = "shell: 'yes fine | head -c 3000000; echo CRITICAL'";
    expect(
        at,
        &logs(&format!("{shell}, must_not: [ CRITICAL ]")),
        FAIL,
        "`CRITICAL` is there once",
    );
    expect(
        at,
        &logs(&format!("{shell}, must_not: [ FATAL ], must: [ CRITICAL ]")),
        PASS,
        "",
    );
    // Some write their log to the second stream.
    expect(
        at,
        &logs("shell: 'echo CRITICAL >&2', must_not: [ CRITICAL ]"),
        FAIL,
        "is there once",
    );
    for (rest, said) in [
        ("shell: 'true', must_not: [ CRITICAL ]", "proves nothing"),
        (
            "shell: '(sleep 3; echo CRITICAL) & echo fine', must_not: [ CRITICAL ]",
            "left something behind",
        ),
        (
            "shell: 'echo fine; exit 3', must_not: [ CRITICAL ]",
            "ended with exit code 3",
        ),
        (
            "command: [ no-such-program ], must_not: [ CRITICAL ]",
            "cannot be run",
        ),
        ("file: none.log, must_not: [ CRITICAL ]", "cannot be read"),
        (
            "shell: 'echo fine', since: 10m, must_not: [ CRITICAL ]",
            "no line shows its time",
        ),
        (
            "shell: 'echo fine', follow: 5s, must_not: [ CRITICAL ]",
            "was to be followed",
        ),
        (
            "http: { url: 'http://127.0.0.1:1/' }, must_not: [ CRITICAL ]",
            "did not answer",
        ),
    ] {
        expect(at, &logs(rest), DOUBT, said);
    }
    // What was found stands, whatever became of the rest.
    expect(
        at,
        &logs("shell: 'echo CRITICAL; exit 3', must_not: [ CRITICAL ]"),
        FAIL,
        "in doubt",
    );
    expect(
        at,
        &logs("shell: 'echo one; sleep 9', follow: 300ms, must: [ one ]"),
        PASS,
        "",
    );
    let known = "{ pattern: 'Configuration validation failed', cause: no provider has a key, advice: set one }";
    expect(
        at,
        &logs(&format!(
            "shell: 'echo Configuration validation failed', must_not: [ {known} ]"
        )),
        FAIL,
        "cause: no provider has a key; advice: set one",
    );
    std::fs::write(at.join("app.log"), "{\"time\":\"2020-01-01T00:00:00Z\",\"level\":\"CRITICAL\"}\n{\"time\":\"2099-01-01T00:00:00Z\",\"level\":\"INFO\",\"ms\":12}\n").unwrap();
    let json = "file: app.log, since: 1h, must_not: [ { fields: { level: CRITICAL } } ], count: { info: { fields: { level: INFO } } }";
    let checks = "    check: [ count == 1, counts.info == 1, 'lines[0].ms < 20' ]";
    expect(at, &format!("  - logs: {{ {json} }}\n{checks}"), PASS, "");
    expect(
        at,
        &format!("  - logs: {{ {json} }}\n    check: [ counts.info == 0 ]"),
        FAIL,
        "does not hold",
    );
}

#[test]
fn prometheus_that_knows_nothing_is_no_good_news() {
    let (folder, witness) = (tempfile::tempdir().unwrap(), Witness::start());
    let at = folder.path();
    let vector = |result: &str| {
        format!(
            "{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{result}]}}}}"
        )
    };
    witness.says(
        "/api/v1/query?query=errors",
        &vector(r#"{"metric":{},"value":[1,"0.25"]}"#),
    );
    witness.says(
        "/api/v1/query?query=pods",
        &vector(r#"{"metric":{"pod":"a"},"value":[1,"1"]},{"metric":{"pod":"b"},"value":[1,"2"]}"#),
    );
    witness.says(
        "/api/v1/query?query=nan",
        &vector(r#"{"metric":{},"value":[1,"NaN"]}"#),
    );
    witness.says(
        "/api/v1/query?query=up",
        &vector(r#"{"metric":{},"value":[1,"1"]}"#),
    );
    witness.says("/api/v1/query?query=", &vector(""));
    let ask = |rest: &str, check: &str| {
        format!(
            "  - prometheus: {{ url: 'http://{}', {rest} }}\n    check: [ {check} ]",
            witness.address
        )
    };
    expect(at, &ask("query: errors", "value < 1"), PASS, "");
    expect(
        at,
        &ask("query: errors", "value < 0.2"),
        FAIL,
        "does not hold",
    );
    expect(
        at,
        &ask("query: pods", "'values.all(v, v < 3)', count == 2"),
        PASS,
        "",
    );
    expect(
        at,
        &ask("query: pods", "value < 1"),
        FAIL,
        "`value` has no value here",
    );
    expect(at, &ask("query: nan", "value < 1"), DOUBT, "is no number");
    expect(at, &ask("query: gone", "value < 1"), DOUBT, "has no series");
    expect(
        at,
        &ask("query: gone, empty: fail", "value < 1"),
        FAIL,
        "one must be there",
    );
    expect(
        at,
        &ask("query: gone, empty: zero, only_if: up", "value < 1"),
        PASS,
        "",
    );
    expect(
        at,
        &ask("query: gone, empty: zero, only_if: gone", "value < 1"),
        DOUBT,
        "was not scraped",
    );
    let dead = "  - prometheus: { url: 'http://127.0.0.1:1', query: up }";
    expect(at, dead, DOUBT, "did not answer");
    let other = "  - prometheus: { url: 'http://127.0.0.1:1/x', query: 'a or vector(0)' }";
    expect(at, other, DOUBT, "answers 0 for anything");
    witness.says(
        "/api/v1/query?query=idle",
        &vector(r#"{"metric":{},"value":[1,"0"]}"#),
    );
    expect(
        at,
        &ask("query: gone, empty: zero, only_if: idle", "value < 1"),
        DOUBT,
        "compare it",
    );
    expect(
        at,
        &ask("query: gone, empty: zero", "value < 1"),
        104,
        "`only_if: up{job=",
    );
}

#[test]
fn alertmanager_without_its_heartbeat_hears_of_nothing() {
    let (folder, witness) = (tempfile::tempdir().unwrap(), Witness::start());
    let at = folder.path();
    let alert = |name: &str, state: &str| {
        format!(
            r#"{{"labels":{{"alertname":"{name}","service":"api"}},"startsAt":"2026-11-26T12:00:00Z","status":{{"state":"{state}"}}}}"#
        )
    };
    let ask = |rest: &str| {
        format!(
            "  - alertmanager: {{ url: 'http://{}'{rest} }}",
            witness.address
        )
    };
    witness.says("/api/v2/alerts", "[]");
    expect(at, &ask(""), DOUBT, "hears of no alerts");
    expect(at, &ask(", heartbeat: none"), PASS, "");
    witness.says(
        "/api/v2/alerts",
        &format!("[{}]", alert("Watchdog", "active")),
    );
    expect(at, &ask(""), PASS, "");
    witness.says(
        "/api/v2/alerts",
        &format!(
            "[{},{}]",
            alert("Watchdog", "active"),
            alert("Errors", "active")
        ),
    );
    expect(
        at,
        &ask(", labels: { service: api }"),
        FAIL,
        "`Errors` (service=api)",
    );
    expect(at, &ask(", labels: { service: web }"), PASS, "");
    witness.says("/api/v2/alerts", "<html>fine</html>");
    expect(at, &ask(""), DOUBT, "did not answer with JSON");
}

#[test]
fn loki_is_read_to_its_end() {
    let (folder, witness) = (tempfile::tempdir().unwrap(), Witness::start());
    let page = r#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[["4070908800000000000","panic: no"],["4070908800000000001","fine"]]}]}}"#;
    witness.says("/loki/api/v1/query_range", page);
    let ask = |rest: &str| {
        format!(
            "  - logs: {{ loki: {{ url: 'http://{}', query: '{{app=\"api\"}}' }}, since: 10m, {rest} }}",
            witness.address
        )
    };
    expect(
        folder.path(),
        &ask("must_not: [ panic ]"),
        FAIL,
        "`panic` is there once",
    );
    expect(
        folder.path(),
        &ask("must_not: [ CRITICAL ], must: [ fine ]"),
        PASS,
        "",
    );
    let asked = witness.asked.lock().unwrap().concat();
    assert!(
        asked.contains("limit=5000") && asked.contains("direction=forward"),
        "{asked}"
    );
}

#[test]
fn files_of_variables_are_told_by_their_names_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join(".env"), "API=https://api.example.com\nSTRIPE_KEY=sk_live_secret1\nSLACK=https://hooks.slack.com/services/YOUR/WEBHOOK/URL\n").unwrap();
    let (code, text) = perform(
        at,
        "  - dotenv: { file: .env, required: [ API, STRIPE_KEY, JWT_SECRET ], equal: { API: 'https://api.example.com' } }",
    );
    assert_eq!(code, FAIL, "{text}");
    assert!(
        text.contains("`JWT_SECRET` is missing (and 1 more)"),
        "{text}"
    );
    assert!(
        !text.contains("sk_live") && !text.contains("hooks.slack"),
        "{text}"
    );
    std::fs::write(
        at.join(".env"),
        "API=https://api.example.com\nSTRIPE_KEY=sk_live_secret1\n",
    )
    .unwrap();
    expect(
        at,
        "  - dotenv: { file: .env, required: [ API, STRIPE_KEY ] }",
        PASS,
        "",
    );
    std::fs::write(at.join("metrics.txt"), "# TYPE up gauge\nup 1\n").unwrap();
    expect(
        at,
        "  - { command: [ cat, metrics.txt ], check: [ \"metric(text, 'up') == 1\" ] }",
        PASS,
        "",
    );
    expect(
        at,
        "  - { command: [ cat, metrics.txt ], check: [ \"metric(text, 'down') == 1\" ] }",
        FAIL,
        "no metric `down`",
    );
}

#[test]
fn half_a_secret_is_still_one_and_a_file_that_is_replaced_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let secret = "SuperSecretToken1234567890";
    let text = format!(
        "name: s\nsecrets: {{ KEY: {{}} }}\nsteps:\n  - logs: {{ shell: \"echo {}$KEY FATAL\", must_not: [ FATAL ] }}\n",
        "x".repeat(190)
    );
    std::fs::write(at.join("s.yaml"), text).unwrap();
    let (code, out, err) = run(bellwether()
        .arg("run")
        .arg(at.join("s.yaml"))
        .env("KEY", secret));
    assert_eq!(code, FAIL);
    assert!(!format!("{out}{err}").contains("SuperSec"), "{out}{err}");
    std::fs::write(at.join("app.log"), "one\n").unwrap();
    let log = at.join("app.log");
    let replacing = std::thread::spawn(move || {
        std::thread::park_timeout(std::time::Duration::from_millis(600));
        let another = log.with_extension("new");
        std::fs::write(&another, "two\nFATAL\n").unwrap();
        std::fs::rename(another, log).unwrap();
    });
    expect(
        at,
        "  - logs: { file: app.log, follow: 2s, must_not: [ FATAL ] }",
        FAIL,
        "was replaced",
    );
    replacing.join().unwrap();
}

#[test]
fn a_step_of_one_environment_refuses_another_and_nothing_is_kept_too_short() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let file = |name: &str, text: &str| std::fs::write(at.join(name), text).unwrap();
    file(
        "migrate.yaml",
        "name: migrate\nsteps: [ { name: migrate, command: [ touch, migrated ], only_in: staging } ]\n",
    );
    file(
        "bellwether.yaml",
        "keep: { evidence: 30d, gates: 1d }\nenvironments: { staging: { services: {} }, production: { services: {} } }\n",
    );
    let of = |environment: &str| {
        let (code, out, err) = run(bellwether()
            .args(["run", "--env", environment])
            .arg(at.join("migrate.yaml")));
        (code, format!("{out}{err}"))
    };
    let (code, said) = run_check(at);
    assert_eq!(code, 104, "{said}");
    assert!(said.contains("`gates` are kept for 30d at least"), "{said}");
    file(
        "bellwether.yaml",
        "keep: { evidence: 30d }\nenvironments: { staging: { services: {} }, production: { services: {} } }\n",
    );
    let (code, said) = of("production");
    assert_eq!(code, 104, "{said}");
    assert!(
        said.contains("is not for the environment `production`"),
        "{said}"
    );
    assert!(!at.join("migrated").exists());
    let (code, said) = of("staging");
    assert_eq!(code, PASS, "{said}");
    assert!(at.join("migrated").exists());
}

fn run_check(folder: &Path) -> (i32, String) {
    let (code, out, err) = run(bellwether().arg("check").arg(folder));
    (code, format!("{out}{err}"))
}

#[test]
fn an_address_takes_inputs_and_says_which_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("bellwether.yaml");
    let check = |inputs: &str, url: &str| {
        let text = format!(
            "environments:\n  production:\n    inputs: {inputs}\n    services: {{ api: {{ url: \"{url}\" }} }}\n"
        );
        std::fs::write(&config, text).unwrap();
        let (code, out, err) = run(bellwether().arg("check").arg(&config));
        (code, format!("{out}{err}"))
    };
    let at = "https://${inputs.host}/v1";
    assert_eq!(check("{ host: api.example.com }", at).0, 0);
    let (code, said) = check("{ other: x }", at);
    assert!(
        code != 0 && said.contains("needs the input `host`"),
        "{said}"
    );
    let (code, said) = check("{ host: \"\" }", at);
    assert!(code != 0 && said.contains("is no base URL"), "{said}");
    let (code, said) = check("{ host: a }", "https://${inputs.host");
    assert!(code != 0 && said.contains("is no base URL"), "{said}");
    std::fs::write(
        &config,
        "environments: { production: { services: { api: { url: \"http://${inputs.host}\" } } } }\n",
    )
    .unwrap();
    std::fs::write(
        folder.path().join("get.yaml"),
        "name: get\nservice: api\nsteps: [ { get: / } ]\n",
    )
    .unwrap();
    let get = |input: &[&str]| {
        let file = folder.path().join("get.yaml");
        let (code, out, err) = run(bellwether().arg("run").arg(file).args(input));
        (code, format!("{out}{err}"))
    };
    let (code, said) = get(&[]);
    assert!(
        code == 104 && said.contains("needs the input `host`"),
        "{said}"
    );
    let (code, said) = get(&["--input", "host=127.0.0.1:9"]);
    assert!(
        code == FAIL && said.contains("connecting to 127.0.0.1:9"),
        "{said}"
    );
}
