//! Digest authentication (RFC 7616, and RFC 2617 before it): what a server challenges with, and what answers it.
//!
//! Sends nothing. Invariant: a password is in what is hashed, and nowhere else.

use super::message::Message;
use super::reply::Reply;
use crate::secret::Secret;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode};
use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512_256};

/// Whose password it is, and the password.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The name of the user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// How a server hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha256,
    Sha512,
}

impl Hash {
    fn of(self, text: &[u8]) -> String {
        let bytes = match self {
            Hash::Md5 => Md5::digest(text).to_vec(),
            Hash::Sha256 => Sha256::digest(text).to_vec(),
            Hash::Sha512 => Sha512_256::digest(text).to_vec(),
        };
        crate::hexadecimal::digits(bytes)
    }
}

/// What a server asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// How it is hashed, and the name of that where the server says one.
    hash: Hash,
    algorithm: Option<String>,
    /// Whether the session has a key of its own.
    is_session: bool,
    protection: Protection,
    hides_user: bool,
}

/// What is protected beside the password (`qop`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// Nothing, as before RFC 2617.
    Nothing,
    /// Method and address.
    Request,
    /// These and the body.
    Body,
}

/// A request that is to be let in.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    method: &'a str,
    /// Path and query as they are sent.
    target: &'a str,
    body: &'a [u8],
}

/// The value of `authorization` that answers the challenge of a reply to a request, if it is one that can be answered.
pub fn answer(who: &Credentials, message: &Message<'_>, reply: &Reply) -> Option<HeaderValue> {
    if reply.status != StatusCode::UNAUTHORIZED {
        return None;
    }
    let asked = Asked {
        method: message.method.as_str(),
        target: message
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str()),
        body: message.body,
    };
    let challenge = challenge(reply.headers.map())?;
    let client_nonce = format!("{:032x}", fastrand::u128(..));
    HeaderValue::try_from(challenge.answer(who, asked, &client_nonce)).ok()
}

/// The first challenge that can be answered: servers name what they prefer first.
fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let lines = headers.get_all(WWW_AUTHENTICATE).iter();
    let lines = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    let mut all = lines.flat_map(|line| schemes(&line));
    all.find_map(|(scheme, fields)| {
        scheme
            .eq_ignore_ascii_case("digest")
            .then(|| Challenge::of(&fields))
            .flatten()
    })
}

type Fields = Vec<(String, String)>;

/// The schemes of a line with their fields: several may stand in one, with commas between them and in them.
fn schemes(line: &str) -> Vec<(String, Fields)> {
    let mut all: Vec<(String, Fields)> = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let after = after.trim_start();
        match (after.strip_prefix('='), all.last_mut()) {
            (Some(after), Some((_, fields))) if !word.is_empty() => {
                let (value, left) = value(after.trim_start());
                fields.push((word.to_ascii_lowercase(), value));
                rest = left;
            }
            // Nothing that can be read follows.
            _ if word.is_empty() => return all,
            _ => {
                all.push((word.to_owned(), Vec::new()));
                rest = after;
            }
        }
    }
}

/// A value, in quotes or without, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            letter => value.push(letter),
        }
    }
    (value, "")
}

