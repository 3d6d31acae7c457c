//! Asserts of Hurl, and what they become.

use super::*;
use crate::import::hurl_syntax;

fn said(row: &str) -> Result<String, String> {
    let text = format!("GET http://a\nHTTP 200\n[Asserts]\n{row}\n");
    let entries = hurl_syntax::read(&text).map_err(|wrong| format!("{wrong:?}"))?;
    let reply = entries[0].reply.as_ref().ok_or("no reply")?;
    let mut draft = Draft::new("a");
    condition(&mut draft, &reply.sections[0].rows[0].words).map(|assert| assert.condition)
}

#[test]
fn asserts_are_conditions() {
    for (row, expected) in [
        ("status < 300", "status < 300"),
        ("header \"ETag\" exists", "'etag' in headers"),
        (
            "header \"ETag\" == \"x{{a}}\"",
            "headers['etag'] == 'x' + string(inputs.a)",
        ),
        (
            "header \"ETag\" not contains \"x\"",
            "(!('etag' in headers) || !(headers['etag'].contains('x')))",
        ),
        ("jsonpath \"$.a.b\" == \"c\"", "body.a.b == 'c'"),
        ("jsonpath \"$.n\" == {{n}}", "body.n == typed(inputs.n)"),
        (
            "jsonpath \"$.n\" == \"{{n}}\"",
            "body.n == string(inputs.n)",
        ),
        (
            "jsonpath \"$.a\" not exists",
            "size(jsonpath(body, '$.a')) == 0",
        ),
        (
            "jsonpath \"$.items\" count == 3",
            "kind(body.items) in ['list', 'bytes'] && size(body.items) == 3",
        ),
        (
            "jsonpath \"$.items[?(@.a==1)].id\" == 3",
            "oneOrAll(jsonpath(body, '$.items[?(@.a==1)].id')) == 3",
        ),
        (
            "jsonpath \"$.a\" not isEmpty",
            "(size(jsonpath(body, '$.a')) == 0 || kind(body.a) in ['string', 'list', 'map', 'bytes'] && !(size(body.a) == 0))",
        ),
        ("body contains \"it's\"", r"text.contains('it\'s')"),
        ("body not contains \"x\"", "!(text.contains('x'))"),
        ("duration < 250", "latency < duration('250ms')"),
        (
            "certificate \"Expire-Date\" daysAfterNow > 5",
            "tls.days_left > 5",
        ),
        (
            "jsonpath \"$.a\" matches /^\\d+$/",
            r"body.a.matches('^\\d+$')",
        ),
        ("bytes count == 3", "size(bytes) == 3"),
        ("sha256 == hex,AB;", "sha256(bytes) == 'ab'"),
        (
            "version == \"1.1\"",
            "replace(version, 'HTTP/', '') == '1.1'",
        ),
    ] {
        assert_eq!(said(row), Ok(expected.to_owned()), "{row}");
    }
    for row in [
        "xpath \"//h1\" == \"x\"",
        "body == file,a;",
        "cookie \"s[Secure]\" exists",
        "body ==",
        "body startsWith 1",
        "status == +42",
        "regex /a/ exists",
        "jsonpath \"$.a\" base64Encode == \"x\"",
        "sha256 == \"ab\"",
        "body exists \"x\"",
    ] {
        said(row).unwrap_err();
    }
}
