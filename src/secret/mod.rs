//! Values that must not be shown.
//!
//! Rooms: [`value`] (a secret itself), [`redactor`] (known secrets in text that is about to be shown), [`forms`] (how a value may
//! be written), [`names`] (under which names stands what lets somebody in).
//!
//! Invariant: a [`Secret`] has no `Display` and no `Serialize`, and its `Debug` shows nothing of it.

mod forms;
mod names;
mod redactor;
mod value;

pub use names::{HIDDEN, lets_in, without_named};
pub use redactor::{Redactor, start_of};
pub use value::Secret;

#[cfg(test)]
mod tests;
