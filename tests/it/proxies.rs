//! Proxies on the way: what they let through arrives, and what they refuse is said of them, never of the product.

use super::standin::{Asked, json, of, serve};
use super::support::{bellwether, run};
use base64::Engine as _;
use serde_json::json as value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

fn answer(asked: &Asked) -> super::standin::Answer {
    match asked.path.as_str() {
        "/health" => json(200, value!({ "host": asked.header("host") })),
        _ => of(404, "text/plain", "no such page"),
    }
}

/// A proxy that leads every way to one place: `CONNECT` with ann's password, or SOCKS5. Its address, and what it was asked.
fn proxy(
    target: &str,
    answer: impl Fn(&mut TcpStream) -> Option<String> + Send + Sync + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let (target, known, answer) = (target.to_owned(), asked.clone(), Arc::new(answer));
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let (target, known, answer) = (target.clone(), known.clone(), answer.clone());
            std::thread::spawn(move || {
                let Some(place) = answer(&mut client) else {
                    return;
                };
                known.lock().unwrap().push(place);
                let mut server = TcpStream::connect(&target).unwrap();
                let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                let _ = std::io::copy(&mut server, &mut client);
            });
        }
    });
    (address, asked)
}

/// Speaks `CONNECT`: whoever is ann is let through; the place that was asked for.
fn connect(client: &mut TcpStream) -> Option<String> {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let place = lines.first()?.split(' ').nth(1)?.to_owned();
    let right = base64::engine::general_purpose::STANDARD.encode("ann:long-enough");
    let is_ann = lines
        .iter()
        .any(|line| *line == format!("proxy-authorization: Basic {right}"));
    let status = match (is_ann, place.as_str()) {
        (false, _) => "407 Proxy Authentication Required",
        (_, "dead.example:80") => "502 Bad Gateway",
        _ => "200 Connection established",
    };
    client
        .write_all(format!("HTTP/1.0 {status}\r\nx: y\r\n\r\n").as_bytes())
        .ok()?;
    status.starts_with("200").then_some(place)
}

/// Speaks SOCKS5 without a password; the place that was asked for.
fn socks(client: &mut TcpStream) -> Option<String> {
    let mut read = |count: usize| {
        let mut bytes = vec![0; count];
        client.read_exact(&mut bytes).map(|()| bytes).ok()
    };
    let methods = read(2)?;
    read(methods[1].into())?;
    client.write_all(&[5, 0]).ok()?;
    let mut read = |count: usize| {
        let mut bytes = vec![0; count];
        client.read_exact(&mut bytes).map(|()| bytes).ok()
    };
    let head = read(5)?;
    let name = String::from_utf8(read(head[4].into())?).ok()?;
    let port = read(2)?;
    let refuses = name == "closed.example";
    client
        .write_all(&[5, if refuses { 5 } else { 0 }, 0, 1, 0, 0, 0, 0, 0, 0])
        .ok()?;
    let port = u16::from_be_bytes([port[0], port[1]]);
    (!refuses).then(|| format!("{name}:{port}"))
}

const HEALTH: &str = "name: health\nservice: shop\nsteps:\n  - get: /health\n    check: body.host == 'shop.example'\n";

/// Performs a smoke in an environment: exit code, what was said.
fn smoke(folder: &Path, url: &str, proxy: &str, variables: &[(&str, &str)]) -> (i32, String) {
    std::fs::write(folder.join("health.yaml"), HEALTH).unwrap();
    let environment = format!("{{ services: {{ shop: {{ url: \"{url}\" }} }}, proxy: {proxy} }}");
    std::fs::write(
        folder.join("bellwether.yaml"),
        format!("environments: {{ test: {environment} }}\n"),
    )
    .unwrap();
    let mut command = bellwether();
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ] {
        command.env_remove(name);
    }
    let (code, out, err) = run(command
        .envs(variables.iter().copied())
        .args(["run", "--env", "test"])
        .arg(folder.join("health.yaml")));
    (code, format!("{out}{err}"))
}

