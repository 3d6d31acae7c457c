//! What expressions see: the values of the virtual user, and the reply once there is one.

use super::binding::Binding;
use super::cookies::Jar;
use super::variables::Variables;
use crate::net::Phases;
use crate::net::body::without_mark;
use crate::net::charset;
use crate::net::headers::Headers;
use crate::net::phases::PHASES;
use crate::net::tls_facts::TlsFacts;
use crate::scenario::expression;
use crate::scenario::extract::{Path, PathPart, extract, walk};
use crate::scenario::scope::Scope;
use crate::witness::said::Said;
use bytes::Bytes;
use http::Uri;
use serde_json::Value;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A reply of any kind of step.
#[derive(Debug, Default)]
pub struct Reply {
    /// HTTP status, or exit code of a program.
    pub status: Option<u16>,
    /// Headers, as far as they were wanted.
    pub headers: Headers,
    /// Body, or output of a program.
    pub body: Bytes,
    /// Microseconds from the intended start.
    pub latency_micros: u64,
    /// Phases.
    pub phases: Phases,
    /// What TLS showed.
    pub tls: Option<Arc<TlsFacts>>,
    /// The URL in the end, where an expression or a person may want it.
    pub url: Option<Uri>,
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: &'static str,
    /// Answers to a DNS question.
    pub records: Vec<String>,
    /// Standard output and error of a program.
    pub output: Option<(String, String)>,
    /// Redirects that were followed.
    pub redirects: u32,
    /// What others say, of a step that asks them.
    pub said: Option<Box<Said>>,
    pub(super) json: OnceCell<Option<Value>>,
    pub(super) parts: OnceCell<Option<Vec<Option<Value>>>>,
}

impl Reply {
    /// All that came back, as people read it.
    pub(super) fn told(&self) -> String {
        let mut text = String::new();
        if let Some((out, err)) = &self.output {
            let code = self.status.unwrap_or_default();
            return format!("exit code {code}\n{out}{err}");
        }
        if let Some(said) = &self.said {
            for objection in &said.objections {
                text.push_str(&format!("objection: {objection}\n"));
            }
            for doubt in &said.doubts {
                text.push_str(&format!("in doubt: {doubt}\n"));
            }
            for (name, value) in &said.values {
                let lines = value.as_array().filter(|_| name == "lines");
                match lines {
                    Some(lines) => {
                        for line in lines {
                            text.push_str(line.as_str().unwrap_or(&line.to_string()));
                            text.push('\n');
                        }
                    }
                    None => text.push_str(&format!("{name}: {value}\n")),
                }
            }
            if !self.body.is_empty() {
                text.push_str(&self.text());
            }
            return text;
        }
        if let Some(status) = self.status {
            text.push_str(&format!("{} {status}\n", self.version));
        }
        for record in &self.records {
            text.push_str(&format!("{record}\n"));
        }
        text.push_str(&self.text());
        text
    }

    /// What a limiter or a server in maintenance asks for, in whole seconds.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        if !matches!(self.status, Some(429 | 503)) {
            return None;
        }
        let header = self.headers.get(http::header::RETRY_AFTER)?;
        let seconds = header.to_str().ok()?.trim().parse().ok();
        seconds.map(Duration::from_secs)
    }

    /// Its body in the letters that it is written in.
    pub(super) fn text(&self) -> Cow<'_, str> {
        charset::text(&self.body, &self.headers)
    }

    fn parsed(&self) -> Option<&Value> {
        let parse = || match serde_json::from_slice(without_mark(&self.body)) {
            Ok(value) => Some(value),
            Err(_) if charset::is_foreign(&self.body, &self.headers) => {
                serde_json::from_str(&self.text()).ok()
            }
            Err(_) => None,
        };
        self.json.get_or_init(parse).as_ref()
    }

    /// The part at one of these paths, taken out with all others at once.
    fn part(&self, paths: &[Path], path: &[PathPart]) -> Option<&Value> {
        let place = paths.iter().position(|known| known == path)?;
        let parts = self
            .parts
            .get_or_init(|| extract(without_mark(&self.body), paths));
        parts.as_ref()?.get(place)?.as_ref()
    }
}

/// The values of a virtual user, with or without a reply.
pub struct UserScope<'a> {
    /// The scenario and its values.
    pub binding: &'a Binding,
    /// Captured values.
    pub vars: &'a Variables,
    /// The rows of data files for this iteration.
    pub data: &'a BTreeMap<String, Value>,
    /// Cookies.
    pub jar: &'a Jar,
    /// Number of the virtual user, from 1.
    pub user: u64,
    /// Number of its iteration, from 0.
    pub iteration: u64,
    /// The reply, once there is one.
    pub reply: Option<&'a Reply>,
    /// The parts of its body that the step looks at, if it looks at nothing else of it.
    pub paths: &'a [Path],
}

