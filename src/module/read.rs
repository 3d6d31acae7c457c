//! From `blackbox.yml` to modules, reporting every mistake at its place.
//!
//! What the file asks for and we do not carry is a mistake too: a module that looks at less than it says
//! would go well where it should not.

use super::form::FILE;
use super::settings::{
    Authorization, Dns, Family, Grpc, HeaderRule, Http, Icmp, Module, Prober, RecordRules, Tcp,
    Tls, Turn,
};
use crate::document::diagnostic::{Diagnostic, Diagnostics};
use crate::document::node::{self, Node};
use crate::document::shape::{self, Shape};
use crate::document::source::Source;
use crate::duration;
use crate::net::client::basic;
use crate::scenario::reader::{entries, text, texts};
use crate::secret::Secret;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use regex::bytes::Regex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Reader<'a> {
    source: &'a Arc<Source>,
    folder: &'a Path,
    found: &'a mut Diagnostics,
}

/// Reads a file of modules; paths in it start from `folder`.
pub fn read(
    source: &Arc<Source>,
    folder: &Path,
    found: &mut Diagnostics,
) -> BTreeMap<String, Module> {
    let Some(root) = node::parse(source, found) else {
        return BTreeMap::new();
    };
    let before = found.count(crate::document::Severity::Error);
    shape::check(source, &root, &Shape::Object(&FILE), found);
    if found.count(crate::document::Severity::Error) > before {
        return BTreeMap::new();
    }
    let mut reader = Reader {
        source,
        folder,
        found,
    };
    let modules = entries(&root, "modules");
    let read = modules
        .iter()
        .filter_map(|(name, node)| Some((name.text.clone(), reader.module(node)?)));
    read.collect()
}

fn flag(node: &Node, key: &str, default: bool) -> bool {
    node.get(key).and_then(Node::as_bool).unwrap_or(default)
}

fn family(node: &Node) -> Family {
    Family {
        prefers_six: text(node, "preferred_ip_protocol").as_deref() != Some("ip4"),
        falls_back: flag(node, "ip_protocol_fallback", true),
    }
}

