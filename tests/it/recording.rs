//! Recordings of runs: `run --har`; runs beside earlier ones: `run --compare`.

use super::standin::{json, of, serve_by};
use super::support::{bellwether, run};
use serde_json::{Value, json};
use std::path::Path;

fn shop() -> String {
    serve_by(|asked| match asked.path.as_str() {
        "/in" => json(
            200,
            json!({ "id": "a7f3c2d9e1", "you": asked.header("x-key") }),
        )
        .with("set-cookie", "session=s3ss10n-of-ann; Path=/; HttpOnly"),
        "/old" => of(302, "text/plain", "").with("location", "/new?a=1&b=x%20y"),
        "/away" => of(302, "text/plain", "").with(
            "location",
            format!(
                "http://ann:pass-of-ann@{}/new?k=key%2Dof%2Dthe%2Dshop",
                asked.host
            ),
        ),
        "/new" => of(200, "text/html", "<p>caf\u{e9}</p>"),
        "/orders/a7f3c2d9e1" if asked.header("cookie").contains("s3ss10n") => {
            json(201, json!({ "item": "tea" }))
        }
        _ => of(500, "text/plain", "broken"),
    })
}

const SCENARIO: &str = r#"
name: shop
service: shop
secrets: [KEY]
steps:
  - { name: sign in, post: /in, headers: { x-key: "${secrets.KEY}" }, auth: { bearer: "${secrets.KEY}" }, json: { key: "${secrets.KEY}" }, capture: { id: body.id } }
  - { name: moved, get: /old, check: [ status == 200 ] }
  - { name: order, post: "/orders/${vars.id}", json: { item: tea }, check: [ status == 201 ] }
  - { name: away, get: /away, check: [ status == 200 ], advisory: true }
  - { name: gone, get: "http://127.0.0.1:1/", advisory: true }
"#;

fn recorded(folder: &Path, arguments: &[&str]) -> (i32, String, Value) {
    let file = folder.join("run.har");
    let mut command = bellwether();
    command.current_dir(folder).env("KEY", "key-of-the-shop");
    let (code, out, said) = run(command.arg("run").args(arguments).arg("--har").arg(&file));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{out}{said}"));
    let har = serde_json::from_str(&text).expect("it is JSON");
    (code, out + &said + &text, har)
}

/// Whether an entry has all that HAR 1.2 asks for.
fn is_sound(entry: &Value) -> bool {
    let timings = &entry["timings"];
    let parts = ["blocked", "dns", "connect", "send", "wait", "receive"];
    let sum: f64 = parts
        .iter()
        .filter_map(|part| timings[part].as_f64())
        .map(|part| part.max(0.0))
        .sum();
    let of = |value: &Value, texts: &[&str], numbers: &[&str], lists: &[&str]| {
        texts.iter().all(|key| value[key].is_string())
            && numbers.iter().all(|key| value[key].is_number())
            && lists.iter().all(|key| value[key].is_array())
    };
    (sum - entry["time"].as_f64().unwrap()).abs() < 0.01
        && of(entry, &["startedDateTime", "pageref"], &["time"], &[])
        && of(
            &entry["request"],
            &["method", "url", "httpVersion"],
            &["headersSize", "bodySize"],
            &["cookies", "headers", "queryString"],
        )
        && of(
            &entry["response"],
            &["statusText", "httpVersion", "redirectURL"],
            &["status", "headersSize", "bodySize"],
            &["cookies", "headers"],
        )
        && of(&entry["response"]["content"], &["mimeType"], &["size"], &[])
        && entry["cache"].is_object()
}

