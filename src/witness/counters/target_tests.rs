//! Targets that start anew, change their labels, come, go or fall silent.

use super::super::samples::Series;
use super::tests::{EVERY, FROM, SCRAPE, answer, closed, counters, rising, selector, series, take};
use super::{Counters, Part};

/// Takes the answers of a bake scrape by scrape, as a gate does.
pub(super) fn through(counters: &mut Counters, all: &[Series], scrapes: i64) {
    for now in 1..=scrapes {
        let until = |one: &Series| {
            let mut one = one.clone();
            let window = FROM + (now - 10) * SCRAPE..=FROM + now * SCRAPE;
            one.points.retain(|(at, _)| window.contains(at));
            one
        };
        let seen: Vec<Series> = all.iter().map(until).collect();
        let seen: Vec<Series> = seen
            .into_iter()
            .filter(|one| !one.points.is_empty())
            .collect();
        take(counters, &seen);
        closed(counters, now);
    }
}

pub(super) fn only_doubt(counters: &Counters, said: &str) {
    let doubts = counters.doubts(21 * SCRAPE, true);
    assert!(doubts.len() == 1 && doubts[0].contains(said), "{doubts:?}");
}

#[test]
fn a_counter_that_goes_down_alone_started_nothing_and_counts_nothing() {
    // The oldest failures are forgotten one by one; nothing failed meanwhile.
    let mut forgetful = counters();
    let slipping = |scrape: i64| (scrape, 5_000.0 - (scrape / 8) as f64);
    let all = [
        series("200", "a", &rising(100.0, -5..=20)),
        series("500", "a", &(-5..=20).map(slipping).collect::<Vec<_>>()),
    ];
    through(&mut forgetful, &all, 20);
    assert_eq!(forgetful.sum(), (19 * 100, 0));
    only_doubt(&forgetful, "a counter of `a` went down by 2");
    // One worker of many ends: what the others counted is not counted again.
    let mut cluster = counters();
    let one_ends = |scrape: i64| {
        let ended = if scrape > 8 { 200.0 } else { 0.0 };
        (scrape, 2_000.0 + 24.0 * scrape as f64 - ended)
    };
    let points: Vec<_> = (-5..=20).map(one_ends).collect();
    through(&mut cluster, &[series("200", "a", &points)], 20);
    assert_eq!(
        cluster.sum(),
        (256, 0),
        "nobody knows of what was counted twice"
    );
    only_doubt(&cluster, "a counter of `a` went down by 176");
}

#[test]
fn a_process_that_starts_anew_starts_with_all_that_it_counts() {
    // After the restart fast answers stand higher than before it.
    let good = selector("http_seconds_bucket{le=\"0.3\"}");
    let mut counters = Counters::new(
        selector("http_seconds_count"),
        (Part::Good, good),
        FROM,
        EVERY,
    );
    let all: Vec<(i64, f64)> = (-5..=20)
        .map(|scrape| {
            (
                scrape,
                if scrape < 8 {
                    250.0
                } else {
                    200.0 + 10.0 * (scrape - 8) as f64
                },
            )
        })
        .collect();
    let fast: Vec<(i64, f64)> = all
        .iter()
        .map(|(scrape, count)| (*scrape, if *scrape < 8 { 150.0 } else { *count }))
        .collect();
    let mut fast = series("", "a", &fast);
    fast.labels.insert("le".to_owned(), "0.3".to_owned());
    // One that is busy shows how fast targets are.
    let mut busy = series("", "b", &rising(200.0, -5..=20));
    let total = answer(&[series("", "a", &all), busy.clone()]);
    busy.labels.insert("le".to_owned(), "0.3".to_owned());
    counters.take(&total, &answer(&[fast, busy]));
    counters.close(FROM + 21 * SCRAPE);
    let (requests, bad) = counters.sum();
    assert_eq!((requests, bad), (19 * 200 + 200 + 110, 0));
    assert_eq!(counters.starts(), 1);
}

