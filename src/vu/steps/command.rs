//! A program: its exit code, and what it printed.

use crate::net::connect::micros;
use crate::net::program::Invocation;
use crate::net::{Fault, Phases, program as command};
use crate::scenario::steps::command::Command;
use crate::vu::reply::Reply;
use crate::vu::user::VirtualUser;
use std::time::Instant;

use super::exchange::Attempt;

impl VirtualUser {
    pub(super) async fn command(&mut self, command: &Command, deadline: Instant) -> Attempt {
        let start = Instant::now();
        let prepared = (|| -> Result<Invocation, Fault> {
            Ok(Invocation {
                words: command
                    .words
                    .iter()
                    .map(|word| self.render(word))
                    .collect::<Result<_, _>>()?,
                folder: match &command.folder {
                    Some(folder) => {
                        Some(self.shared.binding.plan.folder.join(self.render(folder)?))
                    }
                    None => Some(self.shared.binding.plan.folder.clone())
                        .filter(|folder| !folder.as_os_str().is_empty()),
                },
                environment: command
                    .environment
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.render(value)?)))
                    .collect::<Result<_, Fault>>()?,
                input: command
                    .input
                    .as_ref()
                    .map(|input| self.render(input))
                    .transpose()?,
            })
        })();
        let invocation = match prepared {
            Ok(invocation) => invocation,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let result = command::run(&invocation, left).await;
        let phases = Phases {
            wait: micros(start),
            ..Phases::default()
        };
        match result {
            Ok(finished) => Attempt {
                reply: Reply {
                    status: Some(finished.code),
                    phases,
                    body: finished.stdout.clone().into(),
                    output: Some((finished.stdout, finished.stderr)),
                    ..Reply::default()
                },
                ..Attempt::default()
            },
            Err(fault) => Attempt::failed(fault, phases),
        }
    }
}
