//! An HTTP exchange, as the language has it: what is sent, and by which rules.

use super::auth::TokenFrom;
use super::signed::RequestSignature;
use crate::scenario::template::Template;
use std::sync::Arc;

/// An HTTP exchange to be.
#[derive(Debug)]
pub struct HttpRequest {
    /// The method.
    pub method: http::Method,
    /// Path or URL.
    pub url: Template,
    /// Query parameters to add.
    pub query: Vec<(String, Template)>,
    /// Headers.
    pub headers: Vec<(http::HeaderName, Template)>,
    /// The body.
    pub body: Body,
    /// Authentication.
    pub auth: Auth,
    /// How many redirects are followed.
    pub redirects: u32,
    /// Hosts beside the environment's that redirects may lead to in a gate.
    pub leads_to: Vec<String>,
    /// Which version.
    pub version: HttpVersion,
    /// Whether the certificate must be valid.
    pub verify: bool,
    /// Whether the connection is new.
    pub fresh_connection: bool,
}

/// The body of a request.
#[derive(Debug)]
pub enum Body {
    /// None.
    Empty,
    /// Text as it stands.
    Raw(Template),
    /// JSON.
    Json(JsonTemplate),
    /// URL-encoded form.
    Form(Vec<(String, Template)>),
    /// multipart/form-data.
    Multipart(Vec<Part>),
}

/// JSON whose texts may hold expressions.
#[derive(Debug)]
pub enum JsonTemplate {
    /// A value without expressions.
    Fixed(serde_json::Value),
    /// A text with expressions.
    Text(Template),
    /// A list.
    List(Vec<JsonTemplate>),
    /// A mapping.
    Map(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    /// The value, if it is the same each time.
    pub fn fixed(&self) -> Option<serde_json::Value> {
        match self {
            JsonTemplate::Fixed(value) => Some(value.clone()),
            JsonTemplate::Text(_) => None,
            JsonTemplate::List(items) => items.iter().map(JsonTemplate::fixed).collect(),
            JsonTemplate::Map(entries) => entries
                .iter()
                .map(|(name, value)| Some((name.clone(), value.fixed()?)))
                .collect(),
        }
    }

    /// Whether it gives the same value for as long as inputs and secrets stay the same.
    pub fn is_steady(&self) -> bool {
        match self {
            JsonTemplate::Fixed(_) => true,
            JsonTemplate::Text(text) => text.is_steady(),
            JsonTemplate::List(items) => items.iter().all(JsonTemplate::is_steady),
            JsonTemplate::Map(entries) => entries.iter().all(|(_, value)| value.is_steady()),
        }
    }
}

/// One field of a multipart body.
#[derive(Debug)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// Its content.
    pub content: PartContent,
    /// The file name that is sent.
    pub filename: Option<Template>,
    /// Its media type.
    pub content_type: Option<Template>,
}

/// Content of a multipart field.
#[derive(Debug)]
pub enum PartContent {
    /// Text.
    Text(Template),
    /// Bytes of a file, read when the scenario was compiled.
    File(Arc<[u8]>),
}

/// Authentication of a request.
#[derive(Debug)]
pub enum Auth {
    /// None.
    None,
    /// A bearer token.
    Bearer(Template),
    /// User and password.
    Basic(Template, Template),
    /// A token that others give out, or that we sign.
    Token(Box<TokenFrom>),
    /// A signature of the request itself.
    Signed(Box<RequestSignature>),
    /// User and password, which answer a challenge and are not sent themselves.
    Digest(Template, Template),
}

/// Which HTTP version a step wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/2 where TLS offers it, else 1.1.
    Auto,
    /// HTTP/1.1.
    One,
    /// HTTP/2, in clear text with prior knowledge.
    Two,
    /// HTTP/3, which is never taken unasked.
    Three,
}
