//! What the interpreter and its virtual user both see: where the script is, what it notes, what it asks.
//!
//! Lives on one thread at a time. Invariant: once it is interrupted, nothing of the script goes on: each of its
//! calls fails, and so does whatever it does without calling.

use super::ask::{Answer, Ask, Expected, Order, Outcome, Request, Resume};
use super::going::Target;
use super::patience::{Over, Patience};
use super::program::Program;
use super::run::Run;
use crate::k6::tally::Tally;
use crate::net::ErrorClass;
use crate::net::protobuf::{Call, Schema};
use crate::vu::cookies::Jar;
use corosensei::Yielder;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What a script is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It is being loaded.
    Start,
    /// `setup`.
    Setup,
    /// An iteration.
    Iteration,
    /// `teardown`.
    Teardown,
    /// `handleSummary`.
    Summary,
}

/// A line that a script says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// `debug`, `info`, `warning` or `error`.
    pub level: &'static str,
    /// Its words.
    pub text: String,
    /// Whether `console` says it, or we.
    pub is_console: bool,
}

/// Where lines go.
pub type Log = Arc<dyn Fn(&Said) + Send + Sync>;

/// What both see.
pub struct Host {
    /// The script.
    pub program: Arc<Program>,
    /// What all virtual users share; nothing while a script is only looked at.
    pub run: Option<Arc<Run>>,
    /// Where lines go.
    pub log: Log,
    /// What the thread counts.
    pub tally: Arc<Mutex<Tally>>,
    /// The number of its scenario.
    pub scenario: usize,
    /// Its number, from 1; 0 where it is none that performs iterations.
    pub id: Cell<u64>,
    /// Iterations before this one.
    pub iteration: Cell<u64>,
    /// The same of all virtual users of its scenario.
    pub iteration_in_test: Cell<u64>,
    /// What it is doing.
    pub doing: Cell<Doing>,
    /// The path of the group that it is in; empty for none.
    pub group: RefCell<String>,
    /// Tags of its samples.
    pub tags: RefCell<Vec<(String, String)>>,
    /// Jars by number; the first is its own.
    pub jars: RefCell<BTreeMap<usize, Jar>>,
    /// The number of the next jar, and of the first that was made by an iteration.
    pub next_jar: Cell<(usize, usize)>,
    /// Bytes of bodies that the script holds.
    pub body_bytes: Rc<Cell<usize>>,
    /// Where it sent requests.
    pub(super) targets: RefCell<HashMap<Box<str>, Arc<Target>>>,
    /// Which statuses are expected where a request does not say.
    pub(super) expected: RefCell<Expected>,
    /// Requests that were started and not sent yet.
    pub started: RefCell<Vec<Request>>,
    /// Requests that were started and are not answered yet.
    pub outstanding: Cell<u32>,
    /// What is wanted of sockets and was not looked at yet, by their numbers.
    pub orders: RefCell<Vec<(u32, Order)>>,
    /// Bytes that wait to be sent, by the numbers of their sockets.
    pub unsent: RefCell<HashMap<u32, usize>>,
    /// Sockets whose end the script was not told of.
    pub sockets: Cell<u32>,
    /// What came while the script waited for something else.
    pub(super) later: RefCell<VecDeque<Answer>>,
    /// Whether a timer was ever set, in what is performed.
    pub armed: Cell<bool>,
    /// How many timers were set.
    pub timers: Cell<u64>,
    /// Checks since somebody looked, by their place in the tally, and whether they held.
    pub checked: RefCell<Vec<(usize, bool)>>,
    /// Numbers of the steps that checks are, by the same.
    pub check_steps: RefCell<Vec<Option<usize>>>,
    /// Where names of steps are put together.
    pub step_name: RefCell<String>,
    /// The class of the first request that failed, of what is performed.
    pub failed: Cell<Option<ErrorClass>>,
    /// Numbers of steps by their names.
    pub steps: RefCell<HashMap<Box<str>, usize>>,
    /// Whether no more steps are told apart.
    pub is_full: Cell<bool>,
    /// What was loaded of calls of gRPC, and the calls that it asked for, by number.
    pub schemas: RefCell<Vec<Schema>>,
    /// As above.
    pub calls: RefCell<Vec<Call>>,
    next_request: Cell<u32>,
    yielder: Cell<*const Yielder<Resume, Ask>>,
    interrupted: Cell<bool>,
    aborted: RefCell<Option<String>>,
    patience: Patience,
}

/// What a call fails with once nothing is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

