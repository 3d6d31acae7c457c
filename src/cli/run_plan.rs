//! What `bellwether run` is to perform: from arguments and files to bound scenarios with their loads.

use super::check::collect;
use super::foreign;
use super::run_arguments::Arguments;
use super::run_script::{Script, script};
use crate::config::given::{no_place, placed};
use crate::config::{given, load, read};
use crate::document::{Diagnostic, Diagnostics, Source};
use crate::environment::needs::Supplied;
use crate::environment::secrets;
use crate::environment::settings::{Environment, Service};
use crate::objective::Objective;
use crate::scenario::compile::folder_of;
use crate::scenario::plan::{Executor, Load, OpenModel, end_of};
use crate::scenario::{self, Plan};
use crate::script::program::is_script;
use crate::vu::Binding;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long resolved addresses are kept in a run.
const DNS_TTL: Duration = Duration::from_secs(30);

/// One scenario, ready to be performed.
pub struct Job {
    /// The scenario with its values; of a script, its name, caps and sockets.
    pub binding: Arc<Binding>,
    /// Its load; empty for once.
    pub loads: Vec<Load>,
    /// Its objectives and those of the command line.
    pub objectives: Vec<Objective>,
    /// The script, if it is one.
    pub script: Option<Script>,
}

/// All jobs of a command. Nothing is given if anything stands against any of them.
pub fn jobs(arguments: &Arguments, found: &mut Diagnostics) -> Option<Vec<Job>> {
    let files = files(&arguments.files, found)?;
    let plans: Vec<Arc<Plan>> = match &arguments.url {
        Some(url) => vec![quick(url, found)?],
        None => {
            let plans: Vec<_> = files
                .iter()
                .filter(|path| !is_script(path))
                .map(|path| load::scenario(path, found))
                .collect();
            plans.into_iter().collect::<Option<_>>()?
        }
    };
    let first = files.first().map_or(Path::new("."), |path| path.as_path());
    let environment = environment(arguments, first, &plans, found)?;
    let mut supplied = Supplied {
        environment_inputs: environment.inputs.clone(),
        secrets: secrets::environment_secrets(&environment, found),
        ..Supplied::default()
    };
    for pair in &arguments.inputs {
        match pair.split_once('=') {
            Some((name, value)) => {
                supplied.inputs.insert(name.to_owned(), value.to_owned());
            }
            None => found.push(Diagnostic::error(
                "bad-input",
                format!("`--input {pair}` is not `NAME=VALUE`"),
            )),
        }
    }
    let mut objectives = Vec::new();
    for text in &arguments.objectives {
        match Objective::parse(text) {
            Ok(objective) => objectives.push(objective),
            Err(reason) => found.push(Diagnostic::error(
                "bad-objective",
                format!("`--objective {text}`: {reason}"),
            )),
        }
    }
    let scripts = files.iter().filter(|path| is_script(path));
    let scripts: Vec<Option<Job>> = scripts
        .map(|path| {
            let script = script(path, arguments, &environment, &supplied, found)?;
            Some(Job {
                binding: script.run.binding.clone(),
                loads: script.loads.clone(),
                objectives: objectives.clone(),
                script: Some(script),
            })
        })
        .collect();
    let jobs: Vec<Option<Job>> = plans
        .into_iter()
        .map(|plan| {
            let mut supplied = supplied.clone();
            if files.len() > 1 {
                // One list of inputs serves several scenarios; each takes what it knows.
                supplied
                    .inputs
                    .retain(|name, _| plan.inputs.iter().any(|need| need.name == *name));
            }
            let loads = loads(arguments, &plan);
            let three = plan.all_steps().find(|step| step.is_three());
            if let Some(step) = three.filter(|_| !loads.is_empty()) {
                let title = format!(
                    "the step `{}` speaks HTTP/3, which is for what is performed once",
                    step.name
                );
                found.push(Diagnostic::error("no-load", title));
                return None;
            }
            let binding = Binding::new(plan.clone(), &environment, &supplied, DNS_TTL, found)?;
            let all = plan.objectives.iter().chain(&objectives).cloned().collect();
            Some(Job {
                binding: Arc::new(binding),
                loads,
                objectives: all,
                script: None,
            })
        })
        .collect();
    jobs.into_iter().chain(scripts).collect()
}

/// What is to be performed: files as they are named, and the scenarios of folders, without what configures them.
fn files(named: &[PathBuf], found: &mut Diagnostics) -> Option<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        if let Err(error) = collect(path, &mut inside) {
            let title = format!("`{}` cannot be read: {error}", path.display());
            found.push(Diagnostic::error("unreadable-file", title));
            return None;
        }
        // Only what is plainly no scenario is left out: one that cannot be read, or is misspelt, is a mistake.
        let is_configuration =
            |file: &PathBuf| Source::read(file).is_ok_and(|source| load::is_configuration(&source));
        inside.retain(|file| !is_configuration(file));
        let (mut inside, others) = foreign::apart(inside);
        inside.sort();
        others
            .iter()
            .for_each(|(path, whose)| foreign::tell(path, whose));
        if inside.is_empty() {
            let title = format!("there is no scenario in `{}`", path.display());
            let hint =
                "a scenario is a .yaml file with `steps`; `bellwether init` writes a first one";
            found.push(Diagnostic::error("unreadable-file", title).hint(hint));
            return None;
        }
        files.extend(inside);
    }
    Some(files)
}

