//! Verdicts: the sequential tests against an independent implementation, their error rates on
//! simulated services, and recorded samples through `bellwether judge`.

use super::support::{bellwether, run};
use bellwether::objective::Objective;
use bellwether::objective::contest::Contest;
use bellwether::objective::mixture::ln_evidence_below;
use bellwether::objective::rule::{Rule, SETTINGS};
use bellwether::objective::slot::Count;
use bellwether::objective::spread::Spread;
use bellwether::objective::trial::{Conclusion, Trial};
use bellwether::objective::wealth::Wealth;
use serde_json::Value;
use std::fmt::Write as _;

#[path = "../../benches/streams/mod.rs"]
mod streams;
use streams::{Kind, Request, slots, stream};

fn close(ours: f64, wanted: &Value, what: &str) {
    let wanted = wanted.as_f64().unwrap();
    assert!(
        (ours - wanted).abs() <= 1e-6 * wanted.abs().max(1.0),
        "{what}: {ours} against {wanted}"
    );
}

#[test]
fn the_evidence_is_that_of_an_independent_implementation() {
    let vectors: Value =
        serde_json::from_str(include_str!("../cases/sequential/vectors.json")).unwrap();
    let all = |name: &str| vectors[name].as_array().unwrap().clone();
    for row in all("mixture") {
        let number = |name: &str| row[name].as_f64().unwrap();
        let ours = ln_evidence_below(number("bad"), number("requests"), number("bound"));
        close(ours, &row["ln"], "mixture");
    }
    for row in all("wealth") {
        let mut wealth = Wealth::new(row["limit"].as_f64().unwrap());
        for share in row["shares"].as_array().unwrap() {
            wealth.block(share.as_f64().unwrap());
        }
        close(wealth.ln(), &row["ln"], "wealth");
    }
    for row in all("contest") {
        let mut contest = Contest::default();
        for pair in row["pairs"].as_array().unwrap() {
            contest.block(pair[0].as_u64().unwrap(), pair[1].as_u64().unwrap());
        }
        close(contest.ln(), &row["ln"], "contest");
    }
    for row in all("effect") {
        let mut spread = Spread::default();
        for count in row["counts"].as_array().unwrap() {
            spread.slot(Count {
                requests: count[0].as_u64().unwrap(),
                bad: count[1].as_u64().unwrap(),
            });
        }
        let effect = spread.effect_beside(&Spread::default());
        close(effect, &row["effect"], "design effect");
    }
}

fn judged(candidate: &[Request], baseline: &[Request]) -> (Conclusion, f64) {
    let objectives = ["p95 < 300ms", "error_rate < 1%"].map(|text| Objective::parse(text).unwrap());
    let mut trial = Trial::new(Rule::default(), &objectives);
    for slot in &slots(candidate, baseline) {
        trial.slot(slot);
    }
    let until = trial
        .called()
        .map_or(streams::SECONDS, |call| call.slots as f64 / 4.0);
    (trial.conclude(1), until)
}

