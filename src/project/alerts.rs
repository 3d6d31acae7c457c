//! How alerts are grouped and told: what a configuration says once for all of them.

use crate::document::shape::{Field, Object, Shape, field, required};
use crate::environment::form::WINDOWS;
use crate::environment::windows::Windows;
use crate::watch::alert::{Escalation, Route, Severity, ms};
use crate::watch::duty::{Duty, Rota};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::time::Duration;

/// How alerts are told.
#[derive(Debug, Clone)]
pub struct AlertPolicy {
    /// Time in which more may join before anybody is told.
    pub wait: Duration,
    /// Least time between two messages about more of the same.
    pub interval: Duration,
    /// Time after which it is told again while it lasts.
    pub repeat: Duration,
    /// Labels by which alerts belong together.
    pub group_by: Vec<String>,
    /// Who is told when nobody has acknowledged it.
    pub escalate: Vec<Escalation>,
    /// Who is told of Bellwether's own troubles; everybody where nothing is said.
    pub own: Vec<String>,
    /// Hours in which what is less bad than this waits.
    pub quiet: Option<(Severity, Windows)>,
    /// What is less bad than this is told together, so often.
    pub digest: Option<(Severity, Duration)>,
    /// Channels that take turns, by the name of their rota.
    pub rotas: BTreeMap<String, Rota>,
}

impl Default for AlertPolicy {
    fn default() -> AlertPolicy {
        AlertPolicy {
            wait: Duration::from_millis(500),
            interval: Duration::from_secs(300),
            repeat: Duration::from_secs(4 * 3600),
            group_by: ["environment", "service"].map(str::to_owned).to_vec(),
            escalate: Vec::new(),
            own: Vec::new(),
            quiet: None,
            digest: None,
            rotas: BTreeMap::new(),
        }
    }
}

impl AlertPolicy {
    /// How the trouble of a subject is told, and with what it is one incident: what is not bad is told
    /// together with all else that is not.
    pub fn told(&self, settings: &AlertSettings, group: String) -> (Route, String) {
        let route = self.route(&settings.tell);
        match self.digest {
            Some((below, every)) if settings.severity < below => {
                let digest = Route {
                    escalate: Vec::new(),
                    wait_ms: ms(every),
                    interval_ms: ms(every),
                    is_digest: true,
                    ..route
                };
                (digest, "digest".to_owned())
            }
            _ => (route, group),
        }
    }

    /// Who is on duty at a moment, and what waits.
    pub fn duty(&self, now: DateTime<Utc>) -> Duty {
        let quiet = self.quiet.as_ref();
        let is_on = |rota: &Rota| rota.on_call(now).cloned();
        let rotas = self.rotas.iter();
        Duty {
            quiet_below: quiet
                .filter(|(_, hours)| hours.objection(now).is_none())
                .map(|(below, _)| *below),
            on_call: rotas
                .filter_map(|(name, rota)| Some((name.clone(), is_on(rota)?)))
                .collect(),
        }
    }

    /// How what is told to these channels is told.
    pub fn route(&self, tell: &[String]) -> Route {
        Route {
            tell: tell.to_vec(),
            // Who has nobody to tell at first has nobody to escalate to.
            escalate: match tell.is_empty() {
                true => Vec::new(),
                false => self.escalate.clone(),
            },
            wait_ms: ms(self.wait),
            interval_ms: ms(self.interval),
            repeat_ms: ms(self.repeat),
            is_digest: false,
        }
    }
}

/// How the trouble of one subject is labeled and told: what a probe, a heartbeat and an SLO say alike.
#[derive(Debug, Clone, Default)]
pub struct AlertSettings {
    /// Labels of its own.
    pub labels: BTreeMap<String, String>,
    /// How bad it is.
    pub severity: Severity,
    /// Where to read what to do.
    pub runbook: Option<String>,
    /// Channels that are told.
    pub tell: Vec<String>,
}

