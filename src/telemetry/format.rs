//! Forms in which metrics are shown, and which one whoever asks likes best.
//!
//! Pure. Sources: RFC 9110, section 12.5.1; the Prometheus documentation, "Exposition formats".

/// A form of exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's text format, version 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Delimited protocol buffers.
    Protobuf,
}

impl Format {
    /// The one that whoever asks likes best (`accept`, RFC 9110, section 12.5.1).
    pub fn wanted(accept: &str) -> Format {
        let mut best = (Format::Text, 0.0_f64);
        for part in accept.split(',') {
            let mut parameters = part.split(';').map(str::trim);
            let kind = parameters.next().unwrap_or_default().to_ascii_lowercase();
            let rest: Vec<&str> = parameters.collect();
            let value = |name: &str| {
                rest.iter()
                    .find_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('='))
            };
            let weight = value("q")
                .and_then(|weight| weight.parse().ok())
                .unwrap_or(1.0);
            let format = match kind.as_str() {
                "application/vnd.google.protobuf"
                    if value("proto") == Some("io.prometheus.client.MetricFamily")
                        && value("encoding") == Some("delimited") =>
                {
                    Format::Protobuf
                }
                "application/openmetrics-text" if value("version") == Some("1.0.0") => {
                    Format::OpenMetrics
                }
                "text/plain" => Format::Text,
                _ => continue,
            };
            if weight > best.1 {
                best = (format, weight);
            }
        }
        best.0
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// What stands at the end of all families.
    pub fn end(self) -> &'static [u8] {
        match self {
            Format::OpenMetrics => b"# EOF\n",
            Format::Text | Format::Protobuf => b"",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_gets_what_they_like_best() {
        let two = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let three = format!(
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,{}",
            two.replace("1.0.0,", "1.0.0;q=0.8,")
        );
        for (accept, expected) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html, text/plain", Format::Text),
            (two, Format::OpenMetrics),
            (three.as_str(), Format::Protobuf),
            ("application/openmetrics-text;version=0.0.1", Format::Text),
            (
                "application/vnd.google.protobuf;encoding=text",
                Format::Text,
            ),
        ] {
            assert_eq!(Format::wanted(accept), expected, "{accept}");
        }
    }
}
