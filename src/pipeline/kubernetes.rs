//! Kubernetes: `kubectl rollout undo` and `rollout status`, as kubectl does them.
//!
//! The template of an older ReplicaSet is put back with a JSON patch. Where `image` is given, the
//! revision with that image is taken: the one before is not always the good one. A template that is
//! in force already is not patched again.

use super::call::{Call, bearer, text_of};
use super::vendor::{Done, Vendor, VendorKind};
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};
use http::Method;
use serde_json::{Value, json};

pub(super) const KIND: VendorKind = Kind {
    field: field(
        "kubernetes",
        Shape::Object(&FORM),
        "rolls a Kubernetes deployment back to an older revision",
    ),
    what: &Kubernetes,
};

#[derive(Debug)]
struct Kubernetes;

impl Vendor for Kubernetes {
    fn perform<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(perform(call))
    }

    fn preflight<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(preflight(call))
    }
}

static FORM: Object = Object {
    name: "kubernetes",
    called: "the Kubernetes settings",
    fields: &[
        required("api", Shape::Text, "URL of the API server"),
        required(
            "token",
            Shape::Template,
            "a token that may read replica sets and patch the deployment",
        ),
        required("deployment", Shape::Text, "the deployment"),
        field("namespace", Shape::Text, "its namespace (default)"),
        field(
            "image",
            Shape::Template,
            "an image of the revision to go back to, such as `shop:${inputs.previous_version}`",
        ),
        field(
            "revision",
            Shape::Text,
            "the revision to go back to; by default that of `image`, else the one before",
        ),
    ],
};

const WHOM: &str = "Kubernetes";
const REVISION: &str = "deployment.kubernetes.io/revision";

fn url(call: &Call<'_>, what: &str) -> String {
    format!(
        "{}/apis/apps/v1/namespaces/{}/{what}",
        call.api(""),
        call.or("namespace", "default")
    )
}

async fn deployment(call: &Call<'_>) -> Result<Value, Delivery> {
    call.needs(&["api", "token", "deployment"])?;
    let url = url(call, &format!("deployments/{}", call.text("deployment")));
    Ok(call
        .ask(WHOM, Method::GET, &url, &[bearer(call)], None, &[])
        .await?
        .json)
}

async fn preflight(call: &Call<'_>) -> Result<String, Delivery> {
    let deployment = deployment(call).await?;
    if deployment.pointer("/spec/paused") == Some(&json!(true)) {
        return Err(Delivery::give_up(
            "the deployment is paused, and cannot be rolled back".to_owned(),
        ));
    }
    let sets = replica_sets(call, &deployment).await?;
    Ok(format!(
        "Kubernetes keeps {} revisions of `{}`",
        sets.len(),
        call.text("deployment")
    ))
}

/// The ReplicaSets of the deployment, the newest revision first.
async fn replica_sets(call: &Call<'_>, deployment: &Value) -> Result<Vec<(u64, Value)>, Delivery> {
    let labels = deployment
        .pointer("/spec/selector/matchLabels")
        .and_then(Value::as_object);
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let selector = selector.join(",");
    let selector =
        percent_encoding::utf8_percent_encode(&selector, percent_encoding::NON_ALPHANUMERIC);
    let url = url(call, &format!("replicasets?labelSelector={selector}"));
    let answer = call
        .ask(WHOM, Method::GET, &url, &[bearer(call)], None, &[])
        .await?;
    let uid = &deployment["metadata"]["uid"];
    let mut sets: Vec<(u64, Value)> = answer.json["items"]
        .as_array()
        .cloned()
        .unwrap_or_default()
        .into_iter()
        .filter(|set| {
            let owners = set
                .pointer("/metadata/ownerReferences")
                .and_then(Value::as_array);
            owners.is_some_and(|owners| owners.iter().any(|owner| owner["uid"] == *uid))
        })
        .filter_map(|set| {
            Some((
                set["metadata"]["annotations"][REVISION]
                    .as_str()?
                    .parse()
                    .ok()?,
                set,
            ))
        })
        .collect();
    sets.sort_by_key(|(revision, _)| std::cmp::Reverse(*revision));
    Ok(sets)
}

