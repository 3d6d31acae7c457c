//! Scripts of which something breaks off: a conversation, what nobody waits for, what comes once, and time itself.

use super::scripts::{echo, run_here};
use super::standin::serve;
use base64::Engine as _;
use sha1::Digest as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// One that opens every WebSocket, and says this alone before it cuts the connection.
fn cutting(last: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut key = String::new();
            for line in BufReader::new(&stream).lines().map_while(Result::ok) {
                if let Some((name, value)) = line.split_once(": ")
                    && name.eq_ignore_ascii_case("sec-websocket-key")
                {
                    key = value.trim().to_owned();
                }
                if line.is_empty() {
                    break;
                }
            }
            let whole = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
            let accept =
                base64::engine::general_purpose::STANDARD.encode(sha1::Sha1::digest(whole));
            let _ = write!(
                stream,
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
            );
            let _ = stream.write_all(last);
        }
    });
    address
}

const GOOD: &str = "check(http.get(__ENV.URL), { ok: (r) => r.status === 200 });";

#[test]
fn what_breaks_off_is_no_pass() {
    let (address, cut, ended) = (serve(echo), cutting(b""), cutting(b"\x88\x02\x03\xf3"));
    let perform = format!("export default function () {{ {GOOD} }}");
    let socket = |peer: &str| {
        format!(
        "export const options = {{ iterations: 4, thresholds: {{ checks: ['rate==1'] }} }};
        export default function () {{ const s = new WebSocket('ws://{peer}/'); s.onopen = () => check(1, {{ opened: () => true }}); }}"
    )
    };
    let judged = |options: &str, check: &str| {
        format!(
            "export const options = {options};\nexport default function () {{ check(http.get(__ENV.URL), {{ q: {check} }}); }}"
        )
    };
    for (script, code, said) in [
        (socket(&cut), 99, "4 of 8 requests failed"),
        (
            socket(&ended),
            99,
            "the server ended the conversation with 1011",
        ),
        (
            format!(
                "export default function () {{ {GOOD} http.get(`${{__ENV.URL}}/redirect/50`); }}"
            ),
            99,
            "more than 10 redirects",
        ),
        (
            format!("{perform}\nexport function handleSummary() {{ exec.test.fail('no'); }}"),
            98,
            "the script says that it failed: no",
        ),
        (
            format!(
                "{perform}\nexport function handleSummary() {{ check(1, {{ no: () => false }}); }}"
            ),
            98,
            "a request or a check of handleSummary() failed",
        ),
        (
            format!("{perform}\nexport function handleSummary() {{ return 'a report'; }}"),
            98,
            "handleSummary() returned no mapping of files",
        ),
        (
            judged(
                "{ iterations: 4, thresholds: { checks: ['rate>=0'] } }",
                "() => false",
            ),
            99,
            "all 4 checks failed",
        ),
        (
            judged(
                "{ iterations: 4, thresholds: { 'checks{check:good}': ['rate>0.9'] } }",
                "() => false, good: () => true",
            ),
            98,
            "4 of 8 checks failed, and no threshold on `checks` says how many may",
        ),
        (
            judged(
                "{ iterations: 20, thresholds: { checks: ['rate>0.4'] } }",
                "() => false, good: () => true",
            ),
            98,
            "1 of 2 checks never held: `q`",
        ),
        (
            "export const options = { scenarios: { a: { executor: 'shared-iterations', iterations: 20, exec: 'good' }, b: { executor: 'shared-iterations', iterations: 2, exec: 'bad' } }, thresholds: { checks: ['rate>0.5'] } };
            const one = (path, is) => check(http.get(__ENV.URL + path), { served: (r) => is });
            export const good = () => one('/a', true); export const bad = () => one('/b', false);".to_owned(),
            98,
            "every iteration of the scenario `b` failed",
        ),
        (
            judged(
                "{ iterations: 20, thresholds: { checks: ['rate>0.4'] } }",
                "() => __ITER % 2 === 0, good: () => true",
            ),
            0,
            "",
        ),
        (
            format!("Promise.reject(new Error('no token'));\n{perform}"),
            104,
            "no token",
        ),
        (
            format!("(async () => {{ await null; throw new Error('late') }})();\n{perform}"),
            104,
            "late",
        ),
        (
            format!("crypto.subtle.digest('MD5', new ArrayBuffer(1));\n{perform}"),
            104,
            "the hash \"MD5\" is not supported",
        ),
        (
            format!(
                "{perform}\nexport function teardown() {{ http.get(`${{__ENV.URL}}/status/500`); }}"
            ),
            98,
            "something may have been left behind",
        ),
        (
            format!(
                "{perform}\nexport function handleSummary() {{ throw new Error('no report'); }}"
            ),
            98,
            "handleSummary() threw: Error: no report",
        ),
        (
            format!(
                "export default function () {{ {GOOD} new grpc.Client().connect('127.0.0.1:1', {{ plaintext: true }}); }}"
            ),
            99,
            "no connection to http://127.0.0.1:1: ",
        ),
        (
            format!(
                "export default function () {{ {GOOD} new grpc.Client().connect(__ENV.URL.slice(7), {{ plaintext: true, timeout: '2s' }}); }}"
            ),
            99,
            "does not speak HTTP/2",
        ),
    ] {
        let script = format!(
            "import {{ WebSocket }} from 'k6/websockets'; import grpc from 'k6/net/grpc';\n{script}"
        );
        let (ended, told) = run_here(&script, &address, &[]);
        assert_eq!(ended, code, "{script}\n{told}");
        assert!(told.contains(said), "{script}\n{told}");
    }
}

#[test]
fn what_computes_ends_with_its_time() {
    let address = serve(echo);
    for spin in [
        "for (;;);",
        "/(x+x+)+y/.test('x'.repeat(60));",
        "const again = () => Promise.resolve().then(again); return again();",
        "return (async () => { for (;;) await new Promise((done) => setTimeout(done, 0)); })();",
    ] {
        let script = format!(
            "export const options = {{ scenarios: {{ a: {{ executor: 'constant-vus', vus: 3, duration: '1s', gracefulStop: '0s' }} }}, thresholds: {{ checks: ['rate==1'] }} }};
            export default function () {{ {GOOD} {spin} }}"
        );
        let begun = Instant::now();
        let (code, said) = run_here(&script, &address, &[]);
        // Without an end of their own, one user after the other would take ten seconds.
        assert!(begun.elapsed() < Duration::from_secs(9), "{spin}\n{said}");
        assert_eq!(code, 98, "{spin}\n{said}");
        assert!(said.contains("no iteration came to its end"), "{said}");
    }
}
