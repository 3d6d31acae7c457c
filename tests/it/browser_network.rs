//! The network of a page: headers for our own hosts, requests that are waited for, slower than it is, and away.

use super::browser::browser;
use super::standin::{json, of, serve_by};
use super::support::{bellwether, run};
use serde_json::json as value;
use std::path::Path;
use std::sync::{Arc, Mutex};

const PASS: i32 = 0;
const FAIL: i32 = 99;

/// Addresses that were asked for, each with the header `authorization`.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// A site that hears who asks; its page asks another one, too.
fn site(other: String) -> (String, Heard) {
    let heard = Heard::default();
    let hears = heard.clone();
    let address = serve_by(move |asked| {
        let authorization = asked.header("authorization").to_owned();
        hears
            .lock()
            .unwrap()
            .push((asked.path.clone(), authorization.clone()));
        let page = |body: &str| {
            let whole = format!(
                "<!doctype html><title>Console</title><link rel=icon href='data:,'><h1>Console</h1>{body}"
            );
            of(200, "text/html", &whole)
        };
        match asked.path.as_str() {
            "/" if authorization.is_empty() => of(401, "text/html", "<h1>Who are you?</h1>"),
            "/" => page(&format!(
                "<p id=state>waits</p><button onclick=\"fetch('/api/orders', {{ method: 'POST' }}).then((r) => state.textContent = r.ok ? 'ordered' : 'refused').catch(() => state.textContent = 'offline')\">Order</button><img src=\"http://{other}/pixel\"><a href=\"/away\">Away</a><script>setTimeout(() => {{ window.isReady = true }}, 400)</script>"
            )),
            "/away" => of(302, "text/html", "").with("location", format!("http://{other}/landing")),
            "/api/orders" => json(201, value!({"id": 7})),
            "/opens" => page(
                "<a href=/second target=_blank>Receipt</a><button onclick=\"window.open('/third')\">Help</button>",
            ),
            "/second" => page(
                "<p>The receipt</p><button onclick=\"this.textContent='Printed'\">Print</button>",
            ),
            "/third" => page("<p>The manual</p>"),
            "/landing" => page("<p>landed</p>"),
            _ => of(200, "text/plain", "ok"),
        }
    });
    (address, heard)
}

fn performed(folder: &Path, site: &str, browser: &str, scenario: &str) -> (i32, String) {
    let text = format!(
        "environments: {{ test: {{ services: {{ console: {{ url: \"http://{site}\" }} }}, browser: {browser}, secrets: {{ TOKEN: {{ env: TOKEN }} }} }} }}\n"
    );
    std::fs::write(folder.join("bellwether.yaml"), text).unwrap();
    std::fs::write(folder.join("scenario.yaml"), scenario).unwrap();
    let mut command = bellwether();
    command.current_dir(folder).env("TOKEN", "open-sesame");
    let (code, out, err) = run(command.args([
        "run",
        "scenario.yaml",
        "--json",
        "run.json",
        "--har",
        "run.har",
    ]));
    (code, out + &err)
}

#[test]
fn headers_go_to_our_own_hosts_and_nowhere_else() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (other, theirs) = site(String::new());
    let (own, ours) = site(other);
    let scenario = "name: signed in
service: console
secrets: [TOKEN]
browser: { headers: { authorization: \"Bearer ${secrets.TOKEN}\" } }
steps:
  - { open: /, check: status == 200 }
  - click: { button: Order }
  - see: ordered
  - requested: { url: /api/orders, method: POST, status: 201 }
    check: [ value.status == 201, \"value.method == 'POST'\" ]
  - script: { run: return window.isReady, until_true: true }
  - click: { link: Away }
  - see: landed
";
    let (code, told) = performed(folder.path(), &own, browser, scenario);
    assert_eq!(code, PASS, "{told}");
    let ours = ours.lock().unwrap().clone();
    for path in ["/", "/api/orders", "/away"] {
        assert!(
            ours.contains(&(path.to_owned(), "Bearer open-sesame".to_owned())),
            "{ours:?}"
        );
    }
    let theirs = theirs.lock().unwrap().clone();
    assert!(
        theirs.iter().any(|(path, _)| path == "/landing"),
        "{theirs:?}"
    );
    for (path, authorization) in theirs {
        assert_eq!(authorization, "", "{path}");
    }
    for file in ["run.json", "run.har"] {
        let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(!text.contains("open-sesame"), "{file}");
    }
}

#[test]
fn what_is_not_asked_for_in_time_or_comes_to_something_else_is_told() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (own, _) = site("127.0.0.1:9".to_owned());
    let open = "name: waits\nservice: console\nbrowser: { headers: { authorization: x } }\nsteps:\n  - open: /\n";
    let cases = [
        (
            "requested: { url: /api/orders }\n    timeout: 1s",
            "a request to `/api/orders` (any method) was not made",
        ),
        (
            "requested: { url: /pixel }\n    timeout: 2s",
            "a request to `/pixel` (any method) failed: net::ERR_",
        ),
        (
            "script: { run: return document.missing, until_true: true }\n    timeout: 1s",
            "the script returned null until time was up",
        ),
    ];
    for (step, why) in cases {
        let (code, told) = performed(folder.path(), &own, browser, &format!("{open}  - {step}\n"));
        assert!(code == FAIL && told.contains(why), "{told}");
    }
    let orders = "  - click: { button: Order }\n  - requested: { url: /api/orders, status: 500 }\n    timeout: 2s\n";
    let (code, told) = performed(folder.path(), &own, browser, &format!("{open}{orders}"));
    assert!(
        code == FAIL && told.contains("came to status 201, expected 500"),
        "{told}"
    );
}

#[test]
fn a_page_without_a_network_is_offline_and_a_slow_one_takes_longer() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (own, _) = site("127.0.0.1:9".to_owned());
    let scenario = "name: offline
service: console
browser: { headers: { authorization: x }, slow: { latency: 300ms, download: 1600, upload: 750, processor: 2 } }
steps:
  - open: /
  - offline: true
  - click: { button: Order }
  - expect: { css: '#state', shows: offline }
  - offline: false
  - click: { button: Order }
  - expect: { css: '#state', shows: ordered }
  - requested: /api/orders
    check: value.ms > 250.0
";
    let (code, told) = performed(folder.path(), &own, browser, scenario);
    assert_eq!(code, PASS, "{told}");
}

#[test]
fn a_window_that_opens_is_looked_at_and_left_again() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (own, _) = site("127.0.0.1:9".to_owned());
    let scenario = "name: windows
service: console
steps:
  - open: /opens
  - click: { link: Receipt }
  - window: newest
    check: [ \"url.endsWith('/second')\", status == 200 ]
  - see: The receipt
  - click: { button: Print }
  - see: Printed
  - screenshot: true
  - window: first
    check: \"url.endsWith('/opens')\"
  - click: { button: Help }
  - window: newest
  - see: The manual
  - unseen: The receipt
  - reload: true
  - see: The manual
";
    let (code, told) = performed(folder.path(), &own, browser, scenario);
    assert_eq!(code, PASS, "{told}");
    let none = "name: windows\nservice: console\nsteps:\n  - open: /opens\n  - window: newest\n    timeout: 1s\n";
    let (code, told) = performed(folder.path(), &own, browser, none);
    assert!(
        code == FAIL && told.contains("no window was opened"),
        "{told}"
    );
}
