//! Where options come from, and which of them wins: the defaults, a configuration file, the script, the
//! environment, the command line.
//!
//! As in k6: a higher place that says how long or how often anything is done wipes out all that lower places
//! say of it; other options replace those of lower places whole. Invariant: what is wiped out is told.

use serde_json::{Map, Value};

/// Options that say how long and how often.
pub const SHAPE: [&str; 5] = ["duration", "iterations", "stages", "scenarios", "vus"];

/// Options of one place.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// What people call it.
    pub name: &'static str,
    /// The options.
    pub options: Map<String, Value>,
}

/// What the places come to.
#[derive(Debug, Default)]
pub struct Merged {
    /// All options.
    pub options: Map<String, Value>,
    /// What was thrown away: where it stood, what it was, and by whom.
    pub thrown_away: Vec<String>,
}

/// Merges places, the lowest first.
pub fn merge(places: &[Place]) -> Merged {
    let mut merged = Merged::default();
    // Where each option stands that counts now.
    let mut from: Map<String, Value> = Map::new();
    for place in places {
        let shapes = |key: &&str| {
            place
                .options
                .get(*key)
                .is_some_and(|value| !value.is_null())
        };
        if let Some(by) = SHAPE.iter().copied().find(shapes) {
            for key in SHAPE.iter().filter(|key| **key != "vus") {
                if merged.options.remove(*key).is_some() {
                    let lower = from.get(*key).and_then(Value::as_str).unwrap_or("before");
                    merged.thrown_away.push(format!(
                        "`{key}` of {lower} is not used, because {} says `{by}`",
                        place.name
                    ));
                }
            }
        }
        for (key, value) in place.options.iter().filter(|(_, value)| !value.is_null()) {
            merged.options.insert(key.clone(), value.clone());
            from.insert(key.clone(), Value::from(place.name));
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn place(name: &'static str, options: Value) -> Place {
        let Value::Object(options) = options else {
            panic!("options are an object");
        };
        Place { name, options }
    }

    #[test]
    fn a_higher_place_wipes_out_the_shape_and_replaces_the_rest() {
        let script = place(
            "the script",
            json!({"scenarios": {"a": {}}, "tags": {"x": "1"}, "vus": 3, "thresholds": {"a": []}}),
        );
        let flags = place(
            "the command line",
            json!({"iterations": 1, "tags": {"y": "2"}}),
        );
        let merged = merge(&[script.clone(), flags]);
        assert_eq!(
            Value::Object(merged.options),
            json!({"tags": {"y": "2"}, "vus": 3, "thresholds": {"a": []}, "iterations": 1})
        );
        let told =
            ["`scenarios` of the script is not used, because the command line says `iterations`"];
        assert_eq!(merged.thrown_away, told);
        let merged = merge(&[script, place("the environment", json!({"rps": 5}))]);
        assert!(merged.options.contains_key("scenarios") && merged.thrown_away.is_empty());
    }
}
