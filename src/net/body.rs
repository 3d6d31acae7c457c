//! Bodies: limits and decompression.

use super::fault::{ErrorClass, Fault};
use bytes::Bytes;
use std::io::Read;

/// Decompresses a body after its `content-encoding`, up to a limit.
pub fn decode(body: Bytes, encoding: Option<&str>, limit: usize) -> Result<Bytes, Fault> {
    let Some(encoding) = encoding
        .map(str::trim)
        .filter(|encoding| !encoding.is_empty())
    else {
        return Ok(body);
    };
    let input: &[u8] = &body;
    match encoding.to_ascii_lowercase().as_str() {
        "identity" => Ok(body),
        "gzip" | "x-gzip" => read(flate2::read::MultiGzDecoder::new(input), "gzip", limit),
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
        "zstd" => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(input).map_err(|error| {
                Fault::new(ErrorClass::Decode, format!("the body is not zstd: {error}"))
            })?;
            read(decoder, "zstd", limit)
        }
        other => Err(Fault::new(
            ErrorClass::Decode,
            format!("the body has the unknown encoding `{other}`"),
        )),
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

    #[test]
    fn a_small_body_that_unfolds_without_end_is_stopped() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 1_000_000]).unwrap();
        let packed = Bytes::from(encoder.finish().unwrap());
        assert_eq!(
            decode(packed.clone(), Some("gzip"), 2_000_000)
                .unwrap()
                .len(),
            1_000_000
        );
        assert_eq!(
            decode(packed, Some("gzip"), 1000).unwrap_err().class,
            ErrorClass::BodyTooLarge
        );
        let broken = Bytes::from_static(b"not packed");
        for encoding in ["gzip", "deflate", "br", "zstd", "rot13"] {
            assert_eq!(
                decode(broken.clone(), Some(encoding), 1000)
                    .unwrap_err()
                    .class,
                ErrorClass::Decode,
                "{encoding}"
            );
        }
    }
}
