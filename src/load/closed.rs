//! Closed models: virtual users that loop, each on its own, by k6's semantics.

use super::ramp;
use super::shop::{Shop, pass_on};
use crate::scenario::plan::{Executor, Load};
use crate::vu::{Begin, Performers};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Performs a closed executor.
pub(super) async fn closed_model<P: Performers>(shop: &Rc<Shop<P>>, index: usize, load: &Load) {
    let number = shop.assignment.number;
    match &load.executor {
        Executor::SharedIterations {
            vus, iterations, ..
        } => {
            let counter = shop.assignment.shared.clone();
            let total = *iterations;
            let take = move |_| counter[index].fetch_add(1, Relaxed) < total;
            looping_users(shop, (index, load), *vus, Rc::new(take)).await;
            if number == 0 {
                let made = shop.assignment.shared[index].load(Relaxed).min(total);
                shop.recorder.0.borrow_mut().left(total - made);
            }
        }
        Executor::PerVuIterations {
            vus, iterations, ..
        } => {
            let each = *iterations;
            let made = Rc::new(Cell::new(0));
            let count = made.clone();
            let more = move |round: u64| {
                let more = round < each;
                count.set(count.get() + u64::from(more));
                more
            };
            looping_users(shop, (index, load), *vus, Rc::new(more)).await;
            let planned = shop.share(*vus) * each;
            let left = planned.saturating_sub(made.get());
            shop.recorder.0.borrow_mut().left(left);
        }
        Executor::ConstantVus { vus, .. } => {
            looping_users(shop, (index, load), *vus, Rc::new(|_| true)).await;
        }
        Executor::RampingVus {
            start,
            stages,
            graceful_ramp_down,
        } => {
            let grace_end = load.end() + load.graceful_stop;
            let mut users = JoinSet::new();
            for number in
                (number..load.executor.users_max()).step_by(shop.assignment.count as usize)
            {
                let windows = ramp::active(*start, stages, number);
                let (shop, grace, from) = (shop.clone(), *graceful_ramp_down, load.start);
                users.spawn_local(async move {
                    let mut user = shop.user(index);
                    for (begin, end) in windows {
                        if !shop.reach(from + begin).await {
                            return;
                        }
                        let end = from + end;
                        let grace = grace.min(grace_end.saturating_sub(end));
                        let rounds = looping(&shop, &mut user, None, end, |_| true);
                        shop.with_grace(rounds, end, grace).await;
                    }
                });
            }
            while let Some(ended) = users.join_next().await {
                pass_on(ended);
            }
        }
        Executor::ConstantArrivalRate { .. }
        | Executor::RampingArrivalRate { .. }
        | Executor::Breakpoint { .. } => {}
    }
}

/// Virtual users that loop until the end. More join when the run is scaled up; of those that a
/// smaller scale leaves out, each stops after its iteration.
async fn looping_users<P: Performers>(
    shop: &Rc<Shop<P>>,
    (index, load): (usize, &Load),
    planned: u64,
    more: Rc<dyn Fn(u64) -> bool>,
) {
    let end = load.end();
    // A fixed number of iterations is shared by as many virtual users as were asked for.
    let scales = matches!(load.executor, Executor::ConstantVus { .. });
    let all = async {
        let mut tasks = JoinSet::new();
        let mut made = 0;
        loop {
            let wanted = if scales {
                wanted(shop, planned)
            } else {
                shop.share(planned)
            };
            while made < wanted {
                let (shop, more, place) = (shop.clone(), more.clone(), made);
                tasks.spawn_local(async move {
                    let mut user = shop.user(index);
                    let place = scales.then_some((place, planned));
                    looping(&shop, &mut user, place, end, |round| more(round)).await;
                });
                made += 1;
            }
            if tasks.is_empty() {
                // A worker without a virtual user may be given some, as long as the load lasts.
                let over = !scales
                    || tokio::select! {
                        _ = shop.reach(end) => true,
                        () = shop.told() => false,
                    };
                if over {
                    return;
                }
                continue;
            }
            tokio::select! {
                biased;
                ended = tasks.join_next() => ended.map_or((), pass_on),
                () = shop.told() => {}
            }
            if tasks.is_empty() {
                return;
            }
        }
    };
    shop.with_grace(all, end, load.graceful_stop).await;
}

/// This worker's virtual users at the present scale.
fn wanted<P: Performers>(shop: &Shop<P>, planned: u64) -> u64 {
    let whole = (planned as f64 * shop.orders.get().scale).ceil() as u64;
    let cap = shop.assignment.performers.users_max().unwrap_or(u64::MAX);
    shop.share(whole.min(cap))
}

/// Whether the virtual user at a place of this worker takes part at the present scale.
fn takes_part<P: Performers>(shop: &Shop<P>, place: Option<(u64, u64)>) -> bool {
    place.is_none_or(|(place, planned)| place < wanted(shop, planned))
}

async fn looping<P: Performers>(
    shop: &Shop<P>,
    user: &mut P::User,
    place: Option<(u64, u64)>,
    end: Duration,
    more: impl Fn(u64) -> bool,
) {
    for round in 0_u64.. {
        while shop.orders.get().paused.is_some() || !takes_part(shop, place) {
            let over = tokio::time::sleep_until(shop.due(end).into());
            tokio::select! {
                () = shop.told() => {}
                () = over, if shop.orders.get().paused.is_none() => return,
            }
            if shop.stopping() {
                return;
            }
        }
        let now = Instant::now();
        if now >= shop.due(end) || shop.stopping() || !more(round) {
            return;
        }
        shop.iterate(user, Begin::at(now)).await;
        // An iteration that never waits for anything must not starve the others.
        tokio::task::coop::consume_budget().await;
    }
}
