//! One virtual user: its steps in order, with conditions, repeats, retries, checks and captures.
//!
//! Invariant: every performed step that is measured makes one sample a round, and under load one for
//! each attempt: a failure that a retry made good was a failure.

use super::binding::Binding;
use super::cookies::Jar;
use super::heading::Headings;
use super::judging::Failure;
use super::performer::{Performer, Performers, Place};
use super::reply::{Reply, UserScope};
use super::road::Held;
use super::sample::{Sample, Sink};
use super::shared::Shared;
use super::standing_in::Did;
use super::steps::errand;
use super::steps::exchange::Attempt;
use super::tab::Tab;
use super::variables::Variables;
use crate::net::{ErrorClass, Phases};
use crate::scenario::plan::{CookieLife, Pick, Reuse, Step};
use crate::scenario::steps::action::Action;
use http::HeaderValue;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// What became of an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IterationOutcome {
    /// All steps passed.
    Passed,
    /// A step failed for this reason.
    Failed(ErrorClass),
}

/// What is said of a step that is said to be pending.
const HOLDS_NOW: &str = "it holds now, though it is said to be pending: remove `pending`";

/// When something begins.
#[derive(Debug, Clone, Copy)]
pub struct Begin {
    /// When it should begin: latency counts from here.
    pub intended: Instant,
    /// When it does.
    pub start: Instant,
}

impl Begin {
    /// As it should.
    pub fn now() -> Begin {
        Begin::at(Instant::now())
    }

    /// At a moment that was just read from the clock.
    pub fn at(now: Instant) -> Begin {
        Begin {
            intended: now,
            start: now,
        }
    }
}

/// One independent executor of a scenario: own cookies, connections and captures.
pub struct VirtualUser {
    pub(super) shared: Arc<Shared>,
    pub(super) jar: Jar,
    pub(super) held: Vec<Held>,
    /// Captured values.
    pub vars: Variables,
    shared_vars: Arc<Variables>,
    data: BTreeMap<String, Value>,
    /// The page of this iteration, once one was opened.
    pub(super) tab: Option<Box<Tab>>,
    /// The token that goes with the next request.
    pub(super) bearer: Option<HeaderValue>,
    id: u64,
    iteration: u64,
}

impl std::fmt::Debug for VirtualUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualUser")
            .field("id", &self.id)
            .field("iteration", &self.iteration)
            .finish_non_exhaustive()
    }
}

impl VirtualUser {
    /// A virtual user with a number from 1, and what setup captured.
    pub fn new(shared: Arc<Shared>, id: u64, shared_vars: Arc<Variables>) -> VirtualUser {
        VirtualUser {
            shared,
            jar: Jar::default(),
            held: Vec::new(),
            vars: Variables::clone(&shared_vars),
            shared_vars,
            data: BTreeMap::new(),
            tab: None,
            bearer: None,
            id,
            iteration: 0,
        }
    }

    fn begin_iteration(&mut self) {
        self.tab = None;
        match self.shared.binding.plan.cookies {
            CookieLife::Iteration | CookieLife::Off => self.jar.clear(),
            CookieLife::User => {}
        }
        if self.shared.binding.plan.connections.reuse == Reuse::Iteration {
            self.held.clear();
        }
        self.vars.reset(&self.shared_vars);
        self.pick_rows();
    }

    fn pick_rows(&mut self) {
        if self.shared.binding.plan.data.is_empty() {
            return;
        }
        let shared = self.shared.clone();
        for (file, next) in shared
            .binding
            .plan
            .data
            .iter()
            .zip(&shared.binding.next_row)
        {
            let number = match file.pick {
                Pick::Next => next.fetch_add(1, Relaxed),
                Pick::Random => fastrand::u64(..),
                Pick::User => self.id.saturating_sub(1),
            };
            let row = &file.rows[(number % file.rows.len() as u64) as usize];
            self.data.insert(file.name.clone(), row.clone());
        }
    }

    pub(super) fn scope<'a>(&'a self, reply: Option<&'a Reply>) -> UserScope<'a> {
        UserScope {
            binding: &self.shared.binding,
            vars: &self.vars,
            data: &self.data,
            jar: &self.jar,
            user: self.id,
            iteration: self.iteration,
            reply,
            paths: &[],
        }
    }

