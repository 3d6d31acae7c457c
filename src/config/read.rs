//! From the mapping of `bellwether.yaml` to [`File`], reporting every mistake on the way.

use super::file_shape::FILE;
use crate::alert::channel::{self, Channel};
use crate::document::diagnostic::{Diagnostic, Diagnostics};
use crate::document::node::{self, Node};
use crate::document::shape::{self, Shape};
use crate::document::source::{Source, Span};
use crate::environment::settings::Environment;
use crate::project::access::{Holder, Role, folded};
use crate::project::file::*;
use crate::project::openid::OpenId;
use crate::project::targets::ProbeTemplate;
use crate::scenario::elsewhere;
use crate::scenario::reader::{Reader, entries, text};
use crate::scenario::template::Template;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Where the daemon listens, its own token, those with names, and who else knows people.
type Door = (String, Option<Template>, Vec<Holder>, Option<OpenId>);

/// Reads a configuration. It is returned only if no error was reported.
pub fn read(source: &Arc<Source>, folder: &Path, found: &mut Diagnostics) -> Option<File> {
    let mut own = Diagnostics::default();
    let file = node::parse(source, &mut own).map(|root| {
        shape::check(source, &root, &Shape::Object(&FILE), &mut own);
        elsewhere::hint(&mut own);
        Reader {
            source,
            folder,
            found: &mut own,
            secrets: Vec::new(),
        }
        .file(&root)
    });
    let broken = own.has_errors();
    found.append(own);
    if broken { None } else { file }
}

impl Reader<'_> {
    fn file(&mut self, root: &Node) -> File {
        let secrets = self.secret_sources(root.get("secrets"));
        self.secrets = secrets.keys().cloned().collect();
        for kind in [
            "probes",
            "gates",
            "channels",
            "slos",
            "heartbeats",
            "environments",
        ] {
            for (name, _) in entries(root, kind) {
                let letter = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
                if !name.text.chars().all(letter) || name.text.is_empty() {
                    let title = format!("`{}` cannot be a name", name.text);
                    self.error(
                        "bad-name",
                        title,
                        name.span,
                        "letters, digits, `-`, `_`, `.` and spaces",
                    );
                }
            }
        }
        let server = root.get("server");
        let environments: BTreeMap<String, Arc<Environment>> = entries(root, "environments")
            .iter()
            .map(|(name, node)| (name.text.clone(), Arc::new(self.environment(name, node))))
            .collect();
        let channels: BTreeMap<String, Box<dyn Channel>> = entries(root, "channels")
            .iter()
            .filter_map(|(name, node)| Some((name.text.clone(), channel::read(self, name, node)?)))
            .collect();
        let (mut probes, mut templates) = (Vec::new(), Vec::new());
        for (name, node) in entries(root, "probes") {
            let targets = self.targets(node);
            match (self.probe(name, node, &environments, root), targets) {
                (Some(probe), Some(targets)) => templates.push(ProbeTemplate { probe, targets }),
                (Some(probe), None) => probes.push(probe),
                // What is wrong with it is said.
                (None, _) => {}
            }
        }
        self.reserved(root);
        let gates = entries(root, "gates")
            .iter()
            .filter_map(|(name, node)| self.gate(name, node, &environments, root))
            .collect();
        let slos = entries(root, "slos")
            .iter()
            .filter_map(|(name, node)| self.slo(name, node, root))
            .collect();
        let heartbeats = entries(root, "heartbeats")
            .iter()
            .filter_map(|(name, node)| self.heartbeat(name, node, root))
            .collect();
        let status_pages = entries(root, "status_pages")
            .iter()
            .filter_map(|(name, node)| self.status_page(name, node, root))
            .collect();
        let asking = self.asking(root.get("modules"), &environments, root);
        let alerts = self.alerts(root);
        let (listen, token, tokens, openid) = self.door(server);
        File {
            source: self.source.clone(),
            folder: self.folder.to_owned(),
            listen,
            token,
            tokens,
            openid,
            opens_metrics: server
                .and_then(|node| node.get("open_metrics"))
                .is_some_and(|node| node.as_bool() == Some(true)),
            public_url: server.and_then(|node| text(node, "public_url")),
            state: self
                .folder
                .join(text(root, "state").unwrap_or_else(|| "bellwether.db".to_owned())),
            keeping: self.keeping(root.get("keep")),
            secrets,
            proxy: self.proxy(root.get("proxy")),
            environments,
            probes,
            templates,
            gates,
            channels,
            slos,
            status_pages,
            heartbeats,
            dead_man: self.dead_man(root),
            pushes: self.pushes(root),
            alerts,
            openslo: root.get("openslo").map_or_else(Default::default, |node| {
                (self.files(node, "files"), self.tell(node, root))
            }),
            asking,
        }
    }

    /// The probes of a template are named after it: no other may be.
    fn reserved(&mut self, root: &Node) {
        let probes = entries(root, "probes");
        let templates = probes
            .iter()
            .filter(|(_, node)| node.get("targets").is_some());
        for (template, _) in templates {
            let begins = format!("{} ", template.text);
            for (name, _) in probes
                .iter()
                .filter(|(name, _)| name.text.starts_with(&begins))
            {
                let title = format!(
                    "`{}` could be the name of a target of `{}`",
                    name.text, template.text
                );
                self.error("bad-name", title, name.span, "another name is needed");
            }
        }
    }

    /// Where the daemon listens, and who may come in.
    fn door(&mut self, server: Option<&Node>) -> Door {
        let listen = server
            .and_then(|node| text(node, "listen"))
            .unwrap_or_else(|| "127.0.0.1:9911".to_owned());
        let token = server
            .and_then(|node| node.get("token"))
            .and_then(|node| self.template(node));
        let tokens = self.tokens(server);
        let openid = self.openid(server);
        let has_tokens = token.is_some() || !tokens.is_empty() || openid.is_some();
        self.open_server(&listen, has_tokens, server);
        (listen, token, tokens, openid)
    }

    fn tokens(&mut self, server: Option<&Node>) -> Vec<Holder> {
        let Some(server) = server else {
            return Vec::new();
        };
        let mut found: Vec<Holder> = Vec::new();
        for (name, node) in entries(server, "tokens") {
            if found
                .iter()
                .any(|known| folded(&known.name) == folded(&name.text))
            {
                let title = format!("`{}` is a name that somebody has already", name.text);
                self.error("bad-name", title, name.span, "two spellings are one person");
            }
            let role = text(node, "role").and_then(|word| Role::of(&word));
            let token = node.get("token").and_then(|node| self.template(node));
            if let (Some(token), Some(role)) = (token, role) {
                let name = name.text.clone();
                found.push(Holder { name, token, role });
            }
        }
        found
    }

    /// An API that starts rollbacks is not open to the network by accident.
    fn open_server(&mut self, listen: &str, token: bool, server: Option<&Node>) {
        let span = server
            .and_then(|node| node.get("listen"))
            .map_or(Span::default(), |node| node.span);
        match listen.parse::<std::net::SocketAddr>() {
            Err(_) => self.error(
                "wrong-type",
                format!("`{listen}` is not an address and port"),
                span,
                "expected `127.0.0.1:9911`",
            ),
            Ok(address) if !address.ip().is_loopback() && !token => self.found.push(
                Diagnostic::warning(
                    "open-api",
                    "the API can be reached from other machines without a token",
                )
                .at(
                    self.source,
                    span,
                    "requests that change anything will be refused",
                )
                .hint("add `token: ${secrets.NAME}` under `server`"),
            ),
            Ok(_) => {}
        }
    }
}
