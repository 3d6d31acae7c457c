//! Everywhere means everywhere: a version that reached a part of the instances, or that measured
//! replies do not show, is neither promoted nor proven.

use super::policy::{ENFORCE, World, broken, facts};
use super::support::Daemon;
use bellwether::demo::shop::Deploy;
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// A server that leads every question elsewhere: to itself, by another name.
fn leading() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let asked = lines.next().unwrap_or_default();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let port = address.port();
            let reply = match asked.contains(" /sorry ") {
                true => "HTTP/1.1 200 OK\r\n".to_owned(),
                false => {
                    format!("HTTP/1.1 302 Found\r\nlocation: http://localhost:{port}/sorry\r\n")
                }
            };
            let end = "content-length: 0\r\nconnection: close\r\n\r\n";
            let _ = (&stream).write_all(format!("{reply}{end}").as_bytes());
        }
    });
    address
}

#[test]
fn a_page_that_excuses_itself_elsewhere_is_a_failure_in_a_gate() {
    let folder = tempfile::tempdir().unwrap();
    let address = leading();
    let config = format!(
        "server: {{ listen: LISTEN }}\nenvironments: {{ production: {{ services: {{ api: {{ url: \"http://{address}\" }} }} }} }}\ngates:\n  away: {{ environment: production, smoke: [ away.yaml ] }}\n  allowed: {{ environment: production, smoke: [ allowed.yaml ] }}\n"
    );
    for (name, more) in [("away", ""), ("allowed", ", leads_to: [ localhost ]")] {
        let text = format!(
            "name: {name}\nservice: api\nsteps: [ {{ get: /, check: [ status == 200 ]{more} }} ]\n"
        );
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let daemon = Daemon::start(folder.path(), &config, &[]);
    let gate = daemon.done(daemon.start_gate(&facts("away", "1.0.0")));
    assert_eq!(gate["verdict"], "rollback", "{gate}");
    let reasons = gate["reasons"].to_string();
    assert!(
        reasons.contains("redirect_away")
            && reasons.contains("`localhost` is no host of the environment"),
        "{reasons}"
    );
    let gate = daemon.done(daemon.start_gate(&facts("allowed", "1.0.0")));
    assert_eq!(gate["verdict"], "promote", "{gate}");
}

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

#[test]
fn a_platform_that_knows_all_instances_says_which_version_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let target = super::target::Target::start();
    target.at("/", super::target::Deed::Answers);
    let at = folder.path();
    let serve = |versions: &[&str]| {
        let machines: Vec<serde_json::Value> = versions
            .iter()
            .map(|version| serde_json::json!({ "image": format!("shop:{version}") }))
            .collect();
        let text = serde_json::to_string(&machines).unwrap();
        std::fs::write(at.join("next.json"), text).unwrap();
        std::fs::rename(at.join("next.json"), at.join("machines.json")).unwrap();
    };
    serve(&["1.0"]);
    std::fs::write(
        at.join("home.yaml"),
        "name: home\nservice: api\nsteps: [ { get: / } ]\n",
    )
    .unwrap();
    let text = format!(
        "server: {{ listen: LISTEN }}
environments:
  production:
    services:
      api:
        url: \"http://{}\"
        version: {{ command: [ cat, machines.json ], value: \"body.map(m, find(m.image, ':(.+)$'))\" }}
gates:
  shop: {{ environment: production, services: [ api ], smoke: [ home.yaml ], converge: {{ reads: 2, every: 100ms, timeout: 2s }} }}
",
        target.address
    );
    let daemon = super::support::Daemon::start(at, &text, &[]);
    let verify = |version: &str| {
        let facts = serde_json::json!({ "gate": "shop", "version": version });
        daemon.done(daemon.start_gate(&facts))
    };
    assert_eq!(verify("1.0")["verdict"], "promote");
    serve(&["1.1", "1.0"]);
    let mixed = verify("1.1");
    assert_eq!(mixed["verdict"], "hold", "{mixed}");
    assert!(
        mixed["reasons"].to_string().contains("1.0 and 1.1"),
        "{mixed}"
    );
    serve(&["1.1", "1.1"]);
    assert_eq!(verify("1.1")["verdict"], "promote");
    // A platform that does not answer says nothing.
    std::fs::remove_file(at.join("machines.json")).unwrap();
    let silent = verify("1.2");
    assert_eq!(silent["verdict"], "hold", "{silent}");
    assert!(
        silent["reasons"]
            .to_string()
            .contains("ended with exit code 1"),
        "{silent}"
    );
}
