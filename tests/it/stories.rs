//! Whole gates of the five guides against stand-ins that are deployed and rolled back by their platforms'
//! programs: each verdict, with its reason, and the proof of each rollback.
//!
//! The folders are as shipped but for times, rates, addresses and `enforce`: minutes become seconds. What a
//! version does is said by its name: `1.3.0-broken` is as the guide's system was built, `1.4.0-slow` is slow.

use super::guides::{SECRETS, apex, calibrate, docsense, hotdash, paintbox};
use super::policy::cli;
use super::standin::{Answer, Asked, programs, serve_by};
use super::support::{Daemon, api, eventually, first_undisturbed, root};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How a stand-in answers: what is asked, whether it is as it was built.
type Answers = fn(&Asked, bool) -> Answer;

/// A guide's system with its daemon.
struct Story {
    folder: tempfile::TempDir,
    daemon: Option<Daemon>,
    /// How often paths were asked for.
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
}

/// What a story is made from.
struct Plot {
    guide: &'static str,
    /// The addresses of its services.
    urls: &'static [&'static str],
    answers: Answers,
    /// Where a slow version is slow, and for how long.
    slow: (&'static str, Duration),
    /// Programs: names, and cases of their shell scripts, with STATE for the folder of the state.
    programs: &'static [(&'static str, &'static str)],
    environment: &'static [(&'static str, &'static str)],
    /// Further texts to replace.
    edits: &'static [(&'static str, &'static str)],
}

fn served(state: &Path) -> String {
    let text = std::fs::read_to_string(state.join("version")).unwrap_or_default();
    text.trim().to_owned()
}

/// Minutes become seconds, and rates what these need to show the same.
fn hastened(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, with) in [
        (r"enforce: false", "enforce: true"),
        (
            r"caps: \{ rate: \d+, vus: \d+ \}",
            "caps: { rate: 900, vus: 200 }",
        ),
        (r"limit: 100/m", "limit: 300/s"),
        (
            r"converge: \{ reads: \d+, every: \w+, timeout: \w+ \}",
            "converge: { reads: 2, every: 50ms, timeout: 6s }",
        ),
        (
            r"bake: \{ duration: \w+, every: \w+",
            "bake: { duration: 3s, every: 60ms",
        ),
        (
            r"rate: \d+, duration: \w+, preAllocatedVUs: \d+(, maxVUs: \d+)?",
            "rate: 140, duration: 6s, preAllocatedVUs: 60",
        ),
        (r"vus: 5, duration: 1m", "vus: 60, duration: 6s"),
        (
            r"stages: \[.*\]",
            "stages: [ { duration: 1s, target: 140 }, { duration: 5s, target: 140 } ]",
        ),
        (
            r"prove: \{ timeout: \w+,",
            "prove: { reads: 2, every: 50ms, timeout: 20s,",
        ),
        (
            r"after: \[ \{ gate: (\w+), within: 2d \} \]",
            "after: [ { gate: $1, within: 1h } ]",
        ),
    ] {
        text = regex::Regex::new(pattern)
            .unwrap()
            .replace_all(&text, with)
            .into_owned();
    }
    if !text.contains("prove: {") {
        text = text.replace(
            "    actions:\n",
            "    prove: { reads: 2, every: 50ms, timeout: 20s }\n    actions:\n",
        );
    }
    text.replace(
        "    attestations:\n",
        "    budgets: { approval: 15s }\n    attestations:\n",
    )
}

/// Scripts of k6, hastened as what the gate takes beside them.
fn copied(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let mut text = std::fs::read_to_string(file.path()).unwrap();
        for (old, new) in [
            ("__ENV.VUS || 5", "__ENV.VUS || 60"),
            ("__ENV.DURATION || '1m'", "__ENV.DURATION || '6s'"),
            ("__ENV.SLEEP || 1", "__ENV.SLEEP || 0.3"),
        ] {
            text = text.replace(old, new);
        }
        std::fs::write(to.join(file.file_name()), text).unwrap();
    }
}

