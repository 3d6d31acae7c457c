//! Pictures of pages, by their digests: a picture never changes, so whoever asked may keep it.

use super::problem::Problem;
use super::site::Site;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A picture that a run keeps.
pub(super) async fn picture(
    State(site): State<Site>,
    Path(sha256): Path<String>,
) -> Result<Response, Problem> {
    let found = site.store.picture(sha256).await?;
    let Some(png) = found else {
        let detail = "there is no such picture: the newest of each scenario are kept, and those of runs that failed";
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (
            header::CACHE_CONTROL,
            "private, max-age=31536000, immutable",
        ),
    ];
    Ok((headers, png).into_response())
}
