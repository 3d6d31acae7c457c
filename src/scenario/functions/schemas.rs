//! JSON Schema (2020-12, and what OpenAPI 3.0 has of its own), as far as replies are described by it.
//!
//! Knows types, enumerations, bounds, properties, items, combinations and references within the schema. Invariant: a
//! keyword that is not known is refused, never passed over.

use super::registry::{Function, failed};
use crate::scenario::expression::to_json;
use cel::extractors::This;
use cel::{ExecutionError, Value as CelValue};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How deep schemas and values are followed.
const DEPTH_MAX: usize = 64;
/// Steps that one value may take, whatever leads to what.
const STEPS_MAX: usize = 1_000_000;

/// Keywords that ask for nothing.
pub const ASKING_NOTHING: [&str; 21] = [
    "title",
    "description",
    "example",
    "examples",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "xml",
    "externalDocs",
    "discriminator",
    "format",
    "$id",
    "$schema",
    "$comment",
    "$defs",
    "definitions",
    "$anchor",
    "contentMediaType",
    "contentEncoding",
    "components",
];

pub(super) const ALL: &[Function] = &[Function {
    name: "matchesSchema",
    form: "matchesSchema(value, schema)",
    about: "whether a value is as a JSON Schema says, a map or its JSON; an error that names the first place where it is not",
    example: (
        "matchesSchema({'id': 7}, {'type': 'object', 'required': ['id'], 'properties': {'id': {'type': 'integer'}}})",
        "true",
    ),
    searches: true,
    add: |context| {
        let _ = context.add_function("matchesSchema", matches_schema);
    },
}];

fn matches_schema(This(value): This<CelValue>, schema: CelValue) -> Result<bool, ExecutionError> {
    let wrong = failed("matchesSchema");
    let schema = match &schema {
        CelValue::String(text) => serde_json::from_str(text)
            .map_err(|error| wrong(format!("the schema is not JSON: {error}")))?,
        other => to_json(other).map_err(&wrong)?,
    };
    let value = to_json(&value).map_err(&wrong)?;
    match breach(&schema, &value) {
        None => Ok(true),
        Some(breach) => Err(wrong(breach)),
    }
}

/// The first place where a value is not as a schema says, or what the schema says that is not known.
pub fn breach(schema: &Value, value: &Value) -> Option<String> {
    let mut looking = Looking {
        root: schema,
        steps: 0,
    };
    looking.at(schema, value, "", 0).err()
}

struct Looking<'a> {
    root: &'a Value,
    steps: usize,
}

