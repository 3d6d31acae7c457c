//! Secrets that are fetched: from variables, files and programs, with every one that is missing by name.

use super::needs;
use super::proxies::ProxySource;
use super::settings::Environment;
use crate::document::diagnostic::{Diagnostic, Diagnostics};
use crate::scenario::Plan;
use crate::secret::Secret;
use crate::witness::placeholder::placeholder;
use std::collections::BTreeMap;

/// Whether any secret comes from a program, which takes its time.
pub fn has_programs(plan: &Plan, environment: &Environment) -> bool {
    let mut sources = environment.secrets.values();
    sources.any(|source| !source.command.is_empty())
        || plan.secrets.iter().any(|need| !need.command.is_empty())
        || environment
            .proxy
            .as_ref()
            .is_some_and(ProxySource::has_program)
}

/// Runs a closure that resolves values. Only where a secret comes from a program is another thread given the
/// work of this one meanwhile.
pub fn resolving<T>(plan: &Plan, environment: &Environment, resolve: impl FnOnce() -> T) -> T {
    if has_programs(plan, environment) {
        tokio::task::block_in_place(resolve)
    } else {
        resolve()
    }
}

/// Fetches the secrets of an environment. A missing one is no error here: the scenario that needs it says so.
pub fn environment_secrets(
    environment: &Environment,
    found: &mut Diagnostics,
) -> BTreeMap<String, Secret> {
    let mut values = BTreeMap::new();
    for (name, source) in &environment.secrets {
        match needs::fetch(&source.env, source.file.as_deref(), &source.command) {
            Ok(Some(value)) => {
                values.insert(name.clone(), value);
            }
            Ok(None) => {}
            Err(problem) => found.push(Diagnostic::error(
                "bad-secret",
                format!(
                    "the secret `{name}` of `{}` cannot be used: {problem}",
                    environment.name
                ),
            )),
        }
    }
    values
}

/// Fetches secrets; those that are missing are reported by name, with whose they are.
pub fn fetch_all(
    sources: &BTreeMap<String, crate::environment::settings::SecretSource>,
    owner: &str,
    found: &mut Diagnostics,
) -> BTreeMap<String, Secret> {
    let mut values = BTreeMap::new();
    for (name, source) in sources {
        match needs::fetch(&source.env, source.file.as_deref(), &source.command) {
            Ok(Some(value)) if placeholder(value.expose()).is_some() => {
                found.push(
                    Diagnostic::error(
                        "placeholder-secret",
                        format!("the secret `{name}` of {owner} still holds a placeholder"),
                    )
                    .hint("nobody has filled it in yet; what it holds is not shown"),
                );
            }
            Ok(Some(value)) => {
                values.insert(name.clone(), value);
            }
            Ok(None) => found.push(
                Diagnostic::error(
                    "missing-secret",
                    format!("the secret `{name}` of {owner} has no value"),
                )
                .hint(format!(
                    "set the environment variable `{}`",
                    if source.env.is_empty() {
                        name.clone()
                    } else {
                        source.env.join("` or `")
                    }
                )),
            ),
            Err(problem) => found.push(Diagnostic::error(
                "bad-secret",
                format!("the secret `{name}` of {owner} cannot be used: {problem}"),
            )),
        }
    }
    values
}
