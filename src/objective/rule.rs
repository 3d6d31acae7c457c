//! By which rule a stream of evidence is judged: levels, blocks, warm-up. Pure values.

use crate::duration;
use std::time::Duration;

/// The part of the level of rollbacks that is kept for the look at the end.
const AT_END: f64 = 0.3;

/// What error rates a verdict is allowed, and how evidence is cut.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rule {
    /// How often a service within its objectives may be rolled back, in all.
    pub rollback_level: f64,
    /// How often a service beyond the indifference zone may be promoted.
    pub promote_level: f64,
    /// Between a limit and this multiple of it, both verdicts are right often enough.
    pub indifference: f64,
    /// How often a candidate like its baseline may be called worse.
    pub worse_level: f64,
    /// Evidence of the first seconds is not used, except for a deploy that is dead.
    pub warm_up: Duration,
    /// The share of requests that may fail in the warm-up, where latency does not count.
    #[serde(default = "warm_up_errors")]
    pub warm_up_errors: f64,
    /// Length of a block: two to three times that of a burst.
    pub block: Duration,
    /// A deploy of which more than this share fails is dead.
    pub dead_share: f64,
    /// How often a deploy that is not dead may be called dead.
    pub dead_level: f64,
    /// The share of requests of a smoke or a bake that may fail.
    #[serde(default = "allowance")]
    pub allowance: f64,
    /// Fewest requests for a promotion, beside what each objective needs by itself.
    pub requests_min: u64,
    /// Objectives that are judged beside these, by other trials of the same gate.
    pub beside: usize,
}

/// What may fail in a warm-up where nothing says otherwise.
fn warm_up_errors() -> f64 {
    0.1
}

/// What may fail where nothing says otherwise.
fn allowance() -> f64 {
    0.01
}

impl Default for Rule {
    fn default() -> Rule {
        Rule {
            rollback_level: 0.01,
            promote_level: 0.05,
            indifference: 1.5,
            worse_level: 0.05,
            warm_up: Duration::from_secs(10),
            warm_up_errors: warm_up_errors(),
            block: Duration::from_secs(2),
            dead_share: 0.2,
            dead_level: 0.001,
            allowance: allowance(),
            requests_min: 0,
            beside: 0,
        }
    }
}

/// What can be set, with what it means.
pub const SETTINGS: [(&str, &str); 11] = [
    (
        "rollback",
        "how often a good deploy may be rolled back, by a whole gate (1%)",
    ),
    ("promote", "how often a bad deploy may be promoted (5%)"),
    (
        "indifference",
        "a deploy is bad beyond this multiple of a limit (1.5)",
    ),
    (
        "worse",
        "how often a candidate like its baseline may be called worse (5%)",
    ),
    (
        "warm-up",
        "evidence of this time is used only to find a dead deploy (10s)",
    ),
    (
        "warm-up-errors",
        "a deploy that fails more than this share in the warm-up is not promoted (10%)",
    ),
    (
        "block",
        "requests this close together may depend on one another (2s)",
    ),
    ("dead", "more than this share of failures is dead (20%)"),
    (
        "dead-level",
        "how often a deploy that is not dead may be called dead (0.1%)",
    ),
    (
        "allowance",
        "the share of requests of a smoke or a bake that may fail (1%)",
    ),
    ("requests", "fewest requests for a promotion (0)"),
];

impl Rule {
    /// Changes one setting, written `name=value`. The error says what was expected.
    pub fn set(&mut self, written: &str) -> Result<(), String> {
        let (name, value) = written
            .split_once('=')
            .ok_or_else(|| format!("`{written}` is not of the form `warm-up=10s`"))?;
        let (name, value) = (name.trim(), value.trim());
        match name {
            "rollback" => self.rollback_level = level(value)?,
            "promote" => self.promote_level = level(value)?,
            "worse" => self.worse_level = level(value)?,
            "dead-level" => self.dead_level = level(value)?,
            "dead" => self.dead_share = level(value)?,
            "warm-up-errors" => self.warm_up_errors = level(value)?,
            "allowance" => self.allowance = level(value)?,
            "warm-up" => self.warm_up = duration::parse(value)?,
            "block" => {
                self.block = duration::parse(value)?;
                if self.block < Duration::from_millis(250) || self.block > Duration::from_secs(600)
                {
                    return Err(format!("a block of `{value}`: expected 250ms to 10m"));
                }
            }
            "indifference" => match value.parse::<f64>() {
                Ok(multiple) if (1.01..=10.0).contains(&multiple) => self.indifference = multiple,
                _ => return Err(format!("`{value}`: expected a multiple from 1.01 to 10")),
            },
            "requests" => {
                self.requests_min = value
                    .parse()
                    .map_err(|_| format!("`{value}` is not a number of requests"))?;
            }
            _ => {
                let known: Vec<&str> = SETTINGS.iter().map(|(name, _)| *name).collect();
                return Err(format!(
                    "`{name}` is no setting of the rule; known: {}",
                    known.join(", ")
                ));
            }
        }
        if self.dead_level >= self.rollback_level {
            return Err("`dead-level` is part of `rollback` and must be below it".to_owned());
        }
        Ok(())
    }

    /// The same rule for a series whose length is known beforehand: at most a quarter of it is
    /// warm-up.
    pub fn within(self, length: Duration) -> Rule {
        Rule {
            warm_up: self.warm_up.min(length / 4),
            ..self
        }
    }

    /// The end of the indifference zone of a limit: a share from here on is bad.
    pub fn bound(&self, limit: f64) -> f64 {
        (self.indifference * limit).min(0.999)
    }

    /// The middle of the indifference zone: below it the look at the end rolls nothing back.
    pub fn halfway(&self) -> f64 {
        f64::midpoint(1.0, self.indifference)
    }

    /// The level of the looks at the end for one of several objectives, shared out over all looks.
    pub fn end_level(&self, objectives: usize, looks: u32) -> f64 {
        let share = (self.rollback_level - self.dead_level) * AT_END;
        share / ((objectives.max(1) + self.beside) as f64 * f64::from(looks.max(1)))
    }

    /// ln of the wealth at which one of several objectives calls for a rollback: what the dead
    /// deploy leaves of the level, divided among the objectives (Bonferroni).
    pub fn rollback_threshold(&self, objectives: usize) -> f64 {
        ((objectives.max(1) + self.beside) as f64
            / ((self.rollback_level - self.dead_level) * (1.0 - AT_END)))
            .ln()
    }

    /// ln of the wealth at which the deploy is dead.
    pub fn dead_threshold(&self) -> f64 {
        -self.dead_level.ln()
    }

    /// ln of the wealth at which the candidate is worse than its baseline by one of several objectives.
    pub fn worse_threshold(&self, objectives: usize) -> f64 {
        (objectives.max(1) as f64 / self.worse_level).ln()
    }
}

fn level(text: &str) -> Result<f64, String> {
    let (digits, unit) = match text.strip_suffix('%') {
        Some(digits) => (digits.trim(), 0.01),
        None => (text, 1.0),
    };
    match digits.parse::<f64>() {
        Ok(value) if value > 0.0 && value * unit < 0.5 => Ok(value * unit),
        _ => Err(format!(
            "`{text}`: expected a share over 0 and below 50 %, such as `1%`"
        )),
    }
}
