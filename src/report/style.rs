//! Colour for terminals: meaning never depends on it.

use crate::objective::Outcome;
use std::io::IsTerminal;
use std::os::fd::AsFd;

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether colour is used.
    pub color: bool,
    /// Letters of a line.
    pub width: usize,
    /// Whether somebody said how wide a line is: what is piped is not cut into lines.
    pub wraps: bool,
}

/// Letters of a line where nobody says: what is piped is read by something wide.
const WIDTH: usize = 140;
/// Letters of a line at the least: below that nothing fits.
const WIDTH_MIN: usize = 40;

/// What a terminal says, or else `COLUMNS`.
fn width(stream: &impl AsFd) -> Option<usize> {
    let told = terminal_size::terminal_size_of(stream);
    let told = told.map(|(width, _)| usize::from(width.0));
    let said = || std::env::var_os("COLUMNS")?.to_str()?.parse().ok();
    told.or_else(said)
}

impl Style {
    /// Colour if the stream is a terminal and `NO_COLOR` is not set.
    pub fn for_stream(stream: &(impl IsTerminal + AsFd)) -> Style {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = width(stream);
        Style {
            color: stream.is_terminal() && !refused && !dumb,
            width: width.unwrap_or(WIDTH).max(WIDTH_MIN),
            wraps: width.is_some(),
        }
    }

    /// No colour.
    pub fn plain() -> Style {
        Style {
            color: false,
            width: WIDTH,
            wraps: false,
        }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Bold.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Less important.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Good.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Bad.
    pub fn bad(self, text: &str) -> String {
        self.paint("31;1", text)
    }

    /// Neither.
    pub fn doubtful(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// A text in the colour of an outcome.
    pub fn outcome(self, outcome: Outcome, text: &str) -> String {
        match outcome {
            Outcome::Pass => self.good(text),
            Outcome::Fail => self.bad(text),
            Outcome::Inconclusive => self.doubtful(text),
        }
    }
}
