//! The gate, end to end on the real binary: kills in every phase, signals, webhooks, windows.

use super::receiver::Receiver;
use super::support::{Daemon, api, bellwether, eventually, http, run};
use bellwether::demo::shop::{Deploy, Shop};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A shop on a runtime of its own.
struct World {
    shop: Shop,
    receiver: Receiver,
    folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl World {
    fn new(receiver_delay: Duration) -> World {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let shop = runtime
            .block_on(Shop::start(Deploy::healthy("1.0.0")))
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let scenario = "name: smoke\nservice: api\nsecrets: [ SLOW_SECRET ]\nsteps:\n  - { name: health, get: /health, headers: { x: \"${secrets.SLOW_SECRET}\" }, check: [ body.status == 'healthy' ] }\n  - { wait: 300ms }\n  - { name: login, post: /api/login, json: { user: demo, password: demo-password }, capture: { token: body.token } }\n  - { name: catalogue, get: /api/catalogue, auth: { bearer: \"${vars.token}\" }, check: [ status == 200 ] }\n";
        let load = "name: load\nservice: api\nsteps: [ { name: health, get: /health, think: 10ms, check: [ status == 200 ] } ]\nload: { executor: constant-vus, vus: 5, duration: 1s }\nobjectives: [ p95 < 2s ]\n";
        std::fs::write(folder.path().join("smoke.yaml"), scenario).unwrap();
        std::fs::write(folder.path().join("load.yaml"), load).unwrap();
        World {
            shop,
            receiver: Receiver::start(receiver_delay),
            folder,
            _runtime: runtime,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A configuration in which every phase lasts long enough to be hit.
    fn configuration(&self, more: &str) -> String {
        format!(
            "server: {{ listen: LISTEN }}
secrets: {{ KEY: {{ env: TEST_KEY }} }}
environments:
  production:
    enforce: true
    services: {{ api: {{ url: \"http://{shop}\", version: {{ path: /version }} }} }}
    secrets: {{ SLOW_SECRET: {{ command: [ sh, -c, \"sleep 0.3; echo x\" ] }} }}
{more}
gates:
  shop:
    environment: production
    services: [ api ]
    converge: {{ reads: 4, every: 150ms, timeout: 5s }}
    smoke: [ smoke.yaml ]
    load: [ load.yaml ]
    bake: {{ duration: 1s, every: 300ms }}
    prove: {{ reads: 4, every: 150ms, timeout: 10s }}
    webhook: {{ secret: \"${{secrets.KEY}}\" }}
    actions:
      promote: [ {{ webhook: {{ url: \"http://{hooks}/promote\", secret: \"${{secrets.KEY}}\" }} }} ]
      rollback:
        - {{ webhook: {{ url: \"http://{hooks}/rollback\", secret: \"${{secrets.KEY}}\" }} }}
        - {{ webhook: {{ url: \"http://{shop}/admin/rollback/${{inputs.previous_version}}\" }} }}
      hold: [ {{ webhook: {{ url: \"http://{hooks}/hold\", secret: \"${{secrets.KEY}}\" }} }} ]
    tell: [ team ]
channels:
  team: {{ slack: {{ url: \"http://{hooks}/team\" }} }}
",
            shop = self.shop.address,
            hooks = self.receiver.address,
        )
    }

    /// The version that is there at first is proven good: only such a one is gone back to.
    fn prove_good(&self, daemon: &Daemon) {
        let gate = daemon.done(daemon.start_gate(&facts("1.0.0")));
        assert_eq!(gate["verdict"], "promote", "{gate:#}");
    }

    fn daemon(&self, more: &str) -> Daemon {
        Daemon::start(self.path(), &self.configuration(more), &[("TEST_KEY", KEY)])
    }
}

fn broken(version: &str) -> Deploy {
    Deploy {
        fail_every: 1,
        ..Deploy::healthy(version)
    }
}

fn facts(version: &str) -> Value {
    json!({ "gate": "shop", "version": version, "previous_version": "1.0.0", "commit": "4f2a9c1", "actor": "a test" })
}

/// Starts a gate, kills the daemon as soon as the gate is at a position, starts it again. A gate
/// that was over before it was seen there is no kill: then all over again.
fn killed_at(position: &str, deploy: Deploy) -> (World, Value) {
    (0..5)
        .find_map(|_| tried_to_kill_at(position, deploy.clone()))
        .expect("the gate is seen in the position")
}

fn tried_to_kill_at(position: &str, deploy: Deploy) -> Option<(World, Value)> {
    let world = World::new(Duration::from_millis(300));
    let mut daemon = world.daemon("");
    if deploy.fail_every > 0 {
        world.prove_good(&daemon);
    }
    let version = deploy.version.clone();
    world.shop.deploy(deploy);
    let id = daemon.start_gate(&facts(&version));
    let path = format!("/api/v1/gates/{id}");
    let seen = eventually("the position", Duration::from_secs(60), || {
        api(&daemon.address, &path)
            .filter(|gate| gate["position"] == position || gate["done"] == true)
    });
    if seen["position"] != position {
        return None;
    }
    daemon.kill();
    daemon.restart();
    let gate = daemon.done(id);
    // Signals that are still on their way are given the time to arrive.
    let path = format!("/api/v1/gates/{id}");
    let gate = eventually("the signals are settled", Duration::from_secs(20), || {
        api(&daemon.address, &path).filter(|gate| {
            gate["signals"]
                .as_array()
                .is_some_and(|all| all.iter().all(|signal| signal["state"] != "pending"))
        })
    })
    .as_object()
    .cloned()
    .map_or(gate, Value::Object);
    Some((world, gate))
}

#[test]
fn a_kill_in_any_phase_of_a_good_deploy_changes_no_verdict_and_doubles_no_signal() {
    for position in ["preflight", "converge", "smoke", "load", "bake", "acting"] {
        let (world, gate) = killed_at(position, Deploy::healthy("1.1.0"));
        assert_eq!(gate["verdict"], "promote", "{position}: {gate:#}");
        assert_eq!(
            world.receiver.ids("/promote").len(),
            1,
            "{position}: one signal, whatever was repeated"
        );
        assert!(
            world.receiver.ids("/rollback").is_empty() && world.receiver.ids("/hold").is_empty(),
            "{position}"
        );
        assert!(world.shop.rollbacks().is_empty(), "{position}");
        assert!(
            !world.receiver.at("/team").is_empty(),
            "{position}: people are told"
        );
    }
}

#[test]
fn a_kill_in_any_phase_of_a_bad_deploy_ends_in_a_proven_rollback() {
    for position in ["preflight", "converge", "smoke", "acting", "proving"] {
        let (world, gate) = killed_at(position, broken("1.2.0"));
        assert_eq!(gate["verdict"], "rollback", "{position}: {gate:#}");
        assert_eq!(gate["proven"], true, "{position}: {gate:#}");
        assert_eq!(world.receiver.ids("/rollback").len(), 1, "{position}");
        assert_eq!(
            world.receiver.ids("/promote").len(),
            1,
            "{position}: only the version before"
        );
        assert_eq!(
            world
                .shop
                .rollbacks()
                .iter()
                .filter(|version| *version != "1.0.0")
                .count(),
            0,
            "{position}"
        );
        assert!(
            !world.shop.rollbacks().is_empty(),
            "{position}: the rollback was ordered"
        );
    }
}

#[test]
fn signals_are_signed_retried_and_carry_one_id() {
    let world = World::new(Duration::ZERO);
    world.receiver.refuse("/promote", &[500, 503]);
    let daemon = world.daemon("");
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let id = daemon.start_gate(&facts("1.1.0"));
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "promote", "{gate:#}");
    eventually("everything is delivered", Duration::from_secs(20), || {
        let gate = api(&daemon.address, &format!("/api/v1/gates/{id}"))?;
        gate["signals"]
            .as_array()?
            .iter()
            .all(|signal| signal["state"] == "delivered")
            .then_some(())
    });
    assert_eq!(world.receiver.ids("/promote").len(), 1);
    for received in world.receiver.at("/promote") {
        let secret = bellwether::secret::Secret::new(KEY);
        let now = chrono::Utc::now().timestamp();
        let verified = bellwether::delivery::signature::verify(
            &secret,
            received.header("webhook-id"),
            received.header("webhook-timestamp"),
            received.header("webhook-signature"),
            received.body.as_bytes(),
            now,
        );
        assert_eq!(verified, Ok(()));
        let body: Value = serde_json::from_str(&received.body).unwrap();
        assert_eq!(
            (body["type"].as_str(), body["data"]["verdict"].as_str()),
            (Some("bellwether.gate.promote"), Some("promote"))
        );
        assert_eq!(body["data"]["facts"]["commit"], "4f2a9c1");
    }
    assert!(
        world.receiver.at("/promote").len() > 1,
        "it was retried until it was taken"
    );
    let mut state = std::fs::read(world.path().join("bellwether.db")).unwrap();
    state.extend(std::fs::read(world.path().join("bellwether.db-wal")).unwrap());
    let held = |text: &str| {
        state
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(
        !held(KEY) && !daemon.log().contains(KEY),
        "a secret is neither kept nor logged"
    );
}

#[test]
fn signed_webhooks_start_gates_and_forged_or_repeated_ones_do_not() {
    let world = World::new(Duration::ZERO);
    let daemon = world.daemon("");
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let body = json!({ "type": "deploy", "data": { "version": "1.1.0", "actor": "the pipeline" } })
        .to_string();
    let now = chrono::Utc::now().timestamp();
    let sign = |id: &str, at: i64, body: &str| {
        bellwether::delivery::signature::sign(
            &bellwether::secret::Secret::new(KEY),
            id,
            at,
            body.as_bytes(),
        )
        .unwrap()
    };
    let send = |id: &str, at: i64, signature: &str, body: &str| {
        let at = at.to_string();
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature),
            ("content-type", "application/json"),
        ];
        http(&daemon.address, "POST", "/hooks/shop", &headers, body).unwrap()
    };
    assert_eq!(send("msg_1", now, "v1,bm9wZQ==", &body).0, 401, "forged");
    assert_eq!(
        send(
            "msg_1",
            now - 3600,
            &sign("msg_1", now - 3600, &body),
            &body
        )
        .0,
        401,
        "too old"
    );
    assert_eq!(
        send(
            "msg_1",
            now,
            &sign("msg_1", now, &body),
            "{\"version\":\"6.6.6\"}"
        )
        .0,
        401,
        "changed"
    );
    assert_eq!(
        send("msg_0", now, &sign("msg_0", now, "{}"), "{}").0,
        422,
        "no version"
    );
    assert_eq!(
        http(&daemon.address, "POST", "/hooks/other", &[], "{}")
            .unwrap()
            .0,
        404
    );
    let (status, first) = send("msg_1", now, &sign("msg_1", now, &body), &body);
    assert_eq!(status, 201, "{first}");
    let (status, again) = send("msg_1", now + 1, &sign("msg_1", now + 1, &body), &body);
    assert_eq!(status, 200, "a repeated one starts nothing");
    let id = |text: &str| serde_json::from_str::<Value>(text).unwrap()["id"].clone();
    assert_eq!(id(&first), id(&again));
    assert_eq!(
        api(&daemon.address, "/api/v1/gates")
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_cannot_be_measured_is_held() {
    let frozen = "    windows: { zone: UTC, freezes: [ { from: 2020-01-01, to: 2099-01-01, reason: for the test } ] }\n";
    for (more, version, why) in [
        (frozen, "1.1.0", "inside the freeze"),
        ("", "9.9.9", "was not served everywhere"),
    ] {
        let world = World::new(Duration::ZERO);
        let daemon = world.daemon(more);
        world.shop.deploy(Deploy::healthy("1.1.0"));
        let gate = daemon.done(daemon.start_gate(&facts(version)));
        assert_eq!(gate["verdict"], "hold", "{gate:#}");
        assert!(gate["reasons"].to_string().contains(why), "{gate:#}");
        eventually("the hold is signalled", Duration::from_secs(10), || {
            (world.receiver.ids("/hold").len() == 1).then_some(())
        });
        assert!(world.receiver.ids("/promote").is_empty());
    }
}

#[test]
fn a_bake_without_a_single_round_promotes_nothing() {
    let world = World::new(Duration::ZERO);
    let text = world
        .configuration("")
        .replace("duration: 1s, every: 300ms", "duration: 0s");
    let daemon = Daemon::start(world.path(), &text, &[("TEST_KEY", KEY)]);
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let gate = daemon.done(daemon.start_gate(&facts("1.1.0")));
    assert_eq!(gate["verdict"], "hold", "{gate:#}");
    assert!(
        gate["reasons"]
            .to_string()
            .contains("no round was performed"),
        "{gate:#}"
    );
}

#[test]
fn the_command_line_gives_the_verdict_as_its_exit_code() {
    let world = World::new(Duration::ZERO);
    let daemon = world.daemon("");
    let gate = |arguments: &[&str]| {
        let server = format!("http://{}", daemon.address);
        run(bellwether()
            .arg("gate")
            .args(arguments)
            .args(["--server", &server]))
    };
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let (code, out, err) = gate(&["start", "shop", "--version", "1.1.0", "--wait"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("✓ promote") && err.contains("load passed"),
        "{out}{err}"
    );
    world.shop.deploy(broken("1.2.0"));
    let (code, out, _) = gate(&["start", "shop", "--version", "1.2.0", "--wait", "--json"]);
    assert_eq!(code, 10);
    let detail: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        detail["rollback_to"], "1.1.0",
        "the last version that was proven good, not the one before"
    );
    assert_eq!(detail["proven"], true);
    let (code, _, err) = gate(&["start", "shopp", "--version", "1"]);
    assert_eq!(code, 2, "{err}");
    assert_eq!(gate(&["wait", "2"]).0, 10);
    let (_, out, _) = gate(&["list"]);
    assert!(out.contains("rollback") && out.contains("proven"), "{out}");
    let (code, _, err) = run(bellwether().args([
        "gate",
        "wait",
        "1",
        "--server",
        "http://127.0.0.1:1",
        "--timeout",
        "1s",
    ]));
    assert_eq!(
        code, 20,
        "a daemon that is not there never says promote: {err}"
    );
}

#[test]
fn statuses_reach_github_and_commands_get_their_facts() {
    let world = World::new(Duration::ZERO);
    let seen = world.path().join("seen");
    let text = world
        .configuration("")
        .replace(
            "    tell: [ team ]",
            &format!(
                "    github: {{ repository: o/r, token: \"${{secrets.KEY}}\", api: \"http://{}/gh\" }}\n    tell: [ team ]",
                world.receiver.address
            ),
        )
        .replace(
            "      hold:",
            &format!(
                "        - {{ command: [ sh, -c, \"echo $BELLWETHER_VERDICT $BELLWETHER_VERSION $1 > {}; echo {KEY}; echo $BELLWETHER_KEY\", sh, \"${{inputs.previous_version}}\" ] }}\n        - {{ command: [ sleep, \"60\" ], timeout: 300ms }}\n      hold:",
                seen.display()
            ),
        );
    let daemon = Daemon::start(world.path(), &text, &[("TEST_KEY", KEY)]);
    world.prove_good(&daemon);
    world.shop.deploy(broken("1.2.0"));
    let mut facts = facts("1.2.0");
    facts["deployment"] = json!("42");
    let gate = daemon.done(daemon.start_gate(&facts));
    assert_eq!(
        (&gate["verdict"], &gate["proven"]),
        (&json!("rollback"), &json!(true)),
        "{gate:#}"
    );
    assert_eq!(
        std::fs::read_to_string(&seen).unwrap(),
        "rollback 1.2.0 1.0.0\n"
    );
    let signal = |target: &str| {
        let signals = gate["signals"].as_array().unwrap();
        signals
            .iter()
            .find(|signal| signal["target"].as_str().unwrap().starts_with(target))
            .unwrap()
            .clone()
    };
    let output = signal("action:shop:rollback:2:");
    assert_eq!(output["state"], "delivered");
    let result = output["result"].as_str().unwrap();
    assert!(
        result.contains("[secret KEY]") && !result.contains(KEY),
        "output is kept, secrets are not: {result}"
    );
    assert!(
        result.contains(output["key"].as_str().unwrap()),
        "the idempotency key is handed over"
    );
    let late = signal("action:shop:rollback:3:");
    assert_eq!(late["state"], "given_up");
    assert!(
        late["result"]
            .as_str()
            .unwrap()
            .contains("did not end within 300ms"),
        "{late}"
    );
    for (path, states) in [
        (
            "/gh/repos/o/r/deployments/42/statuses",
            &["failure", "failure"][..],
        ),
        (
            "/gh/repos/o/r/statuses/4f2a9c1",
            &["success", "failure", "failure"],
        ),
    ] {
        let received = eventually("both statuses are there", Duration::from_secs(10), || {
            Some(world.receiver.at(path)).filter(|received| received.len() == states.len())
        });
        for (received, state) in received.iter().zip(states) {
            let body: Value = serde_json::from_str(&received.body).unwrap();
            assert_eq!(body["state"], *state, "{body}");
            assert!(body["description"].as_str().unwrap().chars().count() <= 140);
            assert_eq!(received.header("authorization"), format!("Bearer {KEY}"));
        }
    }
    for subject in [
        "🚨 Production Deployment Failed",
        "⚠️ Production Rollback Executed",
    ] {
        eventually(subject, Duration::from_secs(10), || {
            let told = world.receiver.at("/team");
            told.iter()
                .any(|received| {
                    let body: Value = serde_json::from_str(&received.body).unwrap();
                    body["text"]
                        .as_str()
                        .is_some_and(|text| text.starts_with(subject))
                })
                .then_some(())
        });
    }
}

#[test]
fn a_load_that_somebody_ends_by_hand_promotes_nothing() {
    let world = World::new(Duration::ZERO);
    // So long that the order comes while it lasts; it ends then.
    let file = world.path().join("load.yaml");
    let load = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, load.replace("duration: 1s", "duration: 1h")).unwrap();
    let daemon = world.daemon("");
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let gate = daemon.start_gate(&facts("1.1.0"));
    let id = eventually("a load", Duration::from_secs(30), || {
        let (_, loads) = http(&daemon.address, "GET", "/api/v1/loads", &[], "")?;
        let loads: Value = serde_json::from_str(&loads).ok()?;
        // Once there is evidence, that what was stopped is not merely repeated is shown too.
        loads[0]["requests"].as_u64().filter(|made| *made > 0)?;
        loads[0]["id"].as_u64()
    });
    let (status, text) = http(
        &daemon.address,
        "POST",
        &format!("/api/v1/loads/{id}"),
        &[("content-type", "application/json")],
        "{\"order\": \"stop\"}",
    )
    .unwrap();
    assert_eq!(status, 200, "{text}");
    let done = daemon.done(gate);
    assert_eq!(done["verdict"], "hold", "{done:#}");
    assert!(
        done["reasons"].to_string().contains("interrupted"),
        "{done:#}"
    );
}

#[test]
fn a_machine_that_stands_still_costs_a_load_and_no_verdict() {
    let world = World::new(Duration::ZERO);
    let file = world.path().join("load.yaml");
    let load = std::fs::read_to_string(&file).unwrap().replace(
        "executor: constant-vus, vus: 5, duration: 1s",
        "executor: constant-arrival-rate, rate: 50, duration: 2s, preAllocatedVUs: 10",
    );
    // What holds all the same holds: only a limit that the standstill breaks is doubtful.
    std::fs::write(file, load.replace("p95 < 2s", "p95 < 100ms")).unwrap();
    let daemon = world.daemon("");
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let gate = daemon.start_gate(&facts("1.1.0"));
    eventually("a load", Duration::from_secs(30), || {
        let loads = api(&daemon.address, "/api/v1/loads")?;
        loads[0]["requests"].as_u64().filter(|made| *made > 0)
    });
    daemon.signal(libc::SIGSTOP);
    std::thread::park_timeout(Duration::from_millis(500));
    daemon.signal(libc::SIGCONT);
    let done = daemon.done(gate);
    assert_eq!(done["verdict"], "promote", "{done:#}");
    let said = done["phases"].to_string();
    assert!(
        said.contains("the load generator was late before"),
        "{done:#}"
    );
}

#[test]
fn a_caller_that_hangs_up_leaves_no_gate_behind_that_nobody_drives() {
    use std::io::Write;
    let world = World::new(Duration::ZERO);
    let daemon = world.daemon("");
    world.shop.deploy(Deploy::healthy("1.1.0"));
    for _ in 0..20 {
        let (host, body) = (&daemon.address, facts("1.1.0").to_string());
        let request = format!(
            "POST /api/v1/gates HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
    }
    let gates = eventually("all gates are done", Duration::from_secs(60), || {
        let gates = api(&daemon.address, "/api/v1/gates")?;
        let all = gates.as_array()?.clone();
        let is_done = |gate: &Value| gate["done"] == true;
        (!all.is_empty() && all.iter().all(is_done)).then_some(all)
    });
    assert_eq!(gates[0]["verdict"], "promote", "{:#}", gates[0]);
}

#[test]
fn a_newer_deploy_supersedes_a_gate_that_is_still_measuring() {
    let world = World::new(Duration::ZERO);
    let daemon = world.daemon("");
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let old = daemon.start_gate(&facts("1.1.0"));
    world.shop.deploy(Deploy::healthy("1.2.0"));
    let new = daemon.start_gate(&facts("1.2.0"));
    let old = daemon.done(old);
    assert_eq!(old["verdict"], "hold", "{old:#}");
    assert!(
        old["reasons"].to_string().contains("a newer deploy"),
        "{old:#}"
    );
    assert_eq!(daemon.done(new)["verdict"], "promote");
    let (status, text) = http(
        &daemon.address,
        "POST",
        &format!("/api/v1/gates/{new}/cancel"),
        &[],
        "",
    )
    .unwrap();
    assert_eq!(status, 409, "a verdict is not taken back: {text}");
}
