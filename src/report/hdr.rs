//! An HdrHistogram interval log (format V2): one line a second, which other tools read.
//!
//! Values are microseconds; the column of the maximum is in milliseconds, as such logs have it.
//! Times count from the base time in the head of the log.

use crate::load::Tick;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::time::{Duration, SystemTime};

/// The log of a command.
#[derive(Debug)]
pub struct HdrLog {
    file: BufWriter<File>,
    base: Option<SystemTime>,
}

impl HdrLog {
    /// A log in a file that was just made.
    pub fn new(file: File) -> HdrLog {
        HdrLog {
            file: BufWriter::new(file),
            base: None,
        }
    }

    /// Writes a second of a scenario that began at `start`.
    pub fn write(&mut self, scenario: &str, start: SystemTime, tick: &Tick) -> io::Result<()> {
        let begins = self.base.is_none();
        let base = *self.base.get_or_insert(start);
        let offset = start.duration_since(base).unwrap_or_default();
        let lines = encoded(
            scenario,
            base,
            offset + Duration::from_secs(tick.second),
            tick,
        )?;
        // Each second is encoded as a log of its own; the head is that of the first.
        let is_head = |line: &&str| line.starts_with(['#', '"']);
        for line in lines.lines().filter(|line| begins || !is_head(line)) {
            writeln!(self.file, "{line}")?;
        }
        Ok(())
    }

    /// Everything is on its way to the disk.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn encoded(scenario: &str, base: SystemTime, offset: Duration, tick: &Tick) -> io::Result<String> {
    let mut serializer = V2DeflateSerializer::new();
    let mut lines = Vec::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .add_comment("[Bellwether: latency from the intended start, in microseconds]")
        .with_start_time(base)
        .with_base_time(base)
        .with_max_value_divisor(1000.0);
    let name: String = scenario
        .chars()
        .map(|c| {
            if c.is_whitespace() || c == ',' {
                '-'
            } else {
                c
            }
        })
        .collect();
    let mut log = builder.begin_log_with(&mut lines, &mut serializer)?;
    let second = Duration::from_secs(1);
    log.write_histogram(&tick.latency, offset, second, Tag::new(&name))
        .map_err(|error| io::Error::other(error.to_string()))?;
    String::from_utf8(lines).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn the_log_gives_back_what_was_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.hlog");
        let mut log = HdrLog::new(File::create(&path).unwrap());
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for second in 0..3 {
            let mut tick = Tick::new(second, 1, Default::default());
            for micros in 1..=1000 {
                tick.latency.record(micros * (second + 1)).unwrap();
            }
            log.write("a b", start, &tick).unwrap();
        }
        log.finish().unwrap();
        let text = std::fs::read(&path).unwrap();
        let mut seconds = Vec::new();
        let mut heads = 0;
        for entry in IntervalLogIterator::new(&text) {
            match entry.unwrap() {
                LogEntry::Interval(interval) => {
                    assert_eq!(interval.tag().unwrap().as_str(), "a-b");
                    let packed = base64::Engine::decode(
                        &base64::engine::general_purpose::STANDARD,
                        interval.encoded_histogram(),
                    )
                    .unwrap();
                    let histogram: hdrhistogram::Histogram<u64> = Deserializer::new()
                        .deserialize(&mut packed.as_slice())
                        .unwrap();
                    seconds.push((
                        interval.start_timestamp().as_secs(),
                        histogram.len(),
                        histogram.value_at_quantile(0.5),
                    ));
                }
                LogEntry::BaseTime(_) => heads += 1,
                LogEntry::StartTime(_) => {}
            }
        }
        assert_eq!(heads, 1);
        assert_eq!(seconds, [(0, 1000, 500), (1, 1000, 1000), (2, 1000, 1500)]);
    }
}
