//! What watching production comes to, as pure rules: when a probe is due, what state it is in, which
//! trouble is one incident, and what people are told of it in which order.
//!
//! Rooms: [`timetable`] (grids that nothing moves), [`health`] (states of a probe, from one run to the
//! next), [`result`] (what is kept of a run), [`heartbeat`] (whether a job that reports is well), [`rollup`] (history in rolled-up form), [`trend`] (where a value goes over hours), [`budget`] (objectives over weeks) and [`budgets`] (how all of them stand), [`alert`] (what fires, with its labels), [`deploys`] (where a gate is at work), [`duty`] (who is on call, and what may wait), [`silence`] (what is told to nobody, until when),
//! [`incident`] (one trouble from its first firing to its end), [`book`] (all incidents: grouping, waiting,
//! repeating, escalating), [`levels`] (where levels are handed in), [`direct`] (what is told without the outbox), [`wording`] (how an incident is told).
//!
//! Knows no clock, no store and no channel. Invariant: what follows from a fact follows from it after a
//! restart, too: levels are given, not edges.

pub mod alert;
pub mod book;
#[cfg(test)]
mod book_tests;
pub mod budget;
pub mod budgets;
pub mod deploys;
pub mod direct;
pub mod duty;
pub mod health;
pub mod heartbeat;
pub mod incident;
pub mod levels;
pub mod result;
pub mod rollup;
pub mod silence;
pub mod timetable;
pub mod trend;
pub mod wording;
