//! The form of a gate in `bellwether.yaml`.

use super::before::{ATTESTATION, PRECONDITION};
use super::counter::COUNTER;
use crate::document::kind;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::pipeline::action::ACTION;
use crate::pipeline::github::GITHUB;
use crate::pipeline::source::TRIGGERS;
use crate::pipeline::ticket::TICKETS;

/// A gate.
pub static GATE: Object = Object {
    name: "gate",
    called: "a gate",
    fields: &[
        required("environment", Shape::Text, "where"),
        field(
            "services",
            Shape::List(&Shape::Text),
            "services that must serve the expected version; each needs a `version`",
        ),
        field(
            "converge",
            Shape::Object(&CONVERGE),
            "how long the new version may take to be served",
        ),
        field(
            "preconditions",
            Shape::Named(&Shape::Object(&PRECONDITION)),
            "what must hold before the deploy is measured, by name; what does not hold holds the gate, and never rolls back",
        ),
        field(
            "attestations",
            Shape::Named(&Shape::Object(&ATTESTATION)),
            "what people must say before a promotion, by name",
        ),
        field(
            "diagnostics",
            Shape::List(&Shape::Text),
            "scenario files performed once where a phase did not pass, as evidence: they decide nothing",
        ),
        field(
            "smoke",
            Shape::List(&Shape::Text),
            "scenario files, performed once each",
        ),
        field(
            "load",
            Shape::List(&Shape::Text),
            "scenario files with a load and objectives",
        ),
        field("bake", Shape::Object(&BAKE), "keep checking for a while"),
        field(
            "inputs",
            Shape::Named(&Shape::Text),
            "values of the scenarios' inputs",
        ),
        field(
            "rule",
            Shape::Named(&Shape::Text),
            "how loads are judged, such as `{ warm-up: 10s, rollback: 1% }`; see `bellwether judge --help`",
        ),
        field(
            "baseline",
            Shape::Text,
            "an environment that serves the version before: loads go to both, and only a candidate that is also worse is rolled back",
        ),
        field(
            "extend",
            Shape::Bool,
            "perform an inconclusive load once more, and one that the load generator spoiled up to three times (true)",
        ),
        field(
            "approval",
            Shape::Object(&APPROVAL),
            "people who must agree before a promotion",
        ),
        field(
            "after",
            Shape::List(&Shape::Object(&PREREQUISITE)),
            "gates that must have promoted the same commit: staging, or the backend before its frontend",
        ),
        field(
            "require_budget",
            Shape::Named(&Shape::Text),
            "what must be left of error budgets, by SLO, such as `{ checkout: 20% }`; while one burns, nothing is promoted",
        ),
        field(
            "migrations",
            Shape::Word(&["compatible", "unsafe"]),
            "whether the version before works on what a deploy makes of the database; where it may not, nobody rolls back alone and unasked after `--migrated` (unsafe)",
        ),
        field(
            "together",
            Shape::List(&Shape::Text),
            "gates whose deploy of the same commit is rolled back together with this one",
        ),
        field(
            "pair",
            Shape::List(&Shape::Text),
            "gates of the same commit that are promoted as a pair with this one: none, until each would be",
        ),
        field(
            "waivers",
            Shape::List(&Shape::Object(&WAIVER)),
            "failures that somebody answers for; shown as waived, never as passed",
        ),
        field("budgets", Shape::Object(&BUDGETS), "time for single phases"),
        field(
            "on_version_change",
            Shape::Object(&SIGHTING),
            "look at the served version, and start this gate when it changes",
        ),
        field(
            "budget",
            Shape::Duration,
            "time for everything up to the verdict (30m)",
        ),
        field("prove", Shape::Object(&PROVE), "what proves a rollback"),
        field(
            "actions",
            Shape::Object(&ACTIONS),
            "what a verdict makes us do",
        ),
        field(
            "github",
            Shape::Object(&GITHUB),
            "deployment and commit statuses on GitHub",
        ),
        field(
            "rollout",
            Shape::Object(&ROLLOUT),
            "what is performed from the start of the gate until the version is served everywhere; start the gate before the deploy",
        ),
        field(
            "rotated",
            Shape::List(&Shape::Text),
            "secrets of its scenarios that must be other ones than at the release before; known by salted fingerprints",
        ),
        field(
            "ticket",
            Shape::Object(&TICKET),
            "where the record of the gate is attached, at its verdict and its proof",
        ),
        field(
            "links",
            Shape::Named(&Shape::Text),
            "pages that people want beside: dashboards, logs, workflows; in every message and report",
        ),
        field(
            "webhook",
            Shape::Object(&TRIGGER),
            "a signed webhook that starts this gate at `/hooks/NAME`",
        ),
        field(
            "triggers",
            Shape::Object(&TRIGGERS),
            "webhooks of others that start this gate",
        ),
        field(
            "tell",
            Shape::List(&Shape::Text),
            "channels that are told the verdict and the proof",
        ),
    ],
};

static TICKET_FIELDS: [Field; TICKETS.len()] = kind::fields(&[], TICKETS, &[]);

static TICKET: Object = Object {
    name: "ticket",
    called: "the ticket",
    fields: &TICKET_FIELDS,
};

static APPROVAL: Object = Object {
    name: "approval",
    called: "the approval",
    fields: &[
        field("required", Shape::Count(1, 100), "different people (1)"),
        field(
            "by_actor",
            Shape::Bool,
            "whether the one who deployed may be among them (only where one is enough)",
        ),
        field(
            "timeout",
            Shape::Duration,
            "how long they are waited for (1h)",
        ),
    ],
};

