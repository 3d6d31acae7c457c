//! Reading a log: of a program, a file, an address or Loki, once or followed for a while.
//!
//! Invariant: whatever ends the reading before the log is read whole is a doubt.

use super::asked::attempt;
use super::exchange::Attempt;
use crate::limits::LOG_BYTES_MAX;
use crate::net::Fault;
use crate::net::program::{self, Invocation};
use crate::scenario::steps::asked::Asked;
use crate::scenario::steps::command::Command;
use crate::scenario::steps::logs::{LogSource, Logs};
use crate::scenario::template::Template;
use crate::vu::user::VirtualUser;
use crate::witness::lines::Reading;
use crate::witness::loki::{Next, PAGE, Pages};
use crate::witness::said::Said;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;

/// Pause between looks at a file that is followed.
const FILE_PAUSE: Duration = Duration::from_millis(200);
/// Pages of Loki: together more than anybody looks at.
const PAGES_MAX: usize = 200;

impl VirtualUser {
    pub(super) async fn logs(&mut self, logs: &Logs, deadline: Instant) -> Attempt {
        let begun = Instant::now();
        // Whoever asks to follow it for so long has the time for it.
        let deadline = deadline.max(begun + logs.follow.unwrap_or_default());
        attempt(self.read_log(logs, deadline).await, begun)
    }

    async fn read_log(&mut self, logs: &Logs, deadline: Instant) -> Result<Said, Fault> {
        let since_ms = self.moment(logs.since.as_ref())?;
        let mut reading = Reading::new(&logs.wanted, since_ms);
        let doubts = match &logs.source {
            LogSource::Command(command) => {
                self.printed(command, logs.follow, &mut reading, deadline)
                    .await?
            }
            LogSource::File(path) => {
                let path = self.shared.binding.plan.folder.join(self.render(path)?);
                let until = logs.follow.map(|follow| Instant::now() + follow);
                file(&path, until, &mut reading, deadline).await
            }
            LogSource::Http(asked) => {
                reading.push(&self.ask(asked, "", &[], deadline).await?);
                Vec::new()
            }
            LogSource::Loki(asked, query) => {
                let since_ms = since_ms.unwrap_or_default();
                self.pages(asked, query, since_ms, &mut reading, deadline)
                    .await?
            }
        };
        Ok(reading.end(doubts, crate::clock::now_ms()))
    }

    /// What a program prints, on both of its streams: some write a log to the second.
    async fn printed(
        &self,
        command: &Command,
        follow: Option<Duration>,
        reading: &mut Reading<'_>,
        deadline: Instant,
    ) -> Result<Vec<String>, Fault> {
        let invocation = self.invocation(command)?;
        let left = deadline.saturating_duration_since(Instant::now());
        let within = follow.unwrap_or(left);
        let begun = Instant::now();
        let mut bytes = 0;
        let reading = Mutex::new((reading, &mut bytes));
        let take = |is_output: bool, printed: &[u8]| {
            let mut guard = reading
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let (reading, bytes) = &mut *guard;
            **bytes += printed.len() as u64;
            match is_output {
                _ if **bytes > LOG_BYTES_MAX => {}
                true => reading.push(printed),
                false => reading.push_beside(printed),
            }
        };
        let (output, error) = (&mut |it: &[u8]| take(true, it), &mut |it: &[u8]| {
            take(false, it);
        });
        let heard = program::listen(&invocation, within, output, error).await?;
        let program = invocation.words.first().map_or("", String::as_str);
        let mut doubts = Vec::new();
        let took = crate::duration::show(begun.elapsed());
        if !heard.is_whole {
            doubts.push(format!(
                "`{program}` left something behind that still prints"
            ));
        }
        match (heard.code, follow) {
            (None, Some(_)) => {}
            (None, None) => doubts.push(format!("`{program}` did not end within {took}")),
            (Some(0), None) => {}
            (Some(0), Some(_)) => {
                doubts.push(format!(
                    "`{program}` was to be followed, and ended after {took}"
                ));
            }
            (Some(code), _) => doubts.push(format!("`{program}` ended with exit code {code}")),
        }
        if bytes > LOG_BYTES_MAX {
            doubts.push(too_long());
        }
        Ok(doubts)
    }

