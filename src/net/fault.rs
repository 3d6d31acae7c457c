//! What can go wrong with an exchange: one name for each, the same in reports, metrics and checks.

use super::tls_facts::TlsFacts;
use std::fmt;
use std::sync::Arc;

/// The class of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorClass {
    /// The name could not be resolved.
    Resolve,
    /// No route to the host or network.
    Unreachable,
    /// The connection was refused.
    Refused,
    /// The connection was closed or reset by the other side.
    Reset,
    /// Time ran out while resolving.
    TimeoutResolve,
    /// There is no such name, or no record of that type.
    NoRecord,
    /// Time ran out while connecting.
    TimeoutConnect,
    /// Time ran out in the TLS handshake.
    TimeoutTls,
    /// Time ran out while sending.
    TimeoutSend,
    /// Time ran out while waiting for the first byte.
    TimeoutWait,
    /// Time ran out while receiving.
    TimeoutReceive,
    /// The certificate is expired or not yet valid.
    TlsExpired,
    /// The certificate's issuer is not trusted.
    TlsUntrusted,
    /// The certificate is for another name.
    TlsName,
    /// No TLS version in common.
    TlsVersion,
    /// Any other failure of TLS.
    Tls,
    /// The reply breaks the protocol: wrong length, malformed head, cut off.
    Protocol,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The body could not be decompressed.
    Decode,
    /// More redirects than allowed.
    RedirectLoop,
    /// A redirect to a host that is none of the environment's, where it must stay with them.
    RedirectAway,
    /// A status that was not expected.
    Status,
    /// 401 or 403 that was not expected: credentials, not the product.
    Unauthorized,
    /// 429 that was not expected: a limiter, not the product.
    RateLimited,
    /// A check did not hold.
    Check,
    /// A capture found nothing.
    Capture,
    /// A value for the request could not be made.
    Template,
    /// A program ended with a failure.
    Command,
    /// What others know could not be read, or not whole, or says nothing.
    NoEvidence,
    /// No virtual user took the arrival in time.
    Dropped,
    /// Our own machine has no descriptor, port or memory left.
    OwnLimit,
    /// A host or an address that nothing may be sent to.
    Barred,
    /// A proxy on the way refused, or could not be reached.
    Proxy,
}

impl ErrorClass {
    /// All classes.
    pub const ALL: [ErrorClass; 33] = [
        ErrorClass::Resolve,
        ErrorClass::NoRecord,
        ErrorClass::Unreachable,
        ErrorClass::Refused,
        ErrorClass::Reset,
        ErrorClass::TimeoutResolve,
        ErrorClass::TimeoutConnect,
        ErrorClass::TimeoutTls,
        ErrorClass::TimeoutSend,
        ErrorClass::TimeoutWait,
        ErrorClass::TimeoutReceive,
        ErrorClass::TlsExpired,
        ErrorClass::TlsUntrusted,
        ErrorClass::TlsName,
        ErrorClass::TlsVersion,
        ErrorClass::Tls,
        ErrorClass::Protocol,
        ErrorClass::BodyTooLarge,
        ErrorClass::Decode,
        ErrorClass::RedirectLoop,
        ErrorClass::RedirectAway,
        ErrorClass::Status,
        ErrorClass::Unauthorized,
        ErrorClass::RateLimited,
        ErrorClass::Check,
        ErrorClass::Capture,
        ErrorClass::Template,
        ErrorClass::Command,
        ErrorClass::NoEvidence,
        ErrorClass::Dropped,
        ErrorClass::OwnLimit,
        ErrorClass::Barred,
        ErrorClass::Proxy,
    ];

