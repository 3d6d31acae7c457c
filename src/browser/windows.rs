//! From one window of a page to another: a link that opens one, a payment that comes back.
//!
//! All windows of a page are one context: they share cookies and storage, as a person's do.

use super::faults;
use super::page::Page;
use crate::net::{ErrorClass, Fault};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

impl Page {
    /// Goes over to the window that was opened last, once there is one; or back to the first.
    ///
    /// # Errors
    ///
    /// That none was opened, or it shows no document.
    pub async fn go_over(&mut self, to_newest: bool, by: Instant) -> Result<(), Fault> {
        let window = loop {
            self.sound()?;
            let windows = &self.seen.windows;
            let window = match to_newest {
                true => windows.get(1..).and_then(|opened| opened.last()),
                false => windows.first(),
            };
            if let Some(window) = window {
                break window.clone();
            }
            let pause = Duration::from_millis(50);
            if Instant::now() + pause >= by {
                let why = format!("no window was opened, on {}", self.seen.url);
                return Err(Fault::new(ErrorClass::Check, why));
            }
            self.rest(pause).await;
        };
        let session = window.0.clone();
        let (width, height) = self.options.viewport;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": self.options.is_mobile});
        for (method, params) in [
            ("Page.setLifecycleEventsEnabled", json!({"enabled": true})),
            ("Emulation.setDeviceMetricsOverride", metrics),
            (
                "Emulation.setFocusEmulationEnabled",
                json!({"enabled": true}),
            ),
            ("Page.bringToFront", json!({})),
        ] {
            let done = self.call_in(&session, method, params, by).await;
            done.map_err(|why| faults::of_call(&why, "the window cannot be looked at"))?;
        }
        loop {
            let tree = self
                .call_in(&session, "Page.getFrameTree", json!({}), by)
                .await;
            let tree = tree.map_err(|why| faults::of_call(&why, "the window has gone"))?;
            let document = &tree["frameTree"]["frame"];
            if self.is_drawn(&window, document, by).await {
                self.seen.enter(window, document);
                return self.shows_something(by).await;
            }
            let pause = Duration::from_millis(50);
            if Instant::now() + pause >= by {
                let at = document["url"].as_str().unwrap_or_default();
                let why = format!("the window shows no document in time: {at}");
                return Err(Fault::new(ErrorClass::TimeoutWait, why));
            }
            self.rest(pause).await;
        }
    }

    /// Whether the document of a window is there, and as far as it can be looked at.
    async fn is_drawn(
        &mut self,
        (_, frame): &(String, String),
        document: &Value,
        by: Instant,
    ) -> bool {
        if document["url"] == "about:blank" || document["url"] == "" {
            return false;
        }
        let Some(world) = self.seen.world(frame).cloned() else {
            return false;
        };
        let asked = self
            .ask(&world, "document.readyState !== 'loading'", by)
            .await;
        asked == Ok(Value::Bool(true))
    }
}
