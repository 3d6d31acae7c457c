//! Virtual users loop for a time.

use super::registry::{ExecutorKind, Fields};
use crate::scenario::compiler::Compiler;
use crate::scenario::load_plan::Executor;

pub(super) const KIND: ExecutorKind = ExecutorKind {
    name: "constant-vus",
    needs: &["duration"],
    takes: &["vus"],
    read,
};

fn read(_: &mut Compiler<'_>, fields: Fields<'_>) -> Option<Executor> {
    Some(Executor::ConstantVus {
        vus: fields.count("vus", 1),
        duration: fields.time("duration")?,
    })
}
