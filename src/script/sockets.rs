//! WebSockets of a script: each opened by a request, and talking and listening at once while the script does
//! something else.
//!
//! Follows k6 in what is counted. Knows nothing of the interpreter. Invariant: of each socket that was asked for
//! the script is told one last thing, if its iteration goes on for so long; and what a script does not take is
//! not read.

use super::ask::{BodyAs, Happening, Reply, Request};
use super::going::{Going, understood};
use super::hop::failed;
use super::names::step_of;
use super::sending::{Account, Seen, guarded, held_back, put_cookies};
use super::tags::{OfRequest, Plain};
use crate::k6::metric::BuiltIn;
use crate::net::fault::status_class;
use crate::net::headers::Headers;
use crate::net::message::Message;
use crate::net::tls::Offer;
use crate::net::websocket::{self, Frame, Receiver, Sender, WebSocket};
use crate::net::{ErrorClass, Fault, Phases};
use crate::vu::{Begin, Shared, Sink};
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Bytes of one message.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What happened and was not taken, of all sockets of a virtual user: more is not read.
const UNTAKEN_MAX: usize = 256;
/// Time for the other side to say that it is over, too.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

/// Codes of an end that say that something is wrong with the conversation, or with whoever ends it.
const BROKEN: [u16; 10] = [1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];

type Told = mpsc::Sender<(u32, Happening)>;

/// Sockets of one performance; each goes on by a future that ends with its number.
pub(super) struct Sockets<F> {
    live: FuturesUnordered<F>,
    ways: HashMap<u32, mpsc::UnboundedSender<Frame>>,
    tell: Told,
    told: mpsc::Receiver<(u32, Happening)>,
}

impl<F: Future<Output = u32>> Sockets<F> {
    pub fn new() -> Sockets<F> {
        let (tell, told) = mpsc::channel(UNTAKEN_MAX);
        Sockets {
            live: FuturesUnordered::new(),
            ways: HashMap::new(),
            tell,
            told,
        }
    }

    /// One more, which `live` performs.
    pub fn open(&mut self, number: u32, live: impl FnOnce(Opening) -> F) {
        let (way, orders) = mpsc::unbounded_channel();
        self.ways.insert(number, way);
        let tell = self.tell.clone();
        self.live.push(live(Opening {
            number,
            tell,
            orders,
        }));
    }

    /// Hands something on that one is to send.
    pub fn send(&mut self, number: u32, frame: Frame) {
        if let Some(way) = self.ways.get(&number) {
            // Who is gone takes nothing any more.
            let _ = way.send(frame);
        }
    }

    /// Lets them go on.
    fn go_on(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(number)) = self.live.poll_next_unpin(cx) {
            self.ways.remove(&number);
        }
    }
}

/// What happens next to one of some sockets; never ends where there are none.
pub(super) async fn happened<F: Future<Output = u32>>(
    sockets: &mut Option<Box<Sockets<F>>>,
) -> (u32, Happening) {
    poll_fn(|cx| match sockets {
        None => Poll::Pending,
        Some(sockets) => {
            sockets.go_on(cx);
            let next = sockets.told.poll_recv(cx);
            next.map(|next| next.expect("we hold a sender of our own"))
        }
    })
    .await
}

/// Lets sockets go on while something else is done.
pub(super) async fn beside<T, F: Future<Output = u32>>(
    sockets: &mut Option<Box<Sockets<F>>>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if let Some(sockets) = sockets {
            sockets.go_on(cx);
        }
        work.as_mut().poll(cx)
    })
    .await
}

/// A socket that is asked for.
pub(super) struct Opening {
    number: u32,
    tell: Told,
    orders: mpsc::UnboundedReceiver<Frame>,
}

/// One that is being opened, and then talks and listens.
struct Live<'a> {
    seen: &'a Seen,
    shared: &'a Shared,
    number: u32,
    tell: Told,
}

/// Opens a socket, and lets it talk and listen until it is over.
pub(super) async fn live(
    (seen, shared): (&Seen, &Shared),
    opening: Opening,
    request: Request,
    protocols: Vec<String>,
    sink: &impl Sink,
) -> u32 {
    let Opening {
        number,
        tell,
        orders,
    } = opening;
    let live = Live {
        seen,
        shared,
        number,
        tell,
    };
    live.live(request, &protocols, orders, sink).await;
    seen.0.unsent.borrow_mut().remove(&number);
    number
}

