//! A question to a name server, judged by its code and its records.

use super::reach;
use super::seen::{Gauge, Seen};
use super::settings::{Dns, RecordRules};
use crate::net::connect::host_port;
use crate::net::stream::Stream;
use crate::net::{ErrorClass, Fault};
use hickory_resolver::proto::op::{Message, Query};
use hickory_resolver::proto::rr::{DNSClass, Name, Record, RecordType};
use std::net::SocketAddr;
use std::str::FromStr as _;
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;
use tokio::time::timeout_at;

const COUNTS: [Gauge; 3] = [
    Gauge("probe_dns_answer_rrs", "Records in the answer."),
    Gauge("probe_dns_authority_rrs", "Records of authorities."),
    Gauge("probe_dns_additional_rrs", "Records beside."),
];
const SUCCEEDED: Gauge = Gauge("probe_dns_query_succeeded", "Whether an answer came.");
const DURATION: Gauge = Gauge(
    "probe_dns_duration_seconds",
    "How long the phases of the question took.",
);

fn wrong(text: impl Into<String>) -> Fault {
    Fault::new(ErrorClass::Template, text)
}

fn question(settings: &Dns) -> Result<Message, Fault> {
    let name = Name::from_str(&settings.name)
        .map_err(|error| wrong(format!("`{}`: {error}", settings.name)))?;
    let record = RecordType::from_str(&settings.record);
    let record = record.map_err(|_| wrong(format!("`{}` is no record type", settings.record)))?;
    let class = DNSClass::from_str(&settings.class);
    let class = class.map_err(|_| wrong(format!("`{}` is no class", settings.class)))?;
    let mut fqdn = name;
    fqdn.set_fqdn(true);
    let mut query = Query::query(fqdn, record);
    query.set_query_class(class);
    let mut message = Message::query();
    message.metadata.recursion_desired = settings.recursion;
    message.add_query(query);
    Ok(message)
}

/// Looks at a target.
///
/// # Errors
///
/// Why it did not go well.
pub async fn look(
    settings: &Dns,
    target: &str,
    deadline: Instant,
    seen: &mut Seen,
) -> Result<(), Fault> {
    for gauge in COUNTS {
        seen.set(gauge, 0.0);
    }
    seen.set(SUCCEEDED, 0.0);
    for phase in ["resolve", "connect", "request"] {
        seen.put(DURATION, &[("phase", phase)], 0.0);
    }
    let message = question(settings)?;
    let default = if settings.over_tls { 853 } else { 53 };
    let (host, port) = host_port(target, default).map_err(wrong)?;
    let begun = Instant::now();
    let ip = reach::resolve(&host, settings.family, deadline, seen).await?;
    seen.put(
        DURATION,
        &[("phase", "resolve")],
        begun.elapsed().as_secs_f64(),
    );
    let bytes = message.to_vec().map_err(|error| wrong(error.to_string()))?;
    let address = SocketAddr::new(ip, port);
    let answer = match settings.over_tcp || settings.over_tls {
        true => over_tcp(settings, address, &host, &bytes, deadline, seen).await,
        false => over_udp(address, &bytes, message.metadata.id, deadline, seen).await,
    }?;
    let answer = Message::from_vec(&answer).map_err(|error| {
        Fault::new(
            ErrorClass::Protocol,
            format!("the answer cannot be read: {error}"),
        )
    })?;
    if answer.metadata.id != message.metadata.id {
        return Err(Fault::new(
            ErrorClass::Protocol,
            "the answer is to another question",
        ));
    }
    seen.set(SUCCEEDED, 1.0);
    judge(settings, &answer, seen)
}

async fn over_udp(
    address: SocketAddr,
    bytes: &[u8],
    id: u16,
    deadline: Instant,
    seen: &mut Seen,
) -> Result<Vec<u8>, Fault> {
    let doing = format!("asking {address}");
    let failed = |error: std::io::Error| Fault::from_io(&doing, &error);
    let any: &str = if address.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let begun = Instant::now();
    let socket = UdpSocket::bind(any).await.map_err(failed)?;
    socket.connect(address).await.map_err(failed)?;
    seen.put(
        DURATION,
        &[("phase", "connect")],
        begun.elapsed().as_secs_f64(),
    );
    let begun = Instant::now();
    socket.send(bytes).await.map_err(failed)?;
    let mut answer = vec![0; 65_535];
    loop {
        let received = timeout_at(deadline.into(), socket.recv(&mut answer)).await;
        let received = received.map_err(|_| reach::late(ErrorClass::TimeoutWait, &doing))?;
        let length = received.map_err(failed)?;
        // What does not answer us may be anybody's.
        if answer.get(..2) == Some(&id.to_be_bytes()[..]) {
            seen.put(
                DURATION,
                &[("phase", "request")],
                begun.elapsed().as_secs_f64(),
            );
            answer.truncate(length);
            return Ok(answer);
        }
    }
}

