//! A real nginx: TLS, HTTP/2, compression, slow and broken upstreams.

use super::hostile::Hostile;
use super::support::{Process, bellwether, eventually, free_port, program, run, undisturbed};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Writes an authority and certificates: good, expired, and for another name.
pub fn certificates(folder: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "Test authority");
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
    // As `openssl req -x509` makes them: an authority that is its own server.
    let mut alone = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    alone.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let alone_key = KeyPair::generate().unwrap();
    let alone = alone.self_signed(&alone_key).unwrap();
    std::fs::write(folder.join("alone.pem"), alone.pem()).unwrap();
    std::fs::write(folder.join("alone.key"), alone_key.serialize_pem()).unwrap();
    for (name, host, year) in [
        ("good", "localhost", 2099),
        ("expired", "localhost", 2020),
        ("soon", "localhost", 2030),
        ("other", "other.test", 2099),
    ] {
        let key = KeyPair::generate().unwrap();
        let mut certificate = CertificateParams::new(vec![host.to_owned()]).unwrap();
        certificate.not_before = rcgen::date_time_ymd(2019, 1, 1);
        certificate.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = certificate.signed_by(&key, &issuer).unwrap();
        std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

struct Nginx {
    folder: tempfile::TempDir,
    ports: [u16; 8],
    hostile: Hostile,
    _process: Process,
}

impl Nginx {
    fn start() -> Option<Nginx> {
        let nginx = program("nginx")?;
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display().to_string();
        certificates(folder.path());
        std::fs::create_dir(folder.path().join("static")).unwrap();
        std::fs::write(
            folder.path().join("static/page.html"),
            "<h1>static</h1>".repeat(500),
        )
        .unwrap();
        let ports: [u16; 8] = std::array::from_fn(|_| free_port());
        let [plain, good, expired, other, closed, leaving, alone, asking] = ports;
        let hostile = Hostile::start();
        let tls = |port: u16, name: &str| {
            format!(
                "server {{ listen 127.0.0.1:{port} ssl http2; server_name localhost; ssl_certificate {at}/{name}.pem; ssl_certificate_key {at}/{name}.key;
                 ssl_protocols TLSv1.2 TLSv1.3; root {at}/static; location /json {{ default_type application/json; return 200 '{{\"ok\":true}}'; }} }}\n"
            )
        };
        let configuration = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log; worker_processes 1; events {{ worker_connections 512; }}
             http {{ access_log off; client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
             gzip on; gzip_types text/html application/json; gzip_min_length 10; types {{ text/html html; }}
             server {{ listen 127.0.0.1:{plain}; root {at}/static;
               location /slow/ {{ alias {at}/static/; gzip off; limit_rate 500; }}
               location /dead {{ proxy_pass http://127.0.0.1:{closed}; }}
               location /upstream/ {{ proxy_pass http://{hostile}/; proxy_read_timeout 10s; }} }}
             {}{}{}{}{}{} }}",
            tls(leaving, "good").replace("server_name", "keepalive_requests 5; server_name"),
            tls(alone, "alone").replace(" http2", ""),
            tls(asking, "good").replace(
                "server_name",
                &format!("ssl_verify_client on; ssl_client_certificate {at}/ca.pem; server_name"),
            ),
            tls(good, "good"),
            tls(expired, "expired"),
            tls(other, "other"),
            hostile = hostile.address,
        );
        std::fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
        let process = Process::start(
            Command::new(nginx)
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .arg("-c")
                .arg(folder.path().join("nginx.conf")),
        );
        eventually("nginx answers", Duration::from_secs(10), || {
            std::net::TcpStream::connect(("127.0.0.1", good)).ok()
        });
        Some(Nginx {
            folder,
            ports,
            hostile,
            _process: process,
        })
    }

    /// Runs steps with the authority trusted.
    fn run(&self, steps: &str) -> (i32, Value) {
        let path = self.folder.path();
        std::fs::write(
            path.join("bellwether.yaml"),
            "environments: { test: { services: {}, ca_file: ca.pem } }\n",
        )
        .unwrap();
        std::fs::write(
            path.join("case.yaml"),
            format!("name: case\nsteps:\n{steps}"),
        )
        .unwrap();
        let (code, out, err) = run(bellwether()
            .arg("run")
            .arg(path.join("case.yaml"))
            .args(["--json", "-"]));
        let report = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
        (code, report)
    }
}

#[test]
fn a_real_nginx_is_measured_over_http_1_and_2_with_and_without_tls() {
    let Some(nginx) = Nginx::start() else { return };
    let [plain, good, ..] = nginx.ports;
    let (code, report) = nginx.run(&format!(
        "  - {{ name: plain, get: \"http://localhost:{plain}/page.html\", check: [ \"version == 'HTTP/1.1'\", \"headers['content-encoding'] == 'gzip'\", \"text.startsWith('<h1>static</h1>')\", text.size() == 7500 ] }}
  - {{ name: h2, get: \"https://localhost:{good}/json\", check: [ \"version == 'HTTP/2'\", body.ok, \"tls.version == '1.3'\" ] }}
  - {{ name: h2 again, get: \"https://localhost:{good}/page.html\", check: [ \"version == 'HTTP/2'\", \"phases.tls == duration('0s')\", text.size() == 7500 ] }}
  - {{ name: h1, get: \"https://localhost:{good}/json\", http: \"1.1\", check: [ \"version == 'HTTP/1.1'\", \"phases.tls > duration('0s')\" ] }}
  - {{ name: head, head: \"https://localhost:{good}/page.html\", check: [ status == 200, text.size() == 0 ] }}
  - {{ name: certificate, tls: {{ host: \"localhost:{good}\", accepts: [ \"1.2\", \"1.3\" ], refuses: [ \"1.0\", \"1.1\" ] }}, check: [ tls.valid, tls.days_left > 14.0, \"'localhost' in tls.names\" ] }}
  - {{ name: tcp, tcp: \"localhost:{plain}\" }}
"
    ));
    assert_eq!(code, 0, "{}", report["reasons"]);
    let phases = &report["steps"][1]["phases_us"];
    for phase in ["connect", "tls", "wait"] {
        assert!(
            phases[phase]["p50"].as_u64().unwrap() > 0,
            "{phase}: {phases}"
        );
    }
}

#[test]
fn bad_certificates_have_their_names() {
    let Some(nginx) = Nginx::start() else { return };
    let [_, good, expired, other, ..] = nginx.ports;
    for (port, class) in [(expired, "tls_expired"), (other, "tls_name")] {
        for step in [
            format!("get: \"https://localhost:{port}/json\""),
            format!("tls: \"localhost:{port}\""),
        ] {
            let (code, report) = nginx.run(&format!("  - {{ name: it, {step} }}\n"));
            assert_eq!(
                (code, &report["steps"][0]["errors_by_class"][class]),
                (99, &Value::from(1)),
                "{report}"
            );
        }
        let (code, _) = nginx.run(&format!(
            "  - {{ name: it, verify: false, get: \"https://localhost:{port}/json\" }}\n"
        ));
        assert_eq!(code, 0, "unverified on purpose");
    }
    std::fs::remove_file(nginx.folder.path().join("bellwether.yaml")).unwrap();
    let (code, out, _) = run(bellwether().args([
        "run",
        "--url",
        &format!("https://localhost:{good}/json"),
        "--json",
        "-",
    ]));
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (
            code,
            &report["steps"][0]["errors_by_class"]["tls_untrusted"]
        ),
        (99, &Value::from(1)),
        "{out}"
    );
}

#[test]
fn a_certificate_that_stands_for_itself_is_believed_where_it_is_named() {
    let Some(nginx) = Nginx::start() else { return };
    let [_, _, expired, _, _, _, alone, _] = nginx.ports;
    let step = format!("  - {{ name: it, get: \"https://localhost:{alone}/json\" }}\n");
    let (code, report) = nginx.run(&step);
    assert_eq!(
        (
            code,
            &report["steps"][0]["errors_by_class"]["tls_untrusted"]
        ),
        (99, &Value::from(1)),
        "{report}"
    );
    let path = nginx.folder.path();
    let both =
        ["ca.pem", "alone.pem"].map(|file| std::fs::read_to_string(path.join(file)).unwrap());
    std::fs::write(path.join("ca.pem"), both.concat()).unwrap();
    let (code, report) = nginx.run(&step);
    assert_eq!(code, 0, "{report}");
    // For no other name, and not over a protocol that it does not speak.
    for (step, class) in [
        (
            format!("get: \"https://127.0.0.1:{alone}/json\""),
            "tls_name",
        ),
        (
            format!("get: \"https://localhost:{alone}/json\", http: \"2\""),
            "protocol",
        ),
    ] {
        let (code, report) = nginx.run(&format!("  - {{ name: it, {step} }}\n"));
        assert_eq!(
            (code, &report["steps"][0]["errors_by_class"][class]),
            (99, &Value::from(1)),
            "{report}"
        );
    }
    let (code, report) = nginx.run(&format!(
        "  - {{ tls: {{ host: \"localhost:{expired}\", verify: false }}, check: [ \"!tls.valid\", tls.days_left < 0.0, \"tls.problem.contains('expired')\" ] }}\n"
    ));
    assert_eq!(code, 0, "{report}");
}

#[test]
fn a_server_that_asks_for_a_certificate_is_shown_ours_and_a_name_may_lead_elsewhere() {
    let Some(nginx) = Nginx::start() else { return };
    let [_, _, _, other, _, _, _, asking] = nginx.ports;
    let path = nginx.folder.path();
    let steps = format!("  - {{ get: \"https://localhost:{asking}/json\", check: body.ok }}\n");
    let (code, report) = nginx.run(&steps);
    assert_eq!(code, 99, "{report}");
    let shown = |key: &str| {
        let own = format!("client_certificate: {{ certificate: good.pem, key: {key} }}");
        let text =
            format!("environments: {{ test: {{ services: {{}}, ca_file: ca.pem, {own} }} }}\n");
        std::fs::write(path.join("bellwether.yaml"), text).unwrap();
        run(bellwether().arg("run").arg(path.join("case.yaml")))
    };
    let (code, out, err) = shown("good.key");
    assert_eq!(code, 0, "{out}{err}");
    let (code, _, err) = shown("other.key");
    assert_eq!(code, 104, "{err}");
    assert!(err.contains("good.pem` cannot be used"), "{err}");
    // The certificate is for another name, which DNS does not know.
    let (code, report) = nginx.run(&format!(
        "  - {{ get: \"https://other.test/json\", check: [ body.ok ] }}\nconnections: {{ hosts: {{ other.test: \"127.0.0.1:{other}\" }} }}\n"
    ));
    assert_eq!(code, 0, "{report}");
}

/// A script speaks TLS as it says, and shows its certificate to those that it is for.
#[test]
fn a_script_speaks_tls_as_it_says() {
    let Some(nginx) = Nginx::start() else { return };
    let [_, good, _, _, _, _, _, asking] = nginx.ports;
    let script = nginx.folder.path().join("tls.js");
    let perform = |options: &str, port: u16| {
        let text = format!(
            "import http from 'k6/http';
             export const options = {{ insecureSkipTLSVerify: true, {options} }};
             export default function () {{
               const reply = http.get('https://localhost:{port}/json');
               console.log(reply.status, reply.tls_version, reply.error);
             }}"
        );
        std::fs::write(&script, text).unwrap();
        let (code, out, err) = run(bellwether()
            .args([
                "k6",
                "run",
                "--quiet",
                "--summary-mode",
                "disabled",
                "--log-format",
                "raw",
            ])
            .arg(&script));
        (code, format!("{out}{err}"))
    };
    let shown = "cert: open('good.pem'), key: open('good.key')";
    let to_us = format!("tlsAuth: [{{ domains: ['localhost'], {shown} }}]");
    let to_others = format!("tlsAuth: [{{ domains: ['*.example'], {shown} }}]");
    let to_all = format!("tlsAuth: [{{ {shown} }}]");
    let ciphers = |name: &str| format!("tlsVersion: 'tls1.2', tlsCipherSuites: ['{name}']");
    for (options, port, (code, said)) in [
        ("", good, (0, "200 tls1.3")),
        ("tlsVersion: 'tls1.2'", good, (0, "200 tls1.2")),
        (
            "tlsVersion: { min: 'tls1.1', max: 'tls1.2' }",
            good,
            (0, "200 tls1.2"),
        ),
        ("tlsVersion: { min: 'tls1.3' }", good, (0, "200 tls1.3")),
        (
            &ciphers("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
            good,
            (0, "200 tls1.2"),
        ),
        (
            &ciphers("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            good,
            (0, "0  "),
        ),
        (
            &ciphers("TLS_RSA_WITH_RC4_128_SHA"),
            good,
            (104, "is not spoken here"),
        ),
        (
            "tlsVersion: 'tls1.1'",
            good,
            (104, "nothing is left to speak"),
        ),
        ("tlsVersion: '1.2'", good, (104, "expected one of `ssl3.0`")),
        (&to_us, asking, (0, "200 tls1.3")),
        (&to_all, asking, (0, "200 tls1.3")),
        (&to_others, asking, (0, "400 tls1.3")),
        (
            "tlsAuth: [{ cert: 'x', key: 'y' }]",
            good,
            (104, "the key is no private key"),
        ),
        (
            "tlsAuth: [{ cert: open('good.pem') }]",
            good,
            (104, "expected `key` as a text in PEM"),
        ),
    ] {
        let (found, text) = perform(options, port);
        assert_eq!(found, code, "{options}: {text}");
        assert!(text.contains(said), "{options}: {said}\n{text}");
    }
    let (_, out, _) = run(bellwether().args(["k6", "inspect"]).arg(&script));
    assert!(
        out.contains("BEGIN CERTIFICATE") && !out.contains("PRIVATE KEY"),
        "{out}"
    );
}

#[test]
fn slow_and_broken_upstreams_are_told_apart() {
    let Some(nginx) = Nginx::start() else { return };
    let plain = nginx.ports[0];
    for (path, class, timeout) in [
        ("/dead", "status", "20s"),
        ("/slow/page.html", "timeout_receive", "1500ms"),
        ("/upstream/hang", "timeout_wait", "700ms"),
        ("/upstream/close", "status", "20s"),
        ("/upstream/half", "protocol", "20s"),
    ] {
        let (code, report) = nginx.run(&format!(
            "  - {{ name: it, get: \"http://localhost:{plain}{path}\", timeout: {timeout} }}\n"
        ));
        assert_eq!(
            (code, &report["steps"][0]["errors_by_class"][class]),
            (99, &Value::from(1)),
            "{path}: {report}"
        );
    }
    assert!(
        nginx
            .hostile
            .requests
            .load(std::sync::atomic::Ordering::SeqCst)
            > 0
    );
}

#[test]
fn a_load_over_http_2_holds_its_rate() {
    let Some(nginx) = Nginx::start() else { return };
    let good = nginx.ports[1];
    let path = nginx.folder.path();
    std::fs::write(
        path.join("bellwether.yaml"),
        "environments: { test: { services: {}, ca_file: ca.pem } }\n",
    )
    .unwrap();
    let text = format!(
        "name: h2\nsteps: [ {{ name: a, get: \"https://localhost:{good}/json\", check: [ body.ok ] }} ]\nload: {{ executor: constant-arrival-rate, rate: 200, duration: 2s }}\nobjectives: [ p95 < 1s, error_rate < 1% ]\n"
    );
    std::fs::write(path.join("load.yaml"), text).unwrap();
    let (code, out, err) = undisturbed(|| {
        let mut command = bellwether();
        command.arg("run").arg(path.join("load.yaml"));
        command.args(["--json", "-"]);
        command
    });
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
    assert_eq!(
        (code, &report["requests"], &report["errors"]),
        (0, &Value::from(401), &Value::from(0)),
        "{}",
        report["reasons"]
    );
}

#[test]
fn requests_that_a_server_did_not_process_before_it_left_are_sent_again_and_counted() {
    let Some(nginx) = Nginx::start() else { return };
    let port = nginx.ports[5];
    let path = nginx.folder.path();
    std::fs::write(
        path.join("bellwether.yaml"),
        format!("environments: {{ test: {{ services: {{ api: {{ url: \"https://localhost:{port}\" }} }}, ca_file: ca.pem }} }}\n"),
    )
    .unwrap();
    std::fs::write(
        path.join("leaving.yaml"),
        "name: leaving\nservice: api\nsteps: [ { post: /json, json: { a: 1 }, check: [ status == 200 ] } ]\nconnections: { streams: 10 }\nload: { executor: shared-iterations, vus: 20, iterations: 400 }\nobjectives: [ errors == 0 ]\n",
    )
    .unwrap();
    let (code, out, err) = undisturbed(|| {
        let mut command = bellwether();
        command.current_dir(path).args([
            "run",
            "leaving.yaml",
            "--env",
            "test",
            "--quiet",
            "--json",
            "-",
        ]);
        command
    });
    assert_eq!(code, 0, "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["errors"], 0, "{report}");
    let reasons = report["reasons"].to_string();
    assert!(
        reasons.contains("of 400 requests were sent again"),
        "{reasons}"
    );
}
