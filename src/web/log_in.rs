//! Logging in and out by a browser, with a token.

use super::audit;
use super::local::not_from_elsewhere;
use super::pages::frame::Frame;
use super::problem::Problem;
use super::sessions::{COOKIE, LASTS_S};
use super::site::Site;
use crate::net::form::encoded;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use maud::html;
use serde::Deserialize;
use std::time::Duration;

/// A pause after a token that nobody has.
const REFUSED_PAUSE: Duration = Duration::from_millis(500);

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct Going {
    #[serde(default)]
    to: String,
}

/// What the form brings.
#[derive(Deserialize)]
pub struct Given {
    token: String,
    #[serde(default)]
    to: String,
}

/// An address of ours, or home.
pub(super) fn ours(to: &str) -> &str {
    let is_ours = to.starts_with('/')
        && !to.starts_with("//")
        && !to.contains('\\')
        && !to.contains(char::is_control);
    if is_ours { to } else { "/" }
}

fn form(site: &Site, headers: &HeaderMap, to: &str, refused: bool) -> Html<String> {
    let viewer = site.viewer(headers);
    let frame = Frame {
        title: "Log in".to_owned(),
        at: "/login",
        is_live: false,
        viewer: &viewer,
    };
    frame.page(html! {
        h1 { "Log in" }
        @if refused { p.card.headline.bad role="alert" { "Nobody has this token." } }
        @if !viewer.has_tokens { p { "No token is configured, so there is nothing to log in to: set " code { "server.token" } " or " code { "server.tokens" } "." } }
        @else {
            @if site.current.get().file.openid.is_some() { p { a href={ "/login/openid?to=" (encoded(ours(to))) } { strong { "Log in by OpenID Connect" } } } }
            p { "With a token of " code { "server.tokens" } " or the server's own. What you may do is what the token allows." }
            form.order method="post" action="/login" {
                input type="hidden" name="to" value=(ours(to));
                label { "Token" input type="password" name="token" required autofocus autocomplete="current-password"; }
                button { "Log in" }
            }
        }
    })
}

/// `GET /login?to=/…`
pub async fn page(
    State(site): State<Site>,
    Query(going): Query<Going>,
    headers: HeaderMap,
) -> Html<String> {
    form(&site, &headers, &going.to, false)
}

/// Leads somebody on, with a session.
pub(super) fn with_cookie(site: &Site, to: &str, value: &str, lasts_s: i64) -> Response {
    let mut response = Redirect::to(ours(to)).into_response();
    if let Some(cookie) = site.cookie(COOKIE, value, lasts_s) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// `POST /login`
pub async fn log_in(
    State(site): State<Site>,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Result<Response, Problem> {
    not_from_elsewhere(&headers)?;
    match site.begin_session(given.token.trim())? {
        Some((session, name)) => {
            audit::keep(&site, name, "log in".to_owned(), StatusCode::OK).await;
            Ok(with_cookie(&site, &given.to, &session, LASTS_S))
        }
        None => {
            if let Some(order) = site.sessions.refused.refused(crate::clock::now_ms()) {
                audit::keep(&site, String::new(), order, StatusCode::UNAUTHORIZED).await;
            }
            tokio::time::sleep(REFUSED_PAUSE).await;
            let page = form(&site, &headers, &given.to, true);
            Ok((StatusCode::UNAUTHORIZED, page).into_response())
        }
    }
}

/// `POST /logout`
pub async fn log_out(State(site): State<Site>, headers: HeaderMap) -> Result<Response, Problem> {
    not_from_elsewhere(&headers)?;
    if let Some(session) = Site::cookie_of(&headers, COOKIE) {
        // Whoever has copied it has nothing.
        let now_s = crate::clock::now_ms() / 1_000;
        site.sessions.end(session, now_s + LASTS_S, now_s);
    }
    Ok(with_cookie(&site, "/", "", 0))
}

#[cfg(test)]
mod tests {
    use super::ours;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for (to, goes) in [
            ("/gates/5?a=b", "/gates/5?a=b"),
            ("//evil.test", "/"),
            ("https://evil.test", "/"),
            ("/\\evil.test", "/"),
            ("", "/"),
            ("/a\r\nb", "/"),
            ("/\t/evil.test", "/"),
            ("/\u{b}", "/"),
        ] {
            assert_eq!(ours(to), goes);
        }
    }
}
