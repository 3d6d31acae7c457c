//! Logs that lie, that are cut, and that hold what must not be there.

use super::*;
use crate::witness::pattern::{Fits, whole};
use proptest::prelude::*;
use regex::Regex;

fn line(pattern: &str) -> Pattern {
    Pattern {
        name: pattern.to_owned(),
        fits: Fits::Line(Regex::new(pattern).unwrap()),
        cause: String::new(),
        advice: String::new(),
    }
}

fn level(level: &str) -> Pattern {
    Pattern {
        name: level.to_owned(),
        fits: Fits::Fields(vec![("level".to_owned(), whole(level).unwrap())]),
        cause: "the disk".to_owned(),
        advice: "look at it".to_owned(),
    }
}

fn read(wanted: &Wanted, since_ms: Option<i64>, text: &str) -> Said {
    let mut reading = Reading::new(wanted, since_ms);
    reading.push(text.as_bytes());
    reading.end(Vec::new(), 1_795_694_460_000)
}

#[test]
fn what_is_there_fails_and_what_was_not_read_is_a_doubt() {
    let wanted = Wanted {
        must_not: vec![line("(?i)panic|OOM"), level("CRITICAL|FATAL")],
        must: vec![line("listening")],
        count: vec![("slow".to_owned(), line("slow"))],
        at_least: 1,
        ..Wanted::default()
    };
    let good = read(
        &wanted,
        None,
        "listening on 8080\nslow 1\nslow 2\n{\"level\":\"INFO\"}",
    );
    assert_eq!(
        (good.objections.len(), good.doubts.len()),
        (0, 0),
        "{good:?}"
    );
    assert_eq!(good.values["counts"]["slow"], 2);
    assert_eq!(good.values["count"], 4);
    assert_eq!(good.values["lines"][3]["level"], "INFO");
    let bad = read(
        &wanted,
        None,
        "listening\n{\"level\":\"CRITICAL\"}\nOOM killed\nOOM again\n",
    );
    assert_eq!(
        bad.objections,
        [
            "`(?i)panic|OOM` is there 2 times: OOM killed",
            "`CRITICAL|FATAL` is there once; cause: the disk; advice: look at it: {\"level\":\"CRITICAL\"}",
        ]
    );
    // A field is its whole text, not a part of it.
    let part = read(&wanted, None, "listening\n{\"level\":\"NOT CRITICAL\"}\n");
    assert!(part.objections.is_empty(), "{part:?}");
    let empty = read(&wanted, None, "");
    assert!(
        empty.objections.is_empty() && empty.doubts.len() == 2,
        "{empty:?}"
    );
    let no_json = read(&wanted, None, "listening\n");
    assert!(
        no_json.doubts[0].contains("none of 1 lines is JSON"),
        "{no_json:?}"
    );
    let missing = read(&wanted, None, "{\"level\":\"INFO\"}\n");
    assert_eq!(missing.objections, ["`listening` is in none of 1 lines"]);
}

#[test]
fn lines_of_before_the_range_are_left_out_with_what_belongs_to_them() {
    let wanted = Wanted {
        must_not: vec![line("panic")],
        at_least: 1,
        whole: true,
        ..Wanted::default()
    };
    let since = Some(1_795_694_400_000);
    let text = "2026-11-26T11:59:00Z panic\n  at main.rs\n2026-11-26T12:00:01Z fine\n  in peace\n";
    let said = read(&wanted, since, text);
    assert_eq!(
        (said.objections.len(), said.doubts.len()),
        (0, 0),
        "{said:?}"
    );
    assert_eq!(said.values["count"], 2);
    let young = read(&wanted, since, "2026-11-26T12:00:01Z fine\n");
    assert!(
        young.doubts[0].contains("what was before it is gone"),
        "{young:?}"
    );
    let timeless = read(&wanted, since, "fine\n");
    assert!(
        timeless.doubts[0].contains("no line shows its time"),
        "{timeless:?}"
    );
    // Nothing since: the one who writes it may have died, or mean another hour.
    let quiet = read(&wanted, since, "2026-11-26T11:00:00Z fine\n");
    assert!(
        quiet.doubts[0].contains("the newest is of 2026-11-26T11:00:00"),
        "{quiet:?}"
    );
    let allowed = Wanted {
        at_least: 0,
        ..wanted
    };
    let quiet = read(&allowed, since, "2026-11-26T11:00:00Z fine\n");
    assert!(quiet.doubts.is_empty(), "{quiet:?}");
    // A date that is merely mentioned is not when the line was written.
    let text = "2026-11-26T12:00:01Z up\nthe license is valid since 2020-01-01 00:00:00\npanic\n";
    assert_eq!(read(&allowed, since, text).objections.len(), 1);
}

#[test]
fn what_has_no_time_belongs_to_the_line_before_of_its_own_stream() {
    let wanted = Wanted {
        must_not: vec![line("panic")],
        ..Wanted::default()
    };
    let mut reading = Reading::new(&wanted, Some(1_795_694_400_000));
    reading.push(b"2026-11-26T11:00:00Z old\n");
    reading.push_beside(b"panic\n");
    assert_eq!(reading.end(Vec::new(), 0).objections.len(), 1);
}

#[test]
fn a_line_that_is_too_long_is_a_doubt_and_costs_no_memory() {
    let wanted = Wanted {
        must_not: vec![line("panic")],
        ..Wanted::default()
    };
    let mut reading = Reading::new(&wanted, None);
    for _ in 0..64 {
        reading.push(&vec![b'x'; 64 * 1024]);
        assert!(reading.streams[0].unfinished.0.capacity() <= 2 * LINE_BYTES_MAX);
    }
    reading.push(b"panic\n");
    let said = reading.end(Vec::new(), 0);
    assert!(said.objections.is_empty());
    assert!(said.doubts[0].contains("longer than"), "{said:?}");
}

proptest! {
    /// However the bytes are cut on their way, the same is found.
    #[test]
    fn where_bytes_are_cut_changes_nothing(text in "([a-z ]{0,8}(panic|slow|ü)?\r?\n?){0,20}", cuts in proptest::collection::vec(1usize..9, 0..60)) {
        let wanted = Wanted {
            must_not: vec![line("panic")],
            count: vec![("slow".to_owned(), line("slow"))],
            ..Wanted::default()
        };
        let whole = read(&wanted, None, &text);
        let mut reading = Reading::new(&wanted, None);
        let mut rest = text.as_bytes();
        for cut in cuts {
            let at = cut.min(rest.len());
            reading.push(&rest[..at]);
            rest = &rest[at..];
        }
        reading.push(rest);
        prop_assert_eq!(reading.end(Vec::new(), 1_795_694_460_000), whole);
    }
}
