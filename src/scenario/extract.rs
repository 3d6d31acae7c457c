//! Parts of a JSON text, taken out in one pass without building the rest.
//!
//! A scenario that captures an id out of a page of items pays for reading the page, not for
//! allocating it. Invariant: what is taken out is what walking the whole document would find,
//! and a text that is not JSON as a whole gives nothing.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// One step from a value into a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathPart {
    /// Into the field of an object.
    Key(String),
    /// Into the item of a list.
    Index(usize),
}

/// A way from the whole document to a part.
pub type Path = Vec<PathPart>;

/// Paths that are followed at once at the most: one bit of a word each.
pub const PATHS_MAX: usize = 64;

/// The parts at the ends of paths, in their order; `None` if the text is not JSON.
pub fn extract(text: &[u8], paths: &[Path]) -> Option<Vec<Option<Value>>> {
    let mut found = vec![None; paths.len()];
    let all = match paths.len() {
        PATHS_MAX => u64::MAX,
        count => (1 << count) - 1,
    };
    // Once for all, rather than for each text within.
    let text = std::str::from_utf8(text).ok()?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let search = Search {
        paths,
        found: &mut found,
        open: all,
        depth: 0,
    };
    search.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(found)
}

/// The value at the end of a path, from a whole document.
pub fn walk<'a>(document: &'a Value, path: &[PathPart]) -> Result<&'a Value, String> {
    let mut value = document;
    for part in path {
        let next = match part {
            PathPart::Key(key) => value.get(key.as_str()),
            PathPart::Index(index) => value.get(*index),
        };
        value = next.ok_or_else(|| match part {
            PathPart::Key(key) => format!("the body has no `{key}` there"),
            PathPart::Index(index) => format!("the body has no item {index} there"),
        })?;
    }
    Ok(value)
}

/// A search in one value: `open` are the paths that lead here, after `depth` parts.
struct Search<'p, 'f> {
    paths: &'p [Path],
    found: &'f mut Vec<Option<Value>>,
    open: u64,
    depth: usize,
}

impl Search<'_, '_> {
    /// Paths that go on with a part.
    fn onward(&self, fits: impl Fn(&PathPart) -> bool) -> u64 {
        bits(self.open)
            .filter(|at| self.paths[*at].get(self.depth).is_some_and(&fits))
            .fold(0, |mask, at| mask | 1 << at)
    }

    /// A further search, in a part of this value.
    fn within(&mut self, open: u64) -> Search<'_, '_> {
        // A field that stands twice counts as the last one.
        for at in bits(open) {
            self.found[at] = None;
        }
        Search {
            paths: self.paths,
            found: self.found,
            open,
            depth: self.depth + 1,
        }
    }
}

fn bits(mask: u64) -> impl Iterator<Item = usize> {
    (0..64)
        .take_while(move |at| mask >> at > 0)
        .filter(move |at| mask >> at & 1 == 1)
}

impl<'de> DeserializeSeed<'de> for Search<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let ends = bits(self.open).any(|at| self.paths[at].len() == self.depth);
        if !ends {
            return deserializer.deserialize_any(self);
        }
        let value: Value = serde::Deserialize::deserialize(deserializer)?;
        for at in bits(self.open) {
            self.found[at] = walk(&value, &self.paths[at][self.depth..]).ok().cloned();
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Search<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        // Also what nobody wants is read as JSON: a broken text must not pass for a sound one.
        while let Some(open) = map.next_key_seed(Field(&self))? {
            map.next_value_seed(self.within(open))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        for place in 0.. {
            let open = self.onward(|part| *part == PathPart::Index(place));
            if list.next_element_seed(self.within(open))?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The name of a field, as the paths that go on with it.
struct Field<'a, 'p, 'f>(&'a Search<'p, 'f>);

impl<'de> DeserializeSeed<'de> for Field<'_, '_, '_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Field<'_, '_, '_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<u64, E> {
        Ok(self
            .0
            .onward(|part| matches!(part, PathPart::Key(key) if key == name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(name: &str) -> PathPart {
        PathPart::Key(name.to_owned())
    }

    #[test]
    fn parts_are_taken_out_of_the_whole() {
        let text =
            br#"{"a": [{"id": 1}, {"id": "two", "a": null}], "b": {"c": 1.5}, "b": {"c": 2.5}}"#;
        let paths = [
            vec![key("a"), PathPart::Index(1), key("id")],
            vec![key("a")],
            vec![key("b"), key("c")],
            vec![key("a"), PathPart::Index(7)],
            vec![],
        ];
        let found = extract(text, &paths[..4]).unwrap();
        assert_eq!(found[0], Some("two".into()));
        assert_eq!(found[1].as_ref().unwrap().as_array().unwrap().len(), 2);
        assert_eq!(found[2], Some(2.5.into()), "the last one counts");
        assert_eq!(found[3], None);
        for broken in [
            &b"{\"a\": 1, \"x\": \"\xff\"}"[..],
            b"{\"a\": 1, \"x\": \"\\ud800\"}",
            b"{\"a\": 1, \"x\": 1e999}",
        ] {
            assert_eq!(extract(broken, &paths), None);
            assert!(serde_json::from_slice::<Value>(broken).is_err());
        }
        assert_eq!(
            extract(b"[1] x", &paths),
            None,
            "JSON as a whole or not at all"
        );
        assert_eq!(extract(b"5", &paths).unwrap()[4], Some(5.into()));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn path() -> impl Strategy<Value = Path> {
        let part = prop_oneof![
            "[a-c]".prop_map(PathPart::Key),
            (0_usize..3).prop_map(PathPart::Index),
        ];
        prop::collection::vec(part, 0..4)
    }

    proptest! {
        #[test]
        fn the_same_as_walking_the_whole(document in json(), paths in prop::collection::vec(path(), 1..6)) {
            let text = document.to_string();
            let found = extract(text.as_bytes(), &paths).unwrap();
            for (path, found) in paths.iter().zip(found) {
                prop_assert_eq!(found.as_ref(), walk(&document, path).ok());
            }
        }
    }
}
