//! JSON of anybody, mapped to facts by expressions; its sender shows a token.

use super::source::{Deaf, Heard, Inbound, ReadSource, Source, Told};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::environment::version::MessageScope;
use crate::record::gate::Facts;
use crate::scenario::expression::Expression;
use crate::scenario::reader::Reader;
use crate::scenario::template::{Template, plain};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const KIND: Kind<ReadSource> = Kind {
    field: field(
        "json",
        Shape::Object(&FORM),
        "any JSON at `/hooks/GATE/json`, mapped by CEL",
    ),
    what: read,
};

static FORM: Object = Object {
    name: "json_trigger",
    called: "the JSON trigger",
    fields: &[
        required(
            "token",
            Shape::Template,
            "what the sender shows in `x-webhook-token`, `x-gitlab-token` or as a bearer token",
        ),
        field(
            "when",
            Shape::Expression,
            "which bodies concern the gate, such as `body.status == 'success'`",
        ),
        required(
            "version",
            Shape::Expression,
            "where the version stands, such as `body.image.tag`",
        ),
        field("previous_version", Shape::Expression, "the version before"),
        field("commit", Shape::Expression, "the commit"),
        field("actor", Shape::Expression, "who deployed it"),
        field("reason", Shape::Expression, "why"),
        field("link", Shape::Expression, "the pipeline's page"),
        field("deployment", Shape::Expression, "the deployment's number"),
    ],
};

/// Facts that a body can be mapped to.
const FACTS: [&str; 7] = [
    "version",
    "previous_version",
    "commit",
    "actor",
    "reason",
    "link",
    "deployment",
];

#[derive(Debug)]
struct Mapped {
    token: Template,
    when: Option<Expression>,
    facts: BTreeMap<&'static str, Expression>,
}

fn read(reader: &mut Reader<'_>, node: &Node, _gate: &Node) -> Option<Box<dyn Source>> {
    let token = node.get("token").and_then(|node| reader.key(node));
    let when = node.get("when").and_then(|node| reader.expression(node));
    let mut facts = BTreeMap::new();
    for key in FACTS {
        if let Some(expression) = node.get(key).and_then(|node| reader.expression(node)) {
            facts.insert(key, expression);
        }
    }
    let token = token?;
    Some(Box::new(Mapped { token, when, facts }))
}

impl Source for Mapped {
    fn hear(&self, inbound: &Inbound<'_>) -> Result<Heard, Deaf> {
        let wanted = inbound.key(&self.token)?;
        let bearer = inbound.header("authorization").strip_prefix("Bearer ");
        let given = [
            inbound.header("x-webhook-token"),
            inbound.header("x-gitlab-token"),
            bearer.unwrap_or_default(),
        ];
        if !given.iter().any(|given| wanted.is(given)) {
            return Err(Deaf::Forged("the token"));
        }
        let ids = match inbound.header("webhook-id") {
            "" => Vec::new(),
            id => vec![format!("json/{}/{id}", inbound.gate)],
        };
        let scope = MessageScope {
            headers: inbound.headers.clone(),
            json: Some(inbound.json()?),
            text: String::from_utf8_lossy(inbound.body).into_owned(),
            status: 0,
        };
        let mut lacks = Vec::new();
        let told = facts_of(self, &scope, &mut lacks).map_err(Deaf::Unreadable)?;
        Ok(Heard { told, ids, lacks })
    }
}

/// The facts that a body is mapped to. A fact that is not there is left empty, and said; a version never.
fn facts_of(
    mapped: &Mapped,
    scope: &MessageScope,
    lacks: &mut Vec<String>,
) -> Result<Told, String> {
    if let Some(when) = &mapped.when
        && when.value(scope)? != Value::Bool(true)
    {
        return Ok(Told::Nothing("`when` does not hold".to_owned()));
    }
    let mut found = BTreeMap::new();
    for (name, expression) in &mapped.facts {
        match expression.value(scope) {
            Ok(value) if !value.is_null() => {
                found.insert(*name, plain(&value));
            }
            Ok(_) => {}
            Err(reason) if *name == "version" => {
                return Err(format!("the body shows no version: {reason}"));
            }
            Err(reason) => lacks.push(format!("`{name}`: {reason}")),
        }
    }
    let mut take = |name: &str| found.remove(name).unwrap_or_default();
    Ok(Told::Deploy(Box::new(Facts {
        version: take("version"),
        previous_version: take("previous_version"),
        commit: take("commit"),
        actor: take("actor"),
        reason: take("reason"),
        link: take("link"),
        deployment: take("deployment"),
        ..Facts::default()
    })))
}
