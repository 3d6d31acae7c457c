//! What a script does in pages, done: the same browser, pages and waiting as those of steps.
//!
//! Invariant: a page that leaves the hosts of the environment is an error where that is asked for; no page outlives its
//! iteration.

use super::ask::Answer;
use super::deed::{Deed, Does, Look, Where};
use super::host::Host;
use super::names::step_of_page;
use super::sending::Seen;
use super::tags::Plain;
use crate::browser::acting::Button;
use crate::browser::going::{Until, of_the_web};
use crate::browser::keeper::Keeper;
use crate::browser::page::{Options, Page};
use crate::browser::picture::Frame;
use crate::k6::metric::BuiltIn;
use crate::net::{ErrorClass, Fault};
use crate::picture::kept::Picture;
use crate::vu::{Sample, Shared, Sink};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Letters of a page that a script may read.
const WORDS_MAX: usize = 200_000;

/// Pages of an iteration, by the numbers that its script gave them.
#[derive(Debug, Default)]
pub(super) struct Pages {
    open: BTreeMap<u32, Page>,
    /// The step of the page that was opened last.
    step: usize,
}

/// Whose pages they are.
pub(super) struct Own<'a> {
    pub(super) seen: &'a Seen,
    pub(super) shared: &'a Shared,
}

impl Pages {
    /// Closes all of them.
    pub(super) fn clear(&mut self, host: Option<&Host>) {
        for page in std::mem::take(&mut self.open).into_values() {
            if let Some(host) = host {
                count(host, &page);
            }
        }
    }

    /// Does something in one; what it gave as JSON, or why not.
    async fn perform(
        &mut self,
        own: &Own<'_>,
        deed: Deed,
        sink: &impl Sink,
    ) -> Result<String, (ErrorClass, String)> {
        let by = Instant::now() + deed.time();
        let number = deed.page;
        let done = match deed.does {
            Does::Open(look) => self.open(own, number, look, by).await,
            Does::Close => {
                if let Some(page) = self.open.remove(&number) {
                    count(&own.seen.0, &page);
                }
                Ok(Value::Null)
            }
            does => match self.open.get_mut(&number) {
                None => Err(Fault::new(ErrorClass::Template, "the page is closed")),
                Some(page) => act(own, (page, &mut self.step), does, by, sink).await,
            },
        };
        match done {
            Ok(value) => Ok(value.to_string()),
            Err(fault) => {
                let why = own.shared.binding.redactor.clean(&fault.detail);
                Err((fault.class, why))
            }
        }
    }

    /// The same, as an answer; what went wrong is noted.
    pub(super) async fn answer(
        &mut self,
        own: &Own<'_>,
        deed: Deed,
        broke: &mut Option<ErrorClass>,
        sink: &impl Sink,
    ) -> Answer {
        let done = self.perform(own, deed, sink).await;
        Answer::Browsed(done.map_err(|(class, why)| {
            // What says nothing about the page says nothing, whatever the script makes of it.
            if class.is_inconclusive() {
                own.seen.0.failed.set(Some(class));
            }
            *broke = Some(class);
            why
        }))
    }

    async fn open(
        &mut self,
        own: &Own<'_>,
        number: u32,
        look: Look,
        by: Instant,
    ) -> Result<Value, Fault> {
        let plain = Options::default();
        let options = Options {
            viewport: look.viewport.unwrap_or(plain.viewport),
            is_mobile: look.is_mobile,
            user_agent: look.user_agent,
            locale: look.locale.unwrap_or(plain.locale),
            timezone: look.timezone.unwrap_or(plain.timezone),
            dialogs: plain.dialogs,
        };
        let keeper = Keeper::of(&own.shared.binding.browser);
        let page = Box::pin(keeper.page(&options, by)).await?;
        self.open.insert(number, page);
        Ok(Value::Null)
    }
}

