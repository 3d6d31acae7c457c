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

    /// Reads a file in UTF-8, or in UTF-16 with the mark of its byte order, as some shells and editors write it.
    ///
    /// # Errors
    ///
    /// It cannot be read, or it is written in something else.
    pub fn read(path: &Path) -> std::io::Result<Arc<Source>> {
        let bytes = std::fs::read(path)?;
        let text = understood(bytes).map_err(|line| {
            let why = format!("line {line} is not UTF-8: save the file as UTF-8");
            std::io::Error::new(std::io::ErrorKind::InvalidData, why)
        })?;
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

/// The text of a file, or the line from which on it is none.
fn understood(bytes: Vec<u8>) -> Result<String, usize> {
    let marked = encoding_rs::Encoding::for_bom(&bytes).map(|(encoding, _)| encoding);
    if let Some(encoding) = marked.filter(|encoding| *encoding != encoding_rs::UTF_8) {
        return Ok(encoding.decode(&bytes).0.into_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        1 + good.iter().filter(|byte| **byte == b'\n').count()
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_shells_and_editors_are_read_and_others_are_told() {
        let wide: Vec<u8> = "\u{feff}name: caf\u{e9}"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(understood(wide).unwrap(), "name: caf\u{e9}");
        assert_eq!(understood("\u{feff}a".into()).unwrap(), "\u{feff}a");
        assert_eq!(understood(b"a\nb\ncaf\xe9".to_vec()), Err(3));
    }
}
