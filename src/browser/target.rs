//! One element to do something with: looked up anew until it can be acted on, or time is up.
//!
//! Waits as people do: until it is there, is one, does not move, is not covered and is enabled. What is told when it
//! never comes: what was looked for, what stood in the way, what stands there instead.

use super::faults;
use super::going::Until;
use super::locator::Locator;
use super::page::Page;
use super::seen::World;
use super::wire::Refusal;
use crate::limits::BROWSER_ANSWER_TIMEOUT;
use crate::net::{ErrorClass, Fault};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Pauses before it is looked up again; the last one is that of every further time.
const PAUSES_MS: [u64; 6] = [20, 50, 100, 250, 500, 500];
/// Elements whose accessible names the browser is asked for.
const NAMED_MAX: u64 = 50;
/// How long a navigation that was asked for may take to begin.
const BEGINNING: Duration = Duration::from_millis(500);

/// What an element must be before something is done.
pub(super) const TO_CLICK: &[&str] = &["enabled", "stable", "hit"];
pub(super) const TO_HOVER: &[&str] = &["stable", "hit"];
pub(super) const TO_FILL: &[&str] = &["enabled", "editable", "shown"];
pub(super) const TO_CHOOSE: &[&str] = &["enabled", "shown"];
pub(super) const TO_LOOK: &[&str] = &[];

/// An element that can be acted on.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Where our script stands that knows it as its last one.
    pub(super) world: World,
    /// Its centre, in pixels of what is seen.
    pub(super) at: (f64, f64),
    /// Where its frame begins.
    pub(super) origin: (f64, f64),
}

/// Why it is not there yet.
pub(super) enum Trouble {
    /// Nothing of it is there now.
    Absent(String),
    /// It may come yet.
    NotYet(String),
    /// It cannot.
    Final(Fault),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Trouble {
        Trouble::Final(fault)
    }
}

/// How many there are, or why that cannot be told yet.
fn counted(looked: Result<Result<u64, String>, Trouble>) -> Result<Result<u64, String>, Fault> {
    match looked {
        Ok(count) => Ok(count),
        Err(Trouble::NotYet(why) | Trouble::Absent(why)) => Ok(Err(why)),
        Err(Trouble::Final(fault)) => Err(fault),
    }
}

impl Page {
    /// Waits for a document that the page has asked for to be there.
    pub(super) async fn arrive(&mut self, by: Instant) -> Result<(), Fault> {
        self.catch_up();
        let began = Instant::now();
        while self.seen.is_about_to_leave() {
            if began.elapsed() >= BEGINNING {
                self.seen.stay();
            } else {
                self.rest(Duration::from_millis(10)).await;
            }
        }
        match self.seen.is_leaving() {
            true => self.settle(Until::Dom, self.seen.documents, by).await,
            false => self.sound(),
        }
    }

    /// The one element that a locator finds, once it can be acted on.
    pub(super) async fn target(
        &mut self,
        locator: &Locator,
        wants: &[&str],
        by: Instant,
    ) -> Result<Target, Fault> {
        let began = Instant::now();
        let mut pauses = PAUSES_MS.iter();
        loop {
            self.arrive(by).await?;
            let reason = match self.try_target(locator, wants, by).await {
                Ok(target) => return Ok(target),
                Err(Trouble::Final(fault)) => return Err(fault),
                Err(Trouble::NotYet(reason) | Trouble::Absent(reason)) => reason,
            };
            let pause = Duration::from_millis(pauses.next().copied().unwrap_or(500));
            if Instant::now() + pause >= by {
                return Err(self.not_found(locator, &reason, began).await);
            }
            self.rest(pause).await;
        }
    }

    /// How many there are now that can be seen, or whatever is there for who asks for that.
    pub(super) async fn count(
        &mut self,
        locator: &Locator,
        by: Instant,
    ) -> Result<Result<u64, String>, Fault> {
        self.arrive(by).await?;
        let looked = self.look(locator, by).await;
        counted(looked.map(|(_, _, count)| Ok(count)))
    }

    /// How many there are now that nobody hides; why nobody can see one, where there is none.
    pub(super) async fn seen_count(
        &mut self,
        locator: &Locator,
        by: Instant,
    ) -> Result<Result<u64, String>, Fault> {
        self.arrive(by).await?;
        let looked = match self.look(locator, by).await {
            Ok((_, _, 0)) => return Ok(Ok(0)),
            Ok((world, ..)) => self.asked(&world, "bellwether.uncovered()", by).await,
            Err(trouble) => Err(trouble),
        };
        counted(looked.map(|told| match told["by"].as_str() {
            Some(cover) => Err(format!("it is covered by {cover}")),
            None => Ok(told["count"].as_u64().unwrap_or_default()),
        }))
    }

