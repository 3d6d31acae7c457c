//! From a protocol in the clear to TLS on the same connection, as each protocol asks for it.
//!
//! Knows just enough of each to ask: SMTP (RFC 3207), IMAP (RFC 9051), POP3 (RFC 2595), FTP (RFC 4217), LDAP (RFC 4511),
//! and the protocols of PostgreSQL and MySQL. Never sends anything else in the clear. Invariant: nothing that comes after
//! the answer is read, for it would be somebody's who is between us and the server.

use super::fault::{ErrorClass, Fault};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes of a line at the most.
const LINE_MAX: usize = 4_096;
/// Lines of an answer at the most.
const LINES_MAX: usize = 100;
/// Bytes of a packet at the most.
const PACKET_MAX: usize = 16 * 1024;

/// A protocol that can go over to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// SMTP.
    Smtp,
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// FTP.
    Ftp,
    /// LDAP.
    Ldap,
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
}

impl Protocol {
    /// Their names, as the language has them.
    pub const NAMES: [&'static str; 7] =
        ["smtp", "imap", "pop3", "ftp", "ldap", "postgres", "mysql"];

    /// One by its name.
    pub fn of(name: &str) -> Option<Protocol> {
        use Protocol::{Ftp, Imap, Ldap, Mysql, Pop3, Postgres, Smtp};
        let all = [Smtp, Imap, Pop3, Ftp, Ldap, Postgres, Mysql];
        let place = Protocol::NAMES.iter().position(|known| *known == name)?;
        all.get(place).copied()
    }
}

/// Asks for TLS, until the server is ready for the handshake.
///
/// # Errors
///
/// The server says something else, or nothing any more.
pub async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    protocol: Protocol,
) -> Result<(), Fault> {
    match protocol {
        Protocol::Smtp => {
            answer(stream, "SMTP", "", "220").await?;
            send(stream, b"EHLO bellwether\r\n").await?;
            let offers = answer(stream, "SMTP", "", "250").await?;
            let is_offered = |line: &String| line[4..].trim().eq_ignore_ascii_case("starttls");
            if !offers.iter().filter(|line| line.len() > 4).any(is_offered) {
                return Err(refused("SMTP", "an offer of STARTTLS", &offers.join(" ")));
            }
            send(stream, b"STARTTLS\r\n").await?;
            answer(stream, "SMTP", "", "220").await?;
        }
        Protocol::Imap => {
            answer(stream, "IMAP", "* ", "* OK").await?;
            send(stream, b"a1 STARTTLS\r\n").await?;
            answer(stream, "IMAP", "a1 ", "a1 OK").await?;
        }
        Protocol::Pop3 => {
            answer(stream, "POP3", "", "+OK").await?;
            send(stream, b"STLS\r\n").await?;
            answer(stream, "POP3", "", "+OK").await?;
        }
        Protocol::Ftp => {
            answer(stream, "FTP", "", "220").await?;
            send(stream, b"AUTH TLS\r\n").await?;
            answer(stream, "FTP", "", "234").await?;
        }
        Protocol::Postgres => {
            // SSLRequest: its length, and a number that is no version.
            send(stream, &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await?;
            let answer = exactly::<1>(stream).await?;
            if answer != *b"S" {
                let said = String::from_utf8_lossy(&answer).into_owned();
                return Err(refused("PostgreSQL", "`S`", &said));
            }
        }
        Protocol::Mysql => mysql(stream).await?,
        Protocol::Ldap => ldap(stream).await?,
    }
    Ok(())
}

fn refused(protocol: &str, wanted: &str, said: &str) -> Fault {
    let said: String = said.chars().take(200).collect();
    Fault::new(
        ErrorClass::Protocol,
        format!("asking for TLS over {protocol}: expected {wanted}, got {said:?}"),
    )
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Fault> {
    let sent = stream.write_all(bytes).await;
    sent.map_err(|error| Fault::from_io("asking for TLS", &error))
}

async fn exactly<const N: usize>(stream: &mut (impl AsyncRead + Unpin)) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    let read = stream.read_exact(&mut bytes).await;
    read.map_err(|error| Fault::from_io("asking for TLS", &error))?;
    Ok(bytes)
}

/// An answer in lines: those that begin with `of` count, the last one of several is followed by a space after its code.
async fn answer(
    stream: &mut (impl AsyncRead + Unpin),
    protocol: &str,
    of: &str,
    wanted: &str,
) -> Result<Vec<String>, Fault> {
    let mut lines = Vec::new();
    while lines.len() < LINES_MAX {
        let line = line(stream).await?;
        if !line.starts_with(of) {
            continue;
        }
        let goes_on = line.len() > 3
            && line.as_bytes()[3] == b'-'
            && line.as_bytes()[..3].iter().all(u8::is_ascii_digit);
        let is_wanted = line.starts_with(wanted);
        lines.push(line);
        match (is_wanted, goes_on) {
            (true, false) => return Ok(lines),
            (true, true) => {}
            _ => break,
        }
    }
    Err(refused(protocol, &format!("`{wanted}`"), &lines.join(" ")))
}

/// One line, byte by byte: nothing after it may be taken.
async fn line(stream: &mut (impl AsyncRead + Unpin)) -> Result<String, Fault> {
    let mut line = Vec::new();
    while line.len() < LINE_MAX {
        match exactly::<1>(stream).await? {
            [b'\n'] => {
                let text = String::from_utf8_lossy(&line);
                return Ok(text.trim_end_matches('\r').to_owned());
            }
            [byte] => line.push(byte),
        }
    }
    let detail = "asking for TLS: the server sent a line that does not end";
    Err(Fault::new(ErrorClass::Protocol, detail))
}

/// The server speaks first; whether it knows TLS stands in its abilities. It is asked by the first packet of a log-in.
async fn mysql(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<(), Fault> {
    const SSL: u32 = 0x0800;
    const PROTOCOL_41: u32 = 0x0200;
    const SECURE_CONNECTION: u32 = 0x8000;
    let [a, b, c, _] = exactly::<4>(stream).await?;
    let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
    if !(1..=PACKET_MAX).contains(&length) {
        return Err(refused(
            "MySQL",
            "a greeting",
            &format!("a packet of {length} bytes"),
        ));
    }
    let mut greeting = vec![0; length];
    let read = stream.read_exact(&mut greeting).await;
    read.map_err(|error| Fault::from_io("asking for TLS", &error))?;
    // Protocol 10: a version that ends with a zero, a thread, eight bytes of a challenge, a zero, the abilities.
    let version = greeting.iter().position(|byte| *byte == 0);
    let at = version.filter(|_| greeting[0] == 10).map(|end| end + 14);
    let abilities = at.and_then(|at| greeting.get(at..at + 2));
    let Some([low, high]) = abilities else {
        let said = String::from_utf8_lossy(&greeting[1..]).into_owned();
        return Err(refused("MySQL", "a greeting", &said));
    };
    if u32::from(u16::from_le_bytes([*low, *high])) & SSL == 0 {
        return Err(refused(
            "MySQL",
            "a server that knows TLS",
            "one that does not",
        ));
    }
    let mut packet = vec![32, 0, 0, 1];
    packet.extend((SSL | PROTOCOL_41 | SECURE_CONNECTION).to_le_bytes());
    packet.extend((1_u32 << 24).to_le_bytes());
    packet.push(33);
    packet.extend([0; 23]);
    send(stream, &packet).await
}

/// An extended request (RFC 4511, section 4.14), in BER.
async fn ldap(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<(), Fault> {
    const START_TLS: &[u8; 22] = b"1.3.6.1.4.1.1466.20037";
    let mut request = vec![0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16];
    request.extend(START_TLS);
    send(stream, &request).await?;
    let [kind, first] = exactly::<2>(stream).await?;
    let length = match first {
        0..=0x7f => usize::from(first),
        0x81 => usize::from(exactly::<1>(stream).await?[0]),
        0x82 => usize::from(u16::from_be_bytes(exactly::<2>(stream).await?)),
        _ => PACKET_MAX + 1,
    };
    if kind != 0x30 || length > PACKET_MAX {
        return Err(refused(
            "LDAP",
            "an answer",
            &format!("{kind:#x} {first:#x}"),
        ));
    }
    let mut message = vec![0; length];
    let read = stream.read_exact(&mut message).await;
    read.map_err(|error| Fault::from_io("asking for TLS", &error))?;
    // The number of the message, an extended response, and in it first the result.
    let result = match message[..] {
        [0x02, 1, 1, 0x78, short, 0x0a, 1, result, ..] if short < 0x80 => Some(result),
        [0x02, 1, 1, 0x78, 0x81, _, 0x0a, 1, result, ..] => Some(result),
        [0x02, 1, 1, 0x78, 0x82, _, _, 0x0a, 1, result, ..] => Some(result),
        _ => None,
    };
    match result {
        Some(0) => Ok(()),
        Some(code) => Err(refused("LDAP", "success", &format!("result code {code}"))),
        None => Err(refused("LDAP", "an extended response", "something else")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server sends, and what it is asked: what came of it, and what it was sent.
    async fn conversation(protocol: &str, says: &[u8]) -> (Result<(), String>, String) {
        let (mut ours, mut theirs) = tokio::io::duplex(64 * 1024);
        theirs.write_all(says).await.unwrap();
        theirs.shutdown().await.unwrap();
        let asked = ask(&mut ours, Protocol::of(protocol).unwrap()).await;
        drop(ours);
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.unwrap();
        (
            asked.map_err(|fault| fault.to_string()),
            sent.escape_ascii().to_string(),
        )
    }

    #[tokio::test]
    async fn each_protocol_is_asked_in_its_own_words() {
        let greeting = |abilities: u8| {
            let mut packet = b"\x0a8.0.36\0\x01\0\0\0abcdefgh\0".to_vec();
            packet.extend([0xff, abilities, 0, 0]);
            let mut all = vec![packet.len() as u8, 0, 0, 0];
            all.extend(packet);
            all
        };
        let ldap = |code: u8| vec![0x30, 0x0c, 2, 1, 1, 0x78, 7, 0x0a, 1, code, 4, 0, 4, 0];
        let smtp =
            b"220-mail\r\n220 ready\r\n250-mail\r\n250-SIZE 1000\r\n250 STARTTLS\r\n220 go\r\n";
        for (protocol, says, sent, why) in [
            (
                "smtp",
                smtp.to_vec(),
                "EHLO bellwether\\r\\nSTARTTLS\\r\\n",
                "",
            ),
            (
                "smtp",
                b"220 mail\r\n250-mail\r\n250 SIZE\r\n".to_vec(),
                "EHLO bellwether\\r\\n",
                "expected an offer of STARTTLS",
            ),
            (
                "smtp",
                b"554 go away\r\n".to_vec(),
                "",
                "expected `220`, got \"554 go away\"",
            ),
            (
                "imap",
                b"* OK ready\r\n* CAPABILITY X\r\na1 OK go\r\n".to_vec(),
                "a1 STARTTLS\\r\\n",
                "",
            ),
            (
                "imap",
                b"* OK ready\r\na1 NO never\r\n".to_vec(),
                "a1 STARTTLS\\r\\n",
                "got \"a1 NO never\"",
            ),
            ("pop3", b"+OK\n+OK go\n".to_vec(), "STLS\\r\\n", ""),
            (
                "ftp",
                b"220-a\r\n220 b\r\n234 go\r\n".to_vec(),
                "AUTH TLS\\r\\n",
                "",
            ),
            (
                "ftp",
                b"220 b\r\n502 no\r\n".to_vec(),
                "AUTH TLS\\r\\n",
                "502 no",
            ),
            (
                "postgres",
                b"S".to_vec(),
                "\\x00\\x00\\x00\\x08\\x04\\xd2\\x16/",
                "",
            ),
            (
                "postgres",
                b"N".to_vec(),
                "\\x00\\x00\\x00\\x08\\x04\\xd2\\x16/",
                "expected `S`, got \"N\"",
            ),
            ("mysql", greeting(0x08), "", ""),
            ("mysql", greeting(0), "", "a server that knows TLS"),
            ("mysql", b"HTTP/1.1 400 Bad".to_vec(), "", "a greeting"),
            ("ldap", ldap(0), "", ""),
            ("ldap", ldap(2), "", "result code 2"),
            ("smtp", b"".to_vec(), "", "asking for TLS"),
            ("smtp", vec![b'x'; 10_000], "", "a line that does not end"),
        ] {
            let (asked, was_sent) = conversation(protocol, &says).await;
            match asked {
                Ok(()) => assert_eq!(why, "", "{protocol}"),
                Err(said) => assert!(!why.is_empty() && said.contains(why), "{protocol}: {said}"),
            }
            assert!(
                sent.is_empty() || was_sent == sent,
                "{protocol}: {was_sent}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_server_says_ends_the_process(says in proptest::collection::vec(proptest::num::u8::ANY, 0..200), protocol in 0..7_usize) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(conversation(Protocol::NAMES[protocol], &says));
        }
    }
}
