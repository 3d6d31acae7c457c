//! Vercel's checks: the verdict as the conclusion of a check run, which a deployment can wait for.
//!
//! A run that waits is taken over; one that somebody else has completed is left as it is, and a new
//! one is started. The effect's key is the run's `externalId`, by which an earlier attempt is known.

use super::call::{Call, bearer, text_of};
use super::vercel::{WHOM, url};
use crate::delivery::attempt::Delivery;
use http::Method;
use serde_json::{Value, json};

pub(super) async fn preflight(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["project", "token", "check", "conclusion"])?;
    check_id(call).await?;
    Ok(format!(
        "Vercel shows the check `{}` of the project `{}`",
        call.text("check"),
        call.text("project")
    ))
}

pub(super) async fn perform(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["project", "token", "deployment", "check", "conclusion"])?;
    let (deployment, conclusion) = (call.text("deployment"), call.text("conclusion"));
    let check = check_id(call).await?;
    let done = format!("Vercel shows the check of {deployment} as {conclusion}");
    let run = match newest(call, &check).await? {
        Some(run) if is_ours(call, &run) => return Ok(done),
        Some(run) if text_of(&run, "/status") != "completed" => run,
        _ => {
            let body = json!({ "checkId": check });
            ask(call, Method::POST, &runs(call), Some(body)).await?
        }
    };
    let id = text_of(&run, "/id");
    if id.is_empty() {
        let why = "Vercel answered without the id of a check run";
        return Err(Delivery::again(why.to_owned(), None));
    }
    let body = json!({ "status": "completed", "conclusion": conclusion, "externalId": call.key });
    let path = format!("{}/{id}", runs(call));
    ask(call, Method::PATCH, &path, Some(body)).await?;
    let run = ask(call, Method::GET, &path, None).await?;
    if is_ours(call, &run) {
        return Ok(done);
    }
    Err(Delivery::again(
        format!(
            "Vercel took the conclusion {conclusion}, but shows the run as {} {}",
            text_of(&run, "/status"),
            text_of(&run, "/conclusion")
        ),
        None,
    ))
}

async fn ask(
    call: &Call<'_>,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<Value, Delivery> {
    let url = url(call, path, "");
    let answer = call
        .ask(WHOM, method, &url, &[bearer(call)], body, &[])
        .await?;
    Ok(answer.json)
}

fn runs(call: &Call<'_>) -> String {
    format!("/v2/deployments/{}/check-runs", call.text("deployment"))
}

fn is_ours(call: &Call<'_>, run: &Value) -> bool {
    text_of(run, "/status") == "completed"
        && text_of(run, "/conclusion") == call.text("conclusion")
        && text_of(run, "/externalId") == call.key
}

/// The check by its id or its name.
async fn check_id(call: &Call<'_>) -> Result<String, Delivery> {
    let (project, wanted) = (call.text("project"), call.text("check"));
    let path = format!("/v2/projects/{project}/checks");
    let known = ask(call, Method::GET, &path, None).await?;
    let mut checks = known["checks"].as_array().into_iter().flatten();
    let found =
        checks.find(|check| text_of(check, "/id") == wanted || text_of(check, "/name") == wanted);
    found
        .map(|check| text_of(check, "/id").to_owned())
        .ok_or_else(|| {
            Delivery::give_up(format!(
                "the project `{project}` has no check `{wanted}`; nothing was sent"
            ))
        })
}

/// The newest run of the check for the deployment.
async fn newest(call: &Call<'_>, check: &str) -> Result<Option<Value>, Delivery> {
    let known = ask(call, Method::GET, &runs(call), None).await?;
    let all = known["runs"].as_array().into_iter().flatten();
    let ours = all.filter(|run| text_of(run, "/checkId") == check);
    let created = |run: &&Value| run["createdAt"].as_f64().unwrap_or(0.0);
    Ok(ours
        .max_by(|left, right| created(left).total_cmp(&created(right)))
        .cloned())
}
