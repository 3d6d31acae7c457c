//! What was counted of every metric, and of the parts of it that thresholds ask for.
//!
//! One for each thread, merged at the end. Does not know who counts. Invariant: the order in which tallies are
//! merged changes no sum, no share and no quantile.

use super::metric::{BUILT_IN, BuiltIn, Contains, Kind, Metric};
use super::tags::{Output, Tags, all_of};
use super::threshold::{Aggregate, Key};
use super::trend::Trend;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What was counted of one metric.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are those of k6's summary")]
pub enum Value {
    Counter {
        count: f64,
        samples: u64,
    },
    Gauge {
        value: f64,
        min: f64,
        max: f64,
        samples: u64,
    },
    Rate {
        passes: u64,
        total: u64,
    },
    Trend(Box<Trend>),
}

impl Value {
    /// Nothing yet.
    pub fn new(kind: Kind) -> Value {
        match kind {
            Kind::Counter => Value::Counter {
                count: 0.0,
                samples: 0,
            },
            Kind::Gauge => Value::Gauge {
                value: 0.0,
                min: 0.0,
                max: 0.0,
                samples: 0,
            },
            Kind::Rate => Value::Rate {
                passes: 0,
                total: 0,
            },
            Kind::Trend => Value::Trend(Box::default()),
        }
    }

    /// Adds a sample.
    pub fn add(&mut self, sample: f64) {
        match self {
            Value::Counter { count, samples } => {
                *count += sample;
                *samples += 1;
            }
            Value::Gauge {
                value,
                min,
                max,
                samples,
            } => {
                *value = sample;
                *min = if *samples == 0 {
                    sample
                } else {
                    min.min(sample)
                };
                *max = if *samples == 0 {
                    sample
                } else {
                    max.max(sample)
                };
                *samples += 1;
            }
            Value::Rate { passes, total } => {
                *passes += u64::from(sample != 0.0);
                *total += 1;
            }
            Value::Trend(trend) => trend.add(sample),
        }
    }

    /// Adds what another counted of the same metric.
    pub fn merge(&mut self, other: &Value) {
        match (self, other) {
            (
                Value::Counter { count, samples },
                Value::Counter {
                    count: more,
                    samples: of,
                },
            ) => {
                *count += more;
                *samples += of;
            }
            (
                mine @ Value::Gauge { .. },
                Value::Gauge {
                    value,
                    min,
                    max,
                    samples,
                },
            ) if *samples > 0 => {
                // The newest of each thread; which of them came last of all is not known.
                let Value::Gauge {
                    samples: before, ..
                } = mine
                else {
                    return;
                };
                let before = *before;
                for sample in [*min, *max, *value] {
                    mine.add(sample);
                }
                if let Value::Gauge { samples: all, .. } = mine {
                    *all = before + samples;
                }
            }
            (
                Value::Rate { passes, total },
                Value::Rate {
                    passes: more,
                    total: of,
                },
            ) => {
                *passes += more;
                *total += of;
            }
            (Value::Trend(trend), Value::Trend(other)) => trend.merge(other),
            _ => {}
        }
    }

    /// How many samples there were.
    pub fn samples(&self) -> u64 {
        match self {
            Value::Counter { samples, .. } | Value::Gauge { samples, .. } => *samples,
            Value::Rate { total, .. } => *total,
            Value::Trend(trend) => trend.count,
        }
    }

    /// One number of it; `seconds` is how long the run took.
    pub fn aggregate(&self, aggregate: Aggregate, seconds: f64) -> f64 {
        match (self, aggregate) {
            (Value::Counter { count, .. }, Aggregate::Rate) => count / seconds.max(1e-9),
            (Value::Counter { count, .. }, _) => *count,
            (Value::Gauge { value, .. }, _) => *value,
            (Value::Rate { passes, total }, _) => *passes as f64 / (*total).max(1) as f64,
            (Value::Trend(trend), Aggregate::Avg) => trend.mean(),
            (Value::Trend(trend), Aggregate::Min) => trend.min,
            (Value::Trend(trend), Aggregate::Max) => trend.max,
            (Value::Trend(trend), Aggregate::Med) => trend.quantile(0.5),
            (Value::Trend(trend), Aggregate::Percentile(p)) => trend.quantile(p / 100.0),
            (Value::Trend(trend), _) => trend.count as f64,
        }
    }
}

/// A part of a metric: what has some tags.
#[derive(Debug, Clone)]
pub struct Part {
    /// As it is written in the options.
    pub source: String,
    /// Tags that a sample must have.
    pub tags: Vec<(String, String)>,
    /// What was counted.
    pub value: Value,
}

/// A metric, what was counted of it, and its parts.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The metric.
    pub metric: Metric,
    /// All of it.
    pub value: Value,
    /// Its parts.
    pub parts: Vec<Part>,
}

