//! The commonest conditions and values, compiled to what needs no interpreter.
//!
//! Knows a few forms by their text. Invariant: what it answers is what CEL would, or it gives the
//! question back.

use super::extract::PathPart;
use super::scope::Scope;
use serde_json::Value;

/// A condition or value that needs no interpreter.
#[derive(Debug, PartialEq)]
pub(super) enum Native {
    Status(Comparison, u16),
    StatusIn(Vec<u16>),
    HeaderIs(String, String),
    BodyIs(Vec<PathPart>, Comparison, Value),
    Body(Vec<PathPart>),
    Header(String),
    Variable(String, String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Native {
    pub(super) fn holds(&self, scope: &dyn Scope) -> Option<Result<bool, String>> {
        let answer = match self {
            Native::Status(comparison, wanted) => comparison.holds(scope.status()?.cmp(wanted)),
            Native::StatusIn(wanted) => wanted.contains(&scope.status()?),
            Native::HeaderIs(name, wanted) => match scope.header(name) {
                Some(value) => value == *wanted,
                None => return Some(Err(format!("the reply has no header `{name}`"))),
            },
            Native::BodyIs(path, comparison, wanted) => {
                let value = match scope.json_at(path) {
                    Ok(value) => value,
                    Err(error) => return Some(Err(error)),
                };
                match compare(value, wanted) {
                    Some(ordering) => comparison.holds(ordering),
                    None => matches!(comparison, Comparison::NotEqual),
                }
            }
            Native::Body(_) | Native::Header(_) | Native::Variable(..) => return None,
        };
        Some(Ok(answer))
    }

    pub(super) fn value(&self, scope: &dyn Scope) -> Result<Value, String> {
        if let Some(answer) = self.holds(scope) {
            return answer.map(Value::Bool);
        }
        match self {
            Native::Body(path) => scope.json_at(path).cloned(),
            Native::Header(name) => scope
                .header(name)
                .map(Value::String)
                .ok_or_else(|| format!("the reply has no header `{name}`")),
            Native::Variable(root, key) => scope
                .path(root, key)
                .ok_or_else(|| format!("`{root}.{key}` has no value yet")),
            _ => Err("there is no reply".to_owned()),
        }
    }
}

impl Comparison {
    fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Equal => ordering.is_eq(),
            Comparison::NotEqual => ordering.is_ne(),
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
        }
    }

    fn parse(text: &str) -> Comparison {
        match text {
            "==" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            _ => Comparison::GreaterOrEqual,
        }
    }
}

/// Equality of unlike kinds is "not equal"; order of unlike kinds does not exist.
fn compare(value: &Value, wanted: &Value) -> Option<std::cmp::Ordering> {
    match (value, wanted) {
        (Value::Number(a), Value::Number(b)) => match (whole(a), whole(b)) {
            // To the last digit.
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        (Value::String(a), Value::String(b)) => Some(a.as_str().cmp(b.as_str())),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Null, Value::Null) => Some(std::cmp::Ordering::Equal),
        _ => None,
    }
}

fn whole(number: &serde_json::Number) -> Option<i128> {
    let unsigned = || number.as_u64().map(i128::from);
    number.as_i64().map(i128::from).or_else(unsigned)
}

fn regexes() -> &'static [regex::Regex; 6] {
    static ALL: std::sync::OnceLock<[regex::Regex; 6]> = std::sync::OnceLock::new();
    ALL.get_or_init(|| {
        let path = r"body((?:\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]+\])+)";
        [
            r"^status\s*(==|!=|<=|>=|<|>)\s*([0-9]{1,3})$".to_owned(),
            r"^status\s+in\s+\[\s*([0-9]{3}(?:\s*,\s*[0-9]{3})*)\s*\]$".to_owned(),
            r"^headers\['([A-Za-z0-9-]+)'\]\s*==\s*'([^'\\]*)'$".to_owned(),
            format!(
                r"^{path}\s*(==|!=|<=|>=|<|>)\s*('[^'\\]*'|-?[0-9]+(?:\.[0-9]+)?|true|false|null)$"
            ),
            format!(r"^(?:{path}|headers\['([A-Za-z0-9-]+)'\])$"),
            r"^(vars|inputs|secrets)\.([A-Za-z_][A-Za-z0-9_]*)$".to_owned(),
        ]
        .map(|text| regex::Regex::new(&text).expect("the patterns are constants"))
    })
}

pub(super) fn native(text: &str) -> Option<Native> {
    let [status, status_in, header_is, body_is, value, variable] = regexes();
    if let Some(found) = status.captures(text) {
        return Some(Native::Status(
            Comparison::parse(&found[1]),
            found[2].parse().ok()?,
        ));
    }
    if let Some(found) = status_in.captures(text) {
        let codes = found[1].split(',').map(|code| code.trim().parse().ok());
        return Some(Native::StatusIn(codes.collect::<Option<_>>()?));
    }
    if let Some(found) = header_is.captures(text) {
        return Some(Native::HeaderIs(
            found[1].to_ascii_lowercase(),
            found[2].to_owned(),
        ));
    }
    if let Some(found) = body_is.captures(text) {
        let wanted = match &found[3] {
            quoted if quoted.starts_with('\'') => {
                Value::String(quoted[1..quoted.len() - 1].to_owned())
            }
            other => serde_json::from_str(other).ok()?,
        };
        return Some(Native::BodyIs(
            path_parts(&found[1]),
            Comparison::parse(&found[2]),
            wanted,
        ));
    }
    if let Some(found) = value.captures(text) {
        return Some(match (found.get(1), found.get(2)) {
            (Some(path), _) => Native::Body(path_parts(path.as_str())),
            (_, Some(name)) => Native::Header(name.as_str().to_ascii_lowercase()),
            _ => return None,
        });
    }
    let found = variable.captures(text)?;
    Some(Native::Variable(found[1].to_owned(), found[2].to_owned()))
}

fn path_parts(text: &str) -> Vec<PathPart> {
    text.split(['.', '['])
        .filter(|part| !part.is_empty())
        .map(|part| match part.strip_suffix(']') {
            Some(index) => PathPart::Index(index.parse().unwrap_or(usize::MAX)),
            None => PathPart::Key(part.to_owned()),
        })
        .collect()
}
