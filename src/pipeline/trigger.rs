//! What others tell of a deploy, as facts of a gate: pure.
//!
//! Each source signs in its own way. GitHub and Vercel sign neither a time nor an id, so a repeat is
//! told by the body that is signed, which the store remembers.

use crate::record::gate::Facts;
use crate::secret::Secret;
use ring::hmac;
use serde_json::Value;

/// What a webhook comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A deploy to verify.
    Deploy(Box<Facts>),
    /// Nothing that concerns the gate, and why.
    Nothing(String),
}

/// Whether a body carries the HMAC of a secret, written in hexadecimal. An empty secret is known to
/// everybody.
fn is_signed(algorithm: hmac::Algorithm, secret: &Secret, body: &[u8], hex: &str) -> bool {
    if secret.expose().is_empty() {
        return false;
    }
    let key = hmac::Key::new(algorithm, secret.expose().as_bytes());
    decoded(hex).is_some_and(|tag| hmac::verify(&key, body, &tag).is_ok())
}

fn decoded(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// `X-Hub-Signature-256: sha256=…` of GitHub.
pub fn is_from_github(secret: &Secret, body: &[u8], header: &str) -> bool {
    let hex = header.strip_prefix("sha256=").unwrap_or_default();
    !hex.is_empty() && is_signed(hmac::HMAC_SHA256, secret, body, hex)
}

/// `x-vercel-signature` of Vercel, an HMAC with SHA-1.
pub fn is_from_vercel(secret: &Secret, body: &[u8], header: &str) -> bool {
    !header.is_empty() && is_signed(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret, body, header)
}

fn text(body: &Value, path: &str) -> String {
    match body.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn first(body: &Value, paths: &[&str]) -> String {
    paths
        .iter()
        .map(|path| text(body, path))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// An event of GitHub. A deploy is one to `environment`. `own` is how the addresses of our pages
/// begin: a status that points there is our own answer, and no deploy.
pub fn github(event: &str, body: &Value, environment: &str, workflow: &str, own: &str) -> Told {
    let nothing = |why: String| Told::Nothing(why);
    let concerns = |of: &str| of.eq_ignore_ascii_case(environment);
    match event {
        "ping" => nothing("GitHub asks whether we are there".to_owned()),
        "deployment_status" => {
            let state = text(body, "/deployment_status/state");
            let of = first(
                body,
                &["/deployment_status/environment", "/deployment/environment"],
            );
            if state != "success" {
                return nothing(format!("the deployment is {state}"));
            }
            if !concerns(&of) {
                return nothing(format!("the deployment is one to `{of}`"));
            }
            let is_ours = |path| text(body, path).starts_with(own);
            if is_ours("/deployment_status/log_url") || is_ours("/deployment_status/target_url") {
                return nothing("the status is our own".to_owned());
            }
            Told::Deploy(Box::new(Facts {
                version: first(body, &["/deployment/payload/version", "/deployment/sha"]),
                commit: text(body, "/deployment/sha"),
                actor: first(body, &["/deployment/creator/login", "/sender/login"]),
                reason: first(body, &["/deployment/description", "/deployment/task"]),
                link: first(
                    body,
                    &[
                        "/deployment_status/log_url",
                        "/deployment_status/target_url",
                    ],
                ),
                deployment: text(body, "/deployment/id"),
                target: of,
                ..Facts::default()
            }))
        }
        "workflow_run" => {
            let name = text(body, "/workflow_run/name");
            let path = text(body, "/workflow_run/path");
            let (action, conclusion) = (
                text(body, "/action"),
                text(body, "/workflow_run/conclusion"),
            );
            if action != "completed" || conclusion != "success" {
                return nothing(format!("the run of `{name}` is {action} {conclusion}"));
            }
            if !workflow.is_empty() && workflow != name && !path.ends_with(&format!("/{workflow}"))
            {
                return nothing(format!("the run is one of `{name}`"));
            }
            Told::Deploy(Box::new(Facts {
                version: text(body, "/workflow_run/head_sha"),
                commit: text(body, "/workflow_run/head_sha"),
                actor: first(
                    body,
                    &[
                        "/workflow_run/triggering_actor/login",
                        "/workflow_run/actor/login",
                    ],
                ),
                reason: first(
                    body,
                    &["/workflow_run/display_title", "/workflow_run/event"],
                ),
                link: text(body, "/workflow_run/html_url"),
                ..Facts::default()
            }))
        }
        "deployment_protection_rule" => {
            let of = text(body, "/environment");
            if !concerns(&of) {
                return nothing(format!("the rule is one of `{of}`"));
            }
            Told::Deploy(Box::new(Facts {
                version: first(body, &["/sha", "/deployment/sha"]),
                commit: first(body, &["/sha", "/deployment/sha"]),
                actor: first(body, &["/deployment/creator/login", "/sender/login"]),
                reason: "GitHub waits for its protection rule".to_owned(),
                deployment: text(body, "/deployment/id"),
                callback: text(body, "/deployment_callback_url"),
                target: of,
                ..Facts::default()
            }))
        }
        other => nothing(format!("`{other}` says nothing of a deploy")),
    }
}

/// An event of Vercel.
pub fn vercel(body: &Value) -> Told {
    let kind = text(body, "/type");
    if !matches!(
        kind.as_str(),
        "deployment.succeeded" | "deployment.promoted" | "deployment.ready"
    ) {
        return Told::Nothing(format!("`{kind}` says nothing of a deploy"));
    }
    let target = text(body, "/payload/target");
    if target != "production" {
        return Told::Nothing(format!("the deployment is one to `{target}`"));
    }
    Told::Deploy(Box::new(Facts {
        version: first(
            body,
            &[
                "/payload/deployment/meta/githubCommitSha",
                "/payload/deployment/id",
            ],
        ),
        commit: text(body, "/payload/deployment/meta/githubCommitSha"),
        actor: first(
            body,
            &[
                "/payload/deployment/meta/githubCommitAuthorLogin",
                "/payload/user/id",
            ],
        ),
        reason: first(
            body,
            &[
                "/payload/deployment/meta/githubCommitMessage",
                "/payload/deployment/name",
            ],
        ),
        link: first(
            body,
            &["/payload/links/deployment", "/payload/deployment/url"],
        ),
        deployment: text(body, "/payload/deployment/id"),
        ..Facts::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OWN: &str = "https://bell.example/gates/";

    /// The example of GitHub's documentation.
    #[test]
    fn signatures_of_github_are_those_of_its_documentation() {
        let secret = Secret::new("It's a Secret to Everybody");
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_from_github(&secret, b"Hello, World!", good));
        for bad in [
            "",
            "sha256=",
            "sha256=zz",
            &good[7..],
            &good.replace('7', "8"),
        ] {
            assert!(!is_from_github(&secret, b"Hello, World!", bad), "{bad}");
        }
        assert!(!is_from_github(&secret, b"Hello, World?", good));
        assert!(!is_from_vercel(&secret, b"Hello, World!", ""));
        let open = Secret::new("");
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"");
        let tag = hmac::sign(&key, b"Hello, World!");
        let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        assert!(!is_from_github(
            &open,
            b"Hello, World!",
            &format!("sha256={hex}")
        ));
    }

    #[test]
    fn only_a_deploy_that_succeeded_where_it_concerns_us_starts_a_gate() {
        let body = |state: &str| {
            json!({ "deployment_status": { "state": state, "environment": "production", "log_url": "https://ci/1" },
                "deployment": { "id": 42, "sha": "4f2a9c1", "creator": { "login": "jane" } } })
        };
        let Told::Deploy(facts) =
            github("deployment_status", &body("success"), "Production", "", OWN)
        else {
            panic!("it is a deploy");
        };
        assert_eq!(
            (
                facts.version.as_str(),
                facts.deployment.as_str(),
                facts.actor.as_str()
            ),
            ("4f2a9c1", "42", "jane")
        );
        for (event, state, environment) in [
            ("deployment_status", "failure", "production"),
            ("deployment_status", "success", "staging"),
            ("push", "success", "production"),
        ] {
            assert!(matches!(
                github(event, &body(state), environment, "", OWN),
                Told::Nothing(_)
            ));
        }
        let mut ours = body("success");
        ours["deployment_status"]["log_url"] = json!("https://bell.example/gates/7");
        assert!(matches!(
            github("deployment_status", &ours, "production", "", OWN),
            Told::Nothing(_)
        ));
        let run = json!({ "action": "completed", "workflow_run": { "name": "Deploy", "path": ".github/workflows/deploy.yml", "conclusion": "success", "head_sha": "abc" } });
        assert!(matches!(
            github("workflow_run", &run, "", "deploy.yml", OWN),
            Told::Deploy(_)
        ));
        assert!(matches!(
            github("workflow_run", &run, "", "test.yml", OWN),
            Told::Nothing(_)
        ));
        let preview = json!({ "type": "deployment.succeeded", "payload": { "target": null } });
        assert!(matches!(vercel(&preview), Told::Nothing(_)));
    }
}
