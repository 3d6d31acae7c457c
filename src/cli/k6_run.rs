//! `bellwether k6 run` and `inspect`: from a file and its options to a result as k6 gives it.
//!
//! Loads the script once to know what it asks for; what is wrong is said before anything is sent. How it ends is
//! in [`super::k6_end`].

use super::exit::Exit;
use super::k6_arguments::{Arguments, of_variables, system};
use super::k6_end::{self, Over};
use super::k6_log::log;
use super::k6_out::{Out, outs};
use super::progress::Progress;
use crate::browser::settings::Settings;
use crate::environment::proxies::ProxySource;
use crate::environment::settings::Environment;
use crate::k6::metric::BuiltIn;
use crate::k6::options::{self, Found};
use crate::k6::place::{Merged, Place, merge};
use crate::k6::secret_source::Sources;
use crate::k6::speaking;
use crate::k6::tags::Output;
use crate::k6::threshold::{Key, Threshold};
use crate::load::{self, Control, Tick};
use crate::report::style::Style;
use crate::script::host::{Log, Said};
use crate::script::pointing;
use crate::script::prepare::{Around, Ready, prepare};
use crate::script::run::{Loaded, look};
use crate::script::{Program, Run};
use crate::secret::Redactor;
use serde_json::Value;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How long addresses are kept, as in k6.
const DNS_TTL: Duration = Duration::from_secs(300);

/// How often thresholds that end a run are judged.
const JUDGED_EVERY: u64 = 2;

/// A script that is ready, and what options of higher places threw away.
struct Readied {
    ready: Ready,
    outs: Vec<Arc<Out>>,
    thrown_away: Vec<String>,
}

fn complain(message: impl std::fmt::Display) {
    let style = Style::for_stream(&std::io::stderr());
    eprintln!("{} {message}", style.bad("error:"));
}

fn program(arguments: &Arguments) -> Result<Program, Exit> {
    let variables = arguments.variables(system());
    let program = if arguments.script == Path::new("-") {
        let mut text = Vec::new();
        let read = std::io::stdin().read_to_end(&mut text);
        let here = std::env::current_dir().unwrap_or_default();
        read.map(|_| Program::of_text(here.join("-"), text, variables))
            .map_err(|error| format!("standard input cannot be read: {error}"))
    } else {
        Program::new(&arguments.script, variables)
    };
    let read = |path: &str| {
        let text = std::fs::read_to_string(path);
        text.map_err(|error| format!("`{path}` cannot be read: {error}"))
    };
    let known = Sources::parse(&arguments.secret_sources, &read);
    let program = program.and_then(|program| Ok(program.knowing(known?)));
    program.map_err(|reason| {
        complain(reason);
        Exit::K6(255)
    })
}

/// The options of all places, merged; `shows` is what the script itself says.
fn merged(arguments: &Arguments, script: &Value) -> Result<Merged, Exit> {
    let mut places = Vec::new();
    if let Some(path) = &arguments.config {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
        let read =
            text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
        match read {
            Ok(options) => places.push(Place {
                name: "the configuration file",
                options,
            }),
            Err(error) => {
                complain(format!("`{}` cannot be read: {error}", path.display()));
                return Err(Exit::K6(104));
            }
        }
    }
    places.push(Place {
        name: "the script",
        options: script.as_object().cloned().unwrap_or_default(),
    });
    places.push(of_variables(system()));
    places.push(arguments.place());
    Ok(merge(&places))
}

/// Prints the options of a script.
pub fn inspect(arguments: &Arguments) -> Exit {
    let looked = program(arguments).and_then(|program| {
        let program = Arc::new(program);
        let log = logged(arguments, &program)?;
        let loaded = loaded(&program, &log)?;
        Ok((merged(arguments, &loaded.options)?, program))
    });
    match looked {
        Ok((merged, program)) => {
            let mut found = Found::default();
            options::read(&merged.options, &mut found);
            show(&program, &found);
            let mut shown = merged.options;
            shown.sort_keys();
            speaking::hide_keys(&mut shown);
            println!(
                "{}",
                serde_json::to_string_pretty(&shown).unwrap_or_default()
            );
            if found.errors.is_empty() {
                Exit::Success
            } else {
                Exit::K6(104)
            }
        }
        Err(exit) => exit,
    }
}

