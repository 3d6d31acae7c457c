//! A real Prometheus on thousands of probes: as OpenMetrics and as messages with native histograms; and on
//! the rules that are made from objectives, beside what the daemon says by itself.

use super::support::{Daemon, Process, api, bellwether, eventually, free_port, http, program, run};
use super::target::{Deed, Target};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(90);

struct Prometheus {
    address: String,
    _process: Process,
}

impl Prometheus {
    /// One that scrapes an address; `more` goes to the configuration, `features` to the command line.
    fn start(
        folder: &Path,
        name: &str,
        address: &str,
        more: &str,
        features: &str,
    ) -> Option<Prometheus> {
        let prometheus = program("prometheus")?;
        let port = free_port();
        let configuration = folder.join(format!("{name}.yml"));
        std::fs::write(
            &configuration,
            format!(
                "global: {{ scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 1s }}\n{more}\nscrape_configs:\n  - job_name: bellwether\n    static_configs: [ {{ targets: [\"{address}\"] }} ]\n    metric_relabel_configs:\n      - {{ source_labels: [__name__, probe], regex: \".*_bucket;probe-0[1-9].*\", action: drop }}\n"
            ),
        )
        .unwrap();
        let mut command = Command::new(prometheus);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.arg(format!("--config.file={}", configuration.display()));
        command.arg(format!(
            "--storage.tsdb.path={}",
            folder.join(format!("{name}.tsdb")).display()
        ));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.arg(format!("--enable-feature={features}"));
        Some(Prometheus {
            address: format!("127.0.0.1:{port}"),
            _process: Process::start(&mut command),
        })
    }

    fn ask(&self, path: &str) -> Option<Value> {
        let (status, body) = http(&self.address, "GET", path, &[], "")?;
        let answer: Value = serde_json::from_str(&body).ok()?;
        (status == 200).then(|| answer["data"].clone())
    }

    /// The first value of a question.
    fn value(&self, expression: &str) -> Option<f64> {
        let encoded =
            percent_encoding::utf8_percent_encode(expression, percent_encoding::NON_ALPHANUMERIC);
        let data = self.ask(&format!("/api/v1/query?query={encoded}"))?;
        let first = data["result"].as_array()?.first()?.clone();
        first["value"][1].as_str()?.parse().ok()
    }

    fn until(&self, expression: &str, holds: impl Fn(f64) -> bool) -> f64 {
        eventually(expression, LONG, || {
            self.value(expression).filter(|value| holds(*value))
        })
    }
}

fn many(count: usize, target: &Target) -> String {
    let mut text = format!(
        "server: {{ listen: LISTEN }}\nenvironments: {{ production: {{ services: {{ api: {{ url: \"http://{}\" }} }} }} }}\nprobes:\n",
        target.address
    );
    for number in 0..count {
        let _ = writeln!(
            text,
            "  probe-{number:05}: {{ scenario: get.yaml, environment: production, interval: 60s, connections: kept }}"
        );
    }
    text
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scenario = "name: get\nservice: api\nsteps: [ { name: get, get: / } ]\n";
    std::fs::write(folder.path().join("get.yaml"), scenario).unwrap();
    folder
}

#[test]
fn a_prometheus_reads_ten_thousand_probes_in_both_forms() {
    let (folder, target) = (folder(), Target::start());
    let daemon = Daemon::start(folder.path(), &many(10_000, &target), &[]);
    let text = Prometheus::start(
        folder.path(),
        "text",
        &daemon.address,
        "",
        "exemplar-storage",
    );
    let Some(text) = text else { return };
    text.until("count(bellwether_probe_up)", |count| count == 10_000.0);
    text.until("up{job=\"bellwether\"}", |up| up == 1.0);
    text.until(
        "sum(bellwether_probe_runs_total{outcome=\"pass\"})",
        |runs| runs > 5_000.0,
    );
    let le = "bellwether_probe_duration_seconds_bucket{probe=\"probe-10000\",le=\"+Inf\"}";
    assert_eq!(text.value(le), None, "there are only those up to 9,999");
    exemplars_are_shown(&text);
    drop(text);
    let features = "native-histograms,exemplar-storage";
    let wire = Prometheus::start(folder.path(), "wire", &daemon.address, "", features).unwrap();
    wire.until("count(bellwether_probe_up)", |count| count == 10_000.0);
    wire.until("up{job=\"bellwether\"}", |up| up == 1.0);
    let counted = wire.until(
        "sum(histogram_count(bellwether_probe_duration_seconds))",
        |count| count > 5_000.0,
    );
    let runs = wire.until("sum(bellwether_probe_runs_total)", |runs| runs >= counted);
    assert!(
        runs - counted < 2_000.0,
        "{runs} runs, {counted} in native histograms"
    );
    let p95 = wire.until(
        "histogram_quantile(0.95, sum(bellwether_probe_duration_seconds))",
        |value| value > 0.0,
    );
    let mean = wire.until("sum(histogram_sum(bellwether_probe_duration_seconds)) / sum(histogram_count(bellwether_probe_duration_seconds))", |value| value > 0.0);
    assert!(p95 > mean / 3.0 && p95 < 3.0, "p95 {p95}, mean {mean}");
}

