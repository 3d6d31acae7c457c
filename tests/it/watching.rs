//! Watching production, on the real daemon: what people are told of it, once and in order; and that nothing
//! holds up anything else.

use super::receiver::Receiver;
use super::support::{Daemon, api, bellwether, eventually, http, run};
use super::target::{Deed, Target};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(20);

/// A daemon whose probes ask a target for paths of their own names.
struct Watch {
    folder: tempfile::TempDir,
    target: Target,
    receiver: Receiver,
}

impl Watch {
    fn new() -> Watch {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("get.yaml"),
            "name: get\nservice: api\ninputs: { at: {} }\nsteps: [ { name: get, get: \"/${inputs.at}\" } ]\n",
        )
        .unwrap();
        Watch {
            folder,
            target: Target::start(),
            receiver: Receiver::start(Duration::ZERO),
        }
    }

    /// A configuration with these probes: names, and more of each.
    fn text(&self, probes: &[(&str, &str)], more: &str) -> String {
        let mut text = format!(
            "server: {{ listen: LISTEN }}\nenvironments: {{ production: {{ services: {{ api: {{ url: \"http://{}\" }} }} }} }}\n\
             channels:\n  team: {{ webhook: {{ url: \"http://{}/team\" }} }}\n  mail: {{ webhook: {{ url: \"http://{}/mail\" }} }}\n{more}\nprobes:\n",
            self.target.address, self.receiver.address, self.receiver.address
        );
        for (name, more) in probes {
            text.push_str(&format!(
                "  {name}: {{ scenario: get.yaml, environment: production, interval: 200ms, failures: 2, timeout: 2s, inputs: {{ at: {name} }}, tell: [team]{more} }}\n"
            ));
        }
        text
    }

    fn start(&self, probes: &[(&str, &str)], more: &str) -> Daemon {
        Daemon::start(self.folder.path(), &self.text(probes, more), &[])
    }

    /// What a channel got: event, key, subject.
    fn told(&self, path: &str) -> Vec<(String, String, String)> {
        let messages = self.receiver.at(path);
        let read = |received: &super::receiver::Received| {
            let body: Value = serde_json::from_str(&received.body).unwrap();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let incident = &body["data"]["incident"];
            (
                text(&incident["event"]),
                text(&incident["key"]),
                text(&body["data"]["subject"]),
            )
        };
        messages.iter().map(read).collect()
    }

    fn events(&self, path: &str) -> Vec<String> {
        self.told(path)
            .into_iter()
            .map(|(event, ..)| event)
            .collect()
    }

    fn until_told(&self, path: &str, event: &str) -> (String, String) {
        eventually(&format!("{path} is told: {event}"), SOON, || {
            let told = self
                .told(path)
                .into_iter()
                .find(|(told, ..)| told == event)?;
            Some((told.1, told.2))
        })
    }
}

