//! How long what was seen is kept, as configured.
//!
//! Does not remove anything. Invariant: nothing is kept shorter than what is still looked at needs it.

use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field};
use crate::limits;
use crate::scenario::reader::Reader;
use std::time::Duration;

/// How long each class is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// Single results of probes; minutes and hours have them afterwards.
    pub results: Duration,
    /// Minutes of probes.
    pub minutes: Duration,
    /// Hours of probes.
    pub hours: Duration,
    /// Evidence of gates and runs, and incidents.
    pub evidence: Duration,
    /// Gates.
    pub gates: Duration,
}

impl Default for Keeping {
    fn default() -> Keeping {
        Keeping {
            results: limits::RESULTS_RETENTION,
            minutes: limits::MINUTES_RETENTION,
            hours: limits::HOURS_RETENTION,
            evidence: limits::EVIDENCE_RETENTION,
            gates: limits::GATE_RETENTION,
        }
    }
}

/// Its form.
pub static KEEPING: Object = Object {
    name: "keep",
    called: "what is kept",
    fields: &[
        field("results", Shape::Duration, "single results of probes (24h)"),
        field("minutes", Shape::Duration, "minutes of probes (8d)"),
        field("hours", Shape::Duration, "hours of probes (400d)"),
        field(
            "evidence",
            Shape::Duration,
            "evidence of gates and runs, and incidents (180d)",
        ),
        field("gates", Shape::Duration, "gates (1095d)"),
    ],
};

/// The shortest spans: burn rates look at hours of minutes, error budgets at weeks of hours, and a gate
/// goes back to what one before it proved.
const LEAST: [(&str, u64); 5] = [
    ("results", 3_600),
    ("minutes", 4 * 86_400),
    ("hours", 35 * 86_400),
    ("evidence", 86_400),
    ("gates", 30 * 86_400),
];

impl Reader<'_> {
    /// How long each class is kept.
    pub fn keeping(&mut self, node: Option<&Node>) -> Keeping {
        let mut keeping = Keeping::default();
        let Some(node) = node else {
            return keeping;
        };
        let all = [
            &mut keeping.results,
            &mut keeping.minutes,
            &mut keeping.hours,
            &mut keeping.evidence,
            &mut keeping.gates,
        ];
        for (span, (name, least_s)) in all.into_iter().zip(LEAST) {
            let Some(written) = node.get(name) else {
                continue;
            };
            let Some(wanted) = written
                .as_text()
                .and_then(|text| crate::duration::parse(text).ok())
            else {
                continue;
            };
            let least = Duration::from_secs(least_s);
            if wanted < least {
                let title = format!(
                    "`{name}` are kept for {} at least",
                    crate::duration::show(least)
                );
                self.error(
                    "too-short",
                    title,
                    written.span,
                    "what looks at them needs so much",
                );
                continue;
            }
            *span = wanted;
        }
        keeping
    }
}
