//! What a page showed so far: its documents, requests, console, violations, dialogs, and whether it is at rest.
//!
//! Pure: folds the browser's events, and says what the browser must be answered at once. Nothing of what stands in
//! bodies, cookies or headers is kept. Invariant: lists are bounded, and what was left out is counted.

use super::network::Added;
use super::requests::{Requested, Requests};
use super::vitals::Vitals;
use super::wire::Event;
use crate::limits::{BROWSER_LINES_MAX, BROWSER_POPUPS_MAX};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// What is to be answered to a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialogs {
    /// It is closed, as by its cancel button.
    #[default]
    Dismiss,
    /// It is agreed to.
    Accept,
}

/// A line on the console that is an error, or an exception that nobody caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `console`, `exception`, `network`, `security` and so on.
    pub source: String,
    /// What it says.
    pub text: String,
    /// Where it comes from, if that is known.
    pub url: String,
}

/// What a policy of the page refused, or would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `content-security-policy` or `mixed-content`.
    pub policy: &'static str,
    /// The directive that was violated, or what became of the content.
    pub directive: String,
    /// What was refused: a URL, `inline` or `eval`.
    pub what: String,
    /// Whether it is only reported.
    pub is_report_only: bool,
}

/// A file that is or was downloaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Download {
    /// The name under which it lies in the folder of downloads.
    pub id: String,
    /// What the page calls it.
    pub name: String,
    /// From where.
    pub url: String,
    /// Bytes so far.
    pub bytes: u64,
    /// Whether it is over, and whether it is whole then.
    pub ended: Option<bool>,
}

/// A call that must be made at once, since the page waits for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reaction {
    pub(super) session: Option<String>,
    pub(super) method: &'static str,
    pub(super) params: Value,
}

/// Where a script of ours stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct World {
    pub(super) session: String,
    pub(super) id: i64,
    pub(super) unique: String,
}

/// What a page showed so far.
#[derive(Debug, Default)]
pub struct Seen {
    pub(super) session: String,
    pub(super) frame: String,
    pub(super) dialogs_are: Dialogs,
    pub(super) added: Added,
    /// The name of the worlds in which our scripts stand.
    pub(super) world_name: &'static str,
    /// Requests and what came of them.
    pub requests: Requests,
    /// Errors on the console.
    pub lines: Vec<Line>,
    /// How many more there were.
    pub more_lines: u64,
    /// What policies refused.
    pub violations: Vec<Violation>,
    /// Dialogs that were opened: their kind, and what they said.
    pub dialogs: Vec<(String, String)>,
    /// Windows that were opened: their addresses.
    pub popups: Vec<String>,
    /// All windows, the first of them the one that was opened for it: session, and main frame.
    pub(super) windows: Vec<(String, String)>,
    /// Downloads.
    pub downloads: Vec<Download>,
    /// How long it took until there was something to see, and so on.
    pub vitals: Vitals,
    /// Where the main frame is.
    pub url: String,
    /// How often the main frame got another document.
    pub documents: u32,
    /// Whether the page has crashed.
    pub has_crashed: bool,
    loader: String,
    reached: BTreeSet<String>,
    is_leaving: bool,
    is_about_to_leave: bool,
    leaving_to: String,
    worlds: HashMap<String, World>,
}

impl Seen {
    /// The request of the document that the main frame shows.
    pub fn document(&self) -> Option<&Requested> {
        self.requests.document(&self.loader)
    }

    /// Whether the main frame shows its newest document, which got so far (`load`, `DOMContentLoaded`, `networkIdle`).
    pub(super) fn has_reached(&self, what: &str) -> bool {
        !self.is_leaving && self.reached.contains(what)
    }

