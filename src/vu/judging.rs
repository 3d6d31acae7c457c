//! Whether an attempt was good: status, then checks, then captures; and what stood there instead.

use super::reply::Reply;
use super::sample::Sink;
use super::steps::exchange::Attempt;
use super::user::VirtualUser;
use crate::net::ErrorClass;
use crate::net::fault::status_class;
use crate::scenario::plan::Step;
use crate::scenario::steps::action::Action;
use serde_json::Value;

/// A step that did not pass.
pub(super) struct Failure {
    pub(super) class: ErrorClass,
    pub(super) detail: String,
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
        let mut failure = attempt.fault.as_ref().map(|fault| Failure {
            class: fault.class,
            detail: fault.detail.clone(),
        });
        let reply = &attempt.reply;
        if failure.is_none() && !step.checks_status() {
            failure = expected_status(step, reply);
        }
        // Checks of an attempt that is repeated do not count.
        let mut later = Vec::new();
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
            if failure.is_none() && !matches!(held, Ok(true)) {
                let class = if check.uses("status") {
                    status_class(reply.status).unwrap_or(ErrorClass::Check)
                } else {
                    ErrorClass::Check
                };
                let detail = match held {
                    Err(reason) => format!("`{}`: {reason}", check.text),
                    Ok(_) => format!(
                        "`{}` does not hold{}",
                        check.text,
                        self.actual(check, reply)
                    ),
                };
                failure = Some(Failure { class, detail });
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
                Err(reason) => {
                    return Some(Failure {
                        class: ErrorClass::Capture,
                        detail: format!(
                            "cannot capture `{name}` from `{}`: {reason}",
                            expression.text
                        ),
                    });
                }
            }
        }
        None
    }

    /// What stood there instead, for the commonest kinds of checks.
    fn actual(&self, check: &crate::scenario::expression::Expression, reply: &Reply) -> String {
        let mut facts = Vec::new();
        if let Some(status) = reply.status {
            facts.push(format!("status was {status}"));
        }
        if check.uses("body") && serde_json::from_slice::<Value>(&reply.body).is_err() {
            facts.push("the body is not JSON".to_owned());
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
        if check.uses("body") || check.uses("text") {
            // Cleaned before it is cut: half a secret is still one.
            let text = self
                .shared
                .binding
                .redactor
                .clean(&String::from_utf8_lossy(&reply.body));
            let start: String = text.chars().take(120).collect();
            if !start.is_empty() {
                facts.push(format!("the body starts with {start:?}"));
            }
        }
        if facts.is_empty() {
            String::new()
        } else {
            format!("; {}", facts.join(", "))
        }
    }
}

fn expected_status(step: &Step, reply: &Reply) -> Option<Failure> {
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
            Some(Failure {
                class: ErrorClass::Command,
                detail: format!("it ended with exit code {status}{said}"),
            })
        }
        Action::Http(_) => status_class(reply.status).map(|class| Failure {
            class,
            detail: format!("status was {status}, expected one under 400"),
        }),
        _ => None,
    }
}
