//! Looks up the targets of templates: files, HTTP, DNS and clusters, each template on its own interval.
//!
//! What was found stays in force until something else is found: a source that fails, or says that there is
//! nothing where there was something, takes no target away; people are told. It is kept beside the state, so
//! that a restart knows it before any source answers. Decides nothing about names; that is
//! [`crate::project::targets`].

use crate::clock::now_ms;
use crate::delivery::means::Means;
use crate::net::client::{bearer, send};
use crate::net::connect::Connector;
use crate::net::dns;
use crate::net::tls::Settings;
use crate::project::current::Current;
use crate::project::file::Project;
use crate::project::found::{Discovered, Found, sorted};
use crate::project::targets::{Kubernetes, ProbeTemplate, Source, Targets};
use crate::scenario::template::Template;
use crate::watch::alert::{Condition, Level, Severity};
use crate::watch::levels::Levels;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How the subjects begin.
pub const KIND: &str = "targets/";
/// Between two looks for what is due.
const EVERY: Duration = Duration::from_secs(1);
/// Time for one source.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Where a pod finds who it is.
const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Looks up targets.
#[derive(Debug)]
pub struct Discovery {
    levels: Arc<Levels>,
    current: Arc<Current>,
    means: Arc<RwLock<Arc<Means>>>,
    found: Mutex<Discovered>,
    kept: PathBuf,
    /// Woken when another set of targets is to be put in force.
    pub changed: Notify,
}

/// What is known of the looks for one template.
#[derive(Debug, Default)]
struct Known {
    looked: Option<Instant>,
    /// The sources that were asked.
    sources: Vec<String>,
    since_ms: Option<i64>,
}

impl Discovery {
    /// One that begins with what was kept beside the state.
    pub fn new(
        levels: Arc<Levels>,
        current: Arc<Current>,
        means: Arc<RwLock<Arc<Means>>>,
        state: &Path,
    ) -> Discovery {
        let kept = state.with_extension("targets.json");
        let found = read(&kept).unwrap_or_else(|reason| {
            tracing::error!(
                reason,
                "The targets that were kept cannot be read; they are looked up anew"
            );
            Discovered::new()
        });
        Discovery {
            levels,
            current,
            means,
            found: Mutex::new(found),
            kept,
            changed: Notify::new(),
        }
    }

    fn all(&self) -> MutexGuard<'_, Discovered> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found for each template.
    pub fn found(&self) -> Discovered {
        self.all().clone()
    }

