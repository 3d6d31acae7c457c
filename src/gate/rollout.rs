//! What a rollout does to those who use the service meanwhile: rounds, by the version that was served.
//!
//! Pure. Invariant: a time is down from the first round that failed to the next one that passed, whatever
//! could not be measured in between; it is told as what it was at least. That nothing was down is said only of
//! a rollout that was seen, from the version before on, and measured all along.

use crate::objective::Outcome;
use std::collections::BTreeMap;
use std::time::Duration;

/// What was served while a round was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Served {
    /// One version, everywhere that was looked.
    Version(String),
    /// More than one.
    Mixed,
    /// None was shown.
    Hidden,
}

impl Served {
    /// Of the versions that were shown, one of each service or instance.
    pub fn of(shown: &[Option<String>]) -> Served {
        let mut versions: Vec<&String> = shown.iter().flatten().collect();
        versions.sort();
        versions.dedup();
        match versions.as_slice() {
            [version] if shown.iter().all(Option::is_some) => Served::Version((*version).clone()),
            [] => Served::Hidden,
            _ => Served::Mixed,
        }
    }

    fn told(&self) -> String {
        match self {
            Served::Version(version) => format!("on `{version}`"),
            Served::Mixed => "on more than one version".to_owned(),
            Served::Hidden => "while no version was shown".to_owned(),
        }
    }
}

/// Rounds on one version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Rounds {
    passed: u64,
    failed: u64,
    unmeasured: u64,
}

/// What was seen of a rollout so far.
#[derive(Debug, Clone, Default)]
pub struct Rollout {
    by_version: BTreeMap<Served, Rounds>,
    down_since: Option<Duration>,
    longest: Duration,
    blind_since: Option<Duration>,
    longest_blind: Duration,
    first_failure: Option<String>,
    first_doubt: Option<String>,
}

impl Rollout {
    /// Takes a round that began after so long.
    pub fn note(&mut self, at: Duration, served: Served, outcome: Outcome, reason: &str) {
        let rounds = self.by_version.entry(served).or_default();
        match outcome {
            Outcome::Pass => {
                rounds.passed += 1;
                if let Some(since) = self.down_since.take() {
                    self.longest = self.longest.max(at.saturating_sub(since));
                }
                if let Some(since) = self.blind_since.take() {
                    self.longest_blind = self.longest_blind.max(at.saturating_sub(since));
                }
            }
            Outcome::Fail => {
                rounds.failed += 1;
                self.down_since.get_or_insert(at);
                self.first_failure.get_or_insert_with(|| reason.to_owned());
            }
            Outcome::Inconclusive => {
                rounds.unmeasured += 1;
                self.blind_since.get_or_insert(at);
                self.first_doubt.get_or_insert_with(|| reason.to_owned());
            }
        }
    }

    /// The longest time without a round that passed, of those that ended and the one that goes on.
    fn downtime(&self, now: Duration) -> Duration {
        let open = self.down_since.map(|since| now.saturating_sub(since));
        self.longest.max(open.unwrap_or_default())
    }

    /// Why that it was not down for longer than `most` is not shown, if it is not.
    fn objection(&self, now: Duration, wanted: &str, most: Duration) -> Option<String> {
        let allowed = crate::duration::show(most);
        let down = self.downtime(now);
        let is_over = |time: Duration| time > most || most.is_zero();
        if self.first_failure.is_some() && is_over(down) {
            return Some(format!(
                "the rollout took the service down for at least {:.1} s, and {allowed} is allowed",
                down.as_secs_f64()
            ));
        }
        let is_before = |served: &Served| match served {
            Served::Version(version) => version != wanted,
            Served::Mixed => true,
            Served::Hidden => false,
        };
        if !self.by_version.keys().any(is_before) {
            return Some(
                "the rollout was not seen: the gate was started when the version was served already"
                    .to_owned(),
            );
        }
        if !self.by_version.values().any(|rounds| rounds.passed > 0) {
            return Some("whether the rollout took the service down was not measured".to_owned());
        }
        let open = self.blind_since.map(|since| now.saturating_sub(since));
        let blind = self.longest_blind.max(open.unwrap_or_default());
        if let Some(doubt) = self.first_doubt.as_ref().filter(|_| is_over(blind)) {
            return Some(format!(
                "for {:.1} s it was not measured whether the rollout took the service down, and {allowed} is allowed: {doubt}",
                blind.as_secs_f64()
            ));
        }
        None
    }

