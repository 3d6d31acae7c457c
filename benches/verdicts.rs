//! What verdicts different rules reach on the same streams: how often a healthy deploy is rolled
//! back, and how often a bad one is promoted. Simulated with fixed seeds, so the table is the same
//! on every machine.
//!
//! `cargo bench --bench verdicts [-- gates]`

use bellwether::objective::Objective;
use bellwether::objective::rule::Rule;
use bellwether::objective::trial::{Conclusion, Trial};

#[path = "streams/mod.rs"]
mod streams;
use streams::{Kind, Request, slots, stream};

/// What a rule made of a gate.
struct Ended {
    conclusion: Conclusion,
    seconds: f64,
}

fn ours(candidate: &[Request], baseline: &[Request]) -> Ended {
    let objectives =
        ["p95 < 300ms", "error_rate < 1%"].map(|text| Objective::parse(text).expect("a constant"));
    let mut trial = Trial::new(Rule::default(), &objectives);
    for slot in slots(candidate, baseline) {
        trial.slot(&slot);
        if trial.called().is_some() {
            break;
        }
    }
    Ended {
        conclusion: trial.conclude(1),
        seconds: trial.elapsed().as_secs_f64(),
    }
}

fn broken(requests: &[Request]) -> bool {
    if requests.is_empty() {
        return false;
    }
    let mut latencies: Vec<f64> = requests.iter().map(|request| request.millis).collect();
    let at = ((latencies.len() as f64 * 0.95).ceil() as usize).clamp(1, latencies.len()) - 1;
    let (_, p95, _) = latencies.select_nth_unstable_by(at, f64::total_cmp);
    let failed = requests.iter().filter(|request| !request.ok).count();
    *p95 >= streams::LIMIT_MS || failed as f64 >= 0.01 * requests.len() as f64
}

/// A threshold at the end, as most load tools have it.
fn at_end(candidate: &[Request]) -> Ended {
    let conclusion = if broken(candidate) {
        Conclusion::Rollback
    } else {
        Conclusion::Promote
    };
    Ended {
        conclusion,
        seconds: streams::SECONDS,
    }
}

/// The same threshold, looked at every two seconds after ten: k6's `abortOnFail`.
fn peeking(candidate: &[Request]) -> Ended {
    let mut until = 10.0;
    while until <= streams::SECONDS {
        let seen = candidate.partition_point(|request| request.at < until);
        if broken(&candidate[..seen]) {
            return Ended {
                conclusion: Conclusion::Rollback,
                seconds: until,
            };
        }
        until += 2.0;
    }
    Ended {
        conclusion: Conclusion::Promote,
        seconds: streams::SECONDS,
    }
}

