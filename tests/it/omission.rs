//! Coordinated omission: a server that stalls must look as bad as it is.
//!
//! Method: 200 arrivals a second for 30 s against a server that answers nothing for one second
//! in every ten. One arrival in ten meets a stall, with a rest of it that is even between 0 and
//! 1 s, so the truth is p95 = 500 ms and p99 = 900 ms. A tool that waits for one answer before it
//! sends the next request, or drops what it cannot send, reports a few milliseconds.

use super::support::{bellwether, next_request, undisturbed};
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_secs(10);
const STALL: Duration = Duration::from_secs(1);

fn serve(mut stream: &TcpStream, start: Instant) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        next_request(&mut reader)?;
        let at = Duration::from_nanos((start.elapsed().as_nanos() % PERIOD.as_nanos()) as u64);
        if at >= PERIOD - STALL {
            std::thread::park_timeout(PERIOD - at);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .ok()?;
    }
}

#[test]
fn a_stalled_server_looks_as_bad_as_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let start = Instant::now();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(&stream, start));
        }
    });
    let (_, out, err) = undisturbed(|| {
        let mut command = bellwether();
        command.args(["run", "--url", &format!("http://{address}/")]);
        command.args(["--rate", "200", "--duration", "30s", "--json", "-"]);
        command
    });
    let report: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
    assert_eq!(report["requests"], 6_001, "nothing is dropped");
    assert_eq!(report["errors"], 0);
    for (quantile, truth) in [("p95", 500_000.0), ("p99", 900_000.0)] {
        let seen = report["latency_us"][quantile].as_f64().unwrap();
        let off = (seen / truth - 1.0).abs();
        assert!(
            off < 0.05,
            "{quantile} is {seen} µs, {:.1} % off",
            off * 100.0
        );
    }
}
