//! The evidence of a gate's loads as pictures that show the verdict: the share of bad requests with the band
//! that closes on its limit, the latencies around theirs.

use super::frame::prose;
use crate::figures::{percent, show_micros};
use crate::replay::curve::{Curve, CurvePoint, replay};
use crate::report::chart::{Beside, Level, Line, with};
use crate::report::explain::{in_words, odds};
use crate::report::histogram;
use crate::run::Summary;
use maud::{Markup, html};

/// What a load rests on; nothing if it was not judged while evidence came in.
pub fn evidence(summary: &Summary) -> Markup {
    if let Some(reason) = summary.not_counted() {
        return html! {
            h3 { "Load " (summary.scenario) }
            p.soft { "It does not count: " (reason) }
        };
    }
    let Some((curves, judged)) = summary.evidence.as_ref().and_then(replay) else {
        return html! {};
    };
    let distribution = summary
        .evidence
        .as_ref()
        .and_then(|evidence| evidence.distribution.as_ref());
    html! {
        h3 { "Load " (summary.scenario) }
        @for (curve, line) in curves.iter().zip(&judged.objectives) {
            p {
                span class=(format!("badge {}", match line.state.as_str() { "broken" => "fail", "holds" => "pass", _ => "inconclusive" })) { (line.state) }
                " " code { (curve.objective) } " " (prose(&line.reason))
            }
            @if line.state == "broken" { p { (in_words(&line.standing)) } }
            (share(curve))
            @if curve.warm_up_s > 0.0 { p.soft.small { "The first " (show_micros(curve.warm_up_s * 1e6)) " are warm-up (" code { "rule: { warm-up }" } "): they do not count, unless nearly all of it fails." } }
            @if let Some(last) = curve.points.last() { @if curve.with_baseline {
                p.soft.small { "Candidate " (percent(last.share)) " bad, baseline " (percent(last.baseline)) ". Odds that the candidate is worse: " (odds(last.ln_worse)) "." }
            } }
        }
        @if let Some(found) = distribution { (histogram::render("Latencies against the limit", found)) }
        p.soft.small { (judged.guarantee) }
    }
}

/// The share of bad requests over time, and what is certain of it.
fn share(curve: &Curve) -> Markup {
    let line = |value: fn(&CurvePoint) -> f64| -> Vec<(f64, f64)> {
        // Before anything counts there is no share.
        let points = curve.points.iter().filter(|point| point.requests > 0);
        points.map(|point| (point.t_s, value(point))).collect()
    };
    let mut lines = vec![Line {
        name: "bad requests so far",
        class: "line-1",
        points: line(|point| point.share),
    }];
    if curve.with_baseline {
        lines.push(Line {
            name: "of the baseline",
            class: "line-2",
            points: line(|point| point.baseline),
        });
    }
    let ends = curve.points.iter();
    // The band begins wide open: what decides is near the limit and the share.
    let last = curve.points.last();
    let top = last
        .map_or(0.0, |last| (last.share * 1.5).max(last.low * 1.5))
        .max(curve.bound * 1.6);
    let beside = Beside {
        levels: vec![
            Level {
                name: "limit: rolled back once it is certain to be above",
                class: "line-4",
                value: curve.limit,
            },
            Level {
                name: "promoted once it is certain to be below",
                class: "line-5",
                value: curve.bound,
            },
        ],
        band: Some((
            "what is still possible",
            ends.map(|point| (point.t_s, point.low, point.high))
                .collect(),
        )),
        top: Some(top.min(1.0)),
        unit: None,
    };
    with(
        &format!("Share of requests that break {}", curve.objective),
        &lines,
        &beside,
        percent,
    )
}
