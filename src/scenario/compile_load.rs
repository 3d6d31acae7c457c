//! How a scenario is driven: executors, and how connections are used.
//!
//! The names and meanings of the executors are k6's; `breakpoint` is ours.

use super::compiler::{Compiler, text, time};
use super::plan::*;
use crate::document::node::Node;
use std::time::Duration;

/// What an executor must have, and what it may have beside what all have.
fn fields(executor: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    Some(match executor {
        "shared-iterations" | "per-vu-iterations" => (&[], &["vus", "iterations", "maxDuration"]),
        "constant-vus" => (&["duration"], &["vus"]),
        "ramping-vus" => (&["stages"], &["startVUs", "gracefulRampDown"]),
        "constant-arrival-rate" => (
            &["rate", "duration"],
            &[
                "timeUnit",
                "arrivals",
                "preAllocatedVUs",
                "maxVUs",
                "maxWait",
            ],
        ),
        "ramping-arrival-rate" => (
            &["stages"],
            &[
                "startRate",
                "timeUnit",
                "arrivals",
                "preAllocatedVUs",
                "maxVUs",
                "maxWait",
            ],
        ),
        "breakpoint" => (
            &["startRate", "maxRate"],
            &[
                "stepDuration",
                "stepFactor",
                "precision",
                "timeUnit",
                "arrivals",
                "preAllocatedVUs",
                "maxVUs",
                "maxWait",
            ],
        ),
        _ => return None,
    })
}

