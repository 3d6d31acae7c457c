//! Argo Rollouts: promotes or aborts a rollout.

use super::call::{Call, bearer, text_of};
use super::vendor::{Done, Vendor, VendorKind};
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};
use http::Method;
use serde_json::{Value, json};

pub(super) const KIND: VendorKind = Kind {
    field: field(
        "argo_rollouts",
        Shape::Object(&FORM),
        "promotes or aborts an Argo rollout",
    ),
    what: &Argo,
};

#[derive(Debug)]
struct Argo;

impl Vendor for Argo {
    fn perform<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(perform(call))
    }

    fn preflight<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(preflight(call))
    }
}

static FORM: Object = Object {
    name: "argo_rollouts",
    called: "the Argo Rollouts settings",
    fields: &[
        required("api", Shape::Text, "URL of the Kubernetes API server"),
        required(
            "token",
            Shape::Template,
            "a token that may patch rollouts and their status",
        ),
        required("rollout", Shape::Text, "the rollout"),
        required(
            "to",
            Shape::Word(&["promote", "abort"]),
            "what is asked for",
        ),
        field("namespace", Shape::Text, "its namespace (default)"),
    ],
};

const WHOM: &str = "Argo Rollouts";

fn url(call: &Call<'_>, part: &str) -> String {
    format!(
        "{}/apis/argoproj.io/v1alpha1/namespaces/{}/rollouts/{}{part}",
        call.api(""),
        call.or("namespace", "default"),
        call.text("rollout")
    )
}

async fn rollout(call: &Call<'_>) -> Result<Value, Delivery> {
    call.needs(&["api", "token", "rollout"])?;
    Ok(call
        .ask(
            WHOM,
            Method::GET,
            &url(call, ""),
            &[bearer(call)],
            None,
            &[],
        )
        .await?
        .json)
}

async fn preflight(call: &Call<'_>) -> Result<String, Delivery> {
    let rollout = rollout(call).await?;
    Ok(format!(
        "Argo Rollouts shows `{}`, {}",
        call.text("rollout"),
        text_of(&rollout, "/status/phase")
    ))
}

async fn patch(call: &Call<'_>, part: &str, body: Value) -> Result<(), Delivery> {
    let headers = [
        bearer(call),
        ("content-type", "application/merge-patch+json".to_owned()),
    ];
    call.ask(
        WHOM,
        Method::PATCH,
        &url(call, part),
        &headers,
        Some(body),
        &[],
    )
    .await?;
    Ok(())
}

async fn perform(call: &Call<'_>) -> Result<String, Delivery> {
    let aborts = call.text("to") == "abort";
    let before = rollout(call).await?;
    let aborted = |rollout: &Value| rollout.pointer("/status/abort") == Some(&json!(true));
    let promoted = |rollout: &Value| {
        let (stable, current) = (
            text_of(rollout, "/status/stableRS"),
            text_of(rollout, "/status/currentPodHash"),
        );
        !stable.is_empty() && stable == current
    };
    if aborts {
        if !aborted(&before) {
            patch(call, "/status", json!({ "status": { "abort": true } })).await?;
        }
    } else if !promoted(&before) {
        patch(call, "", json!({ "spec": { "paused": false } })).await?;
        let full = json!({ "status": { "promoteFull": true, "pauseConditions": null, "controllerPause": false } });
        patch(call, "/status", full).await?;
    }
    loop {
        let now = rollout(call).await?;
        if aborts && aborted(&now) {
            return Ok("Argo Rollouts aborted the rollout".to_owned());
        }
        if !aborts && promoted(&now) {
            return Ok("Argo Rollouts promoted the rollout fully".to_owned());
        }
        if !aborts && aborted(&now) {
            return Err(Delivery::give_up(
                "the rollout was aborted by somebody else".to_owned(),
            ));
        }
        call.pause(WHOM, "the end of the change").await?;
    }
}
