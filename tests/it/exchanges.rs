//! What was asked and what came of steps that failed: on the pages of probes and runs, without what lets anybody in.

use super::standin::{Answer, Asked, of, serve};
use super::support::{Daemon, bellwether, eventually, http, run};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);
const SECRET: &str = "k3y-0f-the-api";

/// Tells what it was asked for, which is what makes it dangerous to show.
fn echo(asked: &Asked) -> Answer {
    let told = format!(
        "the upstream exploded for {}",
        asked.header("authorization")
    );
    match asked.path.as_str() {
        "/health" => of(200, "text/plain", "well"),
        "/log-in" => {
            let mut given = of(200, "application/json", r#"{"session":"captured-5e55ion"}"#);
            given
                .headers
                .push(("set-cookie", "sid=c00kie-of-the-jar; Path=/".to_owned()));
            given
        }
        "/echo" => of(
            500,
            &format!("text/{SECRET}"),
            &format!(
                "{} {} {}",
                asked.header("cookie"),
                asked.header("x-session"),
                asked.body
            ),
        ),
        _ => of(500, "text/plain", &told),
    }
}

fn text(daemon: &Daemon, path: &str) -> String {
    let (status, body) = http(&daemon.address, "GET", path, &[], "").unwrap();
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// A folder with a scenario, for an environment with the stand-in as `shop`; more of the environment.
fn folder_of(scenario: &str, more: &str) -> (tempfile::TempDir, String) {
    let (folder, address) = (tempfile::tempdir().unwrap(), serve(echo));
    let environment = format!(
        "environments:\n  test:\n    services: {{ shop: {{ url: \"http://{address}\" }} }}\n{more}"
    );
    std::fs::write(folder.path().join("bellwether.yaml"), environment).unwrap();
    std::fs::write(folder.path().join("scenario.yaml"), scenario).unwrap();
    (folder, address)
}

/// What makes the secret known.
const KNOWN: &str = "    secrets: { KEY: { env: SHOP_KEY } }\n";

#[track_caller]
fn shows_the_exchange(page: &str) {
    for expected in [
        "Request and reply",
        "&gt; POST http://",
        "authorization: Bearer ***",
        "&gt; {&quot;order&quot;:7}",
        "&lt; HTTP/1.1 500",
        "&lt; the upstream exploded for Bearer [secret KEY]",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains(SECRET), "{page}");
}

#[test]
fn the_last_exchange_that_failed_is_shown_without_what_lets_anybody_in() {
    let scenario = "name: orders\nservice: shop\nsecrets: [ KEY ]\nsteps:\n  - { name: health, get: /health }\n  - { name: order, post: /orders, auth: { bearer: \"${secrets.KEY}\" }, json: { order: 7 } }\n";
    let (folder, _) = folder_of(scenario, KNOWN);
    let environment = std::fs::read_to_string(folder.path().join("bellwether.yaml")).unwrap();
    let config = format!(
        "server: {{ listen: LISTEN }}\n{environment}probes:\n  orders: {{ scenario: scenario.yaml, environment: test, interval: 1h }}\n"
    );
    let daemon = Daemon::start(folder.path(), &config, &[("SHOP_KEY", SECRET)]);
    let page = eventually("the probe was run", SOON, || {
        let page = text(&daemon, "/probes/orders");
        page.contains("Last run that did not pass").then_some(page)
    });
    shows_the_exchange(&page);
    assert!(!page.contains("> GET"), "what passed is not shown: {page}");
}

#[test]
fn what_somebody_was_given_on_the_way_is_not_shown_either() {
    let scenario = "name: echo\nservice: shop\nsecrets: [ KEY ]\nsteps:\n  - { post: /log-in, capture: { session: body.session } }\n  - { name: echo, post: \"/echo?api_key=${secrets.KEY}\", headers: { X-Session: \"${vars.session}\", X-Api-Key: l1teral-key }, json: { session: \"${vars.session}\", id: 7 } }\n";
    let (folder, _) = folder_of(scenario, KNOWN);
    let mut command = bellwether();
    command.current_dir(folder.path()).env("SHOP_KEY", SECRET);
    let (code, out, err) = run(command.args([
        "run",
        "scenario.yaml",
        "--json",
        "out.json",
        "--html",
        "out.html",
        "--har",
        "out.har",
    ]));
    assert_eq!(code, 99, "{out}{err}");
    let mut all = vec![("terminal", out + &err)];
    for name in ["out.json", "out.html", "out.har"] {
        all.push((
            name,
            std::fs::read_to_string(folder.path().join(name)).unwrap(),
        ));
    }
    for (name, text) in all {
        for given in [
            SECRET,
            "captured-5e55ion",
            "c00kie-of-the-jar",
            "l1teral-key",
        ] {
            assert!(!text.contains(given), "{name} shows `{given}`: {text}");
        }
        assert!(text.contains("echo"), "{name}");
    }
}

#[test]
fn a_report_says_where_it_was_made_and_draws_failures_by_class() {
    let scenario = "name: load\nservice: shop\nsteps:\n  - { get: /health, check: \"text == 'ill'\" }\n  - { get: /orders }\nload: [ { executor: constant-arrival-rate, rate: 20, duration: 3s } ]\n";
    let (folder, address) = folder_of(scenario, "");
    let mut command = bellwether();
    command.current_dir(folder.path());
    let (_, out, err) = run(command.args([
        "run",
        "scenario.yaml",
        "--html",
        "report.html",
        "--json",
        "report.json",
    ]));
    let page = std::fs::read_to_string(folder.path().join("report.html")).expect(&(out + &err));
    let services = format!("service shop http://{address}");
    for expected in [
        "Bellwether 0.",
        "processor",
        &services,
        "Failed requests by class",
        "check",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("report.json")).unwrap())
            .unwrap();
    let failed = |class: &str| -> u64 {
        let points = json["series"].as_array().unwrap().iter();
        points
            .filter_map(|point| point["errors_by_class"][class].as_u64())
            .sum()
    };
    let requests = json["requests"].as_u64().unwrap();
    assert_eq!(failed("check") + failed("status"), requests, "{json}");
}
