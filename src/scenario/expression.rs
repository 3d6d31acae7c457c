//! Conditions and values: CEL, with the commonest forms compiled to native code.
//!
//! Knows the names that an expression may use and how JSON becomes CEL. Does not know where a
//! reply came from. Invariant: an expression that compiled names only what can exist.

use super::extract::{PATHS_MAX, Path, PathPart, walk};
use base64::Engine as _;
use cel::objects::{Key, Map as CelMap};
use cel::{Context, Program};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Names that every expression may use.
pub const NAMES: [&str; 6] = ["vars", "inputs", "secrets", "data", "vu", "now"];

/// Names that exist once there is a reply.
pub const REPLY_NAMES: [&str; 15] = [
    "status",
    "headers",
    "body",
    "text",
    "bytes",
    "latency",
    "phases",
    "tls",
    "cookies",
    "url",
    "version",
    "error",
    "records",
    "output",
    "redirects",
];

/// Functions beyond the standard library of CEL.
const FUNCTIONS: [&str; 6] = [
    "uuid",
    "random",
    "base64",
    "startsWithBytes",
    "find",
    "sameJson",
];

/// What an expression can see.
pub trait Scope {
    /// The value of a top-level name; `None` where it does not exist now.
    fn lookup(&self, name: &str) -> Option<cel::Value>;
    /// A step into a top-level mapping, as JSON, without building the whole of it.
    fn path(&self, root: &str, key: &str) -> Option<Value>;
    /// The status of the reply, if there is one.
    fn status(&self) -> Option<u16>;
    /// A header of the reply.
    fn header(&self, name: &str) -> Option<String>;
    /// The body as JSON, if it is JSON.
    fn json(&self) -> Option<&Value>;
    /// A part of the body, where the whole of it need not be built.
    fn json_at(&self, path: &[PathPart]) -> Result<&Value, String> {
        walk(self.json().ok_or("the body is not JSON")?, path)
    }
    /// The latency in microseconds.
    fn latency_micros(&self) -> Option<u64>;
}

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    /// The text as written.
    pub text: String,
    /// Top-level names that it uses.
    pub names: Vec<String>,
    compiled: Compiled,
}

#[derive(Debug)]
enum Compiled {
    Native(Native),
    Cel(Box<Program>),
}

