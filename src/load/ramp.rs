//! When each virtual user of a ramp is active: pure, from the straight lines of its stages.
//!
//! Virtual user i (from 0) is active while the line stands at i + 1 or above; on the way down the
//! highest number leaves first.

use crate::scenario::plan::Stage;
use std::time::Duration;

/// Times during which a virtual user starts iterations: from, to.
pub fn active(start: u64, stages: &[Stage], index: u64) -> Vec<(Duration, Duration)> {
    let level = (index + 1) as f64;
    let mut windows: Vec<(f64, f64)> = Vec::new();
    let mut now = 0.0;
    let mut from = start as f64;
    for stage in stages {
        let length = stage.duration.as_secs_f64();
        let to = stage.target;
        let crossing = |rate: f64| now + (level - from) / rate;
        let window = if length == 0.0 {
            None
        } else if from >= level && to >= level {
            Some((now, now + length))
        } else if from < level && to >= level {
            Some((crossing((to - from) / length), now + length))
        } else if from >= level {
            Some((now, crossing((to - from) / length)))
        } else {
            None
        };
        if let Some((begin, end)) = window {
            match windows.last_mut() {
                Some(last) if (last.1 - begin).abs() < 1e-9 => last.1 = end,
                _ => windows.push((begin, end)),
            }
        }
        now += length;
        from = to;
    }
    windows
        .into_iter()
        .filter(|(begin, end)| end - begin > 1e-9)
        .map(|(begin, end)| (Duration::from_secs_f64(begin), Duration::from_secs_f64(end)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(seconds: u64, target: f64) -> Stage {
        Stage {
            duration: Duration::from_secs(seconds),
            target,
        }
    }

    #[test]
    fn virtual_users_join_one_by_one_and_the_highest_leaves_first() {
        let stages = [stage(4, 4.0), stage(2, 4.0), stage(4, 0.0)];
        let seconds = |index| -> Vec<(u64, u64)> {
            active(0, &stages, index)
                .into_iter()
                .map(|(a, b)| (a.as_secs(), b.as_secs()))
                .collect()
        };
        assert_eq!(seconds(0), [(1, 9)]);
        assert_eq!(seconds(3), [(4, 6)]);
        assert_eq!(seconds(4), []);
    }

    #[test]
    fn a_stage_without_length_jumps() {
        let stages = [stage(5, 1.0), stage(0, 3.0), stage(5, 3.0)];
        assert_eq!(
            active(1, &stages, 0),
            [(Duration::ZERO, Duration::from_secs(10))]
        );
        assert_eq!(
            active(1, &stages, 2),
            [(Duration::from_secs(5), Duration::from_secs(10))]
        );
    }
}
