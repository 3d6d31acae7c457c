//! Where the record of a gate is attached: tickets, one system in a file each.
//!
//! Every system is looked at before it is written to, by the name of the attachment, so that an attempt
//! that was cut off after it had attached does so once. A ticket that no deploy names is no mistake.
//!
//! To add one: its file with form and doing, and its line in [`TICKETS`].

use super::call::{Call, text_of};
use super::vendor::Done;
use super::{ticket_github, ticket_gitlab, ticket_jira};
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::document::kind::Kind;
use crate::limits;
use crate::scenario::template::Template;
use http::Method;
use std::collections::BTreeMap;
use std::time::Instant;

/// Comments of a page.
const PAGE: usize = 100;

/// What is attached.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// The name of its file, the same over all attempts: `bellwether-gate-12-verdict.json`.
    pub name: String,
    /// What people read of it.
    pub markdown: String,
    /// The whole of it.
    pub json: String,
}

impl Attachment {
    /// The mark by which a comment is found again.
    pub(super) fn mark(&self) -> String {
        format!("<!-- {} -->", self.name)
    }
}

/// A system of tickets.
pub trait Tickets: std::fmt::Debug + Sync {
    /// The setting that names the ticket.
    fn named_by(&self) -> &'static [&'static str];

    /// Attaches once.
    fn attach<'a>(&'a self, call: &'a Call<'a>, attachment: &'a Attachment) -> Done<'a>;
}

/// A system with the field that names it.
pub type TicketKind = Kind<&'static dyn Tickets>;

/// All systems.
pub const TICKETS: &[TicketKind] = &[ticket_github::KIND, ticket_gitlab::KIND, ticket_jira::KIND];

/// A ticket as configured.
#[derive(Debug)]
pub struct Ticket {
    /// Its system.
    pub kind: &'static TicketKind,
    /// Its settings.
    pub settings: BTreeMap<String, Template>,
}

impl Ticket {
    /// Attaches once, with the facts of a gate.
    pub async fn attach(
        &self,
        means: &Means,
        facts: &BTreeMap<String, String>,
        attachment: &Attachment,
    ) -> Delivery {
        let mut settings = BTreeMap::new();
        for (name, template) in &self.settings {
            match means.fill(template, facts) {
                Ok(value) => settings.insert(name.clone(), value),
                Err(reason) => return Delivery::give_up(format!("`{name}`: {reason}")),
            };
        }
        let call = Call {
            settings,
            connector: &means.connector,
            key: &attachment.name,
            deadline: Instant::now() + limits::DELIVERY_TIMEOUT,
        };
        let names = self.kind.what.named_by().iter();
        if names.into_iter().all(|name| call.text(name).is_empty()) {
            return Delivery::done("the deploy names no ticket; nothing was attached".to_owned());
        }
        let attached = self.kind.what.attach(&call, attachment).await;
        attached.map_or_else(|refused| refused, Delivery::done)
    }
}

/// The name of a ticket as part of a path: it is a number or a key, and leads nowhere else.
pub(super) fn key(call: &Call<'_>, name: &str) -> Result<String, Delivery> {
    let text = call.text(name);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let text = text.trim_start_matches('#');
    if text.is_empty() || !text.chars().all(fits) || text.starts_with('.') {
        return Err(Delivery::give_up(format!(
            "`{name}` is `{text}`, which names no ticket; nothing was sent"
        )));
    }
    Ok(text.to_owned())
}

/// Whether any comment of a ticket has a mark; they are looked through page by page.
pub(super) async fn is_marked(
    call: &Call<'_>,
    whom: &str,
    comments: &str,
    headers: &[(&'static str, String)],
    mark: &str,
) -> Result<bool, Delivery> {
    for page in 1.. {
        let url = format!("{comments}?per_page={PAGE}&page={page}");
        let known = call
            .ask(whom, Method::GET, &url, headers, None, &[])
            .await?;
        let all = known.json.as_array().map_or(&[][..], Vec::as_slice);
        if all.iter().any(|one| text_of(one, "/body").contains(mark)) {
            return Ok(true);
        }
        if all.len() < PAGE {
            break;
        }
    }
    Ok(false)
}

/// A form with one file, as browsers send it: its content type, and its bytes.
pub(super) fn form(attachment: &Attachment) -> (String, Vec<u8>) {
    let edge = format!("bellwether-{}", crate::ids::random_uuid());
    let head = format!(
        "--{edge}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{}\"\r\ncontent-type: application/json\r\n\r\n",
        attachment.name
    );
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(attachment.json.as_bytes());
    bytes.extend_from_slice(format!("\r\n--{edge}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={edge}"), bytes)
}
