//! What a step can do, one kind in a file each: how it is written, and its compiled form.
//!
//! Rooms: [`action`] (the registry), [`http`] with [`http_read`], [`auth`] and [`signed`], [`tcp`], [`tls`], [`dns`], [`icmp`], [`udp`], [`ntp`], [`domain`],
//! [`websocket`], [`events`], [`grpc`], [`command`], [`wait`]; what others know: [`logs`], [`prometheus`], [`alertmanager`], [`sql`], [`dotenv`],
//! who are [`asked`]; what is done in a [`browser`], with which [`element`], its [`screenshot`], and the [`quality`] of a page.
//!
//! Sends nothing: how a step is done stands in `vu::steps`.

pub mod action;
pub mod alertmanager;
pub mod asked;
pub mod auth;
pub mod browser;
pub mod command;
pub mod dns;
pub mod domain;
pub mod dotenv;
pub mod element;
pub mod events;
pub mod grpc;
pub mod http;
pub(in crate::scenario) mod http_read;
pub mod icmp;
pub mod logs;
pub mod ntp;
pub mod prometheus;
pub mod quality;
pub mod screenshot;
pub mod signed;
pub mod sql;
pub mod tcp;
pub mod tls;
pub mod udp;
pub mod wait;
pub mod websocket;
