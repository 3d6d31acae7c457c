//! Recorded samples, judged again by exactly the code that judges a gate.
//!
//! Rooms: [`read`] (files of samples: our own, plain CSV, k6's CSV and JSON), [`tally`] (pure: from
//! samples to slots of evidence), [`verdict`] (pure: from slots to a verdict with its reasons),
//! [`evidence`] (slots as a gate keeps them), [`curve`] (pure: the
//! evidence over time), [`calibrate`] (pure: a recorded series cut into many
//! gates). Knows no clock and no network.

pub mod calibrate;
pub mod curve;
pub mod read;