fn has_image(set: &Value, image: &str) -> bool {
    let containers = set
        .pointer("/spec/template/spec/containers")
        .and_then(Value::as_array);
    containers.is_some_and(|containers| {
        containers
            .iter()
            .any(|container| container["image"] == image)
    })
}

fn chosen(call: &Call<'_>, sets: &[(u64, Value)]) -> Result<(u64, Value), Delivery> {
    let (image, revision) = (call.text("image"), call.text("revision"));
    let (found, what) = if !revision.is_empty() {
        (
            sets.iter()
                .find(|(number, _)| number.to_string() == revision),
            format!("revision {revision}"),
        )
    } else if image.is_empty() {
        (sets.get(1), "a revision before this one".to_owned())
    } else {
        (
            sets.iter().find(|(_, set)| has_image(set, &image)),
            format!("a revision with the image {image}"),
        )
    };
    found
        .cloned()
        .ok_or_else(|| Delivery::give_up(format!("Kubernetes does not keep {what} any more")))
}

async fn perform(call: &Call<'_>) -> Result<String, Delivery> {
    let before = deployment(call).await?;
    if before.pointer("/spec/paused") == Some(&json!(true)) {
        return Err(Delivery::give_up(
            "the deployment is paused, and cannot be rolled back".to_owned(),
        ));
    }
    let sets = replica_sets(call, &before).await?;
    let (revision, set) = chosen(call, &sets)?;
    let mut template = set["spec"]["template"].clone();
    if let Some(labels) = template
        .pointer_mut("/metadata/labels")
        .and_then(Value::as_object_mut)
    {
        labels.remove("pod-template-hash");
    }
    // Without an image, "the one before" of a rollback that was made is the bad one: the effect's
    // key in the annotations tells that it was ours.
    let mine = before["metadata"]["annotations"]["bellwether/effect"] == call.key;
    if mine {
        template = before["spec"]["template"].clone();
    }
    let in_force = before["spec"]["template"] == template;
    if !in_force {
        let mut annotations = before["metadata"]["annotations"].clone();
        if !annotations.is_object() {
            annotations = json!({});
        }
        annotations["bellwether/effect"] = json!(call.key);
        let patch = json!([
            { "op": "replace", "path": "/spec/template", "value": &template },
            { "op": "add", "path": "/metadata/annotations", "value": annotations },
        ]);
        let url = url(call, &format!("deployments/{}", call.text("deployment")));
        let headers = [
            bearer(call),
            ("content-type", "application/json-patch+json".to_owned()),
        ];
        call.ask(WHOM, Method::PATCH, &url, &headers, Some(patch), &[])
            .await?;
    }
    await_rollout(call, &template).await?;
    Ok(format!(
        "Kubernetes runs the template of revision {revision} everywhere"
    ))
}

/// What the server answered to the patch is not believed: the template is read again.
async fn await_rollout(call: &Call<'_>, template: &Value) -> Result<(), Delivery> {
    loop {
        let now = deployment(call).await?;
        if now["spec"]["template"] != *template {
            let said = "Kubernetes took the patch, but the deployment does not have the template";
            return Err(Delivery::again(said.to_owned(), None));
        }
        let number = |path: &str| now.pointer(path).and_then(Value::as_i64).unwrap_or(0);
        let conditions = now.pointer("/status/conditions").and_then(Value::as_array);
        let stuck = conditions.into_iter().flatten().any(|condition| {
            text_of(condition, "/type") == "Progressing"
                && text_of(condition, "/reason") == "ProgressDeadlineExceeded"
        });
        // Conditions of the generation before say nothing of this one.
        let observed = number("/metadata/generation") <= number("/status/observedGeneration");
        if stuck && observed {
            return Err(Delivery::again(
                "Kubernetes says that the rollout exceeded its progress deadline".to_owned(),
                None,
            ));
        }
        let wanted = now
            .pointer("/spec/replicas")
            .and_then(Value::as_i64)
            .unwrap_or(1);
        let updated = number("/status/updatedReplicas");
        let done = observed
            && updated == wanted
            && number("/status/replicas") == updated
            && number("/status/availableReplicas") == updated;
        if done {
            return Ok(());
        }
        call.pause(
            WHOM,
            &format!("the end of the rollout ({updated} of {wanted} replicas updated)"),
        )
        .await?;
    }
}