    pub(super) fn invocation(&self, command: &Command) -> Result<Invocation, Fault> {
        let plan = &self.shared.binding.plan;
        let folder = match &command.folder {
            Some(folder) => Some(plan.folder.join(self.render(folder)?)),
            None => Some(plan.folder.clone()).filter(|folder| !folder.as_os_str().is_empty()),
        };
        let words = command.words.iter().map(|word| self.render(word));
        let environment = command.environment.iter();
        let environment = environment.map(|(name, value)| Ok((name.clone(), self.render(value)?)));
        Ok(Invocation {
            words: words.collect::<Result<_, _>>()?,
            folder,
            environment: environment.collect::<Result<_, Fault>>()?,
            input: command
                .input
                .as_ref()
                .map(|input| self.render(input))
                .transpose()?,
        })
    }

    async fn pages(
        &self,
        asked: &Asked,
        query: &Template,
        since_ms: i64,
        reading: &mut Reading<'_>,
        deadline: Instant,
    ) -> Result<Vec<String>, Fault> {
        let query = self.render(query)?;
        let (mut pages, limit) = (Pages::default(), PAGE.to_string());
        let mut from_ns = since_ms.saturating_mul(1_000_000);
        let end = (crate::clock::now_ms() * 1_000_000).to_string();
        for _ in 0..PAGES_MAX {
            let start = from_ns.to_string();
            let over = [
                ("query", query.as_str()),
                ("start", &start),
                ("end", &end),
                ("limit", &limit),
                ("direction", "forward"),
            ];
            let page = self
                .ask_json(asked, "/loki/api/v1/query_range", &over, deadline)
                .await?;
            let each = |at_ns: i64, line: &str| {
                // Loki knows the moment, whatever the line says.
                reading.line_at(line, at_ns / 1_000_000);
            };
            match pages.take(&page, each).map_err(Fault::unknown)? {
                Next::From(next) => from_ns = next,
                Next::Nothing => return Ok(Vec::new()),
                Next::Lost(why) => return Ok(vec![why]),
            }
        }
        Ok(vec![format!(
            "there are more than {PAGES_MAX} pages of {PAGE} lines"
        )])
    }
}

fn too_long() -> String {
    format!("it is longer than {LOG_BYTES_MAX} bytes, and was read only so far")
}

/// Reads a file, and what is added to it until a moment. One that becomes shorter was cut, or another one
/// stands there now: what was in between is lost.
async fn file(
    path: &Path,
    until: Option<Instant>,
    reading: &mut Reading<'_>,
    deadline: Instant,
) -> Vec<String> {
    let name = path.display();
    let mut file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(error) => return vec![format!("`{name}` cannot be read: {error}")],
    };
    let (mut at, mut buffer, mut doubts) = (0_u64, vec![0_u8; 64 * 1024], Vec::new());
    loop {
        match file.read(&mut buffer).await {
            Ok(0) => {
                if until.is_none_or(|until| Instant::now() >= until) {
                    return doubts;
                }
                tokio::time::sleep(FILE_PAUSE).await;
                if let Some(why) = replaced(path, &file, at).await {
                    doubts.push(format!("`{name}` {why} while it was read"));
                    match tokio::fs::File::open(path).await {
                        Ok(another) => (file, at) = (another, 0),
                        Err(error) => {
                            doubts.push(format!("`{name}` cannot be read on: {error}"));
                            return doubts;
                        }
                    }
                }
            }
            Ok(count) => {
                at += count as u64;
                if at > LOG_BYTES_MAX {
                    doubts.push(too_long());
                    return doubts;
                }
                reading.push(&buffer[..count]);
            }
            Err(error) => {
                doubts.push(format!("`{name}` cannot be read on: {error}"));
                return doubts;
            }
        }
        if Instant::now() >= deadline {
            doubts.push(format!("there was no time to read all of `{name}`"));
            return doubts;
        }
    }
}

/// Why what stands at a path is not the file that is being read any more, if it is not.
async fn replaced(path: &Path, open: &tokio::fs::File, at: u64) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt as _;
    let (here, ours) = (
        tokio::fs::metadata(path).await.ok()?,
        open.metadata().await.ok()?,
    );
    if (here.dev(), here.ino()) != (ours.dev(), ours.ino()) {
        return Some("was replaced");
    }
    (here.len() < at).then_some("was cut")
}
