//! A virtual user that performs a script.
//!
//! Lets its interpreter go on until it asks for something, does that, and answers. Invariant: what is cut off in
//! the middle is brought to its end before anything else is performed.

use super::ask::{Answer, Ask, Order, Outcome, Reply, Request, Resume, Task};
use super::browsing::{Own, Pages};
use super::engine::Engine;
use super::host::Host;
use super::run::{Broke, ITERATION, Run, Together};
use super::sending::{Seen, Way, held_back, perform, reach};
use super::sockets::{Sockets, beside, happened, live};
use super::tags::Plain;
use crate::k6::metric::BuiltIn;
use crate::net::ErrorClass;
use crate::vu::cookies::Jar;
use crate::vu::road::Held;
use crate::vu::{Begin, IterationOutcome, Performer, Place, Shared, Sink};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Time that an iteration takes for which there is no interpreter.
const BROKEN_PAUSE: Duration = Duration::from_millis(100);

/// One that performs a script.
pub struct ScriptUser {
    run: Arc<Run>,
    shared: Arc<Shared>,
    /// The interpreter, or why there is none.
    engine: Result<Engine, String>,
    seen: Option<Seen>,
    held: Vec<Held>,
    /// Connections of requests that were under way beside others.
    lanes: Vec<Vec<Held>>,
    /// Pages that it has open.
    pages: Pages,
    /// What went wrong in a page last.
    broke: Option<ErrorClass>,
}

impl ScriptUser {
    /// One of a run.
    pub fn new(run: Arc<Run>, together: &Together, place: Place) -> ScriptUser {
        let host = Host::new(
            run.program.clone(),
            Some(run.clone()),
            run.log.clone(),
            together.tally.clone(),
            (place.id, place.load),
        );
        let scenario = run.options.scenarios.get(place.load);
        let exec = scenario.map_or("default", |scenario| scenario.exec.as_str());
        let engine = match Engine::start(host, exec) {
            Ok((engine, Outcome::Returned(_))) => Ok(engine),
            Ok((_, Outcome::Thrown(thrown))) => Err(thrown.to_string()),
            Ok((_, Outcome::Aborted(words))) => Err(words),
            Ok((_, Outcome::Interrupted)) => Err("it was stopped while it was loaded".to_owned()),
            Err(reason) => Err(reason),
        };
        run.users.fetch_add(u64::from(place.id > 0), Relaxed);
        ScriptUser {
            shared: together.shared.clone(),
            seen: engine.as_ref().ok().map(|engine| Seen(engine.host.clone())),
            engine,
            run,
            held: Vec::new(),
            lanes: Vec::new(),
            pages: Pages::default(),
            broke: None,
        }
    }

    /// Performs something, whatever it asks for meanwhile.
    pub async fn perform(&mut self, task: Task, begin: Begin, sink: &impl Sink) -> Outcome {
        // What was cut off in the middle left its pages.
        self.pages.clear(None);
        self.broke = None;
        let outcome = self.go_through(task, begin, sink).await;
        self.pages.clear(self.seen.as_ref().map(|seen| &*seen.0));
        outcome
    }

