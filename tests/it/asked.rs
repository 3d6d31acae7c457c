//! Scenarios performed for whoever asks `/probe`.

use super::standin::{json, of, serve_by};
use super::support::{Daemon, bellwether, http, run};
use serde_json::json;

const CONFIGURATION: &str = r#"
server: { listen: LISTEN, token: "${secrets.TOKEN}" }
secrets: { TOKEN: { env: TOKEN } }
environments:
  test: { services: { shop: { url: "http://HERE" } }, secrets: { KEY: { env: KEY } } }
modules:
  targets: [ "*" ]
  scenarios:
    order: { scenario: order.yaml, environment: test, timeout: 5s, inputs: { item: tea } }
"#;

const SCENARIO: &str = r#"
name: order
service: shop
inputs: { item: milk }
secrets: [KEY]
steps:
  - name: sign in
    post: /in
    headers: { x-key: "${secrets.KEY}" }
    check: [ status == 200 ]
    capture: { id: body.id }
    measure: { items: body.items }
  - name: order
    post: /orders/${vars.id}/${inputs.item}
    check: [ status == 201, 'body.item == "tea"' ]
"#;

fn shop(sold_out: bool) -> String {
    serve_by(move |asked| match asked.path.as_str() {
        "/in" if asked.header("x-key") == "key-of-the-shop" => {
            json(200, json!({ "id": 7, "items": 3 }))
        }
        "/orders/7/tea" if !sold_out => json(201, json!({ "item": "tea" })),
        _ => of(
            409,
            "text/plain",
            &format!("sold out, {}", asked.header("x-key")),
        ),
    })
}

/// What is answered to a question with these headers.
fn asked(daemon: &Daemon, query: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let path = format!("/probe?{query}");
    http(&daemon.address, "GET", &path, headers, "").expect("the daemon answers")
}

#[test]
fn a_scenario_is_a_module_that_prometheus_asks_for_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (shop(false), shop(true));
    std::fs::write(folder.path().join("order.yaml"), SCENARIO).unwrap();
    let secrets = [("TOKEN", "token-of-the-server"), ("KEY", "key-of-the-shop")];
    let daemon = Daemon::start(
        folder.path(),
        &CONFIGURATION.replace("HERE", &here),
        &secrets,
    );
    let token = [("authorization", "Bearer token-of-the-server")];

    // Where the environment is, and at a target in its place.
    let (status, page) = asked(&daemon, "module=order", &token);
    assert_eq!(status, 200, "{page}");
    for line in [
        "probe_success 1",
        "probe_scenario_outcome{outcome=\"pass\"} 1",
        "probe_http_status_code 201",
        "probe_timeout_seconds 5",
        "probe_step_success{step=\"order\"} 1",
        "probe_check_success{step=\"sign in\",check=\"status == 200\"} 1",
        "probe_step_value{step=\"sign in\",name=\"items\"} 3",
        "probe_step_duration_seconds{step=\"order\",phase=\"wait\"}",
    ] {
        assert!(page.contains(line), "{line} is missing:\n{page}");
    }
    let (_, page) = asked(
        &daemon,
        &format!("module=order&target={there}&debug=true"),
        &token,
    );
    assert!(page.contains("probe_success 0"), "{page}");
    assert!(
        page.contains("probe_scenario_outcome{outcome=\"fail\"} 1"),
        "{page}"
    );
    assert!(page.contains("sold out"), "{page}");
    assert!(!page.contains("key-of-the-shop"), "{page}");

    // Nobody is there; that is no success, and said within the asker's time.
    let within = [token[0], ("x-prometheus-scrape-timeout-seconds", "2")];
    let (_, page) = asked(&daemon, "module=order&target=127.0.0.1:1", &within);
    assert!(
        page.contains("probe_success 0") && page.contains("probe_timeout_seconds 1.5"),
        "{page}"
    );

    // Its secrets are sent to nobody at the word of somebody who may not operate, whatever is free for modules.
    let (status, page) = asked(&daemon, &format!("module=order&target={there}"), &[]);
    assert_eq!(status, 401, "{page}");
    let (status, page) = asked(&daemon, "module=nothing", &token);
    assert!(status == 400 && page.contains("known: order"), "{page}");
}

#[test]
fn a_scenario_as_a_module_is_checked_with_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name: one\nsteps: [ { get: \"http://127.0.0.1/\", check: [ status == 200 ] } ]";
    std::fs::write(folder.path().join("one.yaml"), text).unwrap();
    let configuration = r#"
environments: { test: { services: { shop: { url: "http://127.0.0.1" } } } }
modules:
  scenarios:
    one: { scenario: one.yaml, environment: test, service: till }
    two: { scenario: gone.yaml, environment: tset }
"#;
    let path = folder.path().join("bellwether.yaml");
    std::fs::write(&path, configuration).unwrap();
    let (code, out, said) = run(bellwether().arg("check").arg(&path));
    let said = out + &said;
    assert_eq!(code, 104, "{said}");
    for wanted in ["there is no file", "tset"] {
        assert!(said.contains(wanted), "{said}");
    }
}