    /// Its stable name.
    pub fn word(self) -> &'static str {
        match self {
            ErrorClass::Resolve => "resolve",
            ErrorClass::NoRecord => "no_record",
            ErrorClass::Unreachable => "unreachable",
            ErrorClass::Refused => "refused",
            ErrorClass::Reset => "reset",
            ErrorClass::TimeoutResolve => "timeout_resolve",
            ErrorClass::TimeoutConnect => "timeout_connect",
            ErrorClass::TimeoutTls => "timeout_tls",
            ErrorClass::TimeoutSend => "timeout_send",
            ErrorClass::TimeoutWait => "timeout_wait",
            ErrorClass::TimeoutReceive => "timeout_receive",
            ErrorClass::TlsExpired => "tls_expired",
            ErrorClass::TlsUntrusted => "tls_untrusted",
            ErrorClass::TlsName => "tls_name",
            ErrorClass::TlsVersion => "tls_version",
            ErrorClass::Tls => "tls",
            ErrorClass::Protocol => "protocol",
            ErrorClass::BodyTooLarge => "body_too_large",
            ErrorClass::Decode => "decode",
            ErrorClass::RedirectLoop => "redirect_loop",
            ErrorClass::RedirectAway => "redirect_away",
            ErrorClass::Status => "status",
            ErrorClass::Unauthorized => "unauthorized",
            ErrorClass::RateLimited => "rate_limited",
            ErrorClass::Check => "check",
            ErrorClass::Capture => "capture",
            ErrorClass::Template => "template",
            ErrorClass::Command => "command",
            ErrorClass::NoEvidence => "no_evidence",
            ErrorClass::Dropped => "dropped",
            ErrorClass::OwnLimit => "own_limit",
            ErrorClass::Barred => "barred",
            ErrorClass::Proxy => "proxy",
        }
    }

    /// Whether time ran out.
    pub fn is_timeout(self) -> bool {
        matches!(
            self,
            ErrorClass::TimeoutResolve
                | ErrorClass::TimeoutConnect
                | ErrorClass::TimeoutTls
                | ErrorClass::TimeoutSend
                | ErrorClass::TimeoutWait
                | ErrorClass::TimeoutReceive
        )
    }

    /// Whether no whole reply came.
    pub fn is_unanswered(self) -> bool {
        self.is_timeout()
            || matches!(
                self,
                ErrorClass::Resolve
                    | ErrorClass::Unreachable
                    | ErrorClass::Refused
                    | ErrorClass::Reset
                    | ErrorClass::TlsExpired
                    | ErrorClass::TlsUntrusted
                    | ErrorClass::TlsName
                    | ErrorClass::TlsVersion
                    | ErrorClass::Tls
                    | ErrorClass::Protocol
                    | ErrorClass::Dropped
                    | ErrorClass::OwnLimit
                    | ErrorClass::Barred
                    | ErrorClass::Proxy
            )
    }

    /// Whether it says something about our side or the way there rather than about the product,
    /// so that a verdict cannot rest on it.
    pub fn is_inconclusive(self) -> bool {
        matches!(
            self,
            ErrorClass::Resolve
                | ErrorClass::Unreachable
                | ErrorClass::TimeoutResolve
                | ErrorClass::Unauthorized
                | ErrorClass::RateLimited
                | ErrorClass::Template
                | ErrorClass::NoEvidence
                | ErrorClass::OwnLimit
                | ErrorClass::Barred
                | ErrorClass::Proxy
        )
    }
}

/// A failure of the world, with what came back.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Its class.
    pub class: ErrorClass,
    /// What was tried, on what, and what came back; lower case, one sentence.
    pub detail: String,
    /// Whether the protocol says that the other side has done nothing for this request, so that it may be
    /// sent again, whatever it is.
    pub is_unprocessed: bool,
    /// The certificates that were refused, where that is what failed.
    pub refused: Option<Arc<TlsFacts>>,
}

impl Fault {
    /// A fault of a class.
    pub fn new(class: ErrorClass, detail: impl Into<String>) -> Fault {
        Fault {
            class,
            detail: detail.into(),
            is_unprocessed: false,
            refused: None,
        }
    }

    /// That nothing is known, and why.
    pub fn unknown(why: impl Into<String>) -> Fault {
        Fault::new(ErrorClass::NoEvidence, why)
    }

    /// The same of a request that was not processed.
    pub fn unprocessed(self) -> Fault {
        Fault {
            is_unprocessed: true,
            ..self
        }
    }

