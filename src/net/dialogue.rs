//! A conversation in lines over a connection: what is said, and which line is waited for.
//!
//! Knows no protocol: banners and answers of SMTP, IMAP, POP3, SSH, Redis and the like are lines. Invariant: what is read
//! is bounded, and what was read is kept, also where what was waited for never came.

use super::fault::{ErrorClass, Fault};
use bytes::{Bytes, BytesMut};
use regex::Regex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes that a step reads at the most.
pub const RECEIVED_MAX: usize = 64 * 1024;
/// Characters of the last line that are shown.
const SHOWN_MAX: usize = 160;

/// One turn.
#[derive(Debug, Clone)]
pub enum Turn {
    /// This is sent as it stands.
    Send(String),
    /// Lines are read until one fits; those before it are passed over.
    Expect(Regex),
}

/// Holds a conversation; what came is in `heard`, also where it is given up in the middle.
///
/// # Errors
///
/// What was waited for did not come before the other side ended, or the connection broke.
pub async fn hold(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    turns: &[Turn],
    heard: &mut Heard,
) -> Result<(), Fault> {
    for turn in turns {
        match turn {
            Turn::Send(text) => {
                let sent = stream.write_all(text.as_bytes()).await;
                sent.map_err(|error| Fault::from_io("sending", &error))?;
            }
            Turn::Expect(wanted) => heard.wait_for(stream, wanted).await?,
        }
    }
    Ok(())
}

/// What was heard, and how much of it was looked at.
#[derive(Debug)]
pub struct Heard {
    all: BytesMut,
    seen: usize,
    limit: usize,
    is_over: bool,
}

impl Heard {
    /// Nothing yet, of no more than so many bytes.
    pub fn new(limit: usize) -> Heard {
        Heard {
            all: BytesMut::new(),
            seen: 0,
            limit,
            is_over: false,
        }
    }

    /// All that came.
    pub fn all(self) -> Bytes {
        self.all.freeze()
    }

    /// Whether something came that nobody looked at.
    pub fn has_more(&self) -> bool {
        self.seen < self.all.len()
    }

    /// Whether as much came as is read.
    pub fn is_full(&self) -> bool {
        self.all.len() >= self.limit
    }

    /// What came last, as people read it.
    pub fn last(&self) -> String {
        let text = String::from_utf8_lossy(&self.all);
        let mut lines = text.lines().rev();
        let last = lines
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        match last.is_empty() {
            true => "nothing".to_owned(),
            false => format!("{:?}", last.chars().take(SHOWN_MAX).collect::<String>()),
        }
    }

    /// The next line, without its end; nothing where there is none any more, or too much came. What was read is kept
    /// where it is given up in the middle.
    ///
    /// # Errors
    ///
    /// The connection broke.
    pub async fn line(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<Vec<u8>>, Fault> {
        loop {
            if let Some(line) = self.next_line() {
                return Ok(Some(line));
            }
            if self.is_over || self.is_full() {
                return Ok(None);
            }
            let read = stream.read_buf(&mut self.all).await;
            let read = read.map_err(|error| Fault::from_io("reading", &error))?;
            self.is_over = read == 0;
        }
    }

    /// The next line of what came; the last one may have no end.
    fn next_line(&mut self) -> Option<Vec<u8>> {
        let rest = &self.all[self.seen..];
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (length, next) = match end {
            Some(end) => (end, end + 1),
            None if self.is_over && !rest.is_empty() => (rest.len(), rest.len()),
            None => return None,
        };
        let line = &rest[..length];
        let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
        self.seen += next;
        Some(line)
    }

    async fn wait_for(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        wanted: &Regex,
    ) -> Result<(), Fault> {
        while let Some(line) = self.line(stream).await? {
            if wanted.is_match(&String::from_utf8_lossy(&line)) {
                return Ok(());
            }
        }
        let said = match self.is_over {
            true => format!("{}, and the connection was closed", self.last()),
            false => format!("{} KiB of something else", self.limit >> 10),
        };
        Err(unheard(wanted, &said))
    }
}

fn unheard(wanted: &Regex, said: &str) -> Fault {
    let detail = format!("expected a line that fits `{wanted}`, got {said}");
    Fault::new(ErrorClass::Protocol, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn held(says: &[u8], turns: &[Turn]) -> (String, Result<(), String>, String) {
        let (mut ours, mut theirs) = tokio::io::duplex(256 * 1024);
        theirs.write_all(says).await.unwrap();
        theirs.shutdown().await.unwrap();
        let mut heard = Heard::new(RECEIVED_MAX);
        let done = hold(&mut ours, turns, &mut heard).await;
        drop(ours);
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.unwrap();
        let heard = String::from_utf8_lossy(&heard.all()).into_owned();
        let sent = String::from_utf8_lossy(&sent).into_owned();
        (heard, done.map_err(|fault| fault.to_string()), sent)
    }

    fn expect(pattern: &str) -> Turn {
        Turn::Expect(Regex::new(pattern).unwrap())
    }

    #[tokio::test]
    async fn lines_are_waited_for_in_order() {
        let turns = [
            expect("^220 "),
            Turn::Send("EHLO x\r\n".to_owned()),
            expect("^250 "),
        ];
        let says = b"220-hello\r\n220 ready\r\n250-SIZE\r\n250 STARTTLS";
        let (heard, done, sent) = held(says, &turns).await;
        assert_eq!((done, sent.as_str()), (Ok(()), "EHLO x\r\n"));
        assert!(heard.ends_with("STARTTLS"), "{heard}");
    }

    #[tokio::test]
    async fn what_never_comes_is_told_with_what_came() {
        let turns = [expect("^SSH-2")];
        let (heard, done, _) = held(b"HTTP/1.1 400 Bad Request\r\n", &turns).await;
        let why = done.unwrap_err();
        assert!(
            why.contains("expected a line that fits `^SSH-2`, got \"HTTP/1.1 400 Bad Request\""),
            "{why}"
        );
        assert!(heard.starts_with("HTTP"), "it is kept");
        let why = held(b"", &turns).await.1.unwrap_err();
        assert!(
            why.contains("got nothing, and the connection was closed"),
            "{why}"
        );
        let flood = "x\n".repeat(RECEIVED_MAX);
        let why = held(flood.as_bytes(), &turns).await.1.unwrap_err();
        assert!(why.contains("64 KiB of something else"), "{why}");
    }
}
