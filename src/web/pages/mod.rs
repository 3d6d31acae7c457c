//! Server-rendered pages: each answers one question.
//!
//! Rooms: [`frame`] (what every page has), [`home`] (is anything wrong now?) with [`probes`] (rows, strips of
//! runs) and [`uptime`] (over days), [`gate`] (why?) with [`evidence`] (the pictures) and [`orders`] (what people may do there), [`lists`] (gates and
//! runs), [`probe`], [`incidents`] (alerts, silences, what was told), [`slos`], [`events`] (what happened, and who
//! asked for it), [`docs`] (the reference), [`status`] (what everybody may see), [`refused`] (errors for people).
//!
//! Pages work without scripts. Invariant: what others sent is text, whatever it looks like.

pub mod docs;
pub mod events;
mod evidence;
pub mod frame;
pub mod gate;
pub mod home;
pub mod incidents;
pub mod lists;
pub mod orders;
pub mod probe;
mod probes;
pub mod refused;
pub mod slos;
pub mod status;
mod uptime;

pub use uptime::Uptimes;
