//! Captures and asserts of Hurl as expressions: a query, and filters; what is expected of it is [`super::hurl_predicates`]'s.
//!
//! Hurl is strict where expressions are not: a filter that is given the wrong kind fails whichever way an assert is meant, a path
//! that finds one value is that value, and `not` holds of what is not there. Invariant: what is written here holds only where it
//! holds there, or it is not written.

use super::draft::Draft;
use super::hurl_predicates::predicate;
use super::hurl_syntax::Word;
use super::json_path;
use super::placeholders::{Piece, pieces};
use super::words::text_literal;

/// A value on its way through the filters.
pub(super) struct Asked {
    pub expression: String,
    pub kind: Kind,
    /// Holds where there is one; what is always there says nothing.
    pub is_there: Option<String>,
    /// Whether the expression may have a value though there is none.
    pub is_elsewhere: bool,
    /// What must hold whichever way it is asked.
    pub must: Vec<String>,
}

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Text,
    Number,
    Bytes,
    /// Milliseconds.
    Time,
    /// An end of a certificate.
    Expiry,
}

/// An assert: what it is about, and the condition.
#[derive(Debug, PartialEq, Eq)]
pub struct Assert {
    /// What must hold of the reply before anybody asks.
    pub first: Option<String>,
    /// The condition.
    pub condition: String,
}

/// Names of Hurl's own are not looked for in replies.
pub fn constant(_: &str) -> Option<String> {
    None
}

/// A capture as an expression, with what must hold for it.
///
/// # Errors
///
/// Why it cannot be one.
pub fn captured(draft: &mut Draft, words: &[Word]) -> Result<(String, Vec<String>), String> {
    let (asked, rest) = asked(draft, words)?;
    let is_known = match rest {
        [] => true,
        [Word::Bare(word)] => word == "redact",
        _ => false,
    };
    match asked.kind {
        _ if !is_known => Err(format!("`{}` is not known", shown(rest))),
        Kind::Time | Kind::Expiry => Err("a time cannot be kept".to_owned()),
        Kind::Bytes => Err("bytes cannot be kept".to_owned()),
        _ => Ok((asked.expression, asked.must)),
    }
}

/// What every path asks for.
const IS_JSON: &str = "isJson(text)";
/// What whoever asks for the text of a body asks for.
const IS_TEXT: &str = "isText(bytes)";
/// Both are said once.
const FIRST: [&str; 2] = [IS_JSON, IS_TEXT];

/// An assert as a condition.
///
/// # Errors
///
/// Why it cannot be one.
pub fn condition(draft: &mut Draft, words: &[Word]) -> Result<Assert, String> {
    let (asked, mut rest) = asked(draft, words)?;
    let is_not = matches!(rest.first(), Some(Word::Bare(word)) if word == "not");
    if is_not {
        rest = &rest[1..];
    }
    let Some((Word::Bare(name), given)) = rest.split_first() else {
        return Err("it says no predicate".to_owned());
    };
    let made = match (name.as_str(), given) {
        ("exists", []) => exists(&asked, !is_not),
        _ => {
            let wanted = predicate(draft, &asked, name, given)?;
            let there = asked.is_there.as_deref();
            let mut all: Vec<String> = there
                .filter(|_| asked.is_elsewhere && !is_not)
                .map(str::to_owned)
                .into_iter()
                .collect();
            all.extend(wanted.kinds.filter(|_| is_not || !wanted.fails_by_itself));
            match is_not {
                true => all.push(format!("!({})", wanted.holds)),
                false => all.push(wanted.holds),
            }
            let all = all.join(" && ");
            match there.filter(|_| is_not) {
                // What is not there is nothing that it must not be.
                Some(there) => format!("({} || {all})", without(there)),
                None => all,
            }
        }
    };
    let is_first = |must: &&String| FIRST.contains(&must.as_str());
    let first = asked.must.iter().find(is_first).cloned();
    let must = asked.must.into_iter().filter(|must| !is_first(&must));
    let all: Vec<String> = must.chain([made]).collect();
    Ok(Assert {
        first,
        condition: all.join(" && "),
    })
}

fn without(there: &str) -> String {
    match there.strip_suffix(" > 0") {
        Some(count) => format!("{count} == 0"),
        None => format!("!({there})"),
    }
}

fn exists(asked: &Asked, wanted: bool) -> String {
    match (&asked.is_there, wanted) {
        (Some(there), true) => there.clone(),
        (Some(there), false) => without(there),
        // What was computed is there, or has failed already.
        (None, true) => format!("kind({}) != ''", asked.expression),
        (None, false) => format!("kind({}) == ''", asked.expression),
    }
}

