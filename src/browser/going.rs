//! From one document to the next: an address, again, back; until it has come so far, and shows something.
//!
//! Invariant: what is waited for is the newest document, wherever the page itself leads; a page that leads on and on, or
//! stays blank, is a failure within its time.

use super::faults;
use super::locator::{By, Locator};
use super::page::Page;
use super::wire::Refusal;
use crate::limits::{BROWSER_BLANK, BROWSER_DOCUMENTS_MAX};
use crate::net::{ErrorClass, Fault};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How far a document must have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Until {
    /// With all that it names.
    #[default]
    Load,
    /// As far as it can be looked at.
    Dom,
    /// Until nothing is loaded for half a second; a page that polls never comes so far.
    Idle,
}

impl Until {
    fn event(self) -> &'static str {
        match self {
            Until::Load => "load",
            Until::Dom => "DOMContentLoaded",
            Until::Idle => "networkIdle",
        }
    }
}

impl Page {
    /// Runs a script again and again, until what it returns is true in the sense of JavaScript.
    ///
    /// # Errors
    ///
    /// What it threw, or what it returned last.
    pub async fn evaluate_until(&mut self, body: &str, by: Instant) -> Result<Value, Fault> {
        loop {
            let value = self.evaluate(body, by).await?;
            let is_false = match &value {
                Value::Null | Value::Bool(false) => true,
                Value::Number(number) => number.as_f64() == Some(0.0),
                Value::String(text) => text.is_empty(),
                _ => false,
            };
            if !is_false {
                return Ok(value);
            }
            let pause = Duration::from_millis(50);
            if Instant::now() + pause >= by {
                let why = format!("the script returned {value} until time was up");
                return Err(Fault::new(ErrorClass::Check, why));
            }
            self.rest(pause).await;
        }
    }

    /// Goes to an address, and waits for the document.
    ///
    /// # Errors
    ///
    /// Why it cannot be seen: no connection, a certificate, a page that leads in a circle or hangs.
    pub async fn go(&mut self, url: &str, until: Until, by: Instant) -> Result<(), Fault> {
        let documents = self.seen.documents;
        self.seen.leave();
        let answer = self.chromium.wire().call(
            Some(&self.seen.session.clone()),
            "Page.navigate",
            json!({"url": url}),
        );
        // A server that never answers leaves this without an answer, so it has all the time there is.
        let answer = match self.awaited(answer, by).await {
            Err(Refusal::Late) => return Err(self.late(&format!("nothing came of {url}"))),
            answer => answer.map_err(|why| faults::of_call(&why, "the page cannot be opened"))?,
        };
        self.sound()?;
        let error = answer["errorText"].as_str().unwrap_or_default();
        let loader = answer["loaderId"].as_str();
        if answer["isDownload"] == true {
            self.seen.stay();
            let why = format!(
                "{url} is a file that is downloaded, and no page: `download` clicks and takes files"
            );
            return Err(Fault::new(ErrorClass::Check, why));
        }
        if loader.is_none() && error.is_empty() {
            self.seen.stay();
            return match is_same_document(&self.seen.url, url) {
                true => Ok(()),
                false => Err(no_document(url)),
            };
        }
        match error {
            "" | "net::ERR_HTTP_RESPONSE_CODE_FAILURE" => {}
            "net::ERR_ABORTED" => {
                self.seen.stay();
                let reply = loader.and_then(|loader| self.seen.requests.document(loader));
                // A reply that has no document says so, and leaves the page as it is.
                if matches!(reply.and_then(|reply| reply.status), Some(204 | 205)) {
                    return Err(no_document(url));
                }
            }
            error => return Err(faults::of_network(error, url)),
        }
        self.settle_anew(until, documents, by).await
    }

    /// Waits for a document that is on its way, or for the one that is there, to come so far.
    ///
    /// # Errors
    ///
    /// That it does not.
    pub async fn come(&mut self, until: Until, by: Instant) -> Result<(), Fault> {
        self.arrive(by).await?;
        self.settle(until, self.seen.documents, by).await
    }

    /// Waits for a document, which must be another one than there was.
    async fn settle_anew(&mut self, until: Until, before: u32, by: Instant) -> Result<(), Fault> {
        self.settle(until, before, by).await?;
        match self.seen.documents > before {
            true => Ok(()),
            // What was there before is at rest, and says nothing about what was asked for.
            false => Err(no_document(&self.seen.url)),
        }
    }

    /// Waits until the main frame shows its newest document, and that came so far.
    pub(super) async fn settle(
        &mut self,
        until: Until,
        before: u32,
        by: Instant,
    ) -> Result<(), Fault> {
        self.catch_up();
        loop {
            self.sound()?;
            if self.seen.has_reached(until.event()) {
                return Ok(());
            }
            if self.seen.documents.saturating_sub(before) > BROWSER_DOCUMENTS_MAX {
                return Err(Fault::new(
                    ErrorClass::RedirectLoop,
                    format!(
                        "the page leads on and on: {BROWSER_DOCUMENTS_MAX} documents in one step, the last at {}",
                        self.seen.url
                    ),
                ));
            }
            if !self.next(by).await {
                self.sound()?;
                return Err(self.late(&self.unfinished(until)));
            }
        }
    }

