//! Targets that are found late, are not there any more, or hang; what is not shown of them.

use super::super::samples::Series;
use super::target_tests::{only_doubt, through};
use super::tests::{EVERY, FROM, SCRAPE, answer, counters, rising, selector, series};
use super::{Counters, Part};
use std::time::Duration;

/// A rising counter of a target that is seen first at a scrape, where it stands at so much.
fn comes(instance: &str, code: &str, first: i64, stands: f64, by: f64) -> Series {
    let points = (first..=20).map(|scrape| (scrape, stands + by * (scrape - first) as f64));
    series(code, instance, &points.collect::<Vec<_>>())
}

#[test]
fn a_target_that_is_shown_late_brings_nothing_of_before() {
    // Up for long, and found late: 340 requests and then ten a scrape were not counted since the beginning.
    let mut late = counters();
    let all = [
        series("200", "a", &rising(100.0, -5..=20)),
        comes("b", "200", 3, 300.0, 10.0),
        comes("b", "500", 3, 40.0, 0.0),
    ];
    through(&mut late, &all, 20);
    assert_eq!(late.sum(), (19 * 100 + 16 * 10, 0));
    only_doubt(&late, "`b` came with 340 requests");
    // A busy one that was born while one looked counts from its birth, and so do its failures.
    let mut busy = counters();
    let all = [
        series("200", "a", &rising(100.0, -5..=20)),
        comes("b", "200", 2, 4_000.0, 4_000.0),
        comes("b", "500", 2, 200.0, 200.0),
    ];
    through(&mut busy, &all, 20);
    assert_eq!(busy.sum().1, 18 * 200);
    assert_eq!(busy.doubts(21 * SCRAPE, true), [""; 0]);
}

#[test]
fn who_was_there_when_one_began_and_is_not_scraped_since_is_missed() {
    let mut dead = counters();
    let all = [
        series("200", "a", &rising(100.0, -5..=20)),
        series("200", "b", &rising(100.0, -5..=0)),
        series("200", "left long ago", &rising(100.0, -5..=-2)),
    ];
    through(&mut dead, &all, 20);
    // Whoever may leave may have left, unless he should be there.
    assert_eq!(dead.doubts(21 * SCRAPE, true), [""; 0]);
    dead.attend(Ok(answer(&[series("", "b", &[(20, 0.0)])])));
    only_doubt(&dead, "`up` says that this should be");
    let doubts = dead.doubts(21 * SCRAPE, false).join("; ");
    assert!(
        doubts.starts_with("`b` is not scraped any more"),
        "{doubts}"
    );
}

#[test]
fn who_hangs_counts_nothing_and_is_missed_where_nobody_serves_instead() {
    let until = |last: i64| {
        let points =
            (-25..=20).map(|scrape: i64| (scrape, 2_000.0 + 50.0 * scrape.min(last) as f64));
        points.collect::<Vec<_>>()
    };
    let mut hanging = counters();
    let all = [
        series("200", "a", &rising(50.0, -5..=20)),
        series("200", "b", &until(8)),
    ];
    through(&mut hanging, &all, 20);
    let doubts = hanging.doubts(21 * SCRAPE, false).join("; ");
    assert!(
        doubts.starts_with("of `b`, for 3m next to nothing was counted"),
        "{doubts}"
    );
    // It hung before one looked, and that targets come and go changes nothing.
    let mut before = counters();
    let all = [
        series("200", "a", &rising(50.0, -25..=20)),
        series("200", "b", &until(-3)),
    ];
    through(&mut before, &all, 20);
    let doubts = before.doubts(21 * SCRAPE, true).join("; ");
    assert!(
        doubts.starts_with("of `b`, for 5m next to nothing was counted"),
        "{doubts}"
    );
    // Its clients went to another. Where none of them ever comes back, they may have been sent away by it.
    let back = |scrape: i64| {
        (
            scrape,
            2_000.0 + 50.0 * (scrape.min(8) + (scrape - 18).max(0)) as f64,
        )
    };
    let mut moved = counters();
    let takes_over = (-5..=20).map(|scrape: i64| {
        (
            scrape,
            1_000.0 + 50.0 * (scrape + (scrape - 8).max(0)) as f64,
        )
    });
    let takes_over = series("200", "a", &takes_over.collect::<Vec<_>>());
    let takes_over = [
        takes_over,
        series("200", "b", &(-25..=20).map(back).collect::<Vec<_>>()),
    ];
    through(&mut moved, &takes_over, 20);
    assert_eq!(moved.doubts(21 * SCRAPE, false), [""; 0]);
    let mut drained = counters();
    let [takes_over, _] = takes_over;
    through(
        &mut drained,
        &[takes_over, series("200", "b", &until(8))],
        20,
    );
    only_doubt(&drained, "of `b`, for 3m next to nothing was counted");
}

