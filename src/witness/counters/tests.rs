use super::super::samples::{Answer, Series};
use super::super::selector::Selector;
use super::*;
use proptest::prelude::*;
use std::time::Duration;

pub(super) const SCRAPE: i64 = 15_000;
pub(super) const EVERY: Duration = Duration::from_secs(15);
pub(super) const FROM: i64 = 1_000_000_000;

pub(super) fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

pub(super) fn counters() -> Counters {
    let bad = selector("http_total{code=~\"5..\"}");
    Counters::new(selector("http_total"), (Part::Bad, bad), FROM, EVERY)
}

/// A series of one target, by scrapes since the window began.
pub(super) fn series(code: &str, instance: &str, points: &[(i64, f64)]) -> Series {
    let labels = [("instance", instance), ("code", code)];
    Series {
        labels: labels
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        points: points
            .iter()
            .map(|(scrape, value)| (FROM + scrape * SCRAPE, *value))
            .collect(),
    }
}

pub(super) fn answer(series: &[Series]) -> Answer {
    Answer {
        series: series.to_vec(),
        doubts: Vec::new(),
    }
}

/// All requests are those of all codes; bad are those of 500.
pub(super) fn take(counters: &mut Counters, all: &[Series]) {
    let bad: Vec<Series> = all
        .iter()
        .filter(|one| one.labels["code"] == "500")
        .cloned()
        .collect();
    counters.take(&answer(all), &answer(&bad));
}

pub(super) fn closed(counters: &mut Counters, scrapes: i64) -> Vec<Option<Counted>> {
    let closed = counters.close(FROM + scrapes * SCRAPE).into_iter();
    closed.map(|block| block.map(|block| block.all)).collect()
}

#[test]
fn what_was_counted_before_the_window_does_not_count_and_a_reset_loses_nothing() {
    let mut counters = counters();
    let ok = series(
        "200",
        "a",
        &[
            (-1, 900.0),
            (0, 1_000.0),
            (1, 1_100.0),
            (2, 30.0),
            (3, 40.0),
        ],
    );
    take(&mut counters, &[ok]);
    // The last scrape is not over yet.
    assert_eq!(closed(&mut counters, 3), [Some((100, 0)), Some((30, 0))]);
    assert_eq!(closed(&mut counters, 4), [Some((10, 0))]);
    assert_eq!((counters.sum(), counters.starts()), ((140, 0), 1));
    assert_eq!(counters.doubts(5 * SCRAPE, false), [""; 0]);
}

#[test]
fn a_counter_that_is_born_with_its_first_error_counts_it() {
    let mut counters = counters();
    let ok = series("200", "a", &[(0, 10.0), (1, 20.0), (2, 30.0)]);
    let born = series("500", "a", &[(2, 3.0), (3, 4.0)]);
    // A pod that comes counts from its first scrape: nobody knows since when it counts.
    let new = series("500", "b", &[(2, 7_000.0), (3, 7_001.0)]);
    take(&mut counters, &[ok, born, new]);
    assert_eq!(
        closed(&mut counters, 4),
        [Some((10, 0)), Some((13, 3)), Some((2, 2))]
    );
}

#[test]
fn what_was_not_scraped_is_no_quiet_block() {
    let mut counters = counters();
    take(
        &mut counters,
        &[series(
            "200",
            "a",
            &[(0, 0.0), (1, 0.0), (2, 0.0), (12, 50.0)],
        )],
    );
    let over = closed(&mut counters, 13);
    assert_eq!(over[..2], [Some((0, 0)), Some((0, 0))]);
    assert_eq!(over[2..11], [None; 9]);
    // What was counted across the gap was counted.
    assert_eq!(over[11], Some((50, 0)));
    let doubts = counters.doubts(14 * SCRAPE, false);
    assert!(
        doubts[0].starts_with("3 of 12 blocks of 15s were scraped"),
        "{doubts:?}"
    );
}

#[test]
fn samples_that_come_late_are_not_lost() {
    let mut counters = counters();
    take(&mut counters, &[series("500", "a", &[(0, 0.0)])]);
    assert_eq!(closed(&mut counters, 4), [None; 3]);
    take(
        &mut counters,
        &[series(
            "500",
            "a",
            &[(0, 0.0), (1, 5.0), (2, 6.0), (4, 8.0)],
        )],
    );
    assert_eq!(closed(&mut counters, 5), [Some((8, 8))]);
    // One scrape that is missing is forgiven, two are not.
    assert_eq!(counters.doubts(6 * SCRAPE, false), [""; 0]);
    assert!(!counters.doubts(7 * SCRAPE, false).is_empty());
}