impl Compiler<'_> {
    /// How connections are used.
    pub(super) fn connections(&mut self, root: &Node) -> Connections {
        let default = Connections::default();
        let Some(node) = root.get("connections") else {
            return default;
        };
        let listed = node.get("local_addresses").map(Node::items);
        let mut local_addresses = Vec::new();
        for node in listed.unwrap_or_default() {
            match node.as_text().unwrap_or_default().parse() {
                Ok(address) => local_addresses.push(address),
                Err(_) => self.error(
                    "wrong-type",
                    "a local address is an IP address of this machine",
                    node.span,
                    "not an IP address",
                ),
            }
        }
        if let (Some(streams), Some("iteration" | "never")) = (
            node.get("streams").filter(|node| node.as_count() > Some(1)),
            node.get("reuse").and_then(Node::as_text),
        ) {
            self.error(
                "wrong-type",
                "a connection that several virtual users share cannot end with one of them",
                streams.span,
                "only with `reuse: user`",
            );
        }
        Connections {
            reuse: match node.get("reuse").and_then(Node::as_text) {
                Some("iteration") => Reuse::Iteration,
                Some("never") => Reuse::Never,
                _ => Reuse::User,
            },
            streams: node
                .get("streams")
                .and_then(Node::as_count)
                .unwrap_or(default.streams),
            local_addresses,
            tls_resumption: node
                .get("tls_resumption")
                .and_then(Node::as_bool)
                .unwrap_or(default.tls_resumption),
            dns_ttl: time(node, "dns_ttl"),
        }
    }

    /// The executors of a scenario.
    pub(super) fn loads(&mut self, root: &Node) -> Vec<Load> {
        let items = root.get("load").map(Node::items).unwrap_or_default();
        let mut loads = Vec::new();
        for (number, node) in items.into_iter().enumerate() {
            let Some(executor) = self.executor(node) else {
                continue;
            };
            let default = if number == 0 {
                "default".to_owned()
            } else {
                format!("load-{}", number + 1)
            };
            loads.push(Load {
                name: text(node, "name").unwrap_or(default),
                span: node.get("executor").map_or(node.span, |node| node.span),
                start: time(node, "startTime").unwrap_or_default(),
                graceful_stop: time(node, "gracefulStop").unwrap_or(Duration::from_secs(30)),
                executor,
            });
        }
        self.check_search(root, &loads);
        loads
    }

    /// A search for a breakpoint stands alone and needs something that can break.
    fn check_search(&mut self, root: &Node, loads: &[Load]) {
        let search = |load: &&Load| matches!(load.executor, Executor::Breakpoint { .. });
        let Some(search) = loads.iter().find(search) else {
            return;
        };
        if loads.len() > 1 {
            let title = "`breakpoint` cannot be one of several executors";
            let label = "it raises the rate by itself";
            self.error("wrong-type", title, search.span, label);
        }
        if root
            .get("objectives")
            .is_none_or(|node| node.items().is_empty())
        {
            let title = "`breakpoint` needs `objectives`";
            let label = "without them nothing can break";
            self.error("missing-field", title, search.span, label);
        }
    }

    fn executor(&mut self, node: &Node) -> Option<Executor> {
        let name = node.get("executor")?.as_text()?.to_owned();
        let (needs, takes) = fields(&name)?;
        let mut complete = true;
        for key in needs {
            if node.get(key).is_none() {
                complete = false;
                let title = format!("`{name}` needs `{key}`");
                self.error(
                    "missing-field",
                    title,
                    node.get("executor")?.span,
                    "for this executor",
                );
            }
        }
        for (key, _) in node.entries() {
            let shared = ["executor", "name", "startTime", "gracefulStop"];
            let known = shared
                .iter()
                .chain(needs)
                .chain(takes)
                .any(|known| *known == key.text);
            if !known
                && super::shape::LOAD
                    .fields
                    .iter()
                    .any(|field| field.key == key.text)
            {
                complete = false;
                let title = format!("`{name}` has no `{}`", key.text);
                self.error(
                    "unknown-field",
                    title,
                    key.span,
                    "not used by this executor",
                );
            }
        }
        if !complete {
            return None;
        }
        let count =
            |key: &str, default: u64| node.get(key).and_then(Node::as_count).unwrap_or(default);
        let number = |key: &str| node.get(key).and_then(Node::as_number);
        let unit = time(node, "timeUnit")
            .unwrap_or(Duration::from_secs(1))
            .as_secs_f64()
            .max(1e-6);
        let stages = |per: f64| -> Vec<Stage> {
            let items = node.get("stages").map(Node::items).unwrap_or_default();
            items
                .into_iter()
                .map(|stage| Stage {
                    duration: time(stage, "duration").unwrap_or_default(),
                    target: stage
                        .get("target")
                        .and_then(Node::as_number)
                        .unwrap_or_default()
                        / per,
                })
                .collect()
        };
        let open = |rate: f64| {
            let wanted = ((rate * 0.1).ceil() as u64).clamp(10, 500);
            let users = count("preAllocatedVUs", wanted.min(count("maxVUs", wanted)));
            OpenModel {
                users,
                max_users: count("maxVUs", users.max(wanted)).max(users),
                max_wait: time(node, "maxWait").unwrap_or(Duration::from_secs(60)),
                spacing: match node.get("arrivals").and_then(Node::as_text) {
                    Some("poisson") => Spacing::Poisson,
                    _ => Spacing::Even,
                },
            }
        };
        Some(match name.as_str() {
            "shared-iterations" => {
                let vus = count("vus", 1);
                let iterations = count("iterations", vus);
                if iterations < vus {
                    let title =
                        format!("{iterations} iterations cannot be shared by {vus} virtual users");
                    self.error(
                        "wrong-type",
                        title,
                        node.get("iterations")?.span,
                        "fewer than `vus`",
                    );
                }
                Executor::SharedIterations {
                    vus,
                    iterations,
                    max_duration: time(node, "maxDuration").unwrap_or(Duration::from_secs(600)),
                }
            }
            "per-vu-iterations" => Executor::PerVuIterations {
                vus: count("vus", 1),
                iterations: count("iterations", 1),
                max_duration: time(node, "maxDuration").unwrap_or(Duration::from_secs(600)),
            },
            "constant-vus" => Executor::ConstantVus {
                vus: count("vus", 1),
                duration: time(node, "duration")?,
            },
            "ramping-vus" => Executor::RampingVus {
                start: count("startVUs", 1),
                stages: stages(1.0),
                graceful_ramp_down: time(node, "gracefulRampDown")
                    .unwrap_or(Duration::from_secs(30)),
            },
            "constant-arrival-rate" => {
                let rate = number("rate")? / unit;
                if rate <= 0.0 {
                    self.error(
                        "wrong-type",
                        "a rate is more than 0",
                        node.get("rate")?.span,
                        "nothing would start",
                    );
                }
                Executor::ConstantArrivalRate {
                    rate_per_second: rate,
                    duration: time(node, "duration")?,
                    open: open(rate),
                }
            }
            "breakpoint" => {
                let (start, most) = (number("startRate")? / unit, number("maxRate")? / unit);
                let factor = number("stepFactor").unwrap_or(1.5);
                let precision = number("precision").unwrap_or(0.05);
                let wrong = [
                    ("startRate", start > 0.0, "more than 0"),
                    ("maxRate", most >= start, "at least `startRate`"),
                    ("stepFactor", factor > 1.0, "more than 1"),
                    (
                        "precision",
                        precision > 0.0 && precision < 1.0,
                        "between 0 and 1",
                    ),
                ];
                for (key, holds, wanted) in wrong {
                    if !holds && let Some(node) = node.get(key) {
                        let title = format!("`{key}` must be {wanted}");
                        self.error("wrong-type", title, node.span, "out of range");
                    }
                }
                Executor::Breakpoint {
                    start_per_second: start,
                    max_per_second: most,
                    step_duration: time(node, "stepDuration").unwrap_or(Duration::from_secs(10)),
                    step_factor: factor,
                    precision,
                    open: open(most),
                }
            }
            _ => {
                let start = number("startRate").unwrap_or(0.0) / unit;
                let stages = stages(unit);
                let most = stages
                    .iter()
                    .map(|stage| stage.target)
                    .fold(start, f64::max);
                Executor::RampingArrivalRate {
                    start_per_second: start,
                    stages,
                    open: open(most),
                }
            }
        })
    }
}
