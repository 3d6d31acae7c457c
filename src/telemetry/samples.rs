//! The exposition as samples, for whoever is pushed to instead of scraping.
//!
//! Pure. Reads Prometheus's text format as this folder writes it, so that what is pushed is what would be
//! scraped, whoever keeps a series.

/// One sample of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The name of the series, `_bucket`, `_sum` and `_count` included.
    pub name: String,
    /// Its labels by name, in the order of their names.
    pub labels: Vec<(String, String)>,
    /// Its value.
    pub value: f64,
}

/// One family of samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// The name of the family.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// What it says.
    pub help: String,
    /// Its samples.
    pub samples: Vec<Sample>,
}

/// All families of an exposition. A family that goes on later is there once.
pub fn families(text: &str) -> Vec<Samples> {
    let mut families: Vec<Samples> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            families.push(Samples {
                name: name.to_owned(),
                kind: String::new(),
                help: help.to_owned(),
                samples: Vec::new(),
            });
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            if let (Some(family), Some((_, kind))) = (families.last_mut(), rest.split_once(' ')) {
                family.kind = kind.to_owned();
            }
        } else if let (Some(family), Some(sample)) = (families.last_mut(), sample(line)) {
            family.samples.push(sample);
        }
    }
    families
}

/// One line.
fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        other => other.parse().ok()?,
    };
    let Some((name, rest)) = series.split_once('{') else {
        return Some(Sample {
            name: series.to_owned(),
            labels: Vec::new(),
            value,
        });
    };
    let mut labels = Vec::new();
    let mut rest = rest.strip_suffix('}')?;
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut text = String::new();
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next()? {
                (end, '"') => break end,
                (_, '\\') => match letters.next()?.1 {
                    'n' => text.push('\n'),
                    other => text.push(other),
                },
                (_, letter) => text.push(letter),
            }
        };
        labels.push((name.to_owned(), text));
        rest = after[end + 1..].trim_start_matches(',');
    }
    labels.sort();
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::exposition::{Family, Labels, Writer};
    use crate::telemetry::format::Format;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(value in ".{0,12}", other in "[a-z{}=\",\\\\ \n]{0,12}", number in -1e9_f64..1e9) {
            let mut text = Vec::new();
            let family = Family { name: "x_seconds", kind: "gauge", help: "How long it is." };
            let labels = Labels::new(&[("probe", &value), ("b", &other)]);
            let mut writer = Writer::new(&mut text, Format::Text, family, true);
            writer.number(&labels, None, number);
            writer.end();
            let read = families(std::str::from_utf8(&text).unwrap());
            // A line's end is the one letter that an escape is for; others that end lines elsewhere stay.
            prop_assume!(!value.contains(['\r']));
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(&read[0].kind, "gauge");
            let expected = Sample { name: "x_seconds".to_owned(), labels: vec![("b".to_owned(), other), ("probe".to_owned(), value)], value: number };
            prop_assert_eq!(&read[0].samples, &vec![expected]);
        }
    }
}
