//! Probes: scenarios on a schedule, all day long.
//!
//! Rooms: [`prober`] (a task for each, reloads, the stop), [`tending`] (what follows from the time alone), [`watched`] (one probe, what is remembered of it,
//! and one run), [`asked`] (one run for whoever asks), [`scripted`] (one that is a script), [`discovery`] (targets that are looked up), [`prepared`] (its scenario bound, and the sockets that probes share), [`print`](mod@print) (whether a reload changed it), [`steady`] (a clock
//! that nobody sets), [`ledger`] (what is kept, many results in a commit), [`objectives`] (over weeks), [`heartbeats`] (jobs that report to us), [`level`] (what is so, for the
//! book of incidents).
//!
//! Knows no channel and no incident.

pub mod asked;
pub mod discovery;
pub mod heartbeats;
pub mod ledger;
pub mod level;
pub mod objectives;
pub mod prepared;
pub mod print;
pub mod prober;
mod scripted;
pub mod steady;
mod tending;
pub mod watched;
