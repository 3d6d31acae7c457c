//! What goes wrong with a browser, in the words that every exchange has for it.
//!
//! Pure. Invariant: that there is no browser, or that it ended, says nothing about the page, so it is never more
//! than inconclusive.

use super::wire::Refusal;
use crate::net::{ErrorClass, Fault};

/// The browser ended while it was used.
pub(super) fn gone() -> Fault {
    Fault::new(
        ErrorClass::NoEvidence,
        "the browser ended in the middle of it; the next one is started anew".to_owned(),
    )
}

/// There is no browser.
pub(super) fn none(why: &str) -> Fault {
    Fault::new(ErrorClass::NoEvidence, format!("no browser: {why}"))
}

/// The browser gives no page.
pub(super) fn no_page(why: Refusal) -> Fault {
    match why {
        Refusal::Gone => gone(),
        Refusal::Late => Fault::new(
            ErrorClass::NoEvidence,
            "the browser gives no page in time".to_owned(),
        ),
        Refusal::Said(why) => Fault::new(
            ErrorClass::NoEvidence,
            format!("the browser gives no page: {why}"),
        ),
    }
}

/// A call was refused, while something was done.
pub(super) fn of_call(why: &Refusal, doing: &str) -> Fault {
    match why {
        Refusal::Gone => gone(),
        Refusal::Late => Fault::new(
            ErrorClass::Check,
            format!("{doing}: the page does not respond"),
        ),
        Refusal::Said(why) => Fault::new(ErrorClass::Check, format!("{doing}: {why}")),
    }
}

/// Why a document did not come, by the browser's name for it
/// (<https://chromium.googlesource.com/chromium/src/+/main/net/base/net_error_list.h>).
pub(super) fn of_network(error: &str, url: &str) -> Fault {
    let name = error.trim_start_matches("net::ERR_");
    let class = match name {
        "NAME_NOT_RESOLVED" | "NAME_RESOLUTION_FAILED" | "DNS_TIMED_OUT" => ErrorClass::Resolve,
        "CONNECTION_REFUSED" => ErrorClass::Refused,
        "CONNECTION_RESET" | "CONNECTION_CLOSED" | "EMPTY_RESPONSE" | "CONNECTION_ABORTED" => {
            ErrorClass::Reset
        }
        "ADDRESS_UNREACHABLE"
        | "INTERNET_DISCONNECTED"
        | "NETWORK_CHANGED"
        | "NETWORK_ACCESS_DENIED" => ErrorClass::Unreachable,
        "CONNECTION_TIMED_OUT" => ErrorClass::TimeoutConnect,
        "TIMED_OUT" => ErrorClass::TimeoutWait,
        "CERT_DATE_INVALID" => ErrorClass::TlsExpired,
        "CERT_AUTHORITY_INVALID" => ErrorClass::TlsUntrusted,
        "CERT_COMMON_NAME_INVALID" => ErrorClass::TlsName,
        "SSL_VERSION_OR_CIPHER_MISMATCH" => ErrorClass::TlsVersion,
        "TOO_MANY_REDIRECTS" => ErrorClass::RedirectLoop,
        "INVALID_AUTH_CREDENTIALS" | "MISSING_AUTH_CREDENTIALS" => ErrorClass::Unauthorized,
        "CONTENT_DECODING_FAILED" => ErrorClass::Decode,
        "INSUFFICIENT_RESOURCES" | "OUT_OF_MEMORY" => ErrorClass::OwnLimit,
        name if name.starts_with("CERT_")
            || name.starts_with("SSL_")
            || name.starts_with("BAD_SSL_") =>
        {
            ErrorClass::Tls
        }
        name if name.starts_with("PROXY_")
            || name.starts_with("TUNNEL_")
            || name.starts_with("SOCKS_") =>
        {
            ErrorClass::Proxy
        }
        _ => ErrorClass::Protocol,
    };
    Fault::new(class, format!("the browser did not get {url}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_browser_calls_it_has_the_class_that_every_exchange_has() {
        let of = |error: &str| of_network(error, "https://a.example/").class;
        assert_eq!(of("net::ERR_CONNECTION_REFUSED"), ErrorClass::Refused);
        assert_eq!(
            of("net::ERR_CERT_AUTHORITY_INVALID"),
            ErrorClass::TlsUntrusted
        );
        assert_eq!(of("net::ERR_CERT_WEAK_KEY"), ErrorClass::Tls);
        assert_eq!(of("net::ERR_TUNNEL_CONNECTION_FAILED"), ErrorClass::Proxy);
        assert_eq!(of("net::ERR_SOMETHING_NEW"), ErrorClass::Protocol);
    }

    #[test]
    fn without_a_browser_nothing_is_said_about_the_page() {
        assert!(gone().class.is_inconclusive());
        assert!(none("x").class.is_inconclusive());
        assert!(
            no_page(Refusal::Said("x".to_owned()))
                .class
                .is_inconclusive()
        );
    }
}
