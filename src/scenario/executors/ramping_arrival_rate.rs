//! Iterations start at a rate that changes in straight lines.

use super::registry::{ExecutorKind, Fields};
use crate::scenario::compiler::Compiler;
use crate::scenario::load_plan::Executor;

pub(super) const KIND: ExecutorKind = ExecutorKind {
    name: "ramping-arrival-rate",
    needs: &["stages"],
    takes: &[
        "startRate",
        "timeUnit",
        "arrivals",
        "preAllocatedVUs",
        "maxVUs",
        "maxWait",
    ],
    read,
};

fn read(_: &mut Compiler<'_>, fields: Fields<'_>) -> Option<Executor> {
    let unit = fields.unit();
    let start = fields.number("startRate").unwrap_or(0.0) / unit;
    let stages = fields.stages(unit);
    let targets = stages.iter().map(|stage| stage.target);
    let most = targets.fold(start, f64::max);
    Some(Executor::RampingArrivalRate {
        start_per_second: start,
        stages,
        open: fields.open(most),
    })
}
