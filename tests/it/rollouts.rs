//! A gate that is started before the deploy: what must hold before it, and what the rollout does to those
//! who use the service meanwhile.

use super::policy::{World, broken, cli, facts};
use super::support::{Daemon, api, eventually};
use bellwether::demo::shop::Deploy;
use serde_json::Value;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);
const PROMOTED: &str = "\"promote\"";

/// A gate for 1.1.0 that has come to where the deploy is awaited, while 1.0.0 is served.
fn before_the_deploy(world: &World, rollout: &str) -> (Daemon, i64) {
    let gate = format!("    smoke: [ smoke.yaml ]\n    rollout: {rollout}");
    let daemon = world.daemon("", &gate, "");
    world.shop.deploy(Deploy::healthy("1.0.0"));
    let id = daemon.start_gate(&facts("shop", "1.1.0"));
    let (code, said) = cli(&daemon, &["wait", &id.to_string(), "--until", "converge"]);
    assert_eq!(code, 0, "{said}");
    (daemon, id)
}

/// Some rounds of the rollout, whatever they come to.
fn some_rounds(world: &World) {
    let before = world.shop.requests();
    eventually("some rounds are made", SOON, || {
        (world.shop.requests() > before + 10).then_some(())
    });
}

fn converge_of(gate: &Value) -> String {
    let phases = gate["phases"].as_array().unwrap();
    let phase = phases.iter().find(|it| it["phase"] == "converge").unwrap();
    phase["reasons"].to_string()
}

#[test]
fn a_rollout_without_downtime_is_told_by_version_and_promoted() {
    let world = World::new();
    let (daemon, id) = before_the_deploy(&world, "{ every: 50ms, downtime: 0s }");
    some_rounds(&world);
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let gate = daemon.done(id);
    let said = converge_of(&gate);
    assert_eq!(gate["verdict"].to_string(), PROMOTED, "{gate}");
    for part in [
        "rounds passed and 0 failed on `1.0.0`",
        "rounds passed and 0 failed on `1.1.0`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_rollout_that_takes_the_service_down_holds_however_well_the_version_is() {
    let world = World::new();
    let (daemon, id) = before_the_deploy(&world, "{ every: 50ms, downtime: 0s }");
    world.shop.deploy(broken("1.0.0"));
    some_rounds(&world);
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "hold", "{gate}");
    let said = gate["reasons"].to_string();
    assert!(
        said.contains("the rollout took the service down for at least"),
        "{said}"
    );
    let told = converge_of(&gate);
    assert!(told.contains("failed on `1.0.0`"), "{told}");
    assert!(told.contains("status was 500"), "{told}");
    // A version that is broken, too, is rolled back, not held.
    world.shop.deploy(Deploy::healthy("1.0.0"));
    let id = daemon.start_gate(&facts("shop", "1.2.0"));
    let (code, said) = cli(&daemon, &["wait", &id.to_string(), "--until", "converge"]);
    assert_eq!(code, 0, "{said}");
    some_rounds(&world);
    world.shop.deploy(broken("1.2.0"));
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "rollback", "{gate}");
    // Where nothing is asked of it, it is told and changes nothing.
    drop(daemon);
    let (daemon, id) = before_the_deploy(&world, "{ every: 50ms }");
    world.shop.deploy(broken("1.0.0"));
    some_rounds(&world);
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"].to_string(), PROMOTED, "{gate}");
    assert!(
        converge_of(&gate).contains("it was down for at least"),
        "{gate}"
    );
}

#[test]
fn who_waits_for_a_phase_that_never_comes_is_told_how_it_ended() {
    let world = World::new();
    let file = "name: ci\nsteps: [ { command: [ 'false' ] } ]\n";
    std::fs::write(world.path().join("ci.yaml"), file).unwrap();
    let gate = "    preconditions: { ci: { scenarios: ci.yaml } }\n    smoke: [ home.yaml ]";
    let daemon = world.daemon("", gate, "");
    world.shop.deploy(Deploy::healthy("1.0.0"));
    let id = daemon.start_gate(&facts("shop", "1.1.0"));
    let wait = |until: &str| cli(&daemon, &["wait", &id.to_string(), "--until", until]);
    let (code, said) = wait("converge");
    assert_eq!(code, 20, "{said}");
    assert!(said.contains("`ci` does not hold"), "{said}");
    let (code, said) = wait("converged");
    assert!(
        code != 0 && said.contains("`converged` is no phase"),
        "{said}"
    );
    assert!(api(&daemon.address, &format!("/api/v1/gates/{id}")).is_some());
}

#[test]
fn a_rollout_that_was_not_seen_is_not_shown_to_be_without_downtime() {
    let world = World::new();
    let gate = "    smoke: [ smoke.yaml ]\n    rollout: { every: 50ms, downtime: 0s }";
    let daemon = world.daemon("", gate, "");
    let gate = world.verify(&daemon, Deploy::healthy("1.1.0"));
    assert_eq!(gate["verdict"], "hold", "{gate}");
    let said = gate["reasons"].to_string();
    assert!(said.contains("the rollout was not seen"), "{said}");
}

#[test]
fn a_rehearsal_goes_through_everything_in_seconds_and_does_nothing() {
    let world = World::new();
    let long = std::fs::read_to_string(world.path().join("load.yaml")).unwrap();
    let long = long.replace("duration: 4s", "duration: 5m");
    std::fs::write(world.path().join("load.yaml"), long).unwrap();
    let gate = format!(
        "    smoke: [ home.yaml ]\n    load: [ load.yaml ]\n    bake: {{ duration: 10m, every: 1m }}\n    approval: {{ timeout: 1h, by_actor: true }}\n    actions:\n{}",
        world.rollback()
    );
    let daemon = world.daemon("    enforce: true", &gate, "");
    let rehearse = |deploy: Deploy| {
        let mut facts = facts("shop", &deploy.version);
        facts["rehearsal"] = true.into();
        world.shop.deploy(deploy);
        daemon.done(daemon.start_gate(&facts))
    };
    let good = rehearse(Deploy::healthy("1.1.0"));
    assert_eq!(good["verdict"], "hold", "{good}");
    let said = good["reasons"].to_string();
    assert!(said.contains("it was a rehearsal"), "{said}");
    let phases: Vec<&str> = good["phases"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["phase"].as_str())
        .collect();
    assert_eq!(phases, ["preflight", "converge", "smoke", "load", "bake"]);
    // What would be rolled back is said, and nothing is.
    let bad = rehearse(broken("1.2.0"));
    assert_eq!(
        (&bad["verdict"], &bad["dry_run"]),
        (&"rollback".into(), &true.into()),
        "{bad}"
    );
    assert!(world.shop.rollbacks().is_empty());
    // Nor is anybody paged, or anything locked, where there is no action at all.
    drop(daemon);
    let daemon = world.daemon("    enforce: true", "    smoke: [ smoke.yaml ]", "");
    world.shop.deploy(broken("1.3.0"));
    let mut facts = facts("shop", "1.3.0");
    facts["rehearsal"] = true.into();
    let bad = daemon.done(daemon.start_gate(&facts));
    assert_eq!(
        (&bad["verdict"], &bad["dry_run"], &bad["proven"]),
        (&"rollback".into(), &true.into(), &serde_json::Value::Null),
        "{bad}"
    );
}