    /// The same, after a step has its reply.
    pub fn scope_after<'a>(&'a self, step: &'a Step, reply: &'a Reply) -> UserScope<'a> {
        UserScope {
            paths: &step.paths,
            ..self.scope(Some(reply))
        }
    }

    async fn perform(
        &mut self,
        steps: &[Step],
        begin: Begin,
        sink: &impl Sink,
    ) -> IterationOutcome {
        let mut begin = Some(begin);
        let mut outcome = IterationOutcome::Passed;
        // What failed, and in whose place the next one stands.
        let mut owed: Option<(&Step, Failure)> = None;
        for step in steps {
            let before = owed.take();
            if step.instead_of.is_some() && before.is_none() {
                sink.skipped(step.index);
                continue;
            }
            let mut result = self.step(step, &mut begin, sink).await;
            if let Some((stronger, failure)) = before {
                result = self.stood_in(step, (stronger, failure), result, sink);
            }
            match result {
                Ok(Did::Performed) if step.pending.is_some() => {
                    sink.warned(step.index, &|| HOLDS_NOW.to_owned());
                }
                Ok(_) => {}
                Err(failure) if step.has_stand_in => owed = Some((step, failure)),
                Err(failure) if step.advisory => {
                    sink.failure(step.index, failure.class, &|| {
                        self.shown(&self.explained(&failure))
                    });
                }
                Err(failure) => {
                    sink.failure(step.index, failure.class, &|| {
                        self.shown(&self.explained(&failure))
                    });
                    outcome = match outcome {
                        // What speaks against the product counts for more than what leaves us in doubt.
                        IterationOutcome::Failed(first) if !first.is_inconclusive() => outcome,
                        _ => IterationOutcome::Failed(failure.class),
                    };
                    if !step.go_on {
                        return outcome;
                    }
                }
            }
        }
        outcome
    }

    async fn step(
        &mut self,
        step: &Step,
        begin: &mut Option<Begin>,
        sink: &impl Sink,
    ) -> Result<Did, Failure> {
        if let Some(when) = &step.when {
            match when.holds(&self.scope(None)) {
                Ok(true) => {}
                Ok(false) => {
                    sink.skipped(step.index);
                    return Ok(Did::Nothing);
                }
                Err(reason) => {
                    let detail = format!("`when: {}`: {reason}", when.text);
                    return Err(Failure::new(ErrorClass::Template, detail));
                }
            }
        }
        if let Action::Wait(pause) = &step.action {
            tokio::time::sleep(pause.length(fastrand::f64())).await;
            *begin = None;
            return Ok(Did::Nothing);
        }
        let times = step.repeat.as_ref().map_or(1, |repeat| repeat.times);
        let mut result = Ok(Did::Performed);
        for round in 0..times {
            let (attempt, failure) = self.round(step, begin.take(), sink).await;
            let until = step
                .repeat
                .as_ref()
                .and_then(|repeat| repeat.until.as_ref());
            match until {
                Some(until) => {
                    let held = until.holds(&self.scope_after(step, &attempt.reply));
                    if matches!(held, Ok(true)) && failure.is_none() {
                        result = Ok(Did::Performed);
                        break;
                    }
                    let failure = failure.unwrap_or_else(|| {
                        let reason = held.err();
                        let reason = reason.unwrap_or_else(|| "it does not hold".to_owned());
                        Failure::new(ErrorClass::Check, reason)
                    });
                    result = Err(Failure {
                        detail: format!(
                            "`{}` did not come true in {} rounds: {}",
                            until.text,
                            round + 1,
                            failure.detail
                        ),
                        ..failure
                    });
                }
                None => {
                    if let Some(failure) = failure {
                        result = Err(failure);
                        if !step.go_on {
                            break;
                        }
                    }
                }
            }
            if let Some(repeat) = &step.repeat
                && round + 1 < times
                && !repeat.every.is_zero()
            {
                tokio::time::sleep(repeat.every).await;
            }
        }
        if let Some(think) = &step.think {
            tokio::time::sleep(think.length(fastrand::f64())).await;
        }
        result
    }

    /// One attempt of a step before which others are asked for something.
    async fn prepared(
        &mut self,
        step: &Step,
        begin: &mut Option<Begin>,
        asked: &mut Option<Instant>,
    ) -> (Attempt, Begin) {
        let mut is_second = false;
        loop {
            let waiting = Instant::now();
            let errand = self.errand(step, waiting + step.timeout).await;
            if is_second || !matches!(errand, Ok(false)) {
                // What we ask of others is not the target's latency.
                *begin = None;
                *asked = asked.map(|asked| asked + waiting.elapsed());
            }
            let begin = begin.take().unwrap_or_else(Begin::now);
            let attempt = match &errand {
                Ok(_) => {
                    let deadline = begin.start + step.timeout;
                    self.attempt(step, begin.start, deadline).await
                }
                Err(fault) => Attempt::failed(fault.clone(), Phases::default()),
            };
            let was_old = matches!(errand, Ok(false)) && attempt.reply.status == Some(401);
            if is_second || !was_old || !self.forget_token(step).await {
                return (attempt, begin);
            }
            // A token may end before its time.
            is_second = true;
        }
    }

    /// One round: attempts with back-off.
    async fn round(
        &mut self,
        step: &Step,
        begin: Option<Begin>,
        sink: &impl Sink,
    ) -> (Attempt, Option<Failure>) {
        let attempts = step.retry.as_ref().map_or(1, |retry| retry.attempts);
        let mut begin = begin;
        // What is tried again was asked for when it was first tried.
        let mut asked: Option<Instant> = None;
        for number in 1..=attempts {
            if let Some(pace) = &self.shared.binding.pace {
                let wait = pace.take(Instant::now());
                if wait > Duration::from_millis(1) {
                    sink.held_back();
                    tokio::time::sleep(wait).await;
                    // Our own cap is not the target's latency.
                    begin = None;
                    asked = asked.map(|asked| asked + wait);
                }
            }
            let (mut attempt, Begin { intended, start }) = match errand::is_due(step) {
                true => Box::pin(self.prepared(step, &mut begin, &mut asked)).await,
                false => {
                    let begin = begin.take().unwrap_or_else(Begin::now);
                    let attempt = self.attempt(step, begin.start, begin.start + step.timeout);
                    (attempt.await, begin)
                }
            };
            if let Some(fault) = attempt.fault.take() {
                // What it takes to find out is no latency of the target.
                attempt.end.get_or_insert_with(Instant::now);
                let binding = &self.shared.binding;
                let understood = binding.vantage.understood(&binding.connector, fault);
                attempt.fault = Some(Box::pin(understood).await);
            }
            for _ in 0..attempt.repeated {
                sink.repeated(step.index);
            }
            let end = attempt.end.unwrap_or_else(Instant::now);
            let intended = *asked.get_or_insert(intended);
            attempt.reply.latency_micros =
                end.saturating_duration_since(intended).as_micros() as u64;
            if let Some(tls) = &attempt.reply.tls {
                sink.tls(tls);
            }
            let last = number == attempts;
            let failure = self.judge(step, &attempt, sink, last);
            let is_over = failure.is_none() || last;
            if is_over || sink.counts_attempts() {
                sink.sample(&Sample {
                    step: step.index,
                    intended,
                    start,
                    end,
                    phases: attempt.reply.phases,
                    error: failure.as_ref().map(|failure| failure.class),
                    status: attempt.reply.status.unwrap_or(0),
                    bytes_sent: attempt.bytes_sent,
                    bytes_received: attempt.bytes_received,
                    // Whether it counts is known when the next one stands in for it, or does not.
                    advisory: step.advisory || step.has_stand_in && failure.is_some(),
                });
            }
            attempt.leave(step.index, sink);
            if is_over {
                // Under load they would be the work that is measured.
                let is_unseen = attempt.pictures.is_empty() && !sink.counts_attempts();
                if is_unseen
                    && failure.is_some()
                    && let Some(picture) = Box::pin(self.pictured_failure(step)).await
                {
                    sink.pictured(step.index, &picture);
                }
                if step.keeps {
                    let redactor = &self.shared.binding.redactor;
                    sink.kept(step.index, &|| redactor.clean(&attempt.reply.told()));
                }
                return (attempt, failure);
            }
            sink.retried(step.index);
            if let Some(retry) = &step.retry {
                let after = attempt.reply.retry_after();
                tokio::time::sleep(
                    after
                        .unwrap_or_else(|| retry.pause(number))
                        .min(retry.max_delay),
                )
                .await;
            }
        }
        unreachable!("the last attempt returns")
    }
}

