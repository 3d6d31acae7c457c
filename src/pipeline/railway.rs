//! Railway: rolls back to a deployment that it still keeps, image and variables.
//!
//! `deploymentRollback` answers a bare truth value at once; it is done when a new deployment has
//! succeeded. An attempt that was cut off is told by a newer deployment than the one that was live.

use super::call::{Call, text_of};
use super::vendor::{Done, Vendor, VendorKind};
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};
use http::Method;
use serde_json::{Value, json};

pub(super) const KIND: VendorKind = Kind {
    field: field(
        "railway",
        Shape::Object(&FORM),
        "rolls back to a Railway deployment",
    ),
    what: &Railway,
};

#[derive(Debug)]
struct Railway;

impl Vendor for Railway {
    fn perform<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(perform(call))
    }

    fn preflight<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(preflight(call))
    }
}

static FORM: Object = Object {
    name: "railway",
    called: "the Railway settings",
    fields: &[
        required(
            "token",
            Shape::Template,
            "an account or workspace token; a project token with `project_token: true`",
        ),
        required(
            "deployment",
            Shape::Template,
            "the deployment to go back to",
        ),
        field(
            "project_token",
            Shape::Text,
            "`true` if the token is a project's (false)",
        ),
        field(
            "api",
            Shape::Text,
            "URL of the API (https://backboard.railway.com/graphql/v2)",
        ),
    ],
};

const WHOM: &str = "Railway";

async fn query(call: &Call<'_>, query: &str, variables: Value) -> Result<Value, Delivery> {
    let token = call.text("token");
    let header = if call.text("project_token") == "true" {
        ("project-access-token", token)
    } else {
        ("authorization", format!("Bearer {token}"))
    };
    let url = call.api("https://backboard.railway.com/graphql/v2");
    let body = json!({ "query": query, "variables": variables });
    let answer = call
        .ask(WHOM, Method::POST, &url, &[header], Some(body), &[])
        .await?;
    // GraphQL says no with a success.
    if let Some(errors) = answer
        .json
        .get("errors")
        .and_then(Value::as_array)
        .filter(|errors| !errors.is_empty())
    {
        let said: Vec<&str> = errors
            .iter()
            .map(|error| text_of(error, "/message"))
            .collect();
        return Err(Delivery::again(
            format!("Railway refused: {}", said.join("; ")),
            None,
        ));
    }
    Ok(answer.json["data"].clone())
}

async fn wanted(call: &Call<'_>) -> Result<Value, Delivery> {
    call.needs(&["token", "deployment"])?;
    let text = "query($id: String!) { deployment(id: $id) { id status canRollback projectId environmentId serviceId createdAt meta } }";
    let data = query(call, text, json!({ "id": call.text("deployment") })).await?;
    let deployment = data["deployment"].clone();
    if deployment.is_null() {
        return Err(Delivery::give_up(format!(
            "Railway knows no deployment `{}`",
            call.text("deployment")
        )));
    }
    Ok(deployment)
}

/// The newest deployment of the same service.
async fn newest(call: &Call<'_>, like: &Value) -> Result<Value, Delivery> {
    let text = "query($input: DeploymentListInput!) { deployments(first: 1, input: $input) { edges { node { id status createdAt meta } } } }";
    let input = json!({ "projectId": like["projectId"], "environmentId": like["environmentId"], "serviceId": like["serviceId"] });
    let data = query(call, text, json!({ "input": input })).await?;
    Ok(data
        .pointer("/deployments/edges/0/node")
        .cloned()
        .unwrap_or(Value::Null))
}

async fn preflight(call: &Call<'_>) -> Result<String, Delivery> {
    let wanted = wanted(call).await?;
    if wanted["canRollback"] != true {
        return Err(Delivery::give_up(format!(
            "Railway cannot go back to `{}` any more",
            call.text("deployment")
        )));
    }
    Ok(format!(
        "Railway can go back to `{}`",
        call.text("deployment")
    ))
}

async fn perform(call: &Call<'_>) -> Result<String, Delivery> {
    let wanted = wanted(call).await?;
    let target = text_of(&wanted, "/id").to_owned();
    let before = newest(call, &wanted).await?;
    // An attempt that was cut off has left a deployment that was made from the wanted one.
    let from_target = |node: &Value| {
        node["id"] == wanted["id"]
            || text_of(node, "/meta/rollbackOf") == target
            || text_of(node, "/meta/originalDeploymentId") == target
    };
    let mut live = text_of(&before, "/id").to_owned();
    if from_target(&before) {
        live.clear();
    } else {
        if wanted["canRollback"] != true {
            return Err(Delivery::give_up(format!(
                "Railway cannot go back to `{target}` any more"
            )));
        }
        let data = query(
            call,
            "mutation($id: String!) { deploymentRollback(id: $id) }",
            json!({ "id": target }),
        )
        .await?;
        if data["deploymentRollback"] != true {
            return Err(Delivery::again(
                "Railway did not take the rollback".to_owned(),
                None,
            ));
        }
    }
    loop {
        let now = newest(call, &wanted).await?;
        let (id, status) = (text_of(&now, "/id"), text_of(&now, "/status"));
        if id != live {
            match status {
                "SUCCESS" | "SLEEPING" => {
                    return Ok(format!("Railway runs deployment {id}, made from {target}"));
                }
                "FAILED" | "CRASHED" | "REMOVED" => {
                    return Err(Delivery::again(
                        format!("Railway's deployment {id} ended as {status}"),
                        None,
                    ));
                }
                _ => {}
            }
        }
        call.pause(WHOM, &format!("the new deployment ({status})"))
            .await?;
    }
}
