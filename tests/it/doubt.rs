//! What a load may blame on the service, on the way there, and on itself.

use super::policy::{ENFORCE, World, broken, facts};
use super::support::{bellwether, run, undisturbed};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A server whose answer to the n-th request is a status and a delay; status 0 is none, but an end.
fn server(answer: impl Fn(u64) -> (u16, Duration) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (answer, count) = (Arc::new(answer), Arc::new(AtomicU64::new(0)));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answer, count) = (answer.clone(), count.clone());
            std::thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let mut lines = BufReader::new(&stream).lines();
                while lines
                    .by_ref()
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .count()
                    > 0
                {
                    let (status, delay) = answer(count.fetch_add(1, Relaxed));
                    std::thread::park_timeout(delay);
                    if status == 0 {
                        return;
                    }
                    let reply = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                    if (&stream).write_all(reply.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// The report of a load, as machines read it, and the exit code.
fn load(address: SocketAddr, step: &str, load: &str, objectives: &str) -> (i32, Value) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "name: load\nsteps: [ {{ name: a, get: \"http://{address}/\", check: [ status == 200 ] {step} }} ]\nload: {load}\nobjectives: [ {objectives} ]\n"
    );
    std::fs::write(folder.path().join("load.yaml"), text).unwrap();
    let report = folder.path().join("report.json");
    let (code, _, _) = undisturbed(|| {
        let mut command = bellwether();
        command.current_dir(folder.path()).args([
            "run",
            "load.yaml",
            "--quiet",
            "--json",
            "report.json",
        ]);
        command
    });
    (
        code,
        serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap(),
    )
}

const STEADY: &str =
    "{ executor: constant-arrival-rate, rate: 200, duration: 4s, preAllocatedVUs: 20 }";

#[test]
fn a_retry_hides_nothing_under_load() {
    // Every other attempt fails, and the next one is good.
    let address = server(|number| (if number % 2 == 0 { 503 } else { 200 }, Duration::ZERO));
    let step = ", retry: { attempts: 3, delay: 20ms }";
    let few = "{ executor: shared-iterations, vus: 1, iterations: 300 }";
    let (code, report) = load(address, step, few, "error_rate < 1%, \"p95 < 15ms\"");
    assert_eq!(code, 99, "{report}");
    assert_eq!(
        (&report["requests"], &report["errors"]),
        (&600.into(), &300.into()),
        "{report}"
    );
    let reasons = report["reasons"].to_string();
    assert!(
        reasons.contains("300 attempts failed and were tried again"),
        "{reasons}"
    );
    // Latency counts from the first attempt: the pause between them is part of it.
    let p50 = report["latency_us"]["p50"].as_u64().unwrap_or_default();
    assert!(p50 >= 20_000, "{report}");
}

#[test]
fn a_connection_that_is_closed_instead_of_an_answer_is_a_failure_each_time() {
    let address = server(|number| (if number % 14 == 13 { 0 } else { 200 }, Duration::ZERO));
    let few = "{ executor: shared-iterations, vus: 4, iterations: 1400 }";
    let (code, report) = load(address, "", few, "error_rate < 1%");
    assert_eq!(code, 99, "{report}");
    assert_eq!(report["errors"], 100, "{report}");
    assert_eq!(
        report["steps"][0]["errors_by_class"]["reset"], 100,
        "{report}"
    );
}

#[test]
fn one_answer_of_a_limiter_does_not_hold_what_holds_with_it() {
    let address = server(|number| (if number == 400 { 429 } else { 200 }, Duration::ZERO));
    let (code, report) = load(address, "", STEADY, "error_rate < 1%, p95 < 500ms");
    assert_eq!((code, &report["errors"]), (0, &1.into()), "{report}");
    assert!(
        report["reasons"].to_string().contains("change nothing"),
        "{report}"
    );
    // Where they decide, nothing is.
    let address = server(|number| (if number % 10 == 0 { 429 } else { 200 }, Duration::ZERO));
    let (code, report) = load(address, "", STEADY, "error_rate < 1%, p95 < 500ms");
    assert_eq!(code, 98, "{report}");
}

