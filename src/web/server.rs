//! Routes, and who may use them.
//!
//! Reading is open to whoever reaches the port. What changes anything needs the token where one
//! is configured; without one it is only taken from this machine, and never from a page of
//! another site that a browser on this machine happens to show.

use super::problem::Problem;
use super::{api, inbound, inbound_vendors, pages};
use crate::delivery::means::Means;
use crate::gate::driver::Driver;
use crate::probe::prober::Prober;
use crate::project::current::Current;
use crate::secret::Secret;
use crate::store::Store;
use crate::telemetry::metrics::Metrics;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::mpsc;

/// Everything that routes may use.
#[derive(Debug, Clone)]
pub struct Site {
    /// State.
    pub store: Store,
    /// Configuration.
    pub current: Arc<Current>,
    /// Gates.
    pub driver: Arc<Driver>,
    /// Probes.
    pub prober: Arc<Prober>,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// Secrets and sockets.
    pub means: Arc<RwLock<Arc<Means>>>,
    /// Asks the daemon to reload; the answer comes back.
    pub reload: mpsc::Sender<tokio::sync::oneshot::Sender<Result<(), String>>>,
    /// Whether everything is started.
    pub ready: Arc<AtomicBool>,
    /// Whether only this machine reaches the port.
    pub loopback: bool,
}

impl Site {
    /// Secrets and sockets in force.
    pub fn means(&self) -> Arc<Means> {
        self.means
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether a request may change anything.
    pub fn may_change(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let project = self.current.get();
        let text = |name: http::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(token) = &project.file.token {
            let means = self.means();
            let wanted = means.fill(token, &BTreeMap::new()).map_err(|_| {
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the server's token cannot be made",
                )
            })?;
            let given = text(http::header::AUTHORIZATION)
                .and_then(|value| value.strip_prefix("Bearer "))
                .unwrap_or_default();
            return if is_same(given, &wanted) {
                Ok(())
            } else {
                Err(Problem::new(
                    StatusCode::UNAUTHORIZED,
                    "this needs the server's token: `Authorization: Bearer …`",
                ))
            };
        }
        if !self.loopback {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "the server has no token, so nothing can be changed over the network; set `server.token`",
            ));
        }
        if super::local::is_local(headers) {
            Ok(())
        } else {
            Err(Problem::new(
                StatusCode::FORBIDDEN,
                "this request comes from another site",
            ))
        }
    }
}

/// Whether a token is the right one; an empty one never is. Compared through their digests, so that the time taken tells
/// nothing.
pub(super) fn is_same(given: &str, wanted: &Secret) -> bool {
    let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let is_one = !wanted.expose().is_empty();
    is_one && digest(given).as_ref() == digest(wanted.expose()).as_ref()
}

/// All routes.
pub fn routes(site: Site) -> Router {
    Router::new()
        .route("/", get(pages::overview))
        .route("/gates/{id}", get(pages::gate))
        .route("/probes/{name}", get(pages::probe))
        .route("/runs/{id}", get(pages::run))
        .route("/metrics", get(api::metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(api::readyz))
        .route("/api/v1/status", get(api::status))
        .route("/api/v1/gates", get(api::gates).post(api::start_gate))
        .route("/api/v1/gates/{id}", get(api::gate))
        .route("/api/v1/gates/{id}/cancel", post(api::cancel_gate))
        .route(
            "/api/v1/gates/by-name/{gate}/verdict",
            get(inbound_vendors::verdict),
        )
        .route("/flagger/{gate}/{hook}", post(inbound_vendors::flagger))
        .route("/hooks/{gate}/github", post(inbound_vendors::github))
        .route("/hooks/{gate}/vercel", post(inbound_vendors::vercel))
        .route("/hooks/{gate}/json", post(inbound_vendors::mapped))
        .route("/api/v1/gates/{id}/approve", post(api::approve))
        .route("/api/v1/gates/{id}/waive", post(api::waive))
        .route("/api/v1/rollback/{gate}", post(api::roll_back))
        .route("/api/v1/probes", get(api::probes))
        .route("/api/v1/probes/{name}", get(api::probe))
        .route("/api/v1/probes/{name}/run", post(api::run_probe))
        .route("/api/v1/loads", get(api::loads))
        .route("/api/v1/loads/{id}", post(api::order))
        .route("/api/v1/runs/{id}", get(api::run))
        .route("/api/v1/reload", post(api::reload))
        .route("/hooks/{gate}", post(inbound::webhook))
        .fallback(|| async {
            Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address")
        })
        .layer(DefaultBodyLimit::max(crate::limits::INBOUND_BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn(to_the_end))
        .with_state(site)
}

/// What was begun is brought to its end, also if the caller hangs up: a gate that is committed is
/// driven, and who ordered a rollback is obeyed.
async fn to_the_end(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    tokio::spawn(next.run(request)).await.unwrap_or_else(|_| {
        let detail = "a fault of Bellwether itself: its place is in the log";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
    })
}

/// Serves until `stop` is over; requests that are being answered are finished.
pub async fn serve(
    listener: tokio::net::TcpListener,
    site: Site,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    use axum::serve::ListenerExt;
    let listener = listener.tap_io(|stream| {
        // A delayed acknowledgment must not hold small answers back.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, routes(site))
        .with_graceful_shutdown(stop)
        .await
}

/// Whether an address can only be reached from this machine.
pub fn is_loopback(address: &str) -> bool {
    address
        .parse::<SocketAddr>()
        .is_ok_and(|address| address.ip().is_loopback())
}
