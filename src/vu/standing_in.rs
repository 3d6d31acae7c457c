//! Weaker evidence: what a step that failed, and the one in its place, come to.
//!
//! Invariant: what was not performed stands for nothing.

use super::judging::Failure;
use super::sample::Sink;
use super::user::VirtualUser;
use crate::scenario::plan::Step;

/// What became of a step that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Did {
    /// It was performed, and passed.
    Performed,
    /// It was left out, or only waited.
    Nothing,
}

impl VirtualUser {
    /// What the two come to, of which one stands in for the other that failed.
    pub(super) fn stood_in(
        &self,
        step: &Step,
        (stronger, failure): (&Step, Failure),
        result: Result<Did, Failure>,
        sink: &impl Sink,
    ) -> Result<Did, Failure> {
        let (name, why) = (&stronger.name, || self.explained(&failure));
        sink.failure(stronger.index, failure.class, &|| self.shown(&why()));
        match result {
            Ok(Did::Nothing) => Err(failure),
            Ok(Did::Performed) => {
                sink.warned(step.index, &|| {
                    self.shown(&format!(
                        "weaker evidence stands for `{name}`, which failed: {}",
                        why()
                    ))
                });
                Ok(Did::Performed)
            }
            Err(weaker) => Err(Failure {
                // What speaks against the product counts for more than what leaves us in doubt.
                class: match weaker.class.is_inconclusive() {
                    true => failure.class,
                    false => weaker.class,
                },
                detail: format!("{}; before it `{name}` failed: {}", weaker.detail, why()),
                body: weaker.body,
            }),
        }
    }
}
