//! Whether a verdict still stands: what other gates on the same services have decided or begun since.
//!
//! Pure. A store asks inside the transaction that orders a promotion, and for each promotion that
//! waits when another gate begins or decides. Invariant: a promotion acts only while it is the newest
//! word on its services; whoever cannot tell refuses.

use super::gate::Record;
use super::state::Verdict;

/// A gate among others on the same services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its number: newer gates have higher ones.
    pub id: i64,
    /// Its name.
    pub gate: String,
    /// The environment.
    pub environment: String,
    /// Services that it verifies and acts on.
    pub services: Vec<String>,
    /// The version.
    pub version: String,
    /// The place of the last verdict when it began.
    pub begun: i64,
    /// Its verdict, with its place in the order of all verdicts. Never the clock, which may jump.
    pub decided: Option<(Verdict, i64)>,
}

impl Standing {
    /// Where a gate stands. `place` is that of its verdict, if it has one, `begun` that of the last
    /// verdict before it.
    pub fn of(record: &Record, begun: i64, place: Option<i64>) -> Standing {
        Standing {
            id: record.id,
            gate: record.gate.clone(),
            environment: record.environment.clone(),
            services: record.services.clone(),
            version: record.facts.version.clone(),
            begun,
            decided: record.state.verdict.zip(place),
        }
    }

    /// Whether both act on some service. Gates of one name do in any case.
    pub fn meets(&self, other: &Standing) -> bool {
        self.environment == other.environment
            && (self.gate == other.gate
                || self
                    .services
                    .iter()
                    .any(|service| other.services.contains(service)))
    }

    /// Why this promotion no longer stands because of another gate, if so.
    ///
    /// A newer gate of the same name, or one that verifies another version, speaks of a newer deploy
    /// as soon as it begins. A verdict that came later speaks against it, but for a promotion of the
    /// same version; an older gate only if it rolled back: its hold or promotion is of a deploy before. A
    /// rollback does from the moment in which this gate began: whether it came about is not known yet.
    pub fn overtaken_by(&self, other: &Standing) -> Option<String> {
        if self.id == other.id || !self.meets(other) {
            return None;
        }
        let Standing {
            id, gate, version, ..
        } = other;
        let is_newer = *id > self.id;
        let is_beside = *gate != self.gate && *version == self.version;
        let mine = self.decided.map_or(i64::MAX, |(_, place)| place);
        match other.decided {
            Some((Verdict::Promote, _)) if *version == self.version => return None,
            Some((Verdict::Rollback, place)) if place > self.begun => {
                return Some(format!("gate {id} of `{gate}` has rolled back since"));
            }
            Some((Verdict::Hold, place)) if place > self.begun && is_beside => {
                return Some(format!("gate {id} of `{gate}` holds `{version}`"));
            }
            Some((verdict, place)) if place > mine && is_newer => {
                return Some(format!(
                    "gate {id} of `{gate}` has decided since: {} for `{version}`",
                    verdict.word()
                ));
            }
            _ => {}
        }
        let begun = is_newer && (*gate == self.gate || *version != self.version);
        begun.then(|| format!("gate {id} of `{gate}` verifies `{version}`, a newer deploy"))
    }
}

/// Why a promotion no longer stands, if so: the newest reason.
pub fn overtaken(promotion: &Standing, others: &[Standing]) -> Option<String> {
    let mut newest_first: Vec<&Standing> = others.iter().collect();
    newest_first.sort_by_key(|other| std::cmp::Reverse(other.id));
    newest_first
        .into_iter()
        .find_map(|other| promotion.overtaken_by(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Hold, Promote, Rollback};

    fn standing(id: i64, gate: &str, version: &str, decided: Option<(Verdict, i64)>) -> Standing {
        Standing {
            id,
            gate: gate.to_owned(),
            environment: "production".to_owned(),
            services: vec!["api".to_owned()],
            version: version.to_owned(),
            begun: 8,
            decided,
        }
    }

    /// What was seen on the real binary, and its siblings.
    #[test]
    fn a_promotion_acts_only_while_it_is_the_newest_word() {
        let waiting = standing(5, "shop", "2.0.0", Some((Promote, 10)));
        let cases = [
            (
                "the other gate rolled the same version back",
                standing(4, "console", "2.0.0", Some((Rollback, 11))),
                true,
            ),
            (
                "and did so while this one measured",
                standing(4, "console", "1.0.0", Some((Rollback, 9))),
                true,
            ),
            (
                "a newer version is promoted",
                standing(6, "shop", "3.0.0", Some((Promote, 11))),
                true,
            ),
            (
                "a person rolled back",
                standing(6, "shop", "2.0.0", Some((Rollback, 11))),
                true,
            ),
            (
                "a newer deploy is held",
                standing(6, "shop", "3.0.0", Some((Hold, 11))),
                true,
            ),
            (
                "a newer deploy is verified",
                standing(6, "shop", "3.0.0", None),
                true,
            ),
            (
                "the same version is deployed again",
                standing(6, "shop", "2.0.0", None),
                true,
            ),
            (
                "another gate looks at the same deploy",
                standing(6, "console", "2.0.0", None),
                false,
            ),
            (
                "and agrees",
                standing(6, "console", "2.0.0", Some((Promote, 11))),
                false,
            ),
            (
                "or does not",
                standing(6, "console", "2.0.0", Some((Hold, 11))),
                true,
            ),
            (
                "an older gate is called off late",
                standing(4, "shop", "1.0.0", Some((Hold, 11))),
                false,
            ),
        ];
        for (what, other, is_overtaken) in cases {
            let said = waiting.overtaken_by(&other);
            assert_eq!(said.is_some(), is_overtaken, "{what}: {said:?}");
        }
        let elsewhere = Standing {
            environment: "staging".to_owned(),
            ..standing(6, "shop", "3.0.0", Some((Promote, 11)))
        };
        let apart = Standing {
            services: vec!["billing".to_owned()],
            ..standing(6, "billing", "3.0.0", Some((Rollback, 11)))
        };
        assert_eq!(
            overtaken(&waiting, &[elsewhere, apart, waiting.clone()]),
            None
        );
    }
}
