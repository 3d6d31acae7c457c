//! A browser of its own for a program that measures pages: it has a port on loopback, which such programs need, and no
//! page of ours beside it, which would be measured with it.
//!
//! It is held by its pipe like every other, and so ends with us. Invariant: while it runs, nobody else of these settings
//! has a page.

use super::chromium::{Chromium, Purpose};
use super::faults;
use super::keeper::Keeper;
use crate::net::Fault;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// The longest that its port is waited for.
const PORT_WITHIN: Duration = Duration::from_secs(5);

/// A browser that is measured with.
#[derive(Debug)]
pub struct Measuring {
    port: u16,
    folder: PathBuf,
    _chromium: Chromium,
    _places: OwnedSemaphorePermit,
}

impl Keeper {
    /// A browser alone, once no page is open any more.
    ///
    /// # Errors
    ///
    /// Why there is none: all of them are inconclusive.
    pub async fn alone(self: &Arc<Keeper>, by: Instant) -> Result<Measuring, Fault> {
        let places = self.all_places(by).await?;
        let binary = self.binary().map_err(|why| faults::none(&why))?;
        let started = Chromium::start(&binary, self.settings(), Purpose::Measuring).await;
        let (chromium, downloads) = started.map_err(|why| faults::none(&why))?;
        let folder = downloads.parent().unwrap_or(&downloads).to_owned();
        let port = port(&folder, by.min(Instant::now() + PORT_WITHIN)).await;
        let port = port.ok_or_else(|| faults::none("the browser opened no port"))?;
        Ok(Measuring {
            port,
            folder,
            _chromium: chromium,
            _places: places,
        })
    }
}

impl Measuring {
    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A folder that only we may look into, and that goes with it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The browser writes it into its profile as soon as it has one.
async fn port(folder: &Path, by: Instant) -> Option<u16> {
    let file = folder.join("DevToolsActivePort");
    loop {
        let text = tokio::fs::read_to_string(&file).await.unwrap_or_default();
        let written = text.contains('\n').then(|| text.lines().next()).flatten();
        if let Some(port) = written.and_then(|line| line.parse().ok()) {
            return Some(port);
        }
        if Instant::now() >= by {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
