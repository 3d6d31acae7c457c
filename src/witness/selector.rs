//! A selector of series, as PromQL has it: a name, and labels in braces.
//!
//! Knows no functions and no operators: what is asked for is samples, and nothing made of them.

use regex::Regex;
use std::collections::BTreeMap;

/// Letters of an operator, longest first.
const OPERATORS: [&str; 4] = ["!=", "=~", "!~", "="];

/// A selector of series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    text: String,
    /// The name of the metric.
    pub metric: String,
    matchers: Vec<Matcher>,
}

/// What a label is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Matcher {
    label: String,
    operator: &'static str,
    value: String,
}

impl Selector {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// It is none, or it names no metric.
    pub fn parse(text: &str) -> Result<Selector, String> {
        let text = text.trim();
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let mut metric = name.to_owned();
        let mut matchers = Vec::new();
        let rest = rest.trim();
        if let Some(inside) = rest.strip_prefix('{') {
            let mut inside = inside.trim_start();
            loop {
                if let Some(after) = inside.strip_prefix('}') {
                    if !after.trim().is_empty() {
                        return Err(beyond(after.trim()));
                    }
                    break;
                }
                let (label, operator, value, after) = matcher(inside)?;
                match (label.as_str(), operator) {
                    ("__name__", "=") if metric.is_empty() => metric = value,
                    ("__name__", _) => return Err("it names its metric in two ways".to_owned()),
                    _ => matchers.push(Matcher {
                        label,
                        operator,
                        value,
                    }),
                }
                inside = after.trim_start();
                if let Some(after) = inside.strip_prefix(',') {
                    inside = after.trim_start();
                } else if !inside.starts_with('}') {
                    return Err("`{` is never closed".to_owned());
                }
            }
        } else if !rest.is_empty() {
            return Err(beyond(rest));
        }
        if metric.is_empty() || metric.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("it names no metric".to_owned());
        }
        Ok(Selector {
            text: text.to_owned(),
            metric,
            matchers,
        })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it asks for exactly one bucket of histograms, if its metric has buckets: several of them count the same
    /// requests several times, since what is below one bound is below all higher ones.
    pub fn is_of_one_bucket(&self) -> bool {
        let mut bounds = self.matchers.iter().filter(|matcher| matcher.label == "le");
        match bounds.next() {
            Some(bound) => bound.operator == "=" && bounds.next().is_none(),
            None => !self.metric.ends_with("_bucket"),
        }
    }

    /// Names of the labels that it asks for.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.matchers.iter().map(|matcher| matcher.label.as_str())
    }

    /// Whether it asks for a series of its metric with some labels; whoever is not sure says no.
    pub fn fitting(&self) -> impl Fn(&BTreeMap<String, String>) -> bool + '_ {
        let like = |matcher: &Matcher| Regex::new(&format!("^(?s:{})$", matcher.value)).ok();
        let likes: Vec<Option<Regex>> = self.matchers.iter().map(like).collect();
        move |labels| {
            let mut all = self.matchers.iter().zip(&likes);
            all.all(|(matcher, like)| {
                let seen = labels.get(&matcher.label).map_or("", String::as_str);
                match (matcher.operator, like) {
                    ("=", _) => seen == matcher.value,
                    ("!=", _) => seen != matcher.value,
                    (_, None) => false,
                    (operator, Some(like)) => like.is_match(seen) == (operator == "=~"),
                }
            })
        }
    }

    /// Whether it asks for the same labels in the same way, whatever their values.
    pub fn has_shape_of(&self, other: &Selector) -> bool {
        let shape = |selector: &Selector| -> Vec<(String, &'static str)> {
            let all = selector.matchers.iter();
            all.map(|matcher| (matcher.label.clone(), matcher.operator))
                .collect()
        };
        shape(self) == shape(other)
    }
}

/// A value as PromQL means it, as far as escapes of one letter go.
fn unescaped(value: &str) -> String {
    let mut letters = value.chars();
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            letter => text.push(letter),
        }
    }
    text
}

