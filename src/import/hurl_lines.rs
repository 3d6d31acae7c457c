//! Lines of Hurl: which begin a reply, a request, a section or a body, and which are rows.

use super::hurl_letters::until_comment;

pub(super) const SECTIONS: [&str; 13] = [
    "QueryStringParams",
    "Query",
    "FormParams",
    "Form",
    "MultipartFormData",
    "Multipart",
    "Cookies",
    "BasicAuth",
    "Captures",
    "Asserts",
    "Options",
    "Headers",
    "Response",
];

pub(super) fn is_reply(line: &str) -> bool {
    let rest = line.strip_prefix("HTTP");
    rest.is_some_and(|rest| rest.starts_with([' ', '/', '\t']))
}

pub(super) fn is_request(line: &str) -> bool {
    let end = line.find(|letter: char| !letter.is_ascii_uppercase());
    end.is_some_and(|end| end > 0 && line[end..].starts_with(' ')) && !is_reply(line)
}

pub(super) fn section(line: &str) -> Option<&str> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    SECTIONS.contains(&name).then_some(name)
}

/// Whether a line begins a body and is no row.
pub(super) fn is_body(line: &str) -> bool {
    let first = line.chars().next().unwrap_or_default();
    match first {
        '{' => !line.starts_with("{{") || !line.contains("}}:"),
        '[' => section(line).is_none(),
        '<' | '`' | '"' => true,
        _ if first.is_ascii_digit() || first == '-' => !line.contains(':'),
        _ => {
            let word = line.split(['#', ' ']).next().unwrap_or_default();
            matches!(word, "true" | "false" | "null")
                || ["base64,", "hex,", "file,"]
                    .iter()
                    .any(|start| line.starts_with(start))
        }
    }
}

/// The name and the value of a row.
pub(super) fn row(line: &str) -> Option<(String, String)> {
    let mut name = String::new();
    let mut letters = line.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            ':' => {
                let value = until_comment(&line[at + 1..]);
                let name = name.trim().to_owned();
                return (!name.is_empty()).then_some((name, value));
            }
            '\\' => name.extend(letters.next().map(|(_, escaped)| escaped)),
            ' ' | '\t'
                if !line[..at].contains("{{") && !line[at..].trim_start().starts_with(':') =>
            {
                return None;
            }
            '#' | '"' => return None,
            letter => name.push(letter),
        }
    }
    None
}
