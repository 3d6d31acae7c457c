//! HTTP: API, server-rendered pages, metrics, inbound webhooks.
//!
//! Rooms: [`problem`] (errors as `application/problem+json`), [`api`], [`inbound`] (signed
//! webhooks), [`view`] (what pages and API share), [`pages`], [`loads`] (running loads, and
//! orders for them), [`panel`] (what a single run shows), [`local`], [`server`] (routes and access).

pub mod api;
mod evidence;
pub mod inbound;
mod inbound_vendors;
pub mod loads;
pub mod local;
pub mod pages;
pub mod panel;
pub mod problem;
pub mod server;
pub mod site;

pub use server::serve;
pub use site::Site;
