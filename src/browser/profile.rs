//! The folder of a browser's profile: fresh for each start, removed at its end.
//!
//! A file in it is locked by whoever uses it, so that what a killed process left behind is removed by the next one, and
//! what a living one uses is not, wherever it runs.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

const PREFIX: &str = "bellwether-browser-";
/// The file that is held locked within it, as long as it is used.
const HELD: &str = "held";

/// A folder that is removed with this.
#[derive(Debug)]
pub(super) struct Profile {
    path: PathBuf,
    _held: File,
}

impl Profile {
    /// A new, empty one that only we may look into.
    pub(super) fn new() -> std::io::Result<Profile> {
        Profile::within(&std::env::temp_dir())
    }

    fn within(folder: &Path) -> std::io::Result<Profile> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        sweep(folder);
        let number = NEXT.fetch_add(1, Relaxed);
        let chance = fastrand::u32(..);
        let name = format!("{PREFIX}{}-{number}-{chance:08x}", std::process::id());
        let path = folder.join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        // It has its name once it is held: nobody who tidies up comes in between.
        let new = path.join("new");
        let held = File::create(&new)?;
        held.lock()?;
        std::fs::rename(&new, path.join(HELD))?;
        Ok(Profile { path, _held: held })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where downloads of a page go.
    pub(super) fn downloads(&self) -> PathBuf {
        self.path.join("downloads")
    }

    /// Removes it; a helper of the browser may write a moment longer.
    #[expect(
        clippy::disallowed_methods,
        reason = "it is a thread of its own that waits"
    )]
    pub(super) fn remove(&self) {
        for _ in 0..5 {
            match std::fs::remove_dir_all(&self.path) {
                Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
                _ => return,
            }
        }
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes what processes left behind that are no more: nobody holds it.
fn sweep(within: &Path) {
    for entry in std::fs::read_dir(within).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_one = name.to_str().is_some_and(|name| name.starts_with(PREFIX));
        // One that is just being made is not held yet, and has no such file.
        let held = File::open(entry.path().join(HELD)).ok().filter(|_| is_one);
        if held.is_some_and(|held| held.try_lock().is_ok()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_removed() {
        let within = tempfile::tempdir().unwrap();
        let used = Profile::within(within.path()).unwrap();
        for name in [
            "bellwether-browser-7-0-a",
            "bellwether-browser-new",
            "other",
        ] {
            std::fs::create_dir(within.path().join(name)).unwrap();
        }
        std::fs::write(within.path().join("bellwether-browser-7-0-a/held"), "").unwrap();
        let next = Profile::within(within.path()).unwrap();
        let left = |name: &str| within.path().join(name).exists();
        assert!(used.path().exists() && next.path().exists());
        assert!(!left("bellwether-browser-7-0-a"));
        assert!(left("bellwether-browser-new") && left("other"));
    }

    #[test]
    fn a_profile_is_ours_alone_and_goes_with_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let profile = Profile::new().unwrap();
        let path = profile.path().to_owned();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(profile);
        assert!(!path.exists());
    }
}
