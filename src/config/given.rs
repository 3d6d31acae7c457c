//! What the command line says instead of the configuration: where services are, values of inputs, and where
//! the daemon listens. The same file serves a staging, a stand-in and production.
//!
//! Invariant: what is given and fits nothing is a mistake, never passed over.

use crate::document::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::environment::read::is_base_url;
use crate::environment::settings::Environment;
use crate::net::redirect::is_absolute;
use crate::project::file::File;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is given beside a configuration.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// `NAME=URL` or `ENVIRONMENT/NAME=URL`.
    pub services: Vec<String>,
    /// `NAME=VALUE`.
    pub inputs: Vec<String>,
    /// Where the daemon listens.
    pub listen: Option<String>,
}

impl Given {
    /// Puts it into a configuration.
    pub fn apply(&self, file: &mut File, found: &mut Diagnostics) {
        if let Some(listen) = &self.listen {
            file.listen.clone_from(listen);
        }
        for pair in &self.services {
            if let Some(mistake) = misplaced(pair, &mut file.environments) {
                found.push(mistake);
            }
        }
        for pair in &self.inputs {
            let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty())
            else {
                let title = format!("`--input {pair}` is not `NAME=VALUE`");
                found.push(Diagnostic::error("bad-input", title));
                continue;
            };
            for environment in file.environments.values_mut() {
                let inputs = &mut Arc::make_mut(environment).inputs;
                inputs.insert(name.to_owned(), value.to_owned());
            }
            for gate in &mut file.gates {
                if let Some(own) = gate.inputs.get_mut(name) {
                    value.clone_into(own);
                }
            }
        }
        for environment in file.environments.values_mut() {
            fill(Arc::make_mut(environment), found);
        }
    }
}

/// Fills inputs into the addresses of an environment's services.
pub fn fill(environment: &mut Environment, found: &mut Diagnostics) {
    for (name, service) in &mut environment.services {
        let mut missing = None;
        while let Some((before, rest)) = service.url.split_once("${inputs.") {
            let Some((input, after)) = rest.split_once('}') else {
                break;
            };
            let Some(value) = environment.inputs.get(input) else {
                missing = Some(input.to_owned());
                break;
            };
            // What a value holds is not filled in once more.
            let value = value.replace("${", "");
            service.url = format!("{before}{value}{after}");
        }
        let place = &environment.name;
        if let Some(input) = missing {
            let title = format!("the address of `{name}` in `{place}` needs the input `{input}`");
            let hint = format!(
                "give it to the environment, `inputs: {{ {input}: … }}`, or by `--input {input}=…`"
            );
            found.push(Diagnostic::error("missing-input", title).hint(hint));
        } else if !is_base_url(&service.url) {
            let title = format!(
                "`{}`, the address of `{name}` in `{place}`, is no base URL",
                service.url
            );
            found.push(Diagnostic::error("bad-url", title).hint("expected `https://host`"));
        }
    }
}

/// A service and its base URL, of `NAME=URL`.
pub fn placed(pair: &str) -> Option<(&str, &str)> {
    let (name, url) = pair.split_once('=').filter(|(_, url)| is_absolute(url))?;
    Some((name, url.trim_end_matches('/')))
}

/// That a text is no service with its URL.
pub fn no_place(pair: &str) -> Diagnostic {
    let title = format!("`--service {pair}` is not `NAME=https://…`");
    Diagnostic::error("bad-url", title)
}

/// Puts a service elsewhere; the mistake, where there is none of the name.
fn misplaced(
    pair: &str,
    environments: &mut BTreeMap<String, Arc<Environment>>,
) -> Option<Diagnostic> {
    let Some((which, url)) = placed(pair) else {
        return Some(no_place(pair));
    };
    let (wanted, name) = match which.split_once('/') {
        Some((environment, name)) => (Some(environment), name),
        None => (None, which),
    };
    let mut known = Vec::new();
    let mut is_there = false;
    for (environment, settings) in environments {
        known.extend(settings.services.keys().map(|name| match wanted {
            Some(_) => format!("{environment}/{name}"),
            None => name.clone(),
        }));
        let is_it = wanted.is_none_or(|wanted| wanted == environment);
        if is_it && settings.services.contains_key(name) {
            let services = &mut Arc::make_mut(settings).services;
            if let Some(service) = services.get_mut(name) {
                url.clone_into(&mut service.url);
                is_there = true;
            }
        }
    }
    if is_there {
        return None;
    }
    let near = nearest(which, known.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", known.join(", ")),
    };
    let title = format!("`--service {pair}`: there is no service `{which}`");
    Some(Diagnostic::error("unknown-service", title).hint(hint))
}
