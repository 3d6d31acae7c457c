//! Captures and asserts of Hurl as expressions: a query, filters, and a predicate.

use super::draft::Draft;
use super::hurl_syntax::Word;
use super::json_path;
use super::placeholders::{Piece, pieces};
use super::words::text_literal;

/// A value on its way through the filters.
struct Asked {
    expression: String,
    kind: Kind,
    /// Holds where there is one.
    is_there: Option<String>,
}

/// What is known of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    Text,
    /// All that a path found, as a list.
    Found,
    /// Milliseconds.
    Time,
    /// An end of a certificate.
    Expiry,
}

/// Names of Hurl's own are not looked for in replies.
pub fn constant(_: &str) -> Option<String> {
    None
}

/// A capture as an expression.
///
/// # Errors
///
/// Why it cannot be one.
pub fn captured(draft: &mut Draft, words: &[Word]) -> Result<String, String> {
    let (asked, rest) = asked(draft, words)?;
    match (rest, asked.kind) {
        ([], Kind::Time | Kind::Expiry) => Err("a time cannot be kept".to_owned()),
        // Where one is found, it is the value.
        ([], Kind::Found) => {
            let all = asked.expression;
            Ok(format!("size({all}) == 1 ? {all}[0] : {all}"))
        }
        ([], _) => Ok(asked.expression),
        ([Word::Bare(word)], _) if word == "redact" => Ok(asked.expression),
        (other, _) => Err(format!("`{}` is not known", shown(other))),
    }
}

/// An assert as a condition.
///
/// # Errors
///
/// Why it cannot be one.
pub fn condition(draft: &mut Draft, words: &[Word]) -> Result<String, String> {
    let (mut asked, mut rest) = asked(draft, words)?;
    let is_not = matches!(rest.first(), Some(Word::Bare(word)) if word == "not");
    if is_not {
        rest = &rest[1..];
    }
    let Some((Word::Bare(name), given)) = rest.split_first() else {
        return Err("it says no predicate".to_owned());
    };
    if name == "exists" {
        return Ok(exists(&asked, !is_not));
    }
    let takes_all = ["isEmpty", "isList", "isCollection", "includes", "contains"];
    let only = match asked.kind == Kind::Found && !takes_all.contains(&name.as_str()) {
        // Where one is found, it is the value; several are a list.
        true => Some(format!("size({}) == 1", asked.expression)),
        false => None,
    };
    if only.is_some() {
        asked.expression = format!("{}[0]", asked.expression);
    }
    let made = predicate(draft, &asked, name, given)?;
    let made = match only {
        Some(only) => format!("{only} && {made}"),
        None => made,
    };
    Ok(match is_not {
        true => format!("!({made})"),
        false => made,
    })
}

fn exists(asked: &Asked, wanted: bool) -> String {
    let of = &asked.expression;
    match (&asked.is_there, wanted) {
        (Some(there), true) => there.clone(),
        (Some(there), false) => match there.strip_suffix(" > 0") {
            Some(count) => format!("{count} == 0"),
            None => format!("!({there})"),
        },
        (None, true) => format!("kind({of}) != 'null'"),
        (None, false) => format!("kind({of}) == 'null'"),
    }
}

