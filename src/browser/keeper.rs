//! One browser for all pages of equal settings: started when the first is needed, shared, replaced, ended when idle.
//!
//! Decides nothing about pages. Invariant: never more pages at once than there are processors, and none of them in
//! a browser that has shown hundreds: what leaks there goes with it.

use super::chromium::{self, Chromium, Purpose};
use super::faults;
use super::page::{Options, Page};
use super::settings::Settings;
use crate::limits::{BROWSER_IDLE, BROWSER_PAGES_MAX};
use crate::net::program::folders;
use crate::net::{ErrorClass, Fault};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Plain, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// The longest that is waited after a browser did not start.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Keeps one browser.
#[derive(Debug)]
pub struct Keeper {
    settings: Settings,
    places: Arc<Semaphore>,
    count: usize,
    state: Mutex<State>,
    last_used: Plain<Instant>,
}

#[derive(Debug, Default)]
struct State {
    running: Option<Arc<Chromium>>,
    downloads: PathBuf,
    pages: u32,
    failures: u32,
    /// When the next start is tried, and why the last one failed.
    refused: Option<(Instant, String)>,
    has_watch: bool,
}

/// A place among the pages that may be open at once.
#[derive(Debug)]
pub(super) struct Place {
    keeper: Arc<Keeper>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut last = self
            .keeper
            .last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = Instant::now();
    }
}

type Keepers = HashMap<Settings, Arc<Keeper>>;

fn keepers() -> &'static Plain<Keepers> {
    static ALL: OnceLock<Plain<Keepers>> = OnceLock::new();
    ALL.get_or_init(Plain::default)
}

impl Keeper {
    /// Who keeps the browser of these settings.
    pub fn of(settings: &Settings) -> Arc<Keeper> {
        let mut all = keepers().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = all.get(settings) {
            return found.clone();
        }
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let keeper = Arc::new(Keeper {
            settings: settings.clone(),
            places: Arc::new(Semaphore::new(count)),
            count,
            state: Mutex::default(),
            last_used: Plain::new(Instant::now()),
        });
        all.insert(settings.clone(), keeper.clone());
        keeper
    }

    /// A page in a context of its own, once there is a place for it.
    ///
    /// # Errors
    ///
    /// Why there is none: no browser, one that does not start, no place in time. All of them are inconclusive.
    pub async fn page(self: &Arc<Keeper>, options: &Options, by: Instant) -> Result<Page, Fault> {
        let place = tokio::time::timeout_at(by.into(), self.places.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = place else {
            let why = format!(
                "all {} places for pages were taken until time was up",
                self.count
            );
            return Err(Fault::new(ErrorClass::OwnLimit, why));
        };
        let place = Place {
            keeper: self.clone(),
            _permit: permit,
        };
        let (chromium, downloads) = self.browser().await.map_err(|why| faults::none(&why))?;
        Page::open(chromium, place, downloads, options, by).await
    }

    /// All places, so that nobody has a page.
    pub(super) async fn all_places(&self, by: Instant) -> Result<OwnedSemaphorePermit, Fault> {
        let all = self.places.clone().acquire_many_owned(self.count as u32);
        match tokio::time::timeout_at(by.into(), all).await {
            Ok(Ok(places)) => Ok(places),
            _ => {
                let why = "other pages were open until time was up".to_owned();
                Err(Fault::new(ErrorClass::OwnLimit, why))
            }
        }
    }

    pub(super) fn binary(&self) -> Result<PathBuf, String> {
        self.settings.find(&folders().collect::<Vec<_>>())
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Which browser it is, as it names itself; it is started for that.
    ///
    /// # Errors
    ///
    /// Why there is none, and how to mend it.
    pub async fn version(self: &Arc<Keeper>) -> Result<String, String> {
        let (chromium, _) = self.browser().await?;
        Ok(chromium.version.clone())
    }

    async fn browser(self: &Arc<Keeper>) -> Result<(Arc<Chromium>, PathBuf), String> {
        let mut state = self.state.lock().await;
        if let Some(running) = &state.running
            && !running.is_gone()
            && state.pages < BROWSER_PAGES_MAX
        {
            let running = running.clone();
            state.pages += 1;
            return Ok((running, state.downloads.clone()));
        }
        // Pages that are open keep the old one until they are closed.
        state.running = None;
        if let Some((until, why)) = &state.refused
            && *until > Instant::now()
        {
            let left = until.saturating_duration_since(Instant::now()).as_secs() + 1;
            return Err(format!("{why} (tried again in {left} s)"));
        }
        let binary = self.binary()?;
        match Chromium::start(&binary, &self.settings, Purpose::Pages).await {
            Ok((started, downloads)) => {
                let running = Arc::new(started);
                let has_watch = state.has_watch;
                *state = State {
                    running: Some(running.clone()),
                    downloads: downloads.clone(),
                    pages: 1,
                    has_watch: true,
                    ..State::default()
                };
                if !has_watch {
                    self.watch();
                }
                Ok((running, downloads))
            }
            Err(why) => {
                let pause = Duration::from_secs(1 << state.failures.min(6)).min(PAUSE_MAX);
                state.failures += 1;
                state.refused = Some((Instant::now() + pause, why.clone()));
                Err(why)
            }
        }
    }

    /// Ends the browser when nobody has used it for a while.
    #[expect(
        clippy::disallowed_methods,
        reason = "it is a thread of its own that waits"
    )]
    fn watch(self: &Arc<Keeper>) {
        let weak: Weak<Keeper> = Arc::downgrade(self);
        let thread = std::thread::Builder::new().name("browser-idle".to_owned());
        let _ = thread.spawn(move || {
            loop {
                std::thread::sleep(BROWSER_IDLE / 10);
                let Some(keeper) = weak.upgrade() else { return };
                keeper.end_if_idle(Instant::now());
            }
        });
    }

    fn end_if_idle(&self, now: Instant) {
        let last = *self
            .last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_free = self.places.available_permits() == self.count;
        if is_free && now.saturating_duration_since(last) >= BROWSER_IDLE {
            self.state.blocking_lock().running = None;
        }
    }
}

/// Ends every browser, and waits until they have ended. For the end of a process, when nothing uses one any more.
pub fn end_all() {
    let all = std::mem::take(&mut *keepers().lock().unwrap_or_else(PoisonError::into_inner));
    for keeper in all.into_values() {
        if let Ok(mut state) = keeper.state.try_lock() {
            state.running = None;
        }
    }
    chromium::wait_for_endings();
}
