//! Silences: what is told to nobody until a time. Pure.
//!
//! A silence matches labels; it ends by itself, and who made it and why stays. Invariant: what is
//! silenced still fires, and is told if it still does when the silence ends.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One label that must fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    /// The label.
    pub name: String,
    /// Its value; `*` stands for any characters.
    pub value: String,
    /// Whether it must not fit.
    #[serde(default)]
    pub negated: bool,
}

impl Matcher {
    /// `name=value`, `name!=value`; the value may hold `*`.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Matcher, String> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(format!("`{text}` is not `label=value`"));
        };
        let (name, negated) = match name.strip_suffix('!') {
            Some(name) => (name, true),
            None => (name, false),
        };
        if name.trim().is_empty() {
            return Err(format!("`{text}` names no label"));
        }
        Ok(Matcher {
            name: name.trim().to_owned(),
            value: value.trim().trim_matches('"').to_owned(),
            negated,
        })
    }

    fn fits(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.name).map_or("", String::as_str);
        fits(&self.value, value) != self.negated
    }

    /// As people write it.
    pub fn show(&self) -> String {
        let sign = if self.negated { "!=" } else { "=" };
        format!("{}{sign}{}", self.name, self.value)
    }
}

/// Whether a text fits a pattern with `*` in it.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(last)
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its number.
    pub id: i64,
    /// All of them must fit; there is at least one.
    pub matchers: Vec<Matcher>,
    /// From when, in milliseconds since 1970.
    pub from_ms: i64,
    /// Until when.
    pub until_ms: i64,
    /// Who made it.
    pub author: String,
    /// Why.
    pub comment: String,
}

impl Silence {
    /// Whether it is in force.
    pub fn is_active(&self, now_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&now_ms)
    }

    /// Whether it is in force and fits. One that asks for nothing fits nothing.
    pub fn covers(&self, labels: &BTreeMap<String, String>, now_ms: i64) -> bool {
        self.is_active(now_ms)
            && !self.matchers.is_empty()
            && self.matchers.iter().all(|matcher| matcher.fits(labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_covers_what_all_of_its_matchers_fit_until_it_ends() {
        let labels: BTreeMap<String, String> =
            [("probe", "api-eu-1"), ("environment", "production")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        let silence = |texts: &[&str]| Silence {
            id: 1,
            matchers: texts
                .iter()
                .map(|text| Matcher::parse(text).unwrap())
                .collect(),
            from_ms: 10,
            until_ms: 20,
            author: "ops".to_owned(),
            comment: "a move".to_owned(),
        };
        for (texts, expected) in [
            (&["probe=api-eu-1"][..], true),
            (&["probe=api-*"][..], true),
            (&["probe=*eu*"][..], true),
            (&["probe=api-*-2"][..], false),
            (&["probe=api-*", "environment=staging"][..], false),
            (&["probe=api-*", "environment!=staging"][..], true),
            (&["team=core"][..], false),
            (&["team="][..], true),
            (&[][..], false),
        ] {
            assert_eq!(silence(texts).covers(&labels, 15), expected, "{texts:?}");
            assert!(!silence(texts).covers(&labels, 20), "it has ended");
            assert!(!silence(texts).covers(&labels, 9), "it has not begun");
        }
        assert!(Matcher::parse("probe").is_err());
        assert!(Matcher::parse("=x").is_err());
    }
}
