//! Reads the probes of a configuration, and what probes and gates name alike.

use super::probe::Probe;
use super::schedule::Schedule;
use crate::document::node::Node;
use crate::duration;
use crate::environment::settings::Environment;
use crate::scenario::reader::{Reader, entries, named_texts, text, time};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

impl Reader<'_> {
    /// The environment that a probe or a gate names.
    pub fn known_environment(
        &mut self,
        node: &Node,
        environments: &BTreeMap<String, Arc<Environment>>,
    ) -> Option<String> {
        let name = node.get("environment")?;
        if !environments.contains_key(&name.text) {
            let known: Vec<&str> = environments.keys().map(String::as_str).collect();
            self.unknown("unknown-environment", "environment", name, &known);
            return None;
        }
        Some(name.text.clone())
    }

    /// The channels that are told.
    pub fn tell(&mut self, node: &Node, root: &Node) -> Vec<String> {
        let channels: Vec<&str> = entries(root, "channels")
            .iter()
            .map(|(name, _)| name.text.as_str())
            .collect();
        let mut names = Vec::new();
        for name in node.get("tell").map(Node::items).unwrap_or_default() {
            if !channels.contains(&name.text.as_str()) {
                self.unknown("unknown-channel", "channel", name, &channels);
            }
            names.push(name.text.clone());
        }
        names
    }

    /// A probe.
    pub fn probe(
        &mut self,
        name: &Node,
        node: &Node,
        environments: &BTreeMap<String, Arc<Environment>>,
        root: &Node,
    ) -> Option<Probe> {
        let environment = self.known_environment(node, environments);
        let schedule = match (node.get("interval"), node.get("cron")) {
            (Some(interval), None) => match duration::parse(&interval.text) {
                Ok(every) if every >= Duration::from_millis(100) => Some(Schedule::every(every)),
                Ok(_) => {
                    self.error(
                        "bad-schedule",
                        "an interval is at least 100ms",
                        interval.span,
                        "too short",
                    );
                    None
                }
                Err(_) => None,
            },
            (None, Some(cron)) => {
                match Schedule::cron(&cron.text, text(node, "zone").as_deref().unwrap_or("UTC")) {
                    Ok(schedule) => Some(schedule),
                    Err(reason) => {
                        self.error(
                            "bad-schedule",
                            format!("`{}` is not a schedule: {reason}", cron.text),
                            cron.span,
                            "five fields, or six with seconds first",
                        );
                        None
                    }
                }
            }
            _ => {
                self.error(
                    "missing-field",
                    "a probe needs either `interval` or `cron`",
                    name.span,
                    "exactly one of them",
                );
                None
            }
        };
        let tell = self.tell(node, root);
        let scenario = self.existing(node.get("scenario")?);
        let count = |key: &str, default| node.get(key).and_then(Node::as_count).unwrap_or(default);
        Some(Probe {
            name: name.text.clone(),
            scenario,
            environment: environment?,
            schedule: schedule?,
            timeout: time(node, "timeout", 30),
            failures: count("failures", 3),
            successes: count("successes", 1),
            inputs: named_texts(node, "inputs"),
            tell,
        })
    }
}
