//! How a script speaks TLS: `tlsVersion`, `tlsCipherSuites` and `tlsAuth`.
//!
//! Pure: reads options of k6. Invariant: no mistake shows a key.

use super::options::Fields;
use crate::net::tls_terms::{Own, Terms};
use serde_json::{Map, Value};

/// Names of versions as k6 has them, the oldest first.
const VERSIONS: [&str; 5] = ["ssl3.0", "tls1.0", "tls1.1", "tls1.2", "tls1.3"];

/// Reads them.
pub(super) fn terms(fields: &mut Fields<'_>) -> Terms {
    let mut terms = Terms::default();
    if let Some((older, newer)) = versions(fields) {
        match terms.clone().speaking(older, newer) {
            Ok(narrower) => terms = narrower,
            Err(why) => fields.wrong("tlsVersion", &why),
        }
    }
    if let Some(names) = fields.strings("tlsCipherSuites") {
        match terms.clone().with_ciphers(&names) {
            Ok(narrower) => terms = narrower,
            Err(why) => fields.wrong("tlsCipherSuites", &why),
        }
    }
    for (place, value) in fields.list("tlsAuth").into_iter().flatten().enumerate() {
        match certificate(value) {
            Ok((hosts, own)) => terms = terms.showing(hosts, own),
            Err(why) => fields.wrong(&format!("tlsAuth[{place}]"), &why),
        }
    }
    terms
}

/// Takes keys and passwords out of options that are shown.
pub fn hide_keys(options: &mut Map<String, Value>) {
    let all = options.get_mut("tlsAuth").and_then(Value::as_array_mut);
    for one in all.into_iter().flatten().filter_map(Value::as_object_mut) {
        for key in ["key", "password"] {
            if let Some(value) = one.get_mut(key) {
                *value = "(not shown)".into();
            }
        }
    }
}

/// Whether TLS 1.2 and TLS 1.3 are spoken, if anything is said.
fn versions(fields: &mut Fields<'_>) -> Option<(bool, bool)> {
    let place = |value: Option<&Value>, default: usize| match value {
        None | Some(Value::Null) => Some(default),
        Some(value) => {
            let name = value.as_str()?;
            VERSIONS.iter().position(|known| *known == name)
        }
    };
    let (least, most) = match fields.value("tlsVersion")? {
        Value::Object(map) => (place(map.get("min"), 0), place(map.get("max"), 4)),
        one => (place(Some(one), 0), place(Some(one), 0)),
    };
    let (Some(least), Some(most)) = (least, most) else {
        let known: Vec<String> = VERSIONS.iter().map(|name| format!("`{name}`")).collect();
        let reason = format!(
            "expected one of {}, or an object with `min` and `max` of them",
            known.join(", ")
        );
        fields.wrong("tlsVersion", &reason);
        return None;
    };
    let spoken = |version: usize| (least..=most).contains(&version);
    Some((spoken(3), spoken(4)))
}

/// A certificate with its key, and the hosts that it is for.
fn certificate(value: &Value) -> Result<(Vec<String>, Own), String> {
    let text = |key: &str| match value.get(key) {
        Some(Value::String(text)) => Ok(text.as_str()),
        _ => Err(format!(
            "expected `{key}` as a text in PEM, such as what `open()` gives"
        )),
    };
    let is_given = |key: &str| {
        value
            .get(key)
            .is_some_and(|value| !value.is_null() && value != "")
    };
    if is_given("password") {
        return Err(
            "keys with a password are not supported: give it without one, as a secret".to_owned(),
        );
    }
    let hosts = match value.get("domains") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            let names = list.iter().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        }
        Some(_) => return Err("expected `domains` as an array of names".to_owned()),
    };
    Ok((hosts, Own::parse(text("cert")?, text("key")?)?))
}
