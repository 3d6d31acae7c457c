//! A plan bound to an environment and to the values of its inputs and secrets.
//!
//! Invariant: what is bound here can run: services exist, secrets are present.

use super::compiled::{self, Compiled};
use super::guard::Guard;
use super::steps::domain::Registries;
use super::tokens::Tokens;
use super::traced::{Latest, Trace, Tracing};
use super::vantage::Vantage;
use crate::browser::settings::Settings;
use crate::document::{Diagnostic, Diagnostics};
use crate::environment::fit;
use crate::environment::needs::{self, Supplied, Values};
use crate::environment::settings::{Caps, Environment};
use crate::figures::plural;
use crate::net::connect::Connector;
use crate::net::{ErrorClass, Fault, address};
use crate::scenario::browsing::KEEP_MAX;
use crate::scenario::scope::Scope;
use crate::scenario::steps::action::Action;
use crate::scenario::{Plan, expression};
use crate::secret::Redactor;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Everything that virtual users of one scenario share.
#[derive(Debug)]
pub struct Binding {
    /// The compiled scenario.
    pub plan: Arc<Plan>,
    /// The environment's name.
    pub environment: String,
    /// Base URLs by service.
    pub services: BTreeMap<String, String>,
    /// Inputs and secrets.
    pub values: Values,
    /// Cleans secrets from texts.
    pub redactor: Redactor,
    /// Opens sockets.
    pub connector: Arc<Connector>,
    /// What must not be exceeded.
    pub caps: Caps,
    /// Paces requests under the cap on rate.
    pub pace: Option<Pace>,
    /// Inputs and secrets as expressions see them.
    pub inputs_value: cel::Value,
    /// Secrets as expressions see them.
    pub secrets_value: cel::Value,
    /// HTTP steps with everything written out that never changes, by step index.
    pub compiled: Vec<Option<Compiled>>,
    /// What is asked of every exchange beside the scenario's own checks, in a gate.
    pub guard: Option<Guard>,
    /// Whether we are where we should be.
    pub vantage: Vantage,
    /// Next row of each data file.
    pub next_row: Vec<AtomicU64>,
    /// Tokens that virtual users share.
    pub tokens: Tokens,
    /// Which browser opens pages.
    pub browser: Settings,
    /// Of how many runs that passed the pictures are kept, if the scenario says so.
    pub keeps_pictures: Option<u64>,
    /// Where registries of domains answer.
    pub registries: Registries,
    /// Who wants to see each exchange, once somebody does.
    trace: OnceLock<Trace>,
}

impl Binding {
    /// Whether a page may be at an address: on the environment's hosts, where that is asked for.
    ///
    /// # Errors
    ///
    /// That it has left them.
    pub fn page_may_be_at(&self, url: &str) -> Result<(), Fault> {
        let parsed = address::url(url).ok();
        let host = parsed.as_ref().and_then(|url| url.host());
        match (&self.guard, host) {
            (Some(guard), Some(host)) if !guard.allows(host, &[]) => {
                let why = format!("the page is on `{host}`, which is no host of the environment");
                Err(Fault::new(ErrorClass::RedirectAway, why))
            }
            _ => Ok(()),
        }
    }