static PREREQUISITE: Object = Object {
    name: "prerequisite",
    called: "a gate that comes before",
    fields: &[
        required("gate", Shape::Text, "its name"),
        field(
            "within",
            Shape::Duration,
            "promoted not longer ago than this (1d)",
        ),
        field(
            "wait",
            Shape::Duration,
            "how long it is waited for while it runs (10m)",
        ),
    ],
};

static WAIVER: Object = Object {
    name: "waiver",
    called: "a waiver",
    fields: &[
        required(
            "check",
            Shape::Text,
            "a phase, such as `smoke`, or the name of a scenario",
        ),
        required("by", Shape::Text, "who answers for it"),
        required("reason", Shape::Text, "why"),
        required("until", Shape::Text, "its last day, `2026-12-20`"),
    ],
};

static BUDGETS: Object = Object {
    name: "budgets",
    called: "the budgets of phases",
    fields: &[
        field("preflight", Shape::Duration, "time for the preflight"),
        field(
            "preconditions",
            Shape::Duration,
            "time for the preconditions",
        ),
        field(
            "converge",
            Shape::Duration,
            "time for the new version to be served",
        ),
        field("baseline", Shape::Duration, "time for the baseline"),
        field("smoke", Shape::Duration, "time for the smoke checks"),
        field("load", Shape::Duration, "time for the loads"),
        field("bake", Shape::Duration, "time for the bake"),
        field(
            "approval",
            Shape::Duration,
            "time for people to attest, where no `approval` says its own (1h)",
        ),
        field(
            "pair",
            Shape::Duration,
            "time for the other one of a pair (1h)",
        ),
    ],
};

static SIGHTING: Object = Object {
    name: "sighting",
    called: "the look at the served version",
    fields: &[field("every", Shape::Duration, "pause between looks (30s)")],
};

static CONVERGE: Object = Object {
    name: "converge",
    called: "convergence",
    fields: &[
        field(
            "reads",
            Shape::Count(1, 1000),
            "fewest looks in a row that must show the expected version and no other; 104 prove it (3)",
        ),
        field(
            "every",
            Shape::Duration,
            "pause after a look that shows another version; the looks in a row take as long as `reads` pauses (1s)",
        ),
        field("timeout", Shape::Duration, "longest time (5m)"),
    ],
};

static BAKE: Object = Object {
    name: "bake",
    called: "the bake",
    fields: &[
        required("duration", Shape::Duration, "how long"),
        field("every", Shape::Duration, "pause between rounds (5s)"),
        field(
            "scenarios",
            Shape::List(&Shape::Text),
            "scenario files of a round; those of `smoke` by default",
        ),
        field(
            "objectives",
            Shape::List(&Shape::Text),
            "objectives over all requests of the bake",
        ),
        field(
            "counters",
            Shape::Named(&Shape::Object(&COUNTER)),
            "counters of a Prometheus that are judged beside, by name: what real users met, in the same sequential test as a load",
        ),
    ],
};

static ROLLOUT: Object = Object {
    name: "rollout",
    called: "the rollout",
    fields: &[
        field(
            "scenarios",
            Shape::List(&Shape::Text),
            "scenario files of a round; those of `smoke` by default",
        ),
        field(
            "every",
            Shape::Duration,
            "from the beginning of a round to that of the next one (1s)",
        ),
        field(
            "downtime",
            Shape::Duration,
            "the longest time without a round that passes; more holds the gate, and `0s` is none at all",
        ),
    ],
};

static PROVE: Object = Object {
    name: "prove",
    called: "the proof",
    fields: &[
        field(
            "timeout",
            Shape::Duration,
            "longest time for the actions of a way to roll back, and again for its proof (10m)",
        ),
        field(
            "reads",
            Shape::Count(1, 1000),
            "fewest looks in a row that must show the old version and no other; 104 prove it (3)",
        ),
        field(
            "every",
            Shape::Duration,
            "pause after a look that shows another version; the looks in a row take as long as `reads` pauses (1s)",
        ),
        field(
            "smoke",
            Shape::List(&Shape::Text),
            "scenario files that must pass on the old version; those of `smoke` by default",
        ),
        field(
            "action_target",
            Shape::Duration,
            "target for the rollback action itself (2m); one that was slower says so",
        ),
        field(
            "healthy_target",
            Shape::Duration,
            "target from what triggered the rollback to healthy (5m); a proven rollback that was slower says so",
        ),
    ],
};

static ACTIONS: Object = Object {
    name: "actions",
    called: "the actions",
    fields: &[
        field(
            "promote",
            Shape::List(&Shape::Object(&ACTION)),
            "after promote",
        ),
        field(
            "rollback",
            Shape::List(&Shape::Object(&ACTION)),
            "after rollback, one after another",
        ),
        field(
            "fallback",
            Shape::List(&Shape::Object(&ACTION)),
            "other ways to roll back, tried one after another where `rollback` did not bring the old version back",
        ),
        field("hold", Shape::List(&Shape::Object(&ACTION)), "after hold"),
        field(
            "remedy",
            Shape::List(&Shape::Object(&ACTION)),
            "tried once where a measurement fails, such as a restart; then everything is measured again, and only what still fails is rolled back",
        ),
        field(
            "down",
            Shape::List(&Shape::Object(&ACTION)),
            "changes the database back before a rollback; only ever by somebody's consent",
        ),
    ],
};

static TRIGGER: Object = Object {
    name: "trigger",
    called: "a trigger",
    fields: &[required(
        "secret",
        Shape::Template,
        "the key that senders sign with, `whsec_…` (Standard Webhooks)",
    )],
};
