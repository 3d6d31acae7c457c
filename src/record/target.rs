//! What delivers an effect, and to what. It is kept as text; this is the one place that knows the form.

use super::state::Verdict;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// Which list of a gate's actions an action stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    /// After promote.
    Promote,
    /// After rollback.
    Rollback,
    /// Another way to roll back, after the ways before were not proven.
    Fallback,
    /// After hold.
    Hold,
    /// Before anything is concluded: what may mend it without another version.
    Remedy,
    /// Before a rollback, by consent: the database is changed back.
    Down,
}

impl Occasion {
    /// All of them.
    pub const ALL: [Occasion; 6] = [
        Occasion::Promote,
        Occasion::Rollback,
        Occasion::Fallback,
        Occasion::Hold,
        Occasion::Remedy,
        Occasion::Down,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Occasion::Promote => "promote",
            Occasion::Rollback => "rollback",
            Occasion::Fallback => "fallback",
            Occasion::Hold => "hold",
            Occasion::Remedy => "remedy",
            Occasion::Down => "down",
        }
    }

    /// Whether it brings an older version back.
    pub fn rolls_back(self) -> bool {
        matches!(self, Occasion::Rollback | Occasion::Fallback)
    }
}

impl From<Verdict> for Occasion {
    fn from(verdict: Verdict) -> Occasion {
        match verdict {
            Verdict::Promote => Occasion::Promote,
            Verdict::Rollback => Occasion::Rollback,
            Verdict::Hold => Occasion::Hold,
        }
    }
}

/// What delivers an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An action of a gate: `action:GATE:OCCASION:NUMBER:KIND`.
    Action {
        /// The gate's name.
        gate: String,
        /// The list that it stands in.
        occasion: Occasion,
        /// Its place there, when it was ordered.
        number: usize,
        /// The word of its kind; empty in rows of the first release.
        kind: String,
    },
    /// A status on GitHub: `github:GATE:KIND`.
    Github {
        /// The gate's name.
        gate: String,
        /// `deployment`, `commit`, `check`, `issue` or `callback`.
        kind: String,
    },
    /// The ticket of a gate: `ticket:GATE`.
    Ticket(String),
    /// People: `channel:NAME`.
    Channel(String),
    /// A gate that is rolled back together with another: `partner:GATE`.
    Partner(String),
    /// Of another release: it is given up with a reason.
    Foreign(String),
}

impl Target {
    /// The word that it begins with, a label of metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Target::Action { .. } => "action",
            Target::Github { .. } => "github",
            Target::Ticket(_) => "ticket",
            Target::Channel(_) => "channel",
            Target::Partner(_) => "partner",
            Target::Foreign(_) => "foreign",
        }
    }

    /// Whether it does something to the world, and not only tells.
    pub fn acts(&self) -> bool {
        matches!(self, Target::Action { .. })
    }

    /// Whether it is a webhook, which only tells what was decided.
    pub fn is_webhook(&self) -> bool {
        matches!(self, Target::Action { kind, .. } if kind == "webhook")
    }

    /// Whether it is an action of this occasion, and of this place where one is given.
    pub fn is_action_of(&self, wanted: Occasion, place: Option<usize>) -> bool {
        matches!(self, Target::Action { occasion, number, .. }
            if *occasion == wanted && place.is_none_or(|place| place == *number))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Action {
                gate,
                occasion,
                number,
                kind,
            } => {
                write!(f, "action:{gate}:{}:{number}", occasion.word())?;
                match kind.as_str() {
                    "" => Ok(()),
                    kind => write!(f, ":{kind}"),
                }
            }
            Target::Github { gate, kind } => write!(f, "github:{gate}:{kind}"),
            Target::Ticket(gate) => write!(f, "ticket:{gate}"),
            Target::Channel(name) => write!(f, "channel:{name}"),
            Target::Partner(name) => write!(f, "partner:{name}"),
            Target::Foreign(text) => f.write_str(text),
        }
    }
}

impl FromStr for Target {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Target, Infallible> {
        let occasion = |word: &str| Occasion::ALL.into_iter().find(|known| known.word() == word);
        let parts: Vec<&str> = text.split(':').collect();
        let known = match parts.as_slice() {
            ["action", gate, word, number, kind @ ..] if kind.len() <= 1 => occasion(word)
                .zip(number.parse().ok())
                .map(|(occasion, number)| Target::Action {
                    gate: (*gate).to_owned(),
                    occasion,
                    number,
                    kind: kind.first().copied().unwrap_or_default().to_owned(),
                }),
            ["github", gate, kind] => Some(Target::Github {
                gate: (*gate).to_owned(),
                kind: (*kind).to_owned(),
            }),
            ["ticket", gate] => Some(Target::Ticket((*gate).to_owned())),
            ["channel", name] => Some(Target::Channel((*name).to_owned())),
            ["partner", name] => Some(Target::Partner((*name).to_owned())),
            _ => None,
        };
        Ok(known.unwrap_or_else(|| Target::Foreign(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is stored today is read as what it is, and written as it stands.
    #[test]
    fn every_form_that_is_kept_is_known() {
        for (text, word, acts) in [
            ("action:shop:rollback:0:command", "action", true),
            ("action:shop:fallback:2:argo_rollouts", "action", true),
            ("action:shop eu:promote:1:webhook", "action", true),
            ("action:shop:hold:0", "action", true),
            ("github:shop:check", "github", false),
            ("ticket:shop", "ticket", false),
            ("channel:team", "channel", false),
            ("partner:console", "partner", false),
            ("action:shop:explode:0:command", "foreign", false),
            ("action:shop:promote:first:command", "foreign", false),
            ("pager:team", "foreign", false),
            ("", "foreign", false),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!((target.word(), target.acts()), (word, acts), "{text}");
            assert_eq!(target.to_string(), text);
        }
        let webhook: Target = "action:shop:promote:0:webhook".parse().unwrap();
        assert!(webhook.is_webhook() && webhook.is_action_of(Occasion::Promote, Some(0)));
        assert!(!webhook.is_action_of(Occasion::Promote, Some(1)));
    }
}
