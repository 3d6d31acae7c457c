//! Pages as people see them: in a real browser, with thousands of probes and hostile names, logged in and not.

use super::policy::World;
use super::support::{Daemon, Process, bellwether, eventually, free_port, http, program, root};
use bellwether::demo::shop::Deploy;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Names that others would choose to break a page.
const HOSTILE: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "\u{202e}desrever \u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    "\u{1f52d}\u{1f9ea} emoji",
    "a-name-without-end-a-name-without-end-a-name-without-end-a-name-without-end-a-name-without-end",
];

/// A daemon that watches probes of these names by a service that nobody serves.
fn watching(folder: &Path, names: &[String], interval: &str) -> Daemon {
    std::fs::write(
        folder.join("s.yaml"),
        "name: s\nservice: api\nsteps: [ { name: look, get: / } ]\n",
    )
    .unwrap();
    let mut text = "server: { listen: LISTEN }\nenvironments: { production: { services: { api: { url: \"http://127.0.0.1:1\" } } } }\n".to_owned();
    if !names.is_empty() {
        text.push_str("probes:\n");
    }
    for (number, name) in names.iter().enumerate() {
        let name = serde_json::to_string(name).unwrap();
        // Names are plain; what stands beside them may be anything.
        let group = match names.len() {
            20 => HOSTILE[number % HOSTILE.len()],
            _ => ["checkout", "billing"][number % 2],
        };
        let group = serde_json::to_string(group).unwrap();
        writeln!(
            text,
            "  {name}: {{ scenario: s.yaml, environment: production, interval: {interval}, group: {group} }}"
        )
        .unwrap();
    }
    Daemon::start(folder, &text, &[])
}

fn numbered(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("probe-{number:04}"))
        .collect()
}

fn text(daemon: &Daemon, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    http(&daemon.address, "GET", path, headers, "").expect("the daemon answers")
}

/// Whether what looks at pages is installed.
fn is_installed() -> bool {
    let is_there = root().join("tests/browser/node_modules/axe-core").exists();
    let needed = std::env::var_os("BELLWETHER_TEST_ALL").is_some();
    assert!(is_there || !needed, "`npm ci` was not run in tests/browser");
    if !is_there {
        eprintln!("LEFT OUT: `npm ci` was not run in tests/browser");
    }
    is_there
}

#[test]
fn pages_are_sound_in_a_browser() {
    let (Some(chromium), Some(node)) = (program("chromium"), program("node")) else {
        return;
    };
    if !is_installed() {
        return;
    }
    let script = root().join("tests/browser/pages.mjs");
    let folders: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let mut hostile = numbered(19);
    hostile.push("name without end ".repeat(9).trim().to_owned());
    let none = watching(folders[0].path(), &[], "1h");
    let one = watching(folders[1].path(), &numbered(1), "300ms");
    let some = watching(folders[2].path(), &hostile, "1s");
    let many = watching(folders[3].path(), &numbered(5_000), "1h");
    let world = World::new();
    let gates = world.daemon("", "    load: [ load.yaml ]", "");
    let failing = Deploy {
        fail_every: 3,
        ..Deploy::healthy("1.1.0")
    };
    let gate = world.verify(&gates, failing);
    let said = json!({ "gate": "shop", "version": "1.1.0", "actor": HOSTILE[0], "reason": HOSTILE[1], "commit": HOSTILE[2], "link": "javascript:alert(1)", "ticket": HOSTILE[4] });
    let hostile_gate = gates.start_gate(&said);
    gates.done(hostile_gate);
    let page = |name: &str, daemon: &Daemon, path: &str| json!({ "name": name, "url": format!("http://{}{path}", daemon.address) });
    let (id, run) = (&gate["id"], &gate["runs"][0]["id"]);
    eventually("hostile probes are down", Duration::from_secs(20), || {
        text(&some, "/", &[]).1.contains("are down").then_some(())
    });
    let pages = [
        page("home-none", &none, "/"),
        page("gates-none", &none, "/gates"),
        page("alerts-none", &none, "/alerts"),
        page("slos-none", &none, "/slos"),
        page("events-none", &none, "/events"),
        page("docs", &none, "/docs"),
        page("docs-configuration", &none, "/docs/configuration"),
        page("docs-api", &none, "/docs/api"),
        page("not-here", &none, "/nothing"),
        page("log-in", &none, "/login"),
        page("home-one", &one, "/"),
        page("probe-one", &one, "/probes/probe-0000"),
        page("home-hostile", &some, "/"),
        page("probe-hostile", &some, "/probes/probe-0000"),
        page("alerts-hostile", &some, "/alerts"),
        page("incident-hostile", &some, "/incidents/1"),
        page("home-many", &many, "/"),
        page("home-many-found", &many, "/?q=probe-00&page=2"),
        page("home-gate", &gates, "/"),
        page("gates", &gates, "/gates"),
        page("gate", &gates, &format!("/gates/{id}")),
        page("gate-hostile", &gates, &format!("/gates/{hostile_gate}")),
        page("run", &gates, &format!("/runs/{run}")),
        page("events", &gates, "/events"),
    ];
    let live = format!("http://{}/probes/probe-0000", one.address);
    let list = folders[0].path().join("pages.json");
    std::fs::write(&list, json!({ "pages": pages, "live": live }).to_string()).unwrap();
    let looked = Command::new(node)
        .arg(script)
        .arg(chromium)
        .arg(&list)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&looked.stdout);
    let errors = String::from_utf8_lossy(&looked.stderr);
    assert!(looked.status.success(), "{said}\n{errors}");
    let (_, home) = text(&many, "/", &[]);
    assert!(home.len() < 300 * 1024, "{} bytes", home.len());
    assert!(home.contains("page 1 of 100"), "{home}");
}

