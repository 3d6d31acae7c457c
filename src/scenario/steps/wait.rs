//! A pause between steps, fixed or random. It makes no sample.

use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::{read_duration, time};
use std::time::Duration;

pub(super) const FIELD: Field = field("wait", Shape::Either(PAUSE), "do nothing for a while");

/// A pause, fixed or random.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    /// Shortest.
    pub min: Duration,
    /// Longest.
    pub max: Duration,
}

impl Pause {
    /// A length between the bounds for a chance from 0 to 1.
    pub fn length(&self, chance: f64) -> Duration {
        self.min + (self.max.saturating_sub(self.min)).mul_f64(chance.clamp(0.0, 1.0))
    }
}

/// A duration, or the bounds of a random one.
pub(in crate::scenario) const PAUSE: &[Shape] = &[Shape::Duration, Shape::Object(&BETWEEN)];

static BETWEEN: Object = Object {
    name: "between",
    called: "a random pause",
    fields: &[
        required("min", Shape::Duration, "shortest"),
        required("max", Shape::Duration, "longest"),
    ],
};

/// Reads a pause: a duration, or the bounds of one.
pub(in crate::scenario) fn read(node: &Node) -> Pause {
    let fixed = read_duration(node).unwrap_or_default();
    let min = time(node, "min").unwrap_or(fixed);
    Pause {
        min,
        max: time(node, "max").unwrap_or(fixed).max(min),
    }
}
