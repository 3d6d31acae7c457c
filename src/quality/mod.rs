//! The quality of a page, as Lighthouse measures it: read, bounded, judged over several runs. All pure.
//!
//! Rooms: [`report`] (what one run says), [`limits`] (what is wanted), [`judging`] (medians, runs that do not count, and
//! what they come to).
//!
//! Starts no browser. Invariant: a number is called Lighthouse's only if Lighthouse said it; fewer runs than were asked
//! for say nothing.

pub mod judging;
pub mod limits;
pub mod report;