    /// The same element once more, right before it is acted on: whether it still is what would be hit.
    pub(super) async fn still_hit(
        &mut self,
        locator: &Locator,
        by: Instant,
    ) -> Result<bool, Fault> {
        match self.try_target(locator, &["enabled", "hit"], by).await {
            Ok(_) => Ok(true),
            Err(Trouble::Final(fault)) => Err(fault),
            Err(Trouble::NotYet(_) | Trouble::Absent(_)) => Ok(false),
        }
    }

    async fn try_target(
        &mut self,
        locator: &Locator,
        wants: &[&str],
        by: Instant,
    ) -> Result<Target, Trouble> {
        let (world, origin, _) = self.look(locator, by).await?;
        let asked = format!("bellwether.ready({}, {})", json!(locator.nth), json!(wants));
        let told = self.asked(&world, &asked, by).await?;
        let shown = told["shown"].as_str().unwrap_or_default();
        let reason = match told["state"].as_str().unwrap_or_default() {
            "ready" => {
                let part = |key: &str| told[key].as_f64().unwrap_or_default();
                return Ok(Target {
                    world,
                    at: (origin.0 + part("x"), origin.1 + part("y")),
                    origin,
                });
            }
            "none" => match told["count"].as_u64().unwrap_or_default() {
                0 => return Err(Trouble::Absent("it is not there".to_owned())),
                count => format!("there are only {count}"),
            },
            "several" => {
                let first = told["shown"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str);
                let first = first.collect::<Vec<_>>().join(", ");
                format!(
                    "there are {}, where one is wanted: {first}; say `nth`, `within` or `exact`",
                    told["count"]
                )
            }
            "covered" => format!(
                "{shown} is covered by {}",
                told["by"].as_str().unwrap_or_default()
            ),
            "disabled" => format!("{shown} is disabled"),
            "read-only" => format!("{shown} can only be read"),
            "moving" => format!("{shown} does not come to rest"),
            "hidden" => format!("{shown} cannot be seen"),
            _ => "it went while it was looked at".to_owned(),
        };
        Err(Trouble::NotYet(reason))
    }

    /// Has our script look it up; it knows what it found as its last ones.
    pub(super) async fn look(
        &mut self,
        locator: &Locator,
        by: Instant,
    ) -> Result<(World, (f64, f64), u64), Trouble> {
        let (frame, origin) = match &locator.frame {
            Some(frame) => self.frame_of(frame, by).await?,
            None => (self.seen.frame.clone(), (0.0, 0.0)),
        };
        let world = self.world(&frame, by).await?;
        self.asked(&world, "bellwether.widen()", by).await?;
        let mut chain = vec![locator];
        while let Some(outer) = chain.last().and_then(|last| last.within.as_deref()) {
            chain.push(outer);
        }
        let mut count = 0;
        while let Some(one) = chain.pop() {
            count = self.look_for(&world, one, by).await?;
            if !chain.is_empty() {
                let asked = format!("bellwether.ready({}, [])", json!(one.nth));
                let told = self.asked(&world, &asked, by).await?;
                if told["state"] != "ready" {
                    let why = format!("{one}, in which it stands, is there {count} times");
                    return Err(match count {
                        0 => Trouble::Absent(why),
                        _ => Trouble::NotYet(why),
                    });
                }
                self.asked(&world, "bellwether.narrow()", by).await?;
            }
        }
        Ok((world, origin, count))
    }

    async fn look_for(
        &mut self,
        world: &World,
        locator: &Locator,
        by: Instant,
    ) -> Result<u64, Trouble> {
        let asked = format!("bellwether.look({}, false)", locator.asked());
        let found = self.asked(world, &asked, by).await?;
        let count = found["count"].as_u64().unwrap_or_default();
        if count == 0 || !locator.asks_the_browser() {
            return Ok(count);
        }
        let kept = self.named(world, locator, count.min(NAMED_MAX), by).await?;
        let asked = format!("bellwether.keep({})", json!(kept));
        self.asked(world, &asked, by).await?;
        Ok(kept.len() as u64)
    }

