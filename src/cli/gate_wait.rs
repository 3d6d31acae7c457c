//! `bellwether gate wait`: follows a gate to its end, or until it has come so far.

use super::client::{Refusal, Server};
use super::commands::complain;
use super::commands::print_json;
use super::exit::Exit;
use super::gate::show;
use super::gate_load_line::LoadLine;
use super::serve::asked_to_end;
use crate::record::state::Phase;
use crate::report::columns::fitted;
use crate::report::style::Style;
use crate::report::view::{GateDetail, GateView};
use http::Method;
use std::time::{Duration, Instant};

/// The phase of a word.
pub(super) fn phase(word: &str) -> Result<Phase, String> {
    let known = || Phase::ALL.map(Phase::word).join(", ");
    let found = Phase::ALL.into_iter().find(|phase| phase.word() == word);
    found.ok_or_else(|| format!("`{word}` is no phase; known: {}", known()))
}

/// Whether a gate has come to a phase, or is beyond it.
fn has_reached(gate: &GateView, until: Phase) -> bool {
    let mut left = Phase::ALL.into_iter().skip_while(|phase| *phase != until);
    left.any(|phase| phase.word() == gate.position)
}

/// Waits for a gate, showing what happens to it: to its end, until it has come so far, or until somebody presses Ctrl-C.
/// `exit` is what its end means to whoever waits.
pub(super) async fn watch(
    server: &Server,
    id: i64,
    until: Option<Phase>,
    timeout: Duration,
    json: bool,
    exit: fn(&GateView) -> Exit,
) -> Result<Exit, Refusal> {
    tokio::select! {
        biased;
        () = asked_to_end() => {
            complain(format!(
                "nobody waits any more, and gate {id} goes on: `bellwether gate wait {id}` follows it, `bellwether gate cancel {id}` calls it off"
            ));
            Ok(Exit::Interrupted)
        }
        ended = followed(server, id, until, timeout, json, exit) => ended,
    }
}

async fn followed(
    server: &Server,
    id: i64,
    until: Option<Phase>,
    timeout: Duration,
    json: bool,
    exit: fn(&GateView) -> Exit,
) -> Result<Exit, Refusal> {
    let style = Style::for_stream(&std::io::stderr());
    let end = Instant::now() + timeout;
    let mut shown = 0;
    let mut unreached: Option<Instant> = None;
    let mut live = LoadLine::default();
    loop {
        match server
            .ask::<GateDetail>(Method::GET, &format!("/api/v1/gates/{id}"), None)
            .await
        {
            Ok(detail) => {
                unreached = None;
                if detail.timeline.len() > shown {
                    live.clear();
                }
                for line in detail.timeline.iter().skip(shown) {
                    let at = style.dim(line.at.get(11..19).unwrap_or_default());
                    eprintln!("{}", fitted(&format!("{at} {}", line.event), style));
                }
                if detail.gate.position == Phase::Load.word() && !detail.gate.done {
                    live.show(server, &detail.gate).await;
                }
                shown = shown.max(detail.timeline.len());
                if until.is_some_and(|until| has_reached(&detail.gate, until)) {
                    if json {
                        print_json(&detail);
                    }
                    return Ok(Exit::Success);
                }
                if detail.gate.done {
                    if json {
                        print_json(&detail);
                    } else {
                        let style = Style::for_stream(&std::io::stdout());
                        print!("{}", fitted(&show(&detail, style), style));
                    }
                    return Ok(exit(&detail.gate));
                }
            }
            Err(Refusal::Unreached(reason)) => {
                // A daemon that is restarted comes back and goes on; only a long absence is an answer.
                let since = *unreached.get_or_insert_with(Instant::now);
                if since.elapsed() > Duration::from_secs(120) {
                    return Err(Refusal::Unreached(reason));
                }
            }
            Err(refusal) => return Err(refusal),
        }
        if Instant::now() >= end {
            complain(format!(
                "gate {id} is not done within {}; that counts as hold",
                crate::duration::show(timeout)
            ));
            return Ok(Exit::Hold);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
