//! What a script does in a page, as its module says it.
//!
//! Pure: read from JSON. Invariant: what is not known here is refused, and not left out.

use crate::browser::going::Until;
use crate::browser::locator::{By, Locator};
use serde::Deserialize;
use std::time::Duration;

/// Something that is done in a page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deed {
    /// The number of the page.
    pub page: u32,
    /// Milliseconds that it may take.
    pub timeout: f64,
    /// What is done.
    pub does: Does,
}

/// What is done.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", tag = "do")]
pub enum Does {
    /// Opens a page.
    Open(Look),
    /// Closes it.
    Close,
    /// Goes to an address.
    Go {
        /// Which.
        url: String,
        /// How far it must come.
        until: Reached,
    },
    /// Loads it again.
    Reload,
    /// Goes back.
    Back,
    /// Waits for a document that is on its way.
    Arrive {
        /// How far it must come.
        until: Reached,
    },
    /// Clicks.
    Click {
        /// On what.
        on: Where,
        /// How often.
        times: u32,
    },
    /// Moves the pointer.
    Hover {
        /// Over what.
        on: Where,
    },
    /// Gives it the focus.
    Focus {
        /// What.
        on: Where,
    },
    /// Puts a text into a field.
    Fill {
        /// Which.
        on: Where,
        /// What.
        text: String,
        /// Letter by letter.
        #[serde(rename = "byKey")]
        by_key: bool,
    },
    /// Chooses of a list.
    Choose {
        /// Which list.
        on: Where,
        /// What.
        option: String,
    },
    /// Ticks a box, or takes its tick away.
    Tick {
        /// Which.
        on: Where,
        /// Whether it is ticked then.
        is: bool,
    },
    /// Presses a key.
    Press {
        /// On what; what has the focus otherwise.
        on: Option<Where>,
        /// Which.
        key: String,
    },
    /// How many of it can be seen.
    Count {
        /// Of what.
        on: Where,
    },
    /// What an element is now.
    Facts {
        /// Which.
        on: Where,
        /// An attribute that is asked for.
        attribute: Option<String>,
    },
    /// Waits until it can be seen, or cannot.
    Wait {
        /// What.
        on: Where,
        /// Whether it is to be seen.
        seen: bool,
    },
    /// Runs JavaScript in the page.
    Evaluate {
        /// The body of a function.
        body: String,
        /// Again and again until it is true.
        #[serde(rename = "untilTrue")]
        until_true: bool,
    },
    /// Waits until the address holds a text.
    Url {
        /// Which.
        holds: String,
    },
    /// Title and address.
    Words,
    /// A picture.
    Picture {
        /// All of the page.
        full: bool,
        /// Only this element.
        of: Option<Where>,
    },
    /// Lets time pass.
    Rest {
        /// Milliseconds.
        ms: f64,
    },
}

/// How a page is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Look {
    /// Width and height.
    pub viewport: Option<(u32, u32)>,
    /// As on a phone.
    pub is_mobile: bool,
    /// What the browser says it is.
    pub user_agent: Option<String>,
    /// The language.
    pub locale: Option<String>,
    /// The time zone.
    pub timezone: Option<String>,
}

/// How far a document must have come, as k6 names it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reached {
    /// With all that it names.
    Load,
    /// As far as it can be looked at.
    DomContentLoaded,
    /// Without traffic for half a second.
    NetworkIdle,
}

impl From<Reached> for Until {
    fn from(reached: Reached) -> Until {
        match reached {
            Reached::Load => Until::Load,
            Reached::DomContentLoaded => Until::Dom,
            Reached::NetworkIdle => Until::Idle,
        }
    }
}

/// An element.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Where {
    kind: Kind,
    value: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    exact: bool,
    #[serde(default)]
    nth: Option<i64>,
    #[serde(default)]
    within: Option<Box<Where>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Role,
    Label,
    Text,
    Placeholder,
    TestId,
    Css,
    Xpath,
}

impl Where {
    /// The same as a locator.
    pub fn locator(self) -> Locator {
        let value = self.value;
        Locator {
            by: match self.kind {
                Kind::Role => By::Role(value, self.name),
                Kind::Label => By::Label(value),
                Kind::Text => By::Text(value),
                Kind::Placeholder => By::Placeholder(value),
                Kind::TestId => By::TestId(value),
                Kind::Css => By::Css(value),
                Kind::Xpath => By::XPath(value),
            },
            exact: self.exact,
            nth: self.nth,
            within: self.within.map(|within| Box::new(within.locator())),
            frame: None,
        }
    }
}

impl Deed {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// What is not understood.
    pub fn read(text: &str) -> Result<Deed, String> {
        serde_json::from_str(text).map_err(|why| why.to_string())
    }

    /// How long it may take: a day at the most.
    pub fn time(&self) -> Duration {
        let seconds = (self.timeout / 1e3).clamp(0.0, 86_400.0);
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_module_says_is_understood_and_nothing_else() {
        let deed = Deed::read(r#"{"page": 1, "timeout": 30000, "does": {"do": "click", "on": {"kind": "role", "value": "button", "name": "Pay", "within": {"kind": "css", "value": "form"}}, "times": 1}}"#).unwrap();
        assert_eq!(deed.time(), Duration::from_secs(30));
        let Does::Click { on, .. } = deed.does else {
            panic!()
        };
        assert_eq!(on.locator().to_string(), "button \"Pay\" within `form`");
        for odd in [
            r#"{"page": 1, "timeout": 1, "does": {"do": "fly"}}"#,
            r#"{"page": 1, "timeout": 1, "does": {"do": "click", "on": {"kind": "smell", "value": "x"}, "times": 1}}"#,
            "{}",
        ] {
            assert!(Deed::read(odd).is_err(), "{odd}");
        }
    }
}
