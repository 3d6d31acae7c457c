//! Replies as the world sends them: redirects, heads, encodings, marks, cookies.

use super::modules::name_server;
use super::standin::{Answer, Asked, behind_digest, json, of, serve, serve_by};
use super::support::{bellwether, run};
use serde_json::json as value;

fn answer(asked: &Asked) -> Answer {
    let leads = |to: &str| of(302, "text/plain", "").with("location", to);
    match asked.path.as_str() {
        "/raw" => leads("/caf\u{e9} au lait"),
        "/caf%C3%A9%20au%20lait" => of(500, "text/plain", "broken"),
        "/app/login/start" => leads("../home"),
        "/app/home" => of(200, "text/plain", "home"),
        "/foreign" => leads("myapp://callback"),
        "/marked" => of(200, "application/json", "\u{feff}{\"status\":\"ok\"}"),
        "/many" => {
            let names = (0..140).map(|number| Box::leak(format!("x-{number}").into_boxed_str()));
            names.fold(of(200, "text/plain", "ok"), |answer, name| {
                answer.with(name, "1")
            })
        }
        "/folded" => of(200, "text/plain", "ok").with("x-policy", "one;\r\n two"),
        "/wide" => of(200, "text/plain; charset=UTF-16LE", "o\0k\0"),
        "/wide.json" => of(200, "application/json; charset=utf-16le", "[\x005\x00]\x00"),
        "/download" => of(200, "text/plain", &"x".repeat(9 << 20)),
        "/dump" => of(500, "text/plain", &"x".repeat(9 << 20)),
        "/caf%C3%A9" => of(200, "text/plain", "caf\u{e9}"),
        "/nowhere" => leads(""),
        "/tag" => json(200, value!({ "tag": "C# & 100%" })),
        "/digest" => behind_digest(asked, of(200, "text/plain", "inside")),
        "/to-digest" => leads("/digest?a=b"),
        "/login" => of(200, "text/plain", "in").with("set-cookie", "sid=1"),
        "/logout" => of(200, "text/plain", "out")
            .with("set-cookie", "sid=; Expires=Mon, 01 Jan 2001 00:00:00 GMT"),
        "/me" => json(200, value!({ "cookie": asked.header("cookie") })),
        "/asked" => json(
            200,
            value!({ "query": asked.query, "body": asked.body, "tag": asked.header("x-tag") }),
        ),
        _ => of(404, "text/plain", "no such page"),
    }
}

/// Performs steps, which end with a code and say so much.
fn ends(steps: &str, address: &str, (code, said): (i32, &str)) {
    let (found, text) = perform(steps, address);
    assert_eq!(found, code, "{steps}\n{text}");
    assert!(text.contains(said), "{said}\n{text}");
}

/// Performs steps: exit code, what was said.
fn perform(steps: &str, address: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.yaml");
    let steps = steps.replace("HOST", &format!("http://{address}"));
    // With the mark that some editors put first.
    std::fs::write(&file, format!("\u{feff}name: wire\nsteps:\n{steps}\n")).unwrap();
    std::fs::write(
        folder.path().join("users.csv"),
        "name;mail\nanna;a\nberta;b\ncora;c\n",
    )
    .unwrap();
    let mut command = bellwether();
    command.env("WIRE_TOKEN", "a-token-of-some-length\n");
    let (code, out, err) = run(command.arg("run").arg(&file));
    (code, format!("{out}{err}"))
}