    /// What is said of it, and why it holds a gate, if it does. `allowed` is the longest time that may be
    /// down; none at all is disproven by any round that failed.
    pub fn end(
        &self,
        now: Duration,
        wanted: &str,
        allowed: Option<Duration>,
    ) -> (Vec<String>, Option<String>) {
        let told = self.by_version.iter().map(|(served, rounds)| {
            let Rounds {
                passed,
                failed,
                unmeasured,
            } = rounds;
            let doubt = match unmeasured {
                0 => String::new(),
                count => format!(", {count} could not be measured"),
            };
            format!(
                "{passed} rounds passed and {failed} failed{doubt} {}",
                served.told()
            )
        });
        let told: Vec<String> = told.collect();
        let down = self.downtime(now);
        let seconds = down.as_secs_f64();
        let mut said = match told.is_empty() {
            true => vec!["while it rolled out nothing was measured".to_owned()],
            false => vec![format!("while it rolled out, {}", told.join("; "))],
        };
        if let Some(reason) = &self.first_failure {
            said.push(format!("it was down for at least {seconds:.1} s: {reason}"));
        }
        let objection = allowed.and_then(|most| self.objection(now, wanted, most));
        (said, objection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P passed, F failed, I not measured; a round a second, on the old version up to the bar.
    fn rollout(letters: &str) -> Rollout {
        let mut rollout = Rollout::default();
        let mut version = "1";
        let mut second = 0;
        for letter in letters.chars() {
            let outcome = match letter {
                '|' => {
                    version = "2";
                    continue;
                }
                'P' => Outcome::Pass,
                'F' => Outcome::Fail,
                _ => Outcome::Inconclusive,
            };
            let served = Served::of(&[Some(version.to_owned())]);
            rollout.note(Duration::from_secs(second), served, outcome, "refused");
            second += 1;
        }
        rollout
    }

    fn end(letters: &str, allowed_s: Option<u64>) -> (String, Option<String>) {
        let now = Duration::from_secs(letters.replace('|', "").len() as u64);
        let allowed = allowed_s.map(Duration::from_secs);
        let (said, objection) = rollout(letters).end(now, "2", allowed);
        (said.join("; "), objection)
    }

    #[test]
    fn rounds_are_told_by_version_and_the_longest_time_down() {
        let (said, objection) = end("PPPF|FIPPFP", Some(5));
        assert_eq!(
            said,
            "while it rolled out, 3 rounds passed and 1 failed on `1`; 3 rounds passed and 2 failed, 1 could not be measured on `2`; it was down for at least 3.0 s: refused"
        );
        assert_eq!(objection, None);
        let (_, objection) = end("PPPF|FIPPFP", Some(2));
        assert!(
            objection
                .unwrap()
                .contains("at least 3.0 s, and 2s is allowed")
        );
    }

    #[test]
    fn no_downtime_is_disproven_by_any_round_and_never_shown_by_none() {
        assert_eq!(end("PP|PP", Some(0)).1, None);
        assert!(end("PPF|PP", Some(0)).1.is_some());
        assert!(end("II|II", Some(60)).1.is_some(), "nothing was measured");
        assert!(end("II|II", Some(3)).1.is_some(), "nothing was measured");
        assert!(
            end("PI|IP", Some(0))
                .1
                .unwrap()
                .contains("was not measured")
        );
        assert_eq!(end("PI|IP", Some(5)).1, None);
        assert!(end("|PP", Some(60)).1.unwrap().contains("was not seen"));
        assert!(end("", Some(60)).1.is_some());
        assert!(end("PP|FF", Some(1)).1.is_some(), "it is down yet");
        assert_eq!(end("PP|FF", None).1, None, "it is only told");
    }

    #[test]
    fn what_not_everybody_shows_is_no_version() {
        let shown = |all: &[Option<&str>]| {
            let all: Vec<_> = all.iter().map(|one| one.map(str::to_owned)).collect();
            Served::of(&all)
        };
        assert_eq!(
            shown(&[Some("1"), Some("1")]),
            Served::Version("1".to_owned())
        );
        assert_eq!(shown(&[Some("1"), Some("2")]), Served::Mixed);
        assert_eq!(shown(&[Some("1"), None]), Served::Mixed);
        assert_eq!(shown(&[None]), Served::Hidden);
    }
}
