//! Platforms that deploy, played by a scripted server that also acts and then hangs, refuses, and
//! says yes without acting.

use bellwether::delivery::attempt::Delivery;
use bellwether::net::connect::Connector;
use bellwether::net::tls::Settings;
use bellwether::pipeline::call::Call;
use bellwether::pipeline::vendor::{VENDORS, Vendor};
use bellwether::secret::Secret;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What goes wrong with a request that changes something.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mishap {
    /// It is carried out, but no answer comes.
    ActAndHang,
    /// It is refused with a status.
    Refuse(u16),
    /// It is answered as if it had been carried out.
    Lie,
}

type Handler = fn(&mut Value, &str, &str, &Value) -> (u16, Value);

struct Platform {
    address: SocketAddr,
    state: Arc<Mutex<Value>>,
}

fn platform(state: Value, mishaps: &[Mishap], handler: Handler) -> Platform {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(Mutex::new(state));
    let mishaps = Arc::new(Mutex::new(mishaps.iter().copied().collect::<VecDeque<_>>()));
    let kept = state.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (state, mishaps) = (kept.clone(), mishaps.clone());
            std::thread::spawn(move || serve(&stream, &state, &mishaps, handler));
        }
    });
    Platform { address, state }
}

fn serve(
    mut stream: &TcpStream,
    state: &Mutex<Value>,
    mishaps: &Mutex<VecDeque<Mishap>>,
    handler: Handler,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    let mut token = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" | "private-token" | "project-access-token" | "circle-token" => {
                token = value.to_owned();
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let changes = method != "GET"
        && !body["query"]
            .as_str()
            .is_some_and(|query| query.starts_with("query"));
    let mishap = if changes {
        mishaps.lock().unwrap().pop_front()
    } else {
        None
    };
    let (status, answer) = if !token.ends_with("t0ken") {
        (401, json!({ "message": "who are you?" }))
    } else {
        match mishap {
            Some(Mishap::Refuse(status)) => (status, json!({ "message": "not now" })),
            Some(Mishap::Lie) => {
                let mut copy = state.lock().unwrap().clone();
                handler(&mut copy, &method, &path, &body)
            }
            _ => handler(&mut state.lock().unwrap(), &method, &path, &body),
        }
    };
    if mishap == Some(Mishap::ActAndHang) {
        std::thread::park_timeout(Duration::from_secs(10));
        return None;
    }
    let text = answer.to_string();
    let retry = if status == 429 {
        "retry-after: 0\r\n"
    } else {
        ""
    };
    write!(
        stream,
        "HTTP/1.1 {status} x\r\n{retry}content-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
    .ok()
}

fn act(state: &mut Value) {
    state["acts"] = json!(state["acts"].as_u64().unwrap_or(0) + 1);
}

/// The platform that an action names by this key.
fn adapter(key: &str) -> &'static dyn Vendor {
    let found = VENDORS.iter().find(|vendor| vendor.field.key == key);
    found.expect("it is in the registry").what
}

struct Run {
    last: Delivery,
    attempts: u32,
}

/// Performs as the courier does: until it is delivered, or no attempt makes sense any more.
async fn performed(vendor: &str, settings: &[(&str, &str)]) -> Run {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let connector = Connector::new(Settings::new(None).unwrap(), Duration::ZERO);
    let mut attempts = 0;
    loop {
        attempts += 1;
        let call = Call {
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
                .collect::<BTreeMap<_, _>>(),
            connector: &connector,
            key: "bw_test_1_rollback_action0",
            deadline: Instant::now() + Duration::from_millis(2600),
        };
        if attempts == 1 {
            assert!(
                adapter(vendor).preflight(&call).await.is_ok(),
                "the preflight proves credentials and target"
            );
        }
        let last = match adapter(vendor).perform(&call).await {
            Ok(text) => Delivery::done(text),
            Err(delivery) => delivery,
        };
        if last.delivered || attempts >= last.attempts_max.min(5) {
            return Run { last, attempts };
        }
    }
}

const MISHAPS: [&[Mishap]; 5] = [
    &[],
    &[Mishap::ActAndHang],
    &[Mishap::Refuse(429), Mishap::Refuse(503)],
    &[Mishap::Lie],
    &[Mishap::Refuse(500), Mishap::ActAndHang],
];