fn exemplars_are_shown(prometheus: &Prometheus) {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let path = format!(
        "/api/v1/query_exemplars?query=bellwether_probe_duration_seconds_bucket&start={}&end={}",
        now - 300,
        now + 60
    );
    eventually("an exemplar names its run", LONG, || {
        let data = prometheus.ask(&path)?;
        let first = data.as_array()?.first()?.clone();
        let run = first["exemplars"][0]["labels"]["run"]
            .as_str()?
            .parse::<u64>()
            .ok()?;
        (run / 1_000 <= now + 60).then_some(())
    });
}

#[test]
fn rules_of_prometheus_say_what_the_daemon_says_of_a_budget() {
    let (folder, target) = (folder(), Target::start());
    let promtool = program("promtool");
    let configuration = "server: { listen: LISTEN }\nenvironments: { production: { services: { api: { url: \"http://TARGET\" } } } }\nprobes:\n  api: { scenario: get.yaml, environment: production, interval: 100ms, failures: 1000 }\nslos:\n  the shop: { objective: 99%, window: 1h, service: api }\n"
        .replace("TARGET", &target.address.to_string());
    let daemon = Daemon::start(folder.path(), &configuration, &[]);
    let rules = |form: &str, file: &Path| {
        let (code, out, err) = run(bellwether().args(["rules", form, "--config"]).arg(file));
        assert_eq!(code, 0, "{err}");
        out
    };
    let own = folder.path().join("bellwether.yaml");
    let written = folder.path().join("slo.rules.yml");
    std::fs::write(&written, rules("prometheus", &own)).unwrap();
    if let Some(promtool) = promtool {
        let (code, out, err) = run(Command::new(promtool)
            .args(["check", "rules", "--lint=all", "--lint-fatal"])
            .arg(&written));
        assert_eq!(code, 0, "{out}{err}");
    }
    alerts_fire_in_their_time(folder.path(), &written);
    // OpenSLO and back is the same.
    let openslo = rules("openslo", &own);
    std::fs::write(folder.path().join("openslo.yaml"), &openslo).unwrap();
    let other = configuration.split("slos:").next().unwrap().to_owned()
        + "openslo: { files: [openslo.yaml] }\n";
    std::fs::write(
        folder.path().join("other.yaml"),
        other.replace("LISTEN", "127.0.0.1:1"),
    )
    .unwrap();
    let again = rules("prometheus", &folder.path().join("other.yaml"));
    assert_eq!(again, std::fs::read_to_string(&written).unwrap());

    let more = "rule_files: [ slo.rules.yml ]";
    let Some(prometheus) = Prometheus::start(
        folder.path(),
        "rules",
        &daemon.address,
        more,
        "exemplar-storage",
    ) else {
        return;
    };
    prometheus.until("sum(bellwether_slo_runs_total{result=\"good\"})", |runs| {
        runs > 50.0
    });
    target.at("/", Deed::Says(500));
    prometheus.until("sum(bellwether_slo_runs_total{result=\"bad\"})", |runs| {
        runs > 60.0
    });
    target.at("/", Deed::Answers);
    prometheus.until("ALERTS{alertname=\"BellwetherSloBurns\",slo=\"the shop\",severity=\"critical\",alertstate=\"firing\"}", |is| is == 1.0);
    eventually("both say the same", LONG, || {
        let rate = prometheus.value("slo:bellwether_slo_bad:ratio_increase5m{slo=\"the shop\"}")?;
        let slos = api(&daemon.address, "/api/v1/slos")?;
        let ours = slos[0]["burn_rates"]["5m"].as_f64()? * 0.01;
        // Scrapes are two seconds apart, and each end of an increase is guessed.
        ((rate - ours).abs() < 0.1 * ours).then_some(())
    });
}

