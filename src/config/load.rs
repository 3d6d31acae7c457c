//! Files from disk: a configuration with all its scenarios, or scenarios on their own.
//!
//! Knows paths. Invariant: [`configuration`] gives a project only if every file of it is sound.

use super::given::Given;
use super::{conclude, openslo, read};
use crate::document::diagnostic::{Diagnostic, Diagnostics};
use crate::document::node;
use crate::document::source::Source;
use crate::environment::fit;
use crate::module;
use crate::module::settings::Modules;
use crate::project::file::{File, Project};
use crate::project::probe::Probe;
use crate::scenario::compile::folder_of;
use crate::scenario::plan::Executor;
use crate::scenario::{self, Plan};
use crate::script::program::is_script;
use crate::script::{given, looking};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads a file, reporting why it cannot be read.
pub fn source(path: &Path, found: &mut Diagnostics) -> Option<Arc<Source>> {
    match Source::read(path) {
        Ok(source) => Some(source),
        Err(error) => {
            found.push(Diagnostic::error(
                "unreadable-file",
                format!("`{}` cannot be read: {error}", path.display()),
            ));
            None
        }
    }
}

/// Reads and compiles one scenario file.
pub fn scenario(path: &Path, found: &mut Diagnostics) -> Option<Arc<Plan>> {
    let source = source(path, found)?;
    scenario::compile(&source, &folder_of(path), found).map(Arc::new)
}

/// Reads a configuration and every scenario that it names.
pub fn configuration(path: &Path, found: &mut Diagnostics) -> Option<Project> {
    configuration_with(path, &Given::default(), found)
}

/// The same, with what the command line says instead.
pub fn configuration_with(path: &Path, given: &Given, found: &mut Diagnostics) -> Option<Project> {
    let before = found.count(crate::document::Severity::Error);
    let text = source(path, found)?;
    let mut file = read::read(&text, &folder_of(path), found)?;
    given.apply(&mut file, found);
    let plans = plans(&file, found);
    for probe in &file.probes {
        if let Some(plan) = plans.get(&probe.scenario) {
            conclude::followed(probe, plan, found);
        }
    }
    for gate in &file.gates {
        conclude::rotatable(gate, &plans, found);
        for path in &gate.load {
            if plans
                .get(path)
                .is_some_and(|plan| plan.load.is_empty() || plan.objectives.is_empty())
            {
                let wanted = match is_script(path) {
                    true => {
                        "of a script: scenarios or a duration, and a threshold on all requests, such as `http_req_duration: ['p(95)<500']`"
                    }
                    false => {
                        "`load: { executor: constant-arrival-rate, … }` and `objectives: [ p95 < 500ms ]`"
                    }
                };
                found.push(
                    Diagnostic::error("nothing-measured", format!("the load phase of the gate `{}` needs a scenario with `load` and `objectives`; `{}` lacks one of them", gate.name, path.display())).hint(wanted),
                );
            }
        }
    }
    for gate in &file.gates {
        if let Some(environment) = file.environments.get(&gate.environment) {
            conclude::convergeable(gate, environment, found);
        }
        for path in &gate.load {
            if let Some(plan) = plans.get(path) {
                conclude::concludable(gate, plan, found);
            }
            let searches = |plan: &Arc<Plan>| {
                let mut loads = plan.load.iter();
                loads.any(|load| matches!(load.executor, Executor::Breakpoint { .. }))
            };
            if plans.get(path).is_some_and(searches) {
                let title = format!(
                    "the gate `{}` cannot search for a breakpoint: `{}` would load the service until it breaks",
                    gate.name,
                    path.display()
                );
                found.push(Diagnostic::error("wrong-type", title));
            }
        }
    }
    place(&mut file, &plans, found);
    objectives(&mut file, &plans, found);
    let modules = Arc::new(modules(&file, found));
    if found.count(crate::document::Severity::Error) > before {
        return None;
    }
    let project = Project {
        probes: Vec::new(),
        file: Arc::new(file),
        plans: Arc::new(plans),
        modules,
    };
    // What is written down is known; what is to be found is not yet.
    Some(project.with_targets(&BTreeMap::new()))
}

/// Every scenario that is used, fit for where it is.
fn plans(file: &File, found: &mut Diagnostics) -> BTreeMap<PathBuf, Arc<Plan>> {
    let mut plans = BTreeMap::new();
    let mut uses: Vec<(&PathBuf, &str)> = Vec::new();
    for probe in file.probes.iter().chain(stand_for_others(file)) {
        uses.push((&probe.scenario, &probe.environment));
    }
    for gate in &file.gates {
        uses.extend(
            gate.scenarios()
                .map(|path| (path, gate.environment.as_str())),
        );
    }
    uses.sort();
    uses.dedup();
    for (path, environment) in uses {
        if !plans.contains_key(path) {
            let plan = match is_script(path) {
                true => looking::plan(path, given_to(path, file), found).map(Arc::new),
                false => scenario(path, found),
            };
            let Some(plan) = plan else {
                continue;
            };
            plans.insert(path.clone(), plan);
        }
        if let (Some(plan), Some(environment)) =
            (plans.get(path), file.environments.get(environment))
        {
            fit::against(plan, environment, found);
        }
    }
    plans
}

/// Probes that are not performed by themselves: those of targets, and those of modules.
fn stand_for_others(file: &File) -> impl Iterator<Item = &Probe> {
    let modules = file.asking.scenarios.values().map(|module| &module.probe);
    let templates = file.templates.iter().map(|template| &template.probe);
    templates.chain(modules)
}