/// Checks of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The path of its group, empty for the root.
    pub group: String,
    /// Its name.
    pub name: String,
    /// How often it held.
    pub passes: u64,
    /// How often it did not.
    pub fails: u64,
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Tally {
    /// By the number of the metric.
    pub metrics: Vec<Counted>,
    /// In the order in which they came.
    pub checks: Vec<Check>,
    /// Paths of groups in the order in which they came.
    pub groups: Vec<String>,
    /// The same, to be found.
    entered: HashSet<String>,
    /// Who takes every sample, too.
    pub outputs: Vec<Arc<dyn Output>>,
    /// Tags that samples do not have, whatever is known of them.
    pub left_out_tags: Vec<String>,
    places: BTreeMap<(String, String), usize>,
}

impl Default for Tally {
    fn default() -> Tally {
        let counted = |(name, kind, contains): &(&str, Kind, Contains)| Counted {
            metric: Metric {
                name: (*name).to_owned(),
                kind: *kind,
                contains: *contains,
            },
            value: Value::new(*kind),
            parts: Vec::new(),
        };
        Tally {
            metrics: BUILT_IN.iter().map(counted).collect(),
            checks: Vec::new(),
            groups: Vec::new(),
            entered: HashSet::new(),
            outputs: Vec::new(),
            left_out_tags: Vec::new(),
            places: BTreeMap::new(),
        }
    }
}

/// Whether samples do not have a tag that k6 would give them. A name that the script gives stays.
fn is_left_out(left_out: &[String], name: &str, tags: &(impl Tags + ?Sized)) -> bool {
    left_out.iter().any(|out| out == name) && !(name == "name" && tags.given().contains(&name))
}

impl Tally {
    /// The number of a metric, which it gets now if it is new.
    pub fn declare(&mut self, metric: Metric) -> Result<usize, String> {
        if let Some(at) = self.number(&metric.name) {
            let known = &self.metrics[at].metric;
            return if known.kind == metric.kind && known.contains == metric.contains {
                Ok(at)
            } else {
                Err(format!(
                    "the metric `{}` is there already, as a {}",
                    metric.name,
                    known.kind.word()
                ))
            };
        }
        self.metrics.push(Counted {
            value: Value::new(metric.kind),
            metric,
            parts: Vec::new(),
        });
        Ok(self.metrics.len() - 1)
    }

