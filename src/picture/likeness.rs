//! Whether a picture is like its baseline: compared pixel by pixel, and judged by what is known of both.
//!
//! Pure: bytes come as values. Invariant: only two pictures that one browser drew with one set of fonts can differ; any
//! two can be alike.

use super::baseline::Baseline;
use super::difference::{self, Difference};
use super::kept::{Comparison, Likeness, Picture};
use super::raster::Raster;
use crate::limits::BROWSER_PIXELS_MAX;
use std::sync::Arc;

/// Regions that are named.
const NAMED_MAX: usize = 3;

/// Judges a picture.
///
/// `file` is where its baseline is kept or would be, `drawn_by` what drew it, `allowed` how many pixels may differ.
pub fn judge(
    picture: &Picture,
    file: String,
    drawn_by: String,
    baseline: Result<Baseline, String>,
    allowed: u64,
) -> Comparison {
    let mut comparison = Comparison {
        file,
        drawn_by,
        likeness: Likeness::Unknown,
        words: String::new(),
        pixels: None,
        baseline: None,
        difference: None,
    };
    match baseline {
        Err(why) => comparison.words = why,
        Ok(baseline) if baseline.record.sha256 == picture.sha256 => {
            comparison.likeness = Likeness::Alike;
            comparison.pixels = Some(0);
            comparison.words = "it is its baseline, byte by byte".to_owned();
        }
        Ok(baseline) => beside(&mut comparison, picture, baseline, allowed),
    }
    comparison
}

fn beside(comparison: &mut Comparison, picture: &Picture, baseline: Baseline, allowed: u64) {
    let before = Picture::new("the baseline", baseline.png.clone());
    let decoded = |png: &Arc<[u8]>| Raster::decode(png, BROWSER_PIXELS_MAX);
    let new = picture
        .png
        .as_ref()
        .ok_or("its bytes are not at hand".to_owned());
    let (old, new) = match (decoded(&baseline.png), new.and_then(decoded)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(why), _) => {
            comparison.words = format!("the baseline cannot be read as a picture: {why}");
            return;
        }
        (_, Err(why)) => {
            comparison.words = format!("the picture cannot be read: {why}");
            return;
        }
    };
    let found = difference::between(&old, &new);
    comparison.pixels = Some(found.pixels);
    if found.pixels <= allowed && !found.is_dense {
        comparison.likeness = Likeness::Alike;
        comparison.words = match found.pixels {
            0 => "it looks as its baseline".to_owned(),
            pixels => format!("{} of {allowed} that may", count(pixels)),
        };
        return;
    }
    let words = words(&old, &new, &found);
    if baseline.record.drawn_by == comparison.drawn_by {
        comparison.likeness = Likeness::Differs;
        comparison.words = words;
    } else {
        comparison.words = format!(
            "{words}, but {} drew the baseline and {} this picture: accept one that this browser drew",
            baseline.record.drawn_by, comparison.drawn_by
        );
    }
    if let Ok(drawn) = found.drawn(&new).encode() {
        comparison.difference = Some(Picture::new("the difference", drawn.into()));
    }
    comparison.baseline = Some(before);
}

fn count(pixels: u64) -> String {
    match pixels {
        1 => "1 pixel differs".to_owned(),
        _ => format!("{pixels} pixels differ"),
    }
}

fn words(old: &Raster, new: &Raster, found: &Difference) -> String {
    let mut words = count(found.pixels);
    if (old.width, old.height) != (new.width, new.height) {
        words = format!(
            "it is {}×{} and not {}×{}, {words}",
            new.width, new.height, old.width, old.height
        );
    }
    let places = found.regions.iter().take(NAMED_MAX);
    let places: Vec<String> = places.map(ToString::to_string).collect();
    let more = found.regions.len().saturating_sub(NAMED_MAX);
    let places = places.join(", ");
    match more {
        0 => format!("{words}: {places}"),
        _ => format!("{words}: {places} and {more} more places"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::baseline::Record;
    use super::*;

    fn png(black: usize) -> Arc<[u8]> {
        let mut raster = Raster::plain(100, 100, [255; 4]);
        for x in 0..black {
            raster.set(x % 100, x / 100 * 40, [0; 3]);
        }
        raster.encode().unwrap().into()
    }

    fn baseline(png: Arc<[u8]>) -> Baseline {
        let picture = Picture::new("", png.clone());
        Baseline {
            record: Record {
                sha256: picture.sha256,
                drawn_by: "Chrome/156".to_owned(),
                accepted_by: "jane".to_owned(),
                accepted: "2026-11-29T10:00:00Z".to_owned(),
                of: "console".to_owned(),
            },
            png,
        }
    }

    fn judged(
        now: &Arc<[u8]>,
        by: &str,
        before: Result<Baseline, String>,
        allowed: u64,
    ) -> Comparison {
        judge(
            &Picture::new("home", now.clone()),
            "home.png".to_owned(),
            by.to_owned(),
            before,
            allowed,
        )
    }

    #[test]
    fn a_picture_is_alike_differs_or_nothing_can_be_said() {
        let (blank, line, dots) = (png(0), png(60), png(2));
        let chrome = "Chrome/156";
        let cases = [
            (
                &blank,
                chrome,
                Ok(baseline(blank.clone())),
                0,
                Likeness::Alike,
                "it is its baseline, byte by byte",
            ),
            (
                &line,
                chrome,
                Ok(baseline(blank.clone())),
                0,
                Likeness::Differs,
                "60 pixels differ: 60×1 at 0,0",
            ),
            (
                &dots,
                chrome,
                Ok(baseline(blank.clone())),
                5,
                Likeness::Alike,
                "2 pixels differ of 5 that may",
            ),
            (
                &blank,
                "Chrome/157",
                Ok(baseline(blank.clone())),
                0,
                Likeness::Alike,
                "it is its baseline, byte by byte",
            ),
            (
                &line,
                "Chrome/157",
                Ok(baseline(blank.clone())),
                0,
                Likeness::Unknown,
                "60 pixels differ: 60×1 at 0,0, but Chrome/156 drew the baseline and Chrome/157 this picture: accept one that this browser drew",
            ),
            (
                &line,
                chrome,
                Err("no baseline was accepted".to_owned()),
                9,
                Likeness::Unknown,
                "no baseline was accepted",
            ),
            (
                &line,
                chrome,
                Ok(baseline(b"<html>".to_vec().into())),
                9,
                Likeness::Unknown,
                "the baseline cannot be read as a picture: Invalid PNG signature.",
            ),
        ];
        for (now, by, before, allowed, likeness, words) in cases {
            let found = judged(now, by, before, allowed);
            assert_eq!((found.likeness, found.words.as_str()), (likeness, words));
            assert_eq!(found.difference.is_some(), found.baseline.is_some());
        }
    }

    #[test]
    fn no_allowance_covers_what_stands_together() {
        let mut raster = Raster::plain(100, 100, [255; 4]);
        for at in 0..400 {
            raster.set(at % 20, at / 20, [0; 3]);
        }
        let block: Arc<[u8]> = raster.encode().unwrap().into();
        let found = judged(&block, "Chrome/156", Ok(baseline(png(0))), 5_000);
        assert_eq!(found.likeness, Likeness::Differs);
        assert_eq!(found.words, "400 pixels differ: 20×20 at 0,0");
    }
}
