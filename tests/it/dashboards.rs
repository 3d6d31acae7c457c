//! Dashboards and alerts over a scripted hour, on a real Prometheus: no panel is empty or no number on a real day, and
//! what is missing is told.

use super::support::{Process, bellwether, eventually, free_port, http, program, root, run};
use bellwether::document::{Diagnostics, Source, node};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Panels that show something only once it happened: from which minute on.
const ONCE: [(&str, u64); 8] = [
    ("Requests of loads", 14),
    ("Latency of loads, 95th percentile", 14),
    ("The generator's own lateness, 99th percentile", 14),
    ("Iterations and arrivals that wait", 13),
    ("Phases: how long they take", 13),
    ("Phases: how they ended", 13),
    ("The two clocks of a rollback", 34),
    // A rate needs two samples, and this is the newest of those that are asked for.
    ("Verdicts", 2),
];
/// Panels that are empty again when nothing happens.
const WHILE: [(&str, u64); 3] = [
    // While a step only fails, it has no latency.
    ("Step latency, 95th percentile", 33),
    ("Latency of loads, 95th percentile", 16),
    ("The generator's own lateness, 99th percentile", 16),
];
/// What rates are asked over: twice the time between two samples.
const RATE_INTERVAL: &str = "2m";
/// Minutes of the hour in which the daemon is scraped.
const SCRAPED: u64 = 57;

fn hour() -> (String, Value) {
    let path = root().join("tests/cases/dashboards/hour.yml");
    let rules = root().join("dashboards/prometheus/alerts.rules.yml");
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.replace("RULES", rules.to_str().unwrap());
    let mut found = Diagnostics::default();
    let source = Source::new("hour.yml", text.as_str());
    let read = node::parse(&source, &mut found).unwrap().to_json();
    (text, read["tests"][0].clone())
}

