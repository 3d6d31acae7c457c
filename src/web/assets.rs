//! What pages need beside themselves: a style sheet, a script, a picture. All of it is in the program.

use crate::report::chart::STYLE;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// `GET /assets/{name}`
pub async fn asset(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "bellwether.css" => ("text/css; charset=utf-8", STYLE),
        "live.js" => ("text/javascript; charset=utf-8", include_str!("live.js")),
        "icon.svg" => ("image/svg+xml", include_str!("icon.svg")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    // Another version of the program has others, under the same names.
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "max-age=300")];
    (headers, text).into_response()
}
