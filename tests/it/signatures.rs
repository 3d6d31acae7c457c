//! Requests that are signed, and tokens that we sign, against a stand-in that computes the same signature itself; tokens of
//! others, held against the keys of who gives them out.

use super::standin::{Asked, json, serve_by};
use super::support::performed;
use bellwether::signing::aws::{Request, Signer};
use bellwether::signing::token::verified;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

fn keys() -> Vec<Value> {
    serde_json::from_str(include_str!("../cases/signing/keys.json")).unwrap()
}

/// Runs a step with an authentication against one that looks at what it is asked; what it was asked, exit code and what was said.
fn step(
    auth: &str,
    request: &str,
    key: &str,
    judge: impl Fn(&Asked) -> Result<(), String> + Send + Sync + 'static,
) -> (i32, String, Vec<String>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noting = seen.clone();
    let address = serve_by(move |asked: &Asked| {
        let shown = ["authorization", "x-signature", "x-timestamp"].map(|name| asked.header(name));
        noting
            .lock()
            .unwrap()
            .push(shown.join(" ").trim().to_owned());
        match judge(asked) {
            Ok(()) => json(200, json!({ "ok": true })),
            Err(why) => json(403, json!({ "message": why })),
        }
    });
    let scenario = format!(
        "name: shop\nservice: api\nsecrets: [ KEY ]\nsteps:\n  - name: one\n    {request}\n    auth: {{ {auth} }}\n    check: [ status == 200 ]\n  - name: two\n    {request}\n    auth: {{ {auth} }}\n    check: [ status == 200 ]\n"
    );
    let url = format!("http://{address}/base");
    let (code, said) = performed(("api", &url), &scenario, &[], &[("KEY", key)]);
    let seen = seen.lock().unwrap().clone();
    (code, said, seen)
}

#[test]
fn a_token_is_signed_once_and_says_what_it_should() {
    for case in keys() {
        let algorithm = case["tokens"]
            .as_object()
            .unwrap()
            .keys()
            .next()
            .unwrap()
            .clone();
        let (private, public) = match case["kind"].as_str() {
            Some("secret") => (case["secret"].clone(), case["secret"].clone()),
            _ => (case["pkcs8"].clone(), case["spki"].clone()),
        };
        let auth = format!(
            "jwt: {{ key: \"${{secrets.KEY}}\", algorithm: {algorithm}, key_id: k1, lifetime: 2m, claims: {{ iss: smoke, n: \"${{1 + 1}}\", aud: [ a, b ] }} }}"
        );
        let judge = move |asked: &Asked| {
            let token = asked.header("authorization");
            verified(token, &public)?;
            let claims = bellwether::witness::token::claims(token)?;
            let lasts = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
            let now = chrono::Utc::now().timestamp() - claims["iat"].as_i64().unwrap();
            let fits =
                claims["iss"] == "smoke" && claims["n"] == 2 && claims["aud"] == json!(["a", "b"]);
            (fits && lasts == 120 && now < 60)
                .then_some(())
                .ok_or(claims.to_string())
        };
        let (code, said, seen) = step(&auth, "get: /orders", private.as_str().unwrap(), judge);
        assert_eq!(code, 0, "{said}");
        assert!(seen.len() == 2 && seen[0] == seen[1], "{seen:?}");
        assert!(!said.contains(&seen[0][10..]), "{said}");
    }
}

#[test]
fn a_key_that_signs_nothing_says_so_and_nothing_is_sent() {
    let rsa = keys()[0]["pkcs8"].as_str().unwrap().to_owned();
    let public = keys()[0]["spki"].as_str().unwrap().to_owned();
    for (algorithm, key, why) in [
        ("ES256", rsa.as_str(), "a key of RSA does not sign by ES256"),
        ("RS256", &public, "does not sign"),
        (
            "RS256",
            "-----BEGIN PRIVATE KEY-----\nx",
            "it is no key in PEM",
        ),
        ("RS256", "a word", "a shared secret does not sign by RS256"),
        ("HS256", "{\"kty\":\"oct\"}", "it has no `k`"),
    ] {
        let auth = format!("jwt: {{ key: \"${{secrets.KEY}}\", algorithm: {algorithm} }}");
        let (code, said, seen) = step(&auth, "get: /orders", key, |_| Ok(()));
        assert_eq!((code, seen.len()), (98, 0), "{said}");
        assert!(said.contains(why), "{why}\n{said}");
        assert!(!said.contains("MIIE"), "{said}");
    }
}

