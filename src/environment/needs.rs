//! Inputs and secrets: resolved before the first request, failing closed by name.
//!
//! Knows where a value may come from and what shape it must have. Shows names, never values.
//! Invariant: [`resolve`] gives values only if nothing required is missing or malformed.

use crate::document::diagnostic::{Diagnostic, Diagnostics};
use crate::limits;
use crate::scenario::plan::{InputNeed, Plan, SecretNeed};
use crate::secret::{Redactor, Secret};
use crate::witness::token;
use base64::Engine as _;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Values from outside: the process environment, the command line, the environment of the configuration.
#[derive(Debug, Default, Clone)]
pub struct Supplied {
    /// Inputs by name, from the command line or a gate; they win.
    pub inputs: BTreeMap<String, String>,
    /// Inputs that the environment of the configuration sets.
    pub environment_inputs: BTreeMap<String, String>,
    /// Secrets that the environment of the configuration resolved.
    pub secrets: BTreeMap<String, Secret>,
}

/// Values for one scenario.
#[derive(Debug, Default, Clone)]
pub struct Values {
    /// Inputs; an absent optional one is an empty text.
    pub inputs: BTreeMap<String, String>,
    /// Secrets.
    pub secrets: BTreeMap<String, Secret>,
}

impl Values {
    /// A value under `inputs` or `secrets`.
    pub fn path(&self, root: &str, key: &str) -> Option<serde_json::Value> {
        let text = match root {
            "inputs" => self.inputs.get(key)?.as_str(),
            "secrets" => self.secrets.get(key)?.expose(),
            _ => return None,
        };
        Some(serde_json::Value::String(text.to_owned()))
    }

    /// A redactor for the secrets among them.
    pub fn redactor(&self) -> Redactor {
        Redactor::new(
            self.secrets
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        )
    }
}

/// Resolves everything a plan needs; what is missing is reported by name and place.
pub fn resolve(plan: &Plan, supplied: &Supplied, found: &mut Diagnostics) -> Option<Values> {
    let mut values = Values::default();
    let mut own = Diagnostics::default();
    let grouped = |name: &str| {
        plan.one_of
            .iter()
            .any(|group| group.iter().any(|member| member == name))
    };
    for need in &plan.inputs {
        match input(need, supplied) {
            Some(value) => {
                if let Some(pattern) = &need.matches
                    && !pattern.is_match(&value)
                {
                    own.push(malformed(
                        plan,
                        need.span,
                        "input",
                        &need.name,
                        "it does not match its pattern",
                    ));
                }
                values.inputs.insert(need.name.clone(), value);
            }
            None if need.optional || grouped(&need.name) => {}
            None => own.push(
                Diagnostic::error(
                    "missing-input",
                    format!("the input `{}` has no value", need.name),
                )
                .at(&plan.source, need.span, "required")
                .hint(where_from(&need.env, "--input", &need.name)),
            ),
        }
    }
    for need in &plan.secrets {
        match secret(need, supplied) {
            Ok(Some(value)) => match shape_problem(need, value.expose()) {
                Some(problem) => {
                    own.push(malformed(plan, need.span, "secret", &need.name, &problem));
                }
                None => {
                    values.secrets.insert(need.name.clone(), value);
                }
            },
            Ok(None) if need.optional || grouped(&need.name) => {}
            Ok(None) => own.push(
                Diagnostic::error(
                    "missing-secret",
                    format!("the secret `{}` has no value", need.name),
                )
                .at(&plan.source, need.span, "required; nothing was sent")
                .hint(where_from(&need.env, "", &need.name)),
            ),
            Err(problem) => own.push(malformed(plan, need.span, "secret", &need.name, &problem)),
        }
    }
    for group in &plan.one_of {
        let present =
            |name: &String| values.inputs.contains_key(name) || values.secrets.contains_key(name);
        if !group.iter().any(present) {
            own.push(
                Diagnostic::error(
                    "missing-secret",
                    format!(
                        "none of `{}` has a value; one is needed",
                        group.join("`, `")
                    ),
                )
                .hint("set one of them in the environment"),
            );
        }
    }
    for name in supplied.inputs.keys() {
        if !plan.inputs.iter().any(|need| need.name == *name) {
            own.push(
                Diagnostic::warning(
                    "unread-input",
                    format!("`{}` reads no input `{name}`", plan.name),
                )
                .hint("the value was supplied, but nothing uses it"),
            );
        }
    }
    for need in plan.inputs.iter().filter(|need| need.optional) {
        values.inputs.entry(need.name.clone()).or_default();
    }
    let complete = !own.has_errors();
    found.append(own);
    complete.then_some(values)
}

fn where_from(env: &[String], flag: &str, name: &str) -> String {
    let mut ways = Vec::new();
    if !env.is_empty() {
        ways.push(format!(
            "set the environment variable `{}`",
            env.join("` or `")
        ));
    }
    if !flag.is_empty() {
        ways.push(format!("give `{flag} {name}=…`"));
    }
    ways.push(format!(
        "declare `{name}` in the environment of `bellwether.yaml`"
    ));
    ways.join(", or ")
}

fn malformed(
    plan: &Plan,
    span: crate::document::Span,
    kind: &str,
    name: &str,
    problem: &str,
) -> Diagnostic {
    Diagnostic::error(
        if kind == "secret" {
            "bad-secret"
        } else {
            "bad-input"
        },
        format!("the {kind} `{name}` cannot be used: {problem}"),
    )
    .at(&plan.source, span, "its value is not shown")
}

