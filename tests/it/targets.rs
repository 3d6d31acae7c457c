//! Many probes from one, and what the hour says of how trouble is told, on the real daemon.

use super::receiver::Receiver;
use super::support::{Daemon, api, eventually, http};
use super::target::{Deed, Target};
use hickory_resolver::proto::op::{Message, MessageType};
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// Answers paths with what it was told to; nothing known is a 404. Keeps what was asked, with the token.
#[derive(Clone)]
struct Directory {
    address: SocketAddr,
    answers: Arc<Mutex<BTreeMap<String, String>>>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Directory {
    fn start() -> Directory {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let directory = Directory {
            address: listener.local_addr().unwrap(),
            answers: Arc::default(),
            asked: Arc::default(),
        };
        let keeper = directory.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let reader = std::io::BufReader::new(stream.try_clone().unwrap());
                let lines: Vec<String> = reader
                    .lines()
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .collect();
                let path = lines
                    .first()
                    .and_then(|line| line.split(' ').nth(1))
                    .unwrap_or_default()
                    .to_owned();
                let token = lines
                    .iter()
                    .find_map(|line| line.strip_prefix("authorization: "))
                    .unwrap_or_default();
                keeper
                    .asked
                    .lock()
                    .unwrap()
                    .push((path.clone(), token.to_owned()));
                let known = keeper.answers.lock().unwrap().get(&path).cloned();
                let (status, body) = known.map_or((404, String::new()), |body| (200, body));
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        directory
    }

    fn say(&self, path: &str, body: serde_json::Value) {
        self.answers
            .lock()
            .unwrap()
            .insert(path.to_owned(), body.to_string());
    }
}

/// Answers every question for a service with one host and port.
fn name_server(port: u16) -> u16 {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = udp.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut question = [0; 2048];
        while let Ok((length, from)) = udp.recv_from(&mut question) {
            let mut message = Message::from_vec(&question[..length]).unwrap();
            message.metadata.message_type = MessageType::Response;
            let name = message.queries[0].name().clone();
            let host = Name::from_str("localhost.").unwrap();
            message.add_answer(Record::from_rdata(
                name,
                60,
                RData::SRV(SRV::new(0, 0, port, host)),
            ));
            let _ = udp.send_to(&message.to_vec().unwrap(), from);
        }
    });
    own
}

fn probes(daemon: &Daemon) -> BTreeSet<String> {
    let all = api(&daemon.address, "/api/v1/probes").unwrap();
    let all = all["probes"]
        .as_array()
        .or_else(|| all.as_array())
        .cloned()
        .unwrap_or_default();
    all.iter()
        .filter_map(|probe| probe["name"].as_str().map(str::to_owned))
        .collect()
}

fn until_probes(daemon: &Daemon, expected: &[String]) {
    let expected: BTreeSet<String> = expected.iter().cloned().collect();
    eventually(&format!("there are {expected:?}"), SOON, || {
        (probes(daemon) == expected).then_some(())
    });
}

