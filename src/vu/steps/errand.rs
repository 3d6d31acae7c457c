//! What a virtual user must know before it can perform a step, and asks others for: a token, what a call looks like.
//!
//! Invariant: the time of an errand is no latency of the target, and one that fails says nothing about the target.

use crate::clock;
use crate::net::client;
use crate::net::form::{encoded, pair};
use crate::net::{ErrorClass, Fault, address};
use crate::scenario::plan::Step;
use crate::scenario::steps::action::Action;
use crate::scenario::steps::auth::{ClientCredentials, TokenFrom};
use crate::scenario::steps::http::Auth;
use crate::scenario::steps::signed::SignedToken;
use crate::signing::{self, token};
use crate::vu::request;
use crate::vu::tokens::{self, Key, Token};
use crate::vu::user::VirtualUser;
use base64::Engine as _;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Map, Value};
use std::time::Instant;

/// Whether anything may have to be known before a step.
pub fn is_due(step: &Step) -> bool {
    match &step.action {
        Action::Http(http) => matches!(http.auth, Auth::Token(_)),
        Action::Grpc(call) => call.known.is_none(),
        Action::Browser(_) => true,
        _ => false,
    }
}

impl VirtualUser {
    /// Does what must be done before a step; whether there was anything.
    pub async fn errand(&mut self, step: &Step, deadline: Instant) -> Result<bool, Fault> {
        match &step.action {
            Action::Http(http) => match &http.auth {
                Auth::Token(who) => self.token(who, deadline).await,
                _ => Ok(false),
            },
            Action::Grpc(call) => Box::pin(self.ask_for_call(step, call, deadline)).await,
            Action::Browser(_) => self.open_tab(deadline).await,
            _ => Ok(false),
        }
    }

    /// Whether a step that was refused may do better with a token that is new; it is forgotten then.
    pub async fn forget_token(&mut self, step: &Step) -> bool {
        let Action::Http(http) = &step.action else {
            return false;
        };
        let Auth::Token(who) = &http.auth else {
            return false;
        };
        let Ok(key) = self.key(who) else {
            return false;
        };
        let place = self.shared.binding.tokens.place(&key);
        let mut known = place.lock().await;
        let sent = self.bearer.as_ref().map(HeaderValue::as_bytes);
        let is_it = |known: &Token| sent == Some(bearer(known).as_bytes());
        if known.as_ref().is_some_and(is_it) {
            *known = None;
        }
        true
    }

