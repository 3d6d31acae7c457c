//! The parser against replies in any pieces, and against those that lie.

use super::*;

const ALL: Keep = Keep {
    head: true,
    body: true,
    shows: false,
    limit: 100_000,
};

/// The reply to bytes that come in these pieces, then the end of the connection.
fn parse(pieces: &[&[u8]], keep: Keep, to_head: bool) -> Result<Parsed, String> {
    let mut parser = Parser::new(keep, to_head);
    for piece in pieces {
        parser.feed(piece).map_err(|fault| fault.to_string())?;
    }
    if !parser.is_done() {
        parser.end().map_err(|fault| fault.to_string())?;
    }
    Ok(parser.finish())
}

fn shown(reply: Result<Parsed, String>) -> String {
    match reply {
        Err(fault) => fault,
        Ok(reply) => format!(
            "{} {:?} {} {}",
            reply.status.as_u16(),
            String::from_utf8_lossy(&reply.body),
            reply.body_bytes,
            if reply.reusable { "stays" } else { "closes" }
        ),
    }
}

/// Text of a reply, and what becomes of it.
const CASES: &[(&str, &str)] = &[
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n",
        "200 \"ok\\n\" 3 stays",
    ),
    ("HTTP/1.1 204 No Content\r\n\r\n", "204 \"\" 0 stays"),
    (
        "HTTP/1.1 200 OK\r\n\r\nuntil the end",
        "200 \"until the end\" 13 closes",
    ),
    (
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx",
        "200 \"x\" 1 closes",
    ),
    (
        "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx",
        "200 \"x\" 1 closes",
    ),
    (
        "HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\nx",
        "200 \"x\" 1 stays",
    ),
    (
        "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
        "200 \"x\" 1 stays",
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\ntrailer: x\r\n\r\n",
        "200 \"abc0123456789\" 13 stays",
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "200 \"x\" 1 closes",
    ),
    (
        "HTTP/1.0 200 OK\r\ntransfer-encoding: identity\r\ncontent-length: 2\r\n\r\nok",
        "200 \"ok\" 2 closes",
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "protocol: the reply has the transfer coding `gzip`, which nobody asked for",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nxyz",
        "200 \"xy\" 2 closes",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\nhello",
        "200 \"hello\" 5 stays",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "protocol: the reply has two different content-lengths",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
        "protocol: the content-length `-5` is not one",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
        "protocol: the content-length `99999999999999999999` is not one",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n",
        "body_too_large: the body is larger than 100000 bytes",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
        "protocol: the body was cut off after 5 bytes",
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n",
        "protocol: a chunk is longer than its size says",
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        "protocol: `xyz` is not the size of a chunk",
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "protocol: the body was cut off after 3 bytes",
    ),
    (
        "HTTP/1.1 200 OK\r\nx-policy: one;\r\n two\r\ncontent-length: 3\r\n\r\nok\n",
        "200 \"ok\\n\" 3 stays",
    ),
    (
        "HTTP/1.1 200 OK\r\nx: y\r\n\tz",
        "protocol: the reply was cut off within its head",
    ),
    (
        "HTTP/1.1 200 OK\r\n x: y\r\n\r\n",
        "protocol: the reply is not HTTP: invalid header name",
    ),
    (
        "HTTP/1.1 200 OK\r\nx: y",
        "protocol: the reply was cut off within its head",
    ),
    ("", "reset: the connection was closed before a reply came"),
    (
        "220 mail.example ESMTP\r\n",
        "protocol: the reply is not HTTP: invalid HTTP version",
    ),
];

#[test]
fn replies_are_read_as_the_standard_says() {
    for (text, wanted) in CASES {
        assert_eq!(
            shown(parse(&[text.as_bytes()], ALL, false)),
            *wanted,
            "{text}"
        );
    }
    let to_head = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n";
    assert_eq!(
        shown(parse(&[to_head.as_bytes()], ALL, true)),
        "200 \"\" 0 stays"
    );
}

#[test]
fn what_nobody_asked_for_is_counted_and_not_kept() {
    let keep = Keep {
        head: false,
        body: false,
        shows: false,
        limit: 100,
    };
    let text = b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 3\r\n\r\nok\n";
    let reply = parse(&[text], keep, false).unwrap();
    assert!(reply.body.is_empty() && reply.headers.map().is_empty());
    assert_eq!(reply.body_bytes, 3);
    let large = |status: &str| {
        let head = format!("HTTP/1.1 {status}\r\nx: one;\r\n two\r\ncontent-length: 150\r\n\r\n");
        let text = format!("{head}{}", "x".repeat(150));
        parse(&[text.as_bytes()], keep, false).unwrap()
    };
    let (download, failure) = (large("200 OK"), large("500 Oops"));
    assert_eq!((download.body.len(), download.body_bytes), (0, 150));
    assert_eq!((failure.body.len(), failure.body_bytes), (100, 150));
    assert_eq!(failure.headers.get("x").unwrap(), "one; two");
    let text = b"HTTP/1.1 404 Gone\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n";
    let reply = parse(&[text], keep, false).unwrap();
    assert_eq!(reply.headers.get("retry-after").unwrap(), "3");
}

proptest::proptest! {
    #[test]
    fn the_pieces_do_not_matter(case in 0..CASES.len(), cuts in proptest::collection::vec(0_usize..200, 0..6), kept in proptest::bool::ANY) {
        let keep = Keep { body: kept, ..ALL };
        let bytes = CASES[case].0.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.push(0);
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let whole = parse(&[bytes], keep, false);
        let cut = parse(&pieces, keep, false);
        // Only whether the rest of the connection was seen may differ.
        let text = |reply| shown(reply).replace(" stays", "").replace(" closes", "");
        proptest::prop_assert_eq!(text(cut), text(whole));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let mut text = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        let _ = parse(&[&bytes], ALL, false);
        text.extend(bytes);
        let _ = parse(&[&text], ALL, false);
    }
}
