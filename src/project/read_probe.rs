//! Reads the probes of a configuration, and what probes and gates name alike.

use super::found::Found;
use super::maintenance::Maintenance;
use super::probe::{Connecting, Probe};
use super::schedule::Schedule;
use super::targets::{Kubernetes, Targets};
use crate::document::node::Node;
use crate::duration;
use crate::environment::settings::Environment;
use crate::scenario::reader::{Reader, entries, named_texts, text, texts, time};
use crate::watch::health::Rules;
use crate::watch::trend::{Rise, Trend};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The times in which trends are looked for: what is kept for days is thinned.
const TREND_MIN: Duration = Duration::from_secs(600);
const TREND_MAX: Duration = Duration::from_secs(4 * 86_400);

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

    /// The schedule of a mapping with `interval` or `cron`.
    pub(super) fn schedule(&mut self, name: &Node, node: &Node) -> Option<Schedule> {
        match (node.get("interval"), node.get("cron")) {
            (Some(interval), None) => self.interval(interval).map(Schedule::every),
            (None, Some(cron)) => self.cron(cron, node),
            _ => {
                self.error(
                    "missing-field",
                    "it needs either `interval` or `cron`",
                    name.span,
                    "exactly one of them",
                );
                None
            }
        }
    }

    fn interval(&mut self, node: &Node) -> Option<Duration> {
        match duration::parse(&node.text) {
            Ok(every) if every >= Duration::from_millis(100) => Some(every),
            Ok(_) => {
                let title = "an interval is at least 100ms";
                self.error("bad-schedule", title, node.span, "too short");
                None
            }
            // Said by the form.
            Err(_) => None,
        }
    }

    fn cron(&mut self, cron: &Node, node: &Node) -> Option<Schedule> {
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

    fn maintenance(&mut self, node: &Node) -> Option<Maintenance> {
        if let Some(cron) = node.get("cron") {
            let schedule = self.cron(cron, node)?;
            let length = node.get("for").and_then(Node::as_text);
            let Some(length) = length.and_then(|text| duration::parse(text).ok()) else {
                let title = "a window that begins by `cron` needs to know how long it lasts";
                self.error("missing-field", title, node.span, "add `for: 2h`");
                return None;
            };
            return Some(Maintenance::Again(schedule, length));
        }
        let mut moment = |key: &str| -> Option<DateTime<Utc>> {
            let Some(found) = node.get(key) else {
                let title = format!("a window of maintenance needs `{key}`, or `cron` and `for`");
                self.error("missing-field", title, node.span, "here");
                return None;
            };
            let read = found.text.parse::<DateTime<chrono::FixedOffset>>();
            if read.is_err() {
                let title = format!("`{}` is no moment", found.text);
                self.error(
                    "wrong-type",
                    title,
                    found.span,
                    "expected `2026-12-01T02:00:00Z`",
                );
            }
            read.ok().map(|moment| moment.to_utc())
        };
        let (from, to) = (moment("from"), moment("to"));
        let (from, to) = (from?, to?);
        if from >= to {
            let title = "a window of maintenance ends after it begins";
            self.error("wrong-type", title, node.span, "`to` is not after `from`");
            return None;
        }
        Some(Maintenance::Once(from, to))
    }

    /// Where values must not go.
    fn trends(&mut self, node: &Node) -> Vec<Trend> {
        let mut trends = Vec::new();
        for (name, node) in entries(node, "trends") {
            let trend = Trend {
                value: name.text.clone(),
                over: time(node, "over", 3_600),
                rises: node.get("rises").and_then(|node| self.rise(node)),
                drops: node.get("drops").and_then(Node::as_count),
                worse: node.get("worse").and_then(|node| match self.rise(node) {
                    Some(Rise::Share(share)) => Some(share),
                    Some(Rise::By(_)) => {
                        let title = "what is worse is so by a share";
                        self.error("wrong-type", title, node.span, "write `50%`");
                        None
                    }
                    None => None,
                }),
            };
            if trend.over > TREND_MAX || trend.over < TREND_MIN {
                let title = "a trend is looked for in 10m to 4d";
                let span = node.get("over").map_or(node.span, |over| over.span);
                self.error("wrong-type", title, span, "not in this time");
            }
            if ["rises", "drops", "worse"]
                .iter()
                .all(|key| node.get(key).is_none())
            {
                let title = format!("nothing is said of where `{}` must not go", name.text);
                let label = "add `rises`, `drops` or `worse`";
                self.error("missing-field", title, name.span, label);
            }
            trends.push(trend);
        }
        trends
    }

    fn rise(&mut self, node: &Node) -> Option<Rise> {
        let text = node.text.trim();
        let read = match text.strip_suffix('%') {
            Some(digits) => digits.trim().parse().map(|it: f64| Rise::Share(it / 100.0)),
            None => text.parse().map(Rise::By),
        };
        match read {
            Ok(rise @ (Rise::By(most) | Rise::Share(most))) if most > 0.0 && most.is_finite() => {
                Some(rise)
            }
            _ => {
                let title = format!("`{text}` is neither a number over 0 nor a share");
                self.error("wrong-type", title, node.span, "write `2` or `5%`");
                None
            }
        }
    }

    /// Probes that a probe depends on: others that are configured, and no circle of them.
    fn depends_on(&mut self, name: &Node, node: &Node, root: &Node) -> Vec<String> {
        let probes = entries(root, "probes");
        let known: Vec<&str> = probes.iter().map(|(name, _)| name.text.as_str()).collect();
        let mut names = Vec::new();
        for on in node.get("depends_on").map(Node::items).unwrap_or_default() {
            if !known.contains(&on.text.as_str()) {
                self.unknown("unknown-probe", "probe", on, &known);
            } else if leads_to(&on.text, &name.text, probes) {
                let title = format!("`{}` would depend on itself", name.text);
                self.error(
                    "circular-dependency",
                    title,
                    on.span,
                    "this leads back to it",
                );
            }
            names.push(on.text.clone());
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
        let schedule = self.schedule(name, node);
        self.probe_when(schedule, (name, node), environments, root)
    }

    /// What is performed as a probe is, whenever somebody asks for it.
    pub(super) fn asked_probe(
        &mut self,
        name: &Node,
        node: &Node,
        environments: &BTreeMap<String, Arc<Environment>>,
        root: &Node,
    ) -> Option<Probe> {
        // Nobody keeps it.
        let schedule = Some(Schedule::every(time(node, "timeout", 30)));
        self.probe_when(schedule, (name, node), environments, root)
    }

    fn probe_when(
        &mut self,
        schedule: Option<Schedule>,
        (name, node): (&Node, &Node),
        environments: &BTreeMap<String, Arc<Environment>>,
        root: &Node,
    ) -> Option<Probe> {
        let environment = self.known_environment(node, environments);
        let failing = node.get("failing_interval");
        let failing_interval = failing.and_then(|node| self.interval(node));
        let alert = self.alert_settings(node, root);
        let depends_on = self.depends_on(name, node, root);
        let windows = node.get("maintenance").map(Node::items).unwrap_or_default();
        let windows = windows.into_iter();
        let maintenance = windows
            .filter_map(|window| self.maintenance(window))
            .collect();
        let scenario = self.existing(node.get("scenario")?);
        let count = |key: &str| node.get(key).and_then(Node::as_count);
        let failures = count("failures").unwrap_or(3);
        if let (Some(within), Some(at)) = (count("within"), node.get("within"))
            && within < failures
        {
            let title = format!("{failures} failures cannot be among {within} runs");
            self.error(
                "never-down",
                title,
                at.span,
                "at least as many as `failures`",
            );
        }
        let duration = |key: &str| duration::parse(&text(node, key)?).ok();
        Some(Probe {
            name: name.text.clone(),
            scenario,
            environment: environment?,
            schedule: schedule?,
            failing_interval,
            timeout: time(node, "timeout", 30),
            rules: Rules {
                failures,
                within: count("within"),
                successes: count("successes").unwrap_or(1),
                without_pass: count("without_pass").unwrap_or((2 * failures).clamp(5, 64)),
            },
            degraded_above: duration("degraded_above"),
            trends: self.trends(node),
            retries: count("retries").unwrap_or(0),
            connections: match text(node, "connections").as_deref() {
                Some("kept") => Connecting::Kept,
                Some("resumed") => Connecting::Resumed,
                _ => Connecting::Fresh,
            },
            depends_on,
            excludes_deploys: text(node, "deploys").as_deref() == Some("excluded"),
            certificate: duration("certificate"),
            group: text(node, "group"),
            maintenance,
            active: node.get("active").and_then(|node| self.windows(node)),
            template: None,
            target: None,
            paused: node.get("paused").and_then(Node::as_bool).unwrap_or(false),
            inputs: named_texts(node, "inputs"),
            alert,
        })
    }
}

impl Reader<'_> {
    /// The targets of a probe, if it stands for many.
    pub fn targets(&mut self, node: &Node) -> Option<Targets> {
        let node = node.get("targets")?;
        let scheme = text(node, "scheme").unwrap_or_else(|| "http".to_owned());
        let mut targets = Targets {
            service: text(node, "service").unwrap_or_default(),
            list: Vec::new(),
            files: texts(node, "files")
                .iter()
                .map(|file| self.folder.join(file))
                .collect(),
            http: text(node, "http").map(|url| {
                let token = node.get("token").and_then(|token| self.template(token));
                (url, token)
            }),
            dns_srv: text(node, "dns_srv"),
            dns_server: text(node, "dns_server"),
            kubernetes: node.get("kubernetes").map(|node| Kubernetes {
                ingresses: text(node, "kind").as_deref() == Some("ingresses"),
                namespace: text(node, "namespace"),
                selector: text(node, "selector"),
                api: text(node, "api"),
                token: node.get("token").and_then(|token| self.template(token)),
                ca_file: text(node, "ca_file").map(|file| self.folder.join(file)),
            }),
            scheme,
            every: time(node, "every", 60),
            at_most: node
                .get("at_most")
                .and_then(Node::as_count)
                .unwrap_or(1_000) as usize,
        };
        for item in node.get("list").map(Node::items).unwrap_or_default() {
            let url = item.get("url").unwrap_or(item);
            let read = targets.url_of(&url.text, None);
            if read
                .parse::<http::Uri>()
                .ok()
                .is_none_or(|uri| uri.host().is_none())
            {
                let title = format!("`{}` is no target", url.text);
                self.error(
                    "wrong-type",
                    title,
                    url.span,
                    "expected `https://a.example`",
                );
            }
            targets.list.push(Found {
                url: read,
                labels: named_texts(item, "labels"),
            });
        }
        if targets.list.len() > targets.at_most {
            let title = format!(
                "{} targets are written down, and {} at most are measured",
                targets.list.len(),
                targets.at_most
            );
            self.error("wrong-type", title, node.span, "raise `at_most`");
        }
        if targets.list.is_empty() && !targets.is_looked_up() {
            let title = "targets need a source";
            self.error(
                "missing-field",
                title,
                node.span,
                "`list`, `files`, `http`, `dns_srv` or `kubernetes`",
            );
        }
        Some(targets)
    }
}

/// Whether what one probe depends on leads to another.
fn leads_to(from: &str, to: &str, probes: &[(Node, Node)]) -> bool {
    let (mut seen, mut next) = (Vec::new(), vec![from]);
    while let Some(name) = next.pop() {
        if name == to {
            return true;
        }
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let found = probes.iter().find(|(probe, _)| probe.text == name);
        let on = found.and_then(|(_, node)| node.get("depends_on"));
        next.extend(
            on.map(Node::items)
                .unwrap_or_default()
                .iter()
                .map(|on| on.text.as_str()),
        );
    }
    false
}