impl Story {
    fn begin(plot: &Plot) -> Story {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().to_owned();
        std::fs::write(state.join("version"), "1.2.0").unwrap();
        let (answers, (slow_at, slow_for)) = (plot.answers, plot.slow);
        let of = state.clone();
        let asked_for: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
        let counted = asked_for.clone();
        let address = serve_by(move |asked| {
            let version = served(&of);
            *counted
                .lock()
                .unwrap()
                .entry(asked.path.clone())
                .or_default() += 1;
            if version.ends_with("-slow") && asked.path.starts_with(slow_at) {
                std::thread::park_timeout(slow_for);
            }
            let mut answer = answers(asked, version.ends_with("-broken"));
            answer.body = answer.body.replace("1.2.0", &version);
            answer
        });
        let scripts: Vec<(&str, String)> = plot
            .programs
            .iter()
            .map(|(name, cases)| (*name, cases.replace("STATE", &state.display().to_string())))
            .collect();
        let scripts: Vec<(&str, &str)> = scripts
            .iter()
            .map(|(name, cases)| (*name, cases.as_str()))
            .collect();
        let bin = programs(&state, &scripts);
        let mut text = String::new();
        for file in std::fs::read_dir(root().join("scenarios").join(plot.guide)).unwrap() {
            let file = file.unwrap();
            if file.path().is_dir() {
                copied(&file.path(), &state.join(file.file_name()));
                continue;
            }
            let mut read = hastened(&std::fs::read_to_string(file.path()).unwrap());
            let name = file.file_name().into_string().unwrap();
            // What a scenario says of an origin is what a browser would send, wherever the service is.
            if ["bellwether.yaml", "github.yaml"].contains(&name.as_str()) {
                for url in plot.urls {
                    read = read.replace(&format!("\"{url}\""), &format!("\"http://{address}\""));
                }
            }
            for (old, new) in plot.edits {
                read = read.replace(old, &new.replace("STATE", &state.display().to_string()));
            }
            match name.as_str() {
                "bellwether.yaml" => text = read,
                _ => std::fs::write(state.join(name), read).unwrap(),
            }
        }
        let text = format!("server: {{ listen: LISTEN }}\n{text}");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut environment = plot.environment.to_vec();
        environment.push(("PATH", &path));
        let daemon = Daemon::start(&state, &text, &environment);
        Story {
            folder,
            daemon: Some(daemon),
            asked: asked_for,
        }
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    /// The same, where the gate is started before the deploy and sees the rollout.
    fn verify_from_before(&self, gate: &str, [before, version]: [&str; 2], seen_by: &str) -> Value {
        let serve = |version| std::fs::write(self.folder.path().join("version"), version).unwrap();
        let verify = || {
            serve(before);
            let facts = json!({ "gate": gate, "version": version, "commit": "c1" });
            let id = self.daemon().start_gate(&facts);
            let words = ["wait", &id.to_string(), "--until", "converge"];
            let (code, said) = cli(self.daemon(), &words);
            assert_eq!(code, 0, "{said}");
            let rounds = self.asked.lock().unwrap().clone();
            eventually(
                "a round is made on the version before",
                Duration::from_secs(20),
                || {
                    let now = self.asked.lock().unwrap();
                    let more = now.iter().any(|(path, count)| {
                        path == seen_by && *count > rounds.get(path).copied().unwrap_or(0) + 1
                    });
                    more.then_some(())
                },
            );
            serve(version);
            self.daemon().done(id)
        };
        first_undisturbed(verify, |gate| gate["reasons"].to_string())
    }

    /// Deploys a version and has a gate verify it. `attest` are the names that people attest to.
    fn verify(&self, gate: &str, version: &str, more: &Value, attest: &[&str]) -> Value {
        let verify = || {
            std::fs::write(self.folder.path().join("version"), version).unwrap();
            self.gate(gate, version, more, attest)
        };
        first_undisturbed(verify, |gate| gate["reasons"].to_string())
    }

    /// The same of what is served.
    fn gate(&self, gate: &str, version: &str, more: &Value, attest: &[&str]) -> Value {
        let mut facts =
            json!({ "gate": gate, "version": version, "commit": "c1", "actor": "a pipeline" });
        for (name, value) in more.as_object().into_iter().flatten() {
            facts[name] = value.clone();
        }
        let id = self.daemon().start_gate(&facts);
        let view = |id: i64| api(&self.daemon().address, &format!("/api/v1/gates/{id}"));
        if !attest.is_empty() {
            eventually(
                "it is done, or waits for people",
                Duration::from_secs(90),
                || {
                    let gate = view(id)?;
                    (gate["position"] == "approval" || gate["done"] == true).then_some(())
                },
            );
        }
        for name in attest {
            let number = id.to_string();
            let link = "https://wiki.example/checklist";
            let words = ["attest", &number, name, "--by", "jane", "--link", link];
            // One that is done needs none.
            cli(self.daemon(), &words);
        }
        eventually("the gate is done", Duration::from_secs(90), || {
            view(id).filter(|gate| gate["done"] == true)
        })
    }

    #[track_caller]
    fn is(&self, gate: &Value, verdict: &str, reasons: &[&str]) {
        let log = || self.daemon().log();
        assert_eq!(gate["verdict"], verdict, "{gate:#}\n{}", log());
        let said = gate["reasons"].to_string().replace("\\\"", "\"");
        for reason in reasons {
            assert!(said.contains(reason), "{reason}\n{said}");
        }
        if verdict == "rollback" {
            assert_eq!(gate["proven"], true, "{gate:#}\n{}", log());
            assert_eq!(gate["rollback_to"], "1.2.0", "{gate:#}");
            assert_eq!(served(self.folder.path()), "1.2.0");
        }
    }

    /// All that is known of a gate, in a folder of its own.
    fn bundle(&self, gate: &Value) -> PathBuf {
        let id = gate["id"].to_string();
        let folder = self.folder.path().join(format!("incident-{id}"));
        let (code, said) = cli(
            self.daemon(),
            &["incident", &id, "--out", folder.to_str().unwrap()],
        );
        assert_eq!(code, 0, "{said}");
        let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        for file in manifest["files"].as_array().unwrap() {
            let bytes = std::fs::read(folder.join(file["file"].as_str().unwrap())).unwrap();
            assert_eq!(file["bytes"], bytes.len(), "{file}");
        }
        folder
    }
}

const NONE: &Value = &Value::Null;

const FLY: &str = "*machine*list*) sed \"s/1\\.2\\.0/$(cat STATE/version)/g\" STATE/machines.json;;
*secrets*) cat STATE/secrets.json;;
deploy*) for word; do case $word in registry*) printf %s \"${word##*:}\" > STATE/next; mv STATE/next STATE/version;; esac; done;;
*restart*|*status*|*releases*) echo ok;;
logs*) echo '2026-11-26T12:00:00Z app[1] sjc [info] server listening on 8080';;";

