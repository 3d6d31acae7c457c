//! Files of Hurl as they are written: entries with their requests, replies and sections.
//!
//! Knows the grammar as Hurl's documentation describes it; does not know what anything means. Invariant: a
//! mistake has its place, and nothing of the file is passed over.

use super::hurl_letters::{
    bare_end, in_lines, json_end, pattern, quoted, unescaped, until_comment,
};
use super::hurl_lines::{is_body, is_reply, is_request, row, section};

/// One entry.
#[derive(Debug, Default)]
pub struct Entry {
    /// Line of the request, from 1.
    pub line: usize,
    /// The method.
    pub method: String,
    /// The URL, with placeholders.
    pub url: String,
    /// Headers of the request.
    pub headers: Vec<Row>,
    /// Sections of the request.
    pub sections: Vec<Section>,
    /// Its body.
    pub body: Option<Body>,
    /// What is expected, if anything.
    pub reply: Option<Reply>,
}

/// What is expected of a reply.
#[derive(Debug, Default)]
pub struct Reply {
    /// `HTTP/2`, or `HTTP` for any.
    pub version: String,
    /// The status, or `*`.
    pub status: String,
    /// Headers.
    pub headers: Vec<Row>,
    /// `Captures` and `Asserts`.
    pub sections: Vec<Section>,
    /// The body.
    pub body: Option<Body>,
}

/// A section.
#[derive(Debug)]
pub struct Section {
    /// Its name, without brackets.
    pub name: String,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A row: a name, what stands behind its colon, and both as words.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Line, from 1.
    pub line: usize,
    /// What stands before the colon.
    pub name: String,
    /// What stands behind it; the whole row where there is none.
    pub value: String,
    /// The words of captures and asserts.
    pub words: Vec<Word>,
}

/// A word of a capture or an assert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A bare word: `status`, `==`, `200`.
    Bare(String),
    /// A text in quotes or back quotes, with placeholders.
    Text(String),
    /// `/a regular expression/`.
    Pattern(String),
}

/// A body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Letters, with placeholders.
    Text(String),
    /// Letters in which nothing is a placeholder.
    Letters(String),
    /// JSON, with placeholders.
    Json(String),
    /// XML, with placeholders.
    Xml(String),
    /// Something that is made into something else before it is sent: GraphQL.
    Made(String),
    /// `file,NAME;`.
    File(String),
    /// `base64,…;` or `hex,…;`.
    Bytes(String),
}

/// Sections of a reply; all others are of requests.
const OF_REPLIES: [&str; 2] = ["Captures", "Asserts"];

