//! The binary under test, programs of the machine, and waiting for a condition.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// The binary under test.
pub fn bellwether() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwether"));
    command
        .env("NO_COLOR", "1")
        .env_remove("BELLWETHER_SERVER")
        .env_remove("BELLWETHER_TOKEN");
    command
}

/// The folder of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs to the end and gives exit code, standard output and standard error.
pub fn run(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program can be run");
    (
        status.code().unwrap_or(-1),
        String::from_utf8(stdout).expect("output is UTF-8"),
        String::from_utf8(stderr).expect("output is UTF-8"),
    )
}

/// Whether a run or a gate says that other programs took its processor: then it is right, and
/// proves nothing of what is tested.
pub fn was_disturbed(said: &str) -> bool {
    said.contains("was not its own")
}

/// Reads a request without a body to its end. Nothing if nobody asks any more.
pub fn next_request(reader: &mut impl std::io::BufRead) -> Option<()> {
    next_path(reader).map(|_| ())
}

/// The same, with what was asked for.
pub fn next_path(reader: &mut impl std::io::BufRead) -> Option<String> {
    let (mut line, mut path) = (String::new(), None);
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        path = path.or_else(|| line.split(' ').nth(1).map(str::to_owned));
    }
    path
}

/// How long a machine may be crowded before a test gives up. Neighbors come and go by the minute.
const CROWDED_MAX: Duration = Duration::from_secs(240);

/// What came of the first attempt that was not disturbed; `said` is where one says that it was.
pub fn first_undisturbed<T>(mut attempt: impl FnMut() -> T, said: impl Fn(&T) -> String) -> T {
    let end = Instant::now() + CROWDED_MAX;
    loop {
        let found = attempt();
        let said = said(&found);
        if !was_disturbed(&said) {
            return found;
        }
        assert!(
            Instant::now() < end,
            "this machine is too crowded to measure anything on: {said}"
        );
    }
}

/// Runs to the end, and again where it was disturbed.
pub fn undisturbed(command: impl Fn() -> Command) -> (i32, String, String) {
    let said = |(_, out, err): &(i32, String, String)| format!("{out}{err}");
    first_undisturbed(|| run(&mut command()), said)
}

/// A program of the machine; `None`, said loudly, where it is missing and may be.
pub fn program(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("BELLWETHER_TEST_ALL").is_none(),
            "`{name}` is needed and missing"
        );
        eprintln!("LEFT OUT: `{name}` is not on this machine");
    }
    found
}

/// A port that nobody uses now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// Waits until something is there; panics with `what` after the time.
pub fn eventually<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < end,
            "{what} did not happen within {within:?}"
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A process that is killed when the test is over.
pub struct Process(pub std::process::Child);

impl Process {
    /// Starts a program. It keeps none of our pipes, so that nobody waits for it by mistake.
    pub fn start(command: &mut Command) -> Process {
        command.stdin(std::process::Stdio::null());
        Process(command.spawn().expect("the program can be started"))
    }

    /// Kills it as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A real WebSocket server, and where it listens; nothing where it is not installed.
pub fn websocket_peer() -> Option<(String, Process)> {
    let python = Path::new("/usr/bin/python3");
    let there = python.is_file()
        && Command::new(python)
            .args(["-c", "import websockets"])
            .status()
            .is_ok_and(|status| status.success());
    if !there {
        program("python3-websockets");
        return None;
    }
    let port = free_port();
    let peer = Process::start(
        Command::new(python)
            .arg(root().join("tests/it/websocket_peer.py"))
            .arg(port.to_string())
            .stderr(std::process::Stdio::null()),
    );
    let address = format!("127.0.0.1:{port}");
    eventually("the server listens", Duration::from_secs(20), || {
        std::net::TcpStream::connect(&address).ok()
    });
    Some((address, peer))
}

/// Runs a scenario against one service, `scheme://host:port`, with files beside it and secrets by name; exit code and
/// what was said.
pub fn performed(
    (service, url): (&str, &str),
    scenario: &str,
    beside: &[(&str, &str)],
    secrets: &[(&str, &str)],
) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let mut command = bellwether();
    let mut known = Vec::new();
    for (name, value) in secrets {
        let variable = format!("BELLWETHER_SECRET_{name}");
        known.push(format!("{name}: {{ env: {variable} }}"));
        command.env(variable, value);
    }
    let known = known.join(", ");
    let environment =
        format!("{{ services: {{ {service}: {{ url: \"{url}\" }} }}, secrets: {{ {known} }} }}");
    file(
        "bellwether.yaml",
        &format!("environments: {{ test: {environment} }}\n"),
    );
    file("scenario.yaml", scenario);
    beside.iter().for_each(|(name, text)| file(name, text));
    command.current_dir(folder.path());
    let (code, out, err) = run(command.args(["run", "scenario.yaml"]));
    (code, out + &err)
}

