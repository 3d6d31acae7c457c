//! YAML as a tree in which every value knows where it was written.
//!
//! Knows YAML 1.2 (through saphyr's parser) and positions. Does not know what keys mean.
//! Invariant: a tree has at most [`limits::YAML_NODES_MAX`] nodes, however its aliases multiply.

use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::source::{Source, Span};
use crate::limits;
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::HashMap;
use std::sync::Arc;

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction or exponent.
    Float(f64),
    /// Anything else that is written in one piece.
    Text,
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order written.
    Map(Vec<(Node, Node)>),
}

/// One value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it holds.
    pub kind: Kind,
    /// Where it stands, quotes included.
    pub span: Span,
    /// The scalar as text, after unescaping; empty for lists and maps.
    pub text: String,
    /// Offset of the first character of `text` if it stands in the file letter by letter.
    verbatim_at: Option<usize>,
}

impl Node {
    /// Nothing, which stands nowhere.
    pub const fn null() -> Node {
        Node {
            kind: Kind::Null,
            span: Span { start: 0, end: 0 },
            text: String::new(),
            verbatim_at: None,
        }
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|(name, _)| name.text == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The node of a key itself.
    pub fn key(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(name, _)| name.text == key)
            .map(|(name, _)| name)
    }

    /// Entries of a mapping; nothing for other nodes.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Items of a list; a single value counts as a list of one.
    pub fn items(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::List(items) => items.iter().collect(),
            Kind::Null => Vec::new(),
            _ => vec![self],
        }
    }

    /// Whether it is a scalar other than null.
    pub fn is_scalar(&self) -> bool {
        matches!(
            self.kind,
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text
        )
    }

    /// The text of a scalar.
    pub fn as_text(&self) -> Option<&str> {
        self.is_scalar().then_some(self.text.as_str())
    }

    /// A number of either kind.
    pub fn as_number(&self) -> Option<f64> {
        match self.kind {
            Kind::Int(value) => Some(value as f64),
            Kind::Float(value) => Some(value),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    pub fn as_count(&self) -> Option<u64> {
        match self.kind {
            Kind::Int(value) => u64::try_from(value).ok(),
            _ => None,
        }
    }

    /// A truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The place of a part of the text; the whole node where letters and places do not match one to one.
    pub fn part(&self, start: usize, end: usize) -> Span {
        match self.verbatim_at {
            Some(at) => Span::new(at + start, at + end.max(start)),
            None => self.span,
        }
    }

    /// The same value as JSON; text stays text.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Int(value) => Value::from(*value),
            // What is larger than a whole number of 63 bits, and has one of 64, keeps its last digit.
            Kind::Float(value) => match self.text.parse::<u64>() {
                Ok(whole) => Value::from(whole),
                Err(_) => Value::from(*value),
            },
            Kind::Text => Value::String(self.text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Kind::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.text.clone(), value.to_json()))
                    .collect(),
            ),
        }
    }

    /// What a person would call it.
    pub fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Int(_) => "a whole number",
            Kind::Float(_) => "a number",
            Kind::Text => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }
}

/// Reads the one document of a source. `None` when it could not be read at all; the reasons are in `found`.
pub fn parse(source: &Arc<Source>, found: &mut Diagnostics) -> Option<Node> {
    let mut reader = reader(source, found);
    let mut documents = reader.documents()?;
    if let Some(second) = documents.get(1) {
        let span = second.span;
        reader.found.push(
            Diagnostic::error("bad-yaml", "a file holds one document").at(
                source,
                span,
                "a second one starts here",
            ),
        );
        return None;
    }
    Some(documents.pop().unwrap_or(Node::null()))
}

/// Reads all documents of a source. `None` when it could not be read; the reasons are in `found`.
pub fn parse_all(source: &Arc<Source>, found: &mut Diagnostics) -> Option<Vec<Node>> {
    reader(source, found).documents()
}

fn reader<'a, 'f>(source: &'a Arc<Source>, found: &'f mut Diagnostics) -> Reader<'a, 'f> {
    Reader {
        source,
        offsets: CharacterOffsets::new(&source.text),
        anchors: HashMap::new(),
        count: 0,
        found,
        parser: Parser::new_from_str(&source.text),
    }
}

struct Reader<'a, 'f> {
    pub source: &'a Arc<Source>,
    offsets: CharacterOffsets,
    anchors: HashMap<usize, Node>,
    count: usize,
    pub found: &'f mut Diagnostics,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

impl<'a> Reader<'a, '_> {
    fn next(&mut self) -> Option<(Event<'a>, Span)> {
        match self.parser.next_event()? {
            Ok((event, span)) => {
                let span = Span::new(
                    self.offsets.byte(span.start.index()),
                    self.offsets.byte(span.end.index()),
                );
                Some((event, span))
            }
            Err(error) => {
                let at = self.offsets.byte(error.marker().index());
                self.found.push(
                    Diagnostic::error("bad-yaml", format!("this is not YAML: {}", error.info()))
                        .at(self.source, Span::new(at, at), "the reader stopped here")
                        .hint("check indentation, and quote text that holds `: `, ` #` or starts with a special character"),
                );
                None
            }
        }
    }

    fn documents(&mut self) -> Option<Vec<Node>> {
        let before = self.found.count(Severity::Error);
        let documents = self.all_documents();
        if documents.is_none() && self.found.count(Severity::Error) == before {
            // Whatever cannot be read is said: a file of which nothing is known is never a sound one.
            let title = "this is YAML that cannot be read";
            let said = Diagnostic::error("bad-yaml", title);
            self.found
                .push(said.at(self.source, Span::new(0, 0), "in this file"));
        }
        documents
    }

