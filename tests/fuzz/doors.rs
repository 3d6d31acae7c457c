//! Where words of strangers come in: one function for each reader, which takes any bytes and must neither panic, nor hang, nor
//! take more memory than its limits say; and what must hold of what it made of them.
//!
//! Called by the fuzz targets beside it, and with bytes by chance in the tests.

use bellwether::document::{Diagnostics, Severity, Source, node};
use bellwether::import::draft::Draft;
use bellwether::import::kinds::{Beside, Format, import};
use bellwether::import::writing::yaml;
use bellwether::net::charset;
use bellwether::net::digest::{self, Credentials};
use bellwether::net::headers::Headers;
use bellwether::net::http1_parser::{Keep, Parsed, Parser};
use bellwether::net::http2::Http2;
use bellwether::net::message::{Fixed, Message};
use bellwether::net::protobuf::Schema;
use bellwether::net::reply::Reply;
use bellwether::net::stream::Stream;
use bellwether::net::{Fault, Phases, body, events, redirect};
use bellwether::scenario;
use bellwether::scenario::expression::{self, Expression};
use bellwether::scenario::scope::Scope;
use bellwether::secret::Secret;
use bellwether::vu::cookies::Jar;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes that any of them may make of what came.
const LIMIT: usize = 1 << 20;

/// The first byte, and the rest.
fn split(data: &[u8]) -> (u8, &[u8]) {
    data.split_first()
        .map_or((0, data), |(first, rest)| (*first, rest))
}

/// What is made of a request for an address.
fn asking<T>(url: &'static str, make: impl FnOnce(&Message<'_>) -> T) -> T {
    make(&Message {
        method: &Method::GET,
        uri: &Uri::from_static(url),
        fixed: &Fixed::new(HeaderMap::new()),
        headers: &HeaderMap::new(),
        body: &Bytes::new(),
    })
}

fn keep(choice: u8) -> Keep {
    Keep {
        head: choice & 1 > 0,
        body: choice & 2 > 0,
        shows: choice & 4 > 0,
        limit: 1 << 16,
    }
}

/// A reply of HTTP/1.1, in one piece and in two: what comes out is the same.
pub fn reply(data: &[u8]) {
    let (choice, rest) = split(data);
    let (cut, bytes) = split(rest);
    let read = |pieces: &[&[u8]]| -> Result<Option<Parsed>, Fault> {
        let mut parser = Parser::new(keep(choice), choice & 8 > 0);
        for piece in pieces {
            parser.feed(piece)?;
        }
        if choice & 16 > 0 {
            parser.end()?;
        }
        Ok(parser.is_done().then(|| parser.finish()))
    };
    let at = usize::from(cut).min(bytes.len());
    let (whole, parts) = (read(&[bytes]), read(&[&bytes[..at], &bytes[at..]]));
    match (whole, parts) {
        (Ok(Some(whole)), Ok(Some(parts))) => {
            assert_eq!(whole.status, parts.status);
            assert_eq!(whole.body, parts.body);
            assert_eq!(whole.body_bytes, parts.body_bytes);
            assert_eq!(whole.headers.map(), parts.headers.map());
            assert!(whole.body.len() <= 1 << 16);
        }
        // What is no reply may be known before or when it ends.
        (Ok(None), _) | (_, Ok(None)) | (Err(_), Err(_)) => {}
        (whole, parts) => panic!("{whole:?} and {parts:?}"),
    }
}

/// Frames of a server of HTTP/2, after its settings.
pub fn frames(data: &[u8]) {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    }
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    let talk = async {
        let Ok(listener) = tokio::net::TcpListener::bind("127.0.0.1:0").await else {
            // Too many were closed just now.
            return;
        };
        let address = listener.local_addr().unwrap();
        let (ours, theirs) =
            tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
        let (Ok(ours), Ok((mut theirs, _))) = (ours, theirs) else {
            return;
        };
        let (choice, frames) = split(data);
        let deadline = Instant::now() + Duration::from_millis(200);
        let saying = async {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            // Who closes before all was read resets, and what was said is lost with it.
            let _ = theirs.write_all(SETTINGS).await;
            let _ = theirs.write_all(frames).await;
            let _ = theirs.shutdown().await;
            let mut rest = Vec::new();
            let _ = tokio::time::timeout(Duration::from_millis(200), theirs.read_to_end(&mut rest))
                .await;
        };
        let asking = async {
            let mut http2 = Http2::start(Stream::Plain(ours), deadline).await.ok()?;
            let request = asking("http://a.test/", |message| message.request());
            let reply = http2
                .exchange(request, keep(choice | 1), Instant::now(), deadline)
                .await
                .ok()?;
            assert!(reply.body.len() <= 1 << 16);
            Some(())
        };
        tokio::join!(asking, saying);
    };
    RUNTIME.with(|runtime| runtime.block_on(talk));
}