    /// What is still awaited of a document that is not there in time.
    fn unfinished(&self, until: Until) -> String {
        let began = self.seen.document().map_or(0.0, |document| document.began);
        let open = self.seen.requests.all().iter();
        let open = open.filter(|one| one.began >= began);
        let open: Vec<&str> = open
            .filter(|one| !one.is_over)
            .map(|one| one.url.as_str())
            .take(3)
            .collect();
        let open = match open.is_empty() {
            true => String::new(),
            false => format!(", still loading {}", open.join(", ")),
        };
        format!("the page did not come to `{}`{open}", until.event())
    }

    /// Loads the page again, or goes back to the one before.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub async fn reload(&mut self, until: Until, by: Instant) -> Result<(), Fault> {
        let documents = self.seen.documents;
        self.seen.leave();
        let told = self.call("Page.reload", json!({}), by).await;
        told.map_err(|why| faults::of_call(&why, "the page cannot be loaded again"))?;
        self.settle_anew(until, documents, by).await
    }

    /// Goes back to the page before.
    ///
    /// # Errors
    ///
    /// That there is none, or what came instead.
    pub async fn back(&mut self, until: Until, by: Instant) -> Result<(), Fault> {
        let doing = "the page before cannot be gone back to";
        let history = self.call("Page.getNavigationHistory", json!({}), by).await;
        let history = history.map_err(|why| faults::of_call(&why, doing))?;
        let before = history["currentIndex"]
            .as_u64()
            .and_then(|at| at.checked_sub(1));
        let entry = before.map(|at| &history["entries"][at as usize]);
        let Some(entry) = entry.filter(|entry| entry["url"] != "about:blank") else {
            return Err(Fault::new(
                ErrorClass::Check,
                "there is no page before".to_owned(),
            ));
        };
        let documents = self.seen.documents;
        let told = self
            .call(
                "Page.navigateToHistoryEntry",
                json!({"entryId": entry["id"]}),
                by,
            )
            .await;
        told.map_err(|why| faults::of_call(&why, doing))?;
        self.rest(Duration::from_millis(20)).await;
        match self.seen.is_leaving() || self.seen.documents > documents {
            true => self.settle(until, documents, by).await,
            false => self.sound(),
        }
    }

    /// That something is not there is only said of a page that shows anything at all; and a text is there, too, in
    /// whichever parts and frames it is written.
    ///
    /// # Errors
    ///
    /// That the page is blank, or the text can be read.
    pub async fn shows_without(&mut self, what: &Locator, by: Instant) -> Result<(), Fault> {
        self.shows_something(by).await?;
        let (By::Text(text), None, None) = (&what.by, &what.within, &what.frame) else {
            return Ok(());
        };
        let asked = format!("bellwether.reads({})", json!(text));
        while self.can_be_read(&asked, by).await {
            let pause = Duration::from_millis(50);
            if Instant::now() + pause >= by {
                let at = &self.seen.url;
                let why = format!("{what}: it can be read on the page, expected none, on {at}");
                return Err(Fault::new(ErrorClass::Check, why));
            }
            self.rest(pause).await;
        }
        self.sound()
    }

    async fn can_be_read(&mut self, asked: &str, by: Instant) -> bool {
        for world in self.seen.worlds() {
            // A frame that goes meanwhile shows nothing.
            if self.ask(&world, asked, by).await == Ok(Value::Bool(true)) {
                return true;
            }
        }
        false
    }

    /// Waits until there is something to see; a page that stays blank is none, whatever its status.
    ///
    /// # Errors
    ///
    /// That it is blank, or says nothing.
    pub async fn shows_something(&mut self, by: Instant) -> Result<(), Fault> {
        let soon = by.min(Instant::now() + BROWSER_BLANK);
        let frame = self.seen.frame.clone();
        loop {
            self.arrive(by).await?;
            let world = self.world(&frame, by).await?;
            match self.ask(&world, "bellwether.shows()", by).await {
                Ok(Value::Bool(true)) => return Ok(()),
                Err(Refusal::Gone) => return Err(faults::gone()),
                Err(Refusal::Late) => {
                    return Err(self.late("the page does not respond: a script does not end"));
                }
                _ => {}
            }
            if Instant::now() >= soon {
                let why = format!(
                    "the page is blank: nothing can be seen on {}",
                    self.seen.url
                );
                return Err(Fault::new(ErrorClass::Check, why));
            }
            self.rest(Duration::from_millis(50)).await;
        }
    }
}

/// That an address is one of the web: a browser opens files and pages of its own as gladly.
///
/// # Errors
///
/// That it is none.
pub fn of_the_web(url: &str) -> Result<(), Fault> {
    let lower = url.to_ascii_lowercase();
    match lower.starts_with("http://") || lower.starts_with("https://") {
        true => Ok(()),
        false => {
            let why = format!("`{url}` is no address of the web");
            Err(Fault::new(ErrorClass::Template, why))
        }
    }
}

/// Whether two addresses differ by no more than the place within a document.
fn is_same_document(one: &str, other: &str) -> bool {
    let without_place = |url: &str| url.split('#').next().unwrap_or_default().to_owned();
    without_place(one) == without_place(other)
}

fn no_document(url: &str) -> Fault {
    Fault::new(
        ErrorClass::Check,
        format!("no document came of {url}: the page is what it was before"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_place_within_a_document_leaves_it_the_same() {
        assert!(is_same_document("http://a/x#1", "http://a/x#2"));
        assert!(is_same_document("http://a/x", "http://a/x#2"));
        assert!(!is_same_document("http://a/x", "http://a/y"));
        assert!(!is_same_document("http://a/x?1", "http://a/x?2"));
    }
}
