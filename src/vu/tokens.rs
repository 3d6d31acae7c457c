//! Tokens that virtual users share: asked for once, and again before they end.
//!
//! What a server of tokens says is read here, and when a token is renewed is decided here; both are pure. Invariants:
//! of those who want the same token at the same time one asks; a token is never shown.

use crate::secret::Secret;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex as Turn;

/// How long a token is used of which nobody says how long it holds.
const UNKNOWN: Duration = Duration::from_secs(30);
/// A token is renewed so long before it ends, or after so much of its time, whichever is later.
const AHEAD: Duration = Duration::from_secs(60);
const SHARE: f64 = 0.8;
/// The longest time that any token is kept.
const LIFE_MAX: Duration = Duration::from_secs(86_400);
/// Tokens that are kept.
const TOKENS_MAX: usize = 1_000;
/// Characters of a server's own words that are shown.
const SHOWN_MAX: usize = 200;

/// A token, and when it is to be renewed.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// What is sent.
    pub text: Secret,
    /// When the next one is asked for.
    pub renew: Instant,
}

/// What a server of tokens answered.
///
/// # Errors
/// There is no token in it, and what it says instead.
pub(super) fn read(status: u16, body: &[u8], now: Instant) -> Result<Token, String> {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    if status >= 300 || json.get("error").is_some() {
        let said = [text("error"), text("error_description")];
        let said: Vec<&str> = said.into_iter().flatten().collect();
        let said: String = said.join(": ").chars().take(SHOWN_MAX).collect();
        return Err(match said.is_empty() {
            true => format!("it answered {status}"),
            false => format!("it answered {status}, {said}"),
        });
    }
    let Some(token) = text("access_token").filter(|token| !token.is_empty()) else {
        return Err("its answer has no `access_token`".to_owned());
    };
    let kind = text("token_type").unwrap_or("bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(format!("its token is of the type `{kind}`, not `Bearer`"));
    }
    let lasts = match json.get("expires_in") {
        None | Some(Value::Null) => UNKNOWN,
        // Some write the number as text.
        Some(lasts) => {
            let seconds = lasts.as_f64().or_else(|| lasts.as_str()?.parse().ok());
            let lasts = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            lasts.unwrap_or(UNKNOWN)
        }
    };
    Ok(Token::lasting(token, lasts, now))
}

impl Token {
    /// One that holds for so long.
    pub(super) fn lasting(token: &str, lasts: Duration, now: Instant) -> Token {
        let lasts = lasts.min(LIFE_MAX);
        Token {
            text: Secret::new(token),
            renew: now + lasts.mul_f64(SHARE).max(lasts.saturating_sub(AHEAD)),
        }
    }
}

/// Who wants a token, and for what: a digest, since what shows who asks is of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(Vec<u8>);

impl Key {
    /// That of all that tells one token from another.
    pub(super) fn of(parts: &[String]) -> Key {
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for part in parts {
            digest.update(&part.len().to_le_bytes());
            digest.update(part.as_bytes());
        }
        Key(digest.finish().as_ref().to_vec())
    }
}

/// Tokens by who wants them, where each has one who asks.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<HashMap<Key, Arc<Turn<Option<Token>>>>>);

impl Tokens {
    /// The place of a token, in which one at a time may put it.
    pub(super) fn place(&self, key: &Key) -> Arc<Turn<Option<Token>>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= TOKENS_MAX && !all.contains_key(key) {
            all.clear();
        }
        all.entry(key.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_of_tokens_say_is_a_token_or_why_there_is_none() {
        let now = Instant::now();
        for (body, seconds) in [
            (
                r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#,
                3_540,
            ),
            (r#"{"access_token":"t","expires_in":"100"}"#, 80),
            (r#"{"access_token":"t","expires_in":300}"#, 240),
            (r#"{"access_token":"t"}"#, 24),
            (r#"{"access_token":"t","expires_in":-5}"#, 24),
            (r#"{"access_token":"t","expires_in":1e300}"#, 24),
            (r#"{"access_token":"t","expires_in":0}"#, 0),
        ] {
            let token = read(200, body.as_bytes(), now).unwrap();
            assert_eq!((token.renew - now).as_secs(), seconds, "{body}");
            assert_eq!(token.text.expose(), "t");
            assert!(!format!("{token:?}").contains("\"t\""));
        }
        for (status, body, said) in [
            (
                401,
                r#"{"error":"invalid_client","error_description":"no"}"#,
                "401, invalid_client: no",
            ),
            (400, r#"{"error":"invalid_scope"}"#, "400, invalid_scope"),
            (503, "<html>", "answered 503"),
            (200, "<html>", "no `access_token`"),
            (200, r#"{"error":"slow_down"}"#, "slow_down"),
            (200, r#"{"access_token":""}"#, "no `access_token`"),
            (
                200,
                r#"{"access_token":"t","token_type":"mac"}"#,
                "type `mac`",
            ),
        ] {
            let why = read(status, body.as_bytes(), now).unwrap_err();
            assert!(why.contains(said), "{body}: {why}");
        }
    }

    #[test]
    fn tokens_have_one_place_each_and_are_not_kept_for_ever() {
        let tokens = Tokens::default();
        let key = |parts: &[&str]| {
            Key::of(
                &parts
                    .iter()
                    .map(|part| (*part).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        let one = tokens.place(&key(&["a", "b"]));
        assert!(Arc::ptr_eq(&one, &tokens.place(&key(&["a", "b"]))));
        assert!(!Arc::ptr_eq(&one, &tokens.place(&key(&["ab", ""]))));
        for number in 0..3_000 {
            tokens.place(&key(&[&number.to_string()]));
        }
        assert!(tokens.0.lock().unwrap().len() <= TOKENS_MAX);
    }
}
