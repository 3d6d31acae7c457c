//! A WebSocket conversation: opened, messages sent, and the awaited one waited for.
//!
//! What comes before the awaited message is passed over and counted; a server that closes, or says
//! nothing more until the time is over, has failed the step.

use super::exchange::Attempt;
use crate::limits;
use crate::net::connect::micros;
use crate::net::headers::Headers;
use crate::net::message::{Fixed, Message, origin};
use crate::net::tls::Offer;
use crate::net::websocket::{self, Answer, Incoming, WebSocket};
use crate::net::{ErrorClass, Fault, Phases};
use crate::scenario::plan::Step;
use crate::scenario::steps::websocket::Conversation;
use crate::vu::reply::Reply;
use crate::vu::request::{fault, header};
use crate::vu::user::VirtualUser;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use std::time::Instant;

/// Messages that are passed over at the most, so that a flood ends a step.
const PASSED_OVER_MAX: usize = 100_000;
/// Characters of the last message that are shown.
const SHOWN_MAX: usize = 120;

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
        let limit = limits::BODY_BYTES_MAX;
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
        let talked = match socket {
            Some(socket) => self.talk(socket, conversation, messages, deadline).await,
            // What is asked for is a WebSocket: any other answer is a refusal, shown with its body.
            None => Ok(body),
        };
        phases.receive = micros(start);
        let (body, fault) = match talked {
            Ok(body) => (body, None),
            Err(fault) => (Bytes::new(), Some(fault)),
        };
        Attempt {
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
        let written = self.render(&conversation.url)?;
        let binding = &self.shared.binding;
        let service = step.service.as_ref().or(binding.plan.service.as_ref());
        let base = service.and_then(|name| binding.services.get(name));
        let text = match (written.strip_prefix("ws"), base) {
            // `ws://` and `wss://` are HTTP's schemes for the way there.
            (Some(rest), _) if rest.starts_with("://") || rest.starts_with("s://") => {
                format!("http{rest}")
            }
            (_, Some(base)) => format!("{base}{written}"),
            (_, None) => {
                return Err(fault(format!(
                    "`{written}` is relative, but the step has no service"
                )));
            }
        };
        let uri = text
            .parse()
            .map_err(|error| fault(format!("the URL of the step is not one: {error}")))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &conversation.headers {
            headers.append(name.clone(), header(&self.render(value)?)?);
        }
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
    ) -> Result<Bytes, Fault> {
        for message in messages {
            socket.send(message, deadline).await?;
        }
        let expect = &conversation.expect;
        let mut last = Bytes::new();
        for passed in 0..PASSED_OVER_MAX {
            let so_far = || {
                let text = String::from_utf8_lossy(&last);
                let text: String = text.chars().take(SHOWN_MAX).collect();
                match passed {
                    0 => "no message came before".to_owned(),
                    _ => format!("{passed} messages came before, the last: {text}"),
                }
            };
            match socket.next(deadline).await {
                Ok(Incoming::Message(message)) => {
                    if self.is_expected(conversation, &message) {
                        socket.close(deadline).await;
                        return Ok(message);
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
