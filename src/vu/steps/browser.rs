//! Something that is done in a browser, and what the page shows then.
//!
//! The time for a browser to start, and for a place among its pages, is no latency of the target.

use super::exchange::Attempt;
use crate::browser::acting::Facts;
use crate::browser::going::of_the_web;
use crate::browser::locator::{By, Locator};
use crate::browser::network::WantedRequest;
use crate::limits::BROWSER_TEXT_MAX;
use crate::net::{ErrorClass, Fault, Phases, address};
use crate::scenario::plan::Step;
use crate::scenario::steps::browser::{Browse, Wanted};
use crate::scenario::steps::element::{self, Element};
use crate::scenario::template::Template;
use crate::vu::tab::{self, Found, Tab};
use crate::vu::user::VirtualUser;
use crate::witness::said::Said;
use bytes::Bytes;
use serde_json::json;
use std::time::{Duration, Instant};

/// Names that are looked up only where a step asks for them.
const ASKED: [&str; 6] = [
    "console",
    "violations",
    "requests",
    "vitals",
    "dialogs",
    "popups",
];
/// How long errors may take to show where they fail a step.
const AFTERMATH: Duration = Duration::from_millis(250);

impl VirtualUser {
    /// Does it, and looks at what the page shows then.
    pub(super) async fn browse(
        &mut self,
        step: &Step,
        browse: &Browse,
        deadline: Instant,
    ) -> Attempt {
        let Some(mut tab) = self.tab.take() else {
            let why = "no page is open".to_owned();
            return Attempt::failed(Fault::new(ErrorClass::NoEvidence, why), Phases::default());
        };
        let given = self.give_cookies(&mut tab, deadline).await;
        let done = match given {
            Ok(()) => self.act(&mut tab, step, browse, deadline).await,
            Err(fault) => Err(fault),
        };
        let end = Instant::now();
        self.take_cookies(&mut tab, deadline).await;
        let mut attempt = match done {
            Ok(found) => {
                self.looked_at(&mut tab, step, browse, found, deadline)
                    .await
            }
            Err(fault) => Attempt::failed(fault, Phases::default()),
        };
        attempt.end.get_or_insert(end);
        self.seen_of(&mut tab, browse, &mut attempt);
        self.tell_of(&mut tab, step);
        self.tab = Some(tab);
        attempt
    }

    /// Gives what HTTP steps were given to the page, where the scenario wants that.
    async fn give_cookies(&self, tab: &mut Tab, by: Instant) -> Result<(), Fault> {
        let cookies = match self.shared.binding.plan.browsing.shares_cookies {
            true => self.jar.for_page(crate::clock::now_ms()),
            false => Vec::new(),
        };
        match cookies.is_empty() {
            true => Ok(()),
            false => tab.page.take_cookies(&cookies, by).await,
        }
    }

    /// The other way round. A browser that has gone has none to give.
    async fn take_cookies(&mut self, tab: &mut Tab, by: Instant) {
        if self.shared.binding.plan.browsing.shares_cookies
            && let Ok(cookies) = tab.page.cookies(by).await
        {
            self.jar.take_of_page(cookies);
        }
    }