/// The browser of a script, as k6's variables name it.
fn browser(arguments: &Arguments) -> Settings {
    let words = arguments.browser_args.as_deref().unwrap_or_default();
    let mut words = words
        .split(',')
        .map(|word| word.trim().trim_start_matches("--"));
    Settings {
        binary: arguments.browser_executable_path.clone(),
        sandbox: words.all(|word| word != "no-sandbox"),
        lighthouse: None,
    }
}

/// The log, in which no secret stands.
fn logged(arguments: &Arguments, program: &Program) -> Result<Log, Exit> {
    let redactor = Redactor::new(program.secrets.all());
    log(arguments, redactor).map_err(|reason| {
        complain(reason);
        Exit::K6(255)
    })
}

/// Says what is wrong with a script, with its places.
fn show(program: &Program, found: &Found) {
    let style = Style::for_stream(&std::io::stderr());
    let told = pointing::told(program, found, &str::to_owned);
    eprint!("{}", told.render(style.color));
}

fn loaded(program: &Arc<Program>, log: &Log) -> Result<Loaded, Exit> {
    look(program, log).map_err(|thrown| {
        let found = Found {
            errors: vec![thrown.to_string()],
            ..Found::default()
        };
        show(program, &found);
        Exit::K6(107)
    })
}

/// Reads everything, and says what is wrong.
fn ready(arguments: &Arguments) -> Result<Readied, Exit> {
    let program = Arc::new(program(arguments)?);
    let log = logged(arguments, &program)?;
    let mut loaded = loaded(&program, &log)?;
    let merged = merged(arguments, &loaded.options)?;
    if loaded.exports.is_empty() {
        complain("the script exports no function");
        return Err(Exit::K6(255));
    }
    let refused = |reason: String| {
        complain(reason);
        Exit::K6(255)
    };
    let options = Value::Object(merged.options.clone());
    let outs = outs(arguments, &options).map_err(refused)?;
    let outputs = outs.iter().map(|out| out.clone() as Arc<dyn Output>);
    loaded.metrics.outputs = outputs.collect();
    let mut found = Found::default();
    let around = Around {
        // As k6, which asks the system for proxies.
        environment: &Environment {
            proxy: Some(ProxySource::Variables),
            browser: browser(arguments),
            ..Environment::default()
        },
        secrets: program.secrets.all(),
        is_strict: false,
        guard: None,
        dns_ttl: DNS_TTL,
    };
    let ready = prepare(
        program.clone(),
        log.clone(),
        loaded,
        &merged.options,
        around,
        &mut found,
    );
    for text in std::mem::take(&mut found.warnings) {
        log(&Said {
            level: "warning",
            text,
            is_console: false,
        });
    }
    show(&program, &found);
    let ready = ready.ok_or(Exit::K6(104))?;
    outs.iter()
        .try_for_each(|out| out.open())
        .map_err(refused)?;
    Ok(Readied {
        ready,
        outs,
        thrown_away: merged.thrown_away,
    })
}

