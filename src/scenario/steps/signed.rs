//! Requests that are signed, and tokens that we sign ourselves, as the language has them.
//!
//! Reads; what signs stands in `signing`, and when in `vu`.

use super::http::JsonTemplate;
use super::http_read::json;
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::{Compiler, read_duration, text};
use crate::scenario::template::Template;
use crate::signing::algorithm::{Algorithm, NAMES};
use http::HeaderName;
use std::time::Duration;

/// How long a token holds that says nothing else.
const LIFETIME: Duration = Duration::from_secs(300);

pub(super) static JWT: Object = Object {
    name: "jwt",
    called: "a token that is signed",
    fields: &[
        required(
            "key",
            Shape::Template,
            "what signs: a key in PEM or as a JSON web key, for HS256 and its like the secret",
        ),
        required("algorithm", Shape::Word(&NAMES), "how it signs"),
        field(
            "claims",
            Shape::Named(&Shape::Any),
            "what the token says, beside `iat` and `exp`",
        ),
        field("key_id", Shape::Template, "name of the key, `kid`"),
        field(
            "lifetime",
            Shape::Duration,
            "how long it holds (default 5m)",
        ),
    ],
};

pub(super) static AWS: Object = Object {
    name: "aws",
    called: "a signature of AWS",
    fields: &[
        required("access_key", Shape::Template, "name of the key"),
        required("secret_key", Shape::Template, "the key"),
        field(
            "session_token",
            Shape::Template,
            "what goes with a key that is lent for a while",
        ),
        required("region", Shape::Template, "region, such as `eu-central-1`"),
        required(
            "service",
            Shape::Template,
            "service, such as `execute-api` or `s3`",
        ),
    ],
};

pub(super) static HMAC: Object = Object {
    name: "hmac",
    called: "a signature by a shared secret",
    fields: &[
        required("key", Shape::Template, "the secret"),
        required("header", Shape::Text, "where the signature stands"),
        field(
            "algorithm",
            Shape::Word(&["sha256", "sha1", "sha384", "sha512"]),
            "hash (default sha256)",
        ),
        field(
            "encoding",
            Shape::Word(&["hex", "base64", "base64url"]),
            "how the signature is written (default hex)",
        ),
        field(
            "prefix",
            Shape::Text,
            "what stands before it, such as `sha256=`, with the same names as the message",
        ),
        field(
            "message",
            Shape::Text,
            "what is signed (default `{body}`): text with `{method}`, `{host}`, `{path}`, `{query}`, `{body}`, `{timestamp}` (seconds since 1970) and `{id}` (a random UUID)",
        ),
        field(
            "headers",
            Shape::Named(&Shape::Text),
            "headers that say what else was signed, such as `x-timestamp: \"{timestamp}\"`",
        ),
    ],
};

/// A token that we sign.
#[derive(Debug)]
pub struct SignedToken {
    /// What signs.
    pub key: Template,
    /// How.
    pub algorithm: Algorithm,
    /// What it says.
    pub claims: Vec<(String, JsonTemplate)>,
    /// The name of the key.
    pub key_id: Option<Template>,
    /// How long it holds.
    pub lifetime: Duration,
}

/// How a request is signed.
#[derive(Debug)]
pub enum RequestSignature {
    /// As AWS does.
    Aws(AwsSignature),
    /// By a shared secret.
    Hmac(HmacSignature),
}

/// Who signs for AWS.
#[derive(Debug)]
pub struct AwsSignature {
    /// Name of the key.
    pub access_key: Template,
    /// The key.
    pub secret_key: Template,
    /// What goes with one that is lent.
    pub session_token: Option<Template>,
    /// The region.
    pub region: Template,
    /// The service.
    pub service: Template,
}

/// What is signed by a shared secret, and where that stands.
#[derive(Debug)]
pub struct HmacSignature {
    /// The secret.
    pub key: Template,
    /// Its header.
    pub header: HeaderName,
    /// The hash, by its name.
    pub algorithm: String,
    /// How it is written.
    pub encoding: String,
    /// What stands before it.
    pub prefix: Vec<Part>,
    /// What is signed.
    pub message: Vec<Part>,
    /// Headers beside it.
    pub headers: Vec<(HeaderName, Vec<Part>)>,
}

/// A part of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// It stands as it is.
    Text(String),
    /// The method.
    Method,
    /// The host, with its port.
    Host,
    /// The path, as it is sent.
    Path,
    /// What stands after `?`.
    Query,
    /// The body.
    Body,
    /// Seconds since 1970.
    Timestamp,
    /// A name of this request, by chance.
    Id,
}