#[test]
fn a_counter_that_appears_late_had_nothing_to_count_and_a_time_without_any_scrape_is_blind() {
    let mut late = counters();
    late.look_back(&answer(&[]), &answer(&[]));
    through(&mut late, &[comes("a", "200", 8, 40.0, 40.0)], 20);
    assert_eq!(late.doubts(21 * SCRAPE, false), [""; 0]);
    let mut blind = counters();
    let seen = |scrape: &i64| !(8..11).contains(scrape);
    let points = rising(100.0, (-5..=200).filter(seen));
    blind.take(&answer(&[series("200", "a", &points)]), &answer(&[]));
    blind.close(FROM + 200 * SCRAPE);
    let doubts = blind.doubts(200 * SCRAPE, true);
    assert_eq!(doubts, ["for about 45s no target was scraped at all"]);
}

#[test]
fn a_counter_that_went_before_one_looked_is_missed_where_its_process_goes_on() {
    let of = |path: &str, points: &[(i64, f64)]| {
        let mut one = series("200", "a", points);
        one.labels.insert("path".to_owned(), path.to_owned());
        one
    };
    let went = of("/pay", &rising(100.0, -6..=-3));
    let mut hidden = counters();
    through(
        &mut hidden,
        &[of("/", &rising(100.0, -6..=20)), went.clone()],
        20,
    );
    only_doubt(
        &hidden,
        "1 counters of 1 targets, such as `a`, are not shown",
    );
    // Another process came in its place, before one looked.
    let mut replaced = counters();
    through(&mut replaced, &[of("/", &rising(100.0, -2..=20)), went], 20);
    assert_eq!(replaced.doubts(21 * SCRAPE, false), [""; 0]);
}

#[test]
fn many_small_ones_that_hang_are_missed_together() {
    let until = |name: usize, last: i64| {
        let points = (-5..=20).map(|scrape: i64| (scrape, (10 + scrape.min(last)) as f64));
        series("200", &format!("pod-{name}"), &points.collect::<Vec<_>>())
    };
    let all = |half: i64| (0..20).map(move |name| until(name, if name < 10 { half } else { 20 }));
    for (half, expected) in [
        (20, ""),
        (8, "10 of 20 targets counted next to nothing for 3m"),
    ] {
        let mut counters = counters();
        through(&mut counters, &all(half).collect::<Vec<_>>(), 20);
        let doubts = counters.doubts(21 * SCRAPE, false).join("; ");
        assert!(doubts.starts_with(expected), "{doubts}");
        assert_eq!(doubts.is_empty(), expected.is_empty(), "{doubts}");
    }
}

#[test]
fn short_standstills_that_come_again_and_again_are_a_doubt() {
    // Two scrapes of seven nothing, and then as before.
    let served = |scrape: i64| {
        let went = (scrape + 70).div_euclid(7) * 5 + (scrape + 70).rem_euclid(7).min(5);
        (scrape, 100.0 * went as f64)
    };
    let stuttering = series("200", "a", &(-5..=40).map(served).collect::<Vec<_>>());
    let mut counters = counters();
    through(&mut counters, &[stuttering], 40);
    let doubts = counters.doubts(41 * SCRAPE, true).join("; ");
    assert!(
        doubts.contains("times a target counted next to nothing for a while"),
        "{doubts}"
    );
}

#[test]
fn all_that_stand_still_together_again_and_again_are_missed() {
    // Two scrapes a block, which do not fall together with what happens.
    let second = Duration::from_secs(1);
    for tenths in (0..100).step_by(7) {
        let served = |at: i64| {
            // Three seconds of ten nothing.
            let ms = (at - FROM + 200_000 + tenths * 100) as f64;
            let (rounds, rest) = (ms.div_euclid(10_000.0), ms.rem_euclid(10_000.0));
            (50.0 * (7.0 * rounds + (rest / 1_000.0).min(7.0))).round()
        };
        let of = |name: &str, until: i64| {
            let mut one = series("200", name, &[]);
            let times = (-40..=until).map(|at| FROM + at * 1_000);
            one.points = times.map(|at| (at, served(at))).collect();
            one
        };
        let bad = selector("http_total{code=~\"5..\"}");
        let mut counters = Counters::new(selector("http_total"), (Part::Bad, bad), FROM, second);
        counters.ends(FROM + 40_000);
        for at in 0..=41 {
            let all = ["a", "b", "c"].map(|name| of(name, at));
            counters.take(&answer(&all), &answer(&[]));
            counters.close(FROM + at * 1_000);
        }
        counters.close_all();
        let doubts = counters.doubts(40_000, false).join("; ");
        assert!(doubts.contains("next to nothing"), "{tenths}: {doubts}");
    }
}