/// A daemon with tokens of different rights.
fn with_tokens(folder: &Path) -> Daemon {
    std::fs::write(
        folder.join("s.yaml"),
        "name: s\nservice: api\nsteps: [ { get: / } ]\n",
    )
    .unwrap();
    let config = "server:
  listen: LISTEN
  tokens:
    Jane Doe: { token: \"${secrets.JANE}\", role: approve }
    dashboard: { token: \"${secrets.LOOK}\", role: read }
secrets: { JANE: { env: JANE_TOKEN }, LOOK: { env: LOOK_TOKEN } }
environments: { production: { services: { api: { url: \"http://127.0.0.1:1\" } } } }
probes: { watched: { scenario: s.yaml, environment: production, interval: 1h } }
";
    Daemon::start(
        folder,
        config,
        &[
            ("JANE_TOKEN", "jane-0123456789"),
            ("LOOK_TOKEN", "look-0123456789"),
        ],
    )
}

/// The cookie of whoever logs in with a token, if it is taken.
fn log_in(daemon: &Daemon, token: &str) -> Option<String> {
    let server = format!("http://{}/login", daemon.address);
    let answer = Command::new("curl")
        .args([
            "-s",
            "-i",
            "-d",
            &format!("token={token}&to=/events"),
            &server,
        ])
        .output()
        .unwrap();
    let head = String::from_utf8_lossy(&answer.stdout).to_lowercase();
    let line = head
        .lines()
        .find(|line| line.starts_with("set-cookie:"))?
        .to_owned();
    assert!(
        line.contains("httponly") && line.contains("samesite=lax"),
        "{line}"
    );
    assert!(head.contains("location: /events"), "{head}");
    let whole = String::from_utf8_lossy(&answer.stdout);
    let value = whole
        .lines()
        .find(|line| line.to_lowercase().starts_with("set-cookie:"))?;
    Some(value.split_once(": ")?.1.split(';').next()?.to_owned())
}

#[test]
fn who_has_no_token_sees_nothing_and_who_logs_in_may_do_what_the_token_allows() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = with_tokens(folder.path());
    for path in [
        "/",
        "/gates",
        "/metrics",
        "/api/v1/status",
        "/api/v1/audit",
        "/probes/watched",
        "/live?at=/",
    ] {
        assert_eq!(text(&daemon, path, &[]).0, 401, "{path}");
        let known = [("authorization", "Bearer look-0123456789")];
        if path != "/live?at=/" {
            assert_eq!(text(&daemon, path, &known).0, 200, "{path}");
        }
    }
    for path in ["/healthz", "/readyz", "/login", "/assets/bellwether.css"] {
        assert_eq!(text(&daemon, path, &[]).0, 200, "{path}");
    }
    // A browser is led to where people log in, and back.
    let (status, _) = text(&daemon, "/gates/7", &[("accept", "text/html")]);
    assert_eq!(status, 303);
    assert_eq!(log_in(&daemon, "wrong"), None);
    let look = log_in(&daemon, "look-0123456789").unwrap();
    let jane = log_in(&daemon, "jane-0123456789").unwrap();
    let looked = text(&daemon, "/probes/watched", &[("cookie", &look)]).1;
    assert!(
        looked.contains("dashboard") && !looked.contains("Run it now"),
        "{looked}"
    );
    let acts = text(&daemon, "/probes/watched", &[("cookie", &jane)]).1;
    assert!(
        acts.contains("Jane Doe") && acts.contains("Run it now"),
        "{acts}"
    );
    let run = |headers: &[(&str, &str)]| {
        http(&daemon.address, "POST", "/probes/watched/run", headers, "")
            .unwrap()
            .0
    };
    assert_eq!(run(&[("cookie", &look)]), 403);
    assert_eq!(
        run(&[("cookie", &jane), ("origin", "https://evil.example")]),
        403
    );
    assert_eq!(
        run(&[("cookie", &jane), ("sec-fetch-site", "cross-site")]),
        403
    );
    assert_eq!(run(&[("cookie", &format!("{jane}x"))]), 401);
    assert_eq!(run(&[("cookie", &jane)]), 303);
    // Whoever asked stands in the audit log, also who was refused.
    let audit = daemon.see("/api/v1/audit").unwrap();
    let lines: Vec<String> = audit
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            format!(
                "{} {} {}",
                line["by"].as_str().unwrap(),
                line["order"].as_str().unwrap(),
                line["status"]
            )
        })
        .collect();
    for expected in [
        "Jane Doe run probes watched 303",
        "dashboard run probes watched 403",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "{expected} is not in {lines:?}"
        );
    }
    assert!(!audit.to_string().contains("0123456789"), "{audit}");
    // Whoever has copied a cookie has nothing once its owner has logged out.
    let out = http(&daemon.address, "POST", "/logout", &[("cookie", &jane)], "");
    assert_eq!(out.unwrap().0, 303);
    assert_eq!(text(&daemon, "/", &[("cookie", &jane)]).0, 401);
    assert_eq!(text(&daemon, "/", &[("cookie", &look)]).0, 200);
    // The command line says what is missing.
    let server = format!("http://{}", daemon.address);
    let answer = bellwether()
        .args(["gate", "list", "--server", &server])
        .env_remove("BELLWETHER_TOKEN")
        .output()
        .unwrap();
    assert!(!answer.status.success());
    let said = String::from_utf8_lossy(&answer.stderr).to_string();
    assert!(
        said.contains("BELLWETHER_TOKEN") || said.contains("token"),
        "{said}"
    );
}

#[test]
fn a_token_that_is_changed_ends_its_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = with_tokens(folder.path());
    let jane = log_in(&daemon, "jane-0123456789").unwrap();
    assert_eq!(text(&daemon, "/", &[("cookie", &jane)]).0, 200);
    let file = folder.path().join("bellwether.yaml");
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, config.replace("secrets.JANE", "secrets.LOOK")).unwrap();
    daemon.signal(libc::SIGHUP);
    eventually("the session is over", Duration::from_secs(10), || {
        (text(&daemon, "/", &[("cookie", &jane)]).0 == 401).then_some(())
    });
}

