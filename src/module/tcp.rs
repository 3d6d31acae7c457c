//! A connection to a target, with the conversation that the module asks for.
//!
//! Lines are what is heard: each `expect` reads on until one matches. TLS may begin at the start or in between.

use super::reach;
use super::seen::{REGEX, Seen};
use super::settings::{Tcp, Turn};
use crate::limits;
use crate::net::connect::host_port;
use crate::net::dialogue::Heard;
use crate::net::stream::Stream;
use crate::net::{ErrorClass, Fault};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout_at;

/// A socket and what came from it.
struct Talk {
    stream: Stream,
    heard: Heard,
    deadline: Instant,
}

impl Talk {
    /// The next line, without its end; nothing where there is none any more.
    async fn line(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let reading = self.heard.line(&mut self.stream);
        let read = timeout_at(self.deadline.into(), reading).await;
        let late = |_| reach::late(ErrorClass::TimeoutReceive, "the next line");
        let line = read.map_err(late)??;
        if line.is_none() && self.heard.is_full() {
            let title = "what is expected is not among the first megabytes";
            return Err(Fault::new(ErrorClass::BodyTooLarge, title));
        }
        Ok(line)
    }

    async fn say(&mut self, text: &str) -> Result<(), Fault> {
        let line = format!("{text}\n");
        let writing = async {
            self.stream.write_all(line.as_bytes()).await?;
            self.stream.flush().await
        };
        let written = timeout_at(self.deadline.into(), writing).await;
        let written = written.map_err(|_| reach::late(ErrorClass::TimeoutSend, "what is said"))?;
        written.map_err(|error| Fault::from_io("writing", &error))
    }
}

/// Looks at a target.
///
/// # Errors
///
/// Why it did not go well.
pub async fn look(
    settings: &Tcp,
    target: &str,
    deadline: Instant,
    seen: &mut Seen,
) -> Result<(), Fault> {
    seen.set(REGEX, 0.0);
    let bare = target.split_once("://").map_or(target, |(_, rest)| rest);
    let (host, port) =
        host_port(bare, 0).map_err(|reason| Fault::new(ErrorClass::Template, reason))?;
    if port == 0 {
        return Err(Fault::new(
            ErrorClass::Template,
            format!("`{target}` has no port"),
        ));
    }
    let ip = reach::resolve(&host, settings.family, deadline, seen).await?;
    let tcp = reach::connect(SocketAddr::new(ip, port), deadline).await?;
    let mut talk = Talk {
        stream: Stream::Plain(tcp),
        heard: Heard::new(limits::BODY_BYTES_MAX),
        deadline,
    };
    if settings.speaks_tls {
        talk = secured(talk, settings, &host, seen).await?;
    }
    for turn in &settings.conversation {
        let said = take(&mut talk, turn, seen).await?;
        if let Some(text) = said {
            seen.note(format!("says `{text}`"));
            talk.say(&text).await?;
        }
        if turn.starts_tls {
            talk = secured(talk, settings, &host, seen).await?;
        }
    }
    Ok(())
}

/// One turn: waits for what is expected, and gives what is to be said then.
async fn take(talk: &mut Talk, turn: &Turn, seen: &mut Seen) -> Result<Option<String>, Fault> {
    let Some(pattern) = &turn.expect else {
        return Ok(turn.send.clone());
    };
    while let Some(line) = talk.line().await? {
        seen.note(format!("hears `{}`", String::from_utf8_lossy(&line)));
        if let Some(found) = pattern.captures(&line) {
            let said = turn.send.as_ref().map(|template| {
                let mut text = Vec::new();
                found.expand(template.as_bytes(), &mut text);
                String::from_utf8_lossy(&text).into_owned()
            });
            return Ok(said);
        }
    }
    seen.set(REGEX, 1.0);
    let title = format!("no line matched `{pattern}`");
    Err(Fault::new(ErrorClass::Check, title))
}

async fn secured(talk: Talk, settings: &Tcp, host: &str, seen: &mut Seen) -> Result<Talk, Fault> {
    let Stream::Plain(tcp) = talk.stream else {
        return Err(Fault::new(ErrorClass::Protocol, "TLS is spoken already"));
    };
    if talk.heard.has_more() {
        // Whoever is in between could have put it there (CVE-2011-0411).
        return Err(Fault::new(
            ErrorClass::Protocol,
            "something was said in plain text before TLS began",
        ));
    }
    let (stream, facts, _) = reach::secure(tcp, &settings.tls, host, &[], talk.deadline).await?;
    seen.tls(&facts);
    Ok(Talk { stream, ..talk })
}
