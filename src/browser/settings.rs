//! Which browser, and how it is started: what an environment says of it.

use std::path::{Path, PathBuf};

/// How a browser is started. Pages of equal settings share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Which program; searched for where nothing is said.
    pub binary: Option<PathBuf>,
    /// Whether it runs within its sandbox.
    pub sandbox: bool,
    /// Lighthouse; searched for where nothing is said.
    pub lighthouse: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            binary: None,
            sandbox: true,
            lighthouse: None,
        }
    }
}

impl Settings {
    pub(super) fn flags(&self) -> Vec<String> {
        // What the desktop of this machine is set up with is nobody's business.
        let mut flags = vec!["--no-proxy-server".to_owned()];
        if !self.sandbox {
            flags.push("--no-sandbox".to_owned());
        }
        flags
    }
}

/// Names under which a Chromium is installed, the smallest first.
const NAMES: [&str; 6] = [
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "google-chrome-stable",
    "google-chrome",
    "chromium-browser",
];

/// What to install, where no browser is found.
pub const INSTALL: &str = "install Chromium (`apt-get install chromium-headless-shell`, or `chromium`), or name it: `browser: { binary: /path }` in the environment";

impl Settings {
    /// The program to start, in these folders.
    ///
    /// # Errors
    ///
    /// That there is none, and what to install.
    pub fn find(&self, folders: &[PathBuf]) -> Result<PathBuf, String> {
        if let Some(binary) = &self.binary {
            return match is_program(binary) {
                true => Ok(binary.clone()),
                false => Err(format!("`{}` is no program", binary.display())),
            };
        }
        let found = NAMES.iter().find_map(|name| {
            let here = folders.iter().map(|folder| folder.join(name));
            here.into_iter().find(|program| is_program(program))
        });
        found.ok_or_else(|| format!("no browser is installed here: {INSTALL}"))
    }
}

/// What to install, where Lighthouse is not found.
const LIGHTHOUSE: &str = "install it (`npm install --global lighthouse`, with Node), or name it: `browser: { lighthouse: /path }` in the environment";

impl Settings {
    /// Lighthouse: what is named, what is installed beside the scenario, or what is in these folders.
    ///
    /// # Errors
    ///
    /// That there is none, and what to install.
    pub fn lighthouse(&self, beside: &Path, folders: &[PathBuf]) -> Result<PathBuf, String> {
        if let Some(named) = &self.lighthouse {
            return match is_program(named) {
                true => Ok(named.clone()),
                false => Err(format!("`{}` is no program", named.display())),
            };
        }
        let beside = beside.canonicalize().unwrap_or(beside.to_owned());
        let above = beside
            .ancestors()
            .map(|folder| folder.join("node_modules/.bin"));
        let all = above.chain(folders.iter().cloned());
        let mut programs = all.map(|folder| folder.join("lighthouse"));
        let found = programs.find(|program| is_program(program));
        found.ok_or_else(|| format!("Lighthouse is not installed here: {LIGHTHOUSE}"))
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_is_installed_it_is_said_what_to_install() {
        let nothing = tempfile::tempdir().unwrap();
        let told = Settings::default()
            .find(&[nothing.path().to_owned()])
            .unwrap_err();
        assert!(told.contains("apt-get install chromium"), "{told}");
        let named = Settings {
            binary: Some("/no/such/browser".into()),
            ..Settings::default()
        };
        assert_eq!(
            named.find(&[]).unwrap_err(),
            "`/no/such/browser` is no program"
        );
    }

    #[test]
    fn lighthouse_is_found_beside_the_scenario_or_it_is_said_what_to_install() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let scenarios = folder.path().join("deploy/scenarios");
        std::fs::create_dir_all(&scenarios).unwrap();
        let told = Settings::default().lighthouse(&scenarios, &[]).unwrap_err();
        assert!(told.contains("npm install --global lighthouse"), "{told}");
        let programs = folder.path().join("node_modules/.bin");
        std::fs::create_dir_all(&programs).unwrap();
        let program = programs.join("lighthouse");
        std::fs::write(&program, "").unwrap();
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, executable).unwrap();
        let found = Settings::default().lighthouse(&scenarios, &[]).unwrap();
        assert_eq!(found, program.canonicalize().unwrap());
    }

    #[test]
    fn the_sandbox_is_left_out_only_where_that_is_said() {
        assert_eq!(Settings::default().flags(), ["--no-proxy-server"]);
        let open = Settings {
            sandbox: false,
            ..Settings::default()
        };
        assert!(open.flags().contains(&"--no-sandbox".to_owned()));
    }
}