fn text(text: impl Into<String>) -> cel::Value {
    cel::Value::String(Arc::new(text.into()))
}

fn span(micros: u64) -> cel::Value {
    cel::Value::Duration(chrono::Duration::microseconds(
        i64::try_from(micros).unwrap_or(i64::MAX),
    ))
}

impl Scope for UserScope<'_> {
    fn lookup(&self, name: &str) -> Option<cel::Value> {
        match name {
            "vars" => {
                return Some(expression::map(self.vars.iter().map(|(name, value)| {
                    (name.to_owned(), expression::from_json(value))
                })));
            }
            "inputs" => return Some(self.binding.inputs_value.clone()),
            "secrets" => return Some(self.binding.secrets_value.clone()),
            "data" => {
                return Some(expression::map(
                    self.data
                        .iter()
                        .map(|(name, row)| (name.clone(), expression::from_json(row))),
                ));
            }
            "vu" => {
                return Some(expression::map([
                    ("id".to_owned(), cel::Value::Int(self.user as i64)),
                    (
                        "iteration".to_owned(),
                        cel::Value::Int(self.iteration as i64),
                    ),
                ]));
            }
            "now" => return Some(cel::Value::Timestamp(crate::clock::now().fixed_offset())),
            _ => {}
        }
        let reply = self.reply?;
        Some(match name {
            "status" => cel::Value::Int(i64::from(reply.status?)),
            "headers" => {
                let mut all: BTreeMap<String, String> = BTreeMap::new();
                for (name, value) in reply.headers.map() {
                    let value = Headers::letters(value);
                    all.entry(name.as_str().to_owned())
                        .and_modify(|known| {
                            known.push_str(", ");
                            known.push_str(&value);
                        })
                        .or_insert_with(|| value.into_owned());
                }
                expression::map(all.into_iter().map(|(name, value)| (name, text(value))))
            }
            "body" => match reply.parsed() {
                Some(json) => expression::from_json(json),
                None => text(reply.text().into_owned()),
            },
            "text" => text(reply.text().into_owned()),
            "bytes" => cel::Value::Bytes(Arc::new(reply.body.to_vec())),
            "latency" => span(reply.latency_micros),
            "phases" => expression::map(
                PHASES
                    .into_iter()
                    .zip(reply.phases.values())
                    .map(|(name, micros)| (name.to_owned(), span(micros))),
            ),
            "tls" => {
                expression::from_json(&reply.tls.as_ref()?.to_json(crate::clock::now().timestamp()))
            }
            "cookies" => expression::map(
                self.jar
                    .entries(crate::clock::now_ms())
                    .map(|(name, value)| (name.to_owned(), text(value))),
            ),
            "url" => text(reply.url.as_ref().map_or_else(String::new, Uri::to_string)),
            "version" => text(reply.version),
            "records" => cel::Value::List(Arc::new(
                reply
                    .records
                    .iter()
                    .map(|record| text(record.clone()))
                    .collect(),
            )),
            "output" => {
                let (out, err) = reply.output.as_ref()?;
                expression::map([
                    ("stdout".to_owned(), text(out.clone())),
                    ("stderr".to_owned(), text(err.clone())),
                ])
            }
            "redirects" => cel::Value::Int(i64::from(reply.redirects)),
            name => expression::from_json(reply.said.as_ref()?.values.get(name)?),
        })
    }

    fn path(&self, root: &str, key: &str) -> Option<Value> {
        match root {
            "vars" => self.vars.get(key).cloned(),
            _ => self.binding.values.path(root, key),
        }
    }

    fn status(&self) -> Option<u16> {
        self.reply?.status
    }

    fn header(&self, name: &str) -> Option<String> {
        let lines = self.reply?.headers.map().get_all(name).iter();
        let lines = lines.map(Headers::letters);
        // Several lines are one list (RFC 9110, section 5.3), as in the mapping of all of them.
        lines
            .reduce(|all, line| format!("{all}, {line}").into())
            .map(std::borrow::Cow::into_owned)
    }

    fn json(&self) -> Option<&Value> {
        self.reply?.parsed()
    }

    fn json_at(&self, path: &[PathPart]) -> Result<&Value, String> {
        if let Some(part) = self.reply.and_then(|reply| reply.part(self.paths, path)) {
            return Ok(part);
        }
        // The whole is built to say what is missing.
        walk(self.json().ok_or("the body is not JSON")?, path)
    }

    fn latency_micros(&self) -> Option<u64> {
        self.reply.map(|reply| reply.latency_micros)
    }
}
