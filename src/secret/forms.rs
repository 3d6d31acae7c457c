//! The forms in which a value may appear: as URLs, forms, pages, JSON, base64 and programs write it.

use super::value::Secret;
use regex::Regex;

/// Shorter values would blot out ordinary words.
pub(super) const REDACT_LENGTH_MIN: usize = 4;
/// The same of what stands in the middle of a longer encoded text.
const REDACT_INSIDE_MIN: usize = 8;

/// Letters of a secret of which all spellings are looked for; a longer one is a key, of which nobody escapes single letters.
const SPELLED_MAX: usize = 256;

/// A secret with any of its letters as URLs, pages, JSON, or strings of programs have them.
pub(super) fn any_spelling(secret: &str) -> Option<Regex> {
    let count = secret.chars().count();
    if !(REDACT_LENGTH_MIN..=SPELLED_MAX).contains(&count) {
        return None;
    }
    let mut pattern = String::from("(?i)");
    for letter in secret.chars() {
        let mut bytes = [0; 4];
        let percent: String = letter
            .encode_utf8(&mut bytes)
            .bytes()
            .map(|byte| format!("%(?:25)*{byte:02x}"))
            .collect();
        let mut units = [0; 2];
        let units: String = letter
            .encode_utf16(&mut units)
            .iter()
            .map(|unit| format!(r"\\+u\{{?0*{unit:x}\}}?"))
            .collect();
        let code = u32::from(letter);
        let mut ways = vec![
            format!(r"\\*{}", regex::escape(&letter.to_string())),
            percent,
            units,
            format!("&(?:amp;)*#0*{code};"),
            format!("&(?:amp;)*#x0*{code:x};"),
            format!(r"\\+x0*{code:x}"),
        ];
        let named = match letter {
            '&' => "&(?:amp;)+",
            '<' => "&(?:amp;)*lt;",
            '>' => "&(?:amp;)*gt;",
            '"' => "&(?:amp;)*quot;",
            '\'' => "&(?:amp;)*apos;",
            ' ' => r"\+",
            '\n' => r"\\+n",
            '\r' => r"\\+r",
            '\t' => r"\\+t",
            _ => "",
        };
        if !named.is_empty() {
            ways.push(named.to_owned());
        }
        pattern.push_str(&format!("(?:{})", ways.join("|")));
    }
    let builder = &mut regex::RegexBuilder::new(&pattern);
    builder.size_limit(8 << 20).build().ok()
}

/// What is percent-encoded in URLs.
const CODED: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The forms in which a value may appear, the longest first.
pub(super) fn forms(value: &str) -> Vec<Secret> {
    let ascii = |text: &str| {
        let mut made = String::new();
        for unit in text.encode_utf16() {
            match u8::try_from(unit) {
                Ok(letter) if letter.is_ascii() => made.push(char::from(letter)),
                _ => made.push_str(&format!("\\u{unit:04x}")),
            }
        }
        made
    };
    let percent = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC)
        .to_string();
    let json = serde_json::Value::from(value).to_string();
    let twice = serde_json::Value::from(&json[1..json.len() - 1]).to_string();
    use base64::Engine as _;
    // As URLs have it, where what needs no code has none (RFC 3986, section 2.3).
    let url = percent_encoding::utf8_percent_encode(value, &CODED).to_string();
    let hex = crate::hexadecimal::digits(value);
    let mut forms = vec![
        hex.to_uppercase(),
        hex,
        lower_percent(&url),
        url.replace("%20", "+"),
        url,
        value.to_owned(),
        base64::engine::general_purpose::STANDARD.encode(value),
        base64::engine::general_purpose::URL_SAFE.encode(value),
        lower_percent(&percent),
        // As forms have it.
        percent.replace("%20", "+"),
        lower_percent(&percent).replace("%20", "+"),
        percent,
        json[1..json.len() - 1].to_owned(),
        // As some write JSON, and as pages have it.
        json[1..json.len() - 1].replace('/', "\\/"),
        // As those write it who write ASCII alone, with or without a mark before each slash.
        ascii(&json[1..json.len() - 1]),
        ascii(&json[1..json.len() - 1]).replace('/', "\\/"),
        html(value),
        // JSON within JSON.
        twice[1..twice.len() - 1].to_owned(),
    ];
    for (before, url) in [
        (0, false),
        (1, false),
        (2, false),
        (0, true),
        (1, true),
        (2, true),
    ] {
        let inside = inside_base64(value, before, url);
        forms.extend((before == 0 || inside.len() >= REDACT_INSIDE_MIN).then_some(inside));
    }
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms.retain(|form| form.len() >= REDACT_LENGTH_MIN);
    forms.into_iter().map(Secret::new).collect()
}

/// A value in a page, as most write it.
fn html(value: &str) -> String {
    let mut text = String::new();
    for letter in value.chars() {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            letter => text.push(letter),
        }
    }
    text
}

/// Percent-encoding in small letters.
pub(super) fn lower_percent(encoded: &str) -> String {
    let mut left = 0_u8;
    let small = |letter: char| {
        let is_code = left > 0;
        left = if letter == '%' {
            2
        } else {
            left.saturating_sub(1)
        };
        if is_code {
            letter.to_ascii_lowercase()
        } else {
            letter
        }
    };
    encoded.chars().map(small).collect()
}

/// The letters of base64 that stand for a value alone, after so many other bytes.
fn inside_base64(value: &str, before: usize, url: bool) -> String {
    use base64::Engine as _;
    let engine = match url {
        true => base64::engine::general_purpose::URL_SAFE_NO_PAD,
        false => base64::engine::general_purpose::STANDARD_NO_PAD,
    };
    let mut bytes = vec![0; before];
    bytes.extend_from_slice(value.as_bytes());
    let encoded = engine.encode(&bytes);
    // Letters that hold bits of what comes before or after are not the value's own.
    let first = (before * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    encoded[first..last.max(first)].to_owned()
}
