//! Schemas of replies as conditions: types, required properties, items, enumerations and bounds.
//!
//! Knows JSON Schema as OpenAPI 3.0 and 3.1 have it. Invariant: a keyword that makes no condition is named, and
//! none makes a stricter one than it says.

use super::words::{literal, member, text_literal};
use crate::scenario::functions::ASKING_NOTHING;
use serde_json::Value;
use std::collections::BTreeSet;

/// How deep conditions go; what lies deeper is named.
const DEPTH_MAX: usize = 5;
/// References that lead to each other.
const REFERENCES_MAX: usize = 30;

/// A description with its references.
pub struct Schemas<'a> {
    /// The whole of it.
    pub root: &'a Value,
}

impl<'a> Schemas<'a> {
    /// What a reference leads to, or the value itself.
    pub fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        let mut value = value;
        for _ in 0..REFERENCES_MAX {
            let Some(reference) = value["$ref"].as_str() else {
                return value;
            };
            let found = reference
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer));
            match found {
                Some(found) => value = found,
                None => return &Value::Null,
            }
        }
        &Value::Null
    }

    /// Conditions for a value, and the keywords that made none.
    pub fn conditions(&self, schema: &Value, of: &str) -> (Vec<String>, BTreeSet<String>) {
        let mut unknown = BTreeSet::new();
        let made = self.of(schema, of, 0, &mut unknown);
        (made, unknown)
    }

    fn of(
        &self,
        schema: &Value,
        of: &str,
        depth: usize,
        unknown: &mut BTreeSet<String>,
    ) -> Vec<String> {
        let resolved = self.resolved(schema);
        if resolved.is_null() {
            unknown.extend(schema["$ref"].as_str().map(str::to_owned));
            return Vec::new();
        }
        let Some(says) = resolved.as_object() else {
            return Vec::new(); // `true` takes anything.
        };
        if depth > DEPTH_MAX {
            unknown.insert("what lies deeper".to_owned());
            return Vec::new();
        }
        let (mut all, is_null) = of_type(resolved, of);
        let mut more = Vec::new();
        for (word, value) in says {
            match word.as_str() {
                "type" | "nullable" => {}
                "properties" => self.properties(resolved, of, depth, &mut more, unknown),
                "required" => {
                    let names = value
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str);
                    // What only goes to the server is not in what comes from it.
                    let is_sent = |name: &&str| {
                        self.resolved(&resolved["properties"][*name])["writeOnly"] != true
                    };
                    more.extend(
                        names
                            .filter(is_sent)
                            .map(|name| format!("{} in {of}", text_literal(name))),
                    );
                }
                "items" => {
                    let inner = self.of(value, &format!("x{depth}"), depth + 1, unknown);
                    if !inner.is_empty() {
                        more.push(format!("{of}.all(x{depth}, {})", inner.join(" && ")));
                    }
                }
                "allOf" => {
                    for part in value.as_array().into_iter().flatten() {
                        all.extend(self.of(part, of, depth + 1, unknown));
                    }
                }
                "writeOnly" | "additionalProperties"
                    if value == true || value.is_boolean() && word == "writeOnly" => {}
                word if ASKING_NOTHING.contains(&word) || word.starts_with("x-") => {}
                word => match bound(word, resolved, of) {
                    Some(made) => more.extend(made),
                    None => drop(unknown.insert(word.to_owned())),
                },
            }
        }
        if is_null && !more.is_empty() {
            all.push(format!("(kind({of}) == 'null' || {})", more.join(" && ")));
        } else {
            all.extend(more);
        }
        all.dedup();
        all
    }

    fn properties(
        &self,
        schema: &Value,
        of: &str,
        depth: usize,
        all: &mut Vec<String>,
        unknown: &mut BTreeSet<String>,
    ) {
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            if self.resolved(inner)["writeOnly"] == true {
                continue;
            }
            let made = self.of(inner, &member(of, name), depth + 1, unknown);
            if made.is_empty() {
                continue;
            }
            match required.contains(&name.as_str()) {
                true => all.extend(made),
                false => all.push(format!(
                    "(!({} in {of}) || {})",
                    text_literal(name),
                    made.join(" && ")
                )),
            }
        }
    }
}

