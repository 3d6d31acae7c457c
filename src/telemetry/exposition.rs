//! What Prometheus reads, written line by line: for series that are kept without the `prometheus` crate, and
//! for that crate's own where a form is asked for that it does not write.
//!
//! Three forms: Prometheus's text, OpenMetrics (exemplars), and protocol buffers (exemplars and native
//! histograms). Sources: the Prometheus documentation, "Exposition formats"; OpenMetrics 1.0. Invariant: a
//! family without lines is not written at all, and labels are escaped once, when they are made.

use super::format::Format;
use super::native::Sparse;
use super::protobuf;
use std::fmt::Write as _;
use std::io::Write as _;

/// Labels as they stand between braces, and as they stand in a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    text: String,
    wire: Vec<u8>,
}

impl Labels {
    /// By name and value.
    pub fn new(pairs: &[(&str, &str)]) -> Labels {
        let mut labels = Labels::default();
        for (name, value) in pairs {
            labels.add(name, value);
        }
        labels.text.shrink_to_fit();
        labels.wire.shrink_to_fit();
        labels
    }

    fn add(&mut self, name: &str, value: &str) {
        let text = &mut self.text;
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
        protobuf::label(&mut self.wire, name, value);
    }

    /// The same with one more.
    pub fn with(&self, name: &str, value: &str) -> Labels {
        let mut labels = self.clone();
        labels.add(name, value);
        labels
    }

    /// As they are written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// One observation that is shown with its bucket: the run that it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exemplar {
    /// What was observed.
    pub value: f64,
    /// When, in milliseconds since 1970: what a run is known by.
    pub at_ms: i64,
}

/// What a histogram counted.
pub struct Counted<'a> {
    /// How many lie in each bucket alone, by its upper bound.
    pub buckets: &'a mut dyn Iterator<Item = (f64, u64)>,
    /// How many in all.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The newest.
    pub exemplar: Option<Exemplar>,
    /// The same in sparse buckets.
    pub native: Option<&'a Sparse>,
}

/// A family: its name, its type and its help.
#[derive(Debug, Clone, Copy)]
pub struct Family<'a> {
    /// Its name.
    pub name: &'a str,
    /// `counter`, `gauge`, `histogram` or `untyped`.
    pub kind: &'a str,
    /// What it says.
    pub help: &'a str,
}

/// Writes one family.
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    format: Format,
    family: Family<'a>,
    /// The name of the family, which for counters of OpenMetrics is not that of the series.
    stem: &'a str,
    start: usize,
    first: usize,
}

impl<'a> Writer<'a> {
    /// Goes on with a family that has begun, or begins it.
    pub fn new(
        out: &'a mut Vec<u8>,
        format: Format,
        family: Family<'a>,
        begins: bool,
    ) -> Writer<'a> {
        let start = out.len();
        let (name, mut kind) = (family.name, family.kind);
        let mut stem = name;
        if format == Format::OpenMetrics {
            match (kind, name.strip_suffix("_total")) {
                ("counter", Some(short)) => stem = short,
                // A counter must be called so.
                ("counter" | "untyped", _) => kind = "unknown",
                _ => {}
            }
        }
        if begins && format != Format::Protobuf {
            for part in [
                "# HELP ",
                stem,
                " ",
                family.help,
                "\n# TYPE ",
                stem,
                " ",
                kind,
                "\n",
            ] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        let first = out.len();
        Writer {
            out,
            format,
            family,
            stem,
            start,
            first,
        }
    }

    fn line(&mut self, suffix: &str, labels: &Labels, more: Option<(&str, &str)>) {
        for part in [self.family.name, suffix] {
            self.out.extend_from_slice(part.as_bytes());
        }
        if labels.text.is_empty() && more.is_none() {
            self.out.push(b' ');
            return;
        }
        self.out.push(b'{');
        self.out.extend_from_slice(labels.text.as_bytes());
        if let Some((name, value)) = more {
            let comma = if labels.text.is_empty() { "" } else { "," };
            for part in [comma, name, "=\"", value, "\""] {
                self.out.extend_from_slice(part.as_bytes());
            }
        }
        self.out.extend_from_slice(b"} ");
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
        self.out.extend_from_slice(&digits[at..]);
    }

