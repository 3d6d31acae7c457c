//! Line charts as inline SVG: no script, no font, no file beside it.

use maud::{Markup, PreEscaped, html};

/// One line of a chart.
#[derive(Debug)]
pub struct Line<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Its class in the style sheet, `line-1` to `line-4`.
    pub class: &'a str,
    /// Its points: x in seconds, y in the chart's unit.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 10.0;

/// A chart with a title, lines, and how a value on the y axis is shown.
pub fn render(title: &str, lines: &[Line<'_>], show: impl Fn(f64) -> String) -> Markup {
    let xs = || {
        lines
            .iter()
            .flat_map(|line| line.points.iter().map(|point| point.0))
    };
    let x_max = xs().fold(1.0_f64, f64::max);
    let x_min = xs().fold(x_max, f64::min);
    let y_max = nice(
        lines
            .iter()
            .flat_map(|line| line.points.iter().map(|point| point.1))
            .fold(0.0_f64, f64::max)
            // So that whole numbers stand at the grid lines of a chart of small counts.
            .max(4.0),
    );
    let x = |value: f64| LEFT + (value - x_min) / (x_max - x_min).max(1e-9) * (WIDTH - LEFT - 10.0);
    let y = |value: f64| TOP + (1.0 - value / y_max) * (HEIGHT - TOP - BOTTOM);
    html! {
        figure.chart {
            figcaption {
                (title)
                @for line in lines {
                    span.legend { span class=(format!("key {}", line.class)) {} (line.name) }
                }
            }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
                @for part in 0..=4 {
                    @let value = y_max * f64::from(part) / 4.0;
                    line.grid x1=(LEFT) x2=(WIDTH - 10.0) y1=(round(y(value))) y2=(round(y(value))) {}
                    text.axis x=(LEFT - 8.0) y=(round(y(value) + 4.0)) text-anchor="end" { (show(value)) }
                }
                @for part in 0..=5 {
                    @let value = x_min + (x_max - x_min) * f64::from(part) / 5.0;
                    text.axis x=(round(x(value))) y=(HEIGHT - 6.0) text-anchor=(if part == 5 { "end" } else { "middle" }) { (format!("{value:.0} s")) }
                }
                @for line in lines {
                    @let points: Vec<String> = line.points.iter().map(|(px, py)| format!("{:.1},{:.1}", x(*px), y(*py))).collect();
                    polyline class=(line.class) points=(PreEscaped(points.join(" "))) {}
                }
            }
        }
    }
}

/// A small line without axes, for tables.
pub fn sparkline(values: &[f64]) -> Markup {
    let max = values.iter().copied().fold(1e-9_f64, f64::max);
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(at, value)| {
            format!(
                "{:.1},{:.1}",
                at as f64 * 120.0 / (values.len().max(2) - 1) as f64,
                22.0 - value / max * 20.0
            )
        })
        .collect();
    html! { svg.spark viewBox="0 0 120 24" aria-hidden="true" { polyline.line-1 points=(PreEscaped(points.join(" "))) {} } }
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The next of 1, 2, 2.5, 5 times a power of ten.
fn nice(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|candidate| *candidate >= value)
        .unwrap_or(10.0 * power)
}

/// The style sheet that charts and pages share.
pub const STYLE: &str = "
:root{--ink:#1c2733;--soft:#5f6f80;--line:#d9e0e7;--page:#f6f8fa;--card:#fff;--good:#1a7f4b;--bad:#c62f2f;--doubt:#a96800;--a:#2463c9;--b:#d97706;--c:#b42a63}
@media (prefers-color-scheme:dark){:root{--ink:#dfe7ef;--soft:#93a3b3;--line:#33404d;--page:#141b22;--card:#1c252e;--good:#4cc38a;--bad:#ff7b72;--doubt:#e3b341;--a:#6ea8fe;--b:#f5a742;--c:#f27ba5}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px}h1{font-size:24px;margin:8px 0}h2{font-size:17px;margin:28px 0 8px}
a{color:var(--a)}.soft{color:var(--soft)}.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 18px;margin:10px 0;overflow-x:auto}
table{border-collapse:collapse;width:100%}th{font-weight:600;color:var(--soft);text-align:left;font-size:13px}td,th{padding:5px 10px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}tr:last-child td{border-bottom:0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.badge{display:inline-block;border-radius:99px;padding:0 10px;font-weight:600;font-size:13px;border:1px solid currentColor;white-space:nowrap}
.pass,.promote,.up,.proven{color:var(--good)}.fail,.rollback,.down,.failed{color:var(--bad)}.inconclusive,.hold,.unknown,.running{color:var(--doubt)}
figure.chart{margin:12px 0}figcaption{font-weight:600;margin-bottom:4px}.legend{font-weight:400;color:var(--soft);margin-left:14px;font-size:13px}.key{display:inline-block;width:14px;height:3px;margin-right:5px;vertical-align:middle}
svg{width:100%;height:auto}svg.spark{width:120px;height:24px}.grid{stroke:var(--line)}.axis{fill:var(--soft);font-size:11px}polyline{fill:none;stroke-width:1.6;stroke:var(--a)}
.line-1{stroke:var(--a)}.key.line-1{background:var(--a)}.line-2{stroke:var(--b)}.key.line-2{background:var(--b)}.line-3{stroke:var(--c)}.key.line-3{background:var(--c)}.line-4{stroke:var(--bad);stroke-dasharray:6 4}.key.line-4{background:var(--bad)}
.bar{display:inline-block;height:11px;background:var(--good);border-radius:2px}.bar.over{background:var(--bad)}.waived{color:var(--doubt)}
code{font-family:ui-monospace,monospace;font-size:13px}ol.timeline{list-style:none;padding:0;margin:0}ol.timeline li{padding:5px 0 5px 14px;border-left:2px solid var(--line)}
";