/// Seeded, so that the same gates are judged each time. The bounds are those that the product
/// promises, with the binomial noise of 400 gates (three standard deviations) where one is close.
#[test]
fn the_error_rates_are_those_that_we_state() {
    const GATES: u64 = 400;
    for kind in Kind::ALL {
        for with_baseline in [false, true] {
            let mut counts = [0_u64; 4];
            let mut slowest: f64 = 0.0;
            for gate in 0..GATES {
                let candidate = stream(kind, 1_000_000 + gate * 2);
                let baseline = if with_baseline {
                    stream(kind.baseline(), 1_000_001 + gate * 2)
                } else {
                    Vec::new()
                };
                let (conclusion, seconds) = judged(&candidate, &baseline);
                counts[conclusion as usize] += 1;
                if conclusion == Conclusion::Rollback {
                    slowest = slowest.max(seconds);
                }
            }
            let share = |conclusion: Conclusion| counts[conclusion as usize] as f64 / GATES as f64;
            let at = format!("{} (baseline: {with_baseline}): {counts:?}", kind.name());
            if kind.is_healthy() {
                // A service that wanders by itself and stands exactly at its limit is the one
                // case where the guarantee is approximate: 2 % in 4,000 gates.
                let most = match kind {
                    Kind::AutoAtLimit => 0.042,
                    Kind::Bursts | Kind::LongBursts | Kind::BurstsAtLimit => 0.02,
                    _ => 0.01,
                };
                assert!(share(Conclusion::Rollback) <= most, "{at}");
            }
            match kind {
                Kind::Slow | Kind::Failing | Kind::LateOnset | Kind::Dead => {
                    assert!(share(Conclusion::Rollback) >= 0.95, "{at}");
                    assert_eq!(counts[Conclusion::Promote as usize], 0, "{at}");
                }
                Kind::Bursts => assert!(share(Conclusion::Inconclusive) < 0.3, "{at}"),
                Kind::Healthy | Kind::Bimodal | Kind::ColdStart | Kind::LateShift => {
                    assert!(share(Conclusion::Promote) >= 0.98, "{at}");
                }
                _ => {}
            }
            if kind == Kind::Dead {
                assert!(slowest <= 3.0, "dead after {slowest} s");
            }
        }
    }
}

/// Both arms miss the objectives alike. One in twenty may be called worse than its like.
#[test]
fn a_broken_environment_is_no_reason_to_roll_back() {
    for (kind, most) in [(Kind::Slow, 15), (Kind::Dead, 0)] {
        let mut wrong = 0;
        for gate in 0..200 {
            let (conclusion, _) = judged(&stream(kind, gate * 2), &stream(kind, gate * 2 + 1));
            assert_ne!(conclusion, Conclusion::Promote);
            wrong += u32::from(conclusion == Conclusion::Rollback);
        }
        assert!(wrong <= most, "{}: {wrong} of 200", kind.name());
    }
}

fn csv(kinds: &[Kind]) -> String {
    let mut text = "gate,t_ms,arm,latency_us,ok\n".to_owned();
    for (gate, kind) in kinds.iter().enumerate() {
        for request in stream(*kind, 77 + gate as u64) {
            let _ = writeln!(
                text,
                "{gate},{:.3},candidate,{:.0},{}",
                request.at * 1e3,
                request.millis * 1e3,
                u8::from(request.ok)
            );
        }
    }
    text
}

#[test]
fn recorded_gates_are_judged_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gates.csv");
    std::fs::write(&path, csv(&[Kind::Healthy, Kind::Failing, Kind::Dead])).unwrap();
    let judge = |more: &[&str]| {
        run(bellwether()
            .arg("judge")
            .arg(&path)
            .args([
                "--objective",
                "p95 < 300ms",
                "--objective",
                "error_rate < 1%",
            ])
            .args(more))
    };
    let (code, out, err) = judge(&["--json"]);
    assert_eq!(code, 10, "{out}{err}");
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let verdicts: Vec<&str> = lines
        .iter()
        .map(|line| line["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["promote", "rollback", "rollback"]);
    assert_eq!(lines[2]["gate"], 2);
    assert!(lines[2]["t_s"].as_f64().unwrap() <= 3.0);
    let (_, out, _) = judge(&[]);
    assert!(
        out.contains("3 gates: 1 promote, 2 rollback, 0 hold, 0 inconclusive"),
        "{out}"
    );
}

/// What would go green here? Nothing of this does.
#[test]
fn nothing_recorded_is_never_a_promotion() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.csv");
    let few: String = (0..20)
        .map(|n| format!("{},candidate,1000,1\n", n * 50))
        .collect();
    for (text, code) in [
        (String::new(), 2),
        ("t_ms,arm,latency_us,ok\n".to_owned(), 20),
        (format!("t_ms,arm,latency_us,ok\n{few}"), 20),
        (
            format!(
                "t_ms,arm,latency_us,ok\n{}",
                few.replace("candidate", "baseline")
            ),
            20,
        ),
        ("t_ms,arm,latency_us\n1,candidate,5\n".to_owned(), 2),
        ("t_ms,arm,latency_us,ok\n1,candidate,NaN,1\n".to_owned(), 2),
        ("t_ms,arm,latency_us,ok\n1,canary,5,1\n".to_owned(), 2),
        ("t_ms,arm,latency_us,ok\n1,candidate,5,yes\n".to_owned(), 2),
    ] {
        std::fs::write(&path, &text).unwrap();
        let (got, out, err) = run(bellwether().arg("judge").arg(&path).args([
            "--objective",
            "p95 < 300ms",
            "--objective",
            "error_rate < 1%",
        ]));
        assert_eq!(got, code, "{text:.80}: {out}{err}");
        assert!(!out.contains("promote after"), "{out}");
    }
}

