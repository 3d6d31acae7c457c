//! How an element is found: by what people see of it, or by what was put there for tests.
//!
//! Pure values, with how they are told. Looks nothing up.

use serde_json::{Value, json};
use std::fmt;

/// By what an element is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Its role (WAI-ARIA), and its accessible name as the browser computes it.
    Role(String, Option<String>),
    /// The text of its label.
    Label(String),
    /// A text that it shows.
    Text(String),
    /// What stands in an empty field.
    Placeholder(String),
    /// Its `data-testid`.
    TestId(String),
    /// A selector of CSS.
    Css(String),
    /// By an expression of XPath 1.0.
    XPath(String),
}

/// How an element is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locator {
    /// By what.
    pub by: By,
    /// Whether texts must be equal, letter by letter.
    pub exact: bool,
    /// Which of several, from 0; from the last one where it is negative. Without it there must be one.
    pub nth: Option<i64>,
    /// In which element it stands.
    pub within: Option<Box<Locator>>,
    /// In which frame it stands.
    pub frame: Option<Box<Locator>>,
}

impl Locator {
    /// What the script in the page is asked.
    pub(super) fn asked(&self) -> Value {
        let (kind, value, name) = match &self.by {
            By::Role(role, name) => ("role", role, name.as_ref()),
            By::Label(text) => ("label", text, None),
            By::Text(text) => ("text", text, None),
            By::Placeholder(text) => ("placeholder", text, None),
            By::TestId(id) => ("test_id", id, None),
            By::Css(selector) => ("css", selector, None),
            By::XPath(path) => ("xpath", path, None),
        };
        let mut asked = json!({"kind": kind, "value": value, "exact": self.exact});
        if let Some(name) = name {
            asked["name"] = name.as_str().into();
        }
        asked
    }

    /// Whether an accessible name and role, as the browser computes them, are those that are looked for.
    pub(super) fn is_called(&self, role: &str, name: &str) -> bool {
        let By::Role(wanted_role, wanted_name) = &self.by else {
            return true;
        };
        let same_role = role_word(role).eq_ignore_ascii_case(role_word(wanted_role));
        let same_name = wanted_name.as_ref().is_none_or(|wanted| match self.exact {
            true => normal(name) == normal(wanted),
            false => normal(name).to_lowercase() == normal(wanted).to_lowercase(),
        });
        same_role && same_name
    }

    /// Whether only the browser can say if an element is it.
    pub(super) fn asks_the_browser(&self) -> bool {
        matches!(self.by, By::Role(_, Some(_)))
    }
}

/// One word for what the browser and WAI-ARIA name differently.
fn role_word(role: &str) -> &str {
    match role {
        "img" => "image",
        "DisclosureTriangle" => "button",
        "presentation" => "none",
        role => role,
    }
}

/// A text without spaces that nobody sees.
fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            By::Role(role, Some(name)) => write!(f, "{role} {name:?}")?,
            By::Role(role, None) => write!(f, "{role}")?,
            By::Label(text) => write!(f, "field labeled {text:?}")?,
            By::Text(text) => write!(f, "text {text:?}")?,
            By::Placeholder(text) => write!(f, "field with the placeholder {text:?}")?,
            By::TestId(id) => write!(f, "test id {id:?}")?,
            By::Css(text) | By::XPath(text) => write!(f, "`{text}`")?,
        }
        match self.nth {
            Some(nth) if nth >= 0 => write!(f, ", number {}", nth + 1)?,
            Some(-1) => write!(f, ", the last")?,
            Some(nth) => write!(f, ", number {} from the end", -nth)?,
            None => {}
        }
        if let Some(within) = &self.within {
            write!(f, " within {within}")?;
        }
        if let Some(frame) = &self.frame {
            write!(f, " in the frame {frame}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn button(name: &str) -> Locator {
        Locator {
            by: By::Role("button".to_owned(), Some(name.to_owned())),
            exact: false,
            nth: None,
            within: None,
            frame: None,
        }
    }

    #[test]
    fn a_name_is_the_whole_name_without_regard_to_case_and_spaces() {
        assert!(button("sign in").is_called("button", "  Sign\n in "));
        assert!(!button("Pay").is_called("button", "Pay later"));
        assert!(!button("Pay").is_called("link", "Pay"));
        let exact = Locator {
            exact: true,
            ..button("pay")
        };
        assert!(!exact.is_called("button", "Pay"));
    }

    #[test]
    fn it_is_told_as_people_would() {
        let table = Locator {
            by: By::Css("#orders".to_owned()),
            ..button("")
        };
        let second = Locator {
            nth: Some(1),
            within: Some(Box::new(table)),
            ..button("Open")
        };
        assert_eq!(
            second.to_string(),
            "button \"Open\", number 2 within `#orders`"
        );
    }
}
