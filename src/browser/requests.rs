//! Requests of a page: what was asked, what came of it, how long each part took.
//!
//! Pure. Keeps method, address, status, sizes and times; never a header, a cookie or a body.

use super::seen::{shortened, text};
use crate::limits::BROWSER_REQUESTS_MAX;
use crate::net::Phases;
use serde_json::Value;
use std::collections::HashMap;

/// A request of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Requested {
    /// Its method.
    pub method: String,
    /// Its address, the last one where it was led on.
    pub url: String,
    /// `Document`, `Script`, `Fetch` and so on.
    pub kind: String,
    /// When it began: seconds since 1970.
    pub began: f64,
    /// Its status, once there is one.
    pub status: Option<u16>,
    /// Of what kind its content is.
    pub content_type: String,
    /// How often it was led on.
    pub redirects: u32,
    /// Why there is no reply, as the browser names it: `net::ERR_CONNECTION_REFUSED`.
    pub error: String,
    /// Whether the page itself gave it up.
    pub is_canceled: bool,
    /// Whether it is over.
    pub is_over: bool,
    /// Bytes that came.
    pub bytes: u64,
    /// `h2`, `http/1.1`.
    pub protocol: String,
    /// Who answered.
    pub remote: String,
    /// Milliseconds from its beginning to its end.
    pub milliseconds: f64,
    /// How long each part took.
    pub phases: Phases,
    started: f64,
    headers_at: f64,
}

impl Requested {
    /// The version of HTTP, as every reply names it.
    pub fn version(&self) -> &'static str {
        match self.protocol.as_str() {
            "h2" => "HTTP/2",
            "h3" => "HTTP/3",
            "http/1.0" => "HTTP/1.0",
            _ => "HTTP/1.1",
        }
    }

    /// Whether it failed: no reply, or a status of 400 and above.
    pub fn has_failed(&self) -> bool {
        !self.is_canceled
            && (!self.error.is_empty() || self.status.is_some_and(|status| status >= 400))
    }
}

/// Requests in the order in which they began.
#[derive(Debug, Default)]
pub struct Requests {
    all: Vec<Requested>,
    by_id: HashMap<String, usize>,
    more: u64,
}

impl Requests {
    /// All that are kept.
    pub fn all(&self) -> &[Requested] {
        &self.all
    }

    /// How many more there were.
    pub fn more(&self) -> u64 {
        self.more
    }

    /// The request of a document, whose number is that of its loader.
    pub(super) fn document(&self, loader: &str) -> Option<&Requested> {
        self.by_id.get(loader).map(|at| &self.all[*at])
    }

    pub(super) fn take(&mut self, method: &str, params: &Value) {
        let id = text(params, "requestId");
        match method {
            "Network.requestWillBeSent" => return self.begins(&id, params),
            "Network.webSocketCreated" => return self.connects(&id, params),
            _ => {}
        }
        let Some(found) = self.by_id.get(&id).map(|at| &mut self.all[*at]) else {
            return;
        };
        match method {
            "Network.responseReceived" => answered(found, &params["response"]),
            "Network.loadingFinished" => {
                found.bytes = params["encodedDataLength"].as_f64().unwrap_or_default() as u64;
                ended(found, params);
            }
            "Network.loadingFailed" => {
                found.error = text(params, "errorText");
                let blocked = text(params, "blockedReason");
                if !blocked.is_empty() {
                    found.error = format!("{} ({blocked})", found.error);
                }
                found.is_canceled = params["canceled"] == true;
                ended(found, params);
            }
            "Network.webSocketWillSendHandshakeRequest" => {
                found.began = params["wallTime"].as_f64().unwrap_or_default();
                found.started = params["timestamp"].as_f64().unwrap_or_default();
            }
            "Network.webSocketHandshakeResponseReceived" => {
                found.status = params["response"]["status"]
                    .as_u64()
                    .map(|status| status as u16);
            }
            "Network.webSocketFrameError" => {
                found.error = shortened(&text(params, "errorMessage"));
                ended(found, params);
            }
            "Network.webSocketClosed" => ended(found, params),
            _ => {}
        }
    }

    /// A WebSocket is a request, too, which is refused or goes on for long.
    fn connects(&mut self, id: &str, params: &Value) {
        if self.all.len() >= BROWSER_REQUESTS_MAX {
            self.more += 1;
            return;
        }
        self.by_id.insert(id.to_owned(), self.all.len());
        self.all.push(Requested {
            method: "GET".to_owned(),
            url: shortened(&text(params, "url")),
            kind: "WebSocket".to_owned(),
            ..Requested::default()
        });
    }

    fn begins(&mut self, id: &str, params: &Value) {
        let request = &params["request"];
        if let Some(found) = self.by_id.get(id).map(|at| &mut self.all[*at])
            && params["redirectResponse"].is_object()
        {
            found.redirects += 1;
            found.url = shortened(&text(request, "url"));
            return;
        }
        if self.all.len() >= BROWSER_REQUESTS_MAX && params["type"] != "Document" {
            self.more += 1;
            return;
        }
        self.by_id.insert(id.to_owned(), self.all.len());
        self.all.push(Requested {
            method: text(request, "method"),
            url: shortened(&text(request, "url")),
            kind: text(params, "type"),
            began: params["wallTime"].as_f64().unwrap_or_default(),
            started: params["timestamp"].as_f64().unwrap_or_default(),
            ..Requested::default()
        });
    }
}