/// A condition or value that needs no interpreter.
#[derive(Debug, PartialEq)]
enum Native {
    Status(Comparison, u16),
    StatusIn(Vec<u16>),
    HeaderIs(String, String),
    BodyIs(Vec<PathPart>, Comparison, Value),
    Body(Vec<PathPart>),
    Header(String),
    Variable(String, String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why an expression did not compile, with the place inside its text.
#[derive(Debug)]
pub struct Mistake {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Byte range inside the expression.
    pub range: (usize, usize),
    /// How to mend it.
    pub hint: Option<String>,
}

impl Expression {
    /// Compiles an expression. `reply` says whether there is a reply to look at.
    pub fn compile(text: &str, reply: bool) -> Result<Expression, Mistake> {
        let text = text.trim();
        let whole = (0, text.len());
        let program = Program::compile(text).map_err(|errors| parse_mistake(text, &errors))?;
        let references = program.references();
        let mut names: Vec<String> = references
            .variables()
            .into_iter()
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        let local = local_names(text);
        names.retain(|name| !local.contains(name));
        for name in &names {
            let known =
                NAMES.contains(&name.as_str()) || (reply && REPLY_NAMES.contains(&name.as_str()));
            if known || name.starts_with('@') || name.starts_with("__") {
                continue;
            }
            let at = find_word(text, name);
            let all = NAMES
                .iter()
                .chain(if reply { REPLY_NAMES.iter() } else { [].iter() })
                .copied();
            let message = if !reply && REPLY_NAMES.contains(&name.as_str()) {
                format!("`{name}` exists only after the step has its reply")
            } else {
                format!("`{name}` does not exist")
            };
            let hint = match crate::config::diagnostic::nearest(name, all.clone()) {
                Some(near) if near != name => format!("did you mean `{near}`?"),
                _ => format!("known names: {}", all.collect::<Vec<_>>().join(", ")),
            };
            return Err(Mistake {
                code: "unknown-name",
                message,
                range: at.unwrap_or(whole),
                hint: Some(hint),
            });
        }
        check_functions(text, &references.functions(), whole)?;
        let compiled = match native(text) {
            Some(native) => Compiled::Native(native),
            None => Compiled::Cel(Box::new(program)),
        };
        Ok(Expression {
            text: text.to_owned(),
            names,
            compiled,
        })
    }

    /// Whether it uses a top-level name.
    pub fn uses(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// The part of the body that it looks at, if it looks at nothing else of it.
    fn path(&self) -> Option<&Path> {
        match &self.compiled {
            Compiled::Native(Native::Body(path) | Native::BodyIs(path, ..)) => Some(path),
            _ => None,
        }
    }

    /// Whether it gives the same value for as long as inputs and secrets stay the same.
    pub fn is_steady(&self) -> bool {
        let chance = ["uuid", "random"];
        self.names
            .iter()
            .all(|name| name == "inputs" || name == "secrets")
            && !chance.iter().any(|function| self.text.contains(function))
    }

    /// Names that stand behind a root: `vars.token` and `vars['token']` give `token` for `vars`.
    pub fn members(&self, root: &str) -> Vec<(String, (usize, usize))> {
        members(&self.text, root)
    }

    /// Evaluates it as a condition. The error says why it is neither true nor false.
    pub fn holds(&self, scope: &dyn Scope) -> Result<bool, String> {
        if let Compiled::Native(native) = &self.compiled
            && let Some(answer) = native.holds(scope)
        {
            return answer;
        }
        match self.value(scope)? {
            Value::Bool(answer) => Ok(answer),
            other => Err(format!("it gives {other}, not true or false")),
        }
    }

    /// Evaluates it as a value.
    pub fn value(&self, scope: &dyn Scope) -> Result<Value, String> {
        match &self.compiled {
            Compiled::Native(native) => native.value(scope),
            Compiled::Cel(program) => FUNCTIONS_OF_THREAD.with(|functions| {
                let mut context = functions.new_inner_scope();
                for name in &self.names {
                    if let Some(value) = scope.lookup(name) {
                        context.add_variable_from_value(name.as_str(), value);
                    }
                }
                let value = program.execute(&context).map_err(plain_error)?;
                to_json(&value)
            }),
        }
    }
}

/// The parts of the body that expressions look at, if they look at nothing else of it; empty where
/// one of them wants the whole.
pub fn paths<'a>(expressions: impl Iterator<Item = &'a Expression>) -> Vec<Path> {
    let mut paths: Vec<Path> = Vec::new();
    for expression in expressions.filter(|expression| expression.uses("body")) {
        match expression.path() {
            Some(path) if paths.contains(path) => {}
            Some(path) if paths.len() < PATHS_MAX => paths.push(path.clone()),
            _ => return Vec::new(),
        }
    }
    paths
}

impl Native {
    fn holds(&self, scope: &dyn Scope) -> Option<Result<bool, String>> {
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

    fn value(&self, scope: &dyn Scope) -> Result<Value, String> {
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
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.as_str().cmp(b.as_str())),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Null, Value::Null) => Some(std::cmp::Ordering::Equal),
        _ => None,
    }
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

fn native(text: &str) -> Option<Native> {
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

fn parse_mistake(text: &str, errors: &cel::ParseErrors) -> Mistake {
    let first = errors.errors.first();
    let column = first.map_or(1, |error| error.pos.1.max(1)) as usize - 1;
    let at = text
        .char_indices()
        .nth(column)
        .map_or(text.len(), |(at, _)| at);
    let message = first.map_or_else(|| "it is empty".to_owned(), |error| error.msg.clone());
    let message = message
        .trim_start_matches("Syntax error: ")
        .split(" expecting ")
        .next()
        .unwrap_or_default()
        .to_owned();
    let single_equals = regex::Regex::new(r"[^=!<>]=[^=]").is_ok_and(|r| r.is_match(text));
    Mistake {
        code: "bad-expression",
        message: format!("the expression does not parse: {message}"),
        range: (at, (at + 1).min(text.len()).max(at)),
        hint: Some(if text.matches('(').count() != text.matches(')').count() {
            "parentheses do not match; inside `[ … ]` a comma ends an item, so quote an expression that holds one".to_owned()
        } else if single_equals {
            "equality is written `==`".to_owned()
        } else {
            "expressions are CEL, such as `status == 200` or `body.items.size() > 0`".to_owned()
        }),
    }
}

fn check_functions(text: &str, used: &[&str], whole: (usize, usize)) -> Result<(), Mistake> {
    const STANDARD: [&str; 36] = [
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "string",
        "int",
        "uint",
        "double",
        "bool",
        "bytes",
        "duration",
        "timestamp",
        "type",
        "dyn",
        "has",
        "all",
        "exists",
        "exists_one",
        "map",
        "filter",
        "max",
        "min",
        "getFullYear",
        "getMonth",
        "getDayOfYear",
        "getDayOfMonth",
        "getDate",
        "getDayOfWeek",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
        "optional",
        "of",
        "none",
    ];
    for name in used {
        let known = name.contains(['_', '@', '!', '?', '-', '[', '.'])
            || !name.starts_with(|c: char| c.is_ascii_alphabetic())
            || STANDARD.contains(name)
            || FUNCTIONS.contains(name);
        if !known {
            let all = STANDARD.iter().chain(FUNCTIONS.iter()).copied();
            let near = crate::config::diagnostic::nearest(name, all);
            return Err(Mistake {
                code: "unknown-name",
                message: format!("there is no function `{name}`"),
                range: find_word(text, name).unwrap_or(whole),
                hint: near.map(|near| format!("did you mean `{near}`?")),
            });
        }
    }
    Ok(())
}

fn find_word(text: &str, word: &str) -> Option<(usize, usize)> {
    let boundary = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word)
        .find(|(at, _)| {
            boundary(text[..*at].chars().next_back())
                && boundary(text[at + word.len()..].chars().next())
        })
        .map(|(at, _)| (at, at + word.len()))
}

fn members(text: &str, root: &str) -> Vec<(String, (usize, usize))> {
    static FORM: std::sync::OnceLock<regex::Regex> = std::sync::OnceLock::new();
    let form = FORM.get_or_init(|| {
        let pattern = r#"\b([A-Za-z_][A-Za-z0-9_]*)(?:\.([A-Za-z_][A-Za-z0-9_]*)|\[\s*['"]([^'"]+)['"]\s*\])"#;
        regex::Regex::new(pattern).expect("the pattern is a constant")
    });
    let quoted = quoted_ranges(text);
    form.captures_iter(text)
        .filter(|found| found.get(1).is_some_and(|name| name.as_str() == root))
        .filter(|found| {
            let start = found.get(0).map_or(0, |whole| whole.start());
            let is_member = text[..start].trim_end().ends_with('.');
            !is_member
                && !quoted
                    .iter()
                    .any(|(from, to)| (*from..*to).contains(&start))
        })
        .filter_map(|found| found.get(2).or(found.get(3)))
        .map(|found| (found.as_str().to_owned(), (found.start(), found.end())))
        .collect()
}

/// Names that `all`, `exists`, `map` and `filter` give to the item they look at.
fn local_names(text: &str) -> Vec<String> {
    static FORM: std::sync::OnceLock<regex::Regex> = std::sync::OnceLock::new();
    let form = FORM.get_or_init(|| {
        regex::Regex::new(
            r"\.\s*(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_][A-Za-z0-9_]*)\s*,",
        )
        .expect("the pattern is a constant")
    });
    form.captures_iter(text)
        .map(|found| found[1].to_owned())
        .filter(|name| !NAMES.contains(&name.as_str()) && !REPLY_NAMES.contains(&name.as_str()))
        .collect()
}

/// Byte ranges of the string literals of an expression.
fn quoted_ranges(text: &str) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match open {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some((start, quote)) if c == quote => {
                ranges.push((start, at));
                open = None;
            }
            Some(_) => {}
            None if c == '\'' || c == '"' => open = Some((at, c)),
            None => {}
        }
    }
    ranges
}

