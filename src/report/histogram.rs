//! The distribution of latencies against a limit, as inline SVG: bars on a logarithmic axis, candidate beside
//! baseline, and what failed apart.

use super::chart::round;
use crate::figures::{percent, show_micros};
use crate::objective::evidence::Distribution;
use maud::{Markup, html};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 12.0;
const BOTTOM: f64 = 40.0;
const TOP: f64 = 18.0;
/// Room between two bands.
const GAP: f64 = 3.0;

/// One band of the picture.
struct Band {
    label: String,
    is_over: bool,
    candidate: f64,
    baseline: f64,
}

/// Bands that hold anything, with one on either side of the limit; failures are the last.
fn shown(found: &Distribution) -> Vec<Band> {
    let total = |counts: &[u64]| counts.iter().sum::<u64>().max(1) as f64;
    let totals = (total(&found.candidate), total(&found.baseline));
    let count = |counts: &[u64], number: usize| counts.get(number).copied().unwrap_or_default();
    let limit = found
        .bounds_us
        .iter()
        .position(|bound| *bound >= found.limit_us);
    let limit = limit.unwrap_or(found.bounds_us.len());
    let is_seen =
        |number: &usize| count(&found.candidate, *number) + count(&found.baseline, *number) > 0;
    let seen = || (0..=found.bounds_us.len()).filter(is_seen);
    let first = seen().next().unwrap_or(limit).min(limit);
    let last = seen().next_back().unwrap_or(limit).max(limit + 1);
    let mut bands: Vec<Band> = (first..=last.min(found.bounds_us.len()))
        .map(|number| {
            let rest = |counts: &[u64], failed: u64| {
                let is_last = number == found.bounds_us.len();
                count(counts, number)
                    - if is_last {
                        failed.min(count(counts, number))
                    } else {
                        0
                    }
            };
            Band {
                label: found
                    .bounds_us
                    .get(number)
                    .map_or_else(|| "longer".to_owned(), |bound| show_micros(*bound as f64)),
                is_over: number > limit,
                candidate: rest(&found.candidate, found.candidate_failed) as f64 / totals.0,
                baseline: rest(&found.baseline, found.baseline_failed) as f64 / totals.1,
            }
        })
        .collect();
    bands.push(Band {
        label: "failed".to_owned(),
        is_over: true,
        candidate: found.candidate_failed as f64 / totals.0,
        baseline: found.baseline_failed as f64 / totals.1,
    });
    bands
}

/// The picture.
pub fn render(title: &str, found: &Distribution) -> Markup {
    let bands = shown(found);
    let with_baseline = found.baseline.iter().any(|count| *count > 0);
    let tallest = bands
        .iter()
        .map(|band| band.candidate.max(band.baseline))
        .fold(1e-9, f64::max);
    let step = (WIDTH - 2.0 * LEFT) / bands.len() as f64;
    let height = |share: f64| round(share / tallest * (HEIGHT - TOP - BOTTOM));
    let floor = HEIGHT - BOTTOM;
    let limit = bands
        .iter()
        .position(|band| band.is_over)
        .unwrap_or(bands.len());
    let limit_x = round(LEFT + limit as f64 * step);
    let wide = if with_baseline {
        (step - GAP) / 2.0
    } else {
        step - GAP
    };
    html! {
        figure.chart tabindex="0" {
            figcaption {
                (title)
                " " span.legend { svg.key viewBox="0 0 14 10" aria-hidden="true" { rect.bar width="14" height="10" {} } " candidate, within the limit" }
                " " span.legend { svg.key viewBox="0 0 14 10" aria-hidden="true" { rect.bar.over width="14" height="10" {} } " over it or failed" }
                @if with_baseline { " " span.legend { svg.key viewBox="0 0 14 10" aria-hidden="true" { rect.beside width="14" height="10" {} } " baseline" } }
            }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(spoken(title, &bands, with_baseline)) {
                @for (number, band) in bands.iter().enumerate() {
                    @let x = LEFT + number as f64 * step;
                    @let tall = height(band.candidate);
                    rect.bar.over[band.is_over] x=(round(x)) y=(round(floor - tall)) width=(round(wide)) height=(tall) {}
                    @if with_baseline {
                        @let beside = height(band.baseline);
                        rect.beside x=(round(x + wide)) y=(round(floor - beside)) width=(round(wide)) height=(beside) {}
                    }
                    @if band.candidate > 0.0 { text.axis x=(round(x + wide / 2.0)) y=(round(floor - tall - 4.0)) text-anchor="middle" { (short(band.candidate)) } }
                    @let is_apart = number + 1 == bands.len();
                    @if is_apart || number % 2 == (bands.len() % 2) || bands.len() < 9 { text.axis x=(round(x + (step - GAP) / 2.0)) y=(floor + 16.0) text-anchor="middle" { @if !is_apart && band.label != "longer" { "≤ " } (band.label) } }
                }
                line.grid x1=(LEFT) x2=(WIDTH - LEFT) y1=(floor) y2=(floor) {}
                line.line-4 x1=(limit_x) x2=(limit_x) y1="2" y2=(floor) {}
                text.axis.strong x=(limit_x) y=(floor + 34.0) text-anchor="middle" { "limit " (show_micros(found.limit_us as f64)) }
            }
        }
    }
}

/// A share in as few letters as tell it.
fn short(share: f64) -> String {
    match share {
        share if share >= 0.1 => format!("{:.0} %", share * 100.0),
        share if share >= 0.001 => format!("{:.1} %", share * 100.0),
        _ => "<0.1 %".to_owned(),
    }
}

fn spoken(title: &str, bands: &[Band], with_baseline: bool) -> String {
    let over = |share: fn(&Band) -> f64| {
        let over = bands.iter().filter(|band| band.is_over);
        percent(over.map(share).sum())
    };
    let mut text = format!(
        "{title}: {} over the limit or failed",
        over(|band| band.candidate)
    );
    if with_baseline {
        text.push_str(&format!(", of the baseline {}", over(|band| band.baseline)));
    }
    text
}
