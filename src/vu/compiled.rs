//! An HTTP step bound to its values: what never changes is rendered and written out once.
//!
//! Inputs, secrets and services are fixed for a binding; captures, data, the virtual user and
//! chance are not. Invariant: a step gives the same request by either way, and a text that cannot
//! be rendered now is left for the moment when its failure can be shown as that of its step.

use super::guard::Shows;
use super::request::{self, authorization, body, fault, header};
use crate::net::connect::Origin;
use crate::net::message::{Fixed, Message, origin};
use crate::net::tls::Offer;
use crate::net::{Fault, address};
use crate::scenario::expression::Expression;
use crate::scenario::plan::{Reuse, Step};
use crate::scenario::scope::Scope;
use crate::scenario::steps::http::{Auth, Body, HttpRequest, HttpVersion};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::sync::Arc;

/// A compiled HTTP step. It may hold secrets, so it is not printed.
pub struct Compiled {
    /// Base URL of its service.
    pub base: Option<String>,
    /// Headers that never change.
    pub fixed: Fixed,
    /// Headers that are rendered for each request.
    pub late: Vec<Late>,
    /// The URL, if it never changes.
    pub uri: Option<Uri>,
    /// Where it goes, if that never changes.
    pub origin: Option<Arc<Origin>>,
    /// The body, if it never changes.
    pub body: Option<Bytes>,
    /// The whole request as it stands on an HTTP/1.1 wire, if none of it changes.
    pub whole: Option<Whole>,
    /// Whether checks or captures look at headers.
    pub wants_head: bool,
    /// Whether they look at the URL.
    pub wants_url: bool,
    /// What its replies are expected to show of the version.
    pub shows: Option<Arc<Shows>>,
}

/// A request on the wire.
pub struct Whole {
    /// Request line, headers and a small body.
    pub wire: Vec<u8>,
    /// Whether the body is in it.
    pub has_body: bool,
}

/// A header that is rendered for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// A header of the step, by its place there.
    Header(usize),
    /// The authentication of the step.
    Auth,
    /// A token that is not known before.
    Token,
    /// What signs the request, when all else of it is known.
    Signature,
    /// The content type that comes with a body that is rendered.
    Kind,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").finish_non_exhaustive()
    }
}

/// Compiles a step for the values of a scope that knows inputs and secrets only. `origins` are
/// those that were found before: equal ones are shared.
pub fn compile(
    step: &Step,
    http: &HttpRequest,
    base: Option<&str>,
    reuse: Reuse,
    scope: &dyn Scope,
    origins: &mut Vec<Arc<Origin>>,
) -> Compiled {
    let (mut fixed, late) = headers(step, http, scope);
    if reuse == Reuse::Never {
        // The server closes then, so that the port of ours is free again at once.
        fixed
            .entry(CONNECTION)
            .or_insert(HeaderValue::from_static("close"));
    }
    let fixed = Fixed::new(fixed);
    let steady_url = http.url.is_steady() && http.query.iter().all(|(_, value)| value.is_steady());
    let uri = steady_url
        .then(|| request::url(http, base, scope).ok())
        .flatten();
    // A path stays with its service, whatever its values are.
    let relative = http.url.start().starts_with(['/', '?']);
    let home = match (&uri, base) {
        (Some(uri), _) => Some(uri.clone()),
        (None, Some(base)) if relative => address::url(base).ok(),
        _ => None,
    };
    let origin = home
        .and_then(|uri| origin(&uri, offer(http), http.verify).ok())
        .map(|origin| shared(origin, origins));
    let body = is_steady(&http.body)
        .then(|| request::body(&http.body, scope).ok())
        .flatten()
        .map(|(body, _)| body);
    let whole = match (&uri, &body) {
        (Some(uri), Some(body)) if late.is_empty() => {
            let mut wire = Vec::new();
            let message = Message {
                method: &http.method,
                uri,
                fixed: &fixed,
                headers: &HeaderMap::new(),
                body,
            };
            let has_body = message.write(&mut wire);
            wire.shrink_to_fit();
            Some(Whole { wire, has_body })
        }
        _ => None,
    };
    let looks_at = |name: &str| expressions(step).any(|expression| expression.uses(name));
    Compiled {
        base: base.map(str::to_owned),
        fixed,
        late,
        uri,
        origin,
        body,
        whole,
        wants_head: looks_at("headers") || matches!(http.auth, Auth::Digest(..)),
        wants_url: looks_at("url"),
        shows: None,
    }
}

