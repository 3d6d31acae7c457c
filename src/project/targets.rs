//! Many probes from one: the targets of a template, and the probes that it stands for.
//!
//! Pure. Where targets are found is said here; they are looked up by `probe`. The form of files and replies is
//! that of Prometheus's service discovery (`file_sd` and `http_sd`): a list of groups with `targets` and `labels`.
//! Invariant: the same target gives the same name, so that it keeps its history whatever else comes and goes.

use super::found::{Discovered, Found, sorted};
use super::probe::Probe;
use crate::document::shape::{Object, Shape, field, required};
use crate::scenario::template::Template;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// One source of targets.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// Files by a path.
    Files(&'a PathBuf),
    /// An address, and the token that it wants.
    Http(&'a str, Option<&'a Template>),
    /// A name of a DNS service.
    Srv(&'a str),
    /// Objects of a cluster.
    Cluster(&'a Kubernetes),
}

impl Source<'_> {
    /// What it is known by: another address is another source.
    pub fn key(&self) -> String {
        match self {
            Source::Files(path) => format!("files {}", path.display()),
            Source::Http(url, _) => format!("http {url}"),
            Source::Srv(name) => format!("srv {name}"),
            Source::Cluster(cluster) => {
                let kind = if cluster.ingresses {
                    "ingresses"
                } else {
                    "services"
                };
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                format!(
                    "{kind} {} {} {}",
                    text(&cluster.api),
                    text(&cluster.namespace),
                    text(&cluster.selector)
                )
            }
        }
    }
}

/// Where a target is measured: the service whose URL it takes, and that URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The service.
    pub service: String,
    /// The URL.
    pub url: String,
}

/// Where targets are found.
#[derive(Debug)]
pub struct Targets {
    /// The service whose URL a target takes.
    pub service: String,
    /// Those that are written down.
    pub list: Vec<Found>,
    /// Files with more.
    pub files: Vec<PathBuf>,
    /// An address that tells more, and the token that it wants.
    pub http: Option<(String, Option<Template>)>,
    /// A name of a DNS service.
    pub dns_srv: Option<String>,
    /// The name server that is asked for it, where it is not the machine's own.
    pub dns_server: Option<String>,
    /// Objects of a cluster.
    pub kubernetes: Option<Kubernetes>,
    /// How a target without a scheme is asked.
    pub scheme: String,
    /// Between two looks.
    pub every: Duration,
    /// Targets at most.
    pub at_most: usize,
}

/// Objects of a cluster.
#[derive(Debug)]
pub struct Kubernetes {
    /// Whether ingresses are meant; else services.
    pub ingresses: bool,
    /// The namespace; all where none is said.
    pub namespace: Option<String>,
    /// A label selector.
    pub selector: Option<String>,
    /// The API server.
    pub api: Option<String>,
    /// A token that may list them.
    pub token: Option<Template>,
    /// The authorities of the API server.
    pub ca_file: Option<PathBuf>,
}

/// A probe that stands for one of each target.
#[derive(Debug)]
pub struct ProbeTemplate {
    /// What they have in common.
    pub probe: Probe,
    /// Where the targets are found.
    pub targets: Targets,
}

impl Targets {
    /// What is to be looked up.
    pub fn sources(&self) -> Vec<Source<'_>> {
        let files = self.files.iter().map(Source::Files);
        let http = self.http.iter();
        let http = http.map(|(url, token)| Source::Http(url, token.as_ref()));
        let srv = self.dns_srv.iter().map(|name| Source::Srv(name));
        let cluster = self.kubernetes.iter().map(Source::Cluster);
        files.chain(http).chain(srv).chain(cluster).collect()
    }

    /// Whether there is anything to be looked up.
    pub fn is_looked_up(&self) -> bool {
        !self.sources().is_empty()
    }

    /// All targets: those that are written down, and those that its sources named.
    pub fn all(&self, found: &BTreeMap<String, Vec<Found>>) -> Vec<Found> {
        let named = self.sources();
        // What a source named that is no longer asked is nobody's word.
        let named = named.iter().filter_map(|source| found.get(&source.key()));
        sorted(self.list.iter().chain(named.flatten()).cloned().collect())
    }

    /// A target as it is asked: with a scheme, and without a slash at its end.
    pub fn url_of(&self, target: &str, scheme: Option<&str>) -> String {
        url_of(target, scheme.unwrap_or(&self.scheme))
    }
}

/// A target with a scheme, this one where it has none, and without a slash at its end.
pub(super) fn url_of(target: &str, scheme: &str) -> String {
    let url = match target.contains("://") {
        true => target.to_owned(),
        false => format!("{scheme}://{target}"),
    };
    url.trim_end_matches('/').to_owned()
}

impl ProbeTemplate {
    /// The probes of all targets.
    pub fn probes(&self, found: &BTreeMap<String, Vec<Found>>) -> Vec<Probe> {
        let all = self.targets.all(found);
        let named = |target: Found| {
            let name = readable(&target.url, &self.targets.scheme);
            self.probe_of(format!("{} {name}", self.probe.name), target)
        };
        let measured = all.into_iter().take(self.targets.at_most);
        measured.map(named).collect()
    }

