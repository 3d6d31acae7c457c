//! The quality of a page: Lighthouse, run several times in a browser of its own, until enough of the runs count.

use super::asked;
use super::exchange::Attempt;
use crate::browser::keeper::Keeper;
use crate::browser::measuring::Measuring;
use crate::limits::{QUALITY_REPORT_BYTES_MAX, QUALITY_RUN_TIMEOUT};
use crate::net::program::{self, Invocation, folders};
use crate::net::{ErrorClass, Fault, address};
use crate::quality::judging::{Set, evidence, judge};
use crate::quality::limits::{CATEGORIES, Limit, Subject};
use crate::quality::report::Report;
use crate::scenario::plan::Step;
use crate::scenario::steps::quality::{Quality, RUNS_MAX};
use crate::vu::user::VirtualUser;
use crate::witness::said::Said;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::time::Instant;

/// What Lighthouse is called with.
struct Measured<'a> {
    program: PathBuf,
    url: String,
    headers: Option<PathBuf>,
    runs: usize,
    browser: &'a Measuring,
    quality: &'a Quality,
}

impl VirtualUser {
    pub(super) async fn quality(&mut self, step: &Step, quality: &Quality, by: Instant) -> Attempt {
        // No page of ours is measured with it.
        self.tab = None;
        let begun = Instant::now();
        let done = self.measured(step, quality, by).await;
        let (said, reports) = match done {
            Ok((said, reports)) => (Ok(said), reports),
            Err(fault) => (Err(fault), Vec::new()),
        };
        let mut attempt = asked::attempt(said, begun);
        let last = reports.last();
        attempt.reply.url = last.and_then(|report| address::url(&report.url).ok());
        let evidence = evidence(&reports, &quality.limits);
        attempt.reply.body = Bytes::from(format!("{evidence:#}"));
        attempt
    }

    async fn measured(
        &self,
        step: &Step,
        quality: &Quality,
        by: Instant,
    ) -> Result<(Said, Vec<Report>), Fault> {
        let binding = &self.shared.binding;
        let url = self.address_of(step, &quality.url)?;
        binding.page_may_be_at(&url)?;
        let runs = self.render(&quality.runs)?;
        let counted = runs.trim().parse().ok();
        let Some(runs) = counted.filter(|runs| (1..=RUNS_MAX).contains(runs)) else {
            let why = format!("`runs` is `{runs}`, expected a number from 1 to {RUNS_MAX}");
            return Err(Fault::new(ErrorClass::Template, why));
        };
        let all = folders().collect::<Vec<_>>();
        let program = binding.browser.lighthouse(&binding.plan.folder, &all);
        let program = program.map_err(|why| Fault::new(ErrorClass::NoEvidence, why))?;
        let browser = Keeper::of(&binding.browser).alone(by).await?;
        let measured = Measured {
            headers: self.extra_headers(quality, &browser).await?,
            program,
            url,
            runs: runs as usize,
            browser: &browser,
            quality,
        };
        let (mut said, reports) = measured.all(by).await;
        let away = reports
            .iter()
            .find_map(|report| binding.page_may_be_at(&report.url).err());
        said.objections.extend(away.map(|fault| fault.detail));
        Ok((said, reports))
    }

    /// Headers go in a file, since a list of processes shows every word of a command.
    async fn extra_headers(
        &self,
        quality: &Quality,
        browser: &Measuring,
    ) -> Result<Option<PathBuf>, Fault> {
        let mut headers = Map::new();
        for (name, value) in &quality.headers {
            headers.insert(name.clone(), Value::String(self.render(value)?));
        }
        if headers.is_empty() {
            return Ok(None);
        }
        let path = browser.folder().join("headers.json");
        let written = tokio::fs::write(&path, Value::Object(headers).to_string()).await;
        let fault = |why| Fault::new(ErrorClass::NoEvidence, format!("headers: {why}"));
        written.map_err(fault).map(|()| Some(path))
    }
}

