//! The evidence of a gate's loads as pictures: the odds over time, the latencies around the limit.

use crate::figures::{percent, show_micros};
use crate::objective::evidence::Distribution;
use crate::replay::curve::{Curve, CurvePoint, replay};
use crate::report::chart::{Line, render};
use crate::report::explain::{in_words, odds};
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
    html! {
        h3 { "Load " (summary.scenario) }
        @for (curve, line) in curves.iter().zip(&judged.objectives) {
            @if line.state == "broken" { p { strong { (curve.objective) } " is broken: " (in_words(&line.standing)) } }
            (render(&format!("{}: {}", curve.objective, line.reason), &lines(curve), odds))
        }
        @if let Some(distribution) = summary.evidence.as_ref().and_then(|evidence| evidence.distribution.as_ref()) {
            (bands(distribution))
        }
        p.soft { (judged.guarantee) }
    }
}

fn lines(curve: &Curve) -> Vec<Line<'static>> {
    let at = |value: fn(&CurvePoint) -> f64| -> Vec<(f64, f64)> {
        let points = curve.points.iter();
        points
            .map(|point| (point.t_s, value(point).max(0.0)))
            .collect()
    };
    let limit = curve
        .points
        .iter()
        .map(|point| (point.t_s, curve.needed))
        .collect();
    let mut lines = vec![
        Line {
            name: "odds that it is broken",
            class: "line-1",
            points: at(|point| point.ln_broken),
        },
        Line {
            name: "roll back above",
            class: "line-4",
            points: limit,
        },
    ];
    if curve.with_baseline {
        lines.push(Line {
            name: "odds that it is worse than the baseline",
            class: "line-2",
            points: at(|point| point.ln_worse),
        });
    }
    lines
}

fn bands(found: &Distribution) -> Markup {
    let all = |counts: &[u64]| counts.iter().sum::<u64>().max(1) as f64;
    let with_baseline = found.baseline.iter().any(|count| *count > 0);
    html! {
        table {
            thead { tr { th { "latency (limit " (show_micros(found.limit_us as f64)) ")" } th.n { "share" } th {} @if with_baseline { th.n { "baseline" } } } }
            tbody { @for (number, count) in found.candidate.iter().enumerate() {
                @let bound = found.bounds_us.get(number);
                @let over = bound.is_none_or(|bound| *bound > found.limit_us);
                @let share = *count as f64 / all(&found.candidate);
                tr {
                    td { @match bound { Some(bound) => { "to " (show_micros(*bound as f64)) }, None => { "longer or failed" } } }
                    td.n { (percent(share)) }
                    td { span.bar.over[over] style=(format!("width:{:.0}px", share * 320.0)) {} }
                    @if with_baseline {
                        td.n { (percent(found.baseline.get(number).map_or(0.0, |count| *count as f64 / all(&found.baseline)))) }
                    }
                }
            } }
        }
    }
}
