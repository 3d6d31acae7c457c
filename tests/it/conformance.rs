//! What any store must hold: crash at each commit, order, uniqueness of effects, claims, fences, locks,
//! retention. Run on SQLite in memory, which dies at any job, and on its file, which is opened anew.
//! Another store is added to `subjects`, and passes unchanged.

use bellwether::objective::Outcome;
use bellwether::picture::kept::Picture;
use bellwether::record::accepted::Wanted;
use bellwether::record::audit::Audited;
use bellwether::record::effect::{CUT_OFF, Chain, Effect, EffectState, NewEffect, OVERTAKEN};
use bellwether::record::gate::{Facts, Record};
use bellwether::record::note::{Note, NoteKind};
use bellwether::record::state::{Phase, PhaseRecord, Position, State, Verdict};
use bellwether::run::Summary;
use bellwether::store::contract::{GateCommit, Stretch};
use bellwether::store::sqlite::Sqlite;
use bellwether::store::sqlite::simulated::{Fuse, Simulated};
use bellwether::store::{Store, StoreFault};
use bellwether::watch::alert::{Condition, Level, Route, Severity};
use bellwether::watch::health::ProbeState;
use bellwether::watch::incident::Incident;
use bellwether::watch::result::{ProbeCommit, ProbeResult};
use bellwether::watch::silence::{Matcher, Silence};
use std::sync::Arc;

/// A store that outlives the processes that use it.
trait Subject {
    /// A process that starts now. With a fuse it dies at that job, if this store can let it.
    fn boot(&mut self, fuse: Option<Fuse>) -> Store;
    /// Whether the process is dead.
    fn is_dead(&self) -> bool;
}

struct InMemory(Arc<Simulated>);

impl Subject for InMemory {
    fn boot(&mut self, fuse: Option<Fuse>) -> Store {
        self.0.boot(fuse)
    }

    fn is_dead(&self) -> bool {
        self.0.is_dead()
    }
}

/// The file. Its processes end between two jobs.
struct InFile(tempfile::TempDir);

impl Subject for InFile {
    fn boot(&mut self, _: Option<Fuse>) -> Store {
        loop {
            match Sqlite::open(&self.0.path().join("state.db")) {
                // The threads of the process before are on their way out.
                Err(StoreFault::Taken(_)) => std::thread::yield_now(),
                opened => return opened.unwrap(),
            }
        }
    }

    fn is_dead(&self) -> bool {
        false
    }
}

fn subjects() -> Vec<Box<dyn Subject>> {
    vec![
        Box::new(InMemory(Simulated::new().unwrap())),
        Box::new(InFile(tempfile::tempdir().unwrap())),
    ]
}

fn new_gate(version: &str) -> Record {
    Record {
        id: 0,
        gate: "shop".to_owned(),
        environment: "production".to_owned(),
        services: vec!["api".to_owned()],
        facts: Facts {
            version: version.to_owned(),
            ..Facts::default()
        },
        rollback_to: None,
        state: State::new(Some(Phase::Smoke), 0),
    }
}

async fn gate(store: &Store) -> Record {
    let made = store.create_gate(new_gate("1"), Vec::new(), 0).await;
    made.unwrap().0
}

fn effect(key: &str, gate_id: Option<i64>, target: &str) -> NewEffect {
    NewEffect {
        key: key.to_owned(),
        gate_id,
        after_key: None,
        chain: None,
        target: target.parse().unwrap(),
        body: String::new(),
    }
}

/// A step that concludes: with an action, and at last done.
fn step(record: &Record, verdict: Verdict, done: bool, kinds: &[&str]) -> GateCommit {
    let mut record = record.clone();
    record.state.verdict = Some(verdict);
    if done {
        record.state.position = Position::Done;
    }
    let target = |kind: &str| format!("action:shop:{}:0:{kind}", verdict.word());
    let effects = kinds
        .iter()
        .map(|kind| {
            effect(
                &format!("{} {kind}", record.id),
                Some(record.id),
                &target(kind),
            )
        })
        .collect();
    GateCommit {
        record,
        event: "a step".to_owned(),
        effects,
    }
}

