//! Functions on JSON, tokens and metrics, and values by chance.

use super::registry::{Function, LIST_MAX, failed, made};
use crate::scenario::expression::{from_json, to_json};
use crate::signing;
use crate::witness::{exposition, token};
use cel::extractors::This;
use cel::{ExecutionError, Value};
use serde_json_path::JsonPath;
use std::sync::Arc;

type Text = Arc<String>;

pub(super) const ALL: &[Function] = &[
    Function {
        name: "kind",
        form: "kind(value)",
        about: "what a value is: `null`, `bool`, `int`, `double`, `string`, `bytes`, `list`, `map`, `duration`, `timestamp`",
        example: ("kind([1, 'a'][1])", "\"string\""),
        searches: false,
        add: |context| {
            let _ = context.add_function("kind", kind);
        },
    },
    Function {
        name: "jsonpath",
        form: "jsonpath(value, path)",
        about: "all that a JSONPath finds (RFC 9535), as a list",
        example: (
            "jsonpath({'items': [{'id': 1}, {'id': 2}]}, '$.items[?@.id > 1].id')",
            "[2]",
        ),
        searches: true,
        add: |context| {
            let _ = context.add_function("jsonpath", jsonpath);
        },
    },
    Function {
        name: "parseJson",
        form: "parseJson(text)",
        about: "the value of JSON that stands in a text",
        example: ("parseJson('{\"a\":[1]}').a[0]", "1"),
        searches: true,
        add: |context| {
            let _ = context.add_function("parseJson", parse_json);
        },
    },
    Function {
        name: "isJson",
        form: "isJson(text)",
        about: "whether a text is JSON",
        example: ("isJson('<html>')", "false"),
        searches: true,
        add: |context| {
            let is_json = |This(text): This<Text>| {
                let read = serde_json::from_str::<serde::de::IgnoredAny>(&text);
                read.is_ok()
            };
            let _ = context.add_function("isJson", is_json);
        },
    },
    Function {
        name: "typed",
        form: "typed(text)",
        about: "a text as the value that it writes: a number, `true`, `false`, `null`, or the text; any other value as it is",
        example: (
            "[typed('7'), typed('1.5'), typed('true'), typed('a')]",
            "[7,1.5,true,\"a\"]",
        ),
        searches: false,
        add: |context| {
            let _ = context.add_function("typed", |This(value): This<Value>| typed(value));
        },
    },
    Function {
        name: "oneOrAll",
        form: "oneOrAll(list)",
        about: "the element of a list that has one, and a list that has more; of an empty one it fails",
        example: ("oneOrAll(jsonpath({'a': [{'b': 7}]}, '$.a[*].b'))", "7"),
        searches: false,
        add: |context| {
            let one = |This(list): This<Arc<Vec<Value>>>| match list.as_slice() {
                [] => Err(failed("oneOrAll")("nothing is in the list".to_owned())),
                [one] => Ok(one.clone()),
                _ => Ok(Value::List(list)),
            };
            let _ = context.add_function("oneOrAll", one);
        },
    },
    Function {
        name: "toJson",
        form: "toJson(value)",
        about: "a value as JSON",
        example: ("toJson([1, 'a'])", "\"[1,\\\"a\\\"]\""),
        searches: true,
        add: |context| {
            let text = |This(value): This<Value>| -> Result<Value, ExecutionError> {
                let json = to_json(&value).map_err(failed("toJson"))?;
                Ok(made(json.to_string()))
            };
            let _ = context.add_function("toJson", text);
        },
    },
    Function {
        name: "sameJson",
        form: "sameJson(text, other)",
        about: "whether two texts hold the same JSON",
        example: (
            "sameJson('{\"a\":1,\"b\":2}', '{ \"b\": 2, \"a\": 1 }')",
            "true",
        ),
        searches: true,
        add: |context| {
            let same = |This(one): This<Text>, other: Text| {
                let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
                parse(&one).is_some() && parse(&one) == parse(&other)
            };
            let _ = context.add_function("sameJson", same);
        },
    },
    Function {
        name: "jwt",
        form: "jwt(token)",
        about: "the claims of a JSON Web Token; its signature is not looked at",
        example: ("jwt('e30.eyJzdWIiOiJhIn0.x').sub", "\"a\""),
        searches: true,
        add: |context| {
            let claims = |This(token): This<Text>| -> Result<Value, ExecutionError> {
                let claims = token::claims(&token).map_err(failed("jwt"))?;
                Ok(from_json(&claims))
            };
            let _ = context.add_function("jwt", claims);
        },
    },
    Function {
        name: "verifiedJwt",
        form: "verifiedJwt(token, keys)",
        about: "the claims of a JSON Web Token that one of the keys has signed (JSON web keys of its issuer, a key in PEM, or the secret); any other is a failure",
        example: (
            "verifiedJwt('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.s1mC5JEn7aIunB7VBvqDeWc4TqMwJKsf21AHPIaXGjQ', 'key').sub",
            "\"a\"",
        ),
        searches: true,
        add: |context| {
            let claims = |This(token): This<Text>, keys: Value| -> Result<Value, ExecutionError> {
                let keys = keys.json().unwrap_or_default();
                let genuine = signing::token::verified(&token, &keys);
                genuine.map_err(failed("verifiedJwt"))?;
                let claims = token::claims(&token).map_err(failed("verifiedJwt"))?;
                Ok(from_json(&claims))
            };
            let _ = context.add_function("verifiedJwt", claims);
        },
    },
    Function {
        name: "metric",
        form: "metric(text, selector)",
        about: "a value in Prometheus' exposition format, by name and labels",
        example: ("metric('up{job=\"a\"} 1\\n', 'up{job=\"a\"}')", "1.0"),
        searches: true,
        add: |context| {
            let value = |This(text): This<Text>, selector: Text| -> Result<f64, ExecutionError> {
                exposition::value(&text, &selector).map_err(failed("metric"))
            };
            let _ = context.add_function("metric", value);
        },
    },
    Function {
        name: "uuid",
        form: "uuid()",
        about: "a new random UUID",
        example: ("uuid()", ""),
        searches: false,
        add: |context| {
            let _ = context.add_function("uuid", crate::ids::random_uuid);
        },
    },
    Function {
        name: "random",
        form: "random(low, high)",
        about: "a random whole number from `low` to `high`, both included",
        example: ("random(7, 7)", "7"),
        searches: false,
        add: |context| {
            let chance = |low: i64, high: i64| fastrand::i64(low..=high.max(low));
            let _ = context.add_function("random", chance);
        },
    },
];

