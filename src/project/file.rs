//! `bellwether.yaml` after reading: environments, probes, gates, channels.
//!
//! Knows the meaning of one configuration file. Secrets are still references here; they are
//! fetched by [`secrets`]. Files are read by `config`.

use super::access::Holder;
use super::alerts::AlertPolicy;
use super::asking::Asking;
use super::found::Discovered;
use super::gate::Gate;
use super::heartbeat::{DeadMan, Heartbeat};
use super::keeping::Keeping;
use super::openid::OpenId;
use super::probe::Probe;
use super::pushing::Push;
use super::slo::Slo;
use super::status_page::StatusPage;
use super::targets::{ProbeTemplate, expanded};
use crate::alert::channel::Channel;
use crate::document::diagnostic::Diagnostics;
use crate::document::source::Source;
use crate::environment::proxies::ProxySource;
use crate::environment::secrets::fetch_all;
use crate::environment::settings::{Environment, SecretSource};
use crate::module::settings::Modules;
use crate::net::connect::Connector;
use crate::net::tls::Settings;
use crate::scenario::Plan;
use crate::scenario::template::Template;
use crate::secret::Secret;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The whole configuration.
#[derive(Debug)]
pub struct File {
    /// The file it came from.
    pub source: Arc<Source>,
    /// The folder that its relative paths start from.
    pub folder: PathBuf,
    /// Address and port to listen on.
    pub listen: String,
    /// Bearer token of the API.
    pub token: Option<Template>,
    /// Tokens with names.
    pub tokens: Vec<Holder>,
    /// Who knows people that log in by a browser.
    pub openid: Option<OpenId>,
    /// Whether `/metrics` needs no token, though there are some.
    pub opens_metrics: bool,
    /// The address that people reach it under.
    pub public_url: Option<String>,
    /// The SQLite file.
    pub state: PathBuf,
    /// How long what was seen is kept.
    pub keeping: Keeping,
    /// Where secrets are kept.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Who stands on the way of the daemon's own errands.
    pub proxy: Option<ProxySource>,
    /// Environments by name.
    pub environments: BTreeMap<String, Arc<Environment>>,
    /// Probes that stand for themselves.
    pub probes: Vec<Probe>,
    /// Probes that stand for many.
    pub templates: Vec<ProbeTemplate>,
    /// Gates.
    pub gates: Vec<Gate>,
    /// Channels by name.
    pub channels: BTreeMap<String, Box<dyn Channel>>,
    /// Objectives over weeks.
    pub slos: Vec<Slo>,
    /// Pages that everybody may see.
    pub status_pages: Vec<StatusPage>,
    /// Jobs that report to us.
    pub heartbeats: Vec<Heartbeat>,
    /// The heartbeat that we send.
    pub dead_man: Option<DeadMan>,
    /// To whom metrics are pushed.
    pub pushes: Vec<Push>,
    /// How alerts are told.
    pub alerts: AlertPolicy,
    /// Files with objectives of OpenSLO, and who is told of them.
    pub openslo: (Vec<PathBuf>, Vec<String>),
    /// What can be asked for by `/probe`.
    pub asking: Asking,
}

impl File {
    /// Channels that are told of Bellwether's own troubles: all of them where nothing else is said.
    pub fn own_channels(&self) -> Vec<String> {
        match self.alerts.own.as_slice() {
            [] => self.channels.keys().cloned().collect(),
            own => own.to_vec(),
        }
    }

    /// A gate by its name.
    pub fn gate(&self, name: &str) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.name == name)
    }
}

/// A configuration and the scenarios that it names.
#[derive(Debug)]
pub struct Project {
    /// The configuration.
    pub file: Arc<File>,
    /// All probes, those of targets among them.
    pub probes: Vec<Probe>,
    /// Compiled scenarios by the path under which the configuration names them.
    pub plans: Arc<BTreeMap<PathBuf, Arc<Plan>>>,
    /// Modules, for whoever wants a target looked at once.
    pub modules: Arc<Modules>,
}

impl Project {
    /// The same with these targets.
    pub fn with_targets(&self, found: &Discovered) -> Project {
        Project {
            probes: expanded(&self.file.probes, &self.file.templates, found),
            file: self.file.clone(),
            plans: self.plans.clone(),
            modules: self.modules.clone(),
        }
    }
}

/// What opens sockets for errands of our own: messages, platforms, evidence from elsewhere.
///
/// # Errors
///
/// Which file cannot be used, or what is wrong with the proxy.
pub fn connector(
    file: &File,
    ca_file: Option<&Path>,
    dns_ttl: Duration,
) -> Result<Connector, String> {
    let proxies = file.proxy.as_ref().map(ProxySource::resolved).transpose()?;
    Ok(Connector::new(Settings::new(ca_file)?, dns_ttl).by(proxies))
}

/// Fetches the secrets that a configuration declares; those that are missing are reported by name.
pub fn secrets(file: &File, found: &mut Diagnostics) -> BTreeMap<String, Secret> {
    fetch_all(&file.secrets, "the configuration", found)
}
