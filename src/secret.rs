//! Values that must not be shown.
//!
//! Invariant: a [`Secret`] has no `Display` and no `Serialize`, and its `Debug` shows nothing of it.

use std::fmt;
use std::sync::Arc;

/// Rounds of a fingerprint: some tens of milliseconds.
const FINGERPRINT_ROUNDS: std::num::NonZeroU32 = std::num::NonZeroU32::new(100_000).unwrap();

/// A value that can be used but not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a value into keeping.
    pub fn new(value: impl Into<Arc<str>>) -> Secret {
        Secret(value.into())
    }

    /// Whether somebody shows this very value, told in a time that says nothing of how much of it is
    /// right. An empty secret is known to everybody: nothing is it.
    pub fn is(&self, given: &str) -> bool {
        let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        !self.0.is_empty() && digest(given).as_ref() == digest(&self.0).as_ref()
    }

    /// What it can be known again by, and not be found out from: PBKDF2 (RFC 8018) with a salt of its own.
    pub fn fingerprint(&self, salt: &str) -> String {
        let derived = self.derived(salt);
        format!("{salt}:{derived}")
    }

    /// Whether a fingerprint is that of this very value.
    pub fn has_fingerprint(&self, fingerprint: &str) -> bool {
        let parts = fingerprint.split_once(':');
        parts.is_some_and(|(salt, derived)| self.derived(salt) == derived)
    }

    fn derived(&self, salt: &str) -> String {
        let mut bytes = [0; 32];
        ring::pbkdf2::derive(
            ring::pbkdf2::PBKDF2_HMAC_SHA256,
            FINGERPRINT_ROUNDS,
            salt.as_bytes(),
            self.0.as_bytes(),
            &mut bytes,
        );
        crate::hexadecimal::digits(bytes)
    }

    /// The value itself, for the wire only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Replaces known secrets in text that is about to be shown or kept.
#[derive(Clone, Default, Debug)]
pub struct Redactor {
    /// By name, each in all the forms in which it may appear, the longest first.
    known: Vec<(String, Vec<Secret>)>,
}

/// Shorter values would blot out ordinary words.
const REDACT_LENGTH_MIN: usize = 4;
/// The same of what stands in the middle of a longer encoded text.
const REDACT_INSIDE_MIN: usize = 8;

impl Redactor {
    /// A redactor for these named secrets.
    pub fn new(known: impl IntoIterator<Item = (String, Secret)>) -> Redactor {
        let mut known: Vec<(String, Secret)> = known
            .into_iter()
            .filter(|(_, secret)| secret.expose().len() >= REDACT_LENGTH_MIN)
            .collect();
        known.sort_by_key(|(_, secret)| std::cmp::Reverse(secret.expose().len()));
        let known = known.into_iter();
        Redactor {
            known: known
                .map(|(name, secret)| (name, forms(secret.expose())))
                .collect(),
        }
    }

    /// The text without any known secret, neither plain, nor percent-encoded, nor in base64 (also
    /// within a longer text, as basic authentication has it), nor as JSON has it.
    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, forms) in &self.known {
            for form in forms {
                if text.contains(form.expose()) {
                    text = text.replace(form.expose(), &format!("[secret {name}]"));
                }
                text = without_start(&text, form.expose(), name);
            }
        }
        // Only then: half of one form may stand in the middle of another that is whole.
        for without in [without_beginning, without_ending] {
            for (name, forms) in &self.known {
                for form in forms {
                    text = without(&text, form.expose(), name);
                }
            }
        }
        text
    }
}

/// What ends a text that was cut.
const CUT: char = '…';

/// At most so many characters of a text that nobody has cleaned yet. It ends in a mark where it was cut, by
/// which a [`Redactor`] sees that what stands before may be the start of a secret.
pub fn start_of(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}{CUT}", &text[..at]),
        None => text.to_owned(),
    }
}

/// Of a long secret half of it is too much, too.
const REDACT_HALF_MIN: usize = 12;

/// The halves of a long secret.
fn halves(secret: &str) -> Option<(&str, &str)> {
    let half = secret.len() / 2;
    let is_long = half >= REDACT_HALF_MIN && secret.is_char_boundary(half);
    is_long.then(|| secret.split_at(half))
}

/// The text without whatever begins as a long secret does, as far as it does so.
fn without_beginning(text: &str, secret: &str, name: &str) -> String {
    let Some((start, _)) = halves(secret) else {
        return text.to_owned();
    };
    let mut clean = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(start) {
        clean.push_str(&rest[..at]);
        clean.push_str(&format!("[secret {name}]"));
        let same = rest[at..].char_indices().zip(secret.chars());
        let same = same.take_while(|((_, one), other)| one == other).last();
        let length = same.map_or(start.len(), |((to, letter), _)| to + letter.len_utf8());
        rest = &rest[at + length..];
    }
    clean.push_str(rest);
    clean
}

/// The text without what a long secret ends with.
fn without_ending(text: &str, secret: &str, name: &str) -> String {
    match halves(secret) {
        Some((_, end)) if text.contains(end) => text.replace(end, &format!("[secret {name}]")),
        _ => text.to_owned(),
    }
}