fn input(need: &InputNeed, supplied: &Supplied) -> Option<String> {
    supplied
        .inputs
        .get(&need.name)
        .cloned()
        .or_else(|| from_environment(&need.env))
        .or_else(|| supplied.environment_inputs.get(&need.name).cloned())
        .or_else(|| need.default.clone())
}

/// A variable of the system.
pub fn of_system(name: &str) -> Option<String> {
    from_environment(&[name.to_owned()])
}

fn from_environment(names: &[String]) -> Option<String> {
    names
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

fn secret(need: &SecretNeed, supplied: &Supplied) -> Result<Option<Secret>, String> {
    if let Some(value) = supplied.secrets.get(&need.name) {
        return Ok(Some(value.clone()));
    }
    fetch(&need.env, need.file.as_deref(), &need.command)
}

/// Fetches a secret from where it is kept. An empty value counts as none.
pub fn fetch(
    env: &[String],
    file: Option<&std::path::Path>,
    command: &[String],
) -> Result<Option<Secret>, String> {
    if let Some(value) = from_environment(env) {
        return Ok(trimmed(&value));
    }
    if let Some(path) = file {
        return match std::fs::read_to_string(path) {
            Ok(text) => Ok(trimmed(&text)),
            Err(error) => Err(format!(
                "its file `{}` cannot be read: {error}",
                path.display()
            )),
        };
    }
    let Some((program, words)) = command.split_first() else {
        return Ok(None);
    };
    let output = output_of(program, words, crate::limits::SECRET_TIMEOUT)?;
    if !output.status.success() {
        return Err(format!(
            "its command `{program}` ended with {}",
            output.status
        ));
    }
    match std::str::from_utf8(&output.stdout) {
        Ok(text) => Ok(trimmed(text)),
        Err(_) => Err(format!(
            "its command `{program}` printed something that is not text"
        )),
    }
}

/// Time for what a program printed to arrive once it has ended.
const PRINTED_WITHIN: Duration = Duration::from_secs(1);

/// What a program prints. One that does not end in time is killed, with all that it started.
fn output_of(program: &str, words: &[String], within: Duration) -> Result<Output, String> {
    use std::io::Read as _;
    use std::os::unix::process::CommandExt as _;
    use std::process::Stdio;
    let cannot = |error| format!("its command `{program}` cannot be run: {error}");
    let mut child = std::process::Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(cannot)?;
    let (sender, printed) = std::sync::mpsc::channel();
    let stdout = child.stdout.take();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(stdout) = stdout {
            // What broke off is no secret: nothing is sent then.
            let most = limits::COMMAND_OUTPUT_BYTES_MAX as u64 + 1;
            if stdout.take(most).read_to_end(&mut text).is_ok() {
                let _ = sender.send(text);
            }
        }
    });
    let deadline = Instant::now() + within;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(cannot)? {
            break status;
        }
        if Instant::now() >= deadline {
            // SAFETY: a plain system call; the group is that of our own child, which was not waited for yet.
            unsafe { libc::killpg(child.id() as libc::pid_t, libc::SIGKILL) };
            let _ = child.wait();
            return Err(format!(
                "its command `{program}` did not end within {} and was killed",
                crate::duration::show(within)
            ));
        }
        std::thread::park_timeout(Duration::from_millis(10));
    };
    let left = format!("its command `{program}` left something behind that holds its output");
    let stdout = printed.recv_timeout(PRINTED_WITHIN).map_err(|_| left)?;
    if stdout.len() > limits::COMMAND_OUTPUT_BYTES_MAX {
        return Err(format!(
            "its command `{program}` printed more than a secret"
        ));
    }
    Ok(Output { status, stdout })
}

/// What a program left behind.
#[derive(Debug)]
struct Output {
    status: std::process::ExitStatus,
    stdout: Vec<u8>,
}

fn trimmed(text: &str) -> Option<Secret> {
    let text = text.trim_end_matches(['\n', '\r']);
    (!text.is_empty()).then(|| Secret::new(text))
}

fn shape_problem(need: &SecretNeed, value: &str) -> Option<String> {
    if let Some(least) = need.min_length
        && (value.chars().count() as u64) < least
    {
        return Some(format!("it has fewer than {least} characters"));
    }
    if let Some(wanted) = need.base64_bytes {
        let decoded = base64::engine::general_purpose::STANDARD.decode(value).ok();
        if decoded.is_none_or(|bytes| bytes.len() as u64 != wanted) {
            return Some(format!("it is not base64 of {wanted} bytes"));
        }
    }
    if let Some(pattern) = &need.matches
        && !pattern.is_match(value)
    {
        return Some("it does not match its pattern".to_owned());
    }
    if let Some(wanted) = need.valid_for {
        match token::seconds_left(value, crate::clock::now().timestamp()) {
            Err(why) => return Some(why),
            Ok(left) if left < wanted.as_secs() as i64 => {
                let span = |seconds: i64| {
                    crate::duration::show(Duration::from_secs(seconds.unsigned_abs()))
                };
                return Some(match left {
                    ..0 => format!("it ran out {} ago", span(left)),
                    _ => format!(
                        "it is good for {} yet, and {} are needed",
                        span(left),
                        crate::duration::show(wanted)
                    ),
                });
            }
            Ok(_) => {}
        }
    }
    let placeholder = need
        .refuse
        .iter()
        .find(|text| value.contains(text.as_str()));
    placeholder.map(|text| format!("it still holds the placeholder `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_end_is_killed_and_said_so() {
        let words = ["60".to_owned()];
        let within = Duration::from_millis(100);
        let said = output_of("sleep", &words, within).unwrap_err();
        assert!(said.contains("did not end within"), "{said}");
    }
}
