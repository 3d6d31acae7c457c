//! Client credentials and signatures of AWS, as others write them, as authentication of a step.

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
    /// Signs a step as `--aws-sigv4` of curl does: `said` is `aws:amz[:REGION[:SERVICE]]`; what it leaves out, the host of the
    /// URL tells. Other providers have headers of their own, and are not carried over.
    pub fn sigv4(
        &mut self,
        step: &mut Step,
        line: Option<usize>,
        (said, url): (&str, &str),
        pair: (&str, &str),
    ) {
        let host = url.split("://").last().unwrap_or_default();
        let host = host.split(['/', ':', '?']).next().unwrap_or_default();
        let mut labels = host.split('.');
        let (service_there, region_there) = (labels.next(), labels.next());
        let mut parts = said.split(':');
        let is_known = parts.next() == Some("aws") && parts.next() == Some("amz");
        let (region, service) = (
            parts.next().or(region_there),
            parts.next().or(service_there),
        );
        let (true, Some(region), Some(service)) = (is_known, region, service) else {
            self.leave(step, line, format!("the signature `{said}`"));
            return;
        };
        let key = match pair.1.contains("${") {
            true => pair.1.to_owned(),
            false => format!("${{{}}}", self.secret_of("AWS_SECRET_KEY", pair.1)),
        };
        let aws = json!({ "access_key": pair.0, "region": region, "service": service, "secret_key": key });
        step.say("auth", json!({ "aws": aws }));
    }

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
