//! Whether a scenario stays within an environment: its services are there, its load is under the caps.

use super::settings::Environment;
use crate::document::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::scenario::plan::{Executor, Plan};

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
    for step in plan.all_steps().filter(|step| !step.only_in.is_empty()) {
        if !step.only_in.contains(&environment.name) {
            let (name, here) = (&step.name, &environment.name);
            let title = format!("the step `{name}` is not for the environment `{here}`");
            found.push(
                Diagnostic::error("wrong-environment", title)
                    .at(&plan.source, step.span, "refused here")
                    .hint(format!("it is only for {}", step.only_in.join(", "))),
            );
        }
    }
    past_the_proxy(plan, environment, found);
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

/// Pages that would be opened without the proxy that everything else goes through.
fn past_the_proxy(plan: &Plan, environment: &Environment, found: &mut Diagnostics) {
    let opens = plan.all_steps().find(|step| step.browse().is_some());
    if let Some(step) = opens.or(plan.quality_step())
        && environment.proxy.is_some()
    {
        let title = format!(
            "pages are opened without a proxy, and `{}` has one",
            environment.name
        );
        found.push(
            Diagnostic::error("bad-proxy", title)
                .at(&plan.source, step.span, "would go past the proxy")
                .hint("open pages in an environment without `proxy`"),
        );
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