fn machines(story: &Story, count: usize) {
    let machine = json!({ "id": "1", "state": "started", "region": "sjc", "image_ref": { "tag": "1.2.0" }, "checks": [ { "name": "http", "status": "passing" } ] });
    let machines = Value::Array(vec![machine; count]).to_string();
    std::fs::write(story.folder.path().join("machines.json"), machines).unwrap();
}

#[test]
fn paintbox_is_promoted_and_its_faults_are_rolled_back() {
    let story = Story::begin(&Plot {
        guide: "paintbox",
        urls: &["https://paintbox.fly.dev"],
        answers: paintbox,
        slow: ("/_none", Duration::ZERO),
        programs: &[("fly", FLY), ("optimized.sh", "*) echo nothing;;")],
        environment: &[("SLACK_WEBHOOK_URL", "http://127.0.0.1:1/hook")],
        edits: &[(
            "./scripts/deploy-production-optimized.sh",
            "STATE/bin/optimized.sh",
        )],
    });
    machines(&story, 3);
    story.is(
        &story.verify_from_before("app", ["1.1.0", "1.2.0"], "/api/simple-health"),
        "promote",
        &[],
    );
    let broken = story.verify("app", "1.3.0-broken", NONE, &[]);
    story.is(
        &broken,
        "rollback",
        &["`body.status` is \"degraded\"", "a remedy was tried"],
    );
    let folder = story.bundle(&broken);
    let names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    for part in ["incident.json", "incident.md", "evidence-smoke-", "kept-"] {
        assert!(
            names.iter().any(|name| name.starts_with(part)),
            "{part}: {names:?}"
        );
    }
    story.is(
        &story.gate("app", "9.9.9", NONE, &[]),
        "hold",
        &["`9.9.9` was not served everywhere"],
    );
}

