//! All that is known of a gate, to be kept elsewhere: files with a manifest of hashes, or one document. Pure.

use super::incident::markdown;
use super::view::GateDetail;
use crate::hexadecimal::sha256;
use crate::picture::baseline::plain;
use serde_json::{Value, json};

/// The summary of a run of a gate.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The phase that it was made in.
    pub phase: String,
    /// Its number.
    pub id: i64,
    /// The summary.
    pub summary: Value,
    /// Pictures: the step's name, and its bytes.
    pub pictures: Vec<(String, Vec<u8>)>,
}

/// The files of a bundle: names and bytes, the manifest last.
pub fn files(detail: &GateDetail, evidence: &[Evidence]) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("incident.json".to_owned(), pretty(detail).into_bytes()),
        ("incident.md".to_owned(), markdown(detail).into_bytes()),
    ];
    for run in evidence {
        let (phase, id) = (&run.phase, run.id);
        let texts = kept(run).into_iter();
        files.extend(texts.map(|(name, text)| (name, text.into_bytes())));
        for (number, (name, png)) in run.pictures.iter().enumerate() {
            let name = format!("picture-{phase}-{id}-{:02}-{}.png", number + 1, plain(name));
            files.push((name, png.clone()));
        }
        let name = format!("evidence-{phase}-{id}.json");
        files.push((name, pretty(&run.summary).into_bytes()));
    }
    let hashes: Vec<_> = files
        .iter()
        .map(|(name, bytes)| json!({ "file": name, "bytes": bytes.len(), "sha256": sha256(bytes) }))
        .collect();
    let manifest = json!({ "version": 1, "gate": detail.gate.id, "files": hashes });
    files.push(("manifest.json".to_owned(), pretty(&manifest).into_bytes()));
    files
}

/// The same as one document, for places that take one file.
pub fn document(detail: &GateDetail, evidence: &[Evidence]) -> String {
    let runs: Vec<Value> = evidence
        .iter()
        .map(|run| {
            let sha256 = sha256(run.summary.to_string().as_bytes());
            json!({ "phase": run.phase, "run": run.id, "sha256": sha256, "summary": run.summary })
        })
        .collect();
    pretty(&json!({ "version": 1, "incident": detail, "evidence": runs }))
}

/// What steps kept, each in a file that opens in anything.
fn kept(run: &Evidence) -> Vec<(String, String)> {
    let (phase, id) = (&run.phase, run.id);
    let mut files = Vec::new();
    let steps = run.summary["steps"].as_array().into_iter().flatten();
    for (number, step) in steps.enumerate() {
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
