//! A load after compilation: executors, stages and what an open model may use; pure.
//!
//! The names and meanings are k6's, and one of our own beside them, the search for a breakpoint.

use crate::document::source::Span;
use std::time::Duration;

/// One executor of a load; the names and meanings are k6's.
#[derive(Debug, Clone)]
pub struct Load {
    /// Name of this part.
    pub name: String,
    /// Where it is written.
    pub span: Span,
    /// Start, from the start of the run.
    pub start: Duration,
    /// Time for running iterations to finish.
    pub graceful_stop: Duration,
    /// The executor.
    pub executor: Executor,
}

impl Load {
    /// The same shape in less time: a factor from 0 to 1. Counts of iterations stay what they are.
    #[must_use]
    pub fn shortened(mut self, factor: f64) -> Load {
        let factor = factor.clamp(0.0, 1.0);
        self.start = self.start.mul_f64(factor);
        match &mut self.executor {
            Executor::SharedIterations { max_duration, .. }
            | Executor::PerVuIterations { max_duration, .. } => {
                *max_duration = max_duration.mul_f64(factor);
            }
            Executor::ConstantVus { duration, .. }
            | Executor::ConstantArrivalRate { duration, .. } => {
                *duration = duration.mul_f64(factor);
            }
            Executor::RampingVus { stages, .. } | Executor::RampingArrivalRate { stages, .. } => {
                for stage in stages {
                    stage.duration = stage.duration.mul_f64(factor);
                }
            }
            Executor::Breakpoint { step_duration, .. } => {
                *step_duration = step_duration.mul_f64(factor);
            }
        }
        self
    }

    /// When it starts no more iterations, from the start of the run.
    pub fn end(&self) -> Duration {
        self.start + self.executor.length()
    }
}

/// When none of them starts another iteration, from the start of the run.
pub fn end_of(loads: &[Load]) -> Duration {
    loads.iter().map(Load::end).max().unwrap_or_default()
}

/// Whether all of them are virtual users that loop: then no arrivals show when an iteration should
/// have begun.
pub fn is_closed(loads: &[Load]) -> bool {
    loads.iter().all(|load| load.executor.rate_max().is_none())
}

/// How virtual users are driven.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the keys of k6's executors")]
pub enum Executor {
    /// Virtual users share one count of iterations.
    SharedIterations {
        vus: u64,
        iterations: u64,
        max_duration: Duration,
    },
    /// Each virtual user makes its own iterations.
    PerVuIterations {
        vus: u64,
        iterations: u64,
        max_duration: Duration,
    },
    /// Virtual users loop for a time.
    ConstantVus { vus: u64, duration: Duration },
    /// The number of looping virtual users changes in straight lines.
    RampingVus {
        start: u64,
        stages: Vec<Stage>,
        graceful_ramp_down: Duration,
    },
    /// Iterations start at a fixed rate.
    ConstantArrivalRate {
        rate_per_second: f64,
        duration: Duration,
        open: OpenModel,
    },
    /// Iterations start at a rate that changes in straight lines.
    RampingArrivalRate {
        start_per_second: f64,
        stages: Vec<Stage>,
        open: OpenModel,
    },
    /// The rate is raised until an objective breaks, then narrowed down.
    Breakpoint {
        start_per_second: f64,
        max_per_second: f64,
        step_duration: Duration,
        step_factor: f64,
        precision: f64,
        open: OpenModel,
    },
}

