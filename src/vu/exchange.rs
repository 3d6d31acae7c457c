//! One step on the wire: from a compiled action to a reply or a fault.
//!
//! Knows everything but HTTP, which has [`super::http_exchange`]. Does not judge the reply.

use super::reply::Reply;
use super::user::VirtualUser;
use crate::net::connect::{host_port, micros};
use crate::net::program::Invocation;
use crate::net::tls::{TlsFacts, server_name};
use crate::net::{ErrorClass, Fault, Phases, dns, program as command, tls_legacy};
use crate::scenario::plan::{Action, Command, DnsQuestion, Step, TlsHandshake};
use crate::scenario::template::Template;
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
    /// When it was over, if the wire knows.
    pub end: Option<Instant>,
}

impl Attempt {
    pub(super) fn failed(fault: Fault, phases: Phases) -> Attempt {
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
    pub(super) async fn attempt(
        &mut self,
        step: &Step,
        start: Instant,
        deadline: Instant,
    ) -> Attempt {
        match &step.action {
            Action::Http(http) => self.http(step, http, start, deadline).await,
            // Boxed, so that a virtual user that only speaks HTTP does not carry their state.
            Action::Tcp(address) => Box::pin(self.tcp(address, deadline)).await,
            Action::Tls(handshake) => Box::pin(self.tls(handshake, deadline)).await,
            Action::Dns(question) => Box::pin(self.dns(question, deadline)).await,
            Action::Command(command) => Box::pin(self.command(command, deadline)).await,
            Action::Wait(_) => Attempt::default(),
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
        match self
            .shared
            .binding
            .connector
            .tcp(&host, port, deadline)
            .await
        {
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
                    let (mut stream, _) = self
                        .shared
                        .binding
                        .connector
                        .tcp(&host, port, deadline)
                        .await?;
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
        let (stream, mut phases) = self
            .shared
            .binding
            .connector
            .tcp(host, port, deadline)
            .await?;
        let server = server_name(name).map_err(|fault| (fault, phases))?;
        let (config, watcher) = self.shared.binding.connector.tls.watching(versions);
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
                    Some(folder) => {
                        Some(self.shared.binding.plan.folder.join(self.render(folder)?))
                    }
                    None => Some(self.shared.binding.plan.folder.clone())
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
