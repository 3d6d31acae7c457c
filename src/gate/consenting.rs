//! A rollback that is unsafe alone, since the deploy changed the database. Pure, a part of the machine.
//!
//! Does not know how people are asked. Invariant: it happens by somebody's consent and by nothing else,
//! and never after a change back that did not succeed.

use super::event::{Effect, Event};
use super::machine::Stepper;
use crate::record::state::Position;

impl Stepper<'_> {
    pub(super) fn consenting(&mut self, event: &Event) -> Vec<Effect> {
        match event {
            Event::Restarted => vec![Effect::AwaitConsent],
            Event::Consented(consent) => {
                self.state.consent = Some(consent.clone());
                self.begin_rollback()
            }
            Event::ConsentTimedOut => {
                let reason = "nobody consented to roll the application back though the database was changed: nothing was rolled back".to_owned();
                self.end_proof(false, vec![reason])
            }
            _ => Vec::new(),
        }
    }

    /// A rollback that nothing stands in the way of any more.
    fn begin_rollback(&mut self) -> Vec<Effect> {
        if self.policy.ways > 0 || self.wants_down() {
            self.enter(Position::Locking);
            vec![Effect::Lock]
        } else {
            // Others roll back; we prove it.
            self.enter(Position::Proving);
            vec![Effect::Prove]
        }
    }

    pub(super) fn wants_down(&self) -> bool {
        let consent = self.state.consent.as_ref();
        consent.is_some_and(|consent| consent.with_down)
    }
}
