//! Reads environments: their services, and the windows in which deploys are verified.

use super::settings::{
    Caps, Environment, SecretSource, Service, TlsFiles, VersionFrom, VersionSource,
};
use super::windows;
use crate::browser;
use crate::document::node::Node;
use crate::net::address;
use crate::net::connect::host_port;
use crate::net::redirect::is_absolute;
use crate::scenario::expression::Expression;
use crate::scenario::reader::{Reader, entries, named_texts, per_second, text, texts};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether a text is the base URL of a service.
pub fn is_base_url(text: &str) -> bool {
    let has_host = |uri: http::Uri| uri.host().is_some_and(|host| !host.is_empty());
    is_absolute(text) && address::url(text).is_ok_and(has_host)
}

impl Reader<'_> {
    /// An environment.
    pub fn environment(&mut self, name: &Node, node: &Node) -> Environment {
        let caps = node.get("caps");
        Environment {
            name: name.text.clone(),
            services: entries(node, "services")
                .iter()
                .filter_map(|(name, node)| Some((name.text.clone(), self.service(node)?)))
                .collect(),
            caps: Caps {
                rate: caps
                    .and_then(|node| node.get("rate"))
                    .and_then(Node::as_number),
                users: caps
                    .and_then(|node| node.get("vus"))
                    .and_then(Node::as_count),
            },
            inputs: named_texts(node, "inputs"),
            secrets: self.secret_sources(node.get("secrets")),
            windows: node.get("windows").and_then(|node| self.windows(node)),
            enforce: node.get("enforce").and_then(Node::as_bool).unwrap_or(false),
            tls_files: self.tls_files(node),
            proxy: self.proxy(node.get("proxy")),
            browser: self.browser(node),
            vantage: self.vantage(node),
        }
    }

    fn browser(&self, node: &Node) -> browser::settings::Settings {
        let browser = node.get("browser");
        let sandbox = browser.and_then(|node| node.get("sandbox"));
        let binary = browser.and_then(|node| text(node, "binary"));
        let lighthouse = browser.and_then(|node| text(node, "lighthouse"));
        browser::settings::Settings {
            binary: binary.map(|file| self.folder.join(file)),
            sandbox: sandbox.and_then(Node::as_bool).unwrap_or(true),
            lighthouse: lighthouse.map(|file| self.folder.join(file)),
        }
    }

    fn tls_files(&self, node: &Node) -> TlsFiles {
        let file = |node: &Node, name: &str| text(node, name).map(|file| self.folder.join(file));
        let own = node.get("client_certificate");
        TlsFiles {
            ca_file: file(node, "ca_file"),
            client_certificate: own
                .and_then(|own| Some((file(own, "certificate")?, file(own, "key")?))),
        }
    }

    fn vantage(&mut self, node: &Node) -> Vec<(String, u16)> {
        let written = node.get("vantage").map(Node::items).unwrap_or_default();
        let mut addresses = Vec::new();
        for node in written {
            match host_port(&node.text, 0) {
                Ok((host, port)) if port > 0 => addresses.push((host, port)),
                _ => {
                    let title = format!("`{}` is no address to look for", node.text);
                    self.error("wrong-type", title, node.span, "expected `host:port`");
                }
            }
        }
        addresses
    }

    fn service(&mut self, node: &Node) -> Option<Service> {
        let url = node.get("url")?;
        // One with inputs in it is looked at when they are known.
        if !url.text.contains("${inputs.") && !is_base_url(&url.text) {
            self.error(
                "bad-url",
                format!("`{}` is not a base URL", url.text),
                url.span,
                "expected `https://host`",
            );
            return None;
        }
        if address::url(&url.text).is_ok_and(|uri| address::has_user(&uri)) {
            self.error(
                "bad-url",
                "the URL of a service carries a name or a password, and is shown in many places",
                url.span,
                "say `auth: { basic: … }` in the scenario, with secrets",
            );
            return None;
        }
        let limit = node
            .get("limit")
            .and_then(|node| match per_second(&node.text) {
                Some(limit) => Some(limit),
                None => {
                    self.error(
                        "wrong-type",
                        format!("`{}` is not a rate", node.text),
                        node.span,
                        "expected `100/m` or `20/s`",
                    );
                    None
                }
            });
        let version = node.get("version").and_then(|node| {
            let value = match node.get("value") {
                Some(value) => match Expression::compile(value.as_text()?, true) {
                    Ok(value) => value,
                    Err(mistake) => {
                        self.mistake(value, mistake);
                        return None;
                    }
                },
                None => Expression::compile("body.version", true).ok()?,
            };
            let from = self.version_from(node)?;
            Some(Arc::new(VersionSource { from, value }))
        });
        Some(Service {
            url: url.text.trim_end_matches('/').to_owned(),
            limit,
            version,
        })
    }

    /// Who says which version is served.
    fn version_from(&mut self, node: &Node) -> Option<VersionFrom> {
        let kinds = ["path", "url", "command"];
        let given: Vec<&str> = kinds
            .into_iter()
            .filter(|key| node.get(key).is_some())
            .collect();
        if given.len() != 1 {
            self.error(
                "missing-field",
                "a version is read from one place".to_owned(),
                node.span,
                "exactly one of `path`, `url` and `command`",
            );
            return None;
        }
        if let Some(url) = node.get("url") {
            let bearer = node.get("bearer");
            return Some(VersionFrom::Platform {
                url: self.template(url)?,
                bearer: bearer.and_then(|node| self.template(node)),
            });
        }
        if let Some(command) = node.get("command") {
            let words = command.items().into_iter();
            let words = words.map(|word| self.template(word));
            return Some(VersionFrom::Command {
                words: words.collect::<Option<Vec<_>>>()?,
                folder: self.folder.to_path_buf(),
            });
        }
        text(node, "path").map(VersionFrom::Path)
    }

    /// Hours on weekdays, and dated freezes.
    pub fn windows(&mut self, node: &Node) -> Option<windows::Windows> {
        let zone = node.get("zone")?;
        let Ok(parsed) = zone.text.parse::<chrono_tz::Tz>() else {
            self.error(
                "unknown-zone",
                format!("`{}` is not an IANA time zone", zone.text),
                zone.span,
                "expected a name such as `America/Los_Angeles`",
            );
            return None;
        };
        let mut allow = Vec::new();
        for window in node.get("allow").map(Node::items).unwrap_or_default() {
            let mut minute = |key: &str| -> Option<u32> {
                let node = window.get(key)?;
                let minute = windows::minute_of_day(&node.text);
                if minute.is_none() {
                    self.error(
                        "wrong-type",
                        format!("`{}` is not a time of day", node.text),
                        node.span,
                        "expected `09:00`",
                    );
                }
                minute
            };
            let (Some(from), Some(to)) = (minute("from"), minute("to")) else {
                continue;
            };
            if from == to
                && let Some(node) = window.get("to")
            {
                self.error(
                    "never-allowed",
                    "the window ends when it begins: nothing is ever inside".to_owned(),
                    node.span,
                    "a window that ends before it begins is a night, such as `22:00` to `06:00`",
                );
            }
            allow.push(windows::Window {
                days: texts(window, "days"),
                from,
                to,
            });
        }
        let mut freezes = Vec::new();
        for freeze in node.get("freezes").map(Node::items).unwrap_or_default() {
            let mut day = |key: &str| -> Option<chrono::NaiveDate> {
                let node = freeze.get(key)?;
                let day = node.text.parse().ok();
                if day.is_none() {
                    self.error(
                        "wrong-type",
                        format!("`{}` is not a day", node.text),
                        node.span,
                        "expected `2026-12-20`",
                    );
                }
                day
            };
            let (Some(from), Some(to)) = (day("from"), day("to")) else {
                continue;
            };
            if to < from
                && let Some(node) = freeze.get("to")
            {
                self.error(
                    "never-frozen",
                    format!("the freeze ends on {to}, before it begins on {from}"),
                    node.span,
                    "both days are part of it: the last one is not before the first",
                );
            }
            freezes.push(windows::Freeze {
                from,
                to,
                reason: text(freeze, "reason").unwrap_or_default(),
            });
        }
        Some(windows::Windows {
            zone: parsed,
            allow,
            freezes,
            hard: text(node, "mode").as_deref() != Some("soft"),
        })
    }
}

impl Reader<'_> {
    /// Where a secret is kept.
    pub(super) fn secret_source(&self, node: &Node) -> SecretSource {
        SecretSource {
            env: texts(node, "env"),
            file: text(node, "file").map(|file| self.folder.join(file)),
            command: texts(node, "command"),
        }
    }

    /// Where secrets are kept; in the variable of its own name where nothing is said.
    pub fn secret_sources(&mut self, node: Option<&Node>) -> BTreeMap<String, SecretSource> {
        let mut sources = BTreeMap::new();
        for (name, node) in node.map(Node::entries).unwrap_or_default() {
            let mut source = self.secret_source(node);
            if source.env.is_empty() && source.file.is_none() && source.command.is_empty() {
                source.env.push(name.text.clone());
            }
            sources.insert(name.text.clone(), source);
        }
        sources
    }
}
