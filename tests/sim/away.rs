//! A channel that is away for an hour while things break and mend, on paused time: the real book, keeper,
//! outbox and courier, and a receiver that is not there.

use bellwether::clock;
use bellwether::config::load;
use bellwether::delivery::attempt::Delivery;
use bellwether::document::Diagnostics;
use bellwether::doing::Doing;
use bellwether::environment::settings::Environment;
use bellwether::incident::keeper::Keeper;
use bellwether::outbox::courier::{Courier, World};
use bellwether::project::current::Current;
use bellwether::project::file::Project;
use bellwether::record::effect::Effect;
use bellwether::record::message::Message;
use bellwether::record::target::Target;
use bellwether::store::sqlite::simulated::Simulated;
use bellwether::supervisor::Supervisor;
use bellwether::telemetry::metrics::Metrics;
use bellwether::watch::alert::{Condition, Level, Severity};
use bellwether::watch::levels::Levels;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

const START_MS: i64 = 1_800_000_000_000;
const MINUTE_MS: i64 = 60_000;
/// When the channel is away: from the first minute on, for an hour.
const AWAY: std::ops::Range<i64> = START_MS + MINUTE_MS..START_MS + 61 * MINUTE_MS;
/// Once it is back, all is told within its longest pause.
const CAUGHT_UP_MS: i64 = 6 * MINUTE_MS;

/// What arrived: channel, when, message.
#[derive(Debug, Default)]
struct Receivers(Mutex<Vec<(String, i64, Message)>>);

impl World for Receivers {
    fn deliver<'a>(&'a self, _: &'a Project, effect: &'a Effect) -> Doing<'a, Delivery> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let Target::Channel(name) = &effect.target else {
                return Delivery::give_up("no channel".to_owned());
            };
            let now_ms = clock::now_ms();
            if name == "team" && AWAY.contains(&now_ms) {
                // It hangs at first, and refuses connections later.
                if now_ms < AWAY.start + 10 * MINUTE_MS {
                    tokio::time::sleep(Duration::from_secs(20)).await;
                }
                return Delivery::again("nobody is there".to_owned(), None);
            }
            let message = serde_json::from_str(&effect.body).unwrap();
            self.0.lock().unwrap().push((name.clone(), now_ms, message));
            Delivery::done("here".to_owned())
        })
    }

    fn served<'a>(&'a self, _: &'a Environment, _: &'a str) -> Doing<'a, Option<String>> {
        Box::pin(async { None })
    }
}

fn project() -> Project {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("bellwether.yaml");
    let channel = "{ webhook: { url: \"http://127.0.0.1:1/\" } }";
    let text = format!(
        "environments: {{ e: {{ services: {{}} }} }}\nchannels: {{ team: {channel}, mail: {channel} }}\nalerts: {{ repeat: 10m, interval: 5m }}\n"
    );
    std::fs::write(&at, text).unwrap();
    let mut found = Diagnostics::default();
    load::configuration(&at, &mut found).unwrap_or_else(|| panic!("{}", found.render(false)))
}

fn level(current: &Current, number: usize, is_down: bool) -> Level {
    let project = current.get();
    let condition = is_down.then(|| Condition {
        word: "down".to_owned(),
        severity: Severity::Critical,
        reason: "refused".to_owned(),
        since_ms: clock::now_ms(),
    });
    Level {
        labels: [("probe".to_owned(), format!("p{number}"))].into(),
        seen_ms: Some(clock::now_ms()),
        ..Level::new(
            format!("probe/p{number}"),
            format!("host-{number}"),
            project.file.alerts.route(&["team".to_owned()]),
            condition,
        )
    }
}

async fn live(receivers: Arc<Receivers>) {
    clock::simulate(START_MS);
    let store = Simulated::new().unwrap().boot(None);
    let current = Arc::new(Current::new(project()));
    let (levels, metrics) = (Arc::new(Levels::default()), Arc::new(Metrics::new()));
    let (committed, settled) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let bell = (metrics.clone(), committed.clone());
    let keeper = Keeper::new(
        store.clone(),
        levels.clone(),
        current.clone(),
        bell,
        Arc::default(),
    );
    let supervisor = Arc::new(Supervisor::default());
    let bells = (committed, settled);
    let courier = Courier::new(
        store.clone(),
        current.clone(),
        receivers,
        metrics,
        bells,
        supervisor,
        levels.clone(),
    );
    tokio::spawn(keeper.run());
    tokio::spawn(courier.run());
    for minute in 0..90_i64 {
        for number in 0..20_usize {
            // Each breaks at a minute of its own; one half mends within the hour, the other after it.
            let from = 2 + number as i64 * 2;
            let to = from
                + if number.is_multiple_of(2) {
                    7
                } else {
                    60 - from + 8
                };
            levels.put(level(&current, number, (from..to).contains(&minute)));
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let (_, pending) = store.pending().await.unwrap();
    assert_eq!(pending, 0, "nothing waits any more");
}

#[test]
fn a_channel_that_is_away_for_an_hour_misses_nothing_and_gets_nothing_twice() {
    let receivers = Arc::new(Receivers::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(live(receivers.clone()));
    let got = receivers.0.lock().unwrap();
    let mut events: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for (channel, at_ms, message) in got.iter().filter(|(channel, ..)| channel == "team") {
        let incident = message.incident.as_ref().unwrap();
        if incident.group.starts_with("host-") {
            events
                .entry(incident.group.clone())
                .or_default()
                .push((*at_ms, incident.event.clone()));
        }
        assert!(!AWAY.contains(at_ms), "{channel}");
    }
    assert_eq!(events.len(), 20, "each incident is known: {events:#?}");
    for (group, told) in &events {
        let words: Vec<&str> = told.iter().map(|(_, event)| event.as_str()).collect();
        assert_eq!(words.first(), Some(&"firing"), "{group}: {words:?}");
        assert_eq!(words.last(), Some(&"resolved"), "{group}: {words:?}");
        let once = |event: &str| words.iter().filter(|word| **word == event).count() == 1;
        assert!(once("firing") && once("resolved"), "{group}: {words:?}");
        assert!(
            told[0].0 < AWAY.end + CAUGHT_UP_MS,
            "{group} is told soon after: {told:?}"
        );
        // What was a reminder an hour ago is news to nobody.
        let reminders = words.iter().filter(|word| **word == "reminder").count();
        assert!(reminders <= 3, "{group}: {words:?}");
    }
    let mail: BTreeSet<&str> = got
        .iter()
        .filter(|(channel, ..)| channel == "mail")
        .map(|(_, _, message)| message.subject.as_str())
        .collect();
    assert!(
        mail.iter()
            .any(|subject| subject.contains("team cannot be delivered to")),
        "the other channel says so: {mail:?}"
    );
}
