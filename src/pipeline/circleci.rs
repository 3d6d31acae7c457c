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
        let path = format!("/pipeline/{pipeline}/workflow");
        let now = ask(call, Method::GET, &path, None).await?.json;
        match end_of(&now) {
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

/// How all workflows ended; nothing while one of them goes on, or while there is none yet.
fn end_of(workflows: &Value) -> Option<Result<(), String>> {
    let items = workflows["items"]
        .as_array()
        .filter(|items| !items.is_empty())?;
    let states: Vec<&str> = items.iter().map(|item| text_of(item, "/status")).collect();
    let bad = ["failed", "error", "canceled", "unauthorized", "not_run"];
    if let Some(ended) = states.iter().find(|state| bad.contains(state)) {
        return Some(Err((*ended).to_owned()));
    }
    states
        .iter()
        .all(|state| *state == "success")
        .then_some(Ok(()))
}

async fn started(call: &Call<'_>) -> Result<Option<String>, Delivery> {
    let path = format!(
        "{}/pipeline?branch={}",
        project(call),
        call.or("branch", "main")
    );
    let answer = ask(call, Method::GET, &path, None).await?;
    let items = answer.json["items"].as_array();
    let ours = items
        .into_iter()
        .flatten()
        .find(|item| item["trigger_parameters"].to_string().contains(call.key));
    Ok(ours.map(|item| text_of(item, "/id").to_owned()))
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