fn order() -> Note {
    Note {
        kind: NoteKind::Rollback,
        by: "the person on call".to_owned(),
        reason: "it is broken".to_owned(),
        check: String::new(),
        link: String::new(),
        until_ms: 0,
        gate: None,
    }
}

/// A life of a gate, one use case after the other; each may be the last.
async fn life(store: &Store) -> Result<(), StoreFault> {
    let hook = vec!["hook/shop/1".to_owned()];
    let (record, _) = store.create_gate(new_gate("1"), hook, 1).await?;
    store
        .lock(vec!["shop".to_owned(), "api".to_owned()], record.id, 2)
        .await?;
    store
        .add_note(record.id, order(), "ordered".to_owned(), 3)
        .await?;
    let acting = step(&record, Verdict::Rollback, false, &["command", "webhook"]);
    store.commit_gate(acting, 4).await?;
    for effect in store.due(5, Vec::new()).await? {
        if store.claim_attempt(effect.id, effect.attempts).await? {
            let state = EffectState::Delivered;
            store
                .attempt_ended(effect.id, state, 0, 6, "done".to_owned())
                .await?;
        }
    }
    store
        .commit_gate(step(&record, Verdict::Rollback, true, &[]), 7)
        .await?;
    Ok(())
}

/// What is there belongs together, whatever the process had done when it died.
async fn assert_whole(store: &Store, at: &str) {
    let gates = store.gates(10).await.unwrap();
    assert!(gates.len() <= 1, "{at}: one webhook, one gate");
    let Some(record) = gates.first() else {
        return;
    };
    let events = store.events_of(record.id).await.unwrap();
    let notes = store.notes_of(record.id).await.unwrap();
    let effects = store.effects_of(record.id).await.unwrap();
    let ordered = events.iter().any(|(_, event)| event == "ordered");
    assert_eq!(
        notes.len(),
        usize::from(ordered),
        "{at}: a note has its line"
    );
    let steps = events.iter().filter(|(_, event)| event == "a step").count();
    let concluded = record.state.verdict.is_some();
    assert_eq!(steps > 0, concluded, "{at}: a verdict has its line");
    assert_eq!(
        effects.len(),
        if concluded { 2 } else { 0 },
        "{at}: and its effects"
    );
    assert_eq!(steps > 1, record.state.is_done(), "{at}");
    let other = store.lock(vec!["api".to_owned()], -1, 9).await.unwrap();
    if record.state.is_done() {
        assert_eq!(other, None, "{at}: done is done, its locks are free");
    } else if let Some(holder) = other {
        let both = store.lock(vec!["shop".to_owned()], -1, 9).await.unwrap();
        assert_eq!(
            (holder, both),
            (record.id, Some(record.id)),
            "{at}: all or none"
        );
    }
}

#[tokio::test]
async fn a_crash_at_each_commit_leaves_what_belongs_together_together() {
    for carried_out in [false, true] {
        let mut died = 0;
        for left in 1.. {
            let mut subject = InMemory(Simulated::new().unwrap());
            let store = subject.boot(Some(Fuse { left, carried_out }));
            let alive = tokio::time::timeout(std::time::Duration::ZERO, life(&store)).await;
            assert_eq!(alive.is_err(), subject.is_dead());
            let at = format!("died at {left}, carried out: {carried_out}");
            let again = subject.boot(None);
            assert_whole(&again, &at).await;
            if alive.is_ok() {
                break;
            }
            died += 1;
        }
        assert!(died >= 8, "every use case was a place to die: {died}");
    }
    for mut subject in subjects() {
        life(&subject.boot(None)).await.unwrap();
        assert_whole(&subject.boot(None), "at the end").await;
    }
}

