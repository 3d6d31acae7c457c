//! `bellwether run` against servers that behave and servers that do not.

use super::hostile::Hostile;
use super::support::{bellwether, free_port, run, undisturbed};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs a scenario once and gives exit code, JSON and standard error.
fn once(text: &str, more: &[&str]) -> (i32, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.yaml");
    std::fs::write(&path, text).unwrap();
    scenario(&path, more)
}

fn scenario(path: &Path, more: &[&str]) -> (i32, Value, String) {
    let (code, out, err) = run(bellwether()
        .arg("run")
        .arg(path)
        .args(["--json", "-"])
        .args(more));
    assert!(!err.contains("panicked"), "{err}");
    (code, serde_json::from_str(&out).unwrap_or_default(), err)
}

/// One step against a path.
fn step(url: &str, timeout: &str, more: &str) -> (i32, Value, String) {
    once(
        &format!(
            "name: case\nsteps:\n  - name: it\n    get: {url}\n    timeout: {timeout}\n{more}"
        ),
        &[],
    )
}

#[test]
fn every_kind_of_failure_has_its_name_and_its_outcome() {
    let server = Hostile::start();
    let nobody = format!("http://127.0.0.1:{}/", free_port());
    let body = "    check: [ body.id == '00123' ]\n";
    for (url, more, class, code) in [
        (nobody.as_str(), "", "refused", 99),
        ("http://no-such-host.invalid/", "", "resolve", 98),
        (&server.url("/hang"), "", "timeout_wait", 99),
        (&server.url("/drip"), "", "timeout_receive", 99),
        (&server.url("/reset"), "", "reset", 99),
        (&server.url("/close"), "", "reset", 99),
        (&server.url("/half"), "", "protocol", 99),
        (&server.url("/garbage"), "", "protocol", 99),
        (&server.url("/headers"), "", "protocol", 99),
        (&server.url("/endless"), "", "body_too_large", 99),
        (&server.url("/endless"), body, "body_too_large", 99),
        (&server.url("/loop"), "", "redirect_loop", 99),
        (&server.url("/broken"), "", "status", 99),
        (&server.url("/missing"), "", "status", 99),
        (&server.url("/unauthorized"), "", "unauthorized", 98),
        (&server.url("/limited"), "", "rate_limited", 98),
        (&server.url("/html"), body, "check", 99),
        (
            &server.url("/html"),
            "    capture: { id: body.id }\n",
            "capture",
            99,
        ),
    ] {
        let start = Instant::now();
        // Short where the time runs out, long where it must not.
        let timeout = match class {
            "timeout_wait" => "500ms",
            "timeout_receive" => "2s",
            _ => "20s",
        };
        let (got, report, err) = step(url, timeout, more);
        let classes = &report["steps"][0]["errors_by_class"];
        assert_eq!(classes[class], 1, "{url}: {classes} {err}");
        assert_eq!(got, code, "{url}: {}", report["reasons"]);
        assert_ne!(report["outcome"], "pass");
        assert!(
            class == "resolve" || start.elapsed() < Duration::from_secs(15),
            "{url} took {:?}",
            start.elapsed()
        );
    }
}

#[test]
fn a_wrong_length_does_not_poison_the_next_exchange() {
    let server = Hostile::start();
    let text = format!(
        "name: case\nsteps:\n  - {{ name: a, get: \"{}\", check: [ \"text == 'mo'\" ] }}\n  - {{ name: b, get: \"{}\", check: [ \"text.startsWith('ok')\" ] }}\n",
        server.url("/longer"),
        server.url("/ok")
    );
    let (code, report, _) = once(&text, &[]);
    assert_eq!(code, 0, "{report}");
}

