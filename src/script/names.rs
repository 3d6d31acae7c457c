//! The steps that a script is told apart by in reports: by the names of its requests and of its checks.
//!
//! Invariant: however many names a script makes up, there are at most some hundreds of steps.

use super::ask::Request;
use super::host::{Doing, Host};
use super::sending::Seen;
use crate::vu::{Heading, Part};
use std::sync::Arc;

/// Names of requests that are told apart in reports; what comes after is one.
const NAMES_MAX: usize = 500;

/// The number of the step that a request is, in reports.
pub(super) fn step_of(seen: &Seen, request: &Request) -> usize {
    let Some(run) = &seen.0.run else {
        return super::run::ITERATION;
    };
    let mut pairs = request.tags.chunks_exact(2);
    let name = match pairs.rfind(|pair| pair[0] == "name") {
        Some(pair) => pair[1].clone(),
        None => {
            let url = request.url.split(['?', '#']).next().unwrap_or_default();
            format!("{} {url}", request.method)
        }
    };
    let part = match seen.0.doing.get() {
        Doing::Setup => Part::Setup,
        Doing::Teardown => Part::Teardown,
        _ => Part::Iteration,
    };
    let mut steps = seen.0.steps.borrow_mut();
    if let Some(step) = steps.get(name.as_str()) {
        return *step;
    }
    let headings = crate::vu::Performers::headings(run);
    let is_new = steps.len() < NAMES_MAX;
    let announced = headings.announce(Heading {
        name: if is_new {
            name.as_str().into()
        } else {
            "other requests".into()
        },
        part,
        measured: true,
        advisory: false,
        checks: Vec::new(),
        warns_from: 0,
        measures: Vec::new(),
    });
    if is_new {
        steps.insert(name.into(), announced);
    }
    announced
}

/// The number of the step that a check is, in reports: one of its own, by its group and its name.
pub(super) fn step_of_check(host: &Host, group: &str, name: &str) -> usize {
    let Some(run) = &host.run else {
        return super::run::ITERATION;
    };
    let name = format!(
        "check {}{}{name}",
        group.trim_start_matches(':'),
        if group.is_empty() { "" } else { ": " }
    );
    let mut steps = host.steps.borrow_mut();
    if let Some(step) = steps.get(name.as_str()) {
        return *step;
    }
    let is_new = steps.len() < 2 * NAMES_MAX;
    let shown: Arc<str> = if is_new {
        name.as_str().into()
    } else {
        "check of something else".into()
    };
    let announced = crate::vu::Performers::headings(run).announce(Heading {
        checks: vec!["it holds".to_owned()],
        name: shown,
        part: Part::Iteration,
        measured: false,
        advisory: false,
        warns_from: 1,
        measures: Vec::new(),
    });
    if is_new {
        steps.insert(name.into(), announced);
    }
    announced
}
