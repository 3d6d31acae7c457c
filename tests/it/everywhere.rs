//! Everywhere means everywhere: a version that reached a part of the instances, or that measured
//! replies do not show, is neither promoted nor proven.

use super::policy::{ENFORCE, World, broken, facts};
use bellwether::demo::shop::Deploy;
use serde_json::json;

const SMOKE: &str = "    smoke: [ smoke.yaml ]\n";

fn mixed(version: &str, left: &str, left_every: u64) -> Deploy {
    Deploy {
        left: left.to_owned(),
        left_every,
        ..Deploy::healthy(version)
    }
}

#[test]
fn a_deploy_that_did_not_reach_a_tenth_of_the_instances_is_not_promoted() {
    let world = World::new();
    let daemon = world.daemon("", SMOKE, "");
    world.shop.deploy(mixed("2.0.0", "1.0.0", 10));
    let gate = daemon.done(daemon.start_gate(&facts("shop", "2.0.0")));
    assert_eq!(gate["verdict"], "hold", "{gate}");
    let reasons = gate["reasons"].to_string();
    assert!(
        reasons.contains("was not served everywhere")
            && reasons.contains("`1.0.0` (20 of 200 looks)"),
        "{reasons}"
    );
    // The last of them is replaced; nothing else changes.
    let gate = world.verify(&daemon, Deploy::healthy("2.0.0"));
    assert_eq!(gate["verdict"], "promote", "{gate}");
}

#[test]
fn a_rollback_that_reached_half_of_the_instances_is_not_proven() {
    let world = World::new();
    let gate = format!("{SMOKE}    actions:\n{}", world.rollback());
    let daemon = world.daemon(ENFORCE, &gate, "");
    world.verify(&daemon, Deploy::healthy("1.0.0"));
    for unreached in [2, 10] {
        world.shop.set_unreached(unreached);
        let version = format!("2.0.{unreached}");
        let gate = world.verify(&daemon, broken(&version));
        assert_eq!(
            (&gate["verdict"], &gate["proven"]),
            (&json!("rollback"), &json!(false)),
            "{gate}"
        );
    }
    world.shop.set_unreached(0);
    let gate = world.verify(&daemon, broken("2.0.0"));
    assert_eq!(gate["proven"], true, "{gate}");
}

#[test]
fn measured_replies_that_show_another_version_are_looks_too() {
    let world = World::new();
    let shown = "headers['x-version']";
    let load = std::fs::read_to_string(world.path().join("load.yaml")).unwrap();
    // The balancer sends a rare part of the users, and nobody else, to an old instance.
    let daemon = world.daemon_showing(shown, "    load: [ load.yaml ]\n");
    assert!(load.contains("rate: 100"));
    world.shop.deploy(mixed("2.0.0", "1.0.0", 301));
    let gate = daemon.done(daemon.start_gate(&facts("shop", "2.0.0")));
    assert_eq!(gate["verdict"], "hold", "{gate}");
    let reasons = gate["reasons"].to_string();
    assert!(
        reasons.contains("measured replies showed `1.0.0`"),
        "{reasons}"
    );
}
