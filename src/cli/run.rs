//! `bellwether run`: perform scenarios once, or under their load.

use super::exit::Exit;
use super::keys::Keys;
use super::pictures;
use super::progress::Progress;
use super::recording::Recording;
use super::run_arguments::Arguments;
use super::run_plan::{self, Job};
use super::run_script::{self, Script};
use crate::document::Diagnostics;
use crate::load::live::Live;

use crate::load::run::{Finished, Options, RateOutcome};
use crate::load::{self, Control, Stop, Tick};
use crate::objective::Outcome;
use crate::report::hdr::HdrLog;
use crate::report::style::Style;
use crate::report::{self, samples};
use crate::run::{Summary, keeping_up, summarize as summary};
use crate::telemetry::run_metrics::RunMetrics;
use crate::web::panel::{self, Panel};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{SignalKind, signal};

/// Time for answers that are under way when a run is over.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// Files that are opened before anything is sent.
struct Outputs {
    json: Option<File>,
    junit: Option<File>,
    ctrf: Option<File>,
    markdown: Option<File>,
    html: Option<File>,
    samples: Option<BufWriter<File>>,
    hdr: Option<HdrLog>,
    har: Option<File>,
    recording: Recording,
}

/// Where a running load can be seen and told something.
struct Seen {
    live: Arc<Live>,
    metrics: RunMetrics,
    /// Whether keys are listened to.
    keys: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    let mut found = Diagnostics::default();
    let jobs = run_plan::jobs(arguments, &mut found);
    let style = Style::for_stream(&std::io::stderr());
    eprint!("{}", found.render(style.color));
    let Some(jobs) = jobs.filter(|_| !found.has_errors()) else {
        eprintln!("{}", style.bad("nothing was sent"));
        return Exit::Invalid;
    };
    let (panel, mut seen) = panel();
    let runtime = crate::cli::commands::runtime();
    let mut serving = None;
    if let Some(address) = arguments.api {
        match runtime.block_on(tokio::net::TcpListener::bind(address)) {
            Ok(listener) => {
                let (over, stop) = tokio::sync::oneshot::channel::<()>();
                let stop = async move {
                    // Told, or forgotten: both mean that the run is over.
                    let _ = stop.await;
                };
                serving = Some((over, runtime.spawn(panel::serve(listener, panel, stop))));
            }
            Err(error) => {
                crate::cli::commands::complain(format!(
                    "{address} cannot be listened on: {error}; nothing was sent"
                ));
                return Exit::Fault;
            }
        }
    }
    let before = match earlier(arguments) {
        Ok(before) => before,
        Err(message) => {
            crate::cli::commands::complain(format!("{message}; nothing was sent"));
            return Exit::Invalid;
        }
    };
    let mut outputs = match open(arguments) {
        Ok(outputs) => outputs,
        Err(message) => {
            crate::cli::commands::complain(format!("{message}; nothing was sent"));
            return Exit::Fault;
        }
    };
    let control = Control::new();
    let keys = (!arguments.quiet && jobs.iter().any(|job| !job.loads.is_empty()))
        .then(|| Keys::listen(&control))
        .flatten();
    seen.keys = keys.is_some();
    let result = runtime.block_on(perform(arguments, &jobs, &control, &seen, &mut outputs));
    drop(keys);
    if let Some((over, server)) = serving {
        // Who told us to stop gets an answer.
        let _ = over.send(());
        let _ = runtime.block_on(async { tokio::time::timeout(ANSWERS_WITHIN, server).await });
    }
    // Nothing is left to do there; a look-up that does not come back is not waited for.
    runtime.shutdown_background();
    let summaries = match result {
        Ok(summaries) => summaries,
        Err(error) => {
            crate::cli::commands::complain(format!("an output cannot be written: {error}"));
            return Exit::Fault;
        }
    };
    if arguments.shows_summary() {
        let style = Style::for_stream(&std::io::stdout());
        if summaries.len() > 1 {
            print!("{}", report::text::total(&summaries, style));
        }
    }
    let rows = before
        .as_ref()
        .map(|before| report::compare::compare(before, &summaries));
    if let Some(rows) = rows.as_ref().filter(|_| arguments.shows_summary()) {
        let style = Style::for_stream(&std::io::stdout());
        print!("{}", report::compare::text(rows, style));
    }
    super::github::tell(&summaries);
    if let Err(error) = write(arguments, &mut outputs, &summaries, rows.as_deref()) {
        crate::cli::commands::complain(format!("a report cannot be written: {error}"));
        return Exit::Fault;
    }
    let ended_itself = |job: &Job| job.script.as_ref().is_some_and(Script::ended_itself);
    if control.asked() != Stop::No && !jobs.iter().any(ended_itself) {
        return Exit::Interrupted;
    }
    let outcome = Outcome::all(summaries.iter().map(|summary| summary.outcome));
    let compared = rows.filter(|_| arguments.fail_on_regression);
    match (outcome, compared) {
        (Outcome::Pass, Some(rows)) if report::compare::is_regression(&rows) => Exit::Failed,
        (Outcome::Pass, Some(rows)) if !report::compare::is_measured(&rows) => {
            crate::cli::commands::complain(
                "nothing could be compared with the earlier run, so nobody can say that nothing is worse",
            );
            Exit::Inconclusive
        }
        (outcome, _) => Exit::of(outcome),
    }
}