#[test]
fn a_target_that_goes_takes_what_it_knew_with_it() {
    let mut counters = counters();
    let stays = series(
        "200",
        "a",
        &[
            (0, 0.0),
            (1, 1.0),
            (2, 2.0),
            (3, 3.0),
            (4, 4.0),
            (5, 5.0),
            (6, 6.0),
        ],
    );
    let goes = series("200", "b", &[(0, 0.0), (1, 1.0)]);
    take(&mut counters, &[stays, goes]);
    assert_eq!(closed(&mut counters, 7).len(), 6);
    let doubts = counters.doubts(8 * SCRAPE, false);
    assert!(
        doubts[0].starts_with("`b` is not scraped any more"),
        "{doubts:?}"
    );
    assert!(counters.doubts(8 * SCRAPE, true).is_empty());
}

#[test]
fn what_does_not_fit_is_a_doubt() {
    let flat = [(0, 0.0), (1, 10.0), (2, 20.0)];
    let doubts = |part: Part, bad: &str, of: &[Series]| {
        let mut counters =
            Counters::new(selector("http_total"), (part, selector(bad)), FROM, EVERY);
        counters.take(&answer(&[series("200", "a", &flat)]), &answer(of));
        counters.close(FROM + 3 * SCRAPE);
        counters.doubts(4 * SCRAPE, false).join("; ")
    };
    assert_eq!(doubts(Part::Bad, "http_total{code=~\"5..\"}", &[]), "");
    // A label that is not there counts nothing, or everything.
    for typo in ["http_total{cod=~\"5..\"}", "http_total{cod!~\"2..\"}"] {
        let said = doubts(Part::Bad, typo, &[]);
        assert!(
            said.contains("no series of `http_total` has a label `cod`"),
            "{said}"
        );
    }
    let everything = [series("200", "a", &flat)];
    assert!(doubts(Part::Good, "http_total{cod!~\"5..\"}", &everything).contains("label `cod`"));
    assert_eq!(
        doubts(Part::Good, "http_total{code!~\"5..\"}", &everything),
        ""
    );
    assert!(doubts(Part::Bad, "http_errors", &[]).contains("born with its first error"));
    assert!(doubts(Part::Good, "http_total{code=\"2\"}", &[]).contains("which requests are good"));
    let more = [series("500", "a", &[(0, 0.0), (1, 50.0), (2, 99.0)])];
    assert!(doubts(Part::Bad, "http_errors", &more).contains("79 more bad requests than requests"));
    let none = counters().doubts(60_000, false);
    assert!(none[0].contains("has no series"), "{none:?}");
}

/// Points of a counter that rises by so much a scrape, at these scrapes.
pub(super) fn rising(by: f64, scrapes: impl Iterator<Item = i64>) -> Vec<(i64, f64)> {
    scrapes
        .map(|scrape| (scrape, by * scrape as f64 + 1_000.0))
        .collect()
}

#[test]
fn what_was_counted_while_nobody_could_look_is_counted_and_the_time_is_missed() {
    let mut counters = counters();
    let away = |scrape: &i64| !(3..15).contains(scrape);
    let all = [
        series("200", "a", &rising(100.0, 0..=20)),
        series("200", "b", &rising(10.0, (0..=20).filter(away))),
        series("500", "b", &rising(90.0, (0..=20).filter(away))),
    ];
    take(&mut counters, &all);
    let over = closed(&mut counters, 21);
    assert_eq!(counters.sum(), (20 * 200, 20 * 90));
    assert_eq!(over[14], Some((100 + 13 * 100, 13 * 90)));
    let doubts = counters.doubts(22 * SCRAPE, false);
    assert!(doubts[0].contains("scraped on every target"), "{doubts:?}");
}

#[test]
fn a_series_that_was_not_shown_for_a_while_goes_on_where_it_was() {
    let mut counters = counters();
    let shown = |scrape: &i64| !(3..15).contains(scrape);
    let all = [
        series("200", "a", &rising(100.0, 0..=20)),
        series("500", "a", &rising(50.0, (0..=20).filter(shown))),
    ];
    take(&mut counters, &all);
    closed(&mut counters, 21);
    assert_eq!(counters.sum(), (20 * 150, 20 * 50));
    // The target was scraped all along.
    assert_eq!(counters.doubts(22 * SCRAPE, false), [""; 0]);
}

#[test]
fn late_samples_change_no_share() {
    let mut counters = counters();
    let all = |to: i64| {
        [
            series("200", "a", &rising(194.0, 0..=to)),
            series("500", "a", &rising(6.0, 0..=to)),
        ]
    };
    for now in 1..=30 {
        // Most of the time what comes is late, now and then it is not.
        let newest = if now % 7 == 0 { now } else { (now - 6).max(0) };
        take(&mut counters, &all(newest));
        for (requests, bad) in closed(&mut counters, now).into_iter().flatten() {
            assert_eq!(requests * 3, bad * 100);
        }
    }
    counters.close_all();
    assert_eq!(counters.sum(), (28 * 200, 28 * 6));
}

