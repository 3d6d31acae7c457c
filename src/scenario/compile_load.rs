//! How a scenario is driven: executors, and how connections are used.
//!
//! The names and meanings of the executors are k6's; `breakpoint` is ours.

use super::compiler::{Compiler, text, time};
use super::executors::registry::{ExecutorKind, Fields, named};
use super::plan::*;
use crate::document::node::Node;
use crate::net::family::Family;
use crate::net::hosts::Hosts;
use std::time::Duration;

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
        let mut hosts = Hosts::default();
        for (name, address) in node.get("hosts").map(Node::entries).unwrap_or_default() {
            if let Err(why) = hosts.add(&name.text, &address.text) {
                let label = "expected `name: address`, each with a port or without";
                self.error("wrong-type", why, name.span, label);
            }
        }
        Connections {
            hosts,
            barred: default.barred,
            spread: default.spread,
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
            family: match node.get("family").and_then(Node::as_text) {
                Some("ipv4") => Some(Family::Four),
                Some("ipv6") => Some(Family::Six),
                _ => None,
            },
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
        let kind = named(node.get("executor")?.as_text()?)?;
        let ExecutorKind {
            name, needs, takes, ..
        } = kind;
        let mut complete = true;
        for key in *needs {
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
                .chain(*needs)
                .chain(*takes)
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
        (kind.read)(self, Fields(node))
    }
}