#[test]
fn our_own_lack_of_users_is_not_the_services_failure() {
    let address = server(|_| (200, Duration::from_millis(300)));
    // With what is given where nothing is said there are users enough.
    let default = "{ executor: constant-arrival-rate, rate: 100, duration: 4s }";
    let (code, report) = load(address, "", default, "error_rate < 1%, p95 < 2s");
    assert_eq!((code, &report["errors"]), (0, &0.into()), "{report}");
    let few = "{ executor: constant-arrival-rate, rate: 100, duration: 4s, preAllocatedVUs: 5, maxVUs: 5, maxWait: 200ms }";
    let (code, report) = load(address, "", few, "error_rate < 1%, p95 < 2s");
    assert_eq!(code, 98, "{report}");
    assert!(
        report["reasons"]
            .to_string()
            .contains("found no free virtual user"),
        "{report}"
    );
}

/// A load that we end early because the deploy is dead is no pass, whatever its objectives count.
#[test]
fn what_we_ended_early_because_it_was_dead_did_not_pass() {
    let world = World::new();
    let text = "name: counts\nservice: api\nsetup: [ { post: /api/login, json: { user: demo, password: demo-password }, capture: { token: body.token } } ]\nsteps: [ { get: /api/catalogue, auth: { bearer: \"${vars.token}\" }, check: [ status == 200 ] } ]\nload: { executor: constant-arrival-rate, rate: 10, duration: 20s, preAllocatedVUs: 10 }\nobjectives: [ errors <= 60 ]\n";
    std::fs::write(world.path().join("counts.yaml"), text).unwrap();
    let gate = "    smoke: [ home.yaml ]\n    load: [ counts.yaml ]\n    actions:\n".to_owned()
        + &world.rollback();
    let daemon = world.daemon(ENFORCE, &gate, "");
    world.shop.deploy(broken("1.1.0"));
    let gate = daemon.done(daemon.start_gate(&facts("shop", "1.1.0")));
    assert_eq!(gate["verdict"], "rollback", "{gate}");
    assert!(gate["reasons"].to_string().contains("dead"), "{gate}");
}

#[test]
fn what_is_only_advisory_is_no_evidence_in_recorded_samples_either() {
    let address = server(|number| {
        (
            if number % 2 == 1 { 503 } else { 200 },
            Duration::from_millis(2),
        )
    });
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "name: shown\nsteps:\n  - {{ name: a, get: \"http://{address}/\", check: [ status == 200 ] }}\n  - {{ name: b, get: \"http://{address}/\", check: [ status == 200 ], advisory: true }}\nload: {{ executor: shared-iterations, vus: 1, iterations: 600 }}\nobjectives: [ error_rate < 5% ]\n"
    );
    std::fs::write(folder.path().join("shown.yaml"), text).unwrap();
    let at = |words: &[&str]| {
        let mut command = bellwether();
        command.current_dir(folder.path()).args(words);
        run(&mut command)
    };
    let (code, out, err) = at(&["run", "shown.yaml", "--quiet", "--samples", "s.csv"]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = at(&["judge", "s.csv", "--objective", "error_rate < 5%"]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn the_cap_on_users_is_not_the_services_failure() {
    let address = server(|_| (200, Duration::from_millis(300)));
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "bellwether.yaml",
        &format!(
            "environments: {{ test: {{ services: {{ api: {{ url: \"http://{address}\" }} }}, caps: {{ vus: 2 }} }} }}\n"
        ),
    );
    write(
        "load.yaml",
        "name: load\nservice: api\nsteps: [ { get: /, check: [ status == 200 ] } ]\nload: { executor: constant-arrival-rate, rate: 50, duration: 4s, preAllocatedVUs: 40, maxWait: 200ms }\nobjectives: [ p95 < 1s, error_rate < 5% ]\n",
    );
    let (code, out, err) =
        run(bellwether()
            .current_dir(folder.path())
            .args(["run", "load.yaml", "--env", "test"]));
    assert_eq!(code, 98, "{out}{err}");
    assert!(
        format!("{out}{err}").contains("found no free virtual user"),
        "{out}{err}"
    );
}
