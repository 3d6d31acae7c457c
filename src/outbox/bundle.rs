//! What is attached to a ticket, looked up when it goes out: the record of a gate with its evidence.
//!
//! A row of the outbox holds only the gate as it was; its runs are kept once, where they were made.

use crate::record::announcement::{Announcement, Bundle};
use crate::record::effect::Effect;
use crate::record::message::written;
use crate::report::bundle::{Evidence, document};
use crate::report::incident::markdown;
use crate::report::view;
use crate::store::{Store, StoreFault};

/// Runs of a gate that are attached.
const RUNS_MAX: u32 = 200;

/// The effect with what is attached; as it is where its row cannot be read, which is said when it goes out.
pub(super) async fn with_bundle(store: &Store, effect: &Effect) -> Result<Effect, StoreFault> {
    let Ok(mut announcement) = serde_json::from_str::<Announcement>(&effect.body) else {
        return Ok(effect.clone());
    };
    let id = announcement.record.id;
    let events = store.events_of(id).await?;
    let effects = store.effects_of(id).await?;
    let runs = store.runs(Some(id), RUNS_MAX).await?;
    let mut evidence = Vec::new();
    for run in runs.iter().rev() {
        if let Some(summary) = store.run(run.id).await? {
            evidence.push(Evidence {
                phase: run.phase.clone(),
                id: run.id,
                summary: serde_json::to_value(summary).unwrap_or_default(),
                // One document has their digests; the bytes are files of the folder.
                pictures: Vec::new(),
            });
        }
    }
    let detail = view::detail(&announcement.record, &events, &effects, &runs);
    let page = announcement.page.as_deref().unwrap_or_default();
    announcement.bundle = Some(Bundle {
        markdown: format!("{}\n{page}\n", markdown(&detail)),
        json: document(&detail, &evidence),
    });
    Ok(Effect {
        body: written(&announcement),
        ..effect.clone()
    })
}
