//! A call of gRPC: messages out, messages back, and the status at the end.
//!
//! What a message looks like is known from files, or asked of the server once for each virtual user's worker. Goes over
//! the same connections as HTTP. Invariant: a call without a status of gRPC has failed.

use super::exchange::Attempt;
use crate::net::connect::Origin;
use crate::net::grpc::{Status, framed, messages};
use crate::net::http::Keep;
use crate::net::message::{Fixed, Message, origin};
use crate::net::protobuf::{Call, REFLECTION, Schema};
use crate::net::reflection::{Silent, Telling};
use crate::net::reply::Reply as Wire;
use crate::net::tls::Offer;
use crate::net::tls_facts::TlsFacts;
use crate::net::{ErrorClass, Fault, Phases};
use crate::scenario::plan::{Reuse, Step};
use crate::scenario::steps::grpc::{GrpcCall, Wanted};
use crate::vu::reply::Reply;
use crate::vu::request::{self, parsed};
use crate::vu::road::Road;
use crate::vu::user::VirtualUser;
use crate::witness::said::Said;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Instant;

/// Where calls go, and what goes with each.
struct Server {
    uri: Uri,
    origin: Arc<Origin>,
    headers: HeaderMap,
}

/// What came of one exchange.
struct Came {
    wire: Wire,
    tls: Option<Arc<TlsFacts>>,
    status: Status,
    messages: Vec<Bytes>,
}

type Failed = (Fault, Phases);

impl VirtualUser {
    pub(super) async fn grpc(
        &mut self,
        step: &Step,
        call: &GrpcCall,
        start: Instant,
        deadline: Instant,
    ) -> Attempt {
        let result = match self.server(step, call) {
            Ok(server) => self.called(step, call, &server, (start, deadline)).await,
            Err(fault) => Err((fault, Phases::default())),
        };
        result.unwrap_or_else(|(fault, phases)| Attempt::failed(fault, phases))
    }

    /// Asks what a call looks like, if nobody said so; whether anybody was asked.
    pub(super) async fn ask_for_call(
        &mut self,
        step: &Step,
        call: &GrpcCall,
        deadline: Instant,
    ) -> Result<bool, Fault> {
        let name = call.name();
        let server = self.server(step, call)?;
        if self.shared.known_call(&server.origin, name).is_some() {
            return Ok(false);
        }
        let asked = self.reflected(&server, name, deadline).await;
        asked.map(|_| true).map_err(|(fault, _)| fault)
    }

    async fn called(
        &mut self,
        step: &Step,
        wanted: &GrpcCall,
        server: &Server,
        (start, deadline): (Instant, Instant),
    ) -> Result<Attempt, Failed> {
        let early = |fault: Fault| (fault, Phases::default());
        // What nobody said was asked for before the step began.
        let known = wanted.known.clone();
        let known = known.or_else(|| self.shared.known_call(&server.origin, wanted.name()));
        let missing = || format!("nobody told what `{}` looks like", wanted.name());
        let call = known.ok_or_else(|| early(Fault::unknown(missing())))?;
        let sent = self.sent(wanted, &call).map_err(early)?;
        let came = self
            .exchange(server, &call, sent, (start, deadline))
            .await?;
        let read = |message: &Bytes| call.decode(message.clone());
        let read: Result<Vec<Value>, String> = came.messages.iter().map(read).collect();
        let (messages, odd) = match read {
            Ok(messages) => (messages, None),
            Err(why) => (Vec::new(), Some(Fault::new(ErrorClass::Decode, why))),
        };
        let is_checked = |name: &str| step.checks.iter().any(|check| check.uses(name));
        let is_health = matches!(wanted.wanted, Wanted::Health(_));
        // A message and a failure may come together: how it ended comes first, unless checks judge that.
        let ended = match is_health {
            _ if is_checked("grpc") => None,
            true => unhealthy(&came.status),
            false => came.status.fault(),
        };
        let fault = ended.or(odd).or_else(|| match is_health {
            true if is_checked("body") || came.status.code != 0 => None,
            true => unfit(messages.last()),
            false => missing_message(&call, &came.status, &messages),
        });
        Ok(shown(came, messages, fault))
    }