#[tokio::test]
async fn what_is_done_to_the_world_comes_first_and_in_its_order() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        let mut effects: Vec<_> = (0..100)
            .map(|number| effect(&number.to_string(), None, "channel:team"))
            .collect();
        effects.push(effect("first", None, "action:shop:rollback:0:command"));
        effects.push(effect("partner", None, "partner:console"));
        let mut second = effect("second", None, "action:shop:rollback:1:command");
        second.after_key = Some("first".to_owned());
        effects.push(second);
        store.enqueue(effects, 1_000).await.unwrap();
        let due = store.due(1_000, Vec::new()).await.unwrap();
        assert_eq!(due[0].key, "first");
        assert_eq!(due[1].key, "0", "the second waits for the first");
        assert!(due.iter().all(|effect| effect.target.word() != "partner"));
        assert_eq!(store.partner_orders().await.unwrap().len(), 1);
        assert_eq!(store.pending().await.unwrap(), (Some(1_000), 102));
        // A clock that is set back by a day does not delay anything by a day.
        let day = 24 * 3_600_000;
        assert_eq!(
            store.due(1_000 - day, Vec::new()).await.unwrap()[0].id,
            due[0].id
        );
        assert!(store.due(900, Vec::new()).await.unwrap().is_empty());
        assert!(store.claim_attempt(due[0].id, 0).await.unwrap());
        let ended = store.attempt_ended(due[0].id, EffectState::GivenUp, 0, 2, String::new());
        ended.await.unwrap();
        assert_eq!(store.due(1_000, Vec::new()).await.unwrap()[0].key, "second");
    }
}

#[tokio::test]
async fn an_effect_is_there_once_however_often_it_is_committed() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        let record = gate(&store).await;
        for _ in 0..3 {
            let commit = step(&record, Verdict::Promote, false, &["command"]);
            store.commit_gate(commit, 1).await.unwrap();
        }
        let effects = store.effects_of(record.id).await.unwrap();
        assert_eq!(effects.len(), 1);
        let end = |state| store.attempt_ended(effects[0].id, state, 0, 2, "ok".to_owned());
        end(EffectState::Delivered).await.unwrap();
        let commit = step(&record, Verdict::Promote, false, &["command"]);
        store.commit_gate(commit, 3).await.unwrap();
        end(EffectState::Pending).await.unwrap();
        let effect = store.effect(effects[0].key.clone()).await.unwrap().unwrap();
        assert_eq!(effect.state, EffectState::Delivered, "settled is settled");
    }
}

#[tokio::test]
async fn an_attempt_is_claimed_by_one_alone() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        let effects = vec![effect("a", None, "channel:team")];
        store.enqueue(effects, 0).await.unwrap();
        let id = store.due(0, Vec::new()).await.unwrap()[0].id;
        let claims = (0..16).map(|_| store.claim_attempt(id, 0));
        let won = futures_util::future::join_all(claims).await;
        assert_eq!(
            won.into_iter().filter(|won| *won.as_ref().unwrap()).count(),
            1
        );
        assert!(!store.claim_attempt(id, 0).await.unwrap(), "known too late");
        let ended = store.attempt_ended(id, EffectState::Pending, 5, 1, "no".to_owned());
        ended.await.unwrap();
        assert!(store.claim_attempt(id, 1).await.unwrap());
        let ended = store.attempt_ended(id, EffectState::Delivered, 0, 2, "ok".to_owned());
        ended.await.unwrap();
        assert!(!store.claim_attempt(id, 2).await.unwrap(), "it is settled");
    }
}

/// An attempt of a process that is gone is known to be cut off, and keys stay those of this state.
#[tokio::test]
async fn a_process_that_is_gone_is_fenced_off() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        let instance = store.instance().to_owned();
        let effects = vec![
            effect("a", None, "action:shop:promote:0:command"),
            effect("b", None, "channel:team"),
        ];
        store.enqueue(effects, 0).await.unwrap();
        let due = store.due(0, Vec::new()).await.unwrap();
        assert!(store.claim_attempt(due[0].id, 0).await.unwrap());
        store.caught_up().await;
        drop(store);
        let store = subject.boot(None);
        assert_eq!(store.instance(), instance);
        store.note_cut_off(3).await.unwrap();
        let of = |key: &str| store.effect(key.to_owned());
        let (cut, other) = (
            of("a").await.unwrap().unwrap(),
            of("b").await.unwrap().unwrap(),
        );
        assert_eq!((cut.result.as_str(), cut.was_cut_off()), (CUT_OFF, true));
        assert_eq!((other.result.as_str(), other.attempts), ("", 0));
        assert!(!store.claim_attempt(cut.id, 0).await.unwrap());
        assert!(store.claim_attempt(cut.id, 1).await.unwrap());
    }
}

