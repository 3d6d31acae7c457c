//! Actions that go out and webhooks that come in, one vendor or source in a file each.
//!
//! Rooms: [`action`] (what a verdict makes us do) with [`command`] (a program) and [`vendor`] (the
//! registry of platforms) with [`call`] (one use of an adapter): [`fly`], [`vercel`] with
//! [`vercel_check`], [`railway`], [`kubernetes`], [`argo`], [`compose`], [`dispatch`] (GitHub workflows),
//! [`gitlab`], [`circleci`]. [`ticket`] (the registry of where a record is attached): [`ticket_github`],
//! [`ticket_gitlab`], [`ticket_jira`]. [`github`] (statuses, checks, issues). [`source`] (the registry of webhooks of
//! others): [`from_github`], [`from_vercel`], [`from_json`].
//!
//! Nothing here is sent but by the outbox, and by a gate's preflight, which changes nothing.

pub mod action;
mod argo;
pub mod call;
mod circleci;
pub mod command;
mod compose;
mod dispatch;
mod fly;
mod from_github;
mod from_json;
mod from_vercel;
pub mod github;
mod gitlab;
mod kubernetes;
mod railway;
pub mod source;
pub mod ticket;
mod ticket_github;
mod ticket_gitlab;
mod ticket_jira;
pub mod vendor;
mod vercel;
mod vercel_check;
