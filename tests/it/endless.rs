//! Scripts of k6 as probes, and scripts that nothing stops. Those keep a processor to themselves, so
//! nothing here measures anything.

use super::policy::{broken, facts};
use super::scripted::{daemon, known, world};
use super::support::{Daemon, api, eventually, http};
use bellwether::demo::shop::Deploy;
use std::time::Duration;

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
