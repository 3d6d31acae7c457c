//! Pages that change while somebody looks at them, by server-sent events.
//!
//! A page is rendered once for all who look at it with the same rights, and sent only when it is another one.
//! Does not know any page: it asks for them as a browser would. Invariant: nobody is sent what they could not
//! ask for themselves.

use super::listener::Stopping;
use super::problem::Problem;
use super::site::{Site, Viewer};
use crate::descriptors;
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Query, Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::Stream;
use http::{HeaderMap, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// How often a page is rendered that somebody looks at, at most.
const EVERY: Duration = Duration::from_secs(2);
/// One that takes longer is rendered more rarely: it rests so many times as long.
const RESTS: u32 = 300;
/// Looks at once.
const LOOKS_MAX: usize = 500;
/// The longest page.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is looked at: a page, and with whose rights.
type Key = (String, Option<String>, u8);

/// A page as it is now; none once it cannot be had any more.
type Seen = watch::Receiver<Option<Arc<str>>>;

/// All that is looked at.
#[derive(Debug, Clone)]
pub struct Lives {
    pages: Router,
    looked_at: Arc<Mutex<BTreeMap<Key, Seen>>>,
    /// Half of all places: whoever only looks keeps nobody out.
    places: Arc<Semaphore>,
}

/// Which page.
#[derive(Debug, serde::Deserialize)]
pub struct Looking {
    at: String,
}

impl Lives {
    /// Of these pages.
    pub fn new(pages: Router) -> Lives {
        Lives {
            pages,
            looked_at: Arc::default(),
            places: Arc::new(Semaphore::new(descriptors::for_visitors() / 2)),
        }
    }

    fn looked_at(&self) -> MutexGuard<'_, BTreeMap<Key, Seen>> {
        self.looked_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What a page is now, for whoever has these rights.
    fn look(&self, key: Key, headers: HeaderMap) -> Option<Seen> {
        let mut looked_at = self.looked_at();
        looked_at.retain(|_, seen| seen.has_changed().is_ok());
        if let Some(seen) = looked_at.get(&key) {
            return Some(seen.clone());
        }
        if looked_at.len() >= LOOKS_MAX {
            return None;
        }
        let (sender, seen) = watch::channel(Some(Arc::from("")));
        looked_at.insert(key.clone(), seen.clone());
        tokio::spawn(keep(self.clone(), key, headers, sender));
        Some(seen)
    }

    async fn render(&self, at: &str, headers: &HeaderMap) -> Option<Arc<str>> {
        let mut request = Request::builder().uri(at).body(Body::empty()).ok()?;
        *request.headers_mut() = headers.clone();
        let response = TowerToHyperService::new(self.pages.clone())
            .call(request)
            .await
            .ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        let body = axum::body::to_bytes(response.into_body(), PAGE_BYTES_MAX)
            .await
            .ok()?;
        let text = std::str::from_utf8(&body).ok()?;
        let (_, content) = text.split_once("<main")?;
        let (content, _) = content.rsplit_once("</main>")?;
        Some(format!("<main{content}</main>").into())
    }
}

/// Renders a page while somebody looks at it.
async fn keep(lives: Lives, key: Key, headers: HeaderMap, sender: watch::Sender<Option<Arc<str>>>) {
    loop {
        let began = tokio::time::Instant::now();
        let page = lives.render(&key.0, &headers).await;
        let rest = (began.elapsed() * RESTS).clamp(EVERY, EVERY * 10);
        let is_gone = page.is_none();
        sender.send_if_modified(|known| {
            let is_other = *known != page;
            if is_other {
                *known = page;
            }
            is_other
        });
        if is_gone {
            return;
        }
        tokio::time::sleep(rest).await;
        // Nobody may come in between; the list holds one of the receivers.
        let mut looked_at = lives.looked_at();
        if sender.receiver_count() <= 1 {
            looked_at.remove(&key);
            return;
        }
    }
}

/// `GET /live?at=/…`
pub async fn live(
    State(site): State<Site>,
    Extension(lives): Extension<Lives>,
    stopping: Option<Extension<Stopping>>,
    Query(looking): Query<Looking>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let viewer = site.viewer(&headers);
    let is_ours = looking.at.starts_with('/') && !looking.at.starts_with("/live");
    if !is_ours {
        let detail = "`at` is the address of a page here";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let key = (
        looking.at,
        viewer
            .caller
            .as_ref()
            .and_then(|caller| caller.name.clone()),
        rights(&viewer),
    );
    let too_many = || {
        let detail = "too many look at pages: reload this one by hand";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    };
    let place = lives.places.clone().try_acquire_owned();
    let place = place.map_err(|_| too_many())?;
    let seen = lives.look(key, headers).ok_or_else(too_many)?;
    let stopped = stopping.map(|Extension(Stopping(stopped))| stopped);
    let events = futures_util::stream::unfold((seen, stopped, true, place), next);
    let alive = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(events).keep_alive(alive))
}

fn rights(viewer: &Viewer) -> u8 {
    viewer.role.map_or(0, |role| role as u8 + 1)
}

type Following = (
    Seen,
    Option<watch::Receiver<bool>>,
    bool,
    OwnedSemaphorePermit,
);

/// The next version of a page; nothing more once the daemon stops.
async fn next(
    (mut seen, mut stopped, goes_on, place): Following,
) -> Option<(Result<Event, Infallible>, Following)> {
    if !goes_on {
        return None;
    }
    let stop = async {
        match &mut stopped {
            Some(stopped) => drop(stopped.wait_for(|stop| *stop).await),
            None => std::future::pending().await,
        }
    };
    let changed = tokio::select! {
        () = stop => return None,
        changed = seen.changed() => changed,
    };
    // Whoever renders it has ended: the browser asks anew.
    changed.ok()?;
    let page = seen.borrow_and_update().clone();
    let event = match &page {
        Some(page) => Event::default().event("main").data(page),
        None => Event::default().event("gone").data("reload"),
    };
    Some((Ok(event), (seen, stopped, page.is_some(), place)))
}
