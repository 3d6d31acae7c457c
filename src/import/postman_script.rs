//! Tests of Postman as conditions and captures, of the present API and of the old one (`tests["…"] = …`).
//!
//! Knows what `pm.…` means. Invariant: a statement is carried over whole, or named as one that is not.

use super::draft::{Draft, Step};
use super::javascript::{Expression, Statement, statements};
use super::javascript_shown::shown;
use super::postman_expected::kind_is;
use super::words::{literal, member, text_literal};
use serde_json::Value;
use std::collections::BTreeMap;

/// How deep tests may stand in each other.
const DEPTH_MAX: usize = 4;
/// Letters of a statement that are shown.
const SHOWN_MAX: usize = 160;

/// Puts what a script tests and keeps into a step.
pub fn carry_over(
    draft: &mut Draft,
    step: &mut Step,
    script: &str,
    made_up: fn(&str) -> Option<String>,
) {
    let mut reader = Script {
        draft,
        step,
        names: BTreeMap::new(),
        made_up,
    };
    reader.all(script, 0);
}

pub(super) struct Script<'a> {
    draft: &'a mut Draft,
    step: &'a mut Step,
    /// What names stand for.
    names: BTreeMap<String, String>,
    made_up: fn(&str) -> Option<String>,
}

impl Script<'_> {
    fn all(&mut self, script: &str, depth: usize) {
        for statement in statements(script) {
            let known = match &statement {
                Statement::Let(name, value) => self.named(name, value),
                Statement::Assign(target, value) => self.assigned(target, value),
                Statement::Plain(value) => self.called(value, depth),
                Statement::Other(_) => None,
            };
            if known.is_none() {
                let text = match &statement {
                    Statement::Other(text) => text.clone(),
                    other => shown(other),
                };
                let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let text: String = text.chars().take(SHOWN_MAX).collect();
                self.draft
                    .leave(self.step, None, format!("of the script: `{text}`"));
            }
        }
    }

    fn named(&mut self, name: &str, value: &Expression) -> Option<()> {
        let value = self.value(value)?;
        self.names.insert(name.to_owned(), value);
        Some(())
    }

    fn assigned(&mut self, target: &Expression, value: &Expression) -> Option<()> {
        match target {
            Expression::Member(of, _) if is_name(of, "tests") => {
                let condition = self.value(value)?;
                self.step.check(condition);
                Some(())
            }
            Expression::Name(name) => self.named(name, value),
            _ => None,
        }
    }

    /// Something that is called for what it does.
    fn called(&mut self, value: &Expression, depth: usize) -> Option<()> {
        let chain = chain(value);
        let names: Vec<&str> = chain.iter().map(|link| link.name.as_str()).collect();
        match names.as_slice() {
            ["console", ..] => Some(()),
            ["pm", "test"] if depth < DEPTH_MAX => {
                match chain[1].given.as_deref()? {
                    [_, Expression::Function(body)] => self.body(body, depth + 1),
                    _ => return None,
                }
                Some(())
            }
            [
                "pm",
                "environment" | "collectionVariables" | "globals" | "variables",
                "set",
            ] => self.kept(chain[2].given.as_deref()?),
            ["postman", "setEnvironmentVariable" | "setGlobalVariable"] => {
                self.kept(chain[1].given.as_deref()?)
            }
            [
                "pm",
                "environment" | "collectionVariables" | "globals" | "variables",
                "unset" | "clear",
            ]
            | [
                "postman",
                "clearEnvironmentVariable" | "clearGlobalVariable",
            ] => Some(()),
            ["pm", "response", "to", ..] => {
                let condition = self.of_reply(&chain[3..])?;
                self.step.check(condition);
                Some(())
            }
            ["pm", "expect", ..] => {
                let subject = chain[1].given.as_deref()?.first()?;
                for condition in self.expected(subject, &chain[2..])? {
                    self.step.check(condition);
                }
                Some(())
            }
            _ => None,
        }
    }

    /// The body of a function: statements, or one expression.
    fn body(&mut self, body: &str, depth: usize) {
        let outer = self.names.clone();
        self.all(body, depth);
        self.names = outer;
    }

    fn kept(&mut self, given: &[Expression]) -> Option<()> {
        let [Expression::Text(name), value] = given else {
            return None;
        };
        let value = self.value(value)?;
        self.draft.capture(self.step, name, value);
        Some(())
    }

    /// A value as an expression of ours.
    pub(super) fn value(&mut self, value: &Expression) -> Option<String> {
        Some(match value {
            Expression::Text(text) => match text.contains("{{") {
                true => self.draft.expression(text, self.made_up),
                false => text_literal(text),
            },
            Expression::Word(word) if word == "undefined" => return None,
            Expression::Word(word) => word.clone(),
            Expression::Pattern(..) | Expression::Function(_) => return None,
            Expression::List(items) => {
                let items: Option<Vec<String>> =
                    items.iter().map(|item| self.value(item)).collect();
                format!("[{}]", items?.join(", "))
            }
            Expression::Map(entries) => {
                let mut all = Vec::new();
                for (key, value) in entries {
                    all.push(format!(
                        "{}: {}",
                        literal(&Value::String(key.clone())),
                        self.value(value)?
                    ));
                }
                format!("{{{}}}", all.join(", "))
            }
            Expression::Unary(operator, inner) => match operator.as_str() {
                "!" => format!("!({})", self.value(inner)?),
                "-" => format!("-{}", self.value(inner)?),
                _ => return None,
            },
            Expression::Binary(operator, left, right) => self.binary(operator, left, right)?,
            Expression::Name(name) => match name.as_str() {
                "responseBody" => "text".to_owned(),
                "responseTime" => "latency".to_owned(),
                name => self.names.get(name)?.clone(),
            },
            Expression::Index(of, index) => format!("{}[{}]", self.value(of)?, self.value(index)?),
            Expression::Member(of, name) => self.member(of, name)?,
            Expression::Call(..) => self.call(value)?,
        })
    }

    fn binary(&mut self, operator: &str, left: &Expression, right: &Expression) -> Option<String> {
        let operator = match operator {
            "===" => "==",
            "!==" => "!=",
            "??" | "%" => return None,
            other => other,
        };
        let is_equal = operator == "==";
        if matches!(operator, "==" | "!=") {
            if let (Expression::Unary(kind, of), Expression::Text(name)) = (left, right)
                && kind == "typeof"
            {
                let of = self.value(of)?;
                return Some(negated(!is_equal, kind_is(&of, name)?));
            }
            if matches!(right, Expression::Word(word) if word == "undefined") {
                let there = self.looked_for(left)?;
                return Some(negated(is_equal, there));
            }
        }
        if matches!(operator, "&&" | "||") {
            return Some(format!(
                "({}) {operator} ({})",
                self.value(left)?,
                self.value(right)?
            ));
        }
        let of = self.value(left)?;
        self.compared(&of, operator, right)
    }

    fn member(&mut self, of: &Expression, name: &str) -> Option<String> {
        let names = chain(of);
        let names: Vec<&str> = names.iter().map(|link| link.name.as_str()).collect();
        match (names.as_slice(), name) {
            (["pm", "response"] | ["responseCode"], "code") => {
                return Some("status".to_owned());
            }
            (["pm", "response"], "responseTime") => return Some("latency".to_owned()),
            (["pm", "response"], "responseSize") => return Some("size(bytes)".to_owned()),
            (["responseHeaders"], name) => return Some(format!("headers[{}]", text_literal(name))),
            ([holder @ ("environment" | "globals" | "data")], name)
                if !self.names.contains_key(*holder) =>
            {
                return Some(self.draft.variable(name));
            }
            (["pm", ..], _) if !has_call(of) => return None,
            _ => {}
        }
        let of = self.value(of)?;
        Some(match name {
            "length" => format!("size({of})"),
            name => member(&of, name),
        })
    }

    /// Something that is called for its value.
    fn call(&mut self, value: &Expression) -> Option<String> {
        let links = chain(value);
        let names: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
        let Expression::Call(callee, given) = value else {
            return None;
        };
        match (names.as_slice(), given.as_slice()) {
            (["pm", "response", "json"], []) => return Some("body".to_owned()),
            (["pm", "response", "text"], []) => return Some("text".to_owned()),
            (["JSON", "parse"], [Expression::Name(name)]) if name == "responseBody" => {
                return Some("body".to_owned());
            }
            (["JSON", "parse"], [inner]) => {
                let inner = self.value(inner)?;
                return Some(if inner == "text" {
                    "body".to_owned()
                } else {
                    format!("parseJson({inner})")
                });
            }
            (["JSON", "stringify"], [inner]) => {
                return Some(format!("toJson({})", self.value(inner)?));
            }
            (
                ["pm", "response", "headers", "get"] | ["postman", "getResponseHeader"],
                [Expression::Text(name)],
            ) => {
                return Some(format!("headers[{}]", text_literal(name)));
            }
            (["pm", "response", "headers", "has"], [Expression::Text(name)]) => {
                return Some(format!("{} in headers", text_literal(name)));
            }
            (["pm", "cookies", "get"], [Expression::Text(name)]) => {
                return Some(format!("cookies[{}]", text_literal(name)));
            }
            (["pm", "cookies", "has"], [Expression::Text(name)]) => {
                return Some(format!("{} in cookies", text_literal(name)));
            }
            (
                [
                    "pm",
                    "environment"
                    | "collectionVariables"
                    | "globals"
                    | "variables"
                    | "iterationData",
                    "get",
                ]
                | ["postman", "getEnvironmentVariable" | "getGlobalVariable"],
                [Expression::Text(name)],
            ) => {
                return Some(self.draft.variable(name));
            }
            (["Array", "isArray"], [inner]) => {
                return Some(format!("kind({}) == 'list'", self.value(inner)?));
            }
            (["String"], [inner]) => return Some(format!("string({})", self.value(inner)?)),
            (["parseInt"], [inner] | [inner, _]) => {
                return Some(format!("int({})", self.value(inner)?));
            }
            (["Number" | "parseFloat"], [inner]) => {
                return Some(format!("double({})", self.value(inner)?));
            }
            _ => {}
        }
        let Expression::Member(of, name) = &**callee else {
            return None;
        };
        let of = self.value(of)?;
        Some(match (name.as_str(), given.as_slice()) {
            ("includes" | "has", [inner]) => format!("{of}.contains({})", self.value(inner)?),
            ("startsWith" | "endsWith", [inner]) => format!("{of}.{name}({})", self.value(inner)?),
            ("hasOwnProperty", [inner]) => format!("{} in {of}", self.value(inner)?),
            ("split", [Expression::Text(by)]) => format!("split({of}, {})", text_literal(by)),
            ("toLowerCase", []) => format!("lower({of})"),
            ("toUpperCase", []) => format!("upper({of})"),
            ("trim", []) => format!("trim({of})"),
            ("toString", []) => format!("string({of})"),
            _ => return None,
        })
    }
}