    fn all_documents(&mut self) -> Option<Vec<Node>> {
        let mut documents = Vec::new();
        while let Some((event, span)) = self.next() {
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                Event::StreamEnd => return Some(documents),
                other => documents.push(self.node(other, span)?),
            }
        }
        None
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Option<Node> {
        self.count += 1;
        if self.count > limits::YAML_NODES_MAX {
            self.found.push(
                Diagnostic::error(
                    "bad-yaml",
                    format!("more than {} values in one file", limits::YAML_NODES_MAX),
                )
                .at(self.source, span, "the limit is reached here"),
            );
            return None;
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let node = self.scalar(text.into_owned(), style, span);
                self.anchors.insert(anchor, node.clone());
                Some(node)
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    let (event, inner) = self.next()?;
                    if event == Event::SequenceEnd {
                        let span = Span::new(span.start, inner.end.max(span.end));
                        return Some(self.keep(anchor, Kind::List(items), span));
                    }
                    items.push(self.node(event, inner)?);
                }
            }
            Event::MappingStart(anchor, _) => {
                let mut entries: Vec<(Node, Node)> = Vec::new();
                let mut merged = None;
                loop {
                    let (event, inner) = self.next()?;
                    if event == Event::MappingEnd {
                        let span = Span::new(span.start, inner.end.max(span.end));
                        if let Some(node) = merged {
                            self.merge(&mut entries, &node);
                        }
                        return Some(self.keep(anchor, Kind::Map(entries), span));
                    }
                    let key = self.node(event, inner)?;
                    let (event, inner) = self.next()?;
                    let value = self.node(event, inner)?;
                    let is_merge = self.source.text[key.span.start..].starts_with("<<");
                    if is_merge && key.text == "<<" {
                        if merged.is_some() {
                            self.written_twice(&key);
                        }
                        merged = Some(value);
                    } else {
                        self.entry(&mut entries, key, value);
                    }
                }
            }
            Event::Alias(anchor) => {
                let Some(mut node) = self.anchors.get(&anchor).cloned() else {
                    let title = "an alias stands within what it stands for";
                    let said = Diagnostic::error("bad-yaml", title);
                    let said = said.at(self.source, span, "this would never end");
                    self.found.push(
                        said.hint("name what is meant before it is used: `&name` before `*name`"),
                    );
                    return None;
                };
                self.count += size(&node);
                node.span = span;
                Some(node)
            }
            _ => None,
        }
    }

    fn entry(&mut self, entries: &mut Vec<(Node, Node)>, key: Node, value: Node) {
        if key.as_text().is_none() {
            self.found
                .push(Diagnostic::error("bad-yaml", "a key must be text").at(
                    self.source,
                    key.span,
                    format!("this is {}", key.describe()),
                ));
            return;
        }
        if entries.iter().any(|(known, _)| known.text == key.text) {
            self.written_twice(&key);
            return;
        }
        entries.push((key, value));
    }

    fn written_twice(&mut self, key: &Node) {
        let title = format!("`{}` is written twice in one mapping", key.text);
        let said = Diagnostic::error("duplicate-field", title);
        let said = said.at(self.source, key.span, "the second one");
        self.found.push(said.hint("remove one of them"));
    }

    /// Takes what a mapping merges in with `<<`: what it says itself counts, and of several what comes first.
    fn merge(&mut self, entries: &mut Vec<(Node, Node)>, node: &Node) {
        let all: Vec<&Node> = match &node.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        for node in all {
            let Kind::Map(more) = &node.kind else {
                let title = "`<<` merges a mapping, or a list of them";
                let label = format!("this is {}", node.describe());
                let said = Diagnostic::error("bad-yaml", title);
                self.found.push(said.at(self.source, node.span, label));
                continue;
            };
            for (key, value) in more {
                if entries.iter().all(|(known, _)| known.text != key.text) {
                    entries.push((key.clone(), value.clone()));
                }
            }
        }
    }

    fn keep(&mut self, anchor: usize, kind: Kind, span: Span) -> Node {
        let node = Node {
            kind,
            span,
            text: String::new(),
            verbatim_at: None,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        node
    }

    fn scalar(&self, text: String, style: ScalarStyle, span: Span) -> Node {
        let written = &self.source.text[span.start..span.end];
        let quote = usize::from(style != ScalarStyle::Plain);
        let verbatim_at = written
            .get(quote..)
            .is_some_and(|inner| inner.starts_with(text.as_str()))
            .then_some(span.start + quote);
        let kind = if style == ScalarStyle::Plain {
            plain_kind(&text)
        } else {
            Kind::Text
        };
        Node {
            kind,
            span,
            text,
            verbatim_at,
        }
    }
}

/// The core schema, except that a number with a leading zero stays text: it is an identifier.
fn plain_kind(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    let identifier = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if identifier || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Kind::Text;
    }
    if let Ok(value) = text.parse::<i64>() {
        return Kind::Int(value);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Kind::Float(value),
        _ => Kind::Text,
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => {
            1 + entries
                .iter()
                .map(|(key, value)| size(key) + size(value))
                .sum::<usize>()
        }
        _ => 1,
    }
}

/// The parser counts characters; everything else here counts bytes.
struct CharacterOffsets(Option<Vec<usize>>);

impl CharacterOffsets {
    fn new(text: &str) -> CharacterOffsets {
        if text.is_ascii() {
            return CharacterOffsets(None);
        }
        let mut offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        offsets.push(text.len());
        CharacterOffsets(Some(offsets))
    }

    fn byte(&self, character: usize) -> usize {
        match &self.0 {
            None => character,
            Some(offsets) => offsets
                .get(character)
                .or(offsets.last())
                .copied()
                .unwrap_or(0),
        }
    }
}
