//! Pages as a person uses them, and pages that do their worst: a real Chromium against a site of our own.

use super::standin::{Answer, Asked, of, serve, serve_by};
use super::support::{Daemon, Process, bellwether, eventually, first_run, program, run};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

const PASS: i32 = 0;
const DOUBT: i32 = 98;
const FAIL: i32 = 99;

const LOGIN: &str = r#"<!doctype html><html lang=en><title>Sign in</title><link rel=icon href="data:,"><h1>Console</h1>
<form method=post action=/login><label>Email <input name=email type=email></label>
<label>Password <input name=password type=password data-testid=password></label><button>Sign in</button></form>"#;
const DASHBOARD: &str = r#"<!doctype html><html lang=en><title>Dashboard</title><link rel=icon href="data:,"><nav><a href=/invoices>Invoices</a></nav>
<h1>Dashboard</h1><p id=late></p><button onclick="late.textContent='Paid'">Pay</button><button>Pay later</button>
<select aria-label=Role><option value=a>Admin<option value=v>Viewer</select><label><input type=checkbox> Agree</label>
<a href=/invoice.pdf download>Download PDF</a><label>Photo <input type=file onchange="late.textContent=this.files[0].name"></label>
<script>setTimeout(() => { late.textContent = 'Hello Ada' }, 300)</script>"#;

/// The site.
fn site(asked: &Asked) -> Answer {
    let page = |body: &str| {
        of(
            200,
            "text/html; charset=utf-8",
            &format!("<link rel=icon href='data:,'>{body}"),
        )
    };
    let session = asked.header("cookie").contains("session=of-ada-lovelace");
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/login") => of(200, "text/html", LOGIN),
        ("POST", "/login") if asked.body.contains("password=open-sesame") => {
            of(302, "text/html", "")
                .with("location", "/dashboard")
                .with("set-cookie", "session=of-ada-lovelace; HttpOnly; Path=/")
        }
        ("POST", "/login") => of(
            401,
            "text/html",
            &LOGIN.replace("<h1>", "<p role=alert>Wrong password</p><h1>"),
        ),
        ("GET", "/dashboard") if session => of(200, "text/html", DASHBOARD),
        ("GET", "/dashboard") => of(302, "text/html", "").with("location", "/login"),
        ("GET", "/me") => of(if session { 200 } else { 401 }, "application/json", "{}"),
        ("GET", "/invoice.pdf") => of(200, "application/pdf", "%PDF-1.4 an invoice").with(
            "content-disposition",
            "attachment; filename=\"../invoice-7.pdf\"",
        ),
        ("GET", "/invoices") => page(
            "<title>Invoices</title><table><tr><td>1<td><a href=/a>Open</a><tr><td>2<td><a href=/b>Open</a></table>",
        ),
        ("GET", "/errors") => page(
            "<script>console.error('boom'); Promise.reject(new Error('nobody caught it')); fetch('/gone.json')</script>errors",
        ),
        ("GET", "/policy") => page("<script>1</script><img src='http://127.0.0.1:9/x.png'>policy")
            .with(
                "content-security-policy",
                "default-src 'self'; img-src data:",
            ),
        ("GET", "/hangs") => page("<button onclick='for(;;);'>Hang</button>"),
        ("GET", "/born-hanging") => page("<p>here</p><script>for(;;);</script>"),
        ("GET", "/alert") => {
            page("<script>alert('hi'); confirm('sure?'); prompt('name?')</script>after all dialogs")
        }
        ("GET", "/popups") => page(
            "<script>for (let i = 0; i < 40; i++) window.open('/alert')</script>after all windows",
        ),
        ("GET", "/circle") => {
            page("<script>location.href = '/circle?' + Math.random()</script>round")
        }
        ("GET", "/redirects") => {
            of(302, "text/html", "").with("location", format!("/redirects?{}", asked.query.len()))
        }
        ("GET", "/never") => {
            std::thread::park_timeout(Duration::from_secs(120));
            page("late")
        }
        ("GET", "/blank") => page("<div id=root></div><script src=/gone.js></script>"),
        ("GET", "/crash") => page("<p>before</p>"),
        ("GET", "/large") => page(
            "<p>large</p><script>const all = []; for (let i = 0; i < 200000; i++) { const p = document.createElement('p'); p.textContent = 'row ' + i; all.push(p) } for (const p of all) document.body.append(p)</script>",
        ),
        ("GET", "/moves") => page(
            "<style>@keyframes m { to { margin-left: 300px } } #m { animation: m .6s } #c { position: fixed; inset: 0; background: #fff8 }</style><button id=m onclick='this.textContent=\"done\"'>Move</button><button disabled>Off</button><div id=c></div><script>setTimeout(() => c.remove(), 500)</script>",
        ),
        ("GET", "/shadow") => page(
            "<div id=h></div><iframe id=f srcdoc='<h2>Card</h2><label>Number <input></label><button onclick=\"this.textContent=`Charged`\">Charge</button>'></iframe><script>h.attachShadow({mode:'open'}).innerHTML='<button onclick=\"this.textContent=`Deep`\">Within</button>'</script>",
        ),
        ("GET", "/slow-click") => page(
            "<h1>Something large to see</h1><button onclick='const e = performance.now() + 200; while (performance.now() < e); this.textContent = \"done\"'>Slow</button>",
        ),
        ("GET", "/console-flood") => page(
            "<p>flood</p><script>setInterval(() => { for (let i = 0; i < 500; i++) console.error('x' + i) }, 1)</script>",
        ),
        ("GET", "/polls") => page(
            "<p>polls</p><script>setInterval(() => fetch('/me'), 50); new EventSource('/never')</script>",
        ),
        ("GET", "/shows-secret") => page("<p>your key is open-sesame</p>"),
        ("GET", "/worker") => {
            page("<p>worker</p><script>navigator.serviceWorker.register('/sw.js')</script>")
        }
        ("GET", "/sw.js") => of(
            200,
            "text/javascript",
            "self.addEventListener('fetch', () => {})",
        ),
        ("GET", "/500") => of(500, "text/html", "<h1>Internal error</h1>"),
        ("GET", "/empty-500") => of(500, "text/html", ""),
        ("GET", "/json") => of(200, "application/json", "{\"version\": \"1.4.2\"}"),
        ("GET", "/nothing") => of(204, "text/html", ""),
        _ => of(404, "text/html", "<h1>Not found</h1>"),
    }
}