/// What the type asks for, and whether there may be nothing.
fn of_type(schema: &Value, of: &str) -> (Vec<String>, bool) {
    let mut all = Vec::new();
    let mut is_null = schema["nullable"] == true;
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    is_null |= names.contains(&"null");
    let mut kinds: Vec<&str> = names.iter().flat_map(|name| kinds(name)).copied().collect();
    if is_null && !kinds.is_empty() && !kinds.contains(&"null") {
        kinds.push("null");
    }
    match kinds.as_slice() {
        [] => {}
        [one] => all.push(format!("kind({of}) == '{one}'")),
        several => {
            let several: Vec<String> = several.iter().map(|kind| format!("'{kind}'")).collect();
            all.push(format!("kind({of}) in [{}]", several.join(", ")));
        }
    }
    (all, is_null)
}

/// What a keyword asks of one value by itself: nothing where another keyword says it too, none where it is not known.
fn bound(word: &str, schema: &Value, of: &str) -> Option<Vec<String>> {
    let value = &schema[word];
    let than = |is_open: bool, sign: &str| match is_open {
        true => format!("double({of}) {sign} {value}"),
        false => format!("double({of}) {sign}= {value}"),
    };
    let made = match word {
        "enum" if is_flat(value) => format!("{of} in {}", literal(value)),
        "const" if !value.is_object() && !value.is_array() => {
            format!("{of} == {}", literal(value))
        }
        "minimum" if value.is_number() => than(schema["exclusiveMinimum"] == true, ">"),
        "maximum" if value.is_number() => than(schema["exclusiveMaximum"] == true, "<"),
        "exclusiveMinimum" if value.is_number() => than(true, ">"),
        "exclusiveMaximum" if value.is_number() => than(true, "<"),
        "exclusiveMinimum" | "exclusiveMaximum" if value.is_boolean() => return Some(Vec::new()),
        "minLength" | "minItems" | "minProperties" if value.is_u64() => {
            format!("size({of}) >= {value}")
        }
        "maxLength" | "maxItems" | "maxProperties" if value.is_u64() => {
            format!("size({of}) <= {value}")
        }
        "pattern" => {
            let text = value.as_str()?;
            regex::Regex::new(text).ok()?;
            format!("{of}.matches({})", text_literal(text))
        }
        _ => return None,
    };
    Some(vec![made])
}

/// Kinds of values that a type allows.
fn kinds(name: &str) -> &'static [&'static str] {
    match name {
        "object" => &["map"],
        "array" => &["list"],
        "string" => &["string"],
        "integer" => &["int"],
        "number" => &["int", "double"],
        "boolean" => &["bool"],
        "null" => &["null"],
        _ => &[],
    }
}

fn is_flat(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|all| all.iter().all(|one| !one.is_object() && !one.is_array()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_is_conditions() {
        let root =
            json!({ "components": { "schemas": { "Id": { "type": "string", "minLength": 1 } } } });
        let schema = json!({
            "type": "object", "required": ["id", "password"], "description": "x",
            "properties": {
                "id": { "$ref": "#/components/schemas/Id" },
                "tags": { "type": "array", "items": { "type": "string", "enum": ["a", "b"] } },
                "n": { "type": ["integer", "null"], "minimum": 1 },
                "password": { "type": "string", "writeOnly": true },
                "z": { "oneOf": [] },
            },
        });
        let (all, unknown) = Schemas { root: &root }.conditions(&schema, "body");
        let expected = [
            "kind(body) == 'map'",
            "'id' in body",
            "kind(body.id) == 'string'",
            "size(body.id) >= 1",
            "(!('tags' in body) || kind(body.tags) == 'list' && body.tags.all(x1, kind(x1) == 'string' && x1 in ['a', 'b']))",
            "(!('n' in body) || kind(body.n) in ['int', 'null'] && (kind(body.n) == 'null' || double(body.n) >= 1))",
        ];
        assert_eq!(all, expected);
        assert_eq!(unknown.into_iter().collect::<Vec<_>>(), ["oneOf"]);
    }

    #[test]
    fn what_leads_to_itself_ends() {
        let root = json!({ "a": { "$ref": "#/b" }, "b": { "$ref": "#/a" }, "tree": {
            "type": "object", "properties": { "left": { "$ref": "#/tree" } } } });
        let schemas = Schemas { root: &root };
        assert!(schemas.resolved(&root["a"]).is_null());
        let (_, unknown) = schemas.conditions(&json!({ "$ref": "#/tree" }), "body");
        assert!(unknown.contains("what lies deeper"));
    }
}
