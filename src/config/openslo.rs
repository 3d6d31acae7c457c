//! Objectives as OpenSLO v1 writes them (github.com/OpenSLO/OpenSLO), read as our own.
//!
//! Whose runs count is said by the service of the document, or by annotations that begin with `bellwether/`:
//! a query of somebody's metrics is nothing that a prober could measure. What cannot be carried is a mistake,
//! never left out in silence.

use super::rules::OWN;
use crate::document::diagnostic::{Diagnostic, Diagnostics};
use crate::document::node::{self, Node};
use crate::document::source::Source;
use crate::duration;
use crate::project::alerts::AlertSettings;
use crate::project::read_slo::share;
use crate::project::slo::Slo;
use crate::watch::budget::{Goal, Window};
use std::sync::Arc;
use std::time::Duration;

struct Reader<'a> {
    source: &'a Arc<Source>,
    found: &'a mut Diagnostics,
}

/// The objectives of a file; documents of other kinds than `SLO` say nothing to us.
pub fn read(source: &Arc<Source>, tell: &[String], found: &mut Diagnostics) -> Vec<Slo> {
    let documents = node::parse_all(source, found).unwrap_or_default();
    let mut reader = Reader { source, found };
    let slos: Vec<Slo> = documents
        .iter()
        .filter(|document| text(document, &["kind"]).as_deref() == Some("SLO"))
        .filter_map(|document| reader.slo(document, tell))
        .collect();
    if slos.is_empty() && !reader.found.has_errors() {
        let title = format!("`{}` holds no document of the kind `SLO`", source.path);
        reader
            .found
            .push(Diagnostic::warning("nothing-read", title));
    }
    slos
}

fn at<'a>(node: &'a Node, path: &[&str]) -> Option<&'a Node> {
    path.iter().try_fold(node, |node, key| node.get(key))
}

fn text(node: &Node, path: &[&str]) -> Option<String> {
    at(node, path).and_then(Node::as_text).map(str::to_owned)
}

impl Reader<'_> {
    fn error(&mut self, node: &Node, title: String, label: &str) {
        let diagnostic = Diagnostic::error("not-carried", title);
        self.found
            .push(diagnostic.at(self.source, node.span, label));
    }

    fn slo(&mut self, document: &Node, tell: &[String]) -> Option<Slo> {
        let version = text(document, &["apiVersion"]);
        if version.as_deref() != Some("openslo/v1") {
            let title = format!(
                "`{}` is no version that is read",
                version.unwrap_or_default()
            );
            self.error(
                document.get("apiVersion").unwrap_or(document),
                title,
                "expected `openslo/v1`",
            );
            return None;
        }
        let title = text(document, &["metadata", "displayName"]);
        let name = title.or_else(|| text(document, &["metadata", "name"]));
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            self.error(
                document,
                "an SLO has a name".to_owned(),
                "`metadata.name` is missing",
            );
            return None;
        };
        let own = |key: &str| {
            text(
                document,
                &["metadata", "annotations", &format!("{OWN}{key}")],
            )
        };
        let probes =
            own("probes").map(|list| list.split(',').map(|name| name.trim().to_owned()).collect());
        let probes: Vec<String> = probes.unwrap_or_default();
        let (group, mut service) = (own("group"), own("service"));
        if probes.is_empty() && group.is_none() && service.is_none() {
            service = text(document, &["spec", "service"]);
        }
        let method = at(document, &["spec", "budgetingMethod"]);
        if let Some(method) = method.filter(|method| method.text != "Occurrences") {
            let title = format!(
                "the budgeting method `{}` is not carried: each run counts once",
                method.text
            );
            self.error(method, title, "expected `Occurrences`");
        }
        let goal = self.goal(document, own("latency"), own("unknown"))?;
        let runbook = text(document, &["metadata", "annotations", "runbook"]);
        Some(Slo {
            name,
            probes,
            group,
            service,
            environment: own("environment"),
            goal,
            alert: AlertSettings {
                tell: tell.to_vec(),
                runbook,
                ..AlertSettings::default()
            },
        })
    }

    fn goal(
        &mut self,
        document: &Node,
        latency: Option<String>,
        unknown: Option<String>,
    ) -> Option<Goal> {
        let objectives = at(document, &["spec", "objectives"])
            .map(Node::items)
            .unwrap_or_default();
        let objective = match objectives.as_slice() {
            [one] => *one,
            others => {
                let title = format!("an SLO with {} objectives is not carried", others.len());
                self.error(document, title, "expected one; write an SLO for each");
                return None;
            }
        };
        let target = objective.get("target").map(|node| node.text.clone());
        let percent = objective
            .get("targetPercent")
            .map(|node| format!("{}%", node.text));
        let share = target.or(percent).and_then(|text| share(&text));
        if share.is_none() {
            let title = "an objective has a target above 0 and below 1".to_owned();
            self.error(objective, title, "`target` or `targetPercent`");
        }
        Some(Goal {
            share: share?,
            latency_us: latency
                .and_then(|text| duration::parse(&text).ok())
                .map(|limit| limit.as_micros() as u64),
            unknown_is_bad: unknown.as_deref() == Some("bad"),
            window: self.window(document)?,
        })
    }

    fn window(&mut self, document: &Node) -> Option<Window> {
        let windows = at(document, &["spec", "timeWindow"])
            .map(Node::items)
            .unwrap_or_default();
        let Some(window) = windows.first() else {
            self.error(document, "an SLO has a `timeWindow`".to_owned(), "missing");
            return None;
        };
        let is_rolling = window
            .get("isRolling")
            .and_then(Node::as_bool)
            .unwrap_or(false);
        let length = text(window, &["duration"]).unwrap_or_default();
        if !is_rolling && length == "1M" {
            return Some(Window::Month);
        }
        // Weeks are OpenSLO's own; all else is a duration of ours.
        let weeks = length
            .strip_suffix('w')
            .and_then(|weeks| weeks.parse::<u64>().ok());
        let parsed = match weeks {
            Some(weeks) => Some(Duration::from_secs(weeks * 7 * 24 * 3_600)),
            None => duration::parse(&length).ok(),
        };
        let hour = Duration::from_secs(3_600);
        match parsed.filter(|length| is_rolling && (hour..=90 * 24 * hour).contains(length)) {
            Some(length) => Some(Window::Rolling(length)),
            None => {
                let title = format!("the window `{length}` is not carried");
                self.error(
                    window,
                    title,
                    "rolling from `1h` to `90d`, or the calendar's `1M`",
                );
                None
            }
        }
    }
}