/// The earlier run, which is read before anything is sent.
fn earlier(arguments: &Arguments) -> Result<Option<Vec<Summary>>, String> {
    let Some(path) = &arguments.compare else {
        return Ok(None);
    };
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    let runs = report::json::read(&text)
        .map_err(|why| format!("`{shown}` cannot be compared with: {why}"))?;
    Ok(Some(runs))
}

fn open(arguments: &Arguments) -> Result<Outputs, String> {
    let create = |path: &Option<PathBuf>| -> Result<Option<File>, String> {
        match path {
            Some(path) if path != Path::new("-") => match File::create(path) {
                Ok(file) => Ok(Some(file)),
                Err(error) => Err(format!("`{}` cannot be written: {error}", path.display())),
            },
            _ => Ok(None),
        }
    };
    let mut samples = create(&arguments.samples)?.map(BufWriter::new);
    if let Some(samples) = &mut samples {
        writeln!(samples, "{}", samples_header())
            .map_err(|error| format!("the samples cannot be written: {error}"))?;
    }
    Ok(Outputs {
        json: create(&arguments.json)?,
        junit: create(&arguments.junit)?,
        ctrf: create(&arguments.ctrf)?,
        markdown: create(&arguments.markdown)?,
        html: create(&arguments.html)?,
        samples,
        hdr: create(&arguments.hdr)?.map(HdrLog::new),
        har: create(&arguments.har)?,
        recording: Recording::new(arguments.har.is_some(), arguments.shown()),
    })
}

fn samples_header() -> &'static str {
    samples::HEADER
}

async fn perform(
    arguments: &Arguments,
    jobs: &[Job],
    control: &Control,
    seen: &Seen,
    outputs: &mut Outputs,
) -> std::io::Result<Vec<Summary>> {
    let listening = control.clone();
    let quiet = arguments.quiet;
    // Before anything is sent: from now on nobody ends us without teardown.
    let mut pressed = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        for press in 1.. {
            tokio::select! {
                _ = pressed.recv() => {}
                _ = terminated.recv() => {}
            }
            if press > 1 {
                // The second time is meant: no report, no teardown.
                Keys::give_back();
                std::process::exit(i32::from(Exit::Interrupted.code()));
            }
            listening.stop();
            if !quiet {
                eprintln!(
                    "\nstopping: running iterations finish, then teardown; press Ctrl-C again to stop at once"
                );
            }
        }
    });
    for script in jobs.iter().filter_map(|job| job.script.as_ref()) {
        script.ends(control);
    }
    let mut summaries = Vec::new();
    for job in jobs {
        if control.asked() != Stop::No {
            break;
        }
        outputs.recording.of(&job.binding, !job.loads.is_empty());
        let mut summary = perform_one(arguments, job, control, seen, outputs).await?;
        summary.show_failing(outputs.recording.latest());
        if arguments.shows_summary() {
            let style = Style::for_stream(&std::io::stdout());
            println!("{}", report::text::render(&summary, style));
        }
        summaries.push(summary);
    }
    Ok(summaries)
}

