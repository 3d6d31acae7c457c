//! What could not be seen is said and counted: a version, a fact, a gate of the state file.

use super::policy::{World, facts};
use super::receiver::Receiver;
use super::support::{Daemon, eventually, http};
use bellwether::demo::shop::Deploy;
use std::time::Duration;

const JSON: &str = "      json:
        token: ${secrets.KEY}
        version: body.release.tag
        actor: body.release.author.login
";

fn metric(daemon: &Daemon, wanted: &str) -> Option<f64> {
    let (_, text) = http(&daemon.address, "GET", "/metrics", &[], "")?;
    let line = text.lines().find(|line| line.starts_with(wanted))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

#[test]
fn a_version_and_a_fact_that_cannot_be_seen_are_counted_and_said() {
    let world = World::new();
    let gate = format!(
        "    smoke: [ home.yaml ]\n    on_version_change: {{ every: 200ms }}\n    triggers:\n{JSON}"
    );
    let shown = "body.versions.api";
    let daemon = world.daemon_showing(shown, &gate);
    let sighting = "bellwether_looks_failed_total{gate=\"shop\",kind=\"sighting\"}";
    eventually(
        "a look that failed is counted",
        Duration::from_secs(10),
        || metric(&daemon, sighting).filter(|count| *count >= 2.0),
    );
    // Said once, not with each look.
    let said = daemon
        .log()
        .matches("A changed version could not be seen")
        .count();
    assert_eq!(said, 1, "{}", daemon.log());
    let body = "{\"release\": {\"tag\": \"2.0.0\"}}";
    let headers = [
        ("x-webhook-token", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("content-type", "application/json"),
    ];
    let (status, text) = http(&daemon.address, "POST", "/hooks/shop/json", &headers, body).unwrap();
    assert_eq!(status, 201, "{text}");
    let fact = "bellwether_looks_failed_total{gate=\"shop\",kind=\"fact\"}";
    assert_eq!(metric(&daemon, fact), Some(1.0), "{}", daemon.log());
    assert!(
        daemon
            .log()
            .contains("A fact of a webhook could not be found")
    );
}

#[test]
fn a_gate_that_cannot_be_read_after_a_stop_is_told_to_its_people() {
    let (world, receiver) = (World::new(), Receiver::start(Duration::ZERO));
    let team = format!(
        "channels: {{ team: {{ slack: {{ url: \"http://{}/team\" }} }} }}\n",
        receiver.address
    );
    let gate = "    smoke: [ home.yaml ]\n    bake: { duration: 60s }\n    tell: [ team ]\n";
    let mut daemon = world.daemon("", gate, &team);
    world.shop.deploy(Deploy::healthy("2.0.0"));
    let id = daemon.start_gate(&facts("shop", "2.0.0"));
    daemon.kill();
    let state = rusqlite::Connection::open(world.path().join("bellwether.db")).unwrap();
    let broken =
        "UPDATE gates SET record = json_set(record, '$.state.position', 'elsewhere') WHERE id = ?1";
    assert_eq!(state.execute(broken, [id]).unwrap(), 1);
    drop(state);
    daemon.restart();
    eventually("people are told", Duration::from_secs(15), || {
        let told = receiver.at("/team");
        let is_it = |body: &str| body.contains("Cannot Be Read") && body.contains("stands still");
        told.iter()
            .any(|message| is_it(&message.body))
            .then_some(())
    });
}
