//! Names under which stands what lets somebody in, and texts without what stands there.

use regex::Regex;
use std::sync::LazyLock;

/// What stands for a value that is not shown.
pub const HIDDEN: &str = "***";

/// Words of names under which stands what lets somebody in.
const LETTING_IN: [&str; 25] = [
    "access-key",
    "access_key",
    "accesskey",
    "private-key",
    "private_key",
    "auth_key",
    "x-auth",
    "x-key",
    "pwd",
    "jwt",
    "otp",
    "passcode",
    "passphrase",
    "authorization",
    "api-key",
    "apikey",
    "api_key",
    "token",
    "secret",
    "password",
    "passwd",
    "cookie",
    "session",
    "signature",
    "credential",
];

/// Whether what is called so lets somebody in.
pub fn lets_in(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    LETTING_IN.iter().any(|word| name.contains(word))
}

/// A text without the values that stand under such names: `"session": "…"`, `api_key=…`, `authorization: Bearer …`. What is
/// no text, such as a number under `token_count`, stays: it lets nobody in, and JSON stays JSON.
pub fn without_named(text: &str) -> String {
    static NAMED: LazyLock<Regex> = LazyLock::new(|| {
        let words = LETTING_IN.map(regex::escape).join("|");
        let quoted = r#""(?:[^"\\]|\\.)*|'[^']*|\\+["'][^"'\\]*"#;
        let bare = r#"(?:Bearer|Basic|Digest)\s+[^\s"',;<>}\])]+|[\w+/.~%=-]{16,}"#;
        let after_equals = r#"[^\s&"',;<>}\])]+"#;
        Regex::new(&format!(
            r#"(?i)((?:{words})[\w.-]*)(\\*["']?\s*[:=]\s*)({quoted}|{bare})|((?:{words})[\w.-]*)(=)({after_equals})"#
        ))
        .expect("our own pattern can be read")
    });
    let hidden = NAMED.replace_all(text, |found: &regex::Captures<'_>| {
        let part = |first: usize, second: usize| {
            let part = found.get(first).or_else(|| found.get(second));
            part.map_or("", |part| part.as_str())
        };
        let value = part(3, 6).chars();
        let quote: String = value
            .take_while(|letter| matches!(letter, '\\' | '"' | '\''))
            .collect();
        format!("{}{}{quote}{HIDDEN}", part(1, 4), part(2, 5))
    });
    hidden.into_owned()
}
