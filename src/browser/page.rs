//! One page in a context of its own: opened, asked, waited for, closed without a trace.
//!
//! While it waits for anything it takes the page's events, so that a dialog holds nothing up. Each call has a
//! deadline of its own, since a page that hangs lets the browser answer nothing. Invariant: no cookie, cache or
//! window of one page reaches another; all of it goes when the page is dropped.

use super::chromium::Chromium;
use super::faults;
use super::keeper::Place;
use super::seen::{Dialogs, Reaction, Seen, World, attaching};
use super::wire::{Answer, Event, Feed, Refusal};
use crate::limits::{BROWSER_ANSWER_TIMEOUT, BROWSER_CALL_TIMEOUT};
use crate::net::{ErrorClass, Fault};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What stands in every document, in a world of its own.
pub(super) const SCRIPT: &str = include_str!("page.js");
const WORLD: &str = "bellwether";
const BINDING: &str = "bellwetherMeasured";
/// What the script in the page is asked is forgotten under this name.
const GROUP: &str = "bellwether";

/// How a page is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Width and height of what is seen, in CSS pixels.
    pub viewport: (u32, u32),
    /// Whether it is that of a phone.
    pub is_mobile: bool,
    /// What the browser says it is, if not what it is.
    pub user_agent: Option<String>,
    /// The language: `en-US`.
    pub locale: String,
    /// The time zone: `UTC`.
    pub timezone: String,
    /// What dialogs are answered.
    pub dialogs: Dialogs,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            viewport: (1280, 720),
            is_mobile: false,
            user_agent: None,
            locale: "en-US".to_owned(),
            timezone: "UTC".to_owned(),
            dialogs: Dialogs::default(),
        }
    }
}

/// A page.
#[derive(Debug)]
pub struct Page {
    pub(super) chromium: Arc<Chromium>,
    pub(super) seen: Seen,
    pub(super) options: Options,
    pub(super) feed: Feed,
    context: String,
    /// Where its downloads go.
    pub(super) downloads: PathBuf,
    _place: Place,
}

impl Page {
    /// A new one in a context of its own.
    pub(super) async fn open(
        chromium: Arc<Chromium>,
        place: Place,
        downloads: PathBuf,
        options: &Options,
        by: Instant,
    ) -> Result<Page, Fault> {
        let made = json!({"disposeOnDetach": true});
        let context = chromium
            .call(None, "Target.createBrowserContext", made, by)
            .await;
        let context = context.map_err(faults::no_page)?;
        let context = context["browserContextId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let mut page = Page {
            feed: chromium.follow(&context),
            seen: Seen::default(),
            options: options.clone(),
            context: context.clone(),
            downloads,
            chromium,
            _place: place,
        };
        page.chromium.wire().tell(
            None,
            "Browser.setDownloadBehavior",
            json!({
                "behavior": "allowAndName", "browserContextId": context,
                "downloadPath": page.downloads, "eventsEnabled": false,
            }),
        );
        let target = json!({"url": "about:blank", "browserContextId": context});
        let target = page
            .chromium
            .call(None, "Target.createTarget", target, by)
            .await;
        let target = target.map_err(faults::no_page)?;
        page.seen.frame = target["targetId"].as_str().unwrap_or_default().to_owned();
        page.seen.world_name = WORLD;
        page.seen.dialogs_are = options.dialogs;
        while page.seen.session.is_empty() {
            let event = tokio::time::timeout_at(by.into(), page.feed.events.recv()).await;
            let Ok(Some(event)) = event else {
                return Err(faults::no_page(Refusal::Gone));
            };
            if event.method == "Target.attachedToTarget" {
                let session = event.params["sessionId"].as_str().unwrap_or_default();
                page.seen.session = session.to_owned();
            }
        }
        let first = (page.seen.session.clone(), page.seen.frame.clone());
        page.seen.windows.push(first);
        page.set_up(by).await?;
        Ok(page)
    }

