//! Errors for people who look by a browser: what is wrong, and where to go from there.

use super::frame::{Frame, prose};
use crate::web::site::Viewer;
use axum::response::{IntoResponse, Response};
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use maud::html;

/// Whether whoever asks wants a page.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// What is wrong, as a page.
pub fn page(viewer: &Viewer, status: StatusCode, detail: &str) -> Response {
    let title = match status {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => "Not allowed",
        StatusCode::SERVICE_UNAVAILABLE => "Not now",
        _ => "That did not work",
    };
    let mut letters = detail.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    let sentence = format!(
        "{}{}.",
        first.unwrap_or_default(),
        letters.as_str().trim_end_matches('.')
    );
    let frame = Frame {
        title: title.to_owned(),
        at: "",
        is_live: false,
        viewer,
    };
    let page = frame.page(html! {
        div.card.headline.doubt { h1 { (title) } p { (prose(&sentence)) } }
        p { a href="/" { "Home" } " · " a href="/gates" { "Gates" } " · " a href="/alerts" { "Alerts" } }
        p.soft.small { "Status " (status.as_u16()) }
    });
    (status, page).into_response()
}
