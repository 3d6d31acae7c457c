//! Whether an attempt was good: status, then checks, then captures; and what stood there instead.

use super::reply::Reply;
use super::sample::Sink;
use super::steps::exchange::Attempt;
use super::traced::GIVEN_MIN;
use super::user::VirtualUser;
use crate::limits::EXAMPLE_CHARACTERS_MAX;
use crate::net::ErrorClass;
use crate::net::body::without_mark;
use crate::net::fault::status_class;
use crate::scenario::expression::Expression;
use crate::scenario::plan::Step;
use crate::scenario::steps::action::Action;
use crate::secret::{Redactor, Secret, lets_in, without_named};
use bytes::Bytes;
use serde_json::Value;

/// Characters of a body that people are shown.
const SHOWN: usize = 120;

/// Bytes of a body that are cleaned to show its start: no secret is as long.
const CLEANED_BYTES: usize = 64 * 1024;

/// Stands in a [`Failure`]'s text where the start of the body goes: a code point that no text has (Unicode, section 23.7).
const START: char = '\u{fdd0}';

/// A step that did not pass. Under load most are counted and shown to nobody: what costs something to show is made when somebody
/// looks, by [`VirtualUser::explained`].
pub(super) struct Failure {
    pub(super) class: ErrorClass,
    pub(super) detail: String,
    /// What came, where its start is to be told.
    pub(super) body: Bytes,
}

impl Failure {
    /// One that says all in words.
    pub(super) fn new(class: ErrorClass, detail: String) -> Failure {
        Failure {
            class,
            detail,
            body: Bytes::new(),
        }
    }
}

impl VirtualUser {
    /// Status, then checks, then captures.
    pub(super) fn judge(
        &mut self,
        step: &Step,
        attempt: &Attempt,
        sink: &impl Sink,
        last: bool,
    ) -> Option<Failure> {
        let reply = &attempt.reply;
        let mut failure = self.before_checks(step, attempt);
        let doubts = doubts(step, reply);
        // Checks of an attempt that is repeated do not count.
        let (mut later, mut others) = (Vec::new(), 0);
        for (number, check) in step.checks.iter().enumerate() {
            let held = match &attempt.fault {
                Some(_) => Ok(false),
                None => check.holds(&self.scope_after(step, reply)),
            };
            let holds = matches!(held, Ok(true));
            if last {
                sink.check(step.index, number, holds);
            } else {
                later.push(holds);
            }
            if attempt.fault.is_some() {
                continue;
            }
            if !holds && failure.is_none() {
                failure = Some(self.broken(check, held, reply, doubts));
            } else if !holds {
                others += 1;
            }
        }
        if let Some(failure) = failure.as_mut().filter(|_| others > 0) {
            // In front: what follows may be cut.
            let (all, first) = (others + 1, &failure.detail);
            failure.detail = format!("{all} checks do not hold, the first: {first}");
        }
        if let Some(doubt) = doubts.first() {
            let doubt = with_more(doubt, doubts.len() - 1);
            match &mut failure {
                None => {
                    failure = Some(Failure::new(ErrorClass::NoEvidence, doubt));
                }
                Some(failure) => failure.detail.push_str(&format!("; in doubt: {doubt}")),
            }
        }
        if failure.is_none() {
            for (number, holds) in later.into_iter().enumerate() {
                sink.check(step.index, number, holds);
            }
        }
        if failure.is_some() {
            return failure;
        }
        for (name, expression) in &step.captures {
            match expression.value(&self.scope_after(step, reply)) {
                Ok(value) => {
                    self.vars.set(name, value);
                }
                Err(reason) => return Some(not_taken("capture", name, expression, &reason)),
            }
        }
        for (number, (name, expression)) in step.measures.iter().enumerate() {
            match self.number(step, expression, reply) {
                Ok(value) => sink.measured(step.index, number, value),
                Err(reason) => return Some(not_taken("measure", name, expression, &reason)),
            }
        }
        self.warn(step, reply, sink);
        None
    }

    fn number(&self, step: &Step, expression: &Expression, reply: &Reply) -> Result<f64, String> {
        let value = expression.value(&self.scope_after(step, reply))?;
        let number = value.as_f64().filter(|number| *number >= 0.0);
        number.ok_or_else(|| "it is not a number from 0 on".to_owned())
    }

