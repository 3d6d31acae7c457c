//! What happened where nobody saw it: before the window, in scrapes that failed, and in leaps.

use super::super::samples::Series;
use super::target_tests::through;
use super::tests::{FROM, SCRAPE, counters, rising, series, take};
use super::{Closed, Counters};

/// Requests of all blocks: sound ones, and those by which somebody is blamed.
fn judged(counters: &mut Counters, all: &[Series]) -> [(u64, u64); 2] {
    take(counters, all);
    let closed: Vec<Closed> = counters
        .close(FROM + 21 * SCRAPE)
        .into_iter()
        .flatten()
        .collect();
    let sum = |of: fn(&Closed) -> (u64, u64)| {
        let all = closed.iter().map(of);
        all.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    [sum(|block| block.sound), sum(|block| block.sure)]
}

#[test]
fn nobody_is_blamed_for_what_scrapes_that_failed_until_the_window_had_not_shown() {
    // All failed before the window, and the first scrape that tells of it is the third within.
    let of = |scrape: i64, slow: f64| match scrape {
        -9..=-6 => slow * (scrape + 10) as f64,
        _ => slow * 4.0 + 300.0 * slow,
    };
    let shown: Vec<i64> = (-9..=-6).chain(3..=20).collect();
    let points = |slow: f64| {
        shown
            .iter()
            .map(|at| (*at, of(*at, slow)))
            .collect::<Vec<_>>()
    };
    let ok: Vec<_> = shown
        .iter()
        .map(|at| (*at, 1_000.0 + 20.0 * *at as f64))
        .collect();
    let all = [series("200", "a", &ok), series("500", "a", &points(1.0))];
    let [sound, sure] = judged(&mut counters(), &all);
    assert_eq!(sound.1, 300, "it keeps the deploy from being promoted");
    assert_eq!(sure.1, 0, "it may all be older");
    assert_eq!(
        sound.0,
        300 + 17 * 20,
        "and good ones of before make nothing better"
    );
}

#[test]
fn a_leap_of_all_requests_makes_no_share_smaller() {
    // An address moves to a process that stands 5000 higher; three of twenty fail.
    let ok = |scrape: i64| {
        (
            scrape,
            17.0 * scrape as f64 + 900.0 + if scrape > 8 { 5_000.0 } else { 0.0 },
        )
    };
    let ok: Vec<_> = (-5..=20).map(ok).collect();
    let all = [
        series("200", "a", &ok),
        series("500", "a", &rising(3.0, -5..=20)),
    ];
    let [sound, sure] = judged(&mut counters(), &all);
    assert_eq!(
        sound,
        (383, 60),
        "but for good ones of the scrape of the leap"
    );
    assert_eq!(sure.1, 57);
}

#[test]
fn what_was_lost_in_scrapes_that_failed_before_a_start_is_told_unless_others_served_it() {
    // One of four is not scraped four times, and begins anew.
    let lost = |others_serve: bool| {
        let mut counters = counters();
        let steady = |pod: i64| {
            let more = move |scrape: i64| {
                let meanwhile = (scrape - 8).clamp(0, 4) as f64;
                let more = if others_serve {
                    400.0 / 3.0 * meanwhile
                } else {
                    0.0
                };
                (scrape, 4_000.0 + 400.0 * scrape as f64 + more)
            };
            series(
                "200",
                &format!("p{pod}"),
                &(-5..=20).map(more).collect::<Vec<_>>(),
            )
        };
        let shown = (-5..=8).chain(12..=20);
        let restarted = shown.map(|scrape| {
            let since = if scrape > 8 { scrape - 11 } else { scrape + 10 };
            (scrape, 400.0 * since as f64)
        });
        let restarted = series("200", "p0", &restarted.collect::<Vec<_>>());
        let mut all = vec![restarted];
        all.extend((1..=3).map(steady));
        through(&mut counters, &all, 20);
        assert_eq!(counters.starts(), 1);
        counters.lost()
    };
    assert_eq!(lost(false), 3 * 400);
    assert_eq!(lost(true), 0);
}

#[test]
fn a_start_in_a_short_gap_over_the_beginning_is_understood() {
    // Nothing was scraped from before the window until just after, and each began anew meanwhile.
    let mut counters = counters();
    let pod = |pod: i64| {
        let early = (-9..=-6).map(move |scrape| (scrape, 1_000.0 + 30.0 * scrape as f64));
        let late = (1..=20).map(move |scrape| (scrape, 30.0 * (scrape + 2) as f64));
        series(
            "200",
            &format!("p{pod}"),
            &early.chain(late).collect::<Vec<_>>(),
        )
    };
    let all: Vec<Series> = (0..4).map(pod).collect();
    through(&mut counters, &all, 20);
    assert_eq!(counters.starts(), 4);
    // Ends that come before their beginnings break nothing.
    assert!(counters.lost() <= 4 * 30 * 4);
    assert!(
        !counters
            .doubts(21 * SCRAPE, true)
            .iter()
            .any(|doubt| doubt.contains("next to nothing"))
    );
}
