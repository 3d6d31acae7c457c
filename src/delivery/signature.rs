//! Standard Webhooks signatures (symmetric, `v1`): pure.
//!
//! Signed is `{id}.{timestamp}.{raw body}` with HMAC-SHA256; the key is the base64 after `whsec_`.
//! Verification is constant in time, and the timestamp must be within five minutes.

use crate::limits;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

fn key(secret: &Secret) -> Result<hmac::Key, String> {
    let text = secret.expose();
    let encoded = text.strip_prefix("whsec_").unwrap_or(text);
    let bytes = STANDARD
        .decode(encoded)
        .map_err(|_| "the signing key is not base64 after `whsec_`".to_owned())?;
    if !(24..=64).contains(&bytes.len()) {
        return Err(format!(
            "the signing key has {} bytes; Standard Webhooks asks for 24 to 64",
            bytes.len()
        ));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn signed(id: &str, timestamp: i64, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{id}.{timestamp}.").into_bytes();
    text.extend_from_slice(body);
    text
}

/// The `webhook-signature` header.
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> Result<String, String> {
    let tag = hmac::sign(&key(secret)?, &signed(id, timestamp, body));
    Ok(format!("v1,{}", STANDARD.encode(tag)))
}

/// Whether a webhook is genuine. The error says why it is not.
pub fn verify(
    secret: &Secret,
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now_s: i64,
) -> Result<(), String> {
    if id.is_empty() || id.len() > 256 {
        return Err("`webhook-id` is missing or too long".to_owned());
    }
    let at: i64 = timestamp
        .parse()
        .map_err(|_| "`webhook-timestamp` is not a number of seconds".to_owned())?;
    if at.abs_diff(now_s) > limits::WEBHOOK_SKEW.as_secs() {
        return Err("`webhook-timestamp` is more than five minutes off".to_owned());
    }
    let key = key(secret)?;
    let text = signed(id, at, body);
    let genuine = signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .any(|encoded| {
            STANDARD
                .decode(encoded)
                .is_ok_and(|tag| hmac::verify(&key, &text, &tag).is_ok())
        });
    if genuine {
        Ok(())
    } else {
        Err("`webhook-signature` does not match".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"{\"test\": 2432232314}";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";

    fn secret() -> Secret {
        Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    }

    /// The test vector of the specification.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let signature = sign(&secret(), ID, 1_614_265_330, BODY).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let list = format!("v1,bm9wZQ== {signature}");
        assert_eq!(
            verify(&secret(), ID, "1614265330", &list, BODY, 1_614_265_400),
            Ok(())
        );
    }

    #[test]
    fn what_is_not_genuine_is_refused() {
        let signature = sign(&secret(), ID, 1_614_265_330, BODY).unwrap();
        let check = |id, timestamp, signatures: &str, body, now| {
            verify(&secret(), id, timestamp, signatures, body, now).is_err()
        };
        assert!(
            check(ID, "1614265330", &signature, BODY, 1_614_265_631),
            "too old"
        );
        assert!(
            check(ID, "1614265331", &signature, BODY, 1_614_265_331),
            "another time"
        );
        assert!(
            check("other", "1614265330", &signature, BODY, 1_614_265_330),
            "another id"
        );
        assert!(
            check(ID, "1614265330", &signature, b"{}", 1_614_265_330),
            "another body"
        );
        assert!(
            check(ID, "1614265330", "", BODY, 1_614_265_330),
            "no signature"
        );
        assert!(
            check(ID, "soon", &signature, BODY, 1_614_265_330),
            "no time"
        );
        assert!(
            sign(&Secret::new("whsec_c2hvcnQ="), ID, 0, BODY).is_err(),
            "a key that is too short"
        );
    }
}
