//! One step on the wire: from a compiled action to a reply or a fault, one kind in a file each.
//!
//! Does not judge the reply.

use crate::net::connect::host_port;
use crate::net::{ErrorClass, Fault, Phases};
use crate::picture::kept::Picture;
use crate::scenario::plan::Step;
use crate::scenario::steps::action::Action;
use crate::scenario::template::Template;
use crate::suite::report::Test;
use crate::vu::reply::Reply;
use crate::vu::request::header;
use crate::vu::user::VirtualUser;
use http::{HeaderMap, HeaderName};
use std::net::SocketAddr;
use std::time::Instant;

/// What one attempt left behind.
#[derive(Debug, Default)]
pub struct Attempt {
    /// The reply, as far as it came.
    pub reply: Reply,
    /// What went wrong on the way.
    pub fault: Option<Fault>,
    /// Requests that were sent once more, since they were not processed.
    pub repeated: u32,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// What pages looked like, of a step that takes pictures.
    pub pictures: Vec<Picture>,
    /// Tests of a suite.
    pub tests: Vec<Test>,
    /// When it was over, if the wire knows.
    pub end: Option<Instant>,
}

impl Attempt {
    pub(in crate::vu) fn failed(fault: Fault, phases: Phases) -> Attempt {
        Attempt {
            reply: Reply {
                phases,
                tls: fault.refused.clone(),
                ..Reply::default()
            },
            fault: Some(fault),
            ..Attempt::default()
        }
    }
}

impl VirtualUser {
    /// Performs the action of a step once.
    pub async fn attempt(&mut self, step: &Step, start: Instant, deadline: Instant) -> Attempt {
        match &step.action {
            Action::Http(http) => self.http(step, http, start, deadline).await,
            // Boxed, so that a virtual user that only speaks HTTP does not carry their state.
            Action::Tcp(connection) => Box::pin(self.tcp(connection, deadline)).await,
            Action::Tls(handshake) => Box::pin(self.tls(handshake, deadline)).await,
            Action::Dns(question) => Box::pin(self.dns(question, deadline)).await,
            Action::Icmp(ping) => Box::pin(self.icmp(ping, deadline)).await,
            Action::Udp(datagram) => Box::pin(self.udp(datagram, deadline)).await,
            Action::Ntp(question) => Box::pin(self.ntp(question, deadline)).await,
            Action::Domain(question) => Box::pin(self.domain(question, deadline)).await,
            Action::WebSocket(conversation) => {
                Box::pin(self.websocket(step, conversation, deadline)).await
            }
            Action::Events(followed) => Box::pin(self.events(step, followed, deadline)).await,
            Action::Grpc(call) => Box::pin(self.grpc(step, call, start, deadline)).await,
            Action::Command(command) => Box::pin(self.command(command, deadline)).await,
            Action::Logs(logs) => Box::pin(self.logs(logs, deadline)).await,
            Action::Sql(question) => Box::pin(self.sql(question, deadline)).await,
            Action::Prometheus(question) => Box::pin(self.prometheus(question, deadline)).await,
            Action::Alertmanager(question) => Box::pin(self.alertmanager(question, deadline)).await,
            Action::Browser(browse) => Box::pin(self.browse(step, browse, deadline)).await,
            Action::Quality(quality) => Box::pin(self.quality(step, quality, deadline)).await,
            Action::Dotenv(step) => Box::pin(self.dotenv(step)).await,
            Action::Wait(_) => Attempt::default(),
        }
    }

    pub(super) fn render(&self, template: &Template) -> Result<String, Fault> {
        template
            .render(&self.scope(None))
            .map_err(|reason| Fault::new(ErrorClass::Template, reason))
    }

    /// The base URL of a step's service.
    pub(super) fn base(&self, step: &Step) -> Option<&str> {
        let binding = &self.shared.binding;
        let service = step.service.as_ref().or(binding.plan.service.as_ref());
        let base = service.and_then(|name| binding.services.get(name));
        base.map(String::as_str)
    }

    /// Headers, filled in.
    pub(super) fn filled(&self, written: &[(HeaderName, Template)]) -> Result<HeaderMap, Fault> {
        let mut headers = HeaderMap::new();
        for (name, value) in written {
            headers.append(name.clone(), header(name.as_str(), &self.render(value)?)?);
        }
        Ok(headers)
    }

    /// The first address of a host, if none of it is barred.
    pub(super) async fn first_of(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<SocketAddr, Fault> {
        let connector = &self.shared.binding.connector;
        let all = connector.resolve(host, port, deadline).await?;
        let none = || Fault::new(ErrorClass::NoRecord, format!("`{host}` has no address"));
        all.first().copied().ok_or_else(none)
    }

    pub(super) fn address(
        &self,
        template: &Template,
        default: Option<u16>,
    ) -> Result<(String, u16), Fault> {
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
}