impl Reader<'_> {
    fn error(&mut self, node: &Node, code: &'static str, title: String, label: &str) {
        self.found
            .push(Diagnostic::error(code, title).at(self.source, node.span, label));
    }

    fn module(&mut self, node: &Node) -> Option<Module> {
        let kind = text(node, "prober")?;
        let nothing = Node::null();
        let part = node.get(&kind).unwrap_or(&nothing);
        let prober = match kind.as_str() {
            "http" => Prober::Http(Box::new(self.http(part)?)),
            "tcp" => Prober::Tcp(Box::new(self.tcp(part)?)),
            "dns" => Prober::Dns(Box::new(self.dns(part)?)),
            "icmp" => Prober::Icmp(Icmp {
                family: family(part),
                payload: part
                    .get("payload_size")
                    .and_then(Node::as_count)
                    .unwrap_or(36) as usize,
            }),
            "grpc" => Prober::Grpc(Box::new(Grpc {
                family: family(part),
                service: text(part, "service").unwrap_or_default(),
                speaks_tls: flag(part, "tls", false),
                tls: self.tls(part),
            })),
            // The form knows no other.
            _ => return None,
        };
        for key in ["source_ip_address", "dont_fragment", "ttl"] {
            if let Some(at) = part.get(key) {
                let title = format!("`{key}` is not carried");
                self.found
                    .push(Diagnostic::warning("not-carried", title).at(
                        self.source,
                        at.span,
                        "left out",
                    ));
            }
        }
        let timeout = text(node, "timeout").and_then(|text| duration::parse(&text).ok());
        Some(Module { prober, timeout })
    }

    fn pattern(&mut self, node: &Node) -> Option<Regex> {
        match Regex::new(&node.text) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let title = format!("`{}` is no pattern: {error}", node.text);
                self.error(node, "bad-pattern", title, "here");
                None
            }
        }
    }

    fn patterns(&mut self, node: &Node, key: &str) -> Vec<Regex> {
        let items = node.get(key).map(Node::items).unwrap_or_default();
        items
            .into_iter()
            .filter_map(|item| self.pattern(item))
            .collect()
    }

    fn path(&self, node: &Node, key: &str) -> Option<PathBuf> {
        Some(self.folder.join(text(node, key)?))
    }

    fn tls(&mut self, node: &Node) -> Tls {
        let Some(node) = node.get("tls_config") else {
            return Tls {
                allows_12: true,
                allows_13: true,
                ..Tls::default()
            };
        };
        let (least, most) = (text(node, "min_version"), text(node, "max_version"));
        let most = most.unwrap_or_else(|| "TLS13".to_owned());
        let (certificate, key) = (self.path(node, "cert_file"), self.path(node, "key_file"));
        if matches!(most.as_str(), "TLS10" | "TLS11")
            && let Some(at) = node.get("max_version")
        {
            let title = "versions of TLS below 1.2 are not carried".to_owned();
            self.error(at, "not-carried", title, "no connection would come about");
        }
        Tls {
            insecure: flag(node, "insecure_skip_verify", false),
            ca_file: self.path(node, "ca_file"),
            own: certificate.zip(key),
            server_name: text(node, "server_name"),
            allows_12: least.as_deref() != Some("TLS13"),
            allows_13: most == "TLS13",
        }
    }

    fn headers(&mut self, node: &Node) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in entries(node, "headers") {
            self.header(&mut headers, name, value);
        }
        for (name, how) in entries(node, "http_headers") {
            for value in ["values", "secrets"]
                .iter()
                .filter_map(|key| how.get(key))
                .flat_map(Node::items)
            {
                self.header(&mut headers, name, value);
            }
            if let Some(files) = how.get("files") {
                let title = "headers out of files are not carried".to_owned();
                self.error(files, "not-carried", title, "say it as a value");
            }
        }
        headers
    }

    fn header(&mut self, headers: &mut HeaderMap, name: &Node, value: &Node) {
        let read = HeaderName::try_from(name.text.as_str())
            .ok()
            .zip(HeaderValue::try_from(value.text.as_str()).ok());
        match read {
            Some((name, value)) => {
                headers.append(name, value);
            }
            None => self.error(
                name,
                "bad-header",
                format!("`{}` cannot be a header", name.text),
                "here",
            ),
        }
    }

    fn authorization(&mut self, node: &Node) -> Option<Authorization> {
        if let Some(user) = node.get("basic_auth") {
            let name = text(user, "username")?;
            return Some(match self.path(user, "password_file") {
                Some(path) => Authorization::BasicFile(name, path),
                None => {
                    let password = text(user, "password").unwrap_or_default();
                    Authorization::Value(Secret::new(basic(&name, &password)))
                }
            });
        }
        let bearer = |token: &str| Authorization::Value(Secret::new(format!("Bearer {token}")));
        if let Some(token) = text(node, "bearer_token") {
            return Some(bearer(&token));
        }
        if let Some(path) = self.path(node, "bearer_token_file") {
            return Some(Authorization::File("Bearer".to_owned(), path));
        }
        let node = node.get("authorization")?;
        let kind = text(node, "type").unwrap_or_else(|| "Bearer".to_owned());
        match (
            text(node, "credentials"),
            self.path(node, "credentials_file"),
        ) {
            (Some(token), _) => Some(Authorization::Value(Secret::new(format!("{kind} {token}")))),
            (None, path) => Some(Authorization::File(kind, path?)),
        }
    }

    fn header_rules(&mut self, node: &Node, key: &str) -> Vec<HeaderRule> {
        let items = node.get(key).map(Node::items).unwrap_or_default();
        let rule = |item: &Node| {
            Some(HeaderRule {
                header: text(item, "header")?,
                regexp: self.pattern(item.get("regexp")?)?,
                allow_missing: flag(item, "allow_missing", false),
            })
        };
        items.into_iter().filter_map(rule).collect()
    }

    fn http(&mut self, node: &Node) -> Option<Http> {
        let method = text(node, "method").unwrap_or_else(|| "GET".to_owned());
        let Ok(method) = Method::from_bytes(method.as_bytes()) else {
            self.error(
                node.get("method")?,
                "wrong-type",
                format!("`{method}` is no method"),
                "here",
            );
            return None;
        };
        let mut headers = self.headers(node);
        let authorization = self.authorization(node);
        if authorization.is_some() {
            headers.remove(AUTHORIZATION);
        }
        let body = match node.get("body_file") {
            Some(at) => match std::fs::read(self.folder.join(&at.text)) {
                Ok(body) => body,
                Err(error) => {
                    self.error(
                        at,
                        "unreadable-file",
                        format!("`{}` cannot be read: {error}", at.text),
                        "here",
                    );
                    return None;
                }
            },
            None => text(node, "body").unwrap_or_default().into_bytes(),
        };
        let limit = node.get("body_size_limit");
        let body_bytes_max = limit.map(|at| self.bytes(at)).unwrap_or_default();
        let statuses = node
            .get("valid_status_codes")
            .map(Node::items)
            .unwrap_or_default();
        let compression = text(node, "compression").filter(|it| !it.is_empty());
        Some(Http {
            method,
            headers,
            authorization,
            body,
            statuses: statuses
                .into_iter()
                .filter_map(|it| it.as_count().map(|code| code as u16))
                .collect(),
            versions: texts(node, "valid_http_versions"),
            follows: flag(
                node,
                "follow_redirects",
                !flag(node, "no_follow_redirects", false),
            ),
            fails_with_tls: flag(node, "fail_if_ssl", false),
            fails_without_tls: flag(node, "fail_if_not_ssl", false),
            not_in_body: self.patterns(node, "fail_if_body_matches_regexp"),
            in_body: self.patterns(node, "fail_if_body_not_matches_regexp"),
            not_in_headers: self.header_rules(node, "fail_if_header_matches"),
            in_headers: self.header_rules(node, "fail_if_header_not_matches"),
            compression,
            body_bytes_max,
            offers_two: flag(node, "enable_http2", true),
            family: family(node),
            tls: self.tls(node),
        })
    }

    /// A size such as `10MB`; 0 is no limit.
    fn bytes(&mut self, node: &Node) -> Option<usize> {
        let text = node.text.trim();
        let split = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let factor = match unit.trim() {
            "" | "B" => Some(1),
            "KB" | "KiB" | "K" => Some(1 << 10),
            "MB" | "MiB" | "M" => Some(1 << 20),
            "GB" | "GiB" | "G" => Some(1 << 30),
            _ => None,
        };
        match number.parse::<usize>().ok().zip(factor) {
            Some((0, _)) => None,
            Some((number, factor)) => Some(number.saturating_mul(factor)),
            None => {
                self.error(
                    node,
                    "wrong-type",
                    format!("`{text}` is no size"),
                    "expected `10MB`",
                );
                None
            }
        }
    }

    fn tcp(&mut self, node: &Node) -> Option<Tcp> {
        let turns = node
            .get("query_response")
            .map(Node::items)
            .unwrap_or_default();
        let turn = |item: &Node| Turn {
            expect: item.get("expect").and_then(|at| self.pattern(at)),
            send: text(item, "send"),
            starts_tls: flag(item, "starttls", false),
        };
        Some(Tcp {
            conversation: turns.into_iter().map(turn).collect(),
            speaks_tls: flag(node, "tls", false),
            tls: self.tls(node),
            family: family(node),
        })
    }

    fn dns(&mut self, node: &Node) -> Option<Dns> {
        let rules = [
            "validate_answer_rrs",
            "validate_authority_rrs",
            "validate_additional_rrs",
        ];
        let rules = rules.map(|key| self.record_rules(node.get(key)));
        let upper = |key: &str, default: &str| {
            text(node, key)
                .unwrap_or_else(|| default.to_owned())
                .to_uppercase()
        };
        Some(Dns {
            name: text(node, "query_name")?,
            record: upper("query_type", "ANY"),
            class: upper("query_class", "IN"),
            over_tcp: text(node, "transport_protocol").as_deref() == Some("tcp"),
            over_tls: flag(node, "dns_over_tls", false),
            recursion: flag(node, "recursion_desired", true),
            codes: texts(node, "valid_rcodes"),
            rules,
            family: family(node),
            tls: self.tls(node),
        })
    }

    fn record_rules(&mut self, node: Option<&Node>) -> RecordRules {
        let Some(node) = node else {
            return RecordRules::default();
        };
        RecordRules {
            fails_if_matches: self.patterns(node, "fail_if_matches_regexp"),
            fails_if_all_match: self.patterns(node, "fail_if_all_match_regexp"),
            fails_if_not_matches: self.patterns(node, "fail_if_not_matches_regexp"),
            fails_if_none_matches: self.patterns(node, "fail_if_none_matches_regexp"),
        }
    }
}
