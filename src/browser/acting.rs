//! What is done in a page as a person does it: click, fill, press, choose; and what is waited for.
//!
//! Each waits until it can be done, does it once, and waits for the document that it leads to. Nothing is done twice.

use super::faults;
use super::going::Until;
use super::keys::Press;
use super::locator::Locator;
use super::page::Page;
use super::target::{TO_CHOOSE, TO_CLICK, TO_FILL, TO_HOVER, TO_LOOK, Target};
use super::wire::Refusal;
use crate::net::{ErrorClass, Fault};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What an element is now.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its text.
    pub text: String,
    /// What stands in it, of a field that is no password.
    pub value: Option<String>,
    /// Whether it is ticked, of what can be.
    pub checked: Option<bool>,
    /// Whether something can be done with it.
    pub enabled: bool,
    /// An attribute that was asked for.
    pub attribute: Option<String>,
}

/// Which button of the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Button {
    /// The usual one.
    #[default]
    Left,
    /// The one that opens a menu.
    Right,
    /// The wheel.
    Middle,
}

impl Page {
    /// Clicks an element.
    ///
    /// # Errors
    ///
    /// Why it cannot be clicked, or the page does not get over it.
    pub async fn click(
        &mut self,
        locator: &Locator,
        button: Button,
        times: u32,
        by: Instant,
    ) -> Result<(), Fault> {
        let (target, documents) = self.pointed_at(locator, by).await?;
        let (x, y) = target.at;
        let is_left = button == Button::Left;
        let button = match button {
            Button::Left => "left",
            Button::Right => "right",
            Button::Middle => "middle",
        };
        let event = |kind: &str, count: u32| json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": count});
        let mut events = Vec::new();
        for count in 1..=times {
            events.push(event("mousePressed", count));
            events.push(event("mouseReleased", count));
        }
        self.seen.vitals.acted();
        if is_left {
            self.tell(&target, "bellwether.listen()", by).await?;
        }
        self.input("Input.dispatchMouseEvent", events, by).await?;
        self.after(documents, by).await?;
        if is_left && self.seen.documents == documents {
            let heard = self.ask(&target.world, "bellwether.heard()", by).await;
            if heard == Ok(Value::Bool(false)) {
                let why = format!(
                    "{locator}: the click did not reach it: something took it, or it went meanwhile"
                );
                return Err(Fault::new(ErrorClass::Check, why));
            }
        }
        Ok(())
    }

    /// An element under the pointer, once it stays what is hit there.
    async fn pointed_at(&mut self, locator: &Locator, by: Instant) -> Result<(Target, u32), Fault> {
        loop {
            let target = self.target(locator, TO_CLICK, by).await?;
            let documents = self.seen.documents;
            let (x, y) = target.at;
            let moved = vec![json!({"type": "mouseMoved", "x": x, "y": y})];
            self.input("Input.dispatchMouseEvent", moved, by).await?;
            if self.still_hit(locator, by).await? {
                return Ok((target, documents));
            }
            if Instant::now() >= by {
                let why = "what lies under the pointer changes when it comes there";
                return Err(self.not_found(locator, why, by).await);
            }
            self.rest(Duration::from_millis(50)).await;
        }
    }

    /// Moves the pointer over an element.
    ///
    /// # Errors
    ///
    /// Why it cannot be reached.
    pub async fn hover(&mut self, locator: &Locator, by: Instant) -> Result<(), Fault> {
        let Target { at: (x, y), .. } = self.target(locator, TO_HOVER, by).await?;
        let documents = self.seen.documents;
        self.input(
            "Input.dispatchMouseEvent",
            vec![json!({"type": "mouseMoved", "x": x, "y": y})],
            by,
        )
        .await?;
        self.after(documents, by).await
    }

    /// Puts a text into a field, in place of what stands there; letter by letter where the page follows each key.
    ///
    /// # Errors
    ///
    /// Why it cannot be filled.
    pub async fn fill(
        &mut self,
        locator: &Locator,
        text: &str,
        by_key: bool,
        by: Instant,
    ) -> Result<(), Fault> {
        let target = self.target(locator, TO_FILL, by).await?;
        let documents = self.seen.documents;
        let prepared = self
            .tell(&target, &format!("bellwether.fill({})", json!(text)), by)
            .await?;
        self.seen.vitals.acted();
        if prepared["done"] == true {
            return self.after(documents, by).await;
        }
        match text {
            "" if prepared["is_empty"] == true => {}
            "" => {
                self.keys(&[Press::read("Delete").map_err(wrong)?], by)
                    .await?;
            }
            text if by_key => {
                let letters: Vec<Press> = text
                    .chars()
                    .map(|letter| Press::letter(letter, 0))
                    .collect();
                self.keys(&letters, by).await?;
            }
            text => {
                self.input("Input.insertText", vec![json!({"text": text})], by)
                    .await?;
            }
        }
        self.after(documents, by).await
    }