fn beyond(rest: &str) -> String {
    format!(
        "`{}` is more than a selector such as `http_requests_total{{job=\"api\"}}`: without `rate()`, a range or an operator",
        crate::secret::start_of(rest, 40)
    )
}

/// A label, its operator, its value, and what comes after.
fn matcher(text: &str) -> Result<(String, &'static str, String, &str), String> {
    let is_label = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !is_label(c)).unwrap_or(text.len());
    let (label, rest) = text.split_at(end);
    if label.is_empty() {
        return Err("a label in `{…}` has no name".to_owned());
    }
    let rest = rest.trim_start();
    let operator = OPERATORS.iter().find(|word| rest.starts_with(**word));
    let operator =
        operator.ok_or_else(|| format!("after `{label}` comes one of =, !=, =~, !~ and a text"))?;
    let rest = rest[operator.len()..].trim_start();
    let quote = rest
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\'' | '`'));
    let quote = quote.ok_or_else(|| format!("the value of `{label}` stands in quotes"))?;
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if quote != '`' => is_escaped = true,
            c if c == quote => {
                let value = match quote {
                    '`' => rest[1..at].to_owned(),
                    _ => unescaped(&rest[1..at]),
                };
                return Ok((label.to_owned(), operator, value, &rest[at + 1..]));
            }
            _ => {}
        }
    }
    Err(format!("the value of `{label}` is never closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_a_name_and_labels() {
        let of = |text: &str| {
            let selector = Selector::parse(text).unwrap();
            let labels: Vec<String> = selector.labels().map(str::to_owned).collect();
            (selector.metric, labels.join(" "))
        };
        let is = |metric: &str, labels: &str| (metric.to_owned(), labels.to_owned());
        assert_eq!(of("up"), is("up", ""));
        assert_eq!(of(" a:b_c{} "), is("a:b_c", ""));
        assert_eq!(
            of(r#"x{ job = "a}b\"c", code=~'5..' , z!~`\d`,}"#),
            is("x", "job code z")
        );
        assert_eq!(of(r#"{__name__="x", job!=""}"#), is("x", "job"));
    }

    #[test]
    fn a_selector_tells_which_series_it_asks_for() {
        let fits = |text: &str, code: &str| {
            let selector = Selector::parse(text).unwrap();
            let labels = [("code".to_owned(), code.to_owned())].into();
            selector.fitting()(&labels)
        };
        assert!(fits("x{code=~\"5..\"}", "503") && !fits("x{code=~\"5..\"}", "5033"));
        assert!(fits("x{code!~`\\d+`}", "ok") && !fits("x{code!~\"\\\\d+\"}", "503"));
        assert!(fits("x{code=\"500\",job=\"\"}", "500") && !fits("x{code!=\"500\"}", "500"));
        assert!(!fits("x{code=~\"(\"}", "("), "whoever is not sure says no");
    }

    #[test]
    fn a_value_that_asks_for_more_changes_the_shape() {
        let shape = |text: &str| Selector::parse(text).unwrap();
        let written = shape(r#"x{version="1"}"#);
        assert!(shape(r#"x{version="2.0.0+b"}"#).has_shape_of(&written));
        assert!(!shape(r#"x{version="1",code!~"5.."}"#).has_shape_of(&written));
        assert!(!shape(r#"x{version=~"1"}"#).has_shape_of(&written));
    }

    #[test]
    fn whatever_is_more_or_less_is_none() {
        for text in [
            "",
            "{}",
            r#"{job="a"}"#,
            "rate(x[5m])",
            "x[5m]",
            "x offset 5m",
            "x + y",
            r#"x{job="a"} or vector(0)"#,
            "x{job}",
            "x{job=a}",
            "x{job=\"a",
            "x{job=\"a\"",
            "x{=\"a\"}",
            "x{a=\"b\" c=\"d\"}",
            "1x",
            "x{__name__=\"y\"}",
            "x{__name__=~\"y.*\"}",
        ] {
            assert!(Selector::parse(text).is_err(), "{text}");
        }
    }
}
