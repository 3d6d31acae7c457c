//! The number that k6 gives a failure of a request, and the words beside it.

use crate::net::{ErrorClass, Fault};

/// The number and the text of a fault.
pub fn of_fault(fault: &Fault) -> (u16, &'static str) {
    match fault.class {
        ErrorClass::Resolve | ErrorClass::TimeoutResolve => (1101, "lookup: no such host"),
        ErrorClass::Refused => (1212, "dial: connection refused"),
        ErrorClass::Unreachable => (1213, "dial: no route to host"),
        ErrorClass::Reset => (1220, "read: connection reset by peer"),
        ErrorClass::TimeoutConnect => (1211, "dial: i/o timeout"),
        ErrorClass::TimeoutTls
        | ErrorClass::TimeoutSend
        | ErrorClass::TimeoutWait
        | ErrorClass::TimeoutReceive => (1050, "request timeout"),
        ErrorClass::TlsUntrusted => (1310, "x509: unknown authority"),
        ErrorClass::TlsName => (1311, "x509: certificate doesn't match hostname"),
        ErrorClass::TlsExpired | ErrorClass::TlsVersion | ErrorClass::Tls => (1300, "tls error"),
        // These say themselves what is barred.
        ErrorClass::Barred if fault.detail.starts_with("the host") => (1111, ""),
        ErrorClass::Barred => (1110, ""),
        ErrorClass::Decode => (1701, "decompression failed"),
        // It says itself what is wrong: the URL, a header, or the method.
        ErrorClass::Template => (1020, ""),
        _ => (1000, ""),
    }
}

/// The number of a status; nothing under 400.
pub fn of_status(status: u16) -> Option<u16> {
    (400..600).contains(&status).then_some(1000 + status)
}