    /// Which of them have the name and the role, as the browser computes them for whoever cannot see.
    async fn named(
        &mut self,
        world: &World,
        locator: &Locator,
        count: u64,
        by: Instant,
    ) -> Result<Vec<u64>, Trouble> {
        let by = by.max(Instant::now() + BROWSER_ANSWER_TIMEOUT);
        let wire = self.chromium.wire().clone();
        let session = Some(world.session.as_str());
        let elements: Vec<_> = (0..count).map(|at| self.handle(world, at)).collect();
        let mut nodes = Vec::new();
        for (at, element) in elements.into_iter().enumerate() {
            let element = self.answered(element, by).await;
            let element = element.map_err(|why| self.trouble(&why))?;
            let asked = json!({"objectId": element["result"]["objectId"], "fetchRelatives": false});
            nodes.push((
                at as u64,
                wire.call(session, "Accessibility.getPartialAXTree", asked),
            ));
        }
        let mut kept = Vec::new();
        for (at, node) in nodes {
            // One that has gone meanwhile has no name.
            let Ok(tree) = self.answered(node, by).await else {
                continue;
            };
            let node = &tree["nodes"][0];
            let word = |key: &str| node[key]["value"].as_str().unwrap_or_default();
            if node["ignored"] != true && locator.is_called(word("role"), word("name")) {
                kept.push(at);
            }
        }
        self.forget(world);
        Ok(kept)
    }

    /// The frame within an element, and where it begins.
    async fn frame_of(
        &mut self,
        locator: &Locator,
        by: Instant,
    ) -> Result<(String, (f64, f64)), Trouble> {
        let target = Box::pin(self.try_target(locator, TO_LOOK, by)).await?;
        let element = self.handle(&target.world, 0);
        let element = self.answered(element, by).await;
        let element = element.map_err(|why| self.trouble(&why))?;
        let node = json!({"objectId": element["result"]["objectId"]});
        let node = self
            .call_in(&target.world.session, "DOM.describeNode", node, by)
            .await;
        let node = node.map_err(|why| self.trouble(&why))?;
        let Some(frame) = node["node"]["frameId"].as_str().map(str::to_owned) else {
            return Err(Trouble::NotYet(format!("{locator} is no frame")));
        };
        let place = self.asked(&target.world, "bellwether.place()", by).await?;
        let part = |key: &str| place[key].as_f64().unwrap_or_default();
        let origin = (
            target.origin.0 + part("left"),
            target.origin.1 + part("top"),
        );
        if self.seen.world(&frame).is_none() {
            return Err(Trouble::NotYet(format!("{locator} has no document yet")));
        }
        Ok((frame, origin))
    }

    async fn asked(
        &mut self,
        world: &World,
        expression: &str,
        by: Instant,
    ) -> Result<Value, Trouble> {
        let answer = self.ask(world, expression, by).await;
        answer.map_err(|why| self.trouble(&why))
    }

    /// What a refusal means: another document came meanwhile, or nothing goes any more.
    fn trouble(&mut self, why: &Refusal) -> Trouble {
        if let Err(fault) = self.sound() {
            return Trouble::Final(fault);
        }
        match why {
            Refusal::Gone => Trouble::Final(faults::gone()),
            Refusal::Late => {
                Trouble::Final(self.late("the page does not respond: a script does not end"))
            }
            Refusal::Said(why) if why.contains("not a valid selector") => {
                Trouble::Final(Fault::new(ErrorClass::Template, why.clone()))
            }
            Refusal::Said(why) => Trouble::NotYet(format!("the page went elsewhere ({why})")),
        }
    }

    /// That an element is not there, or not as it should be: with what stands there instead.
    pub(super) async fn not_found(
        &mut self,
        locator: &Locator,
        reason: &str,
        began: Instant,
    ) -> Fault {
        let by = Instant::now() + Duration::from_secs(1);
        let near = self.near(locator, by).await.unwrap_or_default();
        let near = match near.is_empty() {
            true => String::new(),
            false => format!("; there are: {}", near.join(", ")),
        };
        let waited = began.elapsed().as_secs_f64();
        let seen = format!("on {} after {waited:.1} s", self.seen.url);
        Fault::new(
            ErrorClass::Check,
            format!("{locator}: {reason}, {seen}{near}"),
        )
    }

    /// What stands there of the same kind, the likeliest first.
    async fn near(&mut self, locator: &Locator, by: Instant) -> Option<Vec<String>> {
        let world = self.seen.world(&self.seen.frame.clone())?.clone();
        let asked = format!("bellwether.near(null, {})", locator.asked());
        let told = self.ask(&world, &asked, by).await.ok()?;
        let told = told.as_array()?.iter().filter_map(Value::as_str);
        Some(told.map(|text| format!("{text:?}")).collect())
    }
}
