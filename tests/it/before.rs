//! What must hold before a deploy is measured, and what people must say before it is promoted.

use super::policy::{World, broken, cli, facts, post};
use super::support::{api, eventually};
use bellwether::demo::shop::Deploy;
use serde_json::{Value, json};
use std::time::Duration;

fn world() -> World {
    let world = World::new();
    let file =
        "name: ci\nsteps: [ { name: required checks are green, command: [ test, -f, green ] } ]\n";
    std::fs::write(world.path().join("ci.yaml"), file).unwrap();
    world
}

fn of_phase(gate: &Value, name: &str) -> (String, String) {
    let phases = gate["phases"].as_array().unwrap();
    let phase = phases.iter().find(|phase| phase["phase"] == name).unwrap();
    (phase["outcome"].to_string(), phase["reasons"].to_string())
}

#[test]
fn what_does_not_hold_before_holds_the_gate_and_a_skip_is_never_passed() {
    let world = world();
    let gate = "    preconditions:
      ci: { scenarios: ci.yaml }
      backup: { scenarios: ci.yaml, skip: false }
    smoke: [ home.yaml ]";
    let daemon = world.daemon("", gate, "");
    // Broken as the deploy is: what does not hold before is no reason to roll back.
    let gate = world.verify(&daemon, broken("1.1.0"));
    assert_eq!(gate["verdict"], "hold", "{gate}");
    let reasons = gate["reasons"].to_string();
    for said in [
        "`ci` does not hold",
        "`backup` does not hold",
        "exit code 1",
    ] {
        assert!(reasons.contains(said), "{said}: {reasons}");
    }
    // What cannot be skipped is not skipped, and who skips says why and who.
    let start = |skips: Value, actor: &str| {
        let body = json!({ "gate": "shop", "version": "1.1.0", "actor": actor, "skips": skips });
        post(&daemon, "/api/v1/gates", &body)
    };
    for (skips, actor, said) in [
        (
            json!({ "backup": "no time" }),
            "jane",
            "no precondition of this gate that can be skipped",
        ),
        (
            json!({ "cii": "no time" }),
            "jane",
            "no precondition of this gate",
        ),
        (json!({ "ci": "" }), "jane", "its reason is empty"),
        (json!({ "ci": "no time" }), "", "`actor` is empty"),
    ] {
        let (status, answer) = start(skips, actor);
        assert_eq!(status, 422, "{answer}");
        assert!(answer.to_string().contains(said), "{said}: {answer}");
    }
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let gate = daemon.done(
        start(json!({ "ci": "CI is down" }), "jane").1["id"]
            .as_i64()
            .unwrap(),
    );
    assert_eq!(
        gate["verdict"], "hold",
        "the backup is still missing: {gate}"
    );
    assert!(
        !gate["reasons"].to_string().contains("`ci` does not hold"),
        "{gate}"
    );
    std::fs::write(world.path().join("green"), "").unwrap();
    let gate = daemon.done(
        start(json!({ "ci": "CI is down" }), "jane").1["id"]
            .as_i64()
            .unwrap(),
    );
    assert_eq!(gate["verdict"], "promote", "{gate}");
    let (outcome, reasons) = of_phase(&gate, "preconditions");
    assert_eq!(outcome, "\"waived\"");
    assert!(
        reasons.contains("`ci` was skipped by jane: CI is down"),
        "{reasons}"
    );
    let gate = world.verify(&daemon, Deploy::healthy("1.2.0"));
    assert_eq!(of_phase(&gate, "preconditions").0, "\"pass\"", "{gate}");
}

