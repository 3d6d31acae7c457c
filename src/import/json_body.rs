//! Bodies of JSON with placeholders in them: what is put into a text of it is written as texts of JSON are.

use super::draft::Draft;
use super::placeholders::{Piece, escaped, pieces};

impl Draft {
    /// A body of JSON with `{{name}}` in it: within a text of it, a value is written as texts are.
    pub fn json_template(&mut self, text: &str, own: impl Fn(&str) -> Option<String>) -> String {
        let mut made = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('"') {
            made.push_str(&self.template(&rest[..at], &own));
            let inner = &rest[at..];
            let end = json_text(inner);
            let word = &inner[..end];
            let is_open = pieces(word).any(|piece| matches!(piece, Piece::Name(_)));
            match serde_json::from_str::<String>(word) {
                Ok(letters) if is_open => {
                    let value = self.expression(&letters, &own);
                    made.push_str(&format!("${{toJson({value})}}"));
                }
                _ => made.push_str(&escaped(word)),
            }
            rest = &inner[end..];
        }
        made.push_str(&self.template(rest, &own));
        made
    }
}

/// Where a text of JSON ends that begins here with its quote.
fn json_text(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
