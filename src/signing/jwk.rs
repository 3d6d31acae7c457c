//! A key as JSON (RFC 7517, RFC 7518, section 6, and RFC 8037).
//!
//! Pure. Invariant: a key whose numbers are not all there is none.

use super::key::{Curve, Key, RsaNumbers, ed25519_private, point};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// Names of the private numbers of RSA.
const PRIVATE: [&str; 6] = ["d", "p", "q", "dp", "dq", "qi"];

impl Key {
    /// A key from JSON.
    ///
    /// # Errors
    /// What is missing or not understood, in words.
    pub fn from_jwk(jwk: &Value) -> Result<Key, String> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| {
            let written = text(name)?.trim_end_matches('=');
            URL_SAFE_NO_PAD.decode(written).ok()
        };
        let wanted = |name: &str| bytes(name).ok_or_else(|| format!("it has no `{name}`"));
        let kind = text("kty").ok_or("it has no `kty`")?;
        match kind {
            "oct" => wanted("k").map(Key::Secret),
            "RSA" => {
                let public = [plain(wanted("n")?), plain(wanted("e")?)];
                if text("d").is_none() {
                    return Ok(Key::Rsa(RsaNumbers {
                        public,
                        private: None,
                    }));
                }
                let private: Result<Vec<Vec<u8>>, String> =
                    PRIVATE.iter().map(|name| wanted(name).map(plain)).collect();
                let private = private?.try_into().ok();
                Ok(Key::Rsa(RsaNumbers { public, private }))
            }
            "EC" => {
                let name = text("crv").unwrap_or_default();
                let curve = Curve::named(name)
                    .ok_or_else(|| format!("its curve is `{name}`: P-256 and P-384 are known"))?;
                let whole = |digits: Vec<u8>| {
                    let mut padded = vec![0; curve.bytes().saturating_sub(digits.len())];
                    padded.extend(digits);
                    padded
                };
                let place = [&[4][..], &whole(wanted("x")?), &whole(wanted("y")?)].concat();
                point(curve, &place, bytes("d").map(whole))
                    .ok_or_else(|| "its point is none of its curve".to_owned())
            }
            "OKP" if text("crv") == Some("Ed25519") => match bytes("d") {
                Some(seed) => ed25519_private(&seed).ok_or_else(|| "its `d` is no seed".to_owned()),
                None => Ok(Key::Ed25519(wanted("x")?, None)),
            },
            other => Err(format!("its `kty` is `{other}`, which is not understood")),
        }
    }

    /// It as JSON; the private half with it, where there is one.
    pub fn to_jwk(&self) -> Value {
        let text = |bytes: &[u8]| Value::from(URL_SAFE_NO_PAD.encode(bytes));
        let mut jwk = Map::new();
        match self {
            Key::Secret(secret) => return json!({ "kty": "oct", "k": text(secret) }),
            Key::Rsa(numbers) => {
                jwk.insert("kty".to_owned(), "RSA".into());
                let private = numbers.private.iter().flatten().zip(PRIVATE);
                let public = numbers.public.iter().zip(["n", "e"]);
                for (digits, name) in public.chain(private) {
                    jwk.insert(name.to_owned(), text(digits));
                }
            }
            Key::Elliptic(curve, point, private) => {
                let (x, y) = point[1..].split_at(curve.bytes());
                jwk.insert("kty".to_owned(), "EC".into());
                jwk.insert("crv".to_owned(), curve.name().into());
                let private = private.iter().map(|d| ("d", &d[..]));
                for (name, digits) in [("x", x), ("y", y)].into_iter().chain(private) {
                    jwk.insert(name.to_owned(), text(digits));
                }
            }
            Key::Ed25519(point, seed) => {
                jwk.insert("kty".to_owned(), "OKP".into());
                jwk.insert("crv".to_owned(), "Ed25519".into());
                jwk.insert("x".to_owned(), text(point));
                if let Some(seed) = seed {
                    jwk.insert("d".to_owned(), text(seed));
                }
            }
        }
        Value::Object(jwk)
    }
}

/// Digits without zeros before them.
fn plain(digits: Vec<u8>) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits[zeros.min(digits.len().saturating_sub(1))..].to_vec()
}
