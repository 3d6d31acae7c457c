//! What decides about a gate beside its measurements: who may act, who must agree, who answers for
//! a failure, what must have happened before, and what nobody can make green.

use super::support::{Daemon, api, bellwether, eventually, first_undisturbed, http, run};
use bellwether::demo::shop::{Deploy, Shop};
use ring::hmac;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

pub(super) struct World {
    pub(super) shop: Shop,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl World {
    pub(super) fn new() -> World {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let shop = runtime
            .block_on(Shop::start(Deploy::healthy("1.0.0")))
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "smoke.yaml",
            "name: smoke\nservice: api\nsteps:\n  - { post: /api/login, json: { user: demo, password: demo-password }, capture: { token: body.token } }\n  - { get: /api/catalogue, auth: { bearer: \"${vars.token}\" }, check: [ status == 200 ] }\n",
        );
        write(
            "home.yaml",
            "name: home\nservice: api\nsteps: [ { get: /health, check: [ status == 200 ] } ]\n",
        );
        write(
            "load.yaml",
            "name: load\nservice: api\nsetup: [ { post: /api/login, json: { user: demo, password: demo-password }, capture: { token: body.token } } ]\nsteps: [ { get: /api/catalogue, auth: { bearer: \"${vars.token}\" }, check: [ status == 200 ] } ]\nload: { executor: constant-arrival-rate, rate: 100, duration: 4s, preAllocatedVUs: 40 }\nobjectives: [ p95 < 200ms, error_rate < 1% ]\n",
        );
        World {
            shop,
            folder,
            runtime,
        }
    }

