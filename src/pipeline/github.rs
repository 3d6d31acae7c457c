//! GitHub: deployment statuses and commit statuses.
//!
//! Setting the same status twice is harmless, so a repeated delivery needs no look beforehand.

use crate::config::file::Github;
use crate::gate::announce::Announcement;
use crate::gate::machine::Verdict;
use crate::net::client;
use crate::net::connect::Connector;
use crate::outbox::deliver::{Delivery, of_reply};
use crate::secret::Secret;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use std::time::Duration;

/// Longest description that GitHub takes.
const DESCRIPTION_MAX: usize = 140;

/// Sets a status once. `kind` is `deployment` or `commit`.
pub async fn send(
    connector: &Connector,
    github: &Github,
    token: &Secret,
    kind: &str,
    announcement: &Announcement,
    timeout: Duration,
) -> Delivery {
    let (path, body) = request(github, kind, announcement);
    let mut headers = HeaderMap::new();
    let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", token.expose())) else {
        return Delivery::give_up(
            "the GitHub token holds characters that no header takes".to_owned(),
        );
    };
    bearer.set_sensitive(true);
    headers.insert(http::header::AUTHORIZATION, bearer);
    headers.insert(
        http::header::ACCEPT,
        HeaderValue::from_static("application/vnd.github+json"),
    );
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(
        "x-github-api-version",
        HeaderValue::from_static("2022-11-28"),
    );
    let url = format!("{}{path}", github.api.trim_end_matches('/'));
    let result = client::send(
        connector,
        Method::POST,
        &url,
        headers,
        body.to_string().into(),
        timeout,
    )
    .await;
    of_reply("GitHub", result)
}

fn request(github: &Github, kind: &str, announcement: &Announcement) -> (String, Value) {
    let record = &announcement.record;
    let state = &record.state;
    let proof = state
        .proof
        .as_ref()
        .filter(|_| announcement.event == "proof");
    let (status, lead) = match (proof, state.verdict) {
        (Some(proof), _) if proof.proven => ("failure", "rolled back and proven"),
        (Some(_), _) => ("error", "rollback not proven"),
        (None, Some(Verdict::Promote)) => ("success", "promoted"),
        (None, Some(Verdict::Rollback)) => ("failure", "rolling back"),
        _ => ("error", "on hold"),
    };
    let reasons = proof.map_or(&state.reasons, |proof| &proof.reasons);
    let description: String = format!("{lead}: {}", reasons.join("; "))
        .chars()
        .take(DESCRIPTION_MAX)
        .collect();
    let page = announcement.page.clone().unwrap_or_default();
    if kind == "deployment" {
        let path = format!(
            "/repos/{}/deployments/{}/statuses",
            github.repository, record.facts.deployment
        );
        (
            path,
            json!({ "state": status, "description": description, "log_url": page, "environment": record.environment, "auto_inactive": status == "success" }),
        )
    } else {
        let path = format!(
            "/repos/{}/statuses/{}",
            github.repository, record.facts.commit
        );
        (
            path,
            json!({ "state": status, "description": description, "target_url": page, "context": github.context }),
        )
    }
}