    /// Looks for ever; to be aborted at the end.
    pub async fn run(self: Arc<Self>) {
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        loop {
            let project = self.current.get();
            let templates: Vec<&ProbeTemplate> = project
                .file
                .templates
                .iter()
                .filter(|template| template.targets.is_looked_up())
                .collect();
            let names: BTreeSet<&str> = templates
                .iter()
                .map(|template| template.probe.name.as_str())
                .collect();
            known.retain(|name, _| names.contains(name.as_str()));
            self.all().retain(|name, _| names.contains(name.as_str()));
            let subjects = names.iter().map(|name| format!("{KIND}{name}"));
            self.levels.only(KIND, subjects.collect());
            for template in templates {
                let known = known.entry(template.probe.name.clone()).or_default();
                let sources = template.targets.sources();
                let sources: Vec<String> = sources.iter().map(Source::key).collect();
                let is_due = known
                    .looked
                    .is_none_or(|looked| looked.elapsed() >= template.targets.every);
                if is_due || known.sources != sources {
                    known.sources = sources;
                    self.look(&project, template, known).await;
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn look(&self, project: &Project, template: &ProbeTemplate, known: &mut Known) {
        let name = &template.probe.name;
        let means = self
            .means
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let before = self.all().get(name).cloned().unwrap_or_default();
        let (mut now, mut reasons) = (BTreeMap::new(), Vec::new());
        for source in template.targets.sources() {
            let known = before.get(&source.key()).cloned().unwrap_or_default();
            let looking = look_up(&template.targets, source, &means);
            let found = match tokio::time::timeout(TIMEOUT, looking).await {
                Ok(Ok(found)) if found.is_empty() && !known.is_empty() => Err(format!(
                    "`{}` names no target any more; the {} that were known stay",
                    source.key(),
                    known.len()
                )),
                Ok(found) => found.map(sorted),
                Err(_) => Err(format!(
                    "`{}` did not answer within {} s",
                    source.key(),
                    TIMEOUT.as_secs()
                )),
            };
            let found = found.unwrap_or_else(|reason| {
                reasons.push(reason);
                known
            });
            now.insert(source.key(), found);
        }
        known.looked = Some(Instant::now());
        let (count, most) = (template.targets.all(&now).len(), template.targets.at_most);
        if now != before {
            tracing::info!(probe = name, now = count, "Another set of targets");
            self.all().insert(name.clone(), now);
            self.keep();
            self.changed.notify_one();
        }
        if count == 0 {
            reasons.push("its sources name no target".to_owned());
        }
        let crowded = format!("{count} targets were found, and {most} at most are measured");
        let trouble = match reasons.is_empty() {
            false => Some(("unfound", reasons.join("; "))),
            true => (count > most).then_some(("crowded", crowded)),
        };
        if trouble.is_none() {
            known.since_ms = None;
        }
        let condition = trouble.map(|(word, reason)| {
            tracing::warn!(probe = name, reason, "Targets");
            Condition {
                word: word.to_owned(),
                severity: Severity::Warning,
                reason,
                since_ms: *known.since_ms.get_or_insert_with(now_ms),
            }
        });
        let route = project.file.alerts.route(&template.probe.alert.tell);
        self.levels.put(Level {
            labels: template.probe.alert.labels("targets", name),
            facts: template.probe.alert.facts(),
            ..Level::new(
                format!("{KIND}{name}"),
                format!("targets/{name}"),
                route,
                condition,
            )
        });
    }

    /// Writes what was found beside the state, whole or not at all.
    fn keep(&self) {
        let text = serde_json::to_vec_pretty(&*self.all()).unwrap_or_default();
        let new = self.kept.with_extension("new");
        let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &self.kept));
        if let Err(error) = written {
            tracing::error!(%error, "The targets that were found cannot be kept; a restart has to find them again");
        }
    }
}

/// What was kept beside the state; nothing where nothing was.
fn read(kept: &Path) -> Result<Discovered, String> {
    let failed = |error: &dyn std::fmt::Display| format!("`{}`: {error}", kept.display());
    match std::fs::read(kept) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| failed(&error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Discovered::new()),
        Err(error) => Err(failed(&error)),
    }
}

/// All that a source says now.
async fn look_up(
    targets: &Targets,
    source: Source<'_>,
    means: &Means,
) -> Result<Vec<Found>, String> {
    match source {
        Source::Files(path) => {
            let mut found = Vec::new();
            for file in matching(path).await? {
                let text = tokio::fs::read_to_string(&file).await;
                let text =
                    text.map_err(|error| format!("`{}` cannot be read: {error}", file.display()))?;
                let groups = targets.groups(&value_of(&file, &text)?);
                found.extend(groups.map_err(|reason| format!("`{}`: {reason}", file.display()))?);
            }
            Ok(found)
        }
        Source::Http(url, token) => {
            let list = ask(&means.connector, url, secret(token, means)?).await?;
            let groups = targets.groups(&list);
            groups.map_err(|reason| format!("`{url}`: {reason}"))
        }
        Source::Srv(name) => {
            let server = targets.dns_server.as_deref();
            let records = dns::ask(name, "SRV", server, TIMEOUT).await;
            let records = match records.map_err(|fault| fault.detail)? {
                dns::Found::Records(records) => records,
                dns::Found::Nothing(why) => return Err(why),
            };
            let labels = BTreeMap::from([("dns_srv".to_owned(), name.to_owned())]);
            let target = |record: String| {
                // Priority, weight, port, target.
                let [_, _, port, host] = record.split_whitespace().collect::<Vec<_>>()[..] else {
                    return Err(format!("`{record}` is no SRV record"));
                };
                let address = format!("{}:{port}", host.trim_end_matches('.'));
                Ok(Found {
                    url: targets.url_of(&address, None),
                    labels: labels.clone(),
                })
            };
            records.into_iter().map(target).collect()
        }
        Source::Cluster(cluster) => {
            let list = objects(cluster, means).await?;
            if !list["items"].is_array() {
                return Err("the API server answers with no list".to_owned());
            }
            Ok(targets.objects(&list, cluster.ingresses))
        }
    }
}

/// The files that a path names; `*` in its last part stands for any letters. A path without one is a file.
async fn matching(path: &Path) -> Result<Vec<PathBuf>, String> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let Some((start, end)) = name.split_once('*') else {
        return Ok(vec![path.to_owned()]);
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| format!("`{}` cannot be read: {error}", folder.display());
    let mut entries = tokio::fs::read_dir(folder).await.map_err(failed)?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(failed)? {
        let found = entry.file_name().to_string_lossy().into_owned();
        let fits = found.len() >= start.len() + end.len()
            && found.starts_with(start)
            && found.ends_with(end);
        if fits {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// A file of groups, as JSON or YAML.
fn value_of(file: &Path, text: &str) -> Result<Value, String> {
    let source = Arc::new(crate::document::Source {
        path: file.display().to_string(),
        text: text.to_owned(),
    });
    let mut found = crate::document::Diagnostics::default();
    let node = crate::document::node::parse(&source, &mut found);
    let node = node.filter(|_| !found.has_errors());
    node.map(|node| node.to_json()).ok_or_else(|| {
        let first = found.sorted().first().map(|item| item.title.clone());
        format!("`{}`: {}", file.display(), first.unwrap_or_default())
    })
}

fn secret(token: Option<&Template>, means: &Means) -> Result<Option<String>, String> {
    let Some(token) = token else {
        return Ok(None);
    };
    let filled = means.fill(token, &BTreeMap::new())?;
    Ok(Some(filled.expose().to_owned()))
}

async fn ask(connector: &Connector, url: &str, token: Option<String>) -> Result<Value, String> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(token) = token {
        let value = bearer(&token).map_err(|reason| format!("`{url}`: {reason}"))?;
        headers.insert(AUTHORIZATION, value);
    }
    let reply = send(connector, Method::GET, url, headers, Bytes::new(), TIMEOUT).await;
    let reply = reply.map_err(|fault| format!("`{url}`: {}", fault.detail))?;
    if reply.status != StatusCode::OK {
        return Err(format!("`{url}` answers {}", reply.status));
    }
    serde_json::from_slice(&reply.body).map_err(|error| format!("`{url}` answers no JSON: {error}"))
}

async fn objects(cluster: &Kubernetes, means: &Means) -> Result<Value, String> {
    let pod = Path::new(POD);
    let ca_file = cluster
        .ca_file
        .clone()
        .or_else(|| cluster.api.is_none().then(|| pod.join("ca.crt")));
    let own;
    let connector = match &ca_file {
        None => &means.connector,
        Some(path) => {
            own = Connector::new(Settings::new(Some(path))?, Duration::ZERO);
            &own
        }
    };
    let token = match secret(cluster.token.as_ref(), means)? {
        None if cluster.api.is_none() => {
            let token = tokio::fs::read_to_string(pod.join("token")).await;
            Some(token.map_err(|error| format!("the token of the pod cannot be read: {error}"))?)
        }
        token => token,
    };
    let api = cluster
        .api
        .as_deref()
        .unwrap_or("https://kubernetes.default.svc");
    let (group, kind) = match cluster.ingresses {
        true => ("apis/networking.k8s.io/v1", "ingresses"),
        false => ("api/v1", "services"),
    };
    let within = cluster
        .namespace
        .as_ref()
        .map(|name| format!("namespaces/{name}/"))
        .unwrap_or_default();
    let mut url = format!("{}/{group}/{within}{kind}", api.trim_end_matches('/'));
    if let Some(selector) = &cluster.selector {
        let encoded =
            percent_encoding::utf8_percent_encode(selector, percent_encoding::NON_ALPHANUMERIC);
        url = format!("{url}?labelSelector={encoded}");
    }
    ask(connector, &url, token).await
}
