//! How virtual users are driven, one executor in a file each: its fields, and how it is read.
//!
//! Rooms: [`registry`] (all of them, and what their files share), [`shared_iterations`],
//! [`per_vu_iterations`], [`constant_vus`], [`ramping_vus`], [`constant_arrival_rate`],
//! [`ramping_arrival_rate`], [`breakpoint`].
//!
//! The names and meanings are k6's; `breakpoint` is ours. How they drive stands in `load`.

mod breakpoint;
mod constant_arrival_rate;
mod constant_vus;
mod per_vu_iterations;
mod ramping_arrival_rate;
mod ramping_vus;
pub mod registry;
mod shared_iterations;
