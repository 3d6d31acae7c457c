//! One use of a vendor's adapter: its settings, and how it asks, waits and runs programs.

use crate::delivery::attempt::{Delivery, of_reply};
use crate::net::client;
use crate::net::connect::Connector;
use crate::net::program::{Invocation, run};
use crate::secret::Secret;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// One use of an adapter.
#[derive(Debug)]
pub struct Call<'a> {
    /// The settings, filled in.
    pub settings: BTreeMap<String, Secret>,
    /// Opens sockets.
    pub connector: &'a Connector,
    /// The id of the effect, the same over all attempts.
    pub key: &'a str,
    /// When the attempt is over.
    pub deadline: Instant,
}

/// What a vendor answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, where it is JSON.
    pub json: Value,
}

/// Time for a single request to a vendor.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

impl Call<'_> {
    /// A setting; empty where it is not given.
    pub fn text(&self, name: &str) -> String {
        self.settings
            .get(name)
            .map(|value| value.expose().trim().to_owned())
            .unwrap_or_default()
    }

    /// A setting, or what it is by default.
    pub fn or(&self, name: &str, default: &str) -> String {
        let text = self.text(name);
        if text.is_empty() {
            default.to_owned()
        } else {
            text
        }
    }

    /// The base URL of an API, without a slash at its end.
    pub fn api(&self, default: &str) -> String {
        self.or("api", default).trim_end_matches('/').to_owned()
    }

    /// The setting that is JSON, as an object.
    pub fn object(&self, name: &str) -> Result<Map<String, Value>, Delivery> {
        match serde_json::from_str::<Value>(&self.or(name, "{}")) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(Delivery::give_up(format!(
                "`{name}` is no JSON object; nothing was sent"
            ))),
        }
    }

    /// Settings that may not be empty: a target that is not known is no target.
    pub fn needs(&self, names: &[&str]) -> Result<(), Delivery> {
        match names.iter().find(|name| self.text(name).is_empty()) {
            Some(name) => Err(Delivery::give_up(format!(
                "`{name}` is empty; nothing was sent"
            ))),
            None => Ok(()),
        }
    }

    /// Asks a vendor. Anything but a success is an end of this attempt, except for `allowed`.
    pub async fn ask(
        &self,
        whom: &str,
        method: Method,
        url: &str,
        headers: &[(&'static str, String)],
        body: Option<Value>,
        allowed: &[u16],
    ) -> Result<Answer, Delivery> {
        let body = body.map(|body| ("application/json".to_owned(), body.to_string().into_bytes()));
        self.exchange(whom, method, url, headers, body, allowed)
            .await
    }

    /// Sends a file to a vendor: its content type, and its bytes.
    pub async fn upload(
        &self,
        whom: &str,
        url: &str,
        headers: &[(&'static str, String)],
        file: (String, Vec<u8>),
    ) -> Result<Answer, Delivery> {
        self.exchange(whom, Method::POST, url, headers, Some(file), &[])
            .await
    }

    async fn exchange(
        &self,
        whom: &str,
        method: Method,
        url: &str,
        headers: &[(&'static str, String)],
        body: Option<(String, Vec<u8>)>,
        allowed: &[u16],
    ) -> Result<Answer, Delivery> {
        let mut map = HeaderMap::new();
        map.insert("user-agent", HeaderValue::from_static("bellwether"));
        let (kind, body) = body.unwrap_or_default();
        if let Ok(kind) = HeaderValue::from_str(&kind)
            && !kind.is_empty()
        {
            map.insert("content-type", kind);
        }
        for (name, value) in headers {
            let Ok(mut value) = HeaderValue::from_str(value) else {
                return Err(Delivery::give_up(format!(
                    "the value of `{name}` holds characters that no header takes"
                )));
            };
            value.set_sensitive(true);
            map.insert(HeaderName::from_static(name), value);
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        let timeout = left.min(REQUEST_TIMEOUT).max(Duration::from_millis(100));
        let result = client::send(self.connector, method, url, map, body.into(), timeout).await;
        if let Ok(reply) = &result {
            let status = reply.status.as_u16();
            if reply.status.is_success() || allowed.contains(&status) {
                let json = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
                return Ok(Answer { status, json });
            }
        }
        Err(of_reply(whom, result))
    }

    /// Runs a vendor's program until it ends, at most to the end of the attempt; what it printed.
    pub async fn run(
        &self,
        words: &[&str],
        folder: &str,
        environment: Vec<(String, String)>,
    ) -> Result<String, Delivery> {
        let invocation = Invocation {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            folder: Some(PathBuf::from(folder)),
            environment,
            input: None,
        };
        let what = words.join(" ");
        let left = self.deadline.saturating_duration_since(Instant::now());
        match run(&invocation, left).await {
            Ok(finished) if finished.code == 0 => Ok(finished.stdout.trim().to_owned()),
            Ok(finished) => {
                let (code, said) = (finished.code, finished.stderr.trim());
                let text = format!("`{what}` ended with {code}: {said}");
                Err(Delivery::again(text, None))
            }
            Err(fault) => Err(Delivery::again(
                format!("`{what}` in `{folder}`: {fault}"),
                None,
            )),
        }
    }

    /// Waits a little before the next look; an error once the attempt is over.
    pub async fn pause(&self, whom: &str, waiting_for: &str) -> Result<(), Delivery> {
        if Instant::now() + PAUSE >= self.deadline {
            return Err(Delivery::again(
                format!(
                    "{whom} took the change, but {waiting_for} did not come within the time of the action"
                ),
                None,
            ));
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

/// Pause between looks at a vendor.
pub const PAUSE: Duration = Duration::from_millis(500);

/// `Authorization: Bearer …`
pub fn bearer(call: &Call<'_>) -> (&'static str, String) {
    ("authorization", format!("Bearer {}", call.text("token")))
}

/// What every request to GitHub says.
pub fn github_headers(call: &Call<'_>) -> [(&'static str, String); 3] {
    [
        bearer(call),
        ("accept", "application/vnd.github+json".to_owned()),
        ("x-github-api-version", "2022-11-28".to_owned()),
    ]
}

/// Text of a JSON value.
pub fn text_of<'a>(value: &'a Value, path: &str) -> &'a str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
