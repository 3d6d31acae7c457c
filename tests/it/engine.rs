//! The load engine on real sockets: how connections are used, what a search finds, what a running
//! load obeys, and what it says when it cannot keep up.

use super::support::{
    Process, bellwether, eventually, free_port, http, next_request, program, run, undisturbed,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A server that works on a few requests at once, each for a fixed time; others wait in line.
fn limited(slots: usize, each: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let free = Arc::new((Mutex::new(slots), Condvar::new()));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let free = free.clone();
            std::thread::spawn(move || serve(&stream, &free, each));
        }
    });
    address
}

fn serve(mut stream: &TcpStream, free: &(Mutex<usize>, Condvar), each: Duration) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        next_request(&mut reader)?;
        let slots = free.0.lock().unwrap();
        let mut slots = free.1.wait_while(slots, |slots| *slots == 0).unwrap();
        *slots -= 1;
        drop(slots);
        std::thread::park_timeout(each);
        *free.0.lock().unwrap() += 1;
        free.1.notify_one();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .ok()?;
    }
}

/// Runs a scenario and gives its exit code and report.
fn report(folder: &Path, scenario: &str) -> (i32, Value) {
    let path = folder.join("scenario.yaml");
    std::fs::write(&path, scenario).unwrap();
    let (code, out, err) = undisturbed(|| {
        let mut command = bellwether();
        command.args(["run", "--json", "-"]).arg(&path);
        command
    });
    let report = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    (code, report)
}

#[test]
fn connections_are_used_as_the_scenario_says() {
    let Some(nginx) = program("nginx") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    super::nginx::certificates(folder.path());
    let at = folder.path().display();
    let (clear, two, tls) = (free_port(), free_port(), free_port());
    let log = folder.path().join("access.log");
    std::fs::write(
        folder.path().join("nginx.conf"),
        format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log; events {{ worker_connections 512; }}
             http {{ log_format used '$connection $remote_addr $ssl_session_reused'; access_log {at}/access.log used;
             server {{ listen 127.0.0.1:{clear}; location / {{ return 200 ok; }} }}
             server {{ listen 127.0.0.1:{two} http2; location / {{ return 200 ok; }} }}
             server {{ listen 127.0.0.1:{tls} ssl; ssl_protocols TLSv1.3; ssl_session_cache shared:a:1m;
                       ssl_certificate {at}/good.pem; ssl_certificate_key {at}/good.key; location / {{ return 200 ok; }} }} }}"
        ),
    )
    .unwrap();
    let _process = Process::start(
        Command::new(nginx)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .arg("-c")
            .arg(folder.path().join("nginx.conf")),
    );
    eventually("nginx", Duration::from_secs(10), || {
        TcpStream::connect(("127.0.0.1", clear)).ok()
    });
    // Connection, client address and session of each request, as the server saw them.
    let used = |connections: &str, url: &str, step: &str, users: u64, rounds: u64| {
        std::fs::write(&log, "").unwrap();
        let get =
            format!("  - get: {url}\n    check: [ status == 200 ]\n    verify: false\n{step}");
        let scenario = format!(
            "name: used\nconnections: {connections}\nsteps:\n{get}{get}load: {{ executor: per-vu-iterations, vus: {users}, iterations: {rounds} }}\n"
        );
        let (code, report) = report(folder.path(), &scenario);
        assert_eq!(code, 0, "{report:#}");
        let lines = eventually("the log", Duration::from_secs(5), || {
            let text = std::fs::read_to_string(&log).ok()?;
            let lines: Vec<Vec<String>> = text
                .lines()
                .map(|line| line.split(' ').map(str::to_owned).collect())
                .collect();
            (lines.len() as u64 == users * rounds * 2).then_some(lines)
        });
        let column =
            |at: usize| -> BTreeSet<String> { lines.iter().map(|line| line[at].clone()).collect() };
        (column(0).len(), column(1), column(2))
    };
    let plain = format!("http://127.0.0.1:{clear}/");
    assert_eq!(used("{ reuse: user }", &plain, "", 3, 4).0, 3);
    assert_eq!(used("{ reuse: iteration }", &plain, "", 3, 4).0, 12);
    assert_eq!(used("{ reuse: never }", &plain, "", 3, 4).0, 24);
    let (_, addresses, _) = used(
        "{ local_addresses: [ 127.0.0.2, 127.0.0.3 ] }",
        &plain,
        "",
        4,
        1,
    );
    assert_eq!(
        addresses.into_iter().collect::<Vec<_>>(),
        ["127.0.0.2", "127.0.0.3"]
    );
    let shared = format!("http://127.0.0.1:{two}/");
    let step = "    http: 2\n";
    assert_eq!(used("{ streams: 10 }", &shared, step, 20, 3).0, 2);
    assert_eq!(used("{ streams: 1 }", &shared, step, 6, 3).0, 6);
    let secure = format!("https://localhost:{tls}/");
    let (_, _, resumed) = used("{ reuse: never }", &secure, "", 1, 5);
    assert!(resumed.contains("r"), "a session is taken up again");
    let (count, _, full) = used("{ reuse: never, tls_resumption: false }", &secure, "", 1, 5);
    assert_eq!((count, full.contains("r")), (10, false));
}

