//! Each virtual user makes its own iterations.

use super::registry::{ExecutorKind, Fields};
use crate::scenario::compiler::Compiler;
use crate::scenario::load_plan::Executor;
use std::time::Duration;

pub(super) const KIND: ExecutorKind = ExecutorKind {
    name: "per-vu-iterations",
    needs: &[],
    takes: &["vus", "iterations", "maxDuration"],
    read,
};

fn read(_: &mut Compiler<'_>, fields: Fields<'_>) -> Option<Executor> {
    Some(Executor::PerVuIterations {
        vus: fields.count("vus", 1),
        iterations: fields.count("iterations", 1),
        max_duration: fields
            .time("maxDuration")
            .unwrap_or(Duration::from_secs(600)),
    })
}
