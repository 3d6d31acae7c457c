//! JSON web tokens (RFC 7515, RFC 7519): made, and held against the keys of whoever gives them out (RFC 7517).
//!
//! Pure. What a token claims is read in `witness`; what it claims is judged by who asks. Invariant: what is not signed, or by an algorithm
//! that is not of the key's kind, is not genuine (RFC 8725, section 3.1).

use super::{Algorithm, Key};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// A token that is signed.
///
/// # Errors
/// The key does not sign so, in words.
pub fn signed(
    key: &Key,
    algorithm: Algorithm,
    key_id: Option<&str>,
    claims: &Map<String, Value>,
) -> Result<String, String> {
    let mut header = json!({ "alg": algorithm.name(), "typ": "JWT" });
    if let Some(id) = key_id {
        header["kid"] = id.into();
    }
    let claims = serde_json::to_string(claims).unwrap_or_default();
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", part(header.to_string()), part(claims));
    let signature = key.sign(algorithm, message.as_bytes())?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Whether a token is signed by one of some keys, which are a set of JSON web keys, a single one, a key or a certificate in PEM, or, for
/// HMAC, the secret itself.
///
/// # Errors
/// Why it is not, without any of the token.
pub fn verified(token: &str, keys: &Value) -> Result<(), String> {
    let token = token.trim();
    let token = token.strip_prefix("Bearer ").unwrap_or(token);
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return Err("it is no JSON web token: it has not three parts".to_owned());
    };
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
    let (Ok(head), Ok(signature)) = (decoded(header), decoded(signature)) else {
        return Err("it is no JSON web token: it is not base64".to_owned());
    };
    let head: Value = serde_json::from_slice(&head).unwrap_or_default();
    let name = head["alg"].as_str().unwrap_or_default();
    if head.get("crit").is_some() {
        return Err("it asks for something that is not known (`crit`)".to_owned());
    }
    let algorithm = Algorithm::named(name)
        .ok_or_else(|| format!("it is signed by `{name}`, which is not believed"))?;
    let message = format!("{header}.{claims}");
    let fitting = fitting(keys, algorithm, head["kid"].as_str())?;
    let is_by = |key: &Key| key.verifies(algorithm, message.as_bytes(), &signature);
    match fitting.iter().any(is_by) {
        true => Ok(()),
        false => Err(format!("none of {} keys has signed it", fitting.len())),
    }
}

/// Keys of those that were given by which a token may be signed.
fn fitting(keys: &Value, algorithm: Algorithm, id: Option<&str>) -> Result<Vec<Key>, String> {
    let Value::String(text) = keys else {
        return fitting_of(keys, algorithm, id);
    };
    match serde_json::from_str::<Value>(text) {
        Ok(keys @ Value::Object(_)) => fitting_of(&keys, algorithm, id),
        _ => some(vec![Key::of_secret(text)?], algorithm),
    }
}

/// The same of JSON web keys.
fn fitting_of(keys: &Value, algorithm: Algorithm, id: Option<&str>) -> Result<Vec<Key>, String> {
    let set = keys.get("keys").and_then(Value::as_array);
    let single = [keys.clone()];
    let set = set.map_or(&single[..], Vec::as_slice);
    let is_named = |key: &&Value| match (id, key.get("kid").and_then(Value::as_str)) {
        (Some(wanted), Some(known)) => wanted == known,
        // One key alone needs no name.
        (Some(_), None) => set.len() == 1,
        (None, _) => true,
    };
    let says = |key: &Value, name: &str, wanted: &str| {
        let said = key.get(name).and_then(Value::as_str);
        said.is_none_or(|said| said == wanted)
    };
    let mut named = set.iter().filter(is_named).peekable();
    if named.peek().is_none() {
        let shown: String = id.unwrap_or_default().chars().take(80).collect();
        return Err(format!("there is no key `{shown}` among {}", set.len()));
    }
    let usable = named.filter(|key| says(key, "use", "sig") && says(key, "alg", algorithm.name()));
    // What one key of a set lacks is nothing to the others.
    let read: Vec<Result<Key, String>> = usable.map(Key::from_jwk).collect();
    if let [Err(why)] = &read[..] {
        return Err(format!("its key cannot be read: {why}"));
    }
    some(read.into_iter().flatten().collect(), algorithm)
}

fn some(all: Vec<Key>, algorithm: Algorithm) -> Result<Vec<Key>, String> {
    let fitting: Vec<Key> = all.into_iter().filter(|key| algorithm.fits(key)).collect();
    match fitting.is_empty() {
        true => Err(format!("there is no key for {}", algorithm.name())),
        false => Ok(fitting),
    }
}