#[test]
fn failures_that_only_the_part_shows_are_not_passed_over() {
    // A log counts the failures, and it shows them late.
    let bad = selector("log_errors");
    let mut counters = Counters::new(selector("http_total"), (Part::Bad, bad), FROM, EVERY);
    let quiet = series(
        "",
        "log-a",
        &(-5..=20).map(|scrape| (scrape, 0.0)).collect::<Vec<_>>(),
    );
    let total = series("200", "a", &rising(100.0, -5..=20));
    let born = series("", "log-b", &[(19, 70.0), (20, 150.0)]);
    counters.take(&answer(&[total]), &answer(&[quiet, born]));
    counters.close(FROM + 20 * SCRAPE);
    only_doubt(&counters, "`log-b` came with 150 bad requests");
}

#[test]
fn a_bucket_that_is_not_shown_for_every_count_is_a_doubt() {
    let good = selector("http_seconds_bucket{le=\"0.3\"}");
    let asked = (Part::Good, good);
    let mut counters = Counters::new(selector("http_seconds_count"), asked, FROM, EVERY);
    let of = |path: &str, le: bool| {
        let mut one = series("", "a", &rising(50.0, -5..=20));
        one.labels.insert("path".to_owned(), path.to_owned());
        if le {
            one.labels.insert("le".to_owned(), "0.3".to_owned());
        }
        one
    };
    for now in [19, 20] {
        let total = answer(&[of("/a", false), of("/b", false)]);
        counters.take(&total, &answer(&[of("/a", true)]));
        counters.close(FROM + (now + 1) * SCRAPE);
    }
    assert_eq!(counters.repeated(), counters.sum(), "nobody is blamed");
    only_doubt(
        &counters,
        "does not show 1 series that `http_seconds_count` shows",
    );
}

#[test]
fn what_stood_long_before_is_subtracted_only_from_the_same_process() {
    // It was started anew since one looked back: what fails now is on paths on which it failed before, too.
    let of = |code: &str, path: &str, points: &[(i64, f64)]| {
        let mut one = series(code, "a", points);
        one.labels.insert("path".to_owned(), path.to_owned());
        one
    };
    let stood = |ok: f64| {
        let all = [
            of("200", "/", &[(-100, ok)]),
            of("500", "/x", &[(-100, 2.0)]),
        ];
        answer(&all)
    };
    let failing = (5..=20).map(|scrape| (scrape, 3.0)).collect::<Vec<_>>();
    let all = [
        of("200", "/", &rising(100.0, -5..=20)),
        of("500", "/x", &failing),
    ];
    let looking = |resets: f64| {
        let mut counters = counters();
        counters.look_back(&stood(100.0), &answer(&[]));
        counters.look_back(&answer(&[]), &answer(&[of("500", "/x", &[(-100, 2.0)])]));
        counters.began_anew(&answer(&[of("200", "/", &[(0, resets)])]));
        through(&mut counters, &all, 20);
        assert_eq!(counters.sum().1, 1);
        counters
    };
    // What began anew meanwhile may have counted all of it since then, and not every start is seen.
    for resets in [0.0, 1.0] {
        only_doubt(
            &looking(resets),
            "is shown again with 3, no less than long before",
        );
    }
}

#[test]
fn who_is_scraped_now_and_then_and_who_is_nearly_idle_are_missed() {
    let mut flapping = counters();
    let seldom = rising(50.0, (-3..=20).filter(|scrape| scrape % 3 == 0));
    let all = [
        series("200", "a", &rising(50.0, -5..=20)),
        series("200", "b", &seldom),
    ];
    through(&mut flapping, &all, 20);
    only_doubt(&flapping, "`b` was scraped 6 of 16 times");
    // Its checks of health are answered, and nothing else is.
    let mut hanging = counters();
    let checked = (-5..=20).map(|scrape: i64| {
        let served = 50.0 * scrape.min(0) as f64 + scrape.max(0) as f64;
        (scrape, 1_000.0 + served)
    });
    let checked = series("200", "b", &checked.collect::<Vec<_>>());
    through(
        &mut hanging,
        &[series("200", "a", &rising(50.0, -5..=20)), checked],
        20,
    );
    let doubts = hanging.doubts(21 * SCRAPE, false).join("; ");
    assert!(
        doubts.starts_with("of `b`, for 5m next to nothing was counted"),
        "{doubts}"
    );
}