/// What somebody sees who logs in by OpenID Connect.
fn seen_by(name: &str, page: &str) -> Option<serde_json::Value> {
    let (chromium, node) = (program("chromium")?, program("node")?);
    let script = root().join("tests/browser/login.mjs");
    let looked = Command::new(node)
        .arg(script)
        .arg(chromium)
        .args([page, name])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&looked.stderr);
    assert!(looked.status.success(), "{errors}");
    Some(serde_json::from_slice(&looked.stdout).unwrap())
}

#[test]
fn people_log_in_by_a_real_provider_of_openid_connect() {
    let Some(node) = program("node").filter(|_| is_installed()) else {
        return;
    };
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let config = format!(
        "server:
  listen: LISTEN
  public_url: http://LISTEN
  openid:
    issuer: http://127.0.0.1:{port}
    client_id: bellwether
    client_secret: ${{secrets.OPENID}}
    roles: {{ approve: [leads] }}
secrets: {{ OPENID: {{ env: OPENID_SECRET }} }}
environments: {{ production: {{ services: {{ api: {{ url: \"http://127.0.0.1:1\" }} }} }} }}
"
    );
    let secret = [("OPENID_SECRET", "a-secret-of-some-length")];
    let daemon = Daemon::start(folder.path(), &config, &secret);
    let script = root().join("tests/browser/provider.mjs");
    let back = format!("http://{}/login/callback", daemon.address);
    let mut provider = Command::new(node);
    provider.arg(script).args([&port.to_string(), &back]);
    let _provider = Process::start(provider.stdout(Stdio::null()).stderr(Stdio::null()));
    eventually("the provider answers", Duration::from_secs(20), || {
        let found = http(
            &format!("127.0.0.1:{port}"),
            "GET",
            "/.well-known/openid-configuration",
            &[],
            "",
        );
        found.filter(|(status, _)| *status == 200)
    });
    assert_eq!(text(&daemon, "/gates", &[]).0, 401);
    let page = format!("http://{}/gates", daemon.address);
    let Some(seen) = seen_by("jane", &page) else {
        return;
    };
    assert_eq!(seen["url"], json!(page), "{seen}");
    let said = seen["text"].as_str().unwrap();
    assert!(
        said.contains("jane@example.test · approve") && said.contains("Gates"),
        "{said}"
    );
    let refused = seen_by("guest", &page).unwrap();
    let said = refused["text"].as_str().unwrap();
    assert!(
        said.contains("guest@example.test has no role here"),
        "{said}"
    );
    // What was not begun by this browser is no log-in.
    let (status, answer) = text(&daemon, "/login/callback?code=a&state=b", &[]);
    assert!(
        status == 403 && answer.contains("not begun here"),
        "{answer}"
    );
}

#[test]
fn everybody_sees_a_status_page_and_nothing_inner() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("s.yaml"),
        "name: s\nservice: api\nsteps: [ { get: /inner-path } ]\n",
    )
    .unwrap();
    let config = "server: { listen: LISTEN, token: \"${secrets.T}\" }
secrets: { T: { env: LOOK_TOKEN } }
environments: { production: { services: { api: { url: \"http://127.0.0.1:1\" } } } }
probes:
  inner-name: { scenario: s.yaml, environment: production, interval: 300ms, failures: 1, group: Checkout }
  other: { scenario: s.yaml, environment: production, interval: 1h, group: Search, paused: true }
status_pages: { shop: { title: The shop, environment: production } }
";
    let daemon = Daemon::start(folder.path(), config, &[("LOOK_TOKEN", "look-0123456789")]);
    let page = eventually("it is down", Duration::from_secs(20), || {
        let (_, page) = text(&daemon, "/status/shop", &[]);
        page.contains("Something is down.").then_some(page)
    });
    assert!(
        page.contains("Checkout") && page.contains("not measured now"),
        "{page}"
    );
    for inner in [
        "inner-name",
        "inner-path",
        "127.0.0.1",
        "refused",
        "/probes/",
    ] {
        assert!(!page.contains(inner), "{inner}: {page}");
    }
    let (status, badge) = text(&daemon, "/status/shop/Checkout.svg", &[]);
    assert!(status == 200 && badge.contains("down"), "{badge}");
    assert_eq!(text(&daemon, "/status/shop/badge.svg", &[]).0, 200);
    for unknown in [
        "/status/other",
        "/status/shop/inner-name.svg",
        "/status/shop/Checkout",
    ] {
        assert_eq!(text(&daemon, unknown, &[]).0, 404, "{unknown}");
    }
    assert_eq!(text(&daemon, "/", &[]).0, 401);
}
