//! gRPC steps against a real server, and against one that speaks something else.

use super::standin::{json, serve};
use super::support::{Process, bellwether, eventually, free_port, performed, program, root, run};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A server of gRPC, with or without reflection and health; nothing where Python cannot speak it.
pub(super) fn peer(more: &[&str]) -> Option<(String, Process)> {
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
    let scenario = format!(
        "name: shop\nservice: shop\ninputs: {{ id: {{ default: a1 }} }}\nsteps:\n  - name: order\n    grpc: {grpc}\n    timeout: 1s\n{more}"
    );
    let url = format!("http://{address}");
    performed(("shop", &url), &scenario, &[("orders.proto", PROTO)], &[])
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
        // Whether its answer is seen before it has closed is chance.
        let is_reset = server == &shop && text.contains("reset: connection");
        assert!(text.contains(said) || is_reset, "{grpc}: {text}");
    }
}

#[test]
fn what_nobody_checks_is_judged() {
    let Some((address, _peer)) = peer(&[]) else {
        return;
    };
    for (grpc, more, said) in [
        // A warning is no check, and a status that is well says nothing of health.
        (
            "{ call: shop.v1.Orders/Get, message: { how: missing } }",
            "    warn: [ grpc.status == 0 ]\n",
            "NOT_FOUND (5)",
        ),
        (
            "{ health: shop.v1.Orders }",
            "    check: [ grpc.status == 0 ]\n",
            "its health is NOT_SERVING",
        ),
        (
            "{ health: nobody }",
            "    check: [ \"body.status == 'SERVING'\" ]\n",
            "NOT_FOUND (5)",
        ),
    ] {
        let (code, text) = step(&address, grpc, more);
        assert_eq!(code, 99, "{grpc}: {text}");
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

/// What a script says on its console, by `k6 run`, and its exit code.
fn script(folder: &Path, address: &str, script: &str) -> (i32, String) {
    let path = folder.join("script.js");
    let head = "import grpc from 'k6/net/grpc';\nimport { check, sleep } from 'k6';\nconst client = new grpc.Client();\nconst said = (...all) => console.log(JSON.stringify(all));\n";
    std::fs::write(&path, format!("{head}{script}")).unwrap();
    let mut command = bellwether();
    command.args([
        "k6",
        "run",
        "--log-format",
        "raw",
        "-e",
        &format!("AT={address}"),
    ]);
    let (code, out, err) = run(command.arg(&path));
    (code, out + &err)
}

#[test]
fn scripts_call_services() {
    let Some((address, _peer)) = peer(&[]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("protos")).unwrap();
    std::fs::write(folder.path().join("protos/orders.proto"), PROTO).unwrap();
    let (code, said) = script(
        folder.path(),
        &address,
        r#"client.load(['protos'], 'orders.proto');
export const options = { thresholds: { 'grpc_req_duration{status:0,method:Get}': ['p(95)<5000'], grpc_streams: ['count==3'] } };
export default async function () {
  client.connect(__ENV.AT, { plaintext: true, reflect: true });
  const one = client.invoke('shop.v1.Orders/Get', { id: 'a1' }, { metadata: { 'x-who': 'me' } });
  said(one.status === grpc.StatusOK, one.message.id, one.message.total, one.message.userAgent, one.error, one.trailers['x-served-by']);
  const none = await client.asyncInvoke('/shop.v1.Orders/Get', { how: 'missing' });
  said(none.status === grpc.StatusNotFound, none.message, none.error);
  const slow = client.invoke('shop.v1.Orders/Get', { how: 'slow' }, { timeout: '200ms' });
  said(slow.status === grpc.StatusDeadlineExceeded);
  const health = client.healthCheck();
  said(health.status, health.Status === grpc.HealthCheckServing, client.healthCheck('shop.v1.Orders').message.status);
  for (const act of [() => client.invoke('shop.v1.Orders/Fetch', {}), () => client.invoke('shop.v1.Orders/Get', { idd: 1 }), () => client.invoke('Get', {}), () => new grpc.Client().invoke('a.B/C', {}), () => client.load([], 'x.proto'), () => client.connect('http://x')]) {
    try { act(); } catch (error) { said(error.message); }
  }
  const told = (name, write) => new Promise((done) => {
    const [stream, all] = [new grpc.Stream(client, name), []];
    stream.on('data', (order) => all.push(order.id));
    stream.on('error', (error) => all.push(error.code));
    stream.on('end', () => done(all));
    write(stream);
  });
  said(await told('shop.v1.Orders/Watch', (stream) => stream.write({ id: 'w' })));
  said(await told('shop.v1.Orders/Watch', (stream) => stream.write({ id: 'w', how: 'late' })));
  said(await told('shop.v1.Orders/Add', (stream) => { stream.write({ id: 'a' }); stream.write({ id: 'b' }); stream.end(); }));
  client.close();
}
"#,
    );
    assert_eq!(code, 0, "{said}");
    for line in [
        r#"[true,"a1",9007199254740992,"me",null,["one"]]"#,
        r#"[true,null,{"code":5,"message":"no order – none","details":[]}]"#,
        "[true]",
        r#"[0,true,"NOT_SERVING"]"#,
        "has no call `Fetch`",
        "unrecognized field name 'idd'",
        r#"\"Get\" is no call"#,
        "there is no connection: call connect() first",
        "descriptions can only be loaded while the script is loaded",
        "`http://x` is no address",
        r#"[["w","w","w"]]"#,
        r#"[["w","w","w",15]]"#,
        r#"[["a+b"]]"#,
        "grpc_streams_msgs_received",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let (code, said) = script(
        folder.path(),
        &address,
        "client.load([], 'nowhere.proto');\nexport default function () {}\n",
    );
    assert_eq!(code, 107);
    assert!(
        said.contains("nowhere.proto") && said.contains("script.js:5"),
        "{said}"
    );
}
