//! What people have said of a deploy, and what is still to be said. Pure.
//!
//! Does not know when they are waited for: that is the approval's. Invariant: an attestation counts
//! with a name that may give it, with a link where one is needed, and for as long as it says.

use crate::project::access::folded;
use crate::project::before::Attestation;
use crate::record::note::{Note, NoteKind};

/// A note of this gate, or of one before it.
#[derive(Debug, Clone)]
pub struct AttestationNote {
    /// The note.
    pub note: Note,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Whether it was given to this gate.
    pub is_own: bool,
}

/// One attestation as it stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Attested {
    /// Somebody said so; in words.
    Given(String),
    /// Nobody has; in words, with what was said and does not count.
    Missing(String),
}

/// How an attestation stands, the newest word first.
pub fn standing(wanted: &Attestation, said: &[AttestationNote], now_ms: i64) -> Attested {
    let of_it = |one: &&AttestationNote| {
        one.note.kind == NoteKind::Attestation && one.note.check == wanted.name
    };
    let mut why = String::new();
    for one in said.iter().rev().filter(of_it) {
        match objection(wanted, one, now_ms) {
            None => {
                let note = &one.note;
                let mut told = format!("`{}`: {}", wanted.name, note.by);
                let more = [&note.reason, &note.link].map(String::as_str);
                let more: Vec<&str> = more.into_iter().filter(|it| !it.is_empty()).collect();
                if !more.is_empty() {
                    told.push_str(&format!(" ({})", more.join(", ")));
                }
                if !one.is_own {
                    let at = crate::clock::text_of(one.at_ms);
                    told.push_str(&format!(", said on {at} to a gate before"));
                }
                return Attested::Given(told);
            }
            Some(objection) if why.is_empty() => why = format!("; {objection}"),
            Some(_) => {}
        }
    }
    Attested::Missing(format!("`{}`: {}{why}", wanted.name, wanted.text))
}

/// Why a note does not count.
fn objection(wanted: &Attestation, one: &AttestationNote, now_ms: i64) -> Option<String> {
    let by = &one.note.by;
    let may = wanted.by.is_empty() || wanted.by.iter().any(|name| folded(name) == folded(by));
    if !may {
        let who = wanted.by.join(", ");
        return Some(format!("{by} said so, but only {who} may"));
    }
    if wanted.needs_link && one.note.link.is_empty() {
        return Some(format!("{by} said so without a link"));
    }
    let Some(valid_for) = wanted.valid_for else {
        return (!one.is_own).then(|| format!("{by} said so to another gate"));
    };
    let age_ms = now_ms - one.at_ms;
    let is_valid = one.is_own || age_ms <= valid_for.as_millis() as i64;
    (!is_valid).then(|| {
        let age = std::time::Duration::from_secs((age_ms / 1_000).max(0) as u64);
        format!("what {by} said is {} old", crate::duration::show(age))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn said(by: &str, link: &str, at_ms: i64, is_own: bool) -> AttestationNote {
        let note = Note {
            kind: NoteKind::Attestation,
            by: by.to_owned(),
            reason: String::new(),
            check: "drill".to_owned(),
            link: link.to_owned(),
            until_ms: 0,
            gate: None,
        };
        AttestationNote {
            note,
            at_ms,
            is_own,
        }
    }

    #[test]
    fn what_people_said_counts_with_a_name_a_link_and_for_its_time() {
        let day = 86_400_000;
        let wanted = Attestation {
            name: "drill".to_owned(),
            text: "the restore was tried".to_owned(),
            needs_link: true,
            by: vec!["Jane Doe".to_owned()],
            valid_for: Some(Duration::from_secs(30 * 86_400)),
        };
        let is_given = |wanted: &Attestation, one: AttestationNote| {
            matches!(standing(wanted, &[one], 40 * day), Attested::Given(_))
        };
        assert!(is_given(
            &wanted,
            said("jane  doe", "https://x", 20 * day, false)
        ));
        assert!(!is_given(
            &wanted,
            said("jane doe", "https://x", 9 * day, false)
        ));
        assert!(!is_given(
            &wanted,
            said("john", "https://x", 39 * day, true)
        ));
        assert!(!is_given(&wanted, said("jane doe", "", 39 * day, true)));
        let once = Attestation {
            valid_for: None,
            ..wanted
        };
        assert!(is_given(
            &once,
            said("jane doe", "https://x", 39 * day, true)
        ));
        assert!(!is_given(
            &once,
            said("jane doe", "https://x", 39 * day, false)
        ));
        let missing = standing(&once, &[said("john", "x", 1, true)], 2);
        let told = "`drill`: the restore was tried; john said so, but only Jane Doe may";
        assert_eq!(missing, Attested::Missing(told.to_owned()));
    }
}
