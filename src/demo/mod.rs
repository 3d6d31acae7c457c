//! A small shop whose faults can be switched, and the story that the demo tells with it.
//!
//! Rooms: [`shop`] (API, console and billing in one process), [`setting`] (its configuration and
//! scenarios), [`story`] (deploys, gates and what is expected of them) with its
//! [`eleventh_hour`] and the chapter of [`watching`].

mod eleventh_hour;
pub mod setting;
pub mod shop;
pub mod story;
mod watching;