fn health(daemon: &Daemon, name: &str) -> String {
    let probe = api(&daemon.address, &format!("/api/v1/probes/{name}"));
    probe.map_or(String::new(), |probe| {
        probe["probe"]["health"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    })
}

fn until_health(daemon: &Daemon, name: &str, wanted: &str) {
    eventually(&format!("{name} is {wanted}"), SOON, || {
        (health(daemon, name) == wanted).then_some(())
    });
}

#[test]
fn an_incident_is_told_acknowledged_and_ended_under_one_key() {
    let watch = Watch::new();
    let runbook = ", runbook: \"https://wiki.example/api\"";
    let daemon = watch.start(&[("api", runbook)], "alerts: { repeat: 2s }");
    until_health(&daemon, "api", "up");
    watch.target.at("/api", Deed::Says(500));
    let (key, subject) = watch.until_told("/team", "firing");
    assert_eq!(subject, "🚨 api is down");
    let (code, out, _) = run(bellwether()
        .args(["alert", "list", "--json", "--server"])
        .arg(format!("http://{}", daemon.address)));
    assert_eq!(code, 0, "{out}");
    let list: Value = serde_json::from_str(&out).unwrap();
    let incident = &list["incidents"][0];
    assert_eq!(incident["members"][0]["subject"], "probe/api");
    let id = incident["id"].as_i64().unwrap();
    watch.until_told("/team", "reminder");
    let server = format!("http://{}", daemon.address);
    let (code, out, err) = run(bellwether()
        .args([
            "alert",
            "ack",
            &id.to_string(),
            "--comment",
            "on it",
            "--by",
            "ann",
            "--server",
        ])
        .arg(&server));
    assert_eq!(code, 0, "{out}{err}");
    watch.until_told("/team", "acknowledged");
    let again = run(bellwether()
        .args(["alert", "ack", &id.to_string(), "--by", "ben", "--server"])
        .arg(&server));
    assert_ne!(again.0, 0, "somebody has it: {}", again.1);
    watch.target.at("/api", Deed::Answers);
    let (ended, subject) = watch.until_told("/team", "resolved");
    assert_eq!(
        (ended, subject.as_str()),
        (key.clone(), "✅ api is up again")
    );
    assert!(watch.told("/team").iter().all(|(_, its, _)| *its == key));
    let events = watch.events("/team");
    assert_eq!(
        (events[0].as_str(), events.last().unwrap().as_str()),
        ("firing", "resolved")
    );
    let page = http(&daemon.address, "GET", &format!("/incidents/{id}"), &[], "").unwrap();
    assert!(
        page.1.contains("ann has it") && page.1.contains("resolved"),
        "{}",
        page.1
    );
}

#[test]
fn many_probes_of_one_host_are_one_incident_and_a_renamed_one_comes_to_its_end() {
    let watch = Watch::new();
    let names: Vec<String> = (0..60).map(|number| format!("many-{number}")).collect();
    let probes: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let daemon = watch.start(&probes, "");
    for name in &names {
        until_health(&daemon, name, "up");
    }
    watch.target.at("/many", Deed::Says(503));
    for name in &names {
        until_health(&daemon, name, "down");
    }
    watch.until_told("/team", "firing");
    // One of them is renamed while it is down; all others come back.
    let mut renamed = probes.clone();
    renamed[0] = ("other", "");
    daemon.reload(&watch.text(&renamed, ""));
    watch.target.at("/many", Deed::Answers);
    watch.until_told("/team", "resolved");
    let events = watch.events("/team");
    assert!(events.len() <= 3, "60 probes are few messages: {events:?}");
    let open = api(&daemon.address, "/api/v1/incidents").unwrap();
    assert_eq!(open, serde_json::json!([]));
}

#[test]
fn what_depends_on_something_that_is_down_is_not_told_and_says_why() {
    let watch = Watch::new();
    let alerts = "alerts: { group_by: [probe] }";
    let daemon = watch.start(
        &[("gateway", ""), ("shop", ", depends_on: [gateway]")],
        alerts,
    );
    until_health(&daemon, "gateway", "up");
    until_health(&daemon, "shop", "up");
    watch.target.at("/", Deed::Says(502));
    let (_, subject) = watch.until_told("/team", "firing");
    assert_eq!(subject, "🚨 gateway is down");
    until_health(&daemon, "shop", "down");
    let quiet = eventually("the shop is explained", SOON, || {
        let open = api(&daemon.address, "/api/v1/incidents")?;
        let shop = open
            .as_array()?
            .iter()
            .find(|incident| incident["group"] == "shop")?
            .clone();
        let quiet = shop["members"][0]["quiet"].as_str()?.to_owned();
        quiet.starts_with("explained").then_some(quiet)
    });
    assert_eq!(quiet, "explained by probe/gateway");
    // The gateway is back, and the shop is not: now it is told.
    watch.target.at("/gateway", Deed::Answers);
    eventually("the shop is told", SOON, || {
        let mut told = watch.told("/team").into_iter();
        told.find(|(event, _, subject)| event == "firing" && subject.contains("shop is down"))
    });
    watch.target.at("/", Deed::Answers);
    eventually("both are over", SOON, || {
        let ends = watch
            .events("/team")
            .iter()
            .filter(|event| *event == "resolved")
            .count();
        (ends == 2).then_some(())
    });
}

#[test]
fn silence_and_maintenance_are_kept_and_end() {
    let watch = Watch::new();
    let window = ", maintenance: [ { from: 2020-01-01T00:00:00Z, to: 2099-01-01T00:00:00Z } ]";
    let daemon = watch.start(
        &[("quiet", ""), ("served", window)],
        "alerts: { group_by: [probe] }",
    );
    until_health(&daemon, "quiet", "up");
    until_health(&daemon, "served", "maintenance");
    let body = r#"{"matchers": ["probe=qu*"], "seconds": 600, "by": "ops", "comment": "a move"}"#;
    let json = [("content-type", "application/json")];
    let (status, text) = http(&daemon.address, "POST", "/api/v1/silences", &json, body).unwrap();
    assert_eq!(status, 201, "{text}");
    let id = serde_json::from_str::<Value>(&text).unwrap()["id"]
        .as_i64()
        .unwrap();
    watch.target.at("/", Deed::Says(500));
    until_health(&daemon, "quiet", "down");
    let quiet = eventually("an incident that is quiet", SOON, || {
        let open = api(&daemon.address, "/api/v1/incidents")?;
        let mine = open
            .as_array()?
            .iter()
            .find(|incident| incident["members"][0]["subject"] == "probe/quiet")?
            .clone();
        mine["members"][0]["quiet"].as_str().map(str::to_owned)
    });
    assert!(quiet.starts_with("silenced by ops"), "{quiet}");
    let page = |name: &str| {
        let path = format!("/probes/{name}");
        http(&daemon.address, "GET", &path, &[], "").unwrap().1
    };
    assert!(page("quiet").contains("by ops: a move"));
    assert!(!page("served").contains("a move"));
    assert!(watch.told("/team").is_empty());
    let (status, _) = http(
        &daemon.address,
        "DELETE",
        &format!("/api/v1/silences/{id}"),
        &[],
        "",
    )
    .unwrap();
    assert_eq!(status, 204);
    let (_, subject) = watch.until_told("/team", "firing");
    assert_eq!(subject, "🚨 quiet is down");
    assert_eq!(
        watch.told("/team").len(),
        1,
        "of what is in maintenance nobody is told"
    );
}

#[test]
fn a_channel_that_hangs_or_refuses_takes_nothing_from_another_and_is_told_of_there() {
    let watch = Watch::new();
    let hanging = Target::start();
    hanging.at("/", Deed::Hangs);
    let names: Vec<String> = (0..40).map(|number| format!("p-{number}")).collect();
    let more: Vec<String> = names
        .iter()
        .map(|_| ", tell: [team, slow]".to_owned())
        .collect();
    let probes: Vec<(&str, &str)> = names
        .iter()
        .zip(&more)
        .map(|(name, more)| (name.as_str(), more.as_str()))
        .collect();
    let text = watch
        .text(&probes, "  slow: { webhook: { url: \"http://SLOW/x\" } }\n  gone: { webhook: { url: \"http://GONE/gone\" } }\nalerts: { group_by: [probe] }")
        .replace("tell: [team], tell", "tell")
        .replace("SLOW", &hanging.address.to_string())
        .replace("GONE", &watch.receiver.address.to_string());
    let daemon = Daemon::start(watch.folder.path(), &text, &[]);
    for name in &names {
        until_health(&daemon, name, "up");
    }
    watch.target.at("/p-", Deed::Says(500));
    let began = Instant::now();
    eventually("all are told on the channel that works", SOON, || {
        let told = watch.told("/team");
        let firing = told
            .iter()
            .filter(|(event, _, subject)| event == "firing" && subject.contains("p-"));
        (firing.count() == names.len()).then_some(())
    });
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    // One channel that gives up for good is told of on the others.
    watch.receiver.refuse("/gone", &[410; 3]);
    daemon.reload(&text.replace("tell: [team, slow]", "tell: [gone]"));
    watch.target.at("/p-", Deed::Answers);
    until_health(&daemon, "p-0", "up");
    watch.target.at("/p-", Deed::Says(500));
    eventually("its trouble is told", SOON, || {
        let mut told = watch.told("/mail").into_iter();
        told.find(|(event, _, subject)| {
            event == "firing" && subject.contains("gone cannot be delivered to")
        })
    });
}

#[test]
fn targets_that_hang_cost_only_themselves_also_while_reloads_come() {
    let watch = Watch::new();
    watch.target.at("/hang", Deed::Hangs);
    let names: Vec<String> = (0..300).map(|number| format!("hang-{number}")).collect();
    let mut probes: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    probes.push(("well", ""));
    let daemon = watch.start(&probes, "");
    until_health(&daemon, "well", "up");
    let before = watch.target.asked("/well");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(6) {
        assert_eq!(
            http(&daemon.address, "POST", "/api/v1/reload", &[], "")
                .unwrap()
                .0,
            200
        );
        std::thread::park_timeout(Duration::from_millis(300));
    }
    let ran = watch.target.asked("/well") - before;
    let expected = began.elapsed().as_millis() / 200;
    assert!(
        u128::from(ran) + 4 >= expected,
        "{ran} runs of {expected} in the time of the reloads"
    );
    until_health(&daemon, "hang-0", "down");
    let metrics = http(&daemon.address, "GET", "/metrics", &[], "").unwrap().1;
    let skipped =
        "bellwether_probe_schedule_skipped_total{probe=\"well\",environment=\"production\"} 0";
    assert!(metrics.contains(skipped), "the well one skipped nothing");
}

#[test]
fn connections_are_kept_and_shared_only_where_that_is_asked_for() {
    let watch = Watch::new();
    let daemon = watch.start(
        &[
            ("a", ", connections: kept"),
            ("b", ", connections: kept"),
            ("c", ", connections: kept"),
        ],
        "",
    );
    eventually("many runs", SOON, || {
        (watch.target.asked("/a") > 15).then_some(())
    });
    let opened = watch.target.connections.load(Relaxed);
    assert!(
        opened <= 4,
        "{opened} connections for three probes of one host"
    );
    drop(daemon);
    let fresh = Watch::new();
    let _daemon = fresh.start(&[("a", "")], "");
    eventually("many runs", SOON, || {
        (fresh.target.asked("/a") > 10).then_some(())
    });
    assert!(
        fresh.target.connections.load(Relaxed) >= 10,
        "each run connects anew"
    );
}

#[test]
fn probes_of_one_name_that_leads_elsewhere_each_look_at_their_own() {
    let (watch, other) = (Watch::new(), Target::start());
    other.at("/x", Deed::Says(500));
    for (name, address) in [("here", watch.target.address), ("there", other.address)] {
        let text = format!(
            "name: {name}\nconnections: {{ hosts: {{ shop.test: \"{address}\" }} }}\nsteps: [ {{ name: get, get: \"http://shop.test/x\" }} ]\n"
        );
        std::fs::write(watch.folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let probe = |name: &str| {
        format!(
            "  {name}: {{ scenario: {name}.yaml, environment: production, interval: 200ms, failures: 2 }}\n"
        )
    };
    let text = watch.text(&[], "") + &probe("here") + &probe("there");
    let daemon = Daemon::start(watch.folder.path(), &text, &[]);
    until_health(&daemon, "there", "down");
    until_health(&daemon, "here", "up");
    assert!(watch.target.asked("/x") > 0 && other.asked("/x") > 0);
}

#[test]
fn too_few_descriptors_are_our_own_trouble_and_no_probes() {
    let watch = Watch::new();
    watch.target.at("/slow", Deed::Hangs);
    let names: Vec<String> = (0..200).map(|number| format!("slow-{number}")).collect();
    let probes: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), ", failures: 1000, without_pass: 64"))
        .collect();
    let text = watch.text(&probes, "").replace("failures: 2, ", "");
    let daemon = Daemon::start_with(watch.folder.path(), &text, &[], Some(200));
    let (_, subject) = watch.until_told("/mail", "firing");
    assert!(subject.contains("descriptors ran out"), "{subject}");
    let told = watch.told("/team");
    assert_eq!(told.len(), 1, "once, and of no probe: {told:?}");
    assert_eq!(
        http(&daemon.address, "GET", "/readyz", &[], "").unwrap().0,
        200
    );
}

