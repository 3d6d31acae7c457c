//! Routes, and who may use them.
//!
//! Reading is open to whoever reaches the port. What changes anything needs the token where one
//! is configured; without one it is only taken from this machine, and never from a page of
//! another site that a browser on this machine happens to show.

use super::problem::Problem;
use super::site::Site;
use super::{alerts, api, heartbeats, inbound, inbound_vendors, modules, pages};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use http::StatusCode;
use std::net::SocketAddr;

/// All routes.
pub fn routes(site: Site) -> Router {
    Router::new()
        .route("/", get(pages::overview))
        .route("/gates/{id}", get(pages::gate))
        .route("/probes/{name}", get(pages::probe))
        .route("/runs/{id}", get(pages::run))
        .route("/metrics", get(api::metrics))
        .route("/probe", get(modules::probe).post(modules::probe))
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
        .route("/hooks/{gate}/{source}", post(inbound_vendors::webhook))
        .route("/api/v1/gates/{id}/approve", post(api::approve))
        .route("/api/v1/gates/{id}/waive", post(api::waive))
        .route("/api/v1/gates/{id}/attest", post(api::attest))
        .route("/api/v1/gates/{id}/consent", post(api::consent))
        .route("/api/v1/rollback/{gate}", post(api::roll_back))
        .route("/api/v1/probes", get(api::probes))
        .route("/api/v1/probes/{name}", get(api::probe))
        .route("/api/v1/probes/{name}/run", post(api::run_probe))
        .route("/incidents/{id}", get(alerts::incident))
        .route(
            "/incidents/{id}/acknowledge",
            post(alerts::acknowledge_on_page),
        )
        .route("/incidents/{id}/silence", post(alerts::silence_on_page))
        .route("/api/v1/incidents", get(alerts::list))
        .route("/api/v1/incidents/{id}", get(alerts::show))
        .route(
            "/api/v1/incidents/{id}/acknowledge",
            post(alerts::acknowledge),
        )
        .route(
            "/api/v1/silences",
            get(alerts::silences).post(alerts::silence),
        )
        .route("/api/v1/silences/{id}", delete(alerts::unsilence))
        .route("/api/v1/alerts/routes", get(alerts::routes))
        .route("/api/v1/slos", get(alerts::slos))
        .route("/api/v1/heartbeats", get(heartbeats::list))
        .route(
            "/api/v1/heartbeats/{name}",
            get(heartbeats::succeeded).post(heartbeats::succeeded),
        )
        .route(
            "/api/v1/heartbeats/{name}/{what}",
            get(heartbeats::reported).post(heartbeats::reported),
        )
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
        .layer(axum::middleware::from_fn_with_state(site.clone(), guarded))
        .with_state(site)
}

/// What a page of ours may do in a browser: show itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Answers only who names us, where only this machine reaches the port; and tells browsers what our
/// pages may do.
async fn guarded(State(site): State<Site>, request: Request, next: Next) -> Response {
    let project = site.current.get();
    let public = project.file.public_url.as_deref();
    if site.loopback && !super::local::is_named(request.headers(), public) {
        let detail = "this address is not known here: use `localhost`, or set `server.public_url`";
        return Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response();
    }
    let mut response = next.run(request).await;
    for (name, value) in [
        (http::header::CONTENT_SECURITY_POLICY, POLICY),
        (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (http::header::REFERRER_POLICY, "same-origin"),
    ] {
        let value = http::HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// What was begun is brought to its end, also if the caller hangs up: a gate that is committed is
/// driven, and who ordered a rollback is obeyed.
async fn to_the_end(request: Request, next: Next) -> Response {
    tokio::spawn(next.run(request)).await.unwrap_or_else(|_| {
        let detail = "a fault of Bellwether itself: its place is in the log";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
    })
}

/// Whether an address can only be reached from this machine.
pub fn is_loopback(address: &str) -> bool {
    address
        .parse::<SocketAddr>()
        .is_ok_and(|address| address.ip().is_loopback())
}