    /// One beside it.
    fn another_shop(&self, version: &str) -> Shop {
        let shop = Shop::start(Deploy::healthy(version));
        self.runtime.block_on(shop).unwrap()
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `gate` is added to the gate `shop`, `environment` to its environment, `more` to all gates.
    pub(super) fn daemon(&self, environment: &str, gate: &str, more: &str) -> Daemon {
        self.daemon_of("", environment, gate, more)
    }

    /// The same, with the version where a reply of the service shows it.
    pub(super) fn daemon_showing(&self, value: &str, gate: &str) -> Daemon {
        self.daemon_of(&format!(", value: \"{value}\""), "", gate, "")
    }

    fn daemon_of(&self, value: &str, environment: &str, gate: &str, more: &str) -> Daemon {
        let shop = self.shop.address;
        let text = format!(
            "server: {{ listen: LISTEN }}
secrets: {{ KEY: {{ env: TEST_KEY }} }}
environments:
  production:
    services: {{ api: {{ url: \"http://{shop}\", version: {{ path: /version{value} }} }} }}
{environment}
gates:
  shop:
    environment: production
    services: [ api ]
    converge: {{ reads: 2, every: 50ms, timeout: 5s }}
    prove: {{ reads: 2, every: 50ms, timeout: 3s }}
{gate}
{more}
"
        );
        Daemon::start(
            self.path(),
            &text,
            &[("TEST_KEY", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        )
    }

    pub(super) fn rollback(&self) -> String {
        format!(
            "      rollback: [ {{ webhook: {{ url: \"http://{}/admin/rollback/${{inputs.previous_version}}\" }} }} ]",
            self.shop.address
        )
    }

    pub(super) fn verify(&self, daemon: &Daemon, deploy: Deploy) -> Value {
        let version = deploy.version.clone();
        let verify = || {
            // One that was disturbed may have been rolled back.
            self.shop.deploy(deploy.clone());
            daemon.done(daemon.start_gate(&facts("shop", &version)))
        };
        first_undisturbed(verify, |gate| gate["reasons"].to_string())
    }
}

pub(super) fn broken(version: &str) -> Deploy {
    Deploy {
        fail_every: 1,
        ..Deploy::healthy(version)
    }
}

/// What a gate must have come to, and why.
#[track_caller]
pub(super) fn expect(gate: &Value, verdict: &str, reason: &str) {
    assert_eq!(gate["verdict"], verdict, "{gate:#}");
    let reasons = gate["reasons"].to_string();
    assert!(reasons.contains(reason), "{reason}\n{reasons}");
}

pub(super) fn facts(gate: &str, version: &str) -> Value {
    json!({ "gate": gate, "version": version, "commit": format!("c{version}"), "actor": "a test" })
}

pub(super) fn post(daemon: &Daemon, path: &str, body: &Value) -> (u16, Value) {
    let (status, text) = http(
        &daemon.address,
        "POST",
        path,
        &[("content-type", "application/json")],
        &body.to_string(),
    )
    .unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

pub(super) fn cli(daemon: &Daemon, words: &[&str]) -> (i32, String) {
    let server = format!("http://{}", daemon.address);
    let (code, out, err) = run(bellwether()
        .arg("gate")
        .args(words)
        .args(["--server", &server]));
    (code, format!("{out}{err}"))
}

pub(super) const ENFORCE: &str = "    enforce: true";

#[test]
fn a_dry_run_says_loudly_what_it_would_have_done_and_does_nothing() {
    let world = World::new();
    let daemon = world.daemon(
        "",
        &format!(
            "    smoke: [ smoke.yaml ]\n    actions:\n{}",
            world.rollback()
        ),
        "",
    );
    assert_eq!(
        world.verify(&daemon, Deploy::healthy("1.1.0"))["verdict"],
        "promote"
    );
    let gate = world.verify(&daemon, broken("1.2.0"));
    assert_eq!(gate["verdict"], "rollback");
    assert!(world.shop.rollbacks().is_empty());
    assert!(
        gate["timeline"]
            .to_string()
            .contains("DRY RUN, nothing is done: it would run `rollback 1` to go back to 1.1.0"),
        "{gate:#}"
    );
    assert!(daemon.log().contains("DRY RUN"));
}

#[test]
fn only_a_version_that_was_proven_good_is_gone_back_to() {
    let world = World::new();
    let daemon = world.daemon(
        ENFORCE,
        &format!(
            "    smoke: [ smoke.yaml ]\n    actions:\n{}",
            world.rollback()
        ),
        "",
    );
    let first = world.verify(&daemon, broken("1.2.0"));
    assert_eq!(
        (&first["verdict"], &first["proven"]),
        (&json!("rollback"), &json!(false))
    );
    assert!(
        first["proof_reasons"]
            .to_string()
            .contains("nothing to roll back to"),
        "{first:#}"
    );
    assert!(
        world.shop.rollbacks().is_empty(),
        "never merely the version before"
    );
    assert_eq!(
        world.verify(&daemon, Deploy::healthy("1.1.0"))["verdict"],
        "promote"
    );
    let later = world.verify(&daemon, broken("1.3.0"));
    assert_eq!(
        (&later["proven"], &later["rollback_to"]),
        (&json!(true), &json!("1.1.0"))
    );
}

#[test]
fn a_fallback_is_tried_where_the_first_way_lies() {
    let world = World::new();
    let actions = format!(
        "    smoke: [ smoke.yaml ]\n    actions:\n      rollback: [ {{ command: [ \"true\" ] }} ]\n{}",
        world.rollback().replace("rollback: [", "fallback: [")
    );
    let daemon = world.daemon(ENFORCE, &actions, "");
    assert_eq!(
        world.verify(&daemon, Deploy::healthy("1.1.0"))["verdict"],
        "promote"
    );
    let gate = world.verify(&daemon, broken("1.2.0"));
    assert_eq!(gate["proven"], true, "{gate:#}");
    assert!(
        gate["proof_reasons"]
            .to_string()
            .contains("fallback 1 succeeded"),
        "{gate:#}"
    );
    assert_eq!(world.shop.rollbacks(), ["1.1.0"], "once");
}

#[test]
fn people_approve_waive_and_order_with_their_names() {
    let world = World::new();
    let gate = format!(
        "    smoke: [ home.yaml, smoke.yaml ]\n    approval: {{ required: 2, timeout: 20s }}\n    actions:\n{}",
        world.rollback()
    );
    let daemon = world.daemon(ENFORCE, &gate, "");
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let id = daemon.start_gate(&facts("shop", "1.1.0"));
    let at = format!("/api/v1/gates/{id}");
    eventually(
        "the approval is waited for",
        Duration::from_secs(20),
        || api(&daemon.address, &at).filter(|gate| gate["position"] == "approval"),
    );
    assert_eq!(
        post(&daemon, &format!("{at}/approve"), &json!({ "by": "" })).0,
        422,
        "nobody is nobody"
    );
    let number = id.to_string();
    for by in ["jane", "jane", "john"] {
        let (code, said) = cli(&daemon, &["approve", &number, "--by", by]);
        assert_eq!(code, 0, "{said}");
    }
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "promote", "{gate:#}");
    assert!(
        gate["phases"]
            .to_string()
            .contains("approved by jane, john"),
        "{gate:#}"
    );
    // A waiver for a scenario lets the gate go on, since another one held; it is never called passed.
    let id = daemon.start_gate(&facts("shop", "1.2.0"));
    let until = chrono::Utc::now().timestamp_millis() + 60_000;
    let waiver = json!({ "by": "jane", "reason": "known", "check": "smoke", "until_ms": until });
    let path = format!("/api/v1/gates/{id}");
    assert_eq!(post(&daemon, &format!("{path}/waive"), &waiver).0, 202);
    world.shop.deploy(broken("1.2.0"));
    for by in ["jane", "john"] {
        assert_eq!(
            post(&daemon, &format!("{path}/approve"), &json!({ "by": by })).0,
            202
        );
    }
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "promote", "{gate:#}");
    let phases = gate["phases"].as_array().unwrap();
    let smoke = phases
        .iter()
        .find(|phase| phase["phase"] == "smoke")
        .unwrap();
    assert_eq!(smoke["outcome"], "waived");
    assert!(
        gate["reasons"]
            .to_string()
            .contains("`smoke` did not pass and was waived by jane: known"),
        "{gate:#}"
    );
    // A rollback by hand needs a name and a reason, and is proven like any other.
    assert_eq!(
        post(
            &daemon,
            "/api/v1/rollback/shop",
            &json!({ "by": "jane", "reason": "" })
        )
        .0,
        422
    );
    world.shop.deploy(Deploy::healthy("1.3.0"));
    let id = daemon.start_gate(&facts("shop", "1.3.0"));
    let (status, ordered) = post(
        &daemon,
        "/api/v1/rollback/shop",
        &json!({ "by": "jane", "reason": "checkout is broken" }),
    );
    assert_eq!((status, &ordered["id"]), (202, &json!(id)), "{ordered}");
    let gate = daemon.done(id);
    assert_eq!(
        (&gate["verdict"], &gate["proven"], &gate["rollback_to"]),
        (&json!("rollback"), &json!(true), &json!("1.1.0")),
        "{gate:#}"
    );
    assert!(
        gate["reasons"]
            .to_string()
            .contains("jane ordered it: checkout is broken")
    );
}

#[test]
fn the_backend_comes_before_its_frontend_and_both_go_back_as_a_pair() {
    let world = World::new();
    let shop = world.another_shop("1.1.0");
    let enforce = format!(
        "{ENFORCE}
  frontend:
    enforce: true
    services: {{ web: {{ url: \"http://{}\", version: {{ path: /version }} }} }}",
        shop.address
    );
    let web = "name: web\nservice: web\nsteps: [ { get: /health, check: [ status == 200 ] } ]\n";
    std::fs::write(world.path().join("web.yaml"), web).unwrap();
    let console = format!(
        "  console:
    environment: frontend
    services: [ web ]
    converge: {{ reads: 2, every: 50ms, timeout: 5s }}
    smoke: [ web.yaml ]
    after: [ {{ gate: shop, within: 1h, wait: 15s }} ]
    actions: {{ rollback: [ {{ webhook: {{ url: \"http://{}/admin/rollback/${{inputs.previous_version}}\" }} }} ] }}
    prove: {{ reads: 2, every: 50ms, timeout: 3s }}",
        shop.address
    );
    let gate = format!(
        "    smoke: [ smoke.yaml ]\n    together: [ console ]\n    actions:\n{}",
        world.rollback()
    );
    let mut daemon = world.daemon(&enforce, &gate, &console);
    let alone = daemon.done(daemon.start_gate(&facts("console", "1.1.0")));
    assert_eq!(alone["verdict"], "hold");
    assert!(
        alone["reasons"]
            .to_string()
            .contains("`shop` has not verified commit c1.1.0"),
        "{alone:#}"
    );
    for version in ["1.1.0", "1.2.0"] {
        world.shop.deploy(Deploy::healthy(version));
        shop.deploy(Deploy::healthy(version));
        let backend = daemon.start_gate(&facts("shop", version));
        let frontend = daemon.start_gate(&facts("console", version));
        assert_eq!(daemon.done(backend)["verdict"], "promote");
        assert_eq!(
            daemon.done(frontend)["verdict"],
            "promote",
            "it waited for its backend"
        );
    }
    world.shop.deploy(broken("1.2.0"));
    let backend = daemon.done(daemon.start_gate(&facts("shop", "1.2.0")));
    assert_eq!(backend["verdict"], "rollback", "{backend:#}");
    let went_back = |daemon: &Daemon, version: &str| {
        eventually("the console goes back too", Duration::from_secs(30), || {
            let gates = api(&daemon.address, "/api/v1/gates")?;
            let mut gates = gates.as_array()?.iter();
            gates
                .find(|gate| {
                    gate["gate"] == "console"
                        && gate["version"] == version
                        && gate["verdict"] == "rollback"
                        && gate["done"] == true
                        && gate["reasons"]
                            .to_string()
                            .contains("they are rolled back together")
                })
                .cloned()
        })
    };
    let pair = went_back(&daemon, "1.2.0");
    assert_eq!(pair["rollback_to"], "1.1.0");
    assert_eq!(pair["proven"], true, "{pair}");
    assert_eq!(
        (world.shop.rollbacks(), shop.rollbacks()),
        (vec!["1.1.0".to_owned()], vec!["1.1.0".to_owned()])
    );
    // The order outlives a kill, and reaches a gate that starts after it was given.
    world.shop.deploy(broken("1.3.0"));
    let backend = daemon.done(daemon.start_gate(&facts("shop", "1.3.0")));
    assert_eq!(backend["verdict"], "rollback", "{backend:#}");
    daemon.kill();
    daemon.restart();
    daemon.start_gate(&facts("console", "1.3.0"));
    went_back(&daemon, "1.3.0");
    // The next attempt at the release is another one: nothing of the last is held against it.
    world.shop.deploy(Deploy::healthy("1.3.0"));
    shop.deploy(Deploy::healthy("1.3.0"));
    let backend = daemon.start_gate(&facts("shop", "1.3.0"));
    let frontend = daemon.start_gate(&facts("console", "1.3.0"));
    assert_eq!(daemon.done(backend)["verdict"], "promote");
    assert_eq!(daemon.done(frontend)["verdict"], "promote");
}

#[test]
fn glass_is_broken_with_a_name_and_windows_never_block_a_rollback() {
    let world = World::new();
    let frozen = "    enforce: true\n    windows: { zone: UTC, freezes: [ { from: 2020-01-01, to: 2099-12-31, reason: for ever } ] }";
    let gate = format!(
        "    smoke: [ smoke.yaml ]\n    actions:\n{}",
        world.rollback()
    );
    let daemon = world.daemon(frozen, &gate, "");
    let held = world.verify(&daemon, Deploy::healthy("1.1.0"));
    assert_eq!(held["verdict"], "hold");
    assert!(held["reasons"].to_string().contains("for ever"));
    let mut facts = facts("shop", "1.1.0");
    facts["break_glass"] = json!("the shop is down");
    let gate = daemon.done(daemon.start_gate(&facts));
    assert_eq!(gate["verdict"], "promote", "{gate:#}");
    assert!(
        gate["phases"]
            .to_string()
            .contains("a test broke the glass: the shop is down")
    );
    facts["actor"] = json!("");
    assert_eq!(
        post(&daemon, "/api/v1/gates", &facts).0,
        422,
        "nobody breaks the glass"
    );
    world.shop.deploy(broken("1.2.0"));
    let id = daemon.start_gate(
        &json!({ "gate": "shop", "version": "1.2.0", "actor": "a test", "break_glass": "hotfix" }),
    );
    let gate = daemon.done(id);
    assert_eq!(
        (&gate["verdict"], &gate["proven"]),
        (&json!("rollback"), &json!(true)),
        "{gate:#}"
    );
}

#[test]
fn a_slow_deploy_is_rolled_back_under_load_and_explained() {
    let world = World::new();
    let gate = format!(
        "    smoke: [ smoke.yaml ]\n    load: [ load.yaml ]\n    extend: false\n    rule: {{ warm-up: 500ms }}\n    actions:\n{}",
        world.rollback()
    );
    let daemon = world.daemon(ENFORCE, &gate, "");
    assert_eq!(
        world.verify(&daemon, Deploy::healthy("1.1.0"))["verdict"],
        "promote"
    );
    let slow = Deploy {
        slow_ms: 300,
        slow_every: 2,
        ..Deploy::healthy("1.2.0")
    };
    let gate = world.verify(&daemon, slow);
    assert_eq!(
        (&gate["verdict"], &gate["proven"]),
        (&json!("rollback"), &json!(true)),
        "{gate:#}"
    );
    let id = gate["id"].to_string();
    let (code, text) = cli(&daemon, &["explain", &id]);
    assert_eq!(code, 0);
    for wanted in [
        "rollback",
        "Odds that `p95 < 200ms` is broken, over time",
        "roll back",
        "Latencies against the limit of 200 ms",
        "over the limit",
        "rolled back for this load in at most 0.87 %",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let out = world.path().join("incident");
    let (code, said) = cli(
        &daemon,
        &["incident", &id, "--out", &out.display().to_string()],
    );
    assert_eq!(code, 0, "{said}");
    let manifest: Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("manifest.json")).unwrap()).unwrap();
    for file in manifest["files"].as_array().unwrap() {
        let bytes = std::fs::read(out.join(file["file"].as_str().unwrap())).unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
        let hex: String = digest
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(file["sha256"], hex);
    }
    let report = std::fs::read_to_string(out.join("incident.md")).unwrap();
    assert!(
        report.contains("# rollback: shop 1.2.0") && report.contains("The rollback is proven"),
        "{report}"
    );
    let (code, _) = cli(
        &daemon,
        &["incident", &id, "--out", &out.display().to_string()],
    );
    assert_eq!(code, 1, "nothing is written over");
}

#[test]
fn a_baseline_that_is_as_slow_holds_the_deploy() {
    let world = World::new();
    let shop = world.shop.address;
    let gate = "    load: [ load.yaml ]\n    extend: false\n    baseline: old\n    rule: { warm-up: 500ms }";
    let environment =
        format!("    enforce: true\n  old:\n    services: {{ api: {{ url: \"http://{shop}\" }} }}");
    let daemon = world.daemon(&environment, gate, "");
    let slow = Deploy {
        slow_ms: 300,
        slow_every: 1,
        ..Deploy::healthy("1.2.0")
    };
    let gate = world.verify(&daemon, slow);
    assert_eq!(gate["verdict"], "hold", "{gate:#}");
    assert!(
        gate["reasons"]
            .to_string()
            .contains("the baseline is no better"),
        "{gate:#}"
    );
}

#[test]
fn a_version_that_changes_by_itself_is_verified() {
    let world = World::new();
    let daemon = world.daemon(
        "",
        "    smoke: [ smoke.yaml ]\n    on_version_change: { every: 200ms }",
        "",
    );
    let state = world.path().join("bellwether.db");
    eventually("the version is seen", Duration::from_secs(10), || {
        let reading = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let state = rusqlite::Connection::open_with_flags(&state, reading).ok()?;
        let sql = "SELECT version FROM sightings WHERE gate = 'shop'";
        let version: String = state.query_row(sql, [], |row| row.get(0)).ok()?;
        (version == "1.0.0").then_some(())
    });
    assert_eq!(
        api(&daemon.address, "/api/v1/gates").unwrap(),
        json!([]),
        "what was there starts nothing"
    );
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let gate = eventually("a gate", Duration::from_secs(15), || {
        let gates = api(&daemon.address, "/api/v1/gates")?;
        gates
            .as_array()?
            .iter()
            .find(|gate| gate["done"] == true)
            .cloned()
    });
    assert_eq!(
        (&gate["verdict"], &gate["version"]),
        (&json!("promote"), &json!("1.1.0"))
    );
}

#[test]
fn what_was_measured_of_another_version_promotes_nothing() {
    let world = World::new();
    let daemon = world.daemon(
        "",
        "    smoke: [ smoke.yaml ]\n    bake: { duration: 2s, every: 100ms }",
        "",
    );
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let id = daemon.start_gate(&facts("shop", "1.1.0"));
    let path = format!("/api/v1/gates/{id}");
    eventually("the bake", Duration::from_secs(30), || {
        api(&daemon.address, &path).filter(|gate| gate["position"] == "bake")
    });
    // Somebody deploys another one, and tells nobody.
    world.shop.deploy(Deploy::healthy("1.2.0"));
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "hold", "{gate:#}");
    assert!(
        gate["reasons"]
            .to_string()
            .contains("another version is served"),
        "{gate:#}"
    );
}

/// What would go green here? Nothing of this does: each holds, and says why.
#[test]
fn what_was_not_measured_is_held() {
    let world = World::new();
    let write = |name: &str, text: &str| std::fs::write(world.path().join(name), text).unwrap();
    let load =
        "load: { executor: constant-arrival-rate, rate: 100, duration: 3s, preAllocatedVUs: 20 }\n";
    write(
        "setup.yaml",
        &format!(
            "name: setup\nservice: api\nsetup: [ {{ post: /api/login, json: {{ user: demo, password: wrong }}, check: [ status == 200 ] }} ]\nsteps: [ {{ get: /health, check: [ status == 200 ] }} ]\n{load}objectives: [ p95 < 1s ]\n"
        ),
    );
    write(
        "never.yaml",
        &format!(
            "name: never\nservice: api\nsteps:\n  - {{ name: often, get: /health, check: [ status == 200 ] }}\n  - {{ name: rare, get: /health, check: [ status == 200 ], when: \"1 == 2\" }}\n{load}objectives: [ p95 < 1s, \"p95{{step: rare}} < 1s\" ]\n"
        ),
    );
    write(
        "secret.yaml",
        "name: secret\nservice: api\nsecrets: [ NOBODY_HAS_THIS ]\nsteps: [ { get: /health, headers: { x: \"${secrets.NOBODY_HAS_THIS}\" }, check: [ status == 200 ] } ]\n",
    );
    write(
        "away.yaml",
        "name: away\nservice: far\nsteps: [ { get: /, check: [ status == 200 ] } ]\n",
    );
    write(
        "few.yaml",
        "name: few\nservice: api\nsteps: [ { get: /health, check: [ status == 200 ], think: 20ms } ]\nload: { executor: constant-vus, vus: 5, duration: 3s }\nobjectives: [ p95 < 1s ]\n",
    );
    let gate = |name: &str, phase: &str, file: &str| {
        format!(
            "  {name}:\n    environment: production\n    extend: false\n    {phase}: [ {file} ]\n"
        )
    };
    let more = [
        gate("setup", "load", "setup.yaml"),
        gate("never", "load", "never.yaml"),
        gate("secret", "smoke", "secret.yaml"),
        format!(
            "{}    rule: {{ requests: 5000 }}\n",
            gate("few", "load", "few.yaml")
        ),
        "  away:\n    environment: elsewhere\n    smoke: [ away.yaml ]\n".to_owned(),
    ];
    let elsewhere = "    enforce: true\n  elsewhere:\n    services: { far: { url: \"http://no-such-host.invalid\" } }";
    let daemon = world.daemon(elsewhere, "    smoke: [ smoke.yaml ]", &more.concat());
    world.shop.deploy(Deploy::healthy("1.1.0"));
    for (name, why) in [
        ("setup", "setup failed"),
        ("never", "nothing was measured"),
        ("secret", "NOBODY_HAS_THIS"),
        ("few", "the rule asks for 5000"),
        ("away", "cannot be reached from here"),
    ] {
        let gate = daemon.done(daemon.start_gate(&facts(name, "1.1.0")));
        assert_eq!(gate["verdict"], "hold", "{name}: {gate:#}");
        assert!(
            gate["reasons"].to_string().contains(why),
            "{name}: {gate:#}"
        );
    }
}

fn hex(tag: &hmac::Tag) -> String {
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn others_start_gates_and_ask_for_their_verdicts() {
    let world = World::new();
    let triggers = "    smoke: [ smoke.yaml ]
    triggers:
      github: { secret: \"${secrets.KEY}\", environment: production }
      vercel: { secret: \"${secrets.KEY}\" }
      json: { token: \"${secrets.KEY}\", when: body.ok, version: body.image.tag, actor: body.who }
      flagger: true";
    let daemon = world.daemon("", triggers, "");
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = json!({ "deployment_status": { "state": "success", "environment": "production" }, "deployment": { "id": 42, "sha": "1.1.0" } }).to_string();
    let signature = format!(
        "sha256={}",
        hex(&hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()),
            body.as_bytes()
        ))
    );
    let github = |signature: &str, delivery: &str| {
        let headers = [
            ("x-hub-signature-256", signature),
            ("x-github-event", "deployment_status"),
            ("x-github-delivery", delivery),
        ];
        http(
            &daemon.address,
            "POST",
            "/hooks/shop/github",
            &headers,
            &body,
        )
        .unwrap()
    };
    world.shop.deploy(Deploy::healthy("1.1.0"));
    assert_eq!(github("sha256=00", "d1").0, 401);
    assert_eq!(github(&signature, "d1").0, 201);
    assert_eq!(
        github(&signature, "d1").0,
        200,
        "the same delivery makes no second gate"
    );
    assert_eq!(daemon.done(1)["verdict"], "promote");
    let (_, answer) = http(
        &daemon.address,
        "GET",
        "/api/v1/gates/by-name/shop/verdict?version=1.1.0",
        &[],
        "",
    )
    .unwrap();
    assert!(answer.contains("\"result\":\"Successful\""), "{answer}");
    for question in ["version=9", "version=1.1.0&within=1ms"] {
        let path = format!("/api/v1/gates/by-name/shop/verdict?{question}");
        let (_, answer) = http(&daemon.address, "GET", &path, &[], "").unwrap();
        assert!(
            answer.contains("\"result\":\"Running\""),
            "what was never verified, or an older rollout, is not successful: {answer}"
        );
    }
    // Flagger waits with 403 until the gate promotes; it is never told yes before.
    let flagger = |hook: &str, version: &str| {
        post(
            &daemon,
            &format!("/flagger/shop/{hook}"),
            &json!({ "name": "shop", "namespace": "prod", "checksum": version }),
        )
        .0
    };
    assert_eq!(flagger("confirm-promotion", "1.1.0"), 200);
    assert_eq!(flagger("rollback", "1.1.0"), 403);
    assert_eq!(flagger("anything", "1.1.0"), 404);
    world.shop.deploy(broken("1.2.0"));
    assert_eq!(flagger("confirm-promotion", "1.2.0"), 403);
    eventually("the bad one is told", Duration::from_secs(20), || {
        (flagger("rollback", "1.2.0") == 200).then_some(())
    });
    assert_eq!(flagger("confirm-promotion", "1.2.0"), 403);
    daemon.done(2);
    let mapped = |token: &str, body: &Value| {
        http(
            &daemon.address,
            "POST",
            "/hooks/shop/json",
            &[("x-webhook-token", token)],
            &body.to_string(),
        )
        .unwrap()
    };
    assert_eq!(mapped("wrong", &json!({})).0, 401);
    assert_eq!(
        mapped(key, &json!({ "ok": true })).0,
        422,
        "a body without a version"
    );
    let (status, text) = mapped(key, &json!({ "ok": false }));
    assert!(status == 200 && text.contains("ignored"), "{text}");
    world.shop.deploy(Deploy::healthy("1.3.0"));
    let (status, text) = mapped(
        key,
        &json!({ "ok": true, "image": { "tag": "1.3.0" }, "who": "jane" }),
    );
    assert_eq!(status, 201, "{text}");
    let started: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&started["version"], &started["actor"]),
        (&json!("1.3.0"), &json!("jane"))
    );
}
