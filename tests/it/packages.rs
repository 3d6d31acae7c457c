//! What the packages promise: a service manager is told, and the unit is as closed as it says.

use super::support::{Daemon, eventually, program, root, run};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

#[test]
fn a_service_manager_is_told_what_it_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let configuration = "server: { listen: LISTEN }\nenvironments: { test: { services: {} } }\n";
    let environment = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "600000"),
    ];
    let mut daemon = Daemon::start(folder.path(), configuration, &environment);
    let told = |wanted: &str| {
        eventually(wanted, Duration::from_secs(20), || {
            let mut bytes = [0; 4096];
            let length = socket.recv(&mut bytes).ok()?;
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            text.contains(wanted).then_some(text)
        })
    };
    assert!(told("READY=1").contains("STATUS=Serving on 127.0.0.1:"));
    for _ in 0..3 {
        told("WATCHDOG=1");
    }
    daemon.reload(configuration);
    told("STATUS=The configuration was read again");
    daemon.signal(libc::SIGTERM);
    told("STOPPING=1");
    assert_eq!(daemon.wait(), Some(0));
}

#[test]
fn the_unit_of_systemd_is_sound_and_closed() {
    let Some(analyze) = program("systemd-analyze") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("bellwether.service");
    let text =
        std::fs::read_to_string(root().join("scenarios/packages/bellwether.service")).unwrap();
    std::fs::write(
        &unit,
        text.replace("/usr/bin/bellwether", env!("CARGO_BIN_EXE_bellwether")),
    )
    .unwrap();
    let (code, out, said) = run(Command::new(&analyze).arg("verify").arg(&unit));
    assert!(
        code == 0 && !said.contains("bellwether.service"),
        "{out}{said}"
    );
    // Exposure in tenths: from 0, which nothing reaches, to 100.
    let mut command = Command::new(&analyze);
    command
        .args(["security", "--offline=true", "--no-pager", "--threshold=25"])
        .arg(&unit);
    let (code, out, said) = run(&mut command);
    assert_eq!(code, 0, "{out}{said}");
}
