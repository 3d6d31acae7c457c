//! What a virtual user captured.
//!
//! A list rather than a map: scenarios have a handful of names, and a name that was captured
//! once keeps its place, so that an iteration allocates nothing for it.

use serde_json::Value;
use std::sync::Arc;

/// Captured values by name.
#[derive(Debug, Clone, Default)]
pub struct Variables(Vec<(Arc<str>, Option<Value>)>);

impl Variables {
    /// The value of a name, if it was captured.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(known, _)| **known == *name);
        found.and_then(|(_, value)| value.as_ref())
    }

    /// Captures a value.
    pub fn set(&mut self, name: &Arc<str>, value: Value) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, place)) => *place = Some(value),
            None => self.0.push((name.clone(), Some(value))),
        }
    }

    /// Forgets everything but what was there at the start.
    pub fn reset(&mut self, start: &Variables) {
        for (name, value) in &mut self.0 {
            *value = start.get(name).cloned();
        }
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0
            .iter()
            .filter_map(|(name, value)| Some((&**name, value.as_ref()?)))
    }
}