thread_local! {
    /// The functions of expressions. Making them costs five times what evaluating an expression
    /// does, and they never change.
    static FUNCTIONS_OF_THREAD: Context<'static, 'static> = {
        let mut context = Context::default();
        add_functions(&mut context);
        context
    };
}

fn add_functions(context: &mut Context<'_, '_>) {
    // A name clash with the standard library would be caught by the tests of this file.
    let _ = context.add_function("uuid", crate::ids::random_uuid);
    let _ = context.add_function("random", |low: i64, high: i64| {
        fastrand::i64(low..=high.max(low))
    });
    let _ = context.add_function("base64", |text: Arc<String>| {
        base64::engine::general_purpose::STANDARD.encode(text.as_bytes())
    });
    let _ = context.add_function(
        "startsWithBytes",
        |bytes: Arc<Vec<u8>>, prefix: Arc<Vec<u8>>| bytes.starts_with(&prefix),
    );
    let _ = context.add_function(
        "find",
        |text: Arc<String>, pattern: Arc<String>| -> Result<cel::Value, cel::ExecutionError> {
            let regex = regex::Regex::new(&pattern)
                .map_err(|error| cel::ExecutionError::function_error("find", error))?;
            let found = regex.captures(&text).and_then(|found| {
                found
                    .get(1)
                    .or(found.get(0))
                    .map(|part| part.as_str().to_owned())
            });
            found
                .map(|found| cel::Value::String(Arc::new(found)))
                .ok_or_else(|| {
                    cel::ExecutionError::function_error(
                        "find",
                        format!("nothing matches `{pattern}`"),
                    )
                })
        },
    );
    let _ = context.add_function("sameJson", |a: Arc<String>, b: Arc<String>| {
        let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
        parse(&a).is_some() && parse(&a) == parse(&b)
    });
}

