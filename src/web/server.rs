//! Routes, and who may use them.
//!
//! Where tokens are configured, looking needs one, too; what is open all the same is said in [`is_open`]. Without
//! one, looking is open to whoever reaches the port, and what changes anything is only taken from this machine,
//! and never from a page of another site that a browser on this machine happens to show.

use super::pages::{
    docs, events, gate, home, incidents, lists, orders, probe, refused, slos, status,
};
use super::pictures;
use super::problem::Problem;
use super::site::Site;
use super::{
    alerts, api, assets, audit, heartbeats, inbound, inbound_vendors, live, log_in, modules,
    openapi, openid,
};
use crate::net::form::pair;
use crate::project::access::Role;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{delete, get, post};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::net::SocketAddr;

/// Pages, which are looked at.
fn pages() -> Router<Site> {
    Router::new()
        .route("/", get(home::home))
        .route("/gates", get(lists::gates))
        .route("/gates/{id}", get(gate::gate))
        .route("/runs", get(lists::runs))
        .route("/runs/{id}", get(lists::run))
        .route("/probes/{name}", get(probe::probe))
        .route("/slos", get(slos::slos))
        .route("/alerts", get(incidents::alerts))
        .route("/incidents/{id}", get(incidents::incident))
        .route("/events", get(events::events))
        .route("/docs", get(docs::index))
        .route("/docs/{name}", get(docs::page))
}

/// What people order on pages.
fn orders() -> Router<Site> {
    Router::new()
        .route("/gates/{id}/{order}", post(orders::ordered))
        .route("/probes/{name}/run", post(probe::run_on_page))
        .route(
            "/incidents/{id}/acknowledge",
            post(incidents::acknowledge_on_page),
        )
        .route("/incidents/{id}/silence", post(incidents::silence_on_page))
        .route("/login", get(log_in::page).post(log_in::log_in))
        .route("/login/openid", get(openid::begin))
        .route("/login/callback", get(openid::back))
        .route("/logout", post(log_in::log_out))
        .route("/assets/{name}", get(assets::asset))
}

/// All routes.
pub fn routes(site: Site) -> Router {
    let look = pages()
        .layer(axum::middleware::from_fn_with_state(site.clone(), guarded))
        .with_state(site.clone());
    Router::new()
        .merge(pages())
        .merge(orders())
        .route("/live", get(live::live))
        .route("/status/{name}", get(status::status))
        .route("/status/{name}/{badge}", get(status::badge))
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
        .route("/api/v1/audit", get(events::audit))
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
        .route("/pictures/{sha256}", get(pictures::picture))
        .route("/api/v1/reload", post(api::reload))
        .route("/api/v1/openapi.json", get(openapi::served))
        .route("/hooks/{gate}", post(inbound::webhook))
        .fallback(|| async {
            Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address")
        })
        .layer(DefaultBodyLimit::max(crate::limits::INBOUND_BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn(to_the_end))
        .layer(axum::middleware::from_fn(explained))
        .layer(axum::middleware::from_fn_with_state(
            site.clone(),
            audit::audited,
        ))
        .layer(axum::Extension(live::Lives::new(look)))
        .layer(axum::middleware::from_fn_with_state(site.clone(), guarded))
        .with_state(site)
}

/// What a page of ours may do in a browser: show itself.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What is open to whoever reaches the port, though tokens exist: whether the daemon lives, the way in, and what
/// has signatures or tokens of its own.
fn is_open(path: &str, opens_metrics: bool) -> bool {
    let begins = [
        "/login/",
        "/assets/",
        "/status/",
        "/hooks/",
        "/flagger/",
        "/api/v1/heartbeats/",
    ];
    matches!(
        path,
        "/healthz" | "/readyz" | "/login" | "/logout" | "/probe"
    ) || path == "/metrics" && opens_metrics
        || begins.iter().any(|start| path.starts_with(start))
}

/// Answers only who names us, where only this machine reaches the port; and tells browsers what our
/// pages may do.
async fn guarded(State(site): State<Site>, request: Request, next: Next) -> Response {
    let project = site.current.get();
    let public = project.file.public_url.as_deref();
    if site.loopback && !super::local::is_named(request.headers(), public) {
        let detail = "this address is not known here: use `localhost`, or set `server.public_url`";
        return Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response();
    }
    let headers = request.headers().clone();
    let path = request.uri().path().to_owned();
    let mut response = match site.has_tokens() && !is_open(&path, project.file.opens_metrics) {
        true => match site.caller(&headers, Role::Read) {
            Ok(_) => next.run(request).await,
            Err(problem) => turned_away(&headers, &request, problem),
        },
        false => next.run(request).await,
    };
    if refused::wants_page(&headers) && !path.starts_with("/api/") && is_problem(&response) {
        response = for_people(&site, &headers, response).await;
    }
    for (name, value) in [
        (http::header::CONTENT_SECURITY_POLICY, POLICY),
        (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (http::header::REFERRER_POLICY, "same-origin"),
        (http::header::CACHE_CONTROL, "no-store"),
    ] {
        let value = http::HeaderValue::from_static(value);
        // What may be kept by whoever asked says so itself.
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// Whoever may not look: a browser is led to where people log in.
fn turned_away(headers: &HeaderMap, request: &Request, problem: Problem) -> Response {
    let is_look = request.method() == Method::GET;
    if is_look && refused::wants_page(headers) && problem.status == StatusCode::UNAUTHORIZED {
        let to = request.uri().path_and_query().map_or("/", |to| to.as_str());
        return Redirect::to(&format!("/login?{}", pair("to", to))).into_response();
    }
    let challenge = (problem.status == StatusCode::UNAUTHORIZED).then(|| {
        [(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"bellwether\""),
        )]
    });
    match challenge {
        Some(challenge) => (challenge, problem).into_response(),
        None => problem.into_response(),
    }
}

/// What the framework says of a request that no operation understands, as a problem.
async fn explained(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    let status = response.status();
    if !is_api || !(status.is_client_error() || status.is_server_error()) || is_problem(&response) {
        return response;
    }
    let allowed = response.headers().get(http::header::ALLOW).cloned();
    let body = axum::body::to_bytes(response.into_body(), crate::limits::INBOUND_BODY_BYTES_MAX);
    let said = body.await.unwrap_or_default();
    let detail = match String::from_utf8_lossy(&said).trim() {
        "" if status == StatusCode::METHOD_NOT_ALLOWED => {
            "this address has no such method".to_owned()
        }
        "" => "the request is not understood".to_owned(),
        said => said.to_owned(),
    };
    let mut response = Problem::new(status, detail).into_response();
    if let Some(allowed) = allowed {
        response.headers_mut().insert(http::header::ALLOW, allowed);
    }
    response
}

fn is_problem(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind == "application/problem+json")
}

/// The same error as a page.
async fn for_people(site: &Site, headers: &HeaderMap, response: Response) -> Response {
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), crate::limits::INBOUND_BODY_BYTES_MAX);
    let body: serde_json::Value = match body.await {
        Ok(body) => serde_json::from_slice(&body).unwrap_or_default(),
        Err(_) => serde_json::Value::Null,
    };
    let detail = body["detail"].as_str().unwrap_or("it cannot be said why");
    refused::page(&site.viewer(headers), status, detail)
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
