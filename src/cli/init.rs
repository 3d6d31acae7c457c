//! `bellwether init`: a first configuration and scenario for one's own service.

use super::exit::Exit;
use std::path::{Path, PathBuf};

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  bellwether init --url https://api.example.com")]
pub struct Arguments {
    /// Base URL of your service
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The folder to write to
    #[arg(default_value = ".")]
    folder: PathBuf,
}

const CONFIGURATION: &str = include_str!("../../scenarios/starter/bellwether.yaml");
const SMOKE: &str = include_str!("../../scenarios/starter/smoke.yaml");
const LOAD: &str = include_str!("../../scenarios/starter/load.yaml");
/// The base URL in the starter files.
const PLACEHOLDER: &str = "http://127.0.0.1:8080";

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    if !crate::net::redirect::is_absolute(&arguments.url) {
        crate::cli::commands::complain(format!(
            "`{}` is not a base URL; expected `https://host`",
            arguments.url
        ));
        return Exit::Usage;
    }
    let url = arguments.url.trim_end_matches('/');
    let files = [
        ("bellwether.yaml", CONFIGURATION),
        ("smoke.yaml", SMOKE),
        ("load.yaml", LOAD),
    ];
    let existing: Vec<&str> = files
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| arguments.folder.join(name).exists())
        .collect();
    if !existing.is_empty() {
        crate::cli::commands::complain(format!(
            "{} would be overwritten; nothing was written",
            existing.join(", ")
        ));
        return Exit::Usage;
    }
    for (name, text) in files {
        if let Err(error) = write(&arguments.folder, name, &text.replace(PLACEHOLDER, url)) {
            crate::cli::commands::complain(format!("`{name}` cannot be written: {error}"));
            return Exit::Fault;
        }
        println!("wrote {}", arguments.folder.join(name).display());
    }
    println!(
        "\nnext:\n  bellwether check .\n  bellwether run smoke.yaml\n  bellwether run load.yaml --html report.html\n  bellwether serve"
    );
    Exit::Success
}

fn write(folder: &Path, name: &str, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(name), text)
}
