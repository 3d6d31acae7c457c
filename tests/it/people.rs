//! People mean what they say: who acts is who has the token, who must agree is told, and the same job
//! asked twice is one gate.

use super::policy::{ENFORCE, World, facts};
use super::receiver::Receiver;
use super::support::{Daemon, bellwether, eventually, http, run};
use bellwether::demo::shop::Deploy;
use serde_json::{Value, json};
use std::time::Duration;

fn daemon(world: &World, receiver: &Receiver, gate: &str) -> Daemon {
    let text = format!(
        "server:
  listen: LISTEN
  tokens:
    ci: {{ token: \"${{secrets.CI}}\", role: operate }}
    Jane Doe: {{ token: \"${{secrets.JANE}}\", role: approve }}
    john: {{ token: \"${{secrets.JOHN}}\", role: approve }}
    dashboard: {{ token: \"${{secrets.LOOK}}\", role: read }}
secrets: {{ CI: {{ env: CI_TOKEN }}, JANE: {{ env: JANE_TOKEN }}, JOHN: {{ env: JOHN_TOKEN }}, LOOK: {{ env: LOOK_TOKEN }} }}
channels: {{ team: {{ slack: {{ url: \"http://{}/team\" }} }} }}
environments:
  production:
    services: {{ api: {{ url: \"http://{}\", version: {{ path: /version }} }} }}
gates:
  shop:
    environment: production
    services: [ api ]
    converge: {{ reads: 2, every: 50ms, timeout: 5s }}
    smoke: [ home.yaml ]
    tell: [ team ]
{gate}
",
        receiver.address, world.shop.address
    );
    let tokens = [
        ("CI_TOKEN", "ci-0123456789"),
        ("JANE_TOKEN", "jane-0123456789"),
        ("JOHN_TOKEN", "john-0123456789"),
        ("LOOK_TOKEN", "look-0123456789"),
    ];
    Daemon::start(world.path(), &text, &tokens)
}

fn ask(daemon: &Daemon, who: &str, path: &str, body: &Value) -> (u16, Value) {
    let token = format!("Bearer {who}-0123456789");
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "application/json"),
    ];
    let (status, text) = http(&daemon.address, "POST", path, &headers, &body.to_string()).unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn start(daemon: &Daemon, version: &str) -> (u16, i64) {
    let (status, gate) = ask(daemon, "ci", "/api/v1/gates", &facts("shop", version));
    (status, gate["id"].as_i64().unwrap())
}

fn position(daemon: &Daemon, id: i64) -> Value {
    daemon.see(&format!("/api/v1/gates/{id}")).unwrap()["position"].clone()
}

#[test]
fn two_who_agree_are_two_tokens_whatever_names_they_say() {
    let (world, receiver) = (World::new(), Receiver::start(Duration::ZERO));
    let gate = "    approval: { required: 2, timeout: 30s }";
    let daemon = daemon(&world, &receiver, gate);
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let (_, id) = start(&daemon, "1.1.0");
    eventually("it waits", Duration::from_secs(20), || {
        (position(&daemon, id) == "approval").then_some(())
    });
    // Who must agree is told, and how many are needed.
    eventually("they are told", Duration::from_secs(10), || {
        let told = receiver.at("/team");
        let is_asked = |body: &str| {
            body.contains("Waits For Approval") && body.contains("2 approvals are needed")
        };
        told.iter()
            .any(|message| is_asked(&message.body))
            .then_some(())
    });
    let path = format!("/api/v1/gates/{id}/approve");
    let agree = |who: &str, said: &str| ask(&daemon, who, &path, &json!({ "by": said })).0;
    assert_eq!(agree("ci", "Jane Doe"), 403, "it may only operate");
    assert_eq!(agree("look", ""), 403);
    assert_eq!(agree("nobody", "Jane Doe"), 401);
    assert_eq!(agree("jane", "john"), 403, "nobody says another name");
    assert_eq!(agree("jane", ""), 202);
    assert_eq!(agree("jane", "jane doe"), 202);
    assert_eq!(position(&daemon, id), "approval", "one person is one");
    let server = format!("http://{}", daemon.address);
    let mut command = bellwether();
    command.args(["gate", "approve", &id.to_string(), "--server", &server]);
    let (code, out, err) = run(command.env("BELLWETHER_TOKEN", "john-0123456789"));
    assert_eq!(code, 0, "{out}{err}");
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "promote", "{gate}");
    assert!(
        gate.to_string().contains("approved by Jane Doe, john"),
        "{gate}"
    );
}

#[test]
fn the_same_job_asked_again_is_the_gate_that_runs() {
    let (world, receiver) = (World::new(), Receiver::start(Duration::ZERO));
    let daemon = daemon(
        &world,
        &receiver,
        "    bake: { duration: 3s, every: 500ms }",
    );
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let (status, id) = start(&daemon, "1.1.0");
    assert_eq!(status, 201);
    assert_eq!(start(&daemon, "1.1.0"), (200, id));
    let mut other = facts("shop", "1.1.0");
    other["reason"] = "another job".into();
    let (status, another) = ask(&daemon, "ci", "/api/v1/gates", &other);
    assert_eq!(status, 201);
    let gate = daemon.done(id);
    assert!(
        gate["reasons"]
            .to_string()
            .contains("which verifies a newer deploy"),
        "{gate}"
    );
    assert_eq!(
        daemon.done(another["id"].as_i64().unwrap())["verdict"],
        "promote"
    );
    // Once it is done, the next question is another deploy.
    assert_eq!(start(&daemon, "1.1.0").0, 201);
}

#[test]
fn a_rollback_that_could_not_be_started_is_found_before_it_is_needed() {
    let world = World::new();
    let gate = "    smoke: [ home.yaml ]\n    actions:\n      rollback: [ { command: [ ./rollback.sh, \"${inputs.previous_version}\" ], dir: . } ]\n";
    let daemon = world.daemon(ENFORCE, gate, "");
    // Nothing to go back to yet: nothing that could fail.
    let first = world.verify(&daemon, Deploy::healthy("1.0.0"));
    assert_eq!(first["verdict"], "promote", "{first}");
    let second = world.verify(&daemon, Deploy::healthy("1.1.0"));
    assert_eq!(second["verdict"], "hold", "{second}");
    let reasons = second["reasons"].to_string();
    assert!(
        reasons.contains("preflight") && reasons.contains("there is no program `./rollback.sh`"),
        "{reasons}"
    );
}