#[test]
fn labels_that_change_bring_no_failures_from_before() {
    let mut counters = counters();
    let role = |role: &str, mut one: Series| {
        one.labels.insert("role".to_owned(), role.to_owned());
        one
    };
    let all = [
        role("canary", series("200", "a", &rising(100.0, -5..=8))),
        role("stable", series("200", "a", &rising(100.0, 9..=20))),
        role(
            "canary",
            series(
                "500",
                "a",
                &(-5..=8).map(|scrape| (scrape, 90.0)).collect::<Vec<_>>(),
            ),
        ),
        role(
            "stable",
            series(
                "500",
                "a",
                &(9..=20).map(|scrape| (scrape, 90.0)).collect::<Vec<_>>(),
            ),
        ),
    ];
    through(&mut counters, &all, 20);
    assert_eq!(counters.sum().1, 0);
    let doubts = counters.doubts(21 * SCRAPE, true).join("; ");
    assert!(doubts.contains("too high to be new"), "{doubts}");
}

#[test]
fn counters_that_go_while_their_target_stays_are_a_doubt() {
    // The failures are not shown any more.
    let mut silent = counters();
    let all = [
        series("200", "a", &rising(70.0, -5..=20)),
        series("500", "a", &rising(30.0, 0..=3)),
    ];
    through(&mut silent, &all, 20);
    only_doubt(
        &silent,
        "counters of 1 targets, such as `a`, are not shown any more",
    );
    // A worker a scrape, of which each takes its failures with it.
    let mut workers = counters();
    let mut all = vec![series("200", "a", &rising(20.0, -5..=20))];
    for number in 1..=20 {
        let mut worker = series("200", "a", &[(number, 10.0)]);
        worker.labels.insert("pid".to_owned(), number.to_string());
        all.push(worker);
    }
    through(&mut workers, &all, 20);
    only_doubt(&workers, "16 counters of 1 targets");
}

#[test]
fn who_comes_back_into_view_brings_nothing_and_is_a_doubt() {
    // Of two lives: only what the same series stood at tells whether it is the same process.
    let stood = |value: f64| {
        let mut before = series("500", "b", &[(-200, 900.0)]);
        before.labels.insert("path".to_owned(), "/old".to_owned());
        answer(&[before, series("500", "b", &[(-100, value)])])
    };
    let failing: Vec<_> = (5..=20).map(|scrape| (scrape, scrape as f64)).collect();
    let all = [
        series("200", "a", &rising(100.0, -5..=20)),
        series("500", "b", &failing),
    ];
    // It failed before the bake, in sight of nobody.
    let mut back = counters();
    back.look_back(&stood(3.0), &stood(3.0));
    through(&mut back, &all, 20);
    assert_eq!(back.sum().1, 14, "what it stood at first is not added");
    only_doubt(&back, "`b` came with");
    // One that stands lower than before began anew.
    let mut anew = counters();
    anew.look_back(&stood(500.0), &stood(500.0));
    through(&mut anew, &all, 20);
    assert_eq!(anew.sum().1, 5 + 14);
    assert_eq!(anew.doubts(21 * SCRAPE, true), [""; 0]);
    // Where the look back was partial, nobody knows who is new.
    let mut partial = counters();
    let mut empty = answer(&[]);
    empty.doubts.push("it is only a part".to_owned());
    partial.look_back(&empty, &answer(&[]));
    through(&mut partial, &all, 20);
    assert_eq!(partial.sum().1, 14);
}

#[test]
fn what_restarts_took_with_them_is_told() {
    let mut counters = counters();
    let pod = |pod: i64| {
        let restarted = |scrape: i64| {
            let since = if scrape > pod {
                scrape - pod
            } else {
                scrape + 30
            };
            (scrape, 20.0 * since as f64)
        };
        series(
            "200",
            &format!("p{pod}"),
            &(-5..=20).map(restarted).collect::<Vec<_>>(),
        )
    };
    let all: Vec<Series> = (1..=19).map(pod).collect();
    through(&mut counters, &all, 20);
    assert_eq!((counters.starts(), counters.lost()), (19, 19 * 20));
    assert_eq!(counters.sum(), (19 * 19 * 20, 0));
}

#[test]
fn series_without_the_label_and_a_service_that_stands_still_are_doubts() {
    let mut mixed = counters();
    let mut other = series("", "b", &rising(100.0, -5..=20));
    other.labels.remove("code");
    let ok = series("200", "a", &rising(100.0, -5..=20));
    mixed.take(&answer(&[ok, other]), &answer(&[]));
    mixed.close(FROM + 20 * SCRAPE);
    only_doubt(&mixed, "some series of `http_total` have no label `code`");
    let mut frozen = counters();
    let stopping = |scrape: i64| (scrape, 100.0 * scrape.min(9) as f64 + 1_000.0);
    through(
        &mut frozen,
        &[series(
            "200",
            "a",
            &(-5..=20).map(stopping).collect::<Vec<_>>(),
        )],
        20,
    );
    only_doubt(
        &frozen,
        "for 2m30s next to nothing was counted, after 6.7 a second",
    );
}

