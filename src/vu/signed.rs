//! A request that is signed: what its signature adds to its headers.
//!
//! Pure: the time and a name by chance are handed in. Invariant: what is signed is what is sent.

use crate::hexadecimal;
use crate::net::Fault;
use crate::scenario::scope::Scope;
use crate::scenario::steps::signed::{HmacSignature, Part, RequestSignature};
use crate::scenario::template::Template;
use crate::signing::aws::{Request, Signer};
use crate::vu::request::{fault, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName};
use ring::hmac;

/// Puts a signature, and what belongs to it, into the headers of a request.
///
/// # Errors
/// Something of it cannot be rendered, or is no header.
pub fn sign(
    signature: &RequestSignature,
    scope: &dyn Scope,
    request: Request<'_>,
    headers: &mut HeaderMap,
    (now, id): (DateTime<Utc>, &str),
) -> Result<(), Fault> {
    let render = |text: &Template| text.render(scope).map_err(fault);
    let mut put = |name: HeaderName, value: &str| -> Result<(), Fault> {
        let mut value = header(name.as_str(), value)?;
        // Of no use to another host, and none of its business.
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    };
    match signature {
        RequestSignature::Aws(aws) => {
            let token = aws.session_token.as_ref().map(render).transpose()?;
            let signer = Signer {
                access_key: &render(&aws.access_key)?,
                secret_key: &render(&aws.secret_key)?,
                session_token: token.as_deref(),
                region: &render(&aws.region)?,
                service: &render(&aws.service)?,
            };
            for (name, value) in signer.headers(request, now) {
                put(HeaderName::from_static(name), &value)?;
            }
        }
        RequestSignature::Hmac(by) => {
            let written = |parts: &[Part]| written(parts, request, now, id);
            let signature = mac(by, &render(&by.key)?, &written(&by.message));
            let prefix = String::from_utf8_lossy(&written(&by.prefix)).into_owned();
            put(by.header.clone(), &format!("{prefix}{signature}"))?;
            for (name, parts) in &by.headers {
                put(name.clone(), &String::from_utf8_lossy(&written(parts)))?;
            }
        }
    }
    Ok(())
}

/// A text of parts, for one request.
fn written(parts: &[Part], request: Request<'_>, now: DateTime<Utc>, id: &str) -> Vec<u8> {
    let mut all = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => all.extend(text.as_bytes()),
            Part::Method => all.extend(request.method.as_bytes()),
            Part::Host => all.extend(request.host.as_bytes()),
            Part::Path => all.extend(request.path.as_bytes()),
            Part::Query => all.extend(request.query.as_bytes()),
            Part::Body => all.extend(request.body),
            Part::Timestamp => all.extend(now.timestamp().to_string().as_bytes()),
            Part::Id => all.extend(id.as_bytes()),
        }
    }
    all
}

fn mac(by: &HmacSignature, key: &str, message: &[u8]) -> String {
    let hash = match by.algorithm.as_str() {
        "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "sha384" => hmac::HMAC_SHA384,
        "sha512" => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    let signed = hmac::sign(&hmac::Key::new(hash, key.as_bytes()), message);
    match by.encoding.as_str() {
        "base64" => STANDARD.encode(signed),
        "base64url" => URL_SAFE_NO_PAD.encode(signed),
        _ => hexadecimal::digits(signed),
    }
}
