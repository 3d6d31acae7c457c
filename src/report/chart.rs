//! Line charts as inline SVG: no script, no font, no file beside it.
//!
//! Knows neither what is drawn nor whose page it is on. Invariant: a tick stands where it says, and what is
//! over the end of an axis is cut at it, never left out.

use super::axis::{Axis, seconds};
use maud::{Markup, PreEscaped, html};

/// One line of a chart.
#[derive(Debug)]
pub struct Line<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Its class in the style sheet, `line-1` to `line-5`.
    pub class: &'a str,
    /// Its points: x in seconds, y in the chart's unit.
    pub points: Vec<(f64, f64)>,
}

/// A level across the whole chart.
#[derive(Debug)]
pub struct Level<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Its class in the style sheet.
    pub class: &'a str,
    /// Where it is, in the chart's unit.
    pub value: f64,
}

/// A band behind the lines: its name, and x, lower and upper end of each point.
pub type Band<'a> = (&'a str, Vec<(f64, f64, f64)>);

/// What a chart shows beside its lines.
#[derive(Debug, Default)]
pub struct Beside<'a> {
    /// Levels.
    pub levels: Vec<Level<'a>>,
    /// A band.
    pub band: Option<Band<'a>>,
    /// The upper end of the y axis, where the values do not say it.
    pub top: Option<f64>,
    /// What the x axis counts, where that is not seconds.
    pub unit: Option<&'a str>,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 26.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 10.0;
/// Ticks on an axis, at most.
const TICKS: usize = 6;

/// A chart with a title, lines, and how a value on the y axis is shown.
pub fn render(title: &str, lines: &[Line<'_>], show: impl Fn(f64) -> String) -> Markup {
    with(title, lines, &Beside::default(), show)
}

/// A chart with more than lines.
pub fn with(
    title: &str,
    lines: &[Line<'_>],
    beside: &Beside<'_>,
    show: impl Fn(f64) -> String,
) -> Markup {
    let (x, y) = axes(lines, beside);
    let place = |(px, py): (f64, f64)| format!("{:.1},{:.1}", x.at(px), y.at(py));
    let path = |points: &[(f64, f64)]| {
        let places: Vec<String> = points.iter().copied().map(place).collect();
        places.join(" ")
    };
    html! {
        figure.chart tabindex="0" {
            figcaption {
                (title)
                @for line in lines { (legend(line.name, line.class)) }
                @if let Some((name, _)) = &beside.band { (legend(name, "band")) }
                @for level in &beside.levels { (legend(level.name, level.class)) }
            }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
                @for tick in y.ticks(TICKS) {
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(round(y.at(tick))) y2=(round(y.at(tick))) {}
                    text.axis x=(LEFT - 8.0) y=(round(y.at(tick) + 4.0)) text-anchor="end" { (show(tick)) }
                }
                @for tick in x.ticks(TICKS) {
                    text.axis x=(round(x.at(tick))) y=(HEIGHT - 6.0) text-anchor="middle" { @match beside.unit { Some(unit) => { ((tick * 100.0).round() / 100.0) " " (unit) } None => (seconds(tick)) } }
                }
                @if let Some((_, band)) = &beside.band {
                    @let lower = band.iter().map(|(at, low, _)| (*at, *low));
                    @let upper = band.iter().rev().map(|(at, _, high)| (*at, *high));
                    polygon.band points=(PreEscaped(path(&lower.chain(upper).collect::<Vec<_>>()))) {}
                }
                @for level in &beside.levels {
                    line class=(level.class) x1=(LEFT) x2=(WIDTH - RIGHT) y1=(round(y.at(level.value))) y2=(round(y.at(level.value))) {}
                }
                @for line in lines {
                    @if let [only] = line.points.as_slice() {
                        circle class=(line.class) cx=(round(x.at(only.0))) cy=(round(y.at(only.1))) r="2.5" {}
                    } @else {
                        polyline class=(line.class) points=(PreEscaped(path(&line.points))) {}
                    }
                }
            }
        }
    }
}

fn legend(name: &str, class: &str) -> Markup {
    html! { " " span.legend { svg.key viewBox="0 0 14 4" aria-hidden="true" { line class=(class) x1="0" x2="14" y1="2" y2="2" {} } " " (name) } }
}

fn axes(lines: &[Line<'_>], beside: &Beside<'_>) -> (Axis, Axis) {
    let band = beside.band.iter().flat_map(|(_, band)| band);
    let points = || lines.iter().flat_map(|line| &line.points);
    let xs = || points().map(|point| point.0);
    let x_min = xs().fold(f64::INFINITY, f64::min);
    let x_max = xs().fold(f64::NEG_INFINITY, f64::max);
    let (x_min, x_max) = match x_min <= x_max {
        true => (x_min, x_max.max(x_min + 1.0)),
        false => (0.0, 1.0),
    };
    let ys = points().map(|point| point.1);
    let levels = beside.levels.iter().map(|level| level.value);
    let all = ys.chain(levels).chain(band.map(|(_, _, high)| *high));
    let highest = all.filter(|value| value.is_finite()).fold(0.0, f64::max);
    let top = beside.top.unwrap_or(highest);
    (
        Axis::new((x_min, x_max), (LEFT, WIDTH - RIGHT)),
        Axis::new((0.0, top), (HEIGHT - BOTTOM, TOP)).to_a_tick(TICKS),
    )
}

pub(super) fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The style sheet that reports and pages share.
pub const STYLE: &str = include_str!("bellwether.css");
