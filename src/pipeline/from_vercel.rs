//! What Vercel's webhooks tell of a deploy, signed by `x-vercel-signature`.

use super::source::{Deaf, Heard, Inbound, ReadSource, Source, Told, first, is_signed, text};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::gate::Facts;
use crate::scenario::reader::Reader;
use crate::scenario::template::Template;
use crate::secret::Secret;
use ring::hmac;
use serde_json::Value;

pub(super) const KIND: Kind<ReadSource> = Kind {
    field: field(
        "vercel",
        Shape::Object(&FORM),
        "Vercel's webhook at `/hooks/GATE/vercel`",
    ),
    what: read,
};

static FORM: Object = Object {
    name: "vercel_trigger",
    called: "the Vercel trigger",
    fields: &[required("secret", Shape::Template, "the webhook's secret")],
};

#[derive(Debug)]
struct FromVercel {
    secret: Template,
}

fn read(reader: &mut Reader<'_>, node: &Node, _gate: &Node) -> Option<Box<dyn Source>> {
    let secret = reader.key(node.get("secret")?)?;
    Some(Box::new(FromVercel { secret }))
}

impl Source for FromVercel {
    fn hear(&self, inbound: &Inbound<'_>) -> Result<Heard, Deaf> {
        let secret = inbound.key(&self.secret)?;
        if !is_genuine(&secret, inbound.body, inbound.header("x-vercel-signature")) {
            return Err(Deaf::Forged("`x-vercel-signature`"));
        }
        let body = inbound.json()?;
        let mut ids = vec![inbound.digest()];
        // One deployment is told several times: when it is ready, when it succeeded, when it is promoted.
        let id = body
            .pointer("/payload/deployment/id")
            .and_then(Value::as_str);
        ids.extend(id.map(|id| format!("vercel/{}/{id}", inbound.gate)));
        Ok(Heard {
            told: told(&body),
            ids,
            lacks: Vec::new(),
        })
    }
}

/// `x-vercel-signature` of Vercel, an HMAC with SHA-1.
fn is_genuine(secret: &Secret, body: &[u8], header: &str) -> bool {
    !header.is_empty() && is_signed(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret, body, header)
}

/// An event of Vercel.
fn told(body: &Value) -> Told {
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

    #[test]
    fn a_preview_starts_no_gate_and_nothing_unsigned_is_heard() {
        let preview = json!({ "type": "deployment.succeeded", "payload": { "target": null } });
        assert!(matches!(told(&preview), Told::Nothing(_)));
        let deploy = json!({ "type": "deployment.succeeded", "payload": { "target": "production",
            "deployment": { "id": "dpl_1" } } });
        assert!(matches!(told(&deploy), Told::Deploy(facts) if facts.version == "dpl_1"));
        assert!(!is_genuine(&Secret::new("key"), b"{}", ""));
    }
}
