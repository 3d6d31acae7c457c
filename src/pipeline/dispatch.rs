//! GitHub: starts a workflow and waits for its end, or sends a repository event.
//!
//! Neither call has an idempotency key: the effect's key goes into the input `bellwether_key` (or
//! the event's payload), and runs that were started since are looked through for it beforehand.

use super::call::{Answer, Call, github_headers, text_of};
use super::vendor::{Done, Vendor, VendorKind};
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};
use http::Method;
use serde_json::{Value, json};

pub(super) const KIND: VendorKind = Kind {
    field: field(
        "github",
        Shape::Object(&FORM),
        "starts a GitHub workflow, or sends a repository event",
    ),
    what: &Dispatch,
};

#[derive(Debug)]
struct Dispatch;

impl Vendor for Dispatch {
    fn json_setting(&self) -> Option<&'static str> {
        Some("inputs")
    }

    fn lacks<'n>(&self, given: &dyn Fn(&str) -> Option<&'n str>) -> Option<&'static str> {
        (given("workflow").is_none() && given("event").is_none())
            .then_some("an action of GitHub starts a `workflow` or sends an `event`")
    }

    fn perform<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(perform(call))
    }

    fn preflight<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(preflight(call))
    }
}

static FORM: Object = Object {
    name: "github_dispatch",
    called: "the GitHub settings of an action",
    fields: &[
        required("repository", Shape::Text, "`owner/name`"),
        required("token", Shape::Template, "a token that may start workflows"),
        field(
            "workflow",
            Shape::Text,
            "the workflow's file, such as `rollback-production.yml`; its run name must hold `${{ inputs.bellwether_key }}` so that a repeat finds it",
        ),
        field(
            "ref",
            Shape::Text,
            "the branch or tag that it runs on (main)",
        ),
        field(
            "inputs",
            Shape::Template,
            "its inputs as JSON, such as `{\"version\": \"${inputs.previous_version}\", \"reason\": \"gate\"}`",
        ),
        field(
            "event",
            Shape::Text,
            "a repository event instead of a workflow",
        ),
        field("api", Shape::Text, "base URL (https://api.github.com)"),
    ],
};

const WHOM: &str = "GitHub";

async fn ask(
    call: &Call<'_>,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<Answer, Delivery> {
    let url = format!(
        "{}/repos/{}{path}",
        call.api("https://api.github.com"),
        call.text("repository")
    );
    let headers = github_headers(call);
    call.ask(WHOM, method, &url, &headers, body, &[]).await
}

async fn preflight(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["repository", "token"])?;
    call.object("inputs")?;
    let workflow = call.text("workflow");
    if workflow.is_empty() {
        call.needs(&["event"])?;
        ask(call, Method::GET, "", None).await?;
        return Ok(format!("GitHub shows `{}`", call.text("repository")));
    }
    let answer = ask(
        call,
        Method::GET,
        &format!("/actions/workflows/{workflow}"),
        None,
    )
    .await?;
    match text_of(&answer.json, "/state") {
        "active" => Ok(format!("GitHub shows the workflow `{workflow}`")),
        state => Err(Delivery::give_up(format!(
            "the workflow `{workflow}` is {state}"
        ))),
    }
}

async fn perform(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["repository", "token"])?;
    let workflow = call.text("workflow");
    if workflow.is_empty() {
        call.needs(&["event"])?;
        let payload = json!({ "bellwether_key": call.key, "inputs": call.object("inputs")? });
        let body = json!({ "event_type": call.text("event"), "client_payload": payload });
        ask(call, Method::POST, "/dispatches", Some(body)).await?;
        return Ok(format!("GitHub took the event `{}`", call.text("event")));
    }
    let run = match started(call, &workflow).await? {
        Some(run) => run,
        None => start(call, &workflow).await?,
    };
    await_run(call, &workflow, run).await
}

/// A run that an attempt before this one started: its name holds our key.
async fn started(call: &Call<'_>, workflow: &str) -> Result<Option<u64>, Delivery> {
    let path = format!("/actions/workflows/{workflow}/runs?event=workflow_dispatch&per_page=50");
    let answer = ask(call, Method::GET, &path, None).await?;
    let runs = answer.json["workflow_runs"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let ours = runs.iter().find(|run| {
        ["/display_title", "/name"]
            .iter()
            .any(|path| text_of(run, path).contains(call.key))
    });
    Ok(ours.and_then(|run| run["id"].as_u64()))
}

/// Starts the workflow. Newer servers name the run at once; for others it is looked for by its key.
async fn start(call: &Call<'_>, workflow: &str) -> Result<u64, Delivery> {
    let mut inputs = call.object("inputs")?;
    inputs.insert("bellwether_key".to_owned(), json!(call.key));
    let body =
        json!({ "ref": call.or("ref", "main"), "inputs": inputs, "return_run_details": true });
    let path = format!("/actions/workflows/{workflow}/dispatches");
    let answer = ask(call, Method::POST, &path, Some(body)).await?;
    for name in ["workflow_run_id", "run_id", "id"] {
        if let Some(id) = answer.json[name].as_u64() {
            return Ok(id);
        }
    }
    loop {
        if let Some(run) = started(call, workflow).await? {
            return Ok(run);
        }
        if call.pause(WHOM, "the run of the workflow").await.is_err() {
            // It was accepted: to start it again would be to act twice.
            return Err(Delivery::give_up(format!(
                "GitHub accepted the start of `{workflow}`, but no run shows the key; its run name must hold `bellwether_key`"
            )));
        }
    }
}

async fn await_run(call: &Call<'_>, workflow: &str, run: u64) -> Result<String, Delivery> {
    loop {
        let now = ask(call, Method::GET, &format!("/actions/runs/{run}"), None)
            .await?
            .json;
        if text_of(&now, "/status") == "completed" {
            let conclusion = text_of(&now, "/conclusion");
            let link = text_of(&now, "/html_url");
            return match conclusion {
                "success" => Ok(format!("`{workflow}` succeeded: {link}")),
                _ => Err(Delivery::again(
                    format!("`{workflow}` ended as {conclusion}: {link}"),
                    None,
                )),
            };
        }
        call.pause(WHOM, &format!("the end of run {run}")).await?;
    }
}
