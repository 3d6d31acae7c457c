//! Recorded samples and kept evidence, judged again by the code that judged them first.
//!
//! Rooms: [`read`] (files of our own, of k6 and plain CSV), [`curve`] (how evidence grew) with [`band`] (what it left open), [`calibrate`]
//! (how often a rule would have been wrong).
//!
//! Pure but for reading what it is given.

pub mod band;
pub mod calibrate;
pub mod curve;
pub mod read;
