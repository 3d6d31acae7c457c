//! `bellwether gate incident`: a folder with all that is known of a gate, and a manifest of hashes.

use super::client::{Refusal, Server};
use super::exit::Exit;
use crate::picture::kept::Picture;
use crate::report::bundle::{Evidence, files};
use crate::report::view::GateDetail;
use crate::run::Summary;
use http::Method;
use std::path::Path;

/// Writes the folder.
pub async fn write(server: &Server, detail: &GateDetail, folder: &Path) -> Result<Exit, Refusal> {
    let mut evidence = Vec::new();
    for run in &detail.runs {
        let path = format!("/api/v1/runs/{}", run.id);
        let summary: Summary = server.ask(Method::GET, &path, None).await?;
        let mut pictures = Vec::new();
        let taken = summary.steps.iter().flat_map(|step| &step.pictures);
        for picture in taken.flat_map(Picture::with_compared) {
            let path = format!("/pictures/{}", picture.sha256);
            match server.send(Method::GET, &path, None).await {
                Ok(png) => pictures.push((picture.name.clone(), png.to_vec())),
                // Those of older runs that passed are not kept.
                Err(Refusal::Problem(404, _)) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        evidence.push(Evidence {
            phase: run.phase.clone(),
            id: run.id,
            summary: serde_json::to_value(&summary).unwrap_or_default(),
            pictures,
        });
    }
    let files = files(detail, &evidence);
    let written = std::fs::create_dir(folder).and_then(|()| {
        files
            .iter()
            .try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
    });
    if let Err(error) = written {
        crate::cli::commands::complain(format!(
            "`{}` cannot be written: {error}",
            folder.display()
        ));
        return Ok(Exit::Fault);
    }
    eprintln!("{} files written to {}", files.len(), folder.display());
    Ok(Exit::Success)
}