fn predicate(
    draft: &mut Draft,
    asked: &Asked,
    name: &str,
    given: &[Word],
) -> Result<String, String> {
    let of = &asked.expression;
    let kind = |names: &str| format!("kind({of}) in [{names}]");
    let simple = match name {
        "isBoolean" => Some(kind("'bool'")),
        "isCollection" => Some(kind("'list', 'map'")),
        "isList" => Some(kind("'list'")),
        "isObject" => Some(kind("'map'")),
        "isFloat" => Some(kind("'double'")),
        "isInteger" => Some(kind("'int'")),
        "isNumber" => Some(kind("'int', 'double'")),
        "isString" => Some(kind("'string'")),
        "isEmpty" => Some(format!("size({of}) == 0")),
        "isIsoDate" => Some(format!("kind(timestamp({of})) == 'timestamp'")),
        "isUuid" => Some(format!(
            "{of}.matches('^[0-9a-fA-F]{{8}}(-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}$')"
        )),
        "isIpv4" => Some(format!(
            "{of}.matches('^[0-9]{{1,3}}([.][0-9]{{1,3}}){{3}}$')"
        )),
        _ => None,
    };
    if let (Some(made), []) = (simple, given) {
        return Ok(made);
    }
    let [given] = given else {
        return Err(format!("the predicate `{name}` is not known"));
    };
    let operator = match name {
        "equals" => "==",
        "notEquals" => "!=",
        "greaterThan" => ">",
        "greaterThanOrEquals" => ">=",
        "lessThan" => "<",
        "lessThanOrEquals" => "<=",
        other => other,
    };
    if asked.kind == Kind::Time {
        let Word::Bare(number) = given else {
            return Err("a time is compared with a number".to_owned());
        };
        let number: u64 = number
            .parse()
            .map_err(|_| "a time is compared with a number".to_owned())?;
        return Ok(format!("{of} {operator} duration('{number}ms')"));
    }
    match operator {
        "==" | "!=" | ">" | ">=" | "<" | "<=" => {
            if let (Word::Bare(word), true) =
                (given, of.starts_with("sha256(") || of.starts_with("md5("))
                && let Some(digits) = word.strip_prefix("hex,")
            {
                let digits = digits.trim_end_matches(';').trim().to_ascii_lowercase();
                return Ok(format!("{of} {operator} {}", text_literal(&digits)));
            }
            // Words are text there, whatever a reply or an input holds.
            let (value, is_text) = value(draft, given)?;
            let of = of.clone();
            let is_open = is_text && asked.kind == Kind::Any && is_variable(given);
            let (of, value) = match (is_open, operator) {
                (true, "==" | "!=") => (format!("string({of})"), value),
                (true, _) => (format!("double({of})"), format!("double({value})")),
                _ => (of, value),
            };
            Ok(format!("{of} {operator} {value}"))
        }
        "startsWith" | "endsWith" => Ok(format!("{of}.{name}({})", value(draft, given)?.0)),
        "contains" if asked.kind == Kind::Found => {
            Ok(format!("{} in {of}", value(draft, given)?.0))
        }
        "contains" if asked.kind == Kind::Any => {
            let wanted = value(draft, given)?.0;
            Ok(format!(
                "(kind({of}) == 'list' ? {wanted} in {of} : {of}.contains({wanted}))"
            ))
        }
        "contains" => Ok(format!("{of}.contains({})", value(draft, given)?.0)),
        "includes" => Ok(format!("{} in {of}", value(draft, given)?.0)),
        "matches" => Ok(format!("{of}.matches({})", pattern(given)?)),
        other => Err(format!("the predicate `{other}` is not known")),
    }
}

fn is_variable(word: &Word) -> bool {
    matches!(word, Word::Text(text) | Word::Bare(text) if pieces(text).any(|piece| matches!(piece, Piece::Name(_))))
}

/// A value to compare with, and whether it is a text.
fn value(draft: &mut Draft, word: &Word) -> Result<(String, bool), String> {
    match word {
        Word::Text(text) => Ok((draft.expression(text, constant), true)),
        Word::Pattern(_) => Err("a regular expression is no value".to_owned()),
        Word::Bare(word) => {
            let mut all = pieces(word);
            if let (Some(Piece::Name(name)), None) = (all.next(), all.next()) {
                let is_captured = draft.is_captured(name);
                let named = draft.variable(name);
                return Ok((named, !is_captured));
            }
            let is_word = matches!(word.as_str(), "true" | "false" | "null");
            let is_whole = word
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-');
            if is_whole && !is_word && word.parse::<i64>().is_err() {
                return Err(format!("`{word}` has more digits than are compared"));
            }
            match is_word || word.parse::<f64>().is_ok() && !word.ends_with('.') {
                true => Ok((word.clone(), false)),
                false => Err(format!("`{word}` is no value that is known")),
            }
        }
    }
}

fn pattern(word: &Word) -> Result<String, String> {
    match word {
        word if is_variable(word) => Err("a placeholder in a regular expression".to_owned()),
        Word::Text(text) | Word::Pattern(text) => Ok(text_literal(text)),
        Word::Bare(word) => Err(format!("`{word}` is no regular expression")),
    }
}

fn shown(words: &[Word]) -> String {
    let all = words.iter().map(|word| match word {
        Word::Bare(text) | Word::Text(text) | Word::Pattern(text) => text.as_str(),
    });
    all.collect::<Vec<_>>().join(" ")
}

/// The query and its filters; what comes after them.
fn asked<'w>(draft: &mut Draft, words: &'w [Word]) -> Result<(Asked, &'w [Word]), String> {
    let (mut asked, mut rest) = query(draft, words)?;
    loop {
        match filter(draft, &asked, rest)? {
            Some((next, after)) => (asked, rest) = (next, after),
            None => return Ok((asked, rest)),
        }
    }
}