/// Whatever goes wrong on the way: in the end it is done, once, and was never called done before.
fn is_done_once(
    vendor: &str,
    state: &Value,
    settings: &[(&str, &str)],
    handler: Handler,
    done: fn(&Value) -> bool,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for mishaps in MISHAPS {
        let platform = platform(state.clone(), mishaps, handler);
        let api = format!("http://{}", platform.address);
        let mut settings = settings.to_vec();
        settings.push(("api", &api));
        let run = runtime.block_on(performed(vendor, &settings));
        let state = platform.state.lock().unwrap().clone();
        if vendor == "github" && mishaps == [Mishap::Lie] {
            // Nothing tells a start that came to nothing from a run without our key in its name: to
            // start it again might be to act twice. It is given up, and never called done.
            assert!(
                !run.last.delivered && run.attempts == 1,
                "{}",
                run.last.text
            );
            assert!(
                run.last.text.contains("no run shows the key"),
                "{}",
                run.last.text
            );
            continue;
        }
        assert!(
            run.last.delivered,
            "{vendor:?} {mishaps:?}: {}",
            run.last.text
        );
        assert!(done(&state), "{vendor:?} {mishaps:?}: {state:#}");
        assert_eq!(
            state["acts"], 1,
            "{vendor:?} {mishaps:?}: {}",
            run.last.text
        );
        assert_eq!(
            run.attempts as usize,
            1 + mishaps.len(),
            "{vendor:?} {mishaps:?}"
        );
    }
    let platform = platform(state.clone(), &[], handler);
    let api = format!("http://{}", platform.address);
    let mut wrong: Vec<(&str, &str)> = settings
        .iter()
        .filter(|(name, _)| *name != "token")
        .copied()
        .collect();
    wrong.extend([("api", api.as_str()), ("token", "wr0ng")]);
    let connector = Connector::new(Settings::new(None).unwrap(), Duration::ZERO);
    let call = Call {
        settings: wrong
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect(),
        connector: &connector,
        key: "k",
        deadline: Instant::now() + Duration::from_secs(2),
    };
    let refused = runtime
        .block_on(adapter(vendor).preflight(&call))
        .unwrap_err()
        .text;
    assert!(
        refused.contains("401") && !refused.contains("wr0ng"),
        "{vendor:?}: {refused}"
    );
}

#[test]
fn fly_gets_its_machines_back_to_the_image() {
    fn handler(state: &mut Value, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let id = path.rsplit('/').next().unwrap();
        let machines = state["machines"].as_array_mut().unwrap();
        if id == "machines" {
            return (200, json!(machines));
        }
        let machine = machines
            .iter_mut()
            .find(|machine| machine["id"] == id)
            .unwrap();
        if method == "POST" {
            if body["current_version"] != machine["instance_id"] {
                return (409, json!({ "error": "somebody else changed it" }));
            }
            machine["config"] = body["config"].clone();
            machine["instance_id"] = json!("v2");
            act(state);
            return (200, json!({}));
        }
        (200, machine.clone())
    }
    let state = json!({ "acts": 0, "machines": [
        { "id": "m1", "state": "started", "instance_id": "v1", "config": { "image": "shop:2", "env": { "A": "1" } } },
        { "id": "m2", "state": "started", "instance_id": "v1", "config": { "image": "shop:1" } },
        { "id": "m3", "state": "destroyed", "instance_id": "v1", "config": { "image": "shop:0" } } ] });
    let settings = [("app", "shop"), ("token", "t0ken"), ("image", "shop:1")];
    is_done_once("fly", &state, &settings, handler, |state| {
        state["machines"][0]["config"] == json!({ "image": "shop:1", "env": { "A": "1" } })
    });
}