    /// Whether the main frame is about to get another document.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving
    }

    /// Whether the page has asked for another document, which may come or not.
    pub(super) fn is_about_to_leave(&self) -> bool {
        self.is_about_to_leave
    }

    /// Nothing came of what the page, or whoever drives it, asked for.
    pub(super) fn stay(&mut self) {
        self.is_leaving = false;
        self.is_about_to_leave = false;
    }

    /// Where our scripts stand in a frame.
    pub(super) fn world(&self, frame: &str) -> Option<&World> {
        self.worlds.get(frame)
    }

    /// A navigation that was begun by whoever drives the page.
    pub(super) fn leave(&mut self) {
        self.is_leaving = true;
    }

    /// Takes one event.
    pub(super) fn take(&mut self, event: &Event) -> Vec<Reaction> {
        let params = &event.params;
        let is_own = event.session.as_deref() == Some(&*self.session);
        let of_main = params["frameId"] == *self.frame;
        match event.method.as_str() {
            "Target.attachedToTarget" => return self.attached(params),
            "Page.javascriptDialogOpening" => return self.dialog(event),
            "Fetch.requestPaused" => return self.added.go_on(event),
            "Page.frameNavigated" if is_own && params["frame"]["id"] == *self.frame => {
                self.navigated(&params["frame"]);
            }
            "Page.navigatedWithinDocument" if is_own && of_main => {
                self.url = text(params, "url");
            }
            "Page.frameRequestedNavigation" if is_own && of_main => {
                self.is_about_to_leave |= params["disposition"] == "currentTab";
            }
            "Page.frameStartedNavigating" if is_own && of_main => {
                let kind = params["navigationType"].as_str().unwrap_or_default();
                if !kind.to_ascii_lowercase().contains("samedocument") {
                    self.is_leaving = true;
                    self.is_about_to_leave = false;
                    self.leaving_to = text(params, "loaderId");
                }
            }
            "Page.frameStoppedLoading" if is_own && of_main => self.stay(),
            "Page.lifecycleEvent" if is_own && of_main && params["loaderId"] == *self.loader => {
                self.reached.insert(text(params, "name"));
            }
            "Page.downloadWillBegin" => self.downloads_begin(params),
            "Page.downloadProgress" => self.downloads_go_on(params),
            "Inspector.targetCrashed" if is_own => self.has_crashed = true,
            "Runtime.executionContextCreated" => self.world_made(event),
            "Runtime.executionContextDestroyed" => {
                let id = params["executionContextId"].as_i64();
                self.forget_worlds(event, |world| Some(world.id) == id);
            }
            "Runtime.executionContextsCleared" => self.forget_worlds(event, |_| true),
            "Runtime.bindingCalled" => {
                let is_main = self.worlds.get(&self.frame).is_some_and(|world| {
                    is_own && Some(world.id) == params["executionContextId"].as_i64()
                });
                if is_main {
                    self.vitals
                        .take(params["payload"].as_str().unwrap_or_default());
                }
            }
            "Runtime.consoleAPICalled" => self.said(params),
            "Runtime.exceptionThrown" => self.thrown(&params["exceptionDetails"]),
            "Log.entryAdded" => self.logged(&params["entry"]),
            "Audits.issueAdded" => self.issue(&params["issue"]),
            method if method.starts_with("Network.") => {
                self.requests.take(method, params);
                // A reply without a document, or one that is downloaded: the page stays.
                let canceled = method == "Network.loadingFailed" && params["canceled"] == true;
                if canceled && params["requestId"] == *self.leaving_to {
                    self.stay();
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn navigated(&mut self, frame: &Value) {
        self.documents += 1;
        self.stay();
        self.loader = text(frame, "loaderId");
        self.reached.clear();
        self.vitals.begin();
        let unreachable = text(frame, "unreachableUrl");
        self.url = match unreachable.is_empty() {
            true => format!("{}{}", text(frame, "url"), text(frame, "urlFragment")),
            false => unreachable,
        };
    }

    fn world_made(&mut self, event: &Event) {
        let context = &event.params["context"];
        let frame = text(&context["auxData"], "frameId");
        if context["name"] != *self.world_name || frame.is_empty() {
            return;
        }
        let world = World {
            session: event.session.clone().unwrap_or_default(),
            id: context["id"].as_i64().unwrap_or_default(),
            unique: text(context, "uniqueId"),
        };
        self.worlds.insert(frame, world);
    }

    /// Another window is looked at from now on, whose document is this one.
    pub(super) fn enter(&mut self, (session, frame): (String, String), document: &Value) {
        self.session = session;
        self.frame = frame;
        self.navigated(document);
    }

    /// Our scripts in all frames of the window that is looked at.
    pub(super) fn worlds(&self) -> Vec<World> {
        let of_another = |session: &str| {
            let mut others = self.windows.iter().filter(|(one, _)| *one != self.session);
            others.any(|(one, _)| one == session)
        };
        let worlds = self.worlds.values();
        worlds
            .filter(|world| !of_another(&world.session))
            .cloned()
            .collect()
    }

    fn forget_worlds(&mut self, event: &Event, which: impl Fn(&World) -> bool) {
        let session = event.session.as_deref().unwrap_or_default();
        self.worlds
            .retain(|_, world| world.session != session || !which(world));
    }

    /// A frame of another site, a worker or a window: each waits until it is let go.
    fn attached(&mut self, params: &Value) -> Vec<Reaction> {
        let info = &params["targetInfo"];
        let session = Some(text(params, "sessionId"));
        let call = |method, params| Reaction {
            session: session.clone(),
            method,
            params,
        };
        if session.as_deref() == Some(&*self.session) || info["targetId"] == *self.frame {
            return Vec::new();
        }
        let mut calls = vec![
            call("Runtime.enable", json!({})),
            call("Network.enable", json!({"maxPostDataSize": 0})),
            call("Log.enable", json!({})),
        ];
        if matches!(info["type"].as_str(), Some("page" | "iframe")) {
            calls.push(call("Page.enable", json!({})));
            calls.push(call("Audits.enable", json!({})));
            calls.push(call("Target.setAutoAttach", attaching()));
            let script = json!({"source": super::page::SCRIPT, "worldName": self.world_name});
            calls.push(call("Page.addScriptToEvaluateOnNewDocument", script));
        }
        calls.push(call("Runtime.runIfWaitingForDebugger", json!({})));
        if info["type"] == "page" {
            self.popups.push(text(info, "url"));
            self.windows
                .push((text(params, "sessionId"), text(info, "targetId")));
            if self.popups.len() > BROWSER_POPUPS_MAX {
                return vec![Reaction {
                    session: None,
                    method: "Target.closeTarget",
                    params: json!({"targetId": info["targetId"]}),
                }];
            }
        }
        calls
    }

    /// Until a dialog is answered nothing else of the page is.
    fn dialog(&mut self, event: &Event) -> Vec<Reaction> {
        let kind = text(&event.params, "type");
        let accept = kind == "beforeunload" || self.dialogs_are == Dialogs::Accept;
        if self.dialogs.len() < BROWSER_LINES_MAX {
            let said = shortened(&text(&event.params, "message"));
            self.dialogs.push((kind, said));
        }
        vec![Reaction {
            session: event.session.clone(),
            method: "Page.handleJavaScriptDialog",
            params: json!({"accept": accept, "promptText": event.params["defaultPrompt"]}),
        }]
    }

    fn downloads_begin(&mut self, params: &Value) {
        self.is_leaving &= params["frameId"] != *self.frame;
        self.downloads.push(Download {
            id: text(params, "guid"),
            name: text(params, "suggestedFilename"),
            url: text(params, "url"),
            ..Download::default()
        });
    }

    fn downloads_go_on(&mut self, params: &Value) {
        let id = text(params, "guid");
        if let Some(download) = self.downloads.iter_mut().find(|known| known.id == id) {
            download.bytes = params["receivedBytes"].as_f64().unwrap_or_default() as u64;
            download.ended = match params["state"].as_str() {
                Some("completed") => Some(true),
                Some("canceled") => Some(false),
                _ => None,
            };
        }
    }

    fn said(&mut self, params: &Value) {
        if !matches!(params["type"].as_str(), Some("error" | "assert")) {
            return;
        }
        let parts = params["args"].as_array().into_iter().flatten();
        let parts = parts.map(|part| match &part["value"] {
            Value::String(text) => text.clone(),
            Value::Null => text(part, "description"),
            other => other.to_string(),
        });
        let said = parts.collect::<Vec<_>>().join(" ");
        let frames = &params["stackTrace"]["callFrames"];
        self.line("console", &said, &text(&frames[0], "url"));
    }

    fn thrown(&mut self, details: &Value) {
        let description = text(&details["exception"], "description");
        let value = &details["exception"]["value"];
        let said = match (description.is_empty(), value) {
            (false, _) => description,
            (true, Value::Null) => text(details, "text"),
            (true, value) => format!("{} {value}", text(details, "text")),
        };
        self.line("exception", &said, &text(details, "url"));
    }

    fn logged(&mut self, entry: &Value) {
        // What a worker logs is told by the worker itself, too.
        // The icon is asked for by the browser itself, whether the site has one or not.
        let is_icon = entry["source"] == "network" && text(entry, "url").ends_with("/favicon.ico");
        if entry["level"] == "error" && entry["source"] != "worker" && !is_icon {
            let source = text(entry, "source");
            self.line(&source, &text(entry, "text"), &text(entry, "url"));
        }
    }

    fn line(&mut self, source: &str, said: &str, url: &str) {
        if self.lines.len() >= BROWSER_LINES_MAX {
            self.more_lines += 1;
            return;
        }
        self.lines.push(Line {
            source: source.to_owned(),
            text: shortened(said),
            url: shortened(url),
        });
    }

    fn issue(&mut self, issue: &Value) {
        let details = &issue["details"];
        let policy = &details["contentSecurityPolicyIssueDetails"];
        let mixed = &details["mixedContentIssueDetails"];
        let violation = match issue["code"].as_str() {
            Some("ContentSecurityPolicyIssue") => Violation {
                policy: "content-security-policy",
                directive: text(policy, "violatedDirective"),
                what: match (
                    policy["contentSecurityPolicyViolationType"].as_str(),
                    &policy["blockedURL"],
                ) {
                    (_, Value::String(url)) => shortened(url),
                    (Some("kEvalViolation"), _) => "eval".to_owned(),
                    _ => "inline".to_owned(),
                },
                is_report_only: policy["isReportOnly"] == true,
            },
            Some("MixedContentIssue") => Violation {
                policy: "mixed-content",
                directive: text(mixed, "resolutionStatus"),
                what: shortened(&text(mixed, "insecureURL")),
                is_report_only: mixed["resolutionStatus"] == "MixedContentWarning",
            },
            _ => return,
        };
        if self.violations.len() < BROWSER_LINES_MAX && !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }
}

/// Frames, workers and windows stop before their first request, until they are set up.
pub(super) fn attaching() -> Value {
    json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true})
}

pub(super) fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// A text of a page, of a length that can be kept, without what moves the cursor of a terminal or rings its bell.
pub(super) fn shortened(text: &str) -> String {
    let kept = text.chars().take(2_000);
    kept.map(|letter| match letter {
        '\n' | '\t' => letter,
        letter if letter.is_control() => '\u{fffd}',
        letter => letter,
    })
    .collect()
}

#[cfg(test)]
#[path = "seen_tests.rs"]
mod tests;
