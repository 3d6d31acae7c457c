//! Logging in by OpenID Connect: the way there and back, with a code, a proof key and a nonce.
//!
//! Does not decide who may do what: that is in [`crate::project::openid`]. Sources: OpenID Connect Core 1.0,
//! Discovery 1.0; RFC 7636, RFC 9207. Invariant: what is not begun by the same browser within ten minutes is
//! no log-in.

use super::audit;
use super::log_in::{ours, with_cookie};
use super::problem::Problem;
use super::sessions::{LASTS_S, Person, Session};
use super::site::Site;
use crate::net::client;
use crate::net::form::{encoded, pair};
use crate::project::access::look;
use crate::project::openid::{Expected, OpenId, held};
use crate::signing::token::verified;
use crate::witness::token::claims;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Time for each question to the provider.
const WITHIN: Duration = Duration::from_secs(10);
/// How long somebody may take to log in there, in seconds.
const BEGUN_S: i64 = 600;
/// The cookie of a log-in that was begun.
const BEGUN: &str = "bellwether_login";

/// A log-in that was begun.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    state: String,
    nonce: String,
    verifier: String,
    to: String,
    until_s: i64,
}

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct Going {
    #[serde(default)]
    to: String,
}

/// What the provider sends back.
#[derive(Debug, Default, Deserialize)]
pub struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    iss: Option<String>,
}

/// Errors of OAuth and OpenID Connect (RFC 6749, sections 4.1.2.1 and 5.2; OpenID Connect Core, section 3.1.2.6).
const REGISTERED: [&str; 14] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "invalid_scope",
    "access_denied",
    "server_error",
    "temporarily_unavailable",
    "interaction_required",
    "login_required",
    "account_selection_required",
    "consent_required",
];

/// A place among those who log in at once.
fn place(site: &Site) -> Result<OwnedSemaphorePermit, Problem> {
    // Whoever has no credentials must not take all connections by waiting for a provider that hangs.
    site.sessions
        .asking
        .clone()
        .try_acquire_owned()
        .map_err(|_| {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many people are logging in at this moment: try again soon",
            )
        })
}

/// What the provider says of itself.
struct Provider {
    issuer: String,
    authorization: String,
    token: String,
    keys: String,
    in_body: bool,
}

fn unsound(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_GATEWAY, detail)
}

fn refused(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, detail)
}

fn chance() -> Result<String, Problem> {
    let mut bytes = [0_u8; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the system gives no random numbers",
        )
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn form(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| pair(name, value));
    pairs.collect::<Vec<_>>().join("&")
}

async fn asked(
    site: &Site,
    method: Method,
    url: &str,
    headers: HeaderMap,
    body: String,
) -> Result<Value, Problem> {
    let shown = crate::net::address::without_credentials(url);
    let means = site.means();
    let reply = client::send(
        &means.connector,
        method,
        url,
        headers,
        Bytes::from(body),
        WITHIN,
    )
    .await;
    let reply = reply.map_err(|fault| unsound(format!("OpenID Connect: {shown}: {fault}")))?;
    let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if !reply.status.is_success() {
        // Whatever else it says may be what it was sent, our secret among it.
        let said = document["error"].as_str();
        let why = said.filter(|said| REGISTERED.contains(said));
        let why = why.unwrap_or("with no error that is registered");
        return Err(unsound(format!(
            "OpenID Connect: {shown} answered {}: {why}",
            reply.status.as_u16()
        )));
    }
    Ok(document)
}