#[test]
fn files_of_k6_are_judged_and_the_rule_can_be_set() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status\n".to_owned();
    let mut lines = String::new();
    for number in 0..1200 {
        let ok = number % 12 != 0;
        let status = if ok { 200 } else { 500 };
        let at = 1_700_000_000 + number / 20;
        let _ = writeln!(
            table,
            "http_reqs,{at},1,,,,{ok},,GET,http://shop/,HTTP/1.1,default,,{status}"
        );
        let _ = writeln!(
            table,
            "http_req_duration,{at},12.5,,,,{ok},,GET,http://shop/,HTTP/1.1,default,,{status}"
        );
        let _ = writeln!(
            lines,
            r#"{{"metric":"http_req_duration","type":"Point","data":{{"time":"2026-11-20T10:00:{:02}.{:03}Z","value":12.5,"tags":{{"expected_response":"{ok}","name":"http://shop/","status":"{status}"}}}}}}"#,
            number / 20,
            number % 20 * 50
        );
    }
    for (name, text) in [("k6.csv", table), ("k6.json", lines)] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let judge = |limit: &str, rule: &str| {
            let (code, out, err) = run(bellwether().arg("judge").arg(&path).args([
                "--json",
                "--objective",
                limit,
                "--rule",
                rule,
            ]));
            (code, format!("{out}{err}"))
        };
        assert_eq!(judge("error_rate < 2%", "warm-up=5s").0, 10, "{name}");
        assert_eq!(judge("error_rate < 12%", "warm-up=5s").0, 0, "{name}");
        let (code, out) = judge("error_rate < 12%", "requests=5000");
        assert_eq!(code, 20, "{name}");
        assert!(out.contains("the rule asks for 5000"), "{out}");
        assert_eq!(judge("error_rate < 12%", "warmup=1s").0, 2, "{name}");
    }
}

#[test]
fn arrivals_that_k6_dropped_are_bad_ones_and_compressed_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut dropping =
        "metric_name,timestamp,metric_value,expected_response,name,status\n".to_owned();
    let mut lines = String::new();
    for second in 0..120 {
        let at = 1_700_000_000 + second;
        let _ = writeln!(dropping, "dropped_iterations,{at},40.000000,,,");
        for _ in 0..20 {
            let _ = writeln!(
                dropping,
                "http_req_duration,{at},12.5,true,http://shop/,200"
            );
            let _ = writeln!(
                lines,
                r#"{{"metric":"http_req_duration","type":"Point","data":{{"time":"2026-11-20T10:{:02}:{:02}Z","value":12.5,"tags":null}}}}"#,
                second / 60,
                second % 60
            );
        }
    }
    let judged = |name: &str, limit: &str| {
        let path = folder.path().join(name);
        let (code, out, err) = run(bellwether()
            .arg("judge")
            .arg(path)
            .args(["--objective", limit]));
        (code, format!("{out}{err}"))
    };
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let packed = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    write("dropping.csv", dropping.as_bytes());
    write("dropping.csv.gz", &packed(&dropping));
    for name in ["dropping.csv", "dropping.csv.gz"] {
        let (code, said) = judged(name, "p95 < 500ms");
        assert_eq!(code, 10, "{said}");
        assert!(said.contains("320 of 480 requests failed"), "{said}");
    }
    // Nobody says of these what came back: none of them is good.
    write("nulls.json", lines.as_bytes());
    let (code, said) = judged("nulls.json", "error_rate < 1%");
    assert_eq!(code, 10, "{said}");
    let cut = packed(&dropping);
    write("cut.csv.gz", &cut[..cut.len() / 2]);
    let (code, said) = judged("cut.csv.gz", "p95 < 500ms");
    assert_eq!(code, 2, "a verdict on half of a file is none: {said}");
}

