//! The demo's configuration and scenarios, as files that a user could have written.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const CONFIGURATION: &str = include_str!("../../scenarios/demo/bellwether.yaml");
const SCENARIOS: [(&str, &str); 3] = [
    ("api.yaml", include_str!("../../scenarios/demo/api.yaml")),
    (
        "billing.yaml",
        include_str!("../../scenarios/demo/billing.yaml"),
    ),
    ("load.yaml", include_str!("../../scenarios/demo/load.yaml")),
];

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
    let path = folder.join("bellwether.yaml");
    std::fs::write(&path, text)?;
    Ok(path)
}