/// Whoever was told that it is accepted is not passed over by a verdict that was on its way.
#[tokio::test]
async fn what_was_accepted_comes_before_a_verdict_that_is_not_committed_yet() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        for verdict in [Verdict::Promote, Verdict::Rollback] {
            let record = gate(&store).await;
            let by = "somebody".to_owned();
            assert!(store.request_cancel(record.id, by.clone()).await.unwrap());
            let wanted = store
                .commit_gate(step(&record, verdict, false, &[]), 1)
                .await;
            assert_eq!(wanted.unwrap(), Some(Wanted::Cancel(by)));
        }
        for verdict in [Verdict::Promote, Verdict::Hold] {
            let record = gate(&store).await;
            let note = || store.add_note(record.id, order(), String::new(), 1);
            assert!(note().await.unwrap());
            let wanted = store
                .commit_gate(step(&record, verdict, false, &[]), 1)
                .await;
            assert_eq!(wanted.unwrap(), Some(Wanted::RollBack(order())));
            // What the step becomes then is committed, and nothing is accepted any more.
            let commit = step(&record, Verdict::Rollback, false, &[]);
            assert_eq!(store.commit_gate(commit, 1).await.unwrap(), None);
            assert!(!note().await.unwrap());
            assert!(
                !store
                    .request_cancel(record.id, String::new())
                    .await
                    .unwrap()
            );
        }
    }
}

/// A promotion that is on its way when a newer deploy is promoted is neither called back nor
/// forgotten: its gate waits for it, and it is not tried again.
#[tokio::test]
async fn what_is_on_its_way_is_withdrawn_when_it_comes_back() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        let old = gate(&store).await;
        let commit = step(&old, Verdict::Promote, false, &["command", "fly"]);
        store.commit_gate(commit, 1).await.unwrap();
        let running = store.effects_of(old.id).await.unwrap()[0].id;
        assert!(store.claim_attempt(running, 0).await.unwrap());
        let new = gate(&store).await;
        let commit = step(&new, Verdict::Promote, false, &["command"]);
        store.commit_gate(commit, 2).await.unwrap();
        let seen = |effect: Effect| (effect.is_on_its_way(), effect.state);
        let states = || async {
            let effects = store.effects_of(old.id).await.unwrap();
            effects.into_iter().map(seen).collect::<Vec<_>>()
        };
        let given_up = (false, EffectState::GivenUp);
        assert_eq!(states().await, [(true, EffectState::Withdrawn), given_up]);
        let text = "exit code 1".to_owned();
        let ended = store.attempt_ended(running, EffectState::Pending, 9, 3, text);
        ended.await.unwrap();
        assert_eq!(states().await, [given_up, given_up]);
        assert_eq!(
            store.due(100, Vec::new()).await.unwrap().len(),
            1,
            "only the new one"
        );
    }
}

#[tokio::test]
async fn a_signed_body_is_remembered_longer_than_an_id() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        let day = 24 * 3_600_000;
        let is_new = async |id: &str, now| {
            let made = store
                .create_gate(new_gate("1"), vec![id.to_owned()], now)
                .await;
            made.unwrap().1
        };
        assert!(is_new("body/shop/1", 0).await && is_new("hook/shop/1", 0).await);
        assert!(!is_new("body/shop/1", day).await, "a replay");
        let late = is_new("hook/shop/1", day).await;
        assert!(late, "its time stamp is too old for a replay");
    }
}

