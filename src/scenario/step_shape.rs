//! The form of a step: what it does, and what is asked of the reply.

use super::steps::action::KINDS;
use super::steps::http_read;
use super::steps::wait::PAUSE;
use crate::document::kind;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::limits;
use crate::severity::Severity;

const NAME: &[Field] = &[field(
    "name",
    Shape::Text,
    "short name, used in reports and metrics; made from what the step does by default",
)];

const REPEATED: &[Shape] = &[Shape::Count(1, limits::REPEAT_MAX), Shape::Object(&REPEAT)];
const RETRIED: &[Shape] = &[Shape::Count(1, limits::RETRY_MAX), Shape::Object(&RETRY)];

/// What every step may say.
const COMMON: &[Field] = &[
    field("timeout", Shape::Duration, "time for the whole step"),
    field(
        "check",
        Shape::OneOrMany(&Shape::Expression),
        "conditions that must hold, `status == 200`; an HTTP step that says nothing of `status` also expects one under 400",
    ),
    field(
        "warn",
        Shape::OneOrMany(&Shape::Expression),
        "conditions that should hold: where one does not, the step passes, and a probe is degraded",
    ),
    field(
        "measure",
        Shape::Named(&Shape::Expression),
        "numbers from 0 on in the reply, kept as series and metrics: `memory: body.memory.percentage`",
    ),
    field(
        "capture",
        Shape::Named(&Shape::Expression),
        "values kept as `vars.NAME` for later steps",
    ),
    field(
        "when",
        Shape::Expression,
        "perform the step only where this holds",
    ),
    field(
        "repeat",
        Shape::Either(REPEATED),
        "perform it several times",
    ),
    field(
        "retry",
        Shape::Either(RETRIED),
        "perform it again while it fails",
    ),
    field(
        "think",
        Shape::Either(PAUSE),
        "pause after the step; not part of any latency",
    ),
    field(
        "only_in",
        Shape::OneOrMany(&Shape::Text),
        "environments in which it may be performed; in any other the scenario is refused before its first request",
    ),
    field(
        "keep",
        Shape::Bool,
        "keep what came back as evidence: output, body or lines, redacted, hashed and up to 64 KiB (false)",
    ),
    field(
        "advisory",
        Shape::Bool,
        "show a failure, but do not count it",
    ),
    field(
        "pending",
        Shape::Text,
        "why it cannot hold yet: it is performed and counts for nothing, and it is said when it holds",
    ),
    field(
        "instead_of",
        Shape::Text,
        "the name of the step before, in whose place it stands where that one fails: weaker evidence, which is said",
    ),
    field(
        "severity",
        Shape::Word(&Severity::WORDS),
        "how bad it is where a probe fails by this step (the probe's)",
    ),
    field(
        "continue",
        Shape::Bool,
        "go on with the next step after a failure (default `false`)",
    ),
];

const HTTP: usize = http_read::FIELDS.len();

/// What stands after the kinds: the fields of HTTP, then those of all.
const AFTER: [Field; HTTP + COMMON.len()] = kind::fields::<(), _>(http_read::FIELDS, &[], COMMON);

static FIELDS: [Field; NAME.len() + KINDS.len() + AFTER.len()] = kind::fields(NAME, KINDS, &AFTER);

/// One step.
pub static STEP: Object = Object {
    name: "step",
    called: "a step",
    fields: &FIELDS,
};

static REPEAT: Object = Object {
    name: "repeat",
    called: "a repetition",
    fields: &[
        required(
            "times",
            Shape::Count(1, limits::REPEAT_MAX),
            "how often at most",
        ),
        field("until", Shape::Expression, "stop as soon as this holds"),
        field("every", Shape::Duration, "pause between two rounds"),
    ],
};

static RETRY: Object = Object {
    name: "retry",
    called: "a retry",
    fields: &[
        required(
            "attempts",
            Shape::Count(1, limits::RETRY_MAX),
            "attempts in all, the first included",
        ),
        field(
            "delay",
            Shape::Duration,
            "pause before the second attempt (1s)",
        ),
        field(
            "factor",
            Shape::Number,
            "each further pause is this many times longer (2)",
        ),
        field("max_delay", Shape::Duration, "longest pause (30s)"),
    ],
};