async fn over_tcp(
    settings: &Dns,
    address: SocketAddr,
    host: &str,
    bytes: &[u8],
    deadline: Instant,
    seen: &mut Seen,
) -> Result<Vec<u8>, Fault> {
    let begun = Instant::now();
    let tcp = reach::connect(address, deadline).await?;
    let mut stream = match settings.over_tls {
        false => Stream::Plain(tcp),
        true => {
            let (stream, facts, _) = reach::secure(tcp, &settings.tls, host, &[], deadline).await?;
            seen.tls(&facts);
            stream
        }
    };
    seen.put(
        DURATION,
        &[("phase", "connect")],
        begun.elapsed().as_secs_f64(),
    );
    let begun = Instant::now();
    let asking = async {
        let mut framed = (bytes.len() as u16).to_be_bytes().to_vec();
        framed.extend_from_slice(bytes);
        stream.write_all(&framed).await?;
        stream.flush().await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let doing = format!("asking {address}");
    let asked = timeout_at(deadline.into(), asking).await;
    let asked = asked.map_err(|_| reach::late(ErrorClass::TimeoutWait, &doing))?;
    seen.put(
        DURATION,
        &[("phase", "request")],
        begun.elapsed().as_secs_f64(),
    );
    asked.map_err(|error| Fault::from_io(&doing, &error))
}

fn judge(settings: &Dns, answer: &Message, seen: &mut Seen) -> Result<(), Fault> {
    let sections = [&answer.answers, &answer.authorities, &answer.additionals];
    for (gauge, records) in COUNTS.into_iter().zip(sections) {
        seen.set(gauge, records.len() as f64);
    }
    let code = code_of(u16::from(answer.metadata.response_code));
    let is_good = match settings.codes.as_slice() {
        [] => code == "NOERROR",
        good => good.contains(&code),
    };
    if !is_good {
        return Err(Fault::new(
            ErrorClass::Check,
            format!("the answer has the code {code}"),
        ));
    }
    for (rules, records) in settings.rules.iter().zip(sections) {
        hold(rules, records)?;
    }
    Ok(())
}

/// A record as zone files have it, between tabs.
fn written(record: &Record) -> String {
    format!(
        "{}\t{}\t{}\t{}\t{}",
        record.name,
        record.ttl,
        record.dns_class,
        record.record_type(),
        record.data
    )
}

fn hold(rules: &RecordRules, records: &[Record]) -> Result<(), Fault> {
    let lines: Vec<String> = records.iter().map(written).collect();
    let count = |pattern: &regex::bytes::Regex| {
        lines
            .iter()
            .filter(|line| pattern.is_match(line.as_bytes()))
            .count()
    };
    let bad = |pattern: &regex::bytes::Regex, what: &str| {
        Err(Fault::new(ErrorClass::Check, format!("{what} `{pattern}`")))
    };
    let asks = [&rules.fails_if_not_matches, &rules.fails_if_none_matches];
    if lines.is_empty() && asks.iter().any(|patterns| !patterns.is_empty()) {
        return Err(Fault::new(ErrorClass::Check, "there is no record to match"));
    }
    for pattern in &rules.fails_if_matches {
        if count(pattern) > 0 {
            return bad(pattern, "a record matches");
        }
    }
    for pattern in &rules.fails_if_not_matches {
        if count(pattern) < lines.len() {
            return bad(pattern, "a record does not match");
        }
    }
    for pattern in &rules.fails_if_all_match {
        // The exporter asks here that all records match, whatever the name of the key says.
        if count(pattern) < lines.len() {
            return bad(pattern, "not all records match");
        }
    }
    let none = &rules.fails_if_none_matches;
    match none.first() {
        Some(first) if none.iter().all(|pattern| count(pattern) == 0) => {
            bad(first, "no record matches")
        }
        _ => Ok(()),
    }
}

/// Names of codes (RFC 6895, section 2.3).
pub fn code_of(code: u16) -> String {
    let known = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
        "NXRRSET", "NOTAUTH", "NOTZONE",
    ];
    known
        .get(usize::from(code))
        .map_or_else(|| code.to_string(), |name| (*name).to_owned())
}