impl Looking<'_> {
    fn at(&mut self, schema: &Value, value: &Value, at: &str, depth: usize) -> Result<(), String> {
        self.steps += 1;
        if depth > DEPTH_MAX || self.steps > STEPS_MAX {
            return Err(format!("`{}` lies too deep", place(at)));
        }
        let says = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Bool(false) => return Err(format!("`{}` must not be there", place(at))),
            Value::Object(says) => says,
            _ => return Err("a schema is a map, `true` or `false`".to_owned()),
        };
        if let Some(reference) = schema["$ref"].as_str() {
            let found = reference
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer));
            let found =
                found.ok_or_else(|| format!("`{reference}` leads nowhere in the schema"))?;
            self.at(&found.clone(), value, at, depth + 1)?;
        }
        if value.is_null() && schema["nullable"] == true {
            return Ok(());
        }
        for (word, given) in says {
            let is_known = self.one(schema, (word, given), value, at, depth)?;
            if !is_known && !ASKING_NOTHING.contains(&word.as_str()) && !word.starts_with("x-") {
                return Err(format!("the schema says `{word}`, which is not known"));
            }
        }
        Ok(())
    }

    /// What one keyword asks for; whether it is known.
    fn one(
        &mut self,
        schema: &Value,
        (word, given): (&str, &Value),
        value: &Value,
        at: &str,
        depth: usize,
    ) -> Result<bool, String> {
        if let Some(wrong) = simple(schema, word, given, value) {
            return match wrong {
                Ok(()) => Ok(true),
                Err(wanted) => Err(format!("`{}` {wanted}, and is {}", place(at), shown(value))),
            };
        }
        let next = depth + 1;
        match (word, given) {
            ("$ref" | "nullable", _) => {}
            ("properties", Value::Object(all)) => {
                for (name, inner) in all {
                    if let Some(value) = value.get(name) {
                        self.at(inner, value, &below(at, name), next)?;
                    }
                }
            }
            ("additionalProperties", inner) => {
                let known = schema["properties"].as_object();
                for (name, value) in value.as_object().into_iter().flatten() {
                    if !known.is_some_and(|known| known.contains_key(name)) {
                        self.at(inner, value, &below(at, name), next)?;
                    }
                }
            }
            ("prefixItems", Value::Array(all)) => {
                let values = value.as_array().into_iter().flatten();
                for (index, (inner, value)) in all.iter().zip(values).enumerate() {
                    self.at(inner, value, &below(at, &index.to_string()), next)?;
                }
            }
            ("items", inner) => {
                // Of a list whose first elements have forms of their own: the rest.
                let first = schema["prefixItems"].as_array().map_or(0, Vec::len);
                let values = value.as_array().into_iter().flatten().enumerate();
                for (index, value) in values.skip(first) {
                    self.at(inner, value, &below(at, &index.to_string()), next)?;
                }
            }
            ("allOf", Value::Array(all)) => {
                for inner in all {
                    self.at(inner, value, at, next)?;
                }
            }
            ("anyOf" | "oneOf", Value::Array(all)) => {
                let fits = |looking: &mut Self, inner| looking.at(inner, value, at, next).is_ok();
                let count = all.iter().filter(|inner| fits(self, inner)).count();
                if count == 0 || word == "oneOf" && count > 1 {
                    let of = all.len();
                    return Err(format!(
                        "`{}` fits {count} of {of} schemas of `{word}`",
                        place(at)
                    ));
                }
            }
            ("not", inner) => {
                if self.at(inner, value, at, next).is_ok() {
                    return Err(format!("`{}` fits what it must not", place(at)));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What a keyword asks of a value by itself: nothing where it is none of these.
fn simple(schema: &Value, word: &str, given: &Value, value: &Value) -> Option<Result<(), String>> {
    let is_open = |word: &str| schema[word] == true;
    let held = |holds: bool, wanted: String| match holds {
        true => Some(Ok(())),
        false => Some(Err(wanted)),
    };
    let size = |least: bool, length: Option<usize>| {
        let limit = given.as_u64()?;
        let holds = length.is_none_or(|length| match least {
            true => length as u64 >= limit,
            false => length as u64 <= limit,
        });
        let side = if least { "at least" } else { "at the most" };
        held(holds, format!("must have a size of {side} {limit}"))
    };
    let text = value.as_str().map(|text| text.chars().count());
    let list = value.as_array().map(Vec::len);
    let map = value.as_object().map(serde_json::Map::len);
    match word {
        "type" => {
            let names: Vec<&str> = match given {
                Value::String(name) => vec![name],
                Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                _ => return None,
            };
            held(
                names.iter().any(|name| is_of(value, name)),
                format!("must be {}", names.join(" or ")),
            )
        }
        "enum" => {
            let all = given.as_array()?;
            held(
                all.iter().any(|one| same(one, value)),
                format!("must be one of {given}"),
            )
        }
        "const" => held(same(given, value), format!("must be {given}")),
        "minLength" => size(true, text),
        "maxLength" => size(false, text),
        "minItems" => size(true, list),
        "maxItems" => size(false, list),
        "minProperties" => size(true, map),
        "maxProperties" => size(false, map),
        "uniqueItems" => {
            let mut seen = BTreeSet::new();
            let mut all = value.as_array().into_iter().flatten();
            let is_once = all.all(|one| seen.insert(alike(one)));
            held(
                given != true || is_once,
                "must have each item once".to_owned(),
            )
        }
        "required" => {
            let names = given.as_array()?.iter().filter_map(Value::as_str);
            let missing = value
                .as_object()
                .and_then(|all| names.into_iter().find(|name| !all.contains_key(*name)));
            match missing {
                None => Some(Ok(())),
                Some(name) => Some(Err(format!("must have `{name}`"))),
            }
        }
        "pattern" => {
            let pattern = regex::Regex::new(given.as_str()?).ok()?;
            let holds = value.as_str().is_none_or(|text| pattern.is_match(text));
            held(holds, format!("must match `{}`", pattern.as_str()))
        }
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
            // In 3.0 it says whether the limit itself is out.
            if given.is_boolean() {
                return Some(Ok(()));
            }
            let limit = given.as_f64()?;
            let Some(number) = value.as_f64() else {
                return Some(Ok(()));
            };
            let (holds, sign) = match word {
                "minimum" if !is_open("exclusiveMinimum") => (number >= limit, "at least"),
                "maximum" if !is_open("exclusiveMaximum") => (number <= limit, "at the most"),
                "minimum" | "exclusiveMinimum" => (number > limit, "more than"),
                _ => (number < limit, "less than"),
            };
            held(holds, format!("must be {sign} {given}"))
        }
        _ => None,
    }
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        // 1.0 is one.
        "integer" => {
            value.is_i64()
                || value.is_u64()
                || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        _ => false,
    }
}

/// Whether two values are the same: numbers by what they are, not by how they are written.
fn same(one: &Value, other: &Value) -> bool {
    one == other || one.is_number() && one.as_f64() == other.as_f64()
}

/// A text that two values share where they are the same.
fn alike(value: &Value) -> String {
    let list = |all: Vec<String>| all.join(",");
    match value {
        Value::Number(number) => format!("{:?}", number.as_f64()),
        Value::Array(all) => format!("[{}]", list(all.iter().map(alike).collect())),
        Value::Object(all) => {
            let all: BTreeMap<&String, String> =
                all.iter().map(|(key, value)| (key, alike(value))).collect();
            format!("{all:?}")
        }
        other => other.to_string(),
    }
}

fn below(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn place(at: &str) -> &str {
    if at.is_empty() { "the value" } else { at }
}

/// A value, as long as it fits a line.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(all) => format!("a list of {}", all.len()),
        Value::Object(all) => format!("a map of {}", all.len()),
        other => other.to_string().chars().take(80).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_breach_is_named_by_its_place() {
        let schema = json!({
            "type": "object", "required": ["id"], "additionalProperties": false,
            "properties": {
                "id": { "type": "integer", "minimum": 1 },
                "tags": { "type": "array", "items": { "type": "string", "enum": ["a", "b"] }, "uniqueItems": true },
                "next": { "$ref": "#" },
                "either": { "oneOf": [{ "type": "string" }, { "type": "integer" }] },
                "none": { "nullable": true, "type": "string" },
                "pair": { "prefixItems": [{ "type": "string" }, { "type": "integer" }], "items": false },
            },
        });
        for (value, expected) in [
            (
                json!({ "id": 1.0, "tags": ["a", "b"], "none": null, "either": 5 }),
                None,
            ),
            (json!({ "id": 1, "pair": ["a", 1] }), None),
            (
                json!({ "id": 1, "pair": ["a", "b"] }),
                Some("`/pair/1` must be integer, and is \"b\""),
            ),
            (
                json!({ "id": 1, "pair": ["a", 1, 2] }),
                Some("`/pair/2` must not be there"),
            ),
            (
                json!({ "id": 0 }),
                Some("`/id` must be at least 1, and is 0"),
            ),
            (
                json!({}),
                Some("`the value` must have `id`, and is a map of 0"),
            ),
            (
                json!({ "id": 1, "tags": ["a", "c"] }),
                Some("`/tags/1` must be one of [\"a\",\"b\"], and is \"c\""),
            ),
            (
                json!({ "id": 1, "next": { "id": "x" } }),
                Some("`/next/id` must be integer, and is \"x\""),
            ),
            (
                json!({ "id": 1, "tags": ["a", "a"] }),
                Some("`/tags` must have each item once, and is a list of 2"),
            ),
            (
                json!({ "id": 1, "more": 1 }),
                Some("`/more` must not be there"),
            ),
            (
                json!({ "id": 1, "either": null }),
                Some("`/either` fits 0 of 2 schemas of `oneOf`"),
            ),
        ] {
            assert_eq!(breach(&schema, &value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn what_is_not_known_or_never_ends_is_refused() {
        let unknown = breach(&json!({ "if": {} }), &json!(1)).unwrap();
        assert!(
            unknown.contains("says `if`, which is not known"),
            "{unknown}"
        );
        let endless = json!({ "allOf": [{ "$ref": "#" }, { "$ref": "#" }] });
        assert!(breach(&endless, &json!(1)).is_some());
        assert!(breach(&json!({ "$ref": "#/nowhere" }), &json!(1)).is_some());
        assert!(breach(&json!({ "pattern": "(" }), &json!("a")).is_some());
    }
}
