//! A bot of Slack on the real daemon, against a workspace that forgets to answer once.

use super::support::{Daemon, eventually, http};
use super::target::{Deed, Target};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

/// Keeps messages as Slack does: the newest first in its history.
#[derive(Clone)]
struct Workspace {
    address: SocketAddr,
    messages: Arc<Mutex<Vec<Value>>>,
    /// Messages that are taken without an answer.
    silent: Arc<Mutex<u32>>,
}

impl Workspace {
    fn start() -> Workspace {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let workspace = Workspace {
            address: listener.local_addr().unwrap(),
            messages: Arc::default(),
            silent: Arc::new(Mutex::new(1)),
        };
        let keeper = workspace.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                keeper.serve(&stream);
            }
        });
        workspace
    }

    fn serve(&self, mut stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        let header = |name: &str| {
            head.iter()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_default()
                .to_owned()
        };
        let mut body = vec![0; header("content-length: ").parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        let asked = String::from_utf8_lossy(&body).into_owned();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let path = head.first()?.split(' ').nth(1)?.to_owned();
        let answer = match (header("authorization: ").as_str(), path.as_str()) {
            ("Bearer xoxb-a-bot", "/chat.postMessage") => {
                let mut messages = self.messages.lock().unwrap();
                let ts = format!("17900000{}.000100", messages.len());
                let mut message = body;
                message["ts"] = ts.clone().into();
                messages.push(message);
                let mut silent = self.silent.lock().unwrap();
                if *silent > 0 {
                    *silent -= 1;
                    return None;
                }
                json!({ "ok": true, "ts": ts })
            }
            ("Bearer xoxb-a-bot", "/conversations.replies") => {
                let messages = self.messages.lock().unwrap().clone();
                json!({ "ok": true, "messages": messages })
            }
            ("Bearer xoxb-a-bot", "/conversations.history")
                if asked.starts_with("channel=C0123456789&oldest=") =>
            {
                let mut messages = self.messages.lock().unwrap().clone();
                // Answers in threads are not in the history, unless they are shown there too.
                messages.retain(|message| {
                    message["thread_ts"].is_null() || message["reply_broadcast"] == true
                });
                messages.reverse();
                json!({ "ok": true, "messages": messages })
            }
            _ => json!({ "ok": false, "error": "invalid_auth" }),
        };
        let answer = answer.to_string();
        let length = answer.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
        )
        .ok()
    }
}

#[test]
fn a_bot_keeps_a_thread_for_each_incident_and_says_nothing_twice() {
    let (folder, workspace, target) = (
        tempfile::tempdir().unwrap(),
        Workspace::start(),
        Target::start(),
    );
    std::fs::write(
        folder.path().join("get.yaml"),
        "name: get\nservice: shop\nsteps: [ { name: get, get: / } ]\n",
    )
    .unwrap();
    let text = format!(
        "server: {{ listen: LISTEN }}\nsecrets: {{ BOT: {{ env: BOT }} }}\nenvironments: {{ production: {{ services: {{ shop: {{ url: \"http://{}\" }} }} }} }}\n\
         channels: {{ team: {{ slack: {{ token: \"${{secrets.BOT}}\", channel: C0123456789, api: \"http://{}\" }} }} }}\n\
         probes: {{ shop: {{ scenario: get.yaml, environment: production, interval: 200ms, failures: 2, tell: [team] }} }}\n",
        target.address, workspace.address
    );
    target.at("/", Deed::Says(500));
    let daemon = Daemon::start(folder.path(), &text, &[("BOT", "xoxb-a-bot")]);
    let said = || workspace.messages.lock().unwrap().clone();
    eventually("it is told", SOON, || said().first().cloned());
    // People who are on the page have it.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = "by=jane&comment=on+it";
    let (status, _) = http(
        &daemon.address,
        "POST",
        "/incidents/1/acknowledge",
        &form,
        body,
    )
    .unwrap();
    assert_eq!(status, 303);
    let page = http(&daemon.address, "GET", "/incidents/1", &[], "")
        .unwrap()
        .1;
    assert!(
        page.contains("jane has it") && page.contains("Silence what is in it"),
        "{page}"
    );
    target.at("/", Deed::Answers);
    let all = eventually("its end is told", SOON, || {
        let all = said();
        all.iter()
            .any(|message| message["text"] == "✅ shop is up again")
            .then_some(all)
    });
    let texts: Vec<&str> = all
        .iter()
        .filter_map(|message| message["text"].as_str())
        .collect();
    assert_eq!(
        texts
            .iter()
            .filter(|text| **text == "🚨 shop is down")
            .count(),
        1,
        "the message whose answer was lost is not said again: {texts:?}"
    );
    let first = &all[0];
    assert_eq!(
        (&first["channel"], &first["thread_ts"]),
        (&json!("C0123456789"), &Value::Null)
    );
    for later in &all[1..] {
        assert_eq!(later["thread_ts"], first["ts"], "{later}");
    }
    assert_eq!(all.last().unwrap()["reply_broadcast"], true);
    assert!(!daemon.log().contains("xoxb-a-bot"));
    // What was silenced on the page is silenced by its label.
    target.at("/", Deed::Says(500));
    eventually("it is down again", SOON, || {
        let incidents = super::support::api(&daemon.address, "/api/v1/incidents")?;
        incidents.as_array()?.first()?["id"].as_i64()
    });
    let body = "by=jane&for=2h&comment=known";
    let (status, _) = http(&daemon.address, "POST", "/incidents/2/silence", &form, body).unwrap();
    assert_eq!(status, 303);
    let silences = super::support::api(&daemon.address, "/api/v1/silences")
        .unwrap()
        .to_string();
    assert!(
        silences.contains("probe=shop") && silences.contains("jane"),
        "{silences}"
    );
    let elsewhere = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "https://evil.example"),
    ];
    let (status, _) = http(
        &daemon.address,
        "POST",
        "/incidents/2/silence",
        &elsewhere,
        body,
    )
    .unwrap();
    assert_eq!(status, 403, "a page of another site silences nothing");
}
