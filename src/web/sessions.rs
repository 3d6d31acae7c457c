//! Sessions of people who look by a browser: sealed cookies, of which only those are remembered that ended early.
//!
//! Pure but for the chance of its key, which lives as long as the process: after a restart people log in
//! again. Does not know requests. Invariant: a session never allows more than the token it was begun with
//! does now, and a token that is changed ends its sessions.

use super::problem::Problem;
use crate::hexadecimal::digits;
use crate::project::openid::OpenId;
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use ring::hmac;
use ring::rand::SystemRandom;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// How long a session lasts: a working day.
pub const LASTS_S: i64 = 12 * 3_600;
/// Log-ins by somebody else that are on their way at once.
const ASKING_MAX: usize = 16;
/// The cookie's name.
pub const COOKIE: &str = "bellwether_session";

/// What seals, and what was sealed and is over before its time: until when that must be known.
#[derive(Clone)]
pub struct Sessions {
    key: hmac::Key,
    ended: Arc<Mutex<BTreeMap<String, i64>>>,
    /// Places of those who log in at once by somebody else.
    pub asking: Arc<Semaphore>,
    /// Log-ins that were refused.
    pub refused: Arc<Refused>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

/// Log-ins that were refused: strangers fill no disk, and are not hidden.
#[derive(Debug, Default)]
pub struct Refused(Mutex<(i64, u64)>);

/// One line stands for all refused log-ins of so many milliseconds.
const REFUSED_TOGETHER_MS: i64 = 60_000;

impl Refused {
    /// Counts one; what is kept of it and those before, if it is time for a line.
    pub fn refused(&self, now_ms: i64) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (kept_ms, passed_over) = &mut *known;
        if (*kept_ms..*kept_ms + REFUSED_TOGETHER_MS).contains(&now_ms) {
            *passed_over += 1;
            return None;
        }
        let order = match *passed_over {
            0 => "log in".to_owned(),
            others => format!("log in, and {others} times since the line before"),
        };
        *known = (now_ms, 0);
        Some(order)
    }
}

/// Somebody whom somebody else knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub name: String,
    /// The word of what they may do.
    pub role: String,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// What the token that it was begun with is known again by; of a person that somebody else knows, what we
    /// are believed by there.
    pub token: String,
    /// Who it is, where somebody else knows them.
    #[serde(default)]
    pub person: Option<Person>,
    /// Until when, in seconds since 1970.
    pub until_s: i64,
    /// What tells it from another one.
    pub id: String,
}

impl Sessions {
    /// With a new key.
    ///
    /// # Errors
    ///
    /// The system has no chance to give.
    pub fn new() -> Result<Sessions, Problem> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        let made = key.map(|key| Sessions {
            key,
            ended: Arc::default(),
            asking: Arc::new(Semaphore::new(ASKING_MAX)),
            refused: Arc::default(),
        });
        made.map_err(|_| {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the system gives no random numbers",
            )
        })
    }

    /// What a token is known again by, while this process lives.
    pub fn print_of(&self, token: &Secret) -> String {
        let text = format!("token {}", token.expose());
        digits(hmac::sign(&self.key, text.as_bytes()))
    }

    /// What somebody who was vouched for is known again by: whoever vouches, by our secret, on the same terms.
    pub fn print_of_provider(&self, openid: &OpenId, secret: &str) -> String {
        let text = format!("{}\n{secret}", openid.terms());
        self.print_of(&Secret::new(text))
    }

    /// Something as the value of a cookie.
    pub fn seal(&self, session: &impl Serialize) -> String {
        let content = serde_json::to_vec(session).unwrap_or_default();
        let seal = hmac::sign(&self.key, &content);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        format!("{}.{}", text(&content), text(seal.as_ref()))
    }

    /// The session of a cookie, if we sealed it and it lasts.
    pub fn session(&self, cookie: &str, now_s: i64) -> Option<Session> {
        let session: Session = self.open(cookie)?;
        (session.until_s > now_s).then_some(session)
    }

    /// Ends what was sealed: it opens no more. It is forgotten when it would be over anyway.
    pub fn end(&self, cookie: &str, until_s: i64, now_s: i64) {
        // What we did not seal fills nothing.
        if self.open::<serde_json::Value>(cookie).is_none() {
            return;
        }
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, until_s| *until_s > now_s);
        ended.insert(cookie.to_owned(), until_s);
    }

    /// What a cookie holds, if we sealed it and it was not ended.
    pub fn open<T: DeserializeOwned>(&self, cookie: &str) -> Option<T> {
        let (content, seal) = cookie.split_once('.')?;
        let content = URL_SAFE_NO_PAD.decode(content).ok()?;
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        hmac::verify(&self.key, &content, &seal).ok()?;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.contains_key(cookie) {
            return None;
        }
        drop(ended);
        serde_json::from_slice(&content).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_log_ins_are_counted_and_take_a_line_a_minute() {
        let refused = Refused::default();
        let now_ms = 1_800_000_000_000;
        assert_eq!(refused.refused(now_ms).unwrap(), "log in");
        for _ in 0..500 {
            assert_eq!(refused.refused(now_ms + 59_999), None);
        }
        let later = refused.refused(now_ms + 60_000).unwrap();
        assert!(later.contains("500 times"), "{later}");
        // A clock that was set back hides nothing.
        assert_eq!(refused.refused(now_ms - 5).unwrap(), "log in");
    }

    #[test]
    fn a_session_is_taken_as_it_was_sealed_and_while_it_lasts() {
        let sessions = Sessions::new().unwrap();
        let session = Session {
            token: sessions.print_of(&Secret::new("a-token")),
            person: None,
            until_s: 100,
            id: "1".to_owned(),
        };
        let cookie = sessions.seal(&session);
        assert_eq!(sessions.session(&cookie, 99), Some(session.clone()));
        assert_eq!(sessions.session(&cookie, 100), None, "it is over");
        assert_eq!(
            Sessions::new().unwrap().session(&cookie, 1),
            None,
            "another process"
        );
        for at in 0..cookie.len() {
            let mut bytes = cookie.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(bytes).unwrap();
            let opened = sessions.session(&forged, 1);
            assert!(opened.is_none() || opened == Some(session.clone()), "{at}");
        }
        let last = sessions.seal(&session);
        sessions.end(&last, i64::MAX, 1);
        assert_eq!(sessions.session(&last, 1), None, "it was ended");
        assert_ne!(session.token, sessions.print_of(&Secret::new("another")));
        for nonsense in ["", ".", "a.b", "....", "é.é"] {
            assert_eq!(sessions.session(nonsense, 1), None);
        }
    }
}
