//! One interpreter on a stack of its own.
//!
//! k6's calls are synchronous, and QuickJS cannot stand still in the middle of one; so each interpreter runs in
//! a coroutine, and a call that takes time leaves its stack (0.2 µs) until there is an answer. Knows the
//! life of a script; does not know what asks mean.
//!
//! Invariant: a coroutine is never dropped while the interpreter is in the middle of something: frames of C
//! cannot be unwound. It is told to stop, and every call of it fails until it has returned. Interpreter and
//! values are made, used and dropped on that stack alone.

use super::ask::{Ask, Outcome, Resume, Task, Thrown};
use super::dialect::COMMON_JS;
use super::files::Files;
use super::host::{Doing, Host};
use super::modules::{self, NATIVE};
use super::native_reply;
use super::native_socket;
use super::natives;
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};
use rquickjs::promise::PromiseState;
use rquickjs::{
    Context, Ctx, Error, Exception, FromJs, Function, Module, Object, Promise, Runtime, Value,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Bytes that one interpreter may use.
const MEMORY_MAX: usize = 512 * 1024 * 1024;
/// Bytes of its stack, and how much of it scripts may use: the rest is for what they call.
const STACK: usize = 512 * 1024;
const STACK_OF_SCRIPT: usize = 320 * 1024;
/// The longest time until a timer.
const WAIT_MAX: Duration = Duration::from_secs(366 * 86_400);

/// An interpreter that has loaded a script.
pub struct Engine {
    coroutine: Coroutine<Resume, Ask, ()>,
    /// What it shares with its virtual user.
    pub(super) host: Rc<Host>,
    /// Whether it is in the middle of something.
    is_busy: bool,
}

// SAFETY: interpreter and host are reached by one virtual user alone, whose this is, so that there are never two threads at them at
// once. Nothing of the interpreter is bound to a thread: its stack is the coroutine's, by which it also knows
// how deep it is.
unsafe impl Send for Engine {}

impl Engine {
    /// Loads a script whose iterations perform the function with a name.
    pub fn start(host: Host, exec: &str) -> Result<(Engine, Outcome), String> {
        let stack = DefaultStack::new(STACK)
            .map_err(|error| format!("there is no memory for another virtual user: {error}"))?;
        let host = Rc::new(host);
        let (own, exec) = (host.clone(), exec.to_owned());
        let coroutine = Coroutine::with_stack(stack, move |yielder, first| {
            own.leave_by(std::ptr::from_ref(yielder));
            let finish = |outcome| yielder.suspend(Ask::Done(outcome));
            live(&own, &exec, first, &finish);
        });
        let mut engine = Engine {
            coroutine,
            host,
            is_busy: true,
        };
        let outcome = match engine.resume(Resume::Interrupt) {
            Ask::Done(outcome) => outcome,
            // Nothing can be asked for while a script is loaded.
            _ => Outcome::Interrupted,
        };
        Ok((engine, outcome))
    }

    /// Lets it go on until it asks for something, or is done.
    pub fn resume(&mut self, resume: Resume) -> Ask {
        let ask = match self.coroutine.resume(resume) {
            CoroutineResult::Yield(ask) => ask,
            CoroutineResult::Return(()) => Ask::Done(Outcome::Interrupted),
        };
        self.is_busy = !matches!(ask, Ask::Done(_));
        ask
    }

    /// Ends what it is in the middle of.
    pub fn settle(&mut self) {
        while self.is_busy {
            self.resume(Resume::Interrupt);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.settle();
        if !self.coroutine.done() {
            self.coroutine.resume(Resume::Quit);
        }
    }
}

/// The life of an interpreter; all of it on a stack of its own.
fn live(host: &Rc<Host>, exec: &str, first: Resume, finish: &dyn Fn(Outcome) -> Resume) {
    if matches!(first, Resume::Quit) {
        return;
    }
    let made = Runtime::new().and_then(|runtime| {
        let context = Context::full(&runtime)?;
        Ok((runtime, context))
    });
    let Ok((runtime, context)) = made else {
        let message = "there is no memory for another virtual user".to_owned();
        let stack = String::new();
        finish(Outcome::Thrown(Thrown { message, stack }));
        return;
    };
    runtime.set_memory_limit(MEMORY_MAX);
    runtime.set_max_stack_size(STACK_OF_SCRIPT);
    let over = host.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || over.is_over())));
    runtime.set_loader(Files(host.clone()), Files(host.clone()));
    let rejected = Rc::new(RefCell::new(BTreeMap::new()));
    let noted = rejected.clone();
    runtime.set_host_promise_rejection_tracker(Some(Box::new(
        move |ctx, promise, reason, is_handled| {
            let key = place_of(&promise);
            if is_handled {
                noted.borrow_mut().remove(&key);
            } else {
                noted.borrow_mut().insert(key, thrown(&ctx, reason));
            }
        },
    )));
    context.with(|ctx| {
        host.begin(Doing::Start);
        let life = Life {
            ctx: ctx.clone(),
            host,
            rejected: &rejected,
        };
        let mut script = match life.load(exec) {
            Ok(script) => script,
            Err(outcome) => {
                finish(outcome);
                return;
            }
        };
        let mut resume = finish(Outcome::Returned(Some(script.exports())));
        while let Resume::Perform(task) = resume {
            let outcome = life.perform(&mut script, task);
            resume = finish(outcome);
        }
    });
}

