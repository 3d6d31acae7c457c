//! The page of a virtual user for one iteration, and how much of what it showed was already judged.
//!
//! Invariant: each error, violation and failed request is judged once, by the step after which it was first seen.

use crate::browser::acting::Facts;
use crate::browser::locator::Locator;
use crate::browser::page::Page;
use crate::browser::requests::Requested;
use crate::browser::seen::{Line, Violation};
use crate::net::Fault;
use crate::picture::kept::Picture;
use crate::scenario::browsing::Browsing;
use serde_json::{Value, json};
use std::time::Instant;

/// A page, and what was made of it so far.
#[derive(Debug)]
pub(super) struct Tab {
    pub(super) page: Page,
    lines: usize,
    more_lines: u64,
    violations: usize,
    judged: Taken,
    traced: Taken,
    documents: u32,
    /// Fields into which something was put that is nobody's business.
    pub(super) filled: Vec<Locator>,
}

/// Which requests were taken, in whichever order they come to their ends: one that is followed for ever holds up none.
#[derive(Debug, Default)]
struct Taken(Vec<bool>);

impl Taken {
    /// Numbers of those that are over, and were not taken yet.
    fn news(&mut self, all: &[Requested]) -> Vec<usize> {
        self.0.resize(all.len(), false);
        let places = self.0.iter_mut().zip(all).enumerate();
        let new = places.filter(|(_, (taken, request))| request.is_over && !**taken);
        new.map(|(at, (taken, _))| {
            *taken = true;
            at
        })
        .collect()
    }
}

/// What a step found, beside what the page shows by itself.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What a script returned.
    pub(super) value: Option<Value>,
    /// An element that was looked at.
    pub(super) element: Option<Facts>,
    /// How many there were.
    pub(super) count: Option<u64>,
    /// A file: its name and bytes.
    pub(super) file: Option<(String, Vec<u8>)>,
    /// What the page looks like.
    pub(super) picture: Option<Picture>,
    /// What is wrong with that.
    pub(super) fault: Option<Fault>,
    /// When it was done, if something was waited for afterwards.
    pub(super) end: Option<Instant>,
}

impl Tab {
    pub(super) fn new(page: Page) -> Tab {
        Tab {
            page,
            lines: 0,
            more_lines: 0,
            violations: 0,
            judged: Taken::default(),
            traced: Taken::default(),
            documents: 0,
            filled: Vec::new(),
        }
    }

    /// How many documents it showed when this was last asked.
    pub(super) fn documents(&self) -> u32 {
        self.documents
    }

    /// Whether it shows another document than when this was last asked.
    pub(super) fn is_new_document(&mut self) -> bool {
        let documents = self.page.seen().documents;
        std::mem::replace(&mut self.documents, documents) != documents
    }

    /// What speaks against the page by the scenario's rules, since this was last asked.
    pub(super) fn objections(&mut self, rules: &Browsing) -> Vec<String> {
        let seen = self.page.seen();
        let mut objections = Vec::new();
        if rules.policy_fails {
            let new = seen.violations[self.violations..].iter();
            objections.extend(
                new.filter(|violation| !violation.is_report_only)
                    .map(refused),
            );
        }
        if rules.console_fails {
            let ignored = |line: &&Line| rules.ignores(&[&line.text, &line.url]);
            // What a policy refused is said on the console, too.
            let twice = |line: &&Line| rules.policy_fails && line.source == "security";
            let new = seen.lines[self.lines..].iter();
            objections.extend(new.filter(|line| !ignored(line) && !twice(line)).map(said));
            let more = seen.more_lines + self.page.missed_lines();
            if std::mem::replace(&mut self.more_lines, more) < more {
                objections.push("there are more errors on the console than can be kept".to_owned());
            }
        }
        let requests = seen.requests.all();
        // One that is not over yet is judged by a later step.
        for at in self.judged.news(requests) {
            let request = &requests[at];
            let counts = rules.requests_fail && request.kind != "Document" && request.has_failed();
            if counts && !rules.ignores(&[&request.url]) {
                objections.push(failure(request));
            }
        }
        self.lines = seen.lines.len();
        self.violations = seen.violations.len();
        objections
    }

    /// Requests that are over, and of which nobody was told yet.
    pub(super) fn news(&mut self) -> Vec<&Requested> {
        let all = self.page.seen().requests.all();
        let news = self.traced.news(all);
        news.into_iter().map(|at| &all[at]).collect()
    }

    /// A value that expressions know by this name.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        let seen = self.page.seen();
        Some(match name {
            "console" => seen.lines.iter().map(line).collect(),
            "violations" => seen.violations.iter().map(violation).collect(),
            "requests" => seen.requests.all().iter().map(request).collect(),
            "vitals" => Value::Object(seen.vitals.values()),
            "popups" => seen.popups.iter().cloned().collect(),
            "dialogs" => {
                let all = seen.dialogs.iter();
                all.map(|(kind, text)| json!({"kind": kind, "text": text}))
                    .collect()
            }
            _ => return None,
        })
    }
}

fn line(line: &Line) -> Value {
    json!({"source": line.source, "text": line.text, "url": line.url})
}

fn violation(one: &Violation) -> Value {
    json!({"policy": one.policy, "directive": one.directive, "what": one.what, "report_only": one.is_report_only})
}

pub(super) fn request(one: &Requested) -> Value {
    json!({
        "method": one.method, "url": one.url, "kind": one.kind, "status": one.status, "error": one.error,
        "failed": one.has_failed(), "over": one.is_over, "ms": one.milliseconds, "bytes": one.bytes,
    })
}

fn said(line: &Line) -> String {
    let text = line.text.lines().next().unwrap_or_default();
    let at = match line.url.is_empty() {
        true => String::new(),
        false => format!(" at {}", line.url),
    };
    match line.source.as_str() {
        "exception" => format!("nobody caught: {text}{at}"),
        source => format!("an error on the console ({source}): {text}{at}"),
    }
}

fn refused(violation: &Violation) -> String {
    match violation.policy {
        "mixed-content" => format!("mixed content: {}", violation.what),
        _ => format!(
            "the content security policy refused {} by `{}`",
            violation.what, violation.directive
        ),
    }
}

fn failure(request: &Requested) -> String {
    let came = match request.status {
        Some(status) => status.to_string(),
        None => request.error.clone(),
    };
    format!("{} {} failed: {came}", request.method, request.url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_taken_once_and_one_without_end_holds_up_none() {
        let of = |is_over: bool| {
            let mut request = Requested::default();
            request.is_over = is_over;
            request
        };
        let mut taken = Taken::default();
        assert_eq!(taken.news(&[of(true), of(false), of(true)]), [0, 2]);
        assert_eq!(taken.news(&[of(true), of(false), of(true), of(true)]), [3]);
        assert_eq!(taken.news(&[of(true), of(true), of(true), of(true)]), [1]);
    }
}
