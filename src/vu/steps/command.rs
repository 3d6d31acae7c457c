//! A program: its exit code, and what it printed.

use crate::limits::COMMAND_OUTPUT_BYTES_MAX;
use crate::net::connect::micros;
use crate::net::{Phases, program};
use crate::scenario::steps::command::Command;
use crate::vu::reply::Reply;
use crate::vu::user::VirtualUser;
use crate::witness::said::Said;
use std::time::Instant;

use super::exchange::Attempt;

impl VirtualUser {
    pub(super) async fn command(&mut self, command: &Command, deadline: Instant) -> Attempt {
        let start = Instant::now();
        let invocation = match self.invocation(command) {
            Ok(invocation) => invocation,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let report = command.report.as_ref();
        let awaited =
            report.map(|report| self.awaited_report(report, invocation.folder.as_deref()));
        let awaited = match awaited.transpose() {
            Ok(awaited) => awaited,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let result = program::run(&invocation, left).await;
        let phases = Phases {
            wait: micros(start),
            ..Phases::default()
        };
        let mut attempt = match result {
            Ok(finished) => Attempt {
                reply: Reply {
                    status: Some(finished.code),
                    phases,
                    body: finished.stdout.clone().into(),
                    said: finished.is_cut.then(cut),
                    output: Some((finished.stdout, finished.stderr)),
                    ..Reply::default()
                },
                ..Attempt::default()
            },
            Err(fault) => Attempt::failed(fault, phases),
        };
        if let Some(awaited) = awaited.filter(|_| attempt.fault.is_none()) {
            awaited
                .read(&mut attempt, &self.shared.binding.redactor)
                .await;
        }
        attempt
    }
}

/// What was not looked at may hold anything.
fn cut() -> Box<Said> {
    Box::new(Said::doubt(format!(
        "what it printed was looked at only so far: it is more than {COMMAND_OUTPUT_BYTES_MAX} bytes, or something that it left behind still prints; a `logs` step reads all of it"
    )))
}
