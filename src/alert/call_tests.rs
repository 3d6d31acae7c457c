//! Every channel that is a call, with a message that is too long for it, and one of each event.

use super::call::{Call, Carried, Filled, Make};
use super::{
    alertmanager, matrix, mattermost, ntfy, oncall, opsgenie, pagerduty, pushover, teams, telegram,
    twilio, webex,
};
use crate::record::message::{IncidentReference, Message, Tone};
use serde_json::Value;

fn message(event: &str) -> Message {
    Message {
        subject: "ü".repeat(2_000),
        tone: if event == "resolved" {
            Tone::Good
        } else {
            Tone::Bad
        },
        lines: vec!["@all is <down> & |out|".to_owned(), "x".repeat(40_000)],
        facts: vec![
            ("Environment".to_owned(), "production".to_owned()),
            ("Long".to_owned(), "y".repeat(5_000)),
        ],
        link: Some("https://bell.example/incidents/7".to_owned()),
        at_ms: 0,
        gate: None,
        incident: Some(IncidentReference {
            key: "bellwether-abc-7".to_owned(),
            event: event.to_owned(),
            severity: "critical".to_owned(),
            group: "production/api".to_owned(),
            opened_ms: 1_000,
            ended_ms: (event == "resolved").then_some(9_000),
            count: 3,
        }),
    }
}

fn settings() -> Filled {
    Filled::of(&[
        ("url", "https://vendor.example"),
        ("token", "t0ken"),
        ("key", "k3y"),
        ("routing_key", "r0uting"),
        ("room", "!room:example.org"),
        ("chat", "-100"),
        ("topic", "bells"),
        ("user", "u"),
        ("account", "AC1"),
        ("from", "+1"),
        ("to", "+2"),
    ])
}

fn json(call: &Call) -> Value {
    match &call.carried {
        Carried::Json(value) => value.clone(),
        other => panic!("{other:?}"),
    }
}

fn length(value: &Value) -> usize {
    value.as_str().unwrap().chars().count()
}

#[test]
fn an_incident_manager_opens_acknowledges_and_closes_one_under_one_key() {
    let made = |make: Make, event: &str| {
        make(&settings(), &message(event), "delivery").map(|call| (call.url.clone(), json(&call)))
    };
    for (event, action) in [
        ("firing", "trigger"),
        ("reminder", "trigger"),
        ("acknowledged", "acknowledge"),
        ("resolved", "resolve"),
    ] {
        let (url, body) = made(pagerduty::call, event).unwrap();
        assert_eq!(url, "https://vendor.example/v2/enqueue");
        assert_eq!(
            (body["event_action"].as_str(), body["dedup_key"].as_str()),
            (Some(action), Some("bellwether-abc-7"))
        );
        assert!(length(&body["payload"]["summary"]) <= 1_024);
        assert_eq!(body["payload"]["severity"], "critical");
    }
    let (url, body) = made(opsgenie::call, "firing").unwrap();
    assert_eq!(url, "https://vendor.example/v2/alerts");
    assert_eq!(
        (body["alias"].as_str(), body["priority"].as_str()),
        (Some("bellwether-abc-7"), Some("P1"))
    );
    assert!(length(&body["message"]) <= 130 && length(&body["description"]) <= 15_000);
    assert!(
        body["description"]
            .as_str()
            .unwrap()
            .ends_with("/incidents/7"),
        "the link stays whole"
    );
    let (url, _) = made(opsgenie::call, "resolved").unwrap();
    assert_eq!(
        url,
        "https://vendor.example/v2/alerts/bellwether%2Dabc%2D7/close?identifierType=alias"
    );
    let (_, body) = made(oncall::call, "firing").unwrap();
    assert_eq!(
        (body["alert_uid"].as_str(), body["state"].as_str()),
        (Some("bellwether-abc-7"), Some("alerting"))
    );
    assert_eq!(made(oncall::call, "resolved").unwrap().1["state"], "ok");
    assert!(made(oncall::call, "acknowledged").is_none());
    let labels = |event: &str| made(alertmanager::call, event).unwrap().1[0]["labels"].clone();
    assert_eq!(
        labels("firing"),
        labels("resolved"),
        "labels are what the alert is"
    );
    let ended = made(alertmanager::call, "resolved").unwrap().1[0].clone();
    assert_eq!(
        (ended["startsAt"].as_str(), ended["endsAt"].as_str()),
        (Some("1970-01-01T00:00:01Z"), Some("1970-01-01T00:00:09Z"))
    );
}

#[test]
fn what_is_no_incident_pages_only_where_somebody_must_act() {
    let mut news = message("firing");
    news.incident = None;
    let url = |message: &Message| pagerduty::call(&settings(), message, "k").unwrap().url;
    assert_eq!(url(&news), "https://vendor.example/v2/enqueue");
    news.tone = Tone::Good;
    assert_eq!(url(&news), "https://vendor.example/v2/change/enqueue");
    assert!(opsgenie::call(&settings(), &news, "k").is_none());
}

#[test]
fn texts_stay_within_what_each_vendor_takes() {
    let body = |make: Make| json(&make(&settings(), &message("firing"), "k").unwrap());
    assert!(body(teams::call).to_string().len() < 28 * 1024);
    assert!(length(&body(mattermost::call)["text"]) <= 16_383);
    assert!(
        !body(mattermost::call)["text"]
            .as_str()
            .unwrap()
            .contains("@all")
    );
    assert!(length(&body(telegram::call)["text"]) <= 4_096);
    assert!(body(ntfy::call)["message"].as_str().unwrap().len() <= 4_096);
    assert_eq!(body(ntfy::call)["priority"], 5);
    assert!(body(webex::call)["text"].as_str().unwrap().len() <= 7_439);
    for make in [telegram::call, webex::call] {
        assert!(length(&body(make)["text"]) > 100);
        assert!(
            body(make)["text"]
                .as_str()
                .unwrap()
                .ends_with("/incidents/7"),
            "the link stays whole"
        );
    }
    let form = |make: Make| match make(&settings(), &message("firing"), "k").unwrap().carried {
        Carried::Form(form) => form,
        other => panic!("{other:?}"),
    };
    for (name, most) in [("title", 250), ("message", 1_024), ("url", 512)] {
        let form = form(pushover::call);
        let (_, value) = form.iter().find(|(known, _)| *known == name).unwrap();
        assert!(value.chars().count() <= most, "{name}");
    }
    let (_, text) = form(twilio::call).pop().unwrap();
    assert!(text.chars().count() <= 1_600 && text.ends_with("/incidents/7"));
}

#[test]
fn a_repeat_to_matrix_is_the_same_transaction() {
    let call = matrix::call(&settings(), &message("firing"), "bw_1_incident_7").unwrap();
    assert_eq!(call.method, http::Method::PUT);
    assert_eq!(
        call.url,
        "https://vendor.example/_matrix/client/v3/rooms/%21room%3Aexample%2Eorg/send/m.room.message/bw%5F1%5Fincident%5F7"
    );
}
