//! An environment as configured. Secrets are still references here.

use super::proxies::ProxySource;
use super::windows::Windows;
use crate::browser;
use crate::net::connect::Connector;
use crate::net::proxies::Proxies;
use crate::net::tls::Settings;
use crate::scenario::expression::Expression;
use crate::scenario::template::Template;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where a secret is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SecretSource {
    /// Environment variables, in order.
    pub env: Vec<String>,
    /// A file.
    pub file: Option<PathBuf>,
    /// A command.
    pub command: Vec<String>,
}

/// One environment.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Its services.
    pub services: BTreeMap<String, Service>,
    /// What nothing can exceed.
    pub caps: Caps,
    /// Values of inputs.
    pub inputs: BTreeMap<String, String>,
    /// Where secrets are kept.
    pub secrets: BTreeMap<String, SecretSource>,
    /// When deploys are verified.
    pub windows: Option<Windows>,
    /// Whether actions are performed; only said otherwise.
    pub enforce: bool,
    /// What is trusted here, and what we show of ourselves.
    pub tls_files: TlsFiles,
    /// Who stands on the way.
    pub proxy: Option<ProxySource>,
    /// Which browser opens its pages, and how it is started.
    pub browser: browser::settings::Settings,
    /// Addresses that can be reached from where we should be.
    pub vantage: Vec<(String, u16)>,
}

/// Files in which certificates stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsFiles {
    /// Further certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// The certificate that we show, and its key.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    /// Whether nothing is read from any.
    pub fn is_empty(&self) -> bool {
        *self == TlsFiles::default()
    }

    /// What they hold now.
    ///
    /// # Errors
    ///
    /// Which file cannot be used, and why.
    pub fn settings(&self) -> Result<Settings, String> {
        let settings = Settings::new(self.ca_file.as_deref())?;
        match &self.client_certificate {
            None => Ok(settings),
            Some((certificate, key)) => settings.showing(certificate, key),
        }
    }
}

impl Environment {
    /// What opens sockets here; `dns_ttl` is how long addresses are kept.
    ///
    /// # Errors
    ///
    /// Which file cannot be used, or what is wrong with the proxy.
    pub fn connector(&self, dns_ttl: Duration) -> Result<Connector, String> {
        let connector = Connector::new(self.tls_files.settings()?, dns_ttl);
        Ok(connector.by(self.proxies()?))
    }

    /// Whether what opens sockets here is read from outside: files, variables, a password.
    pub fn reads_for_sockets(&self) -> bool {
        !self.tls_files.is_empty() || self.proxy.is_some()
    }

    /// Proxies on the way, with their passwords.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn proxies(&self) -> Result<Option<Arc<Proxies>>, String> {
        self.proxy.as_ref().map(ProxySource::resolved).transpose()
    }

    /// Whether a host is one of its services', in any case of its letters.
    pub fn is_own_host(&self, host: &str) -> bool {
        let of = |url: &str| -> Option<String> {
            let url = crate::net::address::url(url).ok()?;
            url.host().map(str::to_ascii_lowercase)
        };
        let host = host.to_ascii_lowercase();
        self.services
            .values()
            .any(|service| of(&service.url).is_some_and(|own| own == host))
    }

    /// Requests per second that one of its services may be asked, if anything says so.
    pub fn rate_of(&self, service: &str) -> Option<f64> {
        let own = self.services.get(service).and_then(|found| found.limit);
        [own, self.caps.rate].into_iter().flatten().reduce(f64::min)
    }
}

/// One service.
#[derive(Debug, Clone)]
pub struct Service {
    /// Base URL without a slash at its end.
    pub url: String,
    /// Requests per second that it allows one address.
    pub limit: Option<f64>,
    /// How its version is read.
    pub version: Option<Arc<VersionSource>>,
}

/// How a served version is read.
#[derive(Debug)]
pub struct VersionSource {
    /// Who is asked.
    pub from: VersionFrom,
    /// Where it stands in the answer: a text, or a list with that of each instance.
    pub value: Expression,
}

/// Who says which version is served.
#[derive(Debug)]
pub enum VersionFrom {
    /// The service itself, at a path: whichever instance answers.
    Path(String),
    /// A platform, over HTTP: of all instances at once.
    Platform {
        /// Its address.
        url: Template,
        /// A bearer token.
        bearer: Option<Template>,
    },
    /// A program that asks a platform: of all instances at once.
    Command {
        /// Its words.
        words: Vec<Template>,
        /// Its working directory.
        folder: PathBuf,
    },
}

impl VersionSource {
    /// Whether one answer is about all instances, and not about the one that answers.
    pub fn is_of_all(&self) -> bool {
        !matches!(self.from, VersionFrom::Path(_))
    }
}

/// What nothing can exceed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Caps {
    /// Requests per second.
    pub rate: Option<f64>,
    /// Virtual users.
    pub users: Option<u64>,
}
