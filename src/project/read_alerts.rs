//! Reads how trouble is told, and the jobs that report their own.

use super::alerts::{AlertPolicy, AlertSettings};
use super::heartbeat::{DeadMan, Heartbeat};
use super::pushing::{Protocol, Push};
use crate::document::node::Node;
use crate::duration;
use crate::scenario::reader::{Reader, entries, named_texts, text, texts, time};
use crate::watch::alert::{Escalation, Severity, ms};
use crate::watch::duty::Rota;
use chrono::NaiveDateTime;
use std::collections::BTreeMap;
use std::time::Duration;

/// The severity that a mapping says with `below`.
fn severity(node: &Node) -> Option<Severity> {
    Severity::of(&text(node, "below")?)
}

impl Reader<'_> {
    /// The channels that are told.
    pub fn tell(&mut self, node: &Node, root: &Node) -> Vec<String> {
        self.channels_of(node.get("tell"), root)
    }

    /// Names of channels.
    fn channels_of(&mut self, list: Option<&Node>, root: &Node) -> Vec<String> {
        let rotas = root.get("alerts").map(|alerts| entries(alerts, "rotas"));
        let rotas = rotas.unwrap_or_default().iter();
        let channels: Vec<&str> = entries(root, "channels")
            .iter()
            .chain(rotas)
            .map(|(name, _)| name.text.as_str())
            .collect();
        let mut names = Vec::new();
        for name in list.map(Node::items).unwrap_or_default() {
            if !channels.contains(&name.text.as_str()) {
                self.unknown("unknown-channel", "channel", name, &channels);
            }
            names.push(name.text.clone());
        }
        names
    }

    /// How the trouble of one subject is told.
    pub(super) fn alert_settings(&mut self, node: &Node, root: &Node) -> AlertSettings {
        let word = text(node, "severity");
        AlertSettings {
            labels: named_texts(node, "labels"),
            severity: word
                .and_then(|word| Severity::of(&word))
                .unwrap_or_default(),
            runbook: text(node, "runbook"),
            tell: self.tell(node, root),
        }
    }

    /// A job that reports.
    pub fn heartbeat(&mut self, name: &Node, node: &Node, root: &Node) -> Option<Heartbeat> {
        let schedule = self.schedule(name, node);
        let alert = self.alert_settings(node, root);
        let token = node.get("token").map(|token| self.template(token));
        Some(Heartbeat {
            name: name.text.clone(),
            schedule: schedule?,
            grace: time(node, "grace", 300),
            token: match token {
                Some(token) => Some(token?),
                None => None,
            },
            alert,
        })
    }

    /// The heartbeat that we send.
    pub fn dead_man(&mut self, root: &Node) -> Option<DeadMan> {
        let node = root.get("dead_man")?;
        Some(DeadMan {
            url: self.template(node.get("url")?)?,
            every: time(node, "every", 60).max(Duration::from_secs(1)),
        })
    }

    /// To whom metrics are pushed.
    pub fn pushes(&mut self, root: &Node) -> Vec<Push> {
        let mut pushes = Vec::new();
        let kinds = [
            ("remote_write", Protocol::RemoteWrite),
            ("otlp", Protocol::Otlp),
        ];
        for (key, protocol) in kinds {
            let Some(node) = root.get("metrics").and_then(|node| node.get(key)) else {
                continue;
            };
            let url = node.get("url").and_then(|url| self.template(url));
            let token = node.get("token").and_then(|token| self.template(token));
            if let Some(url) = url {
                pushes.push(Push {
                    protocol,
                    url,
                    token,
                    every: time(node, "every", 15).max(Duration::from_secs(1)),
                    labels: named_texts(node, "labels").into_iter().collect(),
                });
            }
        }
        pushes
    }

    fn rotas(&mut self, alerts: &Node, root: &Node) -> BTreeMap<String, Rota> {
        let mut rotas = BTreeMap::new();
        for (name, node) in entries(alerts, "rotas") {
            let channels = texts(node, "channels");
            let known: Vec<&str> = entries(root, "channels")
                .iter()
                .map(|(name, _)| name.text.as_str())
                .collect();
            if known.contains(&name.text.as_str()) {
                let title = format!("`{}` is a channel already", name.text);
                self.error(
                    "bad-name",
                    title,
                    name.span,
                    "a rota needs a name of its own",
                );
            }
            for channel in node.get("channels").map(Node::items).unwrap_or_default() {
                if !known.contains(&channel.text.as_str()) {
                    self.unknown("unknown-channel", "channel", channel, &known);
                }
            }
            if channels.is_empty() {
                self.error(
                    "missing-field",
                    "a rota needs channels",
                    node.span,
                    "nobody would be told",
                );
            }
            let zone = node.get("zone").and_then(|zone| {
                let parsed = zone.text.parse().ok();
                if parsed.is_none() {
                    let title = format!("`{}` is not an IANA time zone", zone.text);
                    self.error(
                        "unknown-zone",
                        title,
                        zone.span,
                        "expected a name such as `Europe/Berlin`",
                    );
                }
                parsed
            });
            let from = node.get("from").and_then(|from| {
                let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
                let mut read = forms
                    .iter()
                    .filter_map(|form| NaiveDateTime::parse_from_str(&from.text, form).ok());
                let parsed = read.next();
                if parsed.is_none() {
                    let title = format!("`{}` is no moment", from.text);
                    self.error(
                        "wrong-type",
                        title,
                        from.span,
                        "expected `2026-11-30T09:00`",
                    );
                }
                parsed
            });
            if let (Some(zone), Some(from)) = (zone, from) {
                rotas.insert(
                    name.text.clone(),
                    Rota {
                        zone,
                        from,
                        channels,
                    },
                );
            }
        }
        rotas
    }

    /// How alerts are told.
    pub fn alerts(&mut self, root: &Node) -> AlertPolicy {
        let default = AlertPolicy::default();
        let Some(node) = root.get("alerts") else {
            return default;
        };
        let duration = |key: &str, default| {
            let text = node.get(key).and_then(Node::as_text);
            text.and_then(|text| duration::parse(text).ok())
                .unwrap_or(default)
        };
        let rungs = node.get("escalate").map(Node::items).unwrap_or_default();
        let mut escalate: Vec<Escalation> = rungs
            .into_iter()
            .map(|rung| Escalation {
                after_ms: ms(time(rung, "after", 0)),
                tell: self.tell(rung, root),
                severities: texts(rung, "severity")
                    .iter()
                    .filter_map(|word| Severity::of(word))
                    .collect(),
            })
            .collect();
        escalate.sort();
        AlertPolicy {
            wait: duration("wait", default.wait),
            interval: duration("interval", default.interval),
            repeat: duration("repeat", default.repeat),
            group_by: match node.get("group_by") {
                Some(_) => texts(node, "group_by"),
                None => default.group_by,
            },
            escalate,
            own: self.channels_of(node.get("own"), root),
            quiet: node
                .get("quiet")
                .and_then(|quiet| Some((severity(quiet)?, self.windows(quiet.get("hours")?)?))),
            digest: node
                .get("digest")
                .and_then(|digest| Some((severity(digest)?, time(digest, "every", 3_600)))),
            rotas: self.rotas(node, root),
        }
    }
}