/// Whether a placeholder stands in a word.
pub(super) fn is_variable(word: &Word) -> bool {
    matches!(word, Word::Text(text) | Word::Bare(text) if is_open(text))
}

fn is_open(text: &str) -> bool {
    pieces(text).any(|piece| matches!(piece, Piece::Name(_)))
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
        is_elsewhere: false,
        must: Vec::new(),
    }
}

fn query<'w>(draft: &mut Draft, words: &'w [Word]) -> Result<(Asked, &'w [Word]), String> {
    let Some((Word::Bare(name), rest)) = words.split_first() else {
        return Err("it asks for nothing".to_owned());
    };
    let simple = match name.as_str() {
        "status" => Some(plain("status", Kind::Number)),
        "url" => Some(plain("url", Kind::Text)),
        "version" => Some(plain("replace(version, 'HTTP/', '')", Kind::Text)),
        "body" => Some(of_text("text")),
        "bytes" => Some(plain("bytes", Kind::Bytes)),
        "duration" => Some(plain("latency", Kind::Time)),
        "sha256" | "md5" => Some(plain(format!("{name}(bytes)"), Kind::Bytes)),
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
    if is_open(given) && name != "header" {
        return Err(format!("a placeholder in the query `{name}`"));
    }
    let asked = match name.as_str() {
        "header" => of_map(
            "headers",
            &draft.expression(&given.to_ascii_lowercase(), constant),
            given,
        )?,
        "cookie" if !given.contains('[') => cookie(given),
        "jsonpath" => path("body", given)?,
        "regex" => Asked {
            must: vec![IS_TEXT.to_owned()],
            ..grouped("text", given)?
        },
        "variable" => plain(draft.typed(given), Kind::Any),
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

/// What is asked of the body as a text.
fn of_text(expression: &str) -> Asked {
    Asked {
        must: vec![IS_TEXT.to_owned()],
        ..plain(expression, Kind::Text)
    }
}

fn of_map(of: &str, name: &str, written: &str) -> Result<Asked, String> {
    if is_open(written) && written.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("a placeholder and capital letters in the name of a header".to_owned());
    }
    Ok(Asked {
        is_there: Some(format!("{name} in {of}")),
        ..plain(format!("{of}[{name}]"), Kind::Text)
    })
}

/// A cookie of this reply, and of none before it.
fn cookie(name: &str) -> Asked {
    let pattern = text_literal(&format!("(^|, ){}=", regex::escape(name)));
    let there = format!("('set-cookie' in headers && headers['set-cookie'].matches({pattern}))");
    let name = text_literal(name);
    Asked {
        is_there: Some(there),
        is_elsewhere: true,
        ..plain(format!("cookies[{name}]"), Kind::Text)
    }
}

fn path(of: &str, path: &str) -> Result<Asked, String> {
    let (expression, is_one) = json_path::found(of, path);
    if path.trim() != path || serde_json_path::JsonPath::parse(path).is_err() {
        return Err(format!("`{path}` is no path of RFC 9535"));
    }
    Ok(Asked {
        expression: match is_one {
            // What is no JSON is none.
            true if expression == "body" => "parseJson(text)".to_owned(),
            true => expression,
            // Where one is found, it is the value.
            false => format!("oneOrAll({expression})"),
        },
        is_there: Some(format!("{} > 0", json_path::count(of, path))),
        must: match of {
            "body" => vec![IS_JSON.to_owned()],
            _ => Vec::new(),
        },
        is_elsewhere: false,
        kind: Kind::Any,
    })
}

/// The first group of what a pattern finds.
fn grouped(of: &str, pattern: &str) -> Result<Asked, String> {
    let groups = regex::Regex::new(pattern).map(|pattern| pattern.captures_len());
    match groups {
        Ok(2..) => {}
        Ok(_) => return Err(format!("`{pattern}` has no group, and finds nothing there")),
        Err(_) => return Err(format!("`{pattern}` is no regular expression")),
    }
    let pattern = text_literal(pattern);
    Ok(Asked {
        is_there: Some(format!("{of}.matches({pattern})")),
        ..plain(format!("find({of}, {pattern})"), Kind::Text)
    })
}

/// What filters need of what they are given.
fn needs(asked: &Asked, kinds: &str, known: &[Kind]) -> Option<String> {
    let of = &asked.expression;
    let is = || match kinds.contains(',') {
        true => format!("kind({of}) in [{kinds}]"),
        false => format!("kind({of}) == {kinds}"),
    };
    (!known.contains(&asked.kind)).then(is)
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
    let is_header = of.starts_with("headers[");
    let all = matches!(name.as_str(), "count" | "nth" | "first" | "last");
    if is_header && all {
        return Err(format!("`{name}` of a header"));
    }
    let list = || needs(asked, "'list'", &[]);
    let text = || needs(asked, "'string'", &[Kind::Text]);
    let bytes = |made: String, kind: Kind| match asked.kind {
        Kind::Bytes => Ok(Some((plain(made, kind), None))),
        _ => Err(format!("`{name}` of what is no bytes")),
    };
    let simple = match name.as_str() {
        "count" => {
            let need = needs(asked, "'list', 'bytes'", &[Kind::Bytes]);
            Some((plain(format!("size({of})"), Kind::Number), need))
        }
        "first" => Some((plain(format!("{of}[0]"), Kind::Any), list())),
        "last" => Some((plain(format!("{of}[size({of}) - 1]"), Kind::Any), list())),
        "toInt" => Some((plain(format!("int({of})"), Kind::Number), None)),
        "toFloat" => Some((plain(format!("double({of})"), Kind::Number), None)),
        "toString" => Some((plain(format!("string({of})"), Kind::Text), None)),
        "urlEncode" => {
            let made = format!("replace(urlEncode({of}), '%2F', '/')");
            Some((plain(made, Kind::Text), text()))
        }
        "urlDecode" => Some((plain(format!("urlDecode({of})"), Kind::Text), text())),
        "utf8Encode" => Some((plain(of.clone(), Kind::Bytes), text())),
        "base64Decode" | "base64UrlSafeDecode" => {
            let made = format!("base64Decode({of})");
            Some((plain(made, Kind::Bytes), text()))
        }
        "toHex" => bytes(format!("hex({of})"), Kind::Text)?,
        "base64Encode" => bytes(format!("base64({of})"), Kind::Text)?,
        "base64UrlSafeEncode" => bytes(format!("base64Url({of})"), Kind::Text)?,
        "utf8Decode" => bytes(format!("string({of})"), Kind::Text)?,
        "daysAfterNow" if asked.kind == Kind::Expiry => {
            Some((plain(of.clone(), Kind::Number), None))
        }
        _ => None,
    };
    if let Some((next, need)) = simple {
        return Ok(Some((after(asked, next, need), rest)));
    }
    let (next, need, rest) = match (name.as_str(), rest) {
        ("nth", [Word::Bare(at), rest @ ..]) => {
            let at: i64 = at.parse().map_err(|_| format!("`nth {at}`"))?;
            let at = match at {
                0.. => at.to_string(),
                _ => format!("size({of}) - {}", at.unsigned_abs()),
            };
            (plain(format!("{of}[{at}]"), Kind::Any), list(), rest)
        }
        ("split", [Word::Text(by), rest @ ..]) if !is_open(by) => {
            let made = format!("split({of}, {})", text_literal(by));
            (plain(made, Kind::Any), text(), rest)
        }
        ("replace", [Word::Text(old), Word::Text(new), rest @ ..]) if !is_open(old) => {
            let (old, new) = (text_literal(old), draft.expression(new, constant));
            let made = format!("replace({of}, {old}, {new})");
            (plain(made, Kind::Text), text(), rest)
        }
        ("regex", [Word::Text(text) | Word::Pattern(text), rest @ ..]) if !is_open(text) => {
            let need = needs(asked, "'string'", &[Kind::Text]);
            (grouped(of, text)?, need, rest)
        }
        ("jsonpath", [Word::Text(inner), rest @ ..]) if !is_open(inner) => {
            (path(&format!("parseJson({of})"), inner)?, text(), rest)
        }
        _ => return Ok(None),
    };
    Ok(Some((after(asked, next, need), rest)))
}

/// What must hold of what a filter was given: it must be there, and of its kind, whichever way it is asked.
fn after(asked: &Asked, mut next: Asked, need: Option<String>) -> Asked {
    let mut must = asked.must.clone();
    // What is not there fails by itself, unless it may be somewhere else.
    must.extend(asked.is_there.clone().filter(|_| asked.is_elsewhere));
    must.extend(need);
    must.append(&mut next.must);
    Asked { must, ..next }
}

#[cfg(test)]
#[path = "hurl_asked_tests.rs"]
mod tests;
