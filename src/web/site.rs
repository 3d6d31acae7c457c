//! What every route knows of the daemon, and who may change anything.

use super::pages::Uptimes;
use super::pages::docs::Reference;
use super::pages::status::Made;
use super::problem::Problem;
use super::sessions::{COOKIE, LASTS_S, Person, Session, Sessions};
use crate::delivery::means::Means;
use crate::gate::driver::Driver;
use crate::incident::keeper::Keeper;
use crate::probe::heartbeats::Heartbeats;
use crate::probe::prober::Prober;
use crate::project::access::{Caller, Role};
use crate::project::current::Current;
use crate::scenario::template::Template;
use crate::secret::Secret;
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::telemetry::metrics::Metrics;
use crate::watch::budgets::Budgets;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::mpsc;

/// Everything that routes may use.
#[derive(Debug, Clone)]
pub struct Site {
    /// State.
    pub store: Store,
    /// Configuration.
    pub current: Arc<Current>,
    /// Gates.
    pub driver: Arc<Driver>,
    /// Probes.
    pub prober: Arc<Prober>,
    /// Incidents.
    pub keeper: Arc<Keeper>,
    /// How the error budgets stand.
    pub budgets: Arc<Budgets>,
    /// Jobs that report.
    pub heartbeats: Arc<Heartbeats>,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// Secrets and sockets.
    pub means: Arc<RwLock<Arc<Means>>>,
    /// Asks the daemon to reload; the answer comes back.
    pub reload: mpsc::Sender<tokio::sync::oneshot::Sender<Result<(), String>>>,
    /// Whether everything is started.
    pub ready: Arc<AtomicBool>,
    /// Tasks that must live as long as the process.
    pub supervisor: Arc<Supervisor>,
    /// Whether only this machine reaches the port.
    pub loopback: bool,
    /// What seals the sessions of browsers.
    pub sessions: Sessions,
    /// Pages of the reference.
    pub reference: Arc<Reference>,
    /// Status pages that were made.
    pub statuses: Made,
    /// How probes did over days.
    pub uptimes: Arc<Uptimes>,
}

/// Who looks at a page.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Who, if that is known.
    pub caller: Option<Caller>,
    /// What they may do; nothing if they may not even look.
    pub role: Option<Role>,
    /// Whether they logged in by a browser.
    pub is_session: bool,
    /// Whether tokens exist.
    pub has_tokens: bool,
}

impl Viewer {
    /// Whether they may do what needs a role.
    pub fn may(&self, needs: Role) -> bool {
        self.role.is_some_and(|role| role >= needs)
    }

    /// The word of what they may do.
    pub fn role_word(&self) -> &'static str {
        self.role.map_or("nothing", Role::word)
    }
}

impl Site {
    /// Secrets and sockets in force.
    pub fn means(&self) -> Arc<Means> {
        self.means
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether anybody has a token: then nothing is open that is not said to be.
    pub fn has_tokens(&self) -> bool {
        let project = self.current.get();
        let file = &project.file;
        file.token.is_some() || !file.tokens.is_empty() || file.openid.is_some()
    }

    /// Who sends a request that needs a role; whoever may not is told why.
    pub fn caller(&self, headers: &HeaderMap, needs: Role) -> Result<Caller, Problem> {
        let (caller, role) = self.known(headers)?;
        // Whoever follows a link comes from elsewhere, and may look; nothing else is done from there.
        let is_by_cookie = self.has_tokens() && bearer(headers).is_empty();
        if needs > Role::Read && is_by_cookie && super::local::is_foreign(headers) {
            let detail = "this request comes from another site";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        if role >= needs {
            return Ok(caller);
        }
        let (has, needs) = (role.word(), needs.word());
        let name = caller.name.as_deref().unwrap_or_default();
        let detail =
            format!("the token of `{name}` has the role `{has}`, and this needs `{needs}`");
        Err(Problem::new(StatusCode::FORBIDDEN, detail))
    }

    /// Who looks, and what they may do.
    pub fn viewer(&self, headers: &HeaderMap) -> Viewer {
        let known = self.known(headers).ok();
        let is_session = bearer(headers).is_empty() && self.session(headers).is_some();
        Viewer {
            role: known.as_ref().map(|(_, role)| *role),
            caller: known.map(|(caller, _)| caller),
            is_session,
            has_tokens: self.has_tokens(),
        }
    }

    /// Who sends a request, and what they may do.
    fn known(&self, headers: &HeaderMap) -> Result<(Caller, Role), Problem> {
        let project = self.current.get();
        let file = &project.file;
        let named = |name: Option<&str>| Caller {
            name: name.map(str::to_owned),
            others_have_names: !file.tokens.is_empty() || file.openid.is_some(),
        };
        if !self.has_tokens() {
            self.unasked(headers)?;
            return Ok((named(None), Role::Administer));
        }
        let given = bearer(headers);
        let session = match given.is_empty() {
            true => self.session(headers),
            false => None,
        };
        if let Some(session) = &session
            && let Some(person) = &session.person
        {
            let (person, role) = self.known_elsewhere(session, person)?;
            return Ok((named(Some(person)), role));
        }
        let is = |token: &Secret| match &session {
            Some(session) => self.sessions.print_of(token) == session.token,
            None => token.is(given),
        };
        for holder in &file.tokens {
            if is(&self.filled(&holder.token)?) {
                return Ok((named(Some(&holder.name)), holder.role));
            }
        }
        match &file.token {
            Some(token) if is(&self.filled(token)?) => Ok((named(None), Role::Administer)),
            _ => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "this needs the server's token: `Authorization: Bearer …`",
            )),
        }
    }

