//! Which version a service serves, read now.

use super::secrets::environment_secrets;
use super::settings::{Environment, VersionFrom};
use crate::document::Diagnostics;
use crate::net::body::without_mark;
use crate::net::connect::Connector;
use crate::net::fault::status_class;
use crate::net::program::{self, Invocation};
use crate::net::reply::Reply;
use crate::net::{ErrorClass, Fault, client, redirect};
use crate::scenario::expression::{self, Expression};
use crate::scenario::scope::Scope;
use crate::scenario::template::{Template, plain};
use crate::secret::{Redactor, Secret};
use http::{HeaderMap, Method};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Time for one read.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Tells apart what was asked in the same millisecond.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// Bytes of a platform's answer: that of a service with some hundred instances.
const PLATFORM_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Redirects that are followed, on the hosts of the environment.
const REDIRECTS_MAX: usize = 3;

/// Why no version was seen.
#[derive(Debug)]
pub struct Unseen {
    /// What came instead.
    pub fault: Fault,
    /// Whether it says something of what is served now: a reply out of a cache, or of a limiter, does
    /// not.
    pub is_look: bool,
}

impl From<Fault> for Unseen {
    fn from(fault: Fault) -> Unseen {
        Unseen {
            is_look: fault.class != ErrorClass::RateLimited,
            fault,
        }
    }
}

/// Reads the version that a service serves.
pub async fn read(
    connector: &Connector,
    environment: &Environment,
    service: &str,
) -> Result<String, Unseen> {
    let found = environment
        .services
        .get(service)
        .and_then(|service| Some((service, service.version.as_ref()?)));
    let Some((service, source)) = found else {
        return Err(Unseen::from(Fault::new(
            ErrorClass::Template,
            format!("the environment says nowhere how `{service}` shows its version"),
        )));
    };
    let path = match &source.from {
        VersionFrom::Path(path) => path,
        platform => return asked(connector, environment, platform, &source.value).await,
    };
    let url = format!("{}{path}", service.url);
    let mut reply = fetch(connector, environment, &url).await?;
    if from_cache(reply.headers.map()).is_some() {
        // Asked in a way that no cache has an answer for.
        let mark = if url.contains('?') { '&' } else { '?' };
        let asked = format!("{}-{}", crate::clock::now_ms(), ASKED.fetch_add(1, Relaxed));
        reply = fetch(
            connector,
            environment,
            &format!("{url}{mark}bellwether={asked}"),
        )
        .await?;
    }
    if let Some(why) = from_cache(reply.headers.map()) {
        // What was served some time ago says nothing of what is served now.
        let text =
            format!("{url} was answered from a cache ({why}): that is no look at the version");
        return Err(Unseen {
            fault: Fault::new(ErrorClass::Capture, text),
            is_look: false,
        });
    }
    if !reply.status.is_success() {
        // A limiter, refused credentials or a wrong path say nothing about the product.
        let class = match reply.status.as_u16() {
            404 => ErrorClass::Capture,
            status => status_class(Some(status)).unwrap_or(ErrorClass::Status),
        };
        let text = format!("{url} answered {}", reply.status.as_u16());
        return Err(Unseen::from(Fault::new(class, text)));
    }
    let headers = reply.headers.map().clone();
    Ok(
        shown(&reply.body, headers, reply.status.as_u16(), &source.value)
            .map_err(|reason| Fault::new(ErrorClass::Capture, format!("{url} {reason}")))?,
    )
}

/// Asks a platform, which knows all instances. That it does not answer says nothing of what is served;
/// and what it says of why holds no secret of the environment.
async fn asked(
    connector: &Connector,
    environment: &Environment,
    from: &VersionFrom,
    value: &Expression,
) -> Result<String, Unseen> {
    let mut found = Diagnostics::default();
    let secrets = tokio::task::block_in_place(|| environment_secrets(environment, &mut found));
    let redactor = Redactor::new(secrets.iter().map(|(name, it)| (name.clone(), it.clone())));
    let answered = answered(connector, &SecretsScope(secrets), from, value).await;
    answered.map_err(|mut unseen| {
        unseen.fault.detail = redactor.clean(&unseen.fault.detail);
        unseen
    })
}

