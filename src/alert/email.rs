//! E-mail over SMTP, through lettre.

use super::channel::{Channel, ReadChannel};
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::doing::Doing;
use crate::limits;
use crate::record::message::{Message, Tone};
use crate::scenario::reader::{Reader, text, texts};
use crate::scenario::template::Template;
use crate::secret::Secret;
use lettre::message::header::{self, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field("email", Shape::Object(&FORM), "e-mail over SMTP"),
    what: read,
};

static FORM: Object = Object {
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

/// E-mail over SMTP.
#[derive(Debug)]
struct Email {
    /// Host name.
    host: String,
    /// Port.
    port: u16,
    /// Protection.
    security: Security,
    /// User name.
    user: Option<Template>,
    /// Password.
    password: Option<Template>,
    /// Sender.
    from: String,
    /// Recipients.
    to: Vec<String>,
    /// A further certificate authority.
    ca_file: Option<PathBuf>,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    /// Clear text first, then TLS; refused where the server does not offer it.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Clear text.
    None,
}

fn read(reader: &mut Reader<'_>, email: &Node) -> Option<Box<dyn Channel>> {
    let server = email.get("server")?;
    let parsed = server
        .text
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host.to_owned(), port.parse::<u16>().ok()?)));
    let Some((host, port)) = parsed else {
        reader.error(
            "wrong-type",
            format!("`{}` is not `host:port`", server.text),
            server.span,
            "such as `smtp.example.com:587`",
        );
        return None;
    };
    for key in ["from", "to"] {
        for address in email.get(key).map(Node::items).unwrap_or_default() {
            if address.text.parse::<lettre::message::Mailbox>().is_err() {
                reader.error(
                    "wrong-type",
                    format!("`{}` is not an e-mail address", address.text),
                    address.span,
                    "such as `Deploys <deploys@example.com>`",
                );
            }
        }
    }
    Some(Box::new(Email {
        host,
        port,
        security: match text(email, "security").as_deref() {
            Some("tls") => Security::Tls,
            Some("none") => Security::None,
            _ => Security::StartTls,
        },
        user: email.get("user").and_then(|node| reader.template(node)),
        password: email.get("password").and_then(|node| reader.template(node)),
        from: text(email, "from")?,
        to: texts(email, "to"),
        ca_file: text(email, "ca_file").map(|file| reader.folder.join(file)),
    }))
}

impl Channel for Email {
    fn tell<'a>(
        &'a self,
        means: &'a Means,
        message: &'a Message,
        key: &'a str,
    ) -> Doing<'a, Delivery> {
        Box::pin(async move {
            let fill = |template: &Template| means.fill(template, &BTreeMap::new());
            let user = self.user.as_ref().map(fill).transpose();
            let password = self.password.as_ref().map(fill).transpose();
            match (user, password) {
                (Ok(user), Ok(password)) => {
                    send(self, user, password, message, key, limits::DELIVERY_TIMEOUT).await
                }
                (Err(reason), _) | (_, Err(reason)) => Delivery::give_up(reason),
            }
        })
    }
}

/// Sends a message. `key` becomes the message id, so that a repeated delivery is recognized.
async fn send(
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
                Delivery::refused(text, None)
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
        .header(AutoSubmitted)
        .message_id(Some(format!("<{key}@{domain}>")));
    if let Some(thread) = message.thread() {
        // A letter that was never sent, which all of them answer: that makes them one thread, in any order.
        let root = format!("<{}@{domain}>", thread.key);
        builder = builder.in_reply_to(root.clone()).references(root);
    }
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

/// The color of a tone, which is read on light and on dark alike.
fn color(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "#2da44e",
        Tone::Warning => "#d4a72c",
        Tone::Bad => "#cf222e",
    }
}

/// Says that no person wrote it, so that nobody's absence notice answers it (RFC 3834).
#[derive(Debug, Clone, Copy)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<AutoSubmitted, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(AutoSubmitted::name(), "auto-generated".to_owned())
    }
}

fn page(message: &Message) -> String {
    maud::html! {
        (maud::DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (message.subject) }
            }
            body style="font-family:system-ui,sans-serif;line-height:1.4;margin:0;padding:16px" {
                h1 style=(format!("font-size:20px;border-left:6px solid {};padding-left:12px;margin:0 0 12px", color(message.tone))) { (message.subject) }
                @for line in &message.lines { p style="margin:0 0 8px" { (line) } }
                table style="border-collapse:collapse;margin:12px 0" role="presentation" { @for (name, value) in &message.facts { tr {
                    td style="color:#777;padding:2px 16px 2px 0;vertical-align:top" { (name) }
                    td style="padding:2px 0;overflow-wrap:anywhere" { (value) }
                } } }
                @if let Some(link) = &message.link { p { a href=(link) { "Open in Bellwether" } } }
            }
        }
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