fn series(hour: &Value) -> Vec<(String, String)> {
    let all = hour["input_series"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.map(|one| (text(&one["series"]), text(&one["values"])))
        .collect()
}

#[test]
fn alerts_fire_when_they_should_and_not_before() {
    let Some(promtool) = program("promtool") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hour.yml");
    std::fs::write(&path, hour().0).unwrap();
    let (code, out, err) = run(Command::new(promtool).args(["test", "rules"]).arg(path));
    assert_eq!(code, 0, "{out}{err}");
}

/// The hour is written in names that a daemon really shows.
#[test]
fn the_scripted_hour_speaks_of_what_there_is() {
    let (_, page, _) = run(bellwether().args(["docs", "metrics", "--json"]));
    let page: Value = serde_json::from_str(&page).unwrap();
    let sections = page["sections"].as_array().unwrap().iter();
    let known: Vec<(String, String)> = sections
        .flat_map(|section| section["entries"].as_array().unwrap())
        .map(|entry| {
            (
                entry["name"].as_str().unwrap().to_owned(),
                entry["form"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let values = regex::Regex::new(r" \([^)]*\)").unwrap();
    for (series, _) in series(&hour().1) {
        let (name, labels) = series.split_once('{').unwrap_or((&series, ""));
        if name.starts_with("process_") || name == "bellwether_build_info" {
            continue;
        }
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        let family = family.unwrap_or(name);
        let found = known.iter().find(|(name, _)| name == family);
        let (_, form) = found.unwrap_or_else(|| panic!("{family} is not explained"));
        let told = form.split_once(" by ").map_or("", |(_, labels)| labels);
        let told = values.replace_all(told, "");
        let mut told: Vec<&str> = told.split(", ").filter(|label| !label.is_empty()).collect();
        let labels = labels
            .trim_end_matches('}')
            .split(',')
            .filter(|label| !label.is_empty());
        let mut labels: Vec<&str> = labels
            .map(|label| label.split('=').next().unwrap())
            .collect();
        labels.retain(|label| *label != "le");
        told.sort_unstable();
        labels.sort_unstable();
        assert_eq!(labels, told, "{series}");
    }
}

/// Samples as promtool writes them: `1x3` is four, `0+2x3` grows, `_x3` is three that are missing.
fn samples(values: &str) -> Vec<Option<f64>> {
    let mut all = Vec::new();
    for part in values.split(' ') {
        let (value, count) = part.split_once('x').unwrap();
        let count: usize = count.parse().unwrap();
        match (value, value.split_once('+')) {
            ("_", _) => all.extend(std::iter::repeat_n(None, count)),
            (_, Some((from, step))) => {
                let (from, step): (f64, f64) = (from.parse().unwrap(), step.parse().unwrap());
                all.extend((0..=count).map(|at| Some(from + step * at as f64)));
            }
            (value, None) => {
                let value: f64 = value.parse().unwrap();
                all.extend(std::iter::repeat_n(Some(value), count + 1));
            }
        }
    }
    all
}

/// A Prometheus that has scraped this hour, which began at this second.
fn prometheus(folder: &Path, promtool: &Path, server: &Path, from: u64) -> (Process, u16) {
    let mut text = String::new();
    for (series, values) in series(&hour().1) {
        for (minute, value) in samples(&values).into_iter().enumerate() {
            if let Some(value) = value {
                // A certificate that ends is a moment, and the hour is written from 0 on.
                let value = if series.starts_with("probe_ssl") {
                    value + from as f64
                } else {
                    value
                };
                writeln!(text, "{series} {value} {}", from + 60 * minute as u64).unwrap();
            }
        }
    }
    text.push_str("# EOF\n");
    let metrics = folder.join("hour.txt");
    std::fs::write(&metrics, text).unwrap();
    let data = folder.join("data");
    let mut fill = Command::new(promtool);
    fill.args(["tsdb", "create-blocks-from", "openmetrics"])
        .arg(metrics)
        .arg(&data);
    let (code, out, err) = run(&mut fill);
    assert_eq!(code, 0, "{out}{err}");
    let configuration = folder.join("prometheus.yml");
    std::fs::write(&configuration, "scrape_configs: []\n").unwrap();
    let port = free_port();
    let process = Process::start(
        Command::new(server)
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    eventually("Prometheus is ready", Duration::from_secs(30), || {
        let ready = http(&format!("127.0.0.1:{port}"), "GET", "/-/ready", &[], "");
        ready.filter(|(status, _)| *status == 200)
    });
    (process, port)
}

/// What a panel shows at each minute: the values of all its lines.
fn shown(port: u16, expression: &str, from: u64) -> Vec<Vec<String>> {
    let encoded =
        percent_encoding::utf8_percent_encode(expression, percent_encoding::NON_ALPHANUMERIC);
    let (start, end) = (from, from + 60 * SCRAPED);
    let path = format!("/api/v1/query_range?query={encoded}&start={start}&end={end}&step=60");
    let (status, body) = http(&format!("127.0.0.1:{port}"), "GET", &path, &[], "").unwrap();
    assert_eq!(status, 200, "{expression}: {body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let mut minutes = vec![Vec::new(); SCRAPED as usize + 1];
    for line in body["data"]["result"].as_array().unwrap() {
        for sample in line["values"].as_array().unwrap() {
            let minute = (sample[0].as_u64().unwrap() - from) / 60;
            minutes[minute as usize].push(sample[1].as_str().unwrap().to_owned());
        }
    }
    minutes
}

#[test]
fn every_panel_shows_numbers_all_through_an_hour() {
    let (Some(promtool), Some(server)) = (program("promtool"), program("prometheus")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let from = now - now % 60 - 2 * 3_600;
    let (_process, port) = prometheus(folder.path(), &promtool, &server, from);
    let mut count = 0;
    for file in std::fs::read_dir(root().join("dashboards/grafana"))
        .unwrap()
        .flatten()
    {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let board: Value = serde_json::from_str(&text).unwrap();
        let title = |panel: &Value| panel["title"].as_str().unwrap().to_owned();
        let panels = board["panels"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|panel| panel["type"] != "row");
        for panel in panels {
            let name = format!("{}: {}", title(&board), title(panel));
            assert!(
                !panel["description"].as_str().unwrap().is_empty(),
                "{name} is not described"
            );
            assert!(
                panel["fieldConfig"]["defaults"]["unit"].is_string(),
                "{name} has no unit"
            );
            for target in panel["targets"].as_array().unwrap() {
                count += 1;
                held(
                    port,
                    from,
                    &name,
                    &title(panel),
                    target["expr"].as_str().unwrap(),
                );
            }
        }
        for annotation in board["annotations"]["list"].as_array().unwrap() {
            let Some(expression) = annotation["expr"].as_str() else {
                continue;
            };
            let minutes = shown(port, &filled(expression, RATE_INTERVAL), from);
            let seen = minutes.iter().filter(|minute| !minute.is_empty()).count();
            assert!((1..10).contains(&seen), "{}: {seen}", annotation["name"]);
        }
        for variable in board["templating"]["list"].as_array().unwrap() {
            let Some(asked) = variable["query"]
                .as_str()
                .and_then(|query| query.strip_prefix("label_values("))
            else {
                continue;
            };
            let (selector, label) = asked.trim_end_matches(')').rsplit_once(", ").unwrap();
            let minutes = shown(
                port,
                &format!("count by ({label}) ({})", filled(selector, RATE_INTERVAL)),
                from,
            );
            assert!(!minutes[5].is_empty(), "{}", variable["name"]);
        }
    }
    assert!(count > 45, "{count}");
}

/// An expression as Grafana asks it where everything is shown, with rates over such an interval.
pub fn filled(expression: &str, rate_interval: &str) -> String {
    let mut text = expression
        .replace("$__rate_interval", rate_interval)
        .replace("$__range", "1h");
    for name in ["environment", "service", "probe", "gate", "slo"] {
        text = text.replace(&format!("${name}"), ".*");
    }
    text
}

fn held(port: u16, from: u64, name: &str, title: &str, expression: &str) {
    let minutes = shown(port, &filled(expression, RATE_INTERVAL), from);
    let of = |list: &[(&str, u64)]| {
        list.iter()
            .find(|(known, _)| *known == title)
            .map(|(_, at)| *at)
    };
    let first = of(&ONCE).unwrap_or(2);
    let last = of(&WHILE).unwrap_or(SCRAPED);
    for (minute, values) in minutes.iter().enumerate() {
        let minute = minute as u64;
        assert!(
            values
                .iter()
                .all(|value| value != "NaN" && !value.contains("Inf")),
            "{name} at {minute}: {values:?}"
        );
        if (first..last).contains(&minute) {
            assert!(
                !values.is_empty(),
                "{name} shows nothing at {minute}: {expression}"
            );
        }
    }
}