async fn perform_one(
    arguments: &Arguments,
    job: &Job,
    control: &Control,
    seen: &Seen,
    outputs: &mut Outputs,
) -> std::io::Result<Summary> {
    let started = crate::clock::now_text();
    let binding = &job.binding;
    let plan = &binding.plan;
    let mut failed: Option<std::io::Error> = None;
    let mut log_failed = None;
    let keep_lines = outputs.samples.is_some();
    let mut keep = |tick: &Tick| {
        if let (Some(file), None) = (&mut outputs.samples, &failed)
            && let Err(error) = samples::write(file, &plan.name, tick)
        {
            failed = Some(error);
        }
    };
    let finished = if job.loads.is_empty() {
        match &job.script {
            Some(script) => load::smoke(&script.run, control, keep_lines, &mut keep).await,
            None => load::smoke(binding, control, keep_lines, &mut keep).await,
        }
    } else {
        let mut progress = Progress::new(&plan.name, &job.loads, arguments.quiet, seen.keys);
        let judge = |part: &Finished| judged(job, part);
        let options = Options {
            watched: None,
            workers: arguments.workers,
            keep_lines,
            judge: Some(&judge),
        };
        let planned = progress.seconds() as f64;
        let environment = &binding.environment;
        let presence = seen
            .live
            .enter(&plan.name, environment, &started, planned, control);
        let mut began = None;
        let on_tick = |tick: &mut Tick| {
            keep(tick);
            tick.lines = Vec::new();
            if let (Some(log), None) = (&mut outputs.hdr, &log_failed) {
                // The first second is over when the first tick comes.
                let begun =
                    SystemTime::from(crate::clock::now()) - Duration::from_secs(tick.second + 1);
                let began = *began.get_or_insert(begun);
                log_failed = log.write(&plan.name, began, tick).err();
            }
            seen.metrics.tick(&plan.name, tick);
            presence.tick(tick);
            progress.tick(tick, &control.orders());
        };
        let loads = job.loads.clone();
        let mut finished = match &job.script {
            Some(script) => load::load(&script.run, loads, options, control, on_tick).await,
            None => load::load(binding, loads, options, control, on_tick).await,
        };
        progress.done();
        if let Some(orders) = presence.leave() {
            finished.stopped = orders.stop;
        }
        finished
    };
    let failed = failed.or(log_failed);
    if let Some(error) = failed {
        return Err(error);
    }
    let objectives = if job.loads.is_empty() {
        &[]
    } else {
        job.objectives.as_slice()
    };
    let mut summary =
        summary::summarize(plan, &binding.environment, started, &finished, objectives);
    summary.about = binding.about();
    summary.keeps_pictures = binding.keeps_pictures;
    if let Some(script) = &job.script {
        run_script::judge_too(script, &finished, &mut summary);
        run_script::write_own(script, &mut summary).await?;
    }
    Ok(summary)
}

/// What a step of a search for a breakpoint came to.
fn judged(job: &Job, part: &Finished) -> RateOutcome {
    let binding = &job.binding;
    let environment = &binding.environment;
    let summary = summary::summarize(
        &binding.plan,
        environment,
        String::new(),
        part,
        &job.objectives,
    );
    RateOutcome {
        outcome: Some(summary.outcome),
        reason: summary.reasons.first().cloned().unwrap_or_default(),
        own_limit: !keeping_up::causes(part).is_empty(),
    }
}

fn panel() -> (Panel, Seen) {
    let live = Arc::<Live>::default();
    let registry = prometheus::Registry::new();
    let metrics = RunMetrics::new(&registry);
    let panel = Panel {
        live: live.clone(),
        registry,
    };
    let seen = Seen {
        live,
        metrics,
        keys: false,
    };
    (panel, seen)
}

fn write(
    arguments: &Arguments,
    outputs: &mut Outputs,
    summaries: &[Summary],
    compared: Option<&[report::compare::Row]>,
) -> std::io::Result<()> {
    let json = || report::json::render(summaries);
    if arguments.json.as_deref() == Some(Path::new("-")) {
        print!("{}", json());
    }
    if let Some(file) = &mut outputs.json {
        file.write_all(json().as_bytes())?;
    }
    if let Some(file) = &mut outputs.junit {
        file.write_all(report::junit::render(summaries).as_bytes())?;
    }
    if let Some(file) = &mut outputs.ctrf {
        file.write_all(report::ctrf::render(summaries).as_bytes())?;
    }
    if let Some(file) = &mut outputs.markdown {
        file.write_all(report::markdown::render(summaries).as_bytes())?;
        let compared = compared.map(report::compare::markdown);
        file.write_all(compared.unwrap_or_default().as_bytes())?;
    }
    if let Some(file) = &mut outputs.html {
        file.write_all(report::html::render(summaries, compared).as_bytes())?;
    }
    if let Some(folder) = &arguments.pictures {
        for summary in summaries {
            pictures::write(folder, summary)?;
        }
    }
    if let Some(file) = &mut outputs.samples {
        file.flush()?;
    }
    if let Some(file) = &mut outputs.har {
        let all = outputs.recording.taken();
        file.write_all(report::har::render(&all).as_bytes())?;
    }
    if let Some(log) = outputs.hdr.take() {
        log.finish()?;
    }
    Ok(())
}
