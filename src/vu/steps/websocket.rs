//! A WebSocket conversation: opened, messages sent, and the awaited one waited for.
//!
//! What comes before the awaited message is passed over and counted; a server that closes, or says
//! nothing more until the time is over, has failed the step.

use super::exchange::Attempt;
use crate::net::address;
use crate::net::fault::status_class;
use crate::net::headers::Headers;
use crate::net::message::{Fixed, Message, origin};
use crate::net::tls::Offer;
use crate::net::websocket::{self, Answer, Incoming, WebSocket};
use crate::net::{ErrorClass, Fault, Phases};
use crate::scenario::plan::Step;
use crate::scenario::steps::websocket::Conversation;
use crate::vu::reply::Reply;
use crate::vu::request::{joined, parsed};
use crate::vu::user::VirtualUser;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use std::time::{Duration, Instant};

/// Messages that are passed over at the most, so that a flood ends a step.
const PASSED_OVER_MAX: usize = 100_000;
/// Time for the closing handshake.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

impl VirtualUser {
    pub(super) async fn websocket(
        &mut self,
        step: &Step,
        conversation: &Conversation,
        deadline: Instant,
    ) -> Attempt {
        let prepared = self.opening(step, conversation);
        let (uri, headers, messages) = match prepared {
            Ok(prepared) => prepared,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let origin = match origin(&uri, Offer::One, true) {
            Ok(origin) => origin,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let key = websocket::key();
        let request = Message {
            method: &Method::GET,
            uri: &uri,
            fixed: &Fixed::new(headers),
            headers: &websocket::upgrade(&key),
            body: &Bytes::new(),
        };
        let connector = self.shared.binding.connector.clone();
        let limit = self.shared.binding.plan.body_limit;
        let opened = websocket::open(&connector, &origin, &request, &key, limit, deadline).await;
        let answer = match opened {
            Ok(answer) => answer,
            Err((fault, phases)) => return Attempt::failed(fault, phases),
        };
        let Answer {
            status,
            headers,
            body,
            mut phases,
            tls,
            socket,
        } = answer;
        let start = Instant::now();
        let (body, fault, end) = match socket {
            Some(socket) => match self.talk(socket, conversation, messages, deadline).await {
                Ok((body, end)) => (body, None, end),
                Err(fault) => (Bytes::new(), Some(fault), Instant::now()),
            },
            // What is asked for is a WebSocket: any other answer is a failure, whatever the checks
            // say of its status, since nothing was measured of what they are about.
            None => (body, Some(refused(status)), Instant::now()),
        };
        phases.receive = end.saturating_duration_since(start).as_micros() as u64;
        Attempt {
            end: Some(end),
            bytes_received: body.len() as u64,
            reply: Reply {
                status: Some(status),
                headers: Headers::from_map(headers),
                body,
                phases,
                tls,
                ..Reply::default()
            },
            fault,
            ..Attempt::default()
        }
    }

    /// The address, the headers and the messages, filled in.
    fn opening(
        &self,
        step: &Step,
        conversation: &Conversation,
    ) -> Result<(Uri, HeaderMap, Vec<String>), Fault> {
        let written = conversation.url.render_by(&self.scope(None), address::put);
        let written = written.map_err(|reason| Fault::new(ErrorClass::Template, reason))?;
        // `ws://` and `wss://` are HTTP's schemes for the way there.
        let written = match written.strip_prefix("ws") {
            Some(rest) if rest.starts_with("://") || rest.starts_with("s://") => {
                format!("http{rest}")
            }
            _ => written,
        };
        let uri = parsed(joined(written, self.base(step))?)?;
        let headers = self.filled(&conversation.headers)?;
        let messages = conversation.send.iter();
        let messages = messages.map(|message| self.render(message));
        Ok((uri, headers, messages.collect::<Result<_, _>>()?))
    }

    /// Sends the messages, and gives the one that is expected.
    async fn talk(
        &self,
        mut socket: WebSocket,
        conversation: &Conversation,
        messages: Vec<String>,
        deadline: Instant,
    ) -> Result<(Bytes, Instant), Fault> {
        for message in messages {
            socket.send(message, deadline).await?;
        }
        let expect = &conversation.expect;
        let mut last = Bytes::new();
        for passed in 0..PASSED_OVER_MAX {
            let so_far = || match passed {
                0 => "no message came before".to_owned(),
                _ => format!(
                    "{passed} messages came before, the last: {}",
                    self.start_of(&last)
                ),
            };
            match socket.next(deadline).await {
                Ok(Incoming::Message(message)) => {
                    if self.is_expected(conversation, &message) {
                        // How long the server takes to say goodbye is no part of the step.
                        let end = Instant::now();
                        socket.close(deadline.min(end + GOODBYE_MAX)).await;
                        return Ok((message, end));
                    }
                    last = message;
                }
                Ok(Incoming::Closed(how)) => {
                    return Err(Fault::new(
                        ErrorClass::Check,
                        format!(
                            "the server closed {how} before `{}` held; {}",
                            expect.text,
                            so_far()
                        ),
                    ));
                }
                Err(fault) => {
                    let detail = format!(
                        "`{}` did not hold: {}; {}",
                        expect.text,
                        fault.detail,
                        so_far()
                    );
                    return Err(Fault::new(fault.class, detail));
                }
            }
        }
        Err(Fault::new(
            ErrorClass::Check,
            format!(
                "`{}` held for none of {PASSED_OVER_MAX} messages",
                expect.text
            ),
        ))
    }

    fn is_expected(&self, conversation: &Conversation, message: &Bytes) -> bool {
        let reply = Reply {
            status: Some(101),
            body: message.clone(),
            ..Reply::default()
        };
        // A message of another form is another message: `body.type` of one that is no JSON.
        matches!(
            conversation.expect.holds(&self.scope(Some(&reply))),
            Ok(true)
        )
    }
}

/// A server that answers, but with no WebSocket.
fn refused(status: u16) -> Fault {
    let class = status_class(Some(status)).unwrap_or(ErrorClass::Status);
    let detail = format!("the server refused the WebSocket with status {status}");
    Fault::new(class, detail)
}