async fn provider(site: &Site, openid: &OpenId) -> Result<Provider, Problem> {
    let url = format!("{}/.well-known/openid-configuration", openid.issuer);
    let found = asked(site, Method::GET, &url, HeaderMap::new(), String::new()).await?;
    let address = |name: &str| {
        let value = found[name]
            .as_str()
            .filter(|value| crate::net::redirect::is_absolute(value));
        value
            .map(str::to_owned)
            .ok_or_else(|| unsound(format!("OpenID Connect: {url} names no `{name}`")))
    };
    let issuer = found["issuer"].as_str().unwrap_or_default();
    if issuer.trim_end_matches('/') != openid.issuer {
        return Err(unsound(format!(
            "OpenID Connect: {url} is of another issuer"
        )));
    }
    let ways = found["token_endpoint_auth_methods_supported"].as_array();
    let knows = |way: &str| ways.is_some_and(|ways| ways.iter().any(|known| known == way));
    Ok(Provider {
        issuer: issuer.to_owned(),
        authorization: address("authorization_endpoint")?,
        token: address("token_endpoint")?,
        keys: address("jwks_uri")?,
        in_body: knows("client_secret_post") && !knows("client_secret_basic"),
    })
}

/// Ourselves, as the provider knows us: who, by what, and where people come back to.
fn ourselves(site: &Site, openid: &OpenId) -> Result<(String, String, String), Problem> {
    let project = site.current.get();
    let public = project.file.public_url.clone().unwrap_or_default();
    let means = site.means();
    let filled = |template| {
        let filled = means.fill(template, &BTreeMap::new());
        filled.map_err(|_| {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "what OpenID Connect needs cannot be made",
            )
        })
    };
    let back = format!("{}/login/callback", public.trim_end_matches('/'));
    let id = filled(&openid.client_id)?.expose().to_owned();
    let secret = filled(&openid.client_secret)?.expose().to_owned();
    Ok((id, secret, back))
}

fn none() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "OpenID Connect is not configured")
}

