//! The shop: an API with health, version, login and catalogue; console pages; billing with
//! invoices and a PDF that has an ETag. Each version behaves as its deploy says.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How a version behaves.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Deploy {
    /// Its name.
    pub version: String,
    /// Milliseconds that every `slow_every`-th catalogue request takes longer.
    pub slow_ms: u64,
    /// Which catalogue requests are slow: every n-th; 0 for none.
    pub slow_every: u64,
    /// Which catalogue requests fail: every n-th; 0 for none.
    pub fail_every: u64,
    /// Whether the console's dashboard is a blank page that answers 200.
    pub blank: bool,
    /// Whether it refuses everybody's credentials.
    pub refuses: bool,
    /// The version of instances that were not reached.
    pub left: String,
    /// Which questions they answer: every n-th; 0 for none.
    pub left_every: u64,
}

impl Deploy {
    /// A version without faults.
    pub fn healthy(version: &str) -> Deploy {
        Deploy {
            version: version.to_owned(),
            ..Deploy::default()
        }
    }
}

/// What the shop keeps.
#[derive(Debug)]
struct Inner {
    deploy: Deploy,
    /// Ignores orders to roll back.
    stuck: bool,
    /// Which instances orders to roll back do not reach: every n-th; 0 for none.
    unreached_every: u64,
    /// How long the platform takes to roll back.
    rolls_back_in: Duration,
    /// Orders to roll back that came: version asked for.
    rollbacks: Vec<String>,
}

/// A running shop.
#[derive(Debug, Clone)]
pub struct Shop {
    inner: Arc<Mutex<Inner>>,
    count: Arc<AtomicU64>,
    shown: Arc<AtomicU64>,
    /// The address that it listens on.
    pub address: SocketAddr,
}

/// The token that login gives.
const TOKEN: &str = "demo-session-4711";
const PDF: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";
const LOGIN: &str = include_str!("login.html");
const DASHBOARD: &str = include_str!("dashboard.html");
const BLANK: &str = "<!doctype html><html lang=en><title>Dashboard</title><link rel=icon href=\"data:,\"><div id=root></div><script>root.render(undefined.items)</script>";
const ETAG: &str = "\"invoice-00123-v1\"";

