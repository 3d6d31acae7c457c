//! A call of gRPC, as the language has it: which call of which server, and what is sent.

use super::http::JsonTemplate;
use super::http_read::{headers, json};
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field};
use crate::net::protobuf::{Call, HEALTH, Schema};
use crate::scenario::compiler::Compiler;
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field(
    "grpc",
    Shape::Object(&FORM),
    "call a service of gRPC, or ask for its health",
);

static FORM: Object = Object {
    name: "grpc",
    called: "a gRPC step",
    fields: &[
        field(
            "url",
            Shape::Template,
            "scheme, host and port of the server, if not the service's; `http://` is HTTP/2 without TLS",
        ),
        field("call", Shape::Text, "the call: `package.Service/Method`"),
        field(
            "health",
            Shape::Template,
            "instead of a call: the service whose health is asked for (`grpc.health.v1`), or `\"\"` for the server's",
        ),
        field(
            "proto",
            Shape::OneOrMany(&Shape::Text),
            "`.proto` files that describe it, relative to this file; without them the server is asked by reflection",
        ),
        field(
            "message",
            Shape::Any,
            "the message that is sent, as JSON or YAML",
        ),
        field(
            "messages",
            Shape::List(&Shape::Any),
            "the messages that are sent, where the call takes a stream of them",
        ),
        field(
            "headers",
            Shape::Named(&Shape::Template),
            "metadata of the call",
        ),
        field(
            "verify",
            Shape::Bool,
            "whether the certificate must be valid (default: true)",
        ),
    ],
};

/// A call to be.
#[derive(Debug)]
pub struct GrpcCall {
    /// Scheme and host, if not the service's.
    pub url: Option<Template>,
    /// Which call.
    pub wanted: Wanted,
    /// What it looks like, where files say so.
    pub known: Option<Call>,
    /// What is sent.
    pub messages: Vec<JsonTemplate>,
    /// Metadata.
    pub headers: Vec<(http::HeaderName, Template)>,
    /// Whether the certificate must be valid.
    pub verify: bool,
}

/// Which call.
#[derive(Debug)]
pub enum Wanted {
    /// One with a name.
    Call(String),
    /// That for the health of a service.
    Health(Template),
}

impl GrpcCall {
    /// Whether its address is a service's.
    pub fn needs_service(&self) -> bool {
        self.url.is_none()
    }

    /// The name of the call.
    pub fn name(&self) -> &str {
        match &self.wanted {
            Wanted::Call(name) => name,
            Wanted::Health(_) => HEALTH,
        }
    }
}

pub(super) fn read(compiler: &mut Compiler<'_>, step: &Node, node: &Node) -> Option<GrpcCall> {
    let wanted = wanted(compiler, node)?;
    let url = match node.get("url") {
        Some(written) => Some(url(compiler, written)?),
        None => {
            needs_service(compiler, step, node);
            None
        }
    };
    let known = known(compiler, node, &wanted)?;
    let messages = messages(compiler, node, known.as_ref())?;
    Some(GrpcCall {
        url,
        wanted,
        known,
        messages,
        headers: headers(compiler, node, is_ours),
        verify: node.get("verify").and_then(Node::as_bool).unwrap_or(true),
    })
}

/// The call, or the service whose health is asked for: one of both.
fn wanted(compiler: &mut Compiler<'_>, node: &Node) -> Option<Wanted> {
    match (node.get("call"), node.get("health")) {
        (Some(call), None) => {
            let name = call.text.trim().trim_start_matches('/');
            let parts = name.split_once('/');
            if parts.is_none_or(|(service, method)| service.is_empty() || method.is_empty()) {
                compiler.error(
                    "bad-value",
                    format!("`{}` is no call", call.text),
                    call.span,
                    "expected `package.Service/Method`",
                );
                return None;
            }
            Some(Wanted::Call(name.to_owned()))
        }
        (None, Some(health)) => {
            for key in ["message", "messages", "proto"] {
                if let Some((name, _)) = node.entries().iter().find(|(name, _)| name.text == key) {
                    let title = format!("`{key}` says nothing to `health`");
                    compiler.error("unknown-field", title, name.span, "without effect here");
                }
            }
            Some(Wanted::Health(compiler.template(health)?))
        }
        (Some(_), Some(health)) => {
            let title = "a gRPC step makes a `call` or asks for `health`, not both";
            compiler.error("duplicate-field", title, health.span, "the second one");
            None
        }
        (None, None) => {
            let span = node
                .entries()
                .first()
                .map_or(node.span, |(name, _)| name.span);
            let label = "add `call: package.Service/Method`, or `health: \"\"`";
            compiler.error("missing-field", "a gRPC step calls something", span, label);
            None
        }
    }
}

