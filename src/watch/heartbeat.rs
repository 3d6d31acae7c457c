//! Whether a job that reports to us is well: pure, from what it reported and the time.
//!
//! A job is in trouble when it said so, or when its report is overdue; what never reported is overdue too,
//! counted from when it was first expected.

use serde::{Deserialize, Serialize};

/// What a job reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It began.
    Started,
    /// It came to a good end.
    Succeeded,
    /// It failed, with an exit code if there was one.
    Failed(Option<i64>),
}

/// What is known of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Since when reports are expected, in milliseconds since 1970.
    pub expected_ms: i64,
    /// When it began last.
    pub started_ms: Option<i64>,
    /// When it succeeded last.
    pub succeeded_ms: Option<i64>,
    /// When it failed, if that is the last that it said.
    pub failed_ms: Option<i64>,
    /// What it said when it failed: exit code and the end of its log.
    #[serde(default)]
    pub said: String,
}

/// What is wrong with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// `failed` or `missing`.
    pub word: &'static str,
    /// Since when.
    pub since_ms: i64,
    /// Why.
    pub reason: String,
}

impl Heartbeat {
    /// A job of which a report is expected from now on.
    pub fn expected(now_ms: i64) -> Heartbeat {
        Heartbeat {
            expected_ms: now_ms,
            started_ms: None,
            succeeded_ms: None,
            failed_ms: None,
            said: String::new(),
        }
    }

    /// What it reports now, with the end of its log.
    pub fn report(&mut self, report: &Report, log: &str, now_ms: i64) {
        match report {
            Report::Started => self.started_ms = Some(now_ms),
            Report::Succeeded => {
                self.succeeded_ms = Some(now_ms);
                self.failed_ms = None;
                self.said.clear();
            }
            Report::Failed(code) => {
                // The first failure is since when it fails.
                self.failed_ms = self.failed_ms.or(Some(now_ms));
                let code = code.map_or(String::new(), |code| format!("exit code {code}"));
                let joint = if code.is_empty() || log.is_empty() {
                    ""
                } else {
                    ": "
                };
                self.said = format!("{code}{joint}{log}");
            }
        }
    }

    /// From when its next report is counted: the last good end, or since when one is expected.
    pub fn counted_from_ms(&self) -> i64 {
        self.succeeded_ms.unwrap_or(self.expected_ms)
    }

    /// What is wrong, if anything is. `due_ms` is when the report after [`Self::counted_from_ms`] is due, and
    /// `grace_ms` how late it may be.
    pub fn trouble(&self, due_ms: Option<i64>, grace_ms: i64, now_ms: i64) -> Option<Trouble> {
        if let Some(failed) = self.failed_ms {
            return Some(Trouble {
                word: "failed",
                since_ms: failed,
                reason: self.said.clone(),
            });
        }
        let late_ms = due_ms?.saturating_add(grace_ms);
        (now_ms >= late_ms).then(|| {
            let began = self.started_ms > self.succeeded_ms;
            let reason = match (began, self.succeeded_ms) {
                (true, _) => "it began, and did not come to its end",
                (false, Some(_)) => "no report came in time",
                (false, None) => "it has never reported",
            };
            Trouble {
                word: "missing",
                since_ms: late_ms,
                reason: reason.to_owned(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_in_trouble_when_it_says_so_or_says_nothing_in_time() {
        let mut job = Heartbeat::expected(0);
        let word = |job: &Heartbeat, now_ms| {
            let due = job.counted_from_ms() + 100;
            job.trouble(Some(due), 10, now_ms)
                .map(|trouble| (trouble.word, trouble.since_ms))
        };
        assert_eq!(word(&job, 109), None);
        assert_eq!(word(&job, 110), Some(("missing", 110)), "it never reported");
        job.report(&Report::Succeeded, "", 120);
        assert_eq!(word(&job, 229), None);
        job.report(&Report::Started, "", 225);
        let trouble = job.trouble(Some(220), 10, 230).unwrap();
        assert_eq!(trouble.reason, "it began, and did not come to its end");
        job.report(&Report::Failed(Some(3)), "no space", 240);
        job.report(&Report::Failed(Some(4)), "no space", 250);
        let trouble = job.trouble(Some(220), 10, 260).unwrap();
        assert_eq!(
            (trouble.word, trouble.since_ms, trouble.reason.as_str()),
            ("failed", 240, "exit code 4: no space")
        );
        job.report(&Report::Succeeded, "", 270);
        assert_eq!(word(&job, 271), None);
    }
}
