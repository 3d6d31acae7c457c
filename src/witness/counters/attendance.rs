//! Who is to be scraped, by what Prometheus itself says of each target: `up`.
//!
//! Counters tell of nobody who does not count. Does not ask. Invariant: whoever is to be there and does not answer is
//! missed, and so is a word about it.

use super::super::samples::{Answer, Target, named, target};
use super::pulse::EXPECTED_MIN;
use super::window::Counters;
use std::collections::{BTreeMap, BTreeSet};

/// Jobs that are asked for by name; of more, all are asked for.
const JOBS_MAX: usize = 50;

/// A job and an instance, by which `up` knows a target.
type Place = (String, String);

/// Whether those that are to be scraped answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Attendance {
    answers: BTreeMap<Place, bool>,
}

impl Attendance {
    fn new(up: &Answer) -> Attendance {
        let mut answers = BTreeMap::new();
        for series in &up.series {
            let (job, instance, _) = target(&series.labels);
            let is_up = series.points.last().is_some_and(|(_, value)| *value == 1.0);
            // Of two that are named alike, both must answer.
            let known = answers.entry((job, instance)).or_insert(is_up);
            *known &= is_up;
        }
        Attendance { answers }
    }

    /// Whether a target answers, if it is to be scraped at all.
    pub fn of(&self, target: &Target) -> Option<bool> {
        let place = (target.0.clone(), target.1.clone());
        self.answers.get(&place).copied()
    }
}

impl Counters {
    /// Asks for `up` of all jobs in which anything was counted.
    pub fn attendance_query(&self) -> String {
        let jobs: BTreeSet<&str> = self.ever().map(|(job, _, _)| job.as_str()).collect();
        if jobs.is_empty() || jobs.len() > JOBS_MAX {
            return "up".to_owned();
        }
        let jobs: Vec<String> = jobs.into_iter().map(escaped).collect();
        format!("up{{job=~\"{}\"}}", jobs.join("|"))
    }

    /// Takes what `up` says.
    pub fn attend(&mut self, up: Result<Answer, String>) {
        let attendance = up.and_then(|up| match up.doubts.first() {
            Some(doubt) => Err(doubt.clone()),
            None => Ok(Attendance::new(&up)),
        });
        self.attendance = Some(attendance);
    }

    /// Targets that were ever seen, in the window or before it.
    pub(super) fn ever(&self) -> impl Iterator<Item = &Target> {
        let before = self.steps.seen_before();
        let before = before.filter(|target| !self.targets.contains_key(*target));
        self.targets.keys().chain(before)
    }

    /// Whether there is more to ask: nobody answered, or somebody is missing, who may be about to leave.
    pub fn is_anybody_missing(&self) -> bool {
        matches!(self.attendance, Some(Err(_))) || self.missing().next().is_some()
    }

    /// Targets that are not scraped any more, and should be: they do not answer, or they answer and what they counted
    /// just before is not shown.
    pub(super) fn missing(&self) -> impl Iterator<Item = &Target> {
        let answered = self
            .attendance
            .as_ref()
            .and_then(|asked| asked.as_ref().ok());
        self.ever().filter(move |target| {
            let last = self.targets.get(*target).map(|(_, last)| *last);
            let is_gone = last.is_none_or(|last| self.is_gone(last));
            match answered.and_then(|attendance| attendance.of(target)) {
                Some(true) => is_gone && last.is_some(),
                Some(false) => is_gone,
                None => false,
            }
        })
    }

    /// Targets of which nobody would tell that they hang.
    pub fn unwatched(&self) -> Option<String> {
        let advice = "say `unwatched: true` where that is as it should be, and `targets` for how many there are";
        let attendance = match self.attendance.as_ref()? {
            Ok(attendance) => attendance,
            Err(why) => {
                return Some(format!(
                    "whether anybody hangs is not known, `up` was not answered: {why}; {advice}"
                ));
            }
        };
        let counting = self.there().filter(|(_, last)| !self.is_gone(*last));
        let mut unwatched = counting.filter(|(target, _)| attendance.of(target).is_none());
        let (first, _) = unwatched.next()?;
        let others = match unwatched.count() {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        Some(format!(
            "{}{others}: no `up` of the same `job` and `instance`, so nobody tells whether another one hangs; {advice}",
            named(first)
        ))
    }

    /// Whether fewer targets count than there should be at the least. One that is shown by several, or stands still
    /// from the beginning to the end, is not another one.
    pub fn too_few(&self, least: usize) -> Option<String> {
        let counting = self.there().filter(|(_, last)| !self.is_gone(*last));
        let counting: Vec<&Target> = counting.map(|(target, _)| target).collect();
        let mut paces: Vec<f64> = counting.iter().map(|target| self.pace(target)).collect();
        paces.sort_by(f64::total_cmp);
        let usual = paces.get(paces.len() / 2).copied().unwrap_or(0.0);
        let counting = counting
            .into_iter()
            .filter(|target| self.is_counting(target, usual));
        let places = counting.filter_map(|target| self.places.get(target));
        let counting = places.collect::<BTreeSet<_>>().len();
        let (targets, are) = match counting {
            1 => ("target has", "is"),
            _ => ("targets have", "are"),
        };
        (counting < least).then(|| {
            format!("{counting} {targets} counted requests and {are} there at the end, and `targets` says {least}")
        })
    }
}

/// The share of what another one counts from which on a target counts, too: whoever hangs may count probes.
const COUNTING: f64 = 0.2;

impl Counters {
    /// Requests a millisecond of a target, since it is there.
    fn pace(&self, target: &Target) -> f64 {
        let counted = self.moved.get(target).copied().unwrap_or(0.0);
        let (first, last) = self.targets.get(target).copied().unwrap_or_default();
        counted / (last - first.max(self.from_ms)).max(self.scrape_ms) as f64
    }

