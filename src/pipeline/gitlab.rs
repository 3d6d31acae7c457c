//! GitLab: starts a pipeline by its trigger and waits for its end, sets a commit status, or approves
//! or rejects a deployment.
//!
//! The effect's key is handed over as the variable `BELLWETHER_KEY`; pipelines that were triggered
//! are looked through for it before another one is started. An approval has the key in its comment.

use super::call::{Answer, Call, text_of};
use super::vendor::{Done, Vendor, VendorKind};
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};
use http::Method;
use serde_json::{Value, json};

pub(super) const KIND: VendorKind = Kind {
    field: field(
        "gitlab",
        Shape::Object(&FORM),
        "starts a GitLab pipeline, or sets a commit status",
    ),
    what: &Gitlab,
};

#[derive(Debug)]
struct Gitlab;

impl Vendor for Gitlab {
    fn json_setting(&self) -> Option<&'static str> {
        Some("variables")
    }

    fn lacks<'n>(&self, given: &dyn Fn(&str) -> Option<&'n str>) -> Option<&'static str> {
        let has = |name: &str| given(name).is_some();
        if has("approval") {
            (!has("deployment")).then_some("an approval needs the `deployment` that it is for")
        } else if has("status") {
            (!has("commit")).then_some("a status needs the `commit` that it is for")
        } else {
            (!has("trigger_token")).then_some(
                "an action of GitLab starts a pipeline (`trigger_token`), sets a `status` or gives an `approval`",
            )
        }
    }

    fn perform<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(perform(call))
    }

    fn preflight<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(preflight(call))
    }
}

static FORM: Object = Object {
    name: "gitlab",
    called: "the GitLab settings",
    fields: &[
        required(
            "project",
            Shape::Text,
            "id, or path with `%2F` for the slash",
        ),
        required(
            "token",
            Shape::Template,
            "an access token with the scope `api`",
        ),
        field(
            "trigger_token",
            Shape::Template,
            "a pipeline trigger token: starts a pipeline",
        ),
        field(
            "ref",
            Shape::Text,
            "the branch or tag that it runs on (main)",
        ),
        field(
            "variables",
            Shape::Template,
            "its variables as JSON, such as `{\"VERSION\": \"${inputs.previous_version}\"}`",
        ),
        field(
            "status",
            Shape::Word(&["success", "failed"]),
            "a commit status instead of a pipeline",
        ),
        field(
            "commit",
            Shape::Template,
            "the commit of the status, such as `${inputs.commit}`",
        ),
        field(
            "approval",
            Shape::Word(&["approved", "rejected"]),
            "the approval of a deployment instead of a pipeline",
        ),
        field(
            "deployment",
            Shape::Template,
            "the id of the deployment that waits for it, such as `${inputs.deployment}`",
        ),
        field("api", Shape::Text, "base URL (https://gitlab.com)"),
    ],
};

const WHOM: &str = "GitLab";

async fn ask(
    call: &Call<'_>,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<Answer, Delivery> {
    let url = format!(
        "{}/api/v4/projects/{}{path}",
        call.api("https://gitlab.com"),
        call.text("project")
    );
    call.ask(
        WHOM,
        method,
        &url,
        &[("private-token", call.text("token"))],
        body,
        &[],
    )
    .await
}

async fn preflight(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["project", "token"])?;
    call.object("variables")?;
    ask(call, Method::GET, "", None).await?;
    Ok(format!(
        "GitLab shows the project `{}`",
        call.text("project")
    ))
}

async fn perform(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["project", "token"])?;
    let status = call.text("status");
    if !status.is_empty() {
        call.needs(&["commit"])?;
        let body = json!({ "state": status, "name": "bellwether" });
        ask(
            call,
            Method::POST,
            &format!("/statuses/{}", call.text("commit")),
            Some(body),
        )
        .await?;
        return Ok(format!("GitLab took the status {status}"));
    }
    if !call.text("approval").is_empty() {
        return approve(call).await;
    }
    call.needs(&["trigger_token"])?;
    let pipeline = match started(call).await? {
        Some(id) => id,
        None => start(call).await?,
    };
    loop {
        let now = ask(call, Method::GET, &format!("/pipelines/{pipeline}"), None)
            .await?
            .json;
        match text_of(&now, "/status") {
            "success" => return Ok(format!("GitLab's pipeline {pipeline} succeeded")),
            ended @ ("failed" | "canceled" | "skipped") => {
                return Err(Delivery::again(
                    format!("GitLab's pipeline {pipeline} ended as {ended}"),
                    None,
                ));
            }
            _ => {}
        }
        call.pause(WHOM, &format!("the end of pipeline {pipeline}"))
            .await?;
    }
}

/// Approves or rejects a deployment, once: GitLab refuses a second word of the same user.
async fn approve(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["deployment"])?;
    let (deployment, word) = (call.text("deployment"), call.text("approval"));
    let path = format!("/deployments/{deployment}");
    let is_told = |seen: &Value| {
        let mut approvals = seen["approvals"].as_array().into_iter().flatten();
        approvals.any(|approval| {
            text_of(approval, "/status") == word && text_of(approval, "/comment").contains(call.key)
        })
    };
    if !is_told(&ask(call, Method::GET, &path, None).await?.json) {
        let body = json!({ "status": word, "comment": format!("Bellwether, {}", call.key) });
        let approval = format!("{path}/approval");
        ask(call, Method::POST, &approval, Some(body)).await?;
        if !is_told(&ask(call, Method::GET, &path, None).await?.json) {
            let why = format!(
                "GitLab took the answer, but does not show deployment {deployment} as {word}"
            );
            return Err(Delivery::again(why, None));
        }
    }
    Ok(format!("GitLab shows deployment {deployment} as {word}"))
}

async fn started(call: &Call<'_>) -> Result<Option<u64>, Delivery> {
    let answer = ask(
        call,
        Method::GET,
        "/pipelines?source=trigger&per_page=20",
        None,
    )
    .await?;
    for pipeline in answer.json.as_array().into_iter().flatten() {
        let Some(id) = pipeline["id"].as_u64() else {
            continue;
        };
        let variables = ask(
            call,
            Method::GET,
            &format!("/pipelines/{id}/variables"),
            None,
        )
        .await?
        .json;
        let ours =
            variables.as_array().into_iter().flatten().any(|variable| {
                variable["key"] == "BELLWETHER_KEY" && variable["value"] == call.key
            });
        if ours {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

async fn start(call: &Call<'_>) -> Result<u64, Delivery> {
    let mut variables = call.object("variables")?;
    variables.insert("BELLWETHER_KEY".to_owned(), json!(call.key));
    let body = json!({ "token": call.text("trigger_token"), "ref": call.or("ref", "main"), "variables": variables });
    let answer = ask(call, Method::POST, "/trigger/pipeline", Some(body)).await?;
    answer.json["id"].as_u64().ok_or_else(|| {
        Delivery::again(
            "GitLab answered without the id of a pipeline".to_owned(),
            None,
        )
    })
}