/// What a step offers to a server.
pub fn offer(http: &HttpRequest) -> Offer {
    match http.version {
        HttpVersion::Auto => Offer::Both,
        HttpVersion::One => Offer::One,
        HttpVersion::Two => Offer::Two,
        HttpVersion::Three => Offer::Three,
    }
}

/// The one origin that is equal to this.
fn shared(origin: Origin, origins: &mut Vec<Arc<Origin>>) -> Arc<Origin> {
    if let Some(known) = origins.iter().find(|known| ***known == origin) {
        return known.clone();
    }
    let origin = Arc::new(origin);
    origins.push(origin.clone());
    origin
}

fn expressions(step: &Step) -> impl Iterator<Item = &Expression> {
    let until = step
        .repeat
        .as_ref()
        .and_then(|repeat| repeat.until.as_ref());
    let values = step.measures.iter().chain(&step.captures);
    step.checks
        .iter()
        .chain(&step.warnings)
        .chain(values.map(|(_, expression)| expression))
        .chain(until)
}

/// Headers that never change, and the others. A header that is written replaces what the body or
/// the authentication would set; one that has several values is sent several times.
fn headers(step: &Step, http: &HttpRequest, scope: &dyn Scope) -> (HeaderMap, Vec<Late>) {
    let mut fixed = HeaderMap::new();
    let mut late = Vec::new();
    let written = |name: &HeaderName| http.headers.iter().any(|(known, _)| known == name);
    if !written(&CONTENT_TYPE) {
        match &http.body {
            Body::Json(_) => {
                fixed.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            Body::Form(_) => {
                let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
                fixed.insert(CONTENT_TYPE, kind);
            }
            // Its boundary comes with the body.
            Body::Multipart(_) => late.push(Late::Kind),
            Body::Empty | Body::Raw(_) => {}
        }
    }
    if matches!(http.auth, Auth::Signed(_)) {
        late.push(Late::Signature);
    } else if !written(&AUTHORIZATION) && matches!(http.auth, Auth::Token(_)) {
        late.push(Late::Token);
    } else if !written(&AUTHORIZATION) && !matches!(http.auth, Auth::None | Auth::Digest(..)) {
        let steady = match &http.auth {
            Auth::None | Auth::Digest(..) | Auth::Token(_) | Auth::Signed(_) => false,
            Auth::Bearer(token) => token.is_steady(),
            Auth::Basic(user, password) => user.is_steady() && password.is_steady(),
        };
        match request::authorization(&http.auth, scope) {
            Ok(Some(value)) if steady => {
                fixed.insert(AUTHORIZATION, value);
            }
            _ => late.push(Late::Auth),
        }
    }
    for (place, (name, value)) in http.headers.iter().enumerate() {
        let rendered = value
            .is_steady()
            .then(|| value.render(scope).ok())
            .flatten()
            .and_then(|text| HeaderValue::from_str(&text).ok());
        match rendered {
            Some(value) => {
                fixed.append(name.clone(), value);
            }
            None => late.push(Late::Header(place)),
        }
    }
    if step.wants_body && !written(&ACCEPT_ENCODING) {
        let ours = HeaderValue::from_static("gzip, deflate, br, zstd");
        fixed.insert(ACCEPT_ENCODING, ours);
    }
    (fixed, late)
}

fn is_steady(body: &Body) -> bool {
    match body {
        Body::Empty => true,
        Body::Raw(text) => text.is_steady(),
        Body::Json(value) => value.is_steady(),
        Body::Form(fields) => fields.iter().all(|(_, value)| value.is_steady()),
        // Each has a boundary of its own.
        Body::Multipart(_) => false,
    }
}

/// The headers of a step that are rendered for each request, and its body.
pub fn late(
    request: &HttpRequest,
    compiled: &Compiled,
    scope: &dyn Scope,
) -> Result<(HeaderMap, Bytes), Fault> {
    let mut headers = HeaderMap::new();
    let (body, kind) = match &compiled.body {
        Some(body) => (body.clone(), None),
        None => body(&request.body, scope)?,
    };
    for late in &compiled.late {
        match late {
            Late::Kind => {
                if let Some(kind) = &kind {
                    headers.insert(CONTENT_TYPE, header("content-type", kind)?);
                }
            }
            // Whoever has it puts it in.
            Late::Token | Late::Signature => {}
            Late::Auth => {
                if let Some(value) = authorization(&request.auth, scope)? {
                    headers.insert(AUTHORIZATION, value);
                }
            }
            Late::Header(place) => {
                let (name, value) = &request.headers[*place];
                let value = value.render(scope).map_err(fault)?;
                headers.append(name.clone(), header(name.as_str(), &value)?);
            }
        }
    }
    Ok((headers, body))
}
