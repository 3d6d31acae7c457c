//! Webhooks of others that start a gate: the registry of their sources, one in a file each.
//!
//! Each source signs in its own way. GitHub and Vercel sign neither a time nor an id, so a repeat is
//! told by the body that is signed, which the store remembers.
//!
//! To add one: its file with form, settings and hearing, and its line in [`SOURCES`].

use super::{from_github, from_json, from_vercel};
use crate::delivery::means::Means;
use crate::document::kind::{self, Kind};
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field};
use crate::record::gate::Facts;
use crate::scenario::reader::Reader;
use crate::scenario::template::Template;
use crate::secret::Secret;
use http::HeaderMap;
use ring::hmac;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// What a webhook comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A deploy to verify.
    Deploy(Box<Facts>),
    /// Nothing that concerns the gate, and why.
    Nothing(String),
}

/// A request that came in at `/hooks/GATE/SOURCE`.
#[derive(Debug)]
pub struct Inbound<'a> {
    /// The gate.
    pub gate: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
    /// How the addresses of our own pages begin.
    pub pages: &'a str,
    /// Fills secrets into the configured keys.
    pub means: &'a Means,
}

/// What a genuine request says.
#[derive(Debug)]
pub struct Heard {
    /// What it tells.
    pub told: Told,
    /// Ids by which a repeat is known; one that begins with `body/` is remembered for longer.
    pub ids: Vec<String>,
    /// Facts that were to be in it and could not be found, with why.
    pub lacks: Vec<String>,
}

/// Why a request is not heard.
#[derive(Debug, PartialEq, Eq)]
pub enum Deaf {
    /// What shows that it is genuine does not: this of it does not match.
    Forged(&'static str),
    /// It is genuine and cannot be understood.
    Unreadable(String),
    /// The key that would show it cannot be made.
    Keyless,
}

/// A source of webhooks, as one gate is configured for it.
pub trait Source: Debug + Send + Sync {
    /// Whether a request is genuine, and what it tells. Pure.
    fn hear(&self, inbound: &Inbound<'_>) -> Result<Heard, Deaf>;
}

/// Reads the settings of a source; the second node is the gate that they stand in.
pub type ReadSource = fn(&mut Reader<'_>, &Node, &Node) -> Option<Box<dyn Source>>;

/// All sources; the key is the last part of their address.
pub const SOURCES: &[Kind<ReadSource>] = &[from_github::KIND, from_vercel::KIND, from_json::KIND];

const QUESTIONS: &[Field] = &[field(
    "flagger",
    Shape::Bool,
    "let Flagger ask at `/flagger/GATE/{confirm-promotion,rollout,rollback}` (false)",
)];

static FIELDS: [Field; SOURCES.len() + QUESTIONS.len()] = kind::fields(&[], SOURCES, QUESTIONS);

/// The form of triggers.
pub static TRIGGERS: Object = Object {
    name: "triggers",
    called: "the triggers",
    fields: &FIELDS,
};

/// Sources by their keys.
pub type Sources = BTreeMap<&'static str, Box<dyn Source>>;

/// Reads all sources of a gate.
pub fn read(reader: &mut Reader<'_>, triggers: &Node, gate: &Node) -> Sources {
    kind::named(SOURCES, triggers)
        .into_iter()
        .filter_map(|(kind, node)| Some((kind.field.key, (kind.what)(reader, node, gate)?)))
        .collect()
}

impl Inbound<'_> {
    /// A header as text; empty where it is missing.
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(super) fn key(&self, template: &Template) -> Result<Secret, Deaf> {
        self.means
            .fill(template, &BTreeMap::new())
            .map_err(|_| Deaf::Keyless)
    }

    pub(super) fn json(&self) -> Result<Value, Deaf> {
        understood(self.header("content-type"), self.body).map_err(Deaf::Unreadable)
    }

    /// The signed body, as it is remembered.
    pub(super) fn digest(&self) -> String {
        let digest = crate::hexadecimal::sha256(self.body);
        format!("body/{}/{digest}", self.gate)
    }
}

/// JSON, as it stands or in a form: some senders put it into a field named `payload`.
fn understood(kind: &str, body: &[u8]) -> Result<Value, String> {
    let start = kind.get(..FORM.len());
    let is_form = start.is_some_and(|start| start.eq_ignore_ascii_case(FORM));
    let payload = match is_form {
        true => form_urlencoded(body, "payload").map(Cow::Owned),
        false => None,
    };
    let body = payload.unwrap_or(Cow::Borrowed(body));
    serde_json::from_slice(&body).map_err(|error| {
        let advice = match is_form {
            true => "; choose the content type `application/json` where the webhook is set up",
            false => "",
        };
        format!("the body is no JSON: {error}{advice}")
    })
}

/// The content type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// The value of a field of a form.
fn form_urlencoded(body: &[u8], name: &str) -> Option<Vec<u8>> {
    let fields = body.split(|byte| *byte == b'&');
    let mut values = fields.filter_map(|field| {
        let field = field.strip_prefix(name.as_bytes())?;
        field.strip_prefix(b"=")
    });
    let spaced: Vec<u8> = values
        .next()?
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    Some(percent_encoding::percent_decode(&spaced).collect())
}

/// Whether a body carries the HMAC of a secret, written in hexadecimal. An empty secret is known to
/// everybody.
pub(super) fn is_signed(
    algorithm: hmac::Algorithm,
    secret: &Secret,
    body: &[u8],
    hex: &str,
) -> bool {
    if secret.expose().is_empty() {
        return false;
    }
    let key = hmac::Key::new(algorithm, secret.expose().as_bytes());
    decoded(hex).is_some_and(|tag| hmac::verify(&key, body, &tag).is_ok())
}

fn decoded(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// The text at a place of a body; empty where there is none.
pub(super) fn text(body: &Value, path: &str) -> String {
    match body.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The first text that is there.
pub(super) fn first(body: &Value, paths: &[&str]) -> String {
    paths
        .iter()
        .map(|path| text(body, path))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_understood_as_it_stands_and_in_a_form() {
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        for (kind, body, expected) in [
            ("application/json", "{\"a\":\"b c\"}", Ok("b c")),
            ("", "{\"a\":\"b c\"}", Ok("b c")),
            (form, "payload=%7B%22a%22%3A%22b+c%22%7D", Ok("b c")),
            (form, "x=1&payload=%7B%22a%22%3A%22b%2Bc%22%7D", Ok("b+c")),
            (
                form,
                "x=1",
                Err("choose the content type `application/json`"),
            ),
            ("text/plain", "payload={}", Err("the body is no JSON")),
        ] {
            match (understood(kind, body.as_bytes()), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found["a"], expected, "{body}"),
                (Err(why), Err(expected)) => assert!(why.contains(expected), "{why}"),
                (found, _) => panic!("{body}: {found:?}"),
            }
        }
    }
}
