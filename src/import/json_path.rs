//! JSONPath as an expression: keys and indexes as members, anything else by `jsonpath`.

use super::words::{member, text_literal};

/// What a path finds, as an expression, and whether it is one value and not a list of all that was found.
pub fn found(of: &str, path: &str) -> (String, bool) {
    match plain(of, path) {
        Some(expression) => (expression, true),
        None => (
            format!("jsonpath({of}, {})", text_literal(path.trim())),
            false,
        ),
    }
}

/// How many a path finds.
pub fn count(of: &str, path: &str) -> String {
    format!("size(jsonpath({of}, {}))", text_literal(path.trim()))
}

fn plain(of: &str, path: &str) -> Option<String> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut made = of.to_owned();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (name, after) = bracketed(inner)?;
            made = match name.parse::<u32>() {
                Ok(index) if !inner.starts_with(['\'', '"']) => format!("{made}[{index}]"),
                _ if inner.starts_with(['\'', '"']) => member(&made, name),
                _ => return None,
            };
            rest = after;
        } else {
            let inner = rest.strip_prefix('.')?;
            let end = inner.find(['.', '[']).unwrap_or(inner.len());
            let name = &inner[..end];
            let plain = |letter: char| letter.is_alphanumeric() || "_-@".contains(letter);
            if name.is_empty() || !name.chars().all(plain) {
                return None;
            }
            made = member(&made, name);
            rest = &inner[end..];
        }
    }
    Some(made)
}

fn bracketed(inner: &str) -> Option<(&str, &str)> {
    let quote = inner.chars().next().filter(|first| "'\"".contains(*first));
    let Some(quote) = quote else {
        return inner.split_once(']');
    };
    let (name, after) = inner[1..].split_once(quote)?;
    let after = after.strip_prefix(']')?;
    (!name.contains('\\')).then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::found;

    #[test]
    fn plain_paths_are_members() {
        for (path, expected, one) in [
            ("$", "body", true),
            ("$.a.b[0]['c d']", "body.a.b[0]['c d']", true),
            ("$[\"in\"]", "body['in']", true),
            ("$.items[*].id", "jsonpath(body, '$.items[*].id')", false),
            ("$..id", "jsonpath(body, '$..id')", false),
            ("$.a[-1]", "jsonpath(body, '$.a[-1]')", false),
            (
                "$.a[?(@.b=='c')]",
                r"jsonpath(body, '$.a[?(@.b==\'c\')]')",
                false,
            ),
        ] {
            assert_eq!(found("body", path), (expected.to_owned(), one), "{path}");
        }
    }
}