#[test]
fn requests_are_signed_as_aws_wants_it() {
    let auth = "aws: { access_key: AKID, secret_key: \"${secrets.KEY}\", region: eu-central-1, service: execute-api, session_token: lent }";
    let judge = |asked: &Asked| {
        let request = Request {
            method: "POST",
            host: asked.header("host"),
            path: &asked.path,
            query: &asked.query,
            body: asked.body.as_bytes(),
        };
        let signer = Signer {
            access_key: "AKID",
            secret_key: "s+cret",
            session_token: Some("lent"),
            region: "eu-central-1",
            service: "execute-api",
        };
        let date = asked.header("x-amz-date");
        let now = chrono::NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").unwrap();
        let wanted = signer.headers(request, now.and_utc());
        let same = wanted
            .iter()
            .all(|(name, value)| asked.header(name) == *value);
        same.then_some(()).ok_or(format!("{wanted:?}"))
    };
    let request = "post: /orders/a b\n    query: { q: \"x y&z\", a: \"1\" }\n    json: { id: 1 }";
    let (code, said, seen) = step(auth, request, "s+cret", judge);
    assert_eq!(code, 0, "{said}");
    assert!(
        seen[0].contains("Credential=AKID/")
            && seen[0].contains("host;x-amz-date;x-amz-security-token"),
        "{seen:?}"
    );
    assert!(!said.contains("s+cret"), "{said}");
}

#[test]
fn requests_are_signed_by_a_shared_secret() {
    use ring::hmac;
    let mac = |key: &str, message: &str| {
        let signed = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()),
            message.as_bytes(),
        );
        signed
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let by_body = move |asked: &Asked| {
        let wanted = format!("sha256={}", mac("s+cret", &asked.body));
        (asked.header("x-signature") == wanted)
            .then_some(())
            .ok_or(wanted)
    };
    let request = "post: /orders\n    json: { id: 1 }";
    let auth = "hmac: { key: \"${secrets.KEY}\", header: X-Signature, prefix: \"sha256=\" }";
    let (code, said, _) = step(auth, request, "s+cret", by_body);
    assert_eq!(code, 0, "{said}");
    let with_time = move |asked: &Asked| {
        let (time, host) = (asked.header("x-timestamp"), asked.header("host"));
        let message = format!("v0:{time}:POST:{host}:/base/orders:a=1:{}", asked.body);
        let wanted = format!("t={time},v1={}", mac("s+cret", &message));
        let now = chrono::Utc::now().timestamp() - time.parse::<i64>().unwrap();
        (asked.header("x-signature") == wanted && now < 60)
            .then_some(())
            .ok_or(wanted)
    };
    let auth = "hmac: { key: \"${secrets.KEY}\", header: x-signature, prefix: \"t={timestamp},v1=\", message: \"v0:{timestamp}:{method}:{host}:{path}:{query}:{body}\", headers: { x-timestamp: \"{timestamp}\" } }";
    let request = "post: /orders?a=1\n    json: { id: 1 }";
    let (code, said, _) = step(auth, request, "s+cret", with_time);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_token_of_others_is_held_against_the_keys_of_its_issuer() {
    let case = &keys()[0];
    let token = case["tokens"]["RS256"].as_str().unwrap().to_owned();
    let mut jwk = bellwether::signing::Key::from_jwk(&case["jwk"])
        .unwrap()
        .public()
        .to_jwk();
    jwk["kid"] = "k1".into();
    let (head, tail) = token.split_at(token.len() - 8);
    let forged = format!("{head}AAAA{}", &tail[4..]);
    let address = serve_by(move |asked: &Asked| match asked.path.as_str() {
        "/jwks" => json(200, json!({ "keys": [jwk] })),
        "/login" => json(200, json!({ "token": token })),
        _ => json(200, json!({ "token": forged })),
    });
    for (path, code, said) in [
        ("/login", 0, ""),
        ("/forged", 99, "none of 1 keys has signed it"),
    ] {
        let scenario = format!(
            "name: shop\nservice: api\nsteps:\n  - {{ name: keys, get: /jwks, check: [ status == 200 ], capture: {{ keys: body }} }}\n  - {{ name: login, post: {path}, check: [ \"verifiedJwt(body.token, vars.keys).aud == 'shop'\" ] }}\n"
        );
        let url = format!("http://{address}");
        let (ended, told) = performed(("api", &url), &scenario, &[], &[]);
        assert_eq!(ended, code, "{told}");
        assert!(told.contains(said), "{told}");
    }
}
