//! Load: when iterations start, who performs them, and what is recorded.
//!
//! Rooms, in reading order: [`arrival`] (pure: offsets of arrivals), [`ramp`] (pure: when each
//! virtual user of a ramp is active), [`timer`] (waiting with less than a millisecond of error),
//! [`breakpoint`] (pure: the search for the highest rate that holds), [`buckets`],
//! [`control`] (stop, pause, scale), [`recorder`] (counters and histograms, one for each worker),
//! [`worker`] (one thread with its virtual users), `closed` and `open` (the executors),
//! [`run`] (setup, workers, teardown, merging), [`series`] (second by second),
//! [`live`] (loads that run now).
//!
//! Knows no report, no database and no vendor.

pub mod arrival;
pub mod breakpoint;
pub mod buckets;
mod closed;
pub mod control;
pub mod live;
mod open;
pub mod ramp;
pub mod recorder;
pub mod run;
pub mod series;
pub mod shop;
pub mod timer;
pub mod worker;

pub use control::{Control, Stop};
pub use recorder::{Recorded, StepRecord, Tick};
pub use run::{load, smoke};
