//! The demo's configuration and scenarios, as files that a user could have written.

use crate::browser::settings::Settings;
use crate::net::program::folders;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

const CONFIGURATION: &str = include_str!("../../scenarios/demo/bellwether.yaml");
const SCENARIOS: [(&str, &str); 4] = [
    ("api.yaml", include_str!("../../scenarios/demo/api.yaml")),
    (
        "billing.yaml",
        include_str!("../../scenarios/demo/billing.yaml"),
    ),
    (
        "console.yaml",
        include_str!("../../scenarios/demo/console.yaml"),
    ),
    ("load.yaml", include_str!("../../scenarios/demo/load.yaml")),
];

/// The smoke that needs a browser.
const IN_A_BROWSER: &str = ", console.yaml";
/// The line of the environment after which its browser is said.
const ENFORCED: &str = "    enforce: true";

/// Whether a browser is here, which some of the story needs.
///
/// # Errors
///
/// What to install.
pub fn browser() -> Result<(), String> {
    let folders = folders().collect::<Vec<_>>();
    Settings::default().find(&folders).map(drop)
}

/// Whether we are who a browser refuses its sandbox to.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Writes the files to a folder and gives the path of the configuration.
pub fn write(
    folder: &Path,
    shop: SocketAddr,
    pager: SocketAddr,
    listen: &str,
) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    for (name, text) in SCENARIOS {
        std::fs::write(folder.join(name), text)?;
    }
    let text = CONFIGURATION
        .replace("127.0.0.1:8480", &shop.to_string())
        .replace("127.0.0.1:8481", &pager.to_string())
        .replace("127.0.0.1:9911", listen);
    let text = match browser() {
        Ok(()) => text,
        Err(_) => text.replace(IN_A_BROWSER, ""),
    };
    let text = match is_root() {
        true => text.replace(
            ENFORCED,
            &format!("{ENFORCED}\n    browser: {{ sandbox: false }}"),
        ),
        false => text,
    };
    let path = folder.join("bellwether.yaml");
    std::fs::write(&path, text)?;
    Ok(path)
}