    /// Whether a target counts as is usual, in requests a millisecond, and did not stop.
    fn is_counting(&self, target: &Target, usual: f64) -> bool {
        let own = self.pace(target);
        let is_silent = self.pulses.get(target).is_some_and(|pulse| {
            let (from, to) = pulse.silence(self.from_ms);
            (to - from) as f64 * usual >= EXPECTED_MIN
        });
        own > 0.0 && own >= COUNTING * usual && !is_silent
    }
}

/// A text as a regular expression within quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\n' => escaped.push_str("\\n"),
            '\\' => escaped.push_str("\\\\\\\\"),
            c if c.is_ascii_punctuation() && !matches!(c, '_' | '-' | '/' | ':') => {
                escaped.push_str("\\\\");
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::target_tests::{only_doubt, through};
    use super::super::tests::{SCRAPE, answer, counters, rising, series};
    use super::*;

    fn up(all: &[(&str, f64)]) -> Result<Answer, String> {
        let of = |(instance, value): &(&str, f64)| series("", instance, &[(20, *value)]);
        Ok(answer(&all.iter().map(of).collect::<Vec<_>>()))
    }

    #[test]
    fn who_hung_before_one_looked_is_missed_by_up() {
        let looking = || {
            let mut counters = counters();
            let earlier = series("200", "hung", &[(-40, 900.0)]);
            counters.look_back(&answer(&[earlier]), &answer(&[]));
            through(
                &mut counters,
                &[series("200", "a", &rising(100.0, -5..=20))],
                20,
            );
            counters
        };
        let mut hung = looking();
        hung.attend(up(&[("a", 1.0), ("hung", 0.0)]));
        only_doubt(&hung, "`hung` is not scraped any more");
        let mut left = looking();
        left.attend(up(&[("a", 1.0)]));
        assert_eq!(left.doubts(21 * SCRAPE, false), [""; 0]);
        assert_eq!((left.unwatched(), left.too_few(1)), (None, None));
        let few = left.too_few(2).unwrap();
        assert!(few.starts_with("1 target has counted requests"), "{few}");
    }

    #[test]
    fn a_target_counts_once_and_only_if_it_counts() {
        let mut counters = counters();
        let replica = |name: &str| {
            let mut one = series("200", "a", &rising(100.0, -5..=20));
            one.labels.insert("replica".to_owned(), name.to_owned());
            one
        };
        let zero = series(
            "200",
            "b",
            &(-5..=20).map(|at| (at, 0.0)).collect::<Vec<_>>(),
        );
        through(&mut counters, &[replica("0"), replica("1"), zero], 20);
        assert_eq!(counters.too_few(1), None);
        assert!(counters.too_few(2).unwrap().starts_with("1 target has"));
    }

    #[test]
    fn who_is_up_and_not_shown_any_more_did_not_leave() {
        let mut hidden = counters();
        // It serves what came to the other one, too.
        let more = |(at, value): (i64, f64)| (at, value + 100.0 * (at - 8).max(0) as f64);
        let takes_over: Vec<_> = rising(100.0, -5..=20).into_iter().map(more).collect();
        let all = [
            series("200", "a", &takes_over),
            series("200", "b", &rising(100.0, -5..=8)),
        ];
        through(&mut hidden, &all, 20);
        assert_eq!(hidden.doubts(21 * SCRAPE, true), [""; 0]);
        hidden.attend(up(&[("a", 1.0), ("b", 1.0)]));
        assert!(hidden.is_anybody_missing());
        only_doubt(&hidden, "`b` is not scraped any more");
        hidden.attend(up(&[("a", 1.0)]));
        assert!(!hidden.is_anybody_missing());
    }

    #[test]
    fn what_nobody_watches_is_said() {
        let mut counters = counters();
        through(
            &mut counters,
            &[series("200", "a", &rising(100.0, -5..=20))],
            20,
        );
        assert_eq!(counters.unwatched(), None, "nobody asked");
        counters.attend(up(&[("other", 1.0)]));
        assert!(counters.unwatched().unwrap().starts_with("`a`: no `up`"));
        counters.attend(Err("403".to_owned()));
        assert!(counters.unwatched().unwrap().contains("not answered: 403"));
        // One of two that are named alike does not answer.
        counters.attend(up(&[("a", 0.0), ("a", 1.0)]));
        let attendance = counters.attendance.as_ref().unwrap().as_ref().unwrap();
        let a = (String::new(), "a".to_owned(), String::new());
        assert_eq!(attendance.of(&a), Some(false));
    }

    #[test]
    fn a_job_is_asked_for_by_its_name_and_by_nothing_else() {
        for (name, expected) in [
            ("shop", "shop"),
            ("a.b+c", r"a\\.b\\+c"),
            ("a\"b\\c", r#"a\"b\\\\c"#),
            ("default/api-v1", "default/api-v1"),
        ] {
            assert_eq!(escaped(name), expected, "{name}");
        }
        assert_eq!(counters().attendance_query(), "up");
    }
}