    /// Everything that must stand before the first document, asked for at once.
    async fn set_up(&mut self, by: Instant) -> Result<(), Fault> {
        let (width, height) = self.options.viewport;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": self.options.is_mobile});
        let none = || json!({});
        let mut calls = vec![
            ("Page.enable", none()),
            ("Page.setLifecycleEventsEnabled", json!({"enabled": true})),
            ("Runtime.enable", none()),
            (
                "Runtime.addBinding",
                json!({"name": BINDING, "executionContextName": WORLD}),
            ),
            (
                "Page.addScriptToEvaluateOnNewDocument",
                json!({"source": SCRIPT, "worldName": WORLD}),
            ),
            ("Network.enable", json!({"maxPostDataSize": 0})),
            ("Log.enable", none()),
            ("Audits.enable", none()),
            ("Target.setAutoAttach", attaching()),
            ("Emulation.setDeviceMetricsOverride", metrics),
            (
                "Emulation.setFocusEmulationEnabled",
                json!({"enabled": true}),
            ),
            (
                "Emulation.setTimezoneOverride",
                json!({"timezoneId": self.options.timezone}),
            ),
            (
                "Emulation.setLocaleOverride",
                json!({"locale": self.options.locale}),
            ),
        ];
        if self.options.is_mobile {
            calls.push((
                "Emulation.setTouchEmulationEnabled",
                json!({"enabled": true}),
            ));
        }
        let language = &self.options.locale;
        let agent = self
            .options
            .user_agent
            .clone()
            .unwrap_or_else(|| self.agent());
        let agent = json!({"userAgent": agent, "acceptLanguage": language});
        calls.push(("Emulation.setUserAgentOverride", agent));
        calls.push(("Runtime.runIfWaitingForDebugger", none()));
        let session = self.seen.session.clone();
        let wire = self.chromium.wire().clone();
        let waiting: Vec<_> = calls
            .into_iter()
            .map(|(method, params)| (method, wire.call(Some(&session), method, params)))
            .collect();
        for (method, answer) in waiting {
            let answer = self.answered(answer, by).await;
            // A browser that does not know an override is as good; one that cannot be watched is not.
            // What is no time zone, or no language, is a mistake; that a process has one already is none.
            let is_asked = matches!(
                method,
                "Emulation.setTimezoneOverride" | "Emulation.setLocaleOverride"
            );
            let matters = !method.starts_with("Emulation.") && method != "Audits.enable";
            match answer {
                Err(Refusal::Said(why)) if is_asked && !why.contains("already in effect") => {
                    return Err(faults::no_page(Refusal::Said(why)));
                }
                Err(why) if matters => return Err(faults::no_page(why)),
                _ => {}
            }
        }
        Ok(())
    }

    /// What a browser says it is that shows its pages to somebody.
    fn agent(&self) -> String {
        let version = self.chromium.version.rsplit('/').next().unwrap_or_default();
        let major = version.split('.').next().unwrap_or_default();
        format!(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
        )
    }

    /// What it showed so far.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Its context.
    pub(super) fn context(&self) -> &str {
        &self.context
    }

    /// Calls a method of the page, and takes its events until there is an answer.
    pub(super) async fn call(
        &mut self,
        method: &'static str,
        params: Value,
        by: Instant,
    ) -> Answer {
        let session = self.seen.session.clone();
        self.call_in(&session, method, params, by).await
    }

    /// The same, of one of its frames.
    pub(super) async fn call_in(
        &mut self,
        session: &str,
        method: &'static str,
        params: Value,
        by: Instant,
    ) -> Answer {
        let answer = self.chromium.wire().call(Some(session), method, params);
        self.answered(answer, by).await
    }

    /// Waits for an answer as long as a call may take, and takes events meanwhile.
    pub(super) async fn answered(
        &mut self,
        answer: oneshot::Receiver<Answer>,
        by: Instant,
    ) -> Answer {
        let by = by.min(Instant::now() + BROWSER_CALL_TIMEOUT);
        self.awaited(answer, by).await
    }

    /// The same, with all the time until a deadline.
    pub(super) async fn awaited(
        &mut self,
        mut answer: oneshot::Receiver<Answer>,
        by: Instant,
    ) -> Answer {
        let late = tokio::time::sleep_until(by.into());
        tokio::pin!(late);
        loop {
            tokio::select! {
                // What happened before an answer is known before it.
                biased;
                Some(event) = self.feed.events.recv() => self.take(&event),
                answer = &mut answer => {
                    // Events that came before it are read before anything is concluded.
                    self.catch_up();
                    return answer.unwrap_or(Err(Refusal::Gone));
                }
                () = &mut late => return Err(Refusal::Late),
            }
            if self.seen.has_crashed {
                return Err(Refusal::Said("the page has crashed".to_owned()));
            }
        }
    }

    pub(super) fn take(&mut self, event: &Event) {
        for Reaction {
            session,
            method,
            params,
        } in self.seen.take(event)
        {
            self.chromium
                .wire()
                .tell(session.as_deref(), method, params);
        }
    }

    /// Takes what is there.
    pub(super) fn catch_up(&mut self) {
        while let Ok(event) = self.feed.events.try_recv() {
            self.take(&event);
        }
    }

