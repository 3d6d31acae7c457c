//! A script with all that an environment gives it: addresses, inputs and secrets for `__ENV`, caps and sockets.
//!
//! Sends nothing. Invariant: a script that names a secret which is missing is not performed at all.

use super::host::{Log, Said};
use super::prepare::{Around, Ready, prepare};
use super::run;
use crate::document::Diagnostics;
use crate::environment::secrets::environment_secrets;
use crate::environment::settings::Environment;
use crate::k6::options::Found;
use crate::secret::Redactor;
use crate::vu::guard::Guard;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What `__ENV` holds beside secrets: where services are, as `API_URL`, the inputs of an environment, and those
/// that are given, which count most.
pub fn env(
    environment: &Environment,
    inputs: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let services = environment.services.iter();
    let mut env: BTreeMap<_, _> = services
        .map(|(name, service)| (address_of(name), service.url.clone()))
        .collect();
    env.extend(environment.inputs.clone());
    env.extend(inputs);
    env
}

/// What an environment will give, with a placeholder for each of its secrets: what can be told before it is performed.
pub fn supposed(environment: &Environment) -> BTreeMap<String, String> {
    let secrets = environment.secrets.keys();
    let mut given: BTreeMap<_, _> = secrets
        .map(|name| (name.clone(), "secret".to_owned()))
        .collect();
    given.extend(env(environment, BTreeMap::new()));
    given
}

/// The name of a service's address.
fn address_of(service: &str) -> String {
    let upper = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() => letter.to_ascii_uppercase(),
        _ => '_',
    };
    let name: String = service.chars().map(upper).collect();
    format!("{name}_URL")
}

/// A script that can be performed. It is read anew: what it is given may make it another.
///
/// # Errors
///
/// All that stands against it: secrets that are missing by name, and what is wrong with the script.
pub fn ready(
    path: &Path,
    environment: &Environment,
    inputs: BTreeMap<String, String>,
    guard: Option<Guard>,
    dns_ttl: Duration,
) -> Result<Ready, Vec<String>> {
    let mut found = Diagnostics::default();
    let secrets = environment_secrets(environment, &mut found);
    if found.has_errors() {
        return Err(found.errors());
    }
    let redactor = Redactor::new(secrets.clone());
    let told = |text: &str| format!("`{}`: {}", path.display(), redactor.clean(text));
    let mut env = env(environment, inputs);
    for (name, secret) in &secrets {
        env.insert(name.clone(), secret.expose().to_owned());
    }
    let log = logged(redactor.clone());
    let read = run::read(path, env, secrets.clone(), &log);
    let (program, loaded) = read.map_err(|reason| vec![told(&reason)])?;
    let missing = environment.secrets.keys();
    let missing = missing.filter(|name| !secrets.contains_key(*name) && program.names(name));
    let missing: Vec<String> = missing
        .map(|name| told(&format!("the secret `{name}` is missing")))
        .collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let options = loaded.options.as_object().cloned().unwrap_or_default();
    let around = Around {
        environment,
        secrets,
        is_strict: true,
        guard,
        dns_ttl,
    };
    let mut read = Found::default();
    let ready = prepare(program, log, loaded, &options, around, &mut read);
    ready.ok_or_else(|| read.errors.iter().map(|text| told(text)).collect())
}

/// What a script says stands in the daemon's log, without secrets.
fn logged(redactor: Redactor) -> Log {
    Arc::new(move |said: &Said| {
        let text = redactor.clean(&said.text);
        match said.level {
            "error" => tracing::error!("A script says: {text}"),
            "warning" => tracing::warn!("A script says: {text}"),
            "debug" => tracing::debug!("A script says: {text}"),
            _ => tracing::info!("A script says: {text}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::settings::Service;

    #[test]
    fn addresses_of_services_stand_behind_what_inputs_say() {
        let service = |url: &str| Service {
            url: url.to_owned(),
            limit: None,
            version: None,
        };
        let mut environment = Environment::default();
        for (name, url) in [("api", "https://a"), ("billing-v2", "https://b")] {
            environment.services.insert(name.to_owned(), service(url));
        }
        environment
            .inputs
            .insert("API_URL".to_owned(), "https://own".to_owned());
        let given = env(
            &environment,
            [("version".to_owned(), "1".to_owned())].into(),
        );
        let shown: Vec<String> = given.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            shown,
            [
                "API_URL=https://own",
                "BILLING_V2_URL=https://b",
                "version=1"
            ]
        );
    }
}
