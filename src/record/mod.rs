//! What is kept, as values: of gates, and of what is on its way to others.
//!
//! Rooms: [`gate`] (a gate and the facts it was started with), [`state`] (what it is at a moment, and
//! what must hold of it), [`note`] (what people add to it), [`run`] (the runs it made), [`effect`] (a row of the outbox) with [`target`] (what delivers it), [`announcement`] and [`message`] (what
//! such a row carries), [`audit`] (orders that people gave); and what follows from what is kept: [`accepted`] (orders that come before a
//! verdict), [`standing`] (whether a verdict still is the newest word), [`withdrawal`] (orders that come too late), [`history`] (which version is good, what may
//! be forgotten).
//!
//! Pure. Does not know where or how it is kept, nor who acts on it.

pub mod accepted;
pub mod announcement;
pub mod audit;
pub mod effect;
pub mod gate;
pub mod history;
pub mod message;
pub mod note;
pub mod run;
pub mod standing;
pub mod state;
pub mod target;
pub mod withdrawal;
