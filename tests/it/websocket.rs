//! WebSocket steps against a real server, and against one that lies.

use super::support::{performed, websocket_peer};
use std::io::{Read, Write};
use std::net::TcpListener;

/// Runs one step against an address; exit code and what was said.
fn step(address: &str, websocket: &str, more: &str) -> (i32, String) {
    let scenario = format!(
        "name: feed\nservice: feed\nsteps:\n  - name: price\n    websocket: {websocket}\n    timeout: 2s\n{more}"
    );
    performed(("feed", &format!("http://{address}")), &scenario, &[], &[])
}

#[test]
fn a_websocket_step_waits_for_the_message_that_is_expected() {
    let Some((address, _peer)) = websocket_peer() else {
        return;
    };
    let (code, said) = step(
        &address,
        "{ url: /hello, send: '{\"subscribe\": \"oil\"}', expect: \"body.type == 'price'\" }",
        "    check: [ status == 101, \"body.of == 'oil'\", body.price > 0 ]\n    capture: { price: body.price }\n",
    );
    assert_eq!(code, 0, "{said}");
    // A check on the message fails like any other.
    let (code, said) = step(
        &address,
        "{ url: /hello, expect: \"body.type == 'welcome'\" }",
        "    check: [ body.price > 0 ]\n",
    );
    assert_eq!(code, 99, "{said}");
    for (path, wanted) in [
        (
            "/silent",
            [
                "no further message came in time",
                "1 messages came before, the last: {\"type\": \"welcome\"}",
            ],
        ),
        (
            "/close",
            [
                "closed with code 4001: no seat left",
                "no message came before",
            ],
        ),
    ] {
        let websocket = format!("{{ url: {path}, expect: \"body.type == 'price'\" }}");
        let (code, said) = step(&address, &websocket, "");
        assert_eq!(code, 99, "{said}");
        assert!(wanted.iter().all(|text| said.contains(text)), "{said}");
    }
    // A page in the place of a WebSocket is a failure, whatever the checks allow its status to be.
    let (code, said) = step(
        &address,
        "{ url: /page, expect: 'true' }",
        "    check: [ status < 500 ]\n",
    );
    assert_eq!(code, 99, "{said}");
    assert!(
        said.contains("refused the WebSocket with status 200"),
        "{said}"
    );
    // A refusal says nothing about the feed itself, as with any other exchange: 401 is inconclusive.
    let websocket = format!(
        "{{ url: \"ws://{address}/hello\", headers: {{ authorization: Bearer wrong }}, expect: 'true' }}"
    );
    let (code, said) = step(&address, &websocket, "");
    assert_eq!(code, 98, "{said}");
    assert!(
        said.contains("refused the WebSocket with status 401"),
        "{said}"
    );
}

/// A server that answers 101 to anything is no WebSocket.
#[test]
fn whoever_does_not_answer_the_key_is_not_believed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: bm8=\r\n\r\n\x81\x02ok");
        }
    });
    let (code, said) = step(&address, "{ url: /, expect: \"text == 'ok'\" }", "");
    assert_eq!(code, 99, "{said}");
    assert!(said.contains("not to this key"), "{said}");
}
