//! Files that a page is given, and files that it gives.
//!
//! A download lies under a name of its own in the folder of the profile, never under the one that the page calls it by.

use super::faults;
use super::locator::Locator;
use super::page::Page;
use super::seen::Download;
use super::target::TO_LOOK;
use crate::limits::BROWSER_DOWNLOAD_BYTES_MAX;
use crate::net::{ErrorClass, Fault};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

impl Page {
    /// Gives files to a field.
    ///
    /// # Errors
    ///
    /// That it takes none.
    pub async fn upload(
        &mut self,
        locator: &Locator,
        files: &[PathBuf],
        by: Instant,
    ) -> Result<(), Fault> {
        let target = self.target(locator, TO_LOOK, by).await?;
        let session = target.world.session.clone();
        let element = self.handle(&target.world, 0);
        let element = self.answered(element, by).await;
        let element = element.map_err(|why| faults::of_call(&why, "the field went"))?;
        let given = json!({"objectId": element["result"]["objectId"], "files": files});
        let given = self
            .call_in(&session, "DOM.setFileInputFiles", given, by)
            .await;
        self.forget(&target.world);
        given.map_err(|why| faults::of_call(&why, &format!("{locator} takes no file")))?;
        self.after(self.seen.documents, by).await
    }

    /// Waits for a download that has begun since there were so many.
    ///
    /// # Errors
    ///
    /// That none began, is larger than may be, or did not come to its end.
    pub async fn downloaded(
        &mut self,
        before: usize,
        by: Instant,
    ) -> Result<(Download, Vec<u8>), Fault> {
        loop {
            self.sound()?;
            let found = self.seen.downloads.get(before).cloned();
            if let Some(download) = &found {
                if download.bytes > BROWSER_DOWNLOAD_BYTES_MAX {
                    self.cancel(download);
                    let why = format!(
                        "the download of {} is larger than {} MB",
                        download.url,
                        BROWSER_DOWNLOAD_BYTES_MAX >> 20
                    );
                    return Err(Fault::new(ErrorClass::BodyTooLarge, why));
                }
                match download.ended {
                    Some(true) => {
                        let path = self.downloads.join(&download.id);
                        let bytes = std::fs::read(path).map_err(|why| {
                            Fault::new(
                                ErrorClass::NoEvidence,
                                format!("the download cannot be read: {why}"),
                            )
                        })?;
                        return Ok((download.clone(), bytes));
                    }
                    Some(false) => {
                        let why = format!("the download of {} broke off", download.url);
                        return Err(Fault::new(ErrorClass::Reset, why));
                    }
                    None => {}
                }
            }
            if Instant::now() >= by {
                if let Some(download) = &found {
                    self.cancel(download);
                }
                let why = match found {
                    Some(one) => format!(
                        "the download of {} did not end: {} bytes so far",
                        one.url, one.bytes
                    ),
                    None => "nothing was downloaded".to_owned(),
                };
                return Err(Fault::new(ErrorClass::TimeoutReceive, why));
            }
            self.rest(Duration::from_millis(20)).await;
        }
    }

    fn cancel(&self, download: &Download) {
        let which = json!({"guid": download.id, "browserContextId": self.context()});
        self.chromium
            .wire()
            .tell(None, "Browser.cancelDownload", which);
    }
}

/// Whether a file stands in a folder: what a scenario gives away is its own.
pub fn is_within(folder: &Path, file: &Path) -> bool {
    let here = Path::new(".");
    let folder = if folder.as_os_str().is_empty() {
        here
    } else {
        folder
    };
    match (folder.canonicalize(), file.canonicalize()) {
        (Ok(folder), Ok(file)) => file.starts_with(folder) && file.is_file(),
        _ => false,
    }
}
