//! Values of Postman's scripts as expressions.

use super::javascript::Expression;
use super::postman_expected::kind_is;
use super::postman_script::{Script, chain, negated};
use super::words::{literal, member, text_literal};
use serde_json::Value;

/// Letters of an expression.
const EXPRESSION_MAX: usize = 4_000;

impl Script<'_> {
    /// A value as a condition: what is no truth value counts as JavaScript counts it.
    pub(super) fn truth(&mut self, value: &Expression) -> Option<String> {
        let made = self.value(value)?;
        Some(match is_truth(value) {
            true => made,
            false => format!("!(toJson({made}) in ['false', 'null', '0', '\"\"'])"),
        })
    }

    /// A value as an expression of ours, unless that grows without end.
    pub(super) fn value(&mut self, value: &Expression) -> Option<String> {
        let made = self.any_value(value)?;
        (made.len() <= EXPRESSION_MAX).then_some(made)
    }

    /// A value of any size.
    fn any_value(&mut self, value: &Expression) -> Option<String> {
        Some(match value {
            Expression::Text(text) => text_literal(text),
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
                // What is not there is not true either; of that nothing is known here.
                "!" if is_truth(inner) => format!("!({})", plain(&self.truth(inner)?)),
                "-" => format!("-{}", self.value(inner)?),
                _ => return None,
            },
            Expression::Binary(operator, left, right) => {
                format!("({})", self.binary(operator, left, right)?)
            }
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
        if let ("==" | "!=", Some(wanted)) = (operator, loosely(right)) {
            // A text and a number may be equal there.
            let of = self.value(left)?;
            if of != "latency" && of != "status" {
                return Some(format!("string({}) {operator} {wanted}", plain(&of)));
            }
        }
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
            let (left, right) = (self.truth(left)?, self.truth(right)?);
            return Some(format!("{left} {operator} {right}"));
        }
        let of = self.value(left)?;
        if matches!(operator, "*" | "/" | "-") {
            // All numbers are of one kind there.
            let right = self.value(right)?;
            return Some(format!("{} {operator} {}", number(&of), number(&right)));
        }
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
            "length" => {
                self.has_length(&of);
                format!("size({of})")
            }
            name => member(&of, name),
        })
    }

    /// Asks for what has a length there, which a mapping has not.
    pub(super) fn has_length(&mut self, of: &str) {
        if of != "text" && !of.starts_with("split(") {
            self.step
                .check(format!("kind({}) in ['list', 'string']", plain(of)));
        }
    }

    /// Something that is called for its value.
    fn call(&mut self, value: &Expression) -> Option<String> {
        let links = chain(value);
        let names: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
        let Expression::Call(callee, given) = value else {
            return None;
        };
        match (names.as_slice(), given.as_slice()) {
            (["pm", "response", "json"], []) => {
                self.wants_json = true;
                return Some("body".to_owned());
            }
            (["pm", "response", "text"], []) => return Some("text".to_owned()),
            (["JSON", "parse"], [Expression::Name(name)]) if name == "responseBody" => {
                self.wants_json = true;
                return Some("body".to_owned());
            }
            (["JSON", "parse"], [inner]) => {
                let inner = self.value(inner)?;
                return Some(if inner == "text" {
                    self.wants_json = true;
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
                    scope @ ("environment"
                    | "collectionVariables"
                    | "globals"
                    | "variables"
                    | "iterationData"),
                    "get",
                ],
                [Expression::Text(name)],
            ) => {
                self.stands_in(name, scope);
                return Some(self.draft.variable(name));
            }
            (
                ["postman", "getEnvironmentVariable" | "getGlobalVariable"],
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

/// A literal as the text that `==` compares with, where it compares texts with numbers.
fn loosely(value: &Expression) -> Option<String> {
    match value {
        Expression::Text(text) => Some(text_literal(text)),
        Expression::Word(word) if word.parse::<i64>().is_ok() => Some(text_literal(word)),
        _ => None,
    }
}

/// A value as a number with a fraction.
fn number(of: &str) -> String {
    match of.parse::<f64>() {
        Ok(_) if of.contains(['.', 'e', 'E']) => of.to_owned(),
        Ok(_) => format!("{of}.0"),
        Err(_) if of.starts_with("double(") || of.starts_with("(double(") => of.to_owned(),
        Err(_) => format!("double({})", plain(of)),
    }
}

/// Whether a value is true or false, and nothing else.
fn is_truth(value: &Expression) -> bool {
    match value {
        Expression::Word(word) => matches!(word.as_str(), "true" | "false"),
        Expression::Unary(operator, _) => operator == "!",
        Expression::Binary(operator, left, right) => match operator.as_str() {
            "&&" | "||" => is_truth(left) && is_truth(right),
            "===" | "!==" | "==" | "!=" | "<" | "<=" | ">" | ">=" => true,
            _ => false,
        },
        Expression::Call(callee, _) => {
            const ASKING: [&str; 6] = [
                "includes",
                "has",
                "startsWith",
                "endsWith",
                "hasOwnProperty",
                "isArray",
            ];
            matches!(&**callee, Expression::Member(_, name) if ASKING.contains(&name.as_str()))
        }
        _ => false,
    }
}

/// An expression without the brackets around all of it.
pub(super) fn plain(expression: &str) -> &str {
    let Some(inner) = expression
        .strip_prefix('(')
        .and_then(|inner| inner.strip_suffix(')'))
    else {
        return expression;
    };
    let (mut depth, mut is_text, mut is_escaped) = (0_i64, false, false);
    for letter in inner.chars() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '\'' => is_text = !is_text,
            '(' if !is_text => depth += 1,
            ')' if !is_text => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return expression;
        }
    }
    inner
}

/// Whether something is called in a chain.
fn has_call(value: &Expression) -> bool {
    match value {
        Expression::Call(..) => true,
        Expression::Member(of, _) | Expression::Index(of, _) => has_call(of),
        _ => false,
    }
}
