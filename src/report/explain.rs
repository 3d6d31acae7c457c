//! Why a gate said what it said, in words and in a picture, for a terminal.

use super::style::Style;
use crate::figures::{percent, show_micros};
use crate::objective::evidence::{Distribution, Evidence};
use crate::objective::trial::Standing;
use crate::replay::curve::{Curve, replay};

/// Width of a plot in characters at the most.
const WIDTH_MAX: usize = 60;
/// What stands beside it: its scale, and what its line means.
const BESIDE: usize = 26;
/// Width of a bar in characters at the most.
const BAR_MAX: usize = 40;
/// What stands beside it: a band, a share, and that it is over the limit.
const BESIDE_BAR: usize = 46;
/// Height of a plot in lines.
const HEIGHT: usize = 9;

/// The evidence of a load: which objective decided, its odds over time, the latencies.
pub fn evidence(evidence: &Evidence, style: Style) -> String {
    let Some((curves, judged)) = replay(evidence) else {
        return String::new();
    };
    let mut text = String::new();
    let state = |name: &str| {
        let found = judged.objectives.iter().find(|line| line.objective == name);
        found.map_or("open", |line| line.state.as_str()).to_owned()
    };
    // What is broken explains; without that, what is open; without that, the closest call.
    let mut shown: Vec<&Curve> = curves
        .iter()
        .filter(|curve| state(&curve.objective) == "broken")
        .collect();
    if shown.is_empty() {
        shown = curves
            .iter()
            .filter(|curve| state(&curve.objective) == "open")
            .collect();
    }
    if shown.is_empty() {
        shown = curves.iter().take(1).collect();
    }
    for curve in shown {
        text.push_str(&plot(curve, style));
        if let Some(line) = judged
            .objectives
            .iter()
            .find(|line| line.objective == curve.objective)
        {
            text.push_str(&format!("  {}\n", line.reason));
        }
        if let Some(line) = judged
            .objectives
            .iter()
            .find(|line| line.objective == curve.objective)
            && line.state == "broken"
        {
            text.push_str(&format!("  {}\n", in_words(&line.standing)));
        }
        if curve.with_baseline
            && let Some(last) = curve.points.last()
        {
            text.push_str(&format!(
                "  candidate {} bad, baseline {} bad; odds that the candidate is worse: {}\n",
                percent(last.share),
                percent(last.baseline),
                odds(last.ln_worse)
            ));
        }
        text.push('\n');
    }
    let is_seen = |found: &&Distribution| found.candidate.iter().any(|count| *count > 0);
    if let Some(found) = evidence.distribution.as_ref().filter(is_seen) {
        text.push_str(&distribution(found, style));
    }
    text.push_str(&style.dim(&format!("{}\n", judged.guarantee)));
    text
}

/// What made a broken objective certain: the bets on the way, or the look at the end.
pub fn in_words(standing: &Standing) -> String {
    let times = standing.candidate.share().unwrap_or(0.0) / standing.limit;
    if standing.ln_broken >= standing.broken_at {
        return format!(
            "{times:.1} times what is allowed; the odds crossed the line at which a gate rolls back"
        );
    }
    let rare = (1.0 / standing.level_broken.max(1e-9)).min(1e9);
    let rare = if rare >= 1e6 {
        "a million".to_owned()
    } else {
        format!("{rare:.0}")
    };
    format!(
        "{times:.1} times what is allowed; at the end: a service within its limit shows so many in less than one of {rare} gates"
    )
}

/// Odds as people say them.
pub fn odds(ln: f64) -> String {
    let odds = ln.exp();
    if ln > 13.8 {
        "over a million to 1".to_owned()
    } else if odds >= 10.0 {
        format!("{odds:.0} to 1")
    } else if odds >= 1.0 {
        format!("{odds:.1} to 1")
    } else {
        "against it".to_owned()
    }
}

