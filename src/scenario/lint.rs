//! Mistakes that no single value shows: an objective that can never be proven, a load over a cap.

use super::plan::{Executor, Plan, end_of};
use crate::config::file::{Environment, Gate};
use crate::document::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::document::node::Node;
use crate::objective::binomial;
use crate::objective::judge::PROMOTE_LEVEL;

/// Requests that the plan makes on a step (or on all), if that is known before it runs.
pub fn requests_planned(plan: &Plan, step: Option<&str>) -> Option<u64> {
    let iterations: u64 = plan
        .load
        .iter()
        .map(|load| load.executor.iterations_planned())
        .sum::<Option<u64>>()?;
    let each = match step {
        None => plan.requests_per_iteration(),
        Some(name) => {
            let step = plan.steps.iter().find(|step| step.name.as_ref() == name)?;
            step.repeat.as_ref().map_or(1, |repeat| repeat.times)
        }
    };
    Some(iterations * each)
}

/// Reports objectives that the planned number of requests can never prove.
pub fn provable(plan: &Plan, root: &Node, found: &mut Diagnostics) {
    if plan.load.is_empty() {
        return;
    }
    let nodes = root.get("objectives").map(Node::items).unwrap_or_default();
    for objective in &plan.objectives {
        let Some(share) = objective.allowed_share().filter(|share| *share > 0.0) else {
            continue;
        };
        let Some(planned) = requests_planned(plan, objective.step.as_deref()) else {
            continue;
        };
        let needed = binomial::flawless_needed(share, PROMOTE_LEVEL);
        let node = nodes.iter().find(|node| node.text.trim() == objective.text);
        if planned < needed
            && let Some(node) = node
        {
            found.push(
                Diagnostic::error(
                    "objective-never-provable",
                    format!("{planned} requests can never prove `{}`", objective.text),
                )
                .at(&plan.source, node.span, format!("at least {needed} needed"))
                .hint("plan more requests, or ask for less: even flawless requests leave this many open"),
            );
        }
    }
}

/// Reports objectives of a gate's load that its requests after the warm-up can never prove, the
/// extension included: such a phase could only ever hold.
pub fn concludable(gate: &Gate, plan: &Plan, found: &mut Diagnostics) {
    let length = end_of(&plan.load);
    let rule = gate.rule.within(length);
    let looks = if gate.extend { 2.0 } else { 1.0 };
    let used = looks - rule.warm_up.as_secs_f64() / length.as_secs_f64().max(1e-9);
    for objective in &plan.objectives {
        let Some(share) = objective.allowed_share().filter(|share| *share > 0.0) else {
            continue;
        };
        let Some(planned) = requests_planned(plan, objective.step.as_deref()) else {
            continue;
        };
        let needed = binomial::flawless_needed(share, PROMOTE_LEVEL)
            .max(binomial::flawless_needed(
                rule.bound(share),
                rule.promote_level / looks,
            ))
            .max(rule.requests_min);
        let counted = (planned as f64 * used) as u64;
        if counted < needed {
            found.push(
                Diagnostic::error(
                    "never-concludes",
                    format!(
                        "the load of the gate `{}` can never show `{}`: {counted} requests count after the warm-up, and at least {needed} are needed",
                        gate.name, objective.text
                    ),
                )
                .hint("a longer load, a higher rate, or a shorter warm-up (`rule: { warm-up: 2s }`)"),
            );
        }
    }
}

/// Reports what does not fit the environment: unknown services, loads over its caps or a service's limit.
pub fn against(plan: &Plan, environment: &Environment, found: &mut Diagnostics) {
    for step in plan.all_steps().filter(|step| step.needs_service()) {
        let Some(name) = step.service.as_deref().or(plan.service.as_deref()) else {
            continue;
        };
        if environment.services.contains_key(name) {
            continue;
        }
        let known: Vec<&str> = environment.services.keys().map(String::as_str).collect();
        let mut diagnostic = Diagnostic::error(
            "unknown-service",
            format!(
                "the environment `{}` has no service `{name}`",
                environment.name
            ),
        )
        .at(&plan.source, step.span, "this step needs it");
        diagnostic.hint = Some(match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its services: {}", known.join(", ")),
        });
        found.push(diagnostic);
    }
    let each = plan.requests_per_iteration().max(1) as f64;
    let total: Option<f64> = plan.load.iter().map(|load| load.executor.rate_max()).sum();
    for load in &plan.load {
        let rate = load.executor.rate_max().map(|rate| rate * each);
        if let (Some(rate), Some(cap)) = (rate, environment.caps.rate)
            && rate > cap
        {
            found.push(over(
                plan,
                load.span,
                format!("{rate:.0} requests/s"),
                format!("the cap of `{}`, {cap:.0}/s", environment.name),
            ));
        }
        let users = load.executor.users_max();
        let closed = load.executor.rate_max().is_none();
        if closed && environment.caps.users.is_some_and(|cap| users > cap) {
            let cap = environment.caps.users.unwrap_or_default();
            found.push(over(
                plan,
                load.span,
                format!("{users} virtual users"),
                format!("the cap of `{}`, {cap}", environment.name),
            ));
        }
    }
    for name in plan.services() {
        let Some(limit) = environment
            .services
            .get(name)
            .and_then(|service| service.limit)
        else {
            continue;
        };
        if let (Some(rate), Some(load)) = (total.map(|rate| rate * each), plan.load.first())
            && rate > limit
        {
            found.push(
                over(plan, load.span, format!("{:.0} requests/min", rate * 60.0), format!("what `{name}` allows, {:.0}/min", limit * 60.0))
                    .hint("the answers would be 429s, and the run would measure the limiter; lower the rate or have this address exempted"),
            );
        } else if let Some(load) = plan.load.iter().find(|load| {
            !matches!(
                load.executor,
                Executor::ConstantArrivalRate { .. } | Executor::RampingArrivalRate { .. }
            )
        }) {
            found.push(
                Diagnostic::warning(
                    "rate-above-limit",
                    format!(
                        "`{}` has no rate of its own, but `{name}` allows {:.0} requests/min",
                        load.executor.name(),
                        limit * 60.0
                    ),
                )
                .at(&plan.source, load.span, "may exceed the limit")
                .hint("an arrival-rate executor keeps a rate"),
            );
        }
    }
}

fn over(plan: &Plan, span: crate::document::Span, asked: String, bound: String) -> Diagnostic {
    Diagnostic::error(
        "rate-above-cap",
        format!("this load asks for {asked}, over {bound}"),
    )
    .at(&plan.source, span, "too much for this environment")
    .hint("lower it here, or raise the cap in `bellwether.yaml` on purpose")
}
