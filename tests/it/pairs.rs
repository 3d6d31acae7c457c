//! Gates that are promoted as a pair: none of them, until each would be.

use super::policy::{World, facts};
use super::support::{Daemon, api, eventually};
use bellwether::demo::shop::Deploy;
use serde_json::Value;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

fn world() -> (World, Daemon) {
    let world = World::new();
    let file = "name: ci\nsteps: [ { name: checks, command: [ test, -f, green ] } ]\n";
    std::fs::write(world.path().join("ci.yaml"), file).unwrap();
    let shop = "    smoke: [ home.yaml ]\n    pair: [ console ]";
    let console = "  console:\n    environment: production\n    services: [ api ]\n    converge: { reads: 2, every: 50ms, timeout: 5s }\n    preconditions: { ci: { scenarios: ci.yaml } }\n    smoke: [ home.yaml ]\n    pair: [ shop ]\n";
    let daemon = world.daemon("", shop, console);
    world.shop.deploy(Deploy::healthy("1.1.0"));
    (world, daemon)
}

fn waits(daemon: &Daemon, id: i64) -> Value {
    eventually("it waits for the other one", SOON, || {
        let gate = api(&daemon.address, &format!("/api/v1/gates/{id}"))?;
        (gate["position"] == "pair").then_some(gate)
    })
}

#[test]
fn both_of_a_pair_are_promoted_or_none() {
    let (world, daemon) = world();
    std::fs::write(world.path().join("green"), "").unwrap();
    let shop = daemon.start_gate(&facts("shop", "1.1.0"));
    assert_eq!(waits(&daemon, shop)["verdict"], Value::Null);
    let console = daemon.start_gate(&facts("console", "1.1.0"));
    for id in [shop, console] {
        let gate = daemon.done(id);
        assert_eq!(gate["verdict"], "promote", "{gate:#}");
    }
    // The next deploy of the console is held, and so the shop's is, however well it was measured.
    std::fs::remove_file(world.path().join("green")).unwrap();
    world.shop.deploy(Deploy::healthy("1.2.0"));
    let shop = daemon.start_gate(&facts("shop", "1.2.0"));
    waits(&daemon, shop);
    let console = daemon.done(daemon.start_gate(&facts("console", "1.2.0")));
    assert_eq!(console["verdict"], "hold", "{console:#}");
    let shop = daemon.done(shop);
    assert_eq!(shop["verdict"], "hold", "{shop:#}");
    let said = shop["reasons"].to_string();
    assert!(
        said.contains("of `console` says hold: they are promoted as a pair"),
        "{said}"
    );
}