#[test]
fn targets_come_from_lists_files_http_dns_and_clusters_and_never_go_in_silence() {
    let (folder, directory, receiver) = (
        tempfile::tempdir().unwrap(),
        Directory::start(),
        Receiver::start(Duration::ZERO),
    );
    let targets: Vec<Target> = (0..5).map(|_| Target::start()).collect();
    let at = |number: usize| targets[number].address;
    let name = |kind: &str, address: SocketAddr| format!("{kind} 127.0.0.1 {}", address.port());
    std::fs::write(
        folder.path().join("get.yaml"),
        "name: get\nservice: shop\nsteps: [ { name: get, get: / } ]\n",
    )
    .unwrap();
    let file = folder.path().join("more.yaml");
    std::fs::write(
        &file,
        format!("- targets: [\"{}\"]\n  labels: {{ region: eu }}\n", at(1)),
    )
    .unwrap();
    directory.say(
        "/sd",
        serde_json::json!([{ "targets": [at(2).to_string()] }]),
    );
    directory.say(
        "/api/v1/namespaces/shop/services?labelSelector=app%3Dshop",
        serde_json::json!({ "items": [{ "metadata": { "name": "api", "namespace": "shop" }, "spec": { "ports": [{ "port": 8080 }] } }] }),
    );
    let dns = name_server(at(3).port());
    let text = format!(
        "server: {{ listen: LISTEN }}\nenvironments: {{ production: {{ services: {{ shop: {{ url: \"http://127.0.0.1:1\" }} }} }} }}\n\
         secrets: {{ TOKEN: {{ env: SD_TOKEN }} }}\nchannels: {{ team: {{ webhook: {{ url: \"http://{}/team\" }} }} }}\nprobes:\n\
         \x20 shops: {{ scenario: get.yaml, environment: production, interval: 200ms, failures: 2, tell: [team], targets: {{ list: [\"{}\"], files: [\"mo*.yaml\"], http: \"http://{}/sd\", token: \"${{secrets.TOKEN}}\", every: 1s }} }}\n\
         \x20 named: {{ scenario: get.yaml, environment: production, interval: 1s, targets: {{ dns_srv: _http._tcp.shop.test, dns_server: \"127.0.0.1:{dns}\" }} }}\n\
         \x20 cluster: {{ scenario: get.yaml, environment: production, interval: 1h, depends_on: [named], targets: {{ kubernetes: {{ kind: services, namespace: shop, selector: app=shop, api: \"http://{}\", token: \"${{secrets.TOKEN}}\" }} }} }}\n\
         slos: {{ shops: {{ objective: 99%, window: 1h, probes: [shops] }} }}\n",
        receiver.address,
        at(0),
        directory.address,
        directory.address
    );
    let mut daemon = Daemon::start(folder.path(), &text, &[("SD_TOKEN", "a-token-of-sd")]);
    let shops = |numbers: &[usize]| -> Vec<String> {
        let mut names: Vec<String> = numbers
            .iter()
            .map(|number| name("shops", at(*number)))
            .collect();
        names.push(format!("named localhost {}", at(3).port()));
        names.push("cluster api.shop.svc 8080".to_owned());
        names
    };
    until_probes(&daemon, &shops(&[0, 1, 2]));
    assert!(
        directory
            .asked
            .lock()
            .unwrap()
            .iter()
            .all(|(_, token)| token == "Bearer a-token-of-sd")
    );
    for target in &targets[0..4] {
        eventually("it is measured", SOON, || {
            (target.asked("/") > 0).then_some(())
        });
    }
    // What is found changes what is measured, and nothing else is touched.
    directory.say(
        "/sd",
        serde_json::json!([{ "targets": [at(4).to_string()] }]),
    );
    until_probes(&daemon, &shops(&[0, 1, 4]));
    let metrics = http(&daemon.address, "GET", "/metrics", &[], "").unwrap().1;
    let gone = format!("probe=\"{}\"", name("shops", at(2)));
    assert!(!metrics.contains(&gone), "its series are gone");
    // A source that names nothing any more takes nothing away, and people are told.
    directory.say("/sd", serde_json::json!([]));
    eventually("it is told", SOON, || {
        let told = receiver.at("/team");
        told.iter()
            .any(|message| message.body.contains("cannot find its targets"))
            .then_some(())
    });
    assert_eq!(probes(&daemon), shops(&[0, 1, 4]).into_iter().collect());
    // Nor does a restart while they do not answer.
    daemon.kill();
    directory.answers.lock().unwrap().clear();
    daemon.restart();
    assert_eq!(probes(&daemon), shops(&[0, 1, 4]).into_iter().collect());
    // Its labels are those of its alerts.
    targets[1].at("/", Deed::Says(500));
    eventually("it is told with its region", SOON, || {
        let told = receiver.at("/team");
        told.iter()
            .any(|message| message.body.contains(&name("shops", at(1))))
            .then_some(())
    });
    let list = api(&daemon.address, "/api/v1/incidents")
        .unwrap()
        .to_string();
    assert!(
        list.contains(&format!("probe/{}", name("shops", at(1)))),
        "{list}"
    );
    // What is no longer asked says nothing any more.
    let fewer = text.split(", files:").next().unwrap().to_owned()
        + " } }\n"
        + text.split_once("every: 1s } }\n").unwrap().1;
    daemon.reload(&fewer);
    until_probes(&daemon, &shops(&[0]));
}

