//! Talking to a running daemon.

use super::exit::Exit;
use crate::net::client;
use crate::net::connect::Connector;
use crate::net::tls::Settings;
use http::{HeaderMap, HeaderValue, Method};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How the daemon is found.
#[derive(Debug, Clone, clap::Args)]
pub struct Server {
    /// Address of the daemon
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:9911",
        env = "BELLWETHER_SERVER"
    )]
    pub server: String,
    /// The server's token; better set the variable than show it in a process list
    #[arg(long, global = true, env = "BELLWETHER_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// Why a request to the daemon gave nothing.
#[derive(Debug)]
pub enum Refusal {
    /// It was not reached.
    Unreached(String),
    /// It answered with a problem.
    Problem(u16, String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Unreached(reason) => write!(
                f,
                "the daemon was not reached: {reason}; is `bellwether serve` running, and is `--server` right?"
            ),
            Refusal::Problem(_, detail) => f.write_str(detail),
        }
    }
}

impl Refusal {
    /// Says it, and gives the exit code of a command that decides nothing.
    pub fn complain(&self) -> Exit {
        crate::cli::commands::complain(self);
        match self {
            Refusal::Unreached(_) => Exit::Inconclusive,
            Refusal::Problem(..) => Exit::Usage,
        }
    }
}

impl Server {
    /// Asks for JSON.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Result<T, Refusal> {
        let bytes = self.send(method, path, body).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Refusal::Unreached(format!("its answer is not what was expected: {error}"))
        })
    }

    /// Sends a request and gives the body of a successful answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Result<bytes::Bytes, Refusal> {
        let settings = Settings::new(None).map_err(Refusal::Unreached)?;
        let connector = Connector::new(settings, Duration::ZERO);
        let mut headers = HeaderMap::new();
        headers.insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if let Some(token) = &self.token {
            let value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| Refusal::Unreached("the token cannot stand in a header".to_owned()))?;
            headers.insert(http::header::AUTHORIZATION, value);
        }
        let url = format!("{}{path}", self.server.trim_end_matches('/'));
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let reply = client::send(
            &connector,
            method,
            &url,
            headers,
            body.into(),
            Duration::from_secs(60),
        )
        .await
        .map_err(|fault| Refusal::Unreached(fault.detail))?;
        if reply.status.is_success() {
            return Ok(reply.body);
        }
        let problem: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let detail = problem["detail"].as_str().map_or_else(
            || String::from_utf8_lossy(&reply.body).trim().to_owned(),
            str::to_owned,
        );
        Err(Refusal::Problem(reply.status.as_u16(), detail))
    }
}
