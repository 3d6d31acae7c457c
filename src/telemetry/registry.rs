//! How metrics are made and shown: names, help, labels, buckets.

use super::exposition::{Counted, Family, Labels, Writer};
use super::format::Format;
use prometheus::core::Collector;
use prometheus::proto::MetricType;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
};

/// Buckets for latencies: 1 ms to 60 s.
pub const LATENCY_BUCKETS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0,
];

/// Buckets for how late a schedule is: 100 µs to 30 s.
pub const LAG_BUCKETS: [f64; 12] = [
    0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0, 5.0, 30.0,
];

/// Buckets for phases of gates and rollbacks: from a preflight of some milliseconds to an approval of an hour.
pub const LONG_BUCKETS: [f64; 16] = [
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0,
    3600.0,
];

/// What Prometheus is given of a registry.
pub fn exposition(registry: &Registry, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    for family in registry.gather() {
        let kind = match family.get_field_type() {
            MetricType::COUNTER => "counter",
            MetricType::GAUGE => "gauge",
            MetricType::HISTOGRAM => "histogram",
            // None of ours is anything else.
            _ => continue,
        };
        let described = Family {
            name: family.name(),
            kind,
            help: family.help(),
        };
        let mut writer = Writer::new(&mut out, format, described, true);
        for metric in family.get_metric() {
            let pairs = metric.get_label().iter();
            let pairs: Vec<(&str, &str)> = pairs.map(|pair| (pair.name(), pair.value())).collect();
            let labels = Labels::new(&pairs);
            match kind {
                "counter" => writer.number(&labels, None, metric.get_counter().get_value()),
                "gauge" => writer.number(&labels, None, metric.get_gauge().get_value()),
                _ => histogram(&mut writer, &labels, metric.get_histogram()),
            }
        }
        writer.end();
    }
    out
}

fn histogram(writer: &mut Writer<'_>, labels: &Labels, counted: &prometheus::proto::Histogram) {
    let mut before = 0;
    let buckets = counted.get_bucket().iter();
    // The last one has no bound, and is written in any case.
    let bounded = buckets.filter(|bucket| bucket.upper_bound().is_finite());
    let mut alone = bounded.map(|bucket| {
        let below = bucket.cumulative_count();
        let inside = below - before;
        before = below;
        (bucket.upper_bound(), inside)
    });
    let mut counted = Counted {
        buckets: &mut alone,
        count: counted.get_sample_count(),
        sum: counted.get_sample_sum(),
        exemplar: None,
        native: None,
    };
    writer.histogram(labels, &mut counted);
}

/// Registers a collector.
pub fn keep<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> C {
    registry
        .register(Box::new(collector.clone()))
        .expect("every name is registered once");
    collector
}

/// Counters by labels.
pub fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    keep(
        registry,
        IntCounterVec::new(Opts::new(name, help), labels).expect("the names are constants"),
    )
}

/// Whole numbers by labels.
pub fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    keep(
        registry,
        IntGaugeVec::new(Opts::new(name, help), labels).expect("the names are constants"),
    )
}

/// Numbers by labels.
pub fn float_gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    keep(
        registry,
        GaugeVec::new(Opts::new(name, help), labels).expect("the names are constants"),
    )
}

/// Histograms by labels.
pub fn histograms(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    buckets: &[f64],
) -> HistogramVec {
    keep(
        registry,
        HistogramVec::new(
            HistogramOpts::new(name, help).buckets(buckets.to_vec()),
            labels,
        )
        .expect("the names are constants"),
    )
}
