//! What counts for how much: warnings, severities, weaker evidence, what is pending, kinds of failures,
//! numbers that replies tell, and where they go.

use super::standin::{Answer, Asked, json, of, serve};
use super::support::{Daemon, api, bellwether, eventually, http, run};
use serde_json::{Value, json as value};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

const PASS: i32 = 0;
const DOUBT: i32 = 98;
const FAIL: i32 = 99;
const USAGE: i32 = 104;

fn answer(asked: &Asked) -> Answer {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    static COUNTED: AtomicU64 = AtomicU64::new(0);
    static UPTIME: AtomicU64 = AtomicU64::new(1_000);
    match asked.path.as_str() {
        "/degraded" => json(200, value!({ "status": "degraded" })),
        "/health" => json(
            200,
            value!({ "status": "healthy", "memory": { "percentage": 91 } }),
        ),
        "/text" => json(200, value!({ "memory": "a lot" })),
        // Of five, one is refused by what stands in front.
        "/fifth" => match CALLS.fetch_add(1, Relaxed) % 5 {
            4 => of(503, "text/plain", "no"),
            _ => json(200, value!({})),
        },
        "/counted" => json(200, value!({ "memory": COUNTED.fetch_add(1, Relaxed) + 1 })),
        // It is started anew again and again.
        "/uptime" => json(
            200,
            value!({ "uptime": 1_000 - UPTIME.fetch_sub(1, Relaxed) % 2 }),
        ),
        "/" => of(200, "text/html", "<html></html>"),
        _ => of(404, "text/plain", "no such page"),
    }
}

/// Performs a scenario: exit code, its report as JSON, what was said.
fn perform(folder: &Path, text: &str) -> (i32, Value, String) {
    let (file, report) = (folder.join("scenario.yaml"), folder.join("report.json"));
    std::fs::write(&file, text).unwrap();
    let (code, out, err) = run(bellwether()
        .arg("run")
        .arg(&file)
        .arg("--json")
        .arg(&report));
    let report = std::fs::read_to_string(&report).unwrap_or_default();
    let report = serde_json::from_str(&report).unwrap_or_default();
    (code, report, format!("{out}{err}"))
}

#[track_caller]
fn expect(steps: &str, code: i32, said: &str) {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(answer);
    let steps = steps.replace("HOST", &format!("http://{address}"));
    let (found, _, text) = perform(folder.path(), &format!("name: graded\nsteps:\n{steps}\n"));
    assert_eq!(found, code, "{steps}\n{text}");
    assert!(text.contains(said), "{said}\n{text}");
}

#[test]
fn what_should_hold_is_said_and_changes_no_outcome() {
    let three = "  - get: HOST/degraded\n    check: body.status in ['healthy', 'degraded']\n    warn: body.status == 'healthy'";
    expect(
        three,
        PASS,
        "warning: step `GET HOST/degraded`: `body.status == 'healthy'` does not hold; `body.status` is \"degraded\""
            .replace("HOST", "http://").split("http://").next().unwrap(),
    );
    expect(three, PASS, "`body.status` is \"degraded\"");
    expect(
        "  - get: HOST/down\n    check: status == 200\n    warn: body.status == 'healthy'",
        FAIL,
        "status was 404",
    );
}

#[test]
fn weaker_evidence_stands_only_for_the_step_before_and_is_said() {
    let both = |first: &str, second: &str| {
        format!(
            "  - {{ name: health, get: HOST{first} }}\n  - {{ name: root, get: HOST{second}, instead_of: health, check: \"status in [200, 302]\" }}"
        )
    };
    expect(&both("/health", "/"), PASS, "outcome: pass");
    expect(
        &both("/gone", "/"),
        PASS,
        "warning: step `root`: weaker evidence stands for `health`, which failed: status was 404",
    );
    expect(
        &both("/gone", "/also"),
        FAIL,
        "before it `health` failed: status was 404",
    );
    expect(
        "  - { name: health, get: HOST/health }\n  - { name: other, get: HOST/ }\n  - { name: root, get: HOST/, instead_of: health }",
        USAGE,
        "`health` is not the step before",
    );
}

