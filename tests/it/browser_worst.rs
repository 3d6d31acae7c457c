//! Servers that do their worst to a browser: a certificate that nobody signed, a download and a document without an end, more
//! memory than there is for one page. Each is told within its time, and nothing stays behind.

use super::browser::browser;
use super::standin::{of, serve};
use super::support::{bellwether, run};
use rcgen::{CertificateParams, KeyPair};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PASS: i32 = 0;
const FAIL: i32 = 99;

/// A server whose certificate is its own.
fn signed_by_itself() -> String {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let tls = Arc::new(tls);
    answering(move |mut stream| {
        let mut connection = rustls::ServerConnection::new(tls.clone()).unwrap();
        let mut stream = rustls::Stream::new(&mut connection, &mut stream);
        let mut asked = [0; 4_096];
        if stream.read(&mut asked).is_ok() {
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nHello",
            );
        }
    })
}

/// A server that does this with each connection.
fn answering(each: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let each = Arc::new(each);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = each.clone();
            std::thread::spawn(move || each(stream));
        }
    });
    address
}

/// A server whose body never ends.
fn endless(head: &'static str, piece: &'static [u8], pause: Duration) -> String {
    answering(move |mut stream| {
        let mut asked = [0; 4_096];
        let _ = stream.read(&mut asked);
        let _ = stream.write_all(
            format!("HTTP/1.1 200 OK\r\n{head}\r\nconnection: close\r\n\r\n").as_bytes(),
        );
        while stream.write_all(piece).is_ok() {
            std::thread::park_timeout(pause);
        }
    })
}

fn performed(folder: &Path, url: &str, browser: &str, steps: &str) -> (i32, String, Duration) {
    let temporary = folder.join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let text = format!(
        "environments: {{ test: {{ services: {{ site: {{ url: \"{url}\" }} }}, browser: {browser} }} }}\n"
    );
    std::fs::write(folder.join("bellwether.yaml"), text).unwrap();
    let scenario = format!("name: worst\nservice: site\nsteps:\n{steps}");
    std::fs::write(folder.join("scenario.yaml"), scenario).unwrap();
    let mut command = bellwether();
    command.current_dir(folder).env("TMPDIR", &temporary);
    let began = Instant::now();
    let (code, out, err) = run(command.args(["run", "scenario.yaml"]));
    let left: Vec<_> = std::fs::read_dir(&temporary).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    (code, out + &err, began.elapsed())
}

#[test]
fn a_certificate_that_nobody_signed_is_no_page() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = format!("https://{}", signed_by_itself());
    let (code, told, _) = performed(
        folder.path(),
        &url,
        browser,
        "  - open: /\n  - see: Hello\n",
    );
    assert_eq!(code, FAIL, "{told}");
    assert!(told.contains("net::ERR_CERT_AUTHORITY_INVALID"), "{told}");
}

#[test]
fn what_never_ends_is_told_when_its_time_is_up() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let drip = Duration::from_millis(200);
    let file = endless(
        "content-type: application/zip\r\ncontent-disposition: attachment; filename=x.zip",
        &[b'x'; 1_000],
        drip,
    );
    let page = serve(|asked| {
        let link = format!(
            "<h1>Files</h1><a href=\"http://{}/\" download>All of it</a>",
            asked.query
        );
        of(200, "text/html", &link)
    });
    let steps =
        format!("  - open: \"/?{file}\"\n  - download: {{ link: All of it }}\n    timeout: 3s\n");
    let (code, told, took) = performed(folder.path(), &format!("http://{page}"), browser, &steps);
    assert!(code == FAIL && told.contains("did not end: "), "{told}");
    assert!(took < Duration::from_secs(12), "{took:?}");

    let document = endless("content-type: text/html", b"<p>more</p>", drip);
    let steps = "  - open: /\n    timeout: 3s\n  - see: more\n";
    let (code, told, took) =
        performed(folder.path(), &format!("http://{document}"), browser, steps);
    assert!(
        code == FAIL && told.contains("did not come to `load`"),
        "{told}"
    );
    assert!(took < Duration::from_secs(12), "{took:?}");
}

#[test]
fn a_page_that_takes_all_memory_ends_alone() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let site = serve(|asked| {
        let body = match asked.path.as_str() {
            "/hungry" => {
                "<p>hungry</p><script>const all = []; setInterval(() => { for (let i = 0; i < 40; i++) all.push(new Array(131072).fill(i)) }, 10)</script>"
            }
            _ => "<p>well</p>",
        };
        of(200, "text/html", body)
    });
    let steps = "  - { name: hungry, open: /hungry }\n  - { name: crowded, unseen: { css: .none }, timeout: 1s, continue: true }\n  - { name: waits, wait: 12s }\n  - { name: gone, see: hungry, timeout: 3s, continue: true }\n";
    let (code, told, took) = performed(folder.path(), &format!("http://{site}"), browser, steps);
    assert_eq!(code, FAIL, "{told}");
    assert!(told.contains("the page has crashed"), "{told}");
    assert!(took < Duration::from_secs(40), "{took:?}");
    let (code, told, _) = performed(
        folder.path(),
        &format!("http://{site}"),
        browser,
        "  - open: /\n  - see: well\n",
    );
    assert_eq!(code, PASS, "{told}");
}