#[test]
fn a_kill_at_any_moment_neither_loses_nor_doubles_an_incident() {
    let watch = Watch::new();
    let mut daemon = watch.start(&[("api", "")], "");
    until_health(&daemon, "api", "up");
    for round in 0..6_u64 {
        watch.target.at("/api", Deed::Says(500));
        std::thread::park_timeout(Duration::from_millis(250 + 170 * round));
        daemon.kill();
        daemon.restart();
        eventually("it is told that it is down", SOON, || {
            (by_key(&watch).len() as u64 > round).then_some(())
        });
        watch.target.at("/api", Deed::Answers);
        std::thread::park_timeout(Duration::from_millis(90 * round));
        daemon.kill();
        daemon.restart();
        eventually("it is told that it is up", SOON, || {
            let all = by_key(&watch);
            all.values()
                .all(|events| events.contains(&"resolved".to_owned()))
                .then_some(())
        });
    }
    let all = by_key(&watch);
    assert_eq!(all.len(), 6, "one incident a round: {all:?}");
    for (key, events) in all {
        assert_eq!(events, ["firing", "resolved"], "{key}");
    }
}

/// Events by the key of their incident. A kill may repeat a message that was on its way, under the same id.
fn by_key(watch: &Watch) -> BTreeMap<String, Vec<String>> {
    let mut seen: Vec<String> = Vec::new();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (received, (event, key, _)) in watch.receiver.at("/team").iter().zip(watch.told("/team")) {
        let id = received.header("webhook-id").to_owned();
        if !seen.contains(&id) {
            seen.push(id);
            all.entry(key).or_default().push(event);
        }
    }
    all
}

