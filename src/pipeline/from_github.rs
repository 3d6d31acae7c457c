//! What GitHub's webhooks tell of a deploy, signed by `X-Hub-Signature-256`.

use super::source::{Deaf, Heard, Inbound, ReadSource, Source, Told, first, is_signed, text};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::gate::Facts;
use crate::scenario::reader::{self, Reader};
use crate::scenario::template::Template;
use crate::secret::Secret;
use ring::hmac;
use serde_json::Value;

pub(super) const KIND: Kind<ReadSource> = Kind {
    field: field(
        "github",
        Shape::Object(&FORM),
        "GitHub's webhook at `/hooks/GATE/github`: deployment_status, workflow_run, deployment_protection_rule",
    ),
    what: read,
};

static FORM: Object = Object {
    name: "github_trigger",
    called: "the GitHub trigger",
    fields: &[
        required("secret", Shape::Template, "the webhook's secret"),
        field(
            "environment",
            Shape::Text,
            "deployments to this environment of GitHub's (the gate's `environment`)",
        ),
        field(
            "workflow",
            Shape::Text,
            "only runs of this workflow, by its name or file",
        ),
    ],
};

#[derive(Debug)]
struct FromGithub {
    secret: Template,
    /// A deploy to another environment of the pipeline is none of this gate's.
    environment: String,
    workflow: String,
}

fn read(reader: &mut Reader<'_>, node: &Node, gate: &Node) -> Option<Box<dyn Source>> {
    let word = |node: &Node, key: &str| reader::text(node, key);
    Some(Box::new(FromGithub {
        environment: word(node, "environment")
            .or_else(|| word(gate, "environment"))
            .unwrap_or_default(),
        workflow: word(node, "workflow").unwrap_or_default(),
        secret: reader.key(node.get("secret")?)?,
    }))
}

impl Source for FromGithub {
    fn hear(&self, inbound: &Inbound<'_>) -> Result<Heard, Deaf> {
        let secret = inbound.key(&self.secret)?;
        if !is_genuine(&secret, inbound.body, inbound.header("x-hub-signature-256")) {
            return Err(Deaf::Forged("`x-hub-signature-256`"));
        }
        let event = inbound.header("x-github-event");
        let (environment, workflow) = (&self.environment, &self.workflow);
        Ok(Heard {
            told: told(
                event,
                &inbound.json()?,
                environment,
                workflow,
                inbound.pages,
            ),
            // The id of the delivery is not signed; the body is.
            ids: vec![inbound.digest()],
            lacks: Vec::new(),
        })
    }
}

/// `X-Hub-Signature-256: sha256=…` of GitHub.
fn is_genuine(secret: &Secret, body: &[u8], header: &str) -> bool {
    let hex = header.strip_prefix("sha256=").unwrap_or_default();
    !hex.is_empty() && is_signed(hmac::HMAC_SHA256, secret, body, hex)
}

/// An event of GitHub. A deploy is one to `environment`. `own` is how the addresses of our pages
/// begin: a status that points there is our own answer, and no deploy.
fn told(event: &str, body: &Value, environment: &str, workflow: &str, own: &str) -> Told {
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
        assert!(is_genuine(&secret, b"Hello, World!", good));
        for bad in [
            "",
            "sha256=",
            "sha256=zz",
            &good[7..],
            &good.replace('7', "8"),
        ] {
            assert!(!is_genuine(&secret, b"Hello, World!", bad), "{bad}");
        }
        assert!(!is_genuine(&secret, b"Hello, World?", good));
        let open = Secret::new("");
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"");
        let tag = hmac::sign(&key, b"Hello, World!");
        let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        assert!(!is_genuine(
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
            told("deployment_status", &body("success"), "Production", "", OWN)
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
                told(event, &body(state), environment, "", OWN),
                Told::Nothing(_)
            ));
        }
        let mut ours = body("success");
        ours["deployment_status"]["log_url"] = json!("https://bell.example/gates/7");
        assert!(matches!(
            told("deployment_status", &ours, "production", "", OWN),
            Told::Nothing(_)
        ));
        let run = json!({ "action": "completed", "workflow_run": { "name": "Deploy", "path": ".github/workflows/deploy.yml", "conclusion": "success", "head_sha": "abc" } });
        assert!(matches!(
            told("workflow_run", &run, "", "deploy.yml", OWN),
            Told::Deploy(_)
        ));
        assert!(matches!(
            told("workflow_run", &run, "", "test.yml", OWN),
            Told::Nothing(_)
        ));
    }
}