impl AlertSettings {
    /// Its labels, with that of its kind.
    pub fn labels(&self, kind: &str, name: &str) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.insert(kind.to_owned(), name.to_owned());
        labels.insert("severity".to_owned(), self.severity.word().to_owned());
        labels
    }

    /// What a message says beside.
    pub fn facts(&self) -> Vec<(String, String)> {
        let runbook = self.runbook.iter();
        runbook
            .map(|address| ("Runbook".to_owned(), address.clone()))
            .collect()
    }
}

/// The fields of [`AlertSettings`].
pub const LABELS: Field = field(
    "labels",
    Shape::Named(&Shape::Text),
    "labels to group, route and silence it by",
);
/// How bad it is.
pub const SEVERITY: Field = field(
    "severity",
    Shape::Word(&Severity::WORDS),
    "how bad its trouble is (critical)",
);
/// What to do.
pub const RUNBOOK: Field = field("runbook", Shape::Text, "the address of what to do then");
/// Who is told.
pub const TELL: Field = field(
    "tell",
    Shape::List(&Shape::Text),
    "channels that are told of its trouble, and of its end",
);

static ESCALATION: Object = Object {
    name: "escalation",
    called: "a rung of the ladder",
    fields: &[
        required(
            "after",
            Shape::Duration,
            "time since the first message, while nobody acknowledges",
        ),
        required(
            "tell",
            Shape::List(&Shape::Text),
            "channels that are told then",
        ),
        field(
            "severity",
            Shape::OneOrMany(&Shape::Word(&Severity::WORDS)),
            "only for trouble of this severity (any)",
        ),
    ],
};

static QUIET: Object = Object {
    name: "quiet",
    called: "quiet hours",
    fields: &[
        required(
            "below",
            Shape::Word(&Severity::WORDS),
            "what is less bad than this waits",
        ),
        required("hours", Shape::Object(&WINDOWS), "when"),
    ],
};

static DIGEST: Object = Object {
    name: "digest",
    called: "a digest",
    fields: &[
        required(
            "below",
            Shape::Word(&Severity::WORDS),
            "what is said to be less bad than this is told together",
        ),
        required("every", Shape::Duration, "how often at most"),
    ],
};

static ROTA: Object = Object {
    name: "rota",
    called: "a rota",
    fields: &[
        required(
            "zone",
            Shape::Text,
            "the time zone of the handover, an IANA name",
        ),
        required(
            "from",
            Shape::Text,
            "when the first week of the first begins, `2026-11-30T09:00`",
        ),
        required(
            "channels",
            Shape::List(&Shape::Text),
            "channels, a week each in turn",
        ),
    ],
};

/// The form of it.
pub static ALERTS: Object = Object {
    name: "alerts",
    called: "the alerts",
    fields: &[
        field(
            "wait",
            Shape::Duration,
            "time in which more may join before anybody is told (500ms)",
        ),
        field(
            "interval",
            Shape::Duration,
            "least time between two messages about more of the same (5m)",
        ),
        field(
            "repeat",
            Shape::Duration,
            "time after which it is told again while it lasts and nobody has it (4h)",
        ),
        field(
            "group_by",
            Shape::List(&Shape::Text),
            "labels by which alerts are one incident (environment, service)",
        ),
        field(
            "escalate",
            Shape::List(&Shape::Object(&ESCALATION)),
            "who is told when nobody acknowledges",
        ),
        field(
            "quiet",
            Shape::Object(&QUIET),
            "hours in which what is not so bad waits; what still lasts at their end is told then",
        ),
        field(
            "digest",
            Shape::Object(&DIGEST),
            "what is not so bad is told together, as far as it still lasts then",
        ),
        field(
            "rotas",
            Shape::Named(&Shape::Object(&ROTA)),
            "channels that take turns week by week; `tell` names the rota",
        ),
        field(
            "own",
            Shape::List(&Shape::Text),
            "channels that are told of Bellwether's own troubles (all)",
        ),
    ],
};
