//! From a committed row to the one who delivers it.
//!
//! Rows hold references, never secrets; what they refer to is looked up in the configuration that
//! is in force. A row whose target is gone is given up with a reason, never silently.

use crate::alert::channel::tell;
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::delivery::webhook::send_webhook;
use crate::limits;
use crate::pipeline::action::{ActionKind, settings as settings_of};
use crate::pipeline::call::Call;
use crate::pipeline::{command, github};
use crate::project::file::Project;
use crate::record::announcement::Announcement;
use crate::record::effect::Effect;
use crate::record::gate::inputs;
use crate::record::message::Message;
use std::time::Instant;

/// Delivers a row once.
pub async fn deliver(project: &Project, means: &Means, effect: &Effect) -> Delivery {
    let parts: Vec<&str> = effect.target.split(':').collect();
    let mut delivery = match parts.as_slice() {
        ["action", gate, verdict, number, ..] => {
            action(project, means, effect, gate, verdict, number).await
        }
        ["github", gate, kind] => status(project, means, effect, gate, kind).await,
        ["channel", name] => channel(project, means, effect, name).await,
        _ => Delivery::give_up(format!(
            "`{}` is no target that this version knows",
            effect.target
        )),
    };
    // Cleaned before it is cut: half a secret is still one.
    delivery.text = means
        .redactor()
        .clean(&delivery.text)
        .chars()
        .take(2500)
        .collect();
    delivery
}

fn announcement(effect: &Effect) -> Result<Announcement, Delivery> {
    serde_json::from_str(&effect.body)
        .map_err(|error| Delivery::give_up(format!("its row cannot be read: {error}")))
}

async fn action(
    project: &Project,
    means: &Means,
    effect: &Effect,
    gate: &str,
    verdict: &str,
    number: &str,
) -> Delivery {
    let announcement = match announcement(effect) {
        Ok(announcement) => announcement,
        Err(delivery) => return delivery,
    };
    let configured = project
        .file
        .gate(gate)
        .filter(|known| known.environment == announcement.record.environment)
        .zip(number.parse().ok())
        .and_then(|(known, number)| known.ordered(verdict, number, &announcement.action));
    let Some(action) = configured else {
        return Delivery::give_up(format!(
            "the action `{}` ({}) is no longer configured for {}",
            effect.target, announcement.action, announcement.record.environment
        ));
    };
    let facts = inputs(&announcement.record);
    match &action.kind {
        ActionKind::Command { words, folder } => {
            let filled: Result<Vec<String>, String> = words
                .iter()
                .map(|word| {
                    means
                        .fill(word, &facts)
                        .map(|word| word.expose().to_owned())
                })
                .collect();
            let words = match filled {
                Ok(words) => words,
                Err(reason) => return Delivery::give_up(reason),
            };
            let redactor = means.redactor();
            let delivery = command::perform(
                words,
                folder.clone(),
                &announcement.record,
                &effect.key,
                action.timeout,
                &redactor,
            )
            .await;
            if delivery.delivered {
                delivery
            } else {
                Delivery {
                    attempts_max: action.attempts,
                    ..delivery
                }
            }
        }
        ActionKind::Vendor(vendor, settings) => {
            let settings = match settings_of(means, *vendor, settings, &facts) {
                Ok(settings) => settings,
                Err(reason) => return Delivery::give_up(reason),
            };
            let call = Call {
                settings,
                connector: &means.connector,
                key: &effect.key,
                deadline: Instant::now() + action.timeout,
            };
            let delivery = vendor.perform(&call).await;
            Delivery {
                attempts_max: delivery.attempts_max.min(action.attempts),
                ..delivery
            }
        }
        ActionKind::Webhook(hook) => {
            let body = serde_json::json!({
                "type": format!("bellwether.gate.{verdict}"),
                "timestamp": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                "data": {
                    "verdict": verdict,
                    "gate": announcement.record.gate,
                    "gate_id": announcement.record.id,
                    "environment": announcement.record.environment,
                    "reasons": announcement.record.state.reasons,
                    "facts": announcement.record.facts,
                    "rollback_to": announcement.record.rollback_to,
                    "page": announcement.page,
                },
            });
            send_webhook(
                means,
                hook,
                &facts,
                &effect.key,
                body.to_string(),
                action.timeout.min(limits::DELIVERY_TIMEOUT),
            )
            .await
        }
    }
}

async fn status(
    project: &Project,
    means: &Means,
    effect: &Effect,
    gate: &str,
    kind: &str,
) -> Delivery {
    let announcement = match announcement(effect) {
        Ok(announcement) => announcement,
        Err(delivery) => return delivery,
    };
    let configured = project
        .file
        .gate(gate)
        .and_then(|known| known.github.as_ref());
    let Some(configured) = configured else {
        return Delivery::give_up(format!("the gate `{gate}` has no GitHub statuses any more"));
    };
    match means.fill(&configured.token, &inputs(&announcement.record)) {
        Ok(token) => {
            github::send(
                &means.connector,
                configured,
                &token,
                kind,
                &announcement,
                limits::DELIVERY_TIMEOUT,
            )
            .await
        }
        Err(reason) => Delivery::give_up(reason),
    }
}

async fn channel(project: &Project, means: &Means, effect: &Effect, name: &str) -> Delivery {
    let message: Message = match serde_json::from_str(&effect.body) {
        Ok(message) => message,
        Err(error) => return Delivery::give_up(format!("its row cannot be read: {error}")),
    };
    let Some(channel) = project.file.channels.get(name) else {
        return Delivery::give_up(format!("the channel `{name}` is no longer configured"));
    };
    tell(means, channel, &message, &effect.key).await
}
