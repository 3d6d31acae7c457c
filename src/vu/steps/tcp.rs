//! A TCP connection: opened, timed, talked on, and closed.

use super::exchange::Attempt;
use crate::net::dialogue::{self, Heard, RECEIVED_MAX, Turn};
use crate::net::{ErrorClass, Fault, Phases};
use crate::scenario::steps::tcp::{self, Connection};
use crate::vu::reply::Reply;
use crate::vu::user::VirtualUser;
use std::time::Instant;
use tokio::time::timeout_at;

impl VirtualUser {
    pub(super) async fn tcp(&mut self, connection: &Connection, deadline: Instant) -> Attempt {
        let prepared = self.address(&connection.host, None);
        let prepared = prepared.and_then(|address| Ok((address, self.turns(connection)?)));
        let ((host, port), turns) = match prepared {
            Ok(prepared) => prepared,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let connector = &self.shared.binding.connector;
        let (mut stream, mut phases) = match connector.tcp(&host, port, deadline).await {
            Ok(connected) => connected,
            Err((fault, phases)) => return Attempt::failed(fault, phases),
        };
        if turns.is_empty() {
            let reply = Reply {
                phases,
                ..Reply::default()
            };
            return Attempt {
                reply,
                ..Attempt::default()
            };
        }
        let start = Instant::now();
        let mut heard = Heard::new(RECEIVED_MAX);
        let talk = dialogue::hold(&mut stream, &turns, &mut heard);
        let held = timeout_at(deadline.into(), talk).await;
        let done = held.unwrap_or_else(|_| {
            let detail = format!("the awaited line did not come, but {}", heard.last());
            Err(Fault::new(ErrorClass::TimeoutWait, detail))
        });
        let body = heard.all();
        let end = Instant::now();
        phases.wait = end.saturating_duration_since(start).as_micros() as u64;
        Attempt {
            end: Some(end),
            bytes_received: body.len() as u64,
            reply: Reply {
                body,
                phases,
                ..Reply::default()
            },
            fault: done.err(),
            ..Attempt::default()
        }
    }

    fn turns(&self, connection: &Connection) -> Result<Vec<Turn>, Fault> {
        let turn = |turn: &tcp::Turn| match turn {
            tcp::Turn::Send(text) => self.render(text).map(Turn::Send),
            tcp::Turn::Expect(pattern) => Ok(Turn::Expect(pattern.clone())),
        };
        connection.exchange.iter().map(turn).collect()
    }
}
