//! A proxy on the way to a host: how it is asked for a way through, by `CONNECT` (RFC 9110, section
//! 9.3.6) or SOCKS5 (RFC 1928 and 1929).
//!
//! Plain HTTP goes by `CONNECT`, too: asked for a whole URL, a proxy answers for a dead target with a status of its own, which
//! nobody can tell from the product's. Invariant: what a proxy refuses is never said of the product.

use super::connect::host_port;
use super::digest::Credentials;
use super::fault::{ErrorClass, Fault};
use crate::secret::Secret;
use base64::Engine as _;
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes of a proxy's answer at the most.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Connect,
    Socks,
}

/// One proxy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    kind: Kind,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// A proxy, and who we are there, if it wants to know.
pub type Entrance = (Proxy, Option<Credentials>);

impl Proxy {
    /// A proxy as it is written: `http://host:3128`, `socks5://host:1080`, with or without a name and a password.
    ///
    /// # Errors
    ///
    /// It is none; a password is not shown.
    pub fn parse(written: &str) -> Result<Entrance, String> {
        let (scheme, rest) = written.split_once("://").unwrap_or(("http", written));
        let (kind, usual) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Kind::Connect, 80),
            "socks5" | "socks5h" => (Kind::Socks, 1080),
            other => {
                return Err(format!(
                    "proxies are reached by `http://` or `socks5://`, not by `{other}://`"
                ));
            }
        };
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let (host, port) = host_port(place.trim_end_matches('/'), usual)
            .map_err(|_| "it names no host, such as `http://proxy.example:3128`".to_owned())?;
        let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let who = user.map(|user| {
            let (user, word) = user.split_once(':').unwrap_or((user, ""));
            Credentials {
                user: plain(user),
                password: Secret::new(plain(word)),
            }
        });
        Ok((Proxy { kind, host, port }, who))
    }

    /// Asks for a way through to a host, on a connection to the proxy.
    ///
    /// # Errors
    ///
    /// The proxy refused, or said nothing that can be understood; that a target refused is told as that.
    pub async fn through(
        &self,
        who: Option<&Credentials>,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        place: (&str, u16),
    ) -> Result<(), Fault> {
        let asked = match self.kind {
            Kind::Connect => self.connect(who, stream, place).await,
            Kind::Socks => self.socks(who, stream, place).await,
        };
        asked.map_err(|broke| match broke {
            Broke::Refused(fault) => fault,
            Broke::Io(error) => self.fault(&format!("broke off: {error}")),
        })
    }

    /// A failure of the proxy.
    pub fn fault(&self, what: &str) -> Fault {
        Fault::new(
            ErrorClass::Proxy,
            format!("the proxy `{}:{}` {what}", self.host, self.port),
        )
    }

    async fn connect(
        &self,
        who: Option<&Credentials>,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        (host, port): (&str, u16),
    ) -> Result<(), Broke> {
        let place = match host.contains(':') && !host.starts_with('[') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        let mut head = format!("CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n");
        if let Some(who) = who {
            let pair = format!("{}:{}", who.user, who.password.expose());
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            head.push_str(&format!("proxy-authorization: Basic {pair}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).await?;
        let mut answer = Vec::new();
        // Byte by byte: what follows is of the target, which may speak first.
        while !answer.ends_with(b"\r\n\r\n") && !answer.ends_with(b"\n\n") {
            if answer.len() >= HEAD_BYTES_MAX {
                return Err(self.fault("answered with a head without an end").into());
            }
            answer.push(stream.read_u8().await?);
        }
        let line = String::from_utf8_lossy(&answer);
        let line = line.lines().next().unwrap_or_default();
        let status = line
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.split(' ').nth(1)?.parse::<u16>().ok());
        match status {
            Some(200..=299) => Ok(()),
            Some(407) => Err(self
                .fault(&format!(
                    "wants a name and a password that are right (407 to CONNECT {place})"
                ))
                .into()),
            Some(status) => Err(self
                .fault(&format!("answered {status} to CONNECT {place}"))
                .into()),
            None => Err(self.fault(&format!("speaks no HTTP: {line:?}")).into()),
        }
    }

    async fn socks(
        &self,
        who: Option<&Credentials>,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        (host, port): (&str, u16),
    ) -> Result<(), Broke> {
        let methods: &[u8] = if who.is_some() {
            &[5, 2, 0, 2]
        } else {
            &[5, 1, 0]
        };
        stream.write_all(methods).await?;
        let mut chosen = [0; 2];
        stream.read_exact(&mut chosen).await?;
        match (chosen, who) {
            ([5, 0], _) => {}
            ([5, 2], Some(who)) => self.log_in(stream, who).await?,
            ([5, _], _) => return Err(self.fault("lets nobody in who is not named").into()),
            _ => return Err(self.fault("does not speak SOCKS5").into()),
        }
        let bare = host.trim_matches(['[', ']']);
        let mut asked = vec![5, 1, 0];
        match bare.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => {
                asked.push(1);
                asked.extend(address.octets());
            }
            Ok(IpAddr::V6(address)) => {
                asked.push(4);
                asked.extend(address.octets());
            }
            Err(_) => {
                let length = u8::try_from(bare.len())
                    .map_err(|_| self.fault("takes no name that is so long"))?;
                asked.extend([3, length]);
                asked.extend(bare.as_bytes());
            }
        }
        asked.extend(port.to_be_bytes());
        stream.write_all(&asked).await?;
        let mut head = [0; 4];
        stream.read_exact(&mut head).await?;
        let rest = match head[3] {
            1 => 4,
            4 => 16,
            3 => usize::from(stream.read_u8().await?),
            _ => return Err(self.fault("does not speak SOCKS5").into()),
        };
        stream.read_exact(&mut vec![0; rest + 2]).await?;
        let place = format!("{host}:{port}");
        match head[1] {
            0 => Ok(()),
            2 => Err(self.fault(&format!("does not allow {place}")).into()),
            3 | 4 => Err(self.fault(&format!("has no way to {place}")).into()),
            5 => Err(Fault::new(
                ErrorClass::Refused,
                format!(
                    "{place} refused the connection of the proxy `{}:{}`",
                    self.host, self.port
                ),
            )
            .into()),
            other => Err(self
                .fault(&format!("failed to connect to {place} ({other})"))
                .into()),
        }
    }

    async fn log_in(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        who: &Credentials,
    ) -> Result<(), Broke> {
        let mut said = vec![1];
        for text in [who.user.as_str(), who.password.expose()] {
            let length = u8::try_from(text.len())
                .map_err(|_| self.fault("takes no name or password that is so long"))?;
            said.push(length);
            said.extend(text.as_bytes());
        }
        stream.write_all(&said).await?;
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).await?;
        match answer[1] {
            0 => Ok(()),
            _ => Err(self
                .fault("wants a name and a password that are right")
                .into()),
        }
    }
}

/// Why there is no way through.
enum Broke {
    Refused(Fault),
    Io(std::io::Error),
}

impl From<std::io::Error> for Broke {
    fn from(error: std::io::Error) -> Broke {
        Broke::Io(error)
    }
}

impl From<Fault> for Broke {
    fn from(fault: Fault) -> Broke {
        Broke::Refused(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_a_proxy_answers_is_told(kind in "http|socks5", answer in proptest::collection::vec(any::<u8>(), 0..60)) {
            let (proxy, who) = Proxy::parse(&format!("{kind}://ann:word@proxy:1")).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (mut own, mut other) = tokio::io::duplex(1 << 16);
                let _ = other.write_all(&answer).await;
                let _ = other.shutdown().await;
                if let Err(fault) = proxy.through(who.as_ref(), &mut own, ("shop.example", 443)).await {
                    assert!(!fault.detail.contains("word"), "{}", fault.detail);
                }
            });
        }
    }
}
