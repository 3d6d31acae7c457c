//! What happened at a gate, as Markdown: for a ticket, a check run or an issue. Pure.

use super::view::GateDetail;

/// The record of a gate in Markdown.
pub fn markdown(detail: &GateDetail) -> String {
    let gate = &detail.gate;
    let verdict = gate.verdict.as_deref().unwrap_or("open");
    let mut text = format!(
        "# {verdict}: {} {} in {}\n\n",
        gate.gate, gate.version, gate.environment
    );
    for reason in &gate.reasons {
        text.push_str(&format!("- {}\n", line(reason)));
    }
    text.push_str("\n| | |\n| --- | --- |\n");
    let facts = [
        ("Gate", gate.id.to_string()),
        ("Version", gate.version.clone()),
        (
            if gate.proven == Some(true) {
                "Rolled back to"
            } else {
                "Was to go back to"
            },
            gate.rollback_to
                .clone()
                .filter(|_| verdict == "rollback")
                .unwrap_or_default(),
        ),
        ("Commit", gate.commit.clone()),
        ("Deployed by", gate.actor.clone()),
        ("Reason", gate.reason.clone()),
        ("Pipeline", gate.link.clone()),
        ("Ticket", gate.ticket.clone()),
        ("Started", gate.started.clone()),
        ("Verdict", gate.decided.clone().unwrap_or_default()),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!(
            "| {name} | {} |\n",
            line(value).replace('|', "\\|")
        ));
    }
    for (name, link) in &gate.links {
        let (name, link) = (line(name), line(link));
        text.push_str(&format!(
            "| {} | {} |\n",
            name.replace('|', "\\|"),
            link.replace('|', "%7C")
        ));
    }
    if let Some(proven) = gate.proven {
        let seconds = |ms: Option<i64>| {
            ms.map_or("not reached".to_owned(), |ms| {
                format!("{:.1} s", ms as f64 / 1e3)
            })
        };
        let word = if proven {
            "The rollback is proven"
        } else {
            "The rollback is **not** proven"
        };
        text.push_str(&format!(
            "\n## {word}\n\nAction: {}; trigger to healthy: {}.\n\n",
            seconds(gate.action_ms),
            seconds(gate.healthy_ms)
        ));
        for late in &gate.late {
            text.push_str(&format!("- **Late**: {}\n", line(late)));
        }
        for reason in &gate.proof_reasons {
            text.push_str(&format!("- {}\n", line(reason)));
        }
    }
    text.push_str("\n## Phases\n\n| phase | outcome | why |\n| --- | --- | --- |\n");
    for phase in &gate.phases {
        let why = line(&phase.reasons.join("; ")).replace('|', "\\|");
        text.push_str(&format!(
            "| {} | {} | {why} |\n",
            phase.phase, phase.outcome
        ));
    }
    text.push_str("\n## Timeline\n\n");
    for event in &detail.timeline {
        text.push_str(&format!("- {} {}\n", event.at, line(&event.event)));
    }
    text
}

/// What others wrote stays text: no markup, no mention, one line.
fn line(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => clean.push(' '),
            '<' => clean.push_str("&lt;"),
            '@' => clean.push_str("@\u{200b}"),
            c => clean.push(c),
        }
    }
    clean
}
