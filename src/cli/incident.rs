//! `bellwether gate incident`: a folder with all that is known of a gate, and a manifest of hashes.

use super::client::{Refusal, Server};
use super::exit::Exit;
use crate::report::bundle::{Evidence, files};
use crate::report::view::GateDetail;
use http::Method;
use std::path::Path;

/// Writes the folder.
pub async fn write(server: &Server, detail: &GateDetail, folder: &Path) -> Result<Exit, Refusal> {
    let mut evidence = Vec::new();
    for run in &detail.runs {
        let path = format!("/api/v1/runs/{}", run.id);
        evidence.push(Evidence {
            phase: run.phase.clone(),
            id: run.id,
            summary: server.ask(Method::GET, &path, None).await?,
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
