//! Where things are measured: services, caps, inputs, secrets, windows, and the version that is served.
//!
//! Rooms: [`settings`] (an environment as configured), [`form`] and [`read`] (how it is written and
//! read), [`needs`] (inputs and secrets of a scenario, fetched and resolved, or
//! missing), [`secrets`] (those of an environment and of a configuration), [`proxies`] (who stands on the way), [`fit`] (whether a scenario stays within an environment),
//! [`windows`] (pure: when deploys are verified), [`version`] (what a service serves) and [`everywhere`]
//! (pure: when it is believed that all of it does).
//!
//! Invariant: a secret that is missing stops the work before the first request.

pub mod everywhere;
pub mod fit;
pub mod form;
pub mod needs;
pub mod proxies;
pub mod read;
pub mod secrets;
pub mod settings;
pub mod version;
pub mod windows;