#[test]
fn a_counter_that_stands_too_high_to_be_new_is_a_doubt() {
    let mut counters = counters();
    let all = [
        series("200", "a", &rising(100.0, 0..=10)),
        series("201", "a", &[(4, 9_000.0), (9, 9_010.0)]),
        series("202", "a", &[(6, 150.0), (7, 160.0)]),
    ];
    take(&mut counters, &all);
    closed(&mut counters, 11);
    assert_eq!(counters.sum(), (10 * 100 + 10 + 150 + 10, 0));
    let doubts = counters.doubts(12 * SCRAPE, false);
    assert_eq!(doubts.len(), 1, "{doubts:?}");
    assert!(doubts[0].contains("too high to be new"), "{doubts:?}");
}

#[test]
fn a_target_that_starts_again_and_again_and_a_part_that_is_more_than_the_whole_are_doubts() {
    let mut looping = counters();
    let points: Vec<(i64, f64)> = (0..=8)
        .map(|scrape| (scrape, [50.0, 60.0][scrape as usize % 2]))
        .collect();
    take(&mut looping, &[series("200", "a", &points)]);
    closed(&mut looping, 9);
    let doubts = looping.doubts(10 * SCRAPE, false);
    assert!(
        doubts[0].starts_with("`a` started anew 4 times"),
        "{doubts:?}"
    );
    let good = selector("http_ok");
    let mut masked = Counters::new(selector("http_total"), (Part::Good, good), FROM, EVERY);
    let total = series("", "a", &[(0, 0.0), (1, 100.0), (2, 200.0), (3, 300.0)]);
    // More good ones than there were, and then as many fewer: it comes out even, and is not.
    let part = series("", "a", &[(0, 0.0), (1, 150.0), (2, 200.0), (3, 300.0)]);
    masked.take(&answer(&[total]), &answer(&[part]));
    masked.close(FROM + 4 * SCRAPE);
    let doubts = masked.doubts(5 * SCRAPE, false);
    assert!(
        doubts[0].starts_with("50 more good requests than requests"),
        "{doubts:?}"
    );
}

#[test]
fn targets_that_come_and_go_take_no_failure_with_them() {
    let mut counters = counters();
    let mut all = vec![series("200", "a", &rising(100.0, 0..=20))];
    for pod in 2..20 {
        all.push(series("500", &format!("b{pod}"), &[(pod, 90.0)]));
    }
    for now in 1..=21 {
        let until = |one: &Series| {
            let mut one = one.clone();
            one.points.retain(|(at, _)| *at <= FROM + now * SCRAPE);
            one
        };
        let seen: Vec<Series> = all
            .iter()
            .map(until)
            .filter(|one| !one.points.is_empty())
            .collect();
        take(&mut counters, &seen);
        closed(&mut counters, now);
    }
    // Nobody knows since when they failed: they are no failures of now, and no pass.
    assert_eq!(counters.sum(), (20 * 100, 0));
    let doubts = counters.doubts(22 * SCRAPE, true).join("; ");
    for part in ["are not scraped any more", "came with 1620 requests"] {
        assert!(doubts.contains(part), "{doubts}");
    }
    // One that stands too high is not passed over, good or bad.
    let late = [
        series("200", "late", &[(20, 4_100.0)]),
        series("500", "late", &[(20, 900.0)]),
    ];
    take(&mut counters, &late);
    let doubts = counters.doubts(22 * SCRAPE, true).join("; ");
    assert!(
        doubts.contains("`late` came with 5000 requests, and nobody knows"),
        "{doubts}"
    );
}

#[test]
fn good_ones_that_are_known_later_invent_no_failure() {
    let good = selector("http_good");
    let mut counters = Counters::new(selector("http_total"), (Part::Good, good), FROM, EVERY);
    let until = |newest: i64| answer(&[series("", "a", &rising(100.0, 0..=newest))]);
    for now in 1..=30 {
        let lag = 1 + i64::from(now % 5 < 2);
        counters.take(&until(now), &until((now - lag).max(0)));
        for counted in closed(&mut counters, now) {
            assert_eq!(counted, Some((100, 0)), "{now}");
        }
    }
    assert!(
        counters
            .close_all()
            .into_iter()
            .all(|block| block.is_some_and(|block| block.all == (100, 0)))
    );
    assert_eq!(counters.doubts(30 * SCRAPE, false), [""; 0]);
    // Where they are not shown any more, nobody knows which were good.
    counters.take(&until(40), &until(30));
    counters.close(FROM + 41 * SCRAPE);
    counters.close_all();
    assert_eq!(counters.sum().1, 0);
    let doubts = counters.doubts(40 * SCRAPE, false).join("; ");
    assert!(doubts.contains("is not shown while"), "{doubts}");
}

