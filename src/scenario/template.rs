//! Text with `${…}` in it.
//!
//! Knows where expressions stand in a text. `$${` is a literal `${`.
//! Invariant: text without `${` is kept as it is and costs nothing to render.

use super::expression::Expression;
use super::scope::{Mistake, Scope};
use serde_json::Value;

/// A compiled text.
#[derive(Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Expression(Expression, usize),
}

impl Template {
    /// Compiles a text. `reply` says whether expressions may look at a reply.
    pub fn parse(text: &str, reply: bool) -> Result<Template, Mistake> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        let mut offset = 0;
        while let Some(at) = rest.find("${") {
            if rest[..at].ends_with('$') {
                literal.push_str(&rest[..at - 1]);
                literal.push_str("${");
                offset += at + 2;
                rest = &rest[at + 2..];
                continue;
            }
            literal.push_str(&rest[..at]);
            let start = at + 2;
            let Some(length) = closing_brace(&rest[start..]) else {
                return Err(Mistake {
                    code: "bad-template",
                    message: "`${` is never closed".to_owned(),
                    range: (offset + at, offset + at + 2),
                    hint: Some(
                        "close it with `}`, or write `$${` for the letters themselves".to_owned(),
                    ),
                });
            };
            let inner = &rest[start..start + length];
            let lead = inner.len() - inner.trim_start().len();
            let place = offset + start + lead;
            let expression = Expression::compile(inner, reply).map_err(|mut mistake| {
                mistake.range = (mistake.range.0 + place, mistake.range.1 + place);
                mistake
            })?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Expression(expression, place));
            offset += start + length + 1;
            rest = &rest[start + length + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Template { parts })
    }

    /// A text with no expression in it.
    pub fn literal(text: impl Into<String>) -> Template {
        Template {
            parts: vec![Part::Literal(text.into())],
        }
    }

    /// The whole text, if it holds no expression.
    pub fn fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The letters that it starts with whatever the values are.
    pub fn start(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    /// Whether it gives the same text for as long as inputs and secrets stay the same.
    pub fn is_steady(&self) -> bool {
        self.expressions()
            .all(|(expression, _)| expression.is_steady())
    }

    /// Its expressions, with the offset of each in the text.
    pub fn expressions(&self) -> impl Iterator<Item = (&Expression, usize)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression(expression, at) => Some((expression, *at)),
            Part::Literal(_) => None,
        })
    }

    /// The text with its values filled in.
    pub fn render(&self, scope: &dyn Scope) -> Result<String, String> {
        self.render_by(scope, |text, value| text.push_str(value))
    }

    /// The text with each value put to what stands before it in a way of its own.
    pub fn render_by(
        &self,
        scope: &dyn Scope,
        put: impl Fn(&mut String, &str),
    ) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(letters) => text.push_str(letters),
                Part::Expression(expression, _) => {
                    let value = expression
                        .value(scope)
                        .map_err(|error| format!("`${{{}}}`: {error}", expression.text))?;
                    put(&mut text, &plain(&value));
                }
            }
        }
        Ok(text)
    }

    /// The value with its type kept, where the text is one expression and nothing else.
    pub fn render_value(&self, scope: &dyn Scope) -> Result<Value, String> {
        match self.parts.as_slice() {
            [Part::Expression(expression, _)] => expression
                .value(scope)
                .map_err(|error| format!("`${{{}}}`: {error}", expression.text)),
            _ => self.render(scope).map(Value::String),
        }
    }
}

/// A value as it stands in a text.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            _ => {}
        }
    }
    None
}