#[test]
fn a_series_that_is_born_again_after_a_start_is_no_other_start() {
    // Started anew after the eighth scrape; each failure that is met again was met more often before.
    let mut again = counters();
    let ok = |scrape: i64| {
        let since = if scrape > 8 { scrape - 9 } else { scrape + 40 };
        (scrape, 100.0 * since as f64)
    };
    let code = |code: &str, born: i64| {
        let before = (-5..=8).map(|scrape| (scrape, 900.0));
        let since = (born..=20).map(move |scrape| (scrape, (1 + scrape - born) as f64));
        series(code, "a", &before.chain(since).collect::<Vec<_>>())
    };
    let all = [
        series("200", "a", &(-5..=20).map(ok).collect::<Vec<_>>()),
        code("500", 12),
        code("501", 15),
        code("502", 18),
    ];
    through(&mut again, &all, 20);
    assert_eq!(again.starts(), 1);
    // What the last scrape brought is not handed over yet.
    assert_eq!(again.sum().0, 8 * 100 + 10 * 100 + 8 + 5 + 2);
}

#[test]
fn processes_that_share_a_name_do_not_start_for_each_other() {
    // Two clusters, of which neither says which it is: their scrapes are half an interval apart.
    let apart = |pod: &str, code: &str, base: f64, restarts: bool| {
        let mut one = series(code, "app", &[]);
        one.labels.insert("worker".to_owned(), pod.to_owned());
        let shift = if restarts { 0 } else { SCRAPE / 2 };
        one.points = (-5..=20)
            .map(|scrape: i64| {
                let since = if restarts && scrape > 8 {
                    scrape - 8
                } else {
                    scrape + 40
                };
                (FROM + scrape * SCRAPE + shift, base + 50.0 * since as f64)
            })
            .collect();
        one
    };
    let flat = |mut one: Series, value: f64| {
        one.points.iter_mut().for_each(|point| point.1 = value);
        one
    };
    let all = [
        apart("a", "200", 1e6, false),
        flat(apart("a", "500", 0.0, false), 300.0),
        apart("b", "200", 0.0, true),
    ];
    let mut shared = counters();
    through(&mut shared, &all, 20);
    let (requests, bad) = shared.sum();
    assert!(requests < 2_500, "no history of another: {requests}");
    assert_eq!(bad, 0);
    // One that says which it is counts for itself.
    let named: Vec<Series> = all
        .iter()
        .map(|one| {
            let mut one = one.clone();
            let pod = one.labels["worker"].clone();
            one.labels.insert("pod".to_owned(), pod);
            one
        })
        .collect();
    let mut told = counters();
    through(&mut told, &named, 20);
    assert_eq!(told.sum().1, 0);
    assert_eq!(told.doubts(21 * SCRAPE, true), [""; 0]);
}

#[test]
fn a_part_that_another_process_counts_does_not_start_with_all_requests() {
    let bad = selector("app_bad");
    let mut counters = Counters::new(selector("envoy_rq"), (Part::Bad, bad), FROM, EVERY);
    let restarting = |scrape: i64| {
        let since = if scrape > 8 { scrape - 8 } else { scrape + 40 };
        (scrape, 50.0 * since as f64)
    };
    let total = series("", "a", &(-5..=20).map(restarting).collect::<Vec<_>>());
    let flat: Vec<_> = (-5..=20).map(|scrape| (scrape, 30.0)).collect();
    counters.take(&answer(&[total]), &answer(&[series("", "a", &flat)]));
    counters.close(FROM + 20 * SCRAPE);
    assert_eq!(counters.sum().1, 0);
    only_doubt(&counters, "stood at 30 when all requests began anew");
}

#[test]
fn what_the_part_should_show_and_does_not_is_a_doubt() {
    let mut silent = counters();
    let all = [
        series("200", "a", &rising(70.0, -5..=20)),
        series("500", "a", &rising(30.0, -5..=20)),
    ];
    for now in 1..=20 {
        let mut seen = all.clone();
        seen.iter_mut()
            .for_each(|one| one.points.retain(|(at, _)| *at <= FROM + now * SCRAPE));
        silent.take(&answer(&seen), &answer(&[]));
        silent.close(FROM + now * SCRAPE);
    }
    only_doubt(&silent, "does not show 1 series that `http_total` shows");
}

