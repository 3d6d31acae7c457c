//! One Chromium as a process: found, started, spoken to over a pipe, ended with all that it started.
//!
//! Only whoever holds the two ends of the pipe may command it: no port is open. It ends by itself when the daemon is
//! killed; the folder of its profile is then removed by whoever starts the next one.

use super::profile::Profile;
use super::settings::Settings;
use super::wire::{Answer, Feed, Refusal, Wire};
use crate::limits::{BROWSER_CALL_TIMEOUT, BROWSER_CLOSE_TIMEOUT, BROWSER_START_TIMEOUT};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What Chromium is told at its start: nothing of its own to load, to sync or to show.
const FLAGS: [&str; 13] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-startup-window",
    "--no-first-run",
    "--disable-gpu",
    "--hide-scrollbars",
    "--mute-audio",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    // A page that is taken out of a cache tells nothing of itself; without the next two every context starts two
    // hidden pages of the browser's own.
    "--disable-features=BackForwardCache,WebUIOmniboxPopup,WebUIOmniboxAimPopup,Translate,OptimizationHints,MediaRouter",
];
/// Megabytes of JavaScript of one page: a page that wants more has gone wrong.
const HEAP: &str = "--js-flags=--max-old-space-size=512";

/// What one is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Pages of ours.
    Pages,
    /// A program that measures pages, through a port on loopback.
    Measuring,
}

/// A Chromium that runs. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Chromium {
    wire: Wire,
    /// `Chrome/156.0.1`, as it says itself.
    pub(super) version: String,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    profile: Profile,
}

impl Chromium {
    /// Starts one; with it comes the folder of its downloads.
    ///
    /// # Errors
    ///
    /// Why there is none, and how to mend it.
    pub(super) async fn start(
        binary: &Path,
        settings: &Settings,
        purpose: Purpose,
    ) -> Result<(Chromium, PathBuf), String> {
        let shown = binary.display();
        let profile = Profile::new().map_err(|why| format!("no folder for a profile: {why}"))?;
        let (mut child, read, write) = spawn(binary, settings, profile.path(), purpose)
            .map_err(|why| format!("`{shown}` could not be started: {why}"))?;
        let last_words = listen(&mut child);
        let downloads = profile.downloads();
        let process = Process { child, profile };
        let wire = match Wire::new(read, write) {
            Ok(wire) => wire,
            Err(why) => {
                end(process, None);
                return Err(format!("no thread for a browser: {why}"));
            }
        };
        let mut chromium = Chromium {
            wire,
            version: String::new(),
            process: Some(process),
        };
        let by = Instant::now() + BROWSER_START_TIMEOUT;
        match chromium
            .call(None, "Browser.getVersion", json!({}), by)
            .await
        {
            Ok(version) => {
                let product = version["product"].as_str().unwrap_or_default();
                chromium.version = product.to_owned();
                if purpose == Purpose::Pages {
                    chromium.attach();
                }
                Ok((chromium, downloads))
            }
            Err(why) => {
                let said = last_words
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                Err(format!("`{shown}` {}", explained(&why, &said)))
            }
        }
    }

    /// Pages of the browser stop before their first request, until whoever they are of has set them up.
    fn attach(&self) {
        let filter = json!([
            {"type": "browser_ui", "exclude": true},
            {"type": "tab", "exclude": true},
            {},
        ]);
        let how = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true, "filter": filter});
        self.wire.tell(None, "Target.setAutoAttach", how);
    }

    /// Calls a method and waits for its answer, but no longer than this.
    pub(super) async fn call(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
        by: Instant,
    ) -> Answer {
        let by = by.min(Instant::now() + BROWSER_CALL_TIMEOUT);
        let answer = self.wire.call(session, method, params);
        match tokio::time::timeout_at(by.into(), answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Refusal::Gone),
            Err(_) => Err(Refusal::Late),
        }
    }

    /// Its pipe.
    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Follows what happens in a context.
    pub(super) fn follow(&self, context: &str) -> Feed {
        self.wire.follow(context)
    }

    /// Whether it has gone.
    pub(super) fn is_gone(&self) -> bool {
        self.wire.is_over()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.wire.tell(None, "Browser.close", json!({}));
        if let Some(process) = self.process.take() {
            end(process, Some(BROWSER_CLOSE_TIMEOUT));
        }
    }
}

