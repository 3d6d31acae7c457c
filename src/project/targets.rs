//! Many probes from one: the targets of a template, and the probes that it stands for.
//!
//! Pure. Where targets are found is said here; they are looked up by `probe`. The form of files and replies is
//! that of Prometheus's service discovery (`file_sd` and `http_sd`): a list of groups with `targets` and `labels`.
//! Invariant: the same target gives the same name, so that it keeps its history whatever else comes and goes.

use super::probe::Probe;
use crate::document::shape::{Object, Shape, field, required};
use crate::scenario::template::Template;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// A target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Found {
    /// Its base URL, without a slash at its end.
    pub url: String,
    /// What is known of it.
    pub labels: BTreeMap<String, String>,
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
    /// Whether there is anything to be looked up.
    pub fn is_looked_up(&self) -> bool {
        !self.files.is_empty()
            || self.http.is_some()
            || self.dns_srv.is_some()
            || self.kubernetes.is_some()
    }

    /// A target as it is asked: with a scheme, and without a slash at its end.
    pub fn url_of(&self, target: &str, scheme: Option<&str>) -> String {
        let scheme = scheme.unwrap_or(&self.scheme);
        let url = match target.contains("://") {
            true => target.to_owned(),
            false => format!("{scheme}://{target}"),
        };
        url.trim_end_matches('/').to_owned()
    }

    /// What a list of groups says (Prometheus, "file_sd_config").
    ///
    /// # Errors
    ///
    /// What is no such list.
    pub fn groups(&self, list: &Value) -> Result<Vec<Found>, String> {
        let groups = list
            .as_array()
            .ok_or("it is no list of groups with `targets`")?;
        let mut found = Vec::new();
        for (number, group) in groups.iter().enumerate() {
            let targets = group["targets"].as_array();
            let targets =
                targets.ok_or_else(|| format!("group {} has no `targets`", number + 1))?;
            let labels = group["labels"].as_object();
            let text = |value: &Value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let all = labels.into_iter().flatten();
            let all: BTreeMap<String, String> = all
                .map(|(name, value)| (name.clone(), text(value)))
                .collect();
            let scheme = all.get("__scheme__").map(String::as_str);
            let mut shown = all.clone();
            // Those are for whoever discovers.
            shown.retain(|name, _| !name.starts_with("__"));
            for target in targets {
                let target = target
                    .as_str()
                    .ok_or_else(|| format!("group {}: a target is no text", number + 1))?;
                let url = self.url_of(target, scheme);
                found.push(Found {
                    url,
                    labels: shown.clone(),
                });
            }
        }
        Ok(found)
    }

    /// Services of a cluster, a target for each port; or the hosts of its ingresses.
    pub fn objects(&self, list: &Value, of_ingresses: bool) -> Vec<Found> {
        let items = list["items"].as_array().into_iter().flatten();
        let mut found = Vec::new();
        for item in items {
            let text = |path: &str| {
                item.pointer(path)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace"));
            let kind = if of_ingresses { "ingress" } else { "service" };
            let labels = [("namespace", namespace), (kind, name)];
            let labels: BTreeMap<String, String> = labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let urls = match of_ingresses {
                true => ingress(item),
                false => self.service(item, name, namespace),
            };
            found.extend(urls.into_iter().map(|url| Found {
                url,
                labels: labels.clone(),
            }));
        }
        found
    }

    fn service(&self, item: &Value, name: &str, namespace: &str) -> Vec<String> {
        let ports = item.pointer("/spec/ports").and_then(Value::as_array);
        let ports = ports.into_iter().flatten();
        let tcp = ports.filter(|port| port["protocol"].as_str().is_none_or(|it| it == "TCP"));
        tcp.filter_map(|port| {
            let number = port["port"].as_u64()?;
            let is_tls = number == 443 || port["name"].as_str() == Some("https");
            let scheme = if is_tls {
                "https"
            } else {
                self.scheme.as_str()
            };
            Some(format!("{scheme}://{name}.{namespace}.svc:{number}"))
        })
        .collect()
    }
}

