//! Values that must not be shown.
//!
//! Invariant: a [`Secret`] has no `Display` and no `Serialize`, and its `Debug` shows nothing of it.

use std::fmt;
use std::sync::Arc;

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
    known: Vec<(String, Secret)>,
}

/// Shorter values would blot out ordinary words.
const REDACT_LENGTH_MIN: usize = 4;

impl Redactor {
    /// A redactor for these named secrets.
    pub fn new(known: impl IntoIterator<Item = (String, Secret)>) -> Redactor {
        let mut known: Vec<(String, Secret)> = known
            .into_iter()
            .filter(|(_, secret)| secret.expose().len() >= REDACT_LENGTH_MIN)
            .collect();
        known.sort_by_key(|(_, secret)| std::cmp::Reverse(secret.expose().len()));
        Redactor { known }
    }

    /// The text without any known secret, neither plain, nor percent-encoded, nor in base64,
    /// nor as JSON has it.
    pub fn clean(&self, text: &str) -> String {
        use base64::Engine as _;
        let mut text = text.to_owned();
        for (name, secret) in &self.known {
            let value = secret.expose();
            let encoded =
                percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC)
                    .to_string();
            let base64 = base64::engine::general_purpose::STANDARD.encode(value);
            let json = serde_json::Value::from(value).to_string();
            let json = &json[1..json.len() - 1];
            for form in [value, encoded.as_str(), base64.as_str(), json] {
                if text.contains(form) {
                    text = text.replace(form, &format!("[secret {name}]"));
                }
            }
        }
        text
    }
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
    fn a_secret_shows_nothing_and_is_cleaned_from_text() {
        let secret = Secret::new("s3cr+t/value");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        let redactor = Redactor::new([("TOKEN".to_owned(), secret)]);
        assert_eq!(
            redactor.clean("a=s3cr+t/value&b=s3cr%2Bt%2Fvalue&c=czNjcit0L3ZhbHVl"),
            "a=[secret TOKEN]&b=[secret TOKEN]&c=[secret TOKEN]"
        );
    }
}
