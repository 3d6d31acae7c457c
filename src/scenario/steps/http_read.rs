//! HTTP steps from their mapping to their compiled form.

use super::auth;
use super::http::{Body, HttpRequest, HttpVersion, JsonTemplate, Part, PartContent};
use crate::document::diagnostic::Diagnostic;
use crate::document::node::{Kind, Node};
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::limits;
use crate::net::redirect::is_absolute;
use crate::net::tls::Offer;
use crate::net::{address, message};
use crate::scenario::compiler::{Compiler, flag};
use crate::scenario::template::Template;

/// What `http` may say.
#[cfg(feature = "http3")]
const VERSIONS: &[&str] = &["auto", "1.1", "2", "3"];
#[cfg(not(feature = "http3"))]
const VERSIONS: &[&str] = &["auto", "1.1", "2"];

/// A value, or several of the same name.
const SEVERAL: Shape = Shape::OneOrMany(&Shape::Template);

/// `get:` and the others that have a field of their own.
pub(super) const fn method(key: &'static str, about: &'static str) -> Field {
    field(key, Shape::Template, about)
}

pub(super) const REQUEST: Field =
    field("request", Shape::Object(&REQUEST_FORM), "any other method");

/// The fields of a step that only HTTP steps have.
pub(in crate::scenario) const FIELDS: &[Field] = &[
    field(
        "service",
        Shape::Text,
        "another service than the scenario's",
    ),
    field(
        "headers",
        Shape::Named(&SEVERAL),
        "request headers; one with a list of values is sent several times",
    ),
    field(
        "query",
        Shape::Named(&SEVERAL),
        "query parameters, percent-encoded for you; one with a list of values is there several times",
    ),
    field(
        "json",
        Shape::Any,
        "a JSON body; texts in it may hold `${…}`, and a text that is nothing else keeps the value's type",
    ),
    field(
        "form",
        Shape::Named(&SEVERAL),
        "a form body, URL-encoded; one with a list of values is there several times",
    ),
    field(
        "multipart",
        Shape::Named(&PART_FORM),
        "a multipart/form-data body",
    ),
    field("body", Shape::Template, "a body as it stands"),
    auth::FIELD,
    field(
        "redirects",
        Shape::Either(&[Shape::Bool, Shape::Count(0, 100)]),
        "how many redirects to follow: `true` is 10 (default), `false` none",
    ),
    field(
        "leads_to",
        Shape::List(&Shape::Text),
        "hosts beside the environment's that redirects may lead to when a gate performs it",
    ),
    field(
        "http",
        Shape::Word(VERSIONS),
        "the HTTP version: `auto` takes 2 where TLS offers it; 3 is experimental, and for what is performed once",
    ),
    field(
        "verify",
        Shape::Bool,
        "whether the server's certificate must be valid (default `true`)",
    ),
    field(
        "fresh_connection",
        Shape::Bool,
        "open a new connection for this step",
    ),
];

static REQUEST_FORM: Object = Object {
    name: "request",
    called: "a request",
    fields: &[
        required("method", Shape::Text, "the HTTP method"),
        required("url", Shape::Template, "path or URL"),
    ],
};

const PART_FORMS: &[Shape] = &[Shape::Object(&PART), Shape::Template];
static PART_FORM: Shape = Shape::Either(PART_FORMS);

static PART: Object = Object {
    name: "part",
    called: "a multipart field",
    fields: &[
        field("text", Shape::Template, "its content"),
        field(
            "file",
            Shape::Text,
            "a file with its content, relative to the scenario",
        ),
        field("filename", Shape::Template, "the file name that is sent"),
        field("content_type", Shape::Template, "its media type"),
    ],
};

/// A step whose key is its method.
pub(super) fn read(
    compiler: &mut Compiler<'_>,
    step: &Node,
    key: &str,
    value: &Node,
) -> Option<HttpRequest> {
    let method = http::Method::from_bytes(key.to_ascii_uppercase().as_bytes()).ok()?;
    exchange(compiler, step, method, value)
}

