//! Connections from outside: how many, for how long, and that new ones get in.
//!
//! Does not know the routes. A connection that has not sent a whole request holds a place only until
//! another one wants it, so that thousands of half-open ones keep nobody out; a head and a body have
//! a deadline each. Invariant: what is being answered is never cut off for another.

use crate::descriptors;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http::StatusCode;
use hyper::body::Frame;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// Time for the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Time for the whole body of a request, once its head is there.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// A pause after a connection could not be taken, so that a lack of descriptors burns no processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// Descriptors that are held only to be given to a visitor when there are no others.
const KEPT_BACK: usize = 8;

/// One connection.
#[derive(Debug)]
struct Visitor {
    /// Requests of it that are being answered.
    answering: AtomicU32,
    /// Asked to make room.
    leave: Notify,
}

/// Those that are here, oldest first.
#[derive(Debug, Default)]
struct Visitors {
    here: BTreeMap<u64, Arc<Visitor>>,
    next: u64,
}

/// Who is let in.
#[derive(Debug)]
struct Door {
    visitors: Mutex<Visitors>,
    most: usize,
    spare: Mutex<Vec<std::fs::File>>,
}

impl Door {
    fn new(most: usize) -> Door {
        let door = Door {
            visitors: Mutex::default(),
            most,
            spare: Mutex::default(),
        };
        door.keep_back();
        door
    }

    fn visitors(&self) -> MutexGuard<'_, Visitors> {
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one in, for whom the oldest leaves that is not being answered, if there are too many.
    /// Nothing if all of them are.
    fn enter(&self) -> Option<(u64, Arc<Visitor>)> {
        let mut visitors = self.visitors();
        if visitors.here.len() >= self.most {
            let idle = |visitor: &Visitor| visitor.answering.load(Relaxed) == 0;
            let (oldest, _) = visitors.here.iter().find(|(_, visitor)| idle(visitor))?;
            let oldest = *oldest;
            let leaving = visitors.here.remove(&oldest)?;
            leaving.leave.notify_one();
        }
        let number = visitors.next;
        visitors.next += 1;
        let visitor = Arc::new(Visitor {
            answering: AtomicU32::new(0),
            leave: Notify::new(),
        });
        visitors.here.insert(number, visitor.clone());
        Some((number, visitor))
    }

    fn left(&self, number: u64) {
        self.visitors().here.remove(&number);
        self.keep_back();
    }

    /// Gives the oldest place and a spare descriptor back, because there are none left.
    fn make_room(&self) {
        let idle = |visitor: &Visitor| visitor.answering.load(Relaxed) == 0;
        let visitors = self.visitors();
        if let Some((_, visitor)) = visitors.here.iter().find(|(_, visitor)| idle(visitor)) {
            visitor.leave.notify_one();
        }
        drop(visitors);
        self.spare
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
    }

    fn keep_back(&self) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        while spare.len() < KEPT_BACK
            && let Ok(file) = std::fs::File::open("/dev/null")
        {
            spare.push(file);
        }
    }
}

/// Serves until `stop` is over; requests that are being answered are finished.
pub async fn serve(listener: Arc<TcpListener>, routes: Router, stop: impl Future<Output = ()>) {
    let door = Arc::new(Door::new(descriptors::for_visitors()));
    let (stopping, stopped) = watch::channel(false);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "A connection could not be taken; trying again at once");
                door.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // A delayed acknowledgment must not hold small answers back.
        let _ = stream.set_nodelay(true);
        let Some((number, visitor)) = door.enter() else {
            // Everybody who is here is being answered: this one is not kept waiting for nothing.
            drop(stream);
            continue;
        };
        let (door, routes, stopped) = (door.clone(), routes.clone(), stopped.clone());
        tokio::spawn(async move {
            attend(stream, &visitor, routes, stopped).await;
            door.left(number);
        });
    }
    // The receivers end with their connections.
    let _ = stopping.send(true);
    drop(stopped);
    stopping.closed().await;
}

/// What an answer that would go on for ever ends by: true once the daemon stops.
#[derive(Debug, Clone)]
pub struct Stopping(pub watch::Receiver<bool>);

/// One connection until its end.
async fn attend(
    stream: TcpStream,
    visitor: &Arc<Visitor>,
    routes: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let (guest, stops) = (visitor.clone(), stopped.clone());
    // Counted from the moment in which the whole request is here.
    let counted = routes.layer(axum::middleware::from_fn(
        move |mut request: Request, next: axum::middleware::Next| {
            request.extensions_mut().insert(Stopping(stops.clone()));
            let answering = Answering::begin(&guest);
            async move {
                // Until the last byte of the answer is handed on.
                let response = next.run(request).await;
                response.map(|body| {
                    Body::new(Held {
                        body,
                        _answering: answering,
                    })
                })
            }
        },
    ));
    let counted = counted.layer(axum::middleware::from_fn(whole_body));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(counted));
    tokio::pin!(connection);
    tokio::select! {
        // What breaks on the way to a visitor is theirs to see.
        _ = connection.as_mut() => return,
        () = visitor.leave.notified() => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    // One that has not sent a whole request has nothing that could be finished.
    while visitor.answering.load(Relaxed) > 0 {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
    let flushed = tokio::time::timeout(Duration::from_millis(200), connection.as_mut());
    // What could not be sent by then is not waited for.
    let _ = flushed.await;
}

/// A body that is being sent.
struct Held {
    body: Body,
    _answering: Answering,
}

impl hyper::body::Body for Held {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// Counts a request while it is answered.
struct Answering(Arc<Visitor>);

impl Answering {
    fn begin(visitor: &Arc<Visitor>) -> Answering {
        visitor.answering.fetch_add(1, Relaxed);
        Answering(visitor.clone())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Relaxed);
    }
}

/// Reads the body before anything is done with it, within its deadline.
async fn whole_body(request: Request, next: axum::middleware::Next) -> axum::response::Response {
    use super::problem::Problem;
    use axum::response::IntoResponse;
    let (head, body) = request.into_parts();
    let read = axum::body::to_bytes(body, crate::limits::INBOUND_BODY_BYTES_MAX);
    match tokio::time::timeout(BODY_WITHIN, read).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(head, bytes.into())).await,
        Ok(Err(_)) => {
            let detail = "the body ends too early or is longer than 1 MiB";
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).into_response()
        }
        Err(_) => {
            let detail = "the body did not come within 10 s";
            Problem::new(StatusCode::REQUEST_TIMEOUT, detail).into_response()
        }
    }
}