    /// The number of a metric by its name.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.metrics
            .iter()
            .position(|known| known.metric.name == name)
    }

    /// Counts what has some tags apart, too; whether there is such a metric.
    pub fn watch(&mut self, source: &str, key: &Key) -> bool {
        let Some(at) = self.number(&key.metric) else {
            return false;
        };
        let counted = &mut self.metrics[at];
        let known = counted.parts.iter().any(|part| part.tags == key.tags);
        if !key.tags.is_empty() && !known {
            counted.parts.push(Part {
                source: source.to_owned(),
                tags: key.tags.clone(),
                value: Value::new(counted.metric.kind),
            });
        }
        true
    }

    /// Adds a sample of a metric.
    pub fn add(&mut self, number: usize, sample: f64, tags: &(impl Tags + ?Sized)) {
        let Some(counted) = self.metrics.get_mut(number) else {
            return;
        };
        counted.value.add(sample);
        if !self.outputs.is_empty() {
            let mut all = all_of(tags);
            all.retain(|(name, _)| !is_left_out(&self.left_out_tags, name, tags));
            for output in &self.outputs {
                output.put(&counted.metric, sample, &all);
            }
        }
        for part in &mut counted.parts {
            let fits = |(name, value): &(String, String)| {
                tags.tag(name) == Some(value) && !is_left_out(&self.left_out_tags, name, tags)
            };
            if part.tags.iter().all(fits) {
                part.value.add(sample);
            }
        }
    }

    /// Adds a sample of a metric that is always there.
    pub fn count(&mut self, metric: BuiltIn, sample: f64, tags: &(impl Tags + ?Sized)) {
        self.add(metric as usize, sample, tags);
    }

    /// Notes what a check came to; its place in the tally.
    pub fn check(&mut self, group: &str, name: &str, holds: bool) -> usize {
        let at = self.place(group, name);
        let check = &mut self.checks[at];
        check.passes += u64::from(holds);
        check.fails += u64::from(!holds);
        at
    }

    /// Notes that a group was entered.
    pub fn group(&mut self, path: &str) {
        if !self.entered.contains(path) {
            self.entered.insert(path.to_owned());
            self.groups.push(path.to_owned());
        }
    }

    fn place(&mut self, group: &str, name: &str) -> usize {
        // Checks of a script are few, and mostly come again in the same order.
        let same = |check: &Check| check.name == name && check.group == group;
        if let Some(at) = self.checks.iter().take(8).position(same) {
            return at;
        }
        let key = (group.to_owned(), name.to_owned());
        let next = self.checks.len();
        let at = *self.places.entry(key).or_insert(next);
        if at == next {
            self.checks.push(Check {
                group: group.to_owned(),
                name: name.to_owned(),
                passes: 0,
                fails: 0,
            });
        }
        at
    }

    /// Adds what another thread counted.
    pub fn merge(&mut self, other: &Tally) {
        for (at, theirs) in other.metrics.iter().enumerate() {
            let same = |mine: &&Counted| mine.metric.name == theirs.metric.name;
            // Virtual users may make metrics in another order than the first one did.
            let known = self.metrics.get(at).filter(same).map(|_| at);
            let Some(at) = known.or_else(|| self.number(&theirs.metric.name)) else {
                self.metrics.push(theirs.clone());
                continue;
            };
            let mine = &mut self.metrics[at];
            mine.value.merge(&theirs.value);
            for (mine, theirs) in mine.parts.iter_mut().zip(&theirs.parts) {
                mine.value.merge(&theirs.value);
            }
        }
        for path in &other.groups {
            self.group(path);
        }
        for check in &other.checks {
            let at = self.place(&check.group, &check.name);
            self.checks[at].passes += check.passes;
            self.checks[at].fails += check.fails;
        }
    }

    /// One that has the same metrics and parts, and counted nothing.
    pub fn anew(&self) -> Tally {
        let mut anew = self.clone();
        for counted in &mut anew.metrics {
            counted.value = Value::new(counted.metric.kind);
            for part in &mut counted.parts {
                part.value = Value::new(counted.metric.kind);
            }
        }
        anew.checks.clear();
        anew.groups.clear();
        anew.entered.clear();
        anew.places.clear();
        anew
    }

    /// What was counted of a metric or a part of it.
    pub fn value(&self, key: &Key) -> Option<&Value> {
        let counted = &self.metrics[self.number(&key.metric)?];
        if key.tags.is_empty() {
            return Some(&counted.value);
        }
        let part = counted.parts.iter().find(|part| part.tags == key.tags);
        part.map(|part| &part.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(own).collect()
    }

    #[test]
    fn parts_count_what_has_their_tags() {
        let mut tally = Tally::default();
        let key = Key::parse("http_reqs{name:login,scenario:a}").unwrap();
        assert!(tally.watch("http_reqs{name:login,scenario:a}", &key));
        assert!(!tally.watch("nothing", &Key::parse("nothing").unwrap()));
        for (name, scenario) in [("login", "a"), ("login", "b"), ("pay", "a")] {
            let tags = tags(&[("name", name), ("scenario", scenario)]);
            tally.count(BuiltIn::HttpReqs, 1.0, tags.as_slice());
        }
        assert_eq!(tally.value(&key).unwrap().samples(), 1);
        let mut all = tally.anew();
        assert_eq!(all.value(&key).unwrap().samples(), 0);
        all.merge(&tally);
        all.merge(&tally);
        assert_eq!(all.metrics[BuiltIn::HttpReqs as usize].value.samples(), 6);
        assert_eq!(all.value(&key).unwrap().samples(), 2);
    }

    #[test]
    fn checks_are_counted_by_group_and_name_whoever_met_them_first() {
        let (mut one, mut two) = (Tally::default(), Tally::default());
        for number in 0..20 {
            one.check("", &format!("c{number}"), true);
            two.check("", &format!("c{}", 19 - number), number != 3);
        }
        two.check("::a", "c1", true);
        one.merge(&two);
        assert_eq!(one.checks.len(), 21);
        let c16 = one.checks.iter().find(|check| check.name == "c16").unwrap();
        assert_eq!((c16.passes, c16.fails), (1, 1));
    }

    #[test]
    fn metrics_that_were_made_in_another_order_are_the_same() {
        let of = |names: [&str; 2]| {
            let mut tally = Tally::default();
            for (value, name) in names.into_iter().enumerate() {
                let metric = Metric {
                    name: name.to_owned(),
                    kind: Kind::Counter,
                    contains: Contains::Default,
                };
                let number = tally.declare(metric).unwrap();
                tally.add(number, value as f64 + 1.0, tags(&[]).as_slice());
            }
            tally
        };
        let mut all = of(["first", "second"]);
        all.merge(&of(["second", "third"]));
        let count = |name: &str| {
            let number = all.number(name).unwrap();
            all.metrics[number].value.aggregate(Aggregate::Count, 1.0)
        };
        assert_eq!(["first", "second", "third"].map(count), [1.0, 3.0, 2.0]);
    }

    #[test]
    fn a_metric_is_declared_once() {
        let mut tally = Tally::default();
        let metric = |kind| Metric {
            name: "logins".to_owned(),
            kind,
            contains: Contains::Default,
        };
        let number = tally.declare(metric(Kind::Rate)).unwrap();
        assert_eq!(tally.declare(metric(Kind::Rate)), Ok(number));
        assert!(tally.declare(metric(Kind::Trend)).is_err());
        tally.add(number, 1.0, tags(&[]).as_slice());
        tally.add(number, 0.0, tags(&[]).as_slice());
        assert_eq!(
            tally.metrics[number].value.aggregate(Aggregate::Rate, 1.0),
            0.5
        );
    }
}