/// `request: { method, url }`.
pub(super) fn read_request(
    compiler: &mut Compiler<'_>,
    step: &Node,
    value: &Node,
) -> Option<HttpRequest> {
    let written = value.get("method")?;
    let word = written.text.to_ascii_uppercase();
    let Ok(method) = http::Method::from_bytes(word.as_bytes()) else {
        compiler.error(
            "wrong-type",
            format!("`{}` is not an HTTP method", written.text),
            written.span,
            "expected a word such as `PURGE`",
        );
        return None;
    };
    exchange(compiler, step, method, value.get("url")?)
}

fn exchange(
    compiler: &mut Compiler<'_>,
    node: &Node,
    method: http::Method,
    url_node: &Node,
) -> Option<HttpRequest> {
    let url = compiler.template(url_node)?;
    let written = url.start();
    if !is_absolute(written) && !written.starts_with('/') && url.fixed().is_some() {
        compiler.found.push(
            Diagnostic::error(
                "bad-url",
                format!("`{}` is neither a path nor a URL", url_node.text),
            )
            .at(
                compiler.source,
                url_node.span,
                "expected `/path` or `https://…`",
            ),
        );
    }
    let carries = |text: &str| is_absolute(text) && address::without_user(text).is_some();
    if carries(written) {
        let title = "the URL carries a name or a password, and is shown in many places";
        let label = "say `auth: { basic: … }`, with secrets";
        compiler.error("bad-url", title, url_node.span, label);
    }
    if let Some(whole) = url.fixed().filter(|whole| is_absolute(whole)) {
        let parsed = address::url(whole.split('#').next().unwrap_or_default());
        let wrong = match parsed {
            Ok(uri) => message::origin(&uri, Offer::Both, true)
                .err()
                .map(|fault| fault.detail),
            Err(why) => Some(format!("`{whole}` is no URL: {why}")),
        };
        if let Some(why) = wrong {
            compiler.error("bad-url", why, url_node.span, "nothing can be sent there");
        }
    }
    relative_to(compiler, node, &url, url_node);
    let headers = headers(compiler, node, |header| {
        matches!(header.as_str(), "content-length" | "transfer-encoding")
            .then_some("is set from the body that is sent")
    });
    let body = body(compiler, node)?;
    let auth = auth::read(compiler, node)?;
    let query = node.get("query").map(Node::entries).unwrap_or_default();
    Some(HttpRequest {
        method,
        url,
        query: compiler.named(query),
        headers,
        body,
        auth,
        redirects: match node.get("redirects").map(|node| &node.kind) {
            Some(Kind::Bool(false)) => 0,
            Some(Kind::Int(count)) => u32::try_from(*count).unwrap_or(limits::REDIRECTS_MAX),
            _ => limits::REDIRECTS_MAX,
        },
        leads_to: node
            .get("leads_to")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .map(|host| host.text.to_ascii_lowercase())
            .collect(),
        version: match node.get("http").and_then(Node::as_text) {
            Some("1.1") => HttpVersion::One,
            Some("2") => HttpVersion::Two,
            Some("3") => HttpVersion::Three,
            _ => HttpVersion::Auto,
        },
        verify: node.get("verify").and_then(Node::as_bool).unwrap_or(true),
        fresh_connection: flag(node, "fresh_connection"),
    })
}

/// A path needs a service to be relative to.
pub(super) fn relative_to(
    compiler: &mut Compiler<'_>,
    step: &Node,
    url: &Template,
    written: &Node,
) {
    let is_known = compiler.service.is_some() || step.get("service").is_some();
    if url.start().starts_with('/') && !is_known {
        compiler.found.push(
            Diagnostic::error(
                "unknown-service",
                "a path needs a service to be relative to",
            )
            .at(compiler.source, written.span, "relative to what?")
            .hint("add `service: NAME` to the scenario or the step, or write the whole URL"),
        );
    }
}

