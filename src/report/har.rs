//! Exchanges of a run as a recording (HAR 1.2, <http://www.softwareishard.com/blog/har-12-spec/>), as browsers and proxies read it.
//!
//! Pure. What was hidden when an exchange was noted is hidden here. Invariant: an exchange without a reply is an entry with
//! status 0 and says why.

use crate::net::Phases;
use crate::vu::exchange::{Answer, Content, Exchange, Failed};
use chrono::SecondsFormat;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// What was recorded of one scenario.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The scenario's name.
    pub scenario: String,
    /// Its exchanges, in any order.
    pub exchanges: Vec<Exchange>,
    /// Those that found no room.
    pub left_out: u64,
}

/// The whole file.
pub fn render(all: &[Recorded]) -> String {
    let mut entries: Vec<(usize, &Exchange)> = all
        .iter()
        .enumerate()
        .flat_map(|(page, recorded)| recorded.exchanges.iter().map(move |one| (page, one)))
        .collect();
    entries.sort_by_key(|(_, exchange)| exchange.at);
    let pages = all.iter().enumerate();
    let pages = pages.filter_map(|(number, recorded)| {
        let first = recorded.exchanges.iter().map(|one| one.at).min()?;
        Some(json!({
            "id": page(number),
            "title": recorded.scenario,
            "startedDateTime": first.to_rfc3339_opts(SecondsFormat::Micros, true),
            "pageTimings": {},
        }))
    });
    let mut log = json!({
        "version": "1.2",
        "creator": { "name": "Bellwether", "version": env!("CARGO_PKG_VERSION") },
        "pages": pages.collect::<Vec<_>>(),
        "entries": entries.iter().map(|(page, exchange)| entry(*page, exchange)).collect::<Vec<_>>(),
    });
    let left_out: u64 = all.iter().map(|recorded| recorded.left_out).sum();
    if left_out > 0 {
        log["comment"] = json!(format!("{left_out} later exchanges were not recorded"));
    }
    let mut text = serde_json::to_string_pretty(&json!({ "log": log })).unwrap_or_default();
    text.push('\n');
    text
}

fn page(number: usize) -> String {
    format!("page_{}", number + 1)
}

fn entry(number: usize, exchange: &Exchange) -> Value {
    let (timings, time) = timings(&exchange.phases, exchange.result.is_ok());
    let mut entry = json!({
        "pageref": page(number),
        "startedDateTime": exchange.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "time": time,
        "request": request(exchange),
        "response": match &exchange.result {
            Ok(answer) => response(answer),
            Err(failed) => nothing(failed),
        },
        "cache": {},
        "timings": timings,
        "comment": &*exchange.step,
    });
    if let Ok(answer) = &exchange.result
        && let Some(remote) = answer.remote
    {
        entry["serverIPAddress"] = json!(remote.ip().to_string());
    }
    entry
}

fn request(exchange: &Exchange) -> Value {
    let version = match &exchange.result {
        Ok(answer) => answer.version.as_str(),
        Err(_) => "",
    };
    let mut request = json!({
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": version,
        "cookies": cookies(&exchange.headers, "cookie"),
        "headers": pairs(&exchange.headers),
        "queryString": query(&exchange.url),
        "headersSize": -1,
        "bodySize": exchange.body.bytes,
    });
    if exchange.body.bytes > 0 {
        let mut data = json!({ "mimeType": exchange.body.kind, "text": "" });
        put_text(&mut data, &exchange.body);
        request["postData"] = data;
    }
    request
}

fn response(answer: &Answer) -> Value {
    let status = StatusCode::from_u16(answer.status).ok();
    let reason = status.and_then(|status| status.canonical_reason());
    let mut content = json!({ "size": answer.body.bytes, "mimeType": answer.body.kind });
    if answer.body.bytes > 0 {
        put_text(&mut content, &answer.body);
    }
    let location = answer.headers.iter().find(|(name, _)| name == "location");
    json!({
        "status": answer.status,
        "statusText": reason.unwrap_or_default(),
        "httpVersion": answer.version,
        "cookies": cookies(&answer.headers, "set-cookie"),
        "headers": pairs(&answer.headers),
        "content": content,
        "redirectURL": location.map_or("", |(_, value)| value.as_str()),
        "headersSize": -1,
        "bodySize": answer.wire_bytes,
    })
}

fn nothing(failed: &Failed) -> Value {
    json!({
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": { "size": 0, "mimeType": "" },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_error": format!("{}: {}", failed.class, failed.detail),
    })
}

fn put_text(value: &mut Value, content: &Content) {
    match &content.text {
        Some(text) => value["text"] = json!(text),
        None => value["comment"] = json!("it is too large, or no text, and was not recorded"),
    }
}

fn pairs(headers: &[(String, String)]) -> Vec<Value> {
    let pair = |(name, value): &(String, String)| json!({ "name": name, "value": value });
    headers.iter().map(pair).collect()
}

fn cookies(headers: &[(String, String)], header: &str) -> Vec<Value> {
    let lines = headers.iter().filter(|(name, _)| name == header);
    lines
        .flat_map(|(_, line)| match header {
            "cookie" => line.split(';').collect(),
            _ => line.split(';').take(1).collect::<Vec<_>>(),
        })
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect()
}

fn query(url: &str) -> Vec<Value> {
    let Some((_, query)) = url.split_once('?') else {
        return Vec::new();
    };
    let query = query.split('#').next().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // As they stand: what is decoded here, nobody has looked at for secrets.
            json!({ "name": name, "value": value })
        })
        .collect()
}

/// The parts of an exchange in milliseconds, -1 where there was none, and all of it. That of TLS is part of the one of the
/// connection.
fn timings(phases: &Phases, is_answered: bool) -> (Value, f64) {
    let millis = |micros: u64| micros as f64 / 1e3;
    let opened = phases.connect > 0 || phases.tls > 0;
    let only = |is_there: bool, micros: u64| if is_there { millis(micros) } else { -1.0 };
    let mut parts = Map::new();
    let mut put = |name: &str, value: f64| {
        parts.insert(name.to_owned(), json!(value));
        value.max(0.0)
    };
    put("blocked", -1.0);
    let mut time = put("dns", only(opened, phases.resolve));
    time += put("connect", only(opened, phases.connect + phases.tls));
    put("ssl", only(phases.tls > 0, phases.tls));
    // The form wants these three, whether or not it came so far.
    time += put("send", millis(phases.send));
    time += put("wait", millis(phases.wait));
    time += put("receive", millis(phases.receive));
    if !is_answered && !opened {
        time = millis(phases.values().iter().sum());
    }
    (Value::Object(parts), time)
}