/// Lines that set cookies: what goes back is a header.
pub fn cookies(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(200) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(SET_COOKIE, value);
        }
    }
    let mut jar = Jar::default();
    jar.store_all(&headers, "shop.a.test", "/x/y", 1_700_000_000_000);
    for (host, path, tls) in [
        ("shop.a.test", "/x/y/z", true),
        ("a.test", "/", false),
        ("b.test", "/", true),
    ] {
        let sent = jar.header(host, path, tls, 1_700_000_000_001);
        if let Some(sent) = sent {
            assert!(!sent.is_empty());
            assert!(host != "b.test", "{sent:?} is of another host");
            assert!(!sent.contains(['\r', '\n']), "{sent:?}");
        }
    }
}

/// Bodies in encodings: never larger than the limit; what we encode is what comes back.
pub fn bodies(data: &[u8]) {
    const LISTS: [&str; 8] = [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "gzip, br",
        "zstd, gzip",
        "deflate, deflate, deflate",
        "gzip, gzip, gzip, gzip",
    ];
    let (choice, rest) = split(data);
    let list = LISTS[usize::from(choice) % LISTS.len()];
    let mut headers = HeaderMap::new();
    headers.insert("content-encoding", HeaderValue::from_static(list));
    let encodings = body::encodings(&headers);
    if let Ok(decoded) = body::decode(Bytes::copy_from_slice(rest), &encodings, LIMIT) {
        assert!(decoded.len() <= LIMIT);
    }
    if let Ok(encoded) = body::encode(rest, list) {
        let back = body::decode(encoded, &encodings, LIMIT).expect("ours is sound");
        assert_eq!(back, rest);
    }
}

/// Letters of any kind.
pub fn letters(data: &[u8]) {
    let cut = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (kind, body) = data.split_at(cut);
    let mut map = HeaderMap::new();
    if let Ok(kind) = HeaderValue::from_bytes(kind) {
        map.insert(CONTENT_TYPE, kind);
    }
    let written = charset::written(body, &map);
    let headers = Headers::from_map(map);
    let text = charset::text(body, &headers);
    let _ = charset::is_foreign(body, &headers);
    if let Some(written) = written {
        assert_eq!(text, written);
    }
}

/// A reply that an expression looks at.
struct Looked(Value);

impl Scope for Looked {
    fn lookup(&self, name: &str) -> Option<cel::Value> {
        match name {
            "body" | "vars" | "data" => Some(expression::from_json(&self.0)),
            "text" => Some(cel::Value::String(std::sync::Arc::new(self.0.to_string()))),
            "status" => Some(cel::Value::Int(200)),
            _ => None,
        }
    }
    fn path(&self, _: &str, key: &str) -> Option<Value> {
        self.0.get(key).cloned()
    }
    fn json(&self) -> Option<&Value> {
        Some(&self.0)
    }
}

/// An expression in the first line, and what it looks at in the rest.
pub fn expressions(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (written, looked) = text.split_once('\n').unwrap_or((&text, "{}"));
    // People write a line.
    if written.len() > 200 {
        return;
    }
    let looked = serde_json::from_str(looked).unwrap_or_else(|_| Value::String(looked.to_owned()));
    if let Ok(expression) = Expression::compile(written, true) {
        let scope = Looked(looked);
        let (holds, value) = (expression.holds(&scope), expression.value(&scope));
        if let Ok(holds) = holds {
            assert_eq!(value.ok(), Some(Value::Bool(holds)), "{written}");
        }
    }
}

/// Whatever is written of a file of others is a scenario.
fn imported(format: Format, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let source = Source::new("file", text.into_owned());
    let drafts = import(format, &source, "file", &Beside::default());
    for draft in drafts
        .into_iter()
        .flatten()
        .filter(|draft| !draft.steps.is_empty())
    {
        is_sound(&draft);
    }
}

fn is_sound(draft: &Draft) {
    let text = yaml(draft, "file");
    let written = Source::new("written.yaml", text.clone());
    let mut found = Diagnostics::default();
    scenario::compile(&written, Path::new("."), &mut found);
    // A file that is to stand beside it is not there yet.
    let all = found.sorted();
    let is_wrong = all
        .iter()
        .any(|one| one.severity == Severity::Error && one.code != "bad-data");
    assert!(!is_wrong, "{}\n{text}", found.render(false));
}

