//! `/probe` beside Debian's blackbox_exporter: the same file of modules, the same targets, the same word.

use super::nginx::certificates;
use super::support::{Daemon, Process, eventually, free_port, http, program};
use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::A;
use hickory_resolver::proto::rr::{RData, Record};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Both, and what they look at.
struct Both {
    ours: Daemon,
    theirs: u16,
    _processes: Vec<Process>,
}

const MODULES: &str = r#"
modules:
  http_2xx: { prober: http, timeout: 3s, http: { preferred_ip_protocol: ip4 } }
  http_post: { prober: http, timeout: 3s, http: { method: POST, body: '{"a":1}', headers: { Content-Type: application/json, X-Probe: "1" }, preferred_ip_protocol: ip4 } }
  http_3xx: { prober: http, timeout: 3s, http: { valid_status_codes: [301, 302], follow_redirects: false, preferred_ip_protocol: ip4 } }
  http_ca: { prober: http, timeout: 3s, http: { preferred_ip_protocol: ip4, fail_if_not_ssl: true, tls_config: { ca_file: FOLDER/ca.pem } } }
  http_insecure: { prober: http, timeout: 3s, http: { preferred_ip_protocol: ip4, tls_config: { insecure_skip_verify: true } } }
  http_named: { prober: http, timeout: 3s, http: { preferred_ip_protocol: ip4, tls_config: { ca_file: FOLDER/ca.pem, server_name: other.test } } }
  http_body: { prober: http, timeout: 3s, http: { preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: ["static"], fail_if_body_matches_regexp: ["(?i)error"] } }
  http_header: { prober: http, timeout: 3s, http: { preferred_ip_protocol: ip4, fail_if_header_not_matches: [{ header: Content-Type, regexp: "json" }], valid_http_versions: ["HTTP/1.1"] } }
  http_auth: { prober: http, timeout: 3s, http: { preferred_ip_protocol: ip4, basic_auth: { username: probe, password: secret-of-the-probe } } }
  http_gzip: { prober: http, timeout: 3s, http: { preferred_ip_protocol: ip4, compression: gzip, headers: { Accept-Encoding: gzip }, fail_if_body_not_matches_regexp: ["static"] } }
  http_quick: { prober: http, timeout: 1s, http: { preferred_ip_protocol: ip4 } }
  http_six: { prober: http, timeout: 3s, http: { ip_protocol_fallback: false } }
  tcp_connect: { prober: tcp, timeout: 2s, tcp: { preferred_ip_protocol: ip4 } }
  tcp_tls: { prober: tcp, timeout: 2s, tcp: { preferred_ip_protocol: ip4, tls: true, tls_config: { ca_file: FOLDER/ca.pem } } }
  ssh_banner: { prober: tcp, timeout: 2s, tcp: { preferred_ip_protocol: ip4, query_response: [{ expect: "^SSH-(2.0)-" }, { send: "SSH-2.0-probe" }, { expect: "^hello" }] } }
  irc: { prober: tcp, timeout: 2s, tcp: { preferred_ip_protocol: ip4, query_response: [{ send: "PING 7" }, { expect: "PONG ([0-9]+)", send: "AGAIN ${1}" }, { expect: "^again 7" }] } }
  dns_a: { prober: dns, timeout: 2s, dns: { preferred_ip_protocol: ip4, query_name: good.test, query_type: A, validate_answer_rrs: { fail_if_not_matches_regexp: ["good.test.\t.*\tIN\tA\t127.0.0.1"] } } }
  dns_other: { prober: dns, timeout: 2s, dns: { preferred_ip_protocol: ip4, query_name: good.test, query_type: A, validate_answer_rrs: { fail_if_none_matches_regexp: ["10.9.9.9"] } } }
  dns_all: { prober: dns, timeout: 2s, dns: { preferred_ip_protocol: ip4, query_name: good.test, query_type: A, validate_answer_rrs: { fail_if_all_match_regexp: ["127.0.0.1"] } } }
  dns_some: { prober: dns, timeout: 2s, dns: { preferred_ip_protocol: ip4, query_name: good.test, query_type: A, validate_answer_rrs: { fail_if_all_match_regexp: ["10.9.9.9"] } } }
  dns_empty: { prober: dns, timeout: 2s, dns: { preferred_ip_protocol: ip4, query_name: empty.test, query_type: A, validate_answer_rrs: { fail_if_not_matches_regexp: ["127.0.0.1"] } } }
  dns_either: { prober: dns, timeout: 2s, dns: { preferred_ip_protocol: ip4, query_name: good.test, query_type: A, validate_answer_rrs: { fail_if_none_matches_regexp: ["10.9.9.9", "127.0.0.1"] } } }
  dns_gone: { prober: dns, timeout: 2s, dns: { preferred_ip_protocol: ip4, query_name: gone.test, query_type: A } }
  dns_gone_good: { prober: dns, timeout: 2s, dns: { preferred_ip_protocol: ip4, query_name: gone.test, query_type: A, valid_rcodes: [NXDOMAIN] } }
  grpc_plain: { prober: grpc, timeout: 3s, grpc: { preferred_ip_protocol: ip4 } }
  grpc_service: { prober: grpc, timeout: 3s, grpc: { preferred_ip_protocol: ip4, service: shop.v1.Orders } }
  grpc_other: { prober: grpc, timeout: 3s, grpc: { preferred_ip_protocol: ip4, service: nobody } }
  grpc_tls: { prober: grpc, timeout: 3s, grpc: { preferred_ip_protocol: ip4, tls: true, tls_config: { ca_file: FOLDER/ca.pem } } }
  dns_tcp: { prober: dns, timeout: 2s, dns: { preferred_ip_protocol: ip4, transport_protocol: tcp, query_name: good.test, query_type: A } }