fn plain(expression: impl Into<String>, kind: Kind) -> Asked {
    Asked {
        expression: expression.into(),
        kind,
        is_there: None,
    }
}

fn query<'w>(draft: &mut Draft, words: &'w [Word]) -> Result<(Asked, &'w [Word]), String> {
    let Some((Word::Bare(name), rest)) = words.split_first() else {
        return Err("it asks for nothing".to_owned());
    };
    let simple = match name.as_str() {
        "status" => Some(plain("status", Kind::Any)),
        "url" => Some(plain("url", Kind::Text)),
        "version" => Some(plain("version", Kind::Text)),
        "body" | "rawbytes" => Some(plain("text", Kind::Text)),
        "bytes" => Some(plain("bytes", Kind::Any)),
        "duration" => Some(plain("latency", Kind::Time)),
        "sha256" | "md5" => Some(plain(format!("{name}(text)"), Kind::Text)),
        _ => None,
    };
    if let Some(asked) = simple {
        return Ok((asked, rest));
    }
    let given = match rest.split_first() {
        Some((Word::Text(text), rest)) => Some((text.as_str(), rest)),
        Some((Word::Pattern(text), rest)) if name == "regex" => Some((text.as_str(), rest)),
        _ => None,
    };
    let Some((given, rest)) = given else {
        return Err(format!("the query `{name}` is not known"));
    };
    let is_open = pieces(given).any(|piece| matches!(piece, Piece::Name(_)));
    if is_open && name != "header" {
        return Err(format!("a placeholder in the query `{name}`"));
    }
    let asked = match name.as_str() {
        "header" => of_map("headers", &draft.expression(given, constant)),
        "cookie" if !given.contains('[') => of_map("cookies", &text_literal(given)),
        "jsonpath" => path("body", given),
        "regex" => Asked {
            is_there: Some(format!("text.matches({})", text_literal(given))),
            ..plain(format!("find(text, {})", text_literal(given)), Kind::Text)
        },
        "variable" => plain(draft.variable(given), Kind::Any),
        "certificate" => match given {
            "Expire-Date" => plain("tls.days_left", Kind::Expiry),
            "Subject" => plain("tls.subject", Kind::Text),
            "Issuer" => plain("tls.issuer", Kind::Text),
            other => return Err(format!("`{other}` of a certificate")),
        },
        other => return Err(format!("the query `{other}` is not known")),
    };
    Ok((asked, rest))
}

fn of_map(of: &str, name: &str) -> Asked {
    Asked {
        is_there: Some(format!("{name} in {of}")),
        ..plain(format!("{of}[{name}]"), Kind::Text)
    }
}

fn path(of: &str, path: &str) -> Asked {
    let (expression, is_one) = json_path::found(of, path);
    Asked {
        expression,
        kind: if is_one { Kind::Any } else { Kind::Found },
        is_there: Some(format!("{} > 0", json_path::count(of, path))),
    }
}

