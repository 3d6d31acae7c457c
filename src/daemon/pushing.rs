//! Pushes metrics to whoever is configured: the same that would be scraped.
//!
//! What could not be pushed is not kept: counters tell the same later, and a receiver that is away must not fill
//! the memory. It is said, as a trouble of our own.

use crate::clock::now_ms;
use crate::delivery::means::Means;
use crate::net::client::send;
use crate::project::current::Current;
use crate::project::pushing::{Protocol, Push};
use crate::telemetry::format::Format;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::remote_write::Pushed;
use crate::telemetry::{otlp, samples};
use bytes::Bytes;
use http::Method;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;

/// Time for one request.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Between two looks for what is due.
const LOOK: Duration = Duration::from_millis(500);
/// The version of remote write.
const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");

/// What stands in the way, if anything does.
pub(super) type Trouble = Arc<Mutex<Option<String>>>;

/// Pushes for ever; to be aborted at the end.
pub(super) async fn push(
    current: Arc<Current>,
    means: Arc<RwLock<Arc<Means>>>,
    metrics: Arc<Metrics>,
    trouble: Trouble,
) {
    let started_ms = now_ms();
    let mut pushed = Pushed::default();
    let mut last: [Option<Instant>; 2] = [None, None];
    let mut failures: [Option<String>; 2] = [None, None];
    loop {
        let project = current.get();
        for (at, protocol) in [Protocol::RemoteWrite, Protocol::Otlp]
            .into_iter()
            .enumerate()
        {
            let Some(receiver) = project
                .file
                .pushes
                .iter()
                .find(|push| push.protocol == protocol)
            else {
                failures[at] = None;
                continue;
            };
            if last[at].is_some_and(|last| last.elapsed() < receiver.every) {
                continue;
            }
            last[at] = Some(Instant::now());
            let means = means.read().unwrap_or_else(PoisonError::into_inner).clone();
            let requests = written(receiver, &metrics, &mut pushed, started_ms).await;
            failures[at] = None;
            for (body, headers) in requests {
                if let Err(reason) = one(receiver, &means, body, headers).await {
                    let reason = means.redactor().clean(&reason);
                    tracing::warn!(reason, "Metrics could not be pushed");
                    failures[at] = Some(reason);
                    break;
                }
            }
        }
        let reasons: Vec<&str> = failures.iter().flatten().map(String::as_str).collect();
        let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
        *trouble.lock().unwrap_or_else(PoisonError::into_inner) = reason;
        tokio::time::sleep(LOOK).await;
    }
}

/// The bodies for a receiver, with what they are.
async fn written(
    receiver: &Push,
    metrics: &Metrics,
    pushed: &mut Pushed,
    started_ms: i64,
) -> Vec<(Vec<u8>, HeaderMap)> {
    let mut text = Vec::new();
    for part in metrics.parts(Format::Text) {
        text.extend_from_slice(&part);
        // Many probes are many parts: others get their turn between them.
        tokio::task::yield_now().await;
    }
    let families = samples::families(&String::from_utf8_lossy(&text));
    let mut headers = HeaderMap::new();
    match receiver.protocol {
        Protocol::Otlp => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let body = otlp::request(&families, &receiver.labels, started_ms, now_ms());
            vec![(body.to_string().into_bytes(), headers)]
        }
        Protocol::RemoteWrite => {
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-protobuf"),
            );
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
            headers.insert(VERSION, HeaderValue::from_static("0.1.0"));
            let requests = pushed.requests(&families, &receiver.labels, now_ms());
            let compressed = requests.into_iter().filter_map(|request| {
                // Only what is longer than four gigabytes cannot be.
                snap::raw::Encoder::new().compress_vec(&request).ok()
            });
            compressed.map(|body| (body, headers.clone())).collect()
        }
    }
}

async fn one(
    receiver: &Push,
    means: &Means,
    body: Vec<u8>,
    mut headers: HeaderMap,
) -> Result<(), String> {
    let none = BTreeMap::new();
    let url = means.fill(&receiver.url, &none)?;
    if let Some(token) = &receiver.token {
        let token = means.fill(token, &none)?;
        let value = HeaderValue::try_from(format!("Bearer {}", token.expose()));
        let mut value = value.map_err(|_| "the token cannot be a header".to_owned())?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let body = Bytes::from(body);
    let sent = send(
        &means.connector,
        Method::POST,
        url.expose(),
        headers,
        body,
        TIMEOUT,
    )
    .await;
    match sent {
        Ok(reply) if reply.status.is_success() => Ok(()),
        Ok(reply) => {
            let said: String = String::from_utf8_lossy(&reply.body)
                .chars()
                .take(200)
                .collect();
            Err(format!(
                "{} answers {}: {}",
                receiver.protocol.word(),
                reply.status,
                said.trim()
            ))
        }
        Err(fault) => Err(format!("{}: {}", receiver.protocol.word(), fault.detail)),
    }
}
