//! A question to a server of time.

use super::asked::attempt;
use super::exchange::Attempt;
use crate::net::{Fault, ntp};
use crate::scenario::steps::ntp::TimeQuestion;
use crate::vu::user::VirtualUser;
use crate::witness::said::Said;
use serde_json::json;
use std::time::Instant;

/// Where servers of time listen.
const PORT: u16 = 123;

impl VirtualUser {
    pub(super) async fn ntp(&self, question: &TimeQuestion, deadline: Instant) -> Attempt {
        let begun = Instant::now();
        attempt(self.time_of(question, deadline).await, begun)
    }

    async fn time_of(&self, question: &TimeQuestion, deadline: Instant) -> Result<Said, Fault> {
        let (host, port) = self.address(&question.host, Some(PORT))?;
        let address = self.first_of(&host, port, deadline).await?;
        let answer = ntp::ask(address, fastrand::u64(..), deadline).await?;
        if let Some(letters) = &answer.refusal {
            // It says nothing of its time, and asks not to be asked so often.
            let why = format!("`{host}` does not tell its time: it answers `{letters}`");
            return Err(Fault::unknown(why));
        }
        let mut said = Said::default();
        said.value(
            "ntp",
            json!({
                "offset_ms": answer.offset_ms,
                "delay_ms": answer.delay_ms,
                "stratum": answer.stratum,
                "synchronized": answer.is_synchronized,
            }),
        );
        if !answer.is_synchronized {
            let stratum = answer.stratum;
            said.objections.push(format!(
                "`{host}` says that it does not know the time (stratum {stratum})"
            ));
        }
        let apart = answer.offset_ms.abs();
        if let Some(within) = question
            .within
            .filter(|most| apart > most.as_secs_f64() * 1e3)
        {
            let (which, most) = match answer.offset_ms > 0.0 {
                true => ("ahead of", crate::duration::show(within)),
                false => ("behind", crate::duration::show(within)),
            };
            said.objections.push(format!(
                "the clock of `{host}` is {apart:.1} ms {which} ours, and {most} are allowed"
            ));
        }
        Ok(said)
    }
}