/// What a script can be told before it is performed: what its gates and probes and their environments say, and a
/// placeholder for each of their secrets.
fn given_to(path: &Path, file: &File) -> BTreeMap<String, String> {
    let gates = file.gates.iter();
    let gates = gates.filter(|gate| gate.scenarios().any(|known| known == path));
    let gates = gates.map(|gate| (&gate.environment, &gate.inputs));
    let probes = file.probes.iter().chain(stand_for_others(file));
    let probes = probes.filter(|probe| probe.scenario == path);
    let probes = probes.map(|probe| (&probe.environment, &probe.inputs));
    let mut given = BTreeMap::new();
    for (environment, inputs) in gates.chain(probes) {
        if let Some(environment) = file.environments.get(environment) {
            given.extend(given::supposed(environment));
        }
        given.extend(inputs.clone());
    }
    given
        .entry("version".to_owned())
        .or_insert_with(|| "0.0.0".to_owned());
    given
}

/// Says of each probe with targets which service takes their URLs: that of its scenario, if nothing else.
fn place(file: &mut File, plans: &BTreeMap<PathBuf, Arc<Plan>>, found: &mut Diagnostics) {
    for module in file.asking.scenarios.values_mut() {
        let probe = &module.probe;
        let plan = plans.get(&probe.scenario);
        let of_plan = || plan.and_then(|plan| plan.service.clone());
        module.service = module.service.take().or_else(of_plan);
        let environment = file.environments.get(&probe.environment);
        if let (Some(environment), Some(service)) = (environment, &module.service)
            && !environment.services.contains_key(service)
        {
            let title = format!(
                "targets of the module `{}` take the place of the service `{service}`, which `{}` does not have",
                probe.name, probe.environment
            );
            let hint = "say `service` of the module, or of the scenario";
            found.push(Diagnostic::error("unknown-service", title).hint(hint));
        }
    }
    for template in &mut file.templates {
        let probe = &template.probe;
        let plan = plans.get(&probe.scenario);
        if template.targets.service.is_empty()
            && let Some(service) = plan.and_then(|plan| plan.service.clone())
        {
            template.targets.service = service;
        }
        let environment = file.environments.get(&probe.environment);
        let service = &template.targets.service;
        if environment.is_some_and(|it| !it.services.contains_key(service)) {
            let title = format!(
                "the targets of the probe `{}` take the place of the service `{service}`, which `{}` does not have",
                probe.name, probe.environment
            );
            let hint = "say `service` in `targets`, or in the scenario";
            found.push(Diagnostic::error("unknown-service", title).hint(hint));
        }
    }
}

/// Adds the objectives of OpenSLO that a configuration names.
fn objectives(file: &mut File, plans: &BTreeMap<PathBuf, Arc<Plan>>, found: &mut Diagnostics) {
    // A template stands for its probes, which are not known yet.
    let templates = file.templates.iter().map(|template| {
        let mut probe = template.probe.clone();
        probe.template = Some(probe.name.clone());
        probe
    });
    let probes: Vec<_> = file.probes.iter().cloned().chain(templates).collect();
    let (paths, tell) = &file.openslo;
    for path in paths {
        let Some(text) = source(path, found) else {
            continue;
        };
        for slo in openslo::read(&text, tell, found) {
            let at = path.display();
            if file.slos.iter().any(|known| known.name == slo.name) {
                let title = format!("the SLO `{}` of `{at}` is there already", slo.name);
                found.push(Diagnostic::error("duplicate-field", title));
            }
            if slo.probes_among(&probes, plans).next().is_none() {
                let title = format!("the SLO `{}` of `{at}` counts no probe", slo.name);
                found.push(Diagnostic::error("unknown-probe", title).hint(
                    "its `spec.service` is the `service` of scenarios, or annotate it with `bellwether/probes`",
                ));
            }
            file.slos.push(slo);
        }
    }
}

/// Reads the modules that a configuration names.
fn modules(file: &File, found: &mut Diagnostics) -> Modules {
    let asking = &file.asking;
    let text = asking.file.as_ref().and_then(|path| {
        let text = source(path, found)?;
        Some((text, folder_of(path)))
    });
    let known = text.map(|(text, folder)| module::read::read(&text, &folder, found));
    let known = known.unwrap_or_default();
    for name in asking
        .scenarios
        .keys()
        .filter(|name| known.contains_key(*name))
    {
        let title = format!("there are two modules `{name}`: one of the file, and a scenario");
        found.push(Diagnostic::error("duplicate-field", title));
    }
    Modules::new(known, &asking.targets).unwrap_or_else(|reason| {
        found.push(Diagnostic::error("bad-pattern", reason));
        Modules::default()
    })
}

/// Whether a file is a configuration rather than a scenario.
pub fn is_configuration(source: &Arc<Source>) -> bool {
    let mut ignored = Diagnostics::default();
    let root = node::parse(source, &mut ignored);
    root.is_some_and(|root| {
        root.get("environments").is_some()
            || (root.get("steps").is_none()
                && (root.get("gates").is_some() || root.get("probes").is_some()))
    })
}

/// The configuration that a scenario belongs to: `bellwether.yaml` in its folder or one above.
pub fn nearest_configuration(path: &Path) -> Option<PathBuf> {
    let start = std::path::absolute(path).ok()?;
    let found = start
        .ancestors()
        .skip(1)
        .map(|folder| folder.join("bellwether.yaml"))
        .find(|candidate| candidate.is_file())?;
    let here = std::env::current_dir().ok();
    Some(
        here.and_then(|here| found.strip_prefix(here).ok().map(Path::to_owned))
            .unwrap_or(found),
    )
}