"#;

/// Answers questions on UDP and TCP: `gone.test` is not there, all else is 127.0.0.1.
/// Knows names, but for `gone.…` and `broken.…`, and addresses, but for `empty.…`.
pub fn name_server() -> u16 {
    let (udp, tcp) = eventually("a port is free for both", Duration::from_secs(10), || {
        let udp = UdpSocket::bind("127.0.0.1:0").ok()?;
        // Somebody's connection may start from the port of this number.
        let tcp = TcpListener::bind(udp.local_addr().ok()?).ok()?;
        Some((udp, tcp))
    });
    let port = udp.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut question = [0; 2048];
        while let Ok((length, from)) = udp.recv_from(&mut question) {
            let _ = udp.send_to(&answer(&question[..length]), from);
        }
    });
    std::thread::spawn(move || {
        for mut stream in tcp.incoming().flatten() {
            let mut length = [0; 2];
            if stream.read_exact(&mut length).is_err() {
                continue;
            }
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            let _ = stream.read_exact(&mut question);
            let answer = answer(&question);
            let _ = stream.write_all(&(answer.len() as u16).to_be_bytes());
            let _ = stream.write_all(&answer);
        }
    });
    port
}

fn answer(question: &[u8]) -> Vec<u8> {
    let mut message = Message::from_vec(question).unwrap();
    message.metadata.message_type = MessageType::Response;
    let name = message.queries[0].name().clone();
    if name.to_string().starts_with("gone") {
        message.metadata.response_code = ResponseCode::NXDomain;
    } else if name.to_string().starts_with("broken") {
        message.metadata.response_code = ResponseCode::ServFail;
    } else if !name.to_string().starts_with("empty") {
        let data = RData::A(A(Ipv4Addr::LOCALHOST));
        message.add_answer(Record::from_rdata(name, 60, data));
    }
    message.to_vec().unwrap()
}