async fn act(
    own: &Own<'_>,
    (page, step): (&mut Page, &mut usize),
    does: Does,
    by: Instant,
    sink: &impl Sink,
) -> Result<Value, Fault> {
    let value = match does {
        Does::Open(_) | Does::Close => Value::Null,
        Does::Go { url, until } => {
            *step = step_of_page(&own.seen.0, &url);
            go(own, page, (&url, until.into(), *step), by, sink).await?
        }
        Does::Reload => {
            page.reload(Until::Load, by).await?;
            reply(page)
        }
        Does::Back => {
            page.back(Until::Load, by).await?;
            reply(page)
        }
        Does::Arrive { until } => {
            page.come(until.into(), by).await?;
            reply(page)
        }
        Does::Click { on, times } => {
            done(page.click(&on.locator(), Button::Left, times, by).await)?
        }
        Does::Hover { on } => done(page.hover(&on.locator(), by).await)?,
        Does::Focus { on } => done(page.focus(&on.locator(), by).await)?,
        Does::Fill { on, text, by_key } => done(page.fill(&on.locator(), &text, by_key, by).await)?,
        Does::Choose { on, option } => done(page.choose(&on.locator(), &option, by).await)?,
        Does::Tick { on, is } => done(page.tick(&on.locator(), is, by).await)?,
        Does::Press { on, key } => {
            let on = on.map(Where::locator);
            done(page.press(&key, on.as_ref(), by).await)?
        }
        Does::Count { on } => {
            let count = page.wait_for(&on.locator(), &|_| true, by).await?;
            json!(count.unwrap_or_default())
        }
        Does::Facts { on, attribute } => {
            let facts = page.facts(&on.locator(), attribute.as_deref(), by).await?;
            json!({"text": facts.text, "value": facts.value, "checked": facts.checked, "enabled": facts.enabled, "attribute": facts.attribute})
        }
        Does::Wait { on, seen: true } => json!(page.see(&on.locator(), by).await?),
        Does::Wait { on, .. } => done(page.unseen(&on.locator(), by).await)?,
        Does::Evaluate {
            body,
            until_true: true,
        } => page.evaluate_until(&body, by).await?,
        Does::Evaluate { body, .. } => page.evaluate(&body, by).await?,
        Does::Url { holds } => {
            while !page.seen().url.contains(&holds) {
                if Instant::now() >= by {
                    let why = format!("the address is {}, expected `{holds}`", page.seen().url);
                    return Err(Fault::new(ErrorClass::Check, why));
                }
                page.rest(Duration::from_millis(50)).await;
            }
            Value::Null
        }
        Does::Words => {
            let (title, text) = page.words(WORDS_MAX, by).await?;
            json!({"title": title, "text": text, "url": page.seen().url})
        }
        Does::Picture { full, of } => {
            let frame = Frame {
                is_full: full,
                of: of.map(Where::locator),
                masks: Vec::new(),
            };
            let redactor = &own.shared.binding.redactor;
            let png = page.picture(&frame, redactor, by).await?;
            sink.pictured(*step, &Picture::new("screenshot", Arc::from(png)));
            Value::Null
        }
        Does::Rest { ms } => {
            page.rest(Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default())
                .await;
            Value::Null
        }
    };
    own.shared.binding.page_may_be_at(&page.seen().url)?;
    Ok(value)
}

/// What gives nothing.
fn done(done: Result<(), Fault>) -> Result<Value, Fault> {
    done.map(|()| Value::Null)
}

/// Goes to an address, which is a request of the run like every other.
async fn go(
    own: &Own<'_>,
    page: &mut Page,
    (url, until, step): (&str, Until, usize),
    by: Instant,
    sink: &impl Sink,
) -> Result<Value, Fault> {
    of_the_web(url)?;
    own.shared.binding.page_may_be_at(url)?;
    count(&own.seen.0, page);
    let start = Instant::now();
    let mut went = page.go(url, until, by).await;
    // As k6, a script for it looks at a blank page without a word.
    let is_strict = own.seen.0.run.as_ref().is_some_and(|run| run.is_strict);
    if went.is_ok() && is_strict {
        went = page.shows_something(by).await;
    }
    let document = page.seen().document();
    sink.sample(&Sample {
        step,
        intended: start,
        start,
        end: Instant::now(),
        phases: document.map(|one| one.phases).unwrap_or_default(),
        error: went.as_ref().err().map(|fault| fault.class),
        status: document.and_then(|one| one.status).unwrap_or_default(),
        bytes_sent: 0,
        bytes_received: document.map(|one| one.bytes).unwrap_or_default(),
        advisory: false,
    });
    if let Err(fault) = &went {
        let redactor = &own.shared.binding.redactor;
        sink.failure(step, fault.class, &|| {
            redactor.clean(&format!("{url}: {}", fault.detail))
        });
    }
    went.map(|()| reply(page))
}

/// The document that came.
fn reply(page: &Page) -> Value {
    let seen = page.seen();
    let document = seen.document();
    json!({"status": document.and_then(|one| one.status), "url": seen.url})
}

/// Counts what the browser measured of a document.
fn count(host: &Host, page: &Page) {
    let values = page.seen().vitals.values();
    let own = host.tags.borrow();
    let tags = Plain::of(&own);
    let mut tally = host.tally();
    for (name, metric) in [
        ("lcp", BuiltIn::BrowserLcp),
        ("fcp", BuiltIn::BrowserFcp),
        ("cls", BuiltIn::BrowserCls),
        ("ttfb", BuiltIn::BrowserTtfb),
        ("inp", BuiltIn::BrowserInp),
    ] {
        if let Some(value) = values.get(name).and_then(Value::as_f64) {
            tally.count(metric, value, &tags);
        }
    }
}
