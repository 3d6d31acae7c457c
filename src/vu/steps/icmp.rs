//! An echo request, and how long the way there and back takes.

use super::exchange::Attempt;
use crate::net::connect::micros;
use crate::net::{Phases, echo};
use crate::scenario::steps::icmp::Ping;
use crate::vu::reply::Reply;
use crate::vu::user::VirtualUser;
use std::time::Instant;

impl VirtualUser {
    pub(super) async fn icmp(&self, ping: &Ping, deadline: Instant) -> Attempt {
        let host = match self.render(&ping.host) {
            Ok(host) => host,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let start = Instant::now();
        let found = self.first_of(host.trim(), 0, deadline).await;
        let mut phases = Phases {
            resolve: micros(start),
            ..Phases::default()
        };
        let address = match found {
            Ok(address) => address.ip(),
            Err(fault) => return Attempt::failed(fault, phases),
        };
        let begun = Instant::now();
        match echo::echo(address, ping.payload, deadline).await {
            Ok(echo) => {
                phases.wait = echo.round_trip.as_micros() as u64;
                Attempt {
                    end: Some(Instant::now()),
                    reply: Reply {
                        phases,
                        ..Reply::default()
                    },
                    ..Attempt::default()
                }
            }
            Err(fault) => {
                phases.wait = micros(begun);
                Attempt::failed(fault, phases)
            }
        }
    }
}
