//! Stories of the book of incidents, each with what people read.

use super::alert::{Condition, Level, Route, Severity};
use super::book::Book;
use super::incident::{Acknowledgment, Incident, Occasion};
use std::collections::BTreeSet;

fn level(name: &str, down_since: Option<i64>) -> Level {
    let route = Route {
        tell: vec!["team".to_owned()],
        wait_ms: 500,
        interval_ms: 300_000,
        repeat_ms: 3_600_000,
        ..Route::default()
    };
    let condition = down_since.map(|since_ms| Condition {
        word: "down".to_owned(),
        severity: Severity::Critical,
        reason: "refused".to_owned(),
        since_ms,
    });
    Level {
        labels: [("probe".to_owned(), name.to_owned())].into(),
        explains: down_since.is_some(),
        ..Level::new(format!("probe/{name}"), "shop".to_owned(), route, condition)
    }
}

/// What is told now: why, and to whom.
fn told(book: &mut Book, now_ms: i64) -> Vec<(Occasion, String)> {
    let tellings = book.tick(now_ms).into_iter();
    tellings
        .map(|telling| (telling.occasion, telling.channels.join(" ")))
        .collect()
}

fn team(occasion: Occasion) -> Vec<(Occasion, String)> {
    vec![(occasion, "team".to_owned())]
}

#[test]
fn who_fails_again_in_an_incident_that_somebody_has_is_told_again() {
    let mut book = Book::default();
    book.put(level("a", Some(0)), 0);
    book.put(level("b", Some(0)), 0);
    assert!(told(&mut book, 100).is_empty(), "more may join");
    assert_eq!(told(&mut book, 600), team(Occasion::Firing));
    let id = book.open().next().unwrap().id;
    let by = Acknowledgment {
        by: "ann".to_owned(),
        at_ms: 700,
        comment: String::new(),
    };
    assert!(book.acknowledge(id, by).is_some());
    book.put(level("b", None), 10_000);
    assert!(told(&mut book, 10_000).is_empty(), "a is still down");
    book.put(level("b", Some(400_000)), 400_000);
    assert_eq!(told(&mut book, 400_000), team(Occasion::News));
    book.put(level("a", None), 500_000);
    book.put(level("b", None), 500_000);
    assert_eq!(told(&mut book, 500_000), team(Occasion::Resolved));
}

#[test]
fn who_is_told_elsewhere_from_now_on_is_told_there() {
    let mut book = Book::default();
    book.put(level("a", Some(0)), 0);
    assert_eq!(told(&mut book, 600), team(Occasion::Firing));
    let mut moved = level("a", Some(0));
    moved.route.tell = vec!["oncall".to_owned()];
    book.put(moved, 1_000);
    let after = told(&mut book, 2_000);
    assert!(
        after.contains(&(Occasion::Firing, "oncall".to_owned())),
        "{after:?}"
    );
    assert!(
        after.contains(&(Occasion::Resolved, "team".to_owned())),
        "{after:?}"
    );
}

#[test]
fn a_restart_tells_nothing_that_was_quiet_before_it() {
    let mut book = Book::default();
    let mut shop = level("shop", Some(10));
    shop.group = "other".to_owned();
    shop.depends_on = vec!["probe/gateway".to_owned()];
    book.put(level("gateway", Some(5)), 20);
    book.put(shop.clone(), 20);
    assert_eq!(
        told(&mut book, 600),
        team(Occasion::Firing),
        "the gateway alone"
    );
    let kept: Vec<Incident> = book.open().cloned().collect();
    let mut book = Book::new(kept, Vec::new(), 1);
    assert!(
        told(&mut book, 2_000).is_empty(),
        "nobody has said anything yet"
    );
    book.put(shop, 2_100);
    assert!(
        told(&mut book, 3_000).is_empty(),
        "the gateway is to be heard first"
    );
    book.put(level("gateway", Some(5)), 3_100);
    assert!(told(&mut book, 4_000).is_empty(), "it explains the shop");
    book.only("probe/", &BTreeSet::from(["probe/shop".to_owned()]), 5_000);
    assert!(told(&mut book, 5_000).contains(&(Occasion::Resolved, "team".to_owned())));
}
