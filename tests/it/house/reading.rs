//! Rust as text, as far as the rules of the house need it: what a file imports, how long its
//! functions are, what stands outside of comments and literals. No parser: what it cannot tell
//! apart (a macro that makes imports) is not used in `src`.

/// A source file with comments and the insides of literals blanked, line for line.
pub struct Source {
    /// Where it stands, from the top of the repository.
    pub path: String,
    /// The text as written.
    pub text: String,
    /// The text without comments and insides of literals; lines and columns are as before.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
            code: blanked(text),
        }
    }

    /// The room: the folder under `src`, or the file's own name where it stands in none.
    pub fn room(&self) -> &str {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        match path.split_once('/') {
            Some((folder, _)) => folder,
            None => path.strip_suffix(".rs").unwrap_or(path),
        }
    }

    /// Rooms that the file names with `crate::`, each with its line.
    pub fn imports(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("crate::") {
            let bytes = self.code.as_bytes();
            if at > 0 && (bytes[at - 1] == b'$' || is_word(bytes[at - 1])) {
                continue;
            }
            let rest = &self.code[at + "crate::".len()..];
            let heads = if rest.starts_with('{') {
                heads_of_group(rest)
            } else {
                vec![word(rest)]
            };
            let line = line_of(&self.code, at);
            found.extend(heads.into_iter().map(|head| (line, head.to_owned())));
        }
        found
    }

    /// Functions with the line that they start on and their length in lines.
    pub fn functions(&self) -> Vec<(usize, String, usize)> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            if at > 0 && is_word(self.code.as_bytes()[at - 1]) {
                continue;
            }
            let name = word(&self.code[at + 3..]);
            if name.is_empty() {
                continue;
            }
            let Some(length) = body_length(&self.code[at..]) else {
                continue;
            };
            found.push((line_of(&self.code, at), name.to_owned(), length));
        }
        found
    }

    /// Lines on which a piece of code stands that starts a word.
    pub fn lines_with(&self, piece: &str) -> Vec<usize> {
        self.code
            .match_indices(piece)
            .filter(|(at, _)| *at == 0 || !is_word(self.code.as_bytes()[at - 1]))
            .map(|(at, _)| line_of(&self.code, at))
            .collect()
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn word(text: &str) -> &str {
    let end = text
        .bytes()
        .position(|byte| !is_word(byte))
        .unwrap_or(text.len());
    &text[..end]
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The first names of each part of `{a::b, c}`.
fn heads_of_group(text: &str) -> Vec<&str> {
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut is_head = false;
    for (at, c) in text.char_indices() {
        match c {
            '{' => {
                depth += 1;
                is_head = depth == 1;
            }
            '}' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            ',' => is_head = depth == 1,
            c if c.is_whitespace() => {}
            _ if is_head => {
                heads.push(word(&text[at..]));
                is_head = false;
            }
            _ => {}
        }
    }
    heads
}

/// Lines from here to the end of the braces that come next; nothing where a `;` comes first.
fn body_length(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut brackets = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets -= 1,
            b';' if depth == 0 && brackets == 0 => return None,
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(text[..at].matches('\n').count() + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Blanks comments and the insides of literals, and keeps every line break.
fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let blank = |out: &mut Vec<u8>, from: usize, to: usize| {
        for byte in &mut out[from..to] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    };
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text.as_bytes()[at..];
        let before = at.checked_sub(1).map(|at| bytes[at]);
        if rest.starts_with(b"//") {
            let end = end_of_line(bytes, at);
            blank(&mut out, at, end);
            at = end;
        } else if rest.starts_with(b"/*") {
            let end = find(bytes, at + 2, b"*/").map_or(bytes.len(), |end| end + 2);
            blank(&mut out, at, end);
            at = end;
        } else if let Some((open, close)) =
            raw_literal(rest).filter(|_| !before.is_some_and(is_word))
        {
            let end = find(bytes, at + open, close.as_bytes()).unwrap_or(bytes.len());
            blank(&mut out, at + open, end);
            at = (end + close.len()).min(bytes.len());
        } else if rest[0] == b'"' {
            let end = quoted_end(bytes, at + 1);
            blank(&mut out, at + 1, end);
            at = end + 1;
        } else if let Some(length) = character(text, at) {
            blank(&mut out, at + 1, at + length - 1);
            at += length;
        } else {
            at += 1;
        }
    }
    String::from_utf8(out).expect("blanks are UTF-8")
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |length| from + length)
}

fn find(bytes: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    bytes[from..]
        .windows(wanted.len())
        .position(|window| window == wanted)
        .map(|at| from + at)
}

/// `r"`, `r#"`, `br"`… at the start: how long the opening is, and what closes it.
fn raw_literal(rest: &[u8]) -> Option<(usize, String)> {
    let after_r = if rest.starts_with(b"br") { 2 } else { 1 };
    if rest.first() != Some(&b'r') && after_r == 1 {
        return None;
    }
    let hashes = rest[after_r..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    (rest.get(after_r + hashes) == Some(&b'"'))
        .then(|| (after_r + hashes + 1, format!("\"{}", "#".repeat(hashes))))
}

fn quoted_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// The length of a character literal that starts here; a lifetime is none.
fn character(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?.strip_prefix('\'')?;
    if let Some(escaped) = rest.strip_prefix('\\') {
        let skipped = escaped.chars().next()?.len_utf8();
        return escaped[skipped..].find('\'').map(|end| 3 + skipped + end);
    }
    let first = rest.chars().next()?;
    rest[first.len_utf8()..]
        .starts_with('\'')
        .then(|| first.len_utf8() + 2)
}