async fn answered(
    connector: &Connector,
    secrets: &SecretsScope,
    from: &VersionFrom,
    value: &Expression,
) -> Result<String, Unseen> {
    let unseen = |class: ErrorClass, text: String| Unseen {
        fault: Fault::new(class, text),
        is_look: false,
    };
    let unfilled = |why: String| unseen(ErrorClass::Template, why);
    let filled = |template: &Template| template.render(secrets).map_err(unfilled);
    let unknown = |text: String| unseen(ErrorClass::NoEvidence, text);
    let (what, found) = match from {
        VersionFrom::Path(path) => return Err(unknown(format!("`{path}` is no platform"))),
        VersionFrom::Command { words, folder } => {
            let words = words.iter().map(filled).collect::<Result<Vec<_>, _>>()?;
            let what = format!("`{}`", words.first().map_or("", String::as_str));
            let invocation = Invocation {
                words,
                folder: Some(folder.clone()),
                ..Invocation::default()
            };
            let finished = program::run(&invocation, READ_TIMEOUT).await;
            let finished = finished.map_err(|fault| unknown(fault.to_string()))?;
            if finished.is_cut {
                return Err(unknown(format!("{what} printed more than was looked at")));
            }
            if finished.code != 0 {
                let last = finished.stderr.trim().lines().last().unwrap_or_default();
                let code = finished.code;
                return Err(unknown(format!(
                    "{what} ended with exit code {code}: {last}"
                )));
            }
            let printed = finished.stdout.into_bytes();
            (what, shown(&printed, HeaderMap::new(), 0, value))
        }
        VersionFrom::Platform { url, bearer } => {
            // What is filled in may be a secret.
            let what = url.fixed().unwrap_or("the platform").to_owned();
            let url = filled(url)?;
            let mut headers = HeaderMap::new();
            if let Some(bearer) = bearer {
                let token = client::bearer(&filled(bearer)?).map_err(unfilled)?;
                headers.insert(http::header::AUTHORIZATION, token);
            }
            let sent = client::get(connector, &url, headers, READ_TIMEOUT, PLATFORM_BYTES_MAX);
            let reply = sent
                .await
                .map_err(|fault| unknown(format!("{what}: {fault}")))?;
            let status = reply.status.as_u16();
            if !reply.status.is_success() {
                return Err(unknown(format!("{what} answered {status}")));
            }
            let headers = reply.headers.map().clone();
            let found = shown(&reply.body, headers, status, value);
            (what, found)
        }
    };
    found.map_err(|reason| unseen(ErrorClass::Capture, format!("{what} {reason}")))
}

/// Secrets, and nothing else.
struct SecretsScope(BTreeMap<String, Secret>);

impl Scope for SecretsScope {
    fn lookup(&self, name: &str) -> Option<cel::Value> {
        let all = self.0.iter();
        let all = all.map(|(name, secret)| {
            let text = Arc::new(secret.expose().to_owned());
            (name.clone(), cel::Value::String(text))
        });
        (name == "secrets").then(|| expression::map(all))
    }

    fn path(&self, root: &str, key: &str) -> Option<Value> {
        let secret = self.0.get(key).filter(|_| root == "secrets")?;
        Some(Value::String(secret.expose().to_owned()))
    }
}

/// One exchange, and those that it leads to.
async fn fetch(
    connector: &Connector,
    environment: &Environment,
    url: &str,
) -> Result<Reply, Fault> {
    let mut url = url.to_owned();
    for _ in 0..=REDIRECTS_MAX {
        let mut headers = HeaderMap::new();
        headers.insert(
            http::header::CACHE_CONTROL,
            http::HeaderValue::from_static("no-cache"),
        );
        let reply = client::send(
            connector,
            Method::GET,
            &url,
            headers,
            bytes::Bytes::new(),
            READ_TIMEOUT,
        )
        .await?;
        let leads = url
            .parse()
            .ok()
            .and_then(|from| redirect::target(&from, &reply));
        let Some(target) = leads else {
            return Ok(reply);
        };
        let target =
            target.map_err(|why| Fault::new(ErrorClass::Capture, format!("{url}: {why}")))?;
        if !environment.is_own_host(target.host().unwrap_or_default()) {
            return Err(Fault::new(
                ErrorClass::Capture,
                format!("{url} leads to {target}, which is no host of the environment"),
            ));
        }
        url = target.to_string();
    }
    Err(Fault::new(
        ErrorClass::RedirectLoop,
        format!("{url} leads on, after {REDIRECTS_MAX} redirects"),
    ))
}

/// The version in a reply, or why there is none.
fn shown(
    body: &[u8],
    headers: HeaderMap,
    status: u16,
    value: &Expression,
) -> Result<String, String> {
    let body = without_mark(body);
    let text = String::from_utf8_lossy(body).into_owned();
    let mut scope = MessageScope {
        headers,
        json: serde_json::from_str(&as_written(&text)).ok(),
        text,
        status,
    };
    let found = value.value(&scope).or_else(|_| {
        // Who counts with a number wants one.
        scope.json = serde_json::from_slice(body).ok();
        value.value(&scope)
    });
    let value = found.map_err(|reason| format!("shows no version: {reason}"))?;
    let version = match &value {
        Value::Array(instances) => of_all(instances)?,
        value => plain(value).trim().to_owned(),
    };
    if version.is_empty() || value.is_null() {
        return Err("shows an empty version".to_owned());
    }
    Ok(version)
}

/// What all instances serve; where they differ, all of it, which is no version.
fn of_all(instances: &[Value]) -> Result<String, String> {
    let mut versions: Vec<String> = instances
        .iter()
        .map(|one| plain(one).trim().to_owned())
        .collect();
    versions.sort();
    versions.dedup();
    if versions.is_empty() || versions.iter().any(String::is_empty) {
        return Err("shows an instance without a version, or none at all".to_owned());
    }
    Ok(versions.join(" and "))
}

