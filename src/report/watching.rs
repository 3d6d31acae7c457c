//! What pages, API and terminal show alike of incidents, silences and error budgets.

use super::view::{TimelineView, time};
use crate::watch::budget::{Goal, Standing};
use crate::watch::incident::Incident;
use crate::watch::silence::{Matcher, Silence};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// An incident.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct IncidentView {
    /// Its number.
    pub id: i64,
    /// What its members have in common.
    pub group: String,
    /// `info`, `warning`, `error` or `critical`.
    pub severity: String,
    /// When it began, RFC 3339.
    pub opened: String,
    /// When it ended.
    pub ended: Option<String>,
    /// Who has it.
    pub acknowledged: Option<String>,
    /// Channels that were told.
    pub told: Vec<String>,
    /// Who is in it.
    pub members: Vec<MemberView>,
    /// What happened.
    pub timeline: Vec<TimelineView>,
}

/// A subject in an incident.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemberView {
    /// `probe/api-health`.
    pub subject: String,
    /// What is wrong, or was.
    pub state: String,
    /// How bad that is: `info`, `warning`, `error` or `critical`.
    #[serde(default)]
    pub severity: String,
    /// Why.
    pub reason: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// When it ended.
    pub ended: Option<String>,
    /// Why nothing is told of it.
    pub quiet: Option<String>,
}

/// A silence.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SilenceView {
    /// Its number.
    pub id: i64,
    /// What must fit.
    pub matchers: Vec<String>,
    /// Until when, RFC 3339.
    pub until: String,
    /// Who made it.
    pub author: String,
    /// Why.
    pub comment: String,
}

/// An objective over weeks.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SloView {
    /// Its name.
    pub name: String,
    /// The share of runs that are to be good.
    pub objective: f64,
    /// Over which time.
    pub window: String,
    /// Runs in it that were good.
    pub good: u64,
    /// Runs in it that were bad.
    pub bad: u64,
    /// The share of them that was good.
    pub share: Option<f64>,
    /// What is left of the error budget.
    pub remaining: Option<f64>,
    /// Burn rates by window.
    pub burn_rates: BTreeMap<String, f64>,
    /// Whether it burns too fast.
    pub burning: bool,
}

/// An objective over weeks.
pub fn slo(name: &str, goal: &Goal, seen: &Standing) -> SloView {
    let burns = seen.burns.iter();
    let window = |seconds: i64| crate::duration::show(Duration::from_secs(seconds as u64));
    SloView {
        name: name.to_owned(),
        objective: goal.share,
        window: goal.window.show(),
        good: seen.counts.good,
        bad: seen.counts.bad,
        share: seen.share,
        remaining: seen.remaining,
        burn_rates: burns
            .map(|(seconds, rate)| (window(*seconds), *rate))
            .collect(),
        burning: seen.burning.is_some(),
    }
}

/// An incident.
pub fn incident(incident: &Incident) -> IncidentView {
    let members = incident.members.iter().map(|(subject, member)| {
        let condition = member.condition.as_ref().unwrap_or(&member.worst);
        MemberView {
            subject: subject.clone(),
            state: condition.word.clone(),
            severity: condition.severity.word().to_owned(),
            reason: condition.reason.clone(),
            since: time(condition.since_ms),
            ended: member.ended_ms.map(time),
            quiet: member.quiet.clone().filter(|_| member.condition.is_some()),
        }
    });
    let severity = match incident.first_told_ms {
        Some(_) => incident.told_severity,
        None => incident.severity(),
    };
    IncidentView {
        id: incident.id,
        group: incident.group.clone(),
        severity: severity.word().to_owned(),
        opened: time(incident.opened_ms),
        ended: incident.ended_ms.map(time),
        acknowledged: incident.acknowledged.as_ref().map(|ack| ack.by.clone()),
        told: incident.told.clone(),
        members: members.collect(),
        timeline: incident
            .log
            .iter()
            .map(|(at, event)| TimelineView {
                at: time(*at),
                event: event.clone(),
            })
            .collect(),
    }
}

/// A silence.
pub fn silence(silence: &Silence) -> SilenceView {
    SilenceView {
        id: silence.id,
        matchers: silence.matchers.iter().map(Matcher::show).collect(),
        until: time(silence.until_ms),
        author: silence.author.clone(),
        comment: silence.comment.clone(),
    }
}
