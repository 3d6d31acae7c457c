//! Bodies: limits and decompression.

use super::fault::{ErrorClass, Fault};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::io::Read;

/// Encodings that are undone at the most.
const ENCODINGS_MAX: usize = 5;

/// A text without the mark of the byte order that some editors and servers put before it.
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// The encodings of a body in the order in which they were applied, however many lines name them.
pub fn encodings(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(CONTENT_ENCODING).iter();
    let lines: Vec<String> = lines
        .map(|line| String::from_utf8_lossy(line.as_bytes()).to_ascii_lowercase())
        .collect();
    let names = lines.iter().flat_map(|line| line.split(','));
    let names = names.map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

/// Undoes the encodings of a body, the last one first (RFC 9110, section 8.4), up to a limit.
pub fn decode(body: Bytes, encodings: &[String], limit: usize) -> Result<Bytes, Fault> {
    if encodings.len() > ENCODINGS_MAX {
        let count = encodings.len();
        let title = format!("the body has {count} encodings");
        return Err(Fault::new(ErrorClass::Decode, title));
    }
    let undo = |body, encoding: &String| undone(body, encoding, limit);
    encodings.iter().rev().try_fold(body, undo)
}

/// Applies the encodings of a list such as `gzip, deflate` to a body, in its order.
///
/// # Errors
///
/// One of them is not known, or nothing is written in it here.
pub fn encode(body: &[u8], list: &str) -> Result<Bytes, String> {
    let names = list.split(',').map(|name| name.trim().to_ascii_lowercase());
    let mut names = names.filter(|name| !name.is_empty());
    let whole = names.try_fold(body.to_vec(), |body, name| encoded(&body, &name))?;
    Ok(whole.into())
}

fn encoded(body: &[u8], name: &str) -> Result<Vec<u8>, String> {
    let level = flate2::Compression::default();
    let mut written = Vec::new();
    let read = match name {
        "gzip" => flate2::read::GzEncoder::new(body, level).read_to_end(&mut written),
        "deflate" => flate2::read::ZlibEncoder::new(body, level).read_to_end(&mut written),
        "zstd" => {
            let level = ruzstd::encoding::CompressionLevel::Fastest;
            return Ok(ruzstd::encoding::compress_to_vec(body, level));
        }
        other => {
            return Err(format!(
                "`{other}` cannot be written, only `gzip`, `deflate` and `zstd`"
            ));
        }
    };
    read.map_err(|error| error.to_string())?;
    Ok(written)
}

fn undone(body: Bytes, encoding: &str, limit: usize) -> Result<Bytes, Fault> {
    let input: &[u8] = &body;
    match encoding {
        // The others are none; some servers put a charset there, or how the body travels.
        "identity" | "none" | "utf-8" | "utf8" | "binary" | "8bit" | "7bit" | "aws-chunked" => {
            Ok(body)
        }
        "gzip" | "x-gzip" => members(input, limit),
        // RFC 9110 means zlib; some servers send the bare stream.
        "deflate" if input.first().is_some_and(|byte| byte & 0x0f == 8) => {
            read(flate2::read::ZlibDecoder::new(input), "deflate", limit)
        }
        "deflate" => read(flate2::read::DeflateDecoder::new(input), "deflate", limit),
        "br" => read(
            brotli_decompressor::Decompressor::new(input, 4096),
            "br",
            limit,
        ),
        "zstd" => frames(input, limit),
        other => Err(Fault::new(
            ErrorClass::Decode,
            format!("the body has the unknown encoding `{other}`"),
        )),
    }
}

/// All members of gzip (RFC 1952, section 2.2), and zeroes after them, which some servers fill up with. Anything else that
/// follows is cut off or broken.
fn members(mut input: &[u8], limit: usize) -> Result<Bytes, Fault> {
    let mut whole = Vec::new();
    loop {
        let mut decoder = flate2::bufread::GzDecoder::new(input);
        let member = read(&mut decoder, "gzip", limit - whole.len())?;
        whole.extend_from_slice(&member);
        input = decoder.into_inner();
        if input.iter().all(|byte| *byte == 0) {
            return Ok(whole.into());
        }
    }
}

/// All frames of zstd: a body may have several (RFC 8878, section 3).
fn frames(mut input: &[u8], limit: usize) -> Result<Bytes, Fault> {
    let mut whole = Vec::new();
    loop {
        let decoder = ruzstd::decoding::StreamingDecoder::new(&mut input);
        let decoder = decoder.map_err(|error| {
            Fault::new(ErrorClass::Decode, format!("the body is not zstd: {error}"))
        })?;
        whole.extend_from_slice(&read(decoder, "zstd", limit - whole.len())?);
        if input.is_empty() {
            return Ok(whole.into());
        }
    }
}

fn read(decoder: impl Read, name: &str, limit: usize) -> Result<Bytes, Fault> {
    let mut bytes = Vec::new();
    decoder
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            Fault::new(
                ErrorClass::Decode,
                format!("the body is not {name}: {error}"),
            )
        })?;
    if bytes.len() > limit {
        return Err(Fault::new(
            ErrorClass::BodyTooLarge,
            format!("the {name} body unfolds to more than {limit} bytes"),
        ));
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn named(text: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in text.split('|') {
            headers.append(CONTENT_ENCODING, line.parse().unwrap());
        }
        encodings(&headers)
    }

    #[test]
    fn encodings_are_undone_in_the_reverse_order_and_frames_to_the_last_one() {
        let gzip = |bytes: &[u8]| {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        let deflate = |bytes: &[u8]| {
            let mut encoder =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        let both = Bytes::from(gzip(&deflate(b"text")));
        for line in [
            "deflate, gzip",
            "Deflate|GZIP",
            "identity, deflate|gzip, identity",
            "deflate,,gzip",
        ] {
            let whole = decode(both.clone(), &named(line), 1_000).unwrap();
            assert_eq!(&whole[..], b"text", "{line}");
        }
        let trailing = Bytes::from([gzip(b"one "), gzip(b"two"), vec![0; 9]].concat());
        assert_eq!(
            &decode(trailing.clone(), &named("gzip"), 1_000).unwrap()[..],
            b"one two"
        );
        assert_eq!(
            decode(trailing.slice(..30), &named("gzip"), 1_000)
                .unwrap_err()
                .class,
            ErrorClass::Decode,
            "cut off"
        );
        let garbage = Bytes::from([gzip(b"one"), b"x".to_vec()].concat());
        let broken = decode(garbage, &named("gzip"), 1_000).unwrap_err();
        assert_eq!(broken.class, ErrorClass::Decode);
        assert_eq!(
            &decode(trailing.clone(), &named("none"), 9).unwrap()[..],
            &trailing[..]
        );
        let many = "gzip,".repeat(6);
        assert_eq!(
            decode(both, &named(&many), 1_000).unwrap_err().class,
            ErrorClass::Decode
        );
        let frame = |bytes: &[u8]| {
            ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
        };
        let two = Bytes::from([frame(b"one "), frame(b"two")].concat());
        assert_eq!(
            &decode(two.clone(), &named("zstd"), 1_000).unwrap()[..],
            b"one two"
        );
        assert_eq!(
            decode(two, &named("zstd"), 5).unwrap_err().class,
            ErrorClass::BodyTooLarge
        );
    }

    #[test]
    fn a_small_body_that_unfolds_without_end_is_stopped() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 1_000_000]).unwrap();
        let packed = Bytes::from(encoder.finish().unwrap());
        assert_eq!(
            decode(packed.clone(), &named("gzip"), 2_000_000)
                .unwrap()
                .len(),
            1_000_000
        );
        assert_eq!(
            decode(packed, &named("gzip"), 1000).unwrap_err().class,
            ErrorClass::BodyTooLarge
        );
        let broken = Bytes::from_static(b"not packed");
        for encoding in ["gzip", "deflate", "br", "zstd", "rot13"] {
            assert_eq!(
                decode(broken.clone(), &named(encoding), 1000)
                    .unwrap_err()
                    .class,
                ErrorClass::Decode,
                "{encoding}"
            );
        }
    }
}
