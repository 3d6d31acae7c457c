//! Scripts of k6: each performed whole, with its output, its exit code and what its server saw.

use super::standin::{Answer, Asked, behind_digest, json, of, serve};
use super::support::{bellwether, root, run, snapshot, websocket_peer};
use regex::Regex;
use serde_json::json;
use std::path::Path;

const PAGE: &str = r#"<!doctype html><title>Shop</title><a name="top">no link</a>
<a href="../echo?from=link&amp;b=2#end">on</a>
<form id="search" action="/echo/search?old=1"><input name="q" value="tea"><input type="checkbox" name="c" value="1"></form>
<form id="login" method="post" action="echo/login"><input name="user" value="ann"><input type="hidden" name="csrf" value="x&amp;y">
<input type="radio" name="kind" value="a"><input type="radio" name="kind" value="b" checked><input name="off" disabled value="1">
<select name="size"><option value="s">S<option value="m" selected>M</select><textarea name="note">a b</textarea>
<button type="submit" name="go" value="now">Go</button></form>"#;

/// A server that tells what it was asked, and does what its path says.
pub(super) fn echo(asked: &Asked) -> Answer {
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["status", status] => json(status.parse().unwrap_or(500), json!({"status": status})),
        ["astray"] => of(302, "text/plain", "").with("location", "http://[bad"),
        ["text"] => of(200, "text/plain", "plain words"),
        ["not-json"] => of(200, "application/json", "{broken"),
        ["redirect", "0"] => json(200, json!({"at": "the end", "method": asked.method})),
        ["redirect", left] => {
            let left: u32 = left.parse().unwrap_or(1);
            of(302, "text/plain", "").with("location", format!("/redirect/{}", left - 1))
        }
        ["moved", status] => {
            let status = status.parse().unwrap_or(302);
            of(status, "text/plain", "").with("location", "/echo")
        }
        ["set-cookie"] => asked
            .query
            .split('&')
            .fold(json(200, json!({})), |answer, pair| {
                answer.with("set-cookie", format!("{pair}; Path=/; HttpOnly"))
            }),
        ["cookies"] => json(200, json!({"cookie": asked.header("cookie")})),
        ["two-headers"] => json(200, json!({})).with("x-one", "1").with("x-one", "2"),
        ["document"] => json(
            200,
            json!({
                "items": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}, {"id": 3, "name": "two"}],
                "a.b": 7, "deep": {"list": [1, 2, 3], "text": "x"}, "nothing": null,
            }),
        ),
        ["page"] => of(200, "text/html", PAGE),
        ["digest", ..] => behind_digest(
            asked,
            json(200, json!({"in": asked.path, "body": asked.body})),
        ),
        ["to-digest"] => of(302, "text/plain", "").with("location", "/digest/moved"),
        ["unpack"] => json(
            200,
            json!({"as": asked.header("content-encoding"), "body": unpacked(asked)}),
        ),
        ["login"] => json(200, json!({"token": "t-1"})),
        ["private"] if asked.header("authorization") == "Bearer t-1" => {
            json(200, json!({"ok": true}))
        }
        ["private"] => json(401, json!({"ok": false})),
        _ => json(
            200,
            json!({
                "method": asked.method, "path": asked.path, "query": asked.query,
                "type": asked.header("content-type"), "authorization": asked.header("authorization"),
                "cookie": asked.header("cookie"), "x": asked.header("x-test"), "body": asked.body,
            }),
        ),
    }
}

/// A body without the encodings that it came in.
fn unpacked(asked: &Asked) -> String {
    use std::io::Read as _;
    let mut body = asked.bytes.clone();
    for encoding in asked.header("content-encoding").rsplit(", ") {
        let mut plain = Vec::new();
        let mut input = body.as_slice();
        let read = match encoding {
            "gzip" => flate2::read::GzDecoder::new(input).read_to_end(&mut plain),
            "deflate" => flate2::read::ZlibDecoder::new(input).read_to_end(&mut plain),
            "zstd" => ruzstd::decoding::StreamingDecoder::new(&mut input)
                .unwrap()
                .read_to_end(&mut plain),
            _ => input.read_to_end(&mut plain),
        };
        read.unwrap();
        body = plain;
    }
    String::from_utf8_lossy(&body).into_owned()
}