    /// The address, and metadata that goes with every call.
    fn server(&self, step: &Step, call: &GrpcCall) -> Result<Server, Fault> {
        let base = match &call.url {
            Some(url) => self.render(url)?,
            None => {
                let missing = || Fault::new(ErrorClass::Template, "the call has no server");
                self.base(step).ok_or_else(missing)?.to_owned()
            }
        };
        let uri = parsed(base)?;
        let origin = origin(&uri, Offer::Two, call.verify)?;
        let mut headers = self.filled(&call.headers)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(
            "grpc-accept-encoding",
            HeaderValue::from_static("identity,gzip"),
        );
        Ok(Server {
            uri,
            origin: Arc::new(origin),
            headers,
        })
    }

    /// The messages of a step, as they are sent.
    fn sent(&self, wanted: &GrpcCall, call: &Call) -> Result<Vec<Bytes>, Fault> {
        let wrong = |why: String| Fault::new(ErrorClass::Template, why);
        if let Wanted::Health(service) = &wanted.wanted {
            let asked = json!({ "service": self.render(service)? });
            return Ok(vec![call.encode(&asked).map_err(wrong)?]);
        }
        if wanted.messages.len() > 1 && !call.takes_many() {
            return Err(wrong(format!("`{}` takes one message", call.path())));
        }
        let scope = self.scope(None);
        let made = wanted.messages.iter().map(|message| {
            let value = request::json(message, &scope)?;
            call.encode(&value).map_err(wrong)
        });
        made.collect()
    }

    /// One exchange, up to its status.
    async fn exchange(
        &mut self,
        server: &Server,
        call: &Call,
        sent: Vec<Bytes>,
        (start, deadline): (Instant, Instant),
    ) -> Result<Came, Failed> {
        let early = |fault: Fault| (fault, Phases::default());
        let wrong = |why: &str| early(Fault::new(ErrorClass::Template, why));
        let mut parts = server.uri.clone().into_parts();
        let path = call.path().parse();
        parts.path_and_query = Some(path.map_err(|_| wrong("the call's name is no path"))?);
        let uri = Uri::from_parts(parts).map_err(|_| wrong("the call has no address"))?;
        let left = deadline.saturating_duration_since(Instant::now());
        let left = HeaderValue::from_str(&format!("{}m", left.as_millis().min(99_999_999)));
        let mut late = HeaderMap::new();
        late.insert("grpc-timeout", left.expect("digits are a header"));
        let binding = self.shared.binding.clone();
        let limit = binding.plan.body_limit;
        let mut road = Road {
            connector: &binding.connector,
            pool: &self.shared.pool,
            kept: self.shared.kept.as_deref(),
            held: &mut self.held,
            fresh: binding.plan.connections.reuse == Reuse::Never,
            keep: Keep {
                head: true,
                body: true,
                shows: false,
                limit,
            },
            start,
            deadline,
            repeated: 0,
            tracing: None,
        };
        let message = Message {
            method: &Method::POST,
            uri: &uri,
            fixed: &Fixed::new(server.headers.clone()),
            headers: &late,
            body: &framed(&sent),
        };
        let (wire, tls) = road.exchange(&server.origin, message, None).await?;
        let phases = wire.phases;
        let found = Status::of(wire.headers.map(), wire.trailers.as_deref());
        let Some(status) = found else {
            return Err((self.no_call(&wire), phases));
        };
        let messages = messages(wire.headers.map(), wire.body.clone(), limit);
        let messages = messages.map_err(|fault| (fault, phases))?;
        Ok(Came {
            wire,
            tls,
            status,
            messages,
        })
    }

    /// What answers, and speaks no gRPC.
    fn no_call(&self, wire: &Wire) -> Fault {
        let text = self.start_of(&wire.body);
        let status = wire.status.as_u16();
        let mut detail = format!("the answer has no status of gRPC: HTTP {status}");
        if !text.is_empty() && wire.body.first() != Some(&0) {
            detail.push_str(&format!(", {text:?}"));
        }
        let class = match status {
            401 | 403 => ErrorClass::Unauthorized,
            429 => ErrorClass::RateLimited,
            200 => ErrorClass::Protocol,
            _ => ErrorClass::Status,
        };
        Fault::new(class, detail)
    }

