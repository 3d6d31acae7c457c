//! A scenario while it is made of somebody else's file.
//!
//! Knows steps, inputs, secrets and what was left out; knows neither the formats it is made of nor YAML.
//! Invariant: a value that may be a secret is never in a draft, only the secret's name.

use super::placeholders::{Piece, escaped, pieces};
use super::words::{identifier, text_literal};
use crate::net::address;
use crate::secret::{Secret, lets_in};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A scenario to be.
#[derive(Debug, Default)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// What stands before the steps: `description`, `cookies`, `timeout` and so on.
    pub settings: Map<String, Value>,
    /// Inputs by their names.
    pub inputs: Map<String, Value>,
    /// Names of secrets.
    pub secrets: BTreeSet<String>,
    /// What is performed.
    pub steps: Vec<Step>,
    /// What could not be carried over.
    pub left: Vec<Left>,
    captured: BTreeSet<String>,
    /// What the step that is being made captures: it has no name before the step is over.
    own: BTreeMap<String, String>,
    known: BTreeSet<String>,
    /// How often each name of a step was there.
    again: BTreeMap<String, usize>,
    /// What stood in the file in the place of each secret, to tell them apart.
    held: BTreeMap<String, Secret>,
    /// In which scope each variable stands first.
    scopes: BTreeMap<String, String>,
}

/// One step to be.
#[derive(Debug, Default, Clone)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What it says.
    pub says: Map<String, Value>,
    /// Numbers of what was left out of it, from 1.
    pub left: Vec<usize>,
}

/// Something that could not be carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its line in the file it was in, if that is known.
    pub line: Option<usize>,
    /// What it was, and what to do.
    pub what: String,
}

impl Step {
    /// A request.
    pub fn request(name: &str, method: &str, url: &str) -> Step {
        let mut step = Step {
            name: name.to_owned(),
            ..Step::default()
        };
        let method = method.to_ascii_lowercase();
        match method.as_str() {
            "get" | "post" | "put" | "patch" | "delete" | "head" | "options" => {
                step.says.insert(method, json!(url));
            }
            other => {
                let request = json!({ "method": other.to_ascii_uppercase(), "url": url });
                step.says.insert("request".to_owned(), request);
            }
        }
        step
    }

    /// Says something.
    pub fn say(&mut self, key: &str, value: impl Into<Value>) {
        self.says.insert(key.to_owned(), value.into());
    }

    /// One more condition.
    pub fn check(&mut self, condition: impl Into<String>) {
        let all = self.says.entry("check").or_insert_with(|| json!([]));
        let condition = Value::String(condition.into());
        // The same is mostly said soon again; all of many are not looked through.
        let lately =
            |all: &&mut Vec<Value>| !all.iter().rev().take(SAME_MAX).any(|one| *one == condition);
        if let Some(all) = all.as_array_mut().filter(lately) {
            all.push(condition);
        }
    }

    /// One more value of a mapping of it; a second one of the same name makes a list.
    pub fn add(&mut self, key: &str, name: &str, value: &str) {
        let all = self.says.entry(key).or_insert_with(|| json!({}));
        let Some(all) = all.as_object_mut() else {
            return;
        };
        match all.get_mut(name) {
            None => {
                all.insert(name.to_owned(), json!(value));
            }
            Some(Value::Array(several)) => several.push(json!(value)),
            Some(one) => *one = json!([one.take(), value]),
        }
    }

