//! To whom metrics are pushed, as configured, with its form.

use crate::document::shape::{Object, Shape, field, required};
use crate::scenario::template::Template;
use std::time::Duration;

/// How metrics are pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Prometheus's remote write.
    RemoteWrite,
    /// OpenTelemetry over HTTP, as JSON.
    Otlp,
}

impl Protocol {
    /// What people call it.
    pub fn word(self) -> &'static str {
        match self {
            Protocol::RemoteWrite => "remote write",
            Protocol::Otlp => "OTLP",
        }
    }
}

/// One receiver of metrics.
#[derive(Debug)]
pub struct Push {
    /// How.
    pub protocol: Protocol,
    /// Where to.
    pub url: Template,
    /// A bearer token.
    pub token: Option<Template>,
    /// How often.
    pub every: Duration,
    /// Labels that all series get, or attributes of the resource.
    pub labels: Vec<(String, String)>,
}

/// The form of all of them.
pub static PUSHES: Object = Object {
    name: "metrics",
    called: "the metrics",
    fields: &[
        field(
            "remote_write",
            Shape::Object(&PUSH),
            "push them by Prometheus's remote write",
        ),
        field(
            "otlp",
            Shape::Object(&PUSH),
            "push them to OpenTelemetry over HTTP, `…/v1/metrics`",
        ),
    ],
};

static PUSH: Object = Object {
    name: "push",
    called: "a receiver of metrics",
    fields: &[
        required("url", Shape::Template, "where to"),
        field(
            "token",
            Shape::Template,
            "a bearer token, best as `${secrets.NAME}`",
        ),
        field("every", Shape::Duration, "how often (15s)"),
        field(
            "labels",
            Shape::Named(&Shape::Text),
            "labels that all series get",
        ),
    ],
};