impl Measured<'_> {
    /// A set of runs, once more where it falls short by no more than scores swing, or where a warm cache is allowed.
    async fn all(&self, by: Instant) -> (Said, Vec<Report>) {
        let limits = &self.quality.limits;
        let mut reports = self.set(false, by).await;
        let said = judge(&reports, limits, self.runs, false);
        // Where there is no page, or too little to judge, there is nothing that may swing.
        if said.objections.is_empty() || Set::of(&reports, limits).len() < self.runs {
            return (said, reports);
        }
        if self.quality.warm {
            // What is in the cache afterwards is what a second visit finds.
            self.run(true, by).await;
            let warm = self.set(true, by).await;
            let mut again = judge(&warm, limits, self.runs, true);
            let was = said.objections.join("; ");
            again.warnings.push(format!("with a cold cache {was}"));
            return (again, warm);
        }
        if Set::of(&reports, limits).is_close(limits) {
            reports.extend(self.set(false, by).await);
            let more = judge(&reports, limits, self.runs * 2, false);
            return (more, reports);
        }
        (said, reports)
    }

    /// Runs until as many count as were asked for, or as many again do not.
    async fn set(&self, is_warm: bool, by: Instant) -> Vec<Report> {
        let limits = &self.quality.limits;
        let mut reports = Vec::new();
        for _ in 0..self.runs * 2 {
            if Set::of(&reports, limits).len() >= self.runs || Instant::now() >= by {
                break;
            }
            reports.push(self.run(is_warm, by).await);
        }
        reports
    }

    async fn run(&self, is_warm: bool, by: Instant) -> Report {
        let file = self.browser.folder().join("report.json");
        let left = by.saturating_duration_since(Instant::now());
        let invocation = self.invocation(is_warm, &file);
        let ended = program::run(&invocation, left.min(QUALITY_RUN_TIMEOUT)).await;
        let report = read(&file).await;
        let _ = tokio::fs::remove_file(&file).await;
        match (report, ended) {
            (Ok(report), _) => report,
            (Err(_), Err(fault)) => without(fault.detail),
            (Err(why), Ok(ended)) => {
                let mut lines = ended.stderr.lines().rev();
                let last = lines.find(|line| !line.trim().is_empty()).unwrap_or(&why);
                without(format!("exit code {}: {}", ended.code, last.trim()))
            }
        }
    }

    fn invocation(&self, is_warm: bool, file: &std::path::Path) -> Invocation {
        let Quality {
            is_desktop,
            throttling,
            limits,
            ..
        } = self.quality;
        let mut words = vec![
            self.program.display().to_string(),
            self.url.clone(),
            format!("--port={}", self.browser.port()),
            "--output=json".to_owned(),
            format!("--output-path={}", file.display()),
            "--quiet".to_owned(),
            "--no-enable-error-reporting".to_owned(),
            "--disable-full-page-screenshot".to_owned(),
            format!("--only-categories={}", categories(limits).join(",")),
        ];
        words.extend(is_desktop.then(|| "--preset=desktop".to_owned()));
        words.extend(
            throttling
                .as_ref()
                .map(|how| format!("--throttling-method={how}")),
        );
        words.extend(is_warm.then(|| "--disable-storage-reset".to_owned()));
        let headers = self.headers.as_ref();
        words.extend(headers.map(|file| format!("--extra-headers={}", file.display())));
        Invocation {
            words,
            folder: Some(self.browser.folder().to_owned()),
            ..Invocation::default()
        }
    }
}

/// Categories that must be looked at for what is wanted.
fn categories(limits: &[Limit]) -> Vec<&str> {
    let mut wanted = vec!["performance"];
    let has_audits = limits
        .iter()
        .any(|limit| matches!(limit.subject, Subject::Audit(_)));
    if limits.is_empty() || has_audits {
        return CATEGORIES.to_vec();
    }
    let names = limits.iter().map(Limit::name);
    wanted.extend(names.filter(|name| *name != "performance"));
    wanted.dedup();
    wanted
}

async fn read(file: &std::path::Path) -> Result<Report, String> {
    let about = tokio::fs::metadata(file)
        .await
        .map_err(|why| why.to_string())?;
    if about.len() > QUALITY_REPORT_BYTES_MAX {
        return Err("its report is too large".to_owned());
    }
    let bytes = tokio::fs::read(file).await.map_err(|why| why.to_string())?;
    Report::read(&bytes)
}

/// A run that left no report.
fn without(why: String) -> Report {
    Report {
        error: Some(("no report".to_owned(), why)),
        ..Report::default()
    }
}