/// The scenario behind `--url`.
fn quick(url: &str, found: &mut Diagnostics) -> Option<Arc<Plan>> {
    let address = serde_json::to_string(&url.replace("${", "$${")).ok()?;
    let text = format!("name: {address}\nsteps:\n  - name: GET\n    get: {address}\n");
    let source = Source::new("--url", text);
    scenario::compile(&source, Path::new("."), found).map(Arc::new)
}

fn loads(arguments: &Arguments, plan: &Plan) -> Vec<Load> {
    if arguments.once {
        return Vec::new();
    }
    // What the file says of its time stays, where the command line says nothing.
    let of_file = || match plan.load.is_empty() {
        true => Duration::from_secs(10),
        false => end_of(&plan.load),
    };
    let duration = arguments.duration.unwrap_or_else(of_file);
    let asked = match (arguments.rate, arguments.vus) {
        (Some(rate), _) => {
            let users = ((rate * 0.1).ceil() as u64).clamp(10, 500);
            let max_users = arguments.max_vus.unwrap_or(users);
            Executor::ConstantArrivalRate {
                rate_per_second: rate,
                duration,
                open: OpenModel {
                    users: users.min(max_users),
                    max_users,
                    max_wait: Duration::from_secs(60),
                    spacing: crate::scenario::plan::Spacing::Even,
                },
            }
        }
        (None, Some(vus)) => Executor::ConstantVus { vus, duration },
        (None, None) if arguments.duration.is_some() && arguments.url.is_some() => {
            Executor::ConstantVus { vus: 1, duration }
        }
        (None, None) => return plan.load.clone(),
    };
    vec![Load {
        name: "default".to_owned(),
        span: crate::document::Span::default(),
        start: Duration::ZERO,
        graceful_stop: Duration::from_secs(30),
        executor: asked,
    }]
}

/// An environment with inputs in the addresses of its services.
fn filled(arguments: &Arguments, base: &Environment, found: &mut Diagnostics) -> Environment {
    let mut filled = base.clone();
    let given = arguments.inputs.iter();
    let given = given.filter_map(|pair| pair.split_once('='));
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    filled.inputs.extend(given);
    given::fill(&mut filled, found);
    Environment {
        inputs: base.inputs.clone(),
        ..filled
    }
}

fn environment(
    arguments: &Arguments,
    first: &Path,
    plans: &[Arc<Plan>],
    found: &mut Diagnostics,
) -> Option<Arc<Environment>> {
    let path = arguments.config.clone().or_else(|| {
        if arguments.url.is_some() {
            None
        } else {
            load::nearest_configuration(first)
        }
    });
    let mut environments: BTreeMap<String, Arc<Environment>> = BTreeMap::new();
    if let Some(path) = &path {
        let source = load::source(path, found)?;
        environments = read::read(&source, &folder_of(path), found)?.environments;
    }
    let names: Vec<&str> = environments.keys().map(String::as_str).collect();
    let base = match (&arguments.environment, names.as_slice()) {
        (Some(name), _) => match environments.get(name) {
            Some(environment) => environment.clone(),
            None => {
                let known = if names.is_empty() {
                    "there is no configuration".to_owned()
                } else {
                    format!("known: {}", names.join(", "))
                };
                found.push(
                    Diagnostic::error(
                        "unknown-environment",
                        format!("there is no environment `{name}`"),
                    )
                    .hint(known),
                );
                return None;
            }
        },
        (None, [_]) => environments.into_values().next()?,
        (None, []) => Arc::new(Environment::default()),
        (None, several) => {
            let relative = plans.iter().any(|plan| !plan.services().is_empty());
            if relative && arguments.services.is_empty() {
                found.push(
                    Diagnostic::error("unknown-environment", "which environment?")
                        .hint(format!("give `--env` with one of: {}", several.join(", "))),
                );
                return None;
            }
            Arc::new(Environment::default())
        }
    };
    // What the command line places elsewhere needs no address.
    if arguments.services.is_empty() {
        return Some(Arc::new(filled(arguments, &base, found)));
    }
    let mut services = BTreeMap::new();
    for (name, service) in &base.services {
        services.insert(
            name.clone(),
            Service {
                url: service.url.clone(),
                limit: service.limit,
                version: None,
            },
        );
    }
    for pair in &arguments.services {
        let Some((name, url)) = placed(pair) else {
            found.push(no_place(pair));
            continue;
        };
        services.insert(
            name.to_owned(),
            Service {
                url: url.to_owned(),
                limit: None,
                version: None,
            },
        );
    }
    Some(Arc::new(Environment {
        enforce: false,
        name: base.name.clone(),
        services,
        caps: base.caps,
        inputs: base.inputs.clone(),
        secrets: base.secrets.clone(),
        windows: None,
        tls_files: base.tls_files.clone(),
        proxy: base.proxy.clone(),
        browser: base.browser.clone(),
        vantage: base.vantage.clone(),
    }))
}