impl Drop for VirtualUser {
    fn drop(&mut self) {
        if let Some(kept) = &self.shared.kept {
            for held in self.held.drain(..) {
                kept.give(held);
            }
        }
    }
}

impl Performer for VirtualUser {
    type Handed = Variables;

    async fn iterate(&mut self, begin: Begin, sink: &impl Sink) -> IterationOutcome {
        self.begin_iteration();
        let shared = self.shared.clone();
        let outcome = self.perform(&shared.binding.plan.steps, begin, sink).await;
        // Nothing of it reaches the next one, and others may have its place.
        self.tab = None;
        self.iteration += 1;
        outcome
    }

    async fn set_up(&mut self, sink: &impl Sink) -> IterationOutcome {
        let shared = self.shared.clone();
        let outcome = self
            .perform(&shared.binding.plan.setup, Begin::now(), sink)
            .await;
        self.tab = None;
        outcome
    }

    async fn tear_down(&mut self, sink: &impl Sink) -> IterationOutcome {
        let shared = self.shared.clone();
        let mut outcome = IterationOutcome::Passed;
        for step in &shared.binding.plan.teardown {
            if let IterationOutcome::Failed(class) = self
                .perform(std::slice::from_ref(step), Begin::now(), sink)
                .await
            {
                outcome = IterationOutcome::Failed(class);
            }
        }
        self.tab = None;
        outcome
    }

    fn hand_over(&self) -> Variables {
        self.vars.clone()
    }
}

impl Performers for Arc<Binding> {
    type User = VirtualUser;
    type Together = Arc<Shared>;
    type Handed = Variables;

    fn headings(&self) -> Headings {
        Headings::of(&self.plan)
    }

    fn first_step(&self) -> usize {
        let mut steps = self.plan.steps.iter();
        let first = steps.find(|step| step.is_measured());
        first.map_or(0, |step| step.index)
    }

    fn users_max(&self) -> Option<u64> {
        self.caps.users
    }

    fn gather(&self) -> Arc<Shared> {
        Shared::new(self.clone())
    }

    fn user(&self, together: &Arc<Shared>, place: Place, handed: &Arc<Variables>) -> VirtualUser {
        VirtualUser::new(together.clone(), place.id.max(1), handed.clone())
    }
}
