//! The state file and the configuration when things go wrong: locks, versions, a full disk, reloads.

use super::support::{
    Daemon, FIRST_RELEASE, api, bellwether, eventually, first_release_state, http, run,
};
use std::time::Duration;

const MINIMAL: &str = "server: { listen: LISTEN }\nenvironments: { test: { services: { api: { url: \"http://127.0.0.1:1\" } } } }\nprobes: { a: { scenario: smoke.yaml, environment: test, interval: 200ms, failures: 2 } }\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("smoke.yaml"),
        "name: smoke\nservice: api\nsteps: [ { name: a, get: / } ]\n",
    )
    .unwrap();
    folder
}

#[test]
fn a_second_daemon_on_the_same_file_is_refused() {
    let folder = folder();
    let daemon = Daemon::start(folder.path(), MINIMAL, &[]);
    let second = folder.path().join("second.yaml");
    std::fs::write(&second, MINIMAL.replace("LISTEN", "127.0.0.1:0")).unwrap();
    let (code, _, err) = run(bellwether().args(["serve", "--config"]).arg(&second));
    assert_eq!(code, 1);
    assert!(err.contains("another daemon uses"), "{err}");
    assert!(
        api(&daemon.address, "/api/v1/status").is_some(),
        "the first one goes on"
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = folder();
    let file = folder.path().join("bellwether.yaml");
    let text = MINIMAL.replace("LISTEN", "127.0.0.1:0");
    std::fs::write(&file, format!("state: not-there/state.db\n{text}")).unwrap();
    let (code, _, err) = run(bellwether().args(["serve", "--config"]).arg(&file));
    assert_eq!(code, 1);
    assert!(err.contains("not-there` is not there: make it"), "{err}");
    assert!(!err.contains("move it away"), "{err}");
}

#[test]
fn a_broken_foreign_or_newer_file_is_left_untouched() {
    for (kind, said) in [
        ("broken", "cannot be used as state file"),
        ("foreign", "something else"),
        ("newer", "newer Bellwether"),
    ] {
        let folder = folder();
        let state = folder.path().join("bellwether.db");
        match kind {
            "broken" => std::fs::write(&state, vec![7_u8; 4096]).unwrap(),
            _ => {
                let connection = rusqlite::Connection::open(&state).unwrap();
                connection.execute_batch("CREATE TABLE other (a)").unwrap();
                if kind == "newer" {
                    connection.pragma_update(None, "user_version", 99).unwrap();
                }
            }
        }
        let before = std::fs::read(&state).unwrap();
        let config = folder.path().join("bellwether.yaml");
        std::fs::write(&config, MINIMAL.replace("LISTEN", "127.0.0.1:0")).unwrap();
        let (code, _, err) = run(bellwether().args(["serve", "--config"]).arg(&config));
        assert_eq!(code, 1, "{err}");
        assert!(
            err.contains(said) && !err.contains("panicked"),
            "{kind}: {err}"
        );
        assert!(
            std::fs::read(&state).unwrap() == before,
            "{kind}: untouched"
        );
    }
}

#[test]
fn a_reload_takes_what_is_sound_and_refuses_what_is_broken() {
    let folder = folder();
    let daemon = Daemon::start(folder.path(), MINIMAL, &[]);
    let config = folder.path().join("bellwether.yaml");
    let good = std::fs::read_to_string(&config).unwrap();
    eventually("the probe is down", Duration::from_secs(15), || {
        api(&daemon.address, "/api/v1/probes").filter(|probes| probes[0]["health"] == "down")
    });
    std::fs::write(&config, good.replace("interval: 200ms", "intervall: 200ms")).unwrap();
    let (status, body) = http(&daemon.address, "POST", "/api/v1/reload", &[], "").unwrap();
    assert_eq!(status, 422);
    assert!(
        body.contains("unknown-field") && body.contains("did you mean `interval`?"),
        "{body}"
    );
    let refusals = || daemon.log().matches("the old one stays in force").count();
    let before = refusals();
    daemon.signal(libc::SIGHUP);
    eventually("the refusal is logged", Duration::from_secs(10), || {
        (refusals() > before).then_some(())
    });
    let metrics = || http(&daemon.address, "GET", "/metrics", &[], "").unwrap().1;
    assert!(metrics().contains("bellwether_config_last_reload_successful 0"));
    assert_eq!(
        api(&daemon.address, "/api/v1/probes").unwrap()[0]["health"],
        "down",
        "the old one goes on"
    );
    std::fs::write(
        &config,
        good.replace(
            "probes: { a:",
            "probes: { b: { scenario: smoke.yaml, environment: test, interval: 1h }, a:",
        ),
    )
    .unwrap();
    daemon.signal(libc::SIGHUP);
    let probes = eventually("the new probe is there", Duration::from_secs(10), || {
        api(&daemon.address, "/api/v1/probes")
            .filter(|probes| probes.as_array().is_some_and(|all| all.len() == 2))
    });
    assert_eq!(probes[0]["health"], "down", "states are kept over a reload");
    assert!(metrics().contains("bellwether_config_last_reload_successful 1"));
    std::fs::write(&config, &good).unwrap();
    assert_eq!(
        http(&daemon.address, "POST", "/api/v1/reload", &[], "")
            .unwrap()
            .0,
        200
    );
    assert!(
        !metrics().contains("probe=\"b\""),
        "series of a removed probe are gone"
    );
}

#[test]
fn states_survive_a_stop_and_the_stop_is_clean() {
    let folder = folder();
    let mut daemon = Daemon::start(folder.path(), MINIMAL, &[]);
    eventually("the probe is down", Duration::from_secs(15), || {
        api(&daemon.address, "/api/v1/probes").filter(|probes| probes[0]["health"] == "down")
    });
    daemon.signal(libc::SIGTERM);
    assert_eq!(daemon.wait(), Some(0));
    daemon.restart();
    assert_eq!(
        api(&daemon.address, "/api/v1/probes").unwrap()[0]["health"],
        "down"
    );
}

#[test]
fn a_full_disk_stops_nothing_but_what_needs_it_and_nothing_leaves_uncommitted() {
    // A file size limit is to SQLite what a full disk is: the write fails, and goes through later.
    let folder = folder();
    let daemon = Daemon::start(folder.path(), MINIMAL, &[]);
    eventually("the probe is down", Duration::from_secs(15), || {
        api(&daemon.address, "/api/v1/probes").filter(|probes| probes[0]["health"] == "down")
    });
    // As large as the journal is now, so that it cannot grow, while the much smaller log can.
    let journal = std::fs::metadata(folder.path().join("bellwether.db-wal")).unwrap();
    assert!(journal.len() > 4 * daemon.log().len() as u64);
    daemon.limit_files(journal.len());
    eventually(
        "the failing writes are said",
        Duration::from_secs(15),
        || daemon.log().contains("cannot be kept").then_some(()),
    );
    assert_eq!(
        http(&daemon.address, "GET", "/healthz", &[], "").unwrap().0,
        200,
        "the daemon goes on"
    );
    daemon.limit_files(libc::RLIM_INFINITY);
    let newest = || {
        let probe = api(&daemon.address, "/api/v1/probes/a")?;
        let results = probe["results"].as_array()?;
        results
            .iter()
            .filter_map(|result| result["at_ms"].as_i64())
            .max()
    };
    let before = eventually("results", Duration::from_secs(10), newest);
    eventually("results are kept again", Duration::from_secs(15), || {
        newest().filter(|newest| *newest > before)
    });
    assert!(!daemon.log().contains("panicked"));
}

#[test]
fn changing_anything_needs_the_token_or_this_machine() {
    let folder = folder();
    let daemon = Daemon::start(folder.path(), MINIMAL, &[]);
    let reload = |headers: &[(&str, &str)]| {
        http(&daemon.address, "POST", "/api/v1/reload", headers, "")
            .unwrap()
            .0
    };
    assert_eq!(
        reload(&[("origin", "https://evil.example")]),
        403,
        "another site's page cannot"
    );
    assert_eq!(reload(&[]), 200);
    let folder = self::folder();
    let text = MINIMAL.replace(
        "LISTEN }",
        "LISTEN, token: \"${secrets.T}\" }\nsecrets: { T: { env: TEST_TOKEN } }",
    );
    let daemon = Daemon::start(folder.path(), &text, &[("TEST_TOKEN", "correct-horse")]);
    let reload = |headers: &[(&str, &str)]| {
        http(&daemon.address, "POST", "/api/v1/reload", headers, "")
            .unwrap()
            .0
    };
    assert_eq!(
        (
            reload(&[]),
            reload(&[("authorization", "Bearer wrong")]),
            reload(&[("authorization", "Bearer correct-horse")])
        ),
        (401, 401, 200)
    );
    let (_, _, err) = run(bellwether()
        .args(["serve", "--config"])
        .arg(folder.path().join("bellwether.yaml"))
        .env_remove("TEST_TOKEN"));
    assert!(
        err.contains("missing-secret") && err.contains("TEST_TOKEN"),
        "{err}"
    );
}

#[test]
fn pages_and_api_answer() {
    let folder = folder();
    let daemon = Daemon::start(folder.path(), MINIMAL, &[]);
    eventually("a first result", Duration::from_secs(15), || {
        api(&daemon.address, "/api/v1/probes/a").filter(|probe| {
            probe["results"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
        })
    });
    let (status, page) = http(&daemon.address, "GET", "/", &[], "").unwrap();
    assert!(status == 200 && page.contains(">a<"), "{page}");
    assert_eq!(
        http(&daemon.address, "GET", "/probes/a", &[], "")
            .unwrap()
            .0,
        200
    );
    for path in [
        "/gates/99",
        "/runs/99",
        "/probes/none",
        "/nowhere",
        "/api/v1/gates/99",
    ] {
        let (status, body) = http(&daemon.address, "GET", path, &[], "").unwrap();
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("\"detail\""), "{path}: {body}");
    }
    let (status, body) = http(&daemon.address, "POST", "/api/v1/gates", &[], "not json").unwrap();
    assert_eq!(status, 422, "{body}");
}

/// A file that the first release wrote, killed in the middle of a proof: it opens, all that it holds
/// is read, and its open gate goes on.
#[test]
fn a_file_of_the_first_release_is_read_and_gone_on_with() {
    let folder = folder();
    first_release_state(folder.path());
    let daemon = Daemon::start(folder.path(), FIRST_RELEASE, &[]);
    let open = daemon.done(4);
    assert_eq!(open["verdict"], "rollback", "{open}");
    assert_eq!(open["proven"], false, "nothing answers now: {open}");
    let gates = api(&daemon.address, "/api/v1/gates").unwrap();
    let story: Vec<_> = gates
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| {
            let known = |name: &str| gate[name].as_str().unwrap_or_default().to_owned();
            (known("version"), known("verdict"), known("rollback_to"))
        })
        .collect();
    let told = |version: &str, verdict: &str, back: &str| {
        (version.to_owned(), verdict.to_owned(), back.to_owned())
    };
    assert_eq!(
        story,
        [
            told("1.4.0", "rollback", "1.1.0"),
            told("1.3.0", "rollback", "1.1.0"),
            told("1.2.0", "rollback", "1.1.0"),
            told("1.1.0", "promote", ""),
        ]
    );
    for run in 1..=14 {
        let run = api(&daemon.address, &format!("/api/v1/runs/{run}")).unwrap();
        assert!(
            run["requests"]
                .as_u64()
                .is_some_and(|requests| requests > 0),
            "{run}"
        );
    }
    for id in 1..=4 {
        let (status, page) =
            http(&daemon.address, "GET", &format!("/gates/{id}"), &[], "").unwrap();
        assert!(status == 200 && page.contains("1.1.0"), "{page}");
    }
    let probe = api(&daemon.address, "/api/v1/probes/shop-api").unwrap();
    assert!(probe.to_string().contains("\"up\""), "{probe}");
    let log = daemon.log();
    assert!(!log.contains("passed over"), "{log}");
}

