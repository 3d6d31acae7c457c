//! The steps that a script is told apart by in reports: by the names of its requests and of its checks.
//!
//! Invariant: however many names a script makes up, there are at most some hundreds of steps; and no secret is
//! in a name.

use super::ask::Request;
use super::host::{Doing, Host};
use super::run::{ITERATION, Run};
use crate::vu::{Heading, Part, Performers as _};
use std::sync::Arc;

/// Steps that are told apart in a run; whatever comes after is one.
const STEPS_MAX: usize = 500;

/// The number of the step that a request is, in reports.
pub(super) fn step_of(host: &Host, request: &Request) -> usize {
    let mut pairs = request.tags.chunks_exact(2);
    let mut together = host.step_name.borrow_mut();
    let name = match pairs.rfind(|pair| pair[0] == "name") {
        Some(pair) => pair[1].as_str(),
        None => {
            let url = request.url.split(['?', '#']).next().unwrap_or_default();
            together.clear();
            for part in [&request.method, " ", url] {
                together.push_str(part);
            }
            together.as_str()
        }
    };
    measured(host, name)
}

/// The number of the step that a page is, in reports.
pub(super) fn step_of_page(host: &Host, url: &str) -> usize {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    measured(host, &format!("open {url}"))
}

fn measured(host: &Host, name: &str) -> usize {
    let part = match host.doing.get() {
        Doing::Setup => Part::Setup,
        Doing::Teardown => Part::Teardown,
        _ => Part::Iteration,
    };
    let heading = |name| Heading {
        name,
        part,
        measured: true,
        advisory: false,
        checks: Vec::new(),
        warns_from: 0,
        measures: Vec::new(),
    };
    step(host, name, "other requests", &heading)
}

/// The number of the step that a check is, in reports: one of its own, by its group and its name, which are
/// looked up the first time.
pub(super) fn step_of_check(host: &Host, check: usize) -> usize {
    let known = host.check_steps.borrow().get(check).copied().flatten();
    if let Some(step) = known {
        return step;
    }
    let (group, name) = {
        let tally = host.tally();
        let check = &tally.checks[check];
        (check.group.clone(), check.name.clone())
    };
    let step = step_of_named(host, &group, &name);
    let mut steps = host.check_steps.borrow_mut();
    if steps.len() <= check {
        steps.resize(check + 1, None);
    }
    steps[check] = Some(step);
    step
}

fn step_of_named(host: &Host, group: &str, name: &str) -> usize {
    let group = match group.trim_start_matches(':') {
        "" => String::new(),
        group => format!("{group}: "),
    };
    let heading = |name| Heading {
        name,
        part: Part::Iteration,
        measured: false,
        advisory: false,
        checks: vec!["it holds".to_owned()],
        warns_from: 1,
        measures: Vec::new(),
    };
    let name = format!("check {group}{name}");
    step(host, &name, "other checks", &heading)
}

fn step(host: &Host, name: &str, rest: &str, heading: &dyn Fn(Arc<str>) -> Heading) -> usize {
    let Some(run) = &host.run else {
        return ITERATION;
    };
    let mut steps = host.steps.borrow_mut();
    if let Some(step) = steps.get(name) {
        return *step;
    }
    // Where there is no room left, none comes back.
    if let (true, Some(step)) = (host.is_full.get(), steps.get(rest)) {
        return *step;
    }
    let own = announced(run, name, heading);
    host.is_full.set(own.is_none());
    let (name, step) = match own {
        Some(step) => (name.to_owned(), step),
        None => (
            rest.to_owned(),
            run.headings().announce(heading(rest.into())),
        ),
    };
    steps.insert(name.into(), step);
    step
}

fn announced(run: &Arc<Run>, name: &str, heading: &dyn Fn(Arc<str>) -> Heading) -> Option<usize> {
    let clean = run.binding.redactor.clean(name);
    run.headings()
        .announce_within(heading(clean.into()), STEPS_MAX)
}
