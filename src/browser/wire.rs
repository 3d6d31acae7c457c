//! Calls and events of the DevTools protocol over a browser's pipe.
//!
//! Two threads of its own read and write, so that any runtime may call. Answers find whoever asked by their number;
//! events find the page that they are of by their session. What nobody reads is counted, never waited for:
//! one page that is not looked at holds up no other.
//!
//! Knows nothing of what methods mean, but for which session belongs to which page.

use super::framing::Splitter;
use crate::limits::{BROWSER_EVENTS_MAX, BROWSER_MESSAGE_BYTES_MAX};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc as channel};
use tokio::sync::{mpsc, oneshot};

/// Something that happened in a page, or in a frame or worker of it.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// Which session it is of; none is the browser's own.
    pub(super) session: Option<String>,
    /// What happened.
    pub(super) method: String,
    /// What is told of it.
    pub(super) params: Value,
}

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The browser says why.
    Said(String),
    /// Nothing came in time.
    Late,
    /// The browser is gone.
    Gone,
}

/// What comes of a call.
pub(super) type Answer = Result<Value, Refusal>;

/// What a page reads its events from, and what it missed.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) missed: Arc<Missed>,
}

/// Events that nobody had room for.
#[derive(Debug, Default)]
pub(super) struct Missed {
    /// Lines on the console: there were thousands of others.
    pub(super) lines: AtomicU64,
    /// Everything else: what was seen is not all.
    pub(super) others: AtomicU64,
}

#[derive(Debug, Clone)]
struct Route {
    sender: mpsc::Sender<Event>,
    missed: Arc<Missed>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    /// Pages by their contexts.
    contexts: HashMap<String, Route>,
    /// Contexts by their sessions.
    sessions: HashMap<String, String>,
    is_over: bool,
}

/// One browser's pipe.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    state: Arc<Mutex<State>>,
    out: channel::Sender<Vec<u8>>,
}

impl Wire {
    /// Speaks over a pipe from now on, until the browser closes it.
    pub(super) fn new(read: File, write: File) -> std::io::Result<Wire> {
        let state = Arc::new(Mutex::new(State::default()));
        let (out, calls) = channel::channel();
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let listening = state.clone();
        named("browser-reads").spawn(move || listen(read, &listening))?;
        named("browser-writes").spawn(move || speak(write, &calls))?;
        Ok(Wire { state, out })
    }

    /// Calls a method; the answer may never come, so whoever waits has a deadline.
    pub(super) fn call(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        if state.is_over {
            let _ = sender.send(Err(Refusal::Gone));
            return receiver;
        }
        // Whoever no longer waits is forgotten, or a browser that never answers would fill the memory.
        if state.waiting.len() >= BROWSER_EVENTS_MAX {
            state.waiting.retain(|_, waiting| !waiting.is_closed());
        }
        state.last += 1;
        let id = state.last;
        state.waiting.insert(id, sender);
        self.say(id, session, method, params);
        receiver
    }

    /// Calls a method of which nobody wants the answer.
    pub(super) fn tell(&self, session: Option<&str>, method: &str, params: Value) {
        let mut state = self.state();
        state.last += 1;
        self.say(state.last, session, method, params);
    }

    fn say(&self, id: u64, session: Option<&str>, method: &str, params: Value) {
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        // Where writing has ended reading ends, too, and everybody who waits is told.
        let _ = self.out.send(bytes);
    }

    /// Has the events of a context handed to one reader.
    pub(super) fn follow(&self, context: &str) -> Feed {
        let (sender, events) = mpsc::channel(BROWSER_EVENTS_MAX);
        let missed = Arc::new(Missed::default());
        let route = Route {
            sender,
            missed: missed.clone(),
        };
        self.state().contexts.insert(context.to_owned(), route);
        Feed { events, missed }
    }

    /// Hands a context's events to nobody any more.
    pub(super) fn leave(&self, context: &str) {
        let mut state = self.state();
        state.contexts.remove(context);
        state.sessions.retain(|_, of| of != context);
    }