    /// What should hold of a step that passed.
    fn warn(&self, step: &Step, reply: &Reply, sink: &impl Sink) {
        for warning in reply.said.iter().flat_map(|said| &said.warnings) {
            sink.warned(step.index, &|| self.shown(warning));
        }
        for (number, warning) in step.warnings.iter().enumerate() {
            let held = warning.holds(&self.scope_after(step, reply));
            let holds = matches!(held, Ok(true));
            sink.check(step.index, step.checks.len() + number, holds);
            if !holds {
                let broken = self.broken(warning, held, reply, &[]);
                sink.warned(step.index, &|| self.shown(&self.explained(&broken)));
            }
        }
    }

    /// Why a check does not hold.
    fn broken(
        &self,
        check: &Expression,
        held: Result<bool, String>,
        reply: &Reply,
        doubts: &[String],
    ) -> Failure {
        let class = if !doubts.is_empty() {
            // It may hold of what was not read.
            ErrorClass::NoEvidence
        } else if check.uses("status") {
            status_class(reply.status).unwrap_or(ErrorClass::Check)
        } else {
            ErrorClass::Check
        };
        let why = match held {
            Err(reason) => format!("`{}`: {reason}", check.text),
            Ok(_) => format!("`{}` does not hold", check.text),
        };
        let actual = self.actual(check, reply);
        Failure {
            class,
            detail: format!("{why}{actual}"),
            body: reply.body.clone(),
        }
    }

    /// What stood there instead.
    fn actual(&self, check: &Expression, reply: &Reply) -> String {
        let mut facts = Vec::new();
        // What is made of a secret is not known to whoever cleans texts.
        let left = check.left_sides().iter();
        let left = left.filter(|left| left.text != "status" && !left.uses("secrets"));
        facts.extend(left.filter_map(|left| {
            let value = left.value(&self.scope(Some(reply))).ok()?;
            Some(format!("`{}` is {value}", left.text))
        }));
        if let Some(status) = reply.status {
            facts.push(format!("status was {status}"));
        }
        if check.uses("body") && serde_json::from_slice::<Value>(without_mark(&reply.body)).is_err()
        {
            facts.push(match self.page_title(&reply.body) {
                Some(title) => format!("an HTML page{title} came where JSON was expected"),
                None => "the body is not JSON".to_owned(),
            });
        }
        if let Some(kind) = reply.headers.get(http::header::CONTENT_TYPE)
            && (check.uses("body") || check.uses("headers"))
        {
            facts.push(format!(
                "content-type was {}",
                String::from_utf8_lossy(kind.as_bytes())
            ));
        }
        if check.uses("latency") {
            facts.push(format!(
                "latency was {}",
                crate::figures::show_micros(reply.latency_micros as f64)
            ));
        }
        let has_failed = reply.status.is_some_and(|status| status >= 400);
        if check.uses("body") || check.uses("text") || has_failed {
            facts.extend(starts_with(&reply.body));
        }
        if facts.is_empty() {
            String::new()
        } else {
            format!("; {}", facts.join(", "))
        }
    }

    /// What speaks against a step before its checks: a fault, what was said against it, the status.
    fn before_checks(&self, step: &Step, attempt: &Attempt) -> Option<Failure> {
        if let Some(fault) = &attempt.fault {
            return Some(Failure::new(fault.class, fault.detail.clone()));
        }
        let reply = &attempt.reply;
        if let Some(said) = reply.said.as_deref()
            && let Some(objection) = said.objections.first()
        {
            let detail = with_more(objection, said.objections.len() - 1);
            return Some(Failure::new(ErrorClass::Check, detail));
        }
        match step.checks_status() {
            true => None,
            false => self.expected_status(step, reply),
        }
    }

    /// That a body is an HTML page, with its title in quotes where it has one.
    fn page_title(&self, body: &[u8]) -> Option<String> {
        let start = String::from_utf8_lossy(&body[..body.len().min(4_096)]).into_owned();
        let small = start.trim_start().to_ascii_lowercase();
        if !small.starts_with("<!doctype html") && !small.starts_with("<html") {
            return None;
        }
        let title = start.find("<title>").and_then(|at| {
            let (title, _) = start.get(at + 7..)?.split_once("</title>")?;
            let title = self.shared.binding.redactor.clean(title.trim());
            Some(format!(" ({title:?})"))
        });
        Some(title.unwrap_or_default())
    }