#[test]
fn what_a_proxy_lets_through_arrives_and_what_it_refuses_is_its_own_fault() {
    let target = serve(answer);
    let (http, led) = proxy(&target, connect);
    let (socks5, led_by_socks) = proxy(&target, socks);
    let folder = tempfile::tempdir().unwrap();
    let named = |except: &str| {
        format!(
            "{{ url: \"http://{http}\", user: ann, password: {{ env: PROXY_WORD }}, except: [ {except} ] }}"
        )
    };
    let word = ("PROXY_WORD", "long-enough");
    let socks = format!("\"socks5://{socks5}\"");
    let variable = format!("http://ann:long-enough@{http}");
    for (url, by, variables, (code, said)) in [
        ("http://shop.example", named(""), &[word][..], (0, "")),
        (
            "http://shop.example",
            named(""),
            &[("PROXY_WORD", "another-word")],
            (98, "wants a name and a password that are right"),
        ),
        (
            "http://shop.example",
            named(""),
            &[],
            (104, "the password of the proxy is missing"),
        ),
        (
            "http://dead.example",
            named(""),
            &[word],
            (98, "answered 502 to CONNECT dead.example:80"),
        ),
        (
            "http://shop.example",
            named("example"),
            &[word],
            (98, "`shop.example` cannot be resolved"),
        ),
        ("http://shop.example", socks.clone(), &[], (0, "")),
        (
            "http://closed.example",
            socks,
            &[],
            (99, "closed.example:80 refused the connection"),
        ),
        (
            "http://shop.example",
            "\"http://127.0.0.1:1\"".to_owned(),
            &[],
            (98, "was not reached: refused"),
        ),
        (
            "http://shop.example",
            "from_environment".to_owned(),
            &[("HTTP_PROXY", &variable)],
            (0, ""),
        ),
        (
            "http://shop.example",
            "from_environment".to_owned(),
            &[("http_proxy", "ftp://x")],
            (104, "`HTTP_PROXY`: proxies are reached by"),
        ),
        (
            "http://shop.example",
            "\"http://ann:long-enough@x\"".to_owned(),
            &[],
            (104, "carries a name or a password"),
        ),
    ] {
        let (found, text) = smoke(folder.path(), url, &by, variables);
        assert_eq!(found, code, "{url} {by}\n{text}");
        assert!(text.contains(said), "{url} {by}: {said}\n{text}");
        assert!(!text.contains("long-enough") || code == 104, "{text}");
    }
    assert_eq!(*led.lock().unwrap(), ["shop.example:80", "shop.example:80"]);
    assert_eq!(*led_by_socks.lock().unwrap(), ["shop.example:80"]);
    // As k6: scripts go by what the system says; where a name leads, and where nothing may go, they say themselves.
    let script = folder.path().join("script.js");
    let perform = |options: &str, url: &str| {
        let text = format!(
            "import http from 'k6/http';\nexport const options = {{ {options} }};\nexport default function () {{ const reply = http.get('{url}/health'); console.log(reply.status, reply.error_code); }}"
        );
        std::fs::write(&script, text).unwrap();
        let (code, _, err) = run(bellwether()
            .env("HTTP_PROXY", &variable)
            .args(["k6", "run", "--quiet", "--log-format", "raw"])
            .arg(&script));
        assert_eq!(code, 0, "{err}");
        err.lines().next().unwrap_or_default().to_owned()
    };
    let leads = "hosts: { 'shop.example': '10.9.8.7' }";
    assert_eq!(perform("", "http://shop.example"), "200 0");
    assert_eq!(perform(leads, "http://shop.example"), "200 0");
    assert_eq!(led.lock().unwrap()[2..], ["shop.example:80", "10.9.8.7:80"]);
    let barred = "blacklistIPs: ['10.0.0.0/8']";
    for (options, url) in [
        (barred.to_owned(), "http://10.1.2.3"),
        (format!("{leads}, {barred}"), "http://shop.example"),
    ] {
        assert_eq!(perform(&options, url), "0 1110", "{options}");
    }
    assert_eq!(led.lock().unwrap().len(), 4, "nothing was sent there");
}