    fn decimal(&mut self, value: f64) {
        // Writing to memory does not fail.
        let _ = match value {
            value if value == f64::INFINITY => write!(self.out, "+Inf"),
            value if value == f64::NEG_INFINITY => write!(self.out, "-Inf"),
            value => write!(self.out, "{value}"),
        };
    }

    /// A whole number; `more` is a further label, whose value needs no escape.
    pub fn whole(&mut self, labels: &Labels, more: Option<(&str, &str)>, value: u64) {
        if self.format == Format::Protobuf {
            self.message(labels, more, value as f64);
            return;
        }
        self.line("", labels, more);
        self.digits(value);
        self.out.push(b'\n');
    }

    /// A number.
    pub fn number(&mut self, labels: &Labels, more: Option<(&str, &str)>, value: f64) {
        if self.format == Format::Protobuf {
            self.message(labels, more, value);
            return;
        }
        self.line("", labels, more);
        self.decimal(value);
        self.out.push(b'\n');
    }

    fn message(&mut self, labels: &Labels, more: Option<(&str, &str)>, value: f64) {
        let mut metric = labels.wire.clone();
        if let Some((name, value)) = more {
            protobuf::label(&mut metric, name, value);
        }
        let mut number = Vec::with_capacity(9);
        protobuf::double(&mut number, 1, value);
        let field = match self.family.kind {
            "gauge" => 2,
            "counter" => 3,
            _ => 5,
        };
        protobuf::bytes(&mut metric, field, &number);
        protobuf::bytes(self.out, 4, &metric);
    }

    /// A histogram.
    pub fn histogram(&mut self, labels: &Labels, counted: &mut Counted<'_>) {
        if self.format == Format::Protobuf {
            self.histogram_message(labels, counted);
            return;
        }
        let (mut below, mut bound) = (0, String::new());
        let mut exemplar = counted
            .exemplar
            .filter(|_| self.format == Format::OpenMetrics);
        for (upper, inside) in &mut *counted.buckets {
            below += inside;
            bound.clear();
            // Writing to memory does not fail. In OpenMetrics a bound is always a number with a fraction.
            let _ = match self.format {
                Format::OpenMetrics => write!(bound, "{upper:?}"),
                _ => write!(bound, "{upper}"),
            };
            self.line("_bucket", labels, Some(("le", &bound)));
            self.digits(below);
            let here = exemplar.take_if(|exemplar| exemplar.value <= upper);
            self.exemplar(here);
        }
        self.line("_bucket", labels, Some(("le", "+Inf")));
        self.digits(counted.count);
        self.exemplar(exemplar);
        self.line("_sum", labels, None);
        self.decimal(counted.sum);
        self.out.push(b'\n');
        self.line("_count", labels, None);
        self.digits(counted.count);
        self.out.push(b'\n');
    }

    fn exemplar(&mut self, exemplar: Option<Exemplar>) {
        if let Some(Exemplar { value, at_ms }) = exemplar {
            let seconds = at_ms as f64 / 1e3;
            // Writing to memory does not fail.
            let _ = write!(self.out, " # {{run=\"{at_ms}\"}} {value} {seconds}");
        }
        self.out.push(b'\n');
    }

    fn histogram_message(&mut self, labels: &Labels, counted: &mut Counted<'_>) {
        let mut histogram = Vec::with_capacity(512);
        protobuf::whole(&mut histogram, 1, counted.count);
        protobuf::double(&mut histogram, 2, counted.sum);
        let (mut below, mut exemplar) = (0, counted.exemplar);
        for (upper, inside) in &mut *counted.buckets {
            below += inside;
            let mut bucket = Vec::with_capacity(48);
            protobuf::whole(&mut bucket, 1, below);
            protobuf::double(&mut bucket, 2, upper);
            if let Some(here) = exemplar.take_if(|exemplar| exemplar.value <= upper) {
                protobuf::bytes(&mut bucket, 3, &message_of(here));
            }
            protobuf::bytes(&mut histogram, 3, &bucket);
        }
        if let Some(native) = counted.native {
            native.write(&mut histogram);
        }
        let mut metric = labels.wire.clone();
        protobuf::bytes(&mut metric, 7, &histogram);
        protobuf::bytes(self.out, 4, &metric);
    }