/// JSON with its numbers as texts: a version 1.10 is not the version 1.1.
fn as_written(json: &str) -> String {
    let mut written = String::with_capacity(json.len() + 16);
    let (mut in_text, mut escaped, mut in_number) = (false, false, false);
    for letter in json.chars() {
        let of_number = letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.' | 'e' | 'E');
        let starts = !in_text && !in_number && (letter.is_ascii_digit() || letter == '-');
        if starts || in_number && !of_number {
            written.push('"');
            in_number = starts;
        }
        written.push(letter);
        if escaped {
            escaped = false;
        } else if letter == '"' {
            in_text = !in_text;
        } else {
            escaped = in_text && letter == '\\';
        }
    }
    if in_number {
        written.push('"');
    }
    written
}

/// The header that says that a reply was kept by somebody on the way, if one does: `Age` above 0
/// (RFC 9111), or `X-Cache` with a hit.
pub fn from_cache(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let age = text("age").filter(|age| age.trim().parse::<u64>().is_ok_and(|age| age > 0));
    let hit = text("x-cache").filter(|cache| cache.to_ascii_uppercase().contains("HIT"));
    age.map(|age| format!("Age: {age}"))
        .or_else(|| hit.map(|cache| format!("X-Cache: {cache}")))
}

/// A message as expressions see it.
pub struct MessageScope {
    /// Headers.
    pub headers: HeaderMap,
    /// The body, where it is JSON.
    pub json: Option<Value>,
    /// The body as text.
    pub text: String,
    /// The status of a reply; 0 of a request.
    pub status: u16,
}

impl Scope for MessageScope {
    fn lookup(&self, name: &str) -> Option<cel::Value> {
        let text = |text: &str| cel::Value::String(Arc::new(text.to_owned()));
        match name {
            "status" => Some(cel::Value::Int(i64::from(self.status))),
            "text" => Some(text(&self.text)),
            "body" => Some(
                self.json
                    .as_ref()
                    .map_or_else(|| text(&self.text), expression::from_json),
            ),
            "headers" => Some(expression::map(self.headers.iter().map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    text(&String::from_utf8_lossy(value.as_bytes())),
                )
            }))),
            _ => None,
        }
    }

    fn path(&self, _root: &str, _key: &str) -> Option<Value> {
        None
    }

    fn status(&self) -> Option<u16> {
        Some(self.status)
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    fn json(&self) -> Option<&Value> {
        self.json.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_compared_as_it_was_written() {
        for (json, wanted) in [
            (r#"{"version":1.10}"#, r#"{"version":"1.10"}"#),
            ("1.10", r#""1.10""#),
            (r#"[-1e+5,2]"#, r#"["-1e+5","2"]"#),
            (
                r#"{"a":"1.10 \" 2","b":true}"#,
                r#"{"a":"1.10 \" 2","b":true}"#,
            ),
        ] {
            assert_eq!(as_written(json), wanted);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_has_no_numbers_stays_what_it_is(text in ".*", flag in proptest::bool::ANY) {
            let json = serde_json::json!({ "text": text, "flag": flag }).to_string();
            proptest::prop_assert_eq!(as_written(&json), json);
        }
    }

    #[test]
    fn instances_that_differ_are_no_version() {
        let of = |json: &str, value: &str| {
            let value = Expression::compile(value, true).unwrap();
            shown(json.as_bytes(), HeaderMap::new(), 200, &value)
        };
        let tags = "body.map(m, m.image_ref.tag)";
        let machine = |tag: &str| format!(r#"{{"image_ref":{{"tag":"{tag}"}}}}"#);
        let all = |tags: &[&str]| {
            format!(
                "[{}]",
                tags.iter()
                    .map(|tag| machine(tag))
                    .collect::<Vec<_>>()
                    .join(",")
            )
        };
        assert_eq!(of(&all(&["1.1", "1.1"]), tags).as_deref(), Ok("1.1"));
        assert_eq!(
            of(&all(&["1.2", "1.1"]), tags).as_deref(),
            Ok("1.1 and 1.2")
        );
        assert!(of("[]", tags).is_err());
        assert!(of(&all(&["1.1", ""]), tags).is_err());
        let page = "<html><head><meta name=\"build\" content=\"1.10\"></head></html>";
        let meta = "find(text, 'name=\"build\" content=\"([^\"]+)\"')";
        assert_eq!(of(page, meta).as_deref(), Ok("1.10"));
    }

    #[test]
    fn what_a_cache_answers_is_no_look() {
        for (name, value, is_kept) in [
            ("age", "0", false),
            ("age", "17", true),
            ("age", "soon", false),
            ("x-cache", "MISS", false),
            ("x-cache", "Hit from cloudfront", true),
            ("x-cache", "MISS, HIT", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(from_cache(&headers).is_some(), is_kept, "{name}: {value}");
        }
    }
}
