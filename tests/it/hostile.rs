//! A server that misbehaves on purpose, one way for each path.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A running server; it ends with the process.
pub struct Hostile {
    /// Its address.
    pub address: SocketAddr,
    /// Requests that it read.
    pub requests: Arc<AtomicU64>,
}

impl Hostile {
    /// Starts a server.
    pub fn start() -> Hostile {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicU64::new(0));
        let count = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let count = count.clone();
                std::thread::spawn(move || serve(&stream, &count));
            }
        });
        Hostile { address, requests }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn serve(stream: &TcpStream, count: &AtomicU64) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        count.fetch_add(1, Ordering::SeqCst);
        let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
        if !answer(stream, &path, &head, &body) {
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
    }
}

fn reply(mut stream: &TcpStream, status: &str, headers: &str, body: &str) -> bool {
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).is_ok()
}

/// Answers a request; whether the connection stays open.
fn answer(mut stream: &TcpStream, path: &str, head: &str, body: &[u8]) -> bool {
    let json = "content-type: application/json\r\n";
    match path.split('?').next().unwrap_or_default() {
        "/ok" => reply(stream, "200 OK", "", "ok\n"),
        "/json" => reply(
            stream,
            "200 OK",
            json,
            "{\"id\": \"00123\", \"n\": 12345678901234, \"list\": [1, 2.5, null, true]}",
        ),
        "/html" => reply(
            stream,
            "200 OK",
            "content-type: text/html\r\n",
            "<!doctype html><title>Single page</title>",
        ),
        "/echo" => {
            let echo = serde_json::json!({ "head": head, "body": String::from_utf8_lossy(body) })
                .to_string();
            reply(stream, "200 OK", json, &echo)
        }
        "/unauthorized" => reply(stream, "401 Unauthorized", "", "who are you"),
        "/limited" => reply(
            stream,
            "429 Too Many Requests",
            "retry-after: 1\r\n",
            "slow down",
        ),
        "/broken" => reply(stream, "500 Internal Server Error", "", "oops"),
        "/loop" => reply(stream, "302 Found", "location: /loop\r\n", ""),
        "/cookie" => reply(
            stream,
            "200 OK",
            "set-cookie: sid=abc; HttpOnly; Path=/\r\n",
            "",
        ),
        "/hang" => {
            std::thread::park_timeout(Duration::from_secs(30));
            false
        }
        "/reset" => {
            let socket = socket2::SockRef::from(stream);
            let _ = socket.set_linger(Some(Duration::ZERO));
            false
        }
        "/close" => false,
        "/half" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this");
            false
        }
        "/longer" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nmore than two");
            true
        }
        "/garbage" => {
            let _ = stream.write_all(b"\x16\x03\x01 this is not HTTP at all\r\n\r\n");
            false
        }
        "/drip" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
            for _ in 0..1000 {
                if stream.write_all(b".").is_err() {
                    return false;
                }
                std::thread::park_timeout(Duration::from_millis(50));
            }
            true
        }
        "/endless" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            while stream.write_all(chunk.as_bytes()).is_ok() {}
            false
        }
        "/headers" => {
            let many: String = (0..100_000).map(|n| format!("x-{n}: y\r\n")).collect();
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{many}\r\n").as_bytes());
            false
        }
        _ => reply(stream, "404 Not Found", "", "nothing here"),
    }
}
