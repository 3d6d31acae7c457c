//! GitHub: the record as an asset of a release, or as a comment on an issue, which takes no files.

use super::call::{Call, github_headers, text_of};
use super::ticket::{Attachment, TicketKind, Tickets, is_marked, key};
use super::vendor::Done;
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};
use http::{Method, Uri};
use serde_json::json;

/// Longest comment, a little below what GitHub takes.
const COMMENT_MAX: usize = 60_000;

pub(super) const KIND: TicketKind = Kind {
    field: field(
        "github",
        Shape::Object(&FORM),
        "an issue or a release of GitHub",
    ),
    what: &Github,
};

#[derive(Debug)]
struct Github;

static FORM: Object = Object {
    name: "github_ticket",
    called: "the GitHub issue or release",
    fields: &[
        required("repository", Shape::Text, "`owner/name`"),
        field(
            "issue",
            Shape::Template,
            "number of an issue or a pull request: `${inputs.ticket}`",
        ),
        field(
            "release",
            Shape::Template,
            "tag of a release: `v${inputs.version}`",
        ),
        required(
            "token",
            Shape::Template,
            "a token that may write issues, or contents for a release",
        ),
        field(
            "api",
            Shape::Text,
            "base URL of the API (https://api.github.com)",
        ),
    ],
};

impl Tickets for Github {
    fn named_by(&self) -> &'static [&'static str] {
        &["issue", "release"]
    }

    fn attach<'a>(&'a self, call: &'a Call<'a>, attachment: &'a Attachment) -> Done<'a> {
        Box::pin(attach(call, attachment))
    }
}

async fn attach(call: &Call<'_>, attachment: &Attachment) -> Result<String, Delivery> {
    let mut places = Vec::new();
    if !call.text("release").is_empty() {
        places.push(release(call, attachment).await?);
    }
    if !call.text("issue").is_empty() {
        places.push(issue(call, attachment).await?);
    }
    Ok(format!(
        "{} is attached to {}",
        attachment.name,
        places.join(" and ")
    ))
}

fn repository(call: &Call<'_>) -> String {
    let api = call.api("https://api.github.com");
    format!("{api}/repos/{}", call.text("repository"))
}

async fn release(call: &Call<'_>, attachment: &Attachment) -> Result<String, Delivery> {
    let (tag, headers) = (key(call, "release")?, github_headers(call));
    let url = format!("{}/releases/tags/{tag}", repository(call));
    let known = call
        .ask("GitHub", Method::GET, &url, &headers, None, &[])
        .await?
        .json;
    let mut there = known["assets"].as_array().into_iter().flatten();
    if !there.any(|asset| text_of(asset, "/name") == attachment.name) {
        let to = text_of(&known, "/upload_url");
        let to = to.split('{').next().unwrap_or_default();
        if !is_of(to, &repository(call)) {
            return Err(Delivery::give_up(format!(
                "the release names `{to}` for uploads, which is not GitHub's; nothing was sent"
            )));
        }
        let to = format!("{to}?name={}", attachment.name);
        let file = (
            "application/json".to_owned(),
            attachment.json.clone().into_bytes(),
        );
        call.upload("GitHub", &to, &headers, file).await?;
    }
    Ok(format!("the release {tag}"))
}

/// Whether an address of uploads belongs to whom the API does: the token goes nowhere else.
fn is_of(to: &str, api: &str) -> bool {
    let (Ok(to), Ok(api)) = (to.parse::<Uri>(), api.parse::<Uri>()) else {
        return false;
    };
    let is_same = to.authority() == api.authority();
    let is_githubs =
        api.host() == Some("api.github.com") && to.host() == Some("uploads.github.com");
    to.scheme() == api.scheme() && (is_same || is_githubs)
}

async fn issue(call: &Call<'_>, attachment: &Attachment) -> Result<String, Delivery> {
    let (number, headers) = (key(call, "issue")?, github_headers(call));
    let comments = format!("{}/issues/{number}/comments", repository(call));
    if is_marked(call, "GitHub", &comments, &headers, &attachment.mark()).await? {
        return Ok(format!("issue {number}"));
    }
    let (comment, is_whole) = comment(attachment);
    let body = json!({ "body": comment });
    call.ask("GitHub", Method::POST, &comments, &headers, Some(body), &[])
        .await?;
    Ok(match is_whole {
        true => format!("issue {number}"),
        false => format!("issue {number} without its evidence, which is too long for a comment"),
    })
}

/// What people read, with the JSON folded away where it fits; and whether it does.
fn comment(attachment: &Attachment) -> (String, bool) {
    let (mark, markdown) = (attachment.mark(), &attachment.markdown);
    let whole = format!(
        "{markdown}\n\n<details><summary>{}</summary>\n\n```json\n{}```\n\n</details>\n\n{mark}\n",
        attachment.name,
        // Nothing in it ends the block.
        attachment.json.replace("```", "\\u0060\\u0060\\u0060"),
    );
    if whole.chars().count() <= COMMENT_MAX {
        return (whole, true);
    }
    let start: String = markdown.chars().take(COMMENT_MAX).collect();
    let left_out = "The evidence is too long for a comment: `bellwether gate incident` writes it, and a release takes it as a file.";
    (format!("{start}\n\n{left_out}\n\n{mark}\n"), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_nowhere_but_to_github() {
        let api = "https://api.github.com/repos/a/b";
        assert!(is_of(
            "https://uploads.github.com/repos/a/b/releases/1/assets",
            api
        ));
        assert!(is_of(
            "https://git.example/api/uploads",
            "https://git.example/api/v3"
        ));
        for elsewhere in [
            "https://uploads.github.com.evil.example/x",
            "http://uploads.github.com/x",
            "https://evil.example/",
            "",
        ] {
            assert!(!is_of(elsewhere, api), "{elsewhere}");
        }
    }

    #[test]
    fn what_was_kept_cannot_end_the_block_that_it_stands_in() {
        let attachment = Attachment {
            name: "bellwether-gate-1-verdict.json".to_owned(),
            markdown: "# promote".to_owned(),
            json: "{ \"body\": \"```\\n@everyone\" }\n".to_owned(),
        };
        let (text, is_whole) = comment(&attachment);
        assert!(is_whole);
        assert_eq!(text.matches("```").count(), 2, "{text}");
        let long = Attachment {
            json: "x".repeat(70_000),
            ..attachment
        };
        let (text, is_whole) = comment(&long);
        assert!(!is_whole && !text.contains("```"));
        assert!(text.contains("too long") && text.contains(&long.mark()));
    }
}
