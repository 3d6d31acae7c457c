//! `{{name}}` in a text, as Hurl, Postman and Bruno have it.
//!
//! Invariant: what is no placeholder stays as it is, letter by letter.

/// A piece of such a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Letters.
    Text(&'a str),
    /// A name, without space around it.
    Name(&'a str),
}

/// The pieces of a text; none of them is empty.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut next = None;
    std::iter::from_fn(move || {
        if let Some(piece) = next.take() {
            return Some(piece);
        }
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(at) = rest[from..].find("{{").map(|at| at + from) {
            let inner = &rest[at + 2..];
            match inner.find("}}").map(|end| (inner[..end].trim(), end)) {
                Some((name, end)) if is_name(name) => {
                    let before = &rest[..at];
                    rest = &inner[end + 2..];
                    if before.is_empty() {
                        return Some(Piece::Name(name));
                    }
                    next = Some(Piece::Name(name));
                    return Some(Piece::Text(before));
                }
                Some(_) => from = at + 1,
                // Nothing closes any more.
                None => break,
            }
        }
        Some(Piece::Text(std::mem::take(&mut rest)))
    })
}

fn is_name(text: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || "_-.$ \"".contains(letter);
    !text.is_empty() && text.chars().all(plain)
}

/// Letters as they stand in a template of ours.
pub fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_all_else_stays() {
        let all: Vec<Piece<'_>> = pieces("a{{ b }}{{c}}{{}} {{{d}}} {{").collect();
        let expected = [
            Piece::Text("a"),
            Piece::Name("b"),
            Piece::Name("c"),
            Piece::Text("{{}} {"),
            Piece::Name("d"),
            Piece::Text("} {{"),
        ];
        assert_eq!(all, expected);
        assert_eq!(pieces("").count(), 0);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost(text in "[a{}$ ]{0,20}") {
            let again: String = pieces(&text).map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Name(name) => format!("<{name}>"),
            }).collect();
            let letters = |text: &str| text.chars().filter(|letter| *letter == 'a').count();
            proptest::prop_assert_eq!(letters(&again), letters(&text));
        }
    }
}
