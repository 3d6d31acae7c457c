//! The reference, held against what there is: pages, manual pages, metrics, and what the API really answers.

use super::standin::{json, serve};
use super::support::{Daemon, bellwether, eventually, http, run};
use bellwether::scenario::functions::breach;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const PAGES: [&str; 9] = [
    "language",
    "expressions",
    "configuration",
    "metrics",
    "messages",
    "exit-codes",
    "codes",
    "api",
    "commands",
];

/// A daemon with one of everything that the API shows.
fn daemon(folder: &std::path::Path) -> Daemon {
    let shop = format!(
        "http://{}",
        serve(|_| json(200, json!({ "version": "1.0.0" })))
    );
    std::fs::write(
        folder.join("smoke.yaml"),
        "name: smoke\nservice: shop\nsteps: [ { name: home, get: / } ]\n",
    )
    .unwrap();
    let text = format!(
        "server: {{ listen: LISTEN }}
environments:
  production: {{ services: {{ shop: {{ url: {shop:?}, version: {{ path: /, value: body.version }} }} }} }}
probes:
  home: {{ scenario: smoke.yaml, environment: production, interval: 1s }}
  gone: {{ scenario: smoke.yaml, environment: production, interval: 1d, paused: true }}
heartbeats:
  backup: {{ interval: 1d }}
slos:
  availability: {{ objective: 99%, probes: [home] }}
gates:
  shop: {{ environment: production, services: [shop], smoke: [smoke.yaml], converge: {{ reads: 2, every: 100ms }} }}
"
    );
    Daemon::start(folder, &text, &[])
}

/// Sends a request and gives status and body.
fn ask(daemon: &Daemon, method: &str, path: &str, body: &str) -> (u16, Value) {
    let headers = [("content-type", "application/json")];
    let headers = if body.is_empty() {
        &headers[..0]
    } else {
        &headers[..]
    };
    let (status, body) = http(&daemon.address, method, path, headers, body).unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// Asks what the document describes and holds the answer against it.
fn hold(document: &Value, daemon: &Daemon, told: &str, body: &str) -> u16 {
    let mut words = told.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let address = words.next().unwrap_or(path);
    let operation = &document["paths"][path][method.to_lowercase()];
    assert!(operation.is_object(), "{told} is not described");
    let (status, answer) = ask(daemon, method, address, body);
    let described = &operation["responses"][status.to_string()];
    assert!(
        described.is_object(),
        "{told}: {status} is not described: {answer}"
    );
    let content = described["content"]
        .as_object()
        .and_then(|content| content.values().next());
    if let Some(content) = content {
        let mut schema = content["schema"].clone();
        schema["components"] = document["components"].clone();
        assert_eq!(breach(&schema, &answer), None, "{told}: {answer:#}");
    }
    status
}

#[test]
fn the_api_answers_as_its_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path());
    let document = daemon.see("/api/v1/openapi.json").unwrap();
    let hold = |told: &str, body: &str| hold(&document, &daemon, told, body);
    eventually("the probe has run", Duration::from_secs(20), || {
        let (_, probe) = ask(&daemon, "GET", "/api/v1/probes/home", "");
        (probe["last"].is_object() && !probe["results"].as_array()?.is_empty()).then_some(())
    });
    let started = json!({ "gate": "shop", "version": "1.0.0", "actor": "anna" }).to_string();
    assert_eq!(hold("POST /api/v1/gates", &started), 201);
    daemon.done(1);
    let look = |told: &str| assert_eq!(hold(told, ""), 200, "{told}");
    for told in [
        "GET /api/v1/gates",
        "GET /api/v1/gates/{id} /api/v1/gates/1",
        "GET /api/v1/gates/by-name/{gate}/verdict /api/v1/gates/by-name/shop/verdict?version=1.0.0",
        "GET /api/v1/runs/{id} /api/v1/runs/1",
        "GET /api/v1/probes",
        "GET /api/v1/probes/{name} /api/v1/probes/home",
        "GET /api/v1/probes/{name} /api/v1/probes/gone",
        "POST /api/v1/probes/{name}/run /api/v1/probes/home/run",
        "GET /api/v1/incidents",
        "GET /api/v1/incidents /api/v1/incidents?all=true",
        "GET /api/v1/silences",
        "GET /api/v1/alerts/routes /api/v1/alerts/routes?severity=error",
        "GET /api/v1/slos",
        "GET /api/v1/heartbeats",
        "POST /api/v1/heartbeats/{name} /api/v1/heartbeats/backup",
        "POST /api/v1/heartbeats/{name}/{what} /api/v1/heartbeats/backup/start",
        "GET /api/v1/status",
        "GET /api/v1/loads",
        "GET /api/v1/openapi.json",
        "GET /api/v1/audit",
        "POST /api/v1/reload",
    ] {
        look(told);
    }
    let silence = json!({ "matchers": ["probe=home"], "seconds": 60, "comment": "" }).to_string();
    assert_eq!(hold("POST /api/v1/silences", &silence), 201);
    assert_eq!(
        hold("DELETE /api/v1/silences/{id} /api/v1/silences/1", ""),
        204
    );
    let reason = json!({ "by": "anna", "reason": "no" }).to_string();
    assert_eq!(
        hold(
            "POST /api/v1/rollback/{gate} /api/v1/rollback/shop",
            &reason
        ),
        202
    );
    // What is no order is a problem, too.
    for (told, body) in [
        ("POST /api/v1/gates", "{"),
        ("POST /api/v1/gates", "[]"),
        (
            "POST /api/v1/gates/{id}/approve /api/v1/gates/1/approve",
            "{",
        ),
        (
            "POST /api/v1/gates/{id}/approve /api/v1/gates/1/approve",
            "{\"cheese\": 1}",
        ),
        (
            "POST /api/v1/gates/{id}/approve /api/v1/gates/x/approve",
            "{}",
        ),
        (
            "POST /api/v1/gates/{id}/approve /api/v1/gates/1/approve",
            "",
        ),
        (
            "POST /api/v1/loads/{id} /api/v1/loads/7",
            "{\"order\": \"stop\"}",
        ),
        (
            "POST /api/v1/loads/{id} /api/v1/loads/7",
            "{\"order\": \"cheese\"}",
        ),
        (
            "POST /api/v1/incidents/{id}/acknowledge /api/v1/incidents/7/acknowledge",
            "{}",
        ),
        ("GET /api/v1/gates/{id} /api/v1/gates/7", ""),
        (
            "GET /api/v1/gates/{id} /api/v1/gates/99999999999999999999",
            "",
        ),
        ("GET /api/v1/probes/{name} /api/v1/probes/cheese", ""),
        ("GET /api/v1/incidents /api/v1/incidents?all=cheese", ""),
    ] {
        let status = hold(told, body);
        assert!((400..500).contains(&status), "{told}: {status}");
    }
    let (status, problem) = ask(&daemon, "PUT", "/api/v1/gates", "");
    assert_eq!(
        (status, problem["status"].as_u64()),
        (405, Some(405)),
        "{problem}"
    );
}