/// Parts by their names.
const PARTS: [(&str, Part); 7] = [
    ("{method}", Part::Method),
    ("{host}", Part::Host),
    ("{path}", Part::Path),
    ("{query}", Part::Query),
    ("{body}", Part::Body),
    ("{timestamp}", Part::Timestamp),
    ("{id}", Part::Id),
];

pub(super) fn token(compiler: &mut Compiler<'_>, node: &Node) -> Option<SignedToken> {
    let mut claims = Vec::new();
    for (name, value) in node.get("claims").map(Node::entries).unwrap_or_default() {
        if ["iat", "exp"].contains(&&name.text[..]) {
            let title = format!("`{}` is set by `lifetime`", name.text);
            compiler.error("unknown-field", title, name.span, "leave it out");
        }
        claims.push((name.text.clone(), json(compiler, value)?));
    }
    Some(SignedToken {
        key: compiler.template(node.get("key")?)?,
        algorithm: Algorithm::named(node.get("algorithm")?.as_text()?)?,
        claims,
        key_id: optional(compiler, node, "key_id")?,
        lifetime: node
            .get("lifetime")
            .and_then(read_duration)
            .unwrap_or(LIFETIME),
    })
}

pub(super) fn aws(compiler: &mut Compiler<'_>, node: &Node) -> Option<RequestSignature> {
    Some(RequestSignature::Aws(AwsSignature {
        access_key: compiler.template(node.get("access_key")?)?,
        secret_key: compiler.template(node.get("secret_key")?)?,
        session_token: optional(compiler, node, "session_token")?,
        region: compiler.template(node.get("region")?)?,
        service: compiler.template(node.get("service")?)?,
    }))
}

pub(super) fn hmac(compiler: &mut Compiler<'_>, node: &Node) -> Option<RequestSignature> {
    let word = |key: &str, usual: &str| text(node, key).unwrap_or_else(|| usual.to_owned());
    let mut headers = Vec::new();
    for (name, value) in node.get("headers").map(Node::entries).unwrap_or_default() {
        headers.push((header(compiler, name)?, parts(compiler, Some(value), "")?));
    }
    Some(RequestSignature::Hmac(HmacSignature {
        key: compiler.template(node.get("key")?)?,
        header: header(compiler, node.get("header")?)?,
        algorithm: word("algorithm", "sha256"),
        encoding: word("encoding", "hex"),
        prefix: parts(compiler, node.get("prefix"), "")?,
        message: parts(compiler, node.get("message"), "{body}")?,
        headers,
    }))
}

/// What may be left out; nothing where it is wrong.
fn optional(compiler: &mut Compiler<'_>, node: &Node, key: &str) -> Option<Option<Template>> {
    match node.get(key) {
        Some(node) => compiler.template(node).map(Some),
        None => Some(None),
    }
}

fn header(compiler: &mut Compiler<'_>, node: &Node) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(node.text.as_bytes()).ok();
    if name.is_none() {
        let title = format!("`{}` is no name of a header", node.text);
        compiler.error("bad-value", title, node.span, "such as `x-signature`");
    }
    name
}

/// A text with names of parts in braces.
fn parts(compiler: &mut Compiler<'_>, node: Option<&Node>, usual: &str) -> Option<Vec<Part>> {
    let written = node.map_or(usual, |node| &node.text);
    let mut rest = written;
    let mut parts = Vec::new();
    while let Some(open) = rest.find('{') {
        let (before, named) = rest.split_at(open);
        let known = PARTS.iter().find(|(name, _)| named.starts_with(name));
        let Some((name, part)) = known else {
            let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
            let title = format!("`{written}` names a part that there is not");
            let label = format!("expected {}", names.join(", "));
            compiler.error("bad-value", title, node?.span, &label);
            return None;
        };
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(part.clone());
        rest = &named[name.len()..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Some(parts)
}

/// The fields of `auth` that sign.
pub(super) const FIELDS: [Field; 3] = [
    field(
        "jwt",
        Shape::Object(&JWT),
        "a token that we sign ourselves (RFC 7519), renewed before it ends",
    ),
    field(
        "aws",
        Shape::Object(&AWS),
        "signed as AWS wants it (Signature Version 4)",
    ),
    field(
        "hmac",
        Shape::Object(&HMAC),
        "signed by a shared secret (RFC 2104)",
    ),
];
