//! A DNS question and its answers.

use crate::net::connect::micros;
use crate::net::{Phases, dns};
use crate::scenario::steps::dns::DnsQuestion;
use crate::vu::reply::Reply;
use crate::vu::user::VirtualUser;
use std::time::Instant;

use super::exchange::Attempt;

impl VirtualUser {
    pub(super) async fn dns(&mut self, question: &DnsQuestion, deadline: Instant) -> Attempt {
        let start = Instant::now();
        let prepared = self.render(&question.name).and_then(|name| {
            let server = question
                .server
                .as_ref()
                .map(|server| self.render(server))
                .transpose()?;
            Ok((name, server))
        });
        let (name, server) = match prepared {
            Ok(prepared) => prepared,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let result = dns::ask(&name, &question.record, server.as_deref(), left).await;
        let phases = Phases {
            resolve: micros(start),
            ..Phases::default()
        };
        match result {
            Ok(records) => Attempt {
                reply: Reply {
                    phases,
                    records,
                    ..Reply::default()
                },
                ..Attempt::default()
            },
            Err(fault) => Attempt::failed(fault, phases),
        }
    }
}
