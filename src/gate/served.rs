//! Which version the services of a gate serve, all of them together, now and after a while.
//!
//! Makes the looks, each on a connection of its own, spread over all addresses of a service and no
//! faster than that allows. Does not decide how many convince: [`crate::environment::everywhere`]
//! does.

use super::context::{Ended, PhaseContext, connector};
use crate::environment::everywhere::{Look, OTHERS, Stretch};
use crate::environment::version::{self, Unseen};
use crate::load::Stop;
use crate::net::ErrorClass;
use crate::net::connect::Connector;
use crate::objective::Outcome;
use crate::project::gate::Converge;
use std::time::{Duration, Instant};

/// Time for a service to show its version once more after it was measured, if reads do not take
/// longer by themselves.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);
/// Time for that look after a failure: the rollback must not wait for it.
const SHOWN_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Looks at a service that are on their way at once.
const AT_ONCE: usize = 4;
/// Looks at a service in a second, where nothing allows fewer.
const A_SECOND: f64 = 100.0;
/// Looks after a phase: a tenth of other versions stays unseen by them in one of a hundred cases.
const LOOKS_AFTER: u64 = 44;

/// Looks at every service, each on a connection of its own.
struct Round {
    /// By service, in the order of the gate.
    looks: Vec<Vec<Look>>,
    /// Some service did not answer any of them as one that works does.
    is_broken: bool,
    /// Somebody said that we ask too often.
    is_slowed: bool,
}

impl Round {
    /// Whether all of them show what is wanted.
    fn all(&self, wanted: &(dyn Fn(&str) -> bool + Sync)) -> bool {
        self.every(|look| matches!(look, Look::Shown(version) if wanted(version)))
    }

    /// What stands for a version that is not wanted.
    fn other(&self, wanted: &(dyn Fn(&str) -> bool + Sync)) -> bool {
        !self.every(|look| !matches!(look, Look::Shown(version) if !wanted(version)))
    }

    fn every(&self, holds: impl Fn(&Look) -> bool) -> bool {
        self.looks.iter().flatten().all(holds)
    }

    /// Looks that each service at least showed itself in, and those in which one did not.
    fn counts(&self) -> (u64, u64) {
        let of = |is: fn(&Look) -> bool| {
            let looks = self.looks.iter();
            looks.map(move |looks| looks.iter().filter(|look| is(look)).count())
        };
        let shown = of(|look| matches!(look, Look::Shown(_))).min().unwrap_or(0);
        let hidden: usize = of(|look| matches!(look, Look::Hidden(_))).sum();
        (shown as u64, hidden as u64)
    }

    fn told(&self, services: &[String]) -> Vec<String> {
        let told = self.looks.iter().zip(services).map(|(looks, service)| {
            let mut stretch = Stretch::default();
            for look in looks {
                stretch.note(look.clone(), Duration::ZERO, |_| true);
            }
            stretch.told(service)
        });
        told.collect()
    }
}

/// Looks at all services, so often each.
async fn look(context: &PhaseContext<'_>, connector: &Connector, times: usize) -> Round {
    let mut round = Round {
        looks: Vec::new(),
        is_broken: false,
        is_slowed: false,
    };
    for service in &context.gate.services {
        let one = || version::read(connector, context.environment, service);
        let is_of_all = is_of_all(context, service);
        let times = if is_of_all { 1 } else { times };
        let seen = futures_util::future::join_all((0..times).map(|_| one())).await;
        let is_broken = |unseen: &Unseen| {
            let class = unseen.fault.class;
            !class.is_inconclusive() && class != ErrorClass::Capture
        };
        round.is_broken |= seen.iter().all(|seen| seen.as_ref().is_err_and(is_broken));
        round.is_slowed |= seen.iter().any(|seen| {
            seen.as_ref()
                .is_err_and(|unseen| unseen.fault.class == ErrorClass::RateLimited)
        });
        let mut looks: Vec<Look> = seen.into_iter().map(as_look).collect();
        if let (true, Some(look)) = (is_of_all, looks.first().cloned()) {
            // It is about every instance that a look could have met.
            looks.resize(LOOKS_AFTER as usize, look);
        }
        round.looks.push(looks);
    }
    round
}

/// Whether one look at a service is about all its instances.
fn is_of_all(context: &PhaseContext<'_>, service: &str) -> bool {
    let service = context.environment.services.get(service);
    let source = service.and_then(|service| service.version.as_ref());
    source.is_some_and(|source| source.is_of_all())
}

