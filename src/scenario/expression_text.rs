//! Expressions as text: where names stand in them, and mistakes that CEL's parser does not explain.

use super::expression::{NAMES, REPLY_NAMES};
use super::functions;
use super::scope::Mistake;
use std::borrow::Cow;

pub(super) fn parse_mistake(text: &str, errors: &cel::ParseErrors) -> Mistake {
    let first = errors.errors.first();
    let column = first.map_or(1, |error| error.pos.1.max(1)) as usize - 1;
    let at = text
        .char_indices()
        .nth(column)
        .map_or(text.len(), |(at, _)| at);
    let message = first.map_or_else(|| "it is empty".to_owned(), |error| error.msg.clone());
    let message = message
        .trim_start_matches("Syntax error: ")
        .split(" expecting ")
        .next()
        .unwrap_or_default()
        .to_owned();
    let single_equals = regex::Regex::new(r"[^=!<>]=[^=]").is_ok_and(|r| r.is_match(text));
    Mistake {
        code: "bad-expression",
        message: format!("the expression does not parse: {message}"),
        range: (at, (at + 1).min(text.len()).max(at)),
        hint: Some(if text.matches('(').count() != text.matches(')').count() {
            "parentheses do not match; inside `[ … ]` a comma ends an item, so quote an expression that holds one".to_owned()
        } else if single_equals {
            "equality is written `==`".to_owned()
        } else {
            "expressions are CEL, such as `status == 200` or `body.items.size() > 0`".to_owned()
        }),
    }
}

pub(super) fn check_functions(
    text: &str,
    used: &[&str],
    whole: (usize, usize),
) -> Result<(), Mistake> {
    const STANDARD: [&str; 34] = [
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "string",
        "int",
        "uint",
        "double",
        "bool",
        "bytes",
        "duration",
        "timestamp",
        "type",
        "dyn",
        "has",
        "all",
        "exists",
        "exists_one",
        "map",
        "filter",
        "getFullYear",
        "getMonth",
        "getDayOfYear",
        "getDayOfMonth",
        "getDate",
        "getDayOfWeek",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
        "optional",
        "of",
        "none",
    ];
    for name in used {
        let known = name.contains(['_', '@', '!', '?', '-', '[', '.'])
            || !name.starts_with(|c: char| c.is_ascii_alphabetic())
            || STANDARD.contains(name)
            || functions::named(name).is_some();
        if !known {
            let own = functions::all().map(|function| function.name);
            let all = STANDARD.iter().copied().chain(own);
            let near = crate::document::diagnostic::nearest(name, all);
            return Err(Mistake {
                code: "unknown-name",
                message: format!("there is no function `{name}`"),
                range: find_word(text, name).unwrap_or(whole),
                hint: near.map(|near| format!("did you mean `{near}`?")),
            });
        }
    }
    Ok(())
}

pub(super) fn find_word(text: &str, word: &str) -> Option<(usize, usize)> {
    let boundary = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word)
        .find(|(at, _)| {
            boundary(text[..*at].chars().next_back())
                && boundary(text[at + word.len()..].chars().next())
        })
        .map(|(at, _)| (at, at + word.len()))
}

pub(super) fn members(text: &str, root: &str) -> Vec<(String, (usize, usize))> {
    static FORM: std::sync::OnceLock<regex::Regex> = std::sync::OnceLock::new();
    let form = FORM.get_or_init(|| {
        let pattern = r#"\b([A-Za-z_][A-Za-z0-9_]*)(?:\.([A-Za-z_][A-Za-z0-9_]*)|\[\s*['"]([^'"]+)['"]\s*\])"#;
        regex::Regex::new(pattern).expect("the pattern is a constant")
    });
    let quoted = quoted_ranges(text);
    form.captures_iter(text)
        .filter(|found| found.get(1).is_some_and(|name| name.as_str() == root))
        .filter(|found| is_root(text, &quoted, found))
        .filter_map(|found| found.get(2).or(found.get(3)))
        .map(|found| (found.as_str().to_owned(), (found.start(), found.end())))
        .collect()
}

/// Whether what was found is no member of something else, and no part of a text in quotes.
fn is_root(text: &str, quoted: &[(usize, usize)], found: &regex::Captures<'_>) -> bool {
    let start = found.get(0).map_or(0, |whole| whole.start());
    let is_member = text[..start].trim_end().ends_with('.');
    let is_quoted = |(from, to): &(usize, usize)| (*from..*to).contains(&start);
    !is_member && !quoted.iter().any(is_quoted)
}

