//! HTTP: API, server-rendered pages, metrics, inbound webhooks.
//!
//! Rooms: [`problem`] (errors as `application/problem+json`), [`api`], [`inbound`] (signed
//! webhooks), [`view`] (what pages and API share), [`pages`], [`server`] (routes and access).

pub mod api;
pub mod inbound;
pub mod pages;
pub mod problem;
pub mod server;
pub mod view;

pub use server::{Site, serve};