    /// Ends the family, which is not there if it has no line. Whether it has any.
    pub fn end(self) -> bool {
        if self.out.len() == self.first {
            self.out.truncate(self.start);
            return false;
        }
        if self.format == Format::Protobuf {
            // Its length stands before a message.
            let metrics = self.out.split_off(self.start);
            let mut family = Vec::with_capacity(metrics.len() + 128);
            protobuf::bytes(&mut family, 1, self.stem.as_bytes());
            protobuf::bytes(&mut family, 2, self.family.help.as_bytes());
            let kind = match self.family.kind {
                "counter" => 0,
                "gauge" => 1,
                "histogram" => 4,
                _ => 3,
            };
            protobuf::whole(&mut family, 3, kind);
            protobuf::varint(self.out, (family.len() + metrics.len()) as u64);
            self.out.extend_from_slice(&family);
            self.out.extend_from_slice(&metrics);
        }
        true
    }
}

fn message_of(exemplar: Exemplar) -> Vec<u8> {
    let mut message = Vec::with_capacity(48);
    protobuf::label(&mut message, "run", &exemplar.at_ms.to_string());
    protobuf::double(&mut message, 2, exemplar.value);
    let mut time = Vec::with_capacity(16);
    protobuf::whole(&mut time, 1, exemplar.at_ms.div_euclid(1_000) as u64);
    protobuf::whole(
        &mut time,
        2,
        exemplar.at_ms.rem_euclid(1_000) as u64 * 1_000_000,
    );
    protobuf::bytes(&mut message, 3, &time);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format) -> Vec<u8> {
        let mut out = Vec::new();
        let labels = Labels::new(&[("probe", "a \"b\" \\ c\nd")]).with("step", "x");
        let family = |name, kind, help| Family { name, kind, help };
        let mut writer = Writer::new(
            &mut out,
            format,
            family("made_total", "counter", "What was made."),
            true,
        );
        writer.whole(&labels, Some(("class", "y")), 1_234);
        assert!(writer.end());
        assert!(!Writer::new(&mut out, format, family("empty", "gauge", "Nothing."), true).end());
        let mut writer = Writer::new(
            &mut out,
            format,
            family("took_seconds", "histogram", "How long."),
            true,
        );
        writer.histogram(
            &labels,
            &mut Counted {
                buckets: &mut [(0.005, 2), (1.0, 1)].into_iter(),
                count: 4,
                sum: 3.5,
                exemplar: Some(Exemplar {
                    value: 0.5,
                    at_ms: 1_800_000_000_250,
                }),
                native: None,
            },
        );
        writer.end();
        out
    }

    #[test]
    fn a_family_is_written_as_prometheus_reads_it() {
        let labels = r#"probe="a \"b\" \\ c\nd",step="x""#;
        let expected = format!(
            "# HELP made_total What was made.\n# TYPE made_total counter\nmade_total{{{labels},class=\"y\"}} 1234\n\
             # HELP took_seconds How long.\n# TYPE took_seconds histogram\n\
             took_seconds_bucket{{{labels},le=\"0.005\"}} 2\ntook_seconds_bucket{{{labels},le=\"1\"}} 3\n\
             took_seconds_bucket{{{labels},le=\"+Inf\"}} 4\ntook_seconds_sum{{{labels}}} 3.5\ntook_seconds_count{{{labels}}} 4\n"
        );
        assert_eq!(String::from_utf8(written(Format::Text)).unwrap(), expected);
        let expected = expected
            .replace("# HELP made_total", "# HELP made")
            .replace("# TYPE made_total", "# TYPE made")
            .replace(
                "le=\"1\"} 3\n",
                "le=\"1.0\"} 3 # {run=\"1800000000250\"} 0.5 1800000000.25\n",
            );
        assert_eq!(
            String::from_utf8(written(Format::OpenMetrics)).unwrap(),
            expected
        );
    }

    #[test]
    fn a_message_is_as_long_as_it_says() {
        let wire = written(Format::Protobuf);
        let first = usize::from(wire[0]);
        assert!(
            first < 0x80 && wire[1..].starts_with(b"\x0a\x0amade_total"),
            "{wire:?}"
        );
        let rest = &wire[1 + first..];
        let length = usize::from(rest[0] & 0x7f) | usize::from(rest[1]) << 7;
        assert_eq!(rest.len(), length + 2);
    }
}
