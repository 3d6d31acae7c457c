//! Iterations start at a fixed rate.

use super::registry::{ExecutorKind, Fields, OPEN};
use crate::scenario::compiler::Compiler;
use crate::scenario::load_plan::Executor;

pub(super) const KIND: ExecutorKind = ExecutorKind {
    name: "constant-arrival-rate",
    needs: &["rate", "duration"],
    takes: &OPEN,
    read,
};

fn read(compiler: &mut Compiler<'_>, fields: Fields<'_>) -> Option<Executor> {
    let rate = fields.number("rate")? / fields.unit();
    if rate <= 0.0 {
        let span = fields.node("rate")?.span;
        let label = "nothing would start";
        compiler.error("wrong-type", "a rate is more than 0", span, label);
    }
    Some(Executor::ConstantArrivalRate {
        rate_per_second: rate,
        duration: fields.time("duration")?,
        open: fields.open(rate),
    })
}