fn as_look(seen: Result<String, Unseen>) -> Look {
    match seen {
        Ok(version) => Look::Shown(version),
        Err(Unseen { fault, is_look }) => {
            let text = format!("{}: {}", fault.class.word(), fault.detail);
            if is_look {
                Look::Hidden(text)
            } else {
                Look::Void(text)
            }
        }
    }
}

/// One look at each service that says in this environment how it shows its version.
pub async fn shown(context: &PhaseContext<'_>) -> Result<Vec<(String, Look)>, String> {
    let connector = connector(context)?;
    let mut looks = Vec::new();
    for service in &context.gate.services {
        let known = context.environment.services.get(service);
        if known.is_some_and(|service| service.version.is_some()) {
            let seen = version::read(&connector, context.environment, service).await;
            looks.push((service.clone(), as_look(seen)));
        }
    }
    Ok(looks)
}

/// How fast each of the gate's services may be looked at.
struct Pace {
    /// Looks in a second.
    rate: f64,
}

impl Pace {
    fn of(context: &PhaseContext<'_>) -> Pace {
        let of = |service: &String| context.environment.rate_of(service);
        let allowed = context.gate.services.iter().filter_map(of);
        Pace {
            rate: allowed.fold(A_SECOND, f64::min).max(0.01),
        }
    }

    /// Looks that are made at once.
    fn times(&self) -> usize {
        (self.rate / 4.0).clamp(1.0, AT_ONCE as f64) as usize
    }

    /// How long so many looks that have begun are to take.
    fn left(&self, times: usize, begun: Instant) -> Duration {
        Duration::from_secs_f64(times as f64 / self.rate).saturating_sub(begun.elapsed())
    }

    /// Slows down where somebody says that we ask too often.
    fn after(&mut self, round: &Round) {
        if round.is_slowed {
            self.rate = (self.rate / 2.0).max(self.rate.min(0.5));
        }
    }
}

