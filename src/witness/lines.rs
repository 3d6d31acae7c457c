//! A log, line by line as it comes in: what is looked for in it, counted, in bounded memory.
//!
//! Does not know where the lines come from. Invariant: a line that was not looked at, whole and in its
//! time, is a doubt; what was found stands whatever is doubtful.

use super::moment;
use super::pattern::Pattern;
use super::said::Said;
use serde_json::{Map, Value};
use std::collections::VecDeque;

/// Bytes of one line that are looked at.
pub const LINE_BYTES_MAX: usize = 256 * 1024;
/// Lines that expressions see: the last ones.
pub const LINES_MAX: usize = 1_000;
/// Bytes of a line that expressions see; of a longer one they see how long it is.
const SEEN_BYTES_MAX: usize = 8 * 1024;
/// How far apart the times of two lines of one log stand, in bytes.
const COLUMNS_APART: usize = 16;

/// What is looked for in a log.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// What must be there.
    pub must: Vec<Pattern>,
    /// What must not.
    pub must_not: Vec<Pattern>,
    /// What is counted, by name.
    pub count: Vec<(String, Pattern)>,
    /// Fewest lines that must have been there to be read, so that an absence says anything.
    pub at_least: u64,
    /// Whether the log must be seen to reach back to the beginning of the range.
    pub whole: bool,
}

/// What was found of one pattern.
#[derive(Debug, Clone, Default)]
struct Found {
    count: u64,
    first: Option<String>,
}

/// One stream of a log.
#[derive(Debug)]
struct Stream {
    /// A line whose end has not come yet, and whether it is longer than what is kept of it.
    unfinished: (Vec<u8>, bool),
    /// Where in a line its time stands.
    column: Option<usize>,
    /// Whether the line before was in the range: what has no time of its own belongs to it.
    is_in_range: bool,
}

impl Stream {
    fn new() -> Stream {
        Stream {
            unfinished: (Vec::new(), false),
            column: None,
            is_in_range: true,
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let (kept, is_long) = &mut self.unfinished;
        let room = LINE_BYTES_MAX.saturating_sub(kept.len());
        *is_long |= bytes.len() > room;
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// When a line was written. A date that a line merely mentions stands elsewhere than its time.
    fn moment_of(&mut self, line: &str) -> Option<i64> {
        let (column, at_ms) = moment::of_line(line)?;
        let usual = *self.column.get_or_insert(column);
        (column.abs_diff(usual) <= COLUMNS_APART).then_some(at_ms)
    }
}

/// Counts the patterns that a line fits.
fn note<'p>(
    found: &mut [Found],
    patterns: impl Iterator<Item = &'p Pattern>,
    line: &str,
    json: Option<&Value>,
) {
    for (found, pattern) in found.iter_mut().zip(patterns) {
        if pattern.fits(line, json) {
            found.count += 1;
            // Whole: what is cut before it is cleaned may hold half a secret.
            found.first.get_or_insert_with(|| line.to_owned());
        }
    }
}

/// A log that is being read.
#[derive(Debug)]
pub struct Reading<'a> {
    wanted: &'a Wanted,
    /// Lines before this moment are left out.
    since_ms: Option<i64>,
    must: Vec<Found>,
    must_not: Vec<Found>,
    counts: Vec<Found>,
    streams: [Stream; 2],
    /// Lines that were there, and those in the range.
    all: u64,
    read: u64,
    json: u64,
    long: u64,
    oldest_ms: Option<i64>,
    newest_ms: Option<i64>,
    last: VecDeque<Value>,
}

impl<'a> Reading<'a> {
    /// Begins to read.
    pub fn new(wanted: &'a Wanted, since_ms: Option<i64>) -> Reading<'a> {
        let of = |count: usize| vec![Found::default(); count];
        Reading {
            wanted,
            since_ms,
            must: of(wanted.must.len()),
            must_not: of(wanted.must_not.len()),
            counts: of(wanted.count.len()),
            streams: [Stream::new(), Stream::new()],
            all: 0,
            read: 0,
            json: 0,
            long: 0,
            oldest_ms: None,
            newest_ms: None,
            last: VecDeque::new(),
        }
    }

    /// Takes bytes as they come, wherever they are cut.
    pub fn push(&mut self, bytes: &[u8]) {
        self.take(0, bytes);
    }

    /// Takes bytes of another stream of the same log, whose lines are whole on their own.
    pub fn push_beside(&mut self, bytes: &[u8]) {
        self.take(1, bytes);
    }

    fn take(&mut self, stream: usize, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            self.streams[stream].add(&rest[..at]);
            self.end_line(stream);
            rest = &rest[at + 1..];
        }
        self.streams[stream].add(rest);
    }

    fn end_line(&mut self, stream: usize) {
        let (bytes, is_long) = std::mem::take(&mut self.streams[stream].unfinished);
        self.long += u64::from(is_long);
        let text = String::from_utf8_lossy(&bytes);
        self.line(stream, text.trim_end_matches('\r'), None);
    }