#[test]
fn what_people_attest_is_waited_for_and_counts_for_its_time() {
    let world = world();
    let gate = "    smoke: [ home.yaml ]
    approval: { timeout: 20s, by_actor: true }
    attestations:
      notes: { text: the release notes are written, link: true }
      drill: { text: the restore was tried, by: [ Jane Doe ], valid_for: 30d }";
    let daemon = world.daemon("", gate, "");
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let id = daemon.start_gate(&facts("shop", "1.1.0"));
    eventually("it waits for people", Duration::from_secs(20), || {
        let gate = api(&daemon.address, &format!("/api/v1/gates/{id}"))?;
        (gate["position"] == "approval").then_some(())
    });
    let number = id.to_string();
    let attest = |words: &[&str]| cli(&daemon, &[&["attest", &number], words].concat());
    let (code, said) = attest(&["spelling", "--by", "john"]);
    assert!(
        code != 0 && said.contains("it asks for: notes, drill"),
        "{said}"
    );
    // Of the wrong person, and without its link: noted, and it does not count.
    assert_eq!(attest(&["drill", "--by", "john"]).0, 0);
    assert_eq!(attest(&["notes", "--by", "john"]).0, 0);
    assert_eq!(cli(&daemon, &["approve", &number, "--by", "jane"]).0, 0);
    let waits = api(&daemon.address, &format!("/api/v1/gates/{id}")).unwrap();
    assert_eq!(waits["position"], "approval", "{waits}");
    assert_eq!(
        attest(&["drill", "--by", "jane doe", "--note", "on Monday"]).0,
        0
    );
    assert_eq!(
        attest(&[
            "notes",
            "--by",
            "john",
            "--link",
            "https://example.com/notes"
        ])
        .0,
        0
    );
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "promote", "{gate}");
    let (_, reasons) = of_phase(&gate, "approval");
    for said in [
        "`drill`: jane doe (on Monday)",
        "`notes`: john (https://example.com/notes)",
    ] {
        assert!(reasons.contains(said), "{reasons}");
    }
    // The drill still counts for the next deploy, the notes do not.
    world.shop.deploy(Deploy::healthy("1.2.0"));
    let id = daemon.start_gate(&facts("shop", "1.2.0"));
    let number = id.to_string();
    for words in [
        vec!["approve", &number, "--by", "jane"],
        vec![
            "attest",
            &number,
            "notes",
            "--by",
            "john",
            "--link",
            "https://example.com/2",
        ],
    ] {
        assert_eq!(cli(&daemon, &words).0, 0);
    }
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "promote", "{gate}");
    assert!(of_phase(&gate, "approval").1.contains("said on"), "{gate}");
}