fn url(compiler: &mut Compiler<'_>, written: &Node) -> Option<Template> {
    let url = compiler.template(written)?;
    let start = url.start();
    let is_http = start.starts_with("http://") || start.starts_with("https://");
    if !is_http && (url.fixed().is_some() || !start.is_empty()) {
        compiler.error(
            "bad-url",
            format!("`{}` is no address of a server", written.text),
            written.span,
            "expected `https://host:port`, or `http://host:port` without TLS",
        );
        return None;
    }
    Some(url)
}

fn needs_service(compiler: &mut Compiler<'_>, step: &Node, node: &Node) {
    if compiler.service.is_none() && step.get("service").is_none() {
        let span = node
            .entries()
            .first()
            .map_or(node.span, |(name, _)| name.span);
        let label = "add `url: https://host:port`, or `service: NAME` to the scenario or the step";
        compiler.error("unknown-service", "whose call is this?", span, label);
    }
}

/// What files say of it; nothing where the server is asked.
fn known(compiler: &mut Compiler<'_>, node: &Node, wanted: &Wanted) -> Option<Option<Call>> {
    let Wanted::Call(name) = wanted else {
        return Some(Schema::own().call(HEALTH).ok());
    };
    let Some(files) = node.get("proto") else {
        return Some(None);
    };
    let names: Vec<&str> = files
        .items()
        .iter()
        .map(|file| file.text.as_str())
        .collect();
    let found = Schema::of_files(&[compiler.folder], &names).map_err(|why| ("bad-data", why));
    match found.and_then(|schema| schema.call(name).map_err(|why| ("bad-value", why))) {
        Ok(call) => Some(Some(call)),
        Err((code, why)) => {
            let span = match code {
                "bad-data" => files.span,
                _ => node.get("call")?.span,
            };
            compiler.error(code, why, span, "looked for here");
            None
        }
    }
}

fn messages(
    compiler: &mut Compiler<'_>,
    node: &Node,
    known: Option<&Call>,
) -> Option<Vec<JsonTemplate>> {
    let written: Vec<&Node> = match (node.get("message"), node.get("messages")) {
        (Some(_), Some(many)) => {
            let title = "a gRPC step sends a `message` or `messages`, not both";
            compiler.error("duplicate-field", title, many.span, "the second one");
            return None;
        }
        (Some(one), None) => vec![one],
        (None, Some(many)) => many.items(),
        (None, None) => Vec::new(),
    };
    let mut messages = Vec::new();
    for node in &written {
        let message = json(compiler, node)?;
        // What changes with each call is looked at when it is sent.
        if let (Some(value), Some(call)) = (message.fixed(), known)
            && let Err(why) = call.encode(&value)
        {
            compiler.error("bad-value", why, node.span, "is not what the call takes");
        }
        messages.push(message);
    }
    if let Some(call) = known
        && messages.len() > 1
        && !call.takes_many()
    {
        let title = format!("`{}` takes one message", call.path());
        compiler.error("bad-value", title, written[1].span, "the second one");
    }
    if messages.is_empty() && node.get("messages").is_none() {
        messages.push(JsonTemplate::Fixed(serde_json::json!({})));
    }
    Some(messages)
}

/// Headers that make a request a call.
fn is_ours(header: &http::HeaderName) -> Option<&'static str> {
    let name = header.as_str();
    let is_one = matches!(
        name,
        "content-type" | "content-length" | "te" | "connection" | "host"
    );
    (is_one || name.starts_with("grpc-")).then_some("is set by gRPC itself")
}