/// One word of `a.b(c).d`, with what it is given where it is called.
pub(super) struct Link {
    pub name: String,
    pub given: Option<Vec<Expression>>,
}

/// The words of a chain; nothing where it is none.
fn chain(value: &Expression) -> Vec<Link> {
    match value {
        Expression::Name(name) => vec![Link {
            name: name.clone(),
            given: None,
        }],
        Expression::Member(of, name) => {
            let mut all = chain(of);
            if !all.is_empty() {
                all.push(Link {
                    name: name.clone(),
                    given: None,
                });
            }
            all
        }
        Expression::Call(of, given) => {
            let mut all = chain(of);
            match all.last_mut() {
                Some(last) if last.given.is_none() => last.given = Some(given.clone()),
                _ => all.clear(),
            }
            all
        }
        _ => Vec::new(),
    }
}

/// Whether something is called in a chain.
fn has_call(value: &Expression) -> bool {
    match value {
        Expression::Call(..) => true,
        Expression::Member(of, _) | Expression::Index(of, _) => has_call(of),
        _ => false,
    }
}

fn is_name(value: &Expression, name: &str) -> bool {
    matches!(value, Expression::Name(known) if known == name)
}

pub(super) fn negated(is_not: bool, condition: String) -> String {
    match is_not {
        true => format!("!({condition})"),
        false => condition,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(script: &str) -> (Vec<String>, usize, Value) {
        let (mut draft, mut step) = (Draft::new("a"), Step::request("a", "GET", "/"));
        carry_over(&mut draft, &mut step, script, |_| None);
        let texts = |value: &Value| {
            value
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| one.as_str().unwrap_or_default().to_owned())
                .collect()
        };
        let checks = step.says.get("check").map(texts).unwrap_or_default();
        (
            checks,
            step.left.len(),
            step.says.get("capture").cloned().unwrap_or_default(),
        )
    }

    #[test]
    fn tests_are_conditions() {
        for (script, expected) in [
            ("pm.response.to.have.status(200)", "status == 200"),
            (
                "pm.test('a', function () { pm.response.to.have.status(201); });",
                "status == 201",
            ),
            (
                "pm.test('a', () => pm.expect(pm.response.code).to.be.oneOf([200, 201]))",
                "status in [200, 201]",
            ),
            ("tests['a'] = responseCode.code === 200;", "status == 200"),
            ("tests['a'] = responseBody.has('x')", "text.contains('x')"),
            (
                "const j = pm.response.json();\npm.expect(j.a.b[0]).to.eql('c')",
                "body.a.b[0] == 'c'",
            ),
            (
                "var j = JSON.parse(responseBody); tests['a'] = j.id !== undefined && j.n > 3",
                "('id' in body) && (body.n > 3)",
            ),
            (
                "pm.expect(pm.response.responseTime).to.be.below(200)",
                "latency < duration('200ms')",
            ),
            (
                "pm.expect(pm.response.json()).to.have.property('a', 1)",
                "body.a == 1",
            ),
            (
                "pm.expect(pm.response.json().a).to.be.an('array')",
                "kind(body.a) == 'list'",
            ),
            (
                "pm.expect(pm.response.json().a).to.not.be.undefined",
                "'a' in body",
            ),
            (
                "pm.expect(pm.response.text()).to.not.include('é')",
                "!(text.contains('é'))",
            ),
            (
                "pm.expect(pm.response.headers.get('Content-Type')).to.match(/json/i)",
                "headers['Content-Type'].matches('(?i)json')",
            ),
            (
                "pm.expect(pm.response.json().id).to.eql(pm.environment.get('id'))",
                "body.id == inputs.id",
            ),
            (
                "tests['a'] = typeof pm.response.json().a === 'string'",
                "kind(body.a) == 'string'",
            ),
            ("pm.response.to.be.ok", "status >= 200 && status < 300"),
            (
                "pm.expect(pm.response.json().a.length).to.be.above(2)",
                "size(body.a) > 2",
            ),
        ] {
            assert_eq!(
                carried(script),
                (vec![expected.to_owned()], 0, Value::Null),
                "{script}"
            );
        }
    }

    #[test]
    fn what_is_kept_is_captured_and_the_rest_is_named() {
        let (checks, left, kept) = carried(
            "pm.environment.set('token', pm.response.json().access_token);\nconsole.log(1)\nif (a) { b() }\npm.sendRequest('x', f)",
        );
        assert_eq!((checks.len(), left), (0, 2));
        assert_eq!(kept, serde_json::json!({ "token": "body.access_token" }));
    }
}
