//! What a registry says of a domain (RDAP, RFC 9083), and which registry it is that knows (RFC 9224).
//!
//! Pure. Invariant: a registry that does not say when a domain ends leaves that in doubt.

use super::said::Said;
use serde_json::{Value, json};

/// States in which a domain is not served, or is about to be lost.
const BAD: [(&str, &str); 5] = [
    ("client hold", "it is taken out of the DNS by its registrar"),
    ("server hold", "it is taken out of the DNS by its registry"),
    ("pending delete", "it is about to be deleted"),
    (
        "redemption period",
        "it was deleted, and can yet be bought back",
    ),
    ("inactive", "it has no name servers"),
];

/// The address of the registry of a domain, from the list of all of them; the longest ending decides.
pub fn server(list: &Value, domain: &str) -> Option<String> {
    let services = list["services"].as_array()?;
    let mut best: Option<(usize, &str)> = None;
    for service in services {
        let endings = service[0].as_array().into_iter().flatten();
        let addresses = service[1].as_array().into_iter().flatten();
        let mut addresses = addresses.filter_map(Value::as_str);
        let Some(address) = addresses.find(|address| address.starts_with("https://")) else {
            continue;
        };
        for ending in endings.filter_map(Value::as_str) {
            let rest = domain.strip_suffix(ending);
            let fits = rest.is_some_and(|rest| rest.ends_with('.'));
            if fits && best.is_none_or(|(length, _)| ending.len() > length) {
                best = Some((ending.len(), address));
            }
        }
    }
    best.map(|(_, address)| address.trim_end_matches('/').to_owned())
}

/// What a registry says of a domain.
///
/// # Errors
/// It is no answer about a domain, in words.
pub fn understand(answer: &Value, domain: &str, now_ms: i64) -> Result<Said, String> {
    if answer["objectClassName"] != "domain" {
        return Err(format!("the answer is not about the domain `{domain}`"));
    }
    let named = answer["ldhName"].as_str().unwrap_or(domain);
    if !named.trim_end_matches('.').eq_ignore_ascii_case(domain) {
        return Err(format!(
            "the answer is about `{named}`, not about `{domain}`"
        ));
    }
    let events = answer["events"].as_array().into_iter().flatten();
    let mut ends = events.filter(|event| event["eventAction"] == "expiration");
    let end = ends.next().and_then(|event| event["eventDate"].as_str());
    let end = end.and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
    let states = answer["status"].as_array().into_iter().flatten();
    let states: Vec<&str> = states.filter_map(Value::as_str).collect();
    let mut said = Said::default();
    let mut values = json!({ "name": domain, "status": states, "registrar": registrar(answer) });
    match end {
        Some(end) => {
            let left = (end.timestamp_millis() - now_ms) as f64 / 86_400_000.0;
            values["days_left"] = json!(left.floor() as i64);
            values["expires"] = json!(end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
            if left < 0.0 {
                let days = -left;
                said.objections
                    .push(format!("`{domain}` ended {days:.1} days ago"));
            }
        }
        None => said.doubts.push(format!(
            "its registry does not say when `{domain}` ends: ask its registrar"
        )),
    }
    for (state, means) in BAD {
        // Some write states as EPP does: `clientHold`.
        let same = |one: &&str| {
            one.replace(' ', "")
                .eq_ignore_ascii_case(&state.replace(' ', ""))
        };
        if states.iter().any(same) {
            said.objections
                .push(format!("`{domain}` is in the state `{state}`: {means}"));
        }
    }
    said.value("domain", values);
    Ok(said)
}

/// The name of the registrar, from the card of whoever has that role (RFC 7095).
fn registrar(answer: &Value) -> Option<&str> {
    let mut entities = answer["entities"].as_array()?.iter();
    let is_it = |entity: &&Value| {
        let roles = entity["roles"].as_array();
        roles.is_some_and(|roles| roles.iter().any(|role| role == "registrar"))
    };
    let card = entities.find(is_it)?["vcardArray"][1].as_array()?;
    card.iter().find(|line| line[0] == "fn")?[3].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_with_the_longest_ending_knows() {
        let list = json!({ "services": [
            [["com", "net"], ["http://plain.example/", "https://rdap.com.example/v1/"]],
            [["uk"], ["https://uk.example/"]],
            [["co.uk"], ["https://co.example/"]],
            [["org"], ["http://only-plain.example/"]],
        ] });
        for (domain, wanted) in [
            ("shop.com", Some("https://rdap.com.example/v1")),
            ("a.shop.co.uk", Some("https://co.example")),
            ("a.uk", Some("https://uk.example")),
            ("com", None),
            ("shop.org", None),
            ("xcom", None),
        ] {
            assert_eq!(server(&list, domain).as_deref(), wanted, "{domain}");
        }
        assert_eq!(server(&Value::Null, "a.com"), None);
    }

    #[test]
    fn what_a_registry_says_is_understood() {
        let now = 1_700_000_000_000;
        let answer = |end: &str, states: Value| {
            json!({
                "objectClassName": "domain", "ldhName": "SHOP.EXAMPLE.", "status": states,
                "events": [
                    { "eventAction": "registration", "eventDate": "2001-01-01T00:00:00Z" },
                    { "eventAction": "expiration", "eventDate": end },
                ],
                "entities": [{ "roles": ["registrar"], "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "A registrar"]]] }],
            })
        };
        let said = understand(
            &answer("2023-12-14T22:13:20Z", json!(["active"])),
            "shop.example",
            now,
        );
        let said = said.unwrap();
        assert!(
            said.objections.is_empty() && said.doubts.is_empty(),
            "{said:?}"
        );
        let domain = &said.values["domain"];
        assert_eq!(
            (&domain["days_left"], &domain["registrar"]),
            (&json!(30), &json!("A registrar"))
        );
        for (end, states, why) in [
            ("2023-11-13T22:13:20Z", json!([]), "ended 1.0 days ago"),
            (
                "2033-11-13T22:13:20Z",
                json!(["clientHold"]),
                "state `client hold`",
            ),
            (
                "2033-11-13T22:13:20Z",
                json!(["Pending Delete"]),
                "about to be deleted",
            ),
        ] {
            let said = understand(&answer(end, states), "shop.example", now).unwrap();
            assert!(said.objections[0].contains(why), "{said:?}");
        }
        let said = understand(&answer("soon", json!([])), "shop.example", now).unwrap();
        assert!(said.doubts[0].contains("does not say when"), "{said:?}");
        assert!(understand(&json!({}), "shop.example", now).is_err());
        assert!(understand(&answer("soon", json!([])), "other.example", now).is_err());
    }
}
