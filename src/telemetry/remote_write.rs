//! Samples as Prometheus's remote write takes them.
//!
//! Pure. Source: Prometheus, "Remote-Write specification 1.0". What is no longer there is said once, with the
//! value that stands for it, so that it ends at once instead of after five minutes.

use super::protobuf;
use super::samples::{Sample, Samples};
use std::collections::BTreeSet;

/// The number that says that a series ends (Prometheus, `value.StaleNaN`).
const STALE: u64 = 0x7ff0_0000_0000_0002;
/// Series in one request.
const AT_ONCE: usize = 2_000;

/// What was pushed last, to see what is gone.
#[derive(Debug, Default)]
pub struct Pushed(BTreeSet<Vec<u8>>);

/// What is being pushed.
#[derive(Debug)]
pub struct Pushing {
    /// The requests, not compressed yet.
    pub requests: Vec<Vec<u8>>,
    now: BTreeSet<Vec<u8>>,
}

/// The labels of a series: its name stands first, and all are in the order of their names.
fn labels(sample: &Sample, more: &[(String, String)]) -> Vec<u8> {
    let mut all: Vec<(&str, &str)> = vec![("__name__", &sample.name)];
    all.extend(
        sample
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    for (name, value) in more {
        // What a series says of itself stands.
        if !all.iter().any(|(known, _)| known == name) {
            all.push((name, value));
        }
    }
    all.sort_unstable();
    let mut wire = Vec::new();
    for (name, value) in all {
        protobuf::label(&mut wire, name, value);
    }
    wire
}

fn series(labels: &[u8], value: f64, now_ms: i64) -> Vec<u8> {
    let mut sample = Vec::with_capacity(24);
    protobuf::double(&mut sample, 1, value);
    protobuf::whole(&mut sample, 2, now_ms as u64);
    let mut series = labels.to_vec();
    protobuf::bytes(&mut series, 2, &sample);
    series
}

impl Pushed {
    /// The requests that push all samples; `more` are labels that all series get.
    pub fn requests(
        &self,
        families: &[Samples],
        more: &[(String, String)],
        now_ms: i64,
    ) -> Pushing {
        let mut now = BTreeSet::new();
        let mut all = Vec::new();
        for sample in families.iter().flat_map(|family| &family.samples) {
            let labels = labels(sample, more);
            all.push(series(&labels, sample.value, now_ms));
            now.insert(labels);
        }
        let gone = self.0.difference(&now);
        all.extend(gone.map(|labels| series(labels, f64::from_bits(STALE), now_ms)));
        let together = |chunk: &[Vec<u8>]| {
            let mut request = Vec::new();
            for series in chunk {
                protobuf::bytes(&mut request, 1, series);
            }
            request
        };
        let requests = all.chunks(AT_ONCE).map(together).collect();
        Pushing { requests, now }
    }

    /// They arrived, all of them.
    pub fn arrived(&mut self, pushing: Pushing) {
        self.0 = pushing.now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::samples::families;

    #[test]
    fn a_series_that_is_gone_is_ended_once() {
        let mut pushed = Pushed::default();
        let two = families("# HELP a X.\n# TYPE a gauge\na{p=\"1\"} 1\na{p=\"2\"} 2\n");
        let one = families("# HELP a X.\n# TYPE a gauge\na{p=\"1\"} 1\n");
        let more = [("instance".to_owned(), "x".to_owned())];
        let length = |pushing: &Pushing| pushing.requests.iter().map(Vec::len).sum::<usize>();
        let first = pushed.requests(&two, &more, 1_000);
        let both = length(&first);
        pushed.arrived(first);
        // What did not arrive is said again.
        let _ = pushed.requests(&one, &more, 2_000);
        let ended = pushed.requests(&one, &more, 2_000);
        let stale = STALE.to_le_bytes();
        assert!(ended.requests[0].windows(8).any(|eight| eight == stale));
        assert_eq!(length(&ended), both, "the other one is ended");
        pushed.arrived(ended);
        assert_eq!(length(&pushed.requests(&one, &more, 3_000)), both / 2);
    }

    #[test]
    fn labels_stand_in_the_order_of_their_names() {
        let all = families("# HELP z X.\n# TYPE z gauge\nz{probe=\"a\",environment=\"b\"} 1\n");
        let wire = labels(
            &all[0].samples[0],
            &[("environment".to_owned(), "other".to_owned())],
        );
        let text = String::from_utf8_lossy(&wire).into_owned();
        let at = |what: &str| text.find(what).unwrap();
        assert!(
            at("__name__") < at("environment")
                && at("environment") < at("probe")
                && !text.contains("other"),
            "{text}"
        );
    }
}
