//! A real Prometheus scrapes the demo: the exposition, every dashboard panel, every rule.

use super::dashboards::filled;
use super::support::{Process, bellwether, eventually, free_port, http, program, root, run};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A Prometheus that scrapes the demo every second, with our rules and our Alertmanager.
struct Stack {
    prometheus: u16,
    demo: u16,
    alertmanager: u16,
    _folder: tempfile::TempDir,
    _processes: Vec<Process>,
}

fn start() -> Option<Stack> {
    let (prometheus, alertmanager) = (program("prometheus")?, program("prometheus-alertmanager")?);
    let folder = tempfile::tempdir().unwrap();
    let [port, demo, alerts] = [free_port(), free_port(), free_port()];
    let ours = root().join("dashboards");
    let configuration = std::fs::read_to_string(ours.join("prometheus/prometheus.yml"))
        .unwrap()
        .replace("5s", "1s")
        .replace("bellwether:9911", &format!("127.0.0.1:{demo}"))
        .replace("alertmanager:9093", &format!("127.0.0.1:{alerts}"));
    std::fs::write(folder.path().join("prometheus.yml"), configuration).unwrap();
    for rules in ["recording.rules.yml", "alerts.rules.yml"] {
        std::fs::copy(
            ours.join("prometheus").join(rules),
            folder.path().join(rules),
        )
        .unwrap();
    }
    let quiet =
        |command: &mut Command| Process::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
    let story = std::fs::File::create(folder.path().join("demo.out")).unwrap();
    let processes = vec![
        quiet(
            Command::new(alertmanager)
                .arg(format!(
                    "--config.file={}",
                    ours.join("alertmanager/alertmanager.yml").display()
                ))
                .arg(format!(
                    "--storage.path={}",
                    folder.path().join("am").display()
                ))
                .arg(format!("--web.listen-address=127.0.0.1:{alerts}"))
                .arg("--cluster.listen-address="),
        ),
        quiet(
            Command::new(prometheus)
                .arg(format!(
                    "--config.file={}",
                    folder.path().join("prometheus.yml").display()
                ))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    folder.path().join("tsdb").display()
                ))
                .arg(format!("--web.listen-address=127.0.0.1:{port}")),
        ),
        Process::start(
            bellwether()
                .args(["demo", "--port", &demo.to_string()])
                .stdout(story)
                .stderr(Stdio::null()),
        ),
    ];
    eventually("the story is told", Duration::from_secs(150), || {
        let told = std::fs::read_to_string(folder.path().join("demo.out")).ok()?;
        told.contains("everything keeps running").then_some(())
    });
    Some(Stack {
        prometheus: port,
        demo,
        alertmanager: alerts,
        _folder: folder,
        _processes: processes,
    })
}

impl Stack {
    fn query(&self, expression: &str) -> Value {
        let encoded: String =
            percent_encoding::utf8_percent_encode(expression, percent_encoding::NON_ALPHANUMERIC)
                .to_string();
        let (status, body) = http(
            &format!("127.0.0.1:{}", self.prometheus),
            "GET",
            &format!("/api/v1/query?query={encoded}"),
            &[],
            "",
        )
        .unwrap();
        assert_eq!(status, 200, "{expression}: {body}");
        serde_json::from_str::<Value>(&body).unwrap()["data"]["result"].clone()
    }

    fn not_empty(&self, what: &str, expression: &str) {
        let expression = filled(expression, "1m");
        eventually(
            &format!("{what} gives something: {expression}"),
            Duration::from_secs(20),
            || {
                self.query(&expression)
                    .as_array()
                    .cloned()
                    // Something divided by nothing is no number, and shows nothing.
                    .filter(|results| results.iter().any(|result| result["value"][1] != "NaN"))
            },
        );
    }
}

