//! Texts that stand for a value nobody has filled in yet.

/// Beginnings and parts by which a placeholder is known, in small letters.
const PARTS: [&str; 13] = [
    "changeme",
    "change_me",
    "change-me",
    "your_",
    "your-",
    "yourwebhook",
    "/your/",
    "replace_me",
    "replace-me",
    "placeholder",
    "insert_",
    "xxxx",
    "<your",
];

/// The part of a text by which it is known as a placeholder, if it is one: such as `YOUR_TOKEN`,
/// `changeme`, `<token>`, `https://hooks.slack.com/services/YOUR/WEBHOOK/URL` or `...`.
pub fn placeholder(text: &str) -> Option<String> {
    let text = text.trim();
    let small = text.to_ascii_lowercase();
    if let Some(part) = PARTS.into_iter().find(|part| small.contains(part)) {
        let at = small.find(part)?;
        return text.get(at..at + part.len()).map(str::to_owned);
    }
    let is_bracketed = |open: char, close: char| {
        small.len() > 2 && small.starts_with(open) && small.ends_with(close)
    };
    let is_dots = !text.is_empty() && text.chars().all(|letter| letter == '.' || letter == '…');
    let is_bare = matches!(
        small.as_str(),
        "todo" | "tbd" | "fixme" | "none" | "null" | "undefined"
    );
    (is_bracketed('<', '>') || is_dots || is_bare).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_filled_in_is_known() {
        for text in [
            "YOUR_TOKEN",
            "sk_changeme",
            "<token>",
            "...",
            "TODO",
            "xxxxxxxx",
            "https://hooks.slack.com/services/YOUR/WEBHOOK/URL",
            "your-api-key",
        ] {
            assert!(placeholder(text).is_some(), "{text}");
        }
        for text in [
            "",
            "sk_live_51H8x",
            "https://hooks.slack.com/services/T1/B2/c3",
            "production",
            "8080",
            "a.b",
            "{\"a\":1}",
        ] {
            assert_eq!(placeholder(text), None, "{text}");
        }
    }
}