#[test]
fn what_could_not_fail_stands_in_for_nothing() {
    let after = |stand_in: &str| {
        format!(
            "  - {{ name: health, get: HOST/gone }}\n  - {{ name: root, {stand_in}, instead_of: health }}"
        )
    };
    for stand_in in [
        "get: HOST/, when: \"1 == 2\"",
        "wait: 1ms",
        "get: HOST/, pending: not yet",
        "get: HOST/, advisory: true",
    ] {
        expect(
            &after(stand_in),
            USAGE,
            "this is no evidence that could stand for `health`",
        );
    }
    let teardown = format!("  - get: HOST/\nteardown:\n{}", after("get: HOST/"));
    expect(&teardown, USAGE, "in `teardown` no step stands in");
    let twice = "  - { name: a, get: HOST/health, measure: { m: body.memory.percentage } }\n  - { name: b, get: HOST/health, measure: { m: body.memory.percentage } }";
    expect(twice, USAGE, "two steps measure `m`");
    expect(
        "  - { name: pool, get: HOST/gone, when: \"1 == 2\", pending: not yet }\n  - get: HOST/",
        PASS,
        "outcome: pass",
    );
}

#[test]
fn a_load_of_which_no_objective_counts_the_failures_allows_none() {
    let load = "load: { executor: shared-iterations, vus: 1, iterations: 100 }";
    for objectives in [
        "[ 'rate < 10000/s', 'dropped < 5' ]",
        "[ 'error_rate{step: well} < 5%' ]",
    ] {
        let steps = format!(
            "  - {{ name: well, get: HOST/ , continue: true }}\n  - {{ name: ill, get: HOST/gone }}\n{load}\nobjectives: {objectives}"
        );
        expect(&steps, FAIL, "and no objective says how many may");
    }
    for wrong in ["error_rate{class: 5xx, class: 4xx} < 5%", "errors < inf"] {
        let steps = format!("  - get: HOST/\n{load}\nobjectives: [ 'error_rate < 1%', '{wrong}' ]");
        expect(&steps, USAGE, "is not an objective");
    }
}

#[test]
fn what_is_pending_counts_for_nothing_and_it_is_said_when_it_holds() {
    let pending = |path: &str| {
        format!(
            "  - get: HOST/health\n  - {{ name: pool, get: HOST{path}, pending: the API does not show its pool yet }}"
        )
    };
    expect(&pending("/pool"), PASS, "outcome: pass");
    expect(
        &pending("/health"),
        PASS,
        "warning: step `pool`: it holds now",
    );
    // Nothing else was measured.
    expect(
        "  - { get: HOST/pool, pending: not there yet }",
        DOUBT,
        "nothing was measured",
    );
}