#[test]
fn a_search_finds_the_rate_that_a_server_can_take() {
    // Four at once, 10 ms each: at most 400 a second.
    let address = limited(4, Duration::from_millis(10));
    let folder = tempfile::tempdir().unwrap();
    let scenario = format!(
        "name: capacity\nsteps: [ {{ get: 'http://{address}/', check: [ status == 200 ] }} ]
load: {{ executor: breakpoint, startRate: 60, maxRate: 5000, stepFactor: 2, stepDuration: 2s, precision: 0.2, preAllocatedVUs: 100, maxVUs: 300 }}
objectives: [ 'p95 < 60ms' ]\n"
    );
    // A server that is kept from its processor takes less: that is not what is looked for.
    let mut found = report(folder.path(), &scenario);
    for _ in 0..2 {
        if found.1["search"]["held"].as_f64() < Some(150.0) {
            found = report(folder.path(), &scenario);
        }
    }
    let (code, report) = found;
    assert_eq!(code, 0, "{report:#}");
    let search = &report["search"];
    let (held, broke) = (
        search["held"].as_f64().unwrap(),
        search["broke"].as_f64().unwrap(),
    );
    // A rate that is a little too high takes longer than a step to fill the line by 60 ms:
    // 400 · (1 + 0.05 / (0.95 · 2)) is the highest that can hold for two seconds.
    assert!((150.0..=411.0).contains(&held), "{search:#}");
    assert!(held < broke && broke < 600.0, "{search:#}");
    let tried = search["tried"].as_array().unwrap();
    let last = tried.last().unwrap();
    assert_eq!(
        (&last["confirms"], &last["outcome"]),
        (&true.into(), &"pass".into())
    );
    // The report rests on the requests that confirmed the rate, and on no others.
    assert_eq!(report["requests"], last["requests"]);
    assert!(report["reasons"][0].as_str().unwrap().contains("confirmed"));
}

