//! Pages of lines of Loki: `/loki/api/v1/query_range`, oldest first.
//!
//! Does not ask. Invariant: no line is counted twice, and none is passed over in silence: a page full of
//! lines of one moment is a doubt, since the next cannot begin after it without losing some.

use serde_json::Value;
use std::collections::BTreeSet;

/// Lines of a page: what Loki allows where nobody changed it.
pub const PAGE: usize = 5_000;

/// Where the reading of pages stands.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    /// The newest moment seen, in nanoseconds since 1970.
    newest_ns: i64,
    /// Lines of that moment, so that they are not counted again.
    at_newest: BTreeSet<String>,
}

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Another page from this moment on, in nanoseconds since 1970.
    From(i64),
    /// That was the last.
    Nothing,
    /// There is more, and it cannot be read.
    Lost(String),
}

impl Pages {
    /// Takes a page; its lines are handed on in the order of their moments.
    ///
    /// # Errors
    ///
    /// It is no answer of Loki's, in words.
    pub fn take(&mut self, reply: &Value, mut line: impl FnMut(i64, &str)) -> Result<Next, String> {
        let data = &reply["data"];
        if reply["status"] != "success" || data["resultType"] != "streams" {
            return Err("it is no list of log lines: ask for lines, not for a metric".to_owned());
        }
        let streams = data["result"].as_array().ok_or("it has no `result`")?;
        let mut all: Vec<(i64, String)> = Vec::new();
        for stream in streams {
            for value in stream["values"].as_array().into_iter().flatten() {
                let at = value[0].as_str().and_then(|text| text.parse().ok());
                let (Some(at), Some(text)) = (at, value[1].as_str()) else {
                    return Err("a line has no moment or no text".to_owned());
                };
                all.push((at, text.to_owned()));
            }
        }
        let count = all.len();
        all.sort();
        let before = self.newest_ns;
        for (at, text) in &all {
            if *at == before && self.at_newest.contains(text) {
                continue;
            }
            line(*at, text);
        }
        let Some(newest) = all.last().map(|(at, _)| *at) else {
            return Ok(Next::Nothing);
        };
        if newest != before {
            self.at_newest.clear();
        }
        self.newest_ns = newest;
        let of_newest = all.into_iter().filter(|(at, _)| *at == newest);
        self.at_newest.extend(of_newest.map(|(_, text)| text));
        Ok(if count < PAGE {
            Next::Nothing
        } else if newest == before {
            Next::Lost(format!("more than {PAGE} lines are of one moment"))
        } else {
            Next::From(newest)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page(lines: &[(i64, String)]) -> Value {
        let values: Vec<Value> = lines
            .iter()
            .map(|(at, text)| json!([at.to_string(), text]))
            .collect();
        json!({ "status": "success", "data": { "resultType": "streams", "result": [ { "stream": {}, "values": values } ] } })
    }

    #[test]
    fn pages_that_meet_in_one_moment_lose_and_repeat_nothing() {
        // Three lines a moment, and more than two pages of them.
        let all: Vec<(i64, String)> = (0..12_000).map(|n| (n / 3, format!("line {n}"))).collect();
        let (mut pages, mut seen, mut from) = (Pages::default(), Vec::new(), 0);
        loop {
            let part: Vec<_> = all
                .iter()
                .filter(|(at, _)| *at >= from)
                .take(PAGE)
                .cloned()
                .collect();
            match pages
                .take(&page(&part), |_, text| seen.push(text.to_owned()))
                .unwrap()
            {
                Next::From(next) => from = next,
                Next::Nothing => break,
                Next::Lost(why) => panic!("{why}"),
            }
        }
        seen.sort();
        let count = seen.len();
        seen.dedup();
        assert_eq!((count, seen.len()), (12_000, 12_000));
    }

    #[test]
    fn what_cannot_be_read_on_is_said() {
        let same: Vec<_> = (0..PAGE).map(|n| (7, format!("{n}"))).collect();
        let mut pages = Pages::default();
        assert_eq!(pages.take(&page(&same), |_, _| ()), Ok(Next::From(7)));
        let next = pages.take(&page(&same), |_, _| ()).unwrap();
        assert!(matches!(next, Next::Lost(_)), "{next:?}");
        let metric =
            json!({ "status": "success", "data": { "resultType": "matrix", "result": [] } });
        assert!(pages.take(&metric, |_, _| ()).is_err());
    }
}