#[test]
fn captured_values_keep_their_type_and_requests_are_made_as_written() {
    let server = Hostile::start();
    let base = format!("http://{}", server.address);
    let text = r#"
name: language
service: api
inputs: { org: { default: "a b&c" } }
secrets: [ TEST_TOKEN ]
setup:
  - { name: first, get: /json, capture: { id: body.id, n: body.n, half: "body.list[1]", from_status: status } }
steps:
  - name: echo json
    post: /echo?fixed=1
    query: { org: "${inputs.org}" }
    auth: { bearer: "${secrets.TEST_TOKEN}" }
    json: { id: "${vars.id}", n: "${vars.n}", both: "${vars.id}/${vars.n}", half: "${vars.half}", status: "${vars.from_status}" }
    check:
      - status == 200
      - "body.head.startsWith('POST /echo?fixed=1&org=a%20b%26c HTTP/1.1')"
      - "body.head.contains('authorization: Bearer ' + secrets.TEST_TOKEN)"
      - "body.body == '{\"id\":\"00123\",\"n\":12345678901234,\"both\":\"00123/12345678901234\",\"half\":2.5,\"status\":200}'"
  - name: echo form
    put: /echo
    form: { a: "1 2", b: "ü" }
    check: [ "body.body == 'a=1%202&b=%C3%BC'", "body.head.contains('application/x-www-form-urlencoded')" ]
  - name: echo multipart
    post: /echo
    multipart: { field: value, file: { text: content, filename: a.txt, content_type: text/plain } }
    check: [ "body.body.contains('filename=\"a.txt\"')", "body.body.contains('content-type: text/plain')", "body.head.contains('boundary=')" ]
  - name: basic
    delete: /echo
    auth: { basic: { user: me, password: "${secrets.TEST_TOKEN}" } }
    check: [ "body.head.contains('Basic bWU6czNjcmV0LXRva2Vu')" ]
  - { name: cookie, get: /cookie, check: [ "headers['set-cookie'].contains('HttpOnly')" ], capture: { sid: cookies.sid } }
  - { name: cookie goes back, get: /echo, check: [ "body.head.contains('cookie: sid=abc')", "vars.sid == 'abc'" ] }
  - { name: left out, when: "vars.id == 'other'", get: /broken }
  - { name: again, get: /echo, repeat: { times: 3, until: "body.head.contains('GET')" } }
  - { name: advisory, get: /broken, advisory: true }
  - { name: command, command: [echo, "${vars.id}"], check: [ status == 0, "output.stdout.startsWith('00123')" ] }
  - { name: command fails, command: { shell: "echo ${secrets.TEST_TOKEN} >&2; exit 3" }, advisory: true }
teardown:
  - { name: last, delete: /echo }
"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("language.yaml");
    std::fs::write(&path, text).unwrap();
    let (code, out, err) = run(bellwether()
        .arg("run")
        .arg(&path)
        .args(["--service", &format!("api={base}"), "--json", "-"])
        .env("TEST_TOKEN", "s3cret-token"));
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0, "{}\n{out}\n{err}", report["reasons"]);
    assert_eq!(report["outcome"], "pass");
    assert!(
        !out.contains("s3cret-token") && !err.contains("s3cret-token"),
        "a secret is never shown"
    );
    let step = |name: &str| {
        report["steps"]
            .as_array()
            .unwrap()
            .iter()
            .find(|step| step["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(step("left out")["skipped"], 1);
    assert_eq!(step("advisory")["advisory_failures"], 1);
    assert_eq!(step("again")["requests"], 1);
    assert_eq!(step("last")["part"], "teardown");
}

#[test]
fn what_is_only_advisory_or_left_out_is_never_a_pass() {
    let server = Hostile::start();
    for step in ["advisory: true", "when: \"1 == 2\""] {
        for path in ["/ok", "/broken"] {
            let text = format!(
                "name: case\nsteps: [ {{ name: a, get: \"{}\", {step} }} ]\n",
                server.url(path)
            );
            let (code, report, _) = once(&text, &[]);
            assert_eq!(
                (code, &report["outcome"]),
                (98, &Value::from("inconclusive")),
                "{step} {path}"
            );
        }
    }
}

#[test]
fn a_missing_secret_stops_the_work_before_the_first_request() {
    let server = Hostile::start();
    let text = format!(
        "name: case\nsecrets: {{ A_TOKEN: {{ min_length: 8 }}, B_TOKEN: {{ refuse: [YOUR_] }} }}\nsteps: [ {{ name: a, get: \"{}\", headers: {{ a: \"${{secrets.A_TOKEN}}${{secrets.B_TOKEN}}\" }} }} ]\n",
        server.url("/ok")
    );
    for (a, b, codes) in [
        (None, None, vec!["missing-secret"]),
        (
            Some(""),
            Some("YOUR_TOKEN"),
            vec!["missing-secret", "bad-secret"],
        ),
        (Some("short"), Some("fine"), vec!["bad-secret"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("case.yaml");
        std::fs::write(&path, &text).unwrap();
        let mut command = bellwether();
        command.arg("run").arg(&path);
        for (name, value) in [("A_TOKEN", a), ("B_TOKEN", b)] {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let (code, _, err) = run(&mut command);
        assert_eq!(code, 104, "{err}");
        for wanted in codes {
            assert!(err.contains(wanted), "{wanted}: {err}");
        }
        assert!(
            !err.contains("YOUR_TOKEN") && !err.contains("`short`"),
            "{err}"
        );
    }
    assert_eq!(server.requests.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn teardown_is_performed_after_a_failure() {
    let server = Hostile::start();
    let text = format!(
        "name: case\nsetup: [ {{ name: make, get: \"{json}\", capture: {{ id: body.id }} }} ]\nsteps: [ {{ name: fails, get: \"{broken}\" }}, {{ name: never, get: \"{json}\" }} ]\nteardown: [ {{ name: clean, delete: \"{echo}?id=${{vars.id}}\", check: [ \"body.head.contains('id=00123')\" ] }} ]\n",
        json = server.url("/json"),
        broken = server.url("/broken"),
        echo = server.url("/echo"),
    );
    let (code, report, _) = once(&text, &[]);
    assert_eq!(code, 99);
    let requests: Vec<_> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["requests"].as_u64().unwrap())
        .collect();
    assert_eq!(requests, [1, 1, 0, 1], "make, fails, never, clean");
    assert_eq!(report["steps"][3]["errors"], 0);
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_the_load() {
    let server = Hostile::start();
    for flag in ["--json", "--junit", "--html", "--samples"] {
        let (code, _, err) = run(bellwether().args([
            "run",
            "--url",
            &server.url("/ok"),
            "--rate",
            "10",
            "--duration",
            "1s",
            flag,
            "/no-such-folder/out",
        ]));
        assert_eq!(code, 1, "{err}");
        assert!(
            err.contains("nothing was sent") && err.contains("/no-such-folder/out"),
            "{err}"
        );
    }
    assert_eq!(server.requests.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn a_load_leaves_every_report_behind() {
    let server = Hostile::start();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (code, out, err) = undisturbed(|| {
        let mut command = bellwether();
        command.args(["run", "--url", &server.url("/ok")]);
        command.args(["--rate", "100", "--duration", "2s"]);
        command.args(["--objective", "p95 < 2s", "--objective", "error_rate < 5%"]);
        command.args(["--json", &path("r.json"), "--junit", &path("r.xml")]);
        command.args(["--html", &path("r.html"), "--samples", &path("s.csv")]);
        command
    });
    assert_eq!(code, 0, "{out}{err}");
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(path("r.json")).unwrap()).unwrap();
    assert_eq!(
        report["requests"], 201,
        "arrivals at 0 and at the end, as k6 has them"
    );
    for key in [
        "requests",
        "duration_s",
        "rate",
        "errors",
        "latency_us",
        "dropped",
    ] {
        assert!(
            report.get(key).is_some() && report["steps"][0].get(key).is_some(),
            "{key} belongs to the stable core"
        );
    }
    for key in ["mean", "p50", "p90", "p95", "p99", "p999", "max"] {
        assert!(report["latency_us"][key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert_eq!(report["objectives"][0]["outcome"], "pass");
    let samples = std::fs::read_to_string(path("s.csv")).unwrap();
    assert_eq!(
        samples.lines().count(),
        202,
        "a header and a line for each sample"
    );
    assert!(samples.starts_with("t_ms,arm,latency_us,ok,"));
    let junit = std::fs::read_to_string(path("r.xml")).unwrap();
    assert!(
        junit.contains("objective p95 &lt; 2s") && junit.contains("failures=\"0\" errors=\"0\""),
        "{junit}"
    );
    let html = std::fs::read_to_string(path("r.html")).unwrap();
    assert!(
        html.contains("<svg") && !html.contains("http-equiv") && !html.contains("src="),
        "self-contained"
    );
}

#[test]
fn failing_checks_and_unprovable_objectives_have_their_exit_codes() {
    let server = Hostile::start();
    let load = |path: &str, objective: &str| {
        let (code, out, err) = undisturbed(|| {
            let mut command = bellwether();
            command.args(["run", "--url", &server.url(path), "--objective", objective]);
            command.args(["--rate", "50", "--duration", "1s"]);
            command
        });
        (code, format!("{out}{err}"))
    };
    assert_eq!(load("/broken", "error_rate < 10%").0, 99);
    let (code, said) = load("/ok", "p99 < 5s");
    assert!(
        code == 98 && said.contains("299"),
        "51 requests prove no p99: {said}"
    );
    let (code, said) = load("/unauthorized", "error_rate < 10%");
    assert!(
        code == 98 && said.contains("credentials"),
        "refused credentials are not the product's fault: {said}"
    );
    assert_eq!(load("/ok", "error_rate < 20%").0, 0);
    assert_eq!(
        run(bellwether().args([
            "run",
            "--url",
            &server.url("/broken"),
            "--vus",
            "2",
            "--duration",
            "300ms"
        ]))
        .0,
        99
    );
    assert_eq!(run(bellwether().arg("run")).0, 2, "wrong usage");
}

#[test]
fn an_interrupted_run_drains_reports_and_says_so() {
    let server = Hostile::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.json");
    let mut child = bellwether()
        .args([
            "run",
            "--url",
            &server.url("/ok"),
            "--rate",
            "50",
            "--duration",
            "60s",
            "--quiet",
            "--json",
        ])
        .arg(&path)
        .spawn()
        .unwrap();
    super::support::eventually("a first request", Duration::from_secs(10), || {
        (server.requests.load(std::sync::atomic::Ordering::SeqCst) > 5).then_some(())
    });
    // SAFETY: sends a signal to a child of this test that has not been waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
    assert_eq!(child.wait().unwrap().code(), Some(105));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(report["outcome"], "inconclusive");
    assert!(report["requests"].as_u64().unwrap() > 5);
}

#[test]
fn the_six_executors_do_what_k6s_do() {
    let server = Hostile::start();
    let run_load = |load: &str| -> Value {
        let text = format!(
            "name: case\nsteps: [ {{ name: a, get: \"{}\" }} ]\nload: {{ {load} }}\n",
            server.url("/ok")
        );
        once(&text, &[]).1
    };
    let requests = |load: &str| run_load(load)["requests"].as_u64().unwrap();
    assert_eq!(
        requests("executor: shared-iterations, vus: 4, iterations: 30"),
        30
    );
    assert_eq!(
        requests("executor: per-vu-iterations, vus: 4, iterations: 5"),
        20
    );
    assert_eq!(
        requests("executor: constant-arrival-rate, rate: 40, duration: 1s"),
        41
    );
    assert_eq!(
        requests(
            "executor: ramping-arrival-rate, startRate: 20, stages: [ { duration: 1s, target: 40 } ]"
        ),
        30
    );
    let closed = run_load("executor: constant-vus, vus: 3, duration: 2s");
    assert_eq!(closed["virtual_users"], 3);
    assert!(closed["requests"].as_u64().unwrap() > 30);
    let ramp = run_load(
        "executor: ramping-vus, startVUs: 0, stages: [ { duration: 300ms, target: 3 }, { duration: 300ms, target: 0 } ]",
    );
    assert_eq!(ramp["virtual_users"], 3);
    assert_eq!(ramp["interrupted"], 0);
}

#[test]
fn iterations_that_were_asked_for_and_not_begun_are_no_pass() {
    let address = super::standin::serve(|_| super::standin::of(200, "text/plain", "ok"));
    let of = |executor: &str, objectives: &str| {
        let text = format!(
            "name: few\nsteps: [ {{ get: \"http://{address}/\", check: [ status == 200 ], think: 300ms }} ]\n\
             load: {{ executor: {executor}, vus: 2, iterations: 50, maxDuration: 1s }}\nobjectives: [ {objectives} ]\n"
        );
        let (code, report, _) = once(&text, &[]);
        (code, report["reasons"].to_string())
    };
    for executor in ["per-vu-iterations", "shared-iterations"] {
        let (code, said) = of(executor, "error_rate < 50%");
        assert_eq!(code, 98, "{said}");
        assert!(
            said.contains("iterations were not begun within `maxDuration`"),
            "{said}"
        );
        let (code, said) = of(executor, "'dropped < 200'");
        assert_eq!(code, 0, "who says how many may be has said it: {said}");
    }
}
