//! One value of a JSON text, by a path of plain keys and indexes, without making values of all others.
//!
//! Pure. The text is JSON: who asks has made sure of that ([`is_json`]). Invariant: nothing panics on a text that is
//! none; it finds something else, or nothing.

use serde::de::IgnoredAny;

/// Whether a text is JSON (RFC 8259).
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The text of the value at a path: of keys that stand twice, the first.
pub(super) fn pick<'t>(text: &'t str, path: &str) -> Option<&'t str> {
    let mut at = Cursor {
        text: text.as_bytes(),
        at: 0,
    };
    for part in path.split('.') {
        at.skip_space();
        match at.peek()? {
            b'{' => at.find_key(part)?,
            b'[' => at.find_index(part.parse().ok()?)?,
            _ => return None,
        }
    }
    at.skip_space();
    let start = at.at;
    at.skip_value()?;
    text.get(start..at.at)
}

struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Goes on behind the next byte, after any space, if it is this one.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    /// Goes behind a string; where its content was.
    fn skip_string(&mut self) -> Option<(usize, usize)> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            let found = memchr::memchr2(b'"', b'\\', self.text.get(at..)?)?;
            at += found;
            if self.text[at] == b'"' {
                self.at = at + 1;
                return Some((start, at));
            }
            at += 2;
        }
    }

    fn skip_value(&mut self) -> Option<()> {
        self.skip_space();
        match self.peek()? {
            b'"' => self.skip_string().map(|_| ()),
            b'{' | b'[' => self.skip_nested(),
            _ => {
                let ends =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                let rest = self.text.get(self.at..)?;
                let length = rest.iter().position(ends).unwrap_or(rest.len());
                self.at += length;
                (length > 0).then_some(())
            }
        }
    }

    fn skip_nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Goes to the value of a key of the object that begins here.
    fn find_key(&mut self, key: &str) -> Option<()> {
        self.at += 1;
        loop {
            self.skip_space();
            if self.peek()? != b'"' {
                return None;
            }
            let whole = self.at;
            let (start, end) = self.skip_string()?;
            let written = &self.text[start..end];
            let is_it = match written.contains(&b'\\') {
                true => self.reads(whole, key),
                false => written == key.as_bytes(),
            };
            if !self.takes(b':') {
                return None;
            }
            if is_it {
                return Some(());
            }
            self.skip_value()?;
            if !self.takes(b',') {
                return None;
            }
        }
    }

    /// Whether the string that was just passed, with what is escaped in it, is a key.
    fn reads(&self, from: usize, key: &str) -> bool {
        let read = serde_json::from_slice::<String>(&self.text[from..self.at]);
        read.is_ok_and(|read| read == key)
    }

    /// Goes to a value of the list that begins here.
    fn find_index(&mut self, index: usize) -> Option<()> {
        self.at += 1;
        self.skip_space();
        if self.peek()? == b']' {
            return None;
        }
        for _ in 0..index {
            self.skip_value()?;
            if !self.takes(b',') {
                return None;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn values_are_found_by_plain_paths() {
        let text = r#" {"a" : { "b":[1, {"c":"x\"y"} ,[ ]],"\u0061b":2},"a":7, "n":null,"e":"" , "t":true } "#;
        for (path, expected) in [
            ("a.b.0", Some("1")),
            ("a.b.1.c", Some(r#""x\"y""#)),
            ("a.b.2", Some("[ ]")),
            ("a.b.2.0", None),
            ("a.b.3", None),
            ("a.b", Some(r#"[1, {"c":"x\"y"} ,[ ]]"#)),
            ("a.ab", Some("2")),
            ("n", Some("null")),
            ("n.x", None),
            ("e", Some(r#""""#)),
            ("t", Some("true")),
            ("x", None),
            ("a.b.-1", None),
        ] {
            assert_eq!(pick(text, path), expected, "{path}");
        }
        assert!(is_json(text) && !is_json("{") && !is_json(""));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            "[a\"\\\\ {}\\[\\],:é\u{7f}\n]{0,6}".prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 30, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab\"\\\\é]{1,2}", inner, 0..4)
                    .prop_map(|map| json!(map)),
            ]
        })
    }

    fn look<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
        path.split('.').try_fold(value, |value, part| match value {
            Value::Object(map) => map.get(part),
            Value::Array(list) => list.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }

    proptest! {
        #[test]
        fn it_finds_what_a_parser_finds(value in values(), path in "[ab\"\\\\é012]{1,2}(\\.[ab012]{1,2}){0,3}") {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let found = pick(&text, &path).map(|text| serde_json::from_str::<Value>(text).unwrap());
                prop_assert_eq!(found.as_ref(), look(&value, &path));
            }
        }

        #[test]
        fn nothing_panics(text in ".{0,60}", path in ".{0,10}") {
            let _ = pick(&text, &path);
            let _ = pick(&format!("{{\"a\":[{text}"), "a.1");
        }
    }
}