#[test]
fn what_nobody_understands_is_neither_good_nor_bad() {
    let total = series("200", "a", &rising(100.0, 0..=10));
    for (part, asked, series) in [
        (Part::Good, "http_good", vec![]),
        (Part::Bad, "http_total{cde!=\"200\"}", vec![total.clone()]),
    ] {
        let mut counters =
            Counters::new(selector("http_total"), (part, selector(asked)), FROM, EVERY);
        counters.take(&answer(std::slice::from_ref(&total)), &answer(&series));
        assert_eq!(closed(&mut counters, 11), []);
        assert_eq!(counters.close_all(), [] as [Option<super::Closed>; 0]);
        assert_eq!(counters.doubts(12 * SCRAPE, false).len(), 1, "{asked}");
    }
}

#[test]
fn one_restart_is_one_and_the_end_of_all_is_an_end() {
    let mut counters = counters();
    let ok: Vec<(i64, f64)> = (0..=16)
        .map(|scrape| {
            (
                scrape,
                100.0 * if scrape < 8 { scrape + 9 } else { scrape - 7 } as f64,
            )
        })
        .collect();
    let missing = series("404", "a", &[(0, 50.0), (7, 50.0), (13, 1.0), (16, 2.0)]);
    take(&mut counters, &[series("200", "a", &ok), missing]);
    closed(&mut counters, 17);
    assert_eq!(counters.starts(), 1);
    assert_eq!(counters.doubts(18 * SCRAPE, true), [""; 0]);
    // Nothing is scraped any more.
    closed(&mut counters, 21);
    let doubts = counters.doubts(18 * SCRAPE, true);
    assert!(
        doubts[0].starts_with("`a` is not scraped any more"),
        "{doubts:?}"
    );
}

proptest! {
    /// Whatever restarts, however often and late one asks, what comes out is what a naive recount of all
    /// increments says.
    #[test]
    fn nothing_is_lost_and_nothing_counted_twice(
        steps in prop::collection::vec((0u32..40, 0u32..8, prop::bool::weighted(0.1)), 4..40),
        polls in prop::collection::vec(1i64..4, 1..40),
    ) {
        let (mut good, mut bad) = (500.0, 70.0);
        let mut scraped = vec![(0, good, bad)];
        let mut naive = (0u64, 0u64);
        for (number, (more, worse, restarts)) in steps.iter().enumerate() {
            if *restarts {
                (good, bad) = (0.0, 0.0);
            }
            let before = (good, bad);
            (good, bad) = (good + f64::from(*more), bad + f64::from(*worse));
            // A restart that counts as much as before at once cannot be seen by anybody.
            let hidden = |now: f64, then: f64| *restarts && now >= then;
            let then = scraped.last().copied().unwrap();
            if hidden(good, then.1) || hidden(bad, then.2) {
                (good, bad) = (then.1 + f64::from(*more), then.2 + f64::from(*worse));
            } else {
                prop_assert!(before.0 <= good && before.1 <= bad);
            }
            naive = (naive.0 + u64::from(more + worse), naive.1 + u64::from(*worse));
            scraped.push((number as i64 + 1, good, bad));
        }
        let mut counters = counters();
        let (mut at, mut handed) = (0i64, 0usize);
        let end = steps.len() as i64;
        let mut polls = polls.iter().cycle();
        while at < end {
            at = (at + polls.next().unwrap()).min(end);
            let seen = scraped.iter().filter(|(scrape, ..)| *scrape <= at && *scrape >= at - 10);
            let of = |take: fn(&(i64, f64, f64)) -> f64| {
                seen.clone().map(|point| (point.0, take(point))).collect::<Vec<_>>()
            };
            take(&mut counters, &[
                series("200", "a", &of(|point| point.1)),
                series("500", "a", &of(|point| point.2)),
            ]);
            let over = closed(&mut counters, at);
            prop_assert!(over.iter().all(Option::is_some));
            handed += over.len();
        }
        handed += closed(&mut counters, end + 1).len();
        prop_assert_eq!(handed as i64, end);
        prop_assert_eq!(counters.sum(), naive);
        let doubts = counters.doubts((end + 2) * SCRAPE, false);
        prop_assert!(doubts.iter().all(|doubt| {
            doubt.contains("started anew") || doubt.contains("next to nothing")
        }), "{:?}", doubts);
    }
}
