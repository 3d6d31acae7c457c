//! Alerts and silences of Alertmanager (API v2).
//!
//! Does not ask. Invariant: that no alert fires counts only while one that always fires does, since an
//! Alertmanager that Prometheus does not reach has none either; and a silence is no good news.

use super::said::Said;
use serde_json::{Map, Value};

/// Which alerts are looked at, and how.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Labels that an alert has, all of them; any alert where none is named.
    pub labels: Vec<(String, String)>,
    /// The name of an alert that always fires; nothing where there is none.
    pub heartbeat: Option<String>,
    /// Whether an alert that somebody has silenced, or that another one inhibits, is no matter.
    pub ignore_silenced: bool,
    /// Alerts that began before this moment are no matter, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Whether a silence that may cover what is looked at is an objection of its own.
    pub refuse_silences: bool,
}

/// Understands the list of alerts, and of silences where they are looked at.
///
/// # Errors
///
/// It is no list of Alertmanager's.
pub fn understand(
    alerts: &Value,
    silences: Option<&Value>,
    wanted: &Wanted,
) -> Result<Said, String> {
    let list = alerts.as_array().ok_or("it is no list of alerts")?;
    let mut said = Said::default();
    let mut fitting = Vec::new();
    let mut has_heartbeat = false;
    for alert in list {
        let labels = alert["labels"]
            .as_object()
            .ok_or("an alert has no labels")?;
        let state = alert["status"]["state"]
            .as_str()
            .ok_or("an alert has no state")?;
        let name = labels
            .get("alertname")
            .and_then(Value::as_str)
            .unwrap_or("an alert");
        if wanted.heartbeat.as_deref() == Some(name) {
            has_heartbeat |= state == "active";
            continue;
        }
        let starts = alert["startsAt"].as_str().unwrap_or_default();
        let starts_ms = crate::witness::moment::of_text(starts);
        let is_older =
            matches!((wanted.since_ms, starts_ms), (Some(since), Some(starts)) if starts < since);
        if !has(labels, &wanted.labels) || is_older {
            continue;
        }
        let text = format!("`{name}` {} since {starts}", shown(labels));
        match state {
            "active" => said.objections.push(format!("{text} fires")),
            "suppressed" if wanted.ignore_silenced => {}
            "suppressed" => said
                .doubts
                .push(format!("{text} fires, and is silenced or inhibited")),
            other => said.doubts.push(format!("{text} is {other}")),
        }
        fitting.push(alert.clone());
    }
    if let Some(heartbeat) = wanted.heartbeat.as_ref().filter(|_| !has_heartbeat) {
        said.doubts.push(format!(
            "`{heartbeat}`, which always fires, does not: Alertmanager hears of no alerts"
        ));
    }
    if let Some(silences) = silences.filter(|_| wanted.refuse_silences) {
        let list = silences.as_array().ok_or("it is no list of silences")?;
        let is_over =
            |one: &&Value| matches!(one["status"]["state"].as_str(), Some("expired" | "pending"));
        let active = list.iter().filter(|one| !is_over(one));
        for silence in active.filter(|silence| may_cover(silence, &wanted.labels)) {
            let text = |key: &str| silence[key].as_str().unwrap_or("?").to_owned();
            let (by, until, why) = (text("createdBy"), text("endsAt"), text("comment"));
            said.objections
                .push(format!("{by} silenced it until {until}: {why}"));
        }
    }
    said.value("count", fitting.len());
    said.value("alerts", Value::Array(fitting));
    Ok(said)
}

fn has(labels: &Map<String, Value>, wanted: &[(String, String)]) -> bool {
    let is =
        |(name, value): &(String, String)| labels.get(name).and_then(Value::as_str) == Some(value);
    wanted.iter().all(is)
}

/// Whether a silence may cover an alert with these labels: none of its matchers speaks against it.
fn may_cover(silence: &Value, labels: &[(String, String)]) -> bool {
    let mut matchers = silence["matchers"].as_array().into_iter().flatten();
    matchers.all(|matcher| {
        let name = matcher["name"].as_str().unwrap_or_default();
        let Some((_, value)) = labels.iter().find(|(label, _)| label == name) else {
            // Of a label that is not named here: it may.
            return true;
        };
        let wanted = matcher["value"].as_str().unwrap_or_default();
        let is_equal = matcher["isEqual"].as_bool().unwrap_or(true);
        let fits = match matcher["isRegex"].as_bool().unwrap_or(false) {
            true => {
                match regex::Regex::new(&format!("^(?:{wanted})$")) {
                    Ok(regex) => regex.is_match(value),
                    // It is of another kind than we read: it may.
                    Err(_) => return true,
                }
            }
            false => wanted == value,
        };
        fits == is_equal
    })
}

