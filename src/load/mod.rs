//! Virtual users under load.
//!
//! Rooms: [`once`] (a scenario performed once), [`run`] (a load from its start to its end), [`worker`] (one thread of it) with [`shop`] (what its
//! virtual users share), [`open`] and [`closed`] (how they are driven), [`arrival`], [`ramp`] and
//! [`breakpoint`] (pure: when, how many, how fast), [`timer`] (finer than a millisecond), [`control`]
//! (orders), [`live`] (loads that run now), [`recorder`] with [`measured`], [`histogram`], [`mod@kept`], [`tick`], [`buckets`] and [`series`] (what came of
//! it).
//!
//! Knows no database and no vendor.

pub mod arrival;
pub mod breakpoint;
pub mod buckets;
mod closed;
pub mod control;
pub mod histogram;
pub mod kept;
pub mod live;
pub mod measured;
pub mod once;
mod open;
pub mod ramp;
pub mod recorder;
pub mod run;
pub mod series;
pub mod shop;
pub mod tick;
pub mod timer;
pub mod worker;

pub use control::{Control, Stop};
pub use once::smoke;
pub use recorder::{Recorded, StepRecord};
pub use run::load;
pub use tick::Tick;
