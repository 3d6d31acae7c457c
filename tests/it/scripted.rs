//! Scripts of k6 in gates: a smoke and a load that are scripts decide as any others do.

use super::blips::ask;
use super::policy::{World, broken, expect, facts};
use super::support::{Daemon, api, bellwether, eventually, http, run};
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

fn world() -> World {
    let world = World::new();
    for (name, text) in [("smoke.js", SMOKE), ("load.js", LOAD)] {
        std::fs::write(world.path().join(name), text).unwrap();
    }
    world
}

/// A gate of scripts; `password` is where its password comes from.
fn daemon(world: &World, smoke: &str, load: &str, password: &str) -> Daemon {
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

fn known(world: &World) -> String {
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

#[test]
fn a_script_that_nothing_stops_keeps_no_daemon_from_ending() {
    let world = world();
    let stuck = "export default () => { Array.prototype.join.call({ length: 2 ** 53 - 1 }, ''); };";
    std::fs::write(world.path().join("stuck.js"), stuck).unwrap();
    let mut daemon = daemon(&world, "stuck.js", "load.js", &known(&world));
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let id = daemon.start_gate(&facts("shop", "1.1.0"));
    eventually("it smokes", Duration::from_secs(30), || {
        let gate = api(&daemon.address, &format!("/api/v1/gates/{id}"))?;
        (gate["position"] == "smoke").then_some(())
    });
    let code = eventually("it ends", Duration::from_secs(30), || {
        daemon.signal(libc::SIGINT);
        daemon.ended()
    });
    assert_eq!(code, 105);
}

/// What a probe is said to be, and why.
fn standing(daemon: &Daemon, probe: &str) -> Option<(String, String)> {
    let found = api(&daemon.address, &format!("/api/v1/probes/{probe}"))?;
    let of = |key: &str| found["probe"][key].as_str().map(str::to_owned);
    Some((of("health")?, of("last_reason")?))
}

fn becomes(daemon: &Daemon, probe: &str, state: &str) -> String {
    let what = format!("{probe} is {state}");
    eventually(&what, Duration::from_secs(30), || {
        let (now, why) = standing(daemon, probe)?;
        (now == state && (state == "up" || !why.is_empty())).then_some(why)
    })
}

#[test]
fn a_probe_that_is_a_script_says_what_failed_and_stands_in_nobodys_way() {
    let world = world();
    let write = |name: &str, text: &str| std::fs::write(world.path().join(name), text).unwrap();
    write("password", "demo-password");
    write(
        "get.yaml",
        "name: get\nservice: shop\nsteps: [ { get: /version, check: [ status == 200 ] } ]\n",
    );
    write("endless.js", "export default function () { for (;;); }");
    write(
        "quiet.js",
        "import http from 'k6/http'; export default () => { http.get(`${__ENV.SHOP_URL}/version`); }",
    );
    write("shared.js", "export const wanted = 200;");
    let judged = "import http from 'k6/http'; import { check } from 'k6'; import { wanted } from './shared.js';
export const options = { thresholds: { 'http_req_duration{name:version}': ['max<5000'] } };
export default function () {
  const reply = http.get(`${__ENV.SHOP_URL}/version`, { tags: { name: 'version' } });
  check(reply, { 'it is served': (r) => r.status === wanted });
}";
    write("judged.js", judged);
    let probe = |name: &str, file: &str, more: &str| {
        format!(
            "  {name}: {{ scenario: {file}, environment: here, interval: 300ms, failures: 2, timeout: 20s{more} }}\n"
        )
    };
    let text = |failures: u32| {
        format!(
            "server: {{ listen: LISTEN }}\nenvironments: {{ here: {{ services: {{ shop: {{ url: \"http://{}\" }} }}, secrets: {{ PASSWORD: {}, LOST: {{ env: NOT_THERE }} }} }} }}\nprobes:\n{}{}{}{}{}",
            world.shop.address,
            known(&world),
            probe(
                "catalogue",
                "smoke.js",
                ", inputs: { BASE: \"http://TARGET\" }"
            )
            .replace("TARGET", &world.shop.address.to_string())
            .replace("failures: 2", &format!("failures: {failures}")),
            probe("judged", "judged.js", ""),
            probe("endless", "endless.js", "").replace("failures: 2", "failures: 1"),
            probe("quiet", "quiet.js", ""),
            probe("steps", "get.yaml", ""),
        )
    };
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let daemon = Daemon::start(world.path(), &text(2), &[]);
    for name in ["catalogue", "judged", "steps"] {
        becomes(&daemon, name, "up");
    }
    let why = becomes(&daemon, "quiet", "unknown");
    assert!(why.contains("nothing was checked"), "{why}");

    // Its steps have series, and a reload takes nothing of them away.
    let count = || {
        let (_, metrics) = http(&daemon.address, "GET", "/metrics", &[], "")?;
        let line = "bellwether_step_duration_seconds_count{probe=\"catalogue\",environment=\"here\",step=\"";
        let mut lines = metrics
            .lines()
            .filter(|text| text.starts_with(line) && text.contains("catalogue\"}"));
        lines.next()?.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let before = eventually("it is counted", Duration::from_secs(20), || {
        count().filter(|count| *count > 3)
    });
    daemon.reload(&text(3));
    assert!(count() >= Some(before));

    // A file that it imports is part of it.
    write("shared.js", "export const wanted = 201;");
    daemon.reload(&text(3));
    let why = becomes(&daemon, "judged", "down");
    assert!(why.contains("`it is served` does not hold"), "{why}");
    world.shop.deploy(broken("1.2.0"));
    let why = becomes(&daemon, "catalogue", "down");
    assert!(why.contains("status 500 was not expected"), "{why}");

    // One that computes for ever is ended, and the others keep their times meanwhile.
    let why = becomes(&daemon, "endless", "unknown");
    assert!(why.contains("computed"), "{why}");
    let (_, metrics) = http(&daemon.address, "GET", "/metrics", &[], "").unwrap();
    let skipped = "bellwether_probe_schedule_skipped_total{probe=\"steps\",environment=\"here\"} 0";
    assert!(metrics.contains(skipped), "{metrics}");
    assert!(!daemon.log().contains("demo-password"));
}

#[test]
fn a_probe_whose_script_lacks_a_secret_sends_nothing() {
    let world = world();
    let text = format!(
        "server: {{ listen: LISTEN }}\nenvironments: {{ here: {{ services: {{ shop: {{ url: \"http://{}\" }} }}, inputs: {{ BASE: \"http://{}\" }}, secrets: {{ PASSWORD: {{ env: NOT_THERE }} }} }} }}\nprobes: {{ home: {{ scenario: smoke.js, environment: here, interval: 200ms, failures: 2 }} }}\n",
        world.shop.address, world.shop.address
    );
    let daemon = Daemon::start(world.path(), &text, &[]);
    let why = becomes(&daemon, "home", "unknown");
    assert!(why.contains("the secret `PASSWORD` is missing"), "{why}");
    assert_eq!(world.shop.requests(), 0);
}