/// Compares a text with a file beside the case; `BELLWETHER_UPDATE=1` writes the file instead.
pub fn snapshot(path: &Path, text: &str) {
    if std::env::var_os("BELLWETHER_UPDATE").is_some() {
        std::fs::write(path, text).expect("the snapshot can be written");
        return;
    }
    let wanted = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        wanted == text,
        "{} differs; look at it, then BELLWETHER_UPDATE=1\n--- wanted\n{wanted}\n--- got\n{text}",
        path.display()
    );
}

/// One HTTP exchange without any library: status and body.
pub fn http(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(u16, String)> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .ok()?;
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    stream.write_all(text.as_bytes()).ok()?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).ok()?;
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    if !head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        return Some((status, body.to_owned()));
    }
    let mut rest = body;
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            break;
        }
        whole.push_str(after.get(..size)?);
        rest = after.get(size + 2..)?;
    }
    Some((status, whole))
}

/// JSON from the API of a daemon.
pub fn api(address: &str, path: &str) -> Option<serde_json::Value> {
    let (_, body) = http(address, "GET", path, &[], "")?;
    serde_json::from_str(&body).ok()
}

/// A daemon that listens on a port of its own and is killed when the test is over.
pub struct Daemon {
    /// Its address.
    pub address: String,
    config: PathBuf,
    environment: Vec<(String, String)>,
    process: Option<Process>,
    descriptors: Option<u64>,
}

impl Daemon {
    /// Starts a daemon. `LISTEN` in the configuration is replaced by its address.
    pub fn start(folder: &Path, text: &str, environment: &[(&str, &str)]) -> Daemon {
        Daemon::start_with(folder, text, environment, None)
    }

    /// The same, with so many file descriptors.
    pub fn start_with(
        folder: &Path,
        text: &str,
        environment: &[(&str, &str)],
        descriptors: Option<u64>,
    ) -> Daemon {
        let address = format!("127.0.0.1:{}", free_port());
        let config = folder.join("bellwether.yaml");
        std::fs::write(&config, text.replace("LISTEN", &address))
            .expect("the configuration can be written");
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut daemon = Daemon {
            address,
            config,
            environment,
            process: None,
            descriptors,
        };
        daemon.restart();
        daemon
    }