#[test]
fn a_running_load_can_be_seen_and_steered() {
    let address = limited(50, Duration::from_millis(1));
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let api = format!("127.0.0.1:{port}");
    let out = folder.path().join("report.json");
    let url = format!("http://{address}/");
    let mut process = Process::start(
        bellwether()
            .args(["run", "--quiet", "--url", &url, "--rate", "100"])
            .args(["--duration", "60s", "--api", &api, "--json"])
            .arg(&out),
    );
    let state = || -> Option<Value> {
        let (status, body) = http(&api, "GET", "/api/v1/loads", &[], "")?;
        assert_eq!(status, 200);
        serde_json::from_str::<Value>(&body).ok()?.get(0).cloned()
    };
    let order = |headers: &[(&str, &str)], body: &str| {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        http(&api, "POST", "/api/v1/loads/1", &all, body).unwrap()
    };
    let second = Duration::from_secs(20);
    let made = |state: &Value| state["requests"].as_u64().unwrap();
    eventually("some requests", second, || {
        state().filter(|state| made(state) > 100)
    });
    let (_, metrics) = http(&api, "GET", "/metrics", &[], "").unwrap();
    assert!(
        metrics.contains("bellwether_run_latency_seconds_bucket{")
            && metrics.contains("outcome=\"ok\""),
        "{metrics}"
    );
    assert!(metrics.contains("bellwether_run_own_lateness_seconds_count"));
    assert_eq!(
        order(&[("origin", "http://evil.test")], "{\"order\":\"stop\"}").0,
        403
    );
    assert_eq!(order(&[], "{\"order\":\"scale\",\"factor\":1e9}").0, 422);
    assert_eq!(order(&[], "{\"order\":\"pause\"}").0, 200);
    eventually("a pause", second, || {
        state().filter(|state| state["paused"] == true && state["rate"] == 0)
    });
    assert_eq!(order(&[], "{\"order\":\"resume\"}").0, 200);
    // The plan was held: what was to come meanwhile does not come all at once.
    eventually("the rate as before", second, || {
        state().filter(|state| (80..=130).contains(&state["rate"].as_u64().unwrap()))
    });
    let (code, out_text, _) =
        run(bellwether().args(["load", "scale", "3", "--server", &format!("http://{api}")]));
    assert_eq!(code, 0, "{out_text}");
    eventually("three times the rate", second, || {
        state().filter(|state| (260..=340).contains(&state["rate"].as_u64().unwrap()))
    });
    let (code, listed, _) =
        run(bellwether().args(["load", "stop", "--server", &format!("http://{api}")]));
    assert!(code == 0 && listed.contains("stopping"), "{listed}");
    let ended = process.0.wait().unwrap();
    assert_eq!(ended.code(), Some(105));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
    let reasons = report["reasons"].to_string();
    assert!(
        reasons.contains("paused for") && reasons.contains("scaled to 300 %"),
        "{reasons}"
    );
    assert_eq!(report["outcome"], "inconclusive");
    assert!(
        report["own_lateness_us"]["p99"].as_u64().unwrap() < 1_000_000,
        "a pause is no lateness"
    );
}

#[test]
fn a_lack_of_virtual_users_is_not_held_against_the_target() {
    let address = limited(50, Duration::from_millis(40));
    let folder = tempfile::tempdir().unwrap();
    let scenario = |users: u64| {
        format!(
            "name: short\nsteps: [ {{ get: 'http://{address}/', check: [ status == 200 ] }} ]
load: {{ executor: constant-arrival-rate, rate: 150, duration: 4s, preAllocatedVUs: {users}, maxVUs: {users} }}
objectives: [ 'p95 < 2s' ]\n"
        )
    };
    let (code, report_of_few) = report(folder.path(), &scenario(2));
    assert_eq!(code, 98, "{report_of_few:#}");
    let reasons = report_of_few["reasons"].to_string();
    assert!(
        reasons.contains("the load generator could not keep up")
            && reasons.contains("raise `maxVUs`"),
        "{reasons}"
    );
    let (code, report_of_many) = report(folder.path(), &scenario(40));
    assert_eq!(code, 0, "{report_of_many:#}");
}

#[test]
fn arrivals_by_chance_come_at_the_planned_rate() {
    let address = limited(50, Duration::from_millis(1));
    let folder = tempfile::tempdir().unwrap();
    let (code, report) = report(
        folder.path(),
        &format!(
            "name: people\nsteps: [ {{ get: 'http://{address}/', check: [ status == 200 ] }} ]
load: {{ executor: constant-arrival-rate, rate: 200, duration: 3s, arrivals: poisson, preAllocatedVUs: 50, maxVUs: 50 }}\n"
        ),
    );
    assert_eq!(code, 0, "{report:#}");
    let requests = report["requests"].as_f64().unwrap();
    // Five standard deviations of a Poisson count of 600.
    assert!(
        (requests - 600.0).abs() < 5.0 * 600.0_f64.sqrt(),
        "{requests}"
    );
}

#[test]
fn a_worker_without_a_share_does_not_hold_up_a_run() {
    let address = limited(50, Duration::from_millis(1));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("few.yaml");
    for executor in ["per-vu-iterations", "shared-iterations"] {
        let scenario = format!(
            "name: few\nsteps: [ {{ get: 'http://{address}/', check: [ status == 200 ] }} ]
load: {{ executor: {executor}, vus: 1, iterations: 3, maxDuration: 60s }}\n"
        );
        std::fs::write(&path, scenario).unwrap();
        let started = std::time::Instant::now();
        let (code, out, err) = run(bellwether()
            .args(["run", "--workers", "2", "--json", "-"])
            .arg(&path));
        assert_eq!(code, 0, "{out}{err}");
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{executor} waited for a worker that had nothing to do"
        );
    }
}