    /// Chooses an option of a list, by what it shows or what it stands for.
    ///
    /// # Errors
    ///
    /// Why it cannot be chosen, with what there is.
    pub async fn choose(
        &mut self,
        locator: &Locator,
        option: &str,
        by: Instant,
    ) -> Result<(), Fault> {
        let target = self.target(locator, TO_CHOOSE, by).await?;
        let documents = self.seen.documents;
        self.tell(
            &target,
            &format!("bellwether.choose({})", json!(option)),
            by,
        )
        .await?;
        self.after(documents, by).await
    }

    /// Ticks a box, or takes its tick away; nothing is done where it is so already.
    ///
    /// # Errors
    ///
    /// That it cannot be clicked, or did not change.
    pub async fn tick(&mut self, locator: &Locator, on: bool, by: Instant) -> Result<(), Fault> {
        let facts = self.facts(locator, None, by).await?;
        if facts.checked == Some(on) {
            return Ok(());
        }
        if facts.checked.is_none() {
            return Err(Fault::new(
                ErrorClass::Check,
                format!("{locator} cannot be ticked"),
            ));
        }
        self.click(locator, Button::Left, 1, by).await?;
        match self.facts(locator, None, by).await?.checked {
            Some(now) if now == on => Ok(()),
            _ => Err(Fault::new(
                ErrorClass::Check,
                format!("{locator} did not change when it was clicked"),
            )),
        }
    }

    /// Gives an element the focus.
    ///
    /// # Errors
    ///
    /// That it is not there.
    pub async fn focus(&mut self, locator: &Locator, by: Instant) -> Result<(), Fault> {
        let target = self.target(locator, TO_LOOK, by).await?;
        let done = self
            .tell(&target, "bellwether.element(0).focus()", by)
            .await;
        done.map(drop)
    }

    /// Presses a key, on an element or on whatever has the focus.
    ///
    /// # Errors
    ///
    /// That there is no such key, or no such element.
    pub async fn press(
        &mut self,
        key: &str,
        on: Option<&Locator>,
        by: Instant,
    ) -> Result<(), Fault> {
        let press = Press::read(key).map_err(wrong)?;
        match on {
            Some(locator) => self.focus(locator, by).await?,
            None => self.arrive(by).await?,
        }
        let documents = self.seen.documents;
        self.seen.vitals.acted();
        self.keys(&[press], by).await?;
        self.after(documents, by).await
    }

    /// What an element is now.
    ///
    /// # Errors
    ///
    /// That it is not there, or not one.
    pub async fn facts(
        &mut self,
        locator: &Locator,
        attribute: Option<&str>,
        by: Instant,
    ) -> Result<Facts, Fault> {
        let target = self.target(locator, TO_LOOK, by).await?;
        let told = self
            .tell(
                &target,
                &format!("bellwether.facts({})", json!(attribute)),
                by,
            )
            .await?;
        let text = |key: &str| told[key].as_str().map(str::to_owned);
        Ok(Facts {
            text: text("text").unwrap_or_default(),
            value: text("value"),
            checked: told["checked"].as_bool(),
            enabled: told["enabled"] == true,
            attribute: text("attribute"),
        })
    }

    /// Waits until one can be seen that nothing lies over; tells how many.
    ///
    /// # Errors
    ///
    /// That there is none, with what stands there instead.
    pub async fn see(&mut self, locator: &Locator, by: Instant) -> Result<u64, Fault> {
        let began = Instant::now();
        loop {
            let why = match self.seen_count(locator, by).await? {
                Ok(0) => "it cannot be seen".to_owned(),
                Ok(count) => return Ok(count),
                Err(why) => why,
            };
            let pause = Duration::from_millis(50);
            if Instant::now() + pause >= by {
                self.sound()?;
                return Err(self.not_found(locator, &why, began).await);
            }
            self.rest(pause).await;
        }
    }

    /// Waits until none can be seen, on a page that shows something, nor its text be read in parts.
    ///
    /// # Errors
    ///
    /// That it is there, or the page is blank.
    pub async fn unseen(&mut self, locator: &Locator, by: Instant) -> Result<(), Fault> {
        let wrong = match self.wait_for(locator, &|seen| seen == 0, by).await? {
            Ok(0) => return self.shows_without(locator, by).await,
            Ok(count) => format!("{count} of it can be seen"),
            Err(why) => why,
        };
        let at = &self.seen.url;
        let why = format!("{locator}: {wrong}, expected none, on {at}");
        Err(Fault::new(ErrorClass::Check, why))
    }

