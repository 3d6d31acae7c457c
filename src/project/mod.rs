//! What a configuration says, as values that everybody knows: gates, probes, schedules.
//!
//! Rooms: [`mod@file`] (the whole of it, with its scenarios), [`current`] (the one in force), [`access`] (who may do what) with [`openid`] (as somebody else knows them), [`asking`] (what can be asked for by `/probe`), [`gate`] with
//! [`gate_form`], [`read_gate`], [`read_action`], [`read_policy`], [`counter`] (of a Prometheus, judged by a bake) and [`before`] (what must hold or be said before), [`probe`] with [`read_probe`], [`targets`] (many probes from one) with [`found`] (what sources say), [`schedule`] (pure:
//! when a probe is due), [`slo`] (an objective over weeks) with [`read_slo`], [`heartbeat`] (a job that reports), [`pushing`] (to whom metrics are pushed), [`maintenance`] (when nothing is told), [`keeping`] (how long what was seen is kept), [`status_page`] (what everybody may see), [`alerts`] (how trouble is told) with [`read_alerts`].
//!
//! Reads no file; that is the business of `config`.

pub mod access;
pub mod alerts;
pub mod asking;
pub mod before;
pub mod counter;
pub mod current;
pub mod file;
pub mod found;
pub mod gate;
pub mod gate_form;
pub mod heartbeat;
pub mod keeping;
pub mod maintenance;
pub mod openid;
pub mod probe;
pub mod pushing;
pub mod read_action;
pub mod read_alerts;
pub mod read_gate;
pub mod read_policy;
pub mod read_probe;
pub mod read_slo;
pub mod schedule;
pub mod slo;
pub mod status_page;
pub mod targets;
