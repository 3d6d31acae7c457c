//! The folder of a browser's profile: fresh for each start, removed at its end.
//!
//! Its name holds who made it, so that what a killed process left behind is removed by the next one, and what a
//! living one uses is not.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

const PREFIX: &str = "bellwether-browser-";

/// A folder that is removed with this.
#[derive(Debug)]
pub(super) struct Profile {
    path: PathBuf,
}

impl Profile {
    /// A new, empty one that only we may look into.
    pub(super) fn new() -> std::io::Result<Profile> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let within = std::env::temp_dir();
        sweep(&within, std::process::id(), &is_alive);
        let number = NEXT.fetch_add(1, Relaxed);
        let chance = fastrand::u32(..);
        let name = format!("{PREFIX}{}-{number}-{chance:08x}", std::process::id());
        let path = within.join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Profile { path })
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

/// Removes what processes left behind that are no more.
fn sweep(within: &Path, own: u32, is_alive: &dyn Fn(u32) -> bool) {
    for entry in std::fs::read_dir(within).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let of = name.to_str().and_then(maker);
        if of.is_some_and(|of| of != own && !is_alive(of)) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Who made a folder, by its name.
fn maker(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

fn is_alive(process: u32) -> bool {
    Path::new("/proc").join(process.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_dead_left_behind_is_removed() {
        let within = tempfile::tempdir().unwrap();
        let names = [
            "bellwether-browser-7-0-a",
            "bellwether-browser-8-0-a",
            "bellwether-browser-x",
            "other-9",
        ];
        for name in names {
            std::fs::create_dir(within.path().join(name)).unwrap();
        }
        sweep(within.path(), 1, &|process| process == 8);
        let left = names.map(|name| within.path().join(name).exists());
        assert_eq!(left, [false, true, true, true]);
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