    /// Where the environment's services are: `https://host:port` of each.
    pub(super) fn origins(&self) -> Vec<String> {
        let urls = self
            .services
            .values()
            .filter_map(|url| address::url(url).ok());
        let origins =
            urls.filter_map(|url| Some(format!("{}://{}", url.scheme_str()?, url.authority()?)));
        origins.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Binds a plan. Everything that stands against it is reported; then there is no binding.
    pub fn new(
        plan: Arc<Plan>,
        environment: &Environment,
        supplied: &Supplied,
        dns_ttl: Duration,
        found: &mut Diagnostics,
    ) -> Option<Binding> {
        let mut own = Diagnostics::default();
        fit::against(&plan, environment, &mut own);
        let values = needs::resolve(&plan, supplied, &mut own);
        let tls = match environment.tls_files.settings() {
            Ok(tls) if plan.connections.tls_resumption => Some(tls),
            Ok(tls) => Some(tls.without_resumption()),
            Err(reason) => {
                own.push(Diagnostic::error(
                    "bad-certificate",
                    format!("the environment `{}`: {reason}", environment.name),
                ));
                None
            }
        };
        let proxies = environment.proxies().unwrap_or_else(|reason| {
            let title = format!("the environment `{}`: {reason}", environment.name);
            own.push(Diagnostic::error("bad-proxy", title));
            None
        });
        let broken = own.has_errors();
        found.append(own);
        if broken {
            return None;
        }
        let (values, tls) = (values?, tls?);
        let text = |text: &str| cel::Value::String(Arc::new(text.to_owned()));
        let inputs_value = expression::map(
            values
                .inputs
                .iter()
                .map(|(name, value)| (name.clone(), text(value))),
        );
        let secrets_value = expression::map(
            values
                .secrets
                .iter()
                .map(|(name, value)| (name.clone(), text(value.expose()))),
        );
        let services: BTreeMap<String, String> = environment
            .services
            .iter()
            .map(|(name, service)| (name.clone(), service.url.clone()))
            .collect();
        let steady = Steady {
            values: &values,
            inputs: &inputs_value,
            secrets: &secrets_value,
        };
        let keeps_pictures = keeps_pictures(&plan, &steady, found)?;
        let connector = Connector::new(tls, plan.connections.dns_ttl.unwrap_or(dns_ttl))
            .starting_from(plan.connections.local_addresses.clone())
            .of_family(plan.connections.family)
            .leading(plan.connections.hosts.clone())
            .barring(plan.connections.barred.clone())
            .by(proxies);
        let connector = match plan.connections.spread {
            true => connector.spread(),
            false => connector,
        };
        Some(Binding {
            environment: environment.name.clone(),
            compiled: compile(&plan, &services, &steady),
            services,
            redactor: values.redactor(),
            values,
            connector: Arc::new(connector),
            caps: environment.caps,
            pace: environment.caps.rate.map(Pace::new),
            inputs_value,
            secrets_value,
            guard: None,
            vantage: Vantage::new(environment.vantage.clone()),
            tokens: Tokens::default(),
            browser: environment.browser.clone(),
            keeps_pictures,
            registries: Registries::default(),
            trace: OnceLock::new(),
            next_row: plan.data.iter().map(|_| AtomicU64::new(0)).collect(),
            plan,
        })
    }

    /// The same, with sockets opened by one that others use too.
    pub fn through(self, connector: Arc<Connector>) -> Binding {
        Binding { connector, ..self }
    }

    /// What is performed here and with what, as reports show it: our version, the machine, the addresses of services.
    pub fn about(&self) -> BTreeMap<String, String> {
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
        let machine = format!(
            "{} {}, {}",
            std::env::consts::OS,
            std::env::consts::ARCH,
            plural(processors as u64, "processor")
        );
        let services = self.services.iter();
        let services = services.map(|(name, url)| (format!("service {name}"), url.clone()));
        let ours = [
            ("Bellwether", env!("CARGO_PKG_VERSION").to_owned()),
            ("machine", machine),
        ];
        let ours = ours.map(|(name, value)| (name.to_owned(), value));
        ours.into_iter().chain(services).collect()
    }

    /// Has each exchange from now on handed to whoever wants to see it; the first one who does, does.
    pub fn trace_by(&self, trace: Trace) {
        let _ = self.trace.set(trace);
    }

    /// Has the last exchange of each step kept, for whoever asks why one failed; nothing where somebody else listens.
    pub fn latest(&self) -> Latest {
        let own = || Trace::Last(Latest::new(self.redactor.clone()));
        match self.trace.get_or_init(own) {
            Trace::Last(latest) => latest.clone(),
            Trace::Each(_) => Latest::default(),
        }
    }

    /// Who wants to see each exchange.
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.get()
    }

    /// The same, on a step.
    pub fn tracing<'a>(&'a self, step: &'a str) -> Option<Tracing<'a>> {
        self.trace.get().map(|trace| Tracing {
            trace,
            redactor: &self.redactor,
            step,
        })
    }

