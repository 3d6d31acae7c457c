//! Channels over HTTP: what a receiver gets, and what is said of its answers.

use super::receiver::Receiver;
use super::support::{bellwether, run};
use std::time::Duration;

fn test(receiver: &Receiver, kind: &str, path: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("bellwether.yaml");
    let text = format!(
        "secrets: {{ HOOK: {{ env: HOOK }} }}
environments: {{ test: {{ services: {{}} }} }}
channels: {{ team: {{ {kind}: {{ url: \"${{secrets.HOOK}}\" }} }} }}
"
    );
    std::fs::write(&at, text).unwrap();
    let url = format!("http://{}{path}", receiver.address);
    let (code, out, err) = run(bellwether()
        .args(["alert", "test", "--config"])
        .arg(&at)
        .env("HOOK", url));
    (code, out + &err)
}

#[test]
fn discord_gets_an_embed_and_is_asked_for_the_message_that_it_saved() {
    let receiver = Receiver::start(Duration::ZERO);
    let (code, said) = test(&receiver, "discord", "/api/webhooks/1/s3cr3t-t0ken");
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("s3cr3t-t0ken"), "{said}");
    let received = receiver.received.lock().unwrap().clone();
    assert_eq!(received.len(), 2, "a firing, and its resolve");
    assert_eq!(received[0].path, "/api/webhooks/1/s3cr3t-t0ken?wait=true");
    let body: serde_json::Value = serde_json::from_str(&received[0].body).unwrap();
    assert_eq!(body["embeds"][0]["title"], "⚠️ Bellwether test message");
    assert_eq!(body["allowed_mentions"]["parse"], serde_json::json!([]));
}

#[test]
fn a_channel_that_refuses_is_said_with_its_answer() {
    let receiver = Receiver::start(Duration::ZERO);
    for kind in ["discord", "slack", "webhook"] {
        let at = if kind == "discord" {
            "/gone?wait=true"
        } else {
            "/gone"
        };
        receiver.refuse(at, &[410]);
        let (code, said) = test(&receiver, kind, "/gone");
        assert_eq!(code, 99, "{said}");
        assert!(said.contains("answered 410"), "{said}");
    }
}