#[test]
fn a_restart_is_tried_before_a_rollback_and_what_still_fails_is_rolled_back() {
    let world = world();
    let file = "name: mended\nservice: api\nsteps:\n  - { post: /api/login, json: { user: demo, password: demo-password }, capture: { token: body.token } }\n  - { get: /api/catalogue, auth: { bearer: \"${vars.token}\" } }\n  - { name: it was restarted, command: [ test, -f, restarted ] }\n";
    std::fs::write(world.path().join("mended.yaml"), file).unwrap();
    let gate = format!(
        "    smoke: [ mended.yaml ]
    actions:
      remedy: [ {{ name: restart, command: [ touch, restarted ], dir: \"{}\" }} ]
{}",
        world.path().display(),
        world.rollback()
    );
    let daemon = world.daemon("    enforce: true", &gate, "");
    let gate = world.verify(&daemon, Deploy::healthy("1.0.0"));
    assert_eq!(gate["verdict"], "promote", "the restart mended it: {gate}");
    let text = gate["reasons"].to_string();
    assert!(
        text.contains("it needed a remedy first: smoke failed"),
        "{text}"
    );
    let gate = world.verify(&daemon, broken("1.1.0"));
    assert_eq!(gate["verdict"], "rollback", "{gate}");
    assert_eq!(gate["proven"], true, "{gate}");
    let text = gate.to_string();
    assert!(
        text.contains("a remedy was tried after it failed before"),
        "{text}"
    );
    let ordered = gate["signals"].as_array().unwrap();
    let is_remedy = |signal: &&Value| signal["target"].to_string().contains(":remedy:");
    assert_eq!(ordered.iter().filter(is_remedy).count(), 1, "{gate}");
}

#[test]
fn a_deploy_that_changed_the_database_is_rolled_back_by_consent_alone() {
    let world = world();
    let gate = format!(
        "    smoke: [ smoke.yaml ]
    actions:
      down: [ {{ name: migrate down, command: [ touch, \"${{inputs.migrated}}.down\" ], dir: \"{}\" }} ]
{}",
        world.path().display(),
        world.rollback()
    );
    let daemon = world.daemon("    enforce: true", &gate, "");
    world.verify(&daemon, Deploy::healthy("1.0.0"));
    world.shop.deploy(broken("1.1.0"));
    let mut body = facts("shop", "1.1.0");
    body["migrated"] = "20260412".into();
    let id = daemon.start_gate(&body);
    let waits = || {
        let gate = api(&daemon.address, &format!("/api/v1/gates/{id}"))?;
        (gate["position"] == "waiting for consent").then_some(gate)
    };
    let waiting = eventually("it waits for consent", Duration::from_secs(20), waits);
    assert_eq!(waiting["verdict"], "rollback");
    assert_eq!(waiting["migrated"], "20260412");
    let (_, shown) = cli(&daemon, &["show", &id.to_string()]);
    assert!(
        shown.contains("nothing is rolled back before somebody consents"),
        "{shown}"
    );
    let page = super::support::http(&daemon.address, "GET", &format!("/gates/{id}"), &[], "");
    assert!(page.unwrap().1.contains("waiting for consent"));
    assert_eq!(
        world.shop.rollbacks(),
        Vec::<String>::new(),
        "nothing was rolled back"
    );
    let number = id.to_string();
    let consent = [
        "consent",
        &number,
        "--by",
        "jane",
        "--reason",
        "it was an empty table",
        "--with-down",
    ];
    assert_eq!(cli(&daemon, &consent).0, 0);
    let gate = daemon.done(id);
    assert_eq!(gate["proven"], true, "{gate}");
    assert!(world.path().join("20260412.down").exists());
    assert!(
        gate.to_string()
            .contains("jane consented to the rollback, the database first"),
        "{gate}"
    );
    assert!(cli(&daemon, &consent).0 != 0, "it waits no more");
}

#[test]
fn what_failed_is_looked_at_while_it_can_be_seen_and_kept() {
    let world = world();
    let address = world.shop.address;
    let file = format!(
        "name: look\nservice: api\nsecrets: [ TEST_KEY ]\nsteps:\n  - {{ name: page, get: /api/catalogue, keep: true, check: [ status >= 200 ] }}\n  - {{ name: log, logs: {{ shell: 'echo one; echo the key is $TEST_KEY' }}, keep: true }}\n# {address}\n"
    );
    std::fs::write(world.path().join("look.yaml"), file).unwrap();
    let gate = "    smoke: [ smoke.yaml ]\n    diagnostics: [ look.yaml ]";
    let daemon = world.daemon("", gate, "");
    let gate = world.verify(&daemon, Deploy::healthy("1.0.0"));
    let phases = |gate: &Value| gate["runs"].to_string().matches("diagnostics").count();
    assert_eq!(phases(&gate), 0, "nothing failed: {gate}");
    let gate = world.verify(&daemon, broken("1.1.0"));
    assert_eq!(gate["verdict"], "rollback", "{gate}");
    assert_eq!(phases(&gate), 1, "{gate}");
    let out = world.path().join("incident");
    let id = gate["id"].to_string();
    let (code, said) = cli(&daemon, &["incident", &id, "--out", out.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    let files: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("kept-diagnostics"))
        .collect();
    assert_eq!(files.len(), 2, "{files:?}");
    let texts = files
        .iter()
        .map(|name| std::fs::read_to_string(out.join(name)).unwrap());
    let all: String = texts.collect();
    assert!(
        all.contains("the key is ") && !all.contains("whsec_"),
        "{all}"
    );
    assert!(all.contains("HTTP/1.1 "), "{all}");
}

#[test]
fn a_command_that_could_not_roll_back_is_found_in_the_preflight() {
    let world = world();
    let gate = "    smoke: [ home.yaml ]
    actions: { rollback: [ { name: script, command: [ \"true\" ], check: [ sh, -c, \"echo no such release >&2; exit 3\" ] } ] }";
    let daemon = world.daemon("    enforce: true", gate, "");
    let gate = world.verify(&daemon, Deploy::healthy("1.0.0"));
    assert_eq!(
        gate["verdict"], "promote",
        "there is nothing to go back to yet: {gate}"
    );
    let gate = world.verify(&daemon, Deploy::healthy("1.1.0"));
    assert_eq!(gate["verdict"], "hold", "{gate}");
    let reasons = gate["reasons"].to_string();
    assert!(
        reasons.contains("its check `sh` ended with exit code 3: no such release"),
        "{reasons}"
    );
}

#[test]
fn a_change_of_the_database_by_a_deploy_in_between_is_not_forgotten() {
    let world = world();
    let gate = format!(
        "    smoke: [ smoke.yaml ]\n    actions:\n{}",
        world.rollback()
    );
    let daemon = world.daemon("    enforce: true", &gate, "");
    world.verify(&daemon, Deploy::healthy("1.0.0"));
    // It changed the database, and was called off.
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let mut body = facts("shop", "1.2.0-was-never-served");
    body["migrated"] = "V42".into();
    let id = daemon.start_gate(&body);
    assert_eq!(cli(&daemon, &["cancel", &id.to_string()]).0, 0);
    daemon.done(id);
    world.shop.deploy(broken("1.3.0"));
    let id = daemon.start_gate(&facts("shop", "1.3.0"));
    let waits = || {
        let gate = api(&daemon.address, &format!("/api/v1/gates/{id}"))?;
        (gate["position"] == "waiting for consent").then_some(gate)
    };
    let waiting = eventually("it waits for consent", Duration::from_secs(20), waits);
    assert_eq!(waiting["migrated"], "V42", "{waiting}");
    let consent = [
        "consent",
        &id.to_string(),
        "--by",
        "jane",
        "--reason",
        "V42 is compatible",
    ];
    assert_eq!(cli(&daemon, &consent).0, 0);
    assert_eq!(daemon.done(id)["proven"], true);
    // What is served is nothing to go back to.
    world.verify(&daemon, Deploy::healthy("2.0.0"));
    let order = json!({ "by": "jane", "reason": "why not", "to": "2.0.0" });
    let (status, said) = post(&daemon, "/api/v1/rollback/shop", &order);
    assert_eq!(status, 422, "{said}");
    assert!(
        said.to_string().contains("cannot be rolled back to itself"),
        "{said}"
    );
}

#[test]
fn without_enforce_nothing_is_changed_back_either() {
    let world = world();
    let gate = format!(
        "    smoke: [ smoke.yaml ]\n    actions: {{ down: [ {{ command: [ touch, down ], dir: \"{}\" }} ] }}",
        world.path().display()
    );
    let daemon = world.daemon("", &gate, "");
    world.verify(&daemon, Deploy::healthy("1.0.0"));
    world.shop.deploy(broken("1.1.0"));
    let mut body = facts("shop", "1.1.0");
    body["migrated"] = "V1".into();
    let gate = daemon.done(daemon.start_gate(&body));
    assert_eq!(
        (&gate["verdict"], &gate["dry_run"]),
        (&json!("rollback"), &json!(true)),
        "{gate}"
    );
    assert!(!world.path().join("down").exists());
}

#[test]
fn a_secret_that_is_still_that_of_the_release_before_holds_the_gate() {
    let world = World::new();
    let secret = world.path().join("token");
    let file = "name: signed\nservice: api\nsecrets: { TOKEN: { file: token } }\nsteps: [ { get: /health, headers: { x-token: \"${secrets.TOKEN}\" } } ]\n";
    std::fs::write(world.path().join("signed.yaml"), file).unwrap();
    std::fs::write(&secret, "first-token-of-all").unwrap();
    let daemon = world.daemon("", "    smoke: [ signed.yaml ]\n    rotated: [ TOKEN ]", "");
    let first = world.verify(&daemon, Deploy::healthy("1.1.0"));
    assert_eq!(first["verdict"], "promote", "{first}");
    let same = world.verify(&daemon, Deploy::healthy("1.2.0"));
    assert_eq!(same["verdict"], "hold", "{same}");
    let reasons = same["reasons"].to_string();
    assert!(
        reasons.contains("`TOKEN` is still that of the release before"),
        "{reasons}"
    );
    // The same release once more is no new one, and one that was held is none to compare with.
    let again = world.verify(&daemon, Deploy::healthy("1.1.0"));
    assert_eq!(again["verdict"], "promote", "{again}");
    std::fs::write(&secret, "second-token-of-all").unwrap();
    let rotated = world.verify(&daemon, Deploy::healthy("1.2.0"));
    assert_eq!(rotated["verdict"], "promote", "{rotated}");
    let (_, reasons) = of_phase(&rotated, "preflight");
    assert!(reasons.contains("`TOKEN` was rotated"), "{reasons}");
    let state = std::fs::read(world.path().join("bellwether.db")).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&state).contains("token-of-all"));
}
