//! One step on the wire: from a compiled action to a reply or a fault.
//!
//! Knows connections and redirects. Does not judge the reply.

use super::command::{self, Invocation};
use super::reply::Reply;
use super::request;
use super::user::VirtualUser;
use crate::limits;
use crate::net::connect::{Origin, host_port, micros};
use crate::net::http::{Connection, Keep};
use crate::net::tls::{Offer, TlsFacts, server_name};
use crate::net::{ErrorClass, Fault, Phases, body, client, dns, tls_legacy};
use crate::scenario::plan::{
    Action, Command, CookieLife, DnsQuestion, HttpRequest, HttpVersion, Step, TlsHandshake,
};
use crate::scenario::template::Template;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode, Uri};
use std::sync::Arc;
use std::time::Instant;
use tokio::time::timeout_at;

/// What one attempt left behind.
#[derive(Debug, Default)]
pub struct Attempt {
    /// The reply, as far as it came.
    pub reply: Reply,
    /// What went wrong on the way.
    pub fault: Option<Fault>,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
}

impl Attempt {
    fn failed(fault: Fault, phases: Phases) -> Attempt {
        Attempt {
            reply: Reply {
                phases,
                ..Reply::default()
            },
            fault: Some(fault),
            ..Attempt::default()
        }
    }
}

impl VirtualUser {
    /// Performs the action of a step once.
    pub(super) async fn attempt(&mut self, step: &Step, deadline: Instant) -> Attempt {
        match &step.action {
            Action::Http(http) => self.http(step, http, deadline).await,
            // Boxed, so that a virtual user that only speaks HTTP does not carry their state.
            Action::Tcp(address) => Box::pin(self.tcp(address, deadline)).await,
            Action::Tls(handshake) => Box::pin(self.tls(handshake, deadline)).await,
            Action::Dns(question) => Box::pin(self.dns(question, deadline)).await,
            Action::Command(command) => Box::pin(self.command(command, deadline)).await,
            Action::Wait(_) => Attempt::default(),
        }
    }