    /// Lets time pass, and takes what happens.
    pub async fn rest(&mut self, pause: Duration) {
        let over = tokio::time::sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                Some(event) = self.feed.events.recv() => self.take(&event),
                () = &mut over => return,
                else => return,
            }
        }
    }

    /// Waits until nothing has happened for a while, but no longer than four times that.
    pub async fn quiet(&mut self, pause: Duration, by: Instant) {
        let by = by.min(Instant::now() + pause * 4);
        while Instant::now() < by {
            let next = tokio::time::timeout(pause, self.feed.events.recv()).await;
            match next {
                Ok(Some(event)) => self.take(&event),
                _ => return,
            }
        }
    }

    /// Takes one event, or as long as it takes.
    pub(super) async fn next(&mut self, by: Instant) -> bool {
        match tokio::time::timeout_at(by.into(), self.feed.events.recv()).await {
            Ok(Some(event)) => {
                self.take(&event);
                self.catch_up();
                true
            }
            _ => false,
        }
    }

    /// Whether what was seen can be relied on.
    pub(super) fn sound(&self) -> Result<(), Fault> {
        if self.chromium.is_gone() {
            return Err(faults::gone());
        }
        if self.seen.has_crashed {
            return Err(Fault::new(
                ErrorClass::Check,
                "the page has crashed: its process ended".to_owned(),
            ));
        }
        let missed = self.feed.missed.others.load(Relaxed);
        if missed > 0 {
            let why = format!(
                "{missed} events of the page were not seen: it did more than can be followed"
            );
            return Err(Fault::new(ErrorClass::NoEvidence, why));
        }
        Ok(())
    }

    /// Lines on the console that nobody had room for.
    pub fn missed_lines(&self) -> u64 {
        self.feed.missed.lines.load(Relaxed)
    }

    /// That something was not there in time. A script that does not end is stopped, so that the page can be looked at.
    pub(super) fn late(&mut self, what: &str) -> Fault {
        let session = self.seen.session.clone();
        self.chromium
            .wire()
            .tell(Some(&session), "Runtime.terminateExecution", json!({}));
        if self.seen.is_leaving() {
            // What was there before can still be looked at.
            self.chromium
                .wire()
                .tell(Some(&session), "Page.stopLoading", json!({}));
            self.seen.stay();
        }
        Fault::new(ErrorClass::TimeoutWait, what.to_owned())
    }

    /// The world of our scripts in a frame, once it is there.
    pub(super) async fn world(&mut self, frame: &str, by: Instant) -> Result<World, Fault> {
        loop {
            self.sound()?;
            if let Some(world) = self.seen.world(frame) {
                return Ok(world.clone());
            }
            if !self.next(by).await {
                return Err(self.late("the page has no document that can be looked at"));
            }
        }
    }

    /// Asks the script in a frame something.
    pub(super) async fn ask(&mut self, world: &World, expression: &str, by: Instant) -> Answer {
        let asked = json!({
            "expression": expression, "uniqueContextId": world.unique, "objectGroup": GROUP,
            "awaitPromise": true, "returnByValue": true, "userGesture": false,
        });
        // What is asked just before time is up is answered all the same by a page that responds.
        let by = by.max(Instant::now() + BROWSER_ANSWER_TIMEOUT);
        let answer = self
            .call_in(&world.session, "Runtime.evaluate", asked, by)
            .await?;
        told(answer)
    }

    /// Asks for a handle of an element that the script in a frame has found.
    pub(super) fn handle(&self, world: &World, at: u64) -> oneshot::Receiver<Answer> {
        let asked = json!({
            "expression": format!("bellwether.element({at})"), "uniqueContextId": world.unique, "objectGroup": GROUP,
        });
        self.chromium
            .wire()
            .call(Some(&world.session), "Runtime.evaluate", asked)
    }

    /// Lets the browser forget what was asked for.
    pub(super) fn forget(&self, world: &World) {
        let group = json!({"objectGroup": GROUP});
        self.chromium
            .wire()
            .tell(Some(&world.session), "Runtime.releaseObjectGroup", group);
    }

    /// What a script of the scenario says, which stands where the page's own scripts do.
    ///
    /// # Errors
    ///
    /// What it threw, or that it did not end in time.
    pub async fn evaluate(&mut self, body: &str, by: Instant) -> Result<Value, Fault> {
        let expression = format!("(async () => {{ {body}\n}})()");
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let documents = self.seen.documents;
        let answer = self.call("Runtime.evaluate", asked, by).await;
        match answer.and_then(told) {
            Ok(value) => Ok(value),
            Err(Refusal::Late) => Err(self.late("the script did not end in time")),
            // What the script did led the page elsewhere.
            Err(_) if self.seen.documents > documents || self.seen.is_leaving() => Ok(Value::Null),
            Err(why) => {
                self.sound()?;
                Err(faults::of_call(&why, "the script failed"))
            }
        }
    }
}

/// What an evaluated expression came to.
fn told(mut answer: Value) -> Answer {
    let thrown = &answer["exceptionDetails"];
    if thrown.is_object() {
        let description = thrown["exception"]["description"].as_str();
        let value = thrown["exception"]["value"].as_str();
        let why = description
            .or(value)
            .or(thrown["text"].as_str())
            .unwrap_or_default();
        let line = why.lines().next().unwrap_or_default();
        return Err(Refusal::Said(line.to_owned()));
    }
    Ok(answer["result"]["value"].take())
}

impl Drop for Page {
    fn drop(&mut self) {
        let wire = self.chromium.wire();
        wire.leave(&self.context);
        wire.tell(
            None,
            "Target.disposeBrowserContext",
            json!({"browserContextId": self.context}),
        );
        for download in &self.seen.downloads {
            let _ = std::fs::remove_file(self.downloads.join(&download.id));
        }
    }
}
