//! Fly.io: puts an image on every machine of an app, by the Machines API.
//!
//! There is no rollback command. Only the image goes back; secrets, configuration and schema stay.
//! A machine that has the image already is left alone; an update names the version that was read,
//! so that nobody else's change is overwritten.

use super::vendor::{Call, bearer, text_of};
use crate::config::shape::{Object, Shape, field, required};
use crate::outbox::deliver::Delivery;
use http::Method;
use serde_json::{Value, json};

/// Its settings.
pub static FORM: Object = Object {
    name: "fly",
    called: "the Fly settings",
    fields: &[
        required("app", Shape::Template, "the app"),
        required("token", Shape::Template, "a deploy token"),
        required(
            "image",
            Shape::Template,
            "the image, such as `registry.fly.io/shop:${inputs.previous_version}`",
        ),
        field("api", Shape::Text, "base URL (https://api.machines.dev)"),
    ],
};

const WHOM: &str = "Fly";

async fn machines(call: &Call<'_>) -> Result<Vec<Value>, Delivery> {
    call.needs(&["app", "token"])?;
    let url = format!(
        "{}/v1/apps/{}/machines",
        call.api("https://api.machines.dev"),
        call.text("app")
    );
    let answer = call
        .ask(WHOM, Method::GET, &url, &[bearer(call)], None, &[])
        .await?;
    let machines = answer.json.as_array().cloned().unwrap_or_default();
    let alive: Vec<Value> = machines
        .into_iter()
        .filter(|machine| !matches!(text_of(machine, "/state"), "destroyed" | "destroying"))
        .collect();
    if alive.is_empty() {
        return Err(Delivery::give_up(format!(
            "the app `{}` has no machine",
            call.text("app")
        )));
    }
    Ok(alive)
}

pub(super) async fn preflight(call: &Call<'_>) -> Result<String, Delivery> {
    let machines = machines(call).await?;
    Ok(format!(
        "Fly shows {} machines of `{}`",
        machines.len(),
        call.text("app")
    ))
}

pub(super) async fn perform(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["app", "token", "image"])?;
    let image = call.text("image");
    let machines = machines(call).await?;
    let mut changed = 0;
    for machine in &machines {
        let has = text_of(machine, "/config/image");
        if has != image {
            update(call, machine, &image).await?;
            changed += 1;
        }
    }
    for machine in &machines {
        await_started(call, text_of(machine, "/id"), &image).await?;
    }
    Ok(format!(
        "{changed} of {} machines were given {image}; all of them run it",
        machines.len()
    ))
}

async fn update(call: &Call<'_>, machine: &Value, image: &str) -> Result<(), Delivery> {
    let mut config = machine["config"].clone();
    config["image"] = json!(image);
    let body = json!({ "config": config, "current_version": machine["instance_id"] });
    let url = format!(
        "{}/v1/apps/{}/machines/{}",
        call.api("https://api.machines.dev"),
        call.text("app"),
        text_of(machine, "/id")
    );
    call.ask(WHOM, Method::POST, &url, &[bearer(call)], Some(body), &[])
        .await?;
    Ok(())
}

/// What Fly answered to the update is not believed: the machine is read again.
async fn await_started(call: &Call<'_>, id: &str, image: &str) -> Result<(), Delivery> {
    let url = format!(
        "{}/v1/apps/{}/machines/{id}",
        call.api("https://api.machines.dev"),
        call.text("app")
    );
    loop {
        let machine = call
            .ask(WHOM, Method::GET, &url, &[bearer(call)], None, &[])
            .await?
            .json;
        let state = text_of(&machine, "/state");
        let has = text_of(&machine, "/config/image");
        if has == image && matches!(state, "started" | "stopped" | "suspended") {
            return Ok(());
        }
        if has != image && state == "started" {
            return Err(Delivery::again(
                format!("Fly took the update of machine {id}, but it still has {has}"),
                None,
            ));
        }
        call.pause(
            WHOM,
            &format!("machine {id} with the image (it is {state})"),
        )
        .await?;
    }
}
