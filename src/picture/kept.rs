//! A picture that a step took, or that shows why one failed: its bytes, what tells it from others, and what it came to
//! beside its baseline.
//!
//! Bytes are not part of what is written as JSON: they are kept beside it, under their digest.

use crate::limits::PICTURES_MAX;
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A picture of a page, as PNG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Picture {
    /// What it shows: the step, or that it failed.
    pub name: String,
    /// SHA-256 of its bytes: its address.
    pub sha256: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What it came to beside its baseline, if it has one to be like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Box<Comparison>>,
    /// Its bytes, as long as they are at hand.
    #[serde(skip)]
    pub png: Option<Arc<[u8]>>,
}

/// What a picture came to beside its baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Comparison {
    /// Where its baseline is kept, or would be: a file below the scenario's folder.
    pub file: String,
    /// What drew it: browser, system and fonts.
    pub drawn_by: String,
    /// What it came to.
    pub likeness: Likeness,
    /// The same in words.
    pub words: String,
    /// Pixels that differ, where they could be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<u64>,
    /// The baseline, unless it looks the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Picture>,
    /// What differs, in red.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Picture>,
}

/// Whether a picture is like its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Likeness {
    /// It is.
    Alike,
    /// It is not.
    Differs,
    /// Nothing can be said: there is no baseline, or none that compares.
    Unknown,
}

impl Picture {
    /// Itself, and those that it was compared with.
    pub fn with_compared(&self) -> impl Iterator<Item = &Picture> {
        let compared = self.compared.as_deref();
        let others = compared.map(|compared| [&compared.baseline, &compared.difference]);
        std::iter::once(self).chain(others.into_iter().flatten().flatten())
    }

    /// A picture of these bytes.
    pub fn new(name: &str, png: Arc<[u8]>) -> Picture {
        let sha256 = crate::hexadecimal::sha256(&png);
        // Width and height stand at a fixed place in the first chunk (PNG, section 11.2.2).
        let side = |at: usize| {
            let four = png.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_be_bytes(four))
        };
        Picture {
            name: name.to_owned(),
            sha256,
            bytes: png.len() as u64,
            width: side(16).unwrap_or_default(),
            height: side(20).unwrap_or_default(),
            compared: None,
            png: Some(png),
        }
    }

    /// Where a page gets it from: itself, while its bytes are at hand, or the daemon.
    pub fn source(&self) -> String {
        match &self.png {
            Some(png) => {
                let text = base64::engine::general_purpose::STANDARD.encode(png);
                format!("data:image/png;base64,{text}")
            }
            None => format!("/pictures/{}", self.sha256),
        }
    }
}

/// Adds a picture, if there is room and it is not there yet.
pub fn add(pictures: &mut Vec<Picture>, picture: Picture) {
    let is_known = pictures.iter().any(|known| known.sha256 == picture.sha256);
    if pictures.len() < PICTURES_MAX && !is_known {
        pictures.push(picture);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32) -> Arc<[u8]> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(720_u32.to_be_bytes());
        bytes.into()
    }

    #[test]
    fn a_picture_knows_its_size_and_leaves_its_bytes_out_of_what_is_written() {
        let picture = Picture::new("see Hello", png(1_280));
        assert_eq!((picture.width, picture.height), (1_280, 720));
        let written = serde_json::to_string(&picture).unwrap();
        assert!(!written.contains("png"), "{written}");
        let read: Picture = serde_json::from_str(&written).unwrap();
        assert_eq!(read.source(), format!("/pictures/{}", picture.sha256));
        assert!(picture.source().starts_with("data:image/png;base64,"));
        assert_eq!(picture.with_compared().count(), 1);
    }

    #[test]
    fn the_same_picture_is_kept_once_and_no_more_than_may_be() {
        let mut pictures = Vec::new();
        for width in [1, 1, 2, 3, 4, 5, 6, 7] {
            add(&mut pictures, Picture::new("x", png(width)));
        }
        assert_eq!(pictures.len(), PICTURES_MAX);
    }
}
