//! Client credentials, as others write them, as authentication of a step.

use super::draft::{Draft, Step};
use serde_json::{Value, json};

/// Client credentials, as others write them.
#[derive(Debug, Default)]
pub struct ClientCredentials<'a> {
    /// Where tokens are given out.
    pub token_url: &'a str,
    /// Who asks.
    pub id: &'a str,
    /// What shows it.
    pub secret: &'a str,
    /// What the token is to be good for.
    pub scopes: Vec<String>,
    /// Further parameters.
    pub params: serde_json::Map<String, Value>,
    /// Whether both stand in the body.
    pub in_body: bool,
}

impl Draft {
    /// Who asks for a token: where, the name of who asks, what it is for, and further parameters. What shows who asks becomes a
    /// secret unless it is a template; all others are templates already.
    pub fn client_credentials(&mut self, step: &mut Step, about: ClientCredentials<'_>) {
        let secret = match about.secret.contains("${") {
            true => about.secret.to_owned(),
            false => format!("${{{}}}", self.secret_of("CLIENT_SECRET", about.secret)),
        };
        let mut oauth2 = json!({
            "token_url": about.token_url, "client_id": about.id, "client_secret": secret,
        });
        if !about.scopes.is_empty() {
            oauth2["scopes"] = json!(about.scopes);
        }
        if !about.params.is_empty() {
            oauth2["params"] = Value::Object(about.params);
        }
        if about.in_body {
            oauth2["style"] = json!("body");
        }
        step.say("auth", json!({ "oauth2": oauth2 }));
    }
}
