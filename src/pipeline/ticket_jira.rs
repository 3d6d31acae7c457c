//! Jira, and what speaks as it does: the record as an attachment of an issue.

use super::call::{Call, text_of};
use super::ticket::{Attachment, TicketKind, Tickets, form, key};
use super::vendor::Done;
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};
use crate::net::client::basic;
use http::Method;

pub(super) const KIND: TicketKind = Kind {
    field: field("jira", Shape::Object(&FORM), "an issue of Jira"),
    what: &Jira,
};

#[derive(Debug)]
struct Jira;

static FORM: Object = Object {
    name: "jira",
    called: "the Jira issue",
    fields: &[
        required(
            "url",
            Shape::Template,
            "base URL, `https://example.atlassian.net`",
        ),
        required("issue", Shape::Template, "its key: `${inputs.ticket}`"),
        field(
            "user",
            Shape::Template,
            "whose token it is; without it the token is sent as it is",
        ),
        required(
            "token",
            Shape::Template,
            "a token that may write attachments",
        ),
    ],
};

impl Tickets for Jira {
    fn named_by(&self) -> &'static [&'static str] {
        &["issue"]
    }

    fn attach<'a>(&'a self, call: &'a Call<'a>, attachment: &'a Attachment) -> Done<'a> {
        Box::pin(attach(call, attachment))
    }
}

async fn attach(call: &Call<'_>, attachment: &Attachment) -> Result<String, Delivery> {
    let (url, issue) = (call.text("url"), key(call, "issue")?);
    let issue_url = format!("{}/rest/api/2/issue/{issue}", url.trim_end_matches('/'));
    let authorization = match call.text("user").as_str() {
        "" => format!("Bearer {}", call.text("token")),
        user => basic(user, &call.text("token")),
    };
    let headers = [
        ("authorization", authorization),
        ("accept", "application/json".to_owned()),
        ("x-atlassian-token", "no-check".to_owned()),
    ];
    let known = format!("{issue_url}?fields=attachment");
    let known = call
        .ask("Jira", Method::GET, &known, &headers, None, &[])
        .await?
        .json;
    let mut there = known["fields"]["attachment"]
        .as_array()
        .into_iter()
        .flatten();
    if !there.any(|one| text_of(one, "/filename") == attachment.name) {
        let to = format!("{issue_url}/attachments");
        call.upload("Jira", &to, &headers, form(attachment)).await?;
    }
    Ok(format!("{} is attached to {issue}", attachment.name))
}
