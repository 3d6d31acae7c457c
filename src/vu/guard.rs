//! What a gate asks of every exchange beside its own checks: that it stays with the environment, and
//! that no reply shows another version than the one that is measured.
//!
//! Knows hosts and versions that are expected. Does not know gates. Invariant: what it has seen is
//! counted over all virtual users of all scenarios that share it, and never forgotten.

use crate::environment::settings::Environment;
use crate::environment::version::from_cache;
use crate::net::headers::Headers;
use http::HeaderName;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// Versions that replies showed.
#[derive(Debug, Default)]
pub struct Seen {
    expected: AtomicU64,
    others: AtomicU64,
    other: OnceLock<String>,
}

impl Seen {
    /// Replies that showed a version.
    pub fn replies(&self) -> u64 {
        self.expected.load(Relaxed) + self.others.load(Relaxed)
    }

    /// Replies that showed another version than was expected, and which the first of them was.
    pub fn others(&self) -> Option<(u64, &str)> {
        let count = self.others.load(Relaxed);
        (count > 0).then(|| (count, self.other.get().map_or("", String::as_str)))
    }
}

/// The version that a reply of a service is expected to show in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shows {
    header: HeaderName,
    version: String,
}

/// What is asked of every exchange.
#[derive(Debug)]
pub struct Guard {
    environment: Arc<Environment>,
    shows: BTreeMap<String, Arc<Shows>>,
    seen: Arc<Seen>,
}

impl Guard {
    /// A guard of an environment. These services are expected to serve a version, which is looked at
    /// where they show it in a header.
    pub fn new(
        environment: &Arc<Environment>,
        services: &[String],
        version: &str,
        seen: &Arc<Seen>,
    ) -> Guard {
        let shows = services.iter().filter_map(|name| {
            let source = environment.services.get(name)?.version.as_ref()?;
            let header = source.value.header()?.parse().ok()?;
            let version = version.to_owned();
            Some((name.clone(), Arc::new(Shows { header, version })))
        });
        Guard {
            environment: environment.clone(),
            shows: shows.collect(),
            seen: seen.clone(),
        }
    }

    /// Whether an exchange may be led to a host.
    pub fn allows(&self, host: &str, allowed: &[String]) -> bool {
        let is_allowed = |allowed: &String| allowed.eq_ignore_ascii_case(host);
        self.environment.is_own_host(host) || allowed.iter().any(is_allowed)
    }

    /// What replies of a service are expected to show.
    pub fn shows(&self, service: &str) -> Option<Arc<Shows>> {
        self.shows.get(service).cloned()
    }

    /// Takes a reply of a service that shows its version in a header.
    pub fn note(&self, shows: &Shows, headers: &Headers) {
        let Some(version) = headers.get(&shows.header) else {
            return;
        };
        if from_cache(headers.map()).is_some() {
            // It says nothing of what is served now.
            return;
        }
        let version = String::from_utf8_lossy(version.as_bytes());
        if version.trim() == shows.version {
            self.seen.expected.fetch_add(1, Relaxed);
        } else {
            let _ = self.seen.other.set(version.trim().to_owned());
            self.seen.others.fetch_add(1, Relaxed);
        }
    }
}
