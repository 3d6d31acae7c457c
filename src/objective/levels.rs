//! How the error rate of a whole gate is shared out among its phases: pure.
//!
//! A gate promises one number: how often a good deploy is rolled back. Each phase that can roll back
//! gets a part of it, and no phase spends more; so the promise holds whatever the phases have to do
//! with one another (Bonferroni).

use super::rule::Rule;

/// Parts of the level for smoke, load and bake, where a gate has all three.
const PARTS: [f64; 3] = [0.1, 0.7, 0.2];

/// The level of each measuring phase; 0 for one that a gate does not have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// Of the smoke.
    pub smoke: f64,
    /// Of all loads together.
    pub load: f64,
    /// Of the bake.
    pub bake: f64,
}

impl Levels {
    /// Shares a level out among the phases that a gate has: smoke, load, bake.
    pub fn of(level: f64, has: [bool; 3]) -> Levels {
        let parts = std::array::from_fn(|phase| if has[phase] { PARTS[phase] } else { 0.0 });
        let whole: f64 = parts.iter().sum();
        let [smoke, load, bake] = parts.map(|part| level * part / whole.max(f64::MIN_POSITIVE));
        Levels { smoke, load, bake }
    }

    /// The rule of each of so many loads of a gate that has these levels: being called dead is shared out
    /// among the loads, the rest among all of their objectives.
    pub fn of_load(&self, rule: Rule, loads: usize) -> Rule {
        // Who asks for a level of the dead that is more than there is gets half of what there is.
        let dead = rule.dead_level.min(self.load / 2.0);
        let of_each = dead / loads.max(1) as f64;
        Rule {
            // What a rule leaves for objectives is its level without that of the dead.
            rollback_level: self.load - dead + of_each,
            dead_level: of_each,
            ..rule
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_add_up_to_the_level_whichever_phases_there_are() {
        for has in 1..8 {
            let has = [has & 1 > 0, has & 2 > 0, has & 4 > 0];
            let levels = Levels::of(0.01, has);
            let all = [levels.smoke, levels.load, levels.bake];
            assert!((all.iter().sum::<f64>() - 0.01).abs() < 1e-12, "{levels:?}");
            assert!(
                all.iter()
                    .zip(has)
                    .all(|(level, has)| (*level > 0.0) == has)
            );
        }
        for loads in 1..5 {
            let rule = Levels::of(0.01, [true; 3]).of_load(Rule::default(), loads);
            let objectives = rule.rollback_level - rule.dead_level;
            let all = objectives + loads as f64 * rule.dead_level;
            assert!((all - 0.007).abs() < 1e-12, "{loads}: {all}");
        }
    }
}