impl Shop {
    /// Starts a shop on a port of its own.
    pub async fn start(deploy: Deploy) -> std::io::Result<Shop> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let shop = Shop {
            inner: Arc::new(Mutex::new(Inner {
                deploy,
                stuck: false,
                unreached_every: 0,
                rolls_back_in: Duration::ZERO,
                rollbacks: Vec::new(),
            })),
            count: Arc::new(AtomicU64::new(0)),
            shown: Arc::new(AtomicU64::new(0)),
            address: listener.local_addr()?,
        };
        let routes = shop.routes();
        tokio::spawn(async move {
            use axum::serve::ListenerExt;
            let listener = listener.tap_io(|stream| {
                // A delayed acknowledgment would look like a slow shop.
                let _ = stream.set_nodelay(true);
            });
            // The listener never fails for good; the demo ends with the process.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(shop)
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deploys a version.
    pub fn deploy(&self, deploy: Deploy) {
        self.inner().deploy = deploy;
    }

    /// From now on, orders to roll back are ignored, or no longer.
    pub fn set_stuck(&self, stuck: bool) {
        self.inner().stuck = stuck;
    }

    /// From now on, the platform takes so long to roll back.
    pub fn set_rolls_back_in(&self, time: Duration) {
        self.inner().rolls_back_in = time;
    }

    /// From now on, orders to roll back do not reach every n-th instance.
    pub fn set_unreached(&self, every: u64) {
        self.inner().unreached_every = every;
    }

    /// The version of the instance that answers next.
    fn answers(&self) -> String {
        let number = self.shown.fetch_add(1, Relaxed) + 1;
        let deploy = &self.inner().deploy;
        let is_left = deploy.left_every > 0 && number.is_multiple_of(deploy.left_every);
        if is_left {
            &deploy.left
        } else {
            &deploy.version
        }
        .clone()
    }

    /// Questions for the catalogue that came so far.
    pub fn requests(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// Orders to roll back that came.
    pub fn rollbacks(&self) -> Vec<String> {
        self.inner().rollbacks.clone()
    }

    fn routes(&self) -> Router {
        Router::new()
            .route("/health", get(health))
            .route("/version", get(version))
            .route("/api/login", post(login))
            .route("/api/catalogue", get(catalogue))
            .route("/", get(home))
            .route("/console/login", get(console_login))
            .route("/console/dashboard", get(dashboard))
            .route("/billing/invoices", get(invoices))
            .route("/billing/invoices/{id}/pdf", get(pdf))
            .route("/admin/deploy", post(admin_deploy))
            .route("/admin/promote/{version}", post(admin_promote))
            .route("/admin/rollback/{version}", post(admin_rollback))
            .with_state(self.clone())
    }
}

async fn health(State(shop): State<Shop>) -> Response {
    let version = shop.inner().deploy.version.clone();
    axum::Json(json!({
        "status": "healthy", "version": version, "timestamp": crate::clock::now().to_rfc3339(),
        "database": { "status": "connected", "latency": 2 }, "uptime": 3600,
    }))
    .into_response()
}

async fn version(State(shop): State<Shop>) -> Response {
    let version = shop.answers();
    let shown = [("x-version", version.clone())];
    (shown, axum::Json(json!({ "version": version }))).into_response()
}

async fn login(State(shop): State<Shop>, body: Bytes) -> Response {
    let refuses = shop.inner().deploy.refuses;
    let given: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !refuses && given["user"] == "demo" && given["password"] == "demo-password" {
        let cookie = format!("session={TOKEN}; Path=/; HttpOnly; SameSite=Lax; Max-Age=86400");
        (
            [(header::SET_COOKIE, cookie)],
            axum::Json(json!({ "token": TOKEN })),
        )
            .into_response()
    } else {
        (
            StatusCode::UNAUTHORIZED,
            axum::Json(json!({ "error": "wrong user or password" })),
        )
            .into_response()
    }
}

fn authorized(headers: &HeaderMap) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes() == format!("Bearer {TOKEN}").as_bytes())
}

async fn catalogue(State(shop): State<Shop>, headers: HeaderMap) -> Response {
    if !authorized(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let number = shop.count.fetch_add(1, Relaxed) + 1;
    let deploy = shop.inner().deploy.clone();
    let hit = |every: u64| every > 0 && number.is_multiple_of(every);
    if hit(deploy.fail_every) {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            "database connection lost",
        )
            .into_response();
    }
    // A healthy answer takes a few milliseconds.
    let slow = if hit(deploy.slow_every) {
        deploy.slow_ms
    } else {
        0
    };
    tokio::time::sleep(Duration::from_millis(3 + slow)).await;
    let shown = [("x-version", shop.answers())];
    (shown, axum::Json(json!({ "items": [{ "id": "00123", "name": "Bell", "price": 1999 }, { "id": "00124", "name": "Collar", "price": 899 }] }))).into_response()
}

async fn home() -> Response {
    axum::response::Html("<!doctype html><title>Shop console</title><h1>Shop console</h1><a href=\"/console/login\">Log in</a>").into_response()
}

async fn console_login() -> Response {
    axum::response::Html(LOGIN).into_response()
}

/// What a person sees after logging in; of a broken version, a frame whose script draws nothing.
async fn dashboard(State(shop): State<Shop>) -> Response {
    let page = match shop.inner().deploy.blank {
        true => BLANK,
        false => DASHBOARD,
    };
    axum::response::Html(page).into_response()
}

async fn invoices(headers: HeaderMap) -> Response {
    if !authorized(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    axum::Json(json!({ "data": [{ "id": "00123", "total": 2898, "currency": "EUR" }] }))
        .into_response()
}

async fn pdf(Path(id): Path<String>, headers: HeaderMap) -> Response {
    if !authorized(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if id != "00123" {
        return StatusCode::NOT_FOUND.into_response();
    }
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tag| tag.as_bytes() == ETAG.as_bytes())
    {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, ETAG)]).into_response();
    }
    (
        [
            (header::CONTENT_TYPE, "application/pdf"),
            (header::ETAG, ETAG),
        ],
        PDF,
    )
        .into_response()
}

async fn admin_deploy(
    State(shop): State<Shop>,
    axum::Json(deploy): axum::Json<Deploy>,
) -> StatusCode {
    shop.deploy(deploy);
    StatusCode::NO_CONTENT
}

/// Opens a version to everybody.
async fn admin_promote(State(shop): State<Shop>, Path(version): Path<String>) -> StatusCode {
    shop.deploy(Deploy::healthy(&version));
    StatusCode::ACCEPTED
}

async fn admin_rollback(State(shop): State<Shop>, Path(version): Path<String>) -> Response {
    let takes = shop.inner().rolls_back_in;
    tokio::time::sleep(takes).await;
    let mut inner = shop.inner();
    inner.rollbacks.push(version.clone());
    if !inner.stuck {
        inner.deploy = Deploy {
            left: inner.deploy.version.clone(),
            left_every: inner.unreached_every,
            ..Deploy::healthy(&version)
        };
    }
    // A platform that says yes and does nothing answers just the same.
    (StatusCode::ACCEPTED, "rolling back").into_response()
}
