//! Counters of a Prometheus that a bake judges beside its own rounds, as configured.
//!
//! Does not know how they are asked for: that is the gate's. Invariant: exactly one of bad and good is
//! asked for, by a selector that can be read, and the objective is a share over zero of all requests.

use super::read_gate::digest;
use crate::document::diagnostic::Diagnostic;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::objective::{Metric, Objective, tally};
use crate::scenario::reader::{Reader, entries, time};
use crate::scenario::scope::Scope;
use crate::scenario::steps::asked;
use crate::scenario::template::Template;
use crate::witness::counters::{Part, block_of};
use crate::witness::selector::Selector;
use serde_json::Value;
use std::time::Duration;

/// Blocks of which a bake tells little, if it has fewer.
const BLOCKS_MIN: u32 = 10;

/// Counters of requests, and of the bad ones among them.
pub struct Counter {
    /// Its name.
    pub name: String,
    /// A digest of what is written.
    identity: String,
    /// The base URL of Prometheus.
    pub url: Template,
    /// Headers to send.
    pub headers: Vec<(String, Template)>,
    /// A bearer token.
    pub bearer: Option<Template>,
    /// Selects counters of all requests.
    pub total: Template,
    /// Selects counters of the bad ones, or of the good ones.
    pub part: (Part, Template),
    /// What must hold.
    pub objective: Objective,
    /// Pause between scrapes.
    pub scrape: Duration,
    /// Whether targets come and go.
    pub scales: bool,
    /// Whether requests come in bursts.
    pub bursts: bool,
    /// Whether nothing tells of those that hang.
    pub unwatched: bool,
    /// How many targets there are at the least.
    pub targets: Option<Template>,
}

/// As it stands in what a gate has to measure: as written, whatever it was compiled to.
impl std::fmt::Debug for Counter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Counter").field(&self.identity).finish()
    }
}

/// The form of counters.
pub static COUNTER: Object = Object {
    name: "counter",
    called: "counters",
    fields: &[
        required(
            "prometheus",
            Shape::Object(&PROMETHEUS),
            "the Prometheus that scrapes them",
        ),
        required(
            "total",
            Shape::Template,
            "selects counters of all requests, such as `http_requests_total{version=\"${inputs.version}\"}`: a selector, without `rate()` or a range",
        ),
        field(
            "bad",
            Shape::Template,
            "selects counters of the bad ones among them, such as the same with `code=~\"5..\"`",
        ),
        field(
            "good",
            Shape::Template,
            "selects counters of the good ones, in place of `bad`: the bucket of a histogram, such as `le=\"0.3\"`",
        ),
        required(
            "objective",
            Shape::Text,
            "the share of bad ones, such as `error_rate < 1%`",
        ),
        field(
            "scrape",
            Shape::Duration,
            "pause between scrapes of that Prometheus (15s)",
        ),
        field(
            "scales",
            Shape::Bool,
            "targets may go while it bakes, with what they counted since their last scrape (false)",
        ),
        field(
            "targets",
            Shape::Template,
            "how many targets count at the end at the least, such as `${inputs.replicas}`",
        ),
        field(
            "bursts",
            Shape::Bool,
            "requests come in bursts, and silence between them says nothing of who hangs (false)",
        ),
        field(
            "unwatched",
            Shape::Bool,
            "targets have no `up` of the same job and instance, and nobody tells who hangs (false)",
        ),
    ],
};

static PROMETHEUS: Object = Object {
    name: "counter_source",
    called: "a Prometheus",
    fields: &[asked::URL, asked::HEADERS, asked::AUTH],
};

