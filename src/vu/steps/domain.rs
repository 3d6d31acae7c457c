//! A question to the registry of a domain.

use super::asked::attempt;
use super::exchange::Attempt;
use crate::net::reply::Reply;
use crate::net::{ErrorClass, Fault, address, client, redirect};
use crate::scenario::steps::domain::DomainQuestion;
use crate::vu::user::VirtualUser;
use crate::witness::rdap;
use crate::witness::said::Said;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::timeout_at;

/// Where registries are listed.
const LIST: &str = "https://data.iana.org/rdap/dns.json";
/// Registries send us on to registrars, or to another address of theirs.
const REDIRECTS_MAX: usize = 4;

/// How long the list is kept: registries seldom move.
const KEPT: Duration = Duration::from_secs(86_400);

/// The list of registries, as virtual users share it.
#[derive(Debug, Default)]
pub struct Registries(Mutex<Option<(Instant, Arc<Value>)>>);

impl VirtualUser {
    pub(super) async fn domain(&self, question: &DomainQuestion, deadline: Instant) -> Attempt {
        let begun = Instant::now();
        attempt(self.registered(question, deadline).await, begun)
    }

    async fn registered(
        &self,
        question: &DomainQuestion,
        deadline: Instant,
    ) -> Result<Said, Fault> {
        let name = self.render(&question.name)?;
        let wrong = |why: String| Fault::new(ErrorClass::Template, why);
        let host = address::host(name.trim().trim_end_matches('.')).map_err(wrong)?;
        let name = host.to_ascii_lowercase();
        let registry = match &question.registry {
            Some(registry) => self.render(registry)?.trim_end_matches('/').to_owned(),
            None => {
                let list = self.registries(deadline).await?;
                let none = || {
                    Fault::unknown(format!(
                        "no registry of `{name}` is listed at {LIST}: say where it answers by `registry`"
                    ))
                };
                rdap::server(&list, &name).ok_or_else(none)?
            }
        };
        let url = format!("{registry}/domain/{name}");
        match self.fetched_json(&url, deadline).await? {
            Some(answer) => rdap::understand(&answer, &name, crate::clock::now_ms())
                .map_err(|why| Fault::unknown(format!("{url}: {why}"))),
            None => {
                let mut said = Said::default();
                let why = format!(
                    "its registry knows no domain `{name}` ({url} answered 404): name what is registered, no host in it"
                );
                said.objections.push(why);
                Ok(said)
            }
        }
    }

    /// Where registries answer; asked for once a day.
    async fn registries(&self, deadline: Instant) -> Result<Arc<Value>, Fault> {
        let kept = self.shared.binding.registries.0.lock();
        let late =
            |_| Fault::unknown("whoever asks for the list of registries did not get it in time");
        let mut kept = timeout_at(deadline.into(), kept).await.map_err(late)?;
        if let Some((since, list)) = &*kept
            && since.elapsed() < KEPT
        {
            return Ok(list.clone());
        }
        let list = self.fetched_json(LIST, deadline).await?;
        let list = list.ok_or_else(|| Fault::unknown(format!("{LIST} is not there")))?;
        let list = Arc::new(list);
        *kept = Some((Instant::now(), list.clone()));
        Ok(list)
    }

    /// What stands at an address as JSON; nothing where nothing does.
    async fn fetched_json(&self, url: &str, deadline: Instant) -> Result<Option<Value>, Fault> {
        let unknown = |why: String| Fault::unknown(format!("{url}: {why}"));
        let mut at = url.to_owned();
        for _ in 0..=REDIRECTS_MAX {
            let reply = self.fetched_reply(&at, deadline).await;
            let reply = reply.map_err(|fault| unknown(fault.to_string()))?;
            let from = address::url(&at).map_err(unknown)?;
            if let Some(target) = redirect::target(&from, &reply) {
                at = target.map_err(unknown)?.to_string();
                continue;
            }
            return match reply.status.as_u16() {
                404 => Ok(None),
                200 => serde_json::from_slice(&reply.body)
                    .map(Some)
                    .map_err(|_| unknown("what it answered is not JSON".to_owned())),
                status => Err(unknown(format!("it answered {status}"))),
            };
        }
        Err(unknown("it leads from one address to the next".to_owned()))
    }

    async fn fetched_reply(&self, url: &str, deadline: Instant) -> Result<Reply, Fault> {
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("application/rdap+json, application/json");
        headers.insert(ACCEPT, kind);
        let left = deadline.saturating_duration_since(Instant::now());
        let connector = &self.shared.binding.connector;
        client::get(
            connector,
            url,
            headers,
            left,
            crate::limits::ANSWER_BYTES_MAX,
        )
        .await
    }
}
