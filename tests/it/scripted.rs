//! Scripts of k6 in gates: a smoke and a load that are scripts decide as any others do.

use super::blips::ask;
use super::policy::{World, broken, expect, facts};
use super::support::{Daemon, api, bellwether, eventually, run};
use bellwether::demo::shop::Deploy;
use std::time::Duration;

const SMOKE: &str = "import http from 'k6/http';
import { check } from 'k6';
export default function () {
  const login = http.post(`${__ENV.BASE}/api/login`, JSON.stringify({ user: 'demo', password: __ENV.PASSWORD }), {
    headers: { 'Content-Type': 'application/json' },
  });
  const token = login.json('token');
  const reply = http.get(`${__ENV.BASE}/api/catalogue`, { headers: { Authorization: `Bearer ${token}` } });
  check(reply, { 'the catalogue is there': (r) => r.status === 200 });
}
";

const LOAD: &str = "import http from 'k6/http';
import { check } from 'k6';
export const options = {
  scenarios: { shop: { executor: 'constant-arrival-rate', rate: 100, duration: '4s', preAllocatedVUs: 40 } },
  thresholds: { http_req_duration: ['p(95)<200'], http_req_failed: ['rate<0.01'], checks: ['rate>0.9'] },
};
export function setup() {
  const body = JSON.stringify({ user: 'demo', password: __ENV.PASSWORD });
  const reply = http.post(`${__ENV.BASE}/api/login`, body, { headers: { 'Content-Type': 'application/json' } });
  return { token: reply.json('token') };
}
export default function (data) {
  const reply = http.get(`${__ENV.BASE}/api/catalogue`, { headers: { Authorization: `Bearer ${data.token}` } });
  check(reply, { 'the catalogue is there': (r) => r.status === 200 });
}
";

pub(super) fn world() -> World {
    let world = World::new();
    for (name, text) in [("smoke.js", SMOKE), ("load.js", LOAD)] {
        std::fs::write(world.path().join(name), text).unwrap();
    }
    world
}

/// A gate of scripts; `password` is where its password comes from.
pub(super) fn daemon(world: &World, smoke: &str, load: &str, password: &str) -> Daemon {
    std::fs::write(world.path().join("password"), "demo-password").unwrap();
    let environment = format!(
        "    enforce: true\n    inputs: {{ BASE: \"http://{}\" }}\n    secrets: {{ PASSWORD: {password} }}",
        world.shop.address
    );
    let gate = format!(
        "    smoke: [ {smoke} ]\n    load: [ {load} ]\n    rule: {{ warm-up: 1s }}\n    actions:\n{}",
        world.rollback()
    );
    world.daemon(&environment, &gate, "")
}

pub(super) fn known(world: &World) -> String {
    format!("{{ file: {} }}", world.path().join("password").display())
}

#[test]
fn a_gate_of_scripts_promotes_a_good_deploy_and_rolls_back_a_slow_and_a_broken_one() {
    let world = world();
    let daemon = daemon(&world, "smoke.js", "load.js", &known(&world));
    let good = world.verify(&daemon, Deploy::healthy("1.1.0"));
    expect(&good, "promote", "every phase passed");
    let slow = Deploy {
        slow_ms: 300,
        slow_every: 2,
        ..Deploy::healthy("1.2.0")
    };
    let slow = world.verify(&daemon, slow);
    expect(&slow, "rollback", "p95 < 200ms");
    let broken = world.verify(&daemon, broken("1.3.0"));
    expect(&broken, "rollback", "`smoke.js`");
    assert!(!slow.to_string().contains("demo-password"));
}

#[test]
fn one_failure_of_a_script_is_a_blip_and_is_not_carried_into_what_comes_next() {
    let world = world();
    let daemon = daemon(&world, "smoke.js", "load.js", &known(&world));
    world.shop.deploy(Deploy {
        fail_every: 2_000,
        ..Deploy::healthy("1.1.0")
    });
    ask(&world, 1_999);
    let gate = daemon.done(daemon.start_gate(&facts("shop", "1.1.0")));
    let phases = gate["phases"].to_string();
    assert!(phases.contains("flaky, it failed 1 of "), "{phases}");
    assert_ne!(gate["verdict"], "rollback", "{gate:#}");
}

#[test]
fn a_kill_in_the_middle_of_a_script_ends_as_with_any_load() {
    let world = world();
    let mut daemon = daemon(&world, "smoke.js", "load.js", &known(&world));
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let id = daemon.start_gate(&facts("shop", "1.1.0"));
    eventually("it loads", Duration::from_secs(30), || {
        let gate = api(&daemon.address, &format!("/api/v1/gates/{id}"))?;
        (gate["position"] == "load").then_some(())
    });
    daemon.kill();
    daemon.restart();
    let gate = daemon.done(id);
    expect(&gate, "promote", "every phase passed");
}

#[test]
fn a_secret_that_is_missing_stops_a_script_before_its_first_request() {
    let world = world();
    let daemon = daemon(&world, "smoke.js", "load.js", "{ env: NOT_THERE }");
    let gate = world.verify(&daemon, Deploy::healthy("1.1.0"));
    expect(&gate, "hold", "the secret `PASSWORD` is missing");
    assert_eq!(world.shop.requests(), 0);
}

#[test]
fn what_a_script_lacks_is_said_when_a_configuration_is_checked() {
    let world = world();
    let write = |name: &str, text: &str| std::fs::write(world.path().join(name), text).unwrap();
    write("throws.js", "throw new Error('no such thing');");
    write(
        "unjudged.js",
        "export const options = { vus: 1, iterations: 5 };\nexport default () => {};",
    );
    write(
        "wrong.yaml",
        "environments: { here: { services: { api: { url: \"http://127.0.0.1:1\", version: { path: /v } } } } }
probes: { home: { scenario: smoke.js, environment: here, interval: 1m } }
gates: { shop: { environment: here, services: [ api ], smoke: [ throws.js ], load: [ unjudged.js ], prove: { smoke: [ smoke.js ] } } }
",
    );
    let (code, _, said) = run(bellwether()
        .arg("check")
        .arg(world.path().join("wrong.yaml")));
    assert_ne!(code, 0);
    for part in [
        "no such thing",
        "throws.js:1:",
        "unjudged.js` lacks one of them",
        "such as `http_req_duration: ['p(95)<500']`",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}
