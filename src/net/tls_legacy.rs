//! Does a server still accept TLS 1.0 or 1.1? rustls speaks neither, so we ask with a ClientHello
//! of our own (RFC 2246, RFC 4346) and look at the first record of the answer.
//!
//! Knows just enough to ask. Never completes a handshake.

use super::fault::Fault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Whether the server answers a hello of this version (`1.0` or `1.1`) with one of its own.
pub async fn accepts(stream: &mut TcpStream, name: &str, version: &str) -> Result<bool, Fault> {
    let minor = if version == "1.0" { 1 } else { 2 };
    let hello = client_hello(name, minor);
    stream
        .write_all(&hello)
        .await
        .map_err(|error| Fault::from_io("sending a hello", &error))?;
    let mut head = [0_u8; 11];
    // A server that refuses may also just close the connection.
    if stream.read_exact(&mut head).await.is_err() {
        return Ok(false);
    }
    Ok(head[0] == 22 && head[5] == 2 && head[9] == 3 && head[10] == minor)
}

fn client_hello(name: &str, minor: u8) -> Vec<u8> {
    const SUITES: [u16; 10] = [
        0xc009, 0xc00a, 0xc013, 0xc014, 0x0033, 0x0039, 0x002f, 0x0035, 0x000a, 0x00ff,
    ];
    let mut body = vec![3, minor];
    body.extend((0..32).map(|_| fastrand::u8(..)));
    body.push(0);
    body.extend(((SUITES.len() * 2) as u16).to_be_bytes());
    body.extend(SUITES.iter().flat_map(|suite| suite.to_be_bytes()));
    body.extend([1, 0]);
    let mut extensions = Vec::new();
    if name.parse::<std::net::IpAddr>().is_err() {
        let length = name.len() as u16;
        let mut list = vec![0];
        list.extend(length.to_be_bytes());
        list.extend(name.bytes());
        extension(&mut extensions, 0, &with_length(&list));
    }
    // Groups x25519, secp256r1, secp384r1; point format uncompressed.
    extension(&mut extensions, 10, &with_length(&[0, 29, 0, 23, 0, 24]));
    extension(&mut extensions, 11, &[1, 0]);
    body.extend(with_length(&extensions));
    let mut message = vec![1, 0];
    message.extend(with_length(&body));
    let mut record = vec![22, 3, 1];
    record.extend(with_length(&message));
    record
}

fn extension(to: &mut Vec<u8>, kind: u16, content: &[u8]) {
    to.extend(kind.to_be_bytes());
    to.extend(with_length(content));
}

fn with_length(content: &[u8]) -> Vec<u8> {
    let mut bytes = (content.len() as u16).to_be_bytes().to_vec();
    bytes.extend(content);
    bytes
}