#[tokio::test]
async fn a_lock_is_held_by_one_gate_and_taken_whole_or_not_at_all() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let lock = |wanted: &[&str], id| store.lock(names(wanted), id, 1);
        assert_eq!(lock(&["a", "b"], 1).await.unwrap(), None);
        assert_eq!(
            lock(&["a", "b"], 1).await.unwrap(),
            None,
            "again is harmless"
        );
        assert_eq!(lock(&["c", "b"], 2).await.unwrap(), Some(1));
        assert_eq!(lock(&["c"], 3).await.unwrap(), None, "the second took none");
        drop(store);
        let store = subject.boot(None);
        let held = store.lock(names(&["a"]), 2, 2).await.unwrap();
        assert_eq!(held, Some(1), "over restarts too");
    }
}

#[tokio::test]
async fn old_gates_go_but_never_the_version_to_go_back_to() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        let gates = [
            ("1", Verdict::Promote),
            ("2", Verdict::Hold),
            ("3", Verdict::Rollback),
            ("bad", Verdict::Promote),
            ("bad", Verdict::Rollback),
            ("4", Verdict::Hold),
        ];
        for (version, verdict) in gates {
            let made = store.create_gate(new_gate(version), Vec::new(), 1).await;
            let mut commit = step(&made.unwrap().0, verdict, true, &[]);
            commit.record.state.phases.push(PhaseRecord {
                phase: Phase::Converge,
                outcome: Outcome::Pass,
                reasons: Vec::new(),
                ended_ms: 1,
                held: false,
                waived: Vec::new(),
            });
            store.commit_gate(commit, 2).await.unwrap();
        }
        assert_eq!(store.prune_gates(2).await.unwrap(), 0, "not old enough");
        assert_eq!(store.prune_gates(3).await.unwrap(), 2);
        let left = store.gates(10).await.unwrap();
        let versions: Vec<_> = left
            .iter()
            .map(|gate| gate.facts.version.as_str())
            .collect();
        assert_eq!(versions, ["4", "bad", "bad", "1"]);
        let [name, place, not] = ["shop", "production", "5"].map(str::to_owned);
        let good = store.last_good(name, place, not).await.unwrap();
        assert_eq!(good.as_deref(), Some("1"));
    }
}

