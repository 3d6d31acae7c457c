//! What channels are sent, as programs and people receive it.

use super::standin::{Asked, json, serve_by};
use super::support::{Daemon, bellwether, eventually, http, run};
use bellwether::scenario::functions::breach;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A daemon whose first gate has promoted, and whose second has rolled back and could not prove it: three messages
/// to one channel.
pub fn rolled_back(folder: &Path, channel: &str, environment: &[(&str, &str)]) -> Daemon {
    let is_new = Arc::new(AtomicBool::new(false));
    let served = is_new.clone();
    let shop = serve_by(move |_| match served.load(SeqCst) {
        true => json(200, json!({ "version": "1.0.0", "works": false })),
        false => json(200, json!({ "version": "0.9.0", "works": true })),
    });
    let shop = format!("http://{shop}");
    std::fs::write(
        folder.join("smoke.yaml"),
        "name: smoke\nservice: shop\nsteps: [ { name: home, get: /, check: body.works } ]\n",
    )
    .unwrap();
    let secrets = environment
        .iter()
        .map(|(name, _)| format!("{name}: {{ env: {name} }}"));
    let text = format!(
        "server: {{ listen: LISTEN, public_url: \"https://bellwether.example.com\" }}
secrets: {{ {} }}
environments:
  production: {{ services: {{ shop: {{ url: {shop:?}, version: {{ path: /, value: body.version }} }} }}, enforce: true }}
channels:
  told: {channel}
gates:
  shop:
    environment: production
    services: [shop]
    smoke: [smoke.yaml]
    converge: {{ reads: 2, every: 100ms }}
    prove: {{ timeout: 1s, reads: 2, every: 100ms }}
    actions: {{ rollback: [ {{ name: back, command: [\"true\"] }} ] }}
    tell: [told]
",
        secrets.collect::<Vec<_>>().join(", ")
    );
    let daemon = Daemon::start(folder, &text, environment);
    let start = |version: &str| {
        let facts = json!({ "gate": "shop", "version": version, "actor": "anna" }).to_string();
        let headers = [("content-type", "application/json")];
        http(&daemon.address, "POST", "/api/v1/gates", &headers, &facts)
    };
    assert_eq!(start("0.9.0").unwrap().0, 201);
    assert_eq!(daemon.done(1)["verdict"], "promote");
    is_new.store(true, SeqCst);
    assert_eq!(start("1.0.0").unwrap().0, 201);
    let gate = daemon.done(2);
    assert_eq!(
        (&gate["verdict"], &gate["proven"]),
        (&json!("rollback"), &json!(false)),
        "{gate}"
    );
    daemon
}

/// A receiver that keeps what it is sent.
fn receiver() -> (String, Arc<Mutex<Vec<Asked>>>) {
    let kept: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let keeping = kept.clone();
    let address = serve_by(move |asked| {
        keeping.lock().unwrap().push(asked.clone());
        json(200, json!({}))
    });
    (format!("http://{address}/hook"), kept)
}

fn both(kept: &Mutex<Vec<Asked>>) -> [Asked; 2] {
    eventually("both messages came", Duration::from_secs(20), || {
        let kept = kept.lock().unwrap();
        // The first is that of the promotion.
        Some([kept.get(1)?.clone(), kept.get(2)?.clone()])
    })
}

#[test]
fn a_program_is_sent_what_the_schema_says() {
    let (url, kept) = receiver();
    let folder = tempfile::tempdir().unwrap();
    let _daemon = rolled_back(
        folder.path(),
        &format!("{{ webhook: {{ url: {url:?} }} }}"),
        &[],
    );
    let (code, schema, _) = run(bellwether().args(["schema", "message"]));
    assert_eq!(code, 0);
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let messages = both(&kept).map(|asked| -> Value { serde_json::from_str(&asked.body).unwrap() });
    for message in &messages {
        assert_eq!(breach(&schema, message), None, "{message:#}");
        let data = &message["data"];
        let (at, _) = message["timestamp"]
            .as_str()
            .unwrap()
            .split_once('.')
            .unwrap();
        let time = data["facts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|fact| fact[0] == "Time")
            .unwrap();
        assert_eq!(
            time[1],
            format!("{} UTC", at.replace('T', " ")),
            "the time is that of the event"
        );
        assert_eq!(data["gate"]["version"], "1.0.0");
        assert_eq!(data["gate"]["previous_version"], "0.9.0");
        assert_eq!(data["link"], "https://bellwether.example.com/gates/2");
    }
    let [verdict, proof] = &messages;
    assert_eq!(verdict["data"]["gate"]["event"], "verdict");
    assert_eq!(verdict["data"]["gate"]["verdict"], "rollback");
    assert_eq!(proof["data"]["gate"]["event"], "proof");
    assert_eq!(proof["data"]["gate"]["proven"], false);
    assert_eq!(verdict["data"]["gate"]["key"], proof["data"]["gate"]["key"]);
}

#[test]
fn a_receiver_of_others_is_sent_what_it_reads() {
    let (url, kept) = receiver();
    let folder = tempfile::tempdir().unwrap();
    let own = r#"'{ "title": "${inputs.subject}", "body": "${inputs.text}", "id": ${inputs.gate_id}, "by": "${secrets.HOOK_TOKEN}" }'"#;
    let channel = format!(
        "{{ webhook: {{ url: {url:?}, headers: {{ Authorization: \"Token ${{secrets.HOOK_TOKEN}}\" }}, body: {own} }} }}"
    );
    let _daemon = rolled_back(
        folder.path(),
        &channel,
        &[("HOOK_TOKEN", "a \"quoted\" word")],
    );
    let [verdict, proof] = both(&kept);
    assert_eq!(verdict.header("authorization"), "Token a \"quoted\" word");
    let body: Value = serde_json::from_str(&verdict.body).unwrap();
    assert_eq!(body["title"], "🚨 Production Deployment Failed: shop 1.0.0");
    assert_eq!(body["id"], 2);
    assert_eq!(body["by"], "a \"quoted\" word");
    let body: Value = serde_json::from_str(&proof.body).unwrap();
    assert!(
        body["body"]
            .as_str()
            .unwrap()
            .starts_with("The rollback is NOT proven"),
        "{body}"
    );
}

#[test]
fn a_body_of_ones_own_is_checked_before_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let said = |webhook: &str| {
        let path = folder.path().join("bellwether.yaml");
        let text = format!(
            "environments: {{ test: {{ services: {{}} }} }}\nchannels: {{ told: {{ webhook: {{ url: \"http://a.example\", {webhook} }} }} }}\n"
        );
        std::fs::write(&path, text).unwrap();
        let (code, out, err) = run(bellwether().arg("check").arg(&path));
        (code, out + &err)
    };
    for (webhook, why) in [
        (
            "body: '{ \"a\": ${inputs.subjekt} }'",
            "did you mean `subject`?",
        ),
        ("body: '{ \"a\": '", "the body is no JSON"),
        (
            "body: '{ \"a\": \"${secrets.HOOK}\" }'",
            "declares no secret `HOOK`",
        ),
        (
            "headers: { Webhook-Id: x }",
            "`Webhook-Id` is no header that can be sent",
        ),
        (
            "headers: { \"a b\": x }",
            "`a b` is no header that can be sent",
        ),
    ] {
        let (code, said) = said(webhook);
        assert_eq!(code, 104, "{said}");
        assert!(said.contains(why), "{said}");
    }
    let (code, text) = said("body: '{ \"a\": \"${inputs.subject}\", \"b\": [\"${inputs.at}\"] }'");
    assert_eq!(code, 0, "{text}");
}
