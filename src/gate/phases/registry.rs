//! All phases of a gate, in their order.
//!
//! To add one: its file here, its line in [`PHASES`], and its variant of `record::state::Phase`,
//! which says whether it measures the product.

use super::{approval, bake, baseline, converge, load, pair, preconditions, preflight, smoke};
use crate::doing::Doing;
use crate::gate::context::{Ended, PhaseContext};
use crate::gate::world::OnTick;
use crate::project::gate::Gate;
use crate::record::state::Phase;

/// One phase.
#[derive(Debug, Clone, Copy)]
pub struct PhaseKind {
    /// Which.
    pub phase: Phase,
    /// Whether a gate has it.
    pub is_wanted: fn(&Gate) -> bool,
    /// Performs it.
    pub perform: for<'a> fn(&'a PhaseContext<'a>, OnTick<'a>) -> Doing<'a, Ended>,
}

/// All phases, in the order in which a gate goes through them.
pub const PHASES: &[PhaseKind] = &[
    PhaseKind {
        phase: Phase::Preflight,
        is_wanted: |_| true,
        perform: |context, _| Box::pin(preflight::preflight(context)),
    },
    PhaseKind {
        phase: Phase::Preconditions,
        is_wanted: |gate| !gate.preconditions.is_empty(),
        perform: |context, _| Box::pin(preconditions::preconditions(context)),
    },
    PhaseKind {
        phase: Phase::Converge,
        is_wanted: |gate| !gate.services.is_empty(),
        perform: |context, _| Box::pin(converge::converge(context)),
    },
    PhaseKind {
        phase: Phase::Baseline,
        is_wanted: |gate| gate.baseline.is_some(),
        perform: |context, _| Box::pin(baseline::baseline(context)),
    },
    PhaseKind {
        phase: Phase::Smoke,
        is_wanted: |gate| !gate.smoke.is_empty(),
        perform: |context, _| Box::pin(smoke::smoke(context)),
    },
    PhaseKind {
        phase: Phase::Load,
        is_wanted: |gate| !gate.load.is_empty(),
        perform: |context, on_tick| Box::pin(load::load_all(context, on_tick)),
    },
    PhaseKind {
        phase: Phase::Bake,
        is_wanted: |gate| gate.bake.is_some(),
        perform: |context, _| Box::pin(bake::bake(context)),
    },
    PhaseKind {
        phase: Phase::Approval,
        is_wanted: |gate| gate.approval.is_some() || !gate.attestations.is_empty(),
        perform: |context, _| Box::pin(approval::approval(context)),
    },
    PhaseKind {
        phase: Phase::Pair,
        is_wanted: |gate| !gate.pair.is_empty(),
        perform: |context, _| Box::pin(pair::pair(context)),
    },
];

/// The phases that a gate goes through.
pub fn wanted(gate: &Gate) -> Vec<Phase> {
    let wanted = PHASES.iter().filter(|kind| (kind.is_wanted)(gate));
    wanted.map(|kind| kind.phase).collect()
}

/// Performs a phase.
pub fn perform<'a>(
    phase: Phase,
    context: &'a PhaseContext<'a>,
    on_tick: OnTick<'a>,
) -> Doing<'a, Ended> {
    match PHASES.iter().find(|kind| kind.phase == phase) {
        Some(kind) => (kind.perform)(context, on_tick),
        // A test holds that every phase has its line.
        None => Box::pin(std::future::ready(Ended::new(
            crate::objective::Outcome::Inconclusive,
            format!("this version knows no phase `{}`", phase.word()),
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_its_line_in_the_order_of_a_gate() {
        let phases: Vec<Phase> = PHASES.iter().map(|kind| kind.phase).collect();
        assert_eq!(phases, Phase::ALL);
    }
}
