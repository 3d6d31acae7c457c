//! A page that everybody may see: how an environment does, and nothing of how it is watched.

use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::scenario::reader::{Reader, entries, text, texts};

/// A status page, as configured.
#[derive(Debug, Clone)]
pub struct StatusPage {
    /// Its name, which is in its address.
    pub name: String,
    /// What stands above it.
    pub title: String,
    /// The environment that it shows.
    pub environment: String,
    /// The groups of probes that it shows; all that have one where none is named.
    pub groups: Vec<String>,
}

/// Its form.
pub static STATUS_PAGE: Object = Object {
    name: "status_page",
    called: "a status page",
    fields: &[
        field("title", Shape::Text, "what stands above it (its name)"),
        required("environment", Shape::Text, "the environment that it shows"),
        field(
            "groups",
            Shape::List(&Shape::Text),
            "groups of probes that it shows, in this order; all of the environment's where none is named",
        ),
    ],
};

impl Reader<'_> {
    /// A status page.
    pub fn status_page(&mut self, name: &Node, node: &Node, root: &Node) -> Option<StatusPage> {
        let wanted = node.get("environment")?;
        let environments: Vec<&str> = entries(root, "environments")
            .iter()
            .map(|(name, _)| name.text.as_str())
            .collect();
        if !environments.contains(&wanted.text.as_str()) {
            self.unknown("unknown-environment", "environment", wanted, &environments);
            return None;
        }
        let probes = entries(root, "probes");
        let known: Vec<&str> = probes
            .iter()
            .filter_map(|(_, probe)| Some(probe.get("group")?.text.as_str()))
            .collect();
        for group in node.get("groups").map(Node::items).unwrap_or_default() {
            if !known.contains(&group.text.as_str()) {
                self.unknown("unknown-group", "group of probes", group, &known);
            }
        }
        Some(StatusPage {
            name: name.text.clone(),
            title: text(node, "title").unwrap_or_else(|| name.text.clone()),
            environment: wanted.text.clone(),
            groups: texts(node, "groups"),
        })
    }
}
