//! Reads the gates of `bellwether.yaml`.

use super::gate::{Bake, Converge, Gate, Prove, Rolling};
use super::read_policy::{approval, budgets};
use crate::document::diagnostic::Diagnostic;
use crate::document::node::Node;
use crate::environment::read::is_base_url;
use crate::environment::settings::Environment;
use crate::objective::Objective;
use crate::pipeline::github::Github;
use crate::pipeline::source;
use crate::scenario::reader::{Reader, named_texts, text, texts, time};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

impl Reader<'_> {
    /// A gate.
    pub fn gate(
        &mut self,
        name: &Node,
        node: &Node,
        environments: &BTreeMap<String, Arc<Environment>>,
        root: &Node,
    ) -> Option<Gate> {
        let environment = self.known_environment(node, environments);
        self.services(name, node, environment.as_deref(), environments);
        let smoke = self.files(node, "smoke");
        let load = self.files(node, "load");
        let bake = node.get("bake").map(|node| self.bake(node, &smoke));
        self.measures(name, &smoke, &load, bake.as_ref());
        let prove = node.get("prove");
        let actions = node.get("actions");
        let tell = self.tell(node, root);
        self.acts(
            name,
            node,
            environment.as_deref(),
            environments,
            tell.is_empty(),
        );
        let prove_smoke = prove
            .map(|node| self.files(node, "smoke"))
            .unwrap_or_default();
        self.proves(name, actions, &smoke, &prove_smoke);
        let gates: Vec<&str> = crate::scenario::reader::entries(root, "gates")
            .iter()
            .map(|(name, _)| name.text.as_str())
            .collect();
        let rule = self.rule(node);
        let baseline = self.baseline(node, environments);
        let after = self.prerequisites(node, &gates);
        let require_budget = self.require_budget(node, root);
        let together = self.together(node, &gates);
        let pair = self.pair(name, node, root, &gates);
        let waivers = self.waivers(node);
        let preconditions = self.preconditions(node);
        let attestations = self.attestations(node);
        let triggers = node.get("triggers");
        let sources = triggers.map(|triggers| source::read(self, triggers, node));
        self.budgets_fit(node);
        let rollout = node.get("rollout").map(|node| self.rolling(node, &smoke));
        Some(Gate {
            name: name.text.clone(),
            environment: environment?,
            rule,
            baseline,
            extend: node.get("extend").and_then(Node::as_bool).unwrap_or(true),
            approval: node.get("approval").map(approval),
            after,
            require_budget,
            together,
            pair,
            waivers,
            budgets: budgets(node),
            sighting: node
                .get("on_version_change")
                .map(|node| time(node, "every", 30)),
            services: texts(node, "services"),
            converge: converge(node.get("converge"), 300),
            diagnostics: self.files(node, "diagnostics"),
            preconditions,
            attestations,
            prove: prove_of(prove, &smoke, prove_smoke),
            smoke,
            load,
            bake,
            inputs: named_texts(node, "inputs"),
            budget: time(node, "budget", 1800),
            on_promote: self.actions(actions, "promote"),
            on_rollback: self.actions(actions, "rollback"),
            on_fallback: self.actions(actions, "fallback"),
            on_hold: self.actions(actions, "hold"),
            on_failure: self.actions(actions, "remedy"),
            down: self.actions(actions, "down"),
            migrates_compatibly: node
                .get("migrations")
                .is_some_and(|node| node.text == "compatible"),
            github: node
                .get("github")
                .and_then(|node| self.github(node, &name.text)),
            rollout,
            rotated: texts(node, "rotated"),
            ticket: node.get("ticket").and_then(|node| self.ticket(node)),
            links: self.links(node),
            webhook: node
                .get("webhook")
                .and_then(|node| node.get("secret"))
                .and_then(|node| self.template(node)),
            sources: sources.unwrap_or_default(),
            flagger: triggers
                .and_then(|node| node.get("flagger"))
                .and_then(Node::as_bool)
                .unwrap_or(false),
            tell,
        })
    }

    /// Services that a gate names are there, and say which version they serve.
    fn services(
        &mut self,
        name: &Node,
        node: &Node,
        environment: Option<&str>,
        environments: &BTreeMap<String, Arc<Environment>>,
    ) {
        let Some(environment) = environment.and_then(|name| environments.get(name)) else {
            return;
        };
        if node
            .get("services")
            .is_none_or(|node| node.items().is_empty())
        {
            self.found.push(
                Diagnostic::warning(
                    "no-version",
                    format!("the gate `{}` names no service", name.text),
                )
                .at(self.source, name.span, "it cannot see which version it measures")
                .hint("add `services: [ … ]`, and to each of them how it shows its version; until then nothing it promoted is gone back to, and no rollback of it is ever proven"),
            );
        }
        let known: Vec<&str> = environment.services.keys().map(String::as_str).collect();
        for service in node.get("services").map(Node::items).unwrap_or_default() {
            match environment.services.get(&service.text) {
                None => self.unknown("unknown-service", "service", service, &known),
                Some(found) if found.version.is_none() => {
                    self.found.push(
                        Diagnostic::error(
                            "missing-field",
                            format!(
                                "the service `{}` says nowhere which version it serves",
                                service.text
                            ),
                        )
                        .at(self.source, service.span, "a gate must read its version")
                        .hint("add `version: { path: /version }` to the service, or `version: { command: [...] }` where only the platform knows"),
                    );
                }
                Some(_) => {}
            }
        }
    }

    /// A gate that checks nothing could never promote.
    fn measures(&mut self, name: &Node, smoke: &[PathBuf], load: &[PathBuf], bake: Option<&Bake>) {
        let measures = !smoke.is_empty()
            || !load.is_empty()
            || bake.is_some_and(|bake| !bake.scenarios.is_empty());
        if !measures {
            self.found.push(
                Diagnostic::error(
                    "nothing-measured",
                    format!("the gate `{}` checks nothing", name.text),
                )
                .at(self.source, name.span, "it could never promote")
                .hint("add `smoke`, `load` or `bake`"),
            );
        }
    }

    /// A version number alone is no proof that the old version works.
    fn proves(
        &mut self,
        name: &Node,
        actions: Option<&Node>,
        smoke: &[PathBuf],
        prove_smoke: &[PathBuf],
    ) {
        let rolls_back = actions.and_then(|node| node.get("rollback"));
        if let Some(rollback) = rolls_back
            && prove_smoke.is_empty()
            && smoke.is_empty()
        {
            self.found.push(
                Diagnostic::error(
                    "nothing-proven",
                    format!(
                        "nothing shows that the old version of `{}` works",
                        name.text
                    ),
                )
                .at(
                    self.source,
                    rollback.span,
                    "its proof would be a version number",
                )
                .hint("add `smoke`, or `prove: { smoke: [...] }`"),
            );
        }
    }

    /// Pages that people want beside: addresses as they stand, in which nothing is filled in.
    fn links(&mut self, node: &Node) -> BTreeMap<String, String> {
        let written = node.get("links").map(Node::entries).unwrap_or_default();
        for (name, link) in written {
            if !is_base_url(&link.text) || link.text.contains("${") {
                let title = format!("`{}` is no page for people", name.text);
                let label = "expected `https://host/path`, as it stands";
                self.error("bad-url", title, link.span, label);
            }
        }
        named_texts(node, "links")
    }

    /// Time for people that nobody waits for.
    fn budgets_fit(&mut self, node: &Node) {
        let budgets = node.get("budgets");
        let has = |key: &str| node.get(key).is_some();
        for (key, is_wanted, label) in [
            (
                "approval",
                has("attestations") && !has("approval"),
                "for people to attest, where no `approval` says its own `timeout`",
            ),
            ("pair", has("pair"), "for the other one of a `pair`"),
        ] {
            let Some(written) = budgets.and_then(|node| node.get(key)) else {
                continue;
            };
            if !is_wanted {
                let title = format!("`budgets: {{ {key} }}` has no effect here");
                self.error("without-effect", title, written.span, label);
            }
        }
    }

    fn rolling(&mut self, node: &Node, smoke: &[PathBuf]) -> Rolling {
        let named = self.files(node, "scenarios");
        let downtime = node.get("downtime").and_then(Node::as_text);
        let every = time(node, "every", 1);
        if !(Duration::from_millis(50)..=Duration::from_secs(60)).contains(&every) {
            let span = node.get("every").map_or(node.span, |every| every.span);
            let title = "a round begins every 50ms to 1m";
            self.error("wrong-type", title, span, "not so often, or so seldom");
        }
        Rolling {
            scenarios: if named.is_empty() {
                smoke.to_vec()
            } else {
                named
            },
            every,
            downtime: downtime.and_then(|text| crate::duration::parse(text).ok()),
        }
    }

    /// An objective; one that cannot be read is reported.
    pub(super) fn objective(&mut self, node: &Node) -> Option<Objective> {
        let title = format!("`{}` is not an objective", node.text);
        let reason = match Objective::parse(&node.text) {
            Ok(objective) => return Some(objective),
            Err(reason) => reason,
        };
        self.found.push(
            Diagnostic::error("bad-objective", title)
                .at(self.source, node.span, "cannot be read")
                .hint(reason),
        );
        None
    }

    fn bake(&mut self, node: &Node, smoke: &[PathBuf]) -> Bake {
        let scenarios = self.files(node, "scenarios");
        let mut objectives = Vec::new();
        for written in node.get("objectives").map(Node::items).unwrap_or_default() {
            match self.objective(written) {
                Some(objective) if !objective.is_of_all() => {
                    self.error(
                        "bad-objective",
                        "objectives of a bake are over all its requests",
                        written.span,
                        "without `{…}`",
                    );
                }
                objective => objectives.extend(objective),
            }
        }
        Bake {
            duration: time(node, "duration", 60),
            every: time(node, "every", 5),
            scenarios: if scenarios.is_empty() {
                smoke.to_vec()
            } else {
                scenarios
            },
            objectives,
            counters: self.counters(node),
        }
    }

    fn github(&mut self, node: &Node, gate: &str) -> Option<Github> {
        let repository = node.get("repository")?;
        if repository
            .text
            .split('/')
            .filter(|part| !part.is_empty())
            .count()
            != 2
        {
            self.error(
                "wrong-type",
                format!("`{}` is not a repository", repository.text),
                repository.span,
                "expected `owner/name`",
            );
        }
        Some(Github {
            repository: repository.text.clone(),
            token: self.template(node.get("token")?)?,
            context: text(node, "context").unwrap_or_else(|| format!("bellwether/{gate}")),
            checks: node.get("checks").and_then(Node::as_bool).unwrap_or(false),
            issues: node.get("issues").and_then(Node::as_bool).unwrap_or(false),
            api: text(node, "api").unwrap_or_else(|| "https://api.github.com".to_owned()),
        })
    }
}

