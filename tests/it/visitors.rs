//! Whoever talks to the daemon: half-open requests, slow bodies, few descriptors. Nobody is kept out.

use super::receiver::Receiver;
use super::support::{Daemon, api, eventually, http};
use bellwether::demo::shop::{Deploy, Shop};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const NOBODY: &str = "server: { listen: LISTEN }
environments: { test: { services: { api: { url: \"http://127.0.0.1:1\" } } } }
";

/// Connections that never send what they promise: no byte, half a head, half a body.
fn half_open(address: &str, count: usize) -> Vec<TcpStream> {
    let begun = [
        "",
        "GET /healthz HTTP/1.1\r\nhost: a\r\n",
        "POST /api/v1/gates HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{",
    ];
    (0..count)
        .filter_map(|number| {
            let mut stream = TcpStream::connect(address).ok()?;
            stream.write_all(begun[number % 3].as_bytes()).ok()?;
            Some(stream)
        })
        .collect()
}

/// The slowest but one of twenty answers.
fn slow_answer(address: &str) -> Duration {
    let mut times: Vec<Duration> = (0..20)
        .map(|_| {
            let begun = Instant::now();
            let answer = http(address, "GET", "/healthz", &[], "");
            assert_eq!(answer, Some((200, "ok\n".to_owned())));
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[18]
}

#[test]
fn half_open_connections_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path(), NOBODY, &[]);
    let open = half_open(&daemon.address, 1_000);
    assert!(open.len() > 900, "{}", open.len());
    let slow = slow_answer(&daemon.address);
    assert!(slow < Duration::from_millis(100), "{slow:?}");
}

#[test]
fn a_head_and_a_body_have_a_deadline_each() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path(), NOBODY, &[]);
    let begun = Instant::now();
    for (mut stream, said) in half_open(&daemon.address, 3)
        .into_iter()
        .zip(["", "", "408"])
    {
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut answer = String::new();
        // A connection that is closed, with or without an answer, is at its end.
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.contains(said), "{answer}");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
}

/// Neither does anybody keep a dead deploy from being rolled back.
#[test]
fn with_few_descriptors_a_dead_deploy_is_rolled_back_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let smoke = "name: smoke\nservice: api\nsteps: [ { name: a, get: /health, check: [ status == 418 ] } ]\n";
    std::fs::write(folder.path().join("smoke.yaml"), smoke).unwrap();
    let pipeline = Receiver::start(Duration::ZERO);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let shop = runtime.block_on(Shop::start(Deploy::healthy("2"))).unwrap();
    let text = format!(
        "{}gates:
  shop:
    environment: live
    services: [ api ]
    smoke: [ smoke.yaml ]
    prove: {{ reads: 1, every: 100ms, timeout: 1s }}
    actions: {{ rollback: [ {{ name: back, webhook: {{ url: \"http://{}/back\" }} }} ] }}
",
        NOBODY.replace("test: {", "live: { enforce: true,"),
        pipeline.address
    );
    let serves = format!("\"http://{}\", version: {{ path: /version }}", shop.address);
    let text = text.replace("\"http://127.0.0.1:1\"", &serves);
    let daemon = Daemon::start_with(folder.path(), &text, &[], Some(256));
    let _open = half_open(&daemon.address, 1_000);
    let slow = slow_answer(&daemon.address);
    assert!(slow < Duration::from_millis(100), "{slow:?}");
    let id = daemon.start_gate(&json!({ "gate": "shop", "version": "2" }));
    let gate = eventually("a verdict", Duration::from_secs(30), || {
        api(&daemon.address, &format!("/api/v1/gates/{id}"))
            .filter(|gate| gate["verdict"].is_string())
    });
    assert_eq!(gate["verdict"], "rollback", "{gate}");
}

/// A check on a large reply is refused before it is evaluated: nothing of ours waits for it.
#[test]
fn a_check_on_a_large_reply_hangs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let items: Vec<String> = (0..60_000).map(|number| number.to_string()).collect();
    let body = format!("[{}]", items.join(","));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let reply = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(reply.as_bytes());
        }
    });
    let scenario = "name: big\nservice: api\nsteps:\n  - { get: /, check: [ \"body.map(a, a + 1).filter(a, body.exists(b, b == a)).size() >= 0\" ] }\n";
    std::fs::write(folder.path().join("big.yaml"), scenario).unwrap();
    let text = NOBODY.replace("127.0.0.1:1", &server.to_string())
        + "probes: { big: { scenario: big.yaml, environment: test, interval: 200ms } }\n";
    let daemon = Daemon::start(folder.path(), &text, &[]);
    let probe = eventually("it was tried", Duration::from_secs(20), || {
        let probe = api(&daemon.address, "/api/v1/probes/big")?;
        probe.to_string().contains("cost too much").then_some(probe)
    });
    let slow = slow_answer(&daemon.address);
    assert!(slow < Duration::from_millis(100), "{slow:?} {probe}");
}

/// A name that leads here only for the moment is not answered, and whoever comes through a proxy on
/// this machine is nobody of this machine.
#[test]
fn a_page_of_elsewhere_and_a_proxy_are_nobody_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let text = NOBODY.replace(
        "listen: LISTEN",
        "listen: LISTEN, public_url: \"https://gates.example.com\"",
    );
    let daemon = Daemon::start(folder.path(), &text, &[]);
    let ask = |head: &str| {
        let mut stream = TcpStream::connect(&daemon.address).unwrap();
        let request = format!("{head}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let status = |head: &str| ask(head).split(' ').nth(1).unwrap().to_owned();
    let own = &daemon.address;
    assert_eq!(status("GET / HTTP/1.1\r\nhost: evil.example.com"), "421");
    assert_eq!(status("GET / HTTP/1.1\r\nhost: gates.example.com"), "200");
    assert_eq!(status(&format!("GET / HTTP/1.1\r\nhost: {own}")), "200");
    let order = |more: &str| {
        status(&format!(
            "POST /api/v1/reload HTTP/1.1\r\nhost: {own}{more}"
        ))
    };
    assert_eq!(order(""), "200");
    for header in [
        "x-forwarded-for: 10.0.0.1",
        "forwarded: for=10.0.0.1",
        "via: 1.1 proxy",
    ] {
        assert_eq!(order(&format!("\r\n{header}")), "403", "{header}");
    }
    let page = ask(&format!("GET / HTTP/1.1\r\nhost: {own}")).to_ascii_lowercase();
    assert!(
        page.contains("content-security-policy: default-src 'none'"),
        "{page}"
    );
}
