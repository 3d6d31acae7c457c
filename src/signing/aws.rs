//! Signatures of AWS, version 4, in a header (AWS General Reference, "Create a signed AWS API request").
//!
//! Pure: the time is handed in. Invariant: what is signed is what is sent.

use crate::hexadecimal;
use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::hmac;

/// What needs no escape (RFC 3986, section 2.3).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same in a path.
const PATH: &AsciiSet = &PLAIN.remove(b'/');

/// Who signs, and for what.
pub struct Signer<'a> {
    /// The name of the key.
    pub access_key: &'a str,
    /// The key.
    pub secret_key: &'a str,
    /// What goes with a key that is lent for a while.
    pub session_token: Option<&'a str>,
    /// A region, such as `eu-central-1`.
    pub region: &'a str,
    /// A service, such as `execute-api` or `s3`.
    pub service: &'a str,
}

/// A request as it goes on the wire.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a str,
    /// Host, with its port where that is not the usual one.
    pub host: &'a str,
    /// Path, escaped.
    pub path: &'a str,
    /// What stands after `?`, escaped.
    pub query: &'a str,
    /// Its body.
    pub body: &'a [u8],
}

impl Signer<'_> {
    /// Headers that a request needs beside its own, `authorization` among them.
    pub fn headers(&self, request: Request<'_>, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
        let (date, time) = (
            now.format("%Y%m%d").to_string(),
            now.format("%Y%m%dT%H%M%SZ").to_string(),
        );
        let payload = hexadecimal::sha256(request.body);
        let mut headers = Vec::new();
        if self.service == "s3" {
            headers.push(("x-amz-content-sha256", payload.clone()));
        }
        headers.push(("x-amz-date", time.clone()));
        if let Some(token) = self.session_token {
            headers.push(("x-amz-security-token", token.to_owned()));
        }
        let host = [("host", request.host.to_ascii_lowercase())];
        let all = || host.iter().chain(&headers);
        let lines: String = all()
            .map(|(name, value)| format!("{name}:{}\n", value.trim()))
            .collect();
        let names = all().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let canonical = format!(
            "{}\n{}\n{}\n{lines}\n{names}\n{payload}",
            request.method,
            self.path(request.path),
            query(request.query)
        );
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let hash = hexadecimal::sha256(&canonical);
        let message = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
        let mut key = format!("AWS4{}", self.secret_key).into_bytes();
        for part in [&date[..], self.region, self.service, "aws4_request"] {
            key = mac(&key, part);
        }
        let signature = hexadecimal::digits(mac(&key, &message));
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.access_key
        );
        headers.push(("authorization", value));
        headers
    }

    /// A path as it is signed: S3 takes it as it is, all others without `.` and `..`, and escaped once more.
    fn path(&self, path: &str) -> String {
        let path = if path.is_empty() { "/" } else { path };
        if self.service == "s3" {
            return path.to_owned();
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        let end = if path.ends_with('/') && !parts.is_empty() {
            "/"
        } else {
            ""
        };
        let plain = format!("/{}{end}", parts.join("/"));
        utf8_percent_encode(&plain, PATH).to_string()
    }
}

/// What stands after `?`, in order, and escaped as AWS does.
fn query(query: &str) -> String {
    let escaped = |text: &str| {
        let text = percent_decode_str(text).collect::<Vec<u8>>();
        percent_encoding::percent_encode(&text, PLAIN).to_string()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (escaped(name), escaped(value))
        })
        .collect();
    pairs.sort();
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_signed_as_aws_signs_them() {
        // The first three are of AWS's own test suite, the others what botocore 1.40 computes.
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        let signer = |service, session_token| Signer {
            access_key: "AKIDEXAMPLE",
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            session_token,
            region: "us-east-1",
            service,
        };
        let cases: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/cases/signing/aws.json")).unwrap();
        for case in cases.as_array().unwrap() {
            let text = |name: &str| case[name].as_str().unwrap_or_default();
            let request = Request {
                method: text("method"),
                host: text("host"),
                path: text("path"),
                query: text("query"),
                body: text("body").as_bytes(),
            };
            let signer = signer(text("service"), case["token"].as_str());
            let headers = signer.headers(request, now);
            let value = &headers.last().unwrap().1;
            assert!(
                value.ends_with(&format!("Signature={}", text("signature"))),
                "{case}\n{value}"
            );
        }
    }
}