/// Whether a browser is here; how an environment starts it.
pub fn browser() -> Option<&'static str> {
    program("chromium")?;
    // SAFETY: it only asks who we are.
    let is_root = unsafe { libc::geteuid() } == 0;
    Some(if is_root {
        "{ sandbox: false }"
    } else {
        "{ sandbox: true }"
    })
}

/// What a run came to: exit code, what was said, and its summary.
struct Came {
    code: i32,
    said: String,
    summary: Value,
    /// What was left behind in the folder for temporary files.
    left: Vec<String>,
}

impl Came {
    /// The failures of a step, or nothing.
    fn failure(&self, step: &str) -> String {
        let steps = self.summary["steps"].as_array().unwrap();
        let found = steps.iter().find(|one| one["name"] == step);
        let found = found.unwrap_or_else(|| panic!("no step `{step}` in {}", self.said));
        found["examples"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn watched(scenario: &str, browser: &str, folder: &Path) -> Came {
    let site = serve(site);
    let temporary = folder.join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let environment = format!(
        "environments: {{ test: {{ services: {{ console: {{ url: \"http://{site}\" }} }}, browser: {browser}, secrets: {{ PASSWORD: {{ env: THE_PASSWORD }} }} }} }}\n"
    );
    std::fs::write(folder.join("bellwether.yaml"), environment).unwrap();
    std::fs::write(folder.join("scenario.yaml"), scenario).unwrap();
    std::fs::write(folder.join("photo.txt"), "a photo").unwrap();
    let mut command = bellwether();
    command
        .current_dir(folder)
        .env("TMPDIR", &temporary)
        .env("THE_PASSWORD", "open-sesame");
    let (code, out, err) = run(command.args([
        "run",
        "scenario.yaml",
        "--json",
        "run.json",
        "--html",
        "run.html",
        "--har",
        "run.har",
        "--pictures",
        "pictures",
    ]));
    let summary = first_run(&folder.join("run.json"));
    let left = std::fs::read_dir(&temporary).unwrap().flatten();
    Came {
        code,
        said: out + &err,
        summary,
        left: left
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect(),
    }
}

const JOURNEY: &str = "name: journey
service: console
secrets: [PASSWORD]
browser: { console: fail, policy: fail, requests: fail, share_cookies: true }
steps:
  - { open: /login, check: [ \"title == 'Sign in'\", status == 200 ] }
  - fill: { label: Email, with: ada@example.com }
  - fill: { test_id: password, with: \"${secrets.PASSWORD}\" }
  - click: { button: sign in }
    check: \"url.endsWith('/dashboard')\"
  - { see: Hello Ada, check: \"redirects == 1\" }
  - select: { label: Role, option: Viewer }
  - expect: { combobox: Role, value: v }
  - tick: { label: Agree }
  - name: it is ticked
    expect: { checkbox: Agree, checked: true }
  - click: { button: Pay }
  - see: Paid
  - upload: { label: Photo, files: photo.txt }
  - see: photo.txt
  - download: { link: Download PDF }
    check: [ \"text.startsWith('%PDF-')\", \"file.name.endsWith('invoice-7.pdf')\" ]
  - { name: the same cookies, get: /me }
  - click: { link: Invoices }
  - name: two invoices
    expect: { link: Open, count: 2 }
  - name: the second
    see: { link: Open, within: { css: \"tr:nth-of-type(2)\" } }
  - { script: \"return document.title.length\", check: value == 8 }
  - back: true
  - press: Tab
  - screenshot: { full: true }
";

#[test]
fn a_person_logs_in_looks_around_and_takes_a_file_along() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let came = watched(JOURNEY, browser, folder.path());
    assert_eq!(came.code, PASS, "{}", came.said);
    assert_eq!(came.left, Vec::<String>::new());
    for file in ["run.json", "run.html", "run.har"] {
        let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(!text.contains("open-sesame"), "the password is in {file}");
    }
    let html = std::fs::read_to_string(folder.path().join("run.html")).unwrap();
    assert!(html.contains("src=\"data:image/png;base64,"));
    let har: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("run.har")).unwrap())
            .unwrap();
    let urls: Vec<&str> = har["log"]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["request"]["url"].as_str())
        .collect();
    assert!(
        urls.iter().any(|url| url.ends_with("/dashboard")),
        "{urls:?}"
    );
    let of_scenario = folder.path().join("pictures/journey/test");
    let run = std::fs::read_dir(of_scenario)
        .unwrap()
        .flatten()
        .next()
        .unwrap()
        .path();
    let picture = std::fs::read(
        std::fs::read_dir(run)
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|kind| kind == "png"))
            .unwrap(),
    )
    .unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
}

/// What each page does, what is done on it, and what is told; nothing where it passes.
const PAGES: &[(&str, &str, &str)] = &[
    (
        "errors",
        "open: /errors, check: console.size() == 3",
        "an error on the console (console): boom",
    ),
    (
        "policy",
        "open: /policy, check: violations.size() == 2",
        "the content security policy refused",
    ),
    ("dialogs", "open: /alert, check: dialogs.size() == 3", ""),
    ("windows", "open: /popups, check: popups.size() <= 11", ""),
    (
        "circle",
        "open: /circle, timeout: 20s",
        "the page leads on and on",
    ),
    (
        "redirects",
        "open: /redirects",
        "net::ERR_TOO_MANY_REDIRECTS",
    ),
    ("never", "open: /never, timeout: 2s", "nothing came of"),
    (
        "blank",
        "open: /blank, check: status == 200",
        "the page is blank",
    ),
    ("large", "open: /large, timeout: 60s", ""),
    ("much text", "see: row 199999, timeout: 30s", ""),
    (
        "only in a script",
        "see: const all, timeout: 2s",
        "text \"const all\": it cannot be seen",
    ),
    (
        "not there",
        "click: { button: Nowhere }, timeout: 8s",
        "button \"Nowhere\": it is not there",
    ),
    ("moves", "open: /moves", ""),
    (
        "disabled",
        "click: { button: \"Off\" }, timeout: 1s",
        "button \"Off\" is disabled",
    ),
    ("waits", "click: { button: Move }", ""),
    ("done", "see: done", ""),
    (
        "ambiguous",
        "click: { css: button }, timeout: 1s",
        "there are 2, where one is wanted",
    ),
    ("shadow", "open: /shadow", ""),
    ("deep", "click: { button: Within }", ""),
    ("was deep", "see: Deep", ""),
    (
        "frame",
        "fill: { label: Number, frame: { css: \"#f\" }, with: \"4242\" }",
        "",
    ),
    (
        "in frame",
        "click: { button: Charge, frame: { css: \"#f\" } }",
        "",
    ),
    (
        "charged",
        "see: { text: Charged, frame: { css: \"#f\" } }",
        "",
    ),
    (
        "slow",
        "open: /slow-click, check: [ vitals.lcp > 0, vitals.fcp > 0, vitals.ttfb > 0, vitals.cls == 0 ]",
        "",
    ),
    (
        "slow click",
        "click: Slow, check: [ vitals.inp >= 200, vitals.inp < 5000 ]",
        "",
    ),
    ("polls", "open: /polls", ""),
    ("worker", "open: { url: /worker, until: idle }", ""),
    ("status", "open: /500", "status was 500"),
    ("empty", "open: /empty-500", "status was 500"),
    (
        "json",
        "open: /json, check: \"body.version == '1.4.2'\"",
        "",
    ),
    ("nothing", "open: /nothing", "no document came"),
    (
        "refused",
        "open: \"http://127.0.0.1:1024\"",
        "net::ERR_CONNECTION_REFUSED",
    ),
    ("secret", "open: /shows-secret", ""),
    (
        "no picture",
        "screenshot: true",
        "a secret can be read on the page",
    ),
    ("flood", "open: /console-flood", "an error on the console"),
    (
        "leaves",
        "open: /login",
        "there are more errors on the console",
    ),
    ("hangs", "open: /hangs", ""),
    (
        "hung",
        "click: Hang, timeout: 2s",
        "the page does not respond",
    ),
    ("after", "open: /login", ""),
    (
        "born hanging",
        "open: /born-hanging, timeout: 3s",
        "did not come to",
    ),
    ("at last", "open: /login, check: \"title == 'Sign in'\"", ""),
];

#[test]
fn a_page_that_does_its_worst_is_told_within_its_time_and_harms_no_other() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let steps: Vec<String> = PAGES
        .iter()
        .map(|(name, does, _)| format!("  - {{ name: {name}, {does}, continue: true }}\n"))
        .collect();
    let scenario = format!(
        "name: worst\nservice: console\nsecrets: [PASSWORD]\nbrowser: {{ console: fail, policy: fail, ignore: [gone.js, \"status of 500\", ERR_, \"status of 401\"] }}\nsteps:\n{}  - {{ name: last, get: /me, check: \"secrets.PASSWORD != '' && status == 401\" }}\n",
        steps.concat()
    );
    let began = Instant::now();
    let came = watched(&scenario, browser, folder.path());
    let wrong: Vec<String> = PAGES
        .iter()
        .map(|(name, _, told)| (*name, *told, came.failure(name)))
        .filter(|(_, told, said)| {
            if told.is_empty() {
                !said.is_empty()
            } else {
                !said.contains(told)
            }
        })
        .map(|(name, told, said)| format!("{name}: wanted {told:?}, told {said:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), came.said);
    assert_eq!(came.code, FAIL, "{}", came.said);
    assert!(came.said.contains("there are: "), "{}", came.said);
    assert_eq!(came.left, Vec::<String>::new());
    assert!(
        began.elapsed() < Duration::from_secs(120),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn without_a_browser_nothing_is_said_about_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = "name: none\nservice: console\nsteps: [ { open: /login } ]\n";
    let came = watched(scenario, "{ binary: ./no-such-browser }", folder.path());
    assert_eq!(came.code, DOUBT, "{}", came.said);
    assert!(
        came.said.contains("no browser: ") && came.said.contains("no-such-browser` is no program"),
        "{}",
        came.said
    );
    let came = watched(scenario, "{ binary: /bin/false }", folder.path());
    assert_eq!(came.code, DOUBT, "{}", came.said);
    assert!(came.said.contains("ended at once"), "{}", came.said);
    assert_eq!(came.left, Vec::<String>::new());
    let mut command = bellwether();
    command.current_dir(folder.path()).env("PATH", "/nowhere");
    std::fs::remove_file(folder.path().join("bellwether.yaml")).unwrap();
    let (code, _, said) = run(command.args(["check", "scenario.yaml"]));
    assert_eq!(code, PASS, "{said}");
    assert!(
        said.contains("warning[no-browser]") && said.contains("apt-get install chromium"),
        "{said}"
    );
}

/// Processes whose parent is another one.
fn children_of(parent: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let of = |process: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        stat.rsplit_once(')')?
            .1
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()
    };
    all.filter(|process| of(*process) == Some(parent)).collect()
}

/// A run that waits for a page that never comes, with its browser.
fn waiting(folder: &Path, browser: &str) -> (Process, u32) {
    let is_asked = Arc::new(AtomicBool::new(false));
    let asks = is_asked.clone();
    let site = serve_by(move |asked| {
        asks.fetch_or(asked.path == "/never", Relaxed);
        site(asked)
    });
    let environment = format!(
        "environments: {{ test: {{ services: {{ console: {{ url: \"http://{site}\" }} }}, browser: {browser} }} }}\n"
    );
    std::fs::write(folder.join("bellwether.yaml"), environment).unwrap();
    std::fs::write(folder.join("scenario.yaml"), "name: waits\nservice: console\nsteps: [ { open: /login }, { open: /never, timeout: 60s } ]\n").unwrap();
    let temporary = folder.join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let mut command = bellwether();
    command.current_dir(folder).env("TMPDIR", &temporary).args([
        "run",
        "scenario.yaml",
        "--json",
        "run.json",
    ]);
    let out = std::fs::File::create(folder.join("said")).unwrap();
    let process = Process::start(command.stdout(out.try_clone().unwrap()).stderr(out));
    let found = eventually("a browser is started", Duration::from_secs(30), || {
        children_of(process.0.id()).first().copied()
    });
    eventually("the page is asked for", Duration::from_secs(30), || {
        is_asked.load(Relaxed).then_some(())
    });
    (process, found)
}

fn kill(process: u32) {
    // SAFETY: a process that the test started.
    unsafe { libc::kill(process as i32, libc::SIGKILL) };
}

fn is_there(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[test]
fn a_browser_that_is_killed_in_the_middle_leaves_it_open_and_nothing_behind() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut process, found) = waiting(folder.path(), browser);
    kill(found);
    let code = eventually("the run is over", Duration::from_secs(30), || {
        process.0.try_wait().unwrap()?.code()
    });
    let said = std::fs::read_to_string(folder.path().join("said")).unwrap();
    assert_eq!(code, DOUBT, "{said}");
    assert!(
        said.contains("the browser ended in the middle of it"),
        "{said}"
    );
    let left = std::fs::read_dir(folder.path().join("tmp")).unwrap();
    let left: Vec<_> = left.flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_browser_does_not_outlive_whoever_is_killed_and_the_next_one_tidies_up() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (process, found) = waiting(folder.path(), browser);
    kill(process.0.id());
    eventually("the browser ends, too", Duration::from_secs(10), || {
        (!is_there(found)).then_some(())
    });
    let left = || {
        std::fs::read_dir(folder.path().join("tmp"))
            .unwrap()
            .count()
    };
    assert_eq!(left(), 1, "the profile of the browser");
    drop(process);
    let came = watched(
        "name: next\nservice: console\nsteps: [ { open: /login } ]\n",
        browser,
        folder.path(),
    );
    assert_eq!((came.code, left()), (PASS, 0), "{}", came.said);
}

/// A console that works, until a deploy blanks its page.
fn deployed(asked: &Asked) -> Answer {
    match asked.path.as_str() {
        "/version" => super::standin::json(200, json!({"version": "2.0.0"})),
        _ => of(
            200,
            "text/html",
            "<!doctype html><title>Console</title><div id=root></div><script>throw new Error('undefined is not a function')</script>",
        ),
    }
}

#[test]
fn a_deploy_that_blanks_the_page_is_no_promotion_and_its_picture_is_kept() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let site = serve(deployed);
    std::fs::write(
        folder.path().join("smoke.yaml"),
        "name: console\nservice: console\nsteps: [ { open: /, timeout: 15s } ]\n",
    )
    .unwrap();
    let text = format!(
        "server: {{ listen: LISTEN }}
environments:
  production: {{ browser: {browser}, services: {{ console: {{ url: \"http://{site}\", version: {{ path: /version, value: body.version }} }} }} }}
gates:
  console: {{ environment: production, services: [console], smoke: [smoke.yaml], converge: {{ reads: 2, every: 100ms }} }}
probes:
  console: {{ scenario: smoke.yaml, environment: production, interval: 1d }}
"
    );
    let daemon = Daemon::start(folder.path(), &text, &[]);
    let (status, body) = super::support::http(
        &daemon.address,
        "POST",
        "/api/v1/gates",
        &[("content-type", "application/json")],
        "{\"gate\": \"console\", \"version\": \"2.0.0\"}",
    )
    .unwrap();
    assert!(status < 300, "{body}");
    let gate = daemon.done(1);
    assert_ne!(gate["verdict"], "promote", "{gate}");
    let run = daemon.see("/api/v1/runs/1").unwrap();
    let picture = &run["steps"][0]["pictures"][0];
    assert!(
        run["steps"][0]["examples"][0]
            .as_str()
            .unwrap()
            .contains("the page is blank"),
        "{run}"
    );
    let address = format!("/pictures/{}", picture["sha256"].as_str().unwrap());
    let (status, page) = super::support::http(&daemon.address, "GET", "/runs/1", &[], "").unwrap();
    assert!(status == 200 && page.contains(&address), "{page}");
    let mut stream = std::net::TcpStream::connect(&daemon.address).unwrap();
    use std::io::{Read as _, Write as _};
    write!(
        stream,
        "GET {address} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        daemon.address
    )
    .unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let text = String::from_utf8_lossy(&reply);
    assert!(
        text.starts_with("HTTP/1.1 200") && text.contains("image/png"),
        "{}",
        &text[..text.len().min(300)]
    );
    assert_eq!(
        reply.windows(4).filter(|four| four == b"\x89PNG").count(),
        1
    );
    // A probe shows its own.
    let (_, page) =
        super::support::http(&daemon.address, "GET", "/probes/console", &[], "").unwrap();
    assert!(
        page.contains("src=\"data:image/png;base64,"),
        "{}",
        page.len()
    );
}

#[test]
fn a_gate_that_cannot_open_its_pages_holds_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let site = serve(deployed);
    std::fs::write(
        folder.path().join("smoke.yaml"),
        "name: console\nservice: console\nsteps: [ { open: / } ]\n",
    )
    .unwrap();
    let text = format!(
        "server: {{ listen: LISTEN }}
environments:
  production: {{ browser: {{ binary: /bin/false }}, services: {{ console: {{ url: \"http://{site}\", version: {{ path: /version, value: body.version }} }} }} }}
gates:
  console: {{ environment: production, services: [console], smoke: [smoke.yaml], converge: {{ reads: 2, every: 100ms }} }}
"
    );
    let daemon = Daemon::start(folder.path(), &text, &[]);
    let id = daemon.start_gate(&json!({"gate": "console", "version": "2.0.0"}));
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "hold", "{gate}");
    assert!(gate.to_string().contains("no page can be opened"), "{gate}");
}

/// Processes below another one that are asked for by a word of theirs.
fn below(parent: u32, word: &str) -> Vec<u32> {
    let mut all = children_of(parent);
    let mut at = 0;
    while let Some(process) = all.get(at).copied() {
        all.extend(children_of(process));
        at += 1;
    }
    let says = |process: &u32| {
        let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
    };
    all.into_iter().filter(says).collect()
}

#[test]
fn a_page_whose_process_ends_is_no_page_that_came() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut process, found) = waiting(folder.path(), browser);
    let pages = eventually("pages have processes", Duration::from_secs(20), || {
        Some(below(found, "--type=renderer")).filter(|pages| !pages.is_empty())
    });
    pages.into_iter().for_each(kill);
    let code = eventually("the run is over", Duration::from_secs(70), || {
        process.0.try_wait().unwrap()?.code()
    });
    let said = std::fs::read_to_string(folder.path().join("said")).unwrap();
    assert_eq!(code, FAIL, "{said}");
    let told = [
        "the page has crashed",
        "no document came of",
        "nothing came of",
    ];
    assert!(told.iter().any(|told| said.contains(told)), "{said}");
}