/// The headers of the scenario and those under `headers` here, which come first where both have one.
/// `ours` says why one is not set by hand.
pub(super) fn headers(
    compiler: &mut Compiler<'_>,
    node: &Node,
    ours: fn(&http::HeaderName) -> Option<&'static str>,
) -> Vec<(http::HeaderName, Template)> {
    let mut headers = Vec::new();
    let shared = compiler.headers.clone();
    let own = node.get("headers").map(Node::entries).unwrap_or_default();
    let shared = shared.iter().filter(|(name, _)| {
        !own.iter()
            .any(|(own, _)| own.text.eq_ignore_ascii_case(&name.text))
    });
    for (name, value) in shared.chain(own) {
        match http::HeaderName::from_bytes(name.text.as_bytes()) {
            Ok(header) => {
                if let Some(why) = ours(&header) {
                    let title = format!("`{header}` {why}");
                    compiler.found.push(
                        Diagnostic::error("wrong-type", title)
                            .at(compiler.source, name.span, "not by hand")
                            .hint("leave it out"),
                    );
                } else {
                    for value in value.items() {
                        headers.extend(
                            compiler
                                .template(value)
                                .map(|value| (header.clone(), value)),
                        );
                    }
                }
            }
            Err(_) => compiler.error(
                "wrong-type",
                format!("`{}` is not a header name", name.text),
                name.span,
                "letters, digits and hyphens",
            ),
        }
    }
    headers
}

fn body(compiler: &mut Compiler<'_>, node: &Node) -> Option<Body> {
    let kinds = ["json", "form", "multipart", "body"];
    let given: Vec<&str> = kinds
        .into_iter()
        .filter(|key| node.get(key).is_some())
        .collect();
    if let [_, second, ..] = given.as_slice() {
        let place = node.key(second)?.span;
        compiler.error(
            "duplicate-field",
            format!("a request has one body, not `{}`", given.join("` and `")),
            place,
            "the second one",
        );
        return None;
    }
    let Some(kind) = given.first() else {
        return Some(Body::Empty);
    };
    let value = node.get(kind)?;
    Some(match *kind {
        "json" => Body::Json(json(compiler, value)?),
        "form" => Body::Form(compiler.named(value.entries())),
        "multipart" => {
            let mut parts = Vec::new();
            for (name, value) in value.entries() {
                parts.push(part(compiler, name, value)?);
            }
            Body::Multipart(parts)
        }
        _ => Body::Raw(compiler.template(value)?),
    })
}

fn part(compiler: &mut Compiler<'_>, name: &Node, part: &Node) -> Option<Part> {
    let content = match part.get("file") {
        Some(file) => match std::fs::read(compiler.folder.join(&file.text)) {
            Ok(bytes) => PartContent::File(bytes.into()),
            Err(error) => {
                compiler.error(
                    "bad-data",
                    format!("the file `{}` cannot be read", file.text),
                    file.span,
                    &error.to_string(),
                );
                return None;
            }
        },
        None => PartContent::Text(compiler.template(part.get("text").unwrap_or(part))?),
    };
    let default_name = part
        .get("file")
        .and_then(|file| file.text.rsplit('/').next())
        .map(Template::literal);
    let filename = part
        .get("filename")
        .and_then(|node| compiler.template(node));
    Some(Part {
        name: name.text.clone(),
        content,
        filename: filename.or(default_name),
        content_type: part
            .get("content_type")
            .and_then(|node| compiler.template(node)),
    })
}

/// Whether a whole number is too large to be sent to its last digit.
fn is_cut(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u64>().is_err()
}

pub(super) fn json(compiler: &mut Compiler<'_>, node: &Node) -> Option<JsonTemplate> {
    Some(match &node.kind {
        Kind::Text if node.text.contains("${") => JsonTemplate::Text(compiler.template(node)?),
        Kind::List(items) => JsonTemplate::List(
            items
                .iter()
                .filter_map(|node| json(compiler, node))
                .collect(),
        ),
        Kind::Map(entries) => JsonTemplate::Map(
            entries
                .iter()
                .filter_map(|(key, value)| Some((key.text.clone(), json(compiler, value)?)))
                .collect(),
        ),
        Kind::Float(_) if is_cut(&node.text) => {
            let title = format!(
                "`{}` has more digits than a number of JSON keeps here",
                node.text
            );
            let label = "write the whole JSON as text in `body`, with its content-type";
            compiler.error("bad-value", title, node.span, label);
            return None;
        }
        _ => JsonTemplate::Fixed(node.to_json()),
    })
}
