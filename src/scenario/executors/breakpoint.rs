//! The rate is raised until an objective breaks, then narrowed down.

use super::registry::{ExecutorKind, Fields};
use crate::scenario::compiler::Compiler;
use crate::scenario::load_plan::Executor;
use std::time::Duration;

pub(super) const KIND: ExecutorKind = ExecutorKind {
    name: "breakpoint",
    needs: &["startRate", "maxRate"],
    takes: &[
        "stepDuration",
        "stepFactor",
        "precision",
        "timeUnit",
        "arrivals",
        "preAllocatedVUs",
        "maxVUs",
        "maxWait",
    ],
    read,
};

fn read(compiler: &mut Compiler<'_>, fields: Fields<'_>) -> Option<Executor> {
    let unit = fields.unit();
    let start = fields.number("startRate")? / unit;
    let most = fields.number("maxRate")? / unit;
    let factor = fields.number("stepFactor").unwrap_or(1.5);
    let precision = fields.number("precision").unwrap_or(0.05);
    let is_share = precision > 0.0 && precision < 1.0;
    for (key, holds, wanted) in [
        ("startRate", start > 0.0, "more than 0"),
        ("maxRate", most >= start, "at least `startRate`"),
        ("stepFactor", factor > 1.0, "more than 1"),
        ("precision", is_share, "between 0 and 1"),
    ] {
        if !holds && let Some(node) = fields.node(key) {
            let title = format!("`{key}` must be {wanted}");
            compiler.error("wrong-type", title, node.span, "out of range");
        }
    }
    Some(Executor::Breakpoint {
        start_per_second: start,
        max_per_second: most,
        step_duration: fields
            .time("stepDuration")
            .unwrap_or(Duration::from_secs(10)),
        step_factor: factor,
        precision,
        open: fields.open(most),
    })
}
