//! What tests of Postman expect (`pm.expect(…)` and `pm.response.to…`), as conditions.

use super::javascript::Expression;
use super::postman_script::{Link, Script, negated};
use super::words::{member, text_literal};

/// Words that only join.
const JOINING: [&str; 16] = [
    "to", "be", "been", "is", "that", "which", "and", "has", "have", "with", "at", "of", "same",
    "but", "does", "deep",
];

impl Script<'_> {
    /// What `pm.response.to…` asks for.
    pub(super) fn of_reply(&mut self, chain: &[Link]) -> Option<Vec<String>> {
        let (mut all, mut is_not) = (Vec::new(), false);
        for link in chain {
            match (link.name.as_str(), link.given.as_deref()) {
                ("not", None) => is_not = !is_not,
                (word, None) if JOINING.contains(&word) => {}
                _ => all.push(negated(is_not, self.one_of_reply(link)?)),
            }
        }
        (!all.is_empty()).then_some(all)
    }

    /// What one word of it asks for.
    fn one_of_reply(&mut self, link: &Link) -> Option<String> {
        Some(match (link.name.as_str(), link.given.as_deref()) {
            ("status", Some([Expression::Word(status)])) => format!("status == {status}"),
            ("header", Some([Expression::Text(name)])) => {
                format!("{} in headers", text_literal(name))
            }
            ("header", Some([Expression::Text(name), value])) => {
                format!("headers[{}] == {}", text_literal(name), self.value(value)?)
            }
            ("ok" | "success", None) => "status >= 200 && status < 300".to_owned(),
            ("error", None) => "status >= 400".to_owned(),
            ("accepted", None) => "status == 202".to_owned(),
            ("badRequest", None) => "status == 400".to_owned(),
            ("unauthorized", None) => "status == 401".to_owned(),
            ("forbidden", None) => "status == 403".to_owned(),
            ("notFound", None) => "status == 404".to_owned(),
            ("serverError", None) => "status >= 500".to_owned(),
            ("clientError", None) => "status >= 400 && status < 500".to_owned(),
            ("json", None) => "kind(parseJson(text)) in ['map', 'list']".to_owned(),
            ("withBody", None) => "size(text) > 0".to_owned(),
            ("jsonBody", Some([Expression::Text(name)])) if !name.contains(['.', '[']) => {
                format!("{} in body", text_literal(name))
            }
            ("jsonBody", Some([Expression::Text(name), value])) if !name.contains(['.', '[']) => {
                format!("{} == {}", member("body", name), self.value(value)?)
            }
            ("body", Some([Expression::Text(text)])) => format!("text == {}", text_literal(text)),
            _ => return None,
        })
    }

    /// What `pm.expect(…)…` asks for: links behind each other, each a condition or a word that only joins.
    pub(super) fn expected(&mut self, subject: &Expression, chain: &[Link]) -> Option<Vec<String>> {
        let mut of = self.value(subject);
        // `typeof x` and what is not there are looked at with the word that follows.
        let path = self.looked_for(subject);
        let (mut all, mut is_not) = (Vec::new(), false);
        for link in chain {
            let name = link.name.as_str();
            match (name, link.given.as_deref()) {
                ("not", None) => is_not = !is_not,
                (word, None) if JOINING.contains(&word) => {}
                ("undefined", None) => all.push(negated(!is_not, path.clone()?)),
                ("exist", None) => {
                    let there = path.clone()?;
                    let there = match &of {
                        Some(of) => format!("{there} && kind({of}) != 'null'"),
                        None => there,
                    };
                    all.push(negated(is_not, there));
                }
                (_, given) => {
                    let value = of.clone()?;
                    let condition = self.one_expected(&value, name, given)?;
                    all.push(negated(is_not, condition));
                    if let ("property", Some([Expression::Text(inner), ..])) = (name, given) {
                        of = Some(member(&value, inner));
                    }
                }
            }
        }
        (!all.is_empty()).then_some(all)
    }

    pub(super) fn one_expected(
        &mut self,
        of: &str,
        name: &str,
        given: Option<&[Expression]>,
    ) -> Option<String> {
        let compared = |operator: &str, this: &mut Self, value: &Expression| {
            this.compared(of, operator, value)
        };
        Some(match (name, given) {
            ("true" | "false" | "null", None) => format!("{of} == {name}"),
            ("ok", None) => format!("!(toJson({of}) in ['false', 'null', '0', '\"\"'])"),
            ("empty", None) => format!("size({of}) == 0"),
            // Lists and mappings are equal by what is in them to `eql` alone; a text is not above another.
            ("equal" | "equals" | "eq", Some([Expression::List(_) | Expression::Map(_), ..]))
            | (
                "above" | "gt" | "greaterThan" | "below" | "lt" | "lessThan" | "least" | "gte"
                | "most" | "lte",
                Some([Expression::Text(_), ..]),
            ) => return None,
            ("oneOf", Some([Expression::List(items)]))
                if items
                    .iter()
                    .any(|item| matches!(item, Expression::List(_) | Expression::Map(_))) =>
            {
                return None;
            }
            ("eql" | "equal" | "equals" | "eq" | "eqls", Some([value, ..])) => {
                compared("==", self, value)?
            }
            ("above" | "gt" | "greaterThan", Some([value, ..])) => compared(">", self, value)?,
            ("below" | "lt" | "lessThan", Some([value, ..])) => compared("<", self, value)?,
            ("least" | "gte" | "greaterThanOrEqual", Some([value, ..])) => {
                compared(">=", self, value)?
            }
            ("most" | "lte" | "lessThanOrEqual", Some([value, ..])) => compared("<=", self, value)?,
            ("within", Some([low, high])) => {
                let low = self.compared(of, ">=", low)?;
                format!("{low} && {}", self.compared(of, "<=", high)?)
            }
            ("oneOf", Some([value])) => format!("{of} in {}", self.value(value)?),
            ("include" | "includes" | "contain" | "contains", Some([Expression::Map(_)])) => {
                return None;
            }
            ("include" | "includes" | "contain" | "contains" | "string", Some([value])) => {
                let wanted = self.value(value)?;
                match of {
                    "text" => format!("text.contains({wanted})"),
                    of => format!(
                        "(kind({of}) == 'list' ? {wanted} in {of} : {of}.contains({wanted}))"
                    ),
                }
            }
            ("match", Some([Expression::Pattern(pattern, flags)])) => {
                format!("{of}.matches({})", text_literal(&flagged(pattern, flags)?))
            }
            ("property", Some([Expression::Text(inner)])) => {
                format!("{} in {of}", text_literal(inner))
            }
            ("property", Some([Expression::Text(inner), value])) => {
                let value = self.value(value)?;
                format!("{} == {value}", member(of, inner))
            }
            ("a" | "an", Some([Expression::Text(kind)])) => kind_is(of, kind)?,
            ("lengthOf" | "length", Some([value])) => {
                self.has_length(of);
                format!("size({of}) == {}", self.value(value)?)
            }
            ("status", Some([Expression::Word(status)])) if of == "status" => {
                format!("status == {status}")
            }
            ("keys", Some(names)) => {
                let all: Option<Vec<String>> = names
                    .iter()
                    .map(|name| match name {
                        Expression::Text(name) => Some(format!("{} in {of}", text_literal(name))),
                        _ => None,
                    })
                    .collect();
                {
                    let all = all.filter(|all| !all.is_empty())?;
                    format!("size({of}) == {} && {}", all.len(), all.join(" && "))
                }
            }
            _ => return None,
        })
    }

    /// A comparison; a time is compared with milliseconds.
    pub(super) fn compared(
        &mut self,
        of: &str,
        operator: &str,
        value: &Expression,
    ) -> Option<String> {
        if of == "latency" {
            let Expression::Word(number) = value else {
                return None;
            };
            number.parse::<u64>().ok()?;
            return Some(format!("latency {operator} duration('{number}ms')"));
        }
        let value = self.value(value)?;
        Some(format!("{of} {operator} {value}"))
    }

    /// Whether something is there, as a condition.
    pub(super) fn looked_for(&mut self, value: &Expression) -> Option<String> {
        match value {
            Expression::Member(of, name) if name != "length" => {
                let of = self.value(of)?;
                Some(format!("{} in {of}", text_literal(name)))
            }
            Expression::Call(..) => {
                let made = self.value(value)?;
                let inner = made.strip_prefix("headers[")?.strip_suffix(']')?;
                Some(format!("{inner} in headers"))
            }
            other => {
                let made = self.value(other)?;
                Some(format!("kind({made}) != 'null'"))
            }
        }
    }
}

pub(super) fn flagged(pattern: &str, flags: &str) -> Option<String> {
    match flags.replace(['g', 'u'], "").as_str() {
        "" => Some(pattern.to_owned()),
        "i" => Some(format!("(?i){pattern}")),
        _ => None,
    }
    .filter(|pattern| regex::Regex::new(pattern).is_ok())
}

pub(super) fn kind_is(of: &str, kind: &str) -> Option<String> {
    Some(match kind {
        "array" => format!("kind({of}) == 'list'"),
        "object" => format!("kind({of}) == 'map'"),
        "number" => format!("kind({of}) in ['int', 'double']"),
        "string" => format!("kind({of}) == 'string'"),
        "boolean" => format!("kind({of}) == 'bool'"),
        "null" => format!("kind({of}) == 'null'"),
        _ => return None,
    })
}
