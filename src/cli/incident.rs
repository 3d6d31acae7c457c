//! `bellwether gate incident`: a folder with all that is known of a gate, and a manifest of hashes.

use super::client::{Refusal, Server};
use super::exit::Exit;
use crate::report::incident::markdown;
use crate::report::view::GateDetail;
use http::Method;
use std::path::Path;

/// Writes the folder.
pub async fn write(server: &Server, detail: &GateDetail, folder: &Path) -> Result<Exit, Refusal> {
    let mut files: Vec<(String, String)> = vec![
        ("incident.json".to_owned(), pretty(detail)),
        ("incident.md".to_owned(), markdown(detail)),
    ];
    for run in &detail.runs {
        let summary: serde_json::Value = server
            .ask(Method::GET, &format!("/api/v1/runs/{}", run.id), None)
            .await?;
        files.extend(kept(&run.phase, run.id, &summary));
        files.push((
            format!("evidence-{}-{}.json", run.phase, run.id),
            pretty(&summary),
        ));
    }
    let hashes: Vec<_> = files
        .iter()
        .map(|(name, text)| serde_json::json!({ "file": name, "bytes": text.len(), "sha256": sha256(text.as_bytes()) }))
        .collect();
    let manifest = serde_json::json!({ "version": 1, "gate": detail.gate.id, "files": hashes });
    files.push(("manifest.json".to_owned(), pretty(&manifest)));
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

/// What steps kept, each in a file that opens in anything.
fn kept(phase: &str, id: i64, summary: &serde_json::Value) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for (number, step) in summary["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        for (time, kept) in step["kept"].as_array().into_iter().flatten().enumerate() {
            let text = kept["text"].as_str().unwrap_or_default().to_owned();
            let name = format!("kept-{phase}-{id}-step{}-{}.txt", number + 1, time + 1);
            files.push((name, text));
        }
    }
    files
}

fn pretty(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