/// Every series of a real daemon is explained, with the labels that it has.
#[test]
fn every_metric_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path());
    ask(
        &daemon,
        "POST",
        "/api/v1/gates",
        "{\"gate\": \"shop\", \"version\": \"1.0.0\"}",
    );
    daemon.done(1);
    let (_, page, _) = run(bellwether().args(["docs", "metrics", "--json"]));
    let page: Value = serde_json::from_str(&page).unwrap();
    let sections = page["sections"].as_array().unwrap().iter();
    let entries: Vec<&Value> = sections
        .flat_map(|section| section["entries"].as_array().unwrap())
        .collect();
    let (_, shown) = http(&daemon.address, "GET", "/metrics", &[], "").unwrap();
    let mut seen = BTreeSet::new();
    let values = regex::Regex::new(r" \([^)]*\)").unwrap();
    for line in shown.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            if name.starts_with("process_") {
                continue;
            }
            let entry = entries.iter().find(|entry| entry["name"] == name);
            let entry = entry.unwrap_or_else(|| panic!("{name} is not explained"));
            let form = entry["form"].as_str().unwrap();
            assert!(
                form.split(' ').next() == Some(kind),
                "{name}: {form}, {kind}"
            );
            assert!(
                shown.contains(&format!(
                    "# HELP {name} {}",
                    entry["about"].as_str().unwrap()
                )),
                "{name}"
            );
            seen.insert(name.to_owned());
        } else if let Some((name, labels)) = line.split_once('{')
            && let Some(entry) = entries.iter().find(|entry| entry["name"] == name)
        {
            let named = labels
                .split("=\"")
                .filter_map(|part| part.rsplit(['{', ',', '"']).next());
            let labels: BTreeSet<&str> = named
                .filter(|name| {
                    name.chars().all(|letter| letter.is_ascii_lowercase()) && !name.is_empty()
                })
                .collect();
            let form = entry["form"].as_str().unwrap();
            let told = form.split_once(" by ").map_or("", |(_, labels)| labels);
            let told = values.replace_all(told, "");
            let told: BTreeSet<&str> = told.split(", ").collect();
            assert!(labels.is_subset(&told), "{name}: {labels:?}, {told:?}");
        }
    }
    assert!(seen.len() > 25, "{seen:?}");
}

#[test]
fn pages_are_read_on_the_terminal_in_a_browser_and_by_programs() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path());
    let (code, list, _) = run(bellwether().arg("docs"));
    assert_eq!(code, 0);
    for name in PAGES {
        assert!(list.lines().any(|line| line == name), "{name}: {list}");
        let (code, text, err) = run(bellwether().args(["docs", name]));
        assert_eq!((code, err.as_str()), (0, ""), "{name}");
        assert!(text.lines().count() > 10, "{name}: {text}");
        let (code, page, _) = run(bellwether().args(["docs", name, "--json"]));
        assert_eq!(code, 0, "{name}");
        assert!(serde_json::from_str::<Value>(&page).is_ok(), "{name}");
        let headers = [("accept", "text/html")];
        let path = format!("/docs/{name}");
        let (status, page) = http(&daemon.address, "GET", &path, &headers, "").unwrap();
        assert_eq!(status, 200, "{name}");
        assert!(page.contains("<h1>"), "{name}");
    }
    let (code, text, _) = run(bellwether().args(["docs", "language", "retry"]));
    assert!(
        code == 0 && text.contains("attempts") && !text.contains("multipart"),
        "{text}"
    );
    let (code, _, err) = run(bellwether().args(["docs", "language", "cheese"]));
    assert!(
        code == 2 && err.contains("does not mention `cheese`"),
        "{err}"
    );
    let (code, _, err) = run(bellwether().args(["docs", "cheese"]));
    assert!(code == 2 && err.contains("configuration"), "{err}");
}

#[test]
fn manual_pages_are_those_of_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = run(bellwether().args(["docs", "--man"]).arg(folder.path()));
    assert_eq!((code, err.as_str()), (0, ""));
    let text = std::fs::read_to_string(folder.path().join("bellwether-gate-start.1")).unwrap();
    assert!(text.contains(".TH bellwether-gate-start 1"), "{text}");
    assert!(text.contains("\\-\\-wait"), "{text}");
    let taken = folder.path().join("bellwether.1").join("below");
    let (code, _, err) = run(bellwether().args(["docs", "--man"]).arg(&taken));
    assert!(code == 1 && err.contains("cannot be written"), "{err}");
}