#[test]
fn all_requests_wait_for_those_that_are_good() {
    // The good ones are not shown any more: nothing failed for that.
    let good = selector("http_total{code=\"200\"}");
    let mut gone = Counters::new(selector("http_total"), (Part::Good, good), FROM, EVERY);
    let all = series("200", "a", &rising(100.0, -5..=20));
    let shown = series("200", "a", &rising(100.0, -5..=8));
    for now in 1..=20 {
        let until = |one: &Series| {
            let mut one = one.clone();
            let window = FROM + (now - 10) * SCRAPE..=FROM + now * SCRAPE;
            one.points.retain(|(at, _)| window.contains(at));
            one
        };
        let part = until(&shown);
        let part = Vec::from_iter((!part.points.is_empty()).then_some(part));
        gone.take(&answer(&[until(&all)]), &answer(&part));
        gone.close(FROM + now * SCRAPE);
    }
    gone.close_all();
    assert_eq!(gone.sum(), (800, 0));
    let doubts = gone.doubts(21 * SCRAPE, true).join("; ");
    assert!(
        doubts.contains("is not shown while all requests are"),
        "{doubts}"
    );
}

#[test]
fn what_stands_in_a_first_scrape_counts_where_what_follows_explains_it() {
    let mut young = counters();
    young.look_back(&answer(&[]), &answer(&[]));
    let all = [
        series("200", "a", &rising(100.0, -5..=20)),
        series(
            "500",
            "b",
            &(1..=20).map(|scrape| (scrape, 300.0)).collect::<Vec<_>>(),
        ),
    ];
    through(&mut young, &all, 20);
    // Nobody knows of what comes no more whether it was before or after the beginning: it is no pass.
    assert_eq!(young.sum().1, 0);
    only_doubt(&young, "`b` came with 300 requests");
}

/// Bad requests of which it is sure that they were counted meanwhile.
fn surely_bad(all: &[Series]) -> u64 {
    let mut counters = counters();
    let mut bad = 0;
    for now in 1..=20 {
        let seen = all.iter().map(|one| {
            let mut one = one.clone();
            one.points.retain(|(at, _)| *at <= FROM + now * SCRAPE);
            one
        });
        let seen: Vec<Series> = seen.filter(|one| !one.points.is_empty()).collect();
        take(&mut counters, &seen);
        let closed = counters.close(FROM + now * SCRAPE).into_iter().flatten();
        bad += closed.map(|block| block.sure.1).sum::<u64>();
    }
    let rest = counters.close_all().into_iter().flatten();
    bad + rest.map(|block| block.sure.1).sum::<u64>()
}

#[test]
fn nobody_is_blamed_for_what_may_be_older_or_anothers() {
    let steady = |name: &str| series("200", name, &rising(100.0, -5..=20));
    let failed = |stands: fn(i64) -> f64, scrapes: std::ops::RangeInclusive<i64>| {
        let points: Vec<(i64, f64)> = scrapes.map(|scrape| (scrape, stands(scrape))).collect();
        series("500", "b", &points)
    };
    // Found late, with what failed before the bake.
    let late: Vec<(i64, f64)> = (6..=20)
        .map(|scrape| (scrape, 100.0 * scrape as f64))
        .collect();
    let found = [
        steady("a"),
        series("200", "b", &late),
        failed(|_| 9.0, 6..=20),
    ];
    assert_eq!(surely_bad(&found), 0);
    // The address leads to another process that stands higher.
    let leaps = |scrape: i64| if scrape < 8 { 2.0 } else { 400.0 };
    let stands = |scrape: i64| 100.0 * scrape as f64 + if scrape < 8 { 1_000.0 } else { 9_000.0 };
    let moved: Vec<(i64, f64)> = (-5..=20).map(|scrape| (scrape, stands(scrape))).collect();
    let moved = [
        steady("a"),
        series("200", "b", &moved),
        failed(leaps, -5..=20),
    ];
    assert_eq!(surely_bad(&moved), 0);
    // What fails while one looks is theirs, though its counter is new.
    let fails = |scrape: i64| 5.0 * (scrape - 5) as f64;
    let theirs = [steady("a"), steady("b"), failed(fails, 6..=20)];
    assert_eq!(surely_bad(&theirs), 75);
}
