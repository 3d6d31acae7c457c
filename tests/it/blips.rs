//! The whole gate has an error rate: a smoke or a round that fails is performed again before it
//! counts, and what is broken gains nothing from that.

use super::policy::{ENFORCE, World, broken, facts};
use super::support::{Daemon, api, eventually, http};
use bellwether::demo::shop::Deploy;
use serde_json::json;
use std::time::Duration;

/// Asks the shop so often for its catalogue, so that its next blip is known.
pub(super) fn ask(world: &World, times: usize) {
    let shop = world.shop.address.to_string();
    let token = [("authorization", "Bearer demo-session-4711")];
    for _ in 0..times {
        http(&shop, "GET", "/api/catalogue", &token, "").unwrap();
    }
}

/// A gate with the smoke alone.
fn smoking(world: &World) -> Daemon {
    let gate = format!(
        "    smoke: [ smoke.yaml ]\n    actions:\n{}",
        world.rollback()
    );
    world.daemon(ENFORCE, &gate, "")
}

#[test]
fn one_failure_of_a_smoke_is_shown_as_flaky_and_rolls_nothing_back() {
    let world = World::new();
    let daemon = smoking(&world);
    world.shop.deploy(Deploy {
        fail_every: 20,
        ..Deploy::healthy("1.1.0")
    });
    ask(&world, 19);
    let gate = daemon.done(daemon.start_gate(&facts("shop", "1.1.0")));
    assert_eq!(gate["verdict"], "promote", "{gate}");
    let shown = api(&daemon.address, &format!("/api/v1/gates/{}", gate["id"])).unwrap();
    assert!(
        shown.to_string().contains("flaky, it failed 1 of 6 times"),
        "{shown}"
    );
}

#[test]
fn a_broken_step_is_rolled_back_within_two_seconds_of_the_smoke() {
    let world = World::new();
    let daemon = smoking(&world);
    world.verify(&daemon, Deploy::healthy("1.0.0"));
    let gate = world.verify(&daemon, broken("2.0.0"));
    assert_eq!(gate["verdict"], "rollback", "{gate}");
    let phases = gate["phases"].as_array().unwrap();
    let ended = |phase: &str| {
        let of = phases.iter().find(|found| found["phase"] == phase);
        let at: chrono::DateTime<chrono::Utc> =
            of.unwrap()["ended"].as_str().unwrap().parse().unwrap();
        at.timestamp_millis()
    };
    assert!(ended("smoke") - ended("converge") < 2_000, "{gate}");
    assert!(
        gate["reasons"]
            .to_string()
            .contains("it failed 3 of 3 times")
    );
}

#[test]
fn rounds_of_a_bake_that_fail_now_and_then_are_no_failure_and_those_that_fail_again_are() {
    let world = World::new();
    let gate = format!(
        "    smoke: [ home.yaml ]\n    bake: {{ duration: 4s, every: 100ms, scenarios: [ smoke.yaml ] }}\n    actions:\n{}",
        world.rollback()
    );
    let daemon = world.daemon(ENFORCE, &gate, "");
    let flaky = Deploy {
        fail_every: 33,
        ..Deploy::healthy("1.1.0")
    };
    let gate = world.verify(&daemon, flaky);
    assert_eq!(gate["verdict"], "promote", "{gate}");
    let gate = world.verify(&daemon, broken("2.0.0"));
    assert_eq!(gate["verdict"], "rollback", "{gate}");
    let gate = world.verify(
        &daemon,
        Deploy {
            fail_every: 2,
            ..Deploy::healthy("3.0.0")
        },
    );
    assert_ne!(gate["verdict"], "promote", "{gate}");
}

#[test]
fn a_deploy_that_refuses_everybody_is_rolled_back_where_its_credentials_were_good_before() {
    let world = World::new();
    let daemon = smoking(&world);
    world.verify(&daemon, Deploy::healthy("1.0.0"));
    let refusing = |version: &str| Deploy {
        refuses: true,
        ..Deploy::healthy(version)
    };
    // Nobody knows whether the credentials or the deploy are to blame.
    let gate = world.verify(&daemon, refusing("2.0.0"));
    assert_eq!(gate["verdict"], "hold", "{gate}");
    // This gate begins while the version before is still served.
    world.shop.deploy(Deploy::healthy("1.0.0"));
    let id = daemon.start_gate(&facts("shop", "3.0.0"));
    eventually("the preflight is over", Duration::from_secs(10), || {
        let gate = api(&daemon.address, &format!("/api/v1/gates/{id}"))?;
        gate.to_string()
            .contains("its credentials are good")
            .then_some(())
    });
    world.shop.deploy(refusing("3.0.0"));
    let gate = daemon.done(id);
    assert_eq!(
        (&gate["verdict"], &gate["proven"]),
        (&json!("rollback"), &json!(true)),
        "{gate}"
    );
    assert!(
        gate["reasons"]
            .to_string()
            .contains("it is the deploy that refuses them"),
        "{gate}"
    );
}