impl Host {
    /// Of a virtual user; its tags are those of the options and of its scenario.
    pub fn new(
        program: Arc<Program>,
        run: Option<Arc<Run>>,
        log: Log,
        tally: Arc<Mutex<Tally>>,
        (id, scenario): (u64, usize),
    ) -> Host {
        let tags = run.as_ref().map(|run| run.tags(scenario));
        Host {
            program,
            run,
            log,
            tally,
            scenario,
            id: Cell::new(id),
            iteration: Cell::new(0),
            iteration_in_test: Cell::new(0),
            doing: Cell::new(Doing::Start),
            group: RefCell::default(),
            tags: RefCell::new(tags.unwrap_or_default()),
            jars: RefCell::new([(0, Jar::default())].into()),
            next_jar: Cell::new((1, usize::MAX)),
            body_bytes: Rc::default(),
            targets: RefCell::default(),
            expected: RefCell::new(Expected::Usual),
            started: RefCell::default(),
            outstanding: Cell::new(0),
            orders: RefCell::default(),
            unsent: RefCell::default(),
            sockets: Cell::new(0),
            later: RefCell::default(),
            armed: Cell::new(false),
            timers: Cell::new(0),
            checked: RefCell::default(),
            check_steps: RefCell::default(),
            step_name: RefCell::default(),
            failed: Cell::new(None),
            steps: RefCell::default(),
            is_full: Cell::new(false),
            schemas: RefCell::default(),
            calls: RefCell::default(),
            next_request: Cell::new(0),
            yielder: Cell::new(std::ptr::null()),
            interrupted: Cell::new(false),
            aborted: RefCell::default(),
            patience: Patience::default(),
        }
    }

    /// What the thread counts.
    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says a line.
    pub fn say(&self, level: &'static str, text: String) {
        let is_console = false;
        (self.log)(&Said {
            level,
            text,
            is_console,
        });
    }

    /// From now on asks leave by this way.
    pub(super) fn leave_by(&self, yielder: *const Yielder<Resume, Ask>) {
        self.yielder.set(yielder);
    }

    /// Something new begins.
    pub(super) fn begin(&self, doing: Doing) {
        self.doing.set(doing);
        self.interrupted.set(false);
        self.outstanding.set(0);
        self.started.borrow_mut().clear();
        self.orders.borrow_mut().clear();
        self.sockets.set(0);
        self.unsent.borrow_mut().clear();
        self.later.borrow_mut().clear();
        self.group.borrow_mut().clear();
        self.aborted.borrow_mut().take();
        let options = self.run.as_ref().map(|run| &run.options);
        let time = options.and_then(|options| match doing {
            Doing::Setup => Some(options.setup_timeout),
            Doing::Teardown => Some(options.teardown_timeout),
            Doing::Start | Doing::Iteration | Doing::Summary => None,
        });
        self.patience.begin(Instant::now(), time);
    }

    /// Leaves the stack of the interpreter until there is an answer.
    pub(super) fn ask(&self, ask: Ask) -> Result<Answer, Interrupted> {
        if self.interrupted.get() {
            return Err(Interrupted);
        }
        let yielder = self.yielder.get();
        assert!(!yielder.is_null(), "a script asks on a stack of its own");
        // SAFETY: the pointer was set by the function that runs this coroutine, which outlives every call
        // that the interpreter makes on its stack.
        let resume = unsafe { &*yielder }.suspend(ask);
        self.patience.turn();
        match resume {
            Resume::Answer(answer) => Ok(answer),
            Resume::Interrupt | Resume::Quit | Resume::Perform(_) => {
                self.interrupted.set(true);
                Err(Interrupted)
            }
        }
    }

    /// What comes next: what came while the script waited for something else, or until a moment.
    pub(super) fn next(&self, until: Option<Instant>) -> Result<Answer, Interrupted> {
        let kept = self.later.borrow_mut().pop_front();
        kept.map_or_else(|| self.ask(Ask::Idle(until)), Ok)
    }

    /// Whether the interpreter is to stop where it is.
    pub(super) fn is_over(&self) -> bool {
        if self.interrupted.get() {
            return true;
        }
        let over = self.patience.over(Instant::now());
        if over == Some(Over::End) || self.is_halted() {
            self.interrupted.set(true);
        }
        over.is_some() || self.interrupted.get()
    }

    /// Whether the run was ended at once, or the time of the scenario is over, and this is part of what ends with it.
    fn is_halted(&self) -> bool {
        self.run.as_ref().is_some_and(|run| match self.doing.get() {
            Doing::Setup => run.is_halted(),
            Doing::Iteration => run.is_halted() || run.is_over_for(self.scenario),
            Doing::Start | Doing::Teardown | Doing::Summary => false,
        })
    }

    /// Whether it computed for too long.
    pub(super) fn is_endless(&self) -> bool {
        !self.interrupted.get() && self.is_over()
    }

    /// The script ends the run.
    pub(super) fn abort(&self, words: String) {
        self.interrupted.set(true);
        *self.aborted.borrow_mut() = Some(words);
    }

    /// Why nothing goes on, if nothing does.
    pub(super) fn ended(&self) -> Option<Outcome> {
        if let Some(words) = self.aborted.borrow().clone() {
            return Some(Outcome::Aborted(words));
        }
        self.interrupted.get().then_some(Outcome::Interrupted)
    }

    /// The number of the next request that is started.
    pub(super) fn number(&self) -> u32 {
        let number = self.next_request.get() + 1;
        self.next_request.set(number);
        number
    }
}