#[test]
fn who_is_pushed_to_gets_what_would_be_scraped_and_what_is_gone_ends() {
    let (folder, target) = (folder(), Target::start());
    let Some(program) = program("prometheus") else {
        return;
    };
    let receiver = super::receiver::Receiver::start(Duration::ZERO);
    let port = free_port();
    std::fs::write(folder.path().join("empty.yml"), "global: {}\n").unwrap();
    let mut command = Command::new(program);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.arg(format!(
        "--config.file={}",
        folder.path().join("empty.yml").display()
    ));
    command.arg(format!(
        "--storage.tsdb.path={}",
        folder.path().join("pushed").display()
    ));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    command.arg("--web.enable-remote-write-receiver");
    let prometheus = Prometheus {
        address: format!("127.0.0.1:{port}"),
        _process: Process::start(&mut command),
    };
    let text = |probes: usize| {
        many(probes, &target).replace("interval: 60s", "interval: 500ms")
            + &format!(
                "secrets: {{ OTLP: {{ env: OTLP }} }}\nmetrics:\n  remote_write: {{ url: \"http://127.0.0.1:{port}/api/v1/write\", every: 1s, labels: {{ instance: one }} }}\n  otlp: {{ url: \"http://{}/v1/metrics\", token: \"${{secrets.OTLP}}\", every: 1s, labels: {{ region: eu }} }}\n",
                receiver.address
            )
    };
    let daemon = Daemon::start(folder.path(), &text(3), &[("OTLP", "a-token-of-otlp")]);
    prometheus.until("count(bellwether_probe_up{instance=\"one\"})", |count| {
        count == 3.0
    });
    prometheus.until(
        "sum(bellwether_probe_runs_total{outcome=\"pass\"})",
        |runs| runs > 6.0,
    );
    prometheus.until(
        "histogram_quantile(0.95, sum by (le) (bellwether_probe_duration_seconds_bucket))",
        |value| value > 0.0,
    );
    let pushed = eventually("OpenTelemetry gets them", LONG, || {
        receiver.at("/v1/metrics").last().cloned()
    });
    assert_eq!(pushed.header("authorization"), "Bearer a-token-of-otlp");
    let body: Value = serde_json::from_str(&pushed.body).unwrap();
    let metrics = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
        .as_array()
        .unwrap()
        .clone();
    let duration = metrics
        .iter()
        .find(|metric| metric["name"] == "bellwether_probe_duration_seconds")
        .unwrap();
    assert_eq!(
        duration["histogram"]["dataPoints"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    // A probe that is no longer there ends at once, not after the five minutes for which Prometheus looks back.
    daemon.reload(&text(2));
    prometheus.until("count(bellwether_probe_up{instance=\"one\"})", |count| {
        count == 2.0
    });
    // A receiver that is away is our own trouble.
    drop(prometheus);
    eventually("it is told", LONG, || {
        let incidents = api(&daemon.address, "/api/v1/incidents")?.to_string();
        incidents.contains("metrics cannot be pushed").then_some(())
    });
}

/// Prometheus's own tests of the rules: an outage fires within its short window, a single failure never does.
fn alerts_fire_in_their_time(folder: &Path, rules: &Path) {
    let Some(promtool) = program("promtool") else {
        return;
    };
    let case = |name: &str, bad: &str, fires: bool| {
        let expected = match fires {
            true => {
                "[ { exp_labels: { slo: the shop, severity: critical, factor: \"14.4\" }, exp_annotations: { summary: \"the shop fails 14.4 times as often over 5m as its error budget allows\" } }, { exp_labels: { slo: the shop, severity: critical, factor: \"6\" }, exp_annotations: { summary: \"the shop fails 6 times as often over 5m as its error budget allows\" } }, { exp_labels: { slo: the shop, severity: warning, factor: \"3\" }, exp_annotations: { summary: \"the shop fails 3 times as often over 5m as its error budget allows\" } }, { exp_labels: { slo: the shop, severity: warning, factor: \"1\" }, exp_annotations: { summary: \"the shop fails 1 times as often over 6m as its error budget allows\" } } ]"
            }
            false => "[]",
        };
        format!(
            "  - name: {name}\n    interval: 15s\n    input_series:\n      - {{ series: 'bellwether_slo_runs_total{{slo=\"the shop\",result=\"good\"}}', values: '0+150x120' }}\n      - {{ series: 'bellwether_slo_runs_total{{slo=\"the shop\",result=\"bad\"}}', values: '{bad}' }}\n    alert_rule_test:\n      - {{ eval_time: 25m, alertname: BellwetherSloBurns, exp_alerts: {expected} }}\n      - {{ eval_time: 25m, alertname: BellwetherSloUnmeasured, exp_alerts: [] }}\n"
        )
    };
    let text = format!(
        "rule_files: [ {} ]\nevaluation_interval: 15s\ntests:\n{}{}",
        rules.display(),
        case("an outage", "0x40 150+150x80", true),
        case("one failure", "0x40 1x80", false)
    );
    let file = folder.join("rules.test.yml");
    std::fs::write(&file, text).unwrap();
    let (code, out, err) = run(Command::new(promtool).args(["test", "rules"]).arg(&file));
    assert_eq!(code, 0, "{out}{err}");
}
