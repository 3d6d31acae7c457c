//! GitLab: the record as an upload, linked by a comment on an issue.

use super::call::{Call, text_of};
use super::ticket::{Attachment, TicketKind, Tickets, form, is_marked, key};
use super::vendor::Done;
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};
use http::Method;
use serde_json::json;

pub(super) const KIND: TicketKind = Kind {
    field: field("gitlab", Shape::Object(&FORM), "an issue of GitLab"),
    what: &Gitlab,
};

#[derive(Debug)]
struct Gitlab;

static FORM: Object = Object {
    name: "gitlab_ticket",
    called: "the GitLab issue",
    fields: &[
        required(
            "project",
            Shape::Text,
            "id, or path with `%2F` for the slash",
        ),
        required(
            "issue",
            Shape::Template,
            "its number in the project: `${inputs.ticket}`",
        ),
        required(
            "token",
            Shape::Template,
            "an access token with the scope `api`",
        ),
        field(
            "api",
            Shape::Text,
            "base URL of the API (https://gitlab.com/api/v4)",
        ),
    ],
};

impl Tickets for Gitlab {
    fn named_by(&self) -> &'static [&'static str] {
        &["issue"]
    }

    fn attach<'a>(&'a self, call: &'a Call<'a>, attachment: &'a Attachment) -> Done<'a> {
        Box::pin(attach(call, attachment))
    }
}

async fn attach(call: &Call<'_>, attachment: &Attachment) -> Result<String, Delivery> {
    let (project, issue) = (call.text("project"), key(call, "issue")?);
    let of_project = format!(
        "{}/projects/{project}",
        call.api("https://gitlab.com/api/v4")
    );
    let notes = format!("{of_project}/issues/{issue}/notes");
    let headers = [("private-token", call.text("token"))];
    let mark = attachment.mark();
    if !is_marked(call, "GitLab", &notes, &headers, &mark).await? {
        let to = format!("{of_project}/uploads");
        let made = call
            .upload("GitLab", &to, &headers, form(attachment))
            .await?
            .json;
        let link = text_of(&made, "/markdown");
        let body = json!({ "body": format!("{}\n\n{link}\n\n{mark}", attachment.markdown) });
        call.ask("GitLab", Method::POST, &notes, &headers, Some(body), &[])
            .await?;
    }
    Ok(format!("{} is attached to issue {issue}", attachment.name))
}
