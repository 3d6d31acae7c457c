//! Conditions and values: CEL, with the commonest forms compiled to native code.
//!
//! Knows the names that an expression may use and how JSON becomes CEL. Does not know where a
//! reply came from. Invariant: an expression that compiled names only what can exist.

use super::cost::{Growth, Sizes, growth};
use super::elsewhere;
use super::expression_text::{
    check_functions, columns, compared, find_word, local_names, members, parse_mistake,
    with_low_headers,
};
use super::extract::{PATHS_MAX, Path};
use super::functions;
use super::native::{Native, native};
use super::scope::{Mistake, Scope};
use cel::objects::{Key, Map as CelMap};
use cel::{Context, Program};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Names that every expression may use.
pub const NAMES: [&str; 6] = ["vars", "inputs", "secrets", "data", "vu", "now"];

/// Names that exist once there is a reply.
pub const REPLY_NAMES: [&str; 40] = [
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
    "records",
    "output",
    "redirects",
    "value",
    "values",
    "series",
    "alerts",
    "lines",
    "rows",
    "count",
    "counts",
    "rates",
    "grpc",
    "messages",
    "trailers",
    "event",
    "ntp",
    "domain",
    "title",
    "console",
    "violations",
    "requests",
    "vitals",
    "element",
    "file",
    "dialogs",
    "popups",
    "quality",
    "tests",
];

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    /// The text as written.
    pub text: String,
    /// Top-level names that it uses.
    pub names: Vec<String>,
    compiled: Compiled,
    /// What it compares, compiled when it is first asked for.
    left: OnceLock<Vec<Expression>>,
}

#[derive(Debug)]
enum Compiled {
    Native(Native),
    Cel(Box<Program>, Growth),
}

impl Expression {
    /// Compiles an expression. `reply` says whether there is a reply to look at.
    pub fn compile(text: &str, reply: bool) -> Result<Expression, Mistake> {
        let text = text.trim();
        let whole = (0, text.len());
        // Names of headers are case-insensitive (RFC 9110, section 5.1).
        let (written, lowered) = (text, with_low_headers(text));
        let text = lowered.as_ref();
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
            let near = crate::document::diagnostic::nearest(name, all.clone());
            let hint = match (elsewhere::name(name), near) {
                (Some(hint), _) => hint.to_owned(),
                (None, Some(near)) if near != name => format!("did you mean `{near}`?"),
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
            None => {
                let growth = growth(program.expression());
                Compiled::Cel(Box::new(program), growth)
            }
        };
        Ok(Expression {
            text: written.to_owned(),
            names,
            compiled,
            left: OnceLock::new(),
        })
    }

    /// Whether it uses a top-level name.
    pub fn uses(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// The header that is its value, if it is nothing else.
    pub fn header(&self) -> Option<&str> {
        match &self.compiled {
            Compiled::Native(Native::Header(name)) => Some(name),
            _ => None,
        }
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

    /// Columns of data files that it names, with the file's name: `data.users.mail` gives `users` and `mail`.
    pub fn columns(&self) -> Vec<(String, String, (usize, usize))> {
        columns(&self.text)
    }

    /// Names that stand behind a root: `vars.token` and `vars['token']` give `token` for `vars`.
    pub fn members(&self, root: &str) -> Vec<(String, (usize, usize))> {
        members(&self.text, root)
    }

    /// What is compared, of an expression that compares things with others: `body.version` of
    /// `body.version == '1.2'`, and `body.a`, `body.b` of `body.a == 1 || body.b == 2`.
    pub fn left_sides(&self) -> &[Expression] {
        self.left.get_or_init(|| {
            let sides = compared(&self.text).into_iter();
            sides
                .filter_map(|text| Expression::compile(text, true).ok())
                .collect()
        })
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
            Compiled::Cel(program, growth) => FUNCTIONS_OF_THREAD.with(|functions| {
                let mut context = functions.new_inner_scope();
                let mut sizes = Sizes::default();
                for name in &self.names {
                    if let Some(value) = scope.lookup(name) {
                        if growth.grows() {
                            sizes.add(&value);
                        }
                        context.add_variable_from_value(name.as_str(), value);
                    }
                }
                if let Some(refusal) = growth.refusal(sizes) {
                    return Err(refusal);
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

thread_local! {
    /// The functions of expressions. Making them costs five times what evaluating an expression
    /// does, and they never change.
    static FUNCTIONS_OF_THREAD: Context<'static, 'static> = {
        let mut context = Context::default();
        functions::add(&mut context);
        context
    };
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
            None => match number.as_u64() {
                // Exact to the last digit.
                Some(value) => cel::Value::UInt(value),
                None => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
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

/// A value of CEL as JSON.
///
/// # Errors
///
/// It is none that JSON can hold.
pub fn to_json(value: &cel::Value) -> Result<Value, String> {
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