/// What a script says of how it is called: a line `// flags: …`.
fn flags(script: &str) -> Vec<String> {
    let line = script
        .lines()
        .find_map(|line| line.strip_prefix("// flags:"));
    line.unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

fn performed(path: &Path, address: &str, sockets: Option<&str>) -> String {
    let script = std::fs::read_to_string(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = bellwether();
    command.args(["k6", "run", "--quiet", "--log-format", "raw"]);
    if !script.contains("// summary") {
        command.args(["--summary-mode", "disabled"]);
    }
    // It takes connections, and says nothing on them.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let places = [
        ("URL", address.to_owned()),
        ("SILENT", silent.local_addr().unwrap().to_string()),
    ];
    if let (true, Some(sockets)) = (script.contains("__ENV.WS"), sockets) {
        command.args(["-e", &format!("WS=ws://{sockets}")]);
    }
    for (name, address) in places
        .iter()
        .filter(|(name, _)| script.contains(&format!("__ENV.{name}")))
    {
        command.args(["-e", &format!("{name}=http://{address}")]);
    }
    command
        .args(flags(&script))
        .arg(path)
        .current_dir(folder.path());
    let (code, out, err) = run(&mut command);
    let mut said = format!("exit {code}\n");
    for (name, text) in [("standard output", out), ("standard error", err)] {
        if !text.is_empty() {
            said.push_str(&format!("--- {name}\n{text}"));
        }
    }
    let mut files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .collect();
    files.sort_by_key(std::fs::DirEntry::file_name);
    for file in files {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let name = file.file_name().to_string_lossy().into_owned();
        said.push_str(&format!("--- {name}\n{text}\n"));
    }
    let said = said
        .replace(address, "HOST")
        .replace(&root().display().to_string(), "");
    without_times(&said)
}

/// The text without what is never the same twice.
fn without_times(text: &str) -> String {
    let forms = [
        (r"\b\d+(\.\d+)?(ns|µs|ms|s)( *)", "T "),
        (r" +\d+(\.\d+)?/s", " R/s"),
        (r": \d+(\.\d+)? k?B +\d+(\.\d+)? [kM]?B/s", ": B"),
        (r"127\.0\.0\.1:\d+", "HOST"),
        (r"\brate=\d+\.\d+$", "rate=R"),
        // Times and rates as JSON has them.
        (r"\d+\.\d{3,}", "N"),
    ];
    forms.iter().fold(text.to_owned(), |text, (form, shown)| {
        Regex::new(&format!("(?m){form}"))
            .unwrap()
            .replace_all(&text, *shown)
            .into_owned()
    })
}

#[test]
fn scripts_do_what_they_do_in_k6() {
    let address = serve(echo);
    let peer = websocket_peer();
    let sockets = peer.as_ref().map(|(address, _)| address.as_str());
    let folder = root().join("tests/cases/k6");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "js" || extension == "ts")
        })
        .collect();
    paths.sort();
    assert!(paths.len() >= 150, "{} cases", paths.len());
    let mut paths = paths.iter();
    let all = std::sync::Mutex::new(&mut paths);
    // Most of them sleep now and then: two at a time.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = all.lock().unwrap().next();
                    let Some(path) = next else { return };
                    let text = std::fs::read_to_string(path).unwrap();
                    if text.contains("__ENV.WS") && sockets.is_none() {
                        continue;
                    }
                    let said = performed(path, &address, sockets);
                    snapshot(&path.with_extension("out"), &said);
                }
            });
        }
    });
}

