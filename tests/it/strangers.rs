//! Words of strangers: the doors of `tests/fuzz`, with bytes by chance, words of each format, and pieces of real files.

use super::support::root;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::time::{Duration, Instant};

#[path = "../fuzz/doors.rs"]
mod doors;

/// Longest time that one input may take, optimized or not.
const LONGEST: Duration = Duration::from_secs(20);

/// Tries a door with pieces of these words in any order, and with bytes that are none.
fn tried(cases: u32, words: &[&str], door: fn(&[u8])) {
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    let piece = prop_oneof![
        6 => prop::sample::select(words),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let all = prop::collection::vec(piece, 0..30);
    let ended = runner.run(&all, |pieces| {
        let begun = Instant::now();
        door(&pieces.concat());
        prop_assert!(begun.elapsed() < LONGEST, "it takes {:?}", begun.elapsed());
        Ok(())
    });
    if let Err(wrong) = ended {
        panic!("{wrong}");
    }
}

/// Tries a door with real files of a folder that are cut and put together again.
fn mutilated(cases: u32, folder: &str, door: fn(&[u8])) {
    let files = std::fs::read_dir(root().join("tests/cases/import").join(folder)).unwrap();
    let texts: Vec<String> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_none_or(|end| end != "out"))
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect();
    let text = texts.concat();
    let lines: Vec<&str> = text.split_inclusive(['\n', ' ', ',', ':', '"']).collect();
    tried(cases, &lines, door);
    for text in &texts {
        for at in (0..text.len()).step_by(1 + text.len() / 40) {
            let cut = text.get(..at).unwrap_or_default();
            door(cut.as_bytes());
        }
    }
}

#[test]
fn replies_of_strangers_do_no_harm() {
    tried(
        2_000,
        &[
            "\x03",
            "\x13",
            "HTTP/1.1 200 OK\r\n",
            "content-length: 3\r\n",
            "transfer-encoding: chunked\r\n",
            "\r\n",
            "3\r\nabc\r\n",
            "0\r\n\r\n",
            "connection: close\r\n",
            "x",
            "\n",
        ],
        doors::reply,
    );
    tried(
        60,
        &[
            "\x00\x00\x04\x01\x04\x00\x00\x00\x01\u{8}\u{3}200",
            "\x00\x00\x01\x00\x01\x00\x00\x00\x01x",
            "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x02",
            "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00",
        ],
        doors::frames,
    );
    tried(
        2_000,
        &[
            "a=b",
            "; ",
            "Path=/",
            "Domain=a.test",
            "Domain=.test",
            "Expires=Wed, 21 Oct 2030 07:28:00 GMT",
            "Max-Age=10",
            "Secure",
            "__Host-",
            "\"",
            "\n",
            "\u{e9}",
        ],
        doors::cookies,
    );
    tried(
        300,
        &[
            "\x00",
            "\x01",
            "\x03",
            "abc",
            "\x1f\u{8}\u{8}",
            "(\u{b5}/\u{fd}",
        ],
        doors::bodies,
    );
    tried(
        2_000,
        &[
            "text/html; charset=",
            "utf-8",
            "utf-16le",
            "gbk",
            "iso-2022-jp",
            "\n",
            "\u{feff}",
            "caf\u{e9}",
            "\x00",
        ],
        doors::letters,
    );
    tried(
        2_000,
        &[
            "data: a\n",
            "event: b\n",
            "id: 1\n",
            "\n",
            "\r",
            "\r\n",
            ": c\n",
            "retry: 5\n",
            "\u{feff}",
        ],
        doors::events,
    );
    tried(
        1_000,
        &[
            "/", "//", "http:", "https://", "..", "?a=b", "#c", "@", ":", "a.test", "[::1]",
            ":99999", "\u{e9}", " ", "%2F",
        ],
        doors::redirects,
    );
    tried(
        1_000,
        &[
            "Digest ",
            "realm=\"a\"",
            ", ",
            "nonce=\"b\"",
            "qop=\"auth\"",
            "algorithm=SHA-256",
            "stale=true",
            "\n",
            "Basic ",
            "\"",
            "userhash=true",
        ],
        doors::challenges,
    );
    tried(
        1_000,
        &[
            "\x0a", "\x12", "\x08", "\x01", "\x05", "a.proto", "\x22\x07",
        ],
        doors::messages,
    );
}

#[test]
fn files_of_strangers_do_no_harm() {
    tried(
        1_500,
        &[
            "\x00",
            "\x01",
            "\x02",
            "name: a\n",
            "steps:\n",
            "  - get: /\n",
            "    check: [",
            "status == 200",
            "]\n",
            "${",
            "}",
            "&a ",
            "*a",
            "<<: ",
            "!!int ",
            "|\n",
            "environments:\n",
            "  ",
            "- ",
            "\u{feff}",
            "\t",
        ],
        doors::documents,
    );
    tried(
        1_500,
        &[
            "body",
            ".a",
            "[0]",
            "status",
            "==",
            "'x'",
            "5",
            "(",
            ")",
            "!",
            "&&",
            "||",
            "?",
            ":",
            "{",
            "}",
            ".map(x, ",
            ".matches('",
            "\n",
            "{\"a\":[1]}",
            "jsonpath(body, '$..a')",
            "9007199254740993",
            "1.5",
        ],
        doors::expressions,
    );
}

#[test]
fn files_of_other_tools_become_scenarios_that_are_sound() {
    mutilated(2_000, "hurl", doors::hurl);
    mutilated(1_000, "postman", doors::postman);
    mutilated(1_000, "har", doors::har);
    mutilated(1_000, "openapi", doors::openapi);
    mutilated(1_000, "blackbox", doors::blackbox);
    mutilated(1_000, "gatus", doors::gatus);
    mutilated(2_000, "curl", doors::curl);
}