    /// Whether it sends a header, written in any case.
    pub fn has_header(&self, name: &str) -> bool {
        let headers = self.says.get("headers").and_then(Value::as_object);
        headers.is_some_and(|all| all.keys().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Whether it says something.
    pub fn has(&self, key: &str) -> bool {
        self.says.contains_key(key)
    }
}

impl Draft {
    /// A draft with a name.
    pub fn new(name: &str) -> Draft {
        Draft {
            name: name.to_owned(),
            ..Draft::default()
        }
    }

    /// Notes what was left out of a step.
    pub fn leave(&mut self, step: &mut Step, line: Option<usize>, what: impl Into<String>) {
        let what = what.into();
        let left = Left { line, what };
        let number = match self.left.iter().position(|known| *known == left) {
            Some(at) => at + 1,
            None => {
                self.left.push(left);
                self.left.len()
            }
        };
        if !step.left.contains(&number) {
            step.left.push(number);
        }
    }

    /// Notes what was left out of the whole file.
    pub fn leave_of_all(&mut self, line: Option<usize>, what: impl Into<String>) {
        let left = Left {
            line,
            what: what.into(),
        };
        if !self.left.contains(&left) {
            self.left.push(left);
        }
    }

    /// Adds a step, under a name that no other one has.
    pub fn push(&mut self, mut step: Step) {
        let name = step.name.split_whitespace().collect::<Vec<_>>().join(" ");
        let name: String = match name.is_empty() {
            true => "step".to_owned(),
            false => name.chars().take(NAME_MAX).collect(),
        };
        step.name.clone_from(&name);
        while self.known.contains(&step.name) {
            let number = self.again.entry(name.clone()).or_insert(1);
            *number += 1;
            step.name = format!("{name} {number}");
        }
        self.known.insert(step.name.clone());
        self.captured
            .extend(std::mem::take(&mut self.own).into_keys());
        self.steps.push(step);
    }

    /// An input with its default, as it is called in expressions.
    pub fn input(&mut self, name: &str, default: Option<&str>) -> String {
        let name = identifier(name);
        let about = match default {
            Some(default) => json!({ "default": default }),
            None => json!({}),
        };
        let known = self.inputs.entry(name.clone()).or_insert(json!({}));
        if known.as_object().is_none_or(Map::is_empty) {
            *known = about;
        }
        format!("inputs.{name}")
    }

    /// Gives an input its default; whether it is this one, and not another that was said before.
    pub fn has_default(&mut self, name: &str, value: &str) -> bool {
        self.input(name, Some(value));
        self.inputs[&identifier(name)]["default"] == *value
    }

    /// The name of a secret that holds what stands in the file; another value of the same name is another secret.
    pub fn secret_of(&mut self, name: &str, value: &str) -> String {
        let first = identifier(name).to_ascii_uppercase();
        let again = (2..).map(|number| format!("{first}_{number}"));
        let mut names = std::iter::once(first.clone()).chain(again);
        let fits = |name: &String| self.held.get(name).is_none_or(|held| held.is(value));
        let called = names.find(fits).unwrap_or(first);
        let held = || Secret::new(value);
        self.held.entry(called.clone()).or_insert_with(held);
        self.secret(&called)
    }

    /// A secret, as it is called in expressions.
    pub fn secret(&mut self, name: &str) -> String {
        let name = identifier(name).to_ascii_uppercase();
        let called = format!("secrets.{name}");
        self.secrets.insert(name);
        called
    }

    /// From now on there is a captured value of that name.
    pub fn capture(&mut self, step: &mut Step, name: &str, expression: impl Into<String>) {
        let (name, expression) = (identifier(name), expression.into());
        step.says.entry("capture").or_insert_with(|| json!({}))[&name] = json!(expression);
        self.own.insert(name, expression);
    }

    /// Captures something in a step that is there already.
    pub fn capture_in(&mut self, step: usize, name: &str, expression: &str) {
        let name = identifier(name);
        if let Some(step) = self.steps.get_mut(step) {
            step.says.entry("capture").or_insert_with(|| json!({}))[&name] = json!(expression);
        }
        self.captured.insert(name);
    }

    /// A variable as it is called in expressions: what was captured before, a secret, or else an input.
    pub fn variable(&mut self, name: &str) -> String {
        // Hurl's way to say that it is given by the environment.
        let name = name.strip_prefix("getEnv ").unwrap_or(name);
        let name = identifier(name.trim().trim_matches('"'));
        if let Some(expression) = self.own.get(&name) {
            return format!("({expression})");
        }
        let secret = name.to_ascii_uppercase();
        if self.captured.contains(&name) {
            return format!("vars.{name}");
        }
        if self.secrets.contains(&secret) {
            return format!("secrets.{secret}");
        }
        self.input(&name, None)
    }

    /// A variable as the value that it writes: what was captured has its kind, and what is given is read.
    pub fn typed(&mut self, name: &str) -> String {
        let is_captured = self.is_captured(name);
        let called = self.variable(name);
        match is_captured {
            true => called,
            false => format!("typed({called})"),
        }
    }

    /// Notes in which scope a variable stands, where those who write have several; another one in which it stands, too.
    pub fn stands_in(&mut self, name: &str, scope: &str) -> Option<String> {
        if scope == "variables" {
            return None;
        }
        let first = self.scopes.entry(name.to_owned());
        let first = first.or_insert_with(|| scope.to_owned());
        (first != scope).then(|| first.clone())
    }

    /// Whether a variable is one that was captured.
    pub fn is_captured(&self, name: &str) -> bool {
        let name = identifier(name);
        self.captured.contains(&name) || self.own.contains_key(&name)
    }

    /// A URL as a template, without what lets somebody in: a name and a password before its host, and values of its
    /// query. `url` is a template already.
    pub fn address(&mut self, url: &str) -> (String, Option<[String; 2]>) {
        let apart = match url.contains("${") {
            true => None,
            false => address::user_apart(url),
        };
        let (url, user) = match apart {
            Some((plain, pair)) => {
                let pair = pair.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                (plain, Some(pair))
            }
            None => (url.to_owned(), None),
        };
        let Some((path, query)) = url.split_once('?') else {
            return (url, user);
        };
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) if lets_in(name) && !value.is_empty() && !value.contains("${") => {
                format!("{name}=${{{}}}", self.secret_of(name, value))
            }
            _ => pair.to_owned(),
        });
        let pairs: Vec<String> = pairs.collect();
        (format!("{path}?{}", pairs.join("&")), user)
    }

    /// A body without what lets somebody in: values of JSON and of forms by their names. It is a template already.
    pub fn body(&mut self, text: &str) -> String {
        let mut made = text.to_owned();
        const NAMED: [&str; 2] = [
            r#""([^"\\]*)"\s*:\s*"([^"\\]+)""#,
            r#"(?:^|&)([\w.-]+)=([^&\s{"]+)"#,
        ];
        for pattern in NAMED {
            let Ok(pattern) = regex::Regex::new(pattern) else {
                continue;
            };
            let (mut whole, mut from) = (String::new(), 0);
            for found in pattern.captures_iter(&made) {
                let (Some(name), Some(value)) = (found.get(1), found.get(2)) else {
                    continue;
                };
                if lets_in(name.as_str()) && !value.as_str().contains("${") {
                    let secret = self.secret_of(name.as_str(), value.as_str());
                    whole.push_str(&made[from..value.start()]);
                    whole.push_str(&format!("${{{secret}}}"));
                    from = value.end();
                }
            }
            whole.push_str(&made[from..]);
            made = whole;
        }
        made
    }

    /// A text with `{{name}}` in it as one with `${…}`. `own` gives expressions for names of its own.
    pub fn template(&mut self, text: &str, own: impl Fn(&str) -> Option<String>) -> String {
        let mut made = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => made.push_str(&escaped(text)),
                Piece::Name(name) => {
                    let expression = own(name).unwrap_or_else(|| self.variable(name));
                    made.push_str(&format!("${{{expression}}}"));
                }
            }
        }
        made
    }

    /// A text with `{{name}}` in it as an expression.
    pub fn expression(&mut self, text: &str, own: impl Fn(&str) -> Option<String>) -> String {
        let all: Vec<String> = pieces(text)
            .map(|piece| match piece {
                Piece::Text(text) => text_literal(text),
                Piece::Name(name) => {
                    let named = own(name).unwrap_or_else(|| self.variable(name));
                    format!("string({named})")
                }
            })
            .collect();
        match all.is_empty() {
            true => "''".to_owned(),
            false => all.join(" + "),
        }
    }

    /// A header of a step; what lets somebody in becomes a secret. `value` is a template already.
    pub fn header(&mut self, step: &mut Step, name: &str, value: &str) {
        let is_fixed = !value.contains("${");
        let lower = name.to_ascii_lowercase();
        if matches!(lower.as_str(), "content-length" | "transfer-encoding") {
            return; // Made of the body that is sent.
        }
        if lower == "authorization" {
            let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
            if scheme.eq_ignore_ascii_case("bearer") {
                let token = match is_fixed {
                    true => format!("${{{}}}", self.secret_of("TOKEN", rest.trim())),
                    false => rest.trim().to_owned(),
                };
                step.say("auth", json!({ "bearer": token }));
                return;
            }
        }
        if is_fixed && lets_in(&lower) {
            let secret = self.secret_of(name, value);
            step.add("headers", name, &format!("${{{secret}}}"));
            return;
        }
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            self.leave(
                step,
                None,
                format!("the header `{name}`, whose name is none"),
            );
            return;
        }
        step.add("headers", name, value);
    }

    /// A name and a password; a password that stands there becomes a secret. Both are templates already.
    pub fn basic(&mut self, step: &mut Step, way: &str, user: &str, password: &str) {
        let password = match password.contains("${") || password.is_empty() {
            true => password.to_owned(),
            false => format!("${{{}}}", self.secret_of("PASSWORD", password)),
        };
        step.say(
            "auth",
            json!({ way: { "user": user, "password": password } }),
        );
    }
}