/// A script that shows what is there of what k6 offers, by lines of `module name`.
fn surface(rows: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let modules: std::collections::BTreeSet<&str> =
        rows.iter().map(|(module, _)| *module).collect();
    let modules: Vec<&str> = modules
        .into_iter()
        .filter(|name| name.starts_with("k6"))
        .collect();
    for (number, module) in modules.iter().enumerate() {
        text.push_str(&format!("import * as m{number} from '{module}';\n"));
    }
    text.push_str("import http from 'k6/http';\nimport { parseHTML } from 'k6/html';\nimport { WebSocket, Blob } from 'k6/websockets';\nconst of = {\n");
    for (number, module) in modules.iter().enumerate() {
        text.push_str(&format!("  '{module}': () => m{number},\n"));
    }
    text.push_str(
        "  global: () => globalThis,\n  Response: () => http.get(__ENV.URL),\n  Selection: () => parseHTML('<p>').find('p'),\n  Element: () => parseHTML('<p>').find('p').get(0),\n  WebSocket: () => { const one = new WebSocket(__ENV.URL.replace('http', 'ws')); return new Proxy(one, { has: (all, name) => name in all }); },\n  Blob: () => new Blob(),\n};\nexport default function () {\n  const known = {};\n",
    );
    for (module, name) in rows {
        text.push_str(&format!(
            "  {{ const whole = known['{module}'] ??= of['{module}'](); const path = '{name}'.split('.'); const last = path.pop(); const owner = path.reduce((all, name) => all?.[name], whole); console.log('{module} {name}', owner !== undefined && last in owner ? 'there' : 'absent'); }}\n"
        ));
    }
    text.push_str("}\n");
    text
}

#[test]
fn what_k6_offers_is_there_or_said_not_to_be() {
    let list = std::fs::read_to_string(root().join("tests/cases/k6-surface.txt")).unwrap();
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(' ').collect()).collect();
    assert!(rows.len() > 200, "{}", rows.len());
    let names: Vec<(&str, &str)> = rows.iter().map(|row| (row[0], row[1])).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("surface.js");
    std::fs::write(&path, surface(&names)).unwrap();
    let address = serve(echo);
    let mut command = bellwether();
    command.args([
        "k6",
        "run",
        "--quiet",
        "--log-format",
        "raw",
        "--summary-mode",
        "disabled",
    ]);
    command
        .args(["-e", &format!("URL=http://{address}")])
        .arg(&path);
    let (_, _, err) = run(&mut command);
    let expected: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
    let seen: Vec<&str> = err
        .lines()
        .filter(|line| line.ends_with("there") || line.ends_with("absent"))
        .collect();
    assert_eq!(seen, expected, "{err}");
}

/// What `bellwether run` says of a script, and its exit code.
pub(super) fn run_here(script: &str, address: &str, more: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.js");
    let head = "import http from 'k6/http';\nimport { check, sleep } from 'k6';\nimport { Trend } from 'k6/metrics';\nimport exec from 'k6/execution';\n";
    std::fs::write(&path, format!("{head}{script}")).unwrap();
    let configuration = "environments:\n  test:\n    services: { api: { url: http://127.0.0.1:1 } }\n    secrets: { TOKEN: { env: SCRIPT_TOKEN } }\n";
    std::fs::write(folder.path().join("bellwether.yaml"), configuration).unwrap();
    let mut command = bellwether();
    command.args(["run", "--input", &format!("URL=http://{address}")]);
    command
        .arg(&path)
        .args(more)
        .env("SCRIPT_TOKEN", "t0p-s3cret");
    let (code, out, err) = run(&mut command);
    (code, format!("{out}{err}"))
}

