//! What the virtual users of one worker share: a handle to the scenario, and HTTP/2 connections.
//!
//! A handle of its own for each worker, because counting references to one value from several
//! threads would be the dearest thing on the path of a request.
//!
//! Invariant: no more virtual users have a stream on a connection than the scenario says.

use super::binding::Binding;
use super::kept::Kept;
use crate::net::connect::{Connector, Origin};
use crate::net::http::Connection;
use crate::net::protobuf::Call;
use crate::net::{ErrorClass, Fault, Phases};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::OnceCell;
use tokio::time::timeout_at;

/// Calls of gRPC that are remembered.
const CALLS_MAX: usize = 1_000;

/// What the virtual users of one worker share.
#[derive(Debug)]
pub struct Shared {
    /// The scenario and its values.
    pub binding: Arc<Binding>,
    pub(super) pool: Pool,
    pub(super) kept: Option<Arc<Kept>>,
    /// Calls of gRPC that servers told of.
    calls: Mutex<Vec<(Arc<Origin>, String, Call)>>,
}

impl Shared {
    /// A call of gRPC, as the server told of it.
    pub(super) fn known_call(&self, origin: &Origin, name: &str) -> Option<Call> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            |(of, called, _): &&(Arc<Origin>, String, Call)| **of == *origin && called == name;
        calls.iter().find(known).map(|(.., call)| call.clone())
    }

    /// Keeps what a server told.
    pub(super) fn know_call(&self, origin: &Arc<Origin>, name: &str, call: &Call) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() < CALLS_MAX {
            calls.push((origin.clone(), name.to_owned(), call.clone()));
        }
    }

    /// For the virtual users of a worker.
    pub fn new(binding: Arc<Binding>) -> Arc<Shared> {
        Shared::keeping(binding, None)
    }

    /// Connections that virtual users share.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The same, with connections that outlive a virtual user and are handed to the next one.
    pub fn keeping(binding: Arc<Binding>, kept: Option<Arc<Kept>>) -> Arc<Shared> {
        Arc::new(Shared {
            pool: Pool {
                streams: binding.plan.connections.streams,
                places: Mutex::new(Vec::new()),
            },
            kept,
            calls: Mutex::default(),
            binding,
        })
    }
}

/// HTTP/2 connections, each with places for several virtual users.
#[derive(Debug)]
pub struct Pool {
    streams: u64,
    places: Mutex<Vec<(Arc<Origin>, Arc<Place>)>>,
}

#[derive(Debug, Default)]
struct Place {
    /// The connection once it is open; `None` if the server does not speak HTTP/2.
    opened: OnceCell<Option<Connection>>,
    taken: AtomicU64,
    dead: AtomicBool,
}

/// A place on a shared connection; given back when it is dropped.
#[derive(Debug)]
pub struct Lease(Arc<Place>);

impl Lease {
    /// The connection broke: nobody else is led to it.
    pub fn give_up(&self) {
        self.0.dead.store(true, Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Relaxed);
    }
}

impl Pool {
    /// Whether virtual users share connections at all.
    pub fn is_shared(&self) -> bool {
        self.streams > 1
    }

    /// A place on a connection to an origin. The first one there opens it, the others wait for
    /// that; without HTTP/2 each gets a connection of its own, and no lease.
    pub async fn connection(
        &self,
        connector: &Connector,
        origin: &Arc<Origin>,
        deadline: Instant,
    ) -> Result<(Connection, Phases, Option<Lease>), (Fault, Phases)> {
        let start = Instant::now();
        let waited = || Phases {
            // Who waited for another to open the connection waited for a connection.
            connect: crate::net::connect::micros(start),
            ..Phases::default()
        };
        loop {
            let lease = self.place(origin);
            let mut mine = None;
            let open = async {
                let (connection, phases) = Connection::open(connector, origin, deadline).await?;
                let shared = connection.share();
                mine = Some((connection, phases));
                Ok(shared)
            };
            let opening = lease.0.opened.get_or_try_init(|| open);
            let opened = match timeout_at(deadline.into(), opening).await {
                Ok(Ok(opened)) => opened.as_ref().and_then(Connection::share),
                Ok(Err(failure)) => {
                    lease.give_up();
                    return Err(failure);
                }
                Err(_) => {
                    let late = "no connection was opened in time";
                    return Err((Fault::new(ErrorClass::TimeoutConnect, late), waited()));
                }
            };
            return match (mine, opened) {
                (Some((connection, phases)), Some(_)) => Ok((connection, phases, Some(lease))),
                (Some((connection, phases)), None) => Ok((connection, phases, None)),
                (None, Some(mut connection)) => {
                    if !connection.is_ready().await {
                        // It ended while nobody had a stream on it.
                        lease.give_up();
                        continue;
                    }
                    Ok((connection, waited(), Some(lease)))
                }
                (None, None) => {
                    let (connection, phases) =
                        Connection::open(connector, origin, deadline).await?;
                    Ok((connection, phases, None))
                }
            };
        }
    }

    fn place(&self, origin: &Arc<Origin>) -> Lease {
        let mut places = self
            .places
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        places.retain(|(_, place)| !place.dead.load(Relaxed));
        let free = places.iter().find(|(known, place)| {
            // Where there is no HTTP/2, nobody stays at the place.
            let separate = matches!(place.opened.get(), Some(None));
            known == origin && (separate || place.taken.load(Relaxed) < self.streams)
        });
        let place = match free {
            Some((_, place)) => place.clone(),
            None => {
                let place = Arc::new(Place::default());
                places.push((origin.clone(), place.clone()));
                place
            }
        };
        place.taken.fetch_add(1, Relaxed);
        Lease(place)
    }
}
