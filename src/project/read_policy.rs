//! Reads what decides about a gate: its rule, baseline, approvals, prerequisites and waivers.

use super::gate::{Approval, Prerequisite};
use crate::document::diagnostic::Diagnostic;
use crate::document::node::Node;
use crate::environment::settings::Environment;
use crate::objective::rule::Rule;
use crate::record::state::Waiver;
use crate::scenario::reader::{Reader, entries, text, time};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

impl Reader<'_> {
    /// How loads are judged.
    pub fn rule(&mut self, node: &Node) -> Rule {
        let mut rule = Rule::default();
        for (name, value) in entries(node, "rule") {
            if let Err(reason) = rule.set(&format!("{}={}", name.text, value.text)) {
                self.found.push(
                    Diagnostic::error(
                        "bad-rule",
                        format!("`{}` cannot be set to `{}`", name.text, value.text),
                    )
                    .at(self.source, value.span, "cannot be read")
                    .hint(reason),
                );
            }
        }
        rule
    }

    /// The environment that serves the version before.
    pub fn baseline(
        &mut self,
        node: &Node,
        environments: &BTreeMap<String, Arc<Environment>>,
    ) -> Option<String> {
        let name = node.get("baseline")?;
        if !environments.contains_key(&name.text) {
            let known: Vec<&str> = environments.keys().map(String::as_str).collect();
            self.unknown("unknown-environment", "environment", name, &known);
            return None;
        }
        if node
            .get("environment")
            .is_some_and(|own| own.text == name.text)
        {
            self.found.push(
                Diagnostic::error(
                    "own-baseline",
                    format!("`{}` is the gate's own environment", name.text),
                )
                .at(self.source, name.span, "nothing is worse than itself")
                .hint("name the environment that goes on serving the version before"),
            );
            return None;
        }
        Some(name.text.clone())
    }

    fn known_gate(&mut self, name: &Node, gates: &[&str]) -> bool {
        let known = gates.contains(&name.text.as_str());
        if !known {
            self.unknown("unknown-gate", "gate", name, gates);
        }
        known
    }

    /// Gates that must have promoted the same commit before.
    pub fn prerequisites(&mut self, node: &Node, gates: &[&str]) -> Vec<Prerequisite> {
        let items = node.get("after").map(Node::items).unwrap_or_default();
        let mut found = Vec::new();
        for item in items {
            if let Some(name) = item.get("gate")
                && self.known_gate(name, gates)
            {
                found.push(Prerequisite {
                    gate: name.text.clone(),
                    within: time(item, "within", 24 * 3600),
                    wait: time(item, "wait", 600),
                });
            }
        }
        found
    }

    /// Shares of error budgets that must be left.
    pub fn require_budget(&mut self, node: &Node, root: &Node) -> BTreeMap<String, f64> {
        let known: Vec<&str> = entries(root, "slos")
            .iter()
            .map(|(name, _)| name.text.as_str())
            .collect();
        let mut found = BTreeMap::new();
        for (name, least) in entries(node, "require_budget") {
            if !known.contains(&name.text.as_str()) {
                self.unknown("unknown-slo", "SLO", name, &known);
            }
            let number = least
                .text
                .trim()
                .trim_end_matches('%')
                .trim()
                .parse::<f64>();
            match number {
                Ok(percent) if (0.0..=100.0).contains(&percent) => {
                    found.insert(name.text.clone(), percent / 100.0);
                }
                _ => {
                    let title = format!("`{}` is no share of a budget", least.text);
                    self.error("wrong-type", title, least.span, "from `0%` to `100%`");
                }
            }
        }
        found
    }

    /// Gates that are rolled back together with this one.
    pub fn together(&mut self, node: &Node, gates: &[&str]) -> Vec<String> {
        let items = node.get("together").map(Node::items).unwrap_or_default();
        let known = items
            .into_iter()
            .filter(|name| self.known_gate(name, gates));
        known.map(|name| name.text.clone()).collect()
    }

    /// Gates that are promoted as a pair with this one: each names the other, and none waits for the other's
    /// promotion before it begins.
    pub fn pair(&mut self, own: &Node, node: &Node, root: &Node, gates: &[&str]) -> Vec<String> {
        let mut names = Vec::new();
        for name in node.get("pair").map(Node::items).unwrap_or_default() {
            if !self.known_gate(name, gates) {
                continue;
            }
            let all = entries(root, "gates");
            let other = all.iter().find(|(known, _)| known.text == name.text);
            let lists = |node: &Node, key: &str, wanted: &str| {
                let items = node.get(key).map(Node::items).unwrap_or_default();
                items.iter().any(|item| {
                    let named = item.get("gate").unwrap_or(item);
                    named.text == wanted
                })
            };
            let is_mutual = other.is_some_and(|(_, node)| lists(node, "pair", &own.text));
            let waits = lists(node, "after", &name.text)
                || other.is_some_and(|(_, node)| lists(node, "after", &own.text));
            if name.text == own.text || !is_mutual {
                let title = format!("`{}` is no pair with `{}`", own.text, name.text);
                let label = format!("add `pair: [{}]` there", own.text);
                self.error("no-pair", title, name.span, &label);
            } else if waits {
                let title =
                    "one of a pair that begins `after` the other is promoted would wait for ever";
                self.error("no-pair", title, name.span, "leave out `after`");
            }
            names.push(name.text.clone());
        }
        names
    }

    /// Failures that somebody answers for.
    pub fn waivers(&mut self, node: &Node) -> Vec<Waiver> {
        let mut found = Vec::new();
        for item in node.get("waivers").map(Node::items).unwrap_or_default() {
            let Some(until) = item.get("until") else {
                continue;
            };
            let Ok(day) = until.text.parse::<chrono::NaiveDate>() else {
                self.error(
                    "wrong-type",
                    format!("`{}` is not a day", until.text),
                    until.span,
                    "the last day of the waiver, such as `2026-12-20`",
                );
                continue;
            };
            let end = day
                .and_hms_opt(23, 59, 59)
                .map_or(0, |end| end.and_utc().timestamp_millis());
            let word = |key: &str| text(item, key).unwrap_or_default();
            let check = word("check");
            if let Some(phase) = Waiver::unwaivable(&check)
                && let Some(at) = item.get("check")
            {
                self.error(
                    "cannot-be-waived",
                    format!("{} cannot be waived", phase.word()),
                    at.span,
                    "only what is measured can: smoke, load, bake, or a scenario of them",
                );
            }
            found.push(Waiver {
                check,
                by: word("by"),
                reason: word("reason"),
                until_ms: end,
            });
        }
        found
    }
}

/// Who must agree.
pub fn approval(node: &Node) -> Approval {
    let required = node.get("required").and_then(Node::as_count).unwrap_or(1);
    Approval {
        required,
        by_actor: node
            .get("by_actor")
            .and_then(Node::as_bool)
            .unwrap_or(required == 1),
        timeout: time(node, "timeout", 3600),
    }
}

/// Time for single phases.
pub fn budgets(node: &Node) -> BTreeMap<String, Duration> {
    let Some(budgets) = node.get("budgets") else {
        return BTreeMap::new();
    };
    entries(node, "budgets")
        .iter()
        .map(|(name, _)| (name.text.clone(), time(budgets, &name.text, 1800)))
        .collect()
}
