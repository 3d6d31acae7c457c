//! The binary under test, programs of the machine, and waiting for a condition.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// The binary under test.
pub fn bellwether() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwether"));
    command
        .env("NO_COLOR", "1")
        .env_remove("BELLWETHER_SERVER")
        .env_remove("BELLWETHER_TOKEN");
    command
}

/// The folder of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs to the end and gives exit code, standard output and standard error.
pub fn run(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program can be run");
    (
        status.code().unwrap_or(-1),
        String::from_utf8(stdout).expect("output is UTF-8"),
        String::from_utf8(stderr).expect("output is UTF-8"),
    )
}

/// A program of the machine; `None`, said loudly, where it is missing and may be.
pub fn program(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("BELLWETHER_TEST_ALL").is_none(),
            "`{name}` is needed and missing"
        );
        eprintln!("LEFT OUT: `{name}` is not on this machine");
    }
    found
}

/// A port that nobody uses now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// Waits until something is there; panics with `what` after the time.
pub fn eventually<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < end,
            "{what} did not happen within {within:?}"
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A process that is killed when the test is over.
pub struct Process(pub std::process::Child);

impl Process {
    /// Starts a program.
    pub fn start(command: &mut Command) -> Process {
        Process(command.spawn().expect("the program can be started"))
    }

    /// Kills it as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Compares a text with a file beside the case; `BELLWETHER_UPDATE=1` writes the file instead.
pub fn snapshot(path: &Path, text: &str) {
    if std::env::var_os("BELLWETHER_UPDATE").is_some() {
        std::fs::write(path, text).expect("the snapshot can be written");
        return;
    }
    let wanted = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        wanted == text,
        "{} differs; look at it, then BELLWETHER_UPDATE=1\n--- wanted\n{wanted}\n--- got\n{text}",
        path.display()
    );
}