#[test]
fn what_k6_calls_passed_and_was_not_measured_is_none_here() {
    let address = serve(echo);
    let good = "const r = http.get(__ENV.URL); check(r, { ok: (r) => r.status === 200 });";
    let once = |body: &str| format!("export default function () {{ {body} }}");
    let loaded =
        |options: &str, body: &str| format!("export const options = {options};\n{}", once(body));
    let cases: [(String, i32, &str); 26] = [
        (once(good), 0, "GET http://HOST"),
        (
            once(&format!("{good} check(1, {{ no: false }});")),
            99,
            "1 of 2 checks failed",
        ),
        (
            once("http.get(__ENV.URL);"),
            98,
            "nothing was checked, and there is no threshold",
        ),
        (once("check(1, { one: true });"), 98, "nothing was measured"),
        (
            once(&format!("{good} throw new Error('late');")),
            98,
            "Error: late",
        ),
        (
            once(&format!("{good} http.get(`${{__ENV.URL}}/status/500`);")),
            99,
            "status 500 was not expected",
        ),
        (
            once(&format!("{good} http.get('http://127.0.0.1:1/');")),
            99,
            "refused",
        ),
        (
            format!(
                "export function setup() {{ throw new Error('no data'); }}\n{}",
                once(good)
            ),
            98,
            "no data",
        ),
        (
            loaded(
                "{ iterations: 2, thresholds: { 'http_req_duration{name:x}': ['p(95)<500'] } }",
                good,
            ),
            98,
            "has nothing to judge: no sample was taken",
        ),
        (
            loaded(
                "{ iterations: 2, thresholds: { http_reqs: ['count>5'] } }",
                good,
            ),
            99,
            "does not hold: 2",
        ),
        (
            loaded(
                "{ iterations: 2, thresholds: { http_reqs: ['count==2'] } }",
                good,
            ),
            0,
            "2 iterations",
        ),
        (
            loaded(
                "{ iterations: 3, thresholds: { http_reqs: ['count>0'] } }",
                &format!("{good} if (__ITER === 1) throw new Error('x');"),
            ),
            98,
            "1 iterations threw, and 3 came to an end",
        ),
        (
            loaded(
                "{ iterations: 2, thresholds: { http_reqs: ['count>0'] } }",
                &format!("{good} check(1, {{ no: false }});"),
            ),
            98,
            "no threshold on `checks`",
        ),
        (
            loaded(
                "{ scenarios: { few: { executor: 'per-vu-iterations', vus: 2, iterations: 50, maxDuration: '1s' } }, thresholds: { http_reqs: ['count>0'] } }",
                &format!("{good} sleep(0.3);"),
            ),
            98,
            "of 100 iterations were not begun within `maxDuration`",
        ),
        (
            once(&format!("{good} exec.test.fail('wrong total');")),
            99,
            "the script says that it failed: wrong total",
        ),
        (
            once(&format!("{good} exec.test.abort('no data');")),
            98,
            "the script ended the run: test aborted: no data",
        ),
        (
            once(&format!("{good} http.get(`${{__ENV.URL}}/astray`);")),
            99,
            "http://[bad",
        ),
        (
            format!(
                "export function teardown() {{ throw new Error('left'); }}\n{}",
                loaded(
                    "{ iterations: 2, thresholds: { http_reqs: ['count>0'] } }",
                    good
                )
            ),
            98,
            "`teardown` did not come to its end",
        ),
        (
            loaded("{ linger: true }", good),
            104,
            "`options.linger` is not supported",
        ),
        (
            loaded(
                "{ vus: 2, iterations: 6, thresholds: { http_reqs: ['count>0'] } }",
                &format!("{good} sleep(0.5);"),
            ) + "\nif (__VU === 2) throw new Error('second');",
            98,
            "iterations threw",
        ),
        (
            loaded(
                "{ iterations: 4, thresholds: { http_reqs: ['count>0'] } }",
                &format!(
                    "{good} http.get(__ITER === 3 ? 'http://127.0.0.1:1/' : __ENV.URL, {{ tags: {{ name: 'x' }} }});"
                ),
            ),
            99,
            "1 of 8 requests failed",
        ),
        (
            loaded(
                "{ iterations: 4, thresholds: { http_req_failed: ['rate<0.9'], http_req_duration: ['p(95)<500'] } }",
                &format!("{good} http.get('http://127.0.0.1:1/');"),
            ),
            99,
            "`http_req_duration: p(95)<500` does not hold: 3600000",
        ),
        (
            format!("throw new Error(`it is ${{__ENV.TOKEN}}`);\n{}", once(good)),
            104,
            "it is [secret TOKEN]",
        ),
        (
            loaded(
                "{ scenarios: { a: { executor: 'shared-iterations', iterations: 2 }, b: { executor: 'ramping-arrival-rate', preAllocatedVUs: 1, stages: [{ target: 0, duration: '1s' }] } }, thresholds: { checks: ['rate==1'] } }",
                good,
            ),
            98,
            "nothing was performed of the scenario `b`",
        ),
        (loaded("7", good), 104, "`options` is 7: expected an object"),
        (
            "import './nothing.js';\nexport default function () {}".to_owned(),
            104,
            "there is no file",
        ),
    ];
    for (script, expected, said) in cases {
        let (code, text) = run_here(&script, &address, &[]);
        let text = text.replace(&address, "HOST");
        assert_eq!(code, expected, "{script}\n{text}");
        assert!(text.contains(said), "{script}\n{text}");
    }
    let (code, text) = run_here(&once(good), &address, &["--vus", "3", "--duration", "1s"]);
    assert_eq!(code, 104);
    assert!(text.contains("would throw its scenarios away"), "{text}");
    let telling = once(&format!(
        "{good} console.log(`token ${{__ENV.TOKEN}} ${{__ENV.NOBODY}}`); http.get(`${{__ENV.URL}}/${{__ENV.TOKEN}}`);"
    ));
    let (code, text) = run_here(&telling, &address, &["--input", "SPARE=1"]);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("t0p-s3cret"), "{text}");
    assert!(
        text.contains("console: token [secret TOKEN] undefined"),
        "{text}"
    );
    assert!(
        text.contains("the script never read the inputs SPARE"),
        "{text}"
    );
    assert!(
        text.contains("the script asked for NOBODY, which nobody set"),
        "{text}"
    );
}