    async fn act(
        &mut self,
        tab: &mut Tab,
        step: &Step,
        browse: &Browse,
        by: Instant,
    ) -> Result<Found, Fault> {
        let mut found = Found::default();
        match browse {
            Browse::Open(url, until) => {
                let url = self.address_of(step, url)?;
                tab.page.go(&url, *until, by).await?;
                if tab.page.seen().documents > tab.documents() {
                    tab.page.shows_something(by).await?;
                }
            }
            Browse::Reload(until) => tab.page.reload(*until, by).await?,
            Browse::Back(until) => tab.page.back(*until, by).await?,
            Browse::Click { on, with, times } => {
                tab.page
                    .click(&self.located(on)?, *with, *times, by)
                    .await?;
            }
            Browse::Hover(on) => tab.page.hover(&self.located(on)?, by).await?,
            Browse::Fill {
                field,
                text,
                by_key,
            } => {
                let field = self.located(field)?;
                let written = self.render(text)?;
                if text.fixed().is_none() {
                    tab.filled.push(field.clone());
                }
                tab.page.fill(&field, &written, *by_key, by).await?;
            }
            Browse::Select(list, option) => {
                let option = self.render(option)?;
                tab.page.choose(&self.located(list)?, &option, by).await?;
            }
            Browse::Tick(on, is_on) => tab.page.tick(&self.located(on)?, *is_on, by).await?,
            Browse::Press(key, on) => {
                let on = on.as_ref().map(|on| self.located(on)).transpose()?;
                tab.page.press(&self.render(key)?, on.as_ref(), by).await?;
            }
            Browse::See(what) => found = see(tab, &self.located(what)?, by).await?,
            Browse::Unseen(what) => tab.page.unseen(&self.located(what)?, by).await?,
            Browse::Expect(what, wanted) => {
                let what = self.located(what)?;
                found = self.expect(tab, &what, wanted, by).await?;
            }
            Browse::Screenshot(shot) => {
                (found.picture, found.fault) = self.pictured(tab, step, shot, by).await?;
            }
            Browse::Download(by_what) => {
                let before = tab.page.seen().downloads.len();
                tab.page
                    .click(&self.located(by_what)?, Default::default(), 1, by)
                    .await?;
                let (download, bytes) = tab.page.downloaded(before, by).await?;
                found.file = Some((download.name, bytes));
            }
            Browse::Upload(field, files) => {
                tab.page.upload(&self.located(field)?, files, by).await?;
            }
            Browse::Script(body, until_true) => {
                found.value = Some(match until_true {
                    true => tab.page.evaluate_until(body, by).await?,
                    false => tab.page.evaluate(body, by).await?,
                });
            }
            Browse::Requested {
                url,
                method,
                status,
            } => {
                let wanted = WantedRequest {
                    url: self.render(url)?,
                    method: method.clone(),
                    status: *status,
                };
                let request = tab.page.requested(&wanted, by).await?;
                found.value = Some(tab::request(&request));
            }
            Browse::Window(to_newest) => tab.page.go_over(*to_newest, by).await?,
            Browse::Offline(is_offline) => {
                let slow = self.shared.binding.plan.browsing.slow.clone();
                let slow = slow.unwrap_or_default();
                tab.page.go_offline(*is_offline, &slow, by).await?;
            }
        }
        if self.shared.binding.plan.browsing.judges() {
            // What went wrong by it is told a moment later.
            found.end = Some(Instant::now());
            if browse.loads() {
                tab.page.quiet(AFTERMATH, by).await;
            }
        }
        Ok(found)
    }

    /// What an element should be, waited for until it is so.
    async fn expect(
        &self,
        tab: &mut Tab,
        what: &Locator,
        wanted: &Wanted,
        by: Instant,
    ) -> Result<Found, Fault> {
        let filled =
            |text: &Option<Template>| text.as_ref().map(|text| self.render(text)).transpose();
        let (shows, value) = (filled(&wanted.shows)?, filled(&wanted.value)?);
        if shows.as_ref().is_some_and(|shows| shows.trim().is_empty()) {
            let why = "`shows` is an empty text, which everything shows";
            return Err(Fault::new(ErrorClass::Template, why));
        }
        let attribute = match &wanted.attribute {
            Some((name, is)) => Some((name.as_str(), self.render(is)?)),
            None => None,
        };
        if let Some(count) = wanted.count {
            let found = tab.page.wait_for(what, &|seen| seen == count, by).await?;
            if found != Ok(count) {
                let seen = found.map_or_else(|why| why, |seen| format!("{seen} can be seen"));
                return Err(Fault::new(
                    ErrorClass::Check,
                    format!("{what}: {seen}, expected {count}"),
                ));
            }
        }
        if wanted.count == Some(0) {
            tab.page.shows_without(what, by).await?;
        }
        let only_counts = shows.is_none() && value.is_none() && attribute.is_none();
        if only_counts && wanted.enabled.is_none() && wanted.checked.is_none() {
            return Ok(Found {
                count: wanted.count,
                ..Found::default()
            });
        }
        loop {
            let facts = tab
                .page
                .facts(what, attribute.as_ref().map(|(name, _)| *name), by)
                .await?;
            let wrong = differs(&facts, wanted, [&shows, &value], attribute.as_ref());
            let Some(wrong) = wrong else {
                return Ok(Found {
                    element: Some(facts),
                    count: Some(1),
                    ..Found::default()
                });
            };
            let pause = Duration::from_millis(50);
            if Instant::now() + pause >= by {
                return Err(Fault::new(ErrorClass::Check, format!("{what}: {wrong}")));
            }
            tab.page.rest(pause).await;
        }
    }

