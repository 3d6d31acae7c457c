//! Letters of Hurl: where texts, patterns, words and bodies end, and what their escapes stand for.

/// A value up to a comment, with its escapes undone.
pub(super) fn until_comment(text: &str) -> String {
    let mut made = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '#' => break,
            '\\' => unescape(&mut letters, &mut made),
            letter => made.push(letter),
        }
    }
    made.trim().to_owned()
}

pub(super) fn unescape(letters: &mut std::str::Chars<'_>, into: &mut String) {
    match letters.next() {
        Some('n') => into.push('\n'),
        Some('r') => into.push('\r'),
        Some('t') => into.push('\t'),
        Some('b') => into.push('\u{8}'),
        Some('f') => into.push('\u{c}'),
        Some('u') => {
            let rest = letters.as_str();
            let inner = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let Some((digits, after)) = inner else {
                return;
            };
            let letter = u32::from_str_radix(digits, 16)
                .ok()
                .and_then(char::from_u32);
            into.extend(letter);
            *letters = after.chars();
        }
        Some(other) => into.push(other),
        None => {}
    }
}

/// A text with its escapes undone.
pub(super) fn unescaped(text: &str) -> String {
    let mut made = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => unescape(&mut letters, &mut made),
            letter => made.push(letter),
        }
    }
    made
}

/// A text up to its quote, and how many bytes that took.
pub(super) fn quoted(text: &str) -> Option<(String, usize)> {
    let mut made = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => return Some((made, text.len() - letters.as_str().len())),
            '\\' => unescape(&mut letters, &mut made),
            letter => made.push(letter),
        }
    }
}

/// A regular expression up to its slash, and how many bytes that took.
pub(super) fn pattern(text: &str) -> Option<(String, usize)> {
    let mut made = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '/' => return Some((made, text.len() - letters.as_str().len())),
            '\n' => return None,
            '\\' => match letters.next()? {
                '/' => made.push('/'),
                other => made.extend(['\\', other]),
            },
            letter => made.push(letter),
        }
    }
}

/// Where a bare word ends; a placeholder may hold space.
pub(super) fn bare_end(text: &str) -> usize {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if let Some(inner) = rest.strip_prefix("{{")
            && let Some(end) = inner.find("}}")
        {
            at += end + 4;
            continue;
        }
        match rest.chars().next() {
            Some(letter) if !letter.is_whitespace() && letter != '#' => at += letter.len_utf8(),
            _ => break,
        }
    }
    at.max(1).min(text.len())
}

/// What stands behind the three back quotes, and the lines after that.
pub(super) fn in_lines(inner: &str) -> (&str, String) {
    let plain = |text: &str| text.replace("\r\n", "\n");
    match inner.split_once('\n') {
        Some((about, text)) => (about.trim(), plain(text)),
        None => ("", inner.to_owned()),
    }
}

/// Where a value of JSON with placeholders ends.
pub(super) fn json_end(text: &str) -> Option<usize> {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => {
                is_text = !is_text;
                if depth == 0 && !is_text {
                    return Some(at + 1);
                }
            }
            _ if is_text => {}
            '{' | '[' => depth += 1,
            '}' | ']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + letter.len_utf8());
                }
            }
            '\n' | '#' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    (depth == 0 && !is_text).then_some(text.len())
}
