//! What the packages promise: a service manager is told, and the unit is as closed as it says.

use super::support::{Daemon, bellwether, eventually, program, root, run};
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

#[test]
fn a_package_of_debian_is_sound_and_complete() {
    let (Some(lintian), Some(dpkg)) = (program("lintian"), program("dpkg-deb")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut build = Command::new(root().join("scenarios/packages/build-deb.sh"));
    build
        .arg(env!("CARGO_BIN_EXE_bellwether"))
        .arg(folder.path())
        .arg("0");
    let (code, path, said) = run(&mut build);
    assert_eq!(code, 0, "{said}");
    let package = path.trim();
    let mut look = Command::new(lintian);
    look.args(["--fail-on=error,warning", "--allow-root", "--no-cfg"]);
    // No archive has it, and no bug of one is closed by it. A binary of the tests is not hardened by its compiler's
    // options for C.
    look.args(["--suppress-tags", "initial-upload-closes-no-bugs"]);
    let (code, out, said) = run(look.arg(package));
    assert_eq!(code, 0, "{out}{said}");
    let tree = folder.path().join("tree");
    let (code, _, said) = run(Command::new(dpkg).arg("-x").arg(package).arg(&tree));
    assert_eq!(code, 0, "{said}");
    for file in [
        "lib/systemd/system/bellwether.service",
        "usr/share/man/man1/bellwether-gate-start.1.gz",
        "usr/share/bash-completion/completions/bellwether",
        "usr/share/zsh/vendor-completions/_bellwether",
        "usr/share/fish/vendor_completions.d/bellwether.fish",
    ] {
        assert!(tree.join(file).is_file(), "{file}");
    }
    let mut check = Command::new(tree.join("usr/bin/bellwether"));
    let (code, out, said) = run(check.arg("check").arg(tree.join("etc/bellwether")));
    assert_eq!(code, 0, "{out}{said}");
}

/// What the image copies is all that its build needs: Cargo reads the manifest there.
#[test]
fn the_image_is_built_of_what_it_copies() {
    let file = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (build, image) = file.split_once("\nFROM debian").unwrap();
    for line in build.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let words: Vec<&str> = line.split(' ').collect();
        let (to, from) = words.split_last().unwrap();
        for from in from {
            let mut copy = Command::new("cp");
            copy.arg("-r")
                .arg(root().join(from))
                .arg(folder.path().join(to));
            // What is installed or built beside the sources is not sent to the build.
            if *from == "tests" {
                let _ = std::fs::create_dir(folder.path().join("tests"));
                copy = Command::new("cp");
                copy.arg("-r")
                    .arg(root().join("tests/it"))
                    .arg(root().join("tests/sim"));
                copy.arg(folder.path().join("tests"));
            }
            assert_eq!(run(&mut copy).0, 0, "{line}");
        }
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "metadata",
        "--locked",
        "--offline",
        "--no-deps",
        "--format-version=1",
    ]);
    let (code, out, said) = run(cargo.current_dir(folder.path()));
    assert_eq!(code, 0, "{said}");
    for named in ["src/reference/examples", "scenarios/demo"] {
        assert!(folder.path().join(named).is_dir(), "{named}");
    }
    assert!(out.contains("\"name\":\"bellwether\""));
    for promised in [
        "USER 65532",
        "VOLUME /var/lib/bellwether",
        "HEALTHCHECK",
        "\"ready\"",
    ] {
        assert!(image.contains(promised), "{promised}");
    }
}

#[test]
fn whether_a_daemon_is_ready_is_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = "server: { listen: LISTEN }\nenvironments: { test: { services: {} } }\n";
    let daemon = Daemon::start(folder.path(), configuration, &[]);
    let ask = |address: &str| {
        let server = format!("http://{address}");
        run(bellwether().args(["ready", "--server", &server]))
    };
    let (code, out, _) = ask(&daemon.address);
    assert_eq!((code, out.as_str()), (0, "ready\n"));
    let (code, out, said) = ask("127.0.0.1:1");
    assert_eq!((code, out.as_str()), (98, ""));
    assert!(said.contains("the daemon was not reached"), "{said}");
}

/// The script of the action of GitHub, and the variables that it reads.
fn script() -> String {
    let path = root().join("scenarios/pipelines/github/action.yml");
    let source =
        bellwether::document::Source::new("action.yml", std::fs::read_to_string(path).unwrap());
    let mut found = bellwether::document::Diagnostics::default();
    let action = bellwether::document::node::parse(&source, &mut found)
        .expect("it is YAML")
        .to_json();
    let step = &action["runs"]["steps"][0];
    let script = step["run"].as_str().unwrap().to_owned();
    assert!(!script.contains("${{"), "nothing is put into the script");
    assert_eq!(action["runs"]["using"], "composite");
    script
}

#[test]
fn the_action_of_github_promotes_nothing_that_was_not_promoted() {
    if program("jq").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // In the place of the program: it prints what `gate start --wait --json` prints, and ends as that does.
    let perform = |printed: &str, code: i32| {
        std::fs::write(at("printed"), printed).unwrap();
        let fake = format!("#!/bin/sh\ncat {}\nexit {code}\n", at("printed").display());
        std::fs::write(at("bellwether"), fake).unwrap();
        run(Command::new("chmod").arg("+x").arg(at("bellwether")));
        for name in ["output", "summary"] {
            std::fs::write(at(name), "").unwrap();
        }
        let mut command = Command::new("bash");
        command.args(["-e", "-o", "pipefail", "-c"]).arg(script());
        for (name, value) in [
            ("GATE", "shop"),
            ("VERSION", "1"),
            ("PREVIOUS", ""),
            ("COMMIT", ""),
            ("ACTOR", ""),
            ("LINK", ""),
            ("TIMEOUT", "1h"),
        ] {
            command.env(name, value);
        }
        command
            .env("BELLWETHER", at("bellwether"))
            .env("GITHUB_OUTPUT", at("output"))
            .env("GITHUB_STEP_SUMMARY", at("summary"));
        let (code, out, said) = run(&mut command);
        (
            code,
            std::fs::read_to_string(at("output")).unwrap(),
            std::fs::read_to_string(at("summary")).unwrap() + &out + &said,
        )
    };
    let (code, output, summary) = perform(
        r#"{"id":7,"verdict":"promote","reasons":["every phase passed"]}"#,
        0,
    );
    assert!(
        code == 0
            && output == "verdict=promote\ngate=7\n"
            && summary.contains("- every phase passed"),
        "{output}{summary}"
    );
    let (code, output, summary) = perform(
        r#"{"id":8,"verdict":"rollback","reasons":["<b>\n::error::x"]}"#,
        10,
    );
    assert!(
        code == 10 && output.starts_with("verdict=rollback"),
        "{output}"
    );
    assert!(
        !summary.contains("<b>") && !summary.contains("\n::error"),
        "{summary}"
    );
    // Nobody answered, somebody answered nonsense, or the two contradict each other.
    for (printed, code) in [
        ("", 1),
        ("nonsense", 1),
        ("", 0),
        (r#"{"verdict":null}"#, 0),
        (r#"{"verdict":"hold"}"#, 0),
    ] {
        let (ended, output, _) = perform(printed, code);
        assert!(
            ended != 0 && output.starts_with("verdict=hold"),
            "{printed}: {ended} {output}"
        );
    }
}