    fn line(&mut self, stream: usize, line: &str, known_ms: Option<i64>) {
        if line.trim().is_empty() {
            return;
        }
        self.all += 1;
        let start = line.trim_start();
        let json = start
            .starts_with('{')
            .then(|| serde_json::from_str::<Value>(start).ok());
        let json = json.flatten();
        let at_ms = known_ms.or_else(|| match &json {
            Some(json) => moment::of_json(json),
            None => self.streams[stream].moment_of(line),
        });
        if let Some(at_ms) = at_ms {
            self.oldest_ms = Some(self.oldest_ms.map_or(at_ms, |old| old.min(at_ms)));
            self.newest_ms = Some(self.newest_ms.map_or(at_ms, |new| new.max(at_ms)));
            self.streams[stream].is_in_range = self.since_ms.is_none_or(|since| at_ms >= since);
        }
        if !self.streams[stream].is_in_range {
            return;
        }
        self.read += 1;
        self.json += u64::from(json.is_some());
        let wanted = self.wanted;
        let counted = wanted.count.iter().map(|(_, pattern)| pattern);
        let json_seen = json.as_ref();
        note(&mut self.must, wanted.must.iter(), line, json_seen);
        note(&mut self.must_not, wanted.must_not.iter(), line, json_seen);
        note(&mut self.counts, counted, line, json_seen);
        if self.last.len() == LINES_MAX {
            self.last.pop_front();
        }
        let seen = match line.len() {
            ..=SEEN_BYTES_MAX => json.unwrap_or_else(|| Value::String(line.to_owned())),
            long => Value::String(format!("(a line of {long} bytes)")),
        };
        self.last.push_back(seen);
    }

    /// Takes one line whose moment is known, in milliseconds since 1970.
    pub fn line_at(&mut self, line: &str, at_ms: i64) {
        self.line(0, line, Some(at_ms));
    }

    /// What the log says, in the end; `doubts` are those of the one who read it.
    pub fn end(mut self, doubts: Vec<String>, now_ms: i64) -> Said {
        for stream in 0..self.streams.len() {
            self.end_line(stream);
        }
        let mut said = Said {
            doubts,
            ..Said::default()
        };
        for (found, pattern) in self.must_not.iter().zip(&self.wanted.must_not) {
            if let Some(first) = &found.first {
                let (times, name) = (times(found.count), &pattern.name);
                let why = pattern.explained();
                said.objections
                    .push(format!("`{name}` is there {times}{why}: {first}"));
            }
        }
        said.doubts.extend(self.doubts());
        for (found, pattern) in self.must.iter().zip(&self.wanted.must) {
            if found.count == 0 {
                let (name, read) = (&pattern.name, self.read);
                let why = pattern.explained();
                let missing = format!("`{name}` is in none of {read} lines{why}");
                // What was not read whole may hold it.
                match said.doubts.is_empty() {
                    true => said.objections.push(missing),
                    false => said.doubts.push(missing),
                }
            }
        }
        self.values(&mut said, now_ms);
        said
    }

    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.read < self.wanted.at_least {
            let (read, least) = (self.read, self.wanted.at_least);
            let newest = self.newest_ms.filter(|_| self.all > self.read);
            let newest = newest.map_or(String::new(), |at_ms| {
                format!("; the newest is of {}", crate::clock::text_of(at_ms))
            });
            doubts.push(format!(
                "{read} lines were there to be read, and {least} are needed{newest}: that nothing is there proves nothing"
            ));
        }
        if self.long > 0 {
            doubts.push(format!(
                "{} lines are longer than {LINE_BYTES_MAX} bytes, and were looked at only so far",
                self.long
            ));
        }
        if let Some(since) = self.since_ms.filter(|_| self.all > 0) {
            match self.oldest_ms {
                None => doubts.push(
                    "no line shows its time, so that nobody can tell which belong to the range"
                        .to_owned(),
                ),
                Some(oldest) if self.wanted.whole && oldest > since => doubts.push(format!(
                    "the oldest line is of {}, later than the range begins: what was before it is gone",
                    crate::clock::text_of(oldest)
                )),
                Some(_) => {}
            }
        }
        let counted = self.wanted.count.iter().map(|(_, pattern)| pattern);
        let mut all = self
            .wanted
            .must_not
            .iter()
            .chain(&self.wanted.must)
            .chain(counted);
        if self.read > 0 && self.json == 0 && all.any(Pattern::wants_json) {
            doubts.push(format!(
                "none of {} lines is JSON, so that no field of them could be looked at",
                self.read
            ));
        }
        doubts
    }

    fn values(self, said: &mut Said, now_ms: i64) {
        let from_ms = self.since_ms.or(self.oldest_ms);
        let minutes = from_ms.map(|from| ((now_ms - from) as f64 / 60_000.0).max(1.0 / 60.0));
        let (mut counts, mut rates) = (Map::new(), Map::new());
        for ((name, _), found) in self.wanted.count.iter().zip(&self.counts) {
            counts.insert(name.clone(), found.count.into());
            if let Some(minutes) = minutes {
                rates.insert(name.clone(), (found.count as f64 / minutes).into());
            }
        }
        said.value("counts", counts);
        said.value("rates", rates);
        said.value("count", self.read);
        said.value("lines", Value::Array(self.last.into_iter().collect()));
    }
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
