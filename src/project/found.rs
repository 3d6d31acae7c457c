//! What sources of targets say, read: groups as Prometheus's service discovery has them, and objects of a
//! cluster.
//!
//! Pure. Sources: Prometheus, "file_sd_config" and "http_sd_config"; the Kubernetes API, services and ingresses.

use super::targets::Targets;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Found {
    /// Its base URL, without a slash at its end.
    pub url: String,
    /// What is known of it.
    pub labels: BTreeMap<String, String>,
}

/// What was found: targets by the template and the source that names them.
pub type Discovered = BTreeMap<String, BTreeMap<String, Vec<Found>>>;

impl Targets {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

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
