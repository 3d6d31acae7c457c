//! Thresholds: `p(95)<500`, on a metric or on the part of it that has some tags.
//!
//! The grammar and the results are k6's. Does not know where samples come from. Invariant: what has no sample
//! says so ([`Verdict::measured`]), whatever k6 makes of it.

use super::metric::Kind;
use super::tally::Value;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregate {
    /// How often, or the sum.
    Count,
    /// Per second of a counter; the share of a rate.
    Rate,
    /// The newest.
    Value,
    /// The mean.
    Avg,
    /// The lowest.
    Min,
    /// The highest.
    Max,
    /// The middle.
    Med,
    /// A percentile, from 0 to 100.
    Percentile(f64),
}

/// How it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Equal,
    Unequal,
}

/// One expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// As it is written.
    pub source: String,
    /// What is compared.
    pub aggregate: Aggregate,
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub bound: f64,
    /// Whether its failure ends the run.
    pub abort_on_fail: bool,
    /// Not before this time, in milliseconds.
    pub delay_abort_ms: u64,
}

/// What one came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// Whether it holds, as k6 sees it.
    pub holds: bool,
    /// What was seen.
    pub seen: f64,
    /// Whether there was any sample.
    pub measured: bool,
}

impl Threshold {
    /// Reads an expression for a metric of a kind.
    pub fn parse(source: &str, kind: Kind) -> Result<Threshold, String> {
        let text = source.trim();
        let at = text
            .find(['<', '>', '=', '!'])
            .ok_or("it has no comparison; expected something like `p(95)<500`")?;
        let (left, rest) = text.split_at(at);
        let signs = [
            ("===", Comparison::Equal),
            ("==", Comparison::Equal),
            ("!=", Comparison::Unequal),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::MoreOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::More),
        ];
        let (comparison, right) = signs
            .iter()
            .find_map(|(sign, comparison)| Some((*comparison, rest.strip_prefix(sign)?)))
            .ok_or("the comparison is none of < <= > >= == === !=")?;
        let right = right.trim();
        let bound: f64 = right
            .parse()
            .map_err(|_| format!("`{right}` is not a number"))?;
        Ok(Threshold {
            source: source.to_owned(),
            aggregate: aggregate(left.trim(), kind)?,
            comparison,
            bound,
            abort_on_fail: false,
            delay_abort_ms: 0,
        })
    }

    /// What it comes to; `seconds` is how long the run took so far.
    pub fn judge(&self, value: &Value, seconds: f64) -> Verdict {
        let measured = value.samples() > 0;
        let seen = value.aggregate(self.aggregate, seconds);
        let bound = self.bound;
        let compared = match self.comparison {
            Comparison::Less => seen < bound,
            Comparison::LessOrEqual => seen <= bound,
            Comparison::More => seen > bound,
            Comparison::MoreOrEqual => seen >= bound,
            Comparison::Equal => seen == bound,
            Comparison::Unequal => seen != bound,
        };
        // A share of nothing passes in k6, whatever the bound.
        let holds = compared || (!measured && matches!(value, Value::Rate { .. }));
        Verdict {
            holds,
            seen,
            measured,
        }
    }
}

fn aggregate(text: &str, kind: Kind) -> Result<Aggregate, String> {
    let percentile = || {
        let inner = text.strip_prefix("p(")?.strip_suffix(')')?;
        let share: f64 = inner.trim().parse().ok()?;
        (0.0..=100.0)
            .contains(&share)
            .then_some(Aggregate::Percentile(share))
    };
    let (found, allowed) = match kind {
        Kind::Counter => (
            match text {
                "count" => Some(Aggregate::Count),
                "rate" => Some(Aggregate::Rate),
                _ => None,
            },
            "`count` or `rate`",
        ),
        Kind::Gauge => ((text == "value").then_some(Aggregate::Value), "`value`"),
        Kind::Rate => ((text == "rate").then_some(Aggregate::Rate), "`rate`"),
        Kind::Trend => (
            match text {
                "avg" => Some(Aggregate::Avg),
                "min" => Some(Aggregate::Min),
                "max" => Some(Aggregate::Max),
                "med" => Some(Aggregate::Med),
                _ => percentile(),
            },
            "`avg`, `min`, `max`, `med` or `p(N)` with N from 0 to 100",
        ),
    };
    found.ok_or_else(|| {
        format!(
            "`{text}` cannot be asked of a {}; expected {allowed}",
            kind.word()
        )
    })
}