    /// Starts it again, and waits until it is ready.
    pub fn restart(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.config.with_extension("log"))
            .expect("a log can be written");
        let mut command = match &self.descriptors {
            None => bellwether(),
            Some(most) => {
                let mut limited = Command::new("sh");
                limited.args(["-c", &format!("ulimit -n {most}; exec \"$0\" \"$@\"")]);
                limited.arg(bellwether().get_program());
                limited
            }
        };
        command
            .arg("serve")
            .arg("--config")
            .arg(&self.config)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stderr(log);
        self.process = Some(Process::start(&mut command));
        let address = self.address.clone();
        eventually("the daemon is ready", Duration::from_secs(20), || {
            http(&address, "GET", "/readyz", &[], "").filter(|(status, _)| *status == 200)
        });
    }

    /// Kills it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        if let Some(process) = &self.process {
            // SAFETY: sends a signal to a child of this test that has not been waited for.
            unsafe { libc::kill(process.0.id() as i32, signal) };
        }
    }

    /// Waits for it to end by itself and gives its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.process
            .as_mut()
            .and_then(|process| process.0.wait().ok()?.code())
    }

    /// Its exit code, if it has ended by itself.
    pub fn ended(&mut self) -> Option<i32> {
        let process = self.process.as_mut()?;
        process.0.try_wait().ok()??.code()
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.process.as_ref().map_or(0, |process| process.0.id())
    }

    /// Lets no file of it grow beyond so many bytes: to SQLite that is a full disk.
    pub fn limit_files(&self, bytes: u64) {
        let limits = libc::rlimit {
            rlim_cur: bytes,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: sets a limit of a child of this test; the struct outlives the call.
        let set = unsafe {
            libc::prlimit(
                self.id() as i32,
                libc::RLIMIT_FSIZE,
                &raw const limits,
                std::ptr::null_mut(),
            )
        };
        assert_eq!(set, 0);
    }

    /// Puts another configuration in force. `LISTEN` in it is replaced by its address.
    pub fn reload(&self, text: &str) {
        std::fs::write(&self.config, text.replace("LISTEN", &self.address))
            .expect("the configuration can be written");
        let (status, said) =
            http(&self.address, "POST", "/api/v1/reload", &[], "").expect("the daemon answers");
        assert_eq!(status, 200, "{said}");
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.config.with_extension("log")).unwrap_or_default()
    }

    /// Starts a gate and gives its number.
    pub fn start_gate(&self, body: &serde_json::Value) -> i64 {
        let (status, text) = http(
            &self.address,
            "POST",
            "/api/v1/gates",
            &[("content-type", "application/json")],
            &body.to_string(),
        )
        .expect("the daemon answers");
        assert_eq!(status, 201, "{text}");
        serde_json::from_str::<serde_json::Value>(&text).expect("it is JSON")["id"]
            .as_i64()
            .expect("it has an id")
    }

    /// What stands at an address, with the token of `LOOK_TOKEN` where there is one.
    pub fn see(&self, path: &str) -> Option<serde_json::Value> {
        let mut tokens = self.environment.iter();
        let token = tokens.find(|(name, _)| name == "LOOK_TOKEN");
        let bearer = token.map(|(_, token)| format!("Bearer {token}"));
        let header = bearer.as_deref().map(|bearer| ("authorization", bearer));
        let headers: Vec<(&str, &str)> = header.into_iter().collect();
        let (_, body) = http(&self.address, "GET", path, &headers, "")?;
        serde_json::from_str(&body).ok()
    }

    /// Waits until a gate is done.
    pub fn done(&self, id: i64) -> serde_json::Value {
        eventually("the gate is done", Duration::from_secs(60), || {
            self.see(&format!("/api/v1/gates/{id}"))
                .filter(|gate| gate["done"] == true)
        })
    }
}

/// A configuration for [`first_release_state`]. Nothing answers at its services.
pub const FIRST_RELEASE: &str = "server: { listen: LISTEN }
environments: { production: { services: { api: { url: \"http://127.0.0.1:1\", version: { path: /version } } }, enforce: true } }
probes:
  shop-api: { scenario: smoke.yaml, environment: production, interval: 1h }
gates:
  shop:
    environment: production
    services: [api]
    smoke: [smoke.yaml]
    prove: { reads: 1, every: 100ms, timeout: 1s }
    actions: { rollback: [ { name: redeploy, command: [\"true\"] } ] }
    tell: [pager]
channels: { pager: { slack: { url: \"http://127.0.0.1:1/\" } } }
";

/// A daemon on the state that the first release wrote, with its gates done.
pub fn first_release(folder: &Path) -> Daemon {
    let smoke =
        "name: smoke\nservice: api\nsteps: [ { name: a, get: /, check: [ status == 200 ] } ]\n";
    std::fs::write(folder.join("smoke.yaml"), smoke).expect("a scenario can be written");
    first_release_state(folder);
    let daemon = Daemon::start(folder, FIRST_RELEASE, &[]);
    daemon.done(4);
    daemon
}

/// A state file that the first release wrote, killed in the middle of a proof.
pub fn first_release_state(folder: &Path) {
    let dump = root().join("tests/cases/state/0.1.0.sql");
    let dump = std::fs::read_to_string(dump).expect("it is there");
    let file = rusqlite::Connection::open(folder.join("bellwether.db")).expect("it can be made");
    file.execute_batch(&dump).expect("it is sound");
    // As if it had been written just now: what is old is removed.
    for (table, column) in [
        ("gates", "updated_ms"),
        ("runs", "at_ms"),
        ("outbox", "created_ms"),
    ] {
        let now = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
        let sql = format!("UPDATE {table} SET {column} = {now}");
        file.execute_batch(&sql).expect("the columns are there");
    }
}

/// The summary of the first run of a report as JSON; nothing where there is none.
pub fn first_run(file: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let first = report["runs"].get(0).or(report.get(0)).cloned();
    first.unwrap_or(report)
}