fn plain_error(error: cel::ExecutionError) -> String {
    match error {
        cel::ExecutionError::NoSuchKey(key) => format!("there is no `{key}`"),
        cel::ExecutionError::UndeclaredReference(name) => format!("`{name}` has no value here"),
        cel::ExecutionError::FunctionError { message, .. } => message,
        other => other.to_string(),
    }
}

/// JSON as CEL: whole numbers are `int`, other numbers `double`.
pub fn from_json(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(value) => cel::Value::Int(value),
            None => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(from_json).collect())),
        Value::Object(entries) => map(entries
            .iter()
            .map(|(key, value)| (key.clone(), from_json(value)))),
    }
}

/// A CEL mapping with text keys.
pub fn map(entries: impl IntoIterator<Item = (String, cel::Value)>) -> cel::Value {
    let map: HashMap<Key, cel::Value> = entries
        .into_iter()
        .map(|(key, value)| (Key::String(Arc::new(key)), value))
        .collect();
    cel::Value::Map(CelMap { map: Arc::new(map) })
}

fn to_json(value: &cel::Value) -> Result<Value, String> {
    Ok(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(value) => Value::Bool(*value),
        cel::Value::Int(value) => Value::from(*value),
        cel::Value::UInt(value) => Value::from(*value),
        cel::Value::Float(value) => Value::from(*value),
        cel::Value::String(text) => Value::String(text.to_string()),
        cel::Value::Bytes(bytes) => Value::String(String::from_utf8_lossy(bytes).into_owned()),
        cel::Value::Duration(value) => Value::String(format!(
            "{}s",
            value.num_microseconds().unwrap_or(i64::MAX) as f64 / 1e6
        )),
        cel::Value::Timestamp(value) => Value::String(value.to_rfc3339()),
        cel::Value::List(items) => {
            Value::Array(items.iter().map(to_json).collect::<Result<_, _>>()?)
        }
        cel::Value::Map(map) => {
            let mut entries = serde_json::Map::new();
            for (key, value) in map.map.iter() {
                let key = match key {
                    Key::String(text) => text.to_string(),
                    other => format!("{other:?}"),
                };
                entries.insert(key, to_json(value)?);
            }
            Value::Object(entries)
        }
        other => return Err(format!("a value of this kind cannot be kept: {other:?}")),
    })
}
