//! A DNS question and its answers.

use crate::net::connect::micros;
use crate::net::dns::{self, Found};
use crate::net::{ErrorClass, Fault, Phases};
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
            Ok(found) => {
                let (records, fault) = match (found, question.absent) {
                    (Found::Records(records), false) => (records, None),
                    (Found::Nothing(_), true) => (Vec::new(), None),
                    (Found::Nothing(why), false) => {
                        (Vec::new(), Some(Fault::new(ErrorClass::NoRecord, why)))
                    }
                    (Found::Records(records), true) => {
                        let all = records.join(", ");
                        let why = format!(
                            "`{name}` has records of the type {}: {all}",
                            question.record
                        );
                        (records, Some(Fault::new(ErrorClass::Check, why)))
                    }
                };
                Attempt {
                    reply: Reply {
                        phases,
                        records,
                        ..Reply::default()
                    },
                    fault,
                    ..Attempt::default()
                }
            }
            Err(fault) => Attempt::failed(fault, phases),
        }
    }
}
