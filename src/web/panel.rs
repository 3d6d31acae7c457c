//! What a single run shows over HTTP while it lasts: metrics, its state, and orders for it.
//!
//! It is bound to this machine only, and takes orders only from it.

use super::loads::{Order, tell};
use super::local::is_local;
use super::problem::Problem;
use crate::load::live::{Live, LoadState};
use crate::telemetry::format::Format;
use crate::telemetry::registry::exposition;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use prometheus::Registry;
use std::sync::Arc;

/// What the routes may use.
#[derive(Debug, Clone)]
pub struct Panel {
    /// The loads of this process.
    pub live: Arc<Live>,
    /// Their metrics.
    pub registry: Registry,
}

/// Serves until `stop` is over; requests that are being answered are finished.
pub async fn serve(
    listener: tokio::net::TcpListener,
    panel: Panel,
    stop: impl Future<Output = ()>,
) {
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/api/v1/loads", get(loads))
        .route("/api/v1/loads/{id}", post(order))
        .fallback(|| async {
            Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address")
        })
        .with_state(panel);
    super::listener::serve(Arc::new(listener), routes, stop).await;
}

async fn metrics(State(panel): State<Panel>) -> impl IntoResponse {
    super::api::exposed(Format::Text, exposition(&panel.registry, Format::Text))
}

async fn loads(State(panel): State<Panel>) -> Json<Vec<LoadState>> {
    Json(panel.live.list())
}

async fn order(
    State(panel): State<Panel>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    Json(order): Json<Order>,
) -> Result<Json<LoadState>, Problem> {
    if !is_local(&headers) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "this request comes from another site",
        ));
    }
    tell(&panel.live, id, order).map(Json)
}
