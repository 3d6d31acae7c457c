//! A question to Alertmanager as a step, as the language has it: that nothing fires, and is heard of.

use super::asked::{self, Asked};
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field};
use crate::scenario::compiler::{Compiler, text};
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field(
    "alertmanager",
    Shape::Object(&FORM),
    "no alert fires, as Alertmanager knows it",
);

/// A question to Alertmanager.
#[derive(Debug)]
pub struct AlertQuestion {
    /// Who is asked.
    pub asked: Asked,
    /// Labels of the alerts that are looked at.
    pub labels: Vec<(String, Template)>,
    /// The alert that always fires.
    pub heartbeat: Option<String>,
    /// Whether a silenced alert is no matter.
    pub ignore_silenced: bool,
    /// Alerts that began before are no matter.
    pub since: Option<Template>,
    /// Whether a silence is an objection of its own.
    pub refuse_silences: bool,
}

static FORM: Object = Object {
    name: "alertmanager",
    called: "a question to Alertmanager",
    fields: &[
        asked::URL,
        field(
            "labels",
            Shape::Named(&Shape::Template),
            "labels of the alerts that are looked at; all alerts where none is named",
        ),
        field(
            "heartbeat",
            Shape::Text,
            "the alert that always fires, without which nothing is heard of any (Watchdog); `none` where there is none",
        ),
        field(
            "silenced",
            Shape::Word(&["inconclusive", "ok"]),
            "what an alert means that somebody has silenced or another one inhibits (inconclusive)",
        ),
        field(
            "silences",
            Shape::Word(&["ok", "refuse"]),
            "whether an active silence that may cover these alerts fails the step (ok)",
        ),
        field(
            "since",
            Shape::Template,
            "alerts that began before are no matter: a span such as `10m`, or a moment such as `${inputs.started}`",
        ),
        asked::HEADERS,
        asked::AUTH,
    ],
};

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<AlertQuestion> {
    let heartbeat = text(node, "heartbeat").unwrap_or_else(|| "Watchdog".to_owned());
    Some(AlertQuestion {
        asked: asked::read(compiler, node)?,
        labels: compiler.named(node.get("labels").map(Node::entries).unwrap_or_default()),
        heartbeat: Some(heartbeat).filter(|name| name != "none"),
        ignore_silenced: text(node, "silenced").as_deref() == Some("ok"),
        since: node.get("since").and_then(|node| compiler.template(node)),
        refuse_silences: text(node, "silences").as_deref() == Some("refuse"),
    })
}
