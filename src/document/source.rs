//! A file as it was written, and the places in it.
//!
//! Knows text and byte offsets. Does not know YAML or what a place means.
//! Invariant: a [`Span`] always lies inside the text of its [`Source`].

use std::path::Path;
use std::sync::Arc;

/// A file that was read, with the path it is shown under.
#[derive(Debug)]
pub struct Source {
    /// The path as the user would write it.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// A source from text in memory.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Source> {
        Arc::new(Source {
            path: path.into(),
            text: text.into(),
        })
    }

    /// Reads a file. Bytes that are not UTF-8 are an error of their own.
    pub fn read(path: &Path) -> std::io::Result<Arc<Source>> {
        let text = std::fs::read_to_string(path)?;
        // The mark of the byte order that some editors put first is no letter of it.
        let text = text.trim_start_matches('\u{feff}');
        Ok(Source::new(path.display().to_string(), text))
    }

    /// Line and column of a byte offset, both from 1, columns in characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..floor_boundary(&self.text, offset)];
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (line, before[start..].chars().count() + 1)
    }
}

/// A half-open range of bytes in a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range from `start` to `end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }
}

/// The nearest character boundary at or before `offset`.
pub(crate) fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