    /// Somebody whom somebody else knows, while that somebody is still asked by the same secret.
    fn known_elsewhere<'a>(
        &self,
        session: &Session,
        person: &'a Person,
    ) -> Result<(&'a str, Role), Problem> {
        let project = self.current.get();
        let openid = project.file.openid.as_ref();
        let print = match openid {
            Some(openid) => {
                let secret = self.filled(&openid.client_secret)?;
                Some(self.sessions.print_of_provider(openid, secret.expose()))
            }
            None => None,
        };
        let is_known = print.is_some_and(|print| print == session.token);
        let role = Role::of(&person.role).filter(|_| is_known);
        let role = role.ok_or_else(|| {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "the session is over: log in again",
            )
        })?;
        Ok((&person.name, role))
    }

    fn filled(&self, token: &Template) -> Result<Secret, Problem> {
        let filled = self.means().fill(token, &BTreeMap::new());
        filled.map_err(|_| {
            let detail = "the server's token cannot be made";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        })
    }

    /// The session that a request brings, if it lasts.
    fn session(&self, headers: &HeaderMap) -> Option<Session> {
        let now_s = crate::clock::now_ms() / 1_000;
        self.sessions
            .session(Site::cookie_of(headers, COOKIE)?, now_s)
    }

    /// The cookie of a name that a request brings.
    pub fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        let cookies = headers.get_all(http::header::COOKIE).iter();
        let texts = cookies.filter_map(|value| value.to_str().ok());
        let mut pairs = texts.flat_map(|text| text.split(';'));
        pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
    }

    /// A cookie that only we read.
    pub fn cookie(&self, name: &str, value: &str, lasts_s: i64) -> Option<HeaderValue> {
        let project = self.current.get();
        let public = project.file.public_url.as_deref().unwrap_or_default();
        let secure = if public.starts_with("https://") {
            "; Secure"
        } else {
            ""
        };
        let text =
            format!("{name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&text).ok()
    }

    /// A session for whoever has a token, and their name; nothing if nobody has it.
    pub fn begin_session(&self, token: &str) -> Result<Option<(String, String)>, Problem> {
        let project = self.current.get();
        let file = &project.file;
        let named = file.tokens.iter();
        let named = named.map(|holder| (&holder.token, holder.name.as_str()));
        for (known, name) in named.chain(file.token.as_ref().map(|token| (token, ""))) {
            let known = self.filled(known)?;
            if known.is(token) {
                let session = Session {
                    token: self.sessions.print_of(&known),
                    person: None,
                    id: crate::ids::random_uuid(),
                    until_s: crate::clock::now_ms() / 1_000 + LASTS_S,
                };
                return Ok(Some((self.sessions.seal(&session), name.to_owned())));
            }
        }
        Ok(None)
    }

    /// By whose name somebody does something that needs a role; `said` is who they say they are.
    pub fn acting(&self, headers: &HeaderMap, needs: Role, said: &str) -> Result<String, Problem> {
        let caller = self.caller(headers, needs)?;
        let acts = caller.acts_as(said);
        acts.map_err(|detail| Problem::new(StatusCode::FORBIDDEN, detail))
    }

    /// Whether a request may change something where nobody has a token.
    fn unasked(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if !self.loopback {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "the server has no token, so nothing can be changed over the network; set `server.token`",
            ));
        }
        if super::local::is_local(headers) {
            Ok(())
        } else {
            Err(Problem::new(
                StatusCode::FORBIDDEN,
                "this request comes from another site",
            ))
        }
    }
}

/// The token that a request brings; empty where it brings none.
pub fn bearer(headers: &HeaderMap) -> &str {
    let value = headers.get(http::header::AUTHORIZATION);
    let text = value.and_then(|value| value.to_str().ok());
    text.and_then(|text| text.strip_prefix("Bearer "))
        .unwrap_or_default()
}
