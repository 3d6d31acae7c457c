//! Pipes that break: a peer that goes away ends no process, and whoever reads our output no more ends it quietly.

use super::support::{bellwether, run};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::Stdio;

#[test]
fn a_peer_that_resets_while_it_is_sent_to_is_a_fault_and_not_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // What is left unread makes the end a reset.
            let _ = stream.read(&mut [0; 64]);
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file(
        "bellwether.yaml",
        &format!(
            "environments: {{ test: {{ services: {{ api: {{ url: \"http://{address}\" }} }} }} }}\n"
        ),
    );
    let body = "x".repeat(300_000);
    let load = "load: [ { executor: shared-iterations, vus: 4, iterations: 300 } ]\nobjectives: [ error_rate < 1% ]\n";
    for version in ["1.1", "2"] {
        file(
            "big.yaml",
            &format!(
                "name: big\nservice: api\nsteps:\n  - {{ name: big, post: /, http: \"{version}\", body: {body} }}\n{load}"
            ),
        );
        let (code, out, err) = run(bellwether()
            .current_dir(folder.path())
            .args(["run", "-q", "big.yaml", "--json", "-"]));
        assert_eq!(code, 99, "{out}{err}");
        let seen: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(seen["outcome"], "fail", "{out}");
    }
}

#[test]
fn who_reads_no_more_ends_it_quietly() {
    let mut child = bellwether()
        .args(["schema", "configuration"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::with_capacity(16, child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(first.trim(), "{");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(141), "as every other tool");
}
