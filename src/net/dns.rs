//! DNS questions with their answers as text.

use super::fault::{ErrorClass, Fault};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use std::net::SocketAddr;
use std::time::Duration;

/// Asks for records; an answer without any is a failure.
pub async fn ask(
    name: &str,
    record: &str,
    server: Option<&str>,
    timeout: Duration,
) -> Result<Vec<String>, Fault> {
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
    let resolver = builder
        .build()
        .map_err(|error| Fault::new(ErrorClass::Resolve, error.to_string()))?;
    let lookup = tokio::time::timeout(timeout, resolver.lookup(name, kind))
        .await
        .map_err(|_| {
            Fault::new(
                ErrorClass::TimeoutResolve,
                format!("no answer for `{name}` {record} in time"),
            )
        })?
        .map_err(|error| Fault::new(ErrorClass::Resolve, format!("`{name}` {record}: {error}")))?;
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
    if records.is_empty() {
        return Err(Fault::new(
            ErrorClass::Resolve,
            format!("`{name}` has no {record} record"),
        ));
    }
    Ok(records)
}