/// Speaks first, and answers lines.
fn talker(banner: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                use std::io::BufRead as _;
                stream.write_all(banner.as_bytes()).ok()?;
                let reader = std::io::BufReader::new(stream.try_clone().ok()?);
                for line in reader.lines() {
                    let line = line.ok()?;
                    let said = match line.split(' ').collect::<Vec<_>>().as_slice() {
                        ["PING", number] => format!("PONG {number}\r\n"),
                        ["AGAIN", number] => format!("noise\r\nagain {number}\r\n"),
                        _ => "hello\r\n".to_owned(),
                    };
                    stream.write_all(said.as_bytes()).ok()?;
                }
                Some(())
            });
        }
    });
    port
}

/// Takes connections and says nothing.
fn silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let _held: Vec<_> = listener.incoming().flatten().collect();
    });
    port
}

fn nginx(folder: &std::path::Path, ports: [u16; 4]) -> Option<Process> {
    let nginx = program("nginx")?;
    let at = folder.display().to_string();
    let [plain, good, expired, other] = ports;
    std::fs::create_dir(folder.join("static")).unwrap();
    std::fs::write(
        folder.join("static/page.html"),
        "<h1>static</h1>".repeat(50),
    )
    .unwrap();
    std::fs::write(folder.join("users"), "probe:{PLAIN}secret-of-the-probe\n").unwrap();
    let tls = |port: u16, name: &str| {
        format!(
            "server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {at}/{name}.pem; ssl_certificate_key {at}/{name}.key; location / {{ default_type application/json; return 200 '{{\"ok\":true}}'; }} }}\n"
        )
    };
    let configuration = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log; worker_processes 1; events {{ worker_connections 128; }}
         http {{ access_log off; client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
         types {{ text/html html; }}
         server {{ listen 127.0.0.1:{plain}; root {at}/static; absolute_redirect off;
           location /gzip/ {{ alias {at}/static/; gzip on; gzip_min_length 1; gzip_types text/html; }}
           location /json {{ default_type application/json; return 200 '{{\"ok\":true}}'; }}
           location /error {{ return 200 'static ERROR'; }}
           location /empty {{ return 204; }}
           location /missing {{ return 404; }}
           location /broken {{ return 500; }}
           location /moved {{ return 301 /page.html; }}
           location /found {{ return 302 http://localhost:{plain}/moved; }}
           location /astray {{ return 302 /missing; }}
           location /loop {{ return 302 /loop; }}
           location /secure {{ return 302 https://localhost:{good}/; }}
           location /posted {{ if ($request_method != POST) {{ return 405; }} if ($http_x_probe != 1) {{ return 400; }} return 200 'static'; }}
           location /closed/ {{ alias {at}/static/; auth_basic x; auth_basic_user_file {at}/users; }} }}
         {}{}{} }}",
        tls(good, "good"),
        tls(expired, "expired"),
        tls(other, "other"),
    );
    std::fs::write(folder.join("nginx.conf"), configuration).unwrap();
    let mut command = Command::new(nginx);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Some(Process::start(
        command.arg("-c").arg(folder.join("nginx.conf")),
    ))
}

impl Both {
    fn start(folder: &std::path::Path, ports: [u16; 4]) -> Option<Both> {
        let exporter = program("prometheus-blackbox-exporter")?;
        certificates(folder);
        let nginx = nginx(folder, ports)?;
        let modules = MODULES.replace("FOLDER", &folder.display().to_string());
        std::fs::write(folder.join("blackbox.yml"), modules).unwrap();
        let theirs = free_port();
        let mut command = Command::new(exporter);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.arg(format!(
            "--config.file={}",
            folder.join("blackbox.yml").display()
        ));
        command.arg(format!("--web.listen-address=127.0.0.1:{theirs}"));
        let exporter = Process::start(&mut command);
        let ours = Daemon::start(
            folder,
            "server: { listen: LISTEN }\nenvironments: { test: { services: {} } }\nmodules: { file: blackbox.yml, targets: [\"http://localhost:*/*\"] }\n",
            &[],
        );
        for port in [theirs, ports[0], ports[3]] {
            eventually("it listens", Duration::from_secs(10), || {
                std::net::TcpStream::connect(("127.0.0.1", port)).ok()
            });
        }
        Some(Both {
            ours,
            theirs,
            _processes: vec![nginx, exporter],
        })
    }

    /// The pages of ours and theirs.
    fn look(&self, module: &str, target: &str) -> (String, String) {
        let target =
            percent_encoding::utf8_percent_encode(target, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("/probe?module={module}&target={target}");
        let page = |address: &str| {
            let (status, page) = http(address, "GET", &path, &[], "").expect("it answers");
            assert_eq!(status, 200, "{path}: {page}");
            page
        };
        (
            page(&self.ours.address),
            page(&format!("127.0.0.1:{}", self.theirs)),
        )
    }
}

fn value(page: &str, name: &str) -> Option<f64> {
    let line = page
        .lines()
        .find(|line| line.split(['{', ' ']).next() == Some(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn families(page: &str) -> BTreeSet<&str> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect()
}

/// Forty and more looks: module, target, and what both must say.
fn cases(ports: [u16; 4]) -> Vec<(&'static str, String, bool)> {
    let [plain, good, expired, other] = ports;
    let (dns, mute) = (name_server(), silent());
    let (ssh, irc, closed) = (talker("SSH-2.0-OpenSSH\r\n"), talker(""), free_port());
    let at = |path: &str| format!("http://localhost:{plain}{path}");
    let tls = |port: u16| format!("https://localhost:{port}/");
    let port = |port: u16| format!("localhost:{port}");
    vec![
        ("http_2xx", at("/page.html"), true),
        ("http_2xx", format!("localhost:{plain}/page.html"), true),
        ("http_2xx", at("/empty"), true),
        ("http_2xx", at("/missing"), false),
        ("http_2xx", at("/broken"), false),
        ("http_2xx", at("/moved"), true),
        ("http_2xx", at("/found"), true),
        ("http_2xx", at("/astray"), false),
        ("http_2xx", at("/loop"), false),
        ("http_2xx", at("/secure"), false),
        ("http_2xx", at("/closed/page.html"), false),
        ("http_2xx", tls(good), false),
        ("http_2xx", format!("http://localhost:{closed}/"), false),
        (
            "http_2xx",
            "http://does-not-exist.invalid/".to_owned(),
            false,
        ),
        ("http_2xx", "http://localhost:port/".to_owned(), false),
        ("http_quick", format!("http://localhost:{mute}/"), false),
        ("http_post", at("/posted"), true),
        ("http_2xx", at("/posted"), false),
        ("http_3xx", at("/moved"), true),
        ("http_3xx", at("/page.html"), false),
        ("http_ca", tls(good), true),
        ("http_ca", at("/secure"), true),
        ("http_ca", at("/page.html"), false),
        ("http_ca", tls(expired), false),
        ("http_ca", tls(other), false),
        ("http_ca", format!("https://127.0.0.1:{good}/"), false),
        ("http_insecure", tls(expired), true),
        ("http_insecure", tls(other), true),
        ("http_insecure", at("/secure"), true),
        ("http_named", tls(other), true),
        ("http_named", tls(good), false),
        ("http_body", at("/page.html"), true),
        ("http_body", at("/error"), false),
        ("http_body", at("/json"), false),
        ("http_header", at("/json"), true),
        ("http_header", at("/page.html"), false),
        ("http_auth", at("/closed/page.html"), true),
        ("http_gzip", at("/gzip/page.html"), true),
        (
            "http_six",
            format!("http://127.0.0.1:{plain}/page.html"),
            false,
        ),
        ("tcp_connect", port(plain), true),
        ("tcp_connect", port(closed), false),
        ("tcp_connect", "localhost".to_owned(), false),
        ("tcp_tls", port(good), true),
        ("tcp_tls", port(expired), false),
        ("tcp_tls", port(plain), false),
        ("tcp_tls", port(mute), false),
        ("ssh_banner", port(ssh), true),
        ("ssh_banner", port(mute), false),
        ("irc", port(irc), true),
        ("irc", port(ssh), true),
        ("dns_a", port(dns), true),
        ("dns_other", port(dns), false),
        ("dns_all", port(dns), true),
        ("dns_some", port(dns), false),
        ("dns_empty", port(dns), false),
        ("dns_either", port(dns), true),
        ("dns_gone", port(dns), false),
        ("dns_gone_good", port(dns), true),
        ("dns_tcp", port(dns), true),
        ("dns_a", port(closed), false),
        ("dns_tcp", port(mute), false),
    ]
}

/// The same of gRPC.
fn calls(healthy: &str, silent: &str, ports: [u16; 4]) -> Vec<(&'static str, String, bool)> {
    let [plain, good, ..] = ports;
    vec![
        ("grpc_plain", healthy.to_owned(), true),
        ("grpc_service", healthy.to_owned(), false),
        ("grpc_other", healthy.to_owned(), false),
        ("grpc_plain", silent.to_owned(), false),
        ("grpc_plain", format!("localhost:{plain}"), false),
        ("grpc_plain", format!("localhost:{}", free_port()), false),
        ("grpc_tls", format!("localhost:{good}"), false),
        ("grpc_tls", healthy.to_owned(), false),
    ]
}

#[test]
fn what_blackbox_exporter_says_of_a_target_is_said_here_too() {
    let folder = tempfile::tempdir().unwrap();
    let ports: [u16; 4] = std::array::from_fn(|_| free_port());
    let Some(both) = Both::start(folder.path(), ports) else {
        return;
    };
    let mut wrong = Vec::new();
    let (healthy, silent) = (super::grpc::peer(&[]), super::grpc::peer(&["--silent"]));
    let mut all = cases(ports);
    if let (Some((healthy, _)), Some((silent, _))) = (&healthy, &silent) {
        all.extend(calls(healthy, silent, ports));
    }
    for (module, target, is_good) in all {
        let (ours, theirs) = both.look(module, &target);
        for name in [
            "probe_success",
            "probe_http_status_code",
            "probe_http_redirects",
            "probe_failed_due_to_regex",
            "probe_dns_answer_rrs",
            "probe_ssl_earliest_cert_expiry",
            "probe_http_version",
            "probe_grpc_status_code",
            "probe_grpc_ssl",
        ] {
            let (here, there) = (value(&ours, name), value(&theirs, name));
            // The certificate of a look that did not go well is shown by us alone.
            let is_ours = name == "probe_ssl_earliest_cert_expiry" && there == Some(0.0);
            if there.is_some() && here != there && (is_good || !is_ours) {
                wrong.push(format!(
                    "{module} on {target}: {name} is {here:?}, and {there:?} there"
                ));
            }
        }
        if value(&ours, "probe_success") != Some(f64::from(u8::from(is_good))) {
            wrong.push(format!("{module} on {target}: expected {is_good}"));
        }
        let missing: Vec<_> = families(&theirs)
            .difference(&families(&ours))
            .map(|name| (*name).to_owned())
            .collect();
        if is_good && !missing.is_empty() {
            wrong.push(format!("{module} on {target}: {missing:?} is missing"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // What was refused shows when it expires.
    let (ours, _) = both.look("http_ca", &format!("https://localhost:{}/", ports[2]));
    let expiry = value(&ours, "probe_ssl_earliest_cert_expiry");
    assert_eq!(expiry, Some(1_577_836_800.0), "{ours}");
    page_is_sound(&ours);
    refusals(&both, ports);
}

fn page_is_sound(page: &str) {
    let Some(promtool) = program("promtool") else {
        return;
    };
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(page.as_bytes())
        .unwrap();
    let out = child.wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}\n{page}");
}

/// Who may not ask, what is no question, and what is never shown.
fn refusals(both: &Both, ports: [u16; 4]) {
    let ask = |path: &str, headers: &[(&str, &str)]| {
        http(&both.ours.address, "GET", path, headers, "").unwrap()
    };
    assert_eq!(ask("/probe?module=nope&target=x", &[]).0, 400);
    assert_eq!(ask("/probe", &[]).0, 400);
    let late = [("x-prometheus-scrape-timeout-seconds", "soon")];
    assert_eq!(ask("/probe?target=localhost:1", &late).0, 400);
    let for_ever = [("x-prometheus-scrape-timeout-seconds", "1e19")];
    assert_eq!(ask("/probe?target=localhost:1", &for_ever).0, 200);
    let forwarded = [("x-forwarded-for", "203.0.113.9")];
    let (status, said) = ask("/probe?target=http://169.254.169.254/", &forwarded);
    assert_eq!(
        status, 403,
        "only this machine may ask for anything: {said}"
    );
    let allowed = format!("/probe?target=http://localhost:{}/page.html", ports[0]);
    assert_eq!(ask(&allowed, &forwarded).0, 200);
    assert_eq!(ask(&format!("{allowed}&hostname=inner"), &forwarded).0, 403);
    // Nor is whoever may ask for one target led to another.
    let away = format!(
        "/probe?module=http_insecure&target=http://localhost:{}/secure",
        ports[0]
    );
    assert!(ask(&away, &forwarded).1.contains("probe_success 0\n"));
    assert!(ask(&away, &[]).1.contains("probe_success 1\n"));
    let debug = format!(
        "/probe?debug=true&module=http_auth&target=http://localhost:{}/closed/page.html",
        ports[0]
    );
    let (_, text) = ask(&debug, &[]);
    assert!(
        text.contains("GET http://localhost") && !text.contains("secret-of-the-probe"),
        "{text}"
    );
}

#[test]
fn a_probe_knows_when_a_certificate_ends_also_of_one_that_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let ports: [u16; 4] = std::array::from_fn(|_| free_port());
    certificates(folder.path());
    for kind in ["pem", "key"] {
        let at = |name: &str| folder.path().join(format!("{name}.{kind}"));
        std::fs::copy(at("soon"), at("other")).unwrap();
    }
    let Some(_nginx) = nginx(folder.path(), ports) else {
        return;
    };
    let [_, good, expired, soon] = ports;
    let scenario =
        "name: get\ninputs: { at: {} }\nsteps: [ { name: get, get: \"${inputs.at}\" } ]\n";
    std::fs::write(folder.path().join("get.yaml"), scenario).unwrap();
    let text = format!(
        "server: {{ listen: LISTEN }}\nenvironments: {{ production: {{ services: {{}}, ca_file: ca.pem }} }}\nprobes:\n\
         \x20 ending: {{ scenario: get.yaml, environment: production, interval: 300ms, certificate: 3650d, inputs: {{ at: \"https://localhost:{soon}/\" }} }}\n\
         \x20 lasting: {{ scenario: get.yaml, environment: production, interval: 300ms, certificate: 14d, inputs: {{ at: \"https://localhost:{good}/\" }} }}\n\
         \x20 refused: {{ scenario: get.yaml, environment: production, interval: 300ms, failures: 1, inputs: {{ at: \"https://localhost:{expired}/\" }} }}\n"
    );
    let daemon = Daemon::start(folder.path(), &text, &[]);
    let probe = |name: &str| {
        super::support::api(&daemon.address, &format!("/api/v1/probes/{name}")).unwrap()["probe"]
            .clone()
    };
    for (name, health) in [
        ("ending", "degraded"),
        ("lasting", "up"),
        ("refused", "down"),
    ] {
        eventually(
            &format!("{name} is {health}"),
            Duration::from_secs(20),
            || (probe(name)["health"] == health).then_some(()),
        );
    }
    assert!(
        probe("ending")
            .to_string()
            .contains("its certificate expires on 2030-01-01"),
        "{}",
        probe("ending")
    );
    let metrics = http(&daemon.address, "GET", "/metrics", &[], "").unwrap().1;
    let series =
        "probe_ssl_earliest_cert_expiry{probe=\"refused\",environment=\"production\"} 1577836800";
    assert!(
        metrics.contains(series),
        "what is refused shows when it expired"
    );
}