/// The value after the next filter, and what comes behind that.
fn filter<'w>(
    draft: &mut Draft,
    asked: &Asked,
    words: &'w [Word],
) -> Result<Option<(Asked, &'w [Word])>, String> {
    let of = &asked.expression;
    let Some((Word::Bare(name), rest)) = words.split_first() else {
        return Ok(None);
    };
    // Of several headers of a name only the first is looked at.
    if of.starts_with("headers[") && matches!(name.as_str(), "count" | "nth" | "first" | "last") {
        return Err(format!("`{name}` of a header"));
    }
    let simple = match name.as_str() {
        "count" => Some(plain(format!("size({of})"), Kind::Any)),
        "first" => Some(plain(format!("{of}[0]"), Kind::Any)),
        "last" => Some(plain(format!("{of}[size({of}) - 1]"), Kind::Any)),
        "toInt" => Some(plain(format!("int({of})"), Kind::Any)),
        "toFloat" => Some(plain(format!("double({of})"), Kind::Any)),
        "toString" => Some(plain(format!("string({of})"), Kind::Text)),
        "toHex" => Some(plain(format!("hex({of})"), Kind::Text)),
        "urlEncode" => Some(plain(format!("urlEncode({of})"), Kind::Text)),
        "urlDecode" => Some(plain(format!("urlDecode({of})"), Kind::Text)),
        "base64Encode" => Some(plain(format!("base64({of})"), Kind::Text)),
        "base64UrlSafeEncode" => Some(plain(format!("base64Url({of})"), Kind::Text)),
        "base64Decode" | "base64UrlSafeDecode" => {
            Some(plain(format!("base64Decode({of})"), Kind::Text))
        }
        "utf8Decode" | "utf8Encode" => Some(plain(of.clone(), Kind::Text)),
        "daysAfterNow" if asked.kind == Kind::Expiry => Some(plain(of.clone(), Kind::Any)),
        _ => None,
    };
    if let Some(next) = simple {
        return Ok(Some((next, rest)));
    }
    let next = match (name.as_str(), rest) {
        ("nth", [Word::Bare(at), rest @ ..]) => {
            let at: i64 = at.parse().map_err(|_| format!("`nth {at}`"))?;
            let at = match at {
                0.. => at.to_string(),
                _ => format!("size({of}) - {}", -at),
            };
            (plain(format!("{of}[{at}]"), Kind::Any), rest)
        }
        ("split", [Word::Text(by), rest @ ..]) => (
            plain(format!("split({of}, {})", text_literal(by)), Kind::Any),
            rest,
        ),
        ("replace", [Word::Text(old), Word::Text(new), rest @ ..]) => {
            let (old, new) = (text_literal(old), draft.expression(new, constant));
            (
                plain(format!("replace({of}, {old}, {new})"), Kind::Text),
                rest,
            )
        }
        ("regex", [Word::Text(text) | Word::Pattern(text), rest @ ..]) => (
            plain(format!("find({of}, {})", text_literal(text)), Kind::Text),
            rest,
        ),
        ("jsonpath", [Word::Text(inner), rest @ ..]) => {
            let of = match asked.kind {
                Kind::Text => format!("parseJson({of})"),
                _ => of.clone(),
            };
            (path(&of, inner), rest)
        }
        _ => return Ok(None),
    };
    Ok(Some(next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::hurl_syntax;

    fn said(row: &str) -> Result<String, String> {
        let text = format!("GET http://a\nHTTP 200\n[Asserts]\n{row}\n");
        let entries = hurl_syntax::read(&text).map_err(|wrong| format!("{wrong:?}"))?;
        let reply = entries[0].reply.as_ref().ok_or("no reply")?;
        let mut draft = Draft::new("a");
        condition(&mut draft, &reply.sections[0].rows[0].words)
    }

    #[test]
    fn asserts_are_conditions() {
        for (row, expected) in [
            ("status < 300", "status < 300"),
            ("header \"ETag\" exists", "'ETag' in headers"),
            (
                "header \"ETag\" == \"x{{a}}\"",
                "headers['ETag'] == 'x' + string(inputs.a)",
            ),
            ("jsonpath \"$.a.b\" == \"c\"", "body.a.b == 'c'"),
            ("jsonpath \"$.n\" == {{n}}", "string(body.n) == inputs.n"),
            (
                "jsonpath \"$.a\" not exists",
                "size(jsonpath(body, '$.a')) == 0",
            ),
            (
                "jsonpath \"$.items[*].id\" count == 3",
                "size(jsonpath(body, '$.items[*].id')) == 3",
            ),
            (
                "jsonpath \"$.items[?(@.a==1)].id\" == 3",
                "size(jsonpath(body, '$.items[?(@.a==1)].id')) == 1 && jsonpath(body, '$.items[?(@.a==1)].id')[0] == 3",
            ),
            ("jsonpath \"$.a\" not isEmpty", "!(size(body.a) == 0)"),
            ("body contains \"it's\"", r"text.contains('it\'s')"),
            ("body not contains \"x\"", "!(text.contains('x'))"),
            ("duration < 250", "latency < duration('250ms')"),
            (
                "certificate \"Expire-Date\" daysAfterNow > 5",
                "tls.days_left > 5",
            ),
            (
                "jsonpath \"$.a\" matches /^\\d+$/",
                r"body.a.matches('^\\d+$')",
            ),
            ("cookie \"s\" exists", "'s' in cookies"),
            ("bytes count == 3", "size(bytes) == 3"),
        ] {
            assert_eq!(said(row), Ok(expected.to_owned()), "{row}");
        }
        for row in [
            "xpath \"//h1\" == \"x\"",
            "body == file,a;",
            "cookie \"s[Secure]\" exists",
            "body ==",
        ] {
            said(row).unwrap_err();
        }
    }
}