#[test]
fn numbers_in_replies_are_measured_and_one_that_is_none_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(answer);
    let of = |path: &str, load: &str| {
        format!(
            "name: measured\nsteps:\n  - {{ name: health, get: \"http://{address}{path}\", measure: {{ memory: body.memory }} }}\n{load}"
        )
    };
    let load = "load: { executor: shared-iterations, vus: 1, iterations: 4 }\nobjectives: [ 'error_rate < 70%', 'max{value: memory} < 3' ]\nwarn: [ 'min{value: memory} > 1000' ]\n";
    let (code, report, text) = perform(folder.path(), &of("/counted", load));
    assert_eq!(code, FAIL, "{text}");
    let judged = |list: &str, at: usize| {
        let objective = &report[list][at];
        (
            objective["outcome"].as_str().unwrap_or_default().to_owned(),
            objective["seen"].as_str().unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(judged("objectives", 1), ("fail".to_owned(), "4".to_owned()));
    assert_eq!(judged("warnings", 0), ("fail".to_owned(), "1".to_owned()));
    let memory = &report["steps"][0]["values"]["memory"];
    assert_eq!(
        (&memory["count"], &memory["max"]),
        (&value!(4), &value!(4.0))
    );
    assert!(
        text.contains("warning: `min{value: memory} > 1000` does not hold: 1 against 1000"),
        "{text}"
    );
    let (code, _, text) = perform(folder.path(), &of("/text", ""));
    assert_eq!(code, FAIL, "{text}");
    assert!(
        text.contains("cannot measure `memory` from `body.memory`: it is not a number from 0 on"),
        "{text}"
    );
}

#[test]
fn an_objective_on_one_kind_of_failures_never_holds_because_nothing_answers() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(answer);
    let of = |url: &str, objectives: &str| {
        format!(
            "name: classes\nsteps:\n  - {{ name: get, get: \"http://{url}\" }}\nload: {{ executor: shared-iterations, vus: 2, iterations: 400 }}\nobjectives: {objectives}\n"
        )
    };
    let wide =
        "[ 'error_rate < 90%', 'error_rate{class: 5xx} < 1%', 'error_rate{class: timeout} < 1%' ]";
    let (code, report, text) = perform(folder.path(), &of(&format!("{address}/fifth"), wide));
    assert_eq!(code, FAIL, "{text}");
    let outcomes = |report: &Value| -> Vec<String> {
        let all = report["objectives"].as_array().unwrap().iter();
        all.map(|it| it["outcome"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(outcomes(&report), ["pass", "fail", "pass"], "{text}");
    assert!(
        text.contains("were answered with 5xx, or not at all"),
        "{text}"
    );
    // A 404 is none of them; silence is.
    let (_, report, _) = perform(folder.path(), &of(&format!("{address}/gone"), wide));
    assert_eq!(outcomes(&report), ["fail", "pass", "pass"]);
    let (_, report, _) = perform(folder.path(), &of("127.0.0.1:9/", wide));
    assert_eq!(outcomes(&report), ["fail", "fail", "pass"]);
    let (code, _, text) = perform(
        folder.path(),
        &of(&address, "[ 'error_rate{class: 5xx} < 1%' ]"),
    );
    assert_eq!(code, USAGE, "{text}");
    assert!(
        text.contains("other failures would count for nothing"),
        "{text}"
    );
}

#[test]
fn a_probe_says_how_bad_it_is_shows_its_numbers_and_follows_them() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(answer);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "memory.yaml",
        "name: memory\nservice: api\nsteps:\n  - { name: health, get: /health, measure: { memory: body.memory.percentage }, warn: body.memory.percentage < 80, severity: info }\n",
    );
    write(
        "uptime.yaml",
        "name: uptime\nservice: api\nsteps:\n  - { name: uptime, get: /uptime, measure: { uptime: body.uptime } }\n",
    );
    write(
        "docs.yaml",
        "name: docs\nservice: api\nsteps:\n  - { name: docs, get: /docs, severity: warning }\n",
    );
    let probe = |name: &str, more: &str| {
        format!(
            "  {name}: {{ scenario: {name}.yaml, environment: production, interval: 200ms, failures: 2{more} }}\n"
        )
    };
    let text = format!(
        "server: {{ listen: LISTEN }}\nenvironments: {{ production: {{ services: {{ api: {{ url: \"http://{address}\" }} }} }} }}\nprobes:\n{}{}{}",
        probe("memory", ""),
        probe("uptime", ", trends: { uptime: { over: 10m, drops: 0 } }"),
        probe("docs", ""),
    );
    let daemon = Daemon::start(folder.path(), &text, &[]);
    let member = |name: &str| {
        eventually(&format!("{name} is told"), Duration::from_secs(20), || {
            let incidents = api(&daemon.address, "/api/v1/incidents")?;
            let all = incidents.as_array()?.clone();
            let mut members = all
                .iter()
                .flat_map(|it| it["members"].as_array().cloned().unwrap_or_default());
            members.find(|member| member["subject"] == format!("probe/{name}"))
        })
    };
    let of = |member: &Value, key: &str| member[key].as_str().unwrap_or_default().to_owned();
    let memory = member("memory");
    assert_eq!(of(&memory, "state"), "degraded", "{memory}");
    assert_eq!(of(&memory, "severity"), "info", "{memory}");
    assert!(
        of(&memory, "reason").contains("`body.memory.percentage` is 91"),
        "{memory}"
    );
    let docs = member("docs");
    assert_eq!(
        (of(&docs, "state"), of(&docs, "severity")),
        ("down".to_owned(), "warning".to_owned())
    );
    let uptime = member("uptime");
    assert_eq!(of(&uptime, "state"), "degraded", "{uptime}");
    assert!(
        of(&uptime, "reason").contains("`uptime` became smaller"),
        "{uptime}"
    );
    let (_, metrics) = http(&daemon.address, "GET", "/metrics", &[], "").unwrap();
    assert!(
        metrics.contains("bellwether_probe_value{probe=\"memory\",environment=\"production\",step=\"health\",value=\"memory\"} 91"),
        "{metrics}"
    );
}
