//! Virtual users share one count of iterations.

use super::registry::{ExecutorKind, Fields};
use crate::scenario::compiler::Compiler;
use crate::scenario::load_plan::Executor;
use std::time::Duration;

pub(super) const KIND: ExecutorKind = ExecutorKind {
    name: "shared-iterations",
    needs: &[],
    takes: &["vus", "iterations", "maxDuration"],
    read,
};

fn read(compiler: &mut Compiler<'_>, fields: Fields<'_>) -> Option<Executor> {
    let vus = fields.count("vus", 1);
    let iterations = fields.count("iterations", vus);
    if iterations < vus {
        let title = format!("{iterations} iterations cannot be shared by {vus} virtual users");
        let span = fields.node("iterations")?.span;
        compiler.error("wrong-type", title, span, "fewer than `vus`");
    }
    Some(Executor::SharedIterations {
        vus,
        iterations,
        max_duration: fields
            .time("maxDuration")
            .unwrap_or(Duration::from_secs(600)),
    })
}