    /// What checks look at.
    async fn looked_at(
        &mut self,
        tab: &mut Tab,
        step: &Step,
        browse: &Browse,
        found: Found,
        by: Instant,
    ) -> Attempt {
        let mut said = Said::default();
        let mut attempt = Attempt {
            end: found.end,
            pictures: found.picture.into_iter().collect(),
            fault: found.fault,
            ..Attempt::default()
        };
        if let Some((name, bytes)) = found.file {
            let digest = crate::hexadecimal::sha256(&bytes);
            said.value(
                "file",
                json!({"name": name, "bytes": bytes.len(), "sha256": digest}),
            );
            attempt.bytes_received = bytes.len() as u64;
            attempt.reply.body = Bytes::from(bytes);
        } else if step.wants_body || step.uses("title") {
            match tab.page.words(BROWSER_TEXT_MAX, by).await {
                Ok((title, text)) => {
                    said.value("title", title);
                    attempt.reply.body = Bytes::from(text);
                }
                Err(fault) => attempt.fault = Some(fault),
            }
        }
        if let Some(value) = found.value {
            said.value("value", value);
        }
        if let Some(count) = found.count {
            said.value("count", count);
        }
        if let Some(facts) = found.element {
            let known = json!({"text": facts.text, "value": facts.value, "checked": facts.checked, "enabled": facts.enabled});
            said.value("element", known);
        }
        if step.uses("vitals") {
            tab.page.measured(by).await;
        }
        for name in ASKED.into_iter().filter(|name| step.uses(name)) {
            if let Some(value) = tab.value(name) {
                said.value(name, value);
            }
        }
        if browse.loads() {
            let document = tab.page.seen().document();
            attempt.reply.phases = document.map(|one| one.phases).unwrap_or_default();
        }
        attempt.reply.said = Some(Box::new(said));
        attempt
    }

    /// What is so of every step: the document's status, where the page is, what speaks against it.
    fn seen_of(&mut self, tab: &mut Tab, browse: &Browse, attempt: &mut Attempt) {
        let binding = &self.shared.binding;
        let objections = tab.objections(&binding.plan.browsing);
        let tab_is_new = tab.is_new_document();
        let seen = tab.page.seen();
        // What did not come has no status, and that of the page before is not its own.
        let is_about = match browse {
            Browse::Open(..) | Browse::Reload(_) | Browse::Back(_) => tab_is_new,
            Browse::Download(_) => false,
            _ => true,
        };
        if let Some(document) = seen.document().filter(|_| is_about) {
            attempt.reply.status = document.status;
            if tab_is_new {
                attempt.reply.version = document.version();
            }
            attempt.reply.redirects = document.redirects;
            attempt.bytes_received = document.bytes;
        }
        attempt.reply.url = address::url(&seen.url).ok();
        let said = attempt.reply.said.get_or_insert_default();
        said.objections.extend(objections);
        if let Err(away) = binding.page_may_be_at(&seen.url) {
            attempt.fault.get_or_insert(away);
        }
    }

