//! Keys, signatures and tokens, held against those that others made.

use super::token::{signed, verified};
use super::*;
use serde_json::{Value, json};

/// Keys of every kind in every form, and tokens that PyJWT signed with them.
fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../../tests/cases/signing/keys.json")).unwrap()
}

fn pem(text: &Value) -> Key {
    Key::from_pem(text.as_str().unwrap()).unwrap()
}

#[test]
fn a_key_is_the_same_in_all_its_forms() {
    for case in cases() {
        let key = Key::from_jwk(&case["jwk"]).unwrap();
        assert_eq!(key.to_jwk(), case["jwk"]);
        assert!(key.is_private());
        if case["kind"] == "secret" {
            assert_eq!(Key::Secret(case["secret"].as_str().unwrap().into()), key);
            continue;
        }
        for form in ["pkcs8", "older"] {
            if !case[form].is_null() {
                assert!(pem(&case[form]) == key, "{form} of {key:?}");
            }
        }
        let public = key.public();
        assert!(pem(&case["spki"]) == public && !public.is_private());
        assert!(Key::from_spki(&key.to_spki().unwrap()).unwrap() == public);
        assert!(Key::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap() == key);
        assert!(Key::from_jwk(&public.to_jwk()).unwrap() == public);
    }
}

#[test]
fn what_others_signed_is_genuine_and_what_was_changed_is_not() {
    for case in cases() {
        let key = Key::from_jwk(&case["jwk"]).unwrap();
        for (name, token) in case["tokens"].as_object().unwrap() {
            let token = token.as_str().unwrap();
            let keys = json!({ "keys": [
                { "kty": "EC", "crv": "secp256k1", "kid": "other" },
                key.public().to_jwk().as_object().map(|jwk| {
                    let mut jwk = jwk.clone();
                    jwk.insert("kid".to_owned(), "k1".into());
                    jwk
                }).unwrap(),
            ] });
            verified(token, &keys).unwrap();
            verified(&format!("Bearer {token}"), &keys.to_string().into()).unwrap();
            let own = match &key {
                Key::Secret(_) => case["secret"].clone(),
                _ => case["spki"].clone(),
            };
            verified(token, &own).unwrap();
            let (message, signature) = token.rsplit_once('.').unwrap();
            let (head, claims) = message.split_once('.').unwrap();
            for changed in [
                format!("{head}.{}.{signature}", claims.replacen('e', "f", 1)),
                format!("{message}."),
                format!("{message}.{}", "A".repeat(signature.len())),
                message.to_owned(),
            ] {
                assert!(verified(&changed, &keys).is_err(), "{name}: {changed}");
            }
            let algorithm = Algorithm::named(name).unwrap();
            assert_eq!(algorithm.name(), name);
            let claims = json!({ "sub": "a" });
            let made = signed(&key, algorithm, Some("k1"), claims.as_object().unwrap());
            verified(&made.unwrap(), &keys).unwrap();
        }
    }
}

#[test]
fn what_is_believed_by_mistake_elsewhere_is_not_here() {
    let cases = cases();
    let rsa = &cases[0];
    let token = rsa["tokens"]["RS256"].as_str().unwrap();
    let public = rsa["spki"].as_str().unwrap();
    // Signed by HMAC with the text of the public key as the secret.
    let claims = json!({ "sub": "admin" });
    let claims = claims.as_object().unwrap();
    let by_text = Key::Secret(public.as_bytes().to_vec());
    let hs256 = Algorithm::named("HS256").unwrap();
    let confused = signed(&by_text, hs256, None, claims).unwrap();
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.";
    let jwk = |more: Value| {
        let mut jwk = pem(&rsa["spki"]).to_jwk();
        for (name, value) in more.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        json!({ "keys": [jwk.clone(), jwk] })
    };
    for (token, keys, why) in [
        (&confused[..], json!(public), "no key for HS256"),
        (unsigned, json!(public), "`none`, which is not believed"),
        (token, jwk(json!({ "kid": "k2" })), "no key `k1` among 2"),
        (token, jwk(json!({})), "no key `k1` among 2"),
        (
            token,
            jwk(json!({ "kid": "k1", "use": "enc" })),
            "no key for RS256",
        ),
        (
            token,
            jwk(json!({ "kid": "k1", "alg": "PS256" })),
            "no key for RS256",
        ),
        (token, json!({ "keys": [] }), "no key `k1` among 0"),
        (token, json!({ "kty": "RSA" }), "it has no `n`"),
        (
            token,
            json!("-----BEGIN PUBLIC KEY-----\n"),
            "no key in PEM",
        ),
        (token, cases[1]["spki"].clone(), "no key for RS256"),
        ("a.b", json!("x"), "three parts"),
        ("a.b.c", json!("x"), "not base64"),
        (
            "e30.e30.c2ln",
            json!("x"),
            "signed by ``, which is not believed",
        ),
    ] {
        let said = verified(token, &keys).unwrap_err();
        assert!(said.contains(why), "{why}\n{said}");
    }
    let es256 = Algorithm::named("ES256").unwrap();
    let (key, half) = (pem(&rsa["pkcs8"]), pem(&cases[1]["spki"]));
    assert!(
        key.sign(es256, b"")
            .unwrap_err()
            .contains("does not sign by ES256")
    );
    assert!(half.sign(es256, b"").unwrap_err().contains("does not sign"));
    assert_eq!(format!("{key:?}"), "a key of RSA");
}
