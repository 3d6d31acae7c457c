//! HTTP in: pages, the API, webhooks of others, metrics.
//!
//! Rooms: [`server`] (routes) with [`site`] (what every route knows, and who may change anything) and
//! [`local`] (who is on this machine), [`listener`] (connections, their deadlines and places); [`api`], [`alerts`], [`heartbeats`] and [`loads`] (JSON), [`pages`]
//! (HTML) with [`assets`] and [`live`] (kept up to date while somebody looks), [`log_in`] with [`openid`] and [`sessions`] (of browsers), [`audit`] (who asked for what), [`panel`] (of a single run), [`inbound`] (signed webhooks) and [`inbound_vendors`] (webhooks of others,
//! questions of Argo and Flagger), [`operations`] (all of the API) with [`openapi`] (how it is described), [`modules`] (a target looked at once) with [`modules_scenario`] (by a scenario), [`pictures`] (of pages), [`problem`] (errors).
//!
//! Decides nothing: what changes a gate is asked of the driver.

pub mod alerts;
pub mod api;
mod assets;
mod audit;
pub mod heartbeats;
pub mod inbound;
mod inbound_vendors;
pub mod listener;
mod live;
pub mod loads;
pub mod local;
mod log_in;
mod modules;
mod modules_scenario;
mod openapi;
mod openid;
pub mod operations;
pub mod pages;
pub mod panel;
mod pictures;
pub mod problem;
pub mod server;
pub mod sessions;
pub mod site;

pub use listener::serve;
pub use openapi::document;
pub use pages::docs::Reference;
pub use server::routes;
pub use site::Site;