#[test]
fn vercel_is_done_when_the_alias_request_says_so() {
    fn handler(state: &mut Value, method: &str, path: &str, _: &Value) -> (u16, Value) {
        if method == "POST" {
            assert!(
                path.starts_with("/v1/projects/shop/rollback/dpl_1?"),
                "{path}"
            );
            let at = state["last"]["requestedAt"].as_u64().unwrap() + 1;
            state["last"] = json!({ "type": "rollback", "toDeploymentId": "dpl_1", "jobStatus": "in-progress", "requestedAt": at });
            act(state);
            return (201, json!({}));
        }
        assert!(path.contains("rollbackInfo=true"));
        let answer = json!({ "lastAliasRequest": state["last"] });
        if state["last"]["jobStatus"] == "in-progress" {
            state["last"]["jobStatus"] = json!("succeeded");
        }
        (200, answer)
    }
    let state = json!({ "acts": 0, "last": { "type": "promote", "toDeploymentId": "dpl_2", "jobStatus": "succeeded", "requestedAt": 1 } });
    let settings = [
        ("project", "shop"),
        ("token", "t0ken"),
        ("deployment", "dpl_1"),
    ];
    is_done_once("vercel", &state, &settings, handler, |state| {
        state["last"]["toDeploymentId"] == "dpl_1"
    });
}

#[test]
fn a_check_of_vercel_is_completed_once() {
    fn handler(state: &mut Value, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let path = path.split('?').next().unwrap();
        match (method, path) {
            ("GET", "/v2/projects/shop/checks") => {
                let checks = json!([{ "id": "chk_0", "name": "other" }, { "id": "chk_1", "name": "Bellwether" }]);
                (200, json!({ "checks": checks }))
            }
            ("GET", "/v2/deployments/dpl_1/check-runs") => (200, json!({ "runs": state["runs"] })),
            ("POST", "/v2/deployments/dpl_1/check-runs") => {
                let run = json!({ "id": "run_2", "checkId": body["checkId"], "createdAt": 9, "status": "queued" });
                state["runs"].as_array_mut().unwrap().push(run.clone());
                (201, run)
            }
            (_, path) => {
                let id = path.rsplit('/').next().unwrap();
                let runs = state["runs"].as_array_mut().unwrap();
                let Some(run) = runs.iter_mut().find(|run| run["id"] == id) else {
                    return (404, json!({}));
                };
                if method == "PATCH" {
                    for (name, value) in body.as_object().unwrap() {
                        run[name] = value.clone();
                    }
                    let run = run.clone();
                    act(state);
                    return (200, run);
                }
                (200, run.clone())
            }
        }
    }
    let settings = [
        ("project", "shop"),
        ("token", "t0ken"),
        ("to", "check"),
        ("deployment", "dpl_1"),
        ("check", "Bellwether"),
        ("conclusion", "failed"),
    ];
    let foreign = json!({ "id": "run_0", "checkId": "chk_0", "createdAt": 5, "status": "queued" });
    // One that waits is taken over, one that somebody completed is left.
    for status in ["queued", "completed"] {
        let run = json!({ "id": "run_1", "checkId": "chk_1", "createdAt": 4, "status": status, "conclusion": "skipped" });
        let state = json!({ "acts": 0, "runs": [run, foreign] });
        is_done_once("vercel", &state, &settings, handler, |state| {
            let of = |id: &str| {
                let runs = state["runs"].as_array().unwrap();
                let run = runs.iter().find(|run| run["id"] == id);
                run.map(|run| run["conclusion"].clone()).unwrap_or_default()
            };
            of("run_0").is_null() && (of("run_1") == "failed" || of("run_2") == "failed")
        });
    }
}

#[test]
fn railway_is_done_when_a_new_deployment_succeeded() {
    fn handler(state: &mut Value, _: &str, _: &str, body: &Value) -> (u16, Value) {
        let query = body["query"].as_str().unwrap();
        let data = if query.starts_with("mutation") {
            assert!(!query.contains("{ id"), "a truth value has no fields");
            state["newest"] =
                json!({ "id": "d9", "status": "DEPLOYING", "meta": { "rollbackOf": "d1" } });
            act(state);
            json!({ "deploymentRollback": true })
        } else if query.contains("deployments(") {
            let answer = json!({ "deployments": { "edges": [{ "node": state["newest"] }] } });
            if state["newest"]["status"] == "DEPLOYING" {
                state["newest"]["status"] = json!("SUCCESS");
            }
            answer
        } else {
            json!({ "deployment": { "id": "d1", "canRollback": true, "projectId": "p", "environmentId": "e", "serviceId": "s" } })
        };
        (200, json!({ "data": data }))
    }
    let state = json!({ "acts": 0, "newest": { "id": "d2", "status": "SUCCESS", "meta": {} } });
    let settings = [("token", "t0ken"), ("deployment", "d1")];
    is_done_once("railway", &state, &settings, handler, |state| {
        state["newest"]["id"] == "d9"
    });
}