/// Mann–Whitney between the arms at 2.5 % on each side, on latencies: worse rolls back.
fn mann_whitney(candidate: &[Request], baseline: &[Request]) -> Ended {
    let mut all: Vec<(f64, bool)> = candidate
        .iter()
        .map(|request| (request.millis, true))
        .collect();
    all.extend(baseline.iter().map(|request| (request.millis, false)));
    all.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (n, m) = (candidate.len() as f64, baseline.len() as f64);
    let ranks: f64 = all
        .iter()
        .enumerate()
        .filter(|(_, (_, ours))| *ours)
        .map(|(rank, _)| rank as f64 + 1.0)
        .sum();
    let u = ranks - n * (n + 1.0) / 2.0;
    let z = (u - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt();
    let conclusion = if z > 1.96 {
        Conclusion::Rollback
    } else {
        Conclusion::Promote
    };
    Ended {
        conclusion,
        seconds: streams::SECONDS,
    }
}

fn main() {
    let gates: u64 = std::env::args()
        .skip(1)
        .find_map(|word| word.parse().ok())
        .unwrap_or(1000);
    println!(
        "{gates} gates of each kind, {} s at {}/s in each arm; p95 < 300 ms, errors < 1 %",
        streams::SECONDS,
        streams::RATE
    );
    println!(
        "{:<34} {:<26} {:>9} {:>8} {:>6} {:>13} {:>11}",
        "stream", "rule", "rollback", "promote", "hold", "inconclusive", "median s"
    );
    let mut wrongly = std::collections::BTreeMap::new();
    for kind in Kind::ALL {
        let rules = [
            "Bellwether",
            "Bellwether with baseline",
            "p95 at the end",
            "abortOnFail",
            "Mann-Whitney",
        ];
        let mut ended: [Vec<Ended>; 5] = std::array::from_fn(|_| Vec::new());
        for gate in 0..gates {
            let candidate = stream(kind, gate * 2 + 1);
            let baseline = stream(kind.baseline(), gate * 2 + 2);
            ended[0].push(ours(&candidate, &[]));
            ended[1].push(ours(&candidate, &baseline));
            ended[2].push(at_end(&candidate));
            ended[3].push(peeking(&candidate));
            ended[4].push(mann_whitney(&candidate, &baseline));
        }
        for (rule, ended) in rules.into_iter().zip(&ended) {
            print_row(kind, rule, ended);
            if kind.is_healthy() {
                let wrong = ended
                    .iter()
                    .filter(|end| end.conclusion == Conclusion::Rollback);
                let of_rule = wrongly.entry(rule).or_insert((0, 0));
                *of_rule = (of_rule.0 + wrong.count(), of_rule.1 + ended.len());
            }
        }
        println!();
    }
    for (rule, (wrong, gates)) in wrongly {
        let share = 100.0 * wrong as f64 / gates as f64;
        println!("{rule:<26} rolls back {share:.2} % of all healthy gates above");
    }
    whole_gates(gates);
}

/// Whole gates: a smoke of ten steps, the load above, a bake of sixty rounds.
fn whole_gates(gates: u64) {
    println!(
        "\nwhole gates: a smoke of 10 steps, this load, a bake of 60 rounds; 1 % of requests may fail"
    );
    println!(
        "{:<44} {:>9} {:>8} {:>13} {:>22}",
        "service", "rollback", "promote", "inconclusive", "rolled back after s"
    );
    let mut wrongly = (0, 0);
    for service in streams::gates::SERVICES {
        let ended: Vec<(Conclusion, f64)> = (0..gates).map(|gate| service.gate(gate)).collect();
        let count = |wanted| ended.iter().filter(|(found, _)| *found == wanted).count();
        let share = |wanted| 100.0 * count(wanted) as f64 / ended.len() as f64;
        let rolled = ended
            .iter()
            .filter(|(found, _)| *found == Conclusion::Rollback);
        let mut seconds: Vec<f64> = rolled.map(|(_, seconds)| *seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = (seconds.len() as f64 * part) as usize;
            seconds
                .get(place.min(seconds.len().saturating_sub(1)))
                .map_or("-".to_owned(), |value| format!("{value:.1}"))
        };
        println!(
            "{:<44} {:>8.2}% {:>7.2}% {:>12.2}% {:>12} to {:>6}",
            service.name,
            share(Conclusion::Rollback),
            share(Conclusion::Promote),
            share(Conclusion::Inconclusive),
            at(0.5),
            at(0.99)
        );
        if service.is_healthy {
            wrongly.0 += count(Conclusion::Rollback);
            wrongly.1 += ended.len();
        }
    }
    let share = 100.0 * wrongly.0 as f64 / wrongly.1 as f64;
    println!("healthy gates rolled back, in all: {share:.2} %");
}

fn print_row(kind: Kind, rule: &str, ended: &[Ended]) {
    let share = |wanted| {
        let count = ended.iter().filter(|end| end.conclusion == wanted).count();
        100.0 * count as f64 / ended.len() as f64
    };
    let mut seconds: Vec<f64> = ended
        .iter()
        .filter(|end| end.conclusion == Conclusion::Rollback)
        .map(|end| end.seconds)
        .collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds
        .get(seconds.len() / 2)
        .map_or("-".to_owned(), |value| format!("{value:.1}"));
    println!(
        "{:<34} {rule:<26} {:>8.2}% {:>7.2}% {:>5.2}% {:>12.2}% {median:>11}",
        kind.name(),
        share(Conclusion::Rollback),
        share(Conclusion::Promote),
        share(Conclusion::Hold),
        share(Conclusion::Inconclusive)
    );
}
