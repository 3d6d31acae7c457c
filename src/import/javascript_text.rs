//! JavaScript as text: space, comments, and where a statement or a block ends that nobody reads.

/// Without space and comments.
pub(super) fn skip(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        if text.starts_with("//") {
            text = text.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(inner) = text.strip_prefix("/*") {
            text = inner.split_once("*/").map_or("", |(_, rest)| rest);
        } else {
            return text;
        }
    }
}

/// How long a statement is that is not understood: up to its end outside of brackets and texts.
pub(super) fn whole(text: &str) -> usize {
    let (mut depth, mut quote, mut is_escaped) = (0_usize, None, false);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            _ if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), letter) if (letter == open || (letter == '\n' && open != '`')) => {
                quote = None;
            }
            (None, '"' | '\'' | '`') => quote = Some(letter),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => {
                depth = depth.saturating_sub(1);
                let after = skip(&text[at + 1..]);
                let goes_on = ["else", "catch", "finally", ".", ")", ",", "("]
                    .iter()
                    .any(|next| after.starts_with(next));
                if depth == 0 && letter == '}' && !goes_on {
                    return at + 1;
                }
            }
            (None, ';') if depth == 0 => return at + 1,
            (None, '\n')
                if depth == 0 && !skip(&text[at..]).starts_with(['.', '{', '?', '&', '|', '+']) =>
            {
                return at + 1;
            }
            _ => {}
        }
    }
    text.len()
}

pub(super) fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

/// Without space, up to the end of the line.
pub(super) fn skip_line(text: &str) -> &str {
    let next = text.trim_start_matches([' ', '\t', '\r']);
    let after = skip(next);
    // An operator may stand on the next line.
    match after.starts_with("&&") || after.starts_with("||") {
        true => after,
        false => next,
    }
}

/// How long a block is, with its braces.
pub(super) fn block(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut is_escaped) = (0_usize, None, false);
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            _ if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), letter) if letter == open => {
                quote = None;
            }
            (None, '"' | '\'' | '`') => quote = Some(letter),
            (None, '/') if letters.peek().is_some_and(|(_, next)| *next == '/') => {
                while letters.next_if(|(_, next)| *next != '\n').is_some() {}
            }
            (None, '{') => depth += 1,
            (None, '}') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}
