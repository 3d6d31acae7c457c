//! Prometheus's text format, written line by line: for series that are kept without the `prometheus` crate.
//!
//! Source: the Prometheus documentation, "Exposition formats". Invariant: a family without lines is not
//! written at all, and labels are escaped once, when they are made.

use std::fmt::Write as _;
use std::io::Write as _;

/// Labels as they stand between braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels(String);

fn add(text: &mut String, name: &str, value: &str) {
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(name);
    text.push_str("=\"");
    for letter in value.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('"');
}

impl Labels {
    /// By name and value.
    pub fn new(pairs: &[(&str, &str)]) -> Labels {
        let mut text = String::new();
        for (name, value) in pairs {
            add(&mut text, name, value);
        }
        Labels(text)
    }

    /// The same with one more.
    pub fn with(&self, name: &str, value: &str) -> Labels {
        let mut text = self.0.clone();
        add(&mut text, name, value);
        Labels(text)
    }

    /// As they are written.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Writes one family.
pub struct Writer<'a> {
    text: &'a mut Vec<u8>,
    name: &'static str,
    start: usize,
    first: usize,
}

impl<'a> Writer<'a> {
    /// Goes on with a family.
    pub fn more(text: &'a mut Vec<u8>, name: &'static str) -> Writer<'a> {
        let first = text.len();
        Writer {
            text,
            name,
            start: first,
            first,
        }
    }

    /// Begins a family.
    pub fn family(text: &'a mut Vec<u8>, name: &'static str, kind: &str, help: &str) -> Writer<'a> {
        let start = text.len();
        for part in [
            "# HELP ",
            name,
            " ",
            help,
            "\n# TYPE ",
            name,
            " ",
            kind,
            "\n",
        ] {
            text.extend_from_slice(part.as_bytes());
        }
        let first = text.len();
        Writer {
            text,
            name,
            start,
            first,
        }
    }

    fn line(&mut self, suffix: &str, labels: &Labels, more: Option<(&str, &str)>) {
        for part in [self.name, suffix, "{", &labels.0] {
            self.text.extend_from_slice(part.as_bytes());
        }
        if let Some((name, value)) = more {
            for part in [",", name, "=\"", value, "\""] {
                self.text.extend_from_slice(part.as_bytes());
            }
        }
        self.text.extend_from_slice(b"} ");
    }

    fn digits(&mut self, mut value: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.text.extend_from_slice(&digits[at..]);
        self.text.push(b'\n');
    }

    fn decimal(&mut self, value: f64) {
        // Writing to memory does not fail.
        let _ = writeln!(self.text, "{value}");
    }

    /// A whole number; `more` is a further label, whose value needs no escape.
    pub fn whole(&mut self, labels: &Labels, more: Option<(&str, &str)>, value: u64) {
        self.line("", labels, more);
        self.digits(value);
    }

    /// A number.
    pub fn number(&mut self, labels: &Labels, more: Option<(&str, &str)>, value: f64) {
        self.line("", labels, more);
        self.decimal(value);
    }

    /// A histogram: upper bounds with how many lie in each bucket alone.
    pub fn histogram<'b>(
        &mut self,
        labels: &Labels,
        buckets: impl Iterator<Item = (&'b f64, u64)>,
        count: u64,
        sum: f64,
    ) {
        let (mut below, mut bound) = (0, String::new());
        for (upper, inside) in buckets {
            below += inside;
            bound.clear();
            // Writing to memory does not fail.
            let _ = write!(bound, "{upper}");
            self.line("_bucket", labels, Some(("le", &bound)));
            self.digits(below);
        }
        self.line("_bucket", labels, Some(("le", "+Inf")));
        self.digits(count);
        self.line("_sum", labels, None);
        self.decimal(sum);
        self.line("_count", labels, None);
        self.digits(count);
    }

    /// Ends the family, which is not there if it has no line. Whether it has any.
    pub fn end(self) -> bool {
        if self.text.len() == self.first {
            self.text.truncate(self.start);
            return false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_written_as_prometheus_reads_it() {
        let mut text = Vec::new();
        let labels = Labels::new(&[("probe", "a \"b\" \\ c\nd")]).with("step", "x");
        let mut writer = Writer::family(&mut text, "made_total", "counter", "What was made.");
        writer.whole(&labels, Some(("class", "y")), 1_234);
        writer.end();
        assert!(!Writer::family(&mut text, "empty", "gauge", "Nothing.").end());
        let mut writer = Writer::family(&mut text, "took_seconds", "histogram", "How long.");
        writer.histogram(&labels, [(&0.005, 2), (&1.0, 1)].into_iter(), 4, 3.5);
        writer.end();
        let labels = r#"probe="a \"b\" \\ c\nd",step="x""#;
        let expected = format!(
            "# HELP made_total What was made.\n# TYPE made_total counter\nmade_total{{{labels},class=\"y\"}} 1234\n\
             # HELP took_seconds How long.\n# TYPE took_seconds histogram\n\
             took_seconds_bucket{{{labels},le=\"0.005\"}} 2\ntook_seconds_bucket{{{labels},le=\"1\"}} 3\n\
             took_seconds_bucket{{{labels},le=\"+Inf\"}} 4\ntook_seconds_sum{{{labels}}} 3.5\ntook_seconds_count{{{labels}}} 4\n"
        );
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