    async fn go_through(&mut self, task: Task, begin: Begin, sink: &impl Sink) -> Outcome {
        let (Ok(engine), Some(seen)) = (&mut self.engine, &self.seen) else {
            return Outcome::Interrupted;
        };
        engine.settle();
        let shared = self.shared.clone();
        let mut begin = Some(begin);
        let mut flying = FuturesUnordered::new();
        let mut sockets: Option<Box<Sockets<_>>> = None;
        let mut ask = engine.resume(Resume::Perform(task));
        loop {
            for request in seen.0.started.take() {
                let mut lane = self.lanes.pop().unwrap_or_default();
                let (begin, shared) = (begin.take().unwrap_or_else(Begin::now), &shared);
                flying.push(async move {
                    let number = request.number;
                    let held = &mut lane;
                    let way = Way { seen, shared, held };
                    let reply = paced(way, request, begin, sink).await;
                    (number, lane, reply)
                });
            }
            for order in seen.0.orders.take() {
                let sockets = sockets.get_or_insert_with(|| Box::new(Sockets::new()));
                match order {
                    (number, Order::Open(request, protocols)) => {
                        let of = (seen, &*shared);
                        sockets.open(number, |opening| {
                            live(of, opening, *request, protocols, sink)
                        });
                    }
                    (number, Order::Send(frame)) => sockets.send(number, frame),
                }
            }
            let answer = match ask {
                Ask::Done(outcome) => return outcome,
                Ask::Browse(deed) => {
                    begin = None;
                    let shared = &shared;
                    let own = Own { seen, shared };
                    let done = self.pages.answer(&own, *deed, &mut self.broke, sink);
                    beside(&mut sockets, Box::pin(done)).await
                }
                Ask::Sleep(time) => {
                    begin = None;
                    beside(&mut sockets, tokio::time::sleep(time)).await;
                    Answer::Now
                }
                Ask::Request(request) => {
                    let (shared, held) = (&shared, &mut self.held);
                    let way = Way { seen, shared, held };
                    let begin = begin.take().unwrap_or_else(Begin::now);
                    let reply = paced(way, *request, begin, sink);
                    Answer::Reply(Box::new(beside(&mut sockets, reply).await))
                }
                Ask::Reach(request) => {
                    begin = None;
                    let (shared, held) = (&shared, &mut self.held);
                    let way = Way { seen, shared, held };
                    // Boxed: few scripts ask for it, and its state would be carried by every virtual user.
                    let reached = Box::pin(reach(way, *request, sink));
                    Answer::Reply(Box::new(beside(&mut sockets, reached).await))
                }
                Ask::Batch(requests) => {
                    let begin = begin.take().unwrap_or_else(Begin::now);
                    let limits = (self.run.options.batch, self.run.options.batch_per_host);
                    let replies = at_once(
                        (seen, &shared),
                        &mut self.lanes,
                        requests,
                        limits,
                        begin,
                        sink,
                    );
                    Answer::Replies(beside(&mut sockets, replies).await)
                }
                Ask::Idle(until) => {
                    begin = None;
                    let due = async {
                        match until {
                            Some(until) => tokio::time::sleep_until(until.into()).await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        biased;
                        Some((number, lane, reply)) = flying.next(), if !flying.is_empty() => {
                            self.lanes.push(lane);
                            Answer::Arrived(number, Box::new(reply))
                        }
                        (number, happening) = happened(&mut sockets) => Answer::Happened(number, happening),
                        () = due => Answer::Now,
                    }
                }
            };
            ask = engine.resume(Resume::Answer(answer));
        }
    }

    fn host(&self) -> Option<&Host> {
        self.seen.as_ref().map(|seen| &*seen.0)
    }

    /// Tells the run which checks held; whether all did.
    fn tell_checks(&self, sink: &impl Sink) -> bool {
        let Some(host) = self.host() else {
            return true;
        };
        let mut all = true;
        for (check, holds) in host.checked.borrow_mut().drain(..) {
            all &= holds;
            let step = super::names::step_of_check(host, check);
            sink.check(step, 0, holds);
            if !holds {
                let redactor = &self.shared.binding.redactor;
                let name = host.tally().checks[check].name.clone();
                let text = || redactor.clean(&format!("`{name}` does not hold"));
                sink.failure(step, ErrorClass::Check, &text);
            }
        }
        all
    }

    /// What an iteration, or what comes once, came to for the run.
    fn outcome(&self, outcome: &Outcome, sink: &impl Sink) -> IterationOutcome {
        let all = self.tell_checks(sink);
        let failed = self.host().and_then(|host| host.failed.take());
        if let Outcome::Thrown(thrown) = outcome {
            let redactor = &self.shared.binding.redactor;
            let class = self.broke.unwrap_or(ErrorClass::Template);
            sink.failure(ITERATION, class, &|| redactor.clean(&thrown.to_string()));
        }
        match (failed, outcome) {
            (Some(class), _) => IterationOutcome::Failed(class),
            (None, _) if !all => IterationOutcome::Failed(ErrorClass::Check),
            (None, Outcome::Thrown(_)) => {
                IterationOutcome::Failed(self.broke.unwrap_or(ErrorClass::Template))
            }
            (None, _) => IterationOutcome::Passed,
        }
    }

    /// Performs what comes once, before or after.
    async fn once(&mut self, is_setup: bool, sink: &impl Sink) -> IterationOutcome {
        let options = &self.run.options;
        let (name, is_off, time, task) = if is_setup {
            (
                "setup",
                options.no_setup,
                options.setup_timeout,
                Task::Setup,
            )
        } else {
            (
                "teardown",
                options.no_teardown,
                options.teardown_timeout,
                Task::Teardown,
            )
        };
        // As in k6: what was not set up is not torn down.
        let is_off = is_off || (!is_setup && self.run.ended().setup.is_some());
        if is_off || !self.run.exports.contains(name) {
            return IterationOutcome::Passed;
        }
        if let Some(host) = self.host() {
            host.id.set(0);
            host.tags
                .borrow_mut()
                .retain(|(name, _)| name != "scenario");
        }
        let began = Instant::now();
        let performed = self.perform(task, Begin::now(), sink);
        let outcome = match tokio::time::timeout(time, performed).await {
            // What computed until its time was over is late, too.
            Ok(outcome) if outcome != Outcome::Interrupted || began.elapsed() < time => outcome,
            _ => {
                if let Ok(engine) = &mut self.engine {
                    engine.settle();
                }
                self.run.broke(is_setup, Broke::Late);
                return IterationOutcome::Failed(ErrorClass::TimeoutWait);
            }
        };
        match &outcome {
            Outcome::Returned(data) if is_setup => self.run.hand_over(data.clone()),
            Outcome::Thrown(thrown) => self.run.broke(is_setup, Broke::Threw(thrown.clone())),
            _ => {}
        }
        let came = self.outcome(&outcome, sink);
        if !is_setup && came != IterationOutcome::Passed {
            self.run.left_behind();
        }
        came
    }

    fn begin_iteration(&mut self) {
        let number = self.run.begin(self.scenario());
        let Some(host) = self.host() else {
            return;
        };
        host.iteration_in_test.set(number);
        host.failed.set(None);
        let mut jars = host.jars.borrow_mut();
        // Those that were made while the script was loaded stay.
        let (next, first) = host.next_jar.get();
        host.next_jar.set((next, first.min(next)));
        if next > first {
            jars.retain(|number, _| *number < first);
        }
        let own = jars.entry(0).or_default();
        if !own.is_empty() && !self.run.options.no_cookies_reset {
            *own = Jar::default();
        }
    }

    fn scenario(&self) -> usize {
        self.host().map_or(0, |host| host.scenario)
    }

    fn count_iteration(&self, outcome: &Outcome, time: Duration) {
        let Some(host) = self.host() else {
            return;
        };
        if matches!(outcome, Outcome::Interrupted | Outcome::Aborted(_)) {
            self.run.interrupted.fetch_add(1, Relaxed);
            return;
        }
        self.run.completed.fetch_add(1, Relaxed);
        let own = host.tags.borrow();
        let tags = Plain::of(&own);
        let mut tally = host.tally();
        tally.count(BuiltIn::Iterations, 1.0, &tags);
        tally.count(BuiltIn::IterationDuration, time.as_secs_f64() * 1e3, &tags);
    }
}

/// A request under the caps of the environment.
async fn paced(way: Way<'_>, request: Request, begin: Begin, sink: &impl Sink) -> Reply {
    let begin = match held_back(way.shared, sink).await {
        // Our own cap is not the target's latency.
        true => Begin::now(),
        false => begin,
    };
    perform(way, request, begin, sink).await
}

/// Several requests at once: so many of all, and so many of one host.
async fn at_once(
    (seen, shared): (&Seen, &Shared),
    lanes: &mut Vec<Vec<Held>>,
    requests: Vec<Request>,
    (most, most_of_host): (usize, usize),
    begin: Begin,
    sink: &impl Sink,
) -> Vec<Reply> {
    let host_of = |request: &Request| {
        let uri = request.url.parse::<http::Uri>().ok();
        uri.and_then(|uri| uri.host().map(str::to_owned))
            .unwrap_or_default()
    };
    let mut replies: Vec<Option<Reply>> = requests.iter().map(|_| None).collect();
    let mut waiting: Vec<(usize, String, Request)> = requests
        .into_iter()
        .enumerate()
        .map(|(at, request)| (at, host_of(&request), request))
        .collect();
    let mut busy: BTreeMap<String, usize> = BTreeMap::new();
    let mut flying = FuturesUnordered::new();
    let mut first = Some(begin);
    loop {
        while flying.len() < most {
            let free = |(_, host, _): &(usize, String, Request)| {
                busy.get(host).copied().unwrap_or(0) < most_of_host
            };
            let Some(next) = waiting.iter().position(free) else {
                break;
            };
            let (at, host, request) = waiting.remove(next);
            *busy.entry(host.clone()).or_default() += 1;
            let mut lane = lanes.pop().unwrap_or_default();
            let begin = first.take().unwrap_or_else(Begin::now);
            flying.push(async move {
                let held = &mut lane;
                let way = Way { seen, shared, held };
                let reply = paced(way, request, begin, sink).await;
                (at, host, lane, reply)
            });
        }
        let Some((at, host, lane, reply)) = flying.next().await else {
            break;
        };
        lanes.push(lane);
        if let Some(count) = busy.get_mut(&host) {
            *count -= 1;
        }
        replies[at] = Some(reply);
    }
    replies.into_iter().map(Option::unwrap_or_default).collect()
}

impl Performer for ScriptUser {
    type Handed = ();

