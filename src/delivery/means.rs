//! What deliveries need beside the configuration: sockets, and secrets filled into its texts.

use crate::net::connect::Connector;
use crate::scenario::expression;
use crate::scenario::scope::Scope;
use crate::scenario::template::Template;
use crate::secret::{Redactor, Secret};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What deliveries need beside the configuration.
#[derive(Debug)]
pub struct Means {
    /// Opens sockets.
    pub connector: Connector,
    /// Secrets of the configuration.
    pub secrets: BTreeMap<String, Secret>,
}

impl Means {
    /// A redactor for the secrets among them.
    pub fn redactor(&self) -> Redactor {
        Redactor::new(
            self.secrets
                .iter()
                .map(|(name, secret)| (name.clone(), secret.clone())),
        )
    }

    /// JSON with secrets and facts filled in: no value of theirs ends the text that it stands in.
    pub fn fill_json(
        &self,
        template: &Template,
        facts: &BTreeMap<String, String>,
    ) -> Result<Secret, String> {
        let facts = facts
            .iter()
            .map(|(name, value)| (name.clone(), inside_json(value)));
        let secrets = self
            .secrets
            .iter()
            .map(|(name, secret)| (name.clone(), Secret::new(inside_json(secret.expose()))));
        template
            .render(&Facts {
                facts: &facts.collect(),
                secrets: &secrets.collect(),
            })
            .map(Secret::new)
    }

    /// A text of the configuration with its secrets and facts filled in.
    pub fn fill(
        &self,
        template: &Template,
        facts: &BTreeMap<String, String>,
    ) -> Result<Secret, String> {
        template
            .render(&Facts {
                facts,
                secrets: &self.secrets,
            })
            .map(Secret::new)
    }
}

/// A text as it stands between the quotes of JSON.
fn inside_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// What texts of the configuration can see.
struct Facts<'a> {
    facts: &'a BTreeMap<String, String>,
    secrets: &'a BTreeMap<String, Secret>,
}

impl Scope for Facts<'_> {
    fn lookup(&self, name: &str) -> Option<cel::Value> {
        let text = |text: &str| cel::Value::String(Arc::new(text.to_owned()));
        match name {
            "inputs" => Some(expression::map(
                self.facts
                    .iter()
                    .map(|(name, value)| (name.clone(), text(value))),
            )),
            "secrets" => Some(expression::map(
                self.secrets
                    .iter()
                    .map(|(name, value)| (name.clone(), text(value.expose()))),
            )),
            _ => None,
        }
    }

    fn path(&self, root: &str, key: &str) -> Option<Value> {
        match root {
            "inputs" => self.facts.get(key).cloned().map(Value::String),
            "secrets" => self
                .secrets
                .get(key)
                .map(|value| Value::String(value.expose().to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tls::Settings;
    use std::time::Duration;

    #[test]
    fn no_fact_ends_the_text_of_json_that_it_stands_in() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let means = Means {
            connector: Connector::new(Settings::new(None).unwrap(), Duration::ZERO),
            secrets: BTreeMap::new(),
        };
        let text = r#"{"version": "1.0.0", "reason": "${inputs.reason}"}"#;
        let template = Template::parse(text, false).expect("a sound template");
        let reason = r#"x", "version": "0.1"#;
        let facts = [("reason".to_owned(), reason.to_owned())].into();
        let filled = means.fill_json(&template, &facts).unwrap();
        let value: Value = serde_json::from_str(filled.expose()).unwrap();
        assert_eq!(
            value,
            serde_json::json!({ "version": "1.0.0", "reason": reason })
        );
    }
}
