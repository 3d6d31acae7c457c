//! Who asked for what: every order that comes over the network is kept, with what it was answered.
//!
//! Does not know what an order does. Invariant: what is kept holds no secret: neither bodies nor queries nor
//! headers are.

use super::site::Site;
use crate::clock::now_ms;
use crate::record::audit::Audited;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};

/// Letters of an address that are kept.
const ORDER_MAX: usize = 300;

/// Whether a request orders anything; jobs that report, and webhooks, have records of their own.
fn is_order(method: &Method, path: &str) -> bool {
    let others = ["/api/v1/heartbeats/", "/hooks/", "/flagger/"];
    let is_other =
        others.iter().any(|other| path.starts_with(other)) || matches!(path, "/probe" | "/login");
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) && !is_other
}

/// `POST /api/v1/gates/5/approve` as people say it: `approve gates 5`.
fn in_words(method: &Method, path: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let parts: Vec<&str> = decoded.split('/').filter(|part| !part.is_empty()).collect();
    let text = match (method.as_str(), parts.as_slice()) {
        ("DELETE", parts) => format!("end {}", parts.join(" ")),
        (_, [kind, name, order]) => format!("{order} {kind} {name}"),
        (_, ["rollback", gate]) => format!("roll back {gate}"),
        (_, ["gates"]) => "start a gate".to_owned(),
        (_, ["silences"]) => "make a silence".to_owned(),
        (_, ["logout"]) => "log out".to_owned(),
        (_, parts) => parts.join(" "),
    };
    crate::secret::start_of(&text, ORDER_MAX)
}

/// Keeps orders, whoever gave them and however they were answered.
pub async fn audited(State(site): State<Site>, request: Request, next: Next) -> Response {
    if !is_order(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    let order = in_words(request.method(), request.uri().path());
    let caller = site.viewer(request.headers()).caller;
    let is_known = caller.is_some();
    let by = caller.and_then(|caller| caller.name).unwrap_or_default();
    let response = next.run(request).await;
    let status = response.status();
    if !is_known && status == StatusCode::UNAUTHORIZED {
        // Strangers fill no disk.
        tracing::warn!(order, "Somebody without a token asked for something");
        return response;
    }
    keep(&site, by, order, status).await;
    response
}

/// Keeps an order.
pub async fn keep(site: &Site, by: String, order: String, status: StatusCode) {
    let order = Audited {
        id: 0,
        at_ms: now_ms(),
        by,
        order,
        status: status.as_u16(),
    };
    if let Err(fault) = site.store.add_order(order).await {
        tracing::error!(%fault, "An order cannot be kept in the audit log");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_told_from_looks_and_said_in_words() {
        let said = |path: &str| in_words(&Method::POST, path);
        assert_eq!(said("/api/v1/gates/5/approve"), "approve gates 5");
        assert_eq!(said("/gates/5/rollback"), "rollback gates 5");
        assert_eq!(said("/api/v1/rollback/shop"), "roll back shop");
        assert_eq!(said("/api/v1/gates"), "start a gate");
        assert_eq!(said("/api/v1/probes/a%20b/run"), "run probes a b");
        assert_eq!(
            in_words(&Method::DELETE, "/api/v1/silences/3"),
            "end silences 3"
        );
        assert!(
            is_order(&Method::POST, "/api/v1/reload")
                && is_order(&Method::DELETE, "/api/v1/silences/3")
        );
        assert!(!is_order(&Method::GET, "/") && !is_order(&Method::POST, "/hooks/shop"));
    }
}