    /// Waits until so many can be seen as hold, whatever lies over them; tells how many there are, or why none can be
    /// looked up.
    ///
    /// # Errors
    ///
    /// What the page does instead.
    pub async fn wait_for(
        &mut self,
        locator: &Locator,
        holds: &(dyn Fn(u64) -> bool + Sync),
        by: Instant,
    ) -> Result<Result<u64, String>, Fault> {
        loop {
            let count = self.count(locator, by).await?;
            let pause = Duration::from_millis(50);
            let is_it = count.as_ref().is_ok_and(|count| holds(*count));
            if is_it || Instant::now() + pause >= by {
                return Ok(count);
            }
            self.rest(pause).await;
        }
    }

    /// Waits for what the browser measures to be told: a frame is drawn first, which it does not hurry with.
    pub async fn measured(&mut self, by: Instant) {
        let by = by.min(Instant::now() + Duration::from_secs(3));
        let session = self.seen.session.clone();
        self.chromium
            .wire()
            .tell(Some(&session), "Page.captureScreenshot", pixel());
        let began = Instant::now();
        loop {
            self.rest(Duration::from_millis(50)).await;
            let is_told =
                self.seen.vitals.has_begun() && began.elapsed() >= Duration::from_millis(300);
            if is_told || Instant::now() >= by {
                return;
            }
        }
    }

    /// Title and visible text.
    ///
    /// # Errors
    ///
    /// That the page says nothing.
    pub async fn words(&mut self, letters: usize, by: Instant) -> Result<(String, String), Fault> {
        let frame = self.seen.frame.clone();
        let told = loop {
            self.arrive(by).await?;
            let world = self.world(&frame, by).await?;
            match self
                .ask(&world, &format!("bellwether.page({letters})"), by)
                .await
            {
                Ok(told) => break told,
                Err(Refusal::Gone) => return Err(faults::gone()),
                Err(why) if why == Refusal::Late || Instant::now() >= by => {
                    return Err(self.late("the page does not respond: a script does not end"));
                }
                Err(_) => self.rest(Duration::from_millis(20)).await,
            }
        };
        let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
        Ok((text("title"), text("text")))
    }

    async fn tell(
        &mut self,
        target: &Target,
        expression: &str,
        by: Instant,
    ) -> Result<Value, Fault> {
        let told = self.ask(&target.world, expression, by).await;
        let told = told.map_err(|why| {
            let sound = self.sound().err();
            sound.unwrap_or_else(|| faults::of_call(&why, "the page does not do it"))
        })?;
        match told["wrong"].as_str() {
            Some(wrong) => Err(Fault::new(ErrorClass::Check, wrong.to_owned())),
            None => Ok(told),
        }
    }

    async fn keys(&mut self, presses: &[Press], by: Instant) -> Result<(), Fault> {
        let events = presses.iter().flat_map(Press::events).collect();
        self.input("Input.dispatchKeyEvent", events, by).await
    }

    /// Events of mouse or keyboard, one after another, none waiting for the answer of the one before.
    async fn input(
        &mut self,
        method: &'static str,
        events: Vec<Value>,
        by: Instant,
    ) -> Result<(), Fault> {
        let wire = self.chromium.wire().clone();
        let session = self.seen.session.clone();
        let waiting: Vec<_> = events
            .into_iter()
            .map(|event| wire.call(Some(&session), method, event))
            .collect();
        // What changes nothing on the page would be timed up to the next frame, whenever that comes: a picture of
        // one pixel is a frame. Nobody waits for it.
        wire.tell(Some(&session), "Page.captureScreenshot", pixel());
        for answer in waiting {
            match self.answered(answer, by).await {
                Ok(_) => {}
                Err(_) if self.seen.is_leaving() || self.seen.has_crashed => return self.sound(),
                Err(Refusal::Gone) => return Err(faults::gone()),
                Err(Refusal::Late) => {
                    return Err(self.late("the page does not respond to what was done"));
                }
                Err(why) => return Err(faults::of_call(&why, "the page does not take it")),
            }
        }
        Ok(())
    }

    /// After something was done: the document that it led to is there.
    pub(super) async fn after(&mut self, documents: u32, by: Instant) -> Result<(), Fault> {
        let frame = self.seen.frame.clone();
        if let Some(world) = self.seen.world(&frame).cloned() {
            // A form is sent by a task of its own, which comes before those that are asked for now. That there is no
            // answer means that another document has come.
            let turn = "new Promise((done) => setTimeout(() => setTimeout(done)))";
            let soon = by.min(Instant::now() + Duration::from_secs(1));
            let _ = self.ask(&world, turn, soon).await;
        }
        self.arrive(by).await?;
        match self.seen.documents > documents {
            true => self.settle(Until::Dom, documents, by).await,
            false => Ok(()),
        }
    }
}

/// A picture of one pixel: whoever takes it needs a frame.
fn pixel() -> Value {
    json!({"format": "png", "clip": {"x": 0, "y": 0, "width": 1, "height": 1, "scale": 1}})
}

fn wrong(why: String) -> Fault {
    Fault::new(ErrorClass::Template, why)
}
