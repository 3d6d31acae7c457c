//! Modules as they were read.

use crate::secret::Secret;
use http::HeaderMap;
use regex::bytes::Regex;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// All modules of a file, and who may be looked at with them.
#[derive(Debug, Default)]
pub struct Modules {
    /// By name.
    pub known: BTreeMap<String, Module>,
    /// Targets that anybody may ask for.
    targets: Vec<regex::Regex>,
}

impl Modules {
    /// Modules by name, and patterns of targets that anybody may ask for.
    ///
    /// # Errors
    ///
    /// A pattern that is too long to be one.
    pub fn new(known: BTreeMap<String, Module>, targets: &[String]) -> Result<Modules, String> {
        let patterns = targets.iter().map(|target| {
            let pattern = pattern_of(target);
            pattern.map_err(|error| format!("`{target}` is no pattern of targets: {error}"))
        });
        Ok(Modules {
            known,
            targets: patterns.collect::<Result<_, _>>()?,
        })
    }

    /// Whether a target is one of those that anybody may ask for.
    pub fn allows(&self, target: &str) -> bool {
        self.targets.iter().any(|pattern| pattern.is_match(target))
    }
}

/// What fits a pattern: `*` stands for letters of one part of a name, for several parts where a
/// domain follows it, and at the end of a path for anything.
fn pattern_of(pattern: &str) -> Result<regex::Regex, regex::Error> {
    let (start, end) = match pattern.strip_suffix('*') {
        Some(start) if start.is_empty() || start.ends_with('/') => (start, ".*"),
        _ => (pattern, ""),
    };
    let mut text = String::from("^(?s:");
    for (at, part) in start.split('*').enumerate() {
        // What tells the parts of an address apart is no letter of a name; a name that anybody could make
        // up at its end is somebody else's.
        match at {
            0 => {}
            _ if part.starts_with('.') => text.push_str("[A-Za-z0-9._-]*"),
            _ => text.push_str("[A-Za-z0-9_-]*"),
        }
        text.push_str(&regex::escape(part));
    }
    text.push_str(&format!("{end})$"));
    regex::Regex::new(&text)
}

/// One module.
#[derive(Debug)]
pub struct Module {
    /// What is done.
    pub prober: Prober,
    /// Time for it, where the file says one.
    pub timeout: Option<Duration>,
}

/// What is done.
#[derive(Debug)]
pub enum Prober {
    /// A request.
    Http(Box<Http>),
    /// A connection, and perhaps a conversation.
    Tcp(Box<Tcp>),
    /// A question to a name server.
    Dns(Box<Dns>),
    /// An echo request.
    Icmp(Icmp),
    /// The health of a service of gRPC.
    Grpc(Box<Grpc>),
}

/// A question for health.
#[derive(Debug)]
pub struct Grpc {
    /// Which addresses.
    pub family: Family,
    /// The service, empty for the server as a whole.
    pub service: String,
    /// Whether TLS is spoken.
    pub speaks_tls: bool,
    /// How.
    pub tls: Tls,
}

/// Which addresses of a name are taken.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Those of version 6 first.
    pub prefers_six: bool,
    /// The other ones where there are none.
    pub falls_back: bool,
}

/// How TLS is spoken.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Whether any certificate will do.
    pub insecure: bool,
    /// Authorities that are believed, and no others.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate and its key.
    pub own: Option<(PathBuf, PathBuf)>,
    /// The name that is asked for.
    pub server_name: Option<String>,
    /// Whether TLS 1.2 is spoken.
    pub allows_12: bool,
    /// Whether TLS 1.3 is spoken.
    pub allows_13: bool,
}

/// A header that must, or must not, match.
#[derive(Debug)]
pub struct HeaderRule {
    /// Its name.
    pub header: String,
    /// The pattern.
    pub regexp: Regex,
    /// Whether it may be missing.
    pub allow_missing: bool,
}

