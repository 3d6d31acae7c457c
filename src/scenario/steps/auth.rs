//! Authentication of a request, as the language has it.
//!
//! Reads; who gets a token, and when, stands in `vu::tokens`.

use super::http::Auth;
use super::signed::{self, SignedToken};
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::Compiler;
use crate::scenario::template::Template;

pub(super) const FIELD: Field = field(
    "auth",
    Shape::Object(&AUTH),
    "basic, digest or bearer authentication, a token by client credentials or by a key, or a signature",
);

static AUTH: Object = Object {
    name: "auth",
    called: "authentication",
    fields: &[
        field("bearer", Shape::Template, "a bearer token"),
        field("basic", Shape::Object(&BASIC), "user and password"),
        field(
            "digest",
            Shape::Object(&BASIC),
            "user and password that answer a digest challenge (RFC 7616)",
        ),
        field(
            "oauth2",
            Shape::Object(&OAUTH2),
            "a token by client credentials (RFC 6749, section 4.4), shared by all virtual users and renewed before it ends",
        ),
        signed::FIELDS[0],
        signed::FIELDS[1],
        signed::FIELDS[2],
    ],
};

static BASIC: Object = Object {
    name: "basic",
    called: "user and password",
    fields: &[
        required("user", Shape::Template, "user name"),
        required("password", Shape::Template, "password"),
    ],
};

static OAUTH2: Object = Object {
    name: "oauth2",
    called: "client credentials",
    fields: &[
        required("token_url", Shape::Template, "where tokens are given out"),
        required("client_id", Shape::Template, "who we are"),
        required("client_secret", Shape::Template, "what shows it"),
        field(
            "scopes",
            Shape::OneOrMany(&Shape::Template),
            "what the token is to be good for",
        ),
        field("audience", Shape::Template, "whom the token is for"),
        field(
            "params",
            Shape::Named(&Shape::Template),
            "further parameters of the request",
        ),
        field(
            "style",
            Shape::Word(&["basic", "body"]),
            "where id and secret stand: in a header (default), or in the body",
        ),
    ],
};

/// Where a token is from.
#[derive(Debug)]
pub enum TokenFrom {
    /// Others give it out.
    Server(ClientCredentials),
    /// We sign it.
    Key(SignedToken),
}

/// Who asks for a token, and for which.
#[derive(Debug)]
pub struct ClientCredentials {
    /// Where tokens are given out.
    pub token_url: Template,
    /// Who asks.
    pub client_id: Template,
    /// What shows it.
    pub client_secret: Template,
    /// What the token is to be good for.
    pub scopes: Vec<Template>,
    /// Further parameters, the audience among them.
    pub params: Vec<(String, Template)>,
    /// Whether id and secret stand in the body.
    pub in_body: bool,
}

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<Auth> {
    let Some(auth) = node.get("auth") else {
        return Some(Auth::None);
    };
    let given: Vec<(&str, &Node)> = ["bearer", "basic", "digest", "oauth2", "jwt", "aws", "hmac"]
        .into_iter()
        .filter_map(|key| Some((key, auth.get(key)?)))
        .collect();
    let mut pair = |node: &Node| {
        let user = compiler.template(node.get("user")?)?;
        Some((user, compiler.template(node.get("password")?)?))
    };
    match given.as_slice() {
        [("bearer", token)] => Some(Auth::Bearer(compiler.template(token)?)),
        [("basic", basic)] => pair(basic).map(|(user, word)| Auth::Basic(user, word)),
        [("digest", digest)] => pair(digest).map(|(user, word)| Auth::Digest(user, word)),
        [("oauth2", oauth2)] => {
            let who = client_credentials(compiler, oauth2)?;
            Some(Auth::Token(Box::new(TokenFrom::Server(who))))
        }
        [("jwt", jwt)] => {
            let token = signed::token(compiler, jwt)?;
            Some(Auth::Token(Box::new(TokenFrom::Key(token))))
        }
        [("aws", aws)] => signed::aws(compiler, aws).map(|by| Auth::Signed(Box::new(by))),
        [("hmac", hmac)] => signed::hmac(compiler, hmac).map(|by| Auth::Signed(Box::new(by))),
        _ => {
            compiler.error(
                "missing-field",
                "authentication is one of `bearer`, `basic`, `digest`, `oauth2`, `jwt`, `aws` and `hmac`",
                auth.span,
                "exactly one of them",
            );
            None
        }
    }
}

fn client_credentials(compiler: &mut Compiler<'_>, node: &Node) -> Option<ClientCredentials> {
    let written = node.get("token_url")?;
    let token_url = compiler.template(written)?;
    let start = token_url.start();
    let is_whole = start.starts_with("http://") || start.starts_with("https://");
    if !is_whole && (token_url.fixed().is_some() || !start.is_empty()) {
        compiler.error(
            "bad-url",
            format!("`{}` is no whole URL", written.text),
            written.span,
            "expected `https://…`",
        );
    }
    let scopes = node.get("scopes").map(Node::items).unwrap_or_default();
    let scopes = scopes.into_iter();
    let scopes = scopes
        .filter_map(|scope| compiler.template(scope))
        .collect();
    let mut params = match node.get("params") {
        Some(params) => compiler.named(params.entries()),
        None => Vec::new(),
    };
    if let Some(audience) = node.get("audience") {
        params.push(("audience".to_owned(), compiler.template(audience)?));
    }
    Some(ClientCredentials {
        token_url,
        client_id: compiler.template(node.get("client_id")?)?,
        client_secret: compiler.template(node.get("client_secret")?)?,
        scopes,
        params,
        in_body: node.get("style").and_then(Node::as_text) == Some("body"),
    })
}