impl Challenge {
    /// Nothing where it cannot be answered: an unknown hash, or a protection that nobody knows.
    fn of(fields: &Fields) -> Option<Challenge> {
        let field = |name: &str| {
            let mut all = fields.iter();
            all.find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
        };
        let is = |name: &str| field(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let algorithm = field("algorithm");
        let name = algorithm.as_deref().unwrap_or("MD5").to_ascii_uppercase();
        let (name, is_session) = match name.strip_suffix("-SESS") {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        let hash = match name {
            "MD5" => Hash::Md5,
            "SHA-256" => Hash::Sha256,
            "SHA-512-256" => Hash::Sha512,
            _ => return None,
        };
        let protection = match field("qop") {
            None => Protection::Nothing,
            Some(list) => {
                let offers = |wanted: &str| {
                    list.split(',')
                        .any(|one| one.trim().eq_ignore_ascii_case(wanted))
                };
                match (offers("auth"), offers("auth-int")) {
                    (true, _) => Protection::Request,
                    (false, true) => Protection::Body,
                    (false, false) => return None,
                }
            }
        };
        Some(Challenge {
            realm: field("realm").unwrap_or_default(),
            nonce: field("nonce")?,
            opaque: field("opaque"),
            hash,
            algorithm,
            is_session,
            protection,
            hides_user: is("userhash"),
        })
    }

    /// The value of `authorization` that answers it, for the first request with this nonce (`nc` is 1).
    fn answer(&self, who: &Credentials, asked: Asked<'_>, client_nonce: &str) -> String {
        const COUNT: &str = "00000001";
        let hash = |text: String| self.hash.of(text.as_bytes());
        let (user, password) = (&who.user, who.password.expose());
        let mut key = hash(format!("{user}:{}:{password}", self.realm));
        if self.is_session {
            key = hash(format!("{key}:{}:{client_nonce}", self.nonce));
        }
        let mut about = format!("{}:{}", asked.method, asked.target);
        if self.protection == Protection::Body {
            about = format!("{about}:{}", self.hash.of(asked.body));
        }
        let about = hash(about);
        let protection = match self.protection {
            Protection::Nothing => None,
            Protection::Request => Some("auth"),
            Protection::Body => Some("auth-int"),
        };
        let response = hash(match protection {
            None => format!("{key}:{}:{about}", self.nonce),
            Some(word) => format!("{key}:{}:{COUNT}:{client_nonce}:{word}:{about}", self.nonce),
        });
        let name = if self.hides_user {
            hash(format!("{user}:{}", self.realm))
        } else {
            user.clone()
        };
        let mut line = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            quoted(&name),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(asked.target)
        );
        if let Some(algorithm) = &self.algorithm {
            line.push_str(&format!(", algorithm={algorithm}"));
        }
        if let Some(opaque) = &self.opaque {
            line.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        if let Some(word) = protection {
            line.push_str(&format!(", qop={word}, nc={COUNT}"));
        }
        if protection.is_some() || self.is_session {
            line.push_str(&format!(", cnonce=\"{client_nonce}\""));
        }
        if self.hides_user {
            line.push_str(", userhash=true");
        }
        line
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(lines: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, line.parse().unwrap());
        }
        challenge(&headers)
    }

    fn response(line: &str) -> &str {
        let at = line.find("response=\"").unwrap() + 10;
        &line[at..at + line[at..].find('"').unwrap()]
    }

    const MUFASA: (&str, &str) = ("Mufasa", "Circle of Life");

    fn answered(lines: &[&str], (user, password): (&str, &str), nonce: &str) -> String {
        let who = Credentials {
            user: user.to_owned(),
            password: Secret::new(password),
        };
        let asked = Asked {
            method: "GET",
            target: "/dir/index.html",
            body: b"",
        };
        of(lines).unwrap().answer(&who, asked, nonce)
    }

    #[test]
    fn the_examples_of_the_standards_come_out() {
        // RFC 2617, section 3.5.
        let old = r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        let line = answered(&[old], ("Mufasa", "Circle Of Life"), "0a4f113b");
        assert_eq!(response(&line), "6629fae49393a05397450978507c4ef1");
        assert!(line.contains("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));
        assert!(!line.contains("algorithm"));
        // RFC 7616, section 3.9.1: the preferred one stands first.
        let rest = r#"realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
        let nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let md5 = format!("Digest {rest}, algorithm=MD5");
        let sha = format!("Digest {rest}, algorithm=SHA-256");
        let line = answered(&[&md5], MUFASA, nonce);
        assert_eq!(response(&line), "8ca523f5e9506fed4657c9700eebdbec");
        let line = answered(&[&sha, &md5], MUFASA, nonce);
        assert_eq!(
            response(&line),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    #[test]
    fn a_challenge_is_found_wherever_it_stands() {
        let found = of(&[
            r#"Negotiate, Basic realm="a, Digest b", Digest realm="c \"d\"", nonce=n, stale=TRUE"#,
        ]);
        let found = found.unwrap();
        assert_eq!(
            (found.realm.as_str(), found.nonce.as_str()),
            ("c \"d\"", "n")
        );
        assert_eq!(found.protection, Protection::Nothing);
        let both = of(&[
            "Digest realm=x, nonce=1, algorithm=SHA-999",
            "Digest realm=y, nonce=2, algorithm=md5-sess, qop=auth-int",
        ]);
        let both = both.unwrap();
        assert_eq!((both.nonce.as_str(), both.is_session), ("2", true));
        assert_eq!(both.protection, Protection::Body);
        for none in [
            "Basic realm=x",
            "Digest realm=x",
            "Digest nonce=x, qop=token",
            "",
        ] {
            assert_eq!(of(&[none]), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_server_sends_is_read_to_its_end(line in "[ -~]{0,80}") {
            let _ = of(&[&line]);
        }

        #[test]
        fn no_answer_has_the_password(password in "[a-z]{12,20}", realm in "[ -~&&[^\"\\\\]]{0,20}") {
            let line = format!("Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\"");
            prop_assert!(!answered(&[&line], ("u", &password), "c").contains(&password));
        }
    }
}