/// Performs a script.
pub fn run(arguments: &Arguments) -> Exit {
    let Readied {
        ready,
        outs,
        thrown_away,
    } = match ready(arguments) {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    for line in &thrown_away {
        eprintln!("note: {line}");
    }
    let export = match &arguments.summary_export {
        Some(path) => match std::fs::File::create(path) {
            Ok(file) => Some(file),
            Err(error) => {
                complain(format!(
                    "`{}` cannot be written: {error}; nothing was sent",
                    path.display()
                ));
                return Exit::K6(255);
            }
        },
        None => None,
    };
    let runtime = crate::cli::commands::runtime();
    let exit = runtime.block_on(async {
        let over = perform(arguments, &ready, &outs).await;
        k6_end::end(arguments, &ready, over, export).await
    });
    let closed = outs.iter().map(|out| out.close());
    let broken: Vec<String> = closed.filter_map(Result::err).collect();
    broken.iter().for_each(complain);
    let exit = match exit {
        Exit::K6(0) | Exit::Success if !broken.is_empty() => Exit::K6(255),
        exit => exit,
    };
    runtime.shutdown_background();
    exit
}

async fn perform(arguments: &Arguments, ready: &Ready, outs: &[Arc<Out>]) -> Over {
    let run = &ready.run;
    let control = Control::new();
    let interrupted = Arc::new(std::sync::atomic::AtomicBool::new(false));
    listen(&control, run, &interrupted, arguments.quiet);
    let loads: Vec<_> = run
        .options
        .scenarios
        .iter()
        .map(|scenario| scenario.load.clone())
        .collect();
    let name = run
        .program
        .entry
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut progress = Progress::new(&name, &loads, arguments.quiet, false);
    let began = Instant::now();
    let mut gauges = run.counted().anew();
    let mut broken = false;
    let finished = load::load(
        run,
        loads,
        load::run::Options::default(),
        &control,
        |tick: &mut Tick| {
            progress.tick(tick, &control.orders());
            outs.iter().for_each(|out| out.flush());
            if began.elapsed() < Duration::from_secs(tick.second + 1) {
                // What is left of a second at the end is none.
                return;
            }
            let users = run.users.load(std::sync::atomic::Ordering::Relaxed);
            let none: &[(String, String)] = &[];
            gauges.count(BuiltIn::Vus, tick.active as f64, none);
            gauges.count(BuiltIn::VusMax, users as f64, none);
            if (tick.second + 1).is_multiple_of(JUDGED_EVERY) && !broken && !arguments.no_thresholds
            {
                broken = ends(ready, began.elapsed());
                if broken {
                    control.stop();
                    control.stop();
                }
            }
        },
    )
    .await;
    progress.done();
    let mut tally = run.counted();
    tally.merge(&gauges);
    if finished.recorded.dropped > 0 {
        let none: &[(String, String)] = &[];
        tally.count(
            BuiltIn::DroppedIterations,
            finished.recorded.dropped as f64,
            none,
        );
    }
    Over {
        finished,
        tally,
        seconds: began.elapsed().as_secs_f64(),
        interrupted: interrupted.load(std::sync::atomic::Ordering::Relaxed),
        broken,
    }
}

/// Whether a threshold that ends the run does not hold by now.
fn ends(ready: &Ready, elapsed: Duration) -> bool {
    let ending = |(_, _, threshold): &&(String, Key, Threshold)| {
        threshold.abort_on_fail && elapsed.as_millis() as u64 > threshold.delay_abort_ms
    };
    let mut ending = ready.thresholds.iter().filter(ending).peekable();
    if ending.peek().is_none() {
        return false;
    }
    let tally = ready.run.counted();
    ending.any(|(_, key, threshold)| {
        let verdict = tally
            .value(key)
            .map(|value| threshold.judge(value, elapsed.as_secs_f64()));
        verdict.is_some_and(|verdict| verdict.measured && !verdict.holds)
    })
}

/// Lets signals and the script itself end the run: at once, as in k6.
fn listen(
    control: &Control,
    run: &Arc<Run>,
    interrupted: &Arc<std::sync::atomic::AtomicBool>,
    quiet: bool,
) {
    let (control, run, interrupted) = (control.clone(), run.clone(), interrupted.clone());
    let signals = signal(SignalKind::interrupt())
        .and_then(|pressed| Ok((pressed, signal(SignalKind::terminate())?)));
    let Ok((mut pressed, mut terminated)) = signals else {
        return;
    };
    tokio::spawn(async move {
        for press in 1.. {
            tokio::select! {
                _ = pressed.recv() => {}
                _ = terminated.recv() => {}
                () = run.over.notified() => {
                    run.halt();
                    control.stop();
                    control.stop();
                    continue;
                }
            }
            if press > 1 && interrupted.load(std::sync::atomic::Ordering::Relaxed) {
                std::process::exit(105);
            }
            interrupted.store(true, std::sync::atomic::Ordering::Relaxed);
            if !quiet && run.exports.contains("teardown") {
                eprintln!("\nstopping: teardown is performed; press Ctrl-C again to stop at once");
            }
            run.halt();
            control.stop();
            control.stop();
        }
    });
}