pub fn hurl(data: &[u8]) {
    imported(Format::Hurl, data);
}

pub fn postman(data: &[u8]) {
    imported(Format::Postman, data);
}

pub fn har(data: &[u8]) {
    imported(Format::Har, data);
}

pub fn openapi(data: &[u8]) {
    imported(Format::Openapi, data);
}

pub fn blackbox(data: &[u8]) {
    imported(Format::Blackbox, data);
}

pub fn gatus(data: &[u8]) {
    imported(Format::Gatus, data);
}

pub fn curl(data: &[u8]) {
    imported(Format::Curl, data);
}

/// Files of ours.
pub fn documents(data: &[u8]) {
    let (choice, rest) = split(data);
    let source = Source::new("file.yaml", String::from_utf8_lossy(rest).into_owned());
    let mut found = Diagnostics::default();
    match choice % 3 {
        0 => {
            let node = node::parse(&source, &mut found);
            assert!(node.is_some() || found.has_errors() || rest.is_empty());
            let _ = node.map(|node| node.to_json());
        }
        1 => {
            let plan = scenario::compile(&source, Path::new("/nowhere"), &mut found);
            assert!(plan.is_some() || found.has_errors());
        }
        _ => {
            let file = bellwether::config::read::read(&source, Path::new("/nowhere"), &mut found);
            assert!(file.is_some() || found.has_errors());
        }
    }
    let _ = found.render(false);
}

/// Server-sent events, in one piece and in two.
pub fn events(data: &[u8]) {
    let (cut, bytes) = split(data);
    let read = |pieces: &[&[u8]]| {
        let mut parser = events::Parser::default();
        let fed = pieces
            .iter()
            .try_for_each(|piece| parser.feed(piece, 1 << 12));
        let all: Vec<_> = std::iter::from_fn(|| parser.pop()).collect();
        (fed.is_ok(), all)
    };
    let at = usize::from(cut).min(bytes.len());
    let (whole, parts) = (read(&[bytes]), read(&[&bytes[..at], &bytes[at..]]));
    if whole.0 && parts.0 {
        assert_eq!(whole.1, parts.1);
    }
}

/// Descriptions of messages, and messages.
pub fn messages(data: &[u8]) {
    let (length, rest) = split(data);
    let (description, message) = rest.split_at(usize::from(length).min(rest.len()));
    if let Ok(schema) = Schema::of_descriptions(description) {
        for name in ["a.B/C", "B/C", "B/", ""] {
            if let Ok(call) = schema.call(name) {
                let _ = call.decode(Bytes::copy_from_slice(message));
            }
        }
    }
    for name in [
        "grpc.health.v1.Health/Check",
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ] {
        if let Ok(call) = Schema::own().call(name)
            && let Ok(value) = call.decode(Bytes::copy_from_slice(rest))
        {
            let _ = call.encode(&value);
        }
    }
}

fn replied(headers: HeaderMap, status: StatusCode) -> Reply {
    Reply {
        status,
        version: Version::HTTP_11,
        headers: Headers::from_map(headers),
        body: Bytes::new(),
        trailers: None,
        body_bytes: 0,
        wire_bytes: (0, 0),
        remote: None,
        phases: Phases::default(),
        end: Instant::now(),
    }
}

/// Where a reply leads: to a host over http or https, or nowhere.
pub fn redirects(data: &[u8]) {
    let mut headers = HeaderMap::new();
    let Ok(location) = HeaderValue::from_bytes(data) else {
        return;
    };
    headers.insert("location", location);
    let from = Uri::from_static("https://user.a.test:8443/x/y?z=1");
    if let Some(Ok(target)) = redirect::target(&from, &replied(headers, StatusCode::FOUND)) {
        assert!(
            matches!(target.scheme_str(), Some("http" | "https")),
            "{target}"
        );
        assert!(target.host().is_some(), "{target}");
    }
}

/// Challenges of digest authentication: what answers them is a header, and holds no password.
pub fn challenges(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(50) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(HeaderName::from_static("www-authenticate"), value);
        }
    }
    let who = Credentials {
        user: "ann".to_owned(),
        password: Secret::new("pass-of-ann"),
    };
    let reply = replied(headers, StatusCode::UNAUTHORIZED);
    let line = asking("http://a.test/x?y=z", |message| {
        digest::answer(&who, message, &reply)
    });
    if let Some(line) = line {
        assert!(!String::from_utf8_lossy(line.as_bytes()).contains("pass-of-ann"));
    }
}