    /// Takes the token that is shared, or asks for it.
    async fn token(&mut self, who: &TokenFrom, deadline: Instant) -> Result<bool, Fault> {
        let key = self.key(who)?;
        let place = self.shared.binding.tokens.place(&key);
        let late = |_| Fault::unknown("whoever asks for the token did not get it in time");
        let (mut known, waited) = match place.try_lock() {
            Ok(known) => (known, false),
            // Who waits for somebody else's errand is on it, too.
            Err(_) => {
                let wait = tokio::time::timeout_at(deadline.into(), place.lock());
                (wait.await.map_err(late)?, true)
            }
        };
        let is_fresh = |token: &Token| token.renew > Instant::now();
        let asked = !known.as_ref().is_some_and(is_fresh);
        if asked {
            *known = Some(match who {
                TokenFrom::Server(who) => self.fetched(who, deadline).await?,
                TokenFrom::Key(by) => self.signed(by)?,
            });
        }
        let text = known.as_ref().map(bearer).unwrap_or_default();
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| Fault::unknown("the token holds what no header can hold"))?;
        value.set_sensitive(true);
        self.bearer = Some(value);
        Ok(asked || waited)
    }

    /// What tells one token from another, without what shows who asks: whoever shows something else asks for one of its own.
    fn key(&self, who: &TokenFrom) -> Result<Key, Fault> {
        let who = match who {
            TokenFrom::Server(who) => who,
            TokenFrom::Key(by) => return self.key_of_signed(by),
        };
        let shows = [&who.token_url, &who.client_id, &who.client_secret];
        let shows = shows.into_iter().map(|text| self.render(text));
        let mut key = shows.collect::<Result<Vec<String>, Fault>>()?;
        for scope in &who.scopes {
            key.push(self.render(scope)?);
        }
        for (name, value) in &who.params {
            key.push(pair(name, &self.render(value)?));
        }
        Ok(Key::of(&key))
    }

    fn key_of_signed(&self, by: &SignedToken) -> Result<Key, Fault> {
        let named = by.key_id.iter().map(|text| self.render(text));
        let shows = [Ok(by.algorithm.name().to_owned()), self.render(&by.key)];
        let mut key = shows
            .into_iter()
            .chain(named)
            .collect::<Result<Vec<_>, _>>()?;
        key.push(Value::Object(self.claims(by)?).to_string());
        Ok(Key::of(&key))
    }

    /// What a token of ours says, without when.
    fn claims(&self, by: &SignedToken) -> Result<Map<String, Value>, Fault> {
        let scope = self.scope(None);
        let claims = by.claims.iter().map(|(name, value)| {
            let value = request::json(value, &scope)?;
            Ok((name.clone(), value))
        });
        claims.collect()
    }

    /// A token that we sign.
    fn signed(&self, by: &SignedToken) -> Result<Token, Fault> {
        let unknown = |why: String| Fault::unknown(format!("no token can be signed: {why}"));
        let now = clock::now().timestamp();
        let mut claims = self.claims(by)?;
        claims.insert("iat".to_owned(), now.into());
        let lasts = i64::try_from(by.lifetime.as_secs()).unwrap_or(i64::MAX);
        claims.insert("exp".to_owned(), now.saturating_add(lasts).into());
        let key = signing::Key::of_secret(&self.render(&by.key)?).map_err(unknown)?;
        let id = by
            .key_id
            .as_ref()
            .map(|text| self.render(text))
            .transpose()?;
        let text = token::signed(&key, by.algorithm, id.as_deref(), &claims).map_err(unknown)?;
        Ok(Token::lasting(&text, by.lifetime, Instant::now()))
    }

    async fn fetched(&self, who: &ClientCredentials, deadline: Instant) -> Result<Token, Fault> {
        let url = self.render(&who.token_url)?;
        let (id, secret) = (
            self.render(&who.client_id)?,
            self.render(&who.client_secret)?,
        );
        let mut form = vec![pair("grant_type", "client_credentials")];
        let scopes: Result<Vec<String>, Fault> =
            who.scopes.iter().map(|scope| self.render(scope)).collect();
        let scopes = scopes?.join(" ");
        if !scopes.is_empty() {
            form.push(pair("scope", &scopes));
        }
        for (name, value) in &who.params {
            form.push(pair(name, &self.render(value)?));
        }
        let mut headers = HeaderMap::new();
        let kind = "application/x-www-form-urlencoded";
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if who.in_body {
            form.push(pair("client_id", &id));
            form.push(pair("client_secret", &secret));
        } else {
            // Both are encoded as in a form first (RFC 6749, section 2.3.1).
            let pair = format!("{}:{}", encoded(&id), encoded(&secret));
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            let value = HeaderValue::from_str(&format!("Basic {pair}"));
            let mut value = value.expect("base64 is a header");
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let connector = &self.shared.binding.connector;
        let body = form.join("&").into();
        let sent = client::send(connector, Method::POST, &url, headers, body, left);
        let shown = address::without_credentials(&url);
        let unknown = |why: String| Fault::unknown(format!("no token of {shown}: {why}"));
        let reply = sent.await.map_err(|fault| match fault.class {
            ErrorClass::Template => fault,
            _ => unknown(fault.to_string()),
        })?;
        let read = tokens::read(reply.status.as_u16(), &reply.body, Instant::now());
        read.map_err(|why| unknown(self.shared.binding.redactor.clean(&why)))
    }
}

/// A token as it is sent.
fn bearer(token: &Token) -> String {
    format!("Bearer {}", token.text.expose())
}
