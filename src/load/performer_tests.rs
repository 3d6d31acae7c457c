//! A performer that is no compiled plan, driven by the same executors, recorder and objectives: its
//! steps are announced by name as it meets them.

use super::{Options, load};
use crate::document::source::Span;
use crate::load::smoke;
use crate::load::{Control, Tick};
use crate::net::{ErrorClass, Phases};
use crate::scenario::plan::{Executor, Load, OpenModel, Spacing};
use crate::vu::{
    Begin, Heading, Headings, IterationOutcome, Part, Performer, Performers, Place, Sample, Sink,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Ways through a shop, one after the other; the third fails.
#[derive(Clone, Default)]
struct Walk {
    headings: Headings,
    torn_down: Arc<AtomicU64>,
}

struct Walker {
    walk: Walk,
    id: u64,
    round: u64,
    greeting: Arc<String>,
}

fn heading(name: &str, part: Part) -> Heading {
    Heading {
        name: name.into(),
        part,
        measured: true,
        advisory: false,
        checks: vec![format!("{name} is there")],
        warns_from: 1,
        measures: Vec::new(),
    }
}

impl Walker {
    fn visit(&self, name: &str, part: Part, sink: &impl Sink, error: Option<ErrorClass>) {
        let step = self.walk.headings.announce(heading(name, part));
        let now = Instant::now();
        sink.check(step, 0, error.is_none());
        sink.sample(&Sample {
            step,
            intended: now,
            start: now,
            end: now,
            phases: Phases::default(),
            error,
            status: 200,
            bytes_sent: 0,
            bytes_received: 0,
            advisory: false,
        });
    }
}

impl Performer for Walker {
    type Handed = String;

    async fn set_up(&mut self, sink: &impl Sink) -> IterationOutcome {
        self.visit("log in", Part::Setup, sink, None);
        IterationOutcome::Passed
    }

    async fn iterate(&mut self, _: Begin, sink: &impl Sink) -> IterationOutcome {
        assert_eq!(*self.greeting, "hello", "what setup handed over");
        self.round += 1;
        // Virtual users meet the steps in different orders.
        let names = ["list", "order", "pay"];
        let way = ((self.id + self.round) % 3) as usize;
        let failed = (way == 2).then_some(ErrorClass::Check);
        self.visit(names[way], Part::Iteration, sink, failed);
        failed.map_or(IterationOutcome::Passed, IterationOutcome::Failed)
    }

    async fn tear_down(&mut self, _: &impl Sink) -> IterationOutcome {
        self.walk.torn_down.fetch_add(1, Relaxed);
        IterationOutcome::Passed
    }

    fn hand_over(&self) -> String {
        "hello".to_owned()
    }
}

impl Performers for Walk {
    type User = Walker;
    type Together = ();
    type Handed = String;

    fn headings(&self) -> Headings {
        self.headings.clone()
    }

    fn first_step(&self) -> usize {
        0
    }

    fn users_max(&self) -> Option<u64> {
        None
    }

    fn gather(&self) {}

    fn user(&self, (): &(), place: Place, handed: &Arc<String>) -> Walker {
        Walker {
            walk: self.clone(),
            id: place.id,
            round: 0,
            greeting: handed.clone(),
        }
    }
}

fn executor(executor: Executor) -> Load {
    Load {
        name: "walk".to_owned(),
        span: Span::default(),
        start: Duration::ZERO,
        graceful_stop: Duration::from_secs(1),
        executor,
    }
}

#[tokio::test]
async fn whatever_goes_through_iterations_is_driven_recorded_and_named_alike() {
    let walk = Walk::default();
    let loads = vec![executor(Executor::PerVuIterations {
        vus: 4,
        iterations: 30,
        max_duration: Duration::from_secs(20),
    })];
    let options = Options {
        workers: Some(2),
        ..Options::default()
    };
    let mut seen = 0;
    let on_tick = |tick: &mut Tick| {
        let of_step = tick
            .steps
            .iter()
            .map(|step| step.ok.count() + step.failed.count());
        assert_eq!(of_step.sum::<u64>(), tick.requests);
        assert!(tick.headings.all().len() >= tick.steps.len());
        seen += tick.requests;
    };
    let finished = load(&walk, loads, options, &Control::new(), on_tick).await;
    let told = |name: &str, requests, failed, checks| (name.to_owned(), requests, failed, checks);
    let steps = finished.recorded.steps.iter();
    let mut by_name: Vec<_> = steps
        .map(|step| {
            told(
                &step.heading.name,
                step.requests,
                step.failed(),
                step.checks[0],
            )
        })
        .collect();
    by_name.sort();
    assert_eq!(
        by_name,
        [
            told("list", 40, 0, (40, 0)),
            told("log in", 1, 0, (1, 0)),
            told("order", 40, 0, (40, 0)),
            told("pay", 40, 40, (0, 40)),
        ]
    );
    assert_eq!((seen, finished.recorded.iterations), (120, 120));
    assert_eq!(finished.recorded.iterations_failed, 40);
    assert_eq!(walk.torn_down.load(Relaxed), 1);

    let once = smoke(&walk, &Control::new(), false, |_| ()).await;
    let failed = Some(ErrorClass::Check);
    assert_eq!((once.recorded.iterations, once.smoke_failure), (1, failed));
    assert_eq!(walk.torn_down.load(Relaxed), 2);
}

#[tokio::test]
async fn arrivals_are_counted_whoever_performs_them() {
    let walk = Walk::default();
    walk.headings.announce(heading("list", Part::Iteration));
    let open = OpenModel {
        users: 1,
        max_users: 1,
        max_wait: Duration::from_secs(1),
        spacing: Spacing::Even,
    };
    let loads = vec![executor(Executor::ConstantArrivalRate {
        rate_per_second: 100.0,
        duration: Duration::from_millis(200),
        open,
    })];
    let finished = load(&walk, loads, Options::default(), &Control::new(), |_| ()).await;
    let recorded = &finished.recorded;
    assert_eq!(
        recorded.iterations + recorded.dropped,
        21,
        "the last one at the very end"
    );
}
