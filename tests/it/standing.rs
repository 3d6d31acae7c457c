//! An action is as true as the moment in which it acts: promotions that waited, came late, were not
//! carried out, or are asked for by another rollout.

use super::policy::{ENFORCE, World, broken, cli, facts, post};
use super::receiver::Receiver;
use super::support::{Daemon, api, eventually, http};
use bellwether::demo::shop::Deploy;
use serde_json::{Value, json};
use std::time::Duration;

/// A gate on the same service whose rollback takes its time, and which sees what `shop` does not.
fn strict(world: &World) -> String {
    let text = "name: strict\nservice: api\nsteps: [ { wait: 400ms }, { get: /version, check: [ \"!text.contains('bad')\" ] } ]\n";
    std::fs::write(world.path().join("strict.yaml"), text).unwrap();
    format!(
        "  strict:
    environment: production
    services: [ api ]
    converge: {{ reads: 2, every: 50ms, timeout: 5s }}
    prove: {{ reads: 2, every: 50ms, timeout: 10s }}
    smoke: [ strict.yaml ]
    actions:
      promote: [ {{ command: [ sleep, \"2\" ] }} ]
      rollback:
        - {{ command: [ sleep, \"2\" ] }}
        - {{ webhook: {{ url: \"http://{}/admin/rollback/1.0.0\" }} }}
",
        world.shop.address
    )
}

/// The gate `shop`, which promotes by making a file.
fn shop(world: &World, more: &str) -> String {
    let made = world.path().join("promoted");
    format!(
        "    smoke: [ home.yaml ]
    bake: {{ duration: 2200ms, every: 200ms }}
    tell: [ team ]
    actions:
      promote: [ {{ command: [ touch, \"{}\" ] }} ]
{more}",
        made.display()
    )
}

fn team(receiver: &Receiver) -> String {
    format!(
        "channels: {{ team: {{ slack: {{ url: \"http://{}/team\" }} }} }}\n",
        receiver.address
    )
}

fn was_told(receiver: &Receiver, text: &str) -> bool {
    let told = || {
        receiver
            .at("/team")
            .iter()
            .any(|message| message.body.contains(text))
    };
    eventually("it is told", Duration::from_secs(10), || {
        told().then_some(())
    });
    true
}

/// Both gates have verified 1.0.0, so that there is something to go back to.
fn begin(world: &World, daemon: &Daemon) {
    for gate in ["shop", "strict"] {
        let id = daemon.start_gate(&facts(gate, "1.0.0"));
        assert_eq!(daemon.done(id)["verdict"], "promote");
    }
    let promoted = world.path().join("promoted");
    std::fs::remove_file(promoted).unwrap();
}

#[test]
fn a_promotion_that_waited_while_another_gate_rolled_back_is_not_carried_out() {
    let world = World::new();
    let receiver = Receiver::start(Duration::ZERO);
    let more = strict(&world) + &team(&receiver);
    let daemon = world.daemon(ENFORCE, &shop(&world, &world.rollback()), &more);
    begin(&world, &daemon);
    world.shop.deploy(Deploy::healthy("2.0.0-bad"));
    let waits = daemon.start_gate(&facts("shop", "2.0.0-bad"));
    let strict = daemon.start_gate(&facts("strict", "2.0.0-bad"));
    let gate = daemon.done(strict);
    assert_eq!(
        (&gate["verdict"], &gate["proven"]),
        (&json!("rollback"), &json!(true)),
        "{gate}"
    );
    let gate = daemon.done(waits);
    assert_eq!(gate["verdict"], "promote", "{gate}");
    let why = gate["undone"].as_str().unwrap_or_default();
    assert!(
        why.contains("has rolled back since") || why.contains("another version is served"),
        "{gate}"
    );
    assert!(
        !world.path().join("promoted").exists(),
        "it acted all the same"
    );
    let (code, said) = cli(&daemon, &["wait", &waits.to_string()]);
    assert!(
        code == 20 && said.contains("NOT carried out"),
        "{code} {said}"
    );
    let (_, page) = http(&daemon.address, "GET", &format!("/gates/{waits}"), &[], "").unwrap();
    assert!(page.contains("not carried out"), "{page}");
    assert!(was_told(&receiver, "Promotion Not Carried Out"));
}

#[test]
fn a_promotion_that_waited_looks_again_what_is_served() {
    let world = World::new();
    let receiver = Receiver::start(Duration::ZERO);
    let more = strict(&world) + &team(&receiver);
    let daemon = world.daemon(ENFORCE, &shop(&world, &world.rollback()), &more);
    begin(&world, &daemon);
    world.shop.deploy(Deploy::healthy("2.0.0"));
    let waits = daemon.start_gate(&facts("shop", "2.0.0"));
    let other = daemon.start_gate(&facts("strict", "2.0.0"));
    eventually("the other gate acts", Duration::from_secs(10), || {
        let gate = api(&daemon.address, &format!("/api/v1/gates/{other}"))?;
        (gate["position"] == "acting").then_some(())
    });
    eventually("this one waits", Duration::from_secs(10), || {
        let gate = api(&daemon.address, &format!("/api/v1/gates/{waits}"))?;
        (gate["position"] == "waiting for the lock").then_some(())
    });
    // Somebody puts the old version back, and tells nobody.
    world.shop.deploy(Deploy::healthy("1.0.0"));
    let gate = daemon.done(waits);
    let why = gate["undone"].as_str().unwrap_or_default();
    assert!(why.contains("another version is served"), "{gate}");
    assert!(!world.path().join("promoted").exists());
}

#[test]
fn a_promotion_that_fails_is_no_success() {
    let world = World::new();
    let receiver = Receiver::start(Duration::ZERO);
    let gate = "    smoke: [ home.yaml ]
    tell: [ team ]
    actions:
      promote: [ { command: [ \"false\" ], attempts: 1 } ]\n";
    let gate = gate.to_owned() + &world.rollback();
    let daemon = world.daemon(ENFORCE, &gate, &team(&receiver));
    let id = daemon.start_gate(&facts("shop", "1.0.0"));
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "promote");
    assert!(
        gate["undone"]
            .as_str()
            .unwrap_or_default()
            .contains("exit code 1"),
        "{gate}"
    );
    assert_eq!(cli(&daemon, &["wait", &id.to_string()]).0, 20);
    assert!(was_told(&receiver, "Promotion Not Carried Out"));
    // It is no version to go back to.
    world.shop.deploy(broken("2.0.0"));
    let id = daemon.start_gate(&facts("shop", "2.0.0"));
    assert_eq!(daemon.done(id)["rollback_to"], Value::Null);
}

#[test]
fn a_newer_gate_takes_back_what_the_pipeline_was_not_told_yet() {
    let world = World::new();
    let pipeline = Receiver::start(Duration::ZERO);
    pipeline.refuse("/promote", &[503; 3]);
    let gate = format!(
        "    smoke: [ home.yaml ]
    actions:
      promote: [ {{ webhook: {{ url: \"http://{}/promote\" }} }} ]
{}",
        pipeline.address,
        world.rollback()
    );
    let daemon = world.daemon(ENFORCE, &gate, "");
    let id = daemon.start_gate(&facts("shop", "1.0.0"));
    eventually("it is refused", Duration::from_secs(10), || {
        (!pipeline.at("/promote").is_empty()).then_some(())
    });
    let told = &pipeline.at("/promote")[0].body;
    let told: Value = serde_json::from_str(told).unwrap();
    assert!(told["data"]["holds_until"].is_string(), "{told}");
    // A newer deploy, of which nothing is known yet.
    daemon.start_gate(&facts("shop", "2.0.0"));
    let gate = daemon.done(id);
    let signal = gate["signals"].to_string();
    assert!(
        signal.contains("verifies `2.0.0`, a newer deploy"),
        "{gate}"
    );
    assert!(gate["undone"].is_string(), "{gate}");
}

#[test]
fn one_verdict_answers_one_rollout() {
    let world = World::new();
    let gate = "    smoke: [ smoke.yaml ]\n    triggers: { flagger: true }\n    actions:\n"
        .to_owned()
        + &world.rollback();
    let daemon = world.daemon("", &gate, "");
    let ask = |rollout: &str| {
        let path = format!("/api/v1/gates/by-name/shop/verdict?version=1.0.0&rollout={rollout}");
        let (_, answer) = http(&daemon.address, "GET", &path, &[], "").unwrap();
        serde_json::from_str::<Value>(&answer).unwrap()
    };
    let settled = |rollout: &str| {
        eventually("there is a verdict", Duration::from_secs(20), || {
            Some(ask(rollout)).filter(|answer| answer["result"] != "Running")
        })
    };
    let first = settled("7");
    assert_eq!(first["result"], "Successful");
    // The same version is deployed again, and broken this time.
    world.shop.deploy(broken("1.0.0"));
    let begun = ask("8");
    assert_eq!(begun["result"], "Running", "no answer of an older rollout");
    assert_ne!(begun["gate"], first["gate"]);
    let second = settled("8");
    assert_eq!(second["result"], "Failed");
    // And mended.
    world.shop.deploy(Deploy::healthy("1.0.0"));
    let third = settled("9");
    assert_eq!(third["result"], "Successful");
    assert_ne!(second["gate"], third["gate"]);
    // Flagger tells a rollout by its checksum.
    let flagger = |hook: &str, checksum: &str| {
        let body = json!({ "name": "shop", "namespace": "prod", "checksum": checksum, "metadata": { "version": "1.0.0" } });
        post(&daemon, &format!("/flagger/shop/{hook}"), &body).0
    };
    world.shop.deploy(broken("1.0.0"));
    assert_eq!(flagger("confirm-promotion", "a"), 403);
    eventually("it is rolled back", Duration::from_secs(20), || {
        (flagger("rollback", "a") == 200).then_some(())
    });
    world.shop.deploy(Deploy::healthy("1.0.0"));
    assert_eq!(flagger("rollback", "b"), 403, "of another rollout");
    eventually("it is promoted", Duration::from_secs(20), || {
        (flagger("confirm-promotion", "b") == 200).then_some(())
    });
}
