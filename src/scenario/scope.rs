//! What an expression can see, and what is wrong with one.

use super::extract::{PathPart, walk};
use serde_json::Value;

/// What an expression can see; of a reply, nothing where nothing is said.
pub trait Scope {
    /// The value of a top-level name; `None` where it does not exist now.
    fn lookup(&self, name: &str) -> Option<cel::Value>;
    /// A step into a top-level mapping, as JSON, without building the whole of it.
    fn path(&self, root: &str, key: &str) -> Option<Value>;
    /// The status of the reply, if there is one.
    fn status(&self) -> Option<u16> {
        None
    }
    /// A header of the reply.
    fn header(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }
    /// The body as JSON, if it is JSON.
    fn json(&self) -> Option<&Value> {
        None
    }
    /// A part of the body, where the whole of it need not be built.
    fn json_at(&self, path: &[PathPart]) -> Result<&Value, String> {
        walk(self.json().ok_or("the body is not JSON")?, path)
    }
    /// The latency in microseconds.
    fn latency_micros(&self) -> Option<u64> {
        None
    }
}

/// Why an expression did not compile, with the place inside its text.
#[derive(Debug)]
pub struct Mistake {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Byte range inside the expression.
    pub range: (usize, usize),
    /// How to mend it.
    pub hint: Option<String>,
}
