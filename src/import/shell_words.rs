//! Words of a command line as a POSIX shell splits them, and as "copy as cURL" of browsers writes them.
//!
//! Knows quotes, `$'…'`, backslashes and lines that go on; expands nothing.

/// The words of each command of a text. `Err` has the offset at which a quote begins that never ends.
pub fn commands(text: &str) -> Result<Vec<Vec<String>>, usize> {
    let mut all = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                // The line goes on.
                Some((_, '\n')) => {}
                Some((_, '\r')) => {
                    letters.next_if(|(_, next)| *next == '\n');
                }
                Some((_, escaped)) => word.get_or_insert_default().push(escaped),
                None => {}
            },
            '\'' => {
                let into = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some((_, '\'')) => break,
                        Some((_, letter)) => into.push(letter),
                        None => return Err(at),
                    }
                }
            }
            '"' => double(&mut letters, word.get_or_insert_default()).ok_or(at)?,
            '$' if letters.peek().is_some_and(|(_, next)| *next == '\'') => {
                letters.next();
                dollar(&mut letters, word.get_or_insert_default()).ok_or(at)?;
            }
            '#' if word.is_none() => while letters.next_if(|(_, next)| *next != '\n').is_some() {},
            ';' | '\n' | '|' | '&' if !(letter == '&' && word.is_some()) => {
                finish(&mut all, &mut word);
                if all.last().is_some_and(|words| !words.is_empty()) {
                    all.push(Vec::new());
                }
            }
            letter if letter.is_whitespace() => finish(&mut all, &mut word),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    finish(&mut all, &mut word);
    all.retain(|words| !words.is_empty());
    Ok(all)
}

type Letters<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

fn finish(all: &mut [Vec<String>], word: &mut Option<String>) {
    if let (Some(words), Some(word)) = (all.last_mut(), word.take()) {
        words.push(word);
    }
}

fn double(letters: &mut Letters<'_>, into: &mut String) -> Option<()> {
    loop {
        match letters.next()?.1 {
            '"' => return Some(()),
            '\\' => match letters.next()?.1 {
                '\n' => {}
                escaped @ ('"' | '\\' | '$' | '`') => into.push(escaped),
                other => {
                    into.push('\\');
                    into.push(other);
                }
            },
            letter => into.push(letter),
        }
    }
}

/// `$'…'`, with the escapes of C.
fn dollar(letters: &mut Letters<'_>, into: &mut String) -> Option<()> {
    loop {
        match letters.next()?.1 {
            '\'' => return Some(()),
            '\\' => match letters.next()?.1 {
                'n' => into.push('\n'),
                'r' => into.push('\r'),
                't' => into.push('\t'),
                'u' => numbered(letters, 4, into),
                'U' => numbered(letters, 8, into),
                'x' => numbered(letters, 2, into),
                other => into.push(other),
            },
            letter => into.push(letter),
        }
    }
}

fn numbered(letters: &mut Letters<'_>, most: usize, into: &mut String) {
    let mut number = 0;
    for _ in 0..most {
        let digit = letters.next_if(|(_, next)| next.is_ascii_hexdigit());
        let Some(digit) = digit.and_then(|(_, digit)| digit.to_digit(16)) else {
            break;
        };
        number = number * 16 + digit;
    }
    into.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn words_are_those_of_a_shell() {
        let text = "curl 'a b'\\\n  -H \"x: \\\"y\\\" $z\" $'it\\'s\\u0041\\n' # end\nnext a&b 'c'\"d\";;third ''";
        let all = commands(text).unwrap();
        assert_eq!(
            all,
            [
                vec!["curl", "a b", "-H", "x: \"y\" $z", "it'sA\n"],
                vec!["next", "a&b", "cd"],
                vec!["third", ""],
            ]
        );
        assert_eq!(commands("a 'b"), Err(2));
    }
}
