//! Pictures of pages: kept as evidence, and compared with those that somebody accepted.
//!
//! Rooms: [`kept`] (a picture, and what it came to beside its baseline), [`raster`] (its pixels), [`difference`] (in
//! which of them two differ, as an eye would say), [`likeness`] (what that means), [`baseline`] (what was accepted, by
//! whom, as files beside the scenario).
//!
//! Knows nothing of browsers and steps. Invariant: a picture is like its baseline only if somebody accepted that very
//! baseline; without one, or where another browser drew it, a difference says nothing.

pub mod baseline;
pub mod difference;
pub mod kept;
pub mod likeness;
pub mod raster;
