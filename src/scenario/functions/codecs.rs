//! Encodings and hashes. A text is taken as its UTF-8, bytes as they are.

use super::registry::{Function, bounded, failed, made};
use crate::hexadecimal;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cel::extractors::This;
use cel::{ExecutionError, Value};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::Digest as _;
use std::sync::Arc;

type Text = Arc<String>;

/// What needs no escape in a part of a URL (RFC 3986, section 2.3).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Base64 in either alphabet, with or without its padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

macro_rules! text_function {
    ($name:literal, $about:literal, $example:expr, $function:expr) => {
        Function {
            name: $name,
            form: concat!($name, "(text)"),
            about: $about,
            example: $example,
            searches: true,
            add: |context| {
                let _ = context.add_function($name, $function);
            },
        }
    };
}

pub(super) const ALL: &[Function] = &[
    text_function!(
        "base64",
        "base64 with padding",
        ("base64('a?b')", "\"YT9i\""),
        |This(value): This<Value>| of_bytes("base64", &value, |bytes| STANDARD.encode(bytes))
    ),
    text_function!(
        "base64Url",
        "base64 as it stands in URLs and tokens, without padding",
        ("base64Url('a?>b')", "\"YT8-Yg\""),
        |This(value): This<Value>| of_bytes("base64Url", &value, |bytes| URL_SAFE_NO_PAD
            .encode(bytes))
    ),
    text_function!(
        "base64Decode",
        "the text that base64 of either kind holds",
        ("base64Decode('YT8-Yg')", "\"a?>b\""),
        base64_decode
    ),
    text_function!(
        "hex",
        "hexadecimal",
        ("hex('AZ')", "\"415a\""),
        |This(value): This<Value>| of_bytes("hex", &value, |bytes| hexadecimal::digits(bytes))
    ),
    Function {
        name: "isText",
        form: "isText(bytes)",
        about: "whether bytes are a text in UTF-8",
        example: ("isText(b'\\xff')", "false"),
        searches: true,
        add: |context| {
            let is_text = |This(value): This<Value>| match value {
                Value::Bytes(bytes) => std::str::from_utf8(&bytes).is_ok(),
                value => matches!(value, Value::String(_)),
            };
            let _ = context.add_function("isText", is_text);
        },
    },
    text_function!(
        "hexDecode",
        "the text that hexadecimal holds",
        ("hexDecode('415A')", "\"AZ\""),
        hex_decode
    ),
    text_function!(
        "urlEncode",
        "percent-encoded for a part of a path or a query",
        ("urlEncode('C# & é')", "\"C%23%20%26%20%C3%A9\""),
        url_encode
    ),
    text_function!(
        "urlDecode",
        "without percent-encoding",
        ("urlDecode('C%23')", "\"C#\""),
        url_decode
    ),
    text_function!(
        "sha256",
        "SHA-256, in hexadecimal",
        (
            "sha256('')",
            "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""
        ),
        |This(value): This<Value>| of_bytes("sha256", &value, |bytes| hexadecimal::digits(
            sha2::Sha256::digest(bytes)
        ))
    ),
    text_function!(
        "sha1",
        "SHA-1, in hexadecimal, for what still asks for it",
        ("sha1('')", "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\""),
        |This(value): This<Value>| of_bytes("sha1", &value, |bytes| hexadecimal::digits(
            sha1::Sha1::digest(bytes)
        ))
    ),
    text_function!(
        "md5",
        "MD5, in hexadecimal, for what still asks for it",
        ("md5('')", "\"d41d8cd98f00b204e9800998ecf8427e\""),
        |This(value): This<Value>| of_bytes("md5", &value, |bytes| hexadecimal::digits(
            md5::Md5::digest(bytes)
        ))
    ),
    Function {
        name: "hmacSha256",
        form: "hmacSha256(key, text)",
        about: "HMAC with SHA-256 (RFC 2104), in hexadecimal",
        example: (
            "hmacSha256('key', 'The quick brown fox jumps over the lazy dog')",
            "\"f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8\"",
        ),
        searches: true,
        add: |context| {
            let _ = context.add_function("hmacSha256", hmac_sha256);
        },
    },
];

/// What is made of the bytes of a text, or of bytes.
fn of_bytes(
    name: &'static str,
    value: &Value,
    make: impl Fn(&[u8]) -> String,
) -> Result<Value, ExecutionError> {
    match value {
        Value::String(text) => Ok(made(make(text.as_bytes()))),
        Value::Bytes(bytes) => Ok(made(make(bytes))),
        _ => Err(failed(name)("it takes a text or bytes".to_owned())),
    }
}

fn base64_decode(This(text): This<Text>) -> Result<Value, ExecutionError> {
    let wrong = |what: &str| failed("base64Decode")(format!("the text {what}"));
    let alphabet = match text.contains(['-', '_']) {
        true => base64::alphabet::URL_SAFE,
        false => base64::alphabet::STANDARD,
    };
    let bytes = GeneralPurpose::new(&alphabet, LENIENT).decode(text.trim());
    let bytes = bytes.map_err(|_| wrong("is not base64"))?;
    let text = String::from_utf8(bytes);
    text.map(made)
        .map_err(|_| wrong("is base64 of something else than UTF-8"))
}

fn hex_decode(This(text): This<Text>) -> Result<Value, ExecutionError> {
    let wrong = |what: &str| failed("hexDecode")(format!("the text {what}"));
    let digits: Option<Vec<u8>> = text
        .trim()
        .chars()
        .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2));
    let digits = digits.ok_or_else(|| wrong("is not hexadecimal"))?;
    let bytes = digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    let text = String::from_utf8(bytes);
    text.map(made)
        .map_err(|_| wrong("is hexadecimal of something else than UTF-8"))
}

fn url_encode(This(text): This<Text>) -> Result<Value, ExecutionError> {
    bounded("urlEncode", 3 * text.len())?;
    Ok(made(utf8_percent_encode(&text, PLAIN).to_string()))
}

fn url_decode(This(text): This<Text>) -> Result<Value, ExecutionError> {
    let decoded = percent_decode_str(&text).decode_utf8();
    let decoded = decoded.map(|text| made(text.into_owned()));
    decoded.map_err(|_| failed("urlDecode")("what is percent-encoded is not UTF-8".to_owned()))
}

fn hmac_sha256(This(key): This<Text>, text: Text) -> Result<Value, ExecutionError> {
    let mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes());
    let mut mac = mac.map_err(|error| failed("hmacSha256")(error.to_string()))?;
    mac.update(text.as_bytes());
    Ok(made(hexadecimal::digits(mac.finalize().into_bytes())))
}