    async fn http(&mut self, step: &Step, http: &HttpRequest, deadline: Instant) -> Attempt {
        let mut all = Phases::default();
        let prepared = {
            let scope = self.scope(None);
            let service = step
                .service
                .as_deref()
                .or(self.binding.plan.service.as_deref());
            let base = service
                .and_then(|name| self.binding.services.get(name))
                .map(String::as_str);
            request::url(http, base, &scope)
                .and_then(|uri| Ok((uri, request::head_and_body(http, &scope)?)))
        };
        let (mut uri, (headers, mut content)) = match prepared {
            Ok(prepared) => prepared,
            Err(fault) => return Attempt::failed(fault, all),
        };
        let mut method = http.method.clone();
        let mut headers = headers;
        if !headers.contains_key(http::header::ACCEPT_ENCODING) && step.wants_body {
            headers.insert(
                http::header::ACCEPT_ENCODING,
                http::HeaderValue::from_static("gzip, deflate, br, zstd"),
            );
        }
        let mut redirects = 0;
        let (mut sent, mut received) = (0, 0);
        loop {
            let hop = self
                .hop(
                    step,
                    http,
                    &method,
                    &uri,
                    headers.clone(),
                    content.clone(),
                    deadline,
                )
                .await;
            let (wire, tls) = match hop {
                Ok(hop) => hop,
                Err((fault, phases)) => {
                    all.add(phases);
                    let mut attempt = Attempt::failed(fault, all);
                    attempt.reply.url = uri.to_string();
                    attempt.reply.redirects = redirects;
                    return attempt;
                }
            };
            all.add(wire.phases);
            sent += wire.wire_bytes.0;
            received += wire.wire_bytes.1.max(wire.body_bytes);
            self.take_cookies(&wire.headers, &uri);
            let target = redirect(&uri, wire.status, &wire.headers);
            let mut attempt = Attempt {
                bytes_sent: sent,
                bytes_received: received,
                ..Attempt::default()
            };
            if let Some(target) = target.filter(|_| http.redirects > 0) {
                if redirects < http.redirects {
                    redirects += 1;
                    let elsewhere =
                        target.authority() != uri.authority() || target.scheme() != uri.scheme();
                    if elsewhere {
                        // Credentials are for the host that they were written for.
                        headers.remove(http::header::AUTHORIZATION);
                        headers.remove(COOKIE);
                    }
                    let rewrites = wire.status == StatusCode::SEE_OTHER
                        || (matches!(wire.status.as_u16(), 301 | 302) && method == Method::POST);
                    if rewrites && method != Method::HEAD {
                        method = Method::GET;
                        content = bytes::Bytes::new();
                        headers.remove(CONTENT_TYPE);
                    }
                    uri = target;
                    continue;
                }
                attempt.fault = Some(Fault::new(
                    ErrorClass::RedirectLoop,
                    format!(
                        "more than {} redirects; the last one leads to {target}",
                        http.redirects
                    ),
                ));
            }
            let encoding = wire
                .headers
                .get(CONTENT_ENCODING)
                .and_then(|value| value.to_str().ok());
            let decoded = if step.wants_body && method != Method::HEAD {
                body::decode(wire.body.clone(), encoding, limits::BODY_BYTES_MAX)
            } else {
                Ok(wire.body.clone())
            };
            let content = decoded.unwrap_or_else(|fault| {
                attempt.fault.get_or_insert(fault);
                wire.body.clone()
            });
            attempt.reply = Reply {
                status: Some(wire.status.as_u16()),
                headers: wire.headers,
                body: content,
                phases: all,
                tls,
                url: uri.to_string(),
                version: if wire.version == http::Version::HTTP_2 {
                    "HTTP/2"
                } else {
                    "HTTP/1.1"
                },
                redirects,
                ..Reply::default()
            };
            return attempt;
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one hop needs all of a request")]
    async fn hop(
        &mut self,
        step: &Step,
        http: &HttpRequest,
        method: &Method,
        uri: &Uri,
        mut headers: HeaderMap,
        content: bytes::Bytes,
        deadline: Instant,
    ) -> Result<(crate::net::http::Reply, Option<Arc<TlsFacts>>), (Fault, Phases)> {
        let offer = match http.version {
            HttpVersion::Auto => Offer::Both,
            HttpVersion::One => Offer::One,
            HttpVersion::Two => Offer::Two,
        };
        let offer = if uri.scheme_str() == Some("http") && offer == Offer::Both {
            Offer::One
        } else {
            offer
        };
        let origin =
            client::origin(uri, offer, http.verify).map_err(|fault| (fault, Phases::default()))?;
        if self.binding.plan.cookies != CookieLife::Off
            && let Some(cookies) = self.jar.header(&origin.host, uri.path(), origin.tls)
            && !headers.contains_key(COOKIE)
            && let Ok(value) = http::HeaderValue::from_str(&cookies)
        {
            headers.insert(COOKIE, value);
        }
        let keep = Keep {
            body: step.wants_body,
            limit: limits::BODY_BYTES_MAX,
        };
        let mut phases = Phases::default();
        for round in 0..2 {
            let (mut connection, opened) = self
                .connection(&origin, http.fresh_connection || round > 0, deadline)
                .await?;
            phases.add(opened);
            let reused = connection.was_used();
            let two = connection.is_http2();
            let request = client::request(method, uri, headers.clone(), content.clone(), two)
                .map_err(|fault| (fault, phases))?;
            match connection.exchange(request, keep, deadline).await {
                Ok(mut reply) => {
                    phases.add(reply.phases);
                    reply.phases = phases;
                    let tls = connection.tls.clone();
                    let closes = reply
                        .headers
                        .get(http::header::CONNECTION)
                        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
                    if !closes {
                        self.connections.push((origin, connection));
                    }
                    return Ok((reply, tls));
                }
                Err((fault, spent)) => {
                    phases.add(spent);
                    // A server may close an idle connection in the very moment we use it; that says
                    // nothing about the request, so one that may be repeated is repeated once.
                    let repeatable = matches!(
                        *method,
                        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
                    );
                    if round == 0 && reused && repeatable && fault.class == ErrorClass::Reset {
                        continue;
                    }
                    return Err((fault, phases));
                }
            }
        }
        Err((
            Fault::new(ErrorClass::Reset, "the connection was closed twice"),
            phases,
        ))
    }

    async fn connection(
        &mut self,
        origin: &Origin,
        fresh: bool,
        deadline: Instant,
    ) -> Result<(Connection, Phases), (Fault, Phases)> {
        while let Some(at) = self
            .connections
            .iter()
            .position(|(known, _)| known == origin)
        {
            let (_, mut connection) = self.connections.swap_remove(at);
            if !fresh && connection.is_ready().await {
                return Ok((connection, Phases::default()));
            }
        }
        // Boxed: it happens once, but its state would be carried for as long as the user lives.
        Box::pin(Connection::open(&self.binding.connector, origin, deadline)).await
    }

    fn take_cookies(&mut self, headers: &HeaderMap, uri: &Uri) {
        if self.binding.plan.cookies == CookieLife::Off {
            return;
        }
        for header in headers.get_all(SET_COOKIE) {
            if let (Ok(header), Some(host)) = (header.to_str(), uri.host()) {
                self.jar.store(header, host, uri.path());
            }
        }
    }

    fn render(&self, template: &Template) -> Result<String, Fault> {
        template
            .render(&self.scope(None))
            .map_err(|reason| Fault::new(ErrorClass::Template, reason))
    }

    fn address(&self, template: &Template, default: Option<u16>) -> Result<(String, u16), Fault> {
        let text = self.render(template)?;
        let (host, port) = host_port(&text, default.unwrap_or(0))
            .map_err(|reason| Fault::new(ErrorClass::Template, reason))?;
        if port == 0 {
            return Err(Fault::new(
                ErrorClass::Template,
                format!("`{text}` has no port"),
            ));
        }
        Ok((host, port))
    }

    async fn tcp(&mut self, address: &Template, deadline: Instant) -> Attempt {
        let (host, port) = match self.address(address, None) {
            Ok(address) => address,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        match self.binding.connector.tcp(&host, port, deadline).await {
            Ok((_, phases)) => Attempt {
                reply: Reply {
                    phases,
                    ..Reply::default()
                },
                ..Attempt::default()
            },
            Err((fault, phases)) => Attempt::failed(fault, phases),
        }
    }

    async fn tls(&mut self, handshake: &TlsHandshake, deadline: Instant) -> Attempt {
        match self.tls_facts(handshake, deadline).await {
            Ok((facts, phases)) => {
                let wrong = |version: &String, wanted: bool| {
                    facts
                        .tried
                        .iter()
                        .any(|(tried, accepted)| tried == version && *accepted != wanted)
                };
                let fault = if let Some(problem) = &facts.problem {
                    Some(problem.clone())
                } else if let Some(version) = handshake
                    .accepts
                    .iter()
                    .find(|version| wrong(version, true))
                {
                    Some(Fault::new(
                        ErrorClass::TlsVersion,
                        format!("the server refuses TLS {version}"),
                    ))
                } else {
                    handshake
                        .refuses
                        .iter()
                        .find(|version| wrong(version, false))
                        .map(|version| {
                            Fault::new(
                                ErrorClass::TlsVersion,
                                format!("the server still accepts TLS {version}"),
                            )
                        })
                };
                Attempt {
                    reply: Reply {
                        phases,
                        tls: Some(Arc::new(facts)),
                        ..Reply::default()
                    },
                    fault,
                    ..Attempt::default()
                }
            }
            Err((fault, phases)) => Attempt::failed(fault, phases),
        }
    }

    async fn tls_facts(
        &self,
        handshake: &TlsHandshake,
        deadline: Instant,
    ) -> Result<(TlsFacts, Phases), (Fault, Phases)> {
        let none = Phases::default();
        let (host, port) = self
            .address(&handshake.host, Some(443))
            .map_err(|fault| (fault, none))?;
        let name = match &handshake.server_name {
            Some(name) => self.render(name).map_err(|fault| (fault, none))?,
            None => host.clone(),
        };
        let both: &[&'static rustls::SupportedProtocolVersion] =
            &[&rustls::version::TLS13, &rustls::version::TLS12];
        let (mut facts, phases) = self.handshake(&host, port, &name, both, deadline).await?;
        let mut versions: Vec<&String> =
            handshake.accepts.iter().chain(&handshake.refuses).collect();
        versions.sort();
        versions.dedup();
        for version in versions {
            let accepted = match version.as_str() {
                "1.2" | "1.3" => {
                    let only: &[&'static rustls::SupportedProtocolVersion] = if version == "1.2" {
                        &[&rustls::version::TLS12]
                    } else {
                        &[&rustls::version::TLS13]
                    };
                    match self.handshake(&host, port, &name, only, deadline).await {
                        Ok(_) => true,
                        Err((fault, phases)) if fault.class == ErrorClass::TimeoutTls => {
                            return Err((fault, phases));
                        }
                        Err(_) => false,
                    }
                }
                _ => {
                    let (mut stream, _) = self.binding.connector.tcp(&host, port, deadline).await?;
                    match timeout_at(
                        deadline.into(),
                        tls_legacy::accepts(&mut stream, &name, version),
                    )
                    .await
                    {
                        Ok(result) => result.map_err(|fault| (fault, phases))?,
                        Err(_) => {
                            return Err((
                                Fault::new(
                                    ErrorClass::TimeoutTls,
                                    format!("no answer to a TLS {version} hello"),
                                ),
                                phases,
                            ));
                        }
                    }
                }
            };
            facts.tried.push((version.clone(), accepted));
        }
        Ok((facts, phases))
    }

    async fn handshake(
        &self,
        host: &str,
        port: u16,
        name: &str,
        versions: &[&'static rustls::SupportedProtocolVersion],
        deadline: Instant,
    ) -> Result<(TlsFacts, Phases), (Fault, Phases)> {
        let (stream, mut phases) = self.binding.connector.tcp(host, port, deadline).await?;
        let server = server_name(name).map_err(|fault| (fault, phases))?;
        let (config, watcher) = self.binding.connector.tls.watching(versions);
        let start = Instant::now();
        let connecting = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(server, stream);
        let result = timeout_at(deadline.into(), connecting).await;
        phases.tls = micros(start);
        match result {
            Ok(Ok(stream)) => {
                let mut facts = TlsFacts::of(stream.get_ref().1);
                facts.problem = watcher.problem();
                Ok((facts, phases))
            }
            Ok(Err(error)) => {
                let mut fault = Fault::from_io("TLS handshake", &error);
                if fault.class == ErrorClass::Reset {
                    fault.class = ErrorClass::Tls;
                }
                Err((fault, phases))
            }
            Err(_) => Err((
                Fault::new(ErrorClass::TimeoutTls, "the TLS handshake took too long"),
                phases,
            )),
        }
    }

    async fn dns(&mut self, question: &DnsQuestion, deadline: Instant) -> Attempt {
        let start = Instant::now();
        let prepared = self.render(&question.name).and_then(|name| {
            let server = question
                .server
                .as_ref()
                .map(|server| self.render(server))
                .transpose()?;
            Ok((name, server))
        });
        let (name, server) = match prepared {
            Ok(prepared) => prepared,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let result = dns::ask(&name, &question.record, server.as_deref(), left).await;
        let phases = Phases {
            resolve: micros(start),
            ..Phases::default()
        };
        match result {
            Ok(records) => Attempt {
                reply: Reply {
                    phases,
                    records,
                    ..Reply::default()
                },
                ..Attempt::default()
            },
            Err(fault) => Attempt::failed(fault, phases),
        }
    }

    async fn command(&mut self, command: &Command, deadline: Instant) -> Attempt {
        let start = Instant::now();
        let prepared = (|| -> Result<Invocation, Fault> {
            Ok(Invocation {
                words: command
                    .words
                    .iter()
                    .map(|word| self.render(word))
                    .collect::<Result<_, _>>()?,
                folder: match &command.folder {
                    Some(folder) => Some(self.binding.plan.folder.join(self.render(folder)?)),
                    None => Some(self.binding.plan.folder.clone())
                        .filter(|folder| !folder.as_os_str().is_empty()),
                },
                environment: command
                    .environment
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.render(value)?)))
                    .collect::<Result<_, Fault>>()?,
                input: command
                    .input
                    .as_ref()
                    .map(|input| self.render(input))
                    .transpose()?,
            })
        })();
        let invocation = match prepared {
            Ok(invocation) => invocation,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let result = command::run(&invocation, left).await;
        let phases = Phases {
            wait: micros(start),
            ..Phases::default()
        };
        match result {
            Ok(finished) => Attempt {
                reply: Reply {
                    status: Some(finished.code),
                    phases,
                    body: finished.stdout.clone().into(),
                    output: Some((finished.stdout, finished.stderr)),
                    ..Reply::default()
                },
                ..Attempt::default()
            },
            Err(fault) => Attempt::failed(fault, phases),
        }
    }
}

/// Where a reply sends us, if it does.
fn redirect(from: &Uri, status: StatusCode, headers: &HeaderMap) -> Option<Uri> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = headers.get(LOCATION)?.to_str().ok()?.split('#').next()?;
    if crate::scenario::plan::is_absolute(target) {
        return target.parse().ok();
    }
    let scheme = from.scheme_str()?;
    let authority = from.authority()?;
    if let Some(rest) = target.strip_prefix("//") {
        return format!("{scheme}://{rest}").parse().ok();
    }
    let path = if target.starts_with('/') {
        target.to_owned()
    } else if target.starts_with('?') {
        format!("{}{target}", from.path())
    } else {
        let folder = from
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        format!("{folder}/{target}")
    };
    format!("{scheme}://{authority}{path}").parse().ok()
}
