//! A script performed by a virtual user: JavaScript as k6 runs it, on our own connections.
//!
//! Rooms, in reading order: [`program`] (the files of a script, what it is given and what it shares),
//! [`modules`] (what can be imported), [`ask`] (what a script asks of the world, and what it is answered),
//! [`engine`] (one interpreter on a stack of its own) with [`files`] (what it imports) and [`dialect`] (how a text becomes a module), [`natives`] with [`letters`] (texts) and [`opaque`] (what scripts hold of ours), [`native_http`],
//! [`native_reply`] with [`json_pick`], [`native_socket`], [`native_grpc`], [`native_html`] (by [`page`]), [`native_file`], [`native_browser`] (with [`deed`] and [`browsing`]: what is done in pages), [`native_crypto`] and [`native_subtle`] (what modules call), [`host`] (what interpreter and virtual user both see) with [`patience`] (how long one may compute), [`sending`]
//! (requests on the wire) with [`going`] (what is sent), [`hop`] (what comes back), [`sockets`] (conversations) and [`names`] (what it is
//! called), [`tags`] (what samples are told apart by), [`user`] (a virtual user that performs
//! a script), [`run`] (what all of them share), [`prepare`] (from options to a run), [`pointing`] (which line a mistake is about),
//! [`given`] (what an environment gives it), [`looking`] (what is known of one before), [`cast`] (what is performed, be it steps or a script).
//!
//! The interpreter never waits: what takes time leaves its stack as an ask, and comes back as an answer.
//! Knows no executor and no report.

pub mod ask;
mod browsing;
pub mod cast;
pub mod deed;
mod dialect;
pub mod engine;
mod files;
pub mod given;
mod going;
mod hop;
pub mod host;
mod json_pick;
mod letters;
pub mod looking;
pub mod modules;
mod names;
mod native_browser;
mod native_crypto;
mod native_file;
mod native_grpc;
mod native_html;
mod native_http;
mod native_reply;
mod native_socket;
mod native_subtle;
mod natives;
mod opaque;
mod page;
pub mod patience;
pub mod pointing;
pub mod prepare;
pub mod program;
pub mod run;
pub mod sending;
mod sockets;
pub mod tags;
pub mod user;

pub use program::Program;
pub use run::Run;
pub use user::ScriptUser;
