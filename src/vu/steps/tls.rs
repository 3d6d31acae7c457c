//! A TLS handshake: what the server shows, and which versions it takes.

use crate::net::connect::micros;
use crate::net::starttls::{self, Protocol};
use crate::net::tls::server_name;
use crate::net::tls_facts::TlsFacts;
use crate::net::{ErrorClass, Fault, Phases, address, tls_legacy};
use crate::scenario::steps::tls::TlsHandshake;
use crate::vu::reply::Reply;
use crate::vu::user::VirtualUser;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use super::exchange::Attempt;

impl VirtualUser {
    pub(super) async fn tls(&mut self, handshake: &TlsHandshake, deadline: Instant) -> Attempt {
        match self.tls_facts(handshake, deadline).await {
            Ok((facts, phases)) => {
                let wrong = |version: &String, wanted: bool| {
                    facts
                        .tried
                        .iter()
                        .any(|(tried, accepted)| tried == version && *accepted != wanted)
                };
                let problem = facts.problem.as_ref().filter(|_| handshake.verify);
                let fault = if let Some(problem) = problem {
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
        let name = address::host(&name)
            .map_err(|why| (Fault::new(ErrorClass::Template, why), none))?
            .into_owned();
        let both: &[&'static rustls::SupportedProtocolVersion] =
            &[&rustls::version::TLS13, &rustls::version::TLS12];
        let first = handshake.starttls;
        let to = (host.as_str(), port, name.as_str());
        let (mut facts, phases) = self.handshake(to, first, both, deadline).await?;
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
                    match self.handshake(to, first, only, deadline).await {
                        Ok(_) => true,
                        Err((fault, phases)) if fault.class == ErrorClass::TimeoutTls => {
                            return Err((fault, phases));
                        }
                        Err(_) => false,
                    }
                }
                _ => {
                    let (mut stream, _) = self.in_the_clear(to, first, deadline).await?;
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

    /// A connection on which the server is ready for a handshake.
    async fn in_the_clear(
        &self,
        (host, port, _): (&str, u16, &str),
        first: Option<Protocol>,
        deadline: Instant,
    ) -> Result<(TcpStream, Phases), (Fault, Phases)> {
        let connector = &self.shared.binding.connector;
        let (mut stream, phases) = connector.tcp(host, port, deadline).await?;
        if let Some(protocol) = first {
            let asked = timeout_at(deadline.into(), starttls::ask(&mut stream, protocol)).await;
            let late = || Fault::new(ErrorClass::TimeoutTls, "asking for TLS took too long");
            let asked = asked.map_err(|_| (late(), phases))?;
            asked.map_err(|fault| (fault, phases))?;
        }
        Ok((stream, phases))
    }

    async fn handshake(
        &self,
        to: (&str, u16, &str),
        first: Option<Protocol>,
        versions: &[&'static rustls::SupportedProtocolVersion],
        deadline: Instant,
    ) -> Result<(TlsFacts, Phases), (Fault, Phases)> {
        let (stream, mut phases) = self.in_the_clear(to, first, deadline).await?;
        let server = server_name(to.2).map_err(|fault| (fault, phases))?;
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
}
