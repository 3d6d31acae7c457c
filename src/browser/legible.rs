//! What can be read on a page, of a snapshot of all that it draws.
//!
//! Pure. Reads the snapshot of the DevTools protocol (`DOMSnapshot.captureSnapshot`): texts as they are laid out, values
//! of fields, and attributes that are drawn. What is covered, and what stands in a field for a password, cannot be read.

use serde_json::Value;
use std::collections::BTreeSet;

/// The attribute of what is covered while a picture is taken.
const COVERED: &str = "bellwether-covered";
/// Attributes that are drawn, of some elements.
const DRAWN: [&str; 4] = ["placeholder", "alt", "value", "label"];

/// Adds what can be read, and all letters in a row, since a page may draw each by itself.
pub(super) fn of(snapshot: &Value, texts: &mut Vec<String>) {
    let strings = snapshot["strings"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut row = String::new();
    for document in snapshot["documents"].as_array().into_iter().flatten() {
        let document = Document { strings, document };
        let hidden = document.hidden();
        let laid = document.pairs(&document.document["layout"], "nodeIndex", "text");
        for (_, text) in laid.filter(|(node, _)| !hidden.contains(node)) {
            texts.push(text.to_owned());
            row.extend(text.chars().filter(|letter| !is_blank(*letter)));
        }
        let nodes = &document.document["nodes"];
        for key in ["inputValue", "textValue"] {
            let values = document.pairs(&nodes[key], "index", "value");
            let values = values.filter(|(node, _)| !hidden.contains(node));
            texts.extend(values.map(|(_, text)| text.to_owned()));
        }
        for (node, name, value) in document.attributes() {
            if DRAWN.contains(&name) && !hidden.contains(&node) {
                texts.push(value.to_owned());
            }
        }
    }
    texts.push(row);
}

struct Document<'a> {
    strings: &'a [Value],
    document: &'a Value,
}

impl<'a> Document<'a> {
    fn text(&self, number: &Value) -> Option<&'a str> {
        let number = usize::try_from(number.as_i64()?).ok()?;
        self.strings.get(number)?.as_str()
    }

    /// Texts by the nodes that they are of.
    fn pairs(
        &self,
        of: &'a Value,
        nodes: &str,
        texts: &str,
    ) -> impl Iterator<Item = (u64, &'a str)> {
        let nodes = of[nodes].as_array().into_iter().flatten();
        let texts = of[texts].as_array().into_iter().flatten();
        let pairs = nodes.zip(texts);
        pairs.filter_map(|(node, text)| Some((node.as_u64()?, self.text(text)?)))
    }

    fn attributes(&self) -> Vec<(u64, &'a str, &'a str)> {
        let all = self.document["nodes"]["attributes"].as_array();
        let mut told = Vec::new();
        for (node, attributes) in all.into_iter().flatten().enumerate() {
            let pairs = attributes.as_array().map(Vec::as_slice).unwrap_or_default();
            for pair in pairs.chunks_exact(2) {
                // An empty value has no text of its own.
                if let Some(name) = self.text(&pair[0]) {
                    told.push((node as u64, name, self.text(&pair[1]).unwrap_or_default()));
                }
            }
        }
        told
    }

    /// Nodes that cannot be read, with all that stands within them.
    fn hidden(&self) -> BTreeSet<u64> {
        let is_hidden = |name: &str, value: &str| {
            name == COVERED || name == "type" && value.eq_ignore_ascii_case("password")
        };
        let mut hidden: BTreeSet<u64> = self
            .attributes()
            .into_iter()
            .filter(|(_, name, value)| is_hidden(name, value))
            .map(|(node, ..)| node)
            .collect();
        // What is within something comes after it.
        let parents = self.document["nodes"]["parentIndex"].as_array();
        for (node, parent) in parents.into_iter().flatten().enumerate() {
            if parent
                .as_u64()
                .is_some_and(|parent| hidden.contains(&parent))
            {
                hidden.insert(node as u64);
            }
        }
        hidden
    }
}

/// Whether a letter is drawn as none.
fn is_blank(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(
            letter,
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_fields_and_letters_in_a_row_are_read_but_not_what_is_covered() {
        let snapshot = json!({
            "strings": ["op", "en-\u{200b}se", "same", "a value", "placeholder", "a hint", "class", "none", "bellwether-covered", "", "type", "password", "covered"],
            "documents": [{
                "nodes": {
                    "parentIndex": [-1, 0, 0, 2, 0],
                    "inputValue": {"index": [1, 3, 4], "value": [3, 12, 12]},
                    "attributes": [[], [4, 5, 6, 7], [8, -1], [], [10, 11]],
                },
                "layout": {"nodeIndex": [0, 0, 1, 1, 3], "text": [0, -1, 1, 2, 12]},
            }],
        });
        let mut texts = Vec::new();
        of(&snapshot, &mut texts);
        assert_eq!(
            texts,
            [
                "op",
                "en-\u{200b}se",
                "same",
                "a value",
                "a hint",
                "open-sesame"
            ]
        );
    }
}
