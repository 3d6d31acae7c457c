//! Proxies of an environment, and of the daemon's own errands: how they are written, and what they come to.
//!
//! Invariant: a password that is missing stops the work before the first request.

use super::form::SECRET;
use super::needs;
use super::settings::SecretSource;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::net::digest::Credentials;
use crate::net::proxies::{Exceptions, Proxies};
use crate::net::proxy::Proxy;
use crate::scenario::reader::{Reader, text};
use std::sync::Arc;

/// What takes proxies from the variables of the system.
const VARIABLES: &str = "from_environment";

/// How a proxy is written.
pub const PROXY: Shape = Shape::Either(&[Shape::Text, Shape::Object(&FORM)]);

static FORM: Object = Object {
    name: "proxy",
    called: "a proxy",
    fields: &[
        required(
            "url",
            Shape::Text,
            "`http://host:3128` or `socks5://host:1080`",
        ),
        field("user", Shape::Text, "who we are there"),
        field(
            "password",
            Shape::Object(&SECRET),
            "where the password of that user is kept",
        ),
        field(
            "except",
            Shape::List(&Shape::Text),
            "hosts that are reached without it: names with all below them, addresses, networks",
        ),
    ],
};

/// Proxies as configured. The password is still a reference here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ProxySource {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    Variables,
    /// One for everything but some.
    One(Box<Written>),
}

/// A proxy as configured.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Written {
    proxy: Proxy,
    /// The user, and where the password is kept.
    who: Option<(String, SecretSource)>,
    except: Exceptions,
}

impl ProxySource {
    /// The proxies, with their passwords.
    ///
    /// # Errors
    ///
    /// Which variable is wrong, or that the password is missing.
    pub fn resolved(&self) -> Result<Arc<Proxies>, String> {
        let written = match self {
            ProxySource::Variables => {
                return Proxies::of_variables(&needs::of_system).map(Arc::new);
            }
            ProxySource::One(written) => written,
        };
        let entered = written.who.as_ref().map(|(user, source)| {
            let password = needs::fetch(&source.env, source.file.as_deref(), &source.command);
            let password = password
                .map_err(|why| format!("the password of the proxy cannot be used: {why}"))?
                .ok_or_else(|| "the password of the proxy is missing".to_owned())?;
            let user = user.clone();
            Ok::<_, String>(Credentials { user, password })
        });
        let entrance = (written.proxy.clone(), entered.transpose()?);
        Ok(Arc::new(Proxies::all(entrance, written.except.clone())))
    }

    /// Whether its password comes from a program, which takes its time.
    pub fn has_program(&self) -> bool {
        match self {
            ProxySource::One(written) => {
                let mut who = written.who.iter();
                who.any(|(_, source)| !source.command.is_empty())
            }
            ProxySource::Variables => false,
        }
    }
}

impl Reader<'_> {
    /// A proxy, if there is one.
    pub fn proxy(&mut self, node: Option<&Node>) -> Option<ProxySource> {
        let node = node?;
        let url = node.get("url").unwrap_or(node);
        if url.text == VARIABLES {
            return Some(ProxySource::Variables);
        }
        let (proxy, named) = match Proxy::parse(&url.text) {
            Ok(entrance) => entrance,
            Err(why) => {
                let label =
                    "expected `http://host:3128`, `socks5://host:1080` or `from_environment`";
                self.error(
                    "bad-url",
                    format!("this is no proxy: {why}"),
                    url.span,
                    label,
                );
                return None;
            }
        };
        if named.is_some() {
            let label = "say `{ url, user, password: { env: NAME } }`";
            let title = "the URL of a proxy carries a name or a password";
            self.error("bad-url", title, url.span, label);
            return None;
        }
        let mut except = Exceptions::default();
        for written in node.get("except").map(Node::items).unwrap_or_default() {
            if let Err(why) = except.add(&written.text) {
                let label = "expected `example.com`, `10.1.2.3` or `10.0.0.0/8`";
                self.error("wrong-type", why, written.span, label);
            }
        }
        let who = match (text(node, "user"), node.get("password")) {
            (Some(user), Some(source)) => Some((user, self.secret_source(source))),
            (None, None) => None,
            _ => {
                let label = "both, or neither";
                let title = "a proxy has a `user` and a `password`";
                self.error("missing-field", title, node.span, label);
                None
            }
        };
        Some(ProxySource::One(Box::new(Written { proxy, who, except })))
    }
}