    /// The same, with more asked of every exchange.
    pub fn guarded(mut self, guard: Guard) -> Binding {
        for (step, compiled) in self.plan.all_steps().zip(&mut self.compiled) {
            let service = step.service.as_ref().or(self.plan.service.as_ref());
            if let (Some(service), Some(compiled)) = (service, compiled) {
                compiled.shows = guard.shows(service);
                compiled.wants_head |= compiled.shows.is_some();
            }
        }
        self.guard = Some(guard);
        self
    }
}

/// Inputs and secrets, which are all that is known before there is a virtual user.
struct Steady<'a> {
    values: &'a Values,
    inputs: &'a cel::Value,
    secrets: &'a cel::Value,
}

impl Scope for Steady<'_> {
    fn lookup(&self, name: &str) -> Option<cel::Value> {
        match name {
            "inputs" => Some(self.inputs.clone()),
            "secrets" => Some(self.secrets.clone()),
            _ => None,
        }
    }

    fn path(&self, root: &str, key: &str) -> Option<serde_json::Value> {
        self.values.path(root, key)
    }

    fn json(&self) -> Option<&serde_json::Value> {
        None
    }
}

fn compile(
    plan: &Plan,
    services: &BTreeMap<String, String>,
    steady: &Steady<'_>,
) -> Vec<Option<Compiled>> {
    let mut origins = Vec::new();
    plan.all_steps()
        .map(|step| {
            let Action::Http(http) = &step.action else {
                return None;
            };
            let service = step.service.as_ref().or(plan.service.as_ref());
            let base = service.and_then(|name| services.get(name));
            let base = base.map(String::as_str);
            Some(compiled::compile(
                step,
                http,
                base,
                plan.connections.reuse,
                steady,
                &mut origins,
            ))
        })
        .collect()
}

/// Spaces requests so that a rate is never exceeded: the generic cell rate algorithm on one
/// shared number, with a burst of a tenth of a second.
#[derive(Debug)]
pub struct Pace {
    base: Instant,
    gap_nanos: u64,
    burst_nanos: u64,
    next: AtomicU64,
}

impl Pace {
    /// A pace of so many requests per second.
    pub fn new(rate: f64) -> Pace {
        let gap_nanos = (1e9 / rate.max(0.001)) as u64;
        Pace {
            base: Instant::now(),
            gap_nanos,
            burst_nanos: 100_000_000_u64.saturating_sub(gap_nanos),
            next: AtomicU64::new(0),
        }
    }

    /// Takes a place; the answer is how long to wait for it.
    pub fn take(&self, now: Instant) -> Duration {
        let now = now.saturating_duration_since(self.base).as_nanos() as u64;
        let mut next = self.next.load(Relaxed);
        loop {
            let mine = next.max(now.saturating_sub(self.burst_nanos));
            match self
                .next
                .compare_exchange_weak(next, mine + self.gap_nanos, Relaxed, Relaxed)
            {
                Ok(_) => return Duration::from_nanos(mine.saturating_sub(now)),
                Err(seen) => next = seen,
            }
        }
    }
}

/// Of how many runs the pictures are kept, with inputs filled in; nothing where that is no number.
fn keeps_pictures(
    plan: &Plan,
    steady: &Steady<'_>,
    found: &mut Diagnostics,
) -> Option<Option<u64>> {
    let Some(keep) = &plan.browsing.keep else {
        return Some(None);
    };
    let written = keep.render(steady);
    let count = written
        .as_ref()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let count = count.filter(|count| (1..=KEEP_MAX).contains(count));
    if count.is_none() {
        let title = format!(
            "`keep` is `{}`, expected a number from 1 to {KEEP_MAX}",
            written.unwrap_or_else(|why| why)
        );
        found.push(Diagnostic::error("wrong-type", title));
    }
    count.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_never_exceeded_over_any_second() {
        let pace = Pace::new(50.0);
        let mut now = pace.base;
        let mut sent = Vec::new();
        for _ in 0..500 {
            now += pace.take(now);
            sent.push(now);
        }
        for window in sent.windows(57) {
            assert!(
                window[56] - window[0] >= Duration::from_secs(1),
                "more than a second's share and its burst"
            );
        }
    }
}