#[test]
fn hotdash_is_verified_in_its_windows_by_its_checks_and_by_people() {
    const PLOT: Plot = Plot {
        guide: "hotdash",
        urls: &[
            "https://hotdash-production.fly.dev",
            "https://api.github.com",
        ],
        answers: |asked, as_built| match asked.path.as_str() {
            "/repos/Jgorzitza/HotDash/commits/c1/check-runs" => checks(&[
                "Docs Policy",
                "Danger",
                "Gitleaks",
                "AI Config",
                "Health Check",
            ]),
            "/repos/Jgorzitza/HotDash/commits/c2/check-runs" => checks(&["Docs Policy", "Danger"]),
            _ => hotdash(asked, as_built),
        },
        slow: ("/", Duration::from_millis(3_300)),
        programs: &[("fly", FLY), ("export-incident.sh", "*) echo exported;;")],
        environment: &[
            ("GITHUB_TOKEN", "ghp_token"),
            ("SMTP_PASSWORD", "a-password"),
            (
                "DEPLOY_WEBHOOK_KEY",
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            ),
        ],
        edits: &[
            ("smtp.example.com:587", "127.0.0.1:1"),
            (
                "./scripts/ops/export-incident.sh",
                "STATE/bin/export-incident.sh",
            ),
        ],
    };
    let open = Plot {
        edits: &[
            ("smtp.example.com:587", "127.0.0.1:1"),
            (
                "./scripts/ops/export-incident.sh",
                "STATE/bin/export-incident.sh",
            ),
            ("      mode: hard", "      mode: soft"),
            ("github: {", "github: { api: \"http://127.0.0.1:1\","),
        ],
        ..PLOT
    };
    let story = Story::begin(&open);
    machines(&story, 2);
    let people = ["rollback plan", "features and dashboards"];
    story.is(&story.verify("app", "1.2.0", NONE, &people), "promote", &[]);
    let unread = story.verify("app", "1.2.1", NONE, &[]);
    story.is(&unread, "hold", &["features and dashboards"]);
    let red = story.verify("app", "1.2.2", &json!({ "commit": "c2" }), &people);
    story.is(
        &red,
        "hold",
        &["`checks of the commit` does not hold", "required checks"],
    );
    let broken = story.verify("app", "1.3.0-broken", NONE, &people);
    story.is(
        &broken,
        "rollback",
        &["step `health` failed", "status was 404"],
    );
    story.bundle(&broken);
    let frozen = Plot {
        edits: &[
            ("smtp.example.com:587", "127.0.0.1:1"),
            (
                "./scripts/ops/export-incident.sh",
                "STATE/bin/export-incident.sh",
            ),
            (
                "      freezes:\n",
                "      freezes:\n        - { from: 2020-01-01, to: 2099-01-01, reason: the holidays }\n",
            ),
        ],
        ..PLOT
    };
    let story = Story::begin(&frozen);
    machines(&story, 2);
    let outside = story.verify("app", "1.2.0", NONE, &people);
    story.is(&outside, "hold", &["the holidays"]);
}

fn checks(names: &[&str]) -> Answer {
    let run = |name: &&str| json!({ "name": name, "status": "completed", "conclusion": "success" });
    let runs: Vec<Value> = names.iter().map(run).collect();
    super::standin::json(200, json!({ "check_runs": runs }))
}

