//! Whoever waits for a gate, and no longer wants to.

use super::standin::{json, serve, serve_by};
use super::support::{Daemon, bellwether, eventually, run};
use serde_json::json;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

fn write_smoke(folder: &Path) {
    let smoke = "name: smoke\nservice: shop\nsteps: [ { name: home, get: / } ]\n";
    std::fs::write(folder.join("smoke.yaml"), smoke).unwrap();
}

#[test]
fn whoever_waits_no_more_is_told_that_the_gate_goes_on() {
    let shop = serve(|_| json(200, json!({ "version": "1.0.0" })));
    let folder = tempfile::tempdir().unwrap();
    write_smoke(folder.path());
    let text = format!(
        "server: {{ listen: LISTEN }}
environments:
  production: {{ services: {{ shop: {{ url: \"http://{shop}\", version: {{ path: /, value: body.version }} }} }} }}
gates:
  shop: {{ environment: production, services: [shop], smoke: [smoke.yaml], bake: {{ duration: 10m }} }}
"
    );
    let daemon = Daemon::start(folder.path(), &text, &[]);
    let server = format!("http://{}", daemon.address);
    let mut command = bellwether();
    command.args([
        "gate",
        "start",
        "shop",
        "--version",
        "1.0.0",
        "--wait",
        "--server",
        &server,
    ]);
    let mut waiting = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the gate bakes", Duration::from_secs(30), || {
        let gate = daemon.see("/api/v1/gates/1")?;
        (gate["position"] == "bake").then_some(())
    });
    // SAFETY: sends a signal to a child of this test that has not been waited for.
    unsafe { libc::kill(waiting.id() as i32, libc::SIGINT) };
    let mut said = String::new();
    waiting
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(waiting.wait().unwrap().code(), Some(105), "{said}");
    assert!(
        said.starts_with(&format!("gate 1 started: {server}/gates/1\n")),
        "{said}"
    );
    assert!(
        said.contains("gate 1 goes on: `bellwether gate wait 1` follows it"),
        "{said}"
    );
    assert_eq!(daemon.see("/api/v1/gates/1").unwrap()["done"], false);
    // What it says is so.
    let (code, _, said) = run(bellwether().args(["gate", "cancel", "1", "--server", &server]));
    assert_eq!(code, 0, "{said}");
}

/// A rollback that was ordered is done only once it is proven.
#[test]
fn a_rollback_by_hand_succeeds_only_if_it_is_proven() {
    let (is_new, obeys) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (served, obeyed) = (is_new.clone(), obeys.clone());
    let shop = serve_by(move |asked| {
        if asked.path == "/back" && obeyed.load(SeqCst) {
            served.store(false, SeqCst);
        }
        let version = if served.load(SeqCst) {
            "1.0.0"
        } else {
            "0.9.0"
        };
        json(200, json!({ "version": version }))
    });
    let folder = tempfile::tempdir().unwrap();
    write_smoke(folder.path());
    let text = format!(
        "server: {{ listen: LISTEN }}
environments:
  production: {{ services: {{ shop: {{ url: \"http://{shop}\", version: {{ path: /, value: body.version }} }} }}, enforce: true }}
gates:
  shop:
    environment: production
    services: [shop]
    smoke: [smoke.yaml]
    prove: {{ timeout: 1s, reads: 2, every: 100ms }}
    actions: {{ rollback: [ {{ name: back, webhook: {{ url: \"http://{shop}/back\" }} }} ] }}
"
    );
    let daemon = Daemon::start(folder.path(), &text, &[]);
    let server = format!("http://{}", daemon.address);
    let order = |words: &[&str]| run(bellwether().args(words).args(["--server", &server]));
    let deploy = |version: &str| {
        let (code, _, said) = order(&["gate", "start", "shop", "--version", version, "--wait"]);
        assert_eq!(code, 0, "{said}");
    };
    deploy("0.9.0");
    is_new.store(true, SeqCst);
    deploy("1.0.0");
    let back = [
        "gate", "rollback", "shop", "--by", "anna", "--reason", "no", "--wait",
    ];
    let (code, out, said) = order(&back);
    assert_eq!(code, 20, "{out}{said}");
    assert!(out.contains("the rollback is NOT proven"), "{out}");
    obeys.store(true, SeqCst);
    let (code, out, said) = order(&back);
    assert_eq!(code, 0, "{out}{said}");
    assert!(out.contains("the rollback is proven"), "{out}");
}

#[test]
fn who_cannot_ask_is_not_told_a_verdict() {
    let ask = |words: &[&str]| {
        let mut command = bellwether();
        run(command.args(words).args(["--server", "http://127.0.0.1:1"]))
    };
    // A pipeline must not go on as if it had been told to. Whoever waits does so for two minutes more.
    assert_eq!(ask(&["gate", "start", "shop", "--version", "1"]).0, 20);
    for words in [
        &["gate", "list"][..],
        &["gate", "show", "1"],
        &["alert", "list"],
    ] {
        assert_eq!(ask(words).0, 98, "{words:?}");
    }
    let (code, _, said) = run(bellwether().args(["gate", "list", "--server", "127.0.0.1:1"]));
    assert!(
        code == 98 && said.contains("such as `http://127.0.0.1:9911`"),
        "{said}"
    );
}
