//! Pages that must look like what somebody accepted: a real Chromium, files beside the scenario, gates of a daemon.

use super::browser::browser;
use super::standin::{json, of, serve_by};
use super::support::{Daemon, bellwether, run};
use serde_json::json as value;
use std::path::Path;
use std::sync::{Arc, Mutex};

const PASS: i32 = 0;
const USAGE: i32 = 2;
const DOUBT: i32 = 98;
const FAIL: i32 = 99;

const PAGE: &str = "<!doctype html><html lang=en><title>Dashboard</title><link rel=icon href='data:,'>
<style>body { font: 16px sans-serif; margin: 20px }</style><h1>Dashboard</h1><p id=clock>CLOCK</p><p>Invoice 7: 14.00</p>";
const SCENARIO: &str = "name: console
service: console
steps:
  - open: /
  - name: the dashboard
    screenshot: { full: true, mask: [{ css: \"#clock\" }], baseline: true }
    timeout: 3s
";

type Shown = Arc<Mutex<String>>;

/// A site that shows this.
fn site() -> (String, Shown) {
    let shown = Shown::default();
    *shown.lock().unwrap() = PAGE.to_owned();
    let body = shown.clone();
    let mut count = 0;
    let counted = Mutex::new(move || {
        count += 1;
        count.to_string()
    });
    let address = serve_by(move |asked| match asked.path.as_str() {
        "/version" => json(200, value!({"version": "2.0.0"})),
        _ => {
            let clock = (counted.lock().unwrap())();
            let body = body.lock().unwrap().replace("CLOCK", &clock);
            of(200, "text/html; charset=utf-8", &body)
        }
    });
    (address, shown)
}

fn written(folder: &Path, site: &str, browser: &str) {
    std::fs::create_dir_all(folder.join("scenarios")).unwrap();
    std::fs::write(folder.join("scenarios/console.yaml"), SCENARIO).unwrap();
    let environment = format!(
        "environments: {{ staging: {{ services: {{ console: {{ url: \"http://{site}\" }} }}, browser: {browser} }} }}\n"
    );
    std::fs::write(folder.join("bellwether.yaml"), environment).unwrap();
}

fn called(folder: &Path, words: &[&str]) -> (i32, String) {
    let mut command = bellwether();
    command.current_dir(folder).env_remove("USER");
    let (code, out, err) = run(command.args(words));
    (code, out + &err)
}

fn performed(folder: &Path) -> (i32, String) {
    let words = [
        "run",
        "scenarios/console.yaml",
        "--pictures",
        "pictures",
        "--html",
        "run.html",
    ];
    called(folder, &words)
}

#[test]
fn a_page_must_look_like_what_somebody_accepted() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (address, shown) = site();
    written(folder, &address, browser);
    let (code, said) = performed(folder);
    assert_eq!(code, DOUBT, "{said}");
    assert!(said.contains("no baseline was accepted"), "{said}");

    let (code, said) = called(folder, &["baseline", "accept", "pictures"]);
    assert!(code == USAGE && said.contains("--by NAME"), "{said}");
    let (code, said) = called(
        folder,
        &[
            "baseline", "accept", "pictures", "--by", "jane", "--step", "another",
        ],
    );
    assert!(code == USAGE && said.contains("`another`"), "{said}");
    let (code, said) = called(folder, &["baseline", "accept", "pictures", "--by", "jane"]);
    assert!(
        code == PASS && said.contains("accepted the dashboard"),
        "{said}"
    );
    let (_, said) = called(folder, &["baseline", "list"]);
    assert!(said.contains("accepted by jane"), "{said}");
    let (code, said) = performed(folder);
    assert_eq!(code, PASS, "what moves is covered: {said}");
    let (code, said) = called(folder, &["baseline", "accept", "pictures", "--by", "jane"]);
    assert!(code == PASS && said.contains("nothing to accept"), "{said}");

    // One digit is another.
    *shown.lock().unwrap() = PAGE.replace("14.00", "15.00");
    let (code, said) = performed(folder);
    assert_eq!(code, FAIL, "{said}");
    assert!(
        said.contains("the picture is not like its baseline") && said.contains(" pixels differ: "),
        "{said}"
    );
    let report = std::fs::read_to_string(folder.join("run.html")).unwrap();
    for part in ["What was accepted", "What is there now", "What differs"] {
        assert!(report.contains(part), "{part}");
    }

    // What comes late has until the end of the step's time.
    let late = "<p id=late>Invoice 7: </p><script>setTimeout(() => { late.append('14.00') }, 900)</script>";
    *shown.lock().unwrap() = PAGE.replace("<p>Invoice 7: 14.00</p>", late);
    let (code, said) = performed(folder);
    assert_eq!(code, PASS, "{said}");

    // What never rests says nothing.
    let restless = "<p id=late></p><script>setInterval(() => { late.textContent = performance.now() }, 20)</script>";
    *shown.lock().unwrap() = PAGE.replace("<p>Invoice 7: 14.00</p>", restless);
    let (code, said) = performed(folder);
    assert_eq!(code, DOUBT, "{said}");
    assert!(said.contains("the page does not come to rest"), "{said}");
}

#[test]
fn a_baseline_that_nobody_accepted_or_another_browser_drew_says_nothing() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (address, shown) = site();
    written(folder, &address, browser);
    performed(folder);
    let (code, said) = called(folder, &["baseline", "accept", "pictures", "--by", "jane"]);
    assert_eq!(code, PASS, "{said}");
    let record = folder.join("scenarios/baselines/console/staging/the-dashboard-1280x720.json");
    let picture = record.with_extension("png");
    let accepted = std::fs::read_to_string(&record).unwrap();
    let by_another = accepted.replace("Chrome/", "Chrome/9");
    assert_ne!(by_another, accepted);

    // The same pixels are the same, whoever drew them.
    std::fs::write(&record, &by_another).unwrap();
    let (code, said) = performed(folder);
    assert_eq!(code, PASS, "{said}");
    *shown.lock().unwrap() = PAGE.replace("14.00", "15.00");
    let (code, said) = performed(folder);
    assert_eq!(code, DOUBT, "{said}");
    assert!(said.contains("accept one that this browser drew"), "{said}");

    std::fs::write(&record, &accepted).unwrap();
    let mut other = std::fs::read(&picture).unwrap();
    other.push(0);
    std::fs::write(&picture, other).unwrap();
    let (code, said) = performed(folder);
    assert_eq!(code, DOUBT, "{said}");
    assert!(said.contains("nobody accepted"), "{said}");

    // A list that somebody forged leads nowhere.
    std::fs::remove_dir_all(folder.join("pictures")).unwrap();
    performed(folder);
    let runs = std::fs::read_dir(folder.join("pictures/console/staging")).unwrap();
    let list = runs.flatten().next().unwrap().path().join("pictures.json");
    let forged = std::fs::read_to_string(&list).unwrap();
    let forged = forged.replace("baselines/console/staging/", "baselines/../../");
    std::fs::write(&list, forged).unwrap();
    let (code, said) = called(folder, &["baseline", "accept", "pictures", "--by", "jane"]);
    assert!(
        code == USAGE && said.contains("is no place for a baseline"),
        "{said}"
    );
}

#[test]
fn what_a_gate_saw_is_accepted_and_the_next_one_is_judged_by_it() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (site, shown) = site();
    written(folder, &site, browser);
    let text = format!(
        "server: {{ listen: LISTEN }}
environments:
  production: {{ browser: {browser}, services: {{ console: {{ url: \"http://{site}\", version: {{ path: /version, value: body.version }} }} }} }}
gates:
  console: {{ environment: production, services: [console], smoke: [scenarios/console.yaml], converge: {{ reads: 2, every: 100ms }} }}
"
    );
    let daemon = Daemon::start(folder, &text, &[]);
    let start = value!({"gate": "console", "version": "2.0.0"});
    let verdict = |id: i64| {
        daemon.start_gate(&start);
        daemon.done(id)["verdict"].clone()
    };
    assert_eq!(verdict(1), "hold", "nobody accepted anything yet");
    let server = format!("http://{}", daemon.address);
    let (code, said) = called(
        folder,
        &[
            "baseline", "accept", "1", "--by", "jane", "--server", &server,
        ],
    );
    assert!(
        code == PASS && said.contains("accepted the dashboard"),
        "{said}"
    );
    assert_eq!(verdict(2), "promote");
    *shown.lock().unwrap() = PAGE.replace("Dashboard</h1>", "Dashb0ard</h1>");
    assert_eq!(verdict(3), "rollback");
    let failed = |id: &i64| {
        let run = daemon.see(&format!("/api/v1/runs/{id}"));
        run.is_some_and(|run| run["outcome"] == "fail")
    };
    let failed = (1..9).find(failed).unwrap();
    let run = daemon.see(&format!("/api/v1/runs/{failed}")).unwrap();
    let picture = &run["steps"][1]["pictures"][0];
    assert_eq!(picture["compared"]["likeness"], "differs", "{run}");
    for other in ["baseline", "difference"] {
        let digest = picture["compared"][other]["sha256"].as_str();
        let (_, page) =
            super::support::http(&daemon.address, "GET", &format!("/runs/{failed}"), &[], "")
                .unwrap();
        let address = format!("/pictures/{}", digest.unwrap());
        assert!(page.contains(&address), "{page}");
    }
    // All of it is in the folder that goes with a ticket.
    let (code, said) = called(
        folder,
        &[
            "gate", "incident", "3", "--out", "incident", "--server", &server,
        ],
    );
    assert_eq!(code, PASS, "{said}");
    let files = std::fs::read_dir(folder.join("incident"))
        .unwrap()
        .flatten();
    let names: Vec<String> = files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .collect();
    for part in [
        "-the-dashboard.png",
        "-the-baseline.png",
        "-the-difference.png",
    ] {
        assert!(names.iter().any(|name| name.ends_with(part)), "{names:?}");
    }
}

#[test]
fn how_many_runs_keep_their_pictures_is_an_input() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (site, _) = site();
    written(folder, &site, browser);
    let scenario = "name: website
service: console
inputs: { history: { env: WEBSITE_SCREENSHOT_HISTORY, default: \"5\" } }
browser: { keep: \"${inputs.history}\" }
steps:
  - open: /
  - screenshot: true
";
    std::fs::write(folder.join("scenarios/console.yaml"), scenario).unwrap();
    let performed = |history: &str| {
        let mut command = bellwether();
        command
            .current_dir(folder)
            .env("WEBSITE_SCREENSHOT_HISTORY", history);
        let (code, out, err) =
            run(command.args(["run", "scenarios/console.yaml", "--pictures", "artifacts"]));
        (code, out + &err)
    };
    let kept = || {
        std::fs::read_dir(folder.join("artifacts/website/staging"))
            .unwrap()
            .count()
    };
    for second in 1..=3 {
        let (code, said) = performed("2");
        assert_eq!(code, PASS, "{said}");
        // Folders are named by the second.
        let old = folder.join("artifacts/website/staging");
        for entry in std::fs::read_dir(&old).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let to = format!("2026-01-0{second}T00-00-00Z-pass");
            if !name.starts_with("2026-01-0") {
                std::fs::rename(entry.path(), old.join(to)).unwrap();
            }
        }
    }
    performed("2");
    assert_eq!(kept(), 2);
    let (code, said) = performed("many");
    assert!(
        code != PASS && said.contains("`keep` is `many`"),
        "{code}: {said}"
    );
}