/// Columns of data files that a text names, with the file's name.
pub(super) fn columns(text: &str) -> Vec<(String, String, (usize, usize))> {
    static FORM: std::sync::OnceLock<regex::Regex> = std::sync::OnceLock::new();
    let form = FORM.get_or_init(|| {
        let key = r#"(?:\.([A-Za-z_][A-Za-z0-9_]*)|\[\s*['"]([^'"]+)['"]\s*\])"#;
        let pattern = format!(r"\bdata\s*{key}\s*{key}\s*(\()?");
        regex::Regex::new(&pattern).expect("the pattern is a constant")
    });
    let quoted = quoted_ranges(text);
    form.captures_iter(text)
        .filter(|found| found.get(5).is_none())
        .filter(|found| is_root(text, &quoted, found))
        .filter_map(|found| {
            let file = found.get(1).or(found.get(2))?;
            let column = found.get(3).or(found.get(4))?;
            let range = (column.start(), column.end());
            Some((file.as_str().to_owned(), column.as_str().to_owned(), range))
        })
        .collect()
}

/// Names that `all`, `exists`, `map` and `filter` give to the item they look at.
pub(super) fn local_names(text: &str) -> Vec<String> {
    static FORM: std::sync::OnceLock<regex::Regex> = std::sync::OnceLock::new();
    let form = FORM.get_or_init(|| {
        regex::Regex::new(
            r"\.\s*(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_][A-Za-z0-9_]*)\s*,",
        )
        .expect("the pattern is a constant")
    });
    form.captures_iter(text)
        .map(|found| found[1].to_owned())
        .filter(|name| !NAMES.contains(&name.as_str()) && !REPLY_NAMES.contains(&name.as_str()))
        .collect()
}

/// An expression with the names of headers in small letters, as they are kept; as long as it was.
pub(super) fn with_low_headers(text: &str) -> Cow<'_, str> {
    static FORM: std::sync::OnceLock<regex::Regex> = std::sync::OnceLock::new();
    let form = FORM.get_or_init(|| {
        let name = r#"(?:'[^'\\]*'|"[^"\\]*")"#;
        let pattern = format!(r"\bheaders\s*\[\s*{name}|{name}\s+in\s+headers\b");
        regex::Regex::new(&pattern).expect("the pattern is a constant")
    });
    form.replace_all(text, |found: &regex::Captures<'_>| {
        found[0].to_ascii_lowercase()
    })
}

/// What an expression compares, each once: the left side of each comparison that stands alone or between
/// `&&` and `||`. Nothing of a choice, nor of what stands in parentheses.
pub(super) fn compared(text: &str) -> Vec<&str> {
    let quoted = quoted_ranges(text);
    let is_quoted = |at: usize| quoted.iter().any(|(from, to)| (*from..=*to).contains(&at));
    let (mut depth, mut begun) = (0_i32, 0);
    let mut found: Vec<&str> = Vec::new();
    let mut is_compared = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_quoted(at) => continue,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth != 0 {
            continue;
        }
        let rest = &text[at..];
        if letter == '?' {
            return Vec::new();
        }
        if rest.starts_with("&&") || rest.starts_with("||") {
            (begun, is_compared) = (at + 2, false);
        }
        let signs = ["==", "!=", "<", ">", " in "];
        if !is_compared && signs.iter().any(|sign| rest.starts_with(sign)) {
            is_compared = true;
            let side = text[begun..at].trim();
            let is_literal =
                side.starts_with(['\'', '"']) || side.starts_with(|c: char| c.is_ascii_digit());
            if !side.is_empty() && !is_literal && !found.contains(&side) {
                found.push(side);
            }
        }
    }
    found
}

/// Byte ranges of the string literals of an expression.
fn quoted_ranges(text: &str) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match open {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some((start, quote)) if c == quote => {
                ranges.push((start, at));
                open = None;
            }
            Some(_) => {}
            None if c == '\'' || c == '"' => open = Some((at, c)),
            None => {}
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_headers_have_no_case() {
        for (text, lowered) in [
            (
                "headers['Content-Type'].startsWith('Text/')",
                "headers['content-type'].startsWith('Text/')",
            ),
            (
                "\"X-A\" in headers && headers [ \"X-A\" ] != 'B'",
                "\"x-a\" in headers && headers [ \"x-a\" ] != 'B'",
            ),
            ("body['A'] == 'headers'", "body['A'] == 'headers'"),
        ] {
            assert_eq!(with_low_headers(text), lowered);
        }
    }

    #[test]
    fn what_is_compared_is_every_left_side() {
        for (text, sides) in [
            ("body.a == 1", &["body.a"][..]),
            ("body.a == '==' && body.b < 2", &["body.a", "body.b"]),
            ("body.a >= 0.0 && body.a <= 1.0", &["body.a"]),
            (
                "'k' in headers || headers['a>b'] in ['x']",
                &["headers['a>b']"],
            ),
            (
                "!('k' in headers) || headers['k'] == 'x'",
                &["headers['k']"],
            ),
            ("body.a == 1 ? true : body.b == 2", &[]),
            ("body.all(k, k > 2)", &[]),
            ("0 < body.a", &[]),
            ("body.size() > 0", &["body.size()"]),
        ] {
            assert_eq!(compared(text), sides, "{text}");
        }
    }
}
