//! The number of looping virtual users changes in straight lines.

use super::registry::{ExecutorKind, Fields};
use crate::scenario::compiler::Compiler;
use crate::scenario::load_plan::Executor;
use std::time::Duration;

pub(super) const KIND: ExecutorKind = ExecutorKind {
    name: "ramping-vus",
    needs: &["stages"],
    takes: &["startVUs", "gracefulRampDown"],
    read,
};

fn read(_: &mut Compiler<'_>, fields: Fields<'_>) -> Option<Executor> {
    Some(Executor::RampingVus {
        start: fields.count("startVUs", 1),
        stages: fields.stages(1.0),
        graceful_ramp_down: fields
            .time("gracefulRampDown")
            .unwrap_or(Duration::from_secs(30)),
    })
}
