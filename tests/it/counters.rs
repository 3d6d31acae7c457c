//! Counters of a real Prometheus in the bake of a gate: what real users met promotes, rolls back or holds.

use super::policy::{World, expect};
use super::standin::{of, serve_by};
use super::support::{Process, eventually, free_port, http, program};
use bellwether::demo::shop::Deploy;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What users of each version meet: failures a second among fifty requests.
type Versions = &'static [(&'static str, f64)];

const VERSIONS: Versions = &[("1.0.0", 0.0), ("2.0.0", 0.0), ("3.0.0", 25.0)];

/// Counters that go on whether anybody looks or not; after so much time whoever asks for them is refused.
fn exporter(versions: Versions, hangs_after: Duration) -> String {
    let begun = Instant::now();
    let asked = std::sync::OnceLock::<Instant>::new();
    serve_by(move |_| {
        // Whoever asks late on a busy machine saw it count, too.
        if asked.get_or_init(Instant::now).elapsed() > hangs_after {
            return of(503, "text/plain", "");
        }
        let seconds = begun.elapsed().as_secs_f64();
        let mut text = "# TYPE http_requests_total counter\n".to_owned();
        for (version, failures) in versions {
            let good = ((50.0 - failures) * seconds).floor();
            let _ = writeln!(
                text,
                "http_requests_total{{version=\"{version}\",code=\"200\"}} {good}"
            );
            if *failures > 0.0 {
                let bad = (failures * seconds).floor();
                let _ = writeln!(
                    text,
                    "http_requests_total{{version=\"{version}\",code=\"503\"}} {bad}"
                );
            }
        }
        of(200, "text/plain; version=0.0.4", &text)
    })
}

