//! Load: when iterations start, who performs them, and what is recorded.
//!
//! Rooms, in reading order: [`arrival`] (pure: offsets of arrivals), [`ramp`] (pure: when each
//! virtual user of a ramp is active), [`timer`] (waiting with less than a millisecond of error),
//! [`recorder`] (counters and histograms, one for each worker), [`worker`] (one thread with its
//! virtual users), [`run`] (setup, workers, teardown, merging).
//!
//! Knows no report, no database and no vendor.

pub mod arrival;
pub mod ramp;
pub mod recorder;
pub mod run;
pub mod timer;
pub mod worker;

pub use recorder::{Recorded, StepRecord, Tick};
pub use run::{Control, Stop, load, smoke};