/// Odds over time on a logarithmic scale, with the line at which the gate rolls back.
fn plot(curve: &Curve, style: Style) -> String {
    let title = format!("Odds that `{}` is broken, over time", curve.objective);
    let end = curve.points.last().map_or(1.0, |point| point.t_s);
    let start = curve.points.first().map_or(0.0, |point| point.t_s);
    let top = curve.needed * 1.25;
    let row =
        |value: f64| ((1.0 - value.clamp(0.0, top) / top) * (HEIGHT - 1) as f64).round() as usize;
    let wide = style.width.saturating_sub(BESIDE).clamp(10, WIDTH_MAX);
    let mut cells = vec![vec![' '; wide]; HEIGHT];
    cells[row(curve.needed)].fill('┄');
    let mut before: Option<usize> = None;
    for column in 0..wide {
        let at = start + (end - start) * column as f64 / (wide - 1) as f64;
        let point = curve
            .points
            .iter()
            .rev()
            .find(|point| point.t_s <= at + 1e-9);
        let Some(point) = point else { continue };
        let this = row(point.ln_broken);
        let (from, to) = before.map_or((this, this), |before| (before.min(this), before.max(this)));
        for line in cells.iter_mut().take(to + 1).skip(from) {
            line[column] = '█';
        }
        before = Some(this);
    }
    let mut text = format!("{}\n", style.bold(&title));
    for (number, line) in cells.iter().enumerate() {
        let label = if number == row(curve.needed) {
            odds(curve.needed)
        } else if number == HEIGHT - 1 {
            "1 to 1".to_owned()
        } else {
            String::new()
        };
        let line: String = line.iter().collect();
        let line = if number <= row(curve.needed) {
            style.bad(&line)
        } else {
            line
        };
        let note = if number == row(curve.needed) {
            "  roll back"
        } else {
            ""
        };
        text.push_str(&format!("{label:>12} │{line}{note}\n"));
    }
    text.push_str(&format!(
        "{:>12} └{}\n{:>14}{start:.0} s{:>width$.0} s\n",
        "",
        "─".repeat(wide),
        "",
        end,
        width = wide - 6
    ));
    if curve.warm_up_s > 0.0 {
        text.push_str(&format!(
            "  the first {} are warm-up (`rule: {{ warm-up }}`): they do not count, unless nearly all of it fails\n",
            show_micros(curve.warm_up_s * 1e6)
        ));
    }
    text
}

/// Latencies in bands around the limit, candidate beside baseline.
fn distribution(found: &Distribution, style: Style) -> String {
    let all = |counts: &[u64]| counts.iter().sum::<u64>().max(1) as f64;
    let with_baseline = found.baseline.iter().any(|count| *count > 0);
    let (candidates, baselines) = (all(&found.candidate), all(&found.baseline));
    let limit = show_micros(found.limit_us as f64);
    let widest = style.width.saturating_sub(BESIDE_BAR).clamp(8, BAR_MAX) as f64;
    let mut text = format!(
        "{}\n",
        style.bold(&format!("Latencies against the limit of {limit}"))
    );
    let is_seen = |number: &usize| {
        let count = |counts: &[u64]| counts.get(*number).copied().unwrap_or_default();
        count(&found.candidate) + count(&found.baseline) > 0
    };
    let seen = || (0..found.candidate.len()).filter(is_seen);
    let (first, last) = (seen().next().unwrap_or(0), seen().next_back().unwrap_or(0));
    let bands = found.candidate.iter().enumerate();
    for (number, count) in bands.take(last + 1).skip(first) {
        let over = found
            .bounds_us
            .get(number)
            .is_none_or(|bound| *bound > found.limit_us);
        let label = match found.bounds_us.get(number) {
            Some(bound) => format!("to {}", show_micros(*bound as f64)),
            None => "longer or failed".to_owned(),
        };
        let share = *count as f64 / candidates;
        let bar = "█".repeat((share * widest).ceil() as usize);
        let bar = if over {
            style.bad(&bar)
        } else {
            style.good(&bar)
        };
        let mut line = format!("{label:>18} {:>7} {bar}", percent(share));
        if with_baseline {
            let beside = found
                .baseline
                .get(number)
                .map_or(0.0, |count| *count as f64 / baselines);
            line.push_str(&style.dim(&format!("  baseline {}", percent(beside))));
        }
        if over {
            line.push_str(&style.bad(" ← over the limit"));
        }
        text.push_str(&format!("{line}\n"));
    }
    text.push('\n');
    text
}
