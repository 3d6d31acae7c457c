//! Steps of `udp` and `ntp` against stand-ins of such servers, and of `domain` against one of a registry.

use super::standin::{Answer, Asked, json, of, serve_by};
use super::support::performed;
use serde_json::json;
use std::net::UdpSocket;

/// A server of datagrams; it answers with what it is told to. Its address.
fn peer(answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut asked = [0; 2_048];
        while let Ok((length, from)) = socket.recv_from(&mut asked) {
            for answer in answer(&asked[..length]) {
                socket.send_to(&answer, from).unwrap();
            }
        }
    });
    address
}

fn step(step: &str, checks: &str) -> (i32, String) {
    let scenario = format!(
        "name: one\nsteps:\n  - name: one\n    {step}\n    timeout: 1s\n    check: [ {checks} ]\n"
    );
    performed(("a", "http://127.0.0.1"), &scenario, &[], &[])
}

#[test]
fn a_datagram_is_answered_or_it_is_said_what_came() {
    let echo = peer(|asked| vec![b"noise".to_vec(), [b"pong ", asked].concat()]);
    let silent = peer(|_| Vec::new());
    let bytes = peer(|asked| vec![asked.iter().map(|byte| !byte).collect()]);
    let nobody = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (udp, checks, code, said) in [
        (
            format!("{{ host: \"{echo}\", send: ping, expect: \"^pong\" }}"),
            "text == 'pong ping'",
            0,
            "",
        ),
        (
            format!("{{ host: \"{echo}\", send: ping }}"),
            "text == 'noise'",
            0,
            "",
        ),
        (
            format!("{{ host: \"{bytes}\", send_hex: \"ff 00\\n7F\" }}"),
            "bytes == b'\\x00\\xff\\x80'",
            0,
            "",
        ),
        (
            format!("{{ host: \"{echo}\", send: ping, expect: \"^never$\" }}"),
            "true",
            99,
            "2 that did not fit `expect` came",
        ),
        (
            format!("{{ host: \"{silent}\", send: ping }}"),
            "true",
            99,
            "timeout",
        ),
        (
            format!("{{ host: \"{nobody}\", send: ping }}"),
            "true",
            99,
            "refused",
        ),
    ] {
        let (ended, told) = step(&format!("udp: {udp}"), checks);
        assert_eq!(ended, code, "{udp}\n{told}");
        assert!(told.contains(said), "{said}\n{told}");
    }
}

/// What a server of time answers whose clock is so many seconds ahead.
fn time(asked: &[u8], head: [u8; 2], ahead: f64) -> Vec<u8> {
    let mut packet = vec![0; 48];
    packet[..2].copy_from_slice(&head);
    packet[12..16].copy_from_slice(b"RATE");
    packet[24..32].copy_from_slice(&asked[40..48]);
    let now = chrono::Utc::now().timestamp_micros() as f64 / 1e6 + 2_208_988_800.0 + ahead;
    for at in [32, 40] {
        packet[at..at + 4].copy_from_slice(&(now.trunc() as u32).to_be_bytes());
        let part = (now.fract() * 4_294_967_296.0) as u32;
        packet[at + 4..at + 8].copy_from_slice(&part.to_be_bytes());
    }
    packet
}

#[test]
fn a_clock_is_held_against_ours() {
    for (head, ahead, more, checks, code, said) in [
        (
            [0x24, 2],
            0.0,
            ", within: 500ms",
            "ntp.offset_ms < 500.0, ntp.stratum == 2, ntp.delay_ms >= 0.0",
            0,
            "",
        ),
        ([0x24, 2], 90.0, "", "ntp.offset_ms > 89000.0", 0, ""),
        (
            [0x24, 2],
            -90.0,
            ", within: 1s",
            "ntp.synchronized",
            99,
            "ms behind ours, and 1s are allowed",
        ),
        (
            [0xe4, 0x10],
            0.0,
            "",
            "ntp.stratum == 16",
            99,
            "does not know the time (stratum 16)",
        ),
        ([0x24, 0], 0.0, "", "true", 98, "it answers `RATE`"),
    ] {
        let address = peer(move |asked| vec![b"noise".to_vec(), time(asked, head, ahead)]);
        let (ended, told) = step(&format!("ntp: {{ host: \"{address}\"{more} }}"), checks);
        assert_eq!(ended, code, "{told}");
        assert!(told.contains(said), "{said}\n{told}");
    }
}

fn registry(asked: &Asked) -> Answer {
    let about = |name: &str, days: i64| {
        let end = chrono::Utc::now() + chrono::Duration::days(days) + chrono::Duration::hours(1);
        let events = json!([{ "eventAction": "expiration", "eventDate": end.to_rfc3339() }]);
        json(
            200,
            json!({ "objectClassName": "domain", "ldhName": name, "events": events, "status": ["active"] }),
        )
    };
    match asked.path.as_str() {
        "/domain/shop.example" => about("shop.example", 40),
        "/domain/xn--bcher-kva.example" => about("XN--BCHER-KVA.EXAMPLE", 40),
        "/domain/over.example" => about("over.example", -3),
        "/domain/moved.example" => Answer {
            status: 302,
            headers: vec![("location", format!("http://{}/elsewhere", asked.host))],
            body: String::new(),
        },
        "/elsewhere" => about("moved.example", 20),
        "/domain/page.example" => of(200, "text/html", "<html>"),
        "/domain/busy.example" => json(429, json!({})),
        _ => json(404, json!({ "errorCode": 404 })),
    }
}

#[test]
fn a_registry_says_when_a_domain_ends() {
    let address = serve_by(registry);
    for (name, code, said) in [
        ("shop.example", 0, ""),
        ("Bücher.example.", 0, ""),
        ("moved.example", 99, "`domain.days_left > 30` does not hold"),
        ("over.example", 99, "`over.example` ended 3.0 days ago"),
        ("api.shop.example", 99, "knows no domain `api.shop.example`"),
        ("page.example", 98, "what it answered is not JSON"),
        ("busy.example", 98, "it answered 429"),
    ] {
        let domain = format!("domain: {{ name: \"{name}\", registry: \"http://{address}/\" }}");
        let (ended, told) = step(&domain, "domain.days_left > 30");
        assert_eq!(ended, code, "{name}\n{told}");
        assert!(told.contains(said), "{said}\n{told}");
    }
}
