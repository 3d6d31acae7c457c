//! Where a value stands on an axis, and where its ticks are. Pure.

/// A straight axis.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    values: (f64, f64),
    places: (f64, f64),
}

/// Steps between ticks that people like, to a power of ten.
const STEPS: [f64; 4] = [1.0, 2.0, 2.5, 5.0];

impl Axis {
    /// From a first value to a last one, at these places.
    pub fn new(values: (f64, f64), places: (f64, f64)) -> Axis {
        Axis { values, places }
    }

    /// The same, whose last value is one of so many ticks.
    #[must_use]
    pub fn to_a_tick(mut self, most: usize) -> Axis {
        let (first, last) = self.values;
        let span = if last > first { last - first } else { 1.0 };
        let step = step(span, most);
        self.values.1 = first + (span / step - 1e-9).ceil() * step;
        self
    }

    /// The place of a value; what lies outside is at the end.
    pub fn at(&self, value: f64) -> f64 {
        let (first, last) = self.values;
        let part = (value.clamp(first, last) - first) / (last - first).max(1e-12);
        self.places.0 + part * (self.places.1 - self.places.0)
    }

    /// Round values on the axis, at most so many.
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        let (first, last) = self.values;
        let step = step(last - first, most);
        let from = (first / step - 1e-9).ceil();
        (0..=most)
            .map(|number| (from + number as f64) * step)
            .take_while(|tick| *tick <= last + step * 1e-6)
            .collect()
    }
}

/// The smallest step that people like with which a span has at most so many.
fn step(span: f64, most: usize) -> f64 {
    let least = span.max(1e-9) / most.max(1) as f64;
    let power = 10_f64.powf(least.log10().floor());
    let mut steps = STEPS.into_iter().map(|factor| factor * power);
    steps
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// A time on an axis, from seconds: `90 s`, `5 min`.
pub fn seconds(value: f64) -> String {
    let shown = (value * 100.0).round() / 100.0;
    if shown >= 300.0 && (shown / 60.0).fract() < 1e-6 {
        return format!("{} min", shown / 60.0);
    }
    format!("{shown} s")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round_and_say_where_they_stand() {
        let ticks = |from: f64, to: f64| Axis::new((from, to), (0.0, 100.0)).ticks(6);
        assert_eq!(ticks(0.0, 7.0), [0.0, 2.0, 4.0, 6.0]);
        assert_eq!(
            ticks(0.0, 1.0),
            [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
        );
        assert_eq!(
            ticks(10.0, 70.0),
            [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]
        );
        let axis = Axis::new((0.0, 3.0), (100.0, 0.0)).to_a_tick(6);
        assert_eq!((axis.at(3.0), axis.at(9.0)), (0.0, 0.0));
        assert_eq!(Axis::new((0.0, 0.0), (0.0, 1.0)).to_a_tick(6).at(0.0), 0.0);
        assert_eq!(
            [seconds(0.5), seconds(90.0), seconds(600.0)],
            ["0.5 s", "90 s", "10 min"]
        );
    }

    proptest! {
        #[test]
        fn any_span_has_ticks_within_it(from in 0.0_f64..1e9, span in 1e-6_f64..1e9, most in 2_usize..12) {
            let ticks = Axis::new((from, from + span), (0.0, 1.0)).ticks(most);
            prop_assert!(ticks.len() <= most + 1);
            prop_assert!(ticks.iter().all(|tick| *tick >= from - span * 1e-6 && *tick <= from + span * 1.001));
        }
    }
}
