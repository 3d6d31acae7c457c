//! What people are told: pure, from records to subjects and facts.

use crate::duration::show;
use crate::objective::Outcome;
use crate::record::gate::Record;
use crate::record::message::{GateReference, Message, Tone};
use crate::record::state::{Position, Verdict};
use crate::watch::wording::moment;
use std::time::Duration;

fn title(environment: &str) -> String {
    let mut letters = environment.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Something that happened to a gate, as it is told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// What no other installation is called.
    pub instance: String,
    /// The gate's page.
    pub link: Option<String>,
    /// When it happened, in milliseconds since 1970, where the record does not say so.
    pub at_ms: Option<i64>,
}

impl Told {
    /// When what is told happened.
    fn moment(&self, record: &Record, event: &str) -> i64 {
        let state = &record.state;
        let known = match event {
            "verdict" => state.verdict_ms.unwrap_or(state.entered_ms),
            _ => state.entered_ms,
        };
        self.at_ms.unwrap_or(known)
    }

    /// What programs and threads know it by.
    fn gate(&self, record: &Record, event: &str) -> Option<GateReference> {
        let (facts, state) = (&record.facts, &record.state);
        Some(GateReference {
            key: format!("bellwether-{}-gate-{}", self.instance, record.id),
            event: event.to_owned(),
            id: record.id,
            name: record.gate.clone(),
            environment: record.environment.clone(),
            version: facts.version.clone(),
            previous_version: record.rollback_to.clone(),
            commit: facts.commit.clone(),
            actor: facts.actor.clone(),
            verdict: state.verdict.map(|verdict| verdict.word().to_owned()),
            proven: state.proof.as_ref().map(|proof| proof.proven),
            started_ms: state.started_ms,
        })
    }
}

/// What the one line of a message is about.
fn about(record: &Record) -> String {
    match record.facts.version.as_str() {
        "" => record.gate.clone(),
        version => format!("{} {version}", record.gate),
    }
}

fn facts(record: &Record, at_ms: i64) -> Vec<(String, String)> {
    let started_ms = record.state.started_ms;
    let took = Duration::from_secs((at_ms - started_ms).max(0) as u64 / 1_000);
    let health = record
        .state
        .phases
        .iter()
        .rev()
        .find(|phase| phase.phase.word() != "preflight");
    let health = health.map_or("not checked".to_owned(), |phase| match phase.outcome {
        Outcome::Pass => format!("{} passed", phase.phase.word()),
        Outcome::Fail => format!("{} failed", phase.phase.word()),
        Outcome::Inconclusive => format!("{} inconclusive", phase.phase.word()),
    });
    let all = [
        ("Gate", format!("{} {}", record.gate, record.id)),
        ("Environment", record.environment.clone()),
        ("Version", record.facts.version.clone()),
        (
            "Previous version",
            record.rollback_to.clone().unwrap_or_default(),
        ),
        ("Commit", record.facts.commit.clone()),
        ("Reason", record.facts.reason.clone()),
        ("Deployed by", record.facts.actor.clone()),
        ("Time", moment(at_ms)),
        ("Started", moment(started_ms)),
        ("Took", show(took)),
        ("Workflow run", record.facts.link.clone()),
        ("Health check", health),
    ];
    let ticket = [("Ticket", record.facts.ticket.clone())];
    let links = record.facts.links.iter();
    all.into_iter()
        .chain(ticket)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .chain(links.map(|(name, link)| (name.clone(), link.clone())))
        .collect()
}

/// A verdict.
pub fn verdict_message(record: &Record, told: &Told) -> Message {
    let place = title(&record.environment);
    let (subject, tone) = match record.state.verdict {
        Some(Verdict::Promote) => (
            format!("✅ {place} Deployment Successful: {}", about(record)),
            Tone::Good,
        ),
        Some(Verdict::Rollback) => (
            format!("🚨 {place} Deployment Failed: {}", about(record)),
            Tone::Bad,
        ),
        _ => (
            format!("⏸️ {place} Deployment On Hold: {}", about(record)),
            Tone::Warning,
        ),
    };
    let mut lines = record.state.reasons.clone();
    let migrated = record.migrations().join("`, `");
    if record.state.position == Position::Consenting {
        lines.push(format!(
            "NOTHING IS ROLLED BACK YET: since the version to go back to, the database was changed to `{migrated}`, so that rolling the application back alone may break it. Somebody must consent: bellwether gate consent {} --reason '…' (and --with-down to change the database back first)",
            record.id
        ));
    } else if record.state.verdict == Some(Verdict::Rollback) && !migrated.is_empty() {
        lines.push(format!(
            "Since the version to go back to, the database was changed to `{migrated}`; the gate declares that the version before works on it."
        ));
    }
    Message {
        subject,
        tone,
        lines,
        facts: facts(record, told.moment(record, "verdict")),
        link: told.link.clone(),
        at_ms: told.moment(record, "verdict"),
        gate: told.gate(record, "verdict"),
        incident: None,
    }
}

/// What people are asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// How many must agree, if anybody must.
    pub approvals: u64,
    /// Whether the one who deployed may be among them.
    pub by_actor: bool,
    /// What is to be attested: names with sentences.
    pub attestations: Vec<(String, String)>,
    /// How long they are waited for.
    pub within: Duration,
}

