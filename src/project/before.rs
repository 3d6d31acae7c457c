//! What must hold before a deploy is measured, and what people must say before it is promoted:
//! preconditions and attestations, as configured.
//!
//! Does not know how they are looked at: that is the gate's. Invariant: no name stands twice, and no
//! precondition checks nothing.

use crate::document::diagnostic::Diagnostic;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::scenario::reader::{Reader, entries, text, texts};
use std::path::PathBuf;
use std::time::Duration;

/// What must hold before anything of a deploy is measured. That it does not holds the gate, and says
/// nothing about the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precondition {
    /// Its name.
    pub name: String,
    /// Scenarios that must pass, performed once each.
    pub scenarios: Vec<PathBuf>,
    /// Whether somebody may answer for going on without it.
    pub can_be_skipped: bool,
}

/// What a person must say, with a name, before a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// Its name.
    pub name: String,
    /// What is attested, in a sentence.
    pub text: String,
    /// Whether it comes with a link.
    pub needs_link: bool,
    /// Who may say so; anybody where nobody is named.
    pub by: Vec<String>,
    /// How long it counts for later gates of this name; only for its own gate where nothing is said.
    pub valid_for: Option<Duration>,
}

/// The form of a precondition.
pub static PRECONDITION: Object = Object {
    name: "precondition",
    called: "a precondition",
    fields: &[
        required(
            "scenarios",
            Shape::OneOrMany(&Shape::Text),
            "scenario files that must pass, performed once each",
        ),
        field(
            "skip",
            Shape::Bool,
            "whether somebody may go on without it, with a name and a reason (true)",
        ),
    ],
};

/// The form of an attestation.
pub static ATTESTATION: Object = Object {
    name: "attestation",
    called: "an attestation",
    fields: &[
        required("text", Shape::Text, "what is attested, in a sentence"),
        field(
            "link",
            Shape::Bool,
            "whether it must come with a link (false)",
        ),
        field(
            "by",
            Shape::OneOrMany(&Shape::Text),
            "who may say so; anybody where nobody is named",
        ),
        field(
            "valid_for",
            Shape::Duration,
            "how long it counts for later gates of this name; without it, only for the gate that it was given to",
        ),
    ],
};

impl Reader<'_> {
    /// The preconditions of a gate.
    pub fn preconditions(&mut self, node: &Node) -> Vec<Precondition> {
        let mut found = Vec::new();
        for (name, node) in entries(node, "preconditions") {
            let scenarios = self.files(node, "scenarios");
            if scenarios.is_empty() {
                self.found.push(
                    Diagnostic::error(
                        "nothing-measured",
                        format!("the precondition `{}` checks nothing", name.text),
                    )
                    .at(self.source, name.span, "it would always hold")
                    .hint("name a scenario: `scenarios: checks.yaml`"),
                );
            }
            found.push(Precondition {
                name: name.text.clone(),
                scenarios,
                can_be_skipped: node.get("skip").and_then(Node::as_bool).unwrap_or(true),
            });
        }
        found
    }

    /// The attestations of a gate.
    pub fn attestations(&mut self, node: &Node) -> Vec<Attestation> {
        let of = |(name, node): &(Node, Node)| Attestation {
            name: name.text.clone(),
            text: text(node, "text").unwrap_or_default(),
            needs_link: node.get("link").and_then(Node::as_bool).unwrap_or(false),
            by: texts(node, "by"),
            valid_for: node
                .get("valid_for")
                .and_then(Node::as_text)
                .and_then(|text| crate::duration::parse(text).ok()),
        };
        entries(node, "attestations").iter().map(of).collect()
    }
}