#[tokio::test]
async fn what_is_kept_of_probes_and_deliveries_ends_but_nothing_that_is_owed() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        let result = |at_ms| ProbeCommit {
            probe: "api".into(),
            state: Some(ProbeState::default()),
            result: ProbeResult {
                at_ms,
                outcome: Outcome::Pass,
                impaired: false,
                flaky: false,
                is_excluded: false,
                duration_us: 1_000,
                severity: (at_ms % 2 == 0).then_some(Severity::Error),
                reason: "".into(),
            },
            measured: vec![("memory".into(), (at_ms, at_ms as f64))],
        };
        let commits = (0..1_200).map(result).collect();
        store.commit_probes(commits).await.unwrap();
        let pruned = store.prune_probe_results(1_190).await.unwrap();
        assert_eq!(pruned, 0, "what is not in the history stays");
        assert_eq!(store.roll_up().await.unwrap(), 1_200);
        assert_eq!(store.roll_up().await.unwrap(), 0);
        assert_eq!(store.prune_probe_results(1_190).await.unwrap(), 1_190);
        let known = store
            .remembered(vec!["api".to_owned(), "none".to_owned()], 100)
            .await
            .unwrap();
        let left = known["api"].results.iter().map(|result| result.at_ms);
        assert_eq!(left.collect::<Vec<_>>(), Vec::from_iter(1_190..1_200));
        assert!(known["api"].state.is_some() && known["none"].results.is_empty());
        let severities: Vec<_> = known["api"].results.iter().map(|it| it.severity).collect();
        assert_eq!(severities[..2], [Some(Severity::Error), None]);
        let memory = &known["api"].measured["memory"];
        assert_eq!((memory.len(), memory[7]), (1_200, (7, 7.0)));
        store
            .commit_probes(vec![result(59_999), result(60_000)])
            .await
            .unwrap();
        store.roll_up().await.unwrap();
        for (span, expected) in [
            (Stretch::Minute, vec![(0, 1_201), (60, 1)]),
            (Stretch::Hour, vec![(0, 1_202)]),
            (Stretch::Day, vec![(0, 1_202)]),
        ] {
            let history = store.history("api".to_owned(), span, 0).await.unwrap();
            let passed: Vec<_> = history
                .iter()
                .map(|(at, bucket)| (*at, bucket.passed))
                .collect();
            assert_eq!(passed, expected);
        }
        assert_eq!(store.prune_history(Stretch::Minute, 60).await.unwrap(), 1);
        let known = store.remembered(vec!["api".to_owned()], 1).await.unwrap();
        assert_eq!(known["api"].measured["memory"], [(60_000, 60_000.0)]);
        // What comes after all results were forgotten is counted all the same.
        store.prune_probe_results(i64::MAX - 1).await.unwrap();
        store.commit_probes(vec![result(120_000)]).await.unwrap();
        assert_eq!(store.roll_up().await.unwrap(), 1);
        let mut second = effect("second", None, "channel:team");
        second.after_key = Some("first".to_owned());
        let effects = vec![effect("first", None, "channel:team"), second];
        store.enqueue(effects, 1).await.unwrap();
        let id = store.due(1, Vec::new()).await.unwrap()[0].id;
        let settle = |id| store.attempt_ended(id, EffectState::Delivered, 0, 2, "ok".to_owned());
        settle(id).await.unwrap();
        assert_eq!(
            store.prune_evidence(5).await.unwrap(),
            0,
            "another waits for it"
        );
        settle(store.due(2, Vec::new()).await.unwrap()[0].id)
            .await
            .unwrap();
        assert_eq!(store.prune_evidence(5).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn orders_are_kept_in_order_and_end_when_they_are_old() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        for at_ms in [10, 20, 30] {
            let order = Audited {
                id: 0,
                at_ms,
                by: "Jane Doe".to_owned(),
                order: format!("approve gates {at_ms}"),
                status: 202,
            };
            store.add_order(order).await.unwrap();
        }
        let said =
            |orders: Vec<Audited>| -> Vec<i64> { orders.iter().map(|order| order.at_ms).collect() };
        assert_eq!(said(store.orders(2).await.unwrap()), [30, 20]);
        assert_eq!(store.prune_audit(20).await.unwrap(), 1);
        let left = store.orders(9).await.unwrap();
        assert_eq!(left[1].order, "approve gates 20");
        assert_eq!(said(left), [30, 20]);
    }
}

/// A level of a probe that is down.
fn down() -> Level {
    let condition = Condition {
        word: "down".to_owned(),
        severity: Severity::Critical,
        reason: "refused".to_owned(),
        since_ms: 1,
    };
    let (subject, group) = ("probe/api".to_owned(), "production/api".to_owned());
    Level {
        labels: [("probe".to_owned(), "api".to_owned())].into(),
        ..Level::new(subject, group, Route::default(), Some(condition))
    }
}