    async fn set_up(&mut self, sink: &impl Sink) -> IterationOutcome {
        if let Err(reason) = &self.engine {
            self.run.broke(
                true,
                Broke::Threw(super::ask::Thrown {
                    message: reason.clone(),
                    stack: String::new(),
                }),
            );
            return IterationOutcome::Failed(ErrorClass::Template);
        }
        self.once(true, sink).await
    }

    async fn iterate(&mut self, begin: Begin, sink: &impl Sink) -> IterationOutcome {
        if let Err(reason) = &self.engine {
            // It counts like one that threw, and is not tried again and again without a pause.
            self.run.threw.fetch_add(1, Relaxed);
            let redactor = &self.shared.binding.redactor;
            sink.failure(ITERATION, ErrorClass::OwnLimit, &|| redactor.clean(reason));
            tokio::time::sleep(BROKEN_PAUSE).await;
            return IterationOutcome::Failed(ErrorClass::OwnLimit);
        }
        self.begin_iteration();
        self.run.active.fetch_add(1, Relaxed);
        let mut active = Active(self.run.clone(), false);
        let started = Instant::now();
        let outcome = self.perform(Task::Iterate, begin, sink).await;
        active.1 = true;
        drop(active);
        let time = started.elapsed();
        self.count_iteration(&outcome, time);
        if let Outcome::Thrown(thrown) = &outcome
            && let Some(host) = self.host()
        {
            self.run.threw.fetch_add(1, Relaxed);
            host.say("error", thrown.to_string());
        }
        let came = self.outcome(&outcome, sink);
        if !matches!(outcome, Outcome::Interrupted | Outcome::Aborted(_)) {
            let has_failed = came != IterationOutcome::Passed;
            self.run.iterated(self.scenario(), has_failed);
        }
        if let Some(host) = self.host() {
            host.iteration.set(host.iteration.get() + 1);
        }
        if self.run.options.no_vu_connection_reuse {
            self.held.clear();
            self.lanes.clear();
        }
        let left = self.run.options.min_iteration_duration.saturating_sub(time);
        if !left.is_zero() {
            tokio::time::sleep(left).await;
        }
        came
    }

    async fn tear_down(&mut self, sink: &impl Sink) -> IterationOutcome {
        self.once(false, sink).await
    }

    fn hand_over(&self) {}
}

/// A virtual user in an iteration, and whether it came to its end.
struct Active(Arc<Run>, bool);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Relaxed);
        if !self.1 {
            self.0.interrupted.fetch_add(1, Relaxed);
        }
    }
}

impl ScriptUser {
    /// What `handleSummary` makes of its argument, both as JSON, and what came of its requests and checks.
    pub async fn summarize(
        &mut self,
        data: String,
        sink: &impl Sink,
    ) -> (Outcome, IterationOutcome) {
        if let Some(host) = self.host() {
            host.id.set(0);
        }
        let begin = Begin::now();
        let outcome = self.perform(Task::Summary(data), begin, sink).await;
        let came = self.outcome(&outcome, sink);
        (outcome, came)
    }
}
