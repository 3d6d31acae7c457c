//! The connections of a virtual user: the one that a request goes over, kept for the next one.
//!
//! Knows origins and connections. Does not know steps, cookies or redirects. Invariant: a connection on
//! which an exchange failed is never used again.

use super::kept::Kept;
use super::shared::{Lease, Pool};
use super::traced::Tracing;
use crate::clock;
use crate::net::connect::{Connector, Origin};
use crate::net::http::{Connection, Keep};
use crate::net::http1::Outgoing;
use crate::net::message::Message;
use crate::net::reply::Reply;
use crate::net::tls_facts::TlsFacts;
use crate::net::{Fault, Phases};
use std::sync::Arc;
use std::time::Instant;

/// How often a request is sent again that was not processed.
const REPEATS_MAX: u32 = 5;

/// A connection of a virtual user.
#[derive(Debug)]
pub struct Held {
    pub(super) origin: Arc<Origin>,
    pub(super) connection: Connection,
    pub(super) lease: Option<Lease>,
}

/// A reply, and what TLS showed.
pub type Hop = Result<(Reply, Option<Arc<TlsFacts>>), (Fault, Phases)>;

/// What a request goes over.
pub struct Road<'a> {
    /// Opens sockets.
    pub connector: &'a Connector,
    /// Connections that virtual users share.
    pub pool: &'a Pool,
    /// Connections that outlive a virtual user.
    pub kept: Option<&'a Kept>,
    /// Those of this virtual user.
    pub held: &'a mut Vec<Held>,
    /// Whether none of them may be used.
    pub fresh: bool,
    /// What is wanted of a reply.
    pub keep: Keep,
    /// When the first request starts.
    pub start: Instant,
    /// When all of it must be over.
    pub deadline: Instant,
    /// Requests that were sent more than once, since they were not processed.
    pub repeated: u32,
    /// Who wants to see each exchange, if anybody does.
    pub tracing: Option<Tracing<'a>>,
}

impl Road<'_> {
    /// Sends one request, again where the other side did not process it.
    pub async fn exchange(
        &mut self,
        origin: &Arc<Origin>,
        message: Message<'_>,
        prepared: Option<Outgoing<'_>>,
    ) -> Hop {
        let Some(tracing) = self.tracing else {
            return self.carry(origin, message, prepared).await;
        };
        let at = clock::now();
        // Boxed: few listen, and its state would be carried by every virtual user.
        let hop = Box::pin(self.carry(origin, message, prepared)).await;
        let seen = hop.as_ref();
        let seen = seen.map(|(reply, _)| reply);
        tracing.note(at, &message, seen.map_err(|(fault, spent)| (fault, *spent)));
        hop
    }

    async fn carry(
        &mut self,
        origin: &Arc<Origin>,
        message: Message<'_>,
        prepared: Option<Outgoing<'_>>,
    ) -> Hop {
        let mut phases = Phases::default();
        let mut repeats = 0;
        loop {
            let at = match self.ready(origin, self.fresh || repeats > 0).await {
                Some(at) => at,
                None => {
                    // On a connection that others use, too, there may be no room left a second time.
                    let (held, spent) =
                        self.open(origin, repeats > 1)
                            .await
                            .map_err(|(fault, spent)| {
                                phases.add(spent);
                                (fault, phases)
                            })?;
                    phases.add(spent);
                    self.held.push(held);
                    self.held.len() - 1
                }
            };
            let connection = &mut self.held[at].connection;
            let start = if phases == Phases::default() {
                self.start
            } else {
                Instant::now()
            };
            let result = connection
                .exchange(&message, prepared, self.keep, start, self.deadline)
                .await;
            match result {
                Ok(mut reply) => {
                    let tls = connection.tls.clone();
                    phases.add(reply.phases);
                    reply.phases = phases;
                    return Ok((reply, tls));
                }
                Err((fault, spent)) => {
                    phases.add(spent);
                    let held = self.held.swap_remove(at);
                    if let Some(lease) = &held.lease {
                        lease.give_up();
                    }
                    // What was not processed says nothing about the request: it is sent again, and that
                    // is counted.
                    if fault.is_unprocessed && repeats < REPEATS_MAX {
                        self.repeated += u32::from(repeats == 0);
                        repeats += 1;
                        continue;
                    }
                    return Err((fault, phases));
                }
            }
        }
    }

    /// A connection to an origin that can take a request, by its place. Those that cannot are dropped.
    async fn ready(&mut self, origin: &Arc<Origin>, fresh: bool) -> Option<usize> {
        loop {
            let at = self
                .held
                .iter()
                .position(|held| Arc::ptr_eq(&held.origin, origin) || held.origin == *origin);
            let at = match at {
                Some(at) => at,
                // Who wants a fresh one closes no other's.
                None if fresh => return None,
                None => {
                    self.held.push(self.kept?.take(origin)?);
                    self.held.len() - 1
                }
            };
            if !fresh && self.held[at].connection.is_ready().await {
                return Some(at);
            }
            let held = self.held.swap_remove(at);
            if let (Some(lease), false) = (&held.lease, fresh) {
                lease.give_up();
            }
        }
    }

    async fn open(
        &mut self,
        origin: &Arc<Origin>,
        is_alone: bool,
    ) -> Result<(Held, Phases), (Fault, Phases)> {
        let connector = self.connector;
        // Boxed: it happens once, but its state would be carried for as long as the user lives.
        let (connection, phases, lease) = if self.pool.is_shared() && !self.fresh && !is_alone {
            Box::pin(self.pool.connection(connector, origin, self.deadline)).await?
        } else {
            let opening = Connection::open(connector, origin, self.deadline);
            let (connection, phases) = Box::pin(opening).await?;
            (connection, phases, None)
        };
        let held = Held {
            origin: origin.clone(),
            connection,
            lease,
        };
        Ok((held, phases))
    }
}