#[tokio::test]
async fn incidents_and_silences_are_kept_and_a_chain_leaves_in_its_order() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        let mut incident = Incident::open(1, &down(), 5);
        incident.take(&down(), 5);
        let link = |key: &str, channel: &str, is_passing| NewEffect {
            chain: Some(Chain {
                name: format!("incident:1:{channel}"),
                is_passing,
            }),
            ..effect(key, None, &format!("channel:{channel}"))
        };
        let effects = vec![
            link("firing", "team", false),
            link("firing-mail", "mail", false),
            link("news", "team", true),
        ];
        store
            .commit_incidents(vec![incident.clone()], effects, 10)
            .await
            .unwrap();
        assert_eq!(
            store.open_incidents().await.unwrap(),
            (vec![incident.clone()], 2)
        );
        let keys = |due: Vec<Effect>| due.into_iter().map(|effect| effect.key).collect::<Vec<_>>();
        let due = store.due(10, Vec::new()).await.unwrap();
        let first = due[0].id;
        assert_eq!(keys(due), ["firing", "firing-mail"]);
        let away = vec!["channel:mail".to_owned()];
        assert_eq!(keys(store.due(10, away).await.unwrap()), ["firing"]);
        // The end overtakes what is only news, and waits for what came first.
        incident.ended_ms = Some(20);
        let end = vec![link("resolved", "team", false)];
        store
            .commit_incidents(vec![incident.clone()], end, 20)
            .await
            .unwrap();
        let news = store.effect("news".to_owned()).await.unwrap().unwrap();
        assert_eq!(
            (news.state, news.result.as_str()),
            (EffectState::GivenUp, OVERTAKEN)
        );
        assert_eq!(
            keys(store.due(20, Vec::new()).await.unwrap()),
            ["firing", "firing-mail"]
        );
        store
            .attempt_ended(first, EffectState::Delivered, 0, 21, "ok".to_owned())
            .await
            .unwrap();
        assert_eq!(
            keys(store.due(21, Vec::new()).await.unwrap()),
            ["firing-mail", "resolved"]
        );
        assert!(store.open_incidents().await.unwrap().0.is_empty());
        assert_eq!(store.incident(1).await.unwrap(), Some(incident));

        let silence = Silence {
            id: 0,
            matchers: vec![Matcher::parse("probe=api").unwrap()],
            from_ms: 5,
            until_ms: 100,
            author: "ops".to_owned(),
            comment: "a move".to_owned(),
        };
        let kept = store.add_silence(silence).await.unwrap();
        assert_eq!(store.silences(50).await.unwrap(), vec![kept.clone()]);
        assert!(store.end_silence(kept.id, 60).await.unwrap());
        assert!(!store.end_silence(kept.id, 61).await.unwrap());
        assert!(store.silences(61).await.unwrap().is_empty());
    }
}

/// A run that passed, with one picture.
fn pictured(number: u8, keep: u64) -> (Summary, String) {
    let text = serde_json::json!({
        "scenario": "console", "environment": "production", "started": "2026-11-29T10:00:00Z", "kind": "smoke",
        "outcome": "pass", "keeps_pictures": keep, "reasons": [], "requests": 1, "duration_s": 1.0, "rate": 1.0,
        "errors": 0, "latency_us": {"mean": 0.0, "p50": 0, "p90": 0, "p95": 0, "p99": 0, "p999": 0, "max": 0},
        "dropped": 0, "steps": [], "objectives": [], "checks": [], "iterations": 1, "iterations_failed": 0,
        "interrupted": 0, "waited": 0, "held_back": 0, "virtual_users": 1, "workers": 1, "own_lateness_us": null,
        "series": [], "was_interrupted": false,
    });
    let mut step = text.clone();
    for (name, value) in [("name", "the page".into()), ("part", "step".into())] {
        step[name] = value;
    }
    for (name, value) in serde_json::json!({
        "service_us": step["latency_us"], "phases_us": {}, "errors_by_class": {}, "advisory_failures": 0, "statuses": {},
        "examples": [], "bytes_sent": 0, "bytes_received": 0, "skipped": 0,
    })
    .as_object()
    .unwrap()
    {
        step[name] = value.clone();
    }
    let mut whole = text;
    whole["steps"] = serde_json::json!([step]);
    let mut summary: Summary = serde_json::from_value(whole).unwrap();
    let picture = Picture::new("the page", vec![number; 40].into());
    let sha256 = picture.sha256.clone();
    summary.steps[0].pictures.push(picture);
    (summary, sha256)
}

#[tokio::test]
async fn pictures_of_a_release_stay_and_those_of_rounds_are_let_go() {
    for mut subject in subjects() {
        let store = subject.boot(None);
        let gate = gate(&store).await;
        let mut kept = Vec::new();
        for (number, phase) in ["smoke", "bake", "bake", "bake", "proof", "bake"]
            .into_iter()
            .enumerate()
        {
            let (summary, sha256) = pictured(number as u8, 2);
            let added = store
                .add_run(Some(gate.id), phase.to_owned(), summary, 1_000)
                .await;
            added.unwrap();
            kept.push(sha256);
        }
        let mut there = Vec::new();
        for sha256 in kept {
            there.push(store.picture(sha256).await.unwrap().is_some());
        }
        assert_eq!(there, [true, false, false, true, true, true]);
    }
}
