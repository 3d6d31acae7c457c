//! Which files can be read, each with what reads it.

use super::draft::Draft;
use super::sound::sound;
use super::{blackbox, curl, gatus, har, hurl, openapi, postman};
use crate::document::diagnostic::Diagnostic;
use crate::document::source::Source;
use std::sync::Arc;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Files of Hurl
    Hurl,
    /// Collections of Postman, 2.0 and 2.1
    Postman,
    /// Recordings of browsers
    Har,
    /// OpenAPI 3.0 and 3.1, in YAML or JSON
    Openapi,
    /// The modules of blackbox_exporter
    Blackbox,
    /// The endpoints of Gatus
    Gatus,
    /// Command lines of curl
    Curl,
}

/// What is said beside the file.
#[derive(Debug, Default, Clone)]
pub struct Beside {
    /// An environment of Postman.
    pub environment: Option<Arc<Source>>,
    /// What is wanted of a recording.
    pub recording: har::Wanted,
}

/// The drafts of a file, under the name of the file where it has none of its own.
///
/// # Errors
///
/// What the file is not, with its place.
pub fn import(
    format: Format,
    source: &Arc<Source>,
    name: &str,
    beside: &Beside,
) -> Result<Vec<Draft>, Box<Diagnostic>> {
    let one = |draft: Draft| vec![draft];
    let drafts = match format {
        Format::Hurl => hurl::import(source, name).map(one),
        Format::Postman => postman::import(source, name, beside.environment.as_ref()).map(one),
        Format::Har => har::import(source, name, &beside.recording).map(one),
        Format::Openapi => openapi::import(source, name).map(one),
        Format::Blackbox => blackbox::import(source),
        Format::Gatus => gatus::import(source),
        Format::Curl => curl::import(source, name).map(one),
    }?;
    // What has no steps only says what was left out.
    let all = drafts
        .into_iter()
        .map(|draft| match draft.steps.is_empty() {
            true => Ok(draft),
            false => sound(draft),
        });
    all.collect()
}
