//! Files of recorded samples: our own, plain CSV, k6's `--out csv` and `--out json`.
//!
//! What a file is shows in its first line. A line that cannot be read stops the reading: a verdict
//! on half of a file would be one on chosen evidence.

use crate::objective::tally::{Arm, Sample};
use flate2::read::MultiGzDecoder;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

/// Samples of a file, by gate.
#[derive(Debug, Default)]
pub struct Samples {
    /// Gates in the order of their first sample; one without a name where the file has no such column.
    pub gates: Vec<(String, Vec<Sample>)>,
    /// Whether there is a column of gates.
    pub has_gates: bool,
    /// Names of steps by their numbers.
    pub steps: Vec<String>,
    /// Whether the file tells steps apart.
    pub has_steps: bool,
}

impl Samples {
    fn gate(&mut self, name: &str, known: &mut HashMap<String, usize>) -> usize {
        if let Some((last, _)) = self.gates.last()
            && last == name
        {
            return self.gates.len() - 1;
        }
        if let Some(place) = known.get(name) {
            return *place;
        }
        known.insert(name.to_owned(), self.gates.len());
        self.gates.push((name.to_owned(), Vec::new()));
        self.gates.len() - 1
    }

    fn step(&mut self, name: &str) -> u32 {
        if let Some(place) = self.steps.iter().position(|known| known == name) {
            return place as u32;
        }
        // A file that names every URL apart has no steps that anybody could ask for.
        if self.steps.len() >= STEPS_MAX {
            return u32::MAX;
        }
        self.steps.push(name.to_owned());
        self.steps.len() as u32 - 1
    }

    /// Takes iterations that were due and that nobody performed: whoever would have met the service then met none,
    /// which is over every limit.
    fn drop(
        &mut self,
        known_micros: u64,
        count: f64,
        known: &mut HashMap<String, usize>,
    ) -> Result<(), String> {
        if !(0.0..=DROPPED_MAX).contains(&count) {
            return Err(format!(
                "{count} dropped iterations in one sample are none that k6 writes"
            ));
        }
        let step = self.step(DROPPED);
        let gate = self.gate("", known);
        let missed = Sample {
            known_micros,
            latency_micros: 0,
            step,
            arm: Arm::Candidate,
            ok: false,
        };
        let samples = &mut self.gates[gate].1;
        samples.extend(std::iter::repeat_n(missed, count.round() as usize));
        Ok(())
    }

    /// How many samples there are.
    pub fn count(&self) -> usize {
        self.gates.iter().map(|(_, samples)| samples.len()).sum()
    }
}

/// How what gzip compressed begins (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// k6's metric of requests, and that of arrivals for which no virtual user was free.
const DURATION: &str = "http_req_duration";
const DROPPED: &str = "dropped_iterations";
/// Iterations that one sample may say were dropped.
const DROPPED_MAX: f64 = 1e7;
/// Steps that are told apart.
const STEPS_MAX: usize = 256;
/// No timestamp lies beyond: the year 2286 in microseconds.
const MICROS_MAX: f64 = 1e16;

/// Reads a file. The error names the line and what was expected in it.
pub fn read(input: impl Read) -> Result<Samples, String> {
    let mut input = BufReader::with_capacity(1 << 18, input);
    let unreadable = |error| format!("it cannot be read: {error}");
    if input.fill_buf().map_err(unreadable)?.starts_with(&GZIP) {
        let unfolded = MultiGzDecoder::new(input);
        return plain(BufReader::with_capacity(1 << 18, unfolded));
    }
    plain(input)
}

fn plain(mut input: impl BufRead) -> Result<Samples, String> {
    let unreadable = |error| format!("it cannot be read: {error}");
    let start = input.fill_buf().map_err(unreadable)?;
    if start.is_empty() {
        return Err("it is empty".to_owned());
    }
    if start.first() == Some(&b'{') {
        return json(input);
    }
    table(input)
}