/// A key of thresholds: a metric, and the tags that its samples must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The metric's name.
    pub metric: String,
    /// Tags with their values, sorted.
    pub tags: Vec<(String, String)>,
}

impl Key {
    /// Reads `metric` or `metric{tag:value, tag2:value2}`.
    pub fn parse(text: &str) -> Result<Key, String> {
        let Some(at) = text.find('{') else {
            return Ok(Key {
                metric: text.trim().to_owned(),
                tags: Vec::new(),
            });
        };
        let inner = text[at + 1..]
            .trim_end()
            .strip_suffix('}')
            .ok_or("the tags have no `}` at their end")?;
        let bare = |text: &str| {
            let text = text.trim();
            let quoted = |mark: char| text.strip_prefix(mark)?.strip_suffix(mark);
            quoted('"')
                .or_else(|| quoted('\''))
                .unwrap_or(text)
                .to_owned()
        };
        let mut tags = Vec::new();
        for pair in inner.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (name, value) = pair
                .split_once(':')
                .ok_or_else(|| format!("`{}` is not `tag:value`", pair.trim()))?;
            tags.push((bare(name), bare(value)));
        }
        if tags.is_empty() {
            return Err("there is no tag between the braces".to_owned());
        }
        tags.sort();
        Ok(Key {
            metric: text[..at].trim().to_owned(),
            tags,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_mean_what_they_mean_in_k6() {
        let read = |text, kind| Threshold::parse(text, kind);
        let p = read(" p(99.9) <= 1e3 ", Kind::Trend).unwrap();
        assert_eq!(p.aggregate, Aggregate::Percentile(99.9));
        assert_eq!((p.comparison, p.bound), (Comparison::LessOrEqual, 1_000.0));
        assert!(read("rate===0", Kind::Rate).is_ok());
        for (text, kind, reason) in [
            (
                "p(95)<500",
                Kind::Rate,
                "`p(95)` cannot be asked of a rate; expected `rate`",
            ),
            (
                "p(101)<5",
                Kind::Trend,
                "`p(101)` cannot be asked of a trend; expected `avg`, `min`, `max`, `med` or `p(N)` with N from 0 to 100",
            ),
            (
                "avg",
                Kind::Trend,
                "it has no comparison; expected something like `p(95)<500`",
            ),
            ("avg<x", Kind::Trend, "`x` is not a number"),
            (
                "avg=5",
                Kind::Trend,
                "the comparison is none of < <= > >= == === !=",
            ),
        ] {
            assert_eq!(read(text, kind).unwrap_err(), reason, "{text}");
        }
    }

    #[test]
    fn nothing_measured_is_what_k6_makes_of_it_and_says_so() {
        let judged = |text, kind: Kind| {
            Threshold::parse(text, kind)
                .unwrap()
                .judge(&Value::new(kind), 1.0)
        };
        let none = |holds| Verdict {
            holds,
            seen: 0.0,
            measured: false,
        };
        assert_eq!(judged("rate>0.99", Kind::Rate), none(true));
        assert_eq!(judged("p(95)<500", Kind::Trend), none(true));
        assert_eq!(judged("p(95)>0", Kind::Trend), none(false));
        assert_eq!(judged("count>0", Kind::Counter), none(false));
    }

    #[test]
    fn a_key_names_a_metric_and_tags_however_it_is_spelled() {
        let read = |text| Key::parse(text).unwrap();
        assert_eq!(read("cc{a:1}"), read("cc { a : \"1\" }"));
        assert_eq!(read("cc{b:2,a:1}"), read("cc{a:1, b:2}"));
        assert_eq!(read("http_reqs").tags, []);
        assert!(Key::parse("cc{a}").is_err() && Key::parse("cc{a:1").is_err());
        assert_eq!(read("x{url:http://a/b}").tags[0].1, "http://a/b");
    }
}
