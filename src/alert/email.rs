//! E-mail over SMTP, through lettre.

use crate::delivery::attempt::Delivery;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::Message;
use crate::scenario::template::Template;
use crate::secret::Secret;
use lettre::message::{Mailbox, MultiPart, SinglePart, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::path::PathBuf;
use std::time::Duration;

/// Sends a message. `key` becomes the message id, so that a repeated delivery is recognized.
pub async fn send(
    email: &Email,
    user: Option<Secret>,
    password: Option<Secret>,
    message: &Message,
    key: &str,
    timeout: Duration,
) -> Delivery {
    let built = build(email, message, key);
    let letter = match built {
        Ok(letter) => letter,
        Err(reason) => return Delivery::give_up(reason),
    };
    let transport = match transport(email, user, password, timeout) {
        Ok(transport) => transport,
        Err(reason) => return Delivery::give_up(reason),
    };
    match tokio::time::timeout(timeout, transport.send(letter)).await {
        Ok(Ok(response)) => Delivery::done(format!(
            "accepted: {}",
            response.message().collect::<Vec<_>>().join(" ")
        )),
        Ok(Err(error)) => {
            use std::error::Error as _;
            let cause = error
                .source()
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            let text = format!(
                "`{}:{}` did not take it: {error}{cause}",
                email.host, email.port
            );
            if error.is_permanent() {
                Delivery::give_up(text)
            } else {
                Delivery::again(text, None)
            }
        }
        Err(_) => Delivery::again(
            format!("`{}:{}` did not answer in time", email.host, email.port),
            None,
        ),
    }
}

fn build(email: &Email, message: &Message, key: &str) -> Result<lettre::Message, String> {
    let mailbox = |text: &str| {
        text.parse::<Mailbox>()
            .map_err(|error| format!("`{text}` is not an address: {error}"))
    };
    let from = mailbox(&email.from)?;
    let domain = from.email.domain().to_owned();
    let mut builder = lettre::Message::builder()
        .from(from)
        .subject(&message.subject)
        .message_id(Some(format!("<{key}@{domain}>")));
    for to in &email.to {
        builder = builder.to(mailbox(to)?);
    }
    let plain = SinglePart::builder()
        .header(header::ContentType::TEXT_PLAIN)
        .body(message.text());
    let html = SinglePart::builder()
        .header(header::ContentType::TEXT_HTML)
        .body(page(message));
    builder
        .multipart(MultiPart::alternative().singlepart(plain).singlepart(html))
        .map_err(|error| format!("the letter cannot be made: {error}"))
}

fn page(message: &Message) -> String {
    maud::html! {
        (maud::DOCTYPE)
        html { body style="font-family:sans-serif" {
            h2 { (message.subject) }
            @for line in &message.lines { p { (line) } }
            table { @for (name, value) in &message.facts { tr { td style="color:#666;padding-right:16px" { (name) } td { (value) } } } }
            @if let Some(link) = &message.link { p { a href=(link) { "Open the gate" } } }
        } }
    }
    .into_string()
}

fn transport(
    email: &Email,
    user: Option<Secret>,
    password: Option<Secret>,
    timeout: Duration,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let tls = |host: &str| -> Result<TlsParameters, String> {
        let mut builder = TlsParameters::builder(host.to_owned());
        if let Some(path) = &email.ca_file {
            let pem = std::fs::read(path)
                .map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
            let certificate = Certificate::from_pem(&pem)
                .map_err(|error| format!("`{}` is not a certificate: {error}", path.display()))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder
            .build()
            .map_err(|error| format!("TLS cannot be set up: {error}"))
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&email.host)
        .port(email.port)
        .timeout(Some(timeout))
        .tls(match email.security {
            // Required, not opportunistic: a server that hides STARTTLS must not get the password.
            Security::StartTls => Tls::Required(tls(&email.host)?),
            Security::Tls => Tls::Wrapper(tls(&email.host)?),
            Security::None => Tls::None,
        });
    if let (Some(user), Some(password)) = (user, password) {
        builder = builder.credentials(Credentials::new(
            user.expose().to_owned(),
            password.expose().to_owned(),
        ));
    }
    Ok(builder.build())
}

/// E-mail over SMTP.
#[derive(Debug)]
pub struct Email {
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection.
    pub security: Security,
    /// User name.
    pub user: Option<Template>,
    /// Password.
    pub password: Option<Template>,
    /// Sender.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
    /// A further certificate authority.
    pub ca_file: Option<PathBuf>,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Clear text first, then TLS; refused where the server does not offer it.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Clear text.
    None,
}

/// Its form.
pub static EMAIL: Object = Object {
    name: "email",
    called: "an e-mail channel",
    fields: &[
        required("server", Shape::Text, "`host:port` of the SMTP server"),
        field(
            "security",
            Shape::Word(&["starttls", "tls", "none"]),
            "how the connection is protected (starttls)",
        ),
        field("user", Shape::Template, "user name"),
        field("password", Shape::Template, "password"),
        required("from", Shape::Text, "sender"),
        required("to", Shape::OneOrMany(&Shape::Text), "recipients"),
        field(
            "ca_file",
            Shape::Text,
            "a further certificate authority to trust, as PEM",
        ),
    ],
};
