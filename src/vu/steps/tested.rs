//! The report of a suite of tests that a program wrote: read after it, with the files that its tests left.
//!
//! Invariant: a report that stood there before, and was not written anew, says nothing.

use super::exchange::Attempt;
use crate::hexadecimal::sha256;
use crate::limits::{PICTURES_MAX, SUITE_FILE_BYTES_MAX, SUITE_REPORT_BYTES_MAX};
use crate::net::Fault;
use crate::picture::kept::Picture;
use crate::scenario::steps::command::TestReport;
use crate::secret::Redactor;
use crate::suite::judging::{judge, kept};
use crate::suite::report::{Attachment, Came, Suite, Test};
use crate::vu::sample::Sink;
use crate::vu::user::VirtualUser;
use crate::witness::said::Said;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A report that is to be written, and what stood in its place before.
pub(super) struct Awaited {
    path: PathBuf,
    before: Option<State>,
    at_least: u64,
}

/// What changes when a file is written.
type State = (u64, u64, i64, i64);

fn state(path: &Path) -> Option<State> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.ino(), about.size(), about.mtime(), about.mtime_nsec()))
}

impl VirtualUser {
    /// What is looked at before the program runs.
    pub(super) fn awaited_report(
        &self,
        report: &TestReport,
        folder: Option<&Path>,
    ) -> Result<Awaited, Fault> {
        let path = folder
            .unwrap_or(Path::new(""))
            .join(self.render(&report.file)?);
        Ok(Awaited {
            before: state(&path),
            at_least: report.at_least,
            path,
        })
    }
}

impl Awaited {
    /// Reads it, once the program has ended.
    pub(super) async fn read(self, attempt: &mut Attempt, redactor: &Redactor) {
        let (said, tests, pictures) = tokio::task::spawn_blocking(|| self.look())
            .await
            .unwrap_or_else(|why| {
                (
                    Said::doubt(format!("the report was not read: {why}")),
                    Vec::new(),
                    Vec::new(),
                )
            });
        attempt.tests = tests
            .into_iter()
            .map(|test| redacted(test, redactor))
            .collect();
        attempt.pictures = pictures;
        let known = attempt.reply.said.get_or_insert_default();
        known.values.extend(said.values);
        known.objections.extend(said.objections);
        known.doubts.extend(said.doubts);
        known.warnings.extend(said.warnings);
    }

    fn look(self) -> (Said, Vec<Test>, Vec<Picture>) {
        let suite = match self.suite() {
            Ok(suite) => suite,
            Err(why) => return (Said::doubt(why), Vec::new(), Vec::new()),
        };
        let said = judge(&suite, self.at_least);
        let mut tests = kept(suite);
        let folder = self.path.parent().unwrap_or(Path::new("")).to_owned();
        let mut pictures = Vec::new();
        let failed = tests.iter_mut().filter(|test| test.came == Came::Failed);
        for test in failed {
            for file in &mut test.files {
                let Some(bytes) = bytes_of(&folder.join(&file.file), SUITE_FILE_BYTES_MAX) else {
                    continue;
                };
                file.bytes = Some(bytes.len() as u64);
                file.sha256 = Some(sha256(&bytes));
                if bytes.starts_with(b"\x89PNG") && pictures.len() < PICTURES_MAX {
                    pictures.push(Picture::new("what a test saw", bytes.into()));
                }
            }
        }
        (said, tests, pictures)
    }

    fn suite(&self) -> Result<Suite, String> {
        let shown = self.path.display();
        let now = state(&self.path);
        if now.is_none() {
            return Err(format!("it wrote no report: there is no `{shown}`"));
        }
        if now == self.before {
            return Err(format!(
                "`{shown}` stood there before, and was not written anew"
            ));
        }
        let bytes = bytes_of(&self.path, SUITE_REPORT_BYTES_MAX);
        let bytes = bytes.ok_or_else(|| format!("`{shown}` cannot be read, or is too large"))?;
        Suite::read(&bytes).map_err(|why| format!("`{shown}` is no report of tests: {why}"))
    }
}

impl Attempt {
    /// Hands on what it left behind as evidence.
    pub(in crate::vu) fn leave(&self, step: usize, sink: &impl Sink) {
        for picture in &self.pictures {
            sink.pictured(step, picture);
        }
        if !self.tests.is_empty() {
            sink.tested(step, &self.tests);
        }
    }
}

/// Whatever a test says may hold what nobody is to see.
fn redacted(test: Test, redactor: &Redactor) -> Test {
    let files = test.files.into_iter().map(|file| Attachment {
        file: redactor.clean(&file.file),
        ..file
    });
    Test {
        name: redactor.clean(&test.name),
        message: redactor.clean(&test.message),
        files: files.collect(),
        ..test
    }
}

/// The bytes of a plain file that is not too large.
fn bytes_of(path: &Path, most: u64) -> Option<Vec<u8>> {
    let about = std::fs::metadata(path).ok()?;
    let fits = about.is_file() && about.len() <= most;
    fits.then(|| std::fs::read(path).ok()).flatten()
}