#[test]
fn a_backup_is_taken_while_the_daemon_runs_and_put_back_when_it_is_stopped() {
    let folder = folder();
    first_release_state(folder.path());
    let mut daemon = Daemon::start(folder.path(), FIRST_RELEASE, &[]);
    daemon.done(4);
    let config = folder.path().join("bellwether.yaml");
    let copy = folder.path().join("copy.db");
    let backup = |to: &std::path::Path| {
        run(bellwether()
            .arg("backup")
            .arg(to)
            .arg("--config")
            .arg(&config))
    };
    let (code, out, err) = backup(&copy);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("4 gates"), "{out}");
    let mode = std::fs::metadata(&copy).unwrap().permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
        0o600
    );
    let (code, _, err) = backup(&copy);
    assert!(code == 1 && err.contains("not written over"), "{err}");
    let nowhere = folder.path().join("nowhere/copy.db");
    assert_eq!(backup(&nowhere).0, 1);
    let restore = |from: &std::path::Path, more: &[&str]| {
        run(bellwether()
            .arg("restore")
            .arg(from)
            .arg("--config")
            .arg(&config)
            .args(more))
    };
    let (code, _, err) = restore(&copy, &["--replace"]);
    assert!(code == 1 && err.contains("another daemon uses"), "{err}");
    daemon.signal(libc::SIGTERM);
    daemon.wait();
    let (code, _, err) = restore(&copy, &[]);
    assert!(code == 1 && err.contains("--replace"), "{err}");
    for (name, content) in [("text", &b"no database"[..]), ("empty", &b""[..])] {
        let broken = folder.path().join(name);
        std::fs::write(&broken, content).unwrap();
        let (code, _, err) = restore(&broken, &["--replace"]);
        assert!(code == 1 && !err.contains("panicked"), "{name}: {err}");
    }
    assert_eq!(
        restore(&folder.path().join("not-there"), &["--replace"]).0,
        1
    );
    let (code, out, err) = restore(&copy, &["--replace"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("What was there before is"), "{out}");
    let state = rusqlite::Connection::open(folder.path().join("bellwether.db")).unwrap();
    let pending: i64 = state
        .query_row(
            "SELECT count(*) FROM outbox WHERE state = 'pending'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(
        pending, 0,
        "what may have been delivered since is not sent again"
    );
    drop(state);
    daemon.restart();
    let gates = api(&daemon.address, "/api/v1/gates").unwrap();
    assert_eq!(gates.as_array().unwrap().len(), 4);
}
