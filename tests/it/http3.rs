//! HTTP/3: against a server of the same libraries, and against aioquic where it is installed (`tests/run --all`).

use super::nginx::certificates;
use super::support::{Process, bellwether, eventually, free_port, root, run};
use bytes::Bytes;
use h3::server::RequestStream;
use http::{Request, Response};
use quinn::crypto::rustls::QuicServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

type Answering = RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;

/// A server with one of the certificates of a folder; its port.
fn server(folder: &Path, name: &str) -> u16 {
    let chain = CertificateDer::from_pem_file(folder.join(format!("{name}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let quic = QuicServerConfig::try_from(tls).unwrap();
    let configuration = quinn::ServerConfig::with_crypto(Arc::new(quic));
    let (told, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async move {
            let address = "127.0.0.1:0".parse().unwrap();
            let endpoint = quinn::Endpoint::server(configuration, address).unwrap();
            told.send(endpoint.local_addr().unwrap().port()).unwrap();
            while let Some(incoming) = endpoint.accept().await {
                tokio::spawn(async move {
                    let connection = incoming.await.ok()?;
                    let quic = h3_quinn::Connection::new(connection.clone());
                    let mut http = h3::server::Connection::<_, Bytes>::new(quic).await.ok()?;
                    while let Some(asked) = http.accept().await.ok()? {
                        let connection = connection.clone();
                        tokio::spawn(async move {
                            let (request, stream) = asked.resolve_request().await.ok()?;
                            answer(&request, stream, &connection).await
                        });
                    }
                    Some(())
                });
            }
        });
    });
    port.recv().unwrap()
}

async fn answer(
    request: &Request<()>,
    mut stream: Answering,
    connection: &quinn::Connection,
) -> Option<()> {
    let mut body = Vec::new();
    while let Some(mut data) = stream.recv_data().await.ok()? {
        use bytes::Buf as _;
        body.extend_from_slice(&data.copy_to_bytes(data.remaining()));
    }
    let path = request.uri().path().to_owned();
    let cookie = request.headers().get("cookie");
    let cookie = cookie.map_or("", |cookie| cookie.to_str().unwrap_or_default());
    let told = serde_json::json!({
        "path": path, "method": request.method().as_str(), "cookie": cookie,
        "body": String::from_utf8_lossy(&body),
    });
    let head = Response::builder();
    let head = match path.as_str() {
        "/moved" => head.status(302).header("location", "/there"),
        _ => head
            .header("content-type", "application/json")
            .header("set-cookie", "session=three"),
    };
    match path.as_str() {
        "/silent" => return std::future::pending().await,
        "/gone" => {
            connection.close(0x100_u32.into(), b"enough");
            return None;
        }
        _ => {}
    }
    stream.send_response(head.body(()).unwrap()).await.ok()?;
    match path.as_str() {
        "/cut" => {
            stream.send_data(Bytes::from_static(b"half")).await.ok()?;
            stream.stop_stream(h3::error::Code::H3_INTERNAL_ERROR);
            return None;
        }
        "/large" => stream
            .send_data(Bytes::from(vec![b'x'; 512 * 1024]))
            .await
            .ok()?,
        _ => stream.send_data(Bytes::from(told.to_string())).await.ok()?,
    }
    stream.finish().await.ok()
}

/// What a run of steps comes to, against a port.
fn performed(folder: &Path, port: u16, steps: &str, arguments: &[&str]) -> (i32, String) {
    let configuration = format!(
        "environments: {{ test: {{ ca_file: ca.pem, services: {{ shop: {{ url: \"https://localhost:{port}\" }} }} }} }}"
    );
    std::fs::write(folder.join("bellwether.yaml"), configuration).unwrap();
    let scenario = format!("name: three\nservice: shop\nsteps:\n{steps}");
    std::fs::write(folder.join("three.yaml"), scenario).unwrap();
    let mut command = bellwether();
    command
        .current_dir(folder)
        .args(["run", "three.yaml"])
        .args(arguments);
    let (code, out, said) = run(&mut command);
    (code, out + &said)
}

const WELL: &str = r#"
  - { get: /one, http: "3", check: [ status == 200, version == "HTTP/3", 'body.path == "/one"', tls.days_left > 1000, tls.version == "1.3", phases.connect > duration("0s") ] }
  - { post: /two, http: "3", json: { a: 1 }, check: [ 'body.body == "{\"a\":1}"', 'body.cookie == "session=three"', phases.connect == duration("0s") ] }
  - { get: /moved, http: "3", check: [ redirects == 1, 'body.path == "/there"' ] }
  - { get: /large, http: "3", check: [ size(text) == 524288 ] }
"#;

fn speaks_well(folder: &Path, port: u16) {
    let (code, said) = performed(folder, port, WELL, &[]);
    assert_eq!(code, 0, "{said}");
    let step = |path: &str| {
        format!("  - {{ get: {path}, http: \"3\", timeout: 2s, check: [ status == 200 ] }}\n")
    };
    let (code, said) = performed(folder, port, &step("/silent"), &[]);
    assert!(code == 99 && said.contains("timeout_wait"), "{said}");
    let (code, said) = performed(folder, port, &step("/cut"), &[]);
    assert!(code == 99 && said.contains("protocol"), "{said}");
}

#[test]
fn http_3_is_spoken_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    speaks_well(folder, server(folder, "good"));

    let step = |path: &str| {
        format!("  - {{ get: {path}, http: \"3\", timeout: 2s, check: [ status == 200 ] }}\n")
    };
    let good = server(folder, "good");
    let (code, said) = performed(folder, good, &step("/gone"), &[]);
    assert!(code == 99 && said.contains("reset"), "{said}");
    // Certificates are told apart as always, and what was refused was asked for nothing.
    let (code, said) = performed(folder, server(folder, "expired"), &step("/one"), &[]);
    assert!(code == 99 && said.contains("tls_expired"), "{said}");
    let (code, said) = performed(folder, server(folder, "other"), &step("/one"), &[]);
    assert!(code == 99 && said.contains("tls_name"), "{said}");
    let free = step("/one").replace("timeout", "verify: false, timeout");
    let (code, said) = performed(folder, server(folder, "expired"), &free, &[]);
    assert_eq!(code, 0, "{said}");
    // Nobody is there, and UDP does not say so.
    let (code, said) = performed(folder, free_port(), &step("/one"), &[]);
    assert!(
        code == 99 && said.contains("timeout_connect") && said.contains("no QUIC answer"),
        "{said}"
    );
    // It is no way to load anything, and never without TLS.
    let (code, said) = performed(
        folder,
        good,
        &step("/one"),
        &["--vus", "2", "--duration", "1s"],
    );
    assert!(code == 104 && said.contains("performed once"), "{said}");
    let plain = "  - { get: \"http://localhost:1/\", http: \"3\", check: [ status == 200 ] }\n";
    let (code, said) = performed(folder, good, plain, &[]);
    assert!(code != 0 && said.contains("never without TLS"), "{said}");
}

#[test]
fn a_server_of_others_is_understood_over_http_3() {
    let python = root().join("target/aioquic/bin/python");
    if !python.is_file() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder);
    let port = free_port();
    let mut command = Command::new(python);
    command
        .arg(root().join("tests/it/http3_peer.py"))
        .arg(port.to_string());
    command
        .arg(folder.join("good.pem"))
        .arg(folder.join("good.key"));
    let _peer = Process::start(command.stderr(Stdio::null()));
    eventually("it listens", Duration::from_secs(20), || {
        let step = "  - { get: /one, http: \"3\", timeout: 1s, check: [ status == 200 ] }\n";
        (performed(folder, port, step, &[]).0 == 0).then_some(())
    });
    speaks_well(folder, port);
}
