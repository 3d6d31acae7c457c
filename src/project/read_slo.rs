//! Reads objectives over weeks.

use super::slo::Slo;
use crate::document::node::Node;
use crate::duration;
use crate::scenario::reader::{Reader, entries, text, texts};
use crate::watch::budget::{Goal, Window};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const DAYS_90: Duration = Duration::from_secs(90 * 24 * 3_600);

/// A share such as `99.9%`, `99.9` or `0.999`: above 0 and below 1.
pub fn share(text: &str) -> Option<f64> {
    let (number, is_percent) = match text.trim().strip_suffix('%') {
        Some(number) => (number.trim(), true),
        None => (text.trim(), false),
    };
    let value: f64 = number.parse().ok()?;
    let share = if is_percent || value > 1.0 {
        value / 100.0
    } else {
        value
    };
    // 99.9 / 100 is a little more than 0.999, which nobody wants to see.
    let share = (share * 1e12).round() / 1e12;
    (share > 0.0 && share < 1.0).then_some(share)
}

impl Reader<'_> {
    /// An objective over weeks.
    pub fn slo(&mut self, name: &Node, node: &Node, root: &Node) -> Option<Slo> {
        let alert = self.alert_settings(node, root);
        let known: Vec<&str> = entries(root, "probes")
            .iter()
            .map(|(name, _)| name.text.as_str())
            .collect();
        for probe in node.get("probes").map(Node::items).unwrap_or_default() {
            if !known.contains(&probe.text.as_str()) {
                self.unknown("unknown-probe", "probe", probe, &known);
            }
        }
        if ["probes", "group", "service"]
            .iter()
            .all(|key| node.get(key).is_none())
        {
            let title = "an SLO says whose runs it counts";
            self.error(
                "missing-field",
                title,
                name.span,
                "`probes`, `group` or `service`",
            );
        }
        let objective = node.get("objective")?;
        let share = share(&objective.text);
        if share.is_none() {
            let title = format!("`{}` is no objective", objective.text);
            self.error(
                "wrong-type",
                title,
                objective.span,
                "above 0 % and below 100 %, such as `99.9%`",
            );
        }
        let window = self.window(node);
        let latency = text(node, "latency").and_then(|text| duration::parse(&text).ok());
        Some(Slo {
            name: name.text.clone(),
            probes: texts(node, "probes"),
            group: text(node, "group"),
            service: text(node, "service"),
            environment: text(node, "environment"),
            goal: Goal {
                share: share?,
                latency_us: latency.map(|limit| limit.as_micros() as u64),
                unknown_is_bad: text(node, "unknown").as_deref() == Some("bad"),
                window: window?,
            },
            alert,
        })
    }

    fn window(&mut self, node: &Node) -> Option<Window> {
        let Some(window) = node.get("window") else {
            return Some(Window::Rolling(Duration::from_secs(30 * 24 * 3_600)));
        };
        if window.text == "month" {
            return Some(Window::Month);
        }
        match duration::parse(&window.text) {
            Ok(length) if (HOUR..=DAYS_90).contains(&length) => Some(Window::Rolling(length)),
            _ => {
                let title = format!("`{}` is no window of an SLO", window.text);
                self.error(
                    "wrong-type",
                    title,
                    window.span,
                    "from `1h` to `90d`, or `month`",
                );
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_as_people_write_it() {
        let cases = [
            ("99.9%", Some(0.999)),
            ("99.9", Some(0.999)),
            ("0.95", Some(0.95)),
            ("100%", None),
            ("0", None),
            ("x", None),
        ];
        for (text, expected) in cases {
            let read = share(text);
            assert!(
                read.zip(expected)
                    .map_or(read == expected, |(a, b)| (a - b).abs() < 1e-12),
                "{text}"
            );
        }
    }
}