#[test]
fn every_panel_and_every_rule_shows_something_of_a_real_scrape() {
    let Some(stack) = start() else { return };
    // The exposition passes Prometheus's own lint.
    if let Some(promtool) = program("promtool") {
        let (_, metrics) = http(
            &format!("127.0.0.1:{}", stack.demo),
            "GET",
            "/metrics",
            &[],
            "",
        )
        .unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &metrics).unwrap();
        let (code, out, err) = run(Command::new(&promtool)
            .args(["check", "metrics"])
            .stdin(std::fs::File::open(file.path()).unwrap()));
        assert_eq!(
            (code, out.as_str(), err.as_str()),
            (0, "", ""),
            "promtool check metrics"
        );
        for rules in ["recording.rules.yml", "alerts.rules.yml"] {
            let path = root().join("dashboards/prometheus").join(rules);
            let (code, _, err) = run(Command::new(&promtool)
                .args(["check", "rules", "--lint=all", "--lint-fatal"])
                .arg(path));
            assert_eq!(code, 0, "{err}");
        }
    }
    for board in [
        "bellwether.json",
        "bellwether-slos.json",
        "bellwether-gate.json",
    ] {
        let path = root().join("dashboards/grafana").join(board);
        let board: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let panels = board["panels"].as_array().unwrap().iter();
        for panel in panels.filter(|panel| panel["type"] != "row") {
            for target in panel["targets"].as_array().unwrap() {
                let expression = target["expr"].as_str().unwrap();
                // The demo has no certificate.
                if !expression.contains("probe_ssl") {
                    stack.not_empty(panel["title"].as_str().unwrap(), expression);
                }
            }
        }
    }
    let (_, body) = http(
        &format!("127.0.0.1:{}", stack.prometheus),
        "GET",
        "/api/v1/rules",
        &[],
        "",
    )
    .unwrap();
    let rules: Value = serde_json::from_str(&body).unwrap();
    let mut seen = 0;
    for rule in rules["data"]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
    {
        seen += 1;
        let name = rule["name"].as_str().unwrap();
        assert_eq!(rule["health"], "ok", "{name}: {}", rule["lastError"]);
        if rule["type"] == "recording" {
            stack.not_empty(name, name);
        }
        // An alert that does not fire is empty; what it compares must not be.
        let query = rule["query"].as_str().unwrap();
        // That nothing is there, and certificates, which the demo has none of, are told by the scripted hour.
        if ["BellwetherGone", "BellwetherCertificateEnds"].contains(&name) {
            continue;
        }
        let compared = [" == 0", " > 0", " > 1", " > 14.4", " > 6"]
            .iter()
            .find_map(|comparison| query.strip_suffix(comparison))
            .unwrap_or(query);
        stack.not_empty(name, compared);
    }
    assert_eq!(seen, 16, "all our rules are loaded");
    // The failed proof of the demo fires, and reaches the Alertmanager.
    eventually(
        "the alert reaches the Alertmanager",
        Duration::from_secs(30),
        || {
            let (_, body) = http(
                &format!("127.0.0.1:{}", stack.alertmanager),
                "GET",
                "/api/v2/alerts",
                &[],
                "",
            )?;
            body.contains("BellwetherRollbackNotProven").then_some(())
        },
    );
}

#[test]
fn the_configuration_of_the_trial_is_accepted_by_the_programs_it_is_for() {
    let (Some(promtool), Some(amtool)) = (program("promtool"), program("amtool")) else {
        return;
    };
    let ours = root().join("dashboards");
    assert_eq!(
        run(Command::new(promtool)
            .args(["check", "config"])
            .arg(ours.join("prometheus/prometheus.yml")))
        .0,
        0
    );
    assert_eq!(
        run(Command::new(amtool)
            .arg("check-config")
            .arg(ours.join("alertmanager/alertmanager.yml")))
        .0,
        0
    );
    let compose = std::fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    for (left, right) in compose.lines().filter_map(|line| {
        line.trim()
            .trim_start_matches("- ")
            .trim_matches(['"', '[', ']'])
            .strip_prefix("./")?
            .split_once(':')
    }) {
        assert!(
            root().join(left).exists(),
            "{left} is mounted at {right}, but is not there"
        );
    }
    let docker = Command::new("docker").args(["compose", "version"]).output();
    if docker.is_ok_and(|output| output.status.success()) {
        let (code, _, err) = run(Command::new("docker")
            .args(["compose", "config", "--quiet"])
            .env("BELLWETHER_TOKEN", "x")
            .current_dir(root()));
        assert_eq!(code, 0, "{err}");
    } else {
        eprintln!("LEFT OUT: `docker compose config`, which is not on this machine");
    }
}
