//! DNS questions with their answers as text.

use super::address;
use super::fault::{ErrorClass, Fault};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use std::net::SocketAddr;
use std::time::Duration;

/// What a name server answered.
#[derive(Debug)]
pub enum Found {
    /// Records of the type.
    Records(Vec<String>),
    /// That there are none, in words: no such name, or none of that type.
    Nothing(String),
}

/// Asks for records.
///
/// # Errors
///
/// Nobody answered, or with something that is no answer to the question: nobody knows then what there is.
pub async fn ask(
    name: &str,
    record: &str,
    server: Option<&str>,
    timeout: Duration,
) -> Result<Found, Fault> {
    let wrong = |text: String| Fault::new(ErrorClass::Template, text);
    let kind: RecordType = record
        .parse()
        .map_err(|_| wrong(format!("`{record}` is not a record type")))?;
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.attempts = 1;
    options.cache_size = 0;
    let mut builder = match server {
        None => TokioResolver::builder_tokio().map_err(|error| {
            Fault::new(
                ErrorClass::Resolve,
                format!("the machine's DNS settings cannot be read: {error}"),
            )
        })?,
        Some(server) => {
            let address: SocketAddr = match server.parse() {
                Ok(address) => address,
                Err(_) => SocketAddr::new(
                    server
                        .parse()
                        .map_err(|_| wrong(format!("`{server}` is not `address:port`")))?,
                    53,
                ),
            };
            let mut udp = NameServerConfig::udp_and_tcp(address.ip());
            for connection in &mut udp.connections {
                connection.port = address.port();
            }
            TokioResolver::builder_with_config(
                ResolverConfig::from_parts(None, Vec::new(), vec![udp]),
                TokioRuntimeProvider::default(),
            )
        }
    };
    *builder.options_mut() = options;
    let ascii = address::host(name).map_err(wrong)?;
    let resolver = builder
        .build()
        .map_err(|error| Fault::new(ErrorClass::Resolve, error.to_string()))?;
    let lookup = tokio::time::timeout(timeout, resolver.lookup(ascii.as_ref(), kind))
        .await
        .map_err(|_| {
            Fault::new(
                ErrorClass::TimeoutResolve,
                format!("no answer for `{name}` {record} in time"),
            )
        })?;
    let lookup = match lookup {
        Ok(lookup) => lookup,
        Err(error) => return understood(&error, name, record),
    };
    let records: Vec<String> = lookup
        .answers()
        .iter()
        .filter(|answer| answer.record_type() == kind)
        .map(|answer| {
            answer
                .data
                .to_string()
                .trim_matches('"')
                .trim_end_matches('.')
                .to_owned()
        })
        .collect();
    Ok(match records.is_empty() {
        true => Found::Nothing(format!("`{name}` has no {record} record")),
        false => Found::Records(records),
    })
}

/// Told apart by the code of the answer (RFC 1035, section 4.1.1; RFC 2308, section 2).
fn understood(error: &NetError, name: &str, record: &str) -> Result<Found, Fault> {
    let unknown = |why: String| {
        let detail = format!("nobody knows whether `{name}` has a {record} record: {why}");
        Err(Fault::new(ErrorClass::Resolve, detail))
    };
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => {
                let said = format!("there is no name `{name}` (NXDOMAIN)");
                Ok(Found::Nothing(said))
            }
            ResponseCode::NoError => {
                let said = format!("`{name}` has no {record} record, and is there");
                Ok(Found::Nothing(said))
            }
            code => unknown(format!("the name server answered {}", code.to_str())),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => {
            unknown(format!("the name server answered {}", code.to_str()))
        }
        NetError::Timeout => Err(Fault::new(
            ErrorClass::TimeoutResolve,
            format!("no answer for `{name}` {record} in time"),
        )),
        error => unknown(error.to_string()),
    }
}
