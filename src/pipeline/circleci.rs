//! CircleCI: starts a pipeline and waits for the end of all its workflows.
//!
//! The effect's key is handed over as the pipeline parameter `bellwether_key`, which the project's
//! configuration declares; pipelines of the branch are looked through for it before another one is
//! started. Whether CircleCI shows parameters there depends on the project: where it does not, an
//! attempt that was cut off after it had acted starts a second pipeline.

use super::call::{Answer, Call, text_of};
use super::vendor::{Done, Vendor, VendorKind};
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

pub(super) const KIND: VendorKind = Kind {
    field: field(
        "circleci",
        Shape::Object(&FORM),
        "starts a CircleCI pipeline",
    ),
    what: &CircleCi,
};

#[derive(Debug)]
struct CircleCi;

impl Vendor for CircleCi {
    fn json_setting(&self) -> Option<&'static str> {
        Some("parameters")
    }

    fn perform<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(perform(call))
    }

    fn preflight<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(preflight(call))
    }
}

static FORM: Object = Object {
    name: "circleci",
    called: "the CircleCI settings",
    fields: &[
        required(
            "project",
            Shape::Text,
            "the project's slug, such as `gh/acme/shop`",
        ),
        required("token", Shape::Template, "a personal API token"),
        field(
            "branch",
            Shape::Template,
            "the branch that it runs on (main)",
        ),
        field(
            "parameters",
            Shape::Template,
            "its parameters as JSON, such as `{\"version\": \"${inputs.previous_version}\"}`",
        ),
        field("api", Shape::Text, "base URL (https://circleci.com)"),
    ],
};

const WHOM: &str = "CircleCI";
/// Pages of a branch's newest pipelines that are looked through.
const PAGES_MAX: usize = 5;

async fn ask(
    call: &Call<'_>,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<Answer, Delivery> {
    let url = format!("{}/api/v2{path}", call.api("https://circleci.com"));
    let token = [("circle-token", call.text("token"))];
    call.ask(WHOM, method, &url, &token, body, &[]).await
}

fn project(call: &Call<'_>) -> String {
    format!("/project/{}", call.text("project"))
}

async fn preflight(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["project", "token"])?;
    call.object("parameters")?;
    ask(call, Method::GET, &project(call), None).await?;
    Ok(format!(
        "CircleCI shows the project `{}`",
        call.text("project")
    ))
}

async fn perform(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["project", "token"])?;
    let pipeline = match started(call).await? {
        Some(id) => id,
        None => start(call).await?,
    };
    loop {
        let path = format!("/pipeline/{pipeline}");
        let whole = ask(call, Method::GET, &path, None).await?.json;
        let path = format!("/pipeline/{pipeline}/workflow");
        let workflows = ask(call, Method::GET, &path, None).await?.json;
        match end_of(text_of(&whole, "/state"), &workflows) {
            Some(Ok(())) => return Ok(format!("CircleCI's pipeline {pipeline} succeeded")),
            Some(Err(ended)) => {
                let why = format!("CircleCI's pipeline {pipeline} ended as {ended}");
                return Err(Delivery::again(why, None));
            }
            None => {}
        }
        call.pause(WHOM, &format!("the end of pipeline {pipeline}"))
            .await?;
    }
}

/// How all workflows ended; nothing while one of them goes on, while there is none yet, or while the
/// pipeline is still being set up, so that more may come.
fn end_of(state: &str, workflows: &Value) -> Option<Result<(), String>> {
    if state == "errored" {
        return Some(Err("errored: its configuration does not hold".to_owned()));
    }
    let items = workflows["items"]
        .as_array()
        .filter(|items| !items.is_empty())?;
    let states: Vec<&str> = items.iter().map(|item| text_of(item, "/status")).collect();
    let bad = ["failed", "error", "canceled", "unauthorized", "not_run"];
    if let Some(ended) = states.iter().find(|state| bad.contains(state)) {
        return Some(Err((*ended).to_owned()));
    }
    let all = states.iter().all(|state| *state == "success");
    (all && state == "created").then_some(Ok(()))
}

/// Whether a value stands anywhere in parameters.
fn holds(parameters: &Value, wanted: &str) -> bool {
    match parameters {
        Value::String(text) => text == wanted,
        Value::Object(entries) => entries.values().any(|value| holds(value, wanted)),
        Value::Array(items) => items.iter().any(|value| holds(value, wanted)),
        _ => false,
    }
}

async fn started(call: &Call<'_>) -> Result<Option<String>, Delivery> {
    let branch = call.or("branch", "main");
    let branch = utf8_percent_encode(&branch, NON_ALPHANUMERIC);
    let mut page = String::new();
    for _ in 0..PAGES_MAX {
        let path = format!("{}/pipeline?branch={branch}{page}", project(call));
        let answer = ask(call, Method::GET, &path, None).await?.json;
        let mut items = answer["items"].as_array().into_iter().flatten();
        if let Some(ours) = items.find(|item| holds(&item["trigger_parameters"], call.key)) {
            return Ok(Some(text_of(ours, "/id").to_owned()));
        }
        match text_of(&answer, "/next_page_token") {
            "" => return Ok(None),
            next => {
                let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
                page = format!("&page-token={next}");
            }
        }
    }
    Ok(None)
}

async fn start(call: &Call<'_>) -> Result<String, Delivery> {
    let mut parameters = call.object("parameters")?;
    parameters.insert("bellwether_key".to_owned(), json!(call.key));
    let body = json!({ "branch": call.or("branch", "main"), "parameters": parameters });
    let path = format!("{}/pipeline", project(call));
    let answer = ask(call, Method::POST, &path, Some(body)).await?;
    match text_of(&answer.json, "/id") {
        "" => Err(Delivery::again(
            "CircleCI answered without the id of a pipeline".to_owned(),
            None,
        )),
        id => Ok(id.to_owned()),
    }
}
