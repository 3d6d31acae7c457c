//! Metrics of a running load, by scenario, step and outcome.
//!
//! A worker counts into buckets of its own and hands them over once a second; here they are only
//! added, so that a load of any rate costs the exposition the same.

use super::registry::{counters, gauges, keep};
use crate::load::Tick;
use crate::load::buckets::{BOUNDS_MICROS, Buckets};
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{IntCounterVec, IntGaugeVec, Registry};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

/// Metrics of loads.
#[derive(Debug)]
pub struct RunMetrics {
    requests: IntCounterVec,
    latency: Family,
    lateness: Family,
    active: IntGaugeVec,
    waiting: IntGaugeVec,
}

impl RunMetrics {
    /// Registers them.
    pub fn new(registry: &Registry) -> RunMetrics {
        RunMetrics {
            requests: counters(
                registry,
                "bellwether_run_requests_total",
                "Requests of loads by outcome.",
                &["scenario", "step", "outcome"],
            ),
            latency: Family::new(
                registry,
                "bellwether_run_latency_seconds",
                "Latency of the requests of loads, from their intended start.",
                &["scenario", "step", "outcome"],
            ),
            lateness: Family::new(
                registry,
                "bellwether_run_own_lateness_seconds",
                "How late the load generator itself started iterations of open models.",
                &["scenario"],
            ),
            active: gauges(
                registry,
                "bellwether_run_iterations_active",
                "Iterations of loads in progress.",
                &["scenario"],
            ),
            waiting: gauges(
                registry,
                "bellwether_run_arrivals_waiting",
                "Arrivals of loads that wait for a free virtual user.",
                &["scenario"],
            ),
        }
    }

    /// A second of a load is over.
    pub fn tick(&self, scenario: &str, tick: &Tick) {
        for (step, counts) in tick.headings.all().iter().zip(&tick.steps) {
            for (outcome, buckets) in [("ok", &counts.ok), ("failed", &counts.failed)] {
                let count = buckets.count();
                if count > 0 {
                    let labels = [scenario, &step.name, outcome];
                    self.requests.with_label_values(&labels).inc_by(count);
                    self.latency.add(&labels, buckets);
                }
            }
        }
        if !tick.lateness.is_empty() {
            self.lateness.add(&[scenario], &Buckets::of(&tick.lateness));
        }
        let scenario = &[scenario];
        self.active
            .with_label_values(scenario)
            .set(tick.active as i64);
        self.waiting
            .with_label_values(scenario)
            .set(tick.waiting as i64);
    }
}

/// A family of histograms that are filled a bucket at a time.
#[derive(Debug, Clone)]
struct Family {
    desc: Desc,
    labels: &'static [&'static str],
    series: Arc<Mutex<BTreeMap<Vec<String>, Buckets>>>,
}

impl Family {
    fn new(
        registry: &Registry,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Family {
        let names = labels.iter().map(|&label| label.to_owned()).collect();
        let desc = Desc::new(name.to_owned(), help.to_owned(), names, HashMap::new());
        let family = Family {
            desc: desc.expect("the names are constants"),
            labels,
            series: Arc::default(),
        };
        keep(registry, family)
    }

    fn add(&self, values: &[&str], buckets: &Buckets) {
        let key = values.iter().map(|&value| value.to_owned()).collect();
        let mut series = self
            .series
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        series.entry(key).or_default().merge(buckets);
    }

    fn metric(&self, values: &[String], buckets: &Buckets) -> Metric {
        let pairs = self.labels.iter().zip(values).map(|(label, value)| {
            let mut pair = LabelPair::default();
            pair.set_name((*label).to_owned());
            pair.set_value(value.clone());
            pair
        });
        let mut below = 0;
        let bounds = BOUNDS_MICROS
            .iter()
            .zip(buckets.counts)
            .map(|(bound, count)| {
                below += count;
                let mut bucket = Bucket::default();
                bucket.set_upper_bound(*bound as f64 / 1e6);
                bucket.set_cumulative_count(below);
                bucket
            });
        let mut histogram = prometheus::proto::Histogram::default();
        histogram.set_bucket(bounds.collect());
        histogram.set_sample_count(buckets.count());
        histogram.set_sample_sum(buckets.sum_micros as f64 / 1e6);
        let mut metric = Metric::default();
        metric.set_label(pairs.collect());
        metric.set_histogram(histogram);
        metric
    }
}

impl Collector for Family {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let series = self
            .series
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if series.is_empty() {
            return Vec::new();
        }
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::HISTOGRAM);
        let metrics = series
            .iter()
            .map(|(values, buckets)| self.metric(values, buckets));
        family.set_metric(metrics.collect());
        vec![family]
    }
}
