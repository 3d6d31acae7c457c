//! Predicates of Hurl as conditions, each with the kinds of values that it speaks about.

use super::draft::Draft;
use super::hurl_asked::{Asked, Kind, constant, is_variable};
use super::hurl_syntax::Word;
use super::placeholders::{Piece, pieces};
use super::words::text_literal;

/// What a predicate asks for.
pub(super) struct Wanted {
    /// What must be of the value whether it is to hold or not; another kind fails either way.
    pub kinds: Option<String>,
    /// Whether what holds fails of any other kind anyway.
    pub fails_by_itself: bool,
    /// What holds then.
    pub holds: String,
}

/// A number from 0 to 255, as addresses have it.
const OCTET: &str = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const MOMENT: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$";
const UUID: &str =
    "^(urn:uuid:)?([0-9a-fA-F]{32}|[{]?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}[}]?)$";

/// A predicate with what it is given.
pub(super) fn predicate(
    draft: &mut Draft,
    asked: &Asked,
    name: &str,
    given: &[Word],
) -> Result<Wanted, String> {
    let of = &asked.expression;
    let holds = |holds: String| {
        Ok(Wanted {
            kinds: None,
            fails_by_itself: false,
            holds,
        })
    };
    let is = |names: &str| match names.contains(',') {
        true => format!("kind({of}) in [{names}]"),
        false => format!("kind({of}) == {names}"),
    };
    let text = || (asked.kind != Kind::Text).then(|| is("'string'"));
    let of_text = |holds: String| {
        Ok(Wanted {
            kinds: text(),
            fails_by_itself: true,
            holds,
        })
    };
    if given.is_empty() {
        if matches!(asked.kind, Kind::Time | Kind::Expiry) {
            return Err(format!("the predicate `{name}` of a time"));
        }
        return match name {
            "isBoolean" => holds(is("'bool'")),
            "isCollection" | "isList" | "isObject" if asked.kind == Kind::Bytes => {
                Err(format!("the predicate `{name}` of bytes"))
            }
            "isCollection" => holds(is("'list', 'map'")),
            "isList" => holds(is("'list'")),
            "isObject" => holds(is("'map'")),
            "isFloat" => holds(is("'double'")),
            "isInteger" => holds(is("'int', 'uint'")),
            "isNumber" => holds(is("'int', 'uint', 'double'")),
            "isString" if asked.kind == Kind::Bytes => holds("false".to_owned()),
            "isString" => holds(is("'string'")),
            "isEmpty" => Ok(Wanted {
                kinds: Some(is("'string', 'list', 'map', 'bytes'")),
                fails_by_itself: true,
                holds: format!("size({of}) == 0"),
            }),
            "isIsoDate" => of_text(matches(of, MOMENT)),
            "isUuid" => of_text(matches(of, UUID)),
            "isIpv4" => of_text(matches(of, &format!("^{OCTET}([.]{OCTET}){{3}}$"))),
            other => Err(format!("the predicate `{other}` is not known")),
        };
    }
    let [given] = given else {
        return Err(format!("the predicate `{name}` is not known"));
    };
    match asked.kind {
        Kind::Time => return time(of, name, given),
        Kind::Expiry => return Err("the date of a certificate: say `daysAfterNow`".to_owned()),
        Kind::Bytes => return bytes(of, name, given),
        Kind::Any | Kind::Text | Kind::Number => {}
    }
    match name {
        "==" | "!=" | ">" | ">=" | "<" | "<=" => {
            holds(format!("{of} {name} {}", value(draft, given)?))
        }
        "startsWith" | "endsWith" => {
            let given = letters(draft, given)?;
            of_text(format!("{of}.{name}({given})"))
        }
        "contains" if asked.kind == Kind::Text => {
            let given = letters(draft, given)?;
            holds(format!("{of}.contains({given})"))
        }
        "contains" => {
            let given = value(draft, given)?;
            Ok(Wanted {
                kinds: Some(is("'string', 'list'")),
                fails_by_itself: true,
                holds: format!("(kind({of}) == 'list' ? {given} in {of} : {of}.contains({given}))"),
            })
        }
        "includes" => Ok(Wanted {
            kinds: Some(is("'list'")),
            fails_by_itself: false,
            holds: format!("{} in {of}", value(draft, given)?),
        }),
        "matches" => of_text(format!("{of}.matches({})", pattern(given)?)),
        other => Err(format!("the predicate `{other}` is not known")),
    }
}

