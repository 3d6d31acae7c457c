//! Docker Compose on one host: runs a service again with a pinned image.
//!
//! Compose has no rollback. The image is handed over in a variable that the compose file uses, is
//! not built, and the running container's image is compared with the wanted one afterwards.

use super::call::Call;
use super::vendor::{Done, Vendor, VendorKind};
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::document::shape::{Object, Shape, field, required};

pub(super) const KIND: VendorKind = Kind {
    field: field(
        "compose",
        Shape::Object(&FORM),
        "runs a Compose service with a pinned image",
    ),
    what: &Compose,
};

#[derive(Debug)]
struct Compose;

impl Vendor for Compose {
    fn perform<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(perform(call))
    }

    fn preflight<'a>(&'a self, call: &'a Call<'a>) -> Done<'a> {
        Box::pin(preflight(call))
    }
}

static FORM: Object = Object {
    name: "compose",
    called: "the Compose settings",
    fields: &[
        required("dir", Shape::Text, "the folder of the compose file"),
        required("service", Shape::Text, "the service"),
        required(
            "image",
            Shape::Template,
            "the image, best with its digest or a tag that was kept, such as `shop:gate-${inputs.previous_version}`",
        ),
        field(
            "variable",
            Shape::Text,
            "the variable that the compose file takes the image from (IMAGE)",
        ),
        field("program", Shape::Text, "the program (docker)"),
    ],
};

async fn docker(call: &Call<'_>, words: &[&str]) -> Result<String, Delivery> {
    let program = call.or("program", "docker");
    let all: Vec<&str> = std::iter::once(program.as_str())
        .chain(words.iter().copied())
        .collect();
    let image = (call.or("variable", "IMAGE"), call.text("image"));
    call.run(&all, &call.text("dir"), vec![image]).await
}

/// The id of an image; a tag may have moved to another one.
async fn image_id(call: &Call<'_>) -> Result<String, Delivery> {
    docker(
        call,
        &["image", "inspect", "-f", "{{.Id}}", &call.text("image")],
    )
    .await
}

async fn running(call: &Call<'_>) -> Result<Vec<String>, Delivery> {
    let service = call.text("service");
    let containers = docker(call, &["compose", "ps", "-q", &service]).await?;
    let mut images = Vec::new();
    for container in containers.lines() {
        images.push(docker(call, &["inspect", "-f", "{{.Image}}", container]).await?);
    }
    Ok(images)
}

async fn preflight(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["dir", "service"])?;
    let images = running(call).await?;
    // Without a version to go back to, there is no image to look for yet.
    if !call.text("image").ends_with(':') {
        image_id(call).await?;
    }
    Ok(format!(
        "Compose runs {} containers of `{}`",
        images.len(),
        call.text("service")
    ))
}

async fn perform(call: &Call<'_>) -> Result<String, Delivery> {
    call.needs(&["dir", "service", "image"])?;
    let (service, wanted) = (call.text("service"), image_id(call).await?);
    let is_wanted =
        |images: &[String]| !images.is_empty() && images.iter().all(|image| *image == wanted);
    if !is_wanted(&running(call).await?) {
        let words = [
            "compose",
            "up",
            "-d",
            "--no-deps",
            "--no-build",
            "--wait",
            "--wait-timeout",
            "120",
            &service,
        ];
        docker(call, &words).await?;
    }
    if is_wanted(&running(call).await?) {
        Ok(format!("`{service}` runs {wanted}"))
    } else {
        Err(Delivery::again(
            format!(
                "`{service}` does not run {wanted}; does its compose file use ${{{}}}?",
                call.or("variable", "IMAGE")
            ),
            None,
        ))
    }
}
