//! Counters of a Prometheus as evidence: raw samples in, requests and bad ones of each block of time out.
//!
//! Rooms: [`window`] (blocks of the time in which one looks), [`steps`] (what one scrape of one target adds),
//! [`leaps`] (which of it may be older, or another's), [`newcomers`] (targets that are new), [`part`] (how the part fits all requests), [`pulse`], [`stillness`] and [`shares`] (whether requests keep coming, and to whom),
//! [`attendance`] (who should be there), [`came`] (what it came to), [`doubts`] (why what was counted is not to be relied on).

mod attendance;
mod came;
mod doubts;
mod leaps;
mod newcomers;
mod part;
mod pulse;
mod shares;
mod steps;
mod stillness;
pub mod window;

pub use window::{Closed, Counted, Counters, Part, block_of};

#[cfg(test)]
mod presence_tests;
#[cfg(test)]
mod target_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unseen_tests;
