//! Where people are told, and what.
//!
//! Rooms: [`channel`] (the registry: one line a channel), one channel in a file each ([`email`],
//! [`slack`] with [`slack_bot`], [`discord`], [`webhook`], [`command`]; and by one [`call`] each, [`pagerduty`], [`opsgenie`], [`oncall`],
//! [`alertmanager`], [`teams`], [`mattermost`], [`grafana`] (annotations), [`telegram`], [`ntfy`], [`pushover`], [`twilio`], [`matrix`],
//! [`webex`]), [`message`] (pure: from records to sentences).
//!
//! Does not know when anybody is told, nor how often: that is the outbox.

mod alertmanager;
mod call;
#[cfg(test)]
mod call_tests;
pub mod channel;
mod command;
mod discord;
mod email;
mod grafana;
mod matrix;
mod mattermost;
pub mod message;
mod ntfy;
mod oncall;
mod opsgenie;
mod pagerduty;
mod pushover;
mod slack;
mod slack_bot;
mod teams;
mod telegram;
mod twilio;
mod webex;
mod webhook;