/// Conditions that are looked through for the same one.
const SAME_MAX: usize = 50;
/// Letters of a step's name.
const NAME_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_captured_comes_before_inputs() {
        let mut draft = Draft::new("a");
        let nothing = |_: &str| None;
        assert_eq!(
            draft.template("/{{ id }}/{{x-y}}", nothing),
            "/${inputs.id}/${inputs.x_y}"
        );
        let mut step = Step::request("a", "GET", "/");
        draft.capture(&mut step, "id", "body.id");
        assert_eq!(draft.template("{{id}}", nothing), "${(body.id)}");
        draft.push(step);
        assert_eq!(draft.template("{{id}}", nothing), "${vars.id}");
        assert_eq!(
            draft.expression("a{{id}}'", nothing),
            r"'a' + string(vars.id) + '\''"
        );
        assert_eq!(draft.inputs.len(), 2);
    }

    #[test]
    fn what_lets_somebody_in_is_a_secret() {
        let mut draft = Draft::new("a");
        let mut step = Step::request("a", "GET", "/");
        draft.header(&mut step, "Authorization", "Bearer abc");
        draft.header(&mut step, "X-Api-Key", "abc");
        draft.header(&mut step, "X-Api-Key-2", "${inputs.key}");
        draft.basic(&mut step, "basic", "jane", "abc");
        let said = Value::Object(step.says).to_string();
        assert!(!said.contains("abc"), "{said}");
        let names: Vec<&str> = draft.secrets.iter().map(String::as_str).collect();
        assert_eq!(names, ["PASSWORD", "TOKEN", "X_API_KEY"]);
    }

    #[test]
    fn names_of_steps_are_told_apart() {
        let mut draft = Draft::new("a");
        for _ in 0..3 {
            draft.push(Step::request("a \n b", "GET", "/"));
        }
        let names: Vec<&str> = draft.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["a b", "a b 2", "a b 3"]);
    }
}