fn ingress(item: &Value) -> Vec<String> {
    let list = |path: &str| {
        item.pointer(path)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let secured: Vec<String> = list("/spec/tls")
        .iter()
        .flat_map(|tls| tls["hosts"].as_array().cloned().unwrap_or_default())
        .filter_map(|host| host.as_str().map(str::to_owned))
        .collect();
    let hosts = list("/spec/rules");
    let hosts = hosts.iter().filter_map(|rule| rule["host"].as_str());
    // A wildcard is no name that anybody could ask.
    hosts
        .filter(|host| !host.contains('*'))
        .map(|host| match secured.iter().any(|known| known == host) {
            true => format!("https://{host}"),
            false => format!("http://{host}"),
        })
        .collect()
}

/// Targets in their order, each once.
pub fn sorted(found: Vec<Found>) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let mut found: Vec<Found> = found
        .into_iter()
        .filter(|one| seen.insert(one.url.clone()))
        .collect();
    found.sort();
    found
}

impl ProbeTemplate {
    /// The probes of targets, with those that are written down.
    pub fn probes(&self, found: &[Found]) -> Vec<Probe> {
        let all = sorted(self.targets.list.iter().chain(found).cloned().collect());
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
pub fn expanded(
    own: &[Probe],
    templates: &[ProbeTemplate],
    found: &BTreeMap<String, Vec<Found>>,
) -> Vec<Probe> {
    let mut probes = own.to_vec();
    let mut made: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for template in templates {
        let name = template.probe.name.as_str();
        let more = template.probes(found.get(name).map(Vec::as_slice).unwrap_or_default());
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
    use serde_json::json;

    fn targets() -> Targets {
        Targets {
            service: "shop".to_owned(),
            list: Vec::new(),
            files: Vec::new(),
            http: None,
            dns_srv: None,
            dns_server: None,
            kubernetes: None,
            scheme: "http".to_owned(),
            every: Duration::from_secs(60),
            at_most: 1000,
        }
    }

    #[test]
    fn groups_are_read_as_prometheus_reads_them() {
        let list = json!([
            { "targets": ["a.test:8080", "https://b.test/"], "labels": { "region": "eu", "__meta_x": "y" } },
            { "targets": ["c.test"], "labels": { "__scheme__": "https", "shard": 7 } },
        ]);
        let found = targets().groups(&list).unwrap();
        let urls: Vec<&str> = found.iter().map(|one| one.url.as_str()).collect();
        assert_eq!(
            urls,
            ["http://a.test:8080", "https://b.test", "https://c.test"]
        );
        assert_eq!(
            found[0].labels,
            BTreeMap::from([("region".to_owned(), "eu".to_owned())])
        );
        assert_eq!(found[2].labels["shard"], "7");
        for wrong in [
            json!({}),
            json!([{}]),
            json!([{ "targets": [1] }]),
            json!("x"),
        ] {
            assert!(targets().groups(&wrong).is_err(), "{wrong}");
        }
    }

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

    #[test]
    fn objects_of_a_cluster_are_targets_by_their_ports_and_hosts() {
        let services = json!({ "items": [{
            "metadata": { "name": "api", "namespace": "shop" },
            "spec": { "ports": [{ "port": 8080 }, { "port": 443, "protocol": "TCP" }, { "port": 53, "protocol": "UDP" }] },
        }] });
        let urls = |found: Vec<Found>| found.into_iter().map(|one| one.url).collect::<Vec<_>>();
        assert_eq!(
            urls(targets().objects(&services, false)),
            ["http://api.shop.svc:8080", "https://api.shop.svc:443"]
        );
        let ingresses = json!({ "items": [{
            "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "tls": [{ "hosts": ["a.test"] }], "rules": [{ "host": "a.test" }, { "host": "b.test" }, { "host": "*.test" }, {}] },
        }] });
        let found = targets().objects(&ingresses, true);
        assert_eq!(found[0].labels["ingress"], "web");
        assert_eq!(urls(found), ["https://a.test", "http://b.test"]);
    }
}
