//! One question to PostgreSQL: connected as asked, in a transaction that only reads, and gone again.
//!
//! Does not know what is asked. Invariant: nothing is asked by a role that could change anything, nothing is
//! committed, and what does not answer in time is left.

use super::connect::Connector;
use super::tls::{Offer, server_name};
use super::{ErrorClass, Fault};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use tokio_postgres::config::Host;
use tokio_postgres::tls::{ChannelBinding, TlsConnect};
use tokio_postgres::{Client, Config, SimpleQueryMessage};

/// Why there is no answer.
#[derive(Debug)]
pub enum Refusal {
    /// The role, and what it could change.
    MayWrite(String, String),
    /// Anything else.
    Fault(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::Fault(fault)
    }
}

/// A question, and whom it goes to.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The address, with its credentials.
    pub url: &'a str,
    /// Asks what the role could change: an answer that is not null ends it.
    pub may_write: &'a str,
    /// What is asked.
    pub query: &'a str,
}

/// Asks; the text of the first column of the first row.
pub async fn ask(
    connector: &Connector,
    question: Question<'_>,
    deadline: Instant,
) -> Result<String, Refusal> {
    match timeout_at(deadline.into(), answered(connector, question, deadline)).await {
        Ok(answer) => answer,
        Err(_) => Err(Fault::unknown("the database did not answer in time").into()),
    }
}

async fn answered(
    connector: &Connector,
    question: Question<'_>,
    deadline: Instant,
) -> Result<String, Refusal> {
    let (config, is_verified) = settings(question.url)?;
    let [Host::Tcp(host)] = config.get_hosts() else {
        return Err(template("the address names one host").into());
    };
    // An unescaped `@` in a password makes the rest of it a part of the host: that is shown to nobody.
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    if host.is_empty() || !host.chars().all(is_host) {
        let why = "the address names no host; what of the password is no letter or digit is percent-encoded";
        return Err(template(why).into());
    }
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let shown = format!("PostgreSQL at {host}:{port}");
    let (stream, _) = connector
        .tcp(host, port, deadline)
        .await
        .map_err(|(fault, _)| Fault::unknown(format!("{shown} was not reached: {fault}")))?;
    let tls = Encrypted {
        config: connector.tls.client(host, is_verified, Offer::Nothing),
        name: server_name(host)?,
    };
    let opened = config.connect_raw(stream, tls).await;
    let (client, connection) = opened.map_err(|error| refused(&shown, &error))?;
    // It ends with its client.
    let line = tokio::spawn(async move {
        let _ = connection.await;
    });
    let answer = told(&client, &shown, question, deadline).await;
    drop(client);
    line.abort();
    answer
}

async fn told(
    client: &Client,
    shown: &str,
    question: Question<'_>,
    deadline: Instant,
) -> Result<String, Refusal> {
    let left = deadline.saturating_duration_since(Instant::now());
    let left_ms = left.max(Duration::from_millis(1)).as_millis();
    let begin = format!(
        "begin read only; set local statement_timeout = {left_ms}; set local lock_timeout = {left_ms}; select current_user::text"
    );
    let begun = client.simple_query(&begin).await;
    let begun = begun.map_err(|error| refused(shown, &error))?;
    let role = begun.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.try_get(0).ok().flatten(),
        _ => None,
    });
    let role = role.unwrap_or_default().to_owned();
    let may = client.query_one(question.may_write, &[]).await;
    let may = may.map_err(|error| refused(shown, &error))?;
    let may: Option<String> = may.try_get(0).map_err(|error| refused(shown, &error))?;
    if let Some(what) = may {
        return Err(Refusal::MayWrite(role, what));
    }
    // By the extended protocol, which takes one statement and no more.
    let row = client.query_one(question.query, &[]).await;
    let row = row.map_err(|error| refused(shown, &error))?;
    // What is not rolled back ends with the connection all the same.
    let _ = client.simple_query("rollback").await;
    let text: Option<String> = row.try_get(0).map_err(|error| refused(shown, &error))?;
    Ok(text.unwrap_or_default())
}

fn template(why: &str) -> Fault {
    let why = format!("{why}: write postgres://USER:PASSWORD@HOST:PORT/DATABASE");
    Fault::new(ErrorClass::Template, why)
}

/// The settings of an address, and whether the certificate must be valid: `verify-full` and `verify-ca`,
/// which the library does not know, are that.
fn settings(url: &str) -> Result<(Config, bool), Fault> {
    let mut url = url.trim().to_owned();
    let mut is_verified = false;
    for mode in ["verify-full", "verify-ca"] {
        if url.contains(&format!("sslmode={mode}")) {
            url = url.replace(&format!("sslmode={mode}"), "sslmode=require");
            is_verified = true;
        }
    }
    // Its error may show the address, in which the password stands.
    let mut config: Config = url
        .parse()
        .map_err(|_| template("the address cannot be read"))?;
    config.application_name("bellwether");
    Ok((config, is_verified))
}

/// What the database says, or why the line broke. Nothing of it is the product's failure.
fn refused(shown: &str, error: &tokio_postgres::Error) -> Fault {
    let why = match error.as_db_error() {
        Some(said) => format!(
            "{shown} answered {}: {}",
            said.code().code(),
            said.message()
        ),
        None => {
            let mut why = error.to_string();
            if let Some(source) = std::error::Error::source(error) {
                why.push_str(&format!(": {source}"));
            }
            format!("{shown}: {why}")
        }
    };
    Fault::unknown(why)
}

/// TLS as PostgreSQL asks for it in the middle of a connection.
struct Encrypted {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// A connection that is encrypted.
struct Line(Box<tokio_rustls::client::TlsStream<TcpStream>>);

impl TlsConnect<TcpStream> for Encrypted {
    type Stream = Line;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Line>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        Box::pin(async move {
            let connector = tokio_rustls::TlsConnector::from(self.config);
            let stream = connector.connect(self.name, stream).await?;
            Ok(Line(Box::new(stream)))
        })
    }
}

impl tokio_postgres::tls::TlsStream for Line {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_postgres::config::SslMode;

    #[test]
    fn an_address_says_whether_the_certificate_must_be_valid() {
        let read =
            |url: &str| settings(url).map(|(config, verified)| (config.get_ssl_mode(), verified));
        let at = "postgres://reader:pw@db.example:5433/shop";
        assert_eq!(read(at).unwrap(), (SslMode::Prefer, false));
        let full = format!("{at}?sslmode=verify-full");
        assert_eq!(read(&full).unwrap(), (SslMode::Require, true));
        let fault = settings("postgres://reader:pw@:no/x").unwrap_err();
        assert!(!fault.detail.contains("pw@"), "{fault}");
    }
}