/// A gate waits for people.
pub fn ask_message(record: &Record, asked: &Asked, told: &Told) -> Message {
    let (place, version) = (title(&record.environment), &record.facts.version);
    let (id, within) = (record.id, show(asked.within));
    let mut lines = vec![format!(
        "Everything that was measured of `{version}` let it pass; people are waited for, {within} at the most."
    )];
    if asked.approvals > 0 {
        let people = match asked.approvals {
            1 => "1 approval is".to_owned(),
            more => format!("{more} approvals are"),
        };
        lines.push(format!(
            "{people} needed: bellwether gate approve {id} --reason '…'"
        ));
        if !asked.by_actor && !record.facts.actor.is_empty() {
            let actor = &record.facts.actor;
            lines.push(format!(
                "{actor} deployed it, and is not among those who can approve it."
            ));
        }
    }
    for (name, text) in &asked.attestations {
        lines.push(format!(
            "To be attested: {text} (bellwether gate attest {id} '{name}' --note '…')"
        ));
    }
    let what = match asked.approvals {
        0 => "An Attestation",
        _ => "Approval",
    };
    Message {
        subject: format!("✋ {place} Deployment Waits For {what}: {}", about(record)),
        tone: Tone::Warning,
        lines,
        facts: facts(record, told.moment(record, "ask")),
        link: told.link.clone(),
        at_ms: told.moment(record, "ask"),
        gate: told.gate(record, "ask"),
        incident: None,
    }
}

/// A gate of the state file that cannot be understood.
pub fn unreadable_message(id: i64, gate: &str, fault: &str) -> Message {
    Message {
        subject: format!("🚨 Gate {id} Of {gate} Cannot Be Read"),
        tone: Tone::Bad,
        lines: vec![
            format!(
                "Gate {id} of `{gate}` stands still: its row in the state file cannot be understood. Nothing of it is measured, acted on or proven; look yourself what is served."
            ),
            fault.to_owned(),
        ],
        facts: Vec::new(),
        link: None,
        at_ms: 0,
        gate: None,
        incident: None,
    }
}

/// A verdict that was not carried out.
pub fn undone_message(record: &Record, told: &Told) -> Message {
    let place = title(&record.environment);
    let word = match record.state.verdict {
        Some(Verdict::Promote) => "Promotion",
        _ => "Verdict",
    };
    let why = record.state.undone.clone().unwrap_or_default();
    Message {
        subject: format!("🚨 {place} {word} Not Carried Out: {}", about(record)),
        tone: Tone::Bad,
        lines: vec![
            format!(
                "The {} of `{}` was NOT carried out.",
                word.to_lowercase(),
                record.facts.version
            ),
            why,
        ],
        facts: facts(record, told.moment(record, "undone")),
        link: told.link.clone(),
        at_ms: told.moment(record, "undone"),
        gate: told.gate(record, "undone"),
        incident: None,
    }
}

/// The end of a proof.
pub fn proof_message(record: &Record, told: &Told) -> Message {
    let place = title(&record.environment);
    let proof = record.state.proof.as_ref();
    let proven = proof.is_some_and(|proof| proof.proven);
    let mut facts = facts(record, told.moment(record, "proof"));
    for (name, ms) in [
        ("Rollback action", proof.and_then(|proof| proof.action_ms)),
        (
            "Trigger to healthy",
            proof.and_then(|proof| proof.healthy_ms),
        ),
    ] {
        if let Some(ms) = ms {
            facts.push((name.to_owned(), format!("{:.1} s", ms as f64 / 1e3)));
        }
    }
    let mut lines = vec![if proven {
        "The rollback is proven.".to_owned()
    } else {
        "The rollback is NOT proven. Somebody must look at this now.".to_owned()
    }];
    lines.extend(proof.map(|proof| proof.late.clone()).unwrap_or_default());
    lines.extend(proof.map(|proof| proof.reasons.clone()).unwrap_or_default());
    Message {
        subject: if proven {
            format!("⚠️ {place} Rollback Executed: {}", about(record))
        } else {
            format!("🚨 {place} Rollback Failed: {}", about(record))
        },
        tone: if proven { Tone::Warning } else { Tone::Bad },
        lines,
        facts,
        link: told.link.clone(),
        at_ms: told.moment(record, "proof"),
        gate: told.gate(record, "proof"),
        incident: None,
    }
}

/// A gate that should have been rolled back together with another, and was not.
pub fn partner_message(record: &Record, partner: &str, why: &str, told: &Told) -> Message {
    Message {
        subject: format!(
            "🚨 {} Rollback Failed: {}",
            title(&record.environment),
            about(record)
        ),
        tone: Tone::Bad,
        lines: vec![
            format!(
                "`{partner}` was NOT rolled back together with `{}`. Somebody must look at this now.",
                record.gate
            ),
            why.to_owned(),
        ],
        facts: facts(record, told.moment(record, "partner")),
        link: told.link.clone(),
        at_ms: told.moment(record, "partner"),
        gate: told.gate(record, "partner"),
        incident: None,
    }
}
