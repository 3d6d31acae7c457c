//! Pushes metrics to whoever is configured: the same that would be scraped.
//!
//! What could not be pushed is not kept: counters tell the same later, and a receiver that is away must not fill
//! the memory. It is said, as a trouble of our own.

use crate::clock::now_ms;
use crate::delivery::means::Means;
use crate::incident::own::Noted;
use crate::net::client::{bearer, send};
use crate::project::current::Current;
use crate::project::pushing::{Protocol, Push};
use crate::telemetry::format::Format;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::remote_write::Pushed;
use crate::telemetry::samples::Samples;
use crate::telemetry::{otlp, samples};
use bytes::Bytes;
use http::Method;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;

/// Time for one request.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Between two looks for what is due.
const LOOK: Duration = Duration::from_millis(500);
/// The version of remote write.
const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");

/// What is known of one receiver.
#[derive(Debug, Default)]
struct Known {
    last: Option<Instant>,
    failure: Option<String>,
}

/// Pushes for ever; to be aborted at the end.
pub(super) async fn push(
    current: Arc<Current>,
    means: Arc<RwLock<Arc<Means>>>,
    metrics: Arc<Metrics>,
    trouble: Noted,
) {
    let started_ms = now_ms();
    let mut pushed = Pushed::default();
    let mut all: BTreeMap<&'static str, Known> = BTreeMap::new();
    loop {
        let project = current.get();
        let receivers = &project.file.pushes;
        all.retain(|word, _| receivers.iter().any(|it| it.protocol.word() == *word));
        for receiver in receivers {
            let known = all.entry(receiver.protocol.word()).or_default();
            if known
                .last
                .is_some_and(|last| last.elapsed() < receiver.every)
            {
                continue;
            }
            known.last = Some(Instant::now());
            let means = means.read().unwrap_or_else(PoisonError::into_inner).clone();
            let families = families(&metrics).await;
            let sent = match receiver.protocol {
                Protocol::Otlp => otlp(receiver, &means, &families, started_ms).await,
                Protocol::RemoteWrite => {
                    remote_write(receiver, &means, &families, &mut pushed).await
                }
            };
            known.failure = sent.err().map(|reason| means.redactor().clean(&reason));
            if let Some(reason) = &known.failure {
                tracing::warn!(reason, "Metrics could not be pushed");
            }
        }
        let failures = all.values().filter_map(|known| known.failure.as_deref());
        let failures: Vec<&str> = failures.collect();
        trouble.set((!failures.is_empty()).then(|| failures.join("; ")));
        tokio::time::sleep(LOOK).await;
    }
}

/// All that would be scraped now.
async fn families(metrics: &Metrics) -> Vec<Samples> {
    let mut text = Vec::new();
    for part in metrics.parts(Format::Text) {
        text.extend_from_slice(&part);
        // Many probes are many parts: others get their turn between them.
        tokio::task::yield_now().await;
    }
    samples::families(&String::from_utf8_lossy(&text))
}

async fn otlp(
    receiver: &Push,
    means: &Means,
    families: &[Samples],
    started_ms: i64,
) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = otlp::request(families, &receiver.labels, started_ms, now_ms());
    one(receiver, means, body.to_string().into_bytes(), headers).await
}

async fn remote_write(
    receiver: &Push,
    means: &Means,
    families: &[Samples],
    pushed: &mut Pushed,
) -> Result<(), String> {
    let mut headers = HeaderMap::new();
    let kind = HeaderValue::from_static("application/x-protobuf");
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
    headers.insert(VERSION, HeaderValue::from_static("0.1.0"));
    let pushing = pushed.requests(families, &receiver.labels, now_ms());
    for request in &pushing.requests {
        let body = snap::raw::Encoder::new().compress_vec(request);
        let body = body.map_err(|error| format!("it cannot be compressed: {error}"))?;
        one(receiver, means, body, headers.clone()).await?;
    }
    // What ended is ended only once that has arrived.
    pushed.arrived(pushing);
    Ok(())
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
        let value = bearer(means.fill(token, &none)?.expose())?;
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
