//! What commands end with, as a table that others may rely on.
//!
//! Invariant: a code keeps its meaning from the first release on.

use super::page::{Entry, Page, Section};

/// All codes: the number, its meaning, and what a pipeline does then.
pub const ALL: [(u8, &str, &str); 9] = [
    (
        0,
        "passed, or promoted; or a rollback that was ordered is proven",
        "go on",
    ),
    (
        1,
        "a fault of Bellwether or of this machine",
        "nothing was shown: do not go on",
    ),
    (2, "wrong usage of the command", "mend the command"),
    (
        10,
        "a gate says: roll back",
        "stop; the rollback is ordered, and its proof is awaited",
    ),
    (
        20,
        "a gate says: hold; or nobody could be asked for its verdict",
        "stop; somebody decides: bellwether gate explain says about what",
    ),
    (
        98,
        "inconclusive: it could not be measured well enough",
        "do not go on; measure longer",
    ),
    (99, "a check or an objective did not hold", "stop"),
    (
        104,
        "the configuration or a scenario is invalid, or a secret is missing",
        "mend the file; nothing was sent",
    ),
    (105, "it was interrupted", "nothing was shown"),
];

/// The page.
pub fn page() -> Page {
    let entries = ALL.iter().map(|(code, meaning, then)| Entry {
        name: code.to_string(),
        form: (*meaning).to_owned(),
        about: format!("A pipeline then: {then}."),
        ..Entry::default()
    });
    Page {
        name: "exit-codes",
        title: "Exit codes",
        about: "What commands end with. Only 0 is good; the codes from 97 to 108 are those of k6, and bellwether k6 uses them as k6 does.",
        sections: vec![Section::new("Codes", "").with(entries)],
    }
}