#[test]
fn what_waits_who_is_on_call_who_is_idle_and_who_hears_from_us() {
    let (folder, receiver, target) = (
        tempfile::tempdir().unwrap(),
        Receiver::start(Duration::ZERO),
        Target::start(),
    );
    std::fs::write(folder.path().join("get.yaml"), "name: get\nservice: shop\ninputs: { at: {} }\nsteps: [ { name: get, get: \"/${inputs.at}\" } ]\n").unwrap();
    let bad = "name: bad\nservice: shop\nsteps: [ { name: get, get: /bad } ]\n";
    std::fs::write(folder.path().join("bad.yaml"), bad).unwrap();
    for path in ["/low", "/high", "/bad", "/worse"] {
        target.at(path, Deed::Says(500));
    }
    let probe = |name: &str, more: &str| {
        format!(
            "  {name}: {{ scenario: get.yaml, environment: production, interval: 200ms, failures: 2, inputs: {{ at: {name} }}, {more} }}\n"
        )
    };
    let always = "{ zone: UTC }";
    let never = "{ zone: UTC, freezes: [ { from: 2000-01-01, to: 2999-01-01, reason: closed } ] }";
    let channel = |name: &str| {
        format!(
            "  {name}: {{ webhook: {{ url: \"http://{}/{name}\" }} }}\n",
            receiver.address
        )
    };
    let text = |quiet: &str| {
        format!(
            "server: {{ listen: LISTEN }}\nenvironments: {{ production: {{ services: {{ shop: {{ url: \"http://{}\" }} }} }} }}\nchannels:\n{}{}{}\
             dead_man: {{ url: \"http://{}/alive\", every: 1s }}\n\
             alerts:\n  digest: {{ below: warning, every: 3s }}\n  group_by: [probe]\n  rotas: {{ primary: {{ zone: UTC, from: 2026-01-05T09:00, channels: [ann, ann] }} }}\n{quiet}gates: {{ shop: {{ environment: production, smoke: [bad.yaml], tell: [primary] }} }}\nprobes:\n{}{}{}{}{}",
            target.address,
            channel("ann"),
            channel("team"),
            channel("digest"),
            receiver.address,
            probe("low", "severity: warning, tell: [team]"),
            probe("high", "severity: critical, tell: [primary]"),
            probe("bad", "severity: info, tell: [digest]"),
            probe("worse", "severity: info, tell: [digest]"),
            probe("asleep", &format!("active: {never}")),
        )
    };
    let quiet = format!("  quiet: {{ below: error, hours: {always} }}\n");
    let daemon = Daemon::start(folder.path(), &text(&quiet), &[]);
    let subjects = |path: &str| -> Vec<String> {
        let messages = receiver.at(path);
        let subject = |message: &super::receiver::Received| {
            let body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
            body["data"]["subject"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        messages.iter().map(subject).collect()
    };
    eventually("who is on call is told", SOON, || {
        (subjects("/ann") == ["🚨 high is down"]).then_some(())
    });
    eventually("whoever watches us hears from us", SOON, || {
        (receiver.at("/alive").len() > 1).then_some(())
    });
    eventually("what waits says why", SOON, || {
        let incidents = api(&daemon.address, "/api/v1/incidents")?.to_string();
        incidents.contains("quiet hours").then_some(())
    });
    assert!(subjects("/team").is_empty() && subjects("/digest").is_empty());
    // What still lasts at the end of the quiet hours is told then; what is not so bad, together.
    daemon.reload(&text(""));
    eventually("it is told now", SOON, || {
        (subjects("/team") == ["⚠️ low is down"]).then_some(())
    });
    eventually("the digest comes as one", SOON, || {
        let told = subjects("/digest");
        assert!(told.len() < 2, "{told:?}");
        told.first()
            .is_some_and(|subject| subject.contains("2 probes"))
            .then_some(())
    });
    // A gate tells whoever is on call, too.
    let before = receiver.at("/ann").len();
    let id = daemon.start_gate(&serde_json::json!({ "gate": "shop", "version": "2" }));
    assert_eq!(daemon.done(id)["verdict"], "rollback");
    eventually("who is on call hears of the gate", SOON, || {
        (receiver.at("/ann").len() > before).then_some(())
    });
    let asleep = api(&daemon.address, "/api/v1/probes/asleep").unwrap();
    assert_eq!(asleep["probe"]["health"], "idle", "{asleep}");
    assert_eq!(target.asked("/asleep"), 0);
}

#[test]
fn what_a_deploy_may_have_done_is_told_and_not_counted_where_that_is_said() {
    let (folder, receiver, target) = (
        tempfile::tempdir().unwrap(),
        Receiver::start(Duration::ZERO),
        Target::start(),
    );
    std::fs::write(
        folder.path().join("get.yaml"),
        "name: get\nservice: shop\nsteps: [ { name: get, get: / } ]\n",
    )
    .unwrap();
    let text = format!(
        "server: {{ listen: LISTEN }}\nenvironments: {{ production: {{ services: {{ shop: {{ url: \"http://{}\" }} }} }} }}\n\
         channels: {{ team: {{ webhook: {{ url: \"http://{}/team\" }} }} }}\nprobes:\n\
         \x20 shop: {{ scenario: get.yaml, environment: production, interval: 100ms, failures: 2, deploys: excluded, tell: [team] }}\n\
         slos: {{ shop: {{ objective: 99%, window: 1h, probes: [shop] }} }}\n\
         gates: {{ shop: {{ environment: production, smoke: [get.yaml], bake: {{ duration: 6s, every: 1s }} }} }}\n",
        target.address, receiver.address
    );
    let daemon = Daemon::start(folder.path(), &text, &[]);
    let count = |result: &str| -> f64 {
        let metrics = http(&daemon.address, "GET", "/metrics", &[], "").unwrap().1;
        let series = format!("bellwether_slo_runs_total{{result=\"{result}\",slo=\"shop\"}} ");
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(&series))
            .expect("it is there from the start");
        line.parse().unwrap()
    };
    eventually("runs are counted", SOON, || {
        (count("good") > 5.0).then_some(())
    });
    let id = daemon.start_gate(&serde_json::json!({ "gate": "shop", "version": "2" }));
    eventually("the gate is known to be at work", SOON, || {
        let before = count("good");
        std::thread::park_timeout(Duration::from_millis(1_200));
        (count("good") == before).then_some(())
    });
    target.at("/", Deed::Says(500));
    eventually("people are told all the same", SOON, || {
        (!receiver.at("/team").is_empty()).then_some(())
    });
    assert_eq!(
        count("bad"),
        0.0,
        "what the deploy may have done burns nothing"
    );
    let _ = daemon.done(id);
    eventually("after it, it counts again", SOON, || {
        (count("bad") > 2.0).then_some(())
    });
}