/// What a script gives: of CommonJS, what it put into `exports`.
fn given_by(namespace: Object<'_>) -> rquickjs::Result<Object<'_>> {
    match namespace.get::<_, Option<bool>>(COMMON_JS)? {
        Some(true) => namespace.get("default"),
        _ => Ok(namespace),
    }
}

/// Where a value stands: the same value is always at the same place.
fn place_of(value: &Value<'_>) -> usize {
    // SAFETY: a promise is an object, whose value holds a pointer.
    unsafe { rquickjs::qjs::JS_VALUE_GET_PTR(value.as_raw()) as usize }
}

/// What was thrown, as people read it.
fn thrown<'js>(ctx: &Ctx<'js>, value: Value<'js>) -> Thrown {
    let Some(exception) = value.as_object().cloned().and_then(Exception::from_object) else {
        let text = ctx.json_stringify(value.clone()).ok().flatten();
        let message = match value.as_string().and_then(|text| text.to_string().ok()) {
            Some(text) => text,
            None => text
                .and_then(|text| text.to_string().ok())
                .unwrap_or_default(),
        };
        // Whatever went wrong with showing it is not what was thrown.
        ctx.catch();
        let stack = String::new();
        return Thrown { message, stack };
    };
    let name: Option<String> = exception.as_object().get("name").ok();
    let name = name.unwrap_or_else(|| "Error".to_owned());
    let message = match exception.message() {
        Some(message) if !message.is_empty() => format!("{name}: {message}"),
        _ => name,
    };
    let stack = exception.stack().unwrap_or_default();
    ctx.catch();
    Thrown {
        message,
        stack: stack
            .lines()
            .filter(|line| is_of_script(line))
            .map(|line| format!("{line}\n"))
            .collect(),
    }
}

/// Whether a line of a stack is of a user's file, not of our own modules.
fn is_of_script(line: &str) -> bool {
    let own = modules::BUILT_IN.iter().any(|(name, _)| {
        line.contains(&format!("({name}:")) || line.trim().starts_with(&format!("at {name}:"))
    });
    !own && !line.contains("(native)") && !line.contains(NATIVE)
}

/// Functions of a script.
struct Script<'js> {
    names: Vec<String>,
    exec: Option<Function<'js>>,
    setup: Option<Function<'js>>,
    teardown: Option<Function<'js>>,
    summary: Option<Function<'js>>,
    options: String,
    /// What `setup` returned, for this virtual user alone.
    data: Option<Value<'js>>,
    turn: Function<'js>,
    arrived: Function<'js>,
    happened: Function<'js>,
    clear: Function<'js>,
    written: Function<'js>,
}

impl Script<'_> {
    /// Its options and the names of its exports, as JSON.
    fn exports(&self) -> String {
        let names = serde_json::to_string(&self.names).unwrap_or_default();
        format!("{{\"options\":{},\"exports\":{names}}}", self.options)
    }
}

struct Life<'a, 'js> {
    ctx: Ctx<'js>,
    host: &'a Rc<Host>,
    rejected: &'a RefCell<BTreeMap<usize, Thrown>>,
}