fn shown(labels: &Map<String, Value>) -> String {
    let others = labels.iter().filter(|(name, _)| *name != "alertname");
    let all = others.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
    format!("({})", all.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn alert(name: &str, service: &str, state: &str) -> Value {
        json!({ "labels": { "alertname": name, "service": service }, "startsAt": "2026-11-26T12:00:00.000Z", "status": { "state": state, "silencedBy": [], "inhibitedBy": [] } })
    }

    #[test]
    fn that_nothing_fires_counts_with_a_heartbeat_and_a_silence_is_no_good_news() {
        let wanted = Wanted {
            labels: vec![("service".to_owned(), "api".to_owned())],
            heartbeat: Some("Watchdog".to_owned()),
            ..Wanted::default()
        };
        let of = |list: Value| understand(&list, None, &wanted).unwrap();
        let beat = alert("Watchdog", "", "active");
        assert_eq!(
            of(json!([beat])),
            Said {
                values: of(json!([beat])).values,
                ..Said::default()
            }
        );
        assert!(of(json!([])).doubts[0].contains("hears of no alerts"));
        let fires = of(json!([
            beat,
            alert("Errors", "api", "active"),
            alert("Errors", "web", "active")
        ]));
        assert_eq!(
            fires.objections,
            ["`Errors` (service=api) since 2026-11-26T12:00:00.000Z fires"]
        );
        assert_eq!(
            of(json!([beat, alert("Errors", "api", "suppressed")]))
                .doubts
                .len(),
            1
        );
        let later = Wanted {
            since_ms: Some(1_795_694_400_001),
            ..wanted.clone()
        };
        let old = understand(
            &json!([beat, alert("Errors", "api", "active")]),
            None,
            &later,
        )
        .unwrap();
        assert!(old.objections.is_empty() && old.doubts.is_empty());
        for other in [json!({}), json!([1]), json!([{ "labels": {} }])] {
            assert!(understand(&other, None, &wanted).is_err(), "{other}");
        }
    }

    #[test]
    fn a_silence_that_may_cover_it_is_an_objection_where_that_is_asked() {
        let wanted = Wanted {
            labels: vec![("service".to_owned(), "api".to_owned())],
            refuse_silences: true,
            ..Wanted::default()
        };
        let silence = |state: &str, matcher: Value| json!([{ "createdBy": "jane", "comment": "noise", "endsAt": "2026-11-27", "status": { "state": state }, "matchers": [matcher] }]);
        let count = |silences: Value| {
            understand(&json!([]), Some(&silences), &wanted)
                .unwrap()
                .objections
                .len()
        };
        let of = |value: &str, is_regex: bool, is_equal: bool| json!({ "name": "service", "value": value, "isRegex": is_regex, "isEqual": is_equal });
        assert_eq!(count(silence("active", of("api", false, true))), 1);
        assert_eq!(count(silence("active", of("a.*", true, true))), 1);
        assert_eq!(count(silence("active", of("web", false, false))), 1);
        assert_eq!(count(silence("active", of("web", false, true))), 0);
        assert_eq!(count(silence("expired", of("api", false, true))), 0);
        assert_eq!(
            count(silence(
                "active",
                json!({ "name": "alertname", "value": "x" })
            )),
            1
        );
    }

    #[test]
    fn what_is_not_understood_is_no_good_news() {
        let wanted = Wanted {
            labels: vec![("service".to_owned(), "api".to_owned())],
            heartbeat: Some("Watchdog".to_owned()),
            ignore_silenced: true,
            refuse_silences: true,
            ..Wanted::default()
        };
        let of = |list: Value| understand(&list, None, &wanted).unwrap();
        let beat = alert("Watchdog", "", "active");
        assert!(
            of(json!([beat, alert("Errors", "api", "suppressed")]))
                .doubts
                .is_empty()
        );
        assert_eq!(
            of(json!([beat, alert("Errors", "api", "unprocessed")]))
                .doubts
                .len(),
            1
        );
        assert_eq!(
            of(json!([alert("Watchdog", "", "suppressed")]))
                .doubts
                .len(),
            1
        );
        let silence = json!([{ "matchers": [ { "name": "service", "value": "api(?!x)", "isRegex": true } ] }]);
        let said = understand(&json!([beat]), Some(&silence), &wanted).unwrap();
        assert_eq!(said.objections.len(), 1, "{said:?}");
    }
}