const KUBECTL: &str =
    "*frontend*-o*json*) sed \"s/VERSION/$(cat STATE/version)/g\" STATE/images.json;;
*pods*) cat STATE/pods.json;;
*logs*) echo '{\"level\":\"INFO\",\"message\":\"up\"}';;
*rollout*undo*) printf 1.2.0 > STATE/next; mv STATE/next STATE/version;;
*rollout*status*|*auth*|*events*) echo yes;;";

#[test]
fn docsense_is_verified_by_checks_backup_and_people_and_goes_back_with_its_database() {
    let story = Story::begin(&Plot {
        guide: "docsense",
        urls: &[
            "https://api.example.com",
            "https://app.example.com",
            "https://api.github.com",
        ],
        answers: |asked, as_built| match asked.path.as_str() {
            // What is deployed shows its version, whatever else it does.
            "/version" => docsense(asked, false),
            // GitHub's.
            path if path.starts_with("/repos/") => docsense(asked, false),
            _ => docsense(asked, as_built),
        },
        slow: ("/health", Duration::from_millis(1_300)),
        programs: &[
            ("kubectl", KUBECTL),
            ("docker", "*) echo tagged;;"),
            ("psql", "*) echo \"$*\" >> STATE/down;;"),
        ],
        environment: &[
            ("OPENAI_API_KEY", "sk-test-key"),
            ("GITHUB_TOKEN", "ghp_token"),
        ],
        edits: &[
            ("default: backups", "default: STATE/backups"),
            ("http://127.0.0.1:0", ""),
        ],
    });
    let state = story.folder.path();
    let pods = json!({ "items": [ { "status": { "containerStatuses": [ { "ready": true, "restartCount": 0 } ] } } ] });
    std::fs::write(state.join("pods.json"), pods.to_string()).unwrap();
    std::fs::create_dir(state.join("backups")).unwrap();
    let people = ["readiness checklist", "works for users"];
    let without = story.verify("backend", "1.2.0", NONE, &people);
    story.is(&without, "hold", &["`backup` does not hold"]);
    std::fs::write(state.join("backups/backup_1.sql"), "-- a dump").unwrap();
    story.is(
        &story.verify("backend", "1.2.0", NONE, &people),
        "promote",
        &[],
    );
    let red = story.verify("backend", "1.2.1", &json!({ "commit": "c2" }), &people);
    story.is(
        &red,
        "hold",
        &["`checks and reviews` does not hold", "required checks"],
    );
    let slow = story.verify("backend", "1.2.2-slow", NONE, &people);
    story.is(&slow, "rollback", &["< "]);
    // A deploy that changed the database goes back only by consent, the database first.
    std::fs::write(state.join("version"), "1.3.0-broken").unwrap();
    let facts = json!({ "gate": "backend", "version": "1.3.0-broken", "commit": "c1", "migrated": "20260412" });
    let id = story.daemon().start_gate(&facts);
    eventually("it waits for a consent", Duration::from_secs(60), || {
        let gate = api(&story.daemon().address, &format!("/api/v1/gates/{id}"))?;
        (gate["position"] == "waiting for consent").then_some(())
    });
    assert_eq!(
        served(state),
        "1.3.0-broken",
        "nothing is rolled back unasked"
    );
    let number = id.to_string();
    let words = [
        "consent",
        &number,
        "--by",
        "jane",
        "--reason",
        "users cannot log in",
        "--with-down",
    ];
    let (code, said) = cli(story.daemon(), &words);
    assert_eq!(code, 0, "{said}");
    let back = story.daemon().done(id);
    story.is(
        &back,
        "rollback",
        &["an HTML page (\"docsense\") came where JSON was expected"],
    );
    let down = std::fs::read_to_string(state.join("down")).unwrap();
    assert!(down.contains("migrations/rollback_20260412.sql"), "{down}");
    story.bundle(&back);
}

const RAILWAY: &str = "*deployment*list*) printf '[{\"status\":\"SUCCESS\",\"meta\":{\"commitHash\":\"%s\"}}]' \"$(cat STATE/version)\";;
*status*|*restart*) echo ok;;
*logs*) echo listening;;";

