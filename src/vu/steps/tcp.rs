//! A TCP connection: opened, timed, and closed.

use crate::net::Phases;
use crate::scenario::template::Template;
use crate::vu::reply::Reply;
use crate::vu::user::VirtualUser;
use std::time::Instant;

use super::exchange::Attempt;

impl VirtualUser {
    pub(super) async fn tcp(&mut self, address: &Template, deadline: Instant) -> Attempt {
        let (host, port) = match self.address(address, None) {
            Ok(address) => address,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        match self
            .shared
            .binding
            .connector
            .tcp(&host, port, deadline)
            .await
        {
            Ok((_, phases)) => Attempt {
                reply: Reply {
                    phases,
                    ..Reply::default()
                },
                ..Attempt::default()
            },
            Err((fault, phases)) => Attempt::failed(fault, phases),
        }
    }
}