/// Looks until every service shows only what is wanted, for long enough to believe it, or time is up.
/// What is wrong then comes with whether the services did not answer, so often in a row.
pub async fn await_version(
    context: &PhaseContext<'_>,
    converge: &Converge,
    deadline: Instant,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<String, (bool, Vec<String>)> {
    let connector = connector(context).map_err(|problem| (false, vec![problem]))?;
    let connector = connector.spread();
    let services = &context.gate.services;
    let mut stretches = vec![Stretch::default(); services.len()];
    let start = Instant::now();
    let mut pace = Pace::of(context);
    // Two moments that are less apart are not the same as two looks.
    let lasting = converge.every.saturating_mul(converge.reads as u32 - 1);
    let mut broken_in_row = 0;
    loop {
        let begun = Instant::now();
        let times = pace.times();
        let round = look(context, &connector, times).await;
        pace.after(&round);
        let now = start.elapsed();
        broken_in_row = if round.is_broken {
            broken_in_row + 1
        } else {
            0
        };
        for (stretch, looks) in stretches.iter_mut().zip(&round.looks) {
            for look in looks {
                stretch.note(look.clone(), now, wanted);
            }
        }
        let convinces = |stretch: &Stretch| stretch.convinces(converge.reads, lasting, now);
        let told = || -> Vec<String> {
            let each = stretches.iter().zip(services);
            each.map(|(stretch, service)| stretch.told(service))
                .collect()
        };
        if stretches.iter().all(convinces) {
            let fewest = stretches.iter().map(Stretch::looks).min().unwrap_or(0);
            let seen = services
                .iter()
                .zip(&round.looks)
                .filter_map(|(service, looks)| match looks.last()? {
                    Look::Shown(version) => Some(format!("`{service}` serves `{version}`")),
                    _ => None,
                });
            let seen: Vec<String> = seen.collect();
            return Ok(format!("{}, {fewest} looks in a row", seen.join(", ")));
        }
        if context.control.asked() != Stop::No {
            return Err((false, vec!["it was stopped".to_owned()]));
        }
        let enough = stretches
            .iter()
            .all(|stretch| stretch.looks() >= stretch.needed());
        let left = pace.left(times, begun);
        let asks_platform = services.iter().any(|name| is_of_all(context, name));
        let pause = match round.all(wanted) && !enough && !asks_platform {
            true => left,
            false => left.max(converge.every),
        };
        if Instant::now() + pause >= deadline {
            // One look that failed is no service that does not answer.
            return Err((broken_in_row >= converge.reads, told()));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = context.control.stopped() => {}
        }
    }
}

/// What was measured counts only if it still is the version that is verified: somebody may have
/// deployed another one meanwhile.
pub async fn still(context: &PhaseContext<'_>, ended: Ended) -> Ended {
    if context.gate.services.is_empty() || context.control.asked() != Stop::No {
        return ended;
    }
    let has_failed = ended.outcome == Outcome::Fail;
    if let Some((others, other)) = context.seen.others() {
        let replies = context.seen.replies();
        // A few replies of another version are not why a deploy failed, nor are those of the old one: a
        // balancer goes there when the new one is dead.
        let is_old = context.record.rollback_to.as_deref() == Some(other);
        let is_foreign = !is_old && others as f64 > OTHERS * replies as f64;
        if !has_failed || is_foreign {
            let seen = format!("{others} of {replies} measured replies showed `{other}`");
            return foreign(ended, OTHER.to_owned(), vec![seen]);
        }
    }
    let connector = match connector(context) {
        Ok(connector) => connector.spread(),
        // A fault of our own holds back no rollback.
        Err(_) if has_failed => return ended,
        Err(problem) => return foreign(ended, problem, Vec::new()),
    };
    if !has_failed {
        // Also what is inconclusive: somebody may answer for it, but not for another version.
        return if_shown(context, &connector, ended).await;
    }
    let other = other_instead(context, &connector);
    match tokio::time::timeout(SHOWN_AFTER_FAILURE, other).await {
        Ok(Some(seen)) => foreign(ended, OTHER.to_owned(), seen),
        _ => ended,
    }
}

const OTHER: &str = "another version is served than the one that is verified";

/// What was measured, if the version still shows itself, and no other one.
async fn if_shown(context: &PhaseContext<'_>, connector: &Connector, ended: Ended) -> Ended {
    let wanted = |version: &str| version == context.record.facts.version;
    let converge = &context.gate.converge;
    let mut pace = Pace::of(context);
    let within = SHOWN_WITHIN.max(converge.every.saturating_mul(2));
    // Where little may be asked, less is seen.
    let needed = (pace.rate * within.as_secs_f64() / 4.0).clamp(1.0, LOOKS_AFTER as f64) as u64;
    let needed = needed.max(converge.reads.min(LOOKS_AFTER));
    let deadline =
        Instant::now() + within.max(Duration::from_secs_f64(needed as f64 * 2.0 / pace.rate));
    let mut looks = 0;
    loop {
        let begun = Instant::now();
        let times = pace.times();
        let round = look(context, connector, times).await;
        pace.after(&round);
        if round.other(&wanted) {
            return foreign(ended, OTHER.to_owned(), round.told(&context.gate.services));
        }
        // What says nothing neither counts nor speaks against it.
        let (shown, hidden) = round.counts();
        looks = if hidden > 0 { 0 } else { looks + shown };
        let is_whole = hidden == 0 && shown > 0;
        if looks >= needed || context.control.asked() != Stop::No {
            return ended;
        }
        let left = pace.left(times, begun);
        let pause = if is_whole {
            left
        } else {
            left.max(converge.every)
        };
        if Instant::now() + pause >= deadline {
            let lead = "it cannot be told any more which version was measured";
            return foreign(ended, lead.to_owned(), round.told(&context.gate.services));
        }
        tokio::time::sleep(pause).await;
    }
}

/// Whether what failed is a third version, as often in a row as a version must be seen. That the old
/// one shows here and there says nothing: a balancer goes there when the new one is dead.
async fn other_instead(context: &PhaseContext<'_>, connector: &Connector) -> Option<Vec<String>> {
    let (new, old) = (
        &context.record.facts.version,
        context.record.rollback_to.as_deref(),
    );
    let expected = |version: &str| version == new || Some(version) == old;
    let mut seen = Vec::new();
    for _ in 0..context.gate.converge.reads.max(1) {
        let round = look(context, connector, 1).await;
        if !round.other(&expected) {
            return None;
        }
        seen = round.told(&context.gate.services);
    }
    Some(seen)
}

fn foreign(ended: Ended, lead: String, seen: Vec<String>) -> Ended {
    let mut reasons = vec![lead];
    reasons.extend(seen);
    if ended.outcome != Outcome::Pass {
        reasons.extend(ended.reasons);
    }
    Ended {
        outcome: Outcome::Inconclusive,
        reasons,
        is_open: false,
        is_foreign: true,
        ..ended
    }
}
