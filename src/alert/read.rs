//! Reads channels: who is told, and by what.

use super::channel::Channel;
use super::email::{Email, Security};
use crate::document::node::Node;
use crate::scenario::reader::{Reader, text, texts};

impl Reader<'_> {
    /// A channel.
    pub fn channel(&mut self, name: &Node, node: &Node) -> Option<Channel> {
        match (node.get("email"), node.get("slack"), node.get("webhook")) {
            (Some(email), None, None) => {
                let server = email.get("server")?;
                let parsed = server
                    .text
                    .rsplit_once(':')
                    .and_then(|(host, port)| Some((host.to_owned(), port.parse::<u16>().ok()?)));
                let Some((host, port)) = parsed else {
                    self.error(
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
                            self.error(
                                "wrong-type",
                                format!("`{}` is not an e-mail address", address.text),
                                address.span,
                                "such as `Deploys <deploys@example.com>`",
                            );
                        }
                    }
                }
                Some(Channel::Email(Box::new(Email {
                    host,
                    port,
                    security: match text(email, "security").as_deref() {
                        Some("tls") => Security::Tls,
                        Some("none") => Security::None,
                        _ => Security::StartTls,
                    },
                    user: email.get("user").and_then(|node| self.template(node)),
                    password: email.get("password").and_then(|node| self.template(node)),
                    from: text(email, "from")?,
                    to: texts(email, "to"),
                    ca_file: text(email, "ca_file").map(|file| self.folder.join(file)),
                })))
            }
            (None, Some(slack), None) => Some(Channel::Slack(self.template(slack.get("url")?)?)),
            (None, None, Some(webhook)) => Some(Channel::Webhook(self.webhook(webhook)?)),
            _ => {
                self.error(
                    "missing-field",
                    "a channel is one of `email`, `slack` and `webhook`",
                    name.span,
                    "exactly one of them",
                );
                None
            }
        }
    }
}