/// Sees to it that a process ends, with all that it started, and that its folder goes. Nobody waits for it.
#[expect(
    clippy::disallowed_methods,
    reason = "it is a thread of its own that waits"
)]
fn end(mut process: Process, patience: Option<Duration>) {
    let ending = Ending::begin();
    let work = move || {
        let by = Instant::now() + patience.unwrap_or_default();
        while Instant::now() < by && matches!(process.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Its helpers are in its group, and may outlive it.
        // SAFETY: plain system call; the group is that of our own child.
        unsafe { libc::kill(-(process.child.id() as i32), libc::SIGKILL) };
        let _ = process.child.wait();
        process.profile.remove();
        drop(ending);
    };
    let thread = std::thread::Builder::new().name("browser-ends".to_owned());
    // Without a thread it is left to the end of the pipe, and its folder to the next start.
    let _ = thread.spawn(work);
}

/// Browsers that are about to end.
static ENDING: (Mutex<usize>, std::sync::Condvar) = (Mutex::new(0), std::sync::Condvar::new());

struct Ending;

impl Ending {
    fn begin() -> Ending {
        *ENDING.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Ending
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        *ENDING.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDING.1.notify_all();
    }
}

/// Waits until every browser that was told to end has ended.
pub(super) fn wait_for_endings() {
    let count = ENDING.0.lock().unwrap_or_else(PoisonError::into_inner);
    let most = BROWSER_CLOSE_TIMEOUT + Duration::from_secs(1);
    let left = ENDING.1.wait_timeout_while(count, most, |count| *count > 0);
    drop(left);
}

fn spawn(
    binary: &Path,
    settings: &Settings,
    profile: &Path,
    purpose: Purpose,
) -> std::io::Result<(Child, File, File)> {
    let (theirs_in, ours_out) = pipe()?;
    let (ours_in, theirs_out) = pipe()?;
    let mut command = Command::new(binary);
    command.args(FLAGS).arg(HEAP);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.args(settings.flags());
    if purpose == Purpose::Measuring {
        command.arg("--remote-debugging-port=0");
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.process_group(0);
    // What it leaves when it is killed goes with its profile.
    command.env("TMPDIR", profile);
    let (read, write) = (theirs_in.as_raw_fd(), theirs_out.as_raw_fd());
    // SAFETY: only calls that are safe after a fork; the descriptors are open until `spawn` returns.
    unsafe {
        command.pre_exec(move || hand_over(read, write));
    }
    let child = command.spawn()?;
    Ok((child, File::from(ours_in), File::from(ours_out)))
}

/// In the new process: it reads calls at 3 and writes answers at 4.
fn hand_over(read: RawFd, write: RawFd) -> std::io::Result<()> {
    for (from, to) in [(read, 3), (write, 4)] {
        // SAFETY: plain system call. Both are 10 or above, so neither is closed by the other's place, and the copy
        // is not closed when the browser is loaded.
        if unsafe { libc::dup2(from, to) } < 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok(())
}

/// A pipe whose ends are 10 or above, and closed in every program that is started.
fn pipe() -> std::io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for two.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: both were just opened, and are ours.
    let ends = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    let above = |end: &OwnedFd| {
        // SAFETY: plain system call on a descriptor that is open.
        let end = unsafe { libc::fcntl(end.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 10) };
        match end {
            end if end < 0 => Err(std::io::Error::last_os_error()),
            // SAFETY: it was just opened, and is ours.
            end => Ok(unsafe { OwnedFd::from_raw_fd(end) }),
        }
    };
    Ok((above(&ends[0])?, above(&ends[1])?))
}

/// Keeps the last lines that it says on its standard error, for whoever asks why it did not start.
fn listen(child: &mut Child) -> Arc<Mutex<Vec<String>>> {
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    if let Some(stderr) = child.stderr.take() {
        let keep = said.clone();
        let thread = std::thread::Builder::new().name("browser-says".to_owned());
        let _ = thread.spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut keep = keep.lock().unwrap_or_else(PoisonError::into_inner);
                keep.push(line.chars().take(300).collect());
                if keep.len() > 20 {
                    keep.remove(0);
                }
            }
        });
    }
    said
}

/// Why a browser did not start, as people can mend it.
fn explained(why: &Refusal, said: &[String]) -> String {
    let has = |what: &str| said.iter().any(|line| line.contains(what));
    if has("Running as root without --no-sandbox") {
        return "does not run as root within its sandbox: run Bellwether as another user, or say `browser: { sandbox: false }` in the environment".to_owned();
    }
    if has("No usable sandbox") {
        return "finds no sandbox here: allow unprivileged user namespaces, or say `browser: { sandbox: false }` in the environment".to_owned();
    }
    // That there is no desktop here is so of every server.
    let tells = |line: &&String| !line.trim().is_empty() && !line.contains("dbus/");
    let last = said.iter().rev().find(tells);
    let last = last.map(|line| format!(": {line}")).unwrap_or_default();
    match why {
        Refusal::Gone => format!("ended at once{last}"),
        Refusal::Late => format!("does not speak the DevTools protocol over a pipe{last}"),
        Refusal::Said(why) => {
            format!("does not speak the DevTools protocol over a pipe: {why}{last}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_runs_as_root_is_told_what_to_do() {
        let said = ["[1:1] Running as root without --no-sandbox is not supported.".to_owned()];
        let told = explained(&Refusal::Gone, &said);
        assert!(told.contains("sandbox: false"), "{told}");
        let told = explained(&Refusal::Gone, &["cannot open display".to_owned()]);
        assert_eq!(told, "ended at once: cannot open display");
    }

    #[test]
    fn ends_of_a_pipe_leave_the_places_of_the_browser_free() {
        let (read, write) = pipe().unwrap();
        assert!(read.as_raw_fd() >= 10 && write.as_raw_fd() >= 10);
    }
}
