//! Signed webhooks that start a gate (Standard Webhooks).
//!
//! A webhook that comes twice makes one gate; one that is too old, changed or unsigned makes none.

use super::api::LooseFacts;
use super::problem::Problem;
use super::site::Site;
use crate::clock;
use crate::delivery::signature::verify;
use crate::report::view;
use crate::scenario::template::Template;
use crate::secret::Secret;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The facts, bare or under `data`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Body {
    Wrapped { data: LooseFacts },
    Bare(LooseFacts),
}

/// The same answer for an unknown gate and for one without a webhook: an outsider learns nothing.
pub(super) fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no webhook at this address")
}

/// The key of a webhook.
pub fn secret(site: &Site, template: &Template) -> Result<Secret, Problem> {
    let filled = site.means().fill(template, &BTreeMap::new());
    filled.map_err(|_| keyless())
}

/// The key that would show that a webhook is genuine cannot be made.
pub(super) fn keyless() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the webhook's key cannot be made",
    )
}

/// A header as text; empty where it is missing.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// `POST /hooks/{gate}`
pub async fn webhook(
    State(site): State<Site>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<impl IntoResponse, Problem> {
    let project = site.current.get();
    let key = project
        .file
        .gate(&name)
        .and_then(|gate| gate.webhook.as_ref());
    let secret = secret(&site, key.ok_or_else(unknown)?)?;
    let text = |name: &str| header(&headers, name);
    let id = text("webhook-id").to_owned();
    let now = clock::now().timestamp();
    if let Err(reason) = verify(
        &secret,
        &id,
        text("webhook-timestamp"),
        text("webhook-signature"),
        &body,
        now,
    ) {
        tracing::warn!(gate = name, reason, "Webhook refused");
        return Err(Problem::new(StatusCode::UNAUTHORIZED, reason));
    }
    let body: Body = serde_json::from_slice(&body).map_err(|_| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the body holds no `version`, neither at the top nor under `data`",
        )
    })?;
    let (Body::Wrapped { data: facts } | Body::Bare(facts)) = body;
    let (record, new) = site
        .driver
        .start(&name, facts.into(), vec![format!("hook/{name}/{id}")])
        .await?;
    let status = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(view::gate(&record))))
}
