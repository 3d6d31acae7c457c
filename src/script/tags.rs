//! What samples of a script are told apart by. Tags are looked up only where a threshold asks for one.

use super::ask::{CallName, Reply};
use crate::k6::tags::Tags;
use crate::net::grpc::Status;

/// Tags of a check, a group, or a metric of the script's own.
pub(super) struct Plain<'a> {
    /// Those of the virtual user.
    pub own: &'a [(String, String)],
    /// Those of the sample: names and values in turn.
    pub more: &'a [String],
    /// The path of the group.
    pub group: &'a str,
    /// One that the engine adds.
    pub also: (&'a str, &'a str),
}

impl<'a> Plain<'a> {
    /// Those of the virtual user alone.
    pub fn of(own: &'a [(String, String)]) -> Plain<'a> {
        Plain {
            own,
            more: &[],
            group: "",
            also: ("", ""),
        }
    }
}

fn of_pairs<'a>(pairs: &'a [String], name: &str) -> Option<&'a str> {
    let mut pairs = pairs.chunks_exact(2);
    pairs
        .rfind(|pair| pair[0] == name)
        .map(|pair| pair[1].as_str())
}

fn of_own<'a>(own: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = own.iter().rev().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

impl Tags for Plain<'_> {
    fn tag(&self, name: &str) -> Option<&str> {
        let given = of_pairs(self.more, name);
        given
            .or_else(|| (!name.is_empty() && self.also.0 == name).then_some(self.also.1))
            .or_else(|| of_own(self.own, name))
            .or_else(|| (name == "group").then_some(self.group))
    }

    fn given(&self) -> Vec<&str> {
        let own = self.own.iter().map(|(name, _)| name.as_str());
        let more = self.more.chunks_exact(2).map(|pair| pair[0].as_str());
        own.chain(more)
            .chain([self.also.0])
            .filter(|name| !name.is_empty())
            .collect()
    }
}

/// Tags of a request.
pub(super) struct OfRequest<'a> {
    /// Those of the virtual user, and of the request.
    pub plain: Plain<'a>,
    /// The method.
    pub method: &'a str,
    /// The URL.
    pub url: &'a str,
    /// The status; 0 where there was none.
    pub status: &'a str,
    /// The version of HTTP.
    pub proto: &'a str,
    /// What went wrong, and its number.
    pub error: (&'a str, &'a str),
    /// Whether the status was expected, if anybody says.
    pub expected: Option<bool>,
    /// The version of TLS.
    pub tls_version: &'a str,
}

impl Tags for OfRequest<'_> {
    fn tag(&self, name: &str) -> Option<&str> {
        if let Some(given) = of_pairs(self.plain.more, name) {
            return Some(given);
        }
        let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
        match name {
            "method" => Some(self.method),
            "status" => Some(self.status),
            "url" => Some(of_pairs(self.plain.more, "name").unwrap_or(self.url)),
            "name" => Some(self.url),
            "proto" => some(self.proto),
            "error" => some(self.error.0),
            "error_code" => some(self.error.1),
            "tls_version" => some(self.tls_version),
            "expected_response" => self.expected.map(|is| if is { "true" } else { "false" }),
            _ => self.plain.tag(name),
        }
    }

    fn given(&self) -> Vec<&str> {
        self.plain.given()
    }
}

/// Tags of a call of gRPC.
pub(super) struct OfCall<'a> {
    /// Those of its request.
    pub tags: OfRequest<'a>,
    /// What is called.
    pub call: &'a CallName,
    /// What came back.
    pub reply: &'a Reply,
}

/// Codes of gRPC in digits.
const CODES: [&str; 17] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
];

impl Tags for OfCall<'_> {
    fn tag(&self, name: &str) -> Option<&str> {
        match name {
            "service" => Some(&self.call.service),
            "method" => Some(&self.call.method),
            "status" => {
                let status = Status::of(self.reply.headers.map(), self.reply.trailers.as_deref());
                let code = status.map_or(14, |status| status.code);
                CODES.get(code as usize).copied()
            }
            "proto" | "expected_response" => None,
            _ => self.tags.tag(name),
        }
    }

    fn given(&self) -> Vec<&str> {
        self.tags.given()
    }
}