    fn probe_of(&self, name: String, target: Found) -> Probe {
        let mut probe = self.probe.clone();
        let labels = &mut probe.alert.labels;
        for (label, value) in target.labels {
            // What the template says itself stands.
            labels.entry(label).or_insert(value);
        }
        labels.insert("target".to_owned(), target.url.clone());
        probe.template = Some(std::mem::replace(&mut probe.name, name));
        probe.target = Some(Placed {
            service: self.targets.service.clone(),
            url: target.url,
        });
        probe
    }
}

/// An address as a part of a name: no two read alike, so that none takes the history of another.
fn readable(url: &str, usual: &str) -> String {
    let (scheme, bare) = url.split_once("://").unwrap_or(("", url));
    let mut name = String::new();
    if scheme != usual {
        name = format!("{scheme} ");
    }
    for letter in bare.chars() {
        match letter {
            letter if letter.is_alphanumeric() || matches!(letter, '.' | '-') => name.push(letter),
            ':' => name.push(' '),
            other => name.push_str(&format!("_{:x}_", u32::from(other))),
        }
    }
    name
}

/// All probes: those that stand for themselves, and those of the templates with what was found for each.
/// Who depends on a template depends on all of its probes.
pub fn expanded(own: &[Probe], templates: &[ProbeTemplate], found: &Discovered) -> Vec<Probe> {
    let none = BTreeMap::new();
    let mut probes = own.to_vec();
    let mut made: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for template in templates {
        let name = template.probe.name.as_str();
        let more = template.probes(found.get(name).unwrap_or(&none));
        made.insert(name, more.iter().map(|probe| probe.name.clone()).collect());
        probes.extend(more);
    }
    for probe in &mut probes {
        if probe
            .depends_on
            .iter()
            .any(|on| made.contains_key(on.as_str()))
        {
            let all = std::mem::take(&mut probe.depends_on).into_iter();
            let each = |on: String| made.get(on.as_str()).cloned().unwrap_or_else(|| vec![on]);
            probe.depends_on = all.flat_map(each).collect();
        }
    }
    probes
}

/// The form of the targets of a probe.
pub static TARGETS: Object = Object {
    name: "targets",
    called: "targets",
    fields: &[
        field(
            "service",
            Shape::Text,
            "the service whose URL a target takes (the scenario's)",
        ),
        field(
            "list",
            Shape::List(&Shape::Either(&[Shape::Object(&TARGET), Shape::Text])),
            "targets: `https://a.example`, or with labels",
        ),
        field(
            "files",
            Shape::List(&Shape::Text),
            "files with more, as Prometheus's `file_sd` has them (JSON or YAML), relative to this one",
        ),
        field(
            "http",
            Shape::Text,
            "an address that answers as Prometheus's `http_sd` does",
        ),
        field(
            "token",
            Shape::Template,
            "the bearer token for it, best as `${secrets.NAME}`",
        ),
        field(
            "dns_srv",
            Shape::Text,
            "a name with SRV records, `_http._tcp.shop.example`",
        ),
        field(
            "dns_server",
            Shape::Text,
            "`address:port` of the name server for it (the machine's own)",
        ),
        field(
            "kubernetes",
            Shape::Object(&KUBERNETES),
            "services or ingresses of a cluster",
        ),
        field(
            "scheme",
            Shape::Word(&["http", "https"]),
            "how a target without one is asked (http)",
        ),
        field(
            "every",
            Shape::Duration,
            "between two looks for targets (1m)",
        ),
        field(
            "at_most",
            Shape::Count(1, 20_000),
            "targets at most; more are said, not measured (1000)",
        ),
    ],
};

static TARGET: Object = Object {
    name: "target",
    called: "a target",
    fields: &[
        required("url", Shape::Text, "its base URL"),
        field("labels", Shape::Named(&Shape::Text), "labels of its alerts"),
    ],
};

static KUBERNETES: Object = Object {
    name: "kubernetes_targets",
    called: "objects of a cluster",
    fields: &[
        required(
            "kind",
            Shape::Word(&["services", "ingresses"]),
            "which objects",
        ),
        field("namespace", Shape::Text, "their namespace (all)"),
        field("selector", Shape::Text, "a label selector, `app=shop`"),
        field(
            "api",
            Shape::Text,
            "URL of the API server (that of the cluster that it runs in)",
        ),
        field(
            "token",
            Shape::Template,
            "a token that may list them (that of the pod)",
        ),
        field(
            "ca_file",
            Shape::Text,
            "the authorities of the API server (those of the pod)",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_addresses_have_one_name() {
        let urls = [
            "http://a:80",
            "http://a-80",
            "https://a:80",
            "http://a/x",
            "http://a_x",
            "http://a/_2f_",
            "http://a/ü",
        ];
        let names: BTreeSet<String> = urls.iter().map(|url| readable(url, "http")).collect();
        assert_eq!(names.len(), urls.len(), "{names:?}");
        assert_eq!(readable("http://a.test:8080", "http"), "a.test 8080");
        assert_eq!(
            readable("https://a.test/shop", "http"),
            "https a.test_2f_shop"
        );
    }
}