    fn expected_status(&self, step: &Step, reply: &Reply) -> Option<Failure> {
        let status = reply.status?;
        match &step.action {
            Action::Command(_) if status != 0 => {
                let (stdout, stderr) = reply.output.as_ref()?;
                let said = if stderr.trim().is_empty() {
                    stdout
                } else {
                    stderr
                };
                let last = said.trim().lines().last().unwrap_or_default();
                let said = match last {
                    "" => String::new(),
                    last => format!(": {last}"),
                };
                let detail = format!("it ended with exit code {status}{said}");
                Some(Failure::new(ErrorClass::Command, detail))
            }
            // A document that was judged when it came is not judged again.
            Action::Browser(_) if reply.version.is_empty() => None,
            Action::Http(_) | Action::Browser(_) => status_class(reply.status).map(|class| {
                let start = starts_with(&reply.body).map(|start| format!("; {start}"));
                let start = start.unwrap_or_default();
                Failure {
                    class,
                    detail: format!("status was {status}, expected one under 400{start}"),
                    body: reply.body.clone(),
                }
            }),
            _ => None,
        }
    }

    /// A text as people are shown it: without secrets, and of a length that fits.
    pub(super) fn shown(&self, detail: &str) -> String {
        let clean = self.clean(detail);
        match clean.char_indices().nth(EXAMPLE_CHARACTERS_MAX) {
            Some((at, _)) => format!("{}…", &clean[..at]),
            None => clean,
        }
    }

    /// Why a step failed, with the start of what came.
    pub(super) fn explained(&self, failure: &Failure) -> String {
        match failure.detail.contains(START) {
            true => {
                let start = in_line(&self.start_of(&failure.body));
                failure.detail.replace(START, &start)
            }
            false => failure.detail.clone(),
        }
    }

    /// A text without secrets: those that are configured, and those that this user was given on the way.
    pub(super) fn clean(&self, text: &str) -> String {
        let clean = self.shared.binding.redactor.clean(text);
        let bearer = self.bearer.iter().filter_map(|token| token.to_str().ok());
        let bearer = bearer.map(|token| ("token", token.rsplit(' ').next().unwrap_or(token)));
        let cookies = self.jar.entries(crate::clock::now_ms());
        let captured = self.vars.iter().filter(|(name, _)| lets_in(name));
        let captured = captured.filter_map(|(name, value)| Some((name, value.as_str()?)));
        let given = bearer.chain(cookies).chain(captured);
        let given: Vec<(String, Secret)> = given
            .filter(|(_, value)| value.len() >= GIVEN_MIN)
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .collect();
        match given.is_empty() {
            true => clean,
            false => Redactor::new(given).clean(&clean),
        }
    }

    /// The start of what came, without secrets. It is cleaned before it is cut, since half a secret is still
    /// one; only so much of it as a secret before the cut may reach into.
    pub(super) fn start_of(&self, body: &[u8]) -> String {
        let start = String::from_utf8_lossy(&body[..body.len().min(CLEANED_BYTES)]);
        let text = without_named(&self.clean(&start));
        text.trim().chars().take(SHOWN).collect()
    }
}

/// What is told of a body that is not empty, where its start is put in later.
fn starts_with(body: &[u8]) -> Option<String> {
    let mut start = body.iter().take(CLEANED_BYTES);
    let says_something = start.any(|byte| !byte.is_ascii_whitespace());
    says_something.then(|| format!("the body starts with `{START}`"))
}

/// A value that a reply should have told.
fn not_taken(doing: &str, name: &str, expression: &Expression, reason: &str) -> Failure {
    Failure::new(
        ErrorClass::Capture,
        format!(
            "cannot {doing} `{name}` from `{}`: {reason}",
            expression.text
        ),
    )
}

/// A sentence, and how many others there are.
fn with_more(text: &str, more: usize) -> String {
    match more {
        0 => text.to_owned(),
        more => format!("{text} (and {more} more)"),
    }
}

/// Whether a step looks at what was said: of a program, the exit code may be all that counts.
fn relies_on_it(step: &Step) -> bool {
    let captures = step.captures.iter().map(|(_, expression)| expression);
    let mut looks = step.checks.iter().chain(captures);
    let printed = ["output", "text", "body", "bytes"];
    !matches!(&step.action, Action::Command(command) if command.report.is_none())
        || looks.any(|expression| printed.iter().any(|name| expression.uses(name)))
}

/// Why what was said cannot be relied on, where the step does.
fn doubts<'a>(step: &Step, reply: &'a Reply) -> &'a [String] {
    match reply.said.as_deref() {
        Some(said) if relies_on_it(step) => &said.doubts,
        _ => &[],
    }
}

/// A text in one line, as it is read: breaks are spaces, and what moves a cursor is shown to be there.
fn in_line(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' | '\r' | '\t' => ' ',
        '`' => '\'',
        letter if letter.is_control() => '\u{fffd}',
        letter => letter,
    };
    text.trim().chars().map(shown).collect()
}
