//! One line for each sample, as CSV: what a verdict can be replayed from.

use crate::load::Tick;
use std::io::{self, Write};

/// The header line.
pub const HEADER: &str = "t_ms,arm,latency_us,ok,scenario,step,service_us,error,status,resolve_us,connect_us,tls_us,send_us,wait_us,receive_us,bytes_sent,bytes_received,counts";

/// Writes lines of samples.
pub fn write(out: &mut impl Write, scenario: &str, tick: &Tick) -> io::Result<()> {
    if tick.lines.is_empty() {
        return Ok(());
    }
    let headings = tick.headings.all();
    let names: Vec<String> = headings.iter().map(|step| quoted(&step.name)).collect();
    let scenario = quoted(scenario);
    for line in &tick.lines {
        let sample = &line.sample;
        let phases = sample
            .phases
            .values()
            .map(|value| value.to_string())
            .join(",");
        writeln!(
            out,
            "{:.3},candidate,{},{},{scenario},{},{},{},{},{phases},{},{},{}",
            line.offset_micros as f64 / 1e3,
            sample.latency_micros(),
            u8::from(sample.error.is_none()),
            names.get(sample.step).map_or("", String::as_str),
            sample.service_micros(),
            sample.error.map_or("", |class| class.word()),
            sample.status,
            sample.bytes_sent,
            sample.bytes_received,
            // What is only advisory, setup and teardown are no evidence, here as in the run itself.
            u8::from(headings.get(sample.step).is_none_or(|step| step.counts())),
        )?;
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