    /// What a call looks like, as the server itself tells.
    async fn reflected(
        &mut self,
        server: &Server,
        name: &str,
        deadline: Instant,
    ) -> Result<Call, Failed> {
        let mut refused = None;
        for way in REFLECTION {
            let way = Schema::own()
                .call(way)
                .expect("how servers are asked is known");
            match self.told(server, &way, name, deadline).await? {
                Ok(call) => {
                    self.shared.know_call(&server.origin, name, &call);
                    return Ok(call);
                }
                Err(status) if status.code == 12 => refused = Some(status),
                Err(status) => {
                    let text = format!("the server does not tell of `{name}`: {}", status.message);
                    return Err((Fault::unknown(text), Phases::default()));
                }
            }
        }
        let status = refused.map_or(String::new(), |status| format!(" ({})", status.name()));
        let text = format!(
            "the server has no reflection{status}: what `{name}` looks like must be said by `proto: FILE`"
        );
        Err((Fault::unknown(text), Phases::default()))
    }

    /// All files that a call needs; the status of whoever does not tell.
    async fn told(
        &mut self,
        server: &Server,
        way: &Call,
        name: &str,
        deadline: Instant,
    ) -> Result<Result<Call, Status>, Failed> {
        let unknown = |why: String| (Fault::unknown(why), Phases::default());
        let mut telling = Telling::of(name);
        while let Some(question) = telling.question() {
            let sent = vec![way.encode(&question).map_err(unknown)?];
            let times = (Instant::now(), deadline);
            let came = self.exchange(server, way, sent, times).await?;
            if came.status.code != 0 {
                return Ok(Err(came.status));
            }
            let answer = came.messages.into_iter().next().unwrap_or_default();
            match telling.take(&way.decode(answer).map_err(unknown)?) {
                Ok(()) => {}
                Err(Silent::Refused(status)) => return Ok(Err(status)),
                Err(Silent::Odd(why)) => return Err(unknown(why)),
            }
        }
        telling.call().map(Ok).map_err(unknown)
    }
}

/// What the end of a health check says against it.
fn unhealthy(status: &Status) -> Option<Fault> {
    let text = "the server has no health service (`grpc.health.v1.Health`)";
    match status.code {
        12 => Some(Fault::unknown(text)),
        _ => status.fault(),
    }
}

/// That a call which gives one message ended well, and gave none.
fn missing_message(call: &Call, status: &Status, messages: &[Value]) -> Option<Fault> {
    let is_missing = status.code == 0 && messages.is_empty() && !call.gives_many();
    let text = "the call ended with OK, and no message came";
    is_missing.then(|| Fault::new(ErrorClass::Protocol, text))
}

/// What an answer to a health check says against it.
fn unfit(answer: Option<&Value>) -> Option<Fault> {
    let said = answer.and_then(|answer| answer["status"].as_str());
    match said {
        Some("SERVING") => None,
        Some(said) => Some(Fault::new(
            ErrorClass::Check,
            format!("its health is {said}"),
        )),
        None => Some(Fault::new(ErrorClass::Protocol, "no health came back")),
    }
}

/// What checks can look at.
fn shown(came: Came, messages: Vec<Value>, fault: Option<Fault>) -> Attempt {
    let Came {
        wire, tls, status, ..
    } = came;
    let lines = wire.trailers.as_deref().into_iter().flatten();
    let lines = lines.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), Value::from(value))
    });
    let trailers: Map<String, Value> = lines.collect();
    let body = messages.last().map(Value::to_string).unwrap_or_default();
    let mut said = Said::default();
    said.value(
        "grpc",
        json!({ "status": status.code, "name": status.name(), "message": status.message }),
    );
    said.value("trailers", trailers);
    said.value("messages", messages);
    Attempt {
        fault,
        bytes_received: wire.body_bytes,
        end: Some(wire.end),
        reply: Reply {
            status: Some(wire.status.as_u16()),
            headers: wire.headers,
            body: body.into(),
            phases: wire.phases,
            tls,
            version: "HTTP/2",
            said: Some(Box::new(said)),
            ..Reply::default()
        },
        ..Attempt::default()
    }
}
