//! Who may do what over the network: tokens with a name and a role.
//!
//! Pure. Does not know requests. Invariant: whoever acts by a token with a name is that name, whatever
//! else is said.

use crate::scenario::template::Template;

/// What a token allows; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look.
    Read,
    /// Start gates, call them off, roll back, run probes, steer loads.
    Operate,
    /// Agree to promotions and answer for failures.
    Approve,
    /// Reload.
    Administer,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 4] = [Role::Read, Role::Operate, Role::Approve, Role::Administer];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Operate => "operate",
            Role::Approve => "approve",
            Role::Administer => "administer",
        }
    }

    /// The role of a word.
    pub fn of(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// Somebody with a token.
#[derive(Debug)]
pub struct Holder {
    /// Who.
    pub name: String,
    /// The token.
    pub token: Template,
    /// What it allows.
    pub role: Role,
}

/// A name as it is compared: whatever its capitals and spaces, it is one person.
pub fn folded(name: &str) -> String {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

/// A name as it looks: names of which one can be taken for the other look the same. Letters of other scripts that look like
/// Latin ones are these, and what is no letter or digit is not seen.
pub fn look(name: &str) -> String {
    const ALIKE: [(&str, char); 22] = [
        ("аα", 'a'),
        ("вβ", 'b'),
        ("сϲ", 'c'),
        ("ԁ", 'd'),
        ("еε", 'e'),
        ("ɡ", 'g'),
        ("һнη", 'h'),
        ("іιıl1|", 'i'),
        ("ј", 'j'),
        ("кκ", 'k'),
        ("м", 'm'),
        ("ոп", 'n'),
        ("оοσ0", 'o'),
        ("рρ", 'p'),
        ("ԛ", 'q'),
        ("ѕ", 's'),
        ("тτ", 't'),
        ("υս", 'u'),
        ("νѵ", 'v'),
        ("ѡω", 'w'),
        ("хχ", 'x'),
        ("уγ", 'y'),
    ];
    let fillers = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];
    let seen = |letter: &char| letter.is_alphanumeric() && !fillers.contains(letter);
    let lower = name.chars().filter(seen).flat_map(char::to_lowercase);
    let alike = |letter: char| {
        let known = ALIKE.iter().find(|(all, _)| all.contains(letter));
        known.map_or(letter, |(_, latin)| *latin)
    };
    lower.filter(|letter| seen(letter)).map(alike).collect()
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token, if it has one.
    pub name: Option<String>,
    /// Whether others have tokens with names: then who has none is nobody in particular.
    pub others_have_names: bool,
}

impl Caller {
    /// Who acts, where a request says who it is.
    ///
    /// # Errors
    /// Where it says another name than the token has.
    pub fn acts_as(&self, said: &str) -> Result<String, String> {
        match &self.name {
            Some(name) if said.trim().is_empty() || folded(said) == folded(name) => {
                Ok(name.clone())
            }
            Some(name) => Err(format!("this token is `{name}`'s, not `{}`'s", said.trim())),
            None => Ok(said.to_owned()),
        }
    }

    /// Who agrees or answers for something: where tokens have names, nobody without one.
    ///
    /// # Errors
    /// Where it says another name than the token has, or it has none and others do.
    pub fn agrees_as(&self, said: &str) -> Result<String, String> {
        if self.name.is_none() && self.others_have_names {
            return Err(
                "who agrees or answers for something has a token with a name, of `server.tokens`"
                    .to_owned(),
            );
        }
        self.acts_as(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_taken_by_one_that_looks_like_it() {
        for name in [
            "Pipeline",
            "pipe\u{2060}line",
            "pipe\u{ad}line",
            "pipeline\u{3164}",
            "pipeline\u{e0041}",
            "\u{440}ipeline",
            "pipeline\u{301}",
            "pipe1ine",
            "pipe line",
        ] {
            assert_eq!(look(name), look("pipeline"), "{name:?}");
        }
        assert_ne!(look("pipelines"), look("pipeline"));
        assert_ne!(look("jana"), look("jane"));
        assert_ne!(look("李明"), look("王明"));
    }

    #[test]
    fn whoever_has_a_name_is_that_name() {
        let of = |name: Option<&str>| Caller {
            name: name.map(str::to_owned),
            others_have_names: true,
        };
        let jane = of(Some("Jane Doe"));
        assert_eq!(jane.agrees_as("").as_deref(), Ok("Jane Doe"));
        assert_eq!(jane.agrees_as("jane  doe").as_deref(), Ok("Jane Doe"));
        assert!(jane.agrees_as("john").is_err() && jane.acts_as("john").is_err());
        assert!(of(None).agrees_as("john").is_err());
        assert_eq!(of(None).acts_as("john").as_deref(), Ok("john"));
        assert!(Role::Approve > Role::Operate && Role::of("root").is_none());
    }
}
