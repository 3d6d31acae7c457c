//! Triggers that come in and actions that go out, one file for each.
//!
//! Rooms: [`signature`] (pure: Standard Webhooks, in and out), [`trigger`] (pure: what GitHub,
//! Vercel and others tell of a deploy), [`webhook`], [`command`], [`github`] (statuses, checks,
//! issues), [`vendor`] (platforms that deploy, with one adapter in one file each). Nothing here is
//! called but by the outbox, by a gate's preflight and by the inbound routes of the web.

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
pub mod vendor;
mod vercel;
mod vercel_check;
