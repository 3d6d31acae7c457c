//! A browser: one Chromium that is shared, pages in contexts of their own, what they showed, and what is done in them.
//!
//! Rooms: [`settings`] (which browser, how it is started), [`profile`] (its folder), [`chromium`] (its process),
//! [`framing`] and [`wire`] (what is said over its pipe), [`keeper`] (who may use it, and when it is replaced), [`measuring`] (one alone, for a program that measures),
//! [`page`] (one context) with [`cookies`], [`network`] (headers of ours, slowness), [`going`] (from document to document) and [`files`], [`windows`] (one and the other), [`seen`] with [`requests`] and [`vitals`] (what a page showed: pure), [`locator`],
//! [`target`], [`acting`] and [`keys`] (what is done as a person does it), [`picture`] (what it looks like) and [`legible`] (what can be read there),
//! [`faults`] (what goes wrong, in the words of every exchange).
//!
//! Knows nothing of scenarios, checks or gates. Invariant: nothing of one page reaches another; without a browser, or
//! when it ends in the middle, nothing is said about the page.

pub mod acting;
mod chromium;
pub mod cookies;
mod faults;
pub mod files;
mod framing;
pub mod going;
pub mod keeper;
mod keys;
mod legible;
pub mod locator;
pub mod measuring;
pub mod network;
pub mod page;
pub mod picture;
mod profile;
pub mod requests;
pub mod seen;
pub mod settings;
mod target;
pub mod vitals;
pub mod windows;
mod wire;
