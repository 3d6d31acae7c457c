//! Thresholds as objectives: those about all requests, which a gate judges while it measures.
//!
//! Pure. Says nothing of thresholds that are no such thing: these are judged at the end, as k6 does.

use super::metric::{BUILT_IN, BuiltIn};
use super::threshold::{Aggregate, Comparison, Key, Threshold};

/// The objective that a threshold stands for, if it is one of all requests.
pub fn objective(key: &Key, threshold: &Threshold) -> Option<String> {
    let is_expected =
        |(name, value): &(String, String)| name == "expected_response" && value == "true";
    let is_below = matches!(
        threshold.comparison,
        Comparison::Less | Comparison::LessOrEqual
    );
    // What failed is over every latency here: a part without it would only look better.
    if !is_below || !key.tags.iter().all(is_expected) || threshold.bound <= 0.0 {
        return None;
    }
    let is = |metric: BuiltIn| key.metric == BUILT_IN[metric as usize].0;
    let micros = (threshold.bound * 1e3).round() as u64;
    let limit = match micros % 1_000 {
        0 => format!("{}ms", micros / 1_000),
        _ => format!("{micros}us"),
    };
    // To a millionth: shares in percent are seldom exact.
    let percent = (threshold.bound * 1e6).round() / 1e4;
    match threshold.aggregate {
        Aggregate::Percentile(share) if is(BuiltIn::HttpReqDuration) => {
            (share > 0.0 && share < 100.0).then(|| format!("p{share} < {limit}"))
        }
        Aggregate::Med if is(BuiltIn::HttpReqDuration) => Some(format!("p50 < {limit}")),
        Aggregate::Rate if is(BuiltIn::HttpReqFailed) && threshold.bound < 1.0 => {
            Some(format!("error_rate < {percent}%"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k6::metric::Kind;

    #[test]
    fn thresholds_of_all_requests_are_objectives_and_no_others() {
        let of = |key: &str, text: &str, kind| {
            let threshold = Threshold::parse(text, kind).unwrap();
            objective(&Key::parse(key).unwrap(), &threshold)
        };
        let duration = |key: &str, text: &str| of(key, text, Kind::Trend);
        let known = duration("http_req_duration", "p(95)<500");
        assert_eq!(known.as_deref(), Some("p95 < 500ms"));
        let known = duration("http_req_duration{expected_response:true}", "p(99.9)<=1.5");
        assert_eq!(known.as_deref(), Some("p99.9 < 1500us"));
        let known = of("http_req_failed", "rate<0.07", Kind::Rate);
        assert_eq!(known.as_deref(), Some("error_rate < 7%"));
        for (key, text) in [
            ("http_req_duration{name:home}", "p(95)<500"),
            ("http_req_duration", "p(95)>500"),
            ("http_req_duration", "avg<500"),
            ("http_req_waiting", "p(95)<500"),
            ("http_req_duration", "p(100)<500"),
        ] {
            assert_eq!(duration(key, text), None, "{key}: {text}");
        }
    }
}