fn matches(of: &str, pattern: &str) -> String {
    format!("{of}.matches({})", text_literal(pattern))
}

fn time(of: &str, operator: &str, given: &Word) -> Result<Wanted, String> {
    let number = match given {
        Word::Bare(number) => number.parse::<u32>().ok(),
        _ => None,
    };
    let number = number.ok_or("a time is compared with a number")?;
    if !["==", "!=", ">", ">=", "<", "<="].contains(&operator) {
        return Err(format!("the predicate `{operator}` of a time"));
    }
    Ok(Wanted {
        kinds: None,
        fails_by_itself: false,
        holds: format!("{of} {operator} duration('{number}ms')"),
    })
}

/// Bytes are compared with bytes.
fn bytes(of: &str, operator: &str, given: &Word) -> Result<Wanted, String> {
    let wrong = || "bytes are compared with `hex,…;` or `base64,…;`".to_owned();
    let (true, Word::Bare(word)) = (matches!(operator, "==" | "!="), given) else {
        return Err(wrong());
    };
    let word = word.strip_suffix(';').ok_or_else(wrong)?;
    // What makes hashes makes their digits.
    let is_digits = of.starts_with("sha256(") || of.starts_with("md5(");
    let holds = match word.split_once(',') {
        Some(("hex", digits)) => {
            let digits = text_literal(&digits.trim().to_ascii_lowercase());
            match is_digits {
                true => format!("{of} {operator} {digits}"),
                false => format!("hex({of}) {operator} {digits}"),
            }
        }
        Some(("base64", letters)) if !is_digits => {
            format!("base64({of}) {operator} {}", text_literal(letters.trim()))
        }
        _ => return Err(wrong()),
    };
    Ok(Wanted {
        kinds: None,
        fails_by_itself: false,
        holds,
    })
}

/// A text to look for.
fn letters(draft: &mut Draft, word: &Word) -> Result<String, String> {
    match word {
        Word::Text(_) => value(draft, word),
        word if is_variable(word) => value(draft, word),
        _ => Err("it is looked for a text".to_owned()),
    }
}

/// A value to compare with.
fn value(draft: &mut Draft, word: &Word) -> Result<String, String> {
    match word {
        Word::Text(text) => Ok(draft.expression(text, constant)),
        Word::Pattern(_) => Err("a regular expression is no value".to_owned()),
        Word::Bare(word) => {
            let mut all = pieces(word);
            if let (Some(Piece::Name(name)), None) = (all.next(), all.next()) {
                return Ok(draft.typed(name));
            }
            let is_word = matches!(word.as_str(), "true" | "false" | "null");
            let digits = word.strip_prefix('-').unwrap_or(word);
            let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if is_whole && word.parse::<i64>().is_err() {
                return Err(format!("`{word}` has more digits than are compared"));
            }
            let is_number = digits.starts_with(|first: char| first.is_ascii_digit())
                && digits.ends_with(|last: char| last.is_ascii_digit())
                && word.parse::<f64>().is_ok_and(f64::is_finite);
            // Nought before another digit is no number of expressions.
            let is_odd = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
            match is_word || is_number && !is_odd {
                true => Ok(word.clone()),
                false => Err(format!("`{word}` is no value that is known")),
            }
        }
    }
}

fn pattern(word: &Word) -> Result<String, String> {
    match word {
        word if is_variable(word) => Err("a placeholder in a regular expression".to_owned()),
        Word::Text(text) | Word::Pattern(text) => match regex::Regex::new(text) {
            Ok(_) => Ok(text_literal(text)),
            Err(_) => Err(format!("`{text}` is no regular expression")),
        },
        Word::Bare(word) => Err(format!("`{word}` is no regular expression")),
    }
}