#[test]
fn kubernetes_gets_the_template_of_the_good_revision_back() {
    fn handler(state: &mut Value, method: &str, path: &str, body: &Value) -> (u16, Value) {
        if method == "PATCH" {
            state["deployment"]["spec"]["template"] = body[0]["value"].clone();
            state["deployment"]["metadata"]["annotations"] = body[1]["value"].clone();
            state["deployment"]["metadata"]["generation"] = json!(8);
            act(state);
            return (200, json!({}));
        }
        if path.contains("/replicasets?") {
            assert!(path.contains("app%3Dshop"), "{path}");
            return (200, json!({ "items": state["sets"] }));
        }
        let answer = state["deployment"].clone();
        state["deployment"]["status"]["observedGeneration"] =
            state["deployment"]["metadata"]["generation"].clone();
        (200, answer)
    }
    let template = |image: &str, hash: bool| {
        let mut labels = json!({ "app": "shop" });
        if hash {
            labels["pod-template-hash"] = json!("abc");
        }
        json!({ "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "shop", "image": image }] } })
    };
    let set = |revision: &str, image: &str, owner: &str| {
        json!({ "metadata": { "annotations": { "deployment.kubernetes.io/revision": revision }, "ownerReferences": [{ "uid": owner }] },
            "spec": { "template": template(image, true) } })
    };
    let state = json!({ "acts": 0,
        "deployment": { "metadata": { "uid": "u1", "generation": 7, "annotations": {} },
            "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "shop" } }, "template": template("shop:3", false) },
            "status": { "observedGeneration": 7, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 } },
        "sets": [set("5", "shop:3", "u1"), set("4", "shop:2-broken", "u1"), set("3", "shop:1", "u1"), set("9", "other:1", "u2")] });
    let settings = [
        ("token", "t0ken"),
        ("deployment", "shop"),
        ("image", "shop:1"),
    ];
    is_done_once("kubernetes", &state, &settings, handler, |state| {
        let template = &state["deployment"]["spec"]["template"];
        template["spec"]["containers"][0]["image"] == "shop:1"
            && template["metadata"]["labels"] == json!({ "app": "shop" })
    });
}

#[test]
fn argo_aborts_a_rollout() {
    fn handler(state: &mut Value, method: &str, path: &str, body: &Value) -> (u16, Value) {
        if method == "PATCH" {
            assert!(path.ends_with("/rollouts/shop/status"), "{path}");
            state["rollout"]["status"]["abort"] = body["status"]["abort"].clone();
            act(state);
        }
        (200, state["rollout"].clone())
    }
    let state = json!({ "acts": 0, "rollout": { "status": { "phase": "Progressing", "stableRS": "a", "currentPodHash": "b" } } });
    let settings = [("token", "t0ken"), ("rollout", "shop"), ("to", "abort")];
    is_done_once("argo_rollouts", &state, &settings, handler, |state| {
        state["rollout"]["status"]["abort"] == true
    });
}

#[test]
fn a_workflow_of_github_is_started_once_and_waited_for() {
    fn handler(state: &mut Value, method: &str, path: &str, body: &Value) -> (u16, Value) {
        if method == "POST" {
            let key = body["inputs"]["bellwether_key"].as_str().unwrap();
            assert_eq!(body["inputs"]["version"], "1.0.0");
            state["runs"] = json!([{ "id": 7, "display_title": format!("Roll back {key}"), "status": "in_progress" }]);
            act(state);
            // An older server: no run in the answer.
            return (204, Value::Null);
        }
        if path.ends_with("/actions/runs/7") {
            return (
                200,
                json!({ "status": "completed", "conclusion": "success", "html_url": "https://ci/7" }),
            );
        }
        if path.contains("/runs?") {
            return (200, json!({ "workflow_runs": state["runs"] }));
        }
        (200, json!({ "state": "active" }))
    }
    let state = json!({ "acts": 0, "runs": [{ "id": 3, "display_title": "Roll back bw_other", "status": "completed" }] });
    let settings = [
        ("repository", "o/r"),
        ("token", "t0ken"),
        ("workflow", "rollback.yml"),
        ("inputs", "{\"version\": \"1.0.0\"}"),
    ];
    is_done_once("github", &state, &settings, handler, |state| {
        state["runs"][0]["id"] == 7
    });
}

#[test]
fn a_pipeline_of_gitlab_is_started_once_and_waited_for() {
    fn handler(state: &mut Value, method: &str, path: &str, body: &Value) -> (u16, Value) {
        if method == "POST" {
            state["pipelines"] = json!([{ "id": 7 }]);
            state["variables"] =
                json!([{ "key": "BELLWETHER_KEY", "value": body["variables"]["BELLWETHER_KEY"] }]);
            act(state);
            return (201, json!({ "id": 7 }));
        }
        if path.ends_with("/variables") {
            return (200, state["variables"].clone());
        }
        if path.ends_with("/pipelines/7") {
            // A lie shows: there is no such pipeline.
            return if state["acts"] == 0 {
                (404, json!({}))
            } else {
                (200, json!({ "status": "success" }))
            };
        }
        if path.contains("/pipelines?") {
            return (200, state["pipelines"].clone());
        }
        (200, json!({ "id": 1 }))
    }
    let state = json!({ "acts": 0, "pipelines": [], "variables": [] });
    let settings = [
        ("project", "o%2Fr"),
        ("token", "t0ken"),
        ("trigger_token", "tt"),
        ("variables", "{\"VERSION\": \"1.0.0\"}"),
    ];
    is_done_once("gitlab", &state, &settings, handler, |state| {
        state["pipelines"][0]["id"] == 7
    });
}

#[test]
fn a_pipeline_of_circleci_is_started_once_and_waited_for() {
    fn handler(state: &mut Value, method: &str, path: &str, body: &Value) -> (u16, Value) {
        if method == "POST" {
            assert_eq!(path, "/api/v2/project/gh/acme/shop/pipeline");
            assert_eq!(body["branch"], "release/1");
            assert_eq!(body["parameters"]["version"], "1.0.0");
            state["pipelines"] = json!([{ "id": "p-7", "trigger_parameters": { "parameters": body["parameters"] } }]);
            act(state);
            return (201, json!({ "id": "p-7", "number": 7, "state": "pending" }));
        }
        if path.ends_with("/pipeline/p-7/workflow") {
            if state["acts"] == 0 {
                // A lie shows: there is no such pipeline.
                return (404, json!({ "message": "Pipeline not found" }));
            }
            // First there is no workflow yet, then one of two goes on.
            let looks = state["looks"].as_u64().unwrap_or(0);
            state["looks"] = json!(looks + 1);
            let items = match looks {
                0 => json!([]),
                1 => json!([{ "status": "success" }, { "status": "running" }]),
                _ => json!([{ "status": "success" }, { "status": "success" }]),
            };
            return (200, json!({ "items": items }));
        }
        if path.ends_with("/pipeline/p-7") {
            // While it is set up, its first workflow is not all of them.
            let state = if state["looks"].as_u64().unwrap_or(0) < 3 {
                "setup-pending"
            } else {
                "created"
            };
            return (200, json!({ "id": "p-7", "state": state }));
        }
        if path.contains("/pipeline?branch=release%2F1") {
            return (200, json!({ "items": state["pipelines"] }));
        }
        (200, json!({ "slug": "gh/acme/shop" }))
    }
    let state = json!({ "acts": 0, "pipelines": [] });
    let settings = [
        ("project", "gh/acme/shop"),
        ("token", "t0ken"),
        ("branch", "release/1"),
        ("parameters", "{\"version\": \"1.0.0\"}"),
    ];
    is_done_once("circleci", &state, &settings, handler, |state| {
        state["pipelines"][0]["id"] == "p-7"
    });
}

#[test]
fn a_deployment_of_gitlab_is_rejected_once() {
    fn handler(state: &mut Value, method: &str, path: &str, body: &Value) -> (u16, Value) {
        if method == "POST" {
            assert!(path.ends_with("/deployments/42/approval"), "{path}");
            if state["acts"] != 0 {
                return (400, json!({ "message": "already approved" }));
            }
            state["approvals"] = json!([body]);
            act(state);
            return (201, body.clone());
        }
        (200, json!({ "approvals": state["approvals"] }))
    }
    let state = json!({ "acts": 0, "approvals": [] });
    let settings = [
        ("project", "7"),
        ("token", "t0ken"),
        ("approval", "rejected"),
        ("deployment", "42"),
    ];
    is_done_once("gitlab", &state, &settings, handler, |state| {
        state["approvals"][0]["status"] == "rejected"
    });
}

/// A program in place of a vendor's: it keeps what runs in a file, writes down each change, and
/// lies once.
fn program(name: &str, runs: &str, script: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(
        &path,
        format!(
            "#!/bin/sh\ncase \"$*\" in\n{script}  *) echo \"what is $*\" >&2; exit 64;;\nesac\n"
        ),
    )
    .unwrap();
    std::process::Command::new("chmod")
        .arg("+x")
        .arg(&path)
        .status()
        .unwrap();
    std::fs::write(folder.path().join("running"), runs).unwrap();
    std::fs::write(folder.path().join("lie"), "").unwrap();
    (folder, path.display().to_string())
}

/// What a program promised and did not do is asked for again; what it did is not.
fn is_run_until_it_is_done(vendor: &str, settings: &[(&str, &str)], at: &str, done: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let run = runtime.block_on(performed(vendor, settings));
    assert!(
        run.last.delivered && run.attempts == 2,
        "{}: {}",
        run.attempts,
        run.last.text
    );
    let read = |name: &str| std::fs::read_to_string(format!("{at}/{name}")).unwrap();
    assert_eq!(read("running"), done);
    let again = runtime.block_on(performed(vendor, settings));
    assert!(again.last.delivered);
    assert_eq!(
        read("acts").lines().count(),
        2,
        "what runs already is not started again"
    );
}

#[test]
fn compose_runs_the_kept_image_and_believes_only_what_runs() {
    let script = "  'image inspect -f {{.Id}} '*) echo \"sha256:$5\";;\n  'compose ps -q api') echo c1;;\n  'inspect -f {{.Image}} c1') cat running;;\n  'compose up -d --no-deps --no-build --wait --wait-timeout 120 api') echo up >> acts; [ -e lie ] && rm lie && exit 0; echo \"sha256:$IMAGE\" > running;;\n";
    let (folder, docker) = program("docker", "sha256:shop:2\n", script);
    let at = folder.path().display().to_string();
    let settings = [
        ("dir", at.as_str()),
        ("service", "api"),
        ("image", "shop:1"),
        ("program", docker.as_str()),
    ];
    is_run_until_it_is_done("compose", &settings, &at, "sha256:shop:1\n");
}

#[test]
fn fly_deploy_is_believed_only_when_the_machines_run_the_image() {
    fn handler(state: &mut Value, _: &str, path: &str, _: &Value) -> (u16, Value) {
        let image = std::fs::read_to_string(state["file"].as_str().unwrap()).unwrap();
        let machine =
            json!({ "id": "m1", "state": "started", "config": { "image": image.trim() } });
        if path.ends_with("/machines") {
            return (200, json!([machine]));
        }
        (200, machine)
    }
    let script = "  version) echo fly v0;;\n  'deploy --app shop --image shop:1 --strategy immediate --yes') [ \"$FLY_API_TOKEN\" = t0ken ] || exit 1; echo up >> acts; [ -e lie ] && rm lie && exit 0; echo shop:1@sha256:1 > running;;\n";
    let (folder, fly) = program("fly", "shop:2\n", script);
    let at = folder.path().display().to_string();
    let platform = platform(json!({ "file": format!("{at}/running") }), &[], handler);
    let api = format!("http://{}", platform.address);
    let settings = [
        ("app", "shop"),
        ("token", "t0ken"),
        ("image", "shop:1"),
        ("api", api.as_str()),
        ("dir", at.as_str()),
        ("strategy", "immediate"),
        ("program", fly.as_str()),
    ];
    is_run_until_it_is_done("fly", &settings, &at, "shop:1@sha256:1\n");
}
