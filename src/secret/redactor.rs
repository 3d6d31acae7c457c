//! Known secrets in text that is about to be shown or kept, and what becomes of them there.
//!
//! Invariant: what was cut off in the middle of a secret is cleaned, too.

use super::forms::{REDACT_LENGTH_MIN, any_spelling, forms};
use super::value::Secret;
use regex::Regex;
use std::sync::{Arc, OnceLock};

/// Replaces known secrets in text that is about to be shown or kept.
#[derive(Clone, Default, Debug)]
pub struct Redactor {
    /// By name, each in all the forms in which it may appear, the longest first.
    known: Vec<(String, Vec<Secret>)>,
    /// The values themselves, and each in any spelling, made when somebody looks.
    spelled: Arc<Vec<Spelled>>,
}

/// A secret in any spelling, which is made ready when somebody looks.
struct Spelled {
    name: String,
    secret: Secret,
    pattern: OnceLock<Option<Regex>>,
}

impl std::fmt::Debug for Spelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The pattern is the secret, letter by letter.
        f.write_str(&self.name)
    }
}

impl Redactor {
    /// A redactor for these named secrets.
    pub fn new(known: impl IntoIterator<Item = (String, Secret)>) -> Redactor {
        let mut known: Vec<(String, Secret)> = known
            .into_iter()
            .filter(|(_, secret)| secret.expose().len() >= REDACT_LENGTH_MIN)
            .collect();
        known.sort_by_key(|(_, secret)| std::cmp::Reverse(secret.expose().len()));
        let spelled = known.iter();
        let spelled = spelled.map(|(name, secret)| Spelled {
            name: name.clone(),
            secret: secret.clone(),
            pattern: OnceLock::new(),
        });
        let spelled = Arc::new(spelled.collect());
        let known = known.into_iter();
        Redactor {
            spelled,
            known: known
                .map(|(name, secret)| (name, forms(secret.expose())))
                .collect(),
        }
    }

    /// The text without secrets in a spelling: letters escaped or not, each as it likes, in whatever case.
    fn without_spelled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // Without any of these marks and of another case it would be one of the forms.
        for spelled in self.spelled.iter() {
            let secret = spelled.secret.expose();
            let may_be = text.contains(['%', '\\', '&'])
                || text.len() >= secret.len()
                    && text.to_lowercase().contains(&secret.to_lowercase());
            if !may_be {
                continue;
            }
            if let Some(pattern) = spelled.pattern.get_or_init(|| any_spelling(secret)) {
                let mark = format!("[secret {}]", spelled.name);
                let clean = pattern.replace_all(&text, regex::NoExpand(&mark));
                text = clean.into_owned();
            }
        }
        text
    }

    /// The text without any known secret, neither plain, nor percent-encoded, nor in base64 (also
    /// within a longer text, as basic authentication has it), nor as JSON has it.
    pub fn clean(&self, text: &str) -> String {
        let mut text = self.without_spelled(text);
        for (name, forms) in &self.known {
            for form in forms {
                if text.contains(form.expose()) {
                    text = text.replace(form.expose(), &format!("[secret {name}]"));
                }
                text = without_start(&text, form.expose(), name);
            }
        }
        // Only then: half of one form may stand in the middle of another that is whole.
        for without in [without_beginning, without_ending] {
            for (name, forms) in &self.known {
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