fn kind(This(value): This<Value>) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::UInt(_) => "int",
        Value::Float(_) => "double",
        Value::String(_) => "string",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "list",
        Value::Map(_) => "map",
        Value::Duration(_) => "duration",
        Value::Timestamp(_) => "timestamp",
        _ => "other",
    };
    kind.to_owned()
}

fn jsonpath(This(value): This<Value>, path: Text) -> Result<Value, ExecutionError> {
    let wrong = failed("jsonpath");
    let parsed = JsonPath::parse(&path);
    let parsed = parsed.map_err(|error| wrong(format!("`{path}` is no JSONPath: {error}")))?;
    let json = to_json(&value).map_err(&wrong)?;
    let found = parsed.query(&json);
    let found: Vec<Value> = found
        .into_iter()
        .take(LIST_MAX + 1)
        .map(from_json)
        .collect();
    match found.len() <= LIST_MAX {
        true => Ok(Value::List(Arc::new(found))),
        false => Err(wrong(format!("`{path}` finds more than {LIST_MAX} values"))),
    }
}

/// What a text writes.
fn typed(value: Value) -> Value {
    let Value::String(text) = &value else {
        return value;
    };
    let word = text.trim();
    let digits = word.strip_prefix('-').unwrap_or(word);
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit());
    match word {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        _ if !is_number => value,
        _ => match (word.parse::<i64>(), word.parse::<f64>()) {
            (Ok(whole), _) => Value::Int(whole),
            (_, Ok(number)) if number.is_finite() => Value::Float(number),
            _ => value,
        },
    }
}

fn parse_json(This(text): This<Text>) -> Result<Value, ExecutionError> {
    let value = serde_json::from_str(&text);
    let value =
        value.map_err(|error| failed("parseJson")(format!("the text is not JSON: {error}")));
    Ok(from_json(&value?))
}