    pub(super) fn address_of(&self, step: &Step, url: &Template) -> Result<String, Fault> {
        let written = self.render(url)?;
        let whole = match written.starts_with('/') {
            true => format!("{}{written}", self.base(step).unwrap_or_default()),
            false => written,
        };
        of_the_web(&whole).map(|()| whole)
    }

    /// An element, with everything filled in.
    pub(super) fn located(&self, element: &Element) -> Result<Locator, Fault> {
        let inner = |element: &Option<Box<Element>>| {
            let element = element.as_deref().map(|element| self.located(element));
            Ok::<_, Fault>(element.transpose()?.map(Box::new))
        };
        let told = |text: &Template| match self.render(text)? {
            text if text.trim().is_empty() => {
                let why = "an empty text finds everything, and so says nothing";
                Err(Fault::new(ErrorClass::Template, why))
            }
            text => Ok(text),
        };
        Ok(Locator {
            by: match &element.by {
                element::By::Role(role, name) => {
                    let name = name.as_ref().map(told).transpose()?;
                    By::Role(told(role)?, name)
                }
                element::By::Label(text) => By::Label(told(text)?),
                element::By::Text(text) => By::Text(told(text)?),
                element::By::Placeholder(text) => By::Placeholder(told(text)?),
                element::By::TestId(id) => By::TestId(told(id)?),
                element::By::Css(selector) => By::Css(told(selector)?),
            },
            exact: element.exact,
            nth: element.nth,
            within: inner(&element.within)?,
            frame: inner(&element.frame)?,
        })
    }

    /// Tells whoever wants to see each exchange of the requests that the page made.
    fn tell_of(&self, tab: &mut Tab, step: &Step) {
        if let Some(tracing) = self.shared.binding.tracing(&step.name) {
            // The document comes last, since the last is what is shown of a step that failed.
            let (documents, others): (Vec<_>, Vec<_>) = tab
                .news()
                .into_iter()
                .partition(|one| one.kind == "Document");
            for request in others.into_iter().chain(documents) {
                tracing.note_page(request);
            }
        }
    }
}

async fn see(tab: &mut Tab, what: &Locator, by: Instant) -> Result<Found, Fault> {
    let count = tab.page.see(what, by).await?;
    let element = match count {
        // One alone can be looked at, unless it goes meanwhile.
        1 => {
            let soon = by.min(Instant::now() + Duration::from_millis(500));
            tab.page.facts(what, None, soon).await.ok()
        }
        _ => None,
    };
    Ok(Found {
        element,
        count: Some(count),
        ..Found::default()
    })
}

/// What is not as it should be.
fn differs(
    facts: &Facts,
    wanted: &Wanted,
    [shows, value]: [&Option<String>; 2],
    attribute: Option<&(&str, String)>,
) -> Option<String> {
    if let Some(shows) = shows
        && !facts.text.contains(shows.trim())
    {
        let text: String = facts.text.chars().take(200).collect();
        return Some(format!("it shows {text:?}, expected {shows:?}"));
    }
    if let Some(value) = value
        && facts.value.as_ref() != Some(value)
    {
        return Some("another value stands in it than was expected".to_owned());
    }
    if let Some((name, is)) = attribute
        && facts.attribute.as_ref() != Some(is)
    {
        return Some(match &facts.attribute {
            Some(other) => format!("its `{name}` is {other:?}, expected {is:?}"),
            None => format!("it has no `{name}`, expected {is:?}"),
        });
    }
    let word = |is: bool, yes: &str| {
        if is {
            yes.to_owned()
        } else {
            format!("not {yes}")
        }
    };
    match (wanted.enabled, wanted.checked) {
        (Some(enabled), _) if facts.enabled != enabled => {
            Some(format!("it is {}", word(facts.enabled, "enabled")))
        }
        (_, Some(checked)) if facts.checked != Some(checked) => match facts.checked {
            Some(now) => Some(format!("it is {}", word(now, "checked"))),
            None => Some("it cannot be checked".to_owned()),
        },
        _ => None,
    }
}