/// The text without the start of a secret that was cut off.
fn without_start(text: &str, secret: &str, name: &str) -> String {
    let mut clean = String::new();
    let mut pieces = text.split(CUT);
    let Some(last) = pieces.next_back() else {
        return text.to_owned();
    };
    for piece in pieces {
        let start = (REDACT_LENGTH_MIN..secret.len())
            .rev()
            .filter(|length| secret.is_char_boundary(*length))
            .find(|length| piece.ends_with(&secret[..*length]));
        match start {
            Some(length) => {
                clean.push_str(&piece[..piece.len() - length]);
                clean.push_str(&format!("[secret {name}]"));
            }
            None => clean.push_str(piece),
        }
        clean.push(CUT);
    }
    clean.push_str(last);
    clean
}

/// What is percent-encoded in URLs.
const CODED: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The forms in which a value may appear, the longest first.
fn forms(value: &str) -> Vec<Secret> {
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
fn lower_percent(encoded: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_value_is_it_and_nothing_is_an_empty_one() {
        let secret = Secret::new("t0ken");
        assert!(secret.is("t0ken") && !secret.is("t0ke") && !secret.is(""));
        assert!(!Secret::new("").is(""));
    }

    #[test]
    fn a_secret_is_cleaned_as_json_and_pages_have_it() {
        let secret = Secret::new("abcd/efgh<ijkl&mnop".to_owned());
        let redactor = Redactor::new([("TOKEN".to_owned(), secret)]);
        for text in ["Bearer abcd\\/efgh<ijkl&mnop", "abcd/efgh&lt;ijkl&amp;mnop"] {
            assert!(redactor.clean(text).contains("[secret TOKEN]"), "{text}");
        }
    }

    #[test]
    fn the_start_of_a_secret_that_was_cut_off_is_cleaned_too() {
        let redactor = Redactor::new([("TOKEN".to_owned(), Secret::new("tok\u{e9}n-0123456789"))]);
        let text = "it said: Bearer tok\u{e9}n-0123456789 is wrong";
        for cut in 0..text.chars().count() {
            let clean = redactor.clean(&format!("{:?}", start_of(text, cut)));
            assert!(!clean.contains("tok\u{e9}"), "{cut}: {clean}");
        }
        assert_eq!(start_of("abc", 3), "abc");
        assert_eq!(
            redactor.clean("wait\u{2026} ok\u{2026}"),
            "wait\u{2026} ok\u{2026}"
        );
    }

    #[test]
    fn half_of_a_long_secret_or_more_is_cleaned_and_leaves_nothing() {
        let value = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let redactor = Redactor::new([("KEY".to_owned(), Secret::new(value))]);
        let whole = redactor.clean(&format!("the key is {value}."));
        assert_eq!(whole, "the key is [secret KEY].");
        for length in value.len() / 2 + 1..value.len() {
            let start = redactor.clean(&format!("is {}... not", &value[..length]));
            assert_eq!(start, "is [secret KEY]... not", "{length}");
            let end = redactor.clean(&format!("is ...{} not", &value[value.len() - length..]));
            assert!(end.contains("[secret KEY] not"), "{length}: {end}");
            assert!(!end.contains("ILPZIo2L"), "{length}: {end}");
        }
        assert_eq!(
            redactor.clean("whsec_ is how they begin"),
            "whsec_ is how they begin"
        );
    }

    #[test]
    fn a_secret_shows_nothing_and_is_cleaned_from_text() {
        let secret = Secret::new("s3cr+t/value");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        let redactor = Redactor::new([("TOKEN".to_owned(), secret)]);
        assert_eq!(
            redactor.clean("a=s3cr+t/value&b=s3cr%2Bt%2Fvalue&c=czNjcit0L3ZhbHVl"),
            "a=[secret TOKEN]&b=[secret TOKEN]&c=[secret TOKEN]"
        );
        // In small letters, and as the password of basic authentication.
        use base64::Engine as _;
        assert_eq!(redactor.clean("s3cr%2bt%2fvalue"), "[secret TOKEN]");
        let other = Redactor::new([("T".to_owned(), Secret::new("p@ss-word!"))]);
        assert_eq!(other.clean("q=p%40ss-word%21"), "q=[secret T]");
        for user in ["a", "jo", "ann", "jane"] {
            let pair = format!("{user}:s3cr+t/value");
            let basic = base64::engine::general_purpose::STANDARD.encode(pair);
            let clean = redactor.clean(&format!("Basic {basic}"));
            assert!(clean.contains("[secret TOKEN]"), "{user}: {clean}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_form_of_a_secret_is_left(secret in "[a-zA-Z0-9+/ ]{12,40}", before in "[a-z]{0,5}", after in "[a-z]{0,5}") {
            use base64::Engine as _;
            let redactor = Redactor::new([("T".to_owned(), Secret::new(secret.clone()))]);
            let percent = percent_encoding::utf8_percent_encode(&secret, percent_encoding::NON_ALPHANUMERIC).to_string();
            for shown in [secret.clone(), percent.clone(), percent.to_lowercase()] {
                let clean = redactor.clean(&format!("{before}{shown}{after}"));
                let same_letters = shown == secret || shown == percent || lower_percent(&percent) == shown;
                proptest::prop_assert!(!same_letters || clean.contains("[secret T]"), "{}", clean);
            }
            let whole = base64::engine::general_purpose::STANDARD.encode(format!("{before}{secret}{after}"));
            proptest::prop_assert!(redactor.clean(&whole).contains("[secret T]"));
        }
    }
}