    /// A fault of a socket.
    pub fn from_io(doing: &str, error: &std::io::Error) -> Fault {
        use std::io::ErrorKind;
        if let Some(tls) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            return Fault::from_tls(tls);
        }
        // Our own machine ran out of something, or forbids it.
        let exhausted = [
            libc::EMFILE,
            libc::ENFILE,
            libc::ENOBUFS,
            libc::ENOMEM,
            libc::EADDRINUSE,
        ];
        let forbidden = [libc::EACCES, libc::EPERM];
        let is_one_of = |codes: &[i32]| {
            error
                .raw_os_error()
                .is_some_and(|code| codes.contains(&code))
        };
        let class = match error.kind() {
            _ if is_one_of(&exhausted) => ErrorClass::OwnLimit,
            _ if is_one_of(&forbidden) => ErrorClass::Unreachable,
            ErrorKind::ConnectionRefused => ErrorClass::Refused,
            ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::AddrNotAvailable => ErrorClass::Unreachable,
            ErrorKind::TimedOut => ErrorClass::TimeoutConnect,
            _ => ErrorClass::Reset,
        };
        Fault::new(class, format!("{doing}: {error}"))
    }

    /// No reply in time, or none of which the end came in time.
    pub fn late_reply(started: bool) -> Fault {
        if started {
            Fault::new(
                ErrorClass::TimeoutReceive,
                "the reply started but did not end in time",
            )
        } else {
            Fault::new(ErrorClass::TimeoutWait, "no reply came in time")
        }
    }

    /// A fault of a TLS handshake.
    pub fn from_tls(error: &rustls::Error) -> Fault {
        use rustls::{AlertDescription, CertificateError, Error};
        let class = match error {
            Error::InvalidCertificate(reason) => match reason {
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => ErrorClass::TlsExpired,
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => ErrorClass::TlsName,
                CertificateError::UnknownIssuer => ErrorClass::TlsUntrusted,
                // What an authority signs is believed; it is no server itself, unless somebody says so.
                CertificateError::Other(other)
                    if format!("{other:?}").contains("CaUsedAsEndEntity") =>
                {
                    let detail = "TLS handshake: the server shows the certificate of an authority (CA:TRUE), and not one that such an authority signed; where that is meant, name it in `ca_file`";
                    return Fault::new(ErrorClass::TlsUntrusted, detail);
                }
                _ => ErrorClass::Tls,
            },
            Error::AlertReceived(AlertDescription::NoApplicationProtocol)
            | Error::NoApplicationProtocol => {
                let detail = format!("the server speaks no protocol that was offered: {error}");
                return Fault::new(ErrorClass::Protocol, detail);
            }
            Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
                let detail = format!(
                    "TLS handshake: what answers there does not speak TLS ({error}); is it `http://`?"
                );
                return Fault::new(ErrorClass::Tls, detail);
            }
            Error::AlertReceived(AlertDescription::ProtocolVersion)
            | Error::PeerIncompatible(_) => ErrorClass::TlsVersion,
            _ => ErrorClass::Tls,
        };
        Fault::new(class, format!("TLS handshake: {error}"))
    }

    /// A fault that hyper reports.
    pub fn from_hyper(error: &hyper::Error) -> Fault {
        use std::error::Error as _;
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(io) = inner.downcast_ref::<std::io::Error>() {
                return Fault::from_io("connection", io);
            }
            if let Some(h2) = inner.downcast_ref::<h2::Error>()
                && h2.reason().is_some()
                && !h2.is_remote()
            {
                let detail = match h2.reason() {
                    // The first letters of an HTTP/1 reply are the length of a frame.
                    Some(h2::Reason::FRAME_SIZE_ERROR) => {
                        "the server does not speak HTTP/2".to_owned()
                    }
                    _ => format!("HTTP/2: {h2}"),
                };
                return Fault::new(ErrorClass::Protocol, detail);
            }
            if let Some(h2) = inner.downcast_ref::<h2::Error>()
                && (h2.is_go_away() || h2.is_remote())
            {
                let fault = Fault::new(ErrorClass::Reset, format!("HTTP/2: {h2}"));
                // RFC 9113, section 8.7: a stream that was refused, and those above the last one that
                // a graceful GOAWAY names.
                let is_unprocessed = match h2.reason() {
                    Some(h2::Reason::REFUSED_STREAM) => true,
                    Some(h2::Reason::NO_ERROR) => h2.is_go_away() && h2.is_remote(),
                    _ => false,
                };
                return if is_unprocessed {
                    fault.unprocessed()
                } else {
                    fault
                };
            }
            cause = inner.source();
        }
        let class = if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            ErrorClass::Reset
        } else {
            ErrorClass::Protocol
        };
        let detail = match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        let fault = Fault::new(class, detail);
        // It was never written.
        if error.is_canceled() {
            fault.unprocessed()
        } else {
            fault
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class.word(), self.detail)
    }
}

impl std::error::Error for Fault {}

/// What a status says that nobody expected; nothing under 400.
pub fn status_class(status: Option<u16>) -> Option<ErrorClass> {
    match status? {
        401 | 403 => Some(ErrorClass::Unauthorized),
        429 => Some(ErrorClass::RateLimited),
        400.. => Some(ErrorClass::Status),
        _ => None,
    }
}
