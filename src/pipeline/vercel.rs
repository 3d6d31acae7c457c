//! Vercel: instant rollback, or promotion, of a deployment that is there already; or the verdict on
//! one as the conclusion of a check (`vercel_check`).
//!
//! Both only ask; whether it is done shows in the project's last alias request. One that is already
//! on its way to the wanted deployment is not asked for again.

use super::call::{Call, bearer, text_of};
use super::vendor::{Done, Vendor, VendorKind};
use super::vercel_check;
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};
use http::Method;
use serde_json::{Value, json};

pub(super) const KIND: VendorKind = Kind {
    field: field(
        "vercel",
        Shape::Object(&FORM),
        "rolls back or promotes a Vercel deployment",
    ),
    what: &Vercel,
};

#[derive(Debug)]
struct Vercel;

impl Vendor for Vercel {
    fn lacks<'n>(&self, given: &dyn Fn(&str) -> Option<&'n str>) -> Option<&'static str> {
        let lacks = given("check").is_none() || given("conclusion").is_none();
        (given("to") == Some("check") && lacks)
            .then_some("a check of Vercel needs its name, `check`, and a `conclusion`")
    }

    fn perform<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(perform(call))
    }

    fn preflight<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(preflight(call))
    }
}

static FORM: Object = Object {
    name: "vercel",
    called: "the Vercel settings",
    fields: &[
        required("project", Shape::Text, "id or name of the project"),
        required("token", Shape::Template, "an access token"),
        required(
            "deployment",
            Shape::Template,
            "the deployment to go to, `dpl_…`; where versions are deployments, `${inputs.previous_version}`; of a check, `${inputs.deployment}`",
        ),
        field(
            "to",
            Shape::Word(&["rollback", "promote", "check"]),
            "what is asked for (rollback); `check` completes a check run of the deployment",
        ),
        field("check", Shape::Text, "id or name of the project's check"),
        field(
            "conclusion",
            Shape::Word(&["succeeded", "failed", "neutral", "skipped", "canceled"]),
            "what the check run comes to",
        ),
        field("team", Shape::Text, "the team's id"),
        field("api", Shape::Text, "base URL (https://api.vercel.com)"),
    ],
};

pub(super) const WHOM: &str = "Vercel";

pub(super) fn url(call: &Call<'_>, path: &str, query: &str) -> String {
    let team = call.text("team");
    let team = if team.is_empty() {
        String::new()
    } else {
        format!("&teamId={team}")
    };
    format!("{}{path}?{query}{team}", call.api("https://api.vercel.com"))
}

/// The project's last alias request: without `rollbackInfo` it is not told.
async fn last_request(call: &Call<'_>) -> Result<Value, Delivery> {
    call.needs(&["project", "token"])?;
    let url = url(
        call,
        &format!("/v9/projects/{}", call.text("project")),
        "rollbackInfo=true",
    );
    let answer = call
        .ask(WHOM, Method::GET, &url, &[bearer(call)], None, &[])
        .await?;
    Ok(answer.json["lastAliasRequest"].clone())
}

async fn preflight(call: &Call<'_>) -> Result<String, Delivery> {
    if call.text("to") == "check" {
        return vercel_check::preflight(call).await;
    }
    last_request(call).await?;
    Ok(format!(
        "Vercel shows the project `{}`",
        call.text("project")
    ))
}

async fn perform(call: &Call<'_>) -> Result<String, Delivery> {
    if call.text("to") == "check" {
        return vercel_check::perform(call).await;
    }
    call.needs(&["project", "token", "deployment"])?;
    let (deployment, project) = (call.text("deployment"), call.text("project"));
    let kind = call.or("to", "rollback");
    let before = last_request(call).await?;
    let status = |request: &Value| text_of(request, "/jobStatus").to_owned();
    let is_ours = |request: &Value| {
        text_of(request, "/toDeploymentId") == deployment && text_of(request, "/type") == kind
    };
    let going = is_ours(&before) && matches!(status(&before).as_str(), "pending" | "in-progress");
    if !going {
        let version = if kind == "promote" { "v10" } else { "v1" };
        let path = format!("/{version}/projects/{project}/{kind}/{deployment}");
        call.ask(
            WHOM,
            Method::POST,
            &url(call, &path, ""),
            &[bearer(call)],
            Some(json!({})),
            &[],
        )
        .await?;
    }
    loop {
        let request = last_request(call).await?;
        // An old request with the same target, from before ours, says nothing.
        let new = going || request["requestedAt"] != before["requestedAt"];
        if is_ours(&request) && new {
            match status(&request).as_str() {
                "succeeded" => return Ok(format!("Vercel serves {deployment} after the {kind}")),
                "failed" | "skipped" => {
                    return Err(Delivery::again(
                        format!(
                            "Vercel says that the {kind} to {deployment} {}",
                            status(&request)
                        ),
                        None,
                    ));
                }
                _ => {}
            }
        }
        call.pause(
            WHOM,
            &format!("the end of the {kind} (it is {})", status(&request)),
        )
        .await?;
    }
}
