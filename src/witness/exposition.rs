//! Metrics as text (Prometheus exposition format 0.0.4, and OpenMetrics): read whole, or refused.
//!
//! Invariant: a text that breaks the format has no metrics, so that a page which merely holds the name
//! of one never passes for it.

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its labels, with values as they stand there but for their escapes.
    pub labels: Vec<(&'a str, String)>,
    /// Its value.
    pub value: f64,
}

/// Reads a text.
///
/// # Errors
///
/// The first line that is not of the format, with its number.
pub fn parse(text: &str) -> Result<Vec<Sample<'_>>, String> {
    let mut samples = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = || {
            let shown = crate::secret::start_of(line, 80);
            format!("line {} is no metric: {shown:?}", number + 1)
        };
        samples.push(sample(line).ok_or_else(wrong)?);
    }
    Ok(samples)
}

/// The value of the only sample that a selector such as `up` or `up{job="api"}` fits.
///
/// # Errors
///
/// The text breaks the format, or no sample or several fit.
pub fn value(text: &str, selector: &str) -> Result<f64, String> {
    let line = format!("{selector} 0");
    let wanted = sample(&line).ok_or_else(|| {
        format!("`{selector}` is no metric; write `name` or `name{{label=\"value\"}}`")
    })?;
    let samples = parse(text)?;
    let fits = |sample: &&Sample<'_>| {
        let mut labels = wanted.labels.iter();
        sample.name == wanted.name && labels.all(|label| sample.labels.contains(label))
    };
    let mut fitting = samples.iter().filter(fits);
    match (fitting.next(), fitting.count()) {
        (None, _) => {
            let mut names: Vec<&str> = samples.iter().map(|sample| sample.name).collect();
            names.dedup();
            let near = crate::document::diagnostic::nearest(wanted.name, names.iter().copied());
            let near = near.map_or(String::new(), |near| format!("; there is `{near}`"));
            Err(format!(
                "no metric `{selector}` is among {} samples{near}",
                samples.len()
            ))
        }
        (Some(one), 0) => Ok(one.value),
        (Some(_), more) => Err(format!(
            "{} samples fit `{selector}`: name its labels",
            more + 1
        )),
    }
}

fn is_name(text: &str) -> bool {
    let is_first = |letter: char| letter.is_ascii_alphabetic() || letter == '_' || letter == ':';
    text.starts_with(is_first)
        && text
            .chars()
            .all(|letter| is_first(letter) || letter.is_ascii_digit())
}

/// `name{label="value",…} value [timestamp]`, with an exemplar of OpenMetrics after it.
fn sample(line: &str) -> Option<Sample<'_>> {
    let end = line.find(|letter: char| letter == '{' || letter.is_whitespace())?;
    let (name, rest) = line.split_at(end);
    if !is_name(name) {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let mut words = rest.split_whitespace();
    let value = match words.next()? {
        "+Inf" | "Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        number => number.parse().ok()?,
    };
    match words.next() {
        None | Some("#") => {}
        Some(at) => {
            at.parse::<f64>().ok()?;
            if words.next().is_some_and(|word| word != "#") {
                return None;
            }
        }
    }
    Some(Sample {
        name,
        labels,
        value,
    })
}

/// Labels up to their closing brace, and what follows it.
fn labels(text: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some((found, after));
        }
        let (name, value) = rest.split_once('=')?;
        let name = name.trim();
        if !is_name(name) {
            return None;
        }
        let mut letters = value.trim_start().strip_prefix('"')?.char_indices();
        let quoted = value.trim_start().strip_prefix('"')?;
        let mut text = String::new();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => match letters.next()?.1 {
                    'n' => text.push('\n'),
                    other => text.push(other),
                },
                (_, letter) => text.push(letter),
            }
        };
        found.push((name, text));
        rest = quoted[end + 1..].trim_start();
        rest = rest.strip_prefix(',').map_or(rest, str::trim_start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "# HELP up whether\n# TYPE up gauge\nup{job=\"api\",path=\"a\\\"},b\"} 1 1795694400000\nup{job=\"web\"} 0\nrss_bytes 1.5e+06\nodd NaN\nc_total 3 # {trace=\"1\"} 1\n# EOF\n";

    #[test]
    fn one_metric_is_found_by_its_name_and_labels() {
        let of = |selector| value(TEXT, selector);
        assert_eq!(of("up{job=\"api\"}"), Ok(1.0));
        assert_eq!(of("up{path=\"a\\\"},b\"}"), Ok(1.0));
        assert_eq!(of("rss_bytes"), Ok(1_500_000.0));
        assert_eq!(of("c_total"), Ok(3.0));
        assert!(of("odd").unwrap().is_nan());
        assert!(of("up").unwrap_err().contains("2 samples fit"));
        assert!(of("rss_byte").unwrap_err().contains("there is `rss_bytes`"));
        assert!(of("{").is_err());
    }

    #[test]
    fn a_page_that_holds_the_name_is_no_metric() {
        for text in [
            "<html><body>up 1</body></html>",
            "up 1\n<p>",
            "up",
            "up one",
            "up{a=\"b} 1",
            "1up 1",
            "up{a=b} 1",
            "up 1 2 3",
        ] {
            assert!(value(text, "up").is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(labels in proptest::collection::vec(("[a-z_][a-z0-9_]{0,5}", "[^\u{0}-\u{1f}]{0,6}"), 0..4), number in -1e9f64..1e9) {
            let written: Vec<String> = labels.iter().map(|(name, text)| format!("{name}=\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))).collect();
            let line = format!("m{{{}}} {number}", written.join(","));
            let read = parse(&line).unwrap();
            prop_assert_eq!(read[0].value, number);
            let back: Vec<(String, String)> = read[0].labels.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
            prop_assert_eq!(back, labels);
        }

        #[test]
        fn nothing_panics(text in ".{0,60}") {
            let _ = parse(&text);
            let _ = value("up 1", &text);
        }
    }
}