#[test]
fn what_cannot_be_kept_is_told_all_the_same() {
    let watch = Watch::new();
    let daemon = watch.start(&[("api", "")], "");
    until_health(&daemon, "api", "up");
    // To SQLite a limit of the file's size is a full disk.
    let journal = std::fs::metadata(watch.folder.path().join("bellwether.db-wal")).unwrap();
    daemon.limit_files(journal.len());
    watch.target.at("/api", Deed::Says(500));
    until_health(&daemon, "api", "down");
    let metrics = http(&daemon.address, "GET", "/metrics", &[], "").unwrap().1;
    assert!(metrics.contains("probe_success{probe=\"api\",environment=\"production\"} 0"));
    let (_, subject) = watch.until_told("/team", "firing");
    assert!(
        subject.contains("api is down") || subject.contains("state is unkept"),
        "{subject}"
    );
    eventually("both are told", SOON, || {
        let told = watch.told("/team");
        let has = |what: &str| told.iter().any(|(.., subject)| subject.contains(what));
        (has("api is down") && has("state is unkept")).then_some(())
    });
    eventually("it says that it is not ready", SOON, || {
        http(&daemon.address, "GET", "/readyz", &[], "").filter(|(status, _)| *status == 503)
    });
    daemon.limit_files(libc::RLIM_INFINITY);
    eventually("it is ready again", SOON, || {
        http(&daemon.address, "GET", "/readyz", &[], "").filter(|(status, _)| *status == 200)
    });
    watch.target.at("/api", Deed::Answers);
    eventually("the end is told", SOON, || {
        let mut told = watch.told("/team").into_iter();
        told.find(|(event, _, subject)| event == "resolved" && subject.contains("api is up again"))
    });
    let firing = watch
        .told("/team")
        .into_iter()
        .filter(|(event, _, subject)| event == "firing" && subject.contains("api"));
    assert_eq!(firing.count(), 1, "told once: {:?}", watch.told("/team"));
}

