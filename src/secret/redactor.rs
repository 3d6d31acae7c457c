//! Known secrets in text that is about to be shown or kept, and what becomes of them there.
//!
//! Invariant: what was cut off in the middle of a secret is cleaned, too.

use super::forms::{REDACT_LENGTH_MIN, any_spelling, forms};
use super::value::Secret;
use regex::Regex;
use std::sync::{Arc, OnceLock};

/// Replaces known secrets in text that is about to be shown or kept; clones share what they know.
#[derive(Clone, Default, Debug)]
pub struct Redactor {
    /// The longest first.
    known: Arc<Vec<Known>>,
}

/// A secret by its name: in all the forms in which it may appear, the longest first, and in any spelling.
struct Known {
    name: String,
    secret: Secret,
    forms: Vec<Secret>,
    /// Made when somebody looks at a text that may hold it.
    spelled: OnceLock<Option<Regex>>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The pattern is the secret, letter by letter.
        f.write_str(&self.name)
    }
}

impl Redactor {
    /// A redactor for these named secrets.
    pub fn new(known: impl IntoIterator<Item = (String, Secret)>) -> Redactor {
        let mut known: Vec<Known> = known
            .into_iter()
            .filter(|(_, secret)| secret.expose().len() >= REDACT_LENGTH_MIN)
            .map(|(name, secret)| Known {
                name,
                forms: forms(secret.expose()),
                secret,
                spelled: OnceLock::new(),
            })
            .collect();
        known.sort_by_key(|known| std::cmp::Reverse(known.secret.expose().len()));
        Redactor {
            known: Arc::new(known),
        }
    }

    /// Whether there is anything to look for.
    pub fn knows_any(&self) -> bool {
        !self.known.is_empty()
    }

    /// The text without secrets in a spelling: letters escaped or not, each as it likes, in whatever case.
    fn without_spelled(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        if self.known.is_empty() {
            return clean;
        }
        // Without any of these marks, and in no other case, it is one of the forms.
        let is_escaped = text.contains(['%', '\\', '&']);
        let lower = text.to_lowercase();
        for known in self.known.iter() {
            let secret = known.secret.expose();
            if !is_escaped && !lower.contains(&secret.to_lowercase()) {
                continue;
            }
            if let Some(spelled) = known.spelled.get_or_init(|| any_spelling(secret)) {
                let mark = format!("[secret {}]", known.name);
                let found = spelled.replace_all(&clean, regex::NoExpand(&mark));
                clean = found.into_owned();
            }
        }
        clean
    }

    /// The text without any known secret, neither plain, nor in any spelling, nor in base64 (also within a longer text, as
    /// basic authentication has it), nor as JSON within JSON has it.
    pub fn clean(&self, text: &str) -> String {
        let mut text = self.without_spelled(text);
        for Known { name, forms, .. } in self.known.iter() {
            for form in forms {
                if text.contains(form.expose()) {
                    text = text.replace(form.expose(), &format!("[secret {name}]"));
                }
                text = without_start(&text, form.expose(), name);
            }
        }
        // Only then: half of one form may stand in the middle of another that is whole.
        for without in [without_beginning, without_ending] {
            for Known { name, forms, .. } in self.known.iter() {
                for form in forms {
                    text = without(&text, form.expose(), name);
                }
            }
        }
        text
    }
}

/// What ends a text that was cut.
const CUT: char = '…';

/// At most so many characters of a text that nobody has cleaned yet. It ends in a mark where it was cut, by
/// which a [`Redactor`] sees that what stands before may be the start of a secret.
pub fn start_of(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}{CUT}", &text[..at]),
        None => text.to_owned(),
    }
}

/// Of a long secret half of it is too much, too.
const REDACT_HALF_MIN: usize = 12;

/// The halves of a long secret.
fn halves(secret: &str) -> Option<(&str, &str)> {
    let half = secret.len() / 2;
    let is_long = half >= REDACT_HALF_MIN && secret.is_char_boundary(half);
    is_long.then(|| secret.split_at(half))
}

/// The text without whatever begins as a long secret does, as far as it does so.
fn without_beginning(text: &str, secret: &str, name: &str) -> String {
    let Some((start, _)) = halves(secret) else {
        return text.to_owned();
    };
    let mut clean = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(start) {
        clean.push_str(&rest[..at]);
        clean.push_str(&format!("[secret {name}]"));
        let same = rest[at..].char_indices().zip(secret.chars());
        let same = same.take_while(|((_, one), other)| one == other).last();
        let length = same.map_or(start.len(), |((to, letter), _)| to + letter.len_utf8());
        rest = &rest[at + length..];
    }
    clean.push_str(rest);
    clean
}

/// The text without what a long secret ends with.
fn without_ending(text: &str, secret: &str, name: &str) -> String {
    match halves(secret) {
        Some((_, end)) if text.contains(end) => text.replace(end, &format!("[secret {name}]")),
        _ => text.to_owned(),
    }
}

/// The text without the start of a secret that was cut off.
fn without_start(text: &str, secret: &str, name: &str) -> String {
    let mut clean = String::new();
    let mut pieces = text.split(CUT);
    let Some(last) = pieces.next_back() else {
        return text.to_owned();
    };
    for piece in pieces {
        let start = (REDACT_LENGTH_MIN..secret.len())
            .rev()
            .filter(|length| secret.is_char_boundary(*length))
            .find(|length| piece.ends_with(&secret[..*length]));
        match start {
            Some(length) => {
                clean.push_str(&piece[..piece.len() - length]);
                clean.push_str(&format!("[secret {name}]"));
            }
            None => clean.push_str(piece),
        }
        clean.push(CUT);
    }
    clean.push_str(last);
    clean
}
