//! What a page's network is made to be: headers for our own hosts, slower than it is, or away.
//!
//! Invariant: a header goes to no host but those that it was given for, wherever the page leads.

use super::faults;
use super::page::Page;
use super::seen::{Reaction, text};
use super::wire::Event;
use crate::net::Fault;
use crate::secret::Secret;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How much slower a page is than it would be here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slow {
    /// What is added to each round trip.
    pub latency: Duration,
    /// Kilobits a second that come; nothing for as many as can.
    pub download: Option<u64>,
    /// Kilobits a second that go.
    pub upload: Option<u64>,
    /// How many times slower the processor is, 1 for as fast as it is.
    pub processor: u64,
}

/// Headers for our own hosts.
#[derive(Debug, Default)]
pub(super) struct Added(Vec<(String, Secret)>);

impl Added {
    /// A request of the page waits, since it is to one of our hosts: it goes on with the headers.
    pub(super) fn go_on(&self, event: &Event) -> Vec<Reaction> {
        let params = &event.params;
        let is_ours = |name: &str| {
            self.0
                .iter()
                .any(|(ours, _)| ours.eq_ignore_ascii_case(name))
        };
        let theirs = params["request"]["headers"]
            .as_object()
            .into_iter()
            .flatten();
        let theirs = theirs.filter(|(name, _)| !is_ours(name));
        let mut headers: Vec<Value> = theirs
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        let ours = self.0.iter();
        headers.extend(ours.map(|(name, value)| json!({"name": name, "value": value.expose()})));
        vec![Reaction {
            session: event.session.clone(),
            method: "Fetch.continueRequest",
            params: json!({"requestId": text(params, "requestId"), "headers": headers}),
        }]
    }
}

impl Page {
    /// Sends these headers along with every request to these origins (`https://host:port`), and to no other.
    ///
    /// # Errors
    ///
    /// The browser does not do it.
    pub async fn add_headers(
        &mut self,
        origins: &[String],
        headers: Vec<(String, Secret)>,
        by: Instant,
    ) -> Result<(), Fault> {
        self.seen.added = Added(headers);
        let patterns = origins
            .iter()
            .map(|origin| json!({"urlPattern": format!("{origin}/*")}));
        let patterns = json!({"patterns": patterns.collect::<Vec<_>>()});
        let enabled = self.call("Fetch.enable", patterns, by).await;
        enabled.map(drop).map_err(faults::no_page)
    }

    /// Makes network and processor slower than they are.
    ///
    /// # Errors
    ///
    /// The browser does not do it.
    pub async fn slow_down(&mut self, slow: &Slow, by: Instant) -> Result<(), Fault> {
        self.conditions(false, slow, by).await?;
        let rate = json!({"rate": slow.processor.max(1)});
        let slowed = self.call("Emulation.setCPUThrottlingRate", rate, by).await;
        slowed.map(drop).map_err(faults::no_page)
    }

    /// Takes the network away, or gives it back as slow as it was.
    ///
    /// # Errors
    ///
    /// The browser does not do it.
    pub async fn go_offline(
        &mut self,
        is_offline: bool,
        slow: &Slow,
        by: Instant,
    ) -> Result<(), Fault> {
        self.conditions(is_offline, slow, by).await
    }

    async fn conditions(
        &mut self,
        is_offline: bool,
        slow: &Slow,
        by: Instant,
    ) -> Result<(), Fault> {
        // Bytes a second; -1 is as many as can.
        let bytes =
            |kilobits: Option<u64>| kilobits.map_or(-1.0, |kilobits| kilobits as f64 * 125.0);
        let conditions = json!({
            "offline": is_offline, "latency": slow.latency.as_millis() as u64,
            "downloadThroughput": bytes(slow.download), "uploadThroughput": bytes(slow.upload),
        });
        let done = self
            .call("Network.emulateNetworkConditions", conditions, by)
            .await;
        done.map(drop).map_err(faults::no_page)
    }

    /// Waits until a request is over whose address holds a text, whose method is this one, and which came to this status,
    /// where they are asked for. Those since the page was opened count, the newest of them.
    ///
    /// # Errors
    ///
    /// What was seen instead.
    pub async fn requested(
        &mut self,
        wanted: &WantedRequest,
        by: Instant,
    ) -> Result<super::requests::Requested, Fault> {
        loop {
            self.sound()?;
            let all = self.seen.requests.all().iter().rev();
            let mut fitting = all.filter(|request| wanted.fits(request));
            if let Some(found) = fitting.clone().find(|request| wanted.is_done(request)) {
                return Ok(found.clone());
            }
            let pause = Duration::from_millis(50);
            if Instant::now() + pause >= by {
                let why = wanted.missing(fitting.next(), &self.seen.url);
                return Err(Fault::new(crate::net::ErrorClass::Check, why));
            }
            self.rest(pause).await;
        }
    }
}

/// A request that a page should make.
#[derive(Debug, Clone, Default)]
pub struct WantedRequest {
    /// A part of its address.
    pub url: String,
    /// Its method.
    pub method: Option<String>,
    /// What it comes to.
    pub status: Option<u16>,
}

impl WantedRequest {
    fn fits(&self, request: &super::requests::Requested) -> bool {
        let method = self.method.as_ref();
        request.url.contains(&self.url)
            && method.is_none_or(|method| method.eq_ignore_ascii_case(&request.method))
    }

    fn is_done(&self, request: &super::requests::Requested) -> bool {
        request.is_over
            && match self.status {
                Some(status) => request.status == Some(status),
                None => !request.has_failed(),
            }
    }

    fn missing(&self, nearest: Option<&super::requests::Requested>, at: &str) -> String {
        let method = self.method.as_deref().unwrap_or("any method");
        let asked = format!("a request to `{}` ({method})", self.url);
        match nearest {
            None => format!("{asked} was not made, on {at}"),
            Some(one) if !one.is_over => format!("{asked} did not come to its end: {}", one.url),
            Some(one) => {
                let came = match one.status {
                    Some(status) => format!("came to status {status}"),
                    None => format!("failed: {}", one.error),
                };
                let wanted = self.status.map(|status| format!(", expected {status}"));
                format!("{asked} {came}{}: {}", wanted.unwrap_or_default(), one.url)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_ours_stand_in_place_of_the_pages_and_are_shown_to_nobody() {
        let added = Added(vec![(
            "authorization".to_owned(),
            Secret::new("open-sesame"),
        )]);
        assert!(!format!("{added:?}").contains("open-sesame"));
        let event = Event {
            session: Some("s".to_owned()),
            method: "Fetch.requestPaused".to_owned(),
            params: json!({"requestId": "7", "request": {"headers": {"Accept": "*/*", "Authorization": "old"}}}),
        };
        let reaction = added.go_on(&event).remove(0);
        assert_eq!(
            reaction.params,
            json!({"requestId": "7", "headers": [{"name": "Accept", "value": "*/*"}, {"name": "authorization", "value": "open-sesame"}]})
        );
    }
}