impl Live<'_> {
    async fn say(&self, happening: Happening) {
        // Who does not listen any more has ended.
        let _ = self.tell.send((self.number, happening)).await;
    }

    async fn live(
        self,
        request: Request,
        protocols: &[String],
        orders: mpsc::UnboundedReceiver<Frame>,
        sink: &impl Sink,
    ) {
        held_back(self.shared, sink).await;
        let account = Account {
            seen: self.seen,
            shared: self.shared,
            step: step_of(&self.seen.0, &request),
            begin: Begin::now(),
        };
        let (reply, wrong, socket) = match self.open(&request, protocols).await {
            Ok((reply, socket)) => {
                let class = status_class(Some(reply.status)).unwrap_or(ErrorClass::Status);
                let wrong = socket
                    .is_none()
                    .then(|| Fault::new(class, reply.error.clone()));
                (reply, wrong, socket)
            }
            Err((reply, fault)) => (*reply, Some(fault), None),
        };
        let taken = account.begin.start.elapsed();
        account.tell(&reply, wrong.as_ref(), (reply.phases, (0, 0)), sink);
        let Some((sender, receiver)) = socket.map(WebSocket::split) else {
            self.say(Happening::Refused(Box::new(reply))).await;
            return;
        };
        let status = reply.status.to_string();
        let counting = Counting {
            seen: self.seen,
            request: &request,
            url: reply.url.to_string(),
            status,
            protocol: protocol_of(&reply),
        };
        counting.add(BuiltIn::WsSessions, 1.0);
        counting.add(BuiltIn::WsConnecting, taken.as_secs_f64() * 1e3);
        self.say(Happening::Opened(Box::new(reply))).await;
        let start = Instant::now();
        let (last, by_peer) = self.talk(sender, receiver, orders, &counting).await;
        let time = start.elapsed().as_secs_f64() * 1e3;
        counting.add(BuiltIn::WsSessionDuration, time);
        let broke = match &last {
            Happening::Broke(why) => Some(why.clone()),
            // What somebody ends who does not work any more (RFC 6455, section 7.4.1).
            Happening::Ended(code, reason) if by_peer && BROKEN.contains(code) => Some(
                format!("the server ended the conversation with {code} {reason}")
                    .trim()
                    .to_owned(),
            ),
            _ => None,
        };
        if let Some(why) = broke {
            // Its opening was counted as a good one: what broke is counted beside it.
            let fault = Fault::new(ErrorClass::Reset, why);
            let reply = Reply {
                url: counting.url.as_str().into(),
                ..Reply::default()
            };
            let begin = Begin {
                intended: start,
                start,
            };
            let broken = Account { begin, ..account };
            broken.tell(&reply, Some(&fault), (Phases::default(), (0, 0)), sink);
        }
        self.say(last).await;
    }

    /// The reply to the opening request, and the socket if it opened.
    async fn open(
        &self,
        request: &Request,
        protocols: &[String],
    ) -> Result<(Reply, Option<WebSocket>), (Box<Reply>, Fault)> {
        let wrong = |going: Option<&Going>, fault: Fault, phases: Phases| {
            let reply = failed(self.seen, request, going, &fault, phases);
            (Box::new(reply), fault)
        };
        let nothing = Phases::default();
        let mut going = match understood(self.seen, request) {
            Ok(going) => going,
            Err(fault) => return Err(wrong(None, fault, nothing)),
        };
        put_cookies(self.seen, request, &mut going);
        if let Ok(value) = HeaderValue::try_from(protocols.join(", "))
            && !protocols.is_empty()
        {
            going.with(|headers| {
                headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
            });
        }
        let mut origin = (*going.target.origin).clone();
        origin.offer = Offer::One;
        if let Err(fault) = guarded(self.shared, &origin) {
            return Err(wrong(Some(&going), fault, nothing));
        }
        let key = websocket::key();
        let message = Message {
            method: &going.method,
            uri: &going.target.uri,
            fixed: &going.headers,
            headers: &websocket::upgrade(&key),
            body: &going.body,
        };
        let connector = &self.shared.binding.connector;
        let deadline = Instant::now() + request.timeout;
        let opened = websocket::open(
            connector,
            &origin,
            &message,
            &key,
            MESSAGE_BYTES_MAX,
            deadline,
        );
        let answer = match opened.await {
            Ok(answer) => answer,
            Err((fault, phases)) => return Err(wrong(Some(&going), fault, phases)),
        };
        let error = match &answer.socket {
            Some(_) => String::new(),
            None => format!(
                "the server answers {} instead of opening a WebSocket",
                answer.status
            ),
        };
        let reply = Reply {
            status: answer.status,
            proto: "HTTP/1.1",
            url: going.target.text.replacen("http", "ws", 1).into(),
            body: answer.body,
            body_as: BodyAs::Text,
            headers: Headers::from_map(answer.headers),
            phases: answer.phases,
            error,
            throws: request.throws,
            sent: Some(going.headers.clone()),
            ..Reply::default()
        };
        Ok((reply, answer.socket))
    }

    /// Talks and listens until it is over; the last thing that is to be told, and whether it came from the other side.
    async fn talk(
        &self,
        mut sender: Sender,
        mut receiver: Receiver,
        mut orders: mpsc::UnboundedReceiver<Frame>,
        counting: &Counting<'_>,
    ) -> (Happening, bool) {
        let pinged = Mutex::new(VecDeque::new());
        let talking = async {
            loop {
                let Some(frame) = orders.recv().await else {
                    return std::future::pending().await;
                };
                match &frame {
                    Frame::Text(_) | Frame::Binary(_) => counting.add(BuiltIn::WsMessagesSent, 1.0),
                    Frame::Ping(_) => pinged
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push_back(Instant::now()),
                    _ => {}
                }
                let close = match &frame {
                    Frame::Close(code, reason) => Some((*code, reason.clone())),
                    _ => None,
                };
                let size = match &frame {
                    Frame::Text(content) | Frame::Binary(content) => content.len(),
                    _ => 0,
                };
                if let Err(fault) = sender.send(frame).await {
                    return Happening::Broke(fault.detail);
                }
                if let Some(waits) = self.seen.0.unsent.borrow_mut().get_mut(&self.number) {
                    *waits = waits.saturating_sub(size);
                }
                if let Some((code, reason)) = close {
                    return Happening::Ended(code, reason);
                }
            }
        };
        let listening = async {
            loop {
                let frame = match receiver.next().await {
                    Some(Ok(Frame::Close(code, reason))) => return Happening::Ended(code, reason),
                    Some(Ok(frame)) => frame,
                    Some(Err(fault)) => return Happening::Broke(fault.detail),
                    None => {
                        let why = "the connection ended without a word";
                        return Happening::Broke(why.to_owned());
                    }
                };
                match &frame {
                    Frame::Text(_) | Frame::Binary(_) => {
                        counting.add(BuiltIn::WsMessagesReceived, 1.0);
                    }
                    Frame::Pong(_) => {
                        if let Some(sent) = pinged
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .pop_front()
                        {
                            let time = Instant::duration_since(&Instant::now(), sent);
                            counting.add(BuiltIn::WsPing, time.as_secs_f64() * 1e3);
                        }
                    }
                    _ => {}
                }
                self.say(Happening::Came(frame)).await;
            }
        };
        let (talking, listening) = (pin!(talking), pin!(listening));
        match select(talking, listening).await {
            Either::Left((last, listening)) => {
                if matches!(last, Happening::Ended(..)) {
                    // We said that it is over: the other side says so, too, if it is there.
                    let _ = tokio::time::timeout(GOODBYE_MAX, listening).await;
                }
                (last, false)
            }
            Either::Right((last, _)) => (last, true),
        }
    }
}

fn protocol_of(reply: &Reply) -> String {
    let chosen = reply.headers.map().get(SEC_WEBSOCKET_PROTOCOL);
    let chosen = chosen.and_then(|value| value.to_str().ok());
    chosen.unwrap_or_default().to_owned()
}

/// What is counted of one socket, and by what it is told apart.
struct Counting<'a> {
    seen: &'a Seen,
    request: &'a Request,
    url: String,
    status: String,
    protocol: String,
}

impl Counting<'_> {
    fn add(&self, metric: BuiltIn, value: f64) {
        let own = self.seen.0.tags.borrow();
        let tags = OfRequest {
            plain: Plain {
                own: &own,
                more: &self.request.tags,
                group: &self.request.group,
                also: ("subproto", &self.protocol),
            },
            method: "GET",
            url: &self.url,
            status: &self.status,
            proto: "",
            error: ("", ""),
            expected: None,
            tls_version: "",
        };
        self.seen.0.tally().count(metric, value, &tags);
    }
}
