//! Server-sent events from a server that streams, and from some that do not.

use super::support::performed;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";

/// Answers by its path, piece by piece.
fn answer(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = [0; 4_096];
    let read = stream.read(&mut head)?;
    let head = String::from_utf8_lossy(&head[..read]).to_lowercase();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    match path.as_str() {
        "/page" => {
            let body = "<html>log in</html>";
            return write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
        "/busy" => return write!(stream, "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"),
        _ => stream.write_all(HEAD.as_bytes())?,
    }
    let mut chunk = |text: &str| -> std::io::Result<()> {
        write!(stream, "{:x}\r\n{text}\r\n", text.len())?;
        stream.flush()
    };
    chunk(": hello\n\ndata: no json\n\nevent: progress\r\ndata: {\"state\":")?;
    chunk("\"half\",\r\ndata: \"by\": \"")?;
    chunk(if head.contains("last-event-id: 41") {
        "you"
    } else {
        "nobody"
    })?;
    chunk("\"}\r\n\r\n")?;
    match path.as_str() {
        "/done" => chunk("id: 42\nevent: progress\ndata: {\"state\":\"done\"}\n\n")?,
        "/ends" => return write!(stream, "0\r\n\r\n"),
        "/cut" => return Ok(()),
        "/flood" => {
            for _ in 0..30 {
                chunk(&"data: x".repeat(20_000))?;
            }
        }
        _ => {}
    }
    // Nobody says that it is over.
    let _ = stream.read(&mut [0; 16]);
    Ok(())
}

fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                // Whoever asked may have gone.
                let _ = answer(&mut stream);
            });
        }
    });
    address
}

/// Runs one step against an address; exit code and what was said.
fn step(address: &str, path: &str, expect: &str, more: &str) -> (i32, String) {
    let scenario = format!(
        "name: feed\nservice: feed\nbody_limit: 1MiB\nsteps:\n  - name: done\n    events: {{ url: {path}, headers: {{ last-event-id: 41 }}, expect: \"{expect}\" }}\n    timeout: 1s\n{more}"
    );
    performed(("feed", &format!("http://{address}")), &scenario, &[], &[])
}

#[test]
fn lines_of_a_body_that_goes_on_are_events_too() {
    // The events of the stand-in are lines, too.
    let address = serve();
    let lines = |path: &str, expect: &str, more: &str| {
        let scenario = format!(
            "name: feed\nservice: feed\nsteps:\n  - events: {{ url: {path}, format: lines, expect: \"{expect}\" }}\n    timeout: 1s\n{more}"
        );
        performed(("feed", &format!("http://{address}")), &scenario, &[], &[])
    };
    let checks = "    check: [ count == 5, \"event.name == 'message'\" ]\n";
    let (code, said) = lines("/done", "event.data.contains('half')", "");
    assert_eq!(code, 0, "{said}");
    let (code, said) = lines("/done", "text.contains('nobody')", checks);
    assert_eq!(code, 0, "{said}");
    let (code, said) = lines("/ends", "body.state == 'done'", "");
    assert!(
        code == 99 && said.contains("the stream ended before"),
        "{said}"
    );
    let (code, said) = lines("/page", "text == '<html>log in</html>'", "");
    assert_eq!(code, 0, "the last line has no end: {said}");
}

#[test]
fn a_step_waits_for_the_event_that_is_expected() {
    let address = serve();
    let checks = "    check: [ status == 200, \"event.name == 'progress'\", \"event.id == '42'\", count == 3, \"body.state == 'done'\" ]\n    capture: { state: body.state }\n";
    let (code, said) = step(&address, "/done", "body.state == 'done'", checks);
    assert_eq!(code, 0, "{said}");
    let (code, said) = step(
        &address,
        "/silent",
        "event.name == 'progress'",
        "    check: [ \"body.by == 'you'\" ]\n",
    );
    assert_eq!(code, 0, "{said}");
    for (path, expected, said) in [
        (
            "/silent",
            99,
            "no further event came in time; 2 events came before, the last: {\"state\":\"half\"",
        ),
        (
            "/ends",
            99,
            "the stream ended before `body.state == 'done'` held; 2 events came before",
        ),
        ("/cut", 99, "did not hold"),
        ("/flood", 99, "an event is larger than 1048576 bytes"),
        (
            "/page",
            99,
            "no stream of events: its content type is `text/html`",
        ),
        (
            "/busy",
            99,
            "the server answered with status 503, and no events",
        ),
    ] {
        let (code, text) = step(&address, path, "body.state == 'done'", "");
        assert_eq!(code, expected, "{path}: {text}");
        assert!(text.contains(said), "{path}: {text}");
    }
    let load = "load: [ { executor: shared-iterations, vus: 4, iterations: 400 } ]\nobjectives: [ error_rate < 1% ]\n";
    let (code, said) = step(&address, "/done", "body.state == 'done'", load);
    assert_eq!(code, 0, "{said}");
}
