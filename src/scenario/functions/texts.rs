//! Functions on texts.

use super::registry::{Function, LIST_MAX, bounded, failed, made};
use cel::extractors::This;
use cel::{ExecutionError, Value};
use std::sync::Arc;

type Text = Arc<String>;

pub(super) const ALL: &[Function] = &[
    Function {
        name: "lower",
        form: "lower(text)",
        about: "the text in small letters",
        example: ("lower('Shop')", "\"shop\""),
        searches: true,
        add: |context| {
            let _ = context.add_function("lower", |This(text): This<Text>| text.to_lowercase());
        },
    },
    Function {
        name: "upper",
        form: "upper(text)",
        about: "the text in capital letters",
        example: ("upper('Shop')", "\"SHOP\""),
        searches: true,
        add: |context| {
            let _ = context.add_function("upper", |This(text): This<Text>| text.to_uppercase());
        },
    },
    Function {
        name: "trim",
        form: "trim(text)",
        about: "the text without space at its ends",
        example: ("trim(' a b ')", "\"a b\""),
        searches: true,
        add: |context| {
            let _ = context.add_function("trim", |This(text): This<Text>| text.trim().to_owned());
        },
    },
    Function {
        name: "split",
        form: "split(text, separator)",
        about: "the parts of a text, as a list",
        example: ("split('a,b', ',')", "[\"a\",\"b\"]"),
        searches: true,
        add: |context| {
            let _ = context.add_function("split", split);
        },
    },
    Function {
        name: "join",
        form: "join(list, separator)",
        about: "texts, numbers and truth values as one text",
        example: ("join(['a', 5], '-')", "\"a-5\""),
        searches: true,
        add: |context| {
            let _ = context.add_function("join", join);
        },
    },
    Function {
        name: "replace",
        form: "replace(text, old, new)",
        about: "the text with every `old` replaced",
        example: ("replace('1.2.3', '.', '-')", "\"1-2-3\""),
        searches: true,
        add: |context| {
            let _ = context.add_function("replace", replace);
        },
    },
    Function {
        name: "find",
        form: "find(text, pattern)",
        about: "what a regular expression finds, its first group if it has one; an error where it finds nothing",
        example: ("find('order 42', 'order (.*)')", "\"42\""),
        searches: true,
        add: |context| {
            let _ = context.add_function("find", find);
        },
    },
    Function {
        name: "startsWithBytes",
        form: "startsWithBytes(bytes, prefix)",
        about: "whether bytes begin with others: `b'%PDF'`",
        example: ("startsWithBytes(b'%PDF-1.7', b'%PDF')", "true"),
        searches: false,
        add: |context| {
            let starts =
                |This(bytes): This<Arc<Vec<u8>>>, prefix: Arc<Vec<u8>>| bytes.starts_with(&prefix);
            let _ = context.add_function("startsWithBytes", starts);
        },
    },
];

fn split(This(text): This<Text>, separator: Text) -> Result<Value, ExecutionError> {
    let part = |part: &str| Value::String(Arc::new(part.to_owned()));
    let parts: Vec<Value> = match separator.is_empty() {
        true => text
            .chars()
            .take(LIST_MAX + 1)
            .map(|letter| part(letter.encode_utf8(&mut [0; 4])))
            .collect(),
        false => text
            .split(separator.as_str())
            .take(LIST_MAX + 1)
            .map(part)
            .collect(),
    };
    match parts.len() <= LIST_MAX {
        true => Ok(Value::List(Arc::new(parts))),
        false => Err(failed("split")(format!(
            "`split` would make more than {LIST_MAX} parts"
        ))),
    }
}

fn join(This(list): This<Arc<Vec<Value>>>, separator: Text) -> Result<Value, ExecutionError> {
    let mut joined = String::new();
    for (number, value) in list.iter().enumerate() {
        if number > 0 {
            joined.push_str(&separator);
        }
        match value {
            Value::String(text) => joined.push_str(text),
            Value::Int(number) => joined.push_str(&number.to_string()),
            Value::UInt(number) => joined.push_str(&number.to_string()),
            Value::Float(number) => joined.push_str(&number.to_string()),
            Value::Bool(value) => joined.push_str(&value.to_string()),
            _ => {
                let why = "`join` takes texts, numbers and truth values".to_owned();
                return Err(failed("join")(why));
            }
        }
        bounded("join", joined.len())?;
    }
    Ok(made(joined))
}

fn replace(This(text): This<Text>, old: Text, new: Text) -> Result<Value, ExecutionError> {
    if new.len() > old.len() {
        let times = text.matches(old.as_str()).count();
        bounded(
            "replace",
            text.len().saturating_add(times.saturating_mul(new.len())),
        )?;
    }
    Ok(made(text.replace(old.as_str(), &new)))
}

fn find(This(text): This<Text>, pattern: Text) -> Result<Value, ExecutionError> {
    let regex = regex::Regex::new(&pattern)
        .map_err(|error| ExecutionError::function_error("find", error))?;
    let found = regex.captures(&text).and_then(|found| {
        let part = found.get(1).or(found.get(0))?;
        Some(part.as_str().to_owned())
    });
    found
        .map(made)
        .ok_or_else(|| failed("find")(format!("nothing matches `{pattern}`")))
}