#[test]
fn calibrate_goes_through_staging_and_back_to_the_last_good_deployment() {
    let story = Story::begin(&Plot {
        guide: "calibrate",
        urls: &[
            "https://api.calibr.lat",
            "https://staging-api.calibr.lat",
            "https://console.calibr.lat",
            "https://calibr.lat",
            "https://docs.calibr.lat",
        ],
        answers: calibrate,
        slow: ("/api/health", Duration::from_millis(250)),
        programs: &[
            ("railway", RAILWAY),
            (
                "redeploy.sh",
                "*) printf %s \"$1\" > STATE/next; mv STATE/next STATE/version;;",
            ),
        ],
        environment: &[
            (
                "CONSOLE_INTERNAL_TOKEN",
                "a-token-of-thirty-two-characters-0",
            ),
            ("SLACK_URL", "http://127.0.0.1:1/hook"),
            ("ON_CALL_URL", "http://127.0.0.1:1/on-call"),
        ],
        edits: &[
            ("./scripts/redeploy.sh", "STATE/bin/redeploy.sh"),
            (
                "  staging:\n    services",
                "    enforce: true\n  staging:\n    services",
            ),
            ("default: backups", "default: STATE/backups"),
        ],
    });
    let state = story.folder.path();
    std::fs::create_dir(state.join("backups")).unwrap();
    std::fs::write(state.join("backups/backup-1.sql"), "-- a dump").unwrap();
    let people = ["docs are current"];
    let skipped = story.verify("api", "1.2.0", NONE, &people);
    story.is(&skipped, "hold", &["`staging` has not verified commit c1"]);
    story.is(&story.verify("staging", "1.2.0", NONE, &[]), "promote", &[]);
    story.is(&story.verify("api", "1.2.0", NONE, &people), "promote", &[]);
    let slow = story.verify("api", "1.2.1-slow", NONE, &people);
    story.is(&slow, "rollback", &["p95 < 100ms"]);
    let broken = story.verify("api", "1.3.0-broken", NONE, &people);
    story.is(&broken, "rollback", &["`body.status` is \"ok\""]);
    story.bundle(&broken);
}

#[test]
fn apexmediation_is_promoted_by_all_its_loads_and_its_faults_are_rolled_back() {
    let story = Story::begin(&Plot {
        guide: "apexmediation",
        urls: &[
            "https://apexmediation-backend-prod.fly.dev",
            "https://apexmediation-fraud-prod.fly.dev",
            "https://apexmediation-console-prod.fly.dev",
        ],
        answers: apex,
        slow: ("/api/v1/billing/invoices", Duration::from_millis(700)),
        programs: &[("fly", FLY)],
        environment: &[
            ("BILLING_ORG_ID", "org_1"),
            ("API_TOKEN", "eyJhbGciOiJub25lIn0"),
            ("TRACKING_USERNAME", "probe@example.com"),
            ("TRACKING_PASSWORD", "long-enough"),
        ],
        edits: &[],
    });
    machines(&story, 4);
    let secrets = |names: &[&str]| {
        let all: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        std::fs::write(
            story.folder.path().join("secrets.json"),
            Value::Array(all).to_string(),
        )
        .unwrap();
    };
    secrets(&SECRETS[..5]);
    let people = ["known warnings", "invoice in the console"];
    let unset = story.verify("backend", "1.2.0", NONE, &people);
    story.is(
        &unset,
        "hold",
        &[
            "`secrets on the platform` does not hold",
            "STRIPE_SECRET_KEY",
        ],
    );
    secrets(&SECRETS);
    story.is(
        &story.verify("backend", "1.2.0", NONE, &people),
        "promote",
        &[],
    );
    let broken = story.verify("backend", "1.3.0-broken", NONE, &people);
    story.is(&broken, "rollback", &["`body.status` is \"degraded\""]);
    story.bundle(&broken);
    let slow = story.verify("backend", "1.4.0-slow", NONE, &people);
    story.is(&slow, "rollback", &["p95 < 500ms"]);
}
