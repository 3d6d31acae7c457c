//! Programs: run without a shell, with a time limit, their output bounded and kept.

use super::{ErrorClass, Fault};
use crate::limits;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// A program with everything filled in.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// Program and arguments.
    pub words: Vec<String>,
    /// Working directory.
    pub folder: Option<PathBuf>,
    /// Variables beside the inherited ones.
    pub environment: Vec<(String, String)>,
    /// Standard input.
    pub input: Option<String>,
}

/// What a program left behind.
#[derive(Debug, Clone, Default)]
pub struct Finished {
    /// Exit code; 128 and more for a signal, as shells say it.
    pub code: u16,
    /// Standard output, up to the limit.
    pub stdout: String,
    /// Standard error, up to the limit.
    pub stderr: String,
    /// Whether one of them was longer than the limit, or something that it left behind may print more.
    pub is_cut: bool,
}

/// Takes what a program prints, as it comes.
pub type OnPrinted<'a> = &'a mut (dyn FnMut(&[u8]) + Send);

/// Why a program cannot be started from a folder, as far as can be seen without starting it: there is
/// none of its name, or it may not be executed.
pub fn obstacle(program: &str, folder: Option<&Path>) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let runs = |path: &Path| {
        std::fs::metadata(path)
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        let path = folder.unwrap_or(Path::new("")).join(program);
        return match (runs(&path), path.exists()) {
            (true, _) => None,
            (false, true) => Some(format!("`{program}` cannot be executed")),
            (false, false) => Some(format!("there is no program `{program}`")),
        };
    }
    let found = folders().any(|folder| runs(&folder.join(program)));
    (!found).then(|| format!("there is no program `{program}` on the path"))
}

/// Folders in which programs are looked for.
pub fn folders() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

/// Time for what a program wrote to arrive, once it has ended: whatever it left in the background may
/// hold its pipes.
const PIPES_WITHIN: Duration = Duration::from_secs(1);

/// Runs a program. When time runs out, it and everything it started is killed; what it leaves in the
/// background when it ends by itself is not.
pub async fn run(invocation: &Invocation, timeout: Duration) -> Result<Finished, Fault> {
    let (mut said, mut complained) = (Kept::default(), Kept::default());
    let on_output = &mut |bytes: &[u8]| said.add(bytes);
    let heard = listen(invocation, timeout, on_output, &mut |bytes| {
        complained.add(bytes);
    })
    .await?;
    let Some(code) = heard.code else {
        let program = invocation.words.first().map_or("", String::as_str);
        let text = format!(
            "`{program}` did not end within {}",
            crate::duration::show(timeout)
        );
        return Err(Fault::new(ErrorClass::TimeoutWait, text));
    };
    Ok(Finished {
        code,
        is_cut: said.is_cut || complained.is_cut || !heard.is_whole,
        stdout: String::from_utf8_lossy(&said.bytes).into_owned(),
        stderr: String::from_utf8_lossy(&complained.bytes).into_owned(),
    })
}

/// What is kept of what a program prints.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Kept {
    fn add(&mut self, bytes: &[u8]) {
        let room = limits::COMMAND_OUTPUT_BYTES_MAX.saturating_sub(self.bytes.len());
        self.is_cut |= bytes.len() > room;
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// What was heard of a program.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    /// Its exit code; nothing where time ran out, and it was killed with everything it started.
    pub code: Option<u16>,
    /// Whether nothing that it left behind may print more.
    pub is_whole: bool,
}

/// Runs a program and hands on what it prints, standard output and error apart.
pub async fn listen(
    invocation: &Invocation,
    timeout: Duration,
    on_output: OnPrinted<'_>,
    on_error: OnPrinted<'_>,
) -> Result<Heard, Fault> {
    use std::os::unix::process::ExitStatusExt;
    let (program, words) = invocation
        .words
        .split_first()
        .ok_or_else(|| Fault::new(ErrorClass::Template, "the command has no program"))?;
    let mut command = tokio::process::Command::new(program);
    command
        .args(words)
        .envs(
            invocation
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .stdin(if invocation.input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    // The folder of a file that was named without one is the one that we are in.
    if let Some(folder) = invocation
        .folder
        .as_ref()
        .filter(|it| !it.as_os_str().is_empty())
    {
        command.current_dir(folder);
    }
    let mut child = command.spawn().map_err(|error| {
        Fault::new(
            ErrorClass::Template,
            format!("`{program}` cannot be run: {error}"),
        )
    })?;
    let group = Group(child.id());
    let mut stdin = child.stdin.take();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let input = invocation.input.clone().unwrap_or_default();
    let pipes = async {
        let feed = async {
            if let Some(mut stdin) = stdin.take() {
                // A program that does not read its input is no failure of ours.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        tokio::join!(feed, collect(stdout, on_output), collect(stderr, on_error));
    };
    let mut pipes = Box::pin(pipes);
    let mut is_drained = false;
    let ended = async {
        loop {
            tokio::select! {
                biased;
                () = &mut pipes, if !is_drained => is_drained = true,
                status = child.wait() => return status,
            }
        }
    };
    let Ok(status) = tokio::time::timeout(timeout, ended).await else {
        drop(group);
        return Ok(Heard {
            code: None,
            is_whole: true,
        });
    };
    std::mem::forget(group);
    // What it left in the background may hold its pipes for ever.
    let is_whole = is_drained || tokio::time::timeout(PIPES_WITHIN, &mut pipes).await.is_ok();
    drop(pipes);
    let status =
        status.map_err(|error| Fault::new(ErrorClass::Command, format!("`{program}`: {error}")))?;
    let code = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(Heard {
        code: Some(code as u16),
        is_whole,
    })
}

/// Kills the whole process group when it is dropped.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            // SAFETY: `kill` takes plain numbers; the group is the child's own, made by `process_group(0)`,
            // and the child has not been waited for yet, so the number is not reused.
            unsafe {
                libc::kill(-(id as i32), libc::SIGKILL);
            }
        }
    }
}

async fn collect(stream: Option<impl AsyncRead + Unpin>, each: OnPrinted<'_>) {
    let Some(mut stream) = stream else {
        return;
    };
    let mut buffer = [0_u8; 16 * 1024];
    while let Ok(count) = stream.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        each(&buffer[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_program_leaves_in_the_background_lives_and_holds_up_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("alive");
        let script = format!("(sleep 3; touch '{}') & echo started", mark.display());
        let invocation = Invocation {
            words: ["sh", "-c", &script].map(str::to_owned).to_vec(),
            ..Invocation::default()
        };
        let begun = std::time::Instant::now();
        let ended = run(&invocation, Duration::from_secs(20)).await.unwrap();
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "started\n"));
        assert!(begun.elapsed() < Duration::from_millis(2_500));
        for _ in 0..100 {
            if mark.exists() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it was killed");
    }
}