#[test]
fn a_job_that_does_not_report_is_missing_and_one_that_fails_says_why() {
    let watch = Watch::new();
    let jobs = "secrets: { JOB: { env: TEST_JOB_TOKEN } }\nheartbeats:\n  backup: { interval: 1s, grace: 500ms, token: \"${secrets.JOB}\", tell: [team] }\n  report: { interval: 1h, tell: [mail] }\n";
    let text = watch.text(&[("api", "")], jobs);
    let mut daemon = Daemon::start(
        watch.folder.path(),
        &text,
        &[("TEST_JOB_TOKEN", "j0b-t0ken")],
    );
    let send = |daemon: &Daemon, path: &str, log: &str| {
        let headers = [
            ("authorization", "Bearer j0b-t0ken"),
            ("content-type", "text/plain"),
        ];
        http(
            &daemon.address,
            "POST",
            &format!("/api/v1/heartbeats/{path}"),
            &headers,
            log,
        )
        .unwrap()
    };
    for _ in 0..8 {
        assert_eq!(send(&daemon, "backup", "").0, 200);
        std::thread::park_timeout(Duration::from_millis(300));
    }
    assert!(watch.told("/team").is_empty(), "{:?}", watch.told("/team"));
    let (_, subject) = watch.until_told("/team", "firing");
    assert_eq!(subject, "🚨 backup did not report");
    // A kill in the middle changes nothing.
    daemon.kill();
    daemon.restart();
    assert_eq!(send(&daemon, "backup/success", "").0, 200);
    watch.until_told("/team", "resolved");
    assert_eq!(send(&daemon, "report/7", "no space left; j0b-t0ken").0, 200);
    let (_, subject) = watch.until_told("/mail", "firing");
    assert_eq!(subject, "🚨 report failed");
    let told = watch.receiver.at("/mail").pop().unwrap().body;
    assert!(
        told.contains("exit code 7: no space left") && !told.contains("j0b-t0ken"),
        "{told}"
    );
    assert_eq!(send(&daemon, "none", "").0, 404);
    assert_eq!(send(&daemon, "report/soon", "").0, 404);
}