impl<'js> Life<'_, 'js> {
    fn load(&self, exec: &str) -> Result<Script<'js>, Outcome> {
        let ctx = &self.ctx;
        let ready = || -> rquickjs::Result<Object<'js>> {
            natives::put(ctx, self.host)?;
            let start = Module::import(ctx, "bellwether:start")?;
            start.finish::<Object<'js>>()?.get("default")
        };
        let start = self.caught(ready())?;
        let entry = self.host.program.entry.display().to_string();
        let loading = self.caught(Module::import(ctx, entry))?;
        let turn: Function<'js> = self.caught(start.get("turn"))?;
        let script = |namespace: &Object<'js>| -> rquickjs::Result<Script<'js>> {
            let names: Vec<String> = namespace.keys().collect::<rquickjs::Result<_>>()?;
            let options: Value<'js> = namespace.get("options")?;
            let options = ctx.json_stringify(options)?;
            let function = |name: &str| {
                let value = namespace.get::<_, Value<'js>>(name).ok()?;
                value.as_function().cloned()
            };
            Ok(Script {
                exec: function(exec),
                setup: function("setup"),
                teardown: function("teardown"),
                summary: function("handleSummary"),
                names: names
                    .into_iter()
                    .filter(|name| function(name).is_some())
                    .collect(),
                options: match options {
                    Some(text) => text.to_string()?,
                    None => "{}".to_owned(),
                },
                data: None,
                turn: turn.clone(),
                arrived: start.get("arrived")?,
                happened: start.get("happened")?,
                clear: start.get("clear")?,
                written: start.get("written")?,
            })
        };
        self.run_jobs();
        let namespace = match loading.result::<Object<'js>>() {
            Some(result) => self.caught(result)?,
            None => {
                let message = "the script waits for something while it is loaded".to_owned();
                let stack = String::new();
                return Err(self
                    .host
                    .ended()
                    .unwrap_or(Outcome::Thrown(Thrown { message, stack })));
            }
        };
        if self.host.is_over() {
            // What it left to be done has no end.
            self.caught::<()>(Err(Error::Exception))?;
        }
        if let Some((_, thrown)) = self.rejected.borrow_mut().pop_first() {
            return Err(Outcome::Thrown(thrown));
        }
        let namespace = self.caught(given_by(namespace))?;
        let script = self.caught(script(&namespace))?;
        self.host.ended().map_or(Ok(script), Err)
    }

    /// What a call came to, with whatever it threw.
    fn caught<T>(&self, result: rquickjs::Result<T>) -> Result<T, Outcome> {
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let is_endless = self.host.is_endless();
        let said = match error {
            Error::Exception => thrown(&self.ctx, self.ctx.catch()),
            other => Thrown {
                message: other.to_string(),
                stack: String::new(),
            },
        };
        if let Some(ended) = self.host.ended() {
            return Err(ended);
        }
        let message = match said.message.as_str() {
            _ if is_endless => format!(
                "it computed for {} without asking for anything, and was stopped",
                crate::duration::show(super::patience::TURN_MAX)
            ),
            "" => "undefined".to_owned(),
            _ => said.message,
        };
        Err(Outcome::Thrown(Thrown { message, ..said }))
    }

    /// Lets what was promised happen, as far as there is time.
    fn run_jobs(&self) {
        let mut jobs = 0_u32;
        while self.ctx.execute_pending_job() {
            jobs += 1;
            // Each may be short, and make the next one: the clock is looked at now and then.
            if jobs.is_multiple_of(1_000) && self.host.is_over() {
                break;
            }
        }
    }

    fn perform(&self, script: &mut Script<'js>, task: Task) -> Outcome {
        let (doing, function) = match &task {
            Task::Setup => (Doing::Setup, script.setup.clone()),
            Task::Iterate => (Doing::Iteration, script.exec.clone()),
            Task::Teardown => (Doing::Teardown, script.teardown.clone()),
            Task::Summary(_) => (Doing::Summary, script.summary.clone()),
        };
        self.host.begin(doing);
        self.rejected.borrow_mut().clear();
        let Some(function) = function else {
            return Outcome::Returned(None);
        };
        let outcome = self.called(script, &function, &task);
        if outcome.is_err() {
            // What it left to be done is of this one, and of none that comes next.
            self.run_jobs();
        }
        // No timer of what was cut off goes on in what comes next.
        if self.host.armed.replace(false) {
            let cleared: rquickjs::Result<()> = script.clear.call(());
            if cleared.is_err() {
                self.ctx.catch();
            }
        }
        match outcome {
            Ok(value) if doing == Doing::Setup => self.as_json(value),
            Ok(value) if doing == Doing::Summary => {
                match self.caught(script.written.call((value,))) {
                    Ok(value) => self.as_json(value),
                    Err(outcome) => outcome,
                }
            }
            Ok(_) => Outcome::Returned(None),
            Err(outcome) => outcome,
        }
    }

    fn as_json(&self, value: Value<'js>) -> Outcome {
        match self.caught(self.ctx.json_stringify(value)) {
            Ok(text) => Outcome::Returned(text.and_then(|text| text.to_string().ok())),
            Err(outcome) => outcome,
        }
    }

    fn called(
        &self,
        script: &mut Script<'js>,
        function: &Function<'js>,
        task: &Task,
    ) -> Result<Value<'js>, Outcome> {
        let value = match task {
            Task::Setup => function.call(()),
            Task::Summary(data) => {
                let data = self.caught(self.ctx.json_parse(data.as_str()))?;
                function.call((data,))
            }
            Task::Iterate | Task::Teardown => {
                if script.data.is_none() {
                    let handed = self.host.run.as_ref().and_then(|run| run.handed());
                    script.data = Some(match handed {
                        Some(text) => self.caught(self.ctx.json_parse(text.as_str()))?,
                        None => Value::new_undefined(self.ctx.clone()),
                    });
                }
                function.call((script.data.clone(),))
            }
        };
        let value: Value<'js> = self.caught(value)?;
        self.settled(script, value)
    }

    /// Lets jobs, timers and replies come until there are none left, and the value is there.
    fn settled(&self, script: &Script<'js>, value: Value<'js>) -> Result<Value<'js>, Outcome> {
        let promise = value.is_promise().then(|| value.clone());
        let promise = promise.and_then(|value| Promise::from_js(&self.ctx, value).ok());
        loop {
            self.run_jobs();
            if self.host.is_over() {
                self.caught::<()>(Err(Error::Exception))?;
            }
            let timers = self.host.timers.get();
            let next: f64 = match self.host.armed.get() {
                true => self.caught(script.turn.call(()))?,
                // Who sets no timers pays nothing for them.
                false => -1.0,
            };
            self.run_jobs();
            // What came of a timer may have set another one: when that is due was not asked yet.
            let next = match self.host.timers.get() == timers {
                true => next,
                false => 0.0,
            };
            let waits = self.host.outstanding.get() > 0
                || self.host.sockets.get() > 0
                || !self.host.later.borrow().is_empty()
                || !self.host.started.borrow().is_empty();
            if next < 0.0 && !waits {
                let is_pending = promise
                    .as_ref()
                    .is_some_and(|promise| promise.state() == PromiseState::Pending);
                if is_pending {
                    let message = "it waits for something that never comes".to_owned();
                    let stack = String::new();
                    return Err(Outcome::Thrown(Thrown { message, stack }));
                }
                break;
            }
            if next == 0.0 && !waits {
                continue;
            }
            // What is too far away for a clock is as far as anybody waits.
            let wait = |next: f64| Duration::try_from_secs_f64(next / 1e3).unwrap_or(WAIT_MAX);
            let until = (next >= 0.0).then(|| Instant::now() + wait(next).min(WAIT_MAX));
            match self.host.next(until) {
                Ok(super::ask::Answer::Arrived(number, reply)) => {
                    self.host
                        .outstanding
                        .set(self.host.outstanding.get().saturating_sub(1));
                    let error = native_reply::thrown(&reply).map(str::to_owned);
                    let reply = match &error {
                        Some(_) => Value::new_undefined(self.ctx.clone()),
                        None => self.caught(native_reply::handed(&self.ctx, reply))?,
                    };
                    self.caught(script.arrived.call::<_, ()>((number, reply, error)))?;
                }
                Ok(super::ask::Answer::Happened(number, happening)) => {
                    let told = native_socket::told(&self.ctx, happening);
                    let told = self.caught(told)?;
                    self.caught(script.happened.call::<_, ()>((number, told)))?;
                }
                Ok(_) => {}
                Err(_) => return Err(self.host.ended().unwrap_or(Outcome::Interrupted)),
            }
        }
        let value = match promise.and_then(|promise| promise.result::<Value<'js>>()) {
            Some(result) => self.caught(result)?,
            None => value,
        };
        let rejected = self.rejected.borrow_mut().pop_first();
        match rejected {
            Some((_, thrown)) => Err(Outcome::Thrown(thrown)),
            None => Ok(value),
        }
    }
}
