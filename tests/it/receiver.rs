//! A receiver of webhooks that remembers what came.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A webhook that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// The path it came to.
    pub path: String,
    /// Its headers, in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Received {
    /// A header.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }
}

/// A running receiver; it ends with the process.
#[derive(Clone)]
pub struct Receiver {
    /// Its address.
    pub address: SocketAddr,
    /// What came.
    pub received: Arc<Mutex<Vec<Received>>>,
    /// Statuses to answer with at a path, taken one by one; 200 when there is none left.
    refusals: Arc<Mutex<BTreeMap<String, VecDeque<u16>>>>,
}

impl Receiver {
    /// Starts a receiver that takes its time for each answer.
    pub fn start(delay: Duration) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Receiver {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
            refusals: Arc::default(),
        };
        let keeper = receiver.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let keeper = keeper.clone();
                std::thread::spawn(move || keeper.serve(&stream, delay));
            }
        });
        receiver
    }

    fn serve(&self, mut stream: &TcpStream, delay: Duration) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
                None => break,
            }
        }
        let length = headers
            .iter()
            .find(|(name, _)| name == "content-length")
            .map_or(0, |(_, value)| value.parse().unwrap_or(0));
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8_lossy(&body).into_owned();
        let status = self
            .refusals
            .lock()
            .unwrap()
            .get_mut(&path)
            .and_then(VecDeque::pop_front)
            .unwrap_or(200);
        self.received.lock().unwrap().push(Received {
            path,
            headers,
            body,
        });
        std::thread::park_timeout(delay);
        stream
            .write_all(
                format!("HTTP/1.1 {status} x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
                    .as_bytes(),
            )
            .ok()
    }

    /// Answers with these statuses at a path before it takes anything.
    pub fn refuse(&self, path: &str, statuses: &[u16]) {
        let statuses = statuses.iter().copied().collect();
        self.refusals
            .lock()
            .unwrap()
            .insert(path.to_owned(), statuses);
    }

    /// What came to a path.
    pub fn at(&self, path: &str) -> Vec<Received> {
        self.received
            .lock()
            .unwrap()
            .iter()
            .filter(|received| received.path == path)
            .cloned()
            .collect()
    }

    /// Different webhook ids that came to a path.
    pub fn ids(&self, path: &str) -> Vec<String> {
        let mut ids: Vec<String> = self
            .at(path)
            .iter()
            .map(|received| received.header("webhook-id").to_owned())
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }
}