#[test]
fn a_standstill_that_is_made_up_for_hides_no_other() {
    // Away from 3 to 7, served by the other; from 12 to 16 it hangs.
    let served = |rates: &[(i64, f64)]| {
        let mut stands = 2_000.0;
        let points = (-25..=20).map(|scrape: i64| {
            let rate = rates.iter().find(|(until, _)| scrape <= *until);
            stands += rate.map_or(50.0, |(_, rate)| *rate);
            (scrape, stands)
        });
        points.collect::<Vec<_>>()
    };
    let of = |hangs: f64| {
        let mut counters = counters();
        let b = served(&[(3, 50.0), (8, 0.0), (12, 50.0), (16, hangs)]);
        let a = served(&[(3, 50.0), (8, 100.0)]);
        through(
            &mut counters,
            &[series("200", "a", &a), series("200", "b", &b)],
            20,
        );
        counters.doubts(21 * SCRAPE, false).join("; ")
    };
    assert_eq!(of(50.0), "");
    assert!(
        of(0.0).starts_with("of `b`, for 1m next to nothing"),
        "{}",
        of(0.0)
    );
}

#[test]
fn what_is_left_of_a_target_is_looked_at_too() {
    // A client of 40 goes to another one; what is left goes on, or hangs.
    let points = |end: f64| {
        let mut stands = 2_000.0;
        let all = (-25..=20).map(|scrape: i64| {
            stands += match scrape {
                ..=2 => 50.0,
                3..=12 => 8.0,
                _ => end,
            };
            (scrape, stands)
        });
        all.collect::<Vec<_>>()
    };
    let takes_over = (-25..=20).map(|scrape: i64| {
        (
            scrape,
            5_000.0 + 50.0 * scrape as f64 + 42.0 * (scrape - 2).max(0) as f64,
        )
    });
    let takes_over = series("200", "a", &takes_over.collect::<Vec<_>>());
    for (left, expected) in [(8.0, ""), (0.0, "of `b`, for 2m next to nothing")] {
        let mut counters = counters();
        let all = [takes_over.clone(), series("200", "b", &points(left))];
        through(&mut counters, &all, 20);
        let doubts = counters.doubts(21 * SCRAPE, false).join("; ");
        assert!(doubts.starts_with(expected), "{doubts}");
        assert_eq!(doubts.is_empty(), expected.is_empty(), "{doubts}");
    }
}

#[test]
fn a_load_of_our_own_says_nothing_of_how_busy_targets_are() {
    let points = |scrape: i64| {
        (
            scrape,
            50_000.0 + 10.0 * scrape as f64 + 150.0 * scrape.min(-1) as f64,
        )
    };
    let all = [series(
        "200",
        "a",
        &(-25..=20).map(points).collect::<Vec<_>>(),
    )];
    for (loaded, doubtful) in [(-1, false), (-30, true)] {
        let mut counters = counters();
        counters.loaded_until(FROM + loaded * SCRAPE);
        counters.look_back(&answer(&[]), &answer(&[]));
        through(&mut counters, &all, 20);
        assert_eq!(
            counters.doubts(21 * SCRAPE, false).len(),
            usize::from(doubtful)
        );
    }
}

#[test]
fn a_part_that_others_show_and_a_process_that_is_shown_twice_are_doubts() {
    let bad = selector("http_errors");
    let mut counters = Counters::new(selector("http_total"), (Part::Bad, bad), FROM, EVERY);
    let total = |name: &str| series("", name, &rising(50.0, -5..=20));
    let zero = series("", "a", &(-5..=20).map(|at| (at, 0.0)).collect::<Vec<_>>());
    counters.take(&answer(&[total("a"), total("b")]), &answer(&[zero]));
    counters.close(FROM + 20 * SCRAPE);
    only_doubt(&counters, "`http_errors` of `b` is not shown");
    let mut twice = super::tests::counters();
    let replica = |name: &str| {
        let mut one = series("200", "a", &rising(50.0, -5..=20));
        one.labels.insert("replica".to_owned(), name.to_owned());
        one
    };
    through(&mut twice, &[replica("x"), replica("y")], 20);
    only_doubt(&twice, "`a` is shown by several Prometheus");
}