    /// Whether the browser has gone.
    pub(super) fn is_over(&self) -> bool {
        self.state().is_over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is called, until nobody can call any more or nobody listens.
fn speak(mut write: File, calls: &channel::Receiver<Vec<u8>>) {
    while let Ok(bytes) = calls.recv() {
        if write.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn listen(mut read: File, state: &Mutex<State>) {
    let mut splitter = Splitter::new(BROWSER_MESSAGE_BYTES_MAX);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match read.read(&mut buffer) {
            Err(why) if why.kind() == std::io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
            Ok(count) => splitter.take(&buffer[..count], |message| {
                if let Ok(message) = serde_json::from_slice(message) {
                    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.hear(message);
                }
            }),
        }
    }
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.is_over = true;
    state.contexts.clear();
    for (_, waiting) in state.waiting.drain() {
        let _ = waiting.send(Err(Refusal::Gone));
    }
}

/// What is told of every piece of a body, and what nobody here asks for.
const IDLE_TALK: [&str; 10] = [
    "Network.dataReceived",
    "Network.resourceChangedPriority",
    "Network.webSocketFrameReceived",
    "Network.webSocketFrameSent",
    "Network.eventSourceMessageReceived",
    "Network.policyUpdated",
    "Browser.downloadWillBegin",
    "Browser.downloadProgress",
    "DOM.documentUpdated",
    "Target.targetInfoChanged",
];

impl State {
    fn hear(&mut self, mut message: Value) {
        if let Some(id) = message.get("id").and_then(Value::as_u64) {
            if let Some(waiting) = self.waiting.remove(&id) {
                let _ = waiting.send(answer(&mut message));
            }
            return;
        }
        let Some(method) = message.get("method").and_then(Value::as_str) else {
            return;
        };
        if IDLE_TALK.contains(&method) {
            return;
        }
        let event = Event {
            method: method.to_owned(),
            session: text(&message, "sessionId"),
            params: message["params"].take(),
        };
        let Some(context) = self.context_of(&event) else {
            return;
        };
        if event.method == "Target.attachedToTarget"
            && let Some(session) = text(&event.params, "sessionId")
        {
            self.sessions.insert(session, context.clone());
        }
        if event.method == "Target.detachedFromTarget"
            && let Some(session) = text(&event.params, "sessionId")
        {
            self.sessions.remove(&session);
        }
        if let Some(route) = self.contexts.get(&context) {
            let is_line = is_line(&event.method);
            if route.sender.try_send(event).is_err() {
                let missed = match is_line {
                    true => &route.missed.lines,
                    false => &route.missed.others,
                };
                missed.fetch_add(1, Relaxed);
            }
        }
    }

    /// Which page an event is of.
    fn context_of(&self, event: &Event) -> Option<String> {
        let by_session = |session: &String| self.sessions.get(session).cloned();
        if let Some(found) = event.session.as_ref().and_then(by_session) {
            return Some(found);
        }
        let info = event.params.get("targetInfo");
        if let Some(context) = info.and_then(|info| text(info, "browserContextId")) {
            return Some(context);
        }
        // What the browser itself tells of a session that has gone.
        text(&event.params, "sessionId")
            .as_ref()
            .and_then(by_session)
    }
}

fn is_line(method: &str) -> bool {
    matches!(
        method,
        "Runtime.consoleAPICalled" | "Log.entryAdded" | "Runtime.exceptionThrown"
    )
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn answer(message: &mut Value) -> Answer {
    match message.get("error") {
        Some(error) => Err(Refusal::Said(
            text(error, "message").unwrap_or_else(|| error.to_string()),
        )),
        None => Ok(message["result"].take()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(context: &str, session: &str) -> (State, mpsc::Receiver<Event>) {
        let mut state = State::default();
        let (sender, events) = mpsc::channel(2);
        let route = Route {
            sender,
            missed: Arc::default(),
        };
        state.contexts.insert(context.to_owned(), route);
        state.hear(json!({
            "method": "Target.attachedToTarget",
            "params": {"sessionId": session, "targetInfo": {"browserContextId": context}},
        }));
        (state, events)
    }

    #[test]
    fn events_reach_the_page_of_their_session_and_no_other() {
        let (mut state, mut events) = state_of("C1", "S1");
        state.hear(json!({"method": "Page.loadEventFired", "sessionId": "S1", "params": {}}));
        state.hear(json!({"method": "Page.loadEventFired", "sessionId": "S2", "params": {}}));
        assert_eq!(events.try_recv().unwrap().method, "Target.attachedToTarget");
        assert_eq!(events.try_recv().unwrap().session.as_deref(), Some("S1"));
        assert!(events.try_recv().is_err());
    }

    #[test]
    fn frames_of_a_page_are_told_to_the_page() {
        let (mut state, mut events) = state_of("C1", "S1");
        let info = json!({"sessionId": "S1-frame", "targetInfo": {"type": "iframe"}});
        state.hear(json!({"method": "Target.attachedToTarget", "sessionId": "S1", "params": info}));
        let told = json!({"method": "Log.entryAdded", "sessionId": "S1-frame", "params": {}});
        let (mut seen, mut frame) = (0, false);
        events.try_recv().unwrap();
        events.try_recv().unwrap();
        state.hear(told);
        while let Ok(event) = events.try_recv() {
            seen += 1;
            frame |= event.session.as_deref() == Some("S1-frame");
        }
        assert!(seen == 1 && frame);
    }

    #[test]
    fn what_nobody_has_room_for_is_counted_lines_apart_from_the_rest() {
        let (mut state, _events) = state_of("C1", "S1");
        for _ in 0..5 {
            state.hear(json!({"method": "Log.entryAdded", "sessionId": "S1", "params": {}}));
            state.hear(json!({"method": "Page.frameNavigated", "sessionId": "S1", "params": {}}));
        }
        let missed = &state.contexts["C1"].missed;
        assert_eq!(missed.lines.load(Relaxed), 4);
        assert_eq!(missed.others.load(Relaxed), 5);
    }

    #[test]
    fn an_answer_finds_who_asked_and_a_refusal_says_why() {
        let mut state = State::default();
        let (sender, mut receiver) = oneshot::channel();
        state.waiting.insert(7, sender);
        state.hear(json!({"id": 7, "error": {"code": -32000, "message": "no such page"}}));
        state.hear(json!({"id": 8, "result": {}}));
        let told = Refusal::Said("no such page".to_owned());
        assert_eq!(receiver.try_recv().unwrap(), Err(told));
    }
}