/// A request.
#[derive(Debug)]
pub struct Http {
    /// The method.
    pub method: http::Method,
    /// Headers.
    pub headers: HeaderMap,
    /// Who we are: the value of `authorization`.
    pub authorization: Option<Authorization>,
    /// The body.
    pub body: Vec<u8>,
    /// Statuses that are good; where none is named, those from 200 to 299.
    pub statuses: Vec<u16>,
    /// Versions that are good; all where none is named.
    pub versions: Vec<String>,
    /// Whether redirects are followed.
    pub follows: bool,
    /// Whether TLS is bad.
    pub fails_with_tls: bool,
    /// Whether no TLS is bad.
    pub fails_without_tls: bool,
    /// Patterns of which none may be in the body.
    pub not_in_body: Vec<Regex>,
    /// Patterns of which each must be in the body.
    pub in_body: Vec<Regex>,
    /// Headers that may not match.
    pub not_in_headers: Vec<HeaderRule>,
    /// Headers that must match.
    pub in_headers: Vec<HeaderRule>,
    /// The encoding that the body comes in.
    pub compression: Option<String>,
    /// Bytes of a body at most; nothing for no limit.
    pub body_bytes_max: Option<usize>,
    /// Whether HTTP/2 is offered.
    pub offers_two: bool,
    /// Which addresses.
    pub family: Family,
    /// How TLS is spoken.
    pub tls: Tls,
}

/// Who we are.
#[derive(Debug)]
pub enum Authorization {
    /// A header's value as it is.
    Value(Secret),
    /// The type and a file with the rest.
    File(String, PathBuf),
    /// A user, and a file with the password.
    BasicFile(String, PathBuf),
}

/// A connection, and perhaps a conversation.
#[derive(Debug)]
pub struct Tcp {
    /// What is said, and what must be heard.
    pub conversation: Vec<Turn>,
    /// Whether it begins with TLS.
    pub speaks_tls: bool,
    /// How TLS is spoken.
    pub tls: Tls,
    /// Which addresses.
    pub family: Family,
}

/// One turn of a conversation.
#[derive(Debug)]
pub struct Turn {
    /// What a line must match.
    pub expect: Option<Regex>,
    /// What is said then, with `${1}` for what was matched.
    pub send: Option<String>,
    /// Whether TLS begins then.
    pub starts_tls: bool,
}

/// A question to a name server.
#[derive(Debug)]
pub struct Dns {
    /// The name.
    pub name: String,
    /// The type of record.
    pub record: String,
    /// The class.
    pub class: String,
    /// Whether it goes over TCP.
    pub over_tcp: bool,
    /// Whether it goes over TLS.
    pub over_tls: bool,
    /// Whether others are to be asked for us.
    pub recursion: bool,
    /// Codes that are good.
    pub codes: Vec<String>,
    /// What is asked of answers, authorities and what is beside.
    pub rules: [RecordRules; 3],
    /// Which addresses.
    pub family: Family,
    /// How TLS is spoken.
    pub tls: Tls,
}

/// What is asked of records.
#[derive(Debug, Default)]
pub struct RecordRules {
    /// Bad if one matches.
    pub fails_if_matches: Vec<Regex>,
    /// Bad if all match.
    pub fails_if_all_match: Vec<Regex>,
    /// Bad if one does not match.
    pub fails_if_not_matches: Vec<Regex>,
    /// Bad if none matches.
    pub fails_if_none_matches: Vec<Regex>,
}

/// An echo request.
#[derive(Debug)]
pub struct Icmp {
    /// Which addresses.
    pub family: Family,
    /// Bytes that are sent.
    pub payload: usize,
}

#[cfg(test)]
mod tests {
    use super::pattern_of;

    #[test]
    fn a_star_stands_for_letters_of_a_name_and_nothing_else_does() {
        for (pattern, text, does) in [
            ("https://*.example.com/*", "https://a.example.com/x", true),
            ("https://*.example.com", "https://a.example.com/x", false),
            (
                "https://*.example.com",
                "https://evil.com/?.example.com",
                false,
            ),
            (
                "https://*.example.com/*",
                "https://evil.com/a.example.com/",
                false,
            ),
            (
                "https://*.example.com/*",
                "https://evil.com@a.example.com/",
                false,
            ),
            ("10.0.0.1:25", "10.0.0.1:25", true),
            ("10.0.0.1:25", "10.0.0.1:255", false),
            ("a*a", "a", false),
            ("https://a/*", "https://a", false),
            ("*", "", true),
            ("10.0.0.*", "10.0.0.7", true),
            ("10.0.0.*", "10.0.0.7.evil.test", false),
            ("https://*.a.test/*", "https://x.y.a.test/", true),
        ] {
            assert_eq!(
                pattern_of(pattern).unwrap().is_match(text),
                does,
                "{pattern} on {text}"
            );
        }
    }
}