impl Executor {
    /// k6's name of it.
    pub fn name(&self) -> &'static str {
        match self {
            Executor::SharedIterations { .. } => "shared-iterations",
            Executor::PerVuIterations { .. } => "per-vu-iterations",
            Executor::ConstantVus { .. } => "constant-vus",
            Executor::RampingVus { .. } => "ramping-vus",
            Executor::ConstantArrivalRate { .. } => "constant-arrival-rate",
            Executor::RampingArrivalRate { .. } => "ramping-arrival-rate",
            Executor::Breakpoint { .. } => "breakpoint",
        }
    }

    /// Whether a running load of it can be multiplied.
    pub fn is_scalable(&self) -> bool {
        match self {
            Executor::ConstantVus { .. }
            | Executor::ConstantArrivalRate { .. }
            | Executor::RampingArrivalRate { .. } => true,
            Executor::SharedIterations { .. }
            | Executor::PerVuIterations { .. }
            | Executor::RampingVus { .. }
            | Executor::Breakpoint { .. } => false,
        }
    }

    /// How long it starts iterations.
    pub fn length(&self) -> Duration {
        match self {
            Executor::SharedIterations { max_duration, .. }
            | Executor::PerVuIterations { max_duration, .. } => *max_duration,
            Executor::ConstantVus { duration, .. }
            | Executor::ConstantArrivalRate { duration, .. } => *duration,
            Executor::RampingVus { stages, .. } | Executor::RampingArrivalRate { stages, .. } => {
                stages.iter().map(|stage| stage.duration).sum()
            }
            // At the least: narrowing down adds some steps.
            Executor::Breakpoint { step_duration, .. } => *step_duration,
        }
    }

    /// Virtual users at the most.
    pub fn users_max(&self) -> u64 {
        match self {
            Executor::SharedIterations { vus, .. }
            | Executor::PerVuIterations { vus, .. }
            | Executor::ConstantVus { vus, .. } => *vus,
            Executor::RampingVus { start, stages, .. } => stages
                .iter()
                .map(|stage| stage.target.ceil() as u64)
                .fold(*start, u64::max),
            Executor::ConstantArrivalRate { open, .. }
            | Executor::RampingArrivalRate { open, .. }
            | Executor::Breakpoint { open, .. } => open.max_users,
        }
    }

    /// Highest rate of iterations per second that it plans, if it plans one.
    pub fn rate_max(&self) -> Option<f64> {
        match self {
            Executor::ConstantArrivalRate {
                rate_per_second, ..
            } => Some(*rate_per_second),
            Executor::RampingArrivalRate {
                start_per_second,
                stages,
                ..
            } => Some(
                stages
                    .iter()
                    .map(|stage| stage.target)
                    .fold(*start_per_second, f64::max),
            ),
            Executor::Breakpoint { max_per_second, .. } => Some(*max_per_second),
            _ => None,
        }
    }

    /// How many iterations it plans, if that is known before it runs.
    pub fn iterations_planned(&self) -> Option<u64> {
        match self {
            Executor::SharedIterations { iterations, .. } => Some(*iterations),
            Executor::PerVuIterations {
                vus, iterations, ..
            } => Some(vus * iterations),
            Executor::ConstantArrivalRate {
                rate_per_second,
                duration,
                ..
            } => Some((rate_per_second * duration.as_secs_f64()).floor() as u64 + 1),
            Executor::RampingArrivalRate {
                start_per_second,
                stages,
                ..
            } => {
                let mut from = *start_per_second;
                let mut sum = 0.0;
                for stage in stages {
                    sum += (from + stage.target) / 2.0 * stage.duration.as_secs_f64();
                    from = stage.target;
                }
                Some(sum.floor() as u64)
            }
            _ => None,
        }
    }
}

/// One stage: the target at its end. Rates are per second.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// How long.
    pub duration: Duration,
    /// Virtual users, or iterations per second.
    pub target: f64,
}

/// What open models have beside their rate.
#[derive(Debug, Clone, Copy)]
pub struct OpenModel {
    /// Virtual users made before the start.
    pub users: u64,
    /// Virtual users at the most.
    pub max_users: u64,
    /// Longest wait of an arrival for a free virtual user.
    pub max_wait: Duration,
    /// How arrivals are spaced.
    pub spacing: Spacing,
}

/// How arrivals of an open model are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// Evenly, as k6 does it.
    Even,
    /// As independent people come: a Poisson process with the planned rate.
    Poisson,
}
