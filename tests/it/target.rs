//! A target of probes that does as it is told, path by path: answers, fails, or hangs.

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it does at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// 200.
    Answers,
    /// This status.
    Says(u16),
    /// Nothing, for a minute.
    Hangs,
}

/// A running target; it ends with the process.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    deeds: Arc<Mutex<BTreeMap<String, Deed>>>,
    /// Connections that were opened.
    pub connections: Arc<AtomicU64>,
    /// Requests by path.
    pub requests: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Target {
    pub fn start() -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target {
            address: listener.local_addr().unwrap(),
            deeds: Arc::default(),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let keeper = target.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                keeper.connections.fetch_add(1, Relaxed);
                let keeper = keeper.clone();
                std::thread::spawn(move || keeper.serve(&stream));
            }
        });
        target
    }

    /// What it does from now on at paths that begin so.
    pub fn at(&self, path: &str, deed: Deed) {
        self.deeds.lock().unwrap().insert(path.to_owned(), deed);
    }

    /// Requests so far at a path.
    pub fn asked(&self, path: &str) -> u64 {
        self.requests
            .lock()
            .unwrap()
            .get(path)
            .copied()
            .unwrap_or(0)
    }

    fn serve(&self, mut stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let path = super::support::next_path(&mut reader)?;
            *self
                .requests
                .lock()
                .unwrap()
                .entry(path.clone())
                .or_default() += 1;
            let deeds = self.deeds.lock().unwrap().clone();
            // The longest beginning counts.
            let fitting = deeds
                .iter()
                .filter(|(begin, _)| path.starts_with(begin.as_str()));
            let deed = fitting.max_by_key(|(begin, _)| begin.len());
            let status = match deed.map_or(Deed::Answers, |(_, deed)| *deed) {
                Deed::Answers => 200,
                Deed::Says(status) => status,
                Deed::Hangs => {
                    std::thread::park_timeout(Duration::from_secs(60));
                    return None;
                }
            };
            let reply = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\nok");
            stream.write_all(reply.as_bytes()).ok()?;
        }
    }
}
