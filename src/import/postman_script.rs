//! Tests of Postman as conditions and captures, of the present API and of the old one (`tests["…"] = …`).
//!
//! Knows what `pm.…` means. Invariant: a statement is carried over whole, or named as one that is not.

use super::draft::{Draft, Step};
use super::javascript::{Expression, Statement, statements};
use super::javascript_shown::shown;
use super::postman_values::plain;
use crate::secret::lets_in;
use serde_json::Value;
use std::collections::BTreeMap;

/// How what is left out of tests begins.
pub const OF_TESTS: &str = "of the script";

/// What asks for a body that is JSON, and no more.
pub const IS_JSON: &str = "kind(parseJson(text)) != ''";

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
        wants_json: false,
    };
    reader.all(script, 0);
    // There, a body that is no JSON stops the script, whatever comes of it.
    if reader.wants_json && !looks_into_body(step) {
        step.check(IS_JSON);
    }
}

/// Puts what a script before a request sets into a step, where that is a plain value; all else is named.
pub fn set_before(draft: &mut Draft, step: &mut Step, script: &str) {
    let mut reader = Script {
        draft,
        step,
        names: BTreeMap::new(),
        made_up: |_| None,
        wants_json: false,
    };
    for statement in statements(script) {
        if reader.sets_plainly(&statement).is_none() {
            reader.left_out("the script before it", &statement);
        }
    }
}

/// Whether a condition or a capture of a step is broken by a body that is no JSON.
fn looks_into_body(step: &Step) -> bool {
    let checks = step.says.get("check").and_then(Value::as_array);
    let checks = checks.into_iter().flatten().filter_map(Value::as_str);
    let captures = step.says.get("capture").and_then(Value::as_object);
    let captures = captures.into_iter().flatten();
    let captures = captures.filter_map(|(_, value)| value.as_str());
    let looks = |text: &str| {
        ["body.", "body[", " in body", "parseJson(text)"]
            .iter()
            .any(|look| text.contains(look))
    };
    checks.chain(captures).any(looks)
}

pub(super) struct Script<'a> {
    pub draft: &'a mut Draft,
    pub step: &'a mut Step,
    /// What names stand for.
    pub names: BTreeMap<String, String>,
    pub made_up: fn(&str) -> Option<String>,
    /// Whether the script reads the body as JSON.
    pub wants_json: bool,
}

impl Script<'_> {
    /// Names a statement that is not carried over.
    fn left_out(&mut self, of: &str, statement: &Statement) {
        let text = match statement {
            Statement::Other(text) => text.clone(),
            other => shown(other),
        };
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text: String = text.chars().take(SHOWN_MAX).collect();
        self.draft.leave(self.step, None, format!("{of}: `{text}`"));
    }

    fn all(&mut self, script: &str, depth: usize) {
        for statement in statements(script) {
            let known = match &statement {
                Statement::Let(name, value) => self.named(name, value),
                Statement::Assign(target, value) => self.assigned(target, value),
                Statement::Plain(value) => self.called(value, depth),
                Statement::Other(_) => None,
            };
            if known.is_none() {
                self.left_out(OF_TESTS, &statement);
            }
        }
    }

    fn named(&mut self, name: &str, value: &Expression) -> Option<()> {
        // Until it is understood, nobody knows what it stands for.
        self.names.remove(name);
        let value = self.value(value)?;
        self.names.insert(name.to_owned(), value);
        Some(())
    }

    fn assigned(&mut self, target: &Expression, value: &Expression) -> Option<()> {
        match target {
            Expression::Member(of, _) if is_name(of, "tests") => {
                let condition = self.truth(value)?;
                self.step.check(plain(&condition));
                Some(())
            }
            Expression::Name(name) => self.named(name, value),
            _ => None,
        }
    }

    /// A variable that is set to a plain value, and nothing else.
    fn sets_plainly(&mut self, statement: &Statement) -> Option<()> {
        let Statement::Plain(value) = statement else {
            return None;
        };
        let chain = chain(value);
        let names: Vec<&str> = chain.iter().map(|link| link.name.as_str()).collect();
        let (scope, given) = match names.as_slice() {
            ["console", ..] => return Some(()),
            [
                "pm",
                scope @ ("environment" | "collectionVariables" | "globals" | "variables"),
                "set",
            ] => (*scope, chain[2].given.as_deref()?),
            ["postman", "setEnvironmentVariable"] => ("environment", chain[1].given.as_deref()?),
            ["postman", "setGlobalVariable"] => ("globals", chain[1].given.as_deref()?),
            _ => return None,
        };
        let is_plain = match given {
            [Expression::Text(_), Expression::Text(value)] => !value.contains("{{"),
            [Expression::Text(_), Expression::Word(word)] => word != "undefined",
            _ => false,
        };
        is_plain.then(|| self.kept(scope, given)).flatten()
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
                scope @ ("environment" | "collectionVariables" | "globals" | "variables"),
                "set",
            ] => self.kept(scope, chain[2].given.as_deref()?),
            ["postman", "setEnvironmentVariable"] => {
                self.kept("environment", chain[1].given.as_deref()?)
            }
            ["postman", "setGlobalVariable"] => self.kept("globals", chain[1].given.as_deref()?),
            ["pm", "response", "to", ..] => {
                for condition in self.of_reply(&chain[3..])? {
                    self.step.check(condition);
                }
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

    fn kept(&mut self, scope: &str, given: &[Expression]) -> Option<()> {
        let [Expression::Text(name), value] = given else {
            return None;
        };
        self.stands_in(name, scope);
        if let (Expression::Text(_), true) = (value, lets_in(name)) {
            self.draft.secret(name);
            return Some(());
        }
        let value = match value {
            // What is put in for names that stand in a value is looked up when the value is used.
            Expression::Text(text) if text.contains("{{") => {
                self.draft.expression(text, self.made_up)
            }
            value => self.value(value)?,
        };
        self.draft.capture(self.step, name, plain(&value));
        Some(())
    }

    /// Notes in which scope a variable stands: here, there is one variable of a name.
    pub(super) fn stands_in(&mut self, name: &str, scope: &str) {
        if let Some(other) = self.draft.stands_in(name, scope) {
            let what = format!(
                "the variable `{name}` of `{scope}`, which is another than that of `{other}`: here they are one"
            );
            self.draft.leave(self.step, None, what);
        }
    }
}