#[test]
fn a_run_is_recorded_as_browsers_record_theirs_and_without_what_lets_somebody_in() {
    let folder = tempfile::tempdir().unwrap();
    let shop = shop();
    let configuration = format!(
        "environments: {{ test: {{ services: {{ shop: {{ url: \"http://{shop}\" }} }}, secrets: {{ KEY: {{ env: KEY }} }} }} }}"
    );
    std::fs::write(folder.path().join("bellwether.yaml"), configuration).unwrap();
    std::fs::write(folder.path().join("shop.yaml"), SCENARIO).unwrap();
    let (code, all, har) = recorded(folder.path(), &["shop.yaml"]);
    assert_eq!(code, 0, "{all}");
    for secret in ["key-of-the-shop", "s3ss10n-of-ann", "pass-of-ann"] {
        assert!(!all.contains(secret), "{secret} is shown:\n{all}");
    }
    let entries = har["log"]["entries"].as_array().unwrap();
    assert!(entries.iter().all(is_sound), "{all}");
    let seen: Vec<(String, i64, &str)> = entries
        .iter()
        .map(|entry| {
            (
                entry["request"]["url"]
                    .as_str()
                    .unwrap()
                    .replace(&shop, "shop"),
                entry["response"]["status"].as_i64().unwrap(),
                entry["comment"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("http://shop/in", 200, "sign in"),
        ("http://shop/old", 302, "moved"),
        ("http://shop/new?a=1&b=x%20y", 200, "moved"),
        ("http://shop/orders/a7f3c2d9e1", 201, "order"),
        ("http://shop/away", 302, "away"),
        ("http://shop/new?k=[secret KEY]", 200, "away"),
        ("http://127.0.0.1:1/", 0, "gone"),
    ];
    let expected = expected.map(|(url, status, step)| (url.to_owned(), status, step));
    assert_eq!(seen, expected);
    assert_eq!(
        entries[0]["response"]["cookies"],
        json!([{ "name": "session", "value": "***" }])
    );
    assert_eq!(
        entries[3]["request"]["cookies"],
        json!([{ "name": "session", "value": "***" }])
    );
    assert_eq!(
        entries[3]["request"]["postData"]["text"],
        "{\"item\":\"tea\"}"
    );
    assert_eq!(
        entries[2]["request"]["queryString"][1],
        json!({ "name": "b", "value": "x%20y" })
    );
    // Nobody looked at this body; it is there for people all the same.
    assert_eq!(
        entries[2]["response"]["content"]["text"],
        "<p>caf\u{e9}</p>"
    );
    assert!(
        entries[6]["response"]["_error"]
            .as_str()
            .unwrap()
            .starts_with("refused"),
        "{all}"
    );

    // Our own importer reads it: what was captured is captured, what was hidden is asked for.
    let mut command = bellwether();
    command.current_dir(folder.path());
    let (code, out, said) = run(command.args(["import", "har", "run.har", "-o", "-"]));
    assert!(code == 0 || code == 98, "{out}{said}");
    assert!(out.contains("capture"), "{out}{said}");

    // A load is recorded too, and a script.
    let (_, all, har) = recorded(
        folder.path(),
        &["shop.yaml", "--vus", "2", "--duration", "300ms"],
    );
    assert!(har["log"]["entries"].as_array().unwrap().len() > 5, "{all}");
    let script = format!(
        "import http from 'k6/http'; export default function () {{ http.get('http://{shop}/new', {{ tags: {{ name: 'page' }} }}); }}"
    );
    std::fs::write(folder.path().join("shop.js"), script).unwrap();
    let (_, all, har) = recorded(folder.path(), &["shop.js"]);
    let entry = &har["log"]["entries"][0];
    assert_eq!(entry["comment"], "page", "{all}");
    assert_eq!(
        entry["response"]["content"]["text"], "<p>caf\u{e9}</p>",
        "{all}"
    );
}

/// What is said of a run beside an earlier one, and the exit code.
fn compared(folder: &Path, earlier: &Value, more: &[&str]) -> (i32, String) {
    std::fs::write(folder.join("earlier.json"), earlier.to_string()).unwrap();
    let mut command = bellwether();
    command
        .current_dir(folder)
        .args(["run", "load.yaml", "--compare", "earlier.json"]);
    let (code, out, err) = run(command
        .args(["--markdown", "run.md", "--html", "run.html"])
        .args(more));
    (code, out + &err)
}

#[test]
fn a_run_is_compared_with_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let host = serve_by(|_| of(200, "text/plain", "ok"));
    let file = format!(
        "name: load\nsteps: [ {{ name: get, get: \"http://{host}/\", check: [ status == 200 ] }} ]\nload: {{ executor: constant-arrival-rate, rate: 100, duration: 2s, preAllocatedVUs: 10 }}\n"
    );
    std::fs::write(folder.path().join("load.yaml"), file).unwrap();
    let mut command = bellwether();
    let (code, _, err) = run(command.current_dir(folder.path()).args([
        "run",
        "load.yaml",
        "-q",
        "--json",
        "first.json",
    ]));
    assert_eq!(code, 0, "{err}");
    let text = std::fs::read_to_string(folder.path().join("first.json")).unwrap();
    let first: Value = serde_json::from_str(&text).unwrap();
    let changed = |class: u8, p95: u64, errors: u64| {
        let mut earlier = first.clone();
        let step = &mut earlier["steps"][0];
        step["bands"] = json!({ class.to_string(): step["requests"] });
        step["latency_us"]["p95"] = p95.into();
        step["errors"] = errors.into();
        earlier
    };
    let (code, said) = compared(folder.path(), &changed(0, 1, 0), &["--fail-on-regression"]);
    assert!(code == 99 && said.contains("worse"), "{said}");
    let (code, said) = compared(folder.path(), &changed(0, 1, 0), &[]);
    assert!(code == 0 && said.contains("worse"), "{said}");
    for (name, mark) in [("run.md", "❌ worse"), ("run.html", "worse")] {
        let report = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(
            report.contains("Compared with the earlier run") && report.contains(mark),
            "{report}"
        );
    }
    let (code, said) = compared(
        folder.path(),
        &changed(250, 1_000_000_000, 150),
        &["--fail-on-regression"],
    );
    assert!(
        code == 0 && said.matches("better").count() > 2 && !said.contains("like before"),
        "{said}"
    );
    let (code, said) = compared(
        folder.path(),
        &json!({ "runs": [] }),
        &["--fail-on-regression"],
    );
    assert!(code == 98 && said.contains("Nothing to compare"), "{said}");
    let (code, said) = compared(folder.path(), &json!({ "a": 1 }), &[]);
    assert!(code == 104 && said.contains("nothing was sent"), "{said}");
}
