//! The bake: the scenarios once each, again and again for a while, and objectives over all of them.

use super::smoke::{confirm, confirmations, performance, smoke_once};
use crate::gate::casting::cast;
use crate::gate::context::{Ended, PhaseContext};
use crate::gate::counting::{self, Counted};
use crate::gate::rehearsal;
use crate::load::recorder::StepRecord;
use crate::load::{Control, Stop};
use crate::objective::confirmation::Confirmation;
use crate::objective::judge::judge_at;
use crate::objective::rounds::Rounds;
use crate::objective::{Evidence, Outcome};
use crate::project::gate::Bake;
use crate::run::Summary;
use crate::run::summarize::{evidence_of, whole_of};
use crate::script::cast::Cast;
use std::time::{Duration, Instant};

/// A bake that goes on.
struct Baking<'a> {
    context: &'a PhaseContext<'a>,
    casts: Vec<Cast>,
    confirmations: Vec<Confirmation>,
    rounds: Rounds,
    whole: Option<StepRecord>,
    /// The last run that did not pass.
    last: Option<Summary>,
    /// When the first round that did not pass began, in milliseconds since 1970.
    failing_ms: Option<i64>,
    /// Whether a round failed that failed again.
    is_broken: bool,
}

/// Performs the bake.
pub(super) async fn bake(context: &PhaseContext<'_>) -> Ended {
    let Some(bake) = &context.gate.bake else {
        return Ended::new(Outcome::Inconclusive, "the gate has no bake");
    };
    let mut casts = Vec::new();
    for path in &bake.scenarios {
        match cast(context, path, &context.record.facts.version) {
            Ok(cast) => casts.push(cast),
            Err(reasons) => {
                return Ended::because(Outcome::Inconclusive, reasons);
            }
        }
    }
    let level = context.gate.levels().bake / bake.parts() as f64;
    let allowed = context.gate.rule.allowance;
    let confirmations = confirmations(context, &bake.scenarios, level, bake.rounds());
    let by = confirmations.iter();
    let requests: Vec<Vec<u64>> = by.map(|by| by.requests.clone()).collect();
    let mut baking = Baking {
        context,
        casts,
        confirmations,
        rounds: Rounds::new(allowed, &requests, level),
        whole: None,
        last: None,
        failing_ms: None,
        is_broken: false,
    };
    let start = Instant::now();
    let (duration, every) = rehearsal::bake(&context.record.facts, bake);
    let end = start + duration;
    // What is proven by rounds or by counters ends the other, too.
    let over = Control::new();
    let rounds = async {
        while Instant::now() < end && over.asked() == Stop::No {
            let round = Instant::now();
            baking.round().await;
            if baking.is_broken || baking.rounds.are_enough() || context.control.asked() != Stop::No
            {
                over.stop();
                break;
            }
            let next = (round + every).min(end);
            tokio::select! {
                () = tokio::time::sleep_until(next.into()) => {}
                () = over.stopped() => {}
                () = context.control.stopped() => over.stop(),
            }
        }
        start.elapsed()
    };
    let counting = counting::count_all(context, &bake.counters, level, end, &over);
    let (lasted, counted) = tokio::join!(rounds, counting);
    baking.end((bake, &counted), level, lasted)
}

impl Baking<'_> {
    /// Every scenario once; what does not pass is confirmed.
    async fn round(&mut self) {
        let (mut first, mut settled) = (Vec::new(), Vec::new());
        let begun_ms = crate::clock::now_ms();
        // As long as requests may depend on one another.
        let pause = self.context.gate.rule.block;
        for (cast, confirmation) in self.casts.iter().zip(&self.confirmations) {
            let (summary, finished) = smoke_once(self.context, cast).await;
            first.push(performance(self.context, cast, &summary, &finished));
            match (&mut self.whole, whole_of(&finished)) {
                (_, None) => {}
                (None, of_round) => self.whole = of_round,
                (Some(whole), Some(of_round)) => whole.merge(&of_round),
            }
            if summary.outcome == Outcome::Pass {
                settled.push(Outcome::Pass);
                continue;
            }
            self.failing_ms.get_or_insert(begun_ms);
            let before = (summary.clone(), &finished);
            let confirmed = confirm(self.context, cast, before, (confirmation, pause)).await;
            settled.push(confirmed.summary.outcome);
            self.is_broken |= confirmed.summary.outcome == Outcome::Fail;
            self.last = Some(match confirmed.summary.outcome {
                Outcome::Pass => summary,
                _ => confirmed.summary,
            });
        }
        self.rounds.note(&first);
        self.rounds.settle_last(Outcome::all(settled));
    }

    fn end(self, (bake, counted): (&Bake, &[Counted]), level: f64, lasted: Duration) -> Ended {
        let why = self
            .last
            .as_ref()
            .map(|summary| summary.reasons.join("; "))
            .unwrap_or_default();
        let (passed, all) = self.rounds.counts();
        let mut ended = if self.context.control.asked() != Stop::No {
            Ended::new(Outcome::Inconclusive, "it was stopped")
        } else if self.is_broken {
            Ended::new(Outcome::Fail, format!("round {all} failed: {why}"))
        } else if let Some((outcome, lead)) = self.rounds.objection() {
            Ended::new(outcome, format!("{lead}: {why}"))
        } else {
            let mut reasons = vec![format!("{passed} of {all} rounds passed")];
            let whole = self.whole.as_ref();
            let outcome = judged(bake, whole, (lasted, level), &mut reasons);
            Ended::because(outcome, reasons)
        };
        add(&mut ended, counted, self.context.control.asked());
        ended.failing_ms = self.failing_ms;
        ended.runs = self.last.into_iter().collect();
        ended
    }
}

/// Adds what was counted elsewhere: what is proven bad is bad, whatever the rounds say.
fn add(ended: &mut Ended, counted: &[Counted], asked: Stop) {
    if counted.is_empty() || asked != Stop::No {
        return;
    }
    let outcomes = counted.iter().map(|one| one.outcome);
    let before = ended.outcome;
    ended.outcome = Outcome::all(outcomes.chain([before]));
    let (decided, others): (Vec<_>, Vec<_>) = counted
        .iter()
        .partition(|one| one.outcome == ended.outcome && one.outcome != before);
    let texts = |of: Vec<&Counted>| of.into_iter().map(|one| one.reason.clone()).collect();
    let first: Vec<String> = texts(decided);
    let rest: Vec<String> = texts(others);
    ended.reasons.splice(0..0, first);
    ended.reasons.extend(rest);
}

/// Judges the objectives of a bake over all its requests.
fn judged(
    bake: &Bake,
    whole: Option<&StepRecord>,
    (lasted, level): (Duration, f64),
    reasons: &mut Vec<String>,
) -> Outcome {
    let mut outcomes = vec![Outcome::Pass];
    for objective in &bake.objectives {
        let evidence = whole.map_or_else(Evidence::default, |record| {
            evidence_of(objective, record, lasted, 0)
        });
        let mut judgement = judge_at(objective, &evidence, level);
        let doubtful = whole.map_or(0, StepRecord::doubtful);
        if judgement.outcome == Outcome::Fail && doubtful * 2 >= evidence.errors.max(1) {
            judgement.outcome = Outcome::Inconclusive;
            judgement
                .reason
                .push_str("; but most failures say nothing about the product");
        }
        reasons.push(format!(
            "`{}`: {} (seen {})",
            judgement.objective, judgement.reason, judgement.seen
        ));
        outcomes.push(judgement.outcome);
    }
    Outcome::all(outcomes)
}