#[test]
fn a_summary_of_the_scripts_own_is_written_without_secrets() {
    let address = serve(echo);
    let folder = tempfile::tempdir().unwrap();
    let script = |path: &str| {
        let own = format!(
            "[{path:?}]: {{ count: data.metrics.http_reqs.values.count, token: __ENV.TOKEN }}, stdout: 'not here'"
        );
        format!(
            "export default function () {{ check(http.get(__ENV.URL), {{ ok: (r) => r.status === 200 }}); }}\nexport function handleSummary(data) {{ return {{ {own} }}; }}"
        )
    };
    let path = folder.path().join("own.txt");
    let (code, text) = run_here(&script(path.to_str().unwrap()), &address, &[]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        r#"{"count":1,"token":"[secret TOKEN]"}"#
    );
    assert!(!text.contains("not here"), "{text}");
    let nowhere = folder.path().join("nowhere/own.txt");
    let (code, text) = run_here(&script(nowhere.to_str().unwrap()), &address, &[]);
    assert_ne!(code, 0, "{text}");
    assert!(
        text.contains("nowhere/own.txt` cannot be written"),
        "{text}"
    );
}

#[test]
fn every_sample_is_written_down_and_can_be_judged() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(echo);
    let script = format!(
        "import http from 'k6/http'; import {{ check }} from 'k6';
export const options = {{ vus: 2, iterations: 60, thresholds: {{ http_req_duration: ['p(95)<5000'] }} }};
export default () => {{ check(http.get('http://{address}/text', {{ tags: {{ team: 'shop' }} }}), {{ ok: (r) => r.status === 200 }}); }};"
    );
    std::fs::write(folder.path().join("s.js"), script).unwrap();
    let k6 = |out: &str| {
        let mut command = bellwether();
        command.current_dir(folder.path());
        run(command.args(["k6", "run", "-q", "s.js", "--out", out]))
    };
    for out in ["json=all.json", "csv=all.csv"] {
        assert_eq!(k6(out).0, 0);
        let (kind, file) = out.split_once('=').unwrap();
        let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
        let of_checks = text.lines().filter(|line| line.contains("checks"));
        assert_eq!(of_checks.count(), 60 + usize::from(kind == "json"));
        assert!(text.contains(if kind == "json" {
            r#""team":"shop""#
        } else {
            "team=shop"
        }));
        let mut judge = bellwether();
        judge
            .args(["judge", "--objective", "p95 < 5s"])
            .arg(folder.path().join(file));
        let (_, said, _) = run(&mut judge);
        assert!(said.contains("of 60 requests"), "{said}");
    }
    // What is compressed is the same, but for its times.
    assert_eq!(k6("csv=all.csv.gz").0, 0);
    let packed = std::fs::File::open(folder.path().join("all.csv.gz")).unwrap();
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(packed)).unwrap();
    assert!(text.starts_with("metric_name,timestamp,metric_value,check,"));
    for (out, words) in [
        ("influxdb=x", "is no output that is there"),
        ("json=/nowhere/all.json", "cannot be written"),
        ("json=/dev/full", "is not whole"),
    ] {
        let (code, _, said) = k6(out);
        assert_eq!(code, 255, "{said}");
        assert!(said.contains(words), "{said}");
    }
}