#[test]
fn replies_are_understood_as_the_world_sends_them() {
    let address = serve(answer);
    for (steps, code, said) in [
        ("  - get: HOST/raw", 99, "status was 500"),
        (
            "  - get: HOST/app/login/start\n    check: text == 'home'",
            0,
            "",
        ),
        (
            "  - get: HOST/foreign",
            99,
            "`myapp://callback`, which is neither http nor https",
        ),
        (
            "  - get: HOST/foreign\n    redirects: false\n    check: status == 302",
            0,
            "",
        ),
        (
            "  - get: HOST/marked\n    check: body.status == 'ok'",
            0,
            "",
        ),
        (
            "  - get: HOST/many\n    check: headers['X-139'] == '1' && headers['X-139'].startsWith('1')",
            0,
            "",
        ),
        (
            "  - post: HOST/to-digest\n    json: { a: 1 }\n    auth: { digest: { user: ann, password: 'p@ss:word' } }\n    check: text == 'inside'",
            0,
            "",
        ),
        (
            "  - get: HOST/digest\n    auth: { digest: { user: ann, password: another } }",
            98,
            "status was 401",
        ),
        ("  - get: HOST/nowhere\n    check: status == 302", 0, ""),
        (
            "  - get: HOST/tag\n    capture: { tag: body.tag }\n  - get: HOST/asked?q=${vars.tag}\n    check: body.query == 'q=C%23%20%26%20100%25'",
            0,
            "",
        ),
        (
            "  - get: HOST/folded\n    check: headers['x-policy'] == 'one; two'",
            0,
            "",
        ),
        (
            "  - get: HOST/wide\n    check: text == 'ok'\n  - get: HOST/wide.json\n    check: body[0] == 5",
            0,
            "",
        ),
        ("  - get: HOST/download", 0, ""),
        ("  - get: HOST/dump", 99, "status was 500"),
        (
            "  - get: HOST/download\n    check: text.size() > 9",
            99,
            "the body is larger than 8388608 bytes",
        ),
        (
            "  - get: HOST/download\n    check: text.size() > 9\nbody_limit: 16MiB",
            0,
            "",
        ),
        (
            "  - get: HOST/caf\u{e9}\n    check: text == 'caf\u{e9}'",
            0,
            "",
        ),
        (
            "  - get: HOST/me?name=${data.users.name}\n    check: data.users.name == 'anna'\nsetup:\n  - get: HOST/me\ndata: { users: { file: users.csv } }",
            0,
            "",
        ),
        (
            "  - get: HOST/me\n    headers: { x-token: '${secrets.WIRE_TOKEN}' }\nsecrets: [ WIRE_TOKEN ]",
            0,
            "",
        ),
        (
            "  - post: HOST/asked\n    query: { tag: [ a, 'b c' ], one: 1 }\n    form: { item: [ 1, '${vu.id}' ] }\n    headers: { x-tag: [ a, b ] }\n    check: [ body.query == 'tag=a&tag=b%20c&one=1', body.body == 'item=1&item=1', \"body.tag == 'a, b'\" ]",
            0,
            "",
        ),
        (
            "  - get: HOST/folded\n    check: status == 200\n    warn: headers['x-policy'] == 'other'",
            0,
            "headers['x-policy'] == 'other'",
        ),
        (
            "  - get: HOST/me\n    headers: { x-token: '${inputs.token}' }\ninputs: { token: \"a\\nb\" }",
            98,
            "the value of the header `x-token` holds a line break",
        ),
        (
            "  - get: HOST/login\n  - get: HOST/me\n    check: body.cookie == 'sid=1'\n  - get: HOST/logout\n  - get: HOST/me\n    check: body.cookie == ''",
            0,
            "",
        ),
    ] {
        ends(steps, &address, (code, said));
    }
}

#[test]
fn the_name_of_a_host_stays_with_its_origin() {
    let other = serve(|asked| json(200, value!({ "host": asked.header("host") })));
    let elsewhere = format!("http://{other}/");
    let first = serve_by(move |asked| match asked.path.as_str() {
        "/away" => of(302, "text/plain", "").with("location", elsewhere.clone()),
        "/on" => of(302, "text/plain", "").with("location", "/here"),
        _ => json(200, value!({ "host": asked.header("host") })),
    });
    for (path, host) in [("away", other.as_str()), ("on", "shop.example")] {
        let steps = format!(
            "  - get: HOST/{path}\n    headers: {{ Host: shop.example }}\n    check: body.host == '{host}'"
        );
        let (code, text) = perform(&steps, &first);
        assert_eq!(code, 0, "{path}\n{text}");
    }
}

#[test]
fn what_a_name_server_answers_is_told_apart() {
    let port = name_server();
    for (question, code, said) in [
        ("{ name: good.test }", 0, ""),
        (
            "{ name: gone.test }",
            99,
            "there is no name `gone.test` (NXDOMAIN)",
        ),
        (
            "{ name: empty.test }",
            99,
            "`empty.test` has no A record, and is there",
        ),
        ("{ name: gone.test, absent: true }", 0, ""),
        ("{ name: empty.test, absent: true }", 0, ""),
        (
            "{ name: good.test, absent: true }",
            99,
            "`good.test` has records of the type A: 127.0.0.1",
        ),
        ("{ name: broken.test }", 98, "the name server answered"),
        (
            "{ name: broken.test, absent: true }",
            98,
            "the name server answered",
        ),
        ("{ name: \"g\u{fc}t.test\" }", 0, ""),
    ] {
        let question = question.replace(" }", &format!(", server: \"127.0.0.1:{port}\" }}"));
        let steps = format!("  - dns: {question}\n    retry: 1");
        ends(&steps, "", (code, said));
    }
}

#[test]
fn a_number_and_a_header_mean_the_same_in_every_form_of_expression() {
    use super::standin::{of, serve};
    let host = serve(|_| {
        of(200, "application/json", "{\"n\":9007199254740993}")
            .with("x-two", "a")
            .with("x-two", "b")
    });
    let performed = |checks: &str| {
        let scenario =
            format!("name: forms\nservice: shop\nsteps:\n  - get: /\n    check: [ {checks} ]\n");
        super::support::performed(("shop", &format!("http://{host}")), &scenario, &[], &[])
    };
    let all = "body.n == 9007199254740993, body.n != 9007199254740992, body.n > 9007199254740992, \"body['n'] != 9007199254740992\", \"headers['x-two'] == 'a, b'\", \"headers['X-Two'].contains('b')\", \"!(headers['x-two'] == 'a')\"";
    let (code, said) = performed(all);
    assert_eq!(code, 0, "{said}");
    for wrong in [
        "body.n == 9007199254740992",
        "body.n <= 9007199254740992",
        "\"headers['x-two'] == 'a'\"",
    ] {
        let (code, said) = performed(wrong);
        assert_eq!(code, 99, "{wrong}: {said}");
    }
}