/// `GET /login/openid?to=/…`
pub async fn begin(
    State(site): State<Site>,
    Query(going): Query<Going>,
) -> Result<Response, Problem> {
    let project = site.current.get();
    let openid = project.file.openid.as_ref().ok_or_else(none)?;
    let _place = place(&site)?;
    let provider = provider(&site, openid).await?;
    let (id, _, back) = ourselves(&site, openid)?;
    let begun = Begun {
        state: chance()?,
        nonce: chance()?,
        verifier: chance()?,
        to: ours(&going.to).to_owned(),
        until_s: crate::clock::now_ms() / 1_000 + BEGUN_S,
    };
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, begun.verifier.as_bytes()));
    let question = form(&[
        ("response_type", "code"),
        ("client_id", &id),
        ("redirect_uri", &back),
        ("scope", &openid.scopes.join(" ")),
        ("state", &begun.state),
        ("nonce", &begun.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let joined = if provider.authorization.contains('?') {
        '&'
    } else {
        '?'
    };
    let mut response =
        Redirect::to(&format!("{}{joined}{question}", provider.authorization)).into_response();
    let cookie = site.cookie(BEGUN, &site.sessions.seal(&begun), BEGUN_S);
    response
        .headers_mut()
        .extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}

/// `GET /login/callback?code=…&state=…`
pub async fn back(
    State(site): State<Site>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let project = site.current.get();
    let openid = project.file.openid.as_ref().ok_or_else(none)?;
    let now_s = crate::clock::now_ms() / 1_000;
    let cookie = Site::cookie_of(&headers, BEGUN).unwrap_or_default();
    let begun = site.sessions.open::<Begun>(cookie);
    let begun = begun.filter(|begun| begun.until_s > now_s && begun.state == back.state);
    let begun = begun
        .ok_or_else(|| refused("this log-in was not begun here, or too long ago: try again"))?;
    // It is good once.
    site.sessions.end(cookie, begun.until_s, now_s);
    if !back.error.is_empty() {
        let why = crate::secret::start_of(&back.error, 80);
        return Err(refused(format!("the provider refused: {why}")));
    }
    let _place = place(&site)?;
    let provider = provider(&site, openid).await?;
    if back.iss.as_ref().is_some_and(|iss| *iss != provider.issuer) {
        return Err(refused("the answer is of another provider"));
    }
    let (name, role) = identified(&site, openid, &provider, &begun, &back.code, now_s).await?;
    let secret = ourselves(&site, openid)?.1;
    let session = Session {
        token: site.sessions.print_of_provider(openid, &secret),
        person: Some(Person {
            name: name.clone(),
            role: role.word().to_owned(),
        }),
        until_s: now_s + LASTS_S,
        id: crate::ids::random_uuid(),
    };
    audit::keep(&site, name, "log in".to_owned(), StatusCode::OK).await;
    let mut response = with_cookie(&site, &begun.to, &site.sessions.seal(&session), LASTS_S);
    // It is used once.
    let used = site.cookie(BEGUN, "", 0);
    if let Some(used) = used {
        response.headers_mut().append(SET_COOKIE, used);
    }
    Ok(response)
}

/// Whether a token is signed by a pair of keys, and not by a secret (RFC 7518, section 3.1).
fn is_by_its_own_key(token: &str) -> bool {
    let head = token.split('.').next().unwrap_or_default();
    let head = URL_SAFE_NO_PAD.decode(head).unwrap_or_default();
    let head: Value = serde_json::from_slice(&head).unwrap_or_default();
    let algorithm = head["alg"].as_str().unwrap_or_default();
    ["RS", "PS", "ES", "Ed"]
        .iter()
        .any(|kind| algorithm.starts_with(kind))
}

/// Whether a token that is configured has this name.
fn is_of_a_token(site: &Site, name: &str) -> bool {
    let project = site.current.get();
    let mut tokens = project.file.tokens.iter();
    tokens.any(|holder| look(&holder.name) == look(name))
}

/// Who has logged in, and what they may do.
async fn identified(
    site: &Site,
    openid: &OpenId,
    provider: &Provider,
    begun: &Begun,
    code: &str,
    now_s: i64,
) -> Result<(String, crate::project::access::Role), Problem> {
    let (id, secret, back) = ourselves(site, openid)?;
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &back),
        ("code_verifier", &begun.verifier),
    ];
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    if provider.in_body {
        pairs.extend([
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
        ]);
    } else {
        // Both are encoded as in a form first (RFC 6749, section 2.3.1).
        let both = STANDARD.encode(format!("{}:{}", encoded(&id), encoded(&secret)));
        if let Ok(mut value) = HeaderValue::from_str(&format!("Basic {both}")) {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
    }
    let given = asked(site, Method::POST, &provider.token, headers, form(&pairs)).await?;
    let token = given["id_token"]
        .as_str()
        .ok_or_else(|| unsound("OpenID Connect: no `id_token` was given"))?;
    let keys = asked(
        site,
        Method::GET,
        &provider.keys,
        HeaderMap::new(),
        String::new(),
    )
    .await?;
    let not_genuine =
        |why: String| refused(format!("the token of the provider is not taken: {why}"));
    // A key that both sides know proves nothing about the other side.
    if !is_by_its_own_key(token) {
        return Err(not_genuine(
            "it is not signed by a key of the provider's own".to_owned(),
        ));
    }
    verified(token, &keys).map_err(not_genuine)?;
    let said = claims(token).map_err(not_genuine)?;
    let expected = Expected {
        issuer: &provider.issuer,
        client_id: &id,
        nonce: &begun.nonce,
        now_s,
    };
    held(&said, &expected).map_err(not_genuine)?;
    let name = openid
        .name_of(&said)
        .ok_or_else(|| refused("the provider does not say who you are"))?;
    if is_of_a_token(site, &name) {
        return Err(refused(format!(
            "`{name}` is the name of a token here: somebody else cannot have it"
        )));
    }
    match openid.role_of(&said) {
        Some(role) => Ok((name, role)),
        None => {
            audit::keep(
                site,
                name.clone(),
                "log in".to_owned(),
                StatusCode::FORBIDDEN,
            )
            .await;
            Err(refused(format!(
                "`{name}` has no role here: ask whoever keeps `server.openid.roles`"
            )))
        }
    }
}