fn table(input: impl Read) -> Result<Samples, String> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::Headers)
        .from_reader(input);
    let headers = reader
        .headers()
        .map_err(|error| format!("its first line cannot be read: {error}"))?
        .clone();
    let place = |name: &str| {
        headers
            .iter()
            .position(|known| known.trim_start_matches('\u{feff}') == name)
    };
    if let (Some(metric), Some(time), Some(value)) = (
        place("metric_name"),
        place("timestamp"),
        place("metric_value"),
    ) {
        let columns = K6Columns {
            metric,
            time,
            value,
            expected: place("expected_response"),
            status: place("status"),
            name: place("name"),
        };
        return k6_table(reader, &columns);
    }
    let mut missing = Vec::new();
    let mut need = |name: &'static str| {
        let found = place(name);
        if found.is_none() {
            missing.push(name);
        }
        found.unwrap_or(0)
    };
    let columns = Columns {
        time: need("t_ms"),
        latency: need("latency_us"),
        ok: need("ok"),
        arm: place("arm"),
        gate: place("gate"),
        step: place("step"),
        counts: place("counts"),
    };
    if !missing.is_empty() {
        return Err(format!(
            "line 1: no column {}; expected `t_ms,arm,latency_us,ok` (with a `gate` column before them if it holds several), a file of `bellwether run --samples`, or k6's `--out csv` or `--out json`",
            missing
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    plain_table(reader, &columns)
}

struct Columns {
    time: usize,
    latency: usize,
    ok: usize,
    arm: Option<usize>,
    gate: Option<usize>,
    step: Option<usize>,
    counts: Option<usize>,
}

fn plain_table(mut reader: csv::Reader<impl Read>, columns: &Columns) -> Result<Samples, String> {
    let mut samples = Samples {
        has_gates: columns.gate.is_some(),
        has_steps: columns.step.is_some(),
        ..Samples::default()
    };
    let mut known = HashMap::new();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(broken)? {
        let line = record.position().map_or(0, csv::Position::line);
        let field = |place: usize| record.get(place).unwrap_or_default();
        if columns.counts.map(field).and_then(boolean) == Some(false) {
            continue;
        }
        let number = |place: usize, name: &str| {
            parsed(field(place)).ok_or_else(|| {
                format!(
                    "line {line}: `{name}` is `{}`; expected a number from 0 on",
                    String::from_utf8_lossy(field(place))
                )
            })
        };
        let start = number(columns.time, "t_ms")? * 1e3;
        let latency = number(columns.latency, "latency_us")?;
        let ok = boolean(field(columns.ok)).ok_or_else(|| {
            format!(
                "line {line}: `ok` is `{}`; expected 1, 0, true or false",
                String::from_utf8_lossy(field(columns.ok))
            )
        })?;
        let arm = match columns.arm.map(field) {
            None | Some(b"candidate") => Arm::Candidate,
            Some(b"baseline") => Arm::Baseline,
            Some(other) => {
                return Err(format!(
                    "line {line}: `arm` is `{}`; expected `candidate` or `baseline`",
                    String::from_utf8_lossy(other)
                ));
            }
        };
        let step = match columns.step {
            Some(place) => samples.step(&String::from_utf8_lossy(field(place))),
            None => 0,
        };
        let gate = match columns.gate {
            Some(place) => samples.gate(&String::from_utf8_lossy(field(place)), &mut known),
            None => samples.gate("", &mut known),
        };
        samples.gates[gate].1.push(Sample {
            known_micros: (start + latency) as u64,
            latency_micros: latency as u64,
            step,
            arm,
            ok,
        });
    }
    Ok(samples)
}

struct K6Columns {
    metric: usize,
    time: usize,
    value: usize,
    expected: Option<usize>,
    status: Option<usize>,
    name: Option<usize>,
}

/// k6 writes one line for each metric of a request; the duration is the one that counts. Its time
/// is the end of the request.
fn k6_table(mut reader: csv::Reader<impl Read>, columns: &K6Columns) -> Result<Samples, String> {
    let mut samples = Samples {
        has_steps: columns.name.is_some(),
        ..Samples::default()
    };
    let mut known = HashMap::new();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(broken)? {
        let field = |place: usize| record.get(place).unwrap_or_default();
        let is_dropped = field(columns.metric) == DROPPED.as_bytes();
        if field(columns.metric) != DURATION.as_bytes() && !is_dropped {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let text = |place: usize| String::from_utf8_lossy(field(place)).into_owned();
        let time = text(columns.time);
        let known_micros = moment(&time).ok_or_else(|| {
            format!("line {line}: `timestamp` is `{time}`; expected seconds since 1970 or RFC 3339")
        })?;
        let millis = parsed(field(columns.value)).ok_or_else(|| {
            format!(
                "line {line}: `metric_value` is `{}`; expected a number from 0 on",
                text(columns.value)
            )
        })?;
        if is_dropped {
            samples.drop(known_micros, millis, &mut known)?;
            continue;
        }
        let step = columns.name.map_or(0, |place| samples.step(&text(place)));
        let ok = k6_ok(
            columns.expected.map(text).as_deref(),
            columns.status.map(text).as_deref(),
        );
        let gate = samples.gate("", &mut known);
        samples.gates[gate].1.push(Sample {
            known_micros,
            latency_micros: (millis * 1e3) as u64,
            step,
            arm: Arm::Candidate,
            ok,
        });
    }
    Ok(samples)
}

#[derive(serde::Deserialize)]
struct K6Line<'a> {
    #[serde(borrow)]
    metric: std::borrow::Cow<'a, str>,
    data: K6Data,
}

#[derive(serde::Deserialize)]
struct K6Data {
    time: String,
    value: f64,
    #[serde(default)]
    tags: Option<HashMap<String, String>>,
}

fn json(input: impl BufRead) -> Result<Samples, String> {
    let mut samples = Samples {
        has_steps: true,
        ..Samples::default()
    };
    let mut known = HashMap::new();
    for (number, line) in input.lines().enumerate() {
        let number = number + 1;
        let line = line.map_err(|error| format!("line {number} cannot be read: {error}"))?;
        // Most lines are of other metrics; they need not be parsed.
        let is_wanted = line.contains(DURATION) || line.contains(DROPPED);
        if !is_wanted || !line.contains("\"Point\"") {
            continue;
        }
        let point: K6Line<'_> = serde_json::from_str(&line)
            .map_err(|error| format!("line {number} is no line of k6's JSON: {error}"))?;
        let is_dropped = point.metric == DROPPED;
        if point.metric != DURATION && !is_dropped {
            continue;
        }
        let known_micros = moment(&point.data.time).ok_or_else(|| {
            format!(
                "line {number}: `time` is `{}`; expected RFC 3339",
                point.data.time
            )
        })?;
        if is_dropped {
            samples.drop(known_micros, point.data.value, &mut known)?;
            continue;
        }
        let tags = point.data.tags.unwrap_or_default();
        let tag = |name: &str| tags.get(name).map(String::as_str);
        let step = samples.step(tag("name").unwrap_or_default());
        let ok = k6_ok(tag("expected_response"), tag("status"));
        let gate = samples.gate("", &mut known);
        samples.gates[gate].1.push(Sample {
            known_micros,
            latency_micros: (point.data.value.max(0.0) * 1e3) as u64,
            step,
            arm: Arm::Candidate,
            ok,
        });
    }
    Ok(samples)
}

/// k6 marks what was expected; without the mark, the status decides as it does there.
fn k6_ok(expected: Option<&str>, status: Option<&str>) -> bool {
    match expected {
        Some("true") => true,
        Some("false") => false,
        _ => status
            .and_then(|status| status.parse::<u16>().ok())
            .is_some_and(|status| (200..400).contains(&status)),
    }
}

fn broken(error: csv::Error) -> String {
    match error.position() {
        Some(position) => format!("line {}: {error}", position.line()),
        None => error.to_string(),
    }
}

fn parsed(field: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(field).ok()?.trim().parse().ok()?;
    (value.is_finite() && (0.0..MICROS_MAX).contains(&value)).then_some(value)
}

fn boolean(field: &[u8]) -> Option<bool> {
    match field {
        b"1" | b"true" | b"True" | b"TRUE" => Some(true),
        b"0" | b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

/// A moment in microseconds since 1970: RFC 3339, or a number of seconds, milli-, micro- or
/// nanoseconds, told apart by their size.
fn moment(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let micros = match number {
            n if !(0.0..1e20).contains(&n) => return None,
            n if n < 1e11 => n * 1e6,
            n if n < 1e14 => n * 1e3,
            n if n < 1e17 => n,
            n => n / 1e3,
        };
        return Some(micros as u64);
    }
    let moment = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    u64::try_from(moment.timestamp_micros()).ok()
}
