//! What a look showed: gauges and what happened on the way, as the page that Prometheus reads.
//!
//! Pure. Invariant: each family is on the page once, and whether the look went well is always there.

use crate::net::tls_facts::{TlsFacts, earliest_expiry};
use crate::telemetry::exposition::{Family, Labels, Writer};
use crate::telemetry::format::Format;
use std::net::IpAddr;
use std::time::Duration;

/// Notes of one look: whoever talks without end fills nothing.
const NOTES_MAX: usize = 200;
/// Characters of a note.
const NOTE_CHARACTERS_MAX: usize = 500;

/// A gauge: its name, what it says.
#[derive(Debug, Clone, Copy)]
pub struct Gauge(pub &'static str, pub &'static str);

/// Whether a pattern failed it.
pub const REGEX: Gauge = Gauge(
    "probe_failed_due_to_regex",
    "Whether a pattern is why the look did not go well.",
);

/// When a certificate expires.
pub const EXPIRY: Gauge = Gauge(
    "probe_ssl_earliest_cert_expiry",
    "When the first certificate of the chain expires, in seconds since 1970.",
);

/// What a look showed.
#[derive(Debug, Default)]
pub struct Seen {
    gauges: Vec<(Gauge, Vec<(Labels, f64)>)>,
    /// What happened, in its order.
    pub log: Vec<String>,
}

impl Seen {
    /// Says something of what happens.
    pub fn note(&mut self, text: impl Into<String>) {
        if self.log.len() < NOTES_MAX {
            let text: String = text.into();
            self.log
                .push(crate::secret::start_of(&text, NOTE_CHARACTERS_MAX));
        }
    }

    /// A gauge without labels; the last word stands.
    pub fn set(&mut self, gauge: Gauge, value: f64) {
        self.put(gauge, &[], value);
    }

    /// A gauge with labels; the last word on the same labels stands.
    pub fn put(&mut self, gauge: Gauge, labels: &[(&str, &str)], value: f64) {
        let labels = Labels::new(labels);
        let at = self.gauges.iter().position(|(known, _)| known.0 == gauge.0);
        let at = at.unwrap_or_else(|| {
            self.gauges.push((gauge, Vec::new()));
            self.gauges.len() - 1
        });
        let lines = &mut self.gauges[at].1;
        match lines.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, before)) => *before = value,
            None => lines.push((labels, value)),
        }
    }

    /// Adds to a gauge.
    pub fn add(&mut self, gauge: Gauge, labels: &[(&str, &str)], value: f64) {
        let wanted = Labels::new(labels);
        let known = self.gauges.iter().find(|(known, _)| known.0 == gauge.0);
        let line = known.and_then(|(_, lines)| lines.iter().find(|(known, _)| *known == wanted));
        let before = line.map_or(0.0, |(_, value)| *value);
        self.put(gauge, labels, before + value);
    }

    /// The address that was taken.
    pub fn address(&mut self, address: IpAddr) {
        let version = if address.is_ipv4() { 4.0 } else { 6.0 };
        self.set(
            Gauge(
                "probe_ip_protocol",
                "Whether the target was reached by IPv4 or IPv6.",
            ),
            version,
        );
        // FNV-1a over the bytes of the address.
        let octets = match address {
            IpAddr::V4(four) => four.to_ipv6_mapped().octets(),
            IpAddr::V6(six) => six.octets(),
        };
        let hash = octets.iter().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        let what = "A hash of the address, to see that it changes.";
        self.set(Gauge("probe_ip_addr_hash", what), f64::from(hash));
    }

    /// What TLS showed, also of what was refused.
    pub fn tls(&mut self, facts: &TlsFacts) {
        if let Some(expiry) = earliest_expiry(&facts.chain) {
            self.set(EXPIRY, expiry as f64);
            let what = "When the last chain that was shown expires, in seconds since 1970.";
            self.set(
                Gauge("probe_ssl_last_chain_expiry_timestamp_seconds", what),
                expiry as f64,
            );
        }
        if let Some(leaf) = facts.chain.first() {
            let fingerprint = crate::hexadecimal::sha256(leaf);
            let json = facts.to_json(0);
            let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
            let names: Vec<&str> = json["names"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str())
                .collect();
            let (subject, issuer, names) = (text("subject"), text("issuer"), names.join(","));
            let labels = [
                ("fingerprint_sha256", fingerprint.as_str()),
                ("subject", subject.as_str()),
                ("issuer", issuer.as_str()),
                ("subjectalternative", names.as_str()),
            ];
            let what = "The certificate that was shown.";
            self.put(Gauge("probe_ssl_last_chain_info", what), &labels, 1.0);
        }
        if !facts.version.is_empty() {
            let version = format!("TLS {}", facts.version);
            let what = "The version of TLS that was spoken.";
            self.put(
                Gauge("probe_tls_version_info", what),
                &[("version", &version)],
                1.0,
            );
        }
    }

    /// Whether it went well, how long it took, and how long it could have taken.
    pub fn ended(&mut self, went_well: bool, took: Duration, time: Duration) {
        let what = "Whether the look went well.";
        self.set(Gauge("probe_success", what), f64::from(u8::from(went_well)));
        let what = "How long the look took, in seconds.";
        self.set(Gauge("probe_duration_seconds", what), took.as_secs_f64());
        let what = "How long the look could have taken, in seconds.";
        self.set(Gauge("probe_timeout_seconds", what), time.as_secs_f64());
    }

    /// The page.
    pub fn page(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut gauges: Vec<_> = self.gauges.iter().collect();
        gauges.sort_by_key(|(gauge, _)| gauge.0);
        for (gauge, lines) in gauges {
            let family = Family {
                name: gauge.0,
                kind: "gauge",
                help: gauge.1,
            };
            let mut writer = Writer::new(&mut text, Format::Text, family, true);
            for (labels, value) in lines {
                writer.number(labels, None, *value);
            }
            writer.end();
        }
        text
    }
}
