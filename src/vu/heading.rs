//! What a run knows of its steps: each is announced by name when the run meets it, and is a number
//! from then on.
//!
//! A compiled plan announces all of its steps before it starts; a script as it comes to them. All
//! workers of a run share one list, so that a number means the same step to each. Invariant: a
//! heading that was given a number keeps it.

use crate::scenario::Plan;
use crate::scenario::plan::Step;
use std::sync::{Arc, Mutex, PoisonError};

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Once before.
    Setup,
    /// In each iteration.
    Iteration,
    /// Once after.
    Teardown,
}

impl Part {
    /// Its word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Part::Setup => "setup",
            Part::Iteration => "step",
            Part::Teardown => "teardown",
        }
    }
}

/// What is known of a step before anything is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Its name.
    pub name: Arc<str>,
    /// Where it stands.
    pub part: Part,
    /// Whether it makes samples.
    pub measured: bool,
    /// Whether its failures are only shown.
    pub advisory: bool,
    /// Texts of its checks.
    pub checks: Vec<String>,
    /// From this one on they only warn.
    pub warns_from: usize,
    /// Names of the numbers that it measures.
    pub measures: Vec<Arc<str>>,
}

impl Heading {
    fn of(step: &Step, part: Part) -> Heading {
        Heading {
            name: step.name.clone(),
            part,
            measured: step.is_measured(),
            advisory: step.advisory,
            checks: step
                .checks
                .iter()
                .chain(&step.warnings)
                .map(|check| check.text.clone())
                .collect(),
            warns_from: step.checks.len(),
            measures: step.measures.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// Whether it counts when the run is judged as a whole.
    pub fn counts(&self) -> bool {
        self.part == Part::Iteration && !self.advisory
    }
}

/// The steps that a run has met, by number; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Headings(Arc<Mutex<Vec<Arc<Heading>>>>);

impl Headings {
    /// All steps of a plan: their numbers are their indexes.
    pub fn of(plan: &Plan) -> Headings {
        let part = |steps: &[Step], part| -> Vec<_> {
            let heading = |step| Arc::new(Heading::of(step, part));
            steps.iter().map(heading).collect()
        };
        let mut all = part(&plan.setup, Part::Setup);
        all.extend(part(&plan.steps, Part::Iteration));
        all.extend(part(&plan.teardown, Part::Teardown));
        Headings(Arc::new(Mutex::new(all)))
    }

    /// The number of a step, which it gets now if it is new: the same name in the same part is the
    /// same step.
    pub fn announce(&self, heading: Heading) -> usize {
        self.announce_within(heading, usize::MAX)
            .unwrap_or_else(|| unreachable!("there is always room"))
    }

    /// The same, as long as there are fewer than so many; nothing for a new one beyond.
    pub fn announce_within(&self, heading: Heading, most: usize) -> Option<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &Arc<Heading>| known.name == heading.name && known.part == heading.part;
        all.iter().position(same).or_else(|| {
            let has_room = all.len() < most;
            has_room.then(|| {
                all.push(Arc::new(heading));
                all.len() - 1
            })
        })
    }

    /// All that were met so far.
    pub fn all(&self) -> Vec<Arc<Heading>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
