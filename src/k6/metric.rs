//! Metrics of a script: their kinds, their names, and those that are always there.

/// What a metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A sum.
    Counter,
    /// The newest value, with its extremes.
    Gauge,
    /// How many of all were true.
    Rate,
    /// A distribution.
    Trend,
}

impl Kind {
    /// k6's word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Rate => "rate",
            Kind::Trend => "trend",
        }
    }

    /// By its word.
    pub fn of(word: &str) -> Option<Kind> {
        [Kind::Counter, Kind::Gauge, Kind::Rate, Kind::Trend]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// What its values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contains {
    /// Numbers.
    Default,
    /// Milliseconds.
    Time,
    /// Bytes.
    Data,
}

impl Contains {
    /// k6's word.
    pub fn word(self) -> &'static str {
        match self {
            Contains::Default => "default",
            Contains::Time => "time",
            Contains::Data => "data",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// What it counts.
    pub kind: Kind,
    /// What its values are.
    pub contains: Contains,
}

macro_rules! built_in {
    ($($variant:ident $name:literal $kind:ident $contains:ident;)*) => {
        /// Metrics that are always there; the number of each is its place in the list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names are k6's")]
        pub enum BuiltIn { $($variant,)* }

        /// All of them.
        pub const BUILT_IN: &[(&str, Kind, Contains)] = &[
            $(($name, Kind::$kind, Contains::$contains),)*
        ];
    };
}

built_in! {
    Vus "vus" Gauge Default;
    VusMax "vus_max" Gauge Default;
    Iterations "iterations" Counter Default;
    IterationDuration "iteration_duration" Trend Time;
    DroppedIterations "dropped_iterations" Counter Default;
    Checks "checks" Rate Default;
    GroupDuration "group_duration" Trend Time;
    HttpReqs "http_reqs" Counter Default;
    HttpReqFailed "http_req_failed" Rate Default;
    HttpReqDuration "http_req_duration" Trend Time;
    HttpReqBlocked "http_req_blocked" Trend Time;
    HttpReqConnecting "http_req_connecting" Trend Time;
    HttpReqTlsHandshaking "http_req_tls_handshaking" Trend Time;
    HttpReqSending "http_req_sending" Trend Time;
    HttpReqWaiting "http_req_waiting" Trend Time;
    HttpReqReceiving "http_req_receiving" Trend Time;
    DataSent "data_sent" Counter Data;
    DataReceived "data_received" Counter Data;
    WsSessions "ws_sessions" Counter Default;
    WsMessagesSent "ws_msgs_sent" Counter Default;
    WsMessagesReceived "ws_msgs_received" Counter Default;
    WsConnecting "ws_connecting" Trend Time;
    WsSessionDuration "ws_session_duration" Trend Time;
    WsPing "ws_ping" Trend Time;
    GrpcReqDuration "grpc_req_duration" Trend Time;
    GrpcStreams "grpc_streams" Counter Default;
    GrpcMessagesSent "grpc_streams_msgs_sent" Counter Default;
    GrpcMessagesReceived "grpc_streams_msgs_received" Counter Default;
    BrowserLcp "browser_web_vital_lcp" Trend Time;
    BrowserFcp "browser_web_vital_fcp" Trend Time;
    BrowserCls "browser_web_vital_cls" Trend Default;
    BrowserTtfb "browser_web_vital_ttfb" Trend Time;
    BrowserInp "browser_web_vital_inp" Trend Time;
}

/// Whether a name is one: a letter or an underscore, then up to 128 letters, digits and underscores, and
/// never one letter alone.
pub fn is_name(name: &str) -> bool {
    let mut letters = name.bytes();
    let starts = letters
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    starts
        && (2..=129).contains(&name.len())
        && letters.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_places_are_those_of_k6() {
        assert!(is_name("my_trend") && is_name("_x") && is_name("t1"));
        assert!(!is_name("t") && !is_name("1t") && !is_name("a b") && !is_name("a-b"));
        assert!(!is_name(&"a".repeat(130)) && is_name(&"a".repeat(129)));
        assert_eq!(
            BUILT_IN[BuiltIn::HttpReqFailed as usize].0,
            "http_req_failed"
        );
        assert_eq!(BUILT_IN[BuiltIn::DataReceived as usize].0, "data_received");
        assert_eq!(Kind::of("rate"), Some(Kind::Rate));
    }
}
