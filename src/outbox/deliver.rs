//! From a committed row to the one who delivers it.
//!
//! Rows hold references, never secrets; what they refer to is looked up in the configuration that
//! is in force. A row whose target is gone is given up with a reason, never silently.

use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::limits;
use crate::pipeline::github;
use crate::pipeline::ticket::Attachment;
use crate::project::file::Project;
use crate::record::announcement::Announcement;
use crate::record::effect::Effect;
use crate::record::gate::inputs;
use crate::record::message::Message;
use crate::record::target::{Occasion, Target};

/// Delivers a row once.
pub async fn deliver(project: &Project, means: &Means, effect: &Effect) -> Delivery {
    let delivered = match &effect.target {
        Target::Action {
            gate,
            occasion,
            number,
            ..
        } => action(project, means, effect, gate, *occasion, *number).await,
        Target::Github { gate, kind } => status(project, means, effect, gate, kind).await,
        Target::Ticket(gate) => ticket(project, means, effect, gate).await,
        Target::Channel(name) => Ok(channel(project, means, effect, name).await),
        // Orders to partners are the driver's; they never come here.
        Target::Partner(_) | Target::Foreign(_) => Err(Delivery::give_up(format!(
            "`{}` is no target that this version knows",
            effect.target
        ))),
    };
    let mut delivery = delivered.unwrap_or_else(|refused| refused);
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
    occasion: Occasion,
    number: usize,
) -> Result<Delivery, Delivery> {
    let announcement = announcement(effect)?;
    let configured = project
        .file
        .gate(gate)
        .filter(|known| known.environment == announcement.record.environment)
        .and_then(|known| known.ordered(occasion, number, &announcement.action));
    let Some(action) = configured else {
        return Err(Delivery::give_up(format!(
            "the action `{}` ({}) is no longer configured for {}",
            effect.target, announcement.action, announcement.record.environment
        )));
    };
    let key = &effect.key;
    Ok(action.perform(means, &announcement, occasion, key).await)
}

async fn status(
    project: &Project,
    means: &Means,
    effect: &Effect,
    gate: &str,
    kind: &str,
) -> Result<Delivery, Delivery> {
    let announcement = announcement(effect)?;
    let configured = project
        .file
        .gate(gate)
        .and_then(|known| known.github.as_ref());
    let Some(configured) = configured else {
        let text = format!("the gate `{gate}` has no GitHub statuses any more");
        return Err(Delivery::give_up(text));
    };
    let token = means.fill(&configured.token, &inputs(&announcement.record));
    let token = token.map_err(Delivery::give_up)?;
    let sent = github::send(
        &means.connector,
        configured,
        &token,
        kind,
        &announcement,
        limits::DELIVERY_TIMEOUT,
    );
    Ok(sent.await)
}

async fn ticket(
    project: &Project,
    means: &Means,
    effect: &Effect,
    gate: &str,
) -> Result<Delivery, Delivery> {
    let announcement = announcement(effect)?;
    let configured = project
        .file
        .gate(gate)
        .and_then(|known| known.ticket.as_ref());
    let Some(configured) = configured else {
        let text = format!("the gate `{gate}` has no ticket any more");
        return Err(Delivery::give_up(text));
    };
    let Some(bundle) = announcement.bundle else {
        let text = "what is to be attached cannot be read".to_owned();
        return Err(Delivery::again(text, None));
    };
    let (id, event) = (announcement.record.id, &announcement.event);
    let attachment = Attachment {
        name: format!("bellwether-gate-{id}-{event}.json"),
        markdown: bundle.markdown,
        json: bundle.json,
    };
    let facts = inputs(&announcement.record);
    Ok(configured.attach(means, &facts, &attachment).await)
}

async fn channel(project: &Project, means: &Means, effect: &Effect, name: &str) -> Delivery {
    let message: Message = match serde_json::from_str(&effect.body) {
        Ok(message) => message,
        Err(error) => return Delivery::give_up(format!("its row cannot be read: {error}")),
    };
    // The name of a rota is whoever is on call when it is told.
    let duty = project.file.alerts.duty(crate::clock::now());
    let on_call = duty.on_call.get(name).map_or(name, String::as_str);
    let Some(channel) = project.file.channels.get(on_call) else {
        return Delivery::give_up(format!("the channel `{name}` is no longer configured"));
    };
    channel.tell(means, &message, &effect.key).await
}
