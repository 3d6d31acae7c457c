//! Pieces of expressions: literals, members and names as CEL has them.

/// Words that CEL keeps to itself.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// A name that expressions take: letters, digits and `_`.
pub fn identifier(text: &str) -> String {
    let plain = |letter: char| match letter.is_ascii_alphanumeric() {
        true => letter,
        false => '_',
    };
    let name: String = text.trim().chars().map(plain).collect();
    match name.chars().next() {
        None => "_".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        _ if RESERVED.contains(&name.as_str()) => format!("{name}_"),
        _ => name,
    }
}

/// A text as a literal.
pub fn text_literal(text: &str) -> String {
    let mut made = String::from("'");
    for letter in text.chars() {
        match letter {
            '\'' => made.push_str("\\'"),
            '\\' => made.push_str("\\\\"),
            '\n' => made.push_str("\\n"),
            '\r' => made.push_str("\\r"),
            '\t' => made.push_str("\\t"),
            letter if letter.is_control() => {
                made.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => made.push(letter),
        }
    }
    made + "'"
}

/// Whether a condition looks at the status of a reply, and not at a part of a value that is called so.
pub fn asks_of_status(condition: &str) -> bool {
    condition.match_indices("status").any(|(at, word)| {
        let before = condition[..at].chars().next_back();
        let after = condition[at + word.len()..].chars().next();
        let is_part = |letter: char| letter.is_alphanumeric() || "_.'\"[".contains(letter);
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// A member of a value.
pub fn member(of: &str, name: &str) -> String {
    let first = name.chars().next();
    let starts = first.is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    match starts && name.chars().all(plain) && !RESERVED.contains(&name) {
        true => format!("{of}.{name}"),
        false => format!("{of}[{}]", text_literal(name)),
    }
}

/// A value of JSON as a literal.
pub fn literal(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::String(text) => text_literal(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let pair = |(name, value): (&String, &serde_json::Value)| {
                format!("{}: {}", text_literal(name), literal(value))
            };
            let entries: Vec<String> = entries.iter().map(pair).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_members_are_what_cel_takes() {
        assert_eq!(identifier("user-id"), "user_id");
        assert_eq!(identifier("2fa"), "_2fa");
        assert_eq!(identifier("in"), "in_");
        assert_eq!(member("body", "a"), "body.a");
        assert_eq!(member("body", "in"), "body['in']");
        assert_eq!(member("body", "it's"), r"body['it\'s']");
        let value = serde_json::json!({ "a": [1, "b", null] });
        assert_eq!(literal(&value), "{'a': [1, 'b', null]}");
    }
}
