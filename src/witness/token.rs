//! What a JSON Web Token says of itself (RFC 7519). Its signature is not looked at: whoever is asked with
//! it does that.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;

/// The claims of a token.
///
/// # Errors
///
/// It is no JSON Web Token; the text says so without any of it.
pub fn claims(token: &str) -> Result<Value, String> {
    let token = token.trim();
    let token = token.strip_prefix("Bearer ").unwrap_or(token);
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("it is no JSON Web Token: it has not three parts".to_owned());
    };
    let bytes = URL_SAFE_NO_PAD
        .decode(claims)
        .or_else(|_| URL_SAFE.decode(claims));
    let bytes =
        bytes.map_err(|_| "it is no JSON Web Token: its claims are not base64".to_owned())?;
    match serde_json::from_slice(&bytes) {
        Ok(claims @ Value::Object(_)) => Ok(claims),
        _ => Err("it is no JSON Web Token: its claims are not JSON".to_owned()),
    }
}

/// Seconds that a token is good for yet; below zero where it has run out.
///
/// # Errors
///
/// It is no token, or does not say when it ends.
pub fn seconds_left(token: &str, now_s: i64) -> Result<i64, String> {
    let claims = claims(token)?;
    let end = claims["exp"]
        .as_f64()
        .ok_or("the token does not say when it ends (`exp`)")?;
    Ok(end as i64 - now_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_when_it_ends() {
        let token = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(seconds_left(&token("{\"exp\":1100}"), 1_000), Ok(100));
        assert_eq!(
            seconds_left(&format!("Bearer {}", token("{\"exp\":900.5}")), 1_000),
            Ok(-100)
        );
        for broken in [
            "",
            "a.b",
            "a.b.c.d",
            "a.!.c",
            &token("[]"),
            &token("no"),
            &token("{}"),
        ] {
            let error = seconds_left(broken, 0).unwrap_err();
            assert!(
                error.contains("token") || error.contains("Token"),
                "{error}"
            );
        }
        assert_eq!(claims(&token("{\"sub\":\"a\"}")).unwrap()["sub"], "a");
    }
}