impl Reader<'_> {
    /// The counters of a bake.
    pub(super) fn counters(&mut self, bake: &Node) -> Vec<Counter> {
        let all = entries(bake, "counters").iter();
        all.filter_map(|(name, node)| self.counter(name, node, time(bake, "duration", 60)))
            .collect()
    }

    fn counter(&mut self, name: &Node, node: &Node, bake: Duration) -> Option<Counter> {
        self.known_facts(node);
        let source = node.get("prometheus")?;
        let scrape = time(node, "scrape", 15);
        if !(Duration::from_millis(100)..=Duration::from_secs(600)).contains(&scrape) {
            let span = node.get("scrape").map_or(node.span, |scrape| scrape.span);
            let label = "not so often, or so seldom";
            self.error("wrong-type", "a scrape is every 100ms to 10m", span, label);
        }
        let blocks = bake.as_secs_f64() / block_of(scrape).as_secs_f64();
        if blocks < f64::from(BLOCKS_MIN) {
            let title = format!(
                "the bake is over after {blocks:.0} scrapes of `{}`, which tells little",
                name.text
            );
            self.found.push(
                Diagnostic::warning("bakes-too-short", title)
                    .at(self.source, name.span, "it will hold more often than not")
                    .hint(format!(
                        "at least {BLOCKS_MIN}: a longer `duration`, or a `scrape` that is true and shorter"
                    )),
            );
        }
        let part = match (node.get("bad"), node.get("good")) {
            (Some(bad), None) => Some((Part::Bad, bad)),
            (None, Some(good)) => Some((Part::Good, good)),
            _ => {
                let title = format!("`{}` needs `bad` or `good`", name.text);
                self.error("missing-field", title, name.span, "exactly one of them");
                None
            }
        };
        // All of it is read before anything is given up, so that every mistake is told.
        let total = node.get("total").and_then(|node| self.selector(node, true));
        let part = part.and_then(|(part, node)| Some((part, self.selector(node, false)?)));
        let objective = node.get("objective").and_then(|node| self.share(node));
        let url = source.get("url").and_then(|node| self.template(node));
        let headers = source.get("headers").map(Node::entries).unwrap_or_default();
        let headers = headers
            .iter()
            .filter_map(|(name, value)| Some((name.text.clone(), self.template(value)?)));
        let headers = headers.collect();
        let bearer = source.get("auth").and_then(|auth| auth.get("bearer"));
        let bearer = bearer.and_then(|node| self.key(node));
        let targets = node.get("targets").and_then(|node| self.template(node));
        let flag = |name: &str| node.get(name).and_then(Node::as_bool).unwrap_or(false);
        Some(Counter {
            name: name.text.clone(),
            identity: format!("{} {}", name.text, digest(node)),
            url: url?,
            headers,
            bearer,
            total: total?,
            part: part?,
            objective: objective?,
            scrape,
            scales: flag("scales"),
            bursts: flag("bursts"),
            unwatched: flag("unwatched"),
            targets,
        })
    }

    fn selector(&mut self, node: &Node, is_total: bool) -> Option<Template> {
        let template = self.template(node)?;
        let sample = template.render(&Anything).ok()?;
        let wrong = match Selector::parse(&sample) {
            Ok(selector) if selector.is_of_one_bucket() => None,
            Ok(_) => Some((
                "this asks for several buckets of a histogram",
                "counts requests several times",
                "ask for one, such as `le=\"0.3\"`, or for the `_count` of all requests".to_owned(),
            )),
            Err(why) => Some(("this is no selector of series", "cannot be read", why)),
        };
        if let Some((title, label, hint)) = wrong {
            self.found.push(
                Diagnostic::error("bad-selector", title)
                    .at(self.source, node.span, label)
                    .hint(hint),
            );
            return None;
        }
        let names_version = template.expressions().any(|(expression, _)| {
            let facts = expression.members("inputs");
            facts.iter().any(|(name, _)| name == "version")
        });
        if is_total && !names_version {
            self.found.push(
                Diagnostic::warning(
                    "counts-every-version",
                    "requests of every version are counted",
                )
                .at(self.source, node.span, "names no version")
                .hint("add a label, such as `version=\"${inputs.version}\"`: what the version before still answers dilutes what the new one does"),
            );
        }
        Some(template)
    }

    fn share(&mut self, node: &Node) -> Option<Objective> {
        let objective = self.objective(node)?;
        let fits = objective.metric == Metric::ErrorRate
            && objective.is_of_all()
            && tally::is_sequential(&objective);
        if !fits {
            let title = "counters are judged by the share of bad requests";
            let label = "such as `error_rate < 1%`, over zero and without `{…}`";
            self.error("bad-objective", title, node.span, label);
        }
        fits.then_some(objective)
    }
}

impl Counter {
    /// Its selectors with everything filled in: of all requests, and of the part.
    ///
    /// # Errors
    ///
    /// One cannot be read, or a value asks for something else than what is written.
    pub fn selectors(
        &self,
        fill: impl Fn(&Template) -> Result<String, String>,
    ) -> Result<(Selector, Selector), String> {
        let selector = |template: &Template| {
            let text = fill(template)?;
            let filled = Selector::parse(&text).map_err(|why| format!("`{text}`: {why}"))?;
            let written = Selector::parse(&template.render(&Anything)?)?;
            if !filled.has_shape_of(&written) {
                return Err(format!("`{text}`: a value in it changes what is asked for"));
            }
            Ok(filled)
        };
        Ok((selector(&self.total)?, selector(&self.part.1)?))
    }
}

/// A value for everything that is filled in, to see what a text is around it.
struct Anything;

impl Scope for Anything {
    fn lookup(&self, _: &str) -> Option<cel::Value> {
        None
    }

    fn path(&self, _: &str, _: &str) -> Option<Value> {
        Some(Value::String("1".to_owned()))
    }
}