#[test]
fn alertmanager_receives_groups_and_resolves() {
    let Some(program) = super::support::program("prometheus-alertmanager") else {
        return;
    };
    let watch = Watch::new();
    let port = super::support::free_port();
    let config = watch.folder.path().join("alertmanager.yml");
    std::fs::write(
        &config,
        "route: { receiver: none, group_by: [group] }\nreceivers: [ { name: none } ]\n",
    )
    .unwrap();
    let _alertmanager = super::support::Process::start(
        std::process::Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.path={}",
                watch.folder.path().join("am").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stderr(std::process::Stdio::null()),
    );
    let address = format!("127.0.0.1:{port}");
    eventually("Alertmanager is ready", SOON, || {
        http(&address, "GET", "/-/ready", &[], "").filter(|(status, _)| *status == 200)
    });
    let channel = format!("  am: {{ alertmanager: {{ url: \"http://{address}\" }} }}");
    let text = watch
        .text(&[("api", ""), ("apj", "")], &channel)
        .replace("tell: [team]", "tell: [am]");
    let daemon = Daemon::start(watch.folder.path(), &text, &[]);
    until_health(&daemon, "api", "up");
    let active = || api(&address, "/api/v2/alerts?active=true");
    watch.target.at("/ap", Deed::Says(500));
    let alert = eventually("it has the alert", SOON, || {
        active()?.as_array()?.first().cloned()
    });
    assert_eq!(alert["labels"]["alertname"], "Bellwether");
    assert_eq!(alert["labels"]["group"], "production/api");
    let groups = api(&address, "/api/v2/alerts/groups").unwrap();
    assert_eq!(groups.as_array().unwrap().len(), 1, "{groups}");
    watch.target.at("/ap", Deed::Answers);
    eventually("it is resolved there", SOON, || {
        active()?.as_array()?.is_empty().then_some(())
    });
}

#[test]
fn a_budget_burns_holds_a_deploy_and_is_the_same_after_a_restart() {
    let watch = Watch::new();
    let more = "slos:\n  shop: { objective: 99%, window: 1h, probes: [api], tell: [mail] }\n  idle: { objective: 99%, window: 1h, group: nobody }\ngates:\n  shop: { environment: production, smoke: [smoke.yaml], require_budget: { shop: 20% } }\n";
    std::fs::write(
        watch.folder.path().join("smoke.yaml"),
        "name: smoke\nservice: api\nsteps: [ { name: get, get: / } ]\n",
    )
    .unwrap();
    let text = watch
        .text(&[("api", ", failures: 1000, without_pass: 64")], more)
        .replace("failures: 2, ", "");
    let mut daemon = Daemon::start(watch.folder.path(), &text, &[]);
    until_health(&daemon, "api", "up");
    let slo = |daemon: &Daemon| {
        api(&daemon.address, "/api/v1/slos").and_then(|all| {
            all.as_array()?
                .iter()
                .find(|slo| slo["name"] == "shop")
                .cloned()
        })
    };
    let all = eventually("runs are counted", Duration::from_secs(40), || {
        slo(&daemon).filter(|slo| slo["good"].as_u64() > Some(10))
    });
    assert_eq!(all["remaining"], 1.0, "{all}");
    watch.target.at("/api", Deed::Says(500));
    eventually("it burns", Duration::from_secs(40), || {
        let mut told = watch.told("/mail").into_iter();
        told.find(|(.., subject)| subject == "🚨 shop burns its error budget")
    });
    let id = daemon.start_gate(&serde_json::json!({ "gate": "shop", "version": "2" }));
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "hold", "{gate}");
    let reasons = gate["reasons"].to_string();
    assert!(
        reasons.contains("error budget of `shop` burns"),
        "{reasons}"
    );
    let metrics = http(&daemon.address, "GET", "/metrics", &[], "").unwrap().1;
    assert!(
        metrics.contains("bellwether_slo_objective_ratio{slo=\"shop\"} 0.99"),
        "{metrics}"
    );
    // A restart forgets nothing: bad runs before it are bad runs after it.
    let before = slo(&daemon).unwrap();
    daemon.kill();
    watch.target.at("/api", Deed::Answers);
    daemon.restart();
    let after = eventually("it is read again", Duration::from_secs(40), || slo(&daemon));
    assert!(
        after["bad"].as_u64() >= before["bad"].as_u64(),
        "{before} {after}"
    );
    assert!(
        after["good"].as_u64() >= before["good"].as_u64(),
        "{before} {after}"
    );
}
