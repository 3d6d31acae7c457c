//! gRPC steps against a real server, and against one that speaks something else.

use super::standin::{json, serve};
use super::support::{Process, bellwether, eventually, free_port, program, root, run};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A server of gRPC, with or without reflection and health; nothing where Python cannot speak it.
fn peer(more: &[&str]) -> Option<(String, Process)> {
    let python = Path::new("/usr/bin/python3");
    let there = python.is_file()
        && Command::new(python)
            .args(["-c", "import grpc, google.protobuf"])
            .status()
            .is_ok_and(|status| status.success());
    if !there {
        program("python3-grpcio");
        return None;
    }
    let port = free_port();
    let peer = Process::start(
        Command::new(python)
            .arg(root().join("tests/it/grpc_peer.py"))
            .arg(port.to_string())
            .args(more)
            .stderr(std::process::Stdio::null()),
    );
    let address = format!("127.0.0.1:{port}");
    eventually("the server listens", Duration::from_secs(20), || {
        std::net::TcpStream::connect(&address).ok()
    });
    Some((address, peer))
}

const PROTO: &str = r#"syntax = "proto3"; package shop.v1;
message Line { string name = 1; int32 count = 2; }
message Wanted { string id = 1; string how = 2; }
message Order { string id = 1; int64 total = 2; repeated Line lines = 3; string user_agent = 4; }
service Orders { rpc Get(Wanted) returns (Order); }
"#;

/// Runs one step against an address; exit code and what was said.
fn step(address: &str, grpc: &str, more: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("orders.proto", PROTO);
    file(
        "bellwether.yaml",
        &format!(
            "environments: {{ test: {{ services: {{ shop: {{ url: \"http://{address}\" }} }} }} }}\n"
        ),
    );
    file(
        "shop.yaml",
        &format!(
            "name: shop\nservice: shop\ninputs: {{ id: {{ default: a1 }} }}\nsteps:\n  - name: order\n    grpc: {grpc}\n    timeout: 1s\n{more}"
        ),
    );
    let (code, out, err) = run(bellwether()
        .current_dir(folder.path())
        .args(["run", "shop.yaml"]));
    (code, out + &err)
}

#[test]
fn calls_are_made_by_what_the_server_tells_of_them_or_by_files() {
    let (Some((address, _peer)), Some((silent, _other))) = (peer(&[]), peer(&["--silent"])) else {
        return;
    };
    let whole = "    check: [ \"body.id == 'a1'\", body.total == 9007199254740993, \"body.lines[0].count == 0\", \"trailers['x-served-by'] == 'one'\", \"body.userAgent == 'me'\", grpc.status == 0 ]\n    capture: { line: \"body.lines[0].name\" }\n";
    let get = "call: shop.v1.Orders/Get, message: { id: \"${inputs.id}\" }, headers: { x-who: me }";
    for (server, files) in [
        (&address, ""),
        (&address, ", proto: orders.proto"),
        (&silent, ", proto: [orders.proto]"),
    ] {
        let (code, said) = step(server, &format!("{{ {get}{files} }}"), whole);
        assert_eq!(code, 0, "{said}");
    }
    for (grpc, more) in [
        (
            "{ call: shop.v1.Orders/Watch, message: { id: a1 } }",
            "    check: [ size(messages) == 3, \"body.id == 'a1'\" ]\n",
        ),
        (
            "{ call: shop.v1.Orders/Add, messages: [ { id: a }, { id: \"${inputs.id}\" } ] }",
            "    check: [ \"body.id == 'a+a1'\" ]\n",
        ),
        (
            "{ call: shop.v1.Orders/Get, message: { how: missing } }",
            "    check: [ grpc.status == 5, \"grpc.message == 'no order – none'\" ]\n",
        ),
        ("{ health: \"\" }", ""),
        (
            "{ health: shop.v1.Orders }",
            "    check: [ \"body.status == 'NOT_SERVING'\", grpc.status == 0 ]\n",
        ),
    ] {
        let (code, said) = step(&address, grpc, more);
        assert_eq!(code, 0, "{grpc}: {said}");
    }
}

#[test]
fn what_does_not_end_well_is_told_apart() {
    let (Some((address, _peer)), Some((silent, _other))) = (peer(&[]), peer(&["--silent"])) else {
        return;
    };
    let shop = serve(|_| json(502, serde_json::json!({ "error": "bad gateway" })));
    for (server, grpc, expected, said) in [
        (
            &address,
            "{ call: shop.v1.Orders/Get, message: { how: missing } }",
            99,
            "ended with NOT_FOUND (5): no order – none",
        ),
        (
            &address,
            "{ call: shop.v1.Orders/Get, message: { how: unauthenticated } }",
            98,
            "unauthorized: the call ended with UNAUTHENTICATED (16)",
        ),
        (
            &address,
            "{ call: shop.v1.Orders/Get, message: { how: slow } }",
            99,
            "timeout",
        ),
        (
            &address,
            "{ call: shop.v1.Orders/Watch, message: { how: late } }",
            99,
            "ended with DATA_LOSS (15)",
        ),
        (
            &address,
            "{ call: shop.v1.Orders/Fetch }",
            98,
            "has no call `Fetch`; it has Get, Watch, Add",
        ),
        (
            &address,
            "{ call: shop.v2.Orders/Get }",
            98,
            "nobody knows shop.v2.Orders",
        ),
        (
            &address,
            "{ call: shop.v1.Orders/Get, message: { idd: a1 } }",
            98,
            "idd",
        ),
        (
            &address,
            "{ health: shop.v1.Orders }",
            99,
            "its health is NOT_SERVING",
        ),
        (&address, "{ health: nobody }", 99, "NOT_FOUND (5)"),
        (
            &silent,
            "{ health: \"\" }",
            98,
            "the server has no health service",
        ),
        (
            &silent,
            "{ call: shop.v1.Orders/Get }",
            98,
            "must be said by `proto: FILE`",
        ),
        (
            &shop,
            "{ health: \"\" }",
            99,
            "the server does not speak HTTP/2",
        ),
    ] {
        let (code, text) = step(server, grpc, "");
        assert_eq!(code, expected, "{grpc}: {text}");
        assert!(text.contains(said), "{grpc}: {text}");
    }
}

#[test]
fn a_load_of_calls_shares_connections() {
    let Some((address, _peer)) = peer(&[]) else {
        return;
    };
    let load = "load: [ { executor: shared-iterations, vus: 4, iterations: 400 } ]\nobjectives: [ error_rate < 1% ]\n";
    let (code, said) = step(
        &address,
        "{ call: shop.v1.Orders/Get, message: { id: a1 } }",
        load,
    );
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("400 iterations"), "{said}");
}