fn answered(found: &mut Requested, response: &Value) {
    found.status = response["status"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    found.content_type = text(response, "mimeType");
    found.protocol = text(response, "protocol");
    let (host, port) = (
        text(response, "remoteIPAddress"),
        response["remotePort"].as_u64(),
    );
    if let Some(port) = port.filter(|_| !host.is_empty()) {
        found.remote = format!("{host}:{port}");
    }
    let timing = &response["timing"];
    if timing.is_object() {
        let of = |key: &str| timing[key].as_f64().unwrap_or(-1.0);
        // A part that was not done is -1: a connection that was open already.
        let part = |start: &str, end: &str| micros(of(end) - of(start), of(start) >= 0.0);
        let has_tls = of("sslStart") >= 0.0;
        let connected = if has_tls { "sslStart" } else { "connectEnd" };
        found.phases = Phases {
            resolve: part("dnsStart", "dnsEnd"),
            connect: part("connectStart", connected),
            tls: part("sslStart", "sslEnd"),
            send: part("sendStart", "sendEnd"),
            wait: part("sendEnd", "receiveHeadersEnd"),
            receive: 0,
        };
        let began = timing["requestTime"].as_f64().unwrap_or_default();
        found.headers_at = began + of("receiveHeadersEnd").max(0.0) / 1_000.0;
    }
}

fn ended(found: &mut Requested, params: &Value) {
    let end = params["timestamp"].as_f64().unwrap_or_default();
    found.is_over = true;
    found.milliseconds = ((end - found.started) * 1_000.0).max(0.0);
    if found.headers_at > 0.0 {
        found.phases.receive = micros((end - found.headers_at) * 1_000.0, true);
    }
}

fn micros(milliseconds: f64, was_done: bool) -> u64 {
    match was_done {
        true => (milliseconds.max(0.0) * 1_000.0).round() as u64,
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_redirect_is_counted_and_its_last_address_kept() {
        let mut requests = Requests::default();
        let sent = |url: &str, redirect: bool| {
            let mut sent = json!({"requestId": "L", "type": "Document", "timestamp": 1.0, "wallTime": 7.0,
                "request": {"method": "GET", "url": url, "postData": "password=canary"}});
            if redirect {
                sent["redirectResponse"] = json!({"status": 302});
            }
            sent
        };
        requests.take("Network.requestWillBeSent", &sent("http://a/", false));
        requests.take("Network.requestWillBeSent", &sent("http://a/login", true));
        let response = json!({"requestId": "L", "response": {"status": 200, "mimeType": "text/html",
            "timing": {"requestTime": 1.0, "dnsStart": 0.0, "dnsEnd": 1.0, "connectStart": 1.0, "connectEnd": 5.0,
            "sslStart": 2.0, "sslEnd": 5.0, "sendStart": 5.0, "sendEnd": 5.5, "receiveHeadersEnd": 20.0}}});
        requests.take("Network.responseReceived", &response);
        requests.take(
            "Network.loadingFinished",
            &json!({"requestId": "L", "timestamp": 1.05, "encodedDataLength": 900}),
        );
        let document = requests.document("L").unwrap();
        assert_eq!((document.redirects, document.status), (1, Some(200)));
        assert_eq!(document.url, "http://a/login");
        assert_eq!(
            (document.phases.connect, document.phases.tls),
            (1_000, 3_000)
        );
        assert_eq!((document.milliseconds.round(), document.bytes), (50.0, 900));
        assert!(!format!("{requests:?}").contains("canary"));
    }

    #[test]
    fn a_connection_that_was_open_costs_nothing_and_what_the_page_gave_up_is_no_failure() {
        let mut requests = Requests::default();
        for id in ["1", "2"] {
            let sent = json!({"requestId": id, "type": "Fetch", "request": {"url": "http://a/x"}});
            requests.take("Network.requestWillBeSent", &sent);
        }
        let timing = json!({"requestTime": 1.0, "dnsStart": -1, "dnsEnd": -1, "connectStart": -1, "connectEnd": -1,
            "sslStart": -1, "sslEnd": -1, "sendStart": 1.0, "sendEnd": 1.5, "receiveHeadersEnd": 3.0});
        requests.take(
            "Network.responseReceived",
            &json!({"requestId": "1", "response": {"status": 500, "timing": timing}}),
        );
        requests.take(
            "Network.loadingFailed",
            &json!({"requestId": "2", "errorText": "net::ERR_ABORTED", "canceled": true}),
        );
        assert_eq!(requests.all()[0].phases.connect, 0);
        let failed: Vec<bool> = requests.all().iter().map(Requested::has_failed).collect();
        assert_eq!(failed, [true, false]);
    }
}
