//! Reads what is done after a verdict, and finds what could not be done before it is needed.

use super::read_gate::digest;
use crate::delivery::webhook::Webhook;
use crate::document::diagnostic::Diagnostic;
use crate::document::kind;
use crate::document::node::Node;
use crate::environment::settings::Environment;
use crate::net::program;
use crate::pipeline::action::{Action, ActionKind};
use crate::pipeline::ticket::{TICKETS, Ticket};
use crate::pipeline::vendor::VENDORS;
use crate::record::gate::INPUTS;
use crate::scenario::reader::{Reader, text, time};
use crate::scenario::template::Template;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

impl Reader<'_> {
    /// The actions of a verdict.
    pub fn actions(&mut self, node: Option<&Node>, key: &str) -> Vec<Action> {
        let items = node
            .and_then(|node| node.get(key))
            .map(Node::items)
            .unwrap_or_default();
        for item in &items {
            if item.get("shell").is_none() {
                self.known_facts(item);
            }
        }
        items
            .into_iter()
            .enumerate()
            .filter_map(|(number, node)| self.action(node, key, number))
            .collect()
    }

    /// The program that proves a command before it is needed.
    fn check_of(&mut self, node: &Node) -> Vec<Template> {
        let words = node.get("check").map(Node::items).unwrap_or_default();
        let words = words.into_iter();
        words.filter_map(|node| self.template(node)).collect()
    }

    fn action(&mut self, node: &Node, key: &str, number: usize) -> Option<Action> {
        let vendors = kind::named(VENDORS, node);
        if let [(vendor, settings)] = vendors.as_slice()
            && ["command", "shell", "webhook"]
                .iter()
                .all(|key| node.get(key).is_none())
        {
            let given = |name: &str| settings.get(name).map(|node| node.text.as_str());
            if let Some(lack) = vendor.what.lacks(&given) {
                self.error("missing-field", lack, settings.span, "not here");
            }
            let kind = ActionKind::Vendor(vendor, self.settings(settings));
            return Some(whole_action(node, key, number, kind));
        }
        let kind = match (node.get("command"), node.get("shell"), node.get("webhook")) {
            (Some(command), None, None) => {
                let words: Vec<Template> = command
                    .items()
                    .into_iter()
                    .filter_map(|node| self.template(node))
                    .collect();
                if words.is_empty() {
                    self.error(
                        "missing-field",
                        "a command needs a program",
                        command.span,
                        "no word here",
                    );
                    return None;
                }
                let folder = text(node, "dir").map(|folder| self.folder.join(folder));
                self.is_there(command, &words, folder.as_deref());
                let check = self.check_of(node);
                ActionKind::Command {
                    words,
                    folder,
                    check,
                }
            }
            (None, Some(shell), None) => ActionKind::Command {
                words: vec![
                    Template::literal("sh"),
                    Template::literal("-c"),
                    Template::literal(shell.text.clone()),
                ],
                folder: text(node, "dir").map(|folder| self.folder.join(folder)),
                check: self.check_of(node),
            },
            (None, None, Some(webhook)) => ActionKind::Webhook(Webhook::read(self, webhook)?),
            _ => {
                self.error(
                    "missing-field",
                    format!(
                        "an action is one of `command`, `shell`, `webhook` and the platforms {}",
                        kind::list(VENDORS)
                    ),
                    node.span,
                    "exactly one of them",
                );
                return None;
            }
        };
        Some(whole_action(node, key, number, kind))
    }

    /// The ticket that the record of a gate is attached to.
    pub(super) fn ticket(&mut self, node: &Node) -> Option<Ticket> {
        self.known_facts(node);
        let kinds = kind::named(TICKETS, node);
        let [(kind, settings)] = kinds.as_slice() else {
            let title = format!("a ticket is of one of {}", kind::list(TICKETS));
            self.error("missing-field", title, node.span, "exactly one of them");
            return None;
        };
        let names = kind.what.named_by();
        if names.iter().all(|name| settings.get(name).is_none()) {
            let title = format!("which ticket? It needs `{}`", names.join("` or `"));
            self.error("missing-field", title, settings.span, "not here");
        }
        Some(Ticket {
            kind,
            settings: self.settings(settings),
        })
    }

    /// The settings of a platform, as templates.
    fn settings(&mut self, node: &Node) -> BTreeMap<String, Template> {
        let mut found = BTreeMap::new();
        for (name, value) in node.entries() {
            // As that of a command: from the configuration's own folder.
            let template = if name.text == "dir" {
                Some(Template::literal(
                    self.folder.join(&value.text).display().to_string(),
                ))
            } else {
                self.template(value)
            };
            if let Some(template) = template {
                found.insert(name.text.clone(), template);
            }
        }
        found
    }

    /// Reports inputs that no gate has.
    pub(super) fn known_facts(&mut self, node: &Node) {
        self.known_inputs(node, &INPUTS, "a gate");
    }

    /// A program that is not there would be found out when it is needed.
    fn is_there(&mut self, command: &Node, words: &[Template], folder: Option<&Path>) {
        let program = words.first().and_then(Template::fixed);
        if let (Some(program), Some(node)) = (program, command.items().first())
            && let Some(obstacle) = program::obstacle(program, folder)
        {
            self.found.push(
                Diagnostic::warning("no-program", obstacle)
                    .at(self.source, node.span, "not on this machine")
                    .hint("a gate whose rollback cannot be started holds in its preflight"),
            );
        }
    }

    /// Who enforces verdicts acts on them, or tells somebody.
    pub fn acts(
        &mut self,
        name: &Node,
        node: &Node,
        environment: Option<&str>,
        environments: &BTreeMap<String, Arc<Environment>>,
        tells_nobody: bool,
    ) {
        let environment = environment.and_then(|name| environments.get(name));
        let enforces = environment.is_some_and(|environment| environment.enforce);
        let acts = node.get("actions").and_then(|node| node.get("rollback"));
        let asked = ["github", "triggers", "webhook"];
        let is_asked = asked.iter().any(|key| node.get(key).is_some());
        if enforces && acts.is_none() && tells_nobody && !is_asked {
            self.found.push(
                Diagnostic::warning(
                    "nobody-acts",
                    format!("the gate `{}` rolls nothing back and tells nobody", name.text),
                )
                .at(self.source, name.span, "its environment says `enforce: true`")
                .hint("add `actions: { rollback: [ … ] }` or `tell: [ … ]`; whoever waits for the verdict acts alone otherwise"),
            );
        }
    }
}

fn whole_action(node: &Node, key: &str, number: usize, kind: ActionKind) -> Action {
    // A platform is asked again after a fault; a program might not bear it.
    let attempts = match kind {
        ActionKind::Vendor(..) => 5,
        _ => 1,
    };
    let name = text(node, "name");
    let known_by = name.clone().unwrap_or_else(|| digest(node));
    Action {
        name: name.unwrap_or_else(|| format!("{key} {}", number + 1)),
        identity: format!("{} {known_by}", kind.word()),
        kind,
        timeout: time(node, "timeout", 120),
        attempts: node
            .get("attempts")
            .and_then(Node::as_count)
            .unwrap_or(attempts) as u32,
    }
}
