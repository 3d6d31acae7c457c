//! Whether one version is served everywhere: a sequential test over single looks. Pure.
//!
//! Behind a balancer each look meets another instance, so a look shows a share and not the service.
//! A stretch of looks without any other version is convincing once it is so long that a share of
//! [`OTHERS`] other instances would have shown itself; the more often a stretch was broken, the longer
//! the next one must be, so that nothing is gained by waiting for a lucky one.
//!
//! Does not know sockets or clocks: time comes as a value. Invariant: while more than [`OTHERS`] of
//! the looks would meet another version, "everywhere" is ever said with a chance of at most [`LEVEL`],
//! however long one looks. (A union bound: stretch number k ends that way with a chance of
//! `LEVEL / (k (k + 1))`, and these add up to `LEVEL`.)

use std::collections::VecDeque;
use std::time::Duration;

/// The share of other versions that must not pass for none.
pub const OTHERS: f64 = 0.05;
/// How often a share beyond that may be called "everywhere".
pub const LEVEL: f64 = 0.01;
/// Looks that are remembered to be told.
const REMEMBERED: usize = 200;

/// What one look at a service came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It shows this version.
    Shown(String),
    /// It shows no version: what answered may be an instance of another one.
    Hidden(String),
    /// It was no look, since what came back says nothing of what is served now.
    Void(String),
}

/// The looks at one service.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// Looks in a row that showed what is wanted.
    looks: u64,
    /// Stretches that have begun, this one included.
    begun: u64,
    /// When this one began.
    since: Duration,
    last: VecDeque<Look>,
}

impl Default for Stretch {
    fn default() -> Stretch {
        Stretch {
            looks: 0,
            begun: 0,
            since: Duration::ZERO,
            last: VecDeque::new(),
        }
    }
}

impl Stretch {
    /// Takes a look, made at a moment of the watch.
    pub fn note(&mut self, look: Look, now: Duration, wanted: impl Fn(&str) -> bool) {
        match &look {
            Look::Shown(version) if wanted(version) => {
                if self.looks == 0 {
                    self.begun += 1;
                    self.since = now;
                }
                self.looks += 1;
            }
            Look::Shown(_) | Look::Hidden(_) => self.looks = 0,
            Look::Void(_) => {}
        }
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(look);
    }

    /// Looks in a row so far.
    pub fn looks(&self) -> u64 {
        self.looks
    }

    /// Looks in a row that convince now.
    pub fn needed(&self) -> u64 {
        needed(self.begun)
    }

    /// Whether it is served everywhere, for long enough.
    pub fn convinces(&self, fewest: u64, shortest: Duration, now: Duration) -> bool {
        self.looks >= self.needed().max(fewest) && now.saturating_sub(self.since) >= shortest
    }

    /// The last looks in words: each version with how often it showed itself.
    pub fn told(&self, service: &str) -> String {
        let mut shown: Vec<(&str, usize)> = Vec::new();
        let mut hidden: Option<&str> = None;
        for look in &self.last {
            match look {
                Look::Shown(version) => {
                    match shown.iter_mut().find(|(known, _)| known == version) {
                        Some((_, times)) => *times += 1,
                        None => shown.push((version, 1)),
                    }
                }
                Look::Hidden(why) | Look::Void(why) => hidden = Some(why),
            }
        }
        let times: usize = shown.iter().map(|(_, times)| times).sum();
        let silent = self.last.len() - times;
        let versions: Vec<String> = match (shown.as_slice(), silent) {
            ([(only, _)], 0) => vec![format!("`{only}`")],
            (all, _) => all
                .iter()
                .map(|(version, times)| {
                    format!("`{version}` ({times} of {} looks)", self.last.len())
                })
                .collect(),
        };
        let mut said = Vec::new();
        if !versions.is_empty() {
            said.push(format!("`{service}` serves {}", versions.join(" and ")));
        }
        if let Some(why) = hidden {
            let often = match silent == self.last.len() {
                true => String::new(),
                false => format!(" in {silent} of {} looks", self.last.len()),
            };
            said.push(format!(
                "`{service}` does not show its version{often} ({why})"
            ));
        }
        said.join("; ")
    }
}

/// Looks in a row that convince in stretch number `begun`.
pub fn needed(begun: u64) -> u64 {
    let k = begun.max(1) as f64;
    let level = LEVEL / (k * (k + 1.0));
    (level.ln() / (-OTHERS).ln_1p()).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chance from its number alone (SplitMix64).
    fn uniform(state: &mut u64) -> f64 {
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = *state;
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((value ^ (value >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Looks until it convinces, of so many at most.
    fn convinced(share: impl Fn(u64) -> f64, looks: u64, chance: &mut u64) -> Option<u64> {
        let mut stretch = Stretch::default();
        for look in 0..looks {
            let version = match uniform(chance) < share(look) {
                true => "1.0.0",
                false => "2.0.0",
            };
            let at = Duration::from_millis(10 * look);
            stretch.note(Look::Shown(version.to_owned()), at, |seen| seen == "2.0.0");
            if stretch.convinces(3, Duration::ZERO, at) {
                return Some(look + 1);
            }
        }
        None
    }

    /// Exact where it can be: the chance of ever being convinced is the sum over stretches.
    #[test]
    fn the_chances_of_all_stretches_add_up_to_the_level() {
        let sum: f64 = (1..100_000)
            .map(|k| (1.0 - OTHERS).powi(needed(k) as i32))
            .sum();
        assert!(sum <= LEVEL, "{sum}");
        assert_eq!((needed(1), needed(2), needed(50)), (104, 125, 243));
    }

    #[test]
    fn what_reached_a_part_only_is_never_everywhere_however_long_one_looks() {
        let chance = &mut 7;
        for share in [0.055, 0.1, 0.33, 0.5, 0.7] {
            let called = (0..400)
                .filter(|_| convinced(|_| share, 5_000, chance).is_some())
                .count();
            assert!(called <= 8, "{share}: {called} of 400");
        }
    }

    #[test]
    fn a_deploy_that_rolls_on_is_called_soon_after_its_last_instance() {
        let chance = &mut 11;
        for _ in 0..200 {
            // Old instances leave one by one, for 300 looks.
            let share = |look: u64| (1.0 - look as f64 / 300.0).max(0.0);
            let called = convinced(share, 5_000, chance).expect("it is everywhere");
            assert!((300 - 40..300 + 300).contains(&called), "{called}");
        }
    }

    #[test]
    fn what_says_nothing_neither_breaks_a_stretch_nor_counts() {
        let mut stretch = Stretch::default();
        let is_wanted = |version: &str| version == "2.0.0";
        for _ in 0..104 {
            stretch.note(Look::Void("Age: 3".to_owned()), Duration::ZERO, is_wanted);
        }
        assert!(!stretch.convinces(1, Duration::ZERO, Duration::ZERO));
        for look in 0..104 {
            assert!(
                !stretch.convinces(1, Duration::ZERO, Duration::ZERO),
                "{look}"
            );
            stretch.note(Look::Shown("2.0.0".to_owned()), Duration::ZERO, is_wanted);
        }
        assert!(stretch.convinces(1, Duration::ZERO, Duration::ZERO));
        assert!(!stretch.convinces(1, Duration::from_secs(2), Duration::from_secs(1)));
        // An instance that does not show itself may be an old one.
        stretch.note(Look::Hidden("404".to_owned()), Duration::ZERO, is_wanted);
        assert!(!stretch.convinces(1, Duration::ZERO, Duration::from_secs(9)));
        assert_eq!(stretch.needed(), 104, "a new one has not begun");
    }
}