/// What proves a rollback; the smoke is that of the gate where none is named.
fn prove_of(prove: Option<&Node>, smoke: &[PathBuf], prove_smoke: Vec<PathBuf>) -> Prove {
    Prove {
        converge: converge(prove, 600),
        smoke: if prove_smoke.is_empty() {
            smoke.to_vec()
        } else {
            prove_smoke
        },
        action_target: prove.map_or(Duration::from_secs(120), |node| {
            time(node, "action_target", 120)
        }),
        healthy_target: prove.map_or(Duration::from_secs(300), |node| {
            time(node, "healthy_target", 300)
        }),
    }
}

/// A digest of what is written, however it is laid out.
pub(super) fn digest(node: &Node) -> String {
    fn collect(node: &Node, text: &mut String) {
        for (name, value) in node.entries() {
            text.push_str(&format!("{}\u{1}", name.text));
            collect(value, text);
        }
        if node.entries().is_empty() {
            for item in node.items() {
                if item.is_scalar() {
                    text.push_str(&format!("{}\u{2}", item.text));
                } else {
                    collect(item, text);
                }
            }
        }
    }
    let mut text = String::new();
    collect(node, &mut text);
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    crate::hexadecimal::digits(&digest.as_ref()[..8])
}

/// How a version is awaited.
pub fn converge(node: Option<&Node>, timeout_s: u64) -> Converge {
    Converge {
        reads: node
            .and_then(|node| node.get("reads"))
            .and_then(Node::as_count)
            .unwrap_or(3),
        every: node.map_or(Duration::from_secs(1), |node| time(node, "every", 1)),
        timeout: node.map_or(Duration::from_secs(timeout_s), |node| {
            time(node, "timeout", timeout_s)
        }),
    }
}