#[test]
fn the_help_names_every_setting_of_the_rule() {
    let (_, out, _) = run(bellwether().args(["judge", "--help"]));
    for (name, _) in SETTINGS {
        assert!(out.contains(&format!("{name}=")), "{name}");
    }
}

/// The promise of a whole gate, and what a broken deploy gains from it: nothing.
#[test]
fn a_whole_gate_keeps_its_error_rates() {
    let gates = 200;
    for service in streams::gates::SERVICES {
        let ended: Vec<(Conclusion, f64)> = (0..gates).map(|gate| service.gate(gate)).collect();
        let count = |wanted| ended.iter().filter(|(found, _)| *found == wanted).count();
        let wrong = match service.is_healthy {
            true => count(Conclusion::Rollback),
            false => count(Conclusion::Promote),
        };
        // One of a hundred may be; six are one too many for that in all but 2 of 100 cases.
        assert!(wrong <= 5, "{}: {wrong} of {gates}", service.name);
        if service.one >= 1.0 && service.from == 0 {
            let slowest = ended
                .iter()
                .map(|(_, seconds)| *seconds)
                .fold(0.0, f64::max);
            assert_eq!(count(Conclusion::Rollback), ended.len(), "{}", service.name);
            assert!(slowest <= 2.0, "{}: {slowest} s", service.name);
        }
    }
}

/// A stream of so many seconds, of which a share fails in its first seconds, and another one later.
fn failing(seconds: u64, first: u64, shares: [f64; 2]) -> Vec<Request> {
    let share = |at: u64| shares[usize::from(at >= first)];
    let (mut owed, mut requests) = (0.0, Vec::new());
    for number in 0..seconds * 20 {
        owed += share(number / 20);
        let ok = owed < 1.0;
        owed -= f64::from(u8::from(!ok));
        requests.push(Request {
            at: number as f64 / 20.0,
            millis: 5.0,
            ok,
        });
    }
    requests
}

fn concluded(objective: &str, requests: &[Request]) -> (Conclusion, String) {
    let objectives = ["p95 < 300ms", objective].map(|text| Objective::parse(text).unwrap());
    let slots = slots(requests, &[]);
    let last = (requests.last().unwrap().at * 4.0) as usize + 1;
    let judged =
        bellwether::objective::verdict::judge(Rule::default(), &objectives, &slots[..last], 1);
    (judged.0.verdict, judged.0.reasons.join("; "))
}

#[test]
fn a_start_that_fails_is_no_promotion_and_says_so() {
    let (verdict, reasons) = concluded("error_rate < 1%", &failing(90, 9, [0.18, 0.0]));
    assert_eq!(verdict, Conclusion::Inconclusive, "{reasons}");
    assert!(
        reasons.contains("requests of the warm-up failed") && reasons.contains("at most 10 % may"),
        "{reasons}"
    );
    let (verdict, reasons) = concluded("error_rate < 1%", &failing(90, 9, [0.05, 0.0]));
    assert_eq!(verdict, Conclusion::Promote, "{reasons}");
}

#[test]
fn what_may_fail_by_declaration_is_not_dead() {
    let (verdict, reasons) = concluded("error_rate < 1%", &failing(60, 60, [0.9, 0.0]));
    assert!(
        verdict == Conclusion::Rollback && reasons.contains("the deploy is dead"),
        "{reasons}"
    );
    let (verdict, reasons) = concluded("error_rate < 95%", &failing(60, 60, [0.9, 0.0]));
    assert!(
        !reasons.contains("the deploy is dead"),
        "{verdict:?} {reasons}"
    );
}
