//! Which services a gate is at work on now: what a probe shows meanwhile may be the deploy's doing.
//!
//! A value that one task writes and many read; decides nothing.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

/// An environment, and a service in it: all of them where a gate names none.
pub type Place = (String, Option<String>);

/// Environments and services with a gate at work.
#[derive(Debug, Default)]
pub struct Deploys(RwLock<BTreeSet<Place>>);

impl Deploys {
    /// All of them, now.
    pub fn set(&self, now: BTreeSet<Place>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Whether a gate is at work on a service; on any of its environment, where none is named.
    pub fn is_at(&self, environment: &str, service: Option<&str>) -> bool {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let concerns = |at: &Option<String>| match (at.as_deref(), service) {
            (Some(at), Some(service)) => at == service,
            _ => true,
        };
        let mut all = all.iter();
        all.any(|(known, at)| known == environment && concerns(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deploy_is_of_one_service_in_one_environment() {
        let deploys = Deploys::default();
        let at = |environment: &str, service: Option<&str>| {
            (environment.to_owned(), service.map(str::to_owned))
        };
        deploys.set(BTreeSet::from([
            at("production", Some("api")),
            at("lab", None),
        ]));
        assert!(deploys.is_at("lab", Some("anything")));
        assert!(deploys.is_at("production", Some("api")) && deploys.is_at("production", None));
        assert!(
            !deploys.is_at("production", Some("billing")) && !deploys.is_at("staging", Some("api"))
        );
    }
}
