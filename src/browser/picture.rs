//! What a page looks like, as PNG: what is seen, all of it, or one element, with parts of it covered.
//!
//! Nothing moves while it is taken. A picture is evidence and never decides by itself.

use super::faults;
use super::legible;
use super::locator::Locator;
use super::page::Page;
use super::seen::World;
use super::target::{TO_LOOK, Trouble};
use crate::limits::{BROWSER_PICTURE_TIMEOUT, BROWSER_PIXELS_MAX};
use crate::net::{ErrorClass, Fault};
use crate::secret::Redactor;
use base64::Engine as _;
use serde_json::{Value, json};
use std::time::Instant;

/// What is taken.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// All of the page, and not only what is seen.
    pub is_full: bool,
    /// Only this element.
    pub of: Option<Locator>,
    /// What is covered.
    pub masks: Vec<Locator>,
}

impl Page {
    /// Takes a picture, unless a secret can be read in it.
    ///
    /// # Errors
    ///
    /// Why there is none: the page hangs, is too large, or has no such element.
    pub async fn picture(
        &mut self,
        frame: &Frame,
        redactor: &Redactor,
        by: Instant,
    ) -> Result<Vec<u8>, Fault> {
        let by = by.min(Instant::now() + BROWSER_PICTURE_TIMEOUT);
        self.arrive(by).await?;
        let main = self.seen.frame.clone();
        let world = self.world(&main, by).await?;
        let size = self.of_world(&world, "bellwether.freeze()", by).await?;
        let mut worlds = vec![world];
        let taken = match self.cover(&frame.masks, &mut worlds, by).await {
            Ok(()) => match self.tells_nothing(redactor, by).await {
                Ok(()) => self.take_picture(frame, &size, by).await,
                Err(fault) => Err(fault),
            },
            Err(fault) => Err(fault),
        };
        for world in &worlds {
            let _ = self.ask(world, "bellwether.thaw()", by).await;
        }
        taken
    }

    /// What draws pictures here: browser, system and fonts, in words. What is drawn by another may look otherwise.
    ///
    /// # Errors
    ///
    /// The page does not answer.
    pub async fn drawn_by(&mut self, by: Instant) -> Result<String, Fault> {
        let main = self.seen.frame.clone();
        let world = self.world(&main, by).await?;
        let fonts = self.of_world(&world, "bellwether.fonts()", by).await?;
        let fonts = crate::hexadecimal::sha256(fonts.to_string());
        let browser = self.chromium.version.trim_start_matches("Headless");
        let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
        let fonts = fonts.get(..8).unwrap_or_default();
        Ok(format!("{browser}, {system} {processor}, fonts {fonts}"))
    }

    /// That nothing can be read in a picture that nobody is to see.
    async fn tells_nothing(&mut self, redactor: &Redactor, by: Instant) -> Result<(), Fault> {
        if !redactor.knows_any() {
            return Ok(());
        }
        let mut texts = self.legible(by).await?.into_iter();
        match texts.any(|text| redactor.clean(&text) != text) {
            true => {
                let why = "no picture is kept, since a secret can be read on the page".to_owned();
                Err(Fault::new(ErrorClass::NoEvidence, why))
            }
            false => Ok(()),
        }
    }

    /// All texts that a picture may show: in all frames, closed parts, fields, and what style sheets add; and the letters
    /// of all of them in a row, since a page may draw each by itself.
    async fn legible(&mut self, by: Instant) -> Result<Vec<String>, Fault> {
        let mut sessions: Vec<String> = vec![self.seen.session.clone()];
        sessions.extend(self.seen.worlds().into_iter().map(|world| world.session));
        sessions.sort();
        sessions.dedup();
        let mut texts = Vec::new();
        for session in sessions {
            let asked = json!({"computedStyles": []});
            let taken = self
                .call_in(&session, "DOMSnapshot.captureSnapshot", asked, by)
                .await;
            match taken {
                Ok(snapshot) => legible::of(&snapshot, &mut texts),
                // A frame that has gone is in no picture.
                Err(_) if session != self.seen.session => {}
                Err(why) => {
                    self.sound()?;
                    return Err(faults::of_call(
                        &why,
                        "what a picture would show is not known",
                    ));
                }
            }
        }
        Ok(texts)
    }

    /// Covers what nobody is to see, in whichever frame it stands. What is not there needs no cover; where that cannot
    /// be told, there is no picture.
    async fn cover(
        &mut self,
        masks: &[Locator],
        worlds: &mut Vec<World>,
        by: Instant,
    ) -> Result<(), Fault> {
        for mask in masks {
            let world = match self.look(mask, by).await {
                Ok((world, _, 1..)) => world,
                Ok(_) | Err(Trouble::Absent(_)) => continue,
                Err(Trouble::NotYet(why)) => {
                    let why = format!("no picture was taken: {mask}: {why}");
                    return Err(Fault::new(ErrorClass::NoEvidence, why));
                }
                Err(Trouble::Final(fault)) => return Err(fault),
            };
            self.of_world(&world, "bellwether.cover()", by).await?;
            worlds.push(world);
        }
        Ok(())
    }

    async fn take_picture(
        &mut self,
        frame: &Frame,
        size: &Value,
        by: Instant,
    ) -> Result<Vec<u8>, Fault> {
        let mut asked = json!({"format": "png", "optimizeForSpeed": true});
        let (width, height) = self.options.viewport;
        let mut pixels = u64::from(width) * u64::from(height);
        if let Some(of) = &frame.of {
            let target = self.target(of, TO_LOOK, by).await?;
            let place = self
                .of_world(&target.world, "bellwether.place()", by)
                .await?;
            let part = |key: &str| place[key].as_f64().unwrap_or_default();
            pixels = (part("width") * part("height")) as u64;
            asked["captureBeyondViewport"] = true.into();
            asked["clip"] = json!({"x": part("x"), "y": part("y"), "width": part("width"), "height": part("height"), "scale": 1});
        } else if frame.is_full {
            let tall = size["height"]
                .as_f64()
                .unwrap_or_default()
                .max(f64::from(height));
            let wide = size["width"]
                .as_f64()
                .unwrap_or_default()
                .max(f64::from(width));
            pixels = (tall * wide) as u64;
            asked["captureBeyondViewport"] = true.into();
            asked["clip"] = json!({"x": 0, "y": 0, "width": wide, "height": tall, "scale": 1});
        }
        if pixels > BROWSER_PIXELS_MAX {
            let why = format!(
                "the picture would have {} million pixels: take what is seen, or one element",
                pixels / 1_000_000
            );
            return Err(Fault::new(ErrorClass::OwnLimit, why));
        }
        let taken = self.call("Page.captureScreenshot", asked, by).await;
        let taken = taken.map_err(|why| match self.sound() {
            Err(fault) => fault,
            Ok(()) => Fault::new(
                ErrorClass::NoEvidence,
                format!("no picture was taken: {why:?}"),
            ),
        })?;
        let data = taken["data"].as_str().unwrap_or_default();
        base64::engine::general_purpose::STANDARD
            .decode(data)
            .map_err(|why| Fault::new(ErrorClass::NoEvidence, format!("no picture came: {why}")))
    }

    async fn of_world(
        &mut self,
        world: &World,
        expression: &str,
        by: Instant,
    ) -> Result<Value, Fault> {
        let told = self.ask(world, expression, by).await;
        told.map_err(|why| match self.sound() {
            Err(fault) => fault,
            Ok(()) => faults::of_call(&why, "the page does not hold still"),
        })
    }
}
