//! The chapter of the demo in which somebody rolls back in the eleventh hour: an action is as true as the
//! moment in which it acts.

use super::shop::Deploy;
use super::story::Demo;
use crate::record::gate::{Facts, Record};
use crate::record::note::{Note, NoteKind};
use crate::record::state::{Order, Phase, Position, Verdict};
use crate::report::style::Style;
use std::time::Duration;

/// Time that the platform takes to roll back.
const ROLLS_BACK_IN: Duration = Duration::from_secs(4);
/// A gate that takes longer to go on does not.
const GOES_ON_WITHIN: Duration = Duration::from_secs(30);

impl Demo {
    /// A promotion that waits while somebody rolls back is not carried out any more.
    pub(super) async fn eleventh_hour(&self, style: Style) -> bool {
        println!();
        let version = "1.4.0";
        let title = "a good deploy that somebody rolls back in the eleventh hour";
        self.line(style, &style.bold(&format!("deploy {version}: {title}")));
        self.shop.deploy(Deploy::healthy(version));
        self.shop.set_rolls_back_in(ROLLS_BACK_IN);
        let ended = self.last_minute(version, style).await;
        self.shop.set_rolls_back_in(Duration::ZERO);
        match ended {
            Ok((promotion, rollback)) => {
                let why = promotion.state.undone.clone().unwrap_or_default();
                let proven = rollback
                    .state
                    .proof
                    .as_ref()
                    .is_some_and(|proof| proof.proven);
                let as_expected =
                    promotion.state.verdict == Some(Verdict::Promote) && !why.is_empty() && proven;
                let said = format!(
                    "the promotion was NOT carried out {}",
                    style.dim(&format!("({why})"))
                );
                let wrong = style.bad("this is not what was expected");
                self.line(style, if as_expected { &said } else { &wrong });
                as_expected
            }
            Err(fault) => {
                self.line(style, &style.bad(&fault));
                false
            }
        }
    }

    /// A gate that waits for people, and one that is told to roll back while they agree.
    async fn last_minute(&self, version: &str, style: Style) -> Result<(Record, Record), String> {
        let driver = self.daemon.driver();
        let facts = |reason: &str| Facts {
            version: version.to_owned(),
            actor: "the demo".to_owned(),
            reason: reason.to_owned(),
            ..Facts::default()
        };
        let text = |fault: &dyn std::fmt::Display| fault.to_string();
        let (release, _) = driver
            .start("release", facts("open it to everybody"), Vec::new())
            .await
            .map_err(|fault| text(&fault))?;
        let waits = |record: &Record| record.state.position == Position::Measuring(Phase::Approval);
        self.until(release.id, &waits).await?;
        self.line(style, "  the gate `release` waits for somebody to agree");
        let (shop, _) = driver
            .start("shop", facts("the same version"), Vec::new())
            .await
            .map_err(|fault| text(&fault))?;
        let order = Order {
            by: "on-call".to_owned(),
            reason: "customers are charged twice".to_owned(),
            gate: None,
            to: String::new(),
        };
        driver
            .roll_back("shop", order, "")
            .await
            .map_err(|fault| text(&fault))?;
        let acts = |record: &Record| record.state.position == Position::Acting;
        self.until(shop.id, &acts).await?;
        self.line(
            style,
            "  on-call rolls back: customers are charged twice; the platform is at it",
        );
        let agrees = Note {
            kind: NoteKind::Approval,
            by: "the release manager".to_owned(),
            reason: String::new(),
            check: String::new(),
            link: String::new(),
            until_ms: 0,
            gate: None,
        };
        driver
            .note(release.id, agrees)
            .await
            .map_err(|fault| text(&fault))?;
        self.line(
            style,
            "  the release manager, who does not know, agrees: verdict promote",
        );
        let is_done = |record: &Record| record.state.is_done();
        let rollback = self.until(shop.id, &is_done).await?;
        Ok((self.until(release.id, &is_done).await?, rollback))
    }

    /// A gate once something holds of it.
    async fn until(
        &self,
        id: i64,
        holds: &(dyn Fn(&Record) -> bool + Sync),
    ) -> Result<Record, String> {
        let waiting = async {
            loop {
                if let Ok(Some(record)) = self.daemon.gate(id).await {
                    if holds(&record) {
                        return Ok(record);
                    }
                    if record.state.is_done() {
                        let reasons = record.state.reasons.join("; ");
                        return Err(format!("gate {id} ended: {reasons}"));
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let within = tokio::time::timeout(GOES_ON_WITHIN, waiting).await;
        within.unwrap_or_else(|_| Err(format!("gate {id} did not go on")))
    }
}
