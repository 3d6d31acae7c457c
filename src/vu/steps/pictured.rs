//! The picture that a step takes, and whether it is like the one that somebody accepted.
//!
//! A page gets until the end of the step's time to look as it should, since contents come late; what it came to is said
//! only of a page that has come to rest.

use crate::browser::picture::Frame;
use crate::limits::{BROWSER_PICTURE_TIMEOUT, BROWSER_PIXELS_MAX};
use crate::net::{ErrorClass, Fault};
use crate::picture::kept::{Comparison, Likeness, Picture};
use crate::picture::raster::Raster;
use crate::picture::{baseline, difference, likeness};
use crate::scenario::plan::Step;
use crate::scenario::steps::screenshot::{Likened, Shot};
use crate::vu::tab::Tab;
use crate::vu::user::VirtualUser;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// From one picture to the next, as long as it is not as it should be.
const PAUSE: Duration = Duration::from_millis(150);

impl VirtualUser {
    /// What the page looks like on which a step failed, if it can still be seen.
    pub(in crate::vu) async fn pictured_failure(&mut self, step: &Step) -> Option<Picture> {
        step.browse()?;
        let mut tab = self.tab.take()?;
        let taken = self.picture_of(&mut tab, None).await;
        self.tab = Some(tab);
        let name = format!("{}, as it failed", step.name);
        taken.ok().map(|png| Picture::new(&name, png))
    }

    /// The picture that a step wants, and what is wrong with it.
    pub(super) async fn pictured(
        &self,
        tab: &mut Tab,
        step: &Step,
        shot: &Shot,
        by: Instant,
    ) -> Result<(Option<Picture>, Option<Fault>), Fault> {
        if let Some(likened) = &shot.baseline {
            return self.likened(tab, step, shot, likened, by).await;
        }
        let png = self.picture_of(tab, Some(shot)).await?;
        Ok((Some(Picture::new(&step.name, png)), None))
    }

    /// Takes pictures until one is like its baseline, or time is up.
    async fn likened(
        &self,
        tab: &mut Tab,
        step: &Step,
        shot: &Shot,
        likened: &Likened,
        by: Instant,
    ) -> Result<(Option<Picture>, Option<Fault>), Fault> {
        let drawn_by = tab.page.drawn_by(by).await?;
        let binding = &self.shared.binding;
        let environment = likened.environment.as_ref().unwrap_or(&binding.environment);
        let (plan, folder) = (&binding.plan, binding.plan.folder.clone());
        let viewport = plan.browsing.options.viewport;
        let file = baseline::file(&plan.name, environment, &step.name, viewport);
        let mut before: Option<Picture> = None;
        loop {
            let began = Instant::now();
            let mut picture = Picture::new(&step.name, self.picture_of(tab, Some(shot)).await?);
            let rests = before
                .as_ref()
                .is_some_and(|before| before.sha256 == picture.sha256);
            picture.compared = match before.take() {
                Some(same) if rests => same.compared,
                other => {
                    let known = (folder.clone(), file.clone(), drawn_by.clone());
                    let compared = judged(picture.clone(), known, likened.allowed).await?;
                    before = other;
                    Some(Box::new(compared))
                }
            };
            let compared = picture.compared.as_deref();
            let is_alike = compared.is_some_and(|one| one.likeness == Likeness::Alike);
            let has_none = compared.is_some_and(|one| one.pixels.is_none());
            let next = began.elapsed() * 2 + PAUSE;
            let is_over = is_alike || rests && has_none || Instant::now() + next >= by;
            if is_over {
                let fault = match is_alike {
                    true => None,
                    false if rests => compared.map(fault),
                    false => Some(restless(before.as_ref(), &picture)),
                };
                return Ok((Some(picture), fault));
            }
            before = Some(picture);
            tab.page.rest(PAUSE).await;
        }
    }

    /// The picture that a step takes; none where a secret can be read in it.
    async fn picture_of(&self, tab: &mut Tab, shot: Option<&Shot>) -> Result<Arc<[u8]>, Fault> {
        let by = Instant::now() + BROWSER_PICTURE_TIMEOUT;
        let mut frame = Frame {
            masks: tab.filled.clone(),
            ..Frame::default()
        };
        if let Some(shot) = shot {
            frame.is_full = shot.is_full;
            frame.of = shot.of.as_ref().map(|of| self.located(of)).transpose()?;
            for mask in &shot.masks {
                frame.masks.push(self.located(mask)?);
            }
        }
        let redactor = &self.shared.binding.redactor;
        tab.page.picture(&frame, redactor, by).await.map(Arc::from)
    }
}

/// Compares beside the runtime, since it takes a tenth of a second of processor time.
async fn judged(
    picture: Picture,
    (folder, file, drawn_by): (std::path::PathBuf, String, String),
    allowed: u64,
) -> Result<Comparison, Fault> {
    let task = move || {
        let before = baseline::read(&folder, &file);
        likeness::judge(&picture, file, drawn_by, before, allowed)
    };
    let done = tokio::task::spawn_blocking(task).await;
    done.map_err(|why| {
        Fault::new(
            ErrorClass::NoEvidence,
            format!("it was not compared: {why}"),
        )
    })
}

fn fault(compared: &Comparison) -> Fault {
    let Comparison { words, file, .. } = compared;
    match compared.likeness {
        Likeness::Differs => {
            let why = format!("the picture is not like its baseline `{file}`: {words}");
            Fault::new(ErrorClass::Check, why)
        }
        Likeness::Alike | Likeness::Unknown => {
            let why = format!("{words}; accept one with `bellwether baseline accept`");
            Fault::new(ErrorClass::NoEvidence, why)
        }
    }
}

/// Two pictures in a row differ until time is up.
fn restless(before: Option<&Picture>, now: &Picture) -> Fault {
    let decoded = |picture: &Picture| {
        let png = picture.png.as_ref()?;
        Raster::decode(png, BROWSER_PIXELS_MAX).ok()
    };
    let both = before.and_then(|before| Some((decoded(before)?, decoded(now)?)));
    let place = both.and_then(|(before, now)| {
        let found = difference::between(&before, &now);
        found.regions.first().map(ToString::to_string)
    });
    let place = place.map_or_else(String::new, |place| format!(", {place}"));
    let why = format!(
        "the page does not come to rest{place}: a picture of it says nothing; cover what moves with `mask`"
    );
    Fault::new(ErrorClass::NoEvidence, why)
}