/// A Prometheus that scrapes this, and what it has scraped once it knows so much.
fn prometheus(folder: &Path, jobs: &str, known: &str) -> Option<(String, Process)> {
    let prometheus = program("prometheus")?;
    let (port, file) = (free_port(), folder.join("prometheus.yml"));
    let text = format!(
        "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\nscrape_configs: [ {jobs} ]\n"
    );
    std::fs::write(&file, text).unwrap();
    let process = Process::start(
        Command::new(prometheus)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("tsdb").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let address = format!("127.0.0.1:{port}");
    eventually("it has scraped", Duration::from_secs(60), || {
        let path = "/api/v1/query?query=http_requests_total";
        let (_, body) = http(&address, "GET", path, &[], "")?;
        body.contains(known).then_some(())
    });
    Some((format!("http://{address}"), process))
}

fn job(name: &str, targets: &[String], more: &str) -> String {
    format!("{{ job_name: {name}, static_configs: [ {{ targets: {targets:?} }} ]{more} }}")
}

/// A gate that bakes for a while with the counters of a Prometheus.
fn gate(world: &World, prometheus: &str, duration: &str, asked: (&str, &str)) -> String {
    gate_with(world, prometheus, duration, asked, "")
}

fn gate_with(
    world: &World,
    prometheus: &str,
    duration: &str,
    (total, bad): (&str, &str),
    more: &str,
) -> String {
    format!(
        "    smoke: [ home.yaml ]
    rule: {{ warm-up: 1s }}
    bake:
      duration: {duration}
      every: 2s
      counters:
        users:
          prometheus: {{ url: \"{prometheus}\" }}
          total: '{total}'
          bad: '{bad}'
          objective: error_rate < 1%
          scrape: 1s
{}    actions:
{}
",
        more,
        world.rollback()
    )
}

const TOTAL: &str = "http_requests_total{version=\"${inputs.version}\"}";
const BAD: &str = "http_requests_total{version=\"${inputs.version}\", code=~\"5..\"}";

#[test]
fn what_users_met_is_judged_as_a_load_is() {
    let world = World::new();
    let exporter = exporter(VERSIONS, Duration::MAX);
    let jobs = job("shop", &[exporter], "");
    let Some((address, process)) = prometheus(world.path(), &jobs, "3.0.0") else {
        return;
    };
    let daemon = world.daemon(
        "    enforce: true",
        &gate(&world, &address, "24s", (TOTAL, BAD)),
        "",
    );
    expect(
        &world.verify(&daemon, Deploy::healthy("1.0.0")),
        "promote",
        "",
    );
    // Our own rounds pass: only real users meet what is broken.
    let begun = Instant::now();
    let broken = world.verify(&daemon, Deploy::healthy("3.0.0"));
    expect(&broken, "rollback", "counters `users`: `error_rate < 1%`: ");
    assert_eq!(broken["proven"], true, "{broken:#}");
    assert!(
        begun.elapsed() < Duration::from_secs(24),
        "it waited for the end"
    );
    drop(daemon);
    // Nobody asks for this version: nothing was counted, and nothing is promoted by that.
    let daemon = world.daemon(
        "    enforce: true",
        &gate(&world, &address, "8s", (TOTAL, BAD)),
        "",
    );
    let unknown = world.verify(&daemon, Deploy::healthy("9.0.0"));
    expect(
        &unknown,
        "hold",
        "has no series: it is not scraped, or not named so",
    );
    drop(daemon);
    // A label that is not there would count nothing.
    let typo = BAD.replace("code", "status");
    let daemon = world.daemon(
        "    enforce: true",
        &gate(&world, &address, "8s", (TOTAL, &typo)),
        "",
    );
    let held = world.verify(&daemon, Deploy::healthy("2.0.0"));
    expect(
        &held,
        "hold",
        "no series of `http_requests_total` has a label `status`",
    );
    drop(daemon);
    // What cannot be counted is said before anything is measured.
    let typo = TOTAL.replace("requests", "request");
    let daemon = world.daemon(
        "    enforce: true",
        &gate(&world, &address, "8s", (&typo, BAD)),
        "",
    );
    let held = world.verify(&daemon, Deploy::healthy("2.0.0"));
    expect(&held, "hold", "knows no `http_request_total`");
    drop((daemon, process));
    let daemon = world.daemon(
        "    enforce: true",
        &gate(&world, &address, "8s", (TOTAL, BAD)),
        "",
    );
    let held = world.verify(&daemon, Deploy::healthy("2.0.0"));
    expect(&held, "hold", "the counters `users` could not be counted");
}

#[test]
fn who_hung_before_the_bake_is_missed_and_what_nobody_watches_is_not_promoted() {
    let world = World::new();
    let (well, hung) = (Duration::MAX, Duration::from_secs(6));
    let shop = [well, hung].map(|hangs| exporter(&[("1.0.0", 0.0)], hangs));
    let passed_on = [exporter(&[("2.0.0", 0.0)], well)];
    let renamed =
        ", metric_relabel_configs: [ { target_label: instance, replacement: elsewhere } ]";
    let jobs = [
        job("shop", &shop, ""),
        job("passed-on", &passed_on, renamed),
    ]
    .join(", ");
    let Some((address, process)) = prometheus(world.path(), &jobs, "elsewhere") else {
        return;
    };
    let host = address.trim_start_matches("http://");
    eventually(
        "one of them hangs for long",
        Duration::from_secs(60),
        || {
            let query =
                "/api/v1/query?query=max_over_time(up%7Bjob%3D%22shop%22%7D%5B15s%5D)%20%3D%3D%200";
            let (_, body) = http(host, "GET", query, &[], "")?;
            body.contains("instance").then_some(())
        },
    );
    let verify = |duration: &str, more: &str, version: &str| {
        let asked = (TOTAL, BAD);
        let gate = gate_with(&world, &address, duration, asked, more);
        let daemon = world.daemon("    enforce: true", &gate, "");
        world.verify(&daemon, Deploy::healthy(version))
    };
    let held = verify("10s", "", "1.0.0");
    expect(&held, "hold", "`up` says that this should be");
    let held = verify("10s", "", "2.0.0");
    expect(&held, "hold", "no `up` of the same `job` and `instance`");
    let alone = |least: u8| format!("          unwatched: true\n          targets: {least}\n");
    let held = verify("10s", &alone(2), "2.0.0");
    expect(
        &held,
        "hold",
        "1 target has counted requests and is there at the end, and `targets` says 2",
    );
    let promoted = verify("24s", &alone(1), "2.0.0");
    expect(&promoted, "promote", "");
    drop(process);
}