/// One word of `a.b(c).d`, with what it is given where it is called.
pub(super) struct Link {
    pub name: String,
    pub given: Option<Vec<Expression>>,
}

/// The words of a chain; nothing where it is none.
pub(super) fn chain(value: &Expression) -> Vec<Link> {
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
                "kind(body.a) in ['list', 'string']\nsize(body.a) > 2",
            ),
            (
                "const j = pm.response.json(); pm.response.to.have.status(200)",
                "status == 200\nkind(parseJson(text)) != ''",
            ),
            (
                "pm.expect(pm.response.json().a / 2).to.eql(12.5)",
                "(double(body.a) / 2.0) == 12.5",
            ),
            (
                "pm.expect(pm.response.text()).to.eql('{{n}}')",
                "text == '{{n}}'",
            ),
        ] {
            let expected: Vec<String> = expected.lines().map(str::to_owned).collect();
            assert_eq!(carried(script), (expected, 0, Value::Null), "{script}");
        }
    }

    #[test]
    fn nothing_that_fails_there_passes_here() {
        for (script, expected) in [
            (
                "pm.response.to.have.status(200).and.have.header('A');",
                vec!["status == 200", "'A' in headers"],
            ),
            (
                "const j = pm.response.json(); pm.expect(j.a === 1 || j.b === 3).to.be.false",
                vec!["((body.a == 1) || (body.b == 3)) == false"],
            ),
            (
                "tests['x'] = 5 - (3 - 1) === 3",
                vec!["(5.0 - double(3.0 - 1.0)) == 3"],
            ),
            (
                "pm.expect(pm.response.json().a).to.exist",
                vec!["'a' in body && kind(body.a) != 'null'"],
            ),
            (
                "pm.expect(pm.response.json()).to.have.keys('a', 'b')",
                vec!["size(body) == 2 && 'a' in body && 'b' in body"],
            ),
            (
                "tests['x'] = pm.response.json().id",
                vec!["!(toJson(body.id) in ['false', 'null', '0', '\"\"'])"],
            ),
        ] {
            let (checks, left, _) = carried(script);
            assert_eq!(
                (checks, left),
                (expected.iter().map(ToString::to_string).collect(), 0),
                "{script}"
            );
        }
        // Of what is not understood nothing is checked, and nobody's secret is kept.
        for script in [
            "let j = pm.response.json(); j = j.filter(x => x.ok); pm.expect(j.length).to.eql(1);",
            "pm.expect(pm.response.text()).to.match(/^(?=x)/)",
            "pm.expect(pm.response.json()).to.include({ a: 1 })",
            "pm.expect(pm.response.json().a).to.equal([1])",
            "pm.expect(pm.response.json().a).to.be.oneOf([[1], [2]])",
            "pm.expect(pm.response.json().a).to.be.above('0')",
        ] {
            let (checks, left, _) = carried(script);
            let is_any = |check: &String| check == IS_JSON;
            assert!(
                checks.iter().all(is_any) && left > 0,
                "{script}: {checks:?}"
            );
        }
        assert_eq!(carried("pm.environment.set('token', 'S')").2, Value::Null);
        let grows: String = (1..40)
            .map(|at| format!("const a{at} = a{} + a{};", at - 1, at - 1))
            .collect();
        let (_, left, _) = carried(&format!("const a0 = 1; {grows} pm.expect(a39).to.eql(1)"));
        assert!(left > 0);
        let long = format!("a{}", ".b()".repeat(5_000));
        assert_eq!(carried(&long).1, 1);
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
