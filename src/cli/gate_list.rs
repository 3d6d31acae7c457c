//! `bellwether gate list`: gates in a table that fits, the newest first, and fewer of them where that is asked for.

use crate::report::columns::{Column, Paint, cut, lines};
use crate::report::style::Style;
use crate::report::view::GateView;

/// Which gates are listed.
#[derive(Debug, clap::Args)]
pub(super) struct Wanted {
    /// Only those of this gate
    #[arg(long)]
    gate: Option<String>,
    /// Only those of this environment
    #[arg(long = "env", value_name = "NAME")]
    environment: Option<String>,
    /// Only those with this verdict, or those that are still running
    #[arg(long, value_parser = ["promote", "rollback", "hold", "running"])]
    verdict: Option<String>,
    /// So many at the most; all that the daemon lists by default
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

impl Wanted {
    /// Those of all that are wanted.
    pub(super) fn of(&self, all: Vec<GateView>) -> Vec<GateView> {
        let is = |wanted: &Option<String>, text: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == text)
        };
        let fits = |gate: &GateView| {
            let verdict = gate.verdict.as_deref().unwrap_or("running");
            is(&self.gate, &gate.gate)
                && is(&self.environment, &gate.environment)
                && is(&self.verdict, verdict)
        };
        let most = self.limit.unwrap_or(usize::MAX);
        all.into_iter().filter(fits).take(most).collect()
    }
}

/// Prints them.
pub(super) fn print(gates: &[GateView], has_any: bool, style: Style) {
    if gates.is_empty() {
        let why = match has_any {
            true => "no gate is like that",
            false => "no gate has run yet",
        };
        println!("{why}");
        return;
    }
    for line in table(gates, style) {
        println!("{line}");
    }
}

fn table(gates: &[GateView], style: Style) -> Vec<String> {
    let plain = |text: &str| (text.to_owned(), Paint::Plain);
    let columns = vec![
        Column::texts("gate", 0, gates, |gate| {
            (format!("{} {}", gate.id, gate.gate), Paint::Plain)
        }),
        Column::texts("version", 2, gates, |gate| plain(&gate.version)),
        Column::texts("verdict", 1, gates, verdict),
        Column::texts("environment", 5, gates, |gate| plain(&gate.environment)),
        Column::texts("started", 4, gates, |gate| {
            (gate.started.clone(), Paint::Dim)
        }),
        Column::texts("why", 9, gates, |gate| {
            let why = gate.reasons.first().map_or("", String::as_str);
            match style.wraps {
                true => (cut(why, WHY_MAX), Paint::Dim),
                false => (why.to_owned(), Paint::Dim),
            }
        }),
    ];
    lines(columns, 0, style)
}

/// Letters of a reason in a table.
const WHY_MAX: usize = 60;

fn verdict(gate: &GateView) -> (String, Paint) {
    match (gate.verdict.as_deref(), gate.proven) {
        (Some("promote"), _) => ("✓ promote".to_owned(), Paint::Good),
        (Some("rollback"), Some(true)) => ("✗ rollback, proven".to_owned(), Paint::Bad),
        (Some("rollback"), Some(false)) => ("✗ rollback, NOT proven".to_owned(), Paint::Bad),
        (Some("rollback"), None) if gate.dry_run => {
            ("✗ rollback, not enforced".to_owned(), Paint::Bad)
        }
        (Some("rollback"), None) => ("✗ rollback".to_owned(), Paint::Bad),
        (Some(other), _) => (format!("? {other}"), Paint::Doubtful),
        (None, _) => (format!("… {}", gate.position), Paint::Doubtful),
    }
}
