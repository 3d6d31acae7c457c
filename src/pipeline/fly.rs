//! Fly.io: puts an image on every machine of an app, by the Machines API or by `fly deploy`.
//!
//! There is no rollback command. Only the image goes back; secrets, configuration and schema stay.
//! A machine that has the image already is left alone; an update names the version that was read,
//! so that nobody else's change is overwritten. `fly deploy` also applies the `fly.toml` that it
//! finds; in the end the machines are read in either case.

use super::call::{Call, bearer, text_of};
use super::vendor::{Done, Vendor, VendorKind};
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};
use http::Method;
use serde_json::{Value, json};

pub(super) const KIND: VendorKind = Kind {
    field: field(
        "fly",
        Shape::Object(&FORM),
        "puts an image on every machine of a Fly app",
    ),
    what: &Fly,
};

#[derive(Debug)]
struct Fly;

impl Vendor for Fly {
    fn perform<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(perform(call))
    }

    fn preflight<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(preflight(call))
    }
}

static FORM: Object = Object {
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
        field(
            "dir",
            Shape::Text,
            "the folder of a `fly.toml`: the change is made by `fly deploy --image` there",
        ),
        field(
            "strategy",
            Shape::Word(&["rolling", "immediate", "canary", "bluegreen"]),
            "how `fly deploy` replaces machines (rolling)",
        ),
        field("program", Shape::Text, "the program of `fly deploy` (fly)"),
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

async fn preflight(call: &Call<'_>) -> Result<String, Delivery> {
    let machines = machines(call).await?;
    if !call.text("dir").is_empty() {
        fly(call, &["version"]).await?;
    }
    Ok(format!(
        "Fly shows {} machines of `{}`",
        machines.len(),
        call.text("app")
    ))
}

/// A tag may be shown with the digest that it stands for.
fn is_image(has: &str, wanted: &str) -> bool {
    has.strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
}

async fn perform(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["app", "token", "image"])?;
    let image = call.text("image");
    let mut seen = machines(call).await?;
    let others = |seen: &[Value]| -> Vec<Value> {
        let other = |machine: &&Value| !is_image(text_of(machine, "/config/image"), &image);
        seen.iter().filter(other).cloned().collect()
    };
    let changed = others(&seen).len();
    if call.text("dir").is_empty() {
        for machine in others(&seen) {
            update(call, &machine, &image).await?;
        }
    } else if changed > 0 {
        deploy(call, &image).await?;
        seen = machines(call).await?;
    }
    for machine in &seen {
        await_started(call, text_of(machine, "/id"), &image).await?;
    }
    Ok(format!(
        "{changed} machines were given {image}; all {} run it",
        seen.len()
    ))
}

async fn fly(call: &Call<'_>, words: &[&str]) -> Result<String, Delivery> {
    let program = call.or("program", "fly");
    let all: Vec<&str> = std::iter::once(program.as_str())
        .chain(words.iter().copied())
        .collect();
    let token = ("FLY_API_TOKEN".to_owned(), call.text("token"));
    call.run(&all, &call.text("dir"), vec![token]).await
}

async fn deploy(call: &Call<'_>, image: &str) -> Result<(), Delivery> {
    let (app, strategy) = (call.text("app"), call.or("strategy", "rolling"));
    let words = [
        "deploy",
        "--app",
        &app,
        "--image",
        image,
        "--strategy",
        &strategy,
        "--yes",
    ];
    fly(call, &words).await.map(drop)
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
        if is_image(has, image) && matches!(state, "started" | "stopped" | "suspended") {
            return Ok(());
        }
        if !is_image(has, image) && state == "started" {
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