/// A mistake: an offset, and what was expected there.
pub type Wrong = (usize, &'static str);

/// Reads a whole file.
///
/// # Errors
///
/// What is not Hurl, with its place.
pub fn read(text: &str) -> Result<Vec<Entry>, Wrong> {
    let mut reader = Reader {
        text,
        at: 0,
        counted: std::cell::Cell::new((0, 1)),
    };
    let mut entries = Vec::new();
    loop {
        reader.skip();
        if reader.rest().is_empty() {
            return Ok(entries);
        }
        entries.push(reader.entry()?);
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Up to where lines were counted, and which one that is.
    counted: std::cell::Cell<(usize, usize)>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn line(&self) -> usize {
        let (from, line) = self.counted.get();
        let passed = self.text[from.min(self.at)..self.at].bytes();
        let line = line + passed.filter(|byte| *byte == b'\n').count();
        self.counted.set((self.at, line));
        line
    }

    /// The line that begins here, without its end.
    fn here(&self) -> &'a str {
        let rest = self.rest();
        rest.split('\n')
            .next()
            .unwrap_or_default()
            .trim_end_matches('\r')
    }

    fn next_line(&mut self) {
        let rest = self.rest();
        self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
    }

    /// Passes over space, empty lines and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.next_line();
        }
    }

    fn entry(&mut self) -> Result<Entry, Wrong> {
        let begin = self.at;
        let here = self.here();
        let end = here
            .find(|letter: char| !letter.is_ascii_uppercase())
            .unwrap_or(here.len());
        let method = &here[..end];
        if method.is_empty() || !here[end..].starts_with([' ', '\t']) {
            return Err((begin, "a method and a URL, such as `GET https://…`"));
        }
        let url = until_comment(&here[end..]);
        if url.is_empty() {
            return Err((begin + end, "a URL"));
        }
        let mut entry = Entry {
            line: self.line(),
            method: method.to_owned(),
            url,
            ..Entry::default()
        };
        self.next_line();
        self.headers(&mut entry.headers)?;
        self.sections(&mut entry.sections, false)?;
        entry.body = self.body()?;
        self.skip();
        if is_reply(self.here()) {
            entry.reply = Some(self.reply()?);
        }
        Ok(entry)
    }

    fn reply(&mut self) -> Result<Reply, Wrong> {
        let begin = self.at;
        let line = until_comment(self.here());
        let mut words = line.split_whitespace();
        let version = words.next().unwrap_or_default().to_owned();
        let status = words.next().unwrap_or_default().to_owned();
        if status != "*" && status.parse::<u16>().is_err() {
            return Err((begin, "a status, or `*` for any"));
        }
        self.next_line();
        let mut reply = Reply {
            version,
            status,
            ..Reply::default()
        };
        self.headers(&mut reply.headers)?;
        self.sections(&mut reply.sections, true)?;
        reply.body = self.body()?;
        Ok(reply)
    }

    fn headers(&mut self, into: &mut Vec<Row>) -> Result<(), Wrong> {
        loop {
            self.skip();
            match row(self.here()) {
                Some((name, value)) if !is_body(self.here()) => {
                    into.push(Row {
                        line: self.line(),
                        name,
                        value,
                        words: Vec::new(),
                    });
                    self.next_line();
                }
                _ => return Ok(()),
            }
        }
    }

    fn sections(&mut self, into: &mut Vec<Section>, of_reply: bool) -> Result<(), Wrong> {
        loop {
            self.skip();
            let Some(name) = section(self.here()) else {
                return Ok(());
            };
            if OF_REPLIES.contains(&name) != of_reply {
                return Err((self.at, "a section that may stand here"));
            }
            if into.iter().any(|known| known.name == name) {
                return Err((self.at, "each section once"));
            }
            self.next_line();
            let mut rows = Vec::new();
            match name {
                "Asserts" | "Captures" => self.asked(name == "Captures", &mut rows)?,
                _ => self.headers(&mut rows)?,
            }
            into.push(Section {
                name: name.to_owned(),
                rows,
            });
        }
    }

    /// Rows of captures and asserts: words up to the end of the line, of which the last may go over several.
    fn asked(&mut self, is_named: bool, rows: &mut Vec<Row>) -> Result<(), Wrong> {
        loop {
            self.skip();
            let here = self.here();
            let starts = here.chars().next();
            let is_row = starts.is_some_and(|first| first.is_ascii_lowercase());
            let named = row(here).map(|(name, _)| name);
            if !(is_row || is_named && named.is_some()) || is_body(here) {
                return Ok(());
            }
            let mut made = Row {
                line: self.line(),
                value: here.trim().to_owned(),
                ..Row::default()
            };
            if is_named {
                let Some(name) = named else {
                    return Err((self.at, "a name, a colon and a query"));
                };
                self.at += here.find(':').map_or(0, |at| at + 1);
                made.name = name;
            }
            while let Some(word) = self.word()? {
                made.words.push(word);
            }
            rows.push(made);
        }
    }

    /// The next word of the line.
    fn word(&mut self) -> Result<Option<Word>, Wrong> {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\r']);
        self.at += rest.len() - trimmed.len();
        let begin = self.at;
        let until = |end: &str, from: usize| trimmed[from..].find(end).map(|at| at + from);
        let never = (begin, "its end, which never comes");
        match trimmed.chars().next() {
            None | Some('#' | '\n') => {
                self.next_line();
                Ok(None)
            }
            Some('"') => {
                let (text, length) = quoted(&trimmed[1..]).ok_or(never)?;
                self.at += 1 + length;
                Ok(Some(Word::Text(text)))
            }
            Some('`') if trimmed.starts_with("```") => {
                let end = until("```", 3).ok_or(never)?;
                self.at += end + 3;
                Ok(Some(Word::Text(in_lines(&trimmed[3..end]).1)))
            }
            Some('`') => {
                let end = until("`", 1).ok_or(never)?;
                self.at += end + 1;
                Ok(Some(Word::Text(trimmed[1..end].to_owned())))
            }
            Some('/') => {
                let (text, length) = pattern(&trimmed[1..]).ok_or(never)?;
                self.at += 1 + length;
                Ok(Some(Word::Pattern(text)))
            }
            Some(_) => {
                let end = bare_end(trimmed);
                self.at += end;
                Ok(Some(Word::Bare(trimmed[..end].to_owned())))
            }
        }
    }

    fn body(&mut self) -> Result<Option<Body>, Wrong> {
        self.skip();
        let (begin, rest) = (self.at, self.rest());
        let never = (begin, "the end of this body, which never comes");
        if let Some(inner) = rest.strip_prefix("```") {
            let end = inner.find("```").ok_or(never)?;
            self.at += end + 6;
            self.next_line();
            let (about, text) = in_lines(&inner[..end]);
            return Ok(Some(match about.contains("raw") {
                true => Body::Letters(text),
                false if about.starts_with("json") => Body::Json(text),
                false if about.starts_with("xml") => Body::Xml(text),
                false if about.starts_with("graphql") => Body::Made(about.to_owned()),
                false => Body::Text(text),
            }));
        }
        if let Some(inner) = rest.strip_prefix('`') {
            let end = inner.find('`').ok_or(never)?;
            self.at += end + 2;
            self.next_line();
            return Ok(Some(Body::Text(unescaped(&inner[..end]))));
        }
        for start in ["base64,", "hex,", "file,"] {
            if let Some(inner) = rest.strip_prefix(start) {
                let end = inner.find(';').ok_or(never)?;
                self.at += start.len() + end + 1;
                self.next_line();
                let content = inner[..end].trim().to_owned();
                return Ok(Some(match start {
                    "file," => Body::File(content),
                    _ => Body::Bytes(format!("{start}{content}")),
                }));
            }
        }
        if is_reply(self.here()) || !is_body(self.here()) {
            return Ok(None);
        }
        if rest.starts_with('<') {
            return Ok(Some(Body::Xml(self.markup())));
        }
        let end = json_end(rest).ok_or(never)?;
        self.at += end;
        self.next_line();
        Ok(Some(Body::Json(rest[..end].trim_end().to_owned())))
    }

    /// XML, up to the line at which something else begins.
    fn markup(&mut self) -> String {
        let begin = self.at;
        loop {
            self.next_line();
            let here = self.here();
            let ends = is_reply(here) || section(here).is_some() || is_request(here);
            if ends || self.rest().is_empty() {
                return self.text[begin..self.at].trim_end().to_owned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read() {
        let text = "# first\nPOST http://a/{{id}}?x=1 # end\nX-A: b \\# c\n[Form]\na: 1\n\n{\"a\": [1, \"}\"]}\nHTTP/1.1 201\nLocation: /x\n[Captures]\nid: jsonpath \"$.a\\\"b\" count\n[Asserts]\nheader \"a\" matches /a\\/b/ # why\nbody == ```\nx\ny\n```\nstatus < {{ max }}\n{}\n\nGET http://b\n";
        let all = read(text).unwrap();
        assert_eq!(all.len(), 2);
        let first = &all[0];
        assert_eq!((first.line, first.url.as_str()), (2, "http://a/{{id}}?x=1"));
        assert_eq!(first.headers[0].value, "b # c");
        assert_eq!(first.sections[0].rows[0].value, "1");
        assert_eq!(
            first.body,
            Some(Body::Json("{\"a\": [1, \"}\"]}".to_owned()))
        );
        let reply = first.reply.as_ref().unwrap();
        assert_eq!((reply.status.as_str(), reply.headers.len()), ("201", 1));
        assert_eq!(
            reply.sections[0].rows[0].words[1],
            Word::Text("$.a\"b".to_owned())
        );
        let asserts = &reply.sections[1].rows;
        assert_eq!(asserts[0].words[3], Word::Pattern("a/b".to_owned()));
        assert_eq!(asserts[1].words[2], Word::Text("x\ny\n".to_owned()));
        assert_eq!(asserts[2].words[2], Word::Bare("{{ max }}".to_owned()));
        assert_eq!(reply.body, Some(Body::Json("{}".to_owned())));
    }

    #[test]
    fn mistakes_have_their_place() {
        assert_eq!(read("GET http://a\nfoo").unwrap_err().0, 13);
        assert_eq!(read("GET http://a\nHTTP x").unwrap_err().0, 13);
        assert_eq!(read("GET http://a\n{").unwrap_err().0, 13);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "(GET |HTTP 200|http://a|[\\[\\]{}\"`#:/\\\\a\\n ]|\\[Asserts\\]|\\[Captures\\]|é){0,40}") {
            let _ = read(&text);
        }
    }
}
