//! What a witness says: values for checks, what speaks against the deploy, and what is doubtful.

use serde_json::{Map, Value};

/// What a witness says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// Values by the names that expressions know them by.
    pub values: Map<String, Value>,
    /// What is there and must not be, or must be and is not: it fails the step, whatever is doubtful.
    pub objections: Vec<String>,
    /// Why it cannot be relied on that nothing else is there: it makes the step inconclusive.
    pub doubts: Vec<String>,
    /// What should be otherwise, and changes no outcome.
    pub warnings: Vec<String>,
}

impl Said {
    /// Adds a value.
    pub fn value(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// Nothing but a doubt.
    pub fn doubt(why: impl Into<String>) -> Said {
        Said {
            doubts: vec![why.into()],
            ..Said::default()
        }
    }
}
