//! Stand-ins of systems that real guides deploy: each answers as its guide says, or as it was built.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// Without its query.
    pub path: String,
    /// What follows the question mark.
    pub query: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// The same as it came.
    pub bytes: Vec<u8>,
    /// `host:port` of the stand-in.
    pub host: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What is answered.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

pub fn json(status: u16, body: serde_json::Value) -> Answer {
    of(status, "application/json; charset=utf-8", &body.to_string())
}

pub fn of(status: u16, kind: &str, body: &str) -> Answer {
    Answer {
        status,
        headers: vec![("content-type", kind.to_owned())],
        body: body.to_owned(),
    }
}

impl Answer {
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
}

/// What lies behind digest authentication (RFC 2617, section 3.2.2): of ann, whose password is `p@ss:word`.
pub fn behind_digest(asked: &Asked, inside: Answer) -> Answer {
    use md5::Digest as _;
    const NONCE: &str = "n0nce/with=signs";
    let hash = |text: String| -> String {
        let bytes = md5::Md5::digest(text.as_bytes());
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let line = asked.header("authorization");
    let field = |name: &str| {
        let form = format!("[ ,]{name}=\"?([^\",]*)");
        let found = regex::Regex::new(&form).unwrap().captures(line);
        found.map_or(String::new(), |found| found[1].to_owned())
    };
    let target = match asked.query.as_str() {
        "" => asked.path.clone(),
        query => format!("{}?{query}", asked.path),
    };
    let key = hash("ann:the realm:p@ss:word".to_owned());
    let about = hash(format!("{}:{target}", asked.method));
    let (count, client) = (field("nc"), field("cnonce"));
    let right = hash(format!("{key}:{NONCE}:{count}:{client}:auth:{about}"));
    if field("response") == right && field("uri") == target && field("username") == "ann" {
        return inside;
    }
    let challenge = format!(
        "Basic realm=\"x\", Digest realm=\"the realm\", qop=\"auth-int, auth\", nonce=\"{NONCE}\""
    );
    of(401, "text/plain", "who are you?").with("www-authenticate", challenge)
}

/// Serves until the process ends; its address.
pub fn serve(answer: fn(&Asked) -> Answer) -> String {
    serve_by(answer)
}

/// The same, by something that knows more than what is asked.
pub fn serve_by(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> String {
    let answer = std::sync::Arc::new(answer);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let host = address.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (host, answer) = (host.clone(), answer.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(asked) = read(&mut reader, &host) {
                    if write(&stream, &asked, &answer(&asked)).is_none() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn read(reader: &mut BufReader<TcpStream>, host: &str) -> Option<Asked> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|count| *count > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers
            .entry(name.to_ascii_lowercase())
            .and_modify(|known: &mut String| *known = format!("{known}, {}", value.trim()))
            .or_insert_with(|| value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|text| text.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        method,
        path: target.split('?').next()?.to_owned(),
        query: target
            .split_once('?')
            .map_or("", |(_, query)| query)
            .to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        bytes: body,
        host: host.to_owned(),
    })
}

fn write(mut stream: &TcpStream, asked: &Asked, answer: &Answer) -> Option<()> {
    let mut head = format!("HTTP/1.1 {} x\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let has_body = asked.method != "HEAD" && !matches!(answer.status, 204 | 304);
    let body = if has_body { answer.body.as_str() } else { "" };
    let length = match answer.status {
        204 | 304 => String::new(),
        _ => format!("content-length: {}\r\n", answer.body.len()),
    };
    stream
        .write_all(format!("{head}{length}\r\n{body}").as_bytes())
        .ok()
}

/// Programs of platforms that print what they are told to, in a folder to put before the path.
pub fn programs(folder: &Path, printing: &[(&str, &str)]) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for (name, cases) in printing {
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in\n{cases}\n*) echo \"unknown: $*\" >&2; exit 64;;\nesac\n"
        );
        let path = bin.join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    bin
}

/// The moment now as RFC 3339, as systems say it.
pub fn now() -> String {
    bellwether::clock::now_text()
}
