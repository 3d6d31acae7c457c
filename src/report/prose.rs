//! Sentences on pages: what stands between backticks is code. Pure.

use maud::{Markup, html};

/// A sentence, with what stands between backticks as code.
pub fn prose(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // A backtick without its fellow is a letter.
    if parts.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! { @for (number, part) in parts.iter().enumerate() { @if number % 2 == 1 { code { (part) } } @else { (part) } } }
}
