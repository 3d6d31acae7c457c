//! A single exchange as people read it: in a line, or whole.
//!
//! Pure. What must not be shown was hidden when it was noted.

use super::columns::cut;
use super::columns::fitted;
use super::style::Style;
use crate::figures::show_micros;
use crate::net::phases::PHASES;
use crate::vu::exchange::{Content, Exchange};

/// Letters of a body that are shown.
const BODY_MAX: usize = 4_000;
/// Letters of a body that are shown of an exchange that failed.
const START_MAX: usize = 400;

/// An exchange in a line: `POST https://… → 201 in 12.3 ms`.
pub fn line(exchange: &Exchange, style: Style) -> String {
    let asked = format!("{} {}", exchange.method, exchange.url);
    let took = show_micros(exchange.phases.values().iter().sum::<u64>() as f64);
    let came = match &exchange.result {
        Ok(answer) => {
            let size = answer.body.bytes;
            let text = format!("{}", answer.status);
            let text = match answer.status {
                400.. => style.bad(&text),
                300.. => style.doubtful(&text),
                _ => style.good(&text),
            };
            format!("{text} in {took}, {size} bytes")
        }
        Err(failed) => format!("{} in {took}: {}", style.bad(&failed.class), failed.detail),
    };
    format!(
        "{} {asked} → {came}",
        style.dim(&format!("[{}]", exchange.step))
    )
}

/// What stands before a fault at the most.
const FAULT_INDENT: usize = 6;

/// An exchange with its headers, bodies and phases, after its line.
pub fn whole(exchange: &Exchange, style: Style) -> String {
    format!("{}\n{}", line(exchange, style), parts(exchange, style))
}

/// The headers, bodies and phases of an exchange.
pub fn parts(exchange: &Exchange, style: Style) -> String {
    let mut text = String::new();
    put(&mut text, "> ", exchange, BODY_MAX, style);
    // What is told of a step that failed says it already.
    if let Err(failed) = &exchange.result {
        // Ours, not the server's: it may be taken apart.
        let line = format!("< {}: {}\n", failed.class, failed.detail);
        let width = style.width.saturating_sub(FAULT_INDENT);
        text.push_str(&fitted(&line, Style { width, ..style }));
    }
    let phases = PHASES.iter().zip(exchange.phases.values());
    let phases = phases.filter(|(_, micros)| *micros > 0);
    let phases: Vec<String> = phases
        .map(|(name, micros)| format!("{name} {}", show_micros(micros as f64)))
        .collect();
    text.push_str(&style.dim(&format!("* {}\n", phases.join(" · "))));
    text
}

/// What was asked and what came, of a step that failed; each line after an indent.
pub fn of_failure(exchange: &Exchange, indent: usize, style: Style) -> String {
    let mut text = String::new();
    put(&mut text, "> ", exchange, START_MAX, style);
    let pad = " ".repeat(indent);
    text.lines().map(|line| format!("{pad}{line}\n")).collect()
}

fn put(text: &mut String, mark: &str, exchange: &Exchange, most: usize, style: Style) {
    let answer_mark = "< ";
    text.push_str(&format!("{mark}{} {}\n", exchange.method, exchange.url));
    headers(text, mark, &exchange.headers, style);
    body(text, mark, &exchange.body, most, style);
    if let Ok(answer) = &exchange.result {
        let head = format!("{} {}", answer.version, answer.status);
        text.push_str(&format!("{answer_mark}{}\n", style.bold(&head)));
        headers(text, answer_mark, &answer.headers, style);
        body(text, answer_mark, &answer.body, most, style);
    }
}

fn headers(text: &mut String, mark: &str, all: &[(String, String)], style: Style) {
    for (name, value) in all {
        let value = cut(&printable(value), START_MAX);
        text.push_str(&format!(
            "{mark}{} {value}\n",
            style.dim(&format!("{name}:"))
        ));
    }
}

fn body(text: &mut String, mark: &str, content: &Content, most: usize, style: Style) {
    let shown = match &content.text {
        _ if content.bytes == 0 => return,
        None => style.dim(&format!("({} bytes that are not shown)", content.bytes)),
        Some(whole) => {
            let shown = printable(&cut(whole, most));
            match whole.chars().nth(most) {
                Some(_) => format!(
                    "{shown} {}",
                    style.dim(&format!("({} bytes)", content.bytes))
                ),
                None => shown,
            }
        }
    };
    for line in shown.lines() {
        text.push_str(&format!("{mark}{line}\n"));
    }
}

/// What a server sends moves no cursor and paints nothing.
fn printable(text: &str) -> String {
    let plain = |letter: char| match letter {
        '\n' | '\t' => letter,
        letter if letter.is_control() => '\u{fffd}',
        // Nor does it turn letters around, or hide between them.
        '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => '\u{fffd}',
        letter => letter,
    };
    text.chars().map(plain).collect()
}
