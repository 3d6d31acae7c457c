//! Servers of everyday protocols, as they really are: `tests/run --all` installs them; elsewhere a part is left out aloud.

use super::nginx::certificates;
use super::support::{Process, bellwether, eventually, free_port, performed, program, run};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const PASS: i32 = 0;
const DOUBT: i32 = 98;
const FAIL: i32 = 99;

/// A program that only `tests/run --all` installs.
fn optional(name: &str) -> Option<PathBuf> {
    let found = ["/usr/sbin", "/usr/bin"].map(|folder| Path::new(folder).join(name));
    let found = found.into_iter().find(|path| path.is_file());
    match found {
        // It says so, or fails where everything must be there.
        None if std::env::var_os("BELLWETHER_TEST_SERVERS").is_some() => program(name),
        None => {
            eprintln!("LEFT OUT: `{name}` is not on this machine");
            None
        }
        found => found,
    }
}

/// A folder with certificates that whoever a server turns into can read.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), all).unwrap();
    certificates(folder.path());
    folder
}

/// Starts a server, and waits until it listens.
fn started(command: &mut Command, port: u16) -> Process {
    let server = Process::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
    eventually("the server listens", Duration::from_secs(60), || {
        TcpStream::connect(("127.0.0.1", port)).ok()
    });
    server
}

/// Looks at the certificate of a server: the one it has, its trust, and a protocol that it does not speak.
#[track_caller]
fn goes_over_to_tls(folder: &Path, port: u16, protocol: &str, not: &str) {
    let look = |protocol: &str, authority: &str| {
        let scenario = format!(
            "name: mail\nsteps:\n  - tls: {{ host: \"127.0.0.1:{port}\", server_name: localhost, starttls: {protocol} }}\n    timeout: 3s\n    check: tls.days_left > 1000\n"
        );
        std::fs::write(folder.join("scenario.yaml"), scenario).unwrap();
        let environment = format!("environments: {{ test: {{ services: {{}}{authority} }} }}\n");
        std::fs::write(folder.join("bellwether.yaml"), environment).unwrap();
        let mut command = bellwether();
        let (code, out, err) =
            run(command
                .current_dir(folder)
                .args(["run", "scenario.yaml", "--env", "test"]));
        (code, out + &err)
    };
    let (code, said) = look(protocol, ", ca_file: ca.pem");
    assert_eq!(code, PASS, "{protocol}: {said}");
    let (code, said) = look(protocol, "");
    assert!(code == FAIL && said.contains("certificate"), "{said}");
    let (code, said) = look(not, ", ca_file: ca.pem");
    assert_eq!(code, FAIL, "{protocol} is not {not}: {said}");
}

#[test]
fn dovecot_is_looked_at_over_imap_and_pop3() {
    let Some(dovecot) = optional("dovecot") else {
        return;
    };
    let folder = prepared();
    let (imap, pop3) = (free_port(), free_port());
    let at = folder.path().display();
    let text = format!(
        "base_dir = {at}/run\nlog_path = {at}/log\nprotocols = imap pop3\nlisten = 127.0.0.1\nssl = required\n\
         ssl_cert = <{at}/good.pem\nssl_key = <{at}/good.key\nmail_location = maildir:{at}/mail\n\
         service imap-login {{\n inet_listener imap {{\n port = {imap}\n }}\n inet_listener imaps {{\n port = 0\n }}\n}}\n\
         service pop3-login {{\n inet_listener pop3 {{\n port = {pop3}\n }}\n inet_listener pop3s {{\n port = 0\n }}\n}}\n\
         passdb {{\n driver = static\n args = nopassword=y\n}}\nuserdb {{\n driver = static\n args = uid=mail gid=mail home={at}/mail\n}}\n"
    );
    let file = folder.path().join("dovecot.conf");
    std::fs::write(&file, text).unwrap();
    let _server = started(Command::new(dovecot).arg("-F").arg("-c").arg(file), imap);
    goes_over_to_tls(folder.path(), imap, "imap", "pop3");
    goes_over_to_tls(folder.path(), pop3, "pop3", "imap");
    let scenario = format!(
        "name: banners\nsteps:\n  - tcp: {{ host: \"127.0.0.1:{imap}\", exchange: [ {{ expect: \"^[*] OK .*STARTTLS\" }} ] }}\n  - tcp: {{ host: \"127.0.0.1:{pop3}\", exchange: [ {{ expect: \"^.OK Dovecot\" }} ] }}\n"
    );
    let (code, said) = performed(("shop", "http://127.0.0.1:1"), &scenario, &[], &[]);
    assert_eq!(code, PASS, "{said}");
}

#[test]
fn openldap_is_looked_at() {
    let Some(slapd) = optional("slapd") else {
        return;
    };
    let folder = prepared();
    let (at, port) = (folder.path().display(), free_port());
    let text = format!(
        "include /etc/ldap/schema/core.schema\npidfile {at}/pid\nargsfile {at}/args\nTLSCACertificateFile {at}/ca.pem\n\
         TLSCertificateFile {at}/good.pem\nTLSCertificateKeyFile {at}/good.key\n"
    );
    let file = folder.path().join("slapd.conf");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(slapd);
    let address = format!("ldap://127.0.0.1:{port}");
    command.args(["-d", "0", "-h", &address, "-f"]).arg(file);
    let _server = started(&mut command, port);
    goes_over_to_tls(folder.path(), port, "ldap", "smtp");
}

#[test]
fn mariadb_is_looked_at() {
    let (Some(mariadbd), Some(install)) = (optional("mariadbd"), optional("mariadb-install-db"))
    else {
        return;
    };
    let folder = prepared();
    let (data, port) = (folder.path().join("data"), free_port());
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let user = format!("--user={}", user.trim());
    let made = Command::new(install)
        .args(["--no-defaults", "--skip-test-db", &user])
        .arg("--auth-root-authentication-method=normal")
        .arg(format!("--datadir={}", data.display()))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let mut command = Command::new(mariadbd);
    command.args(["--no-defaults", "--bind-address=127.0.0.1", &user]);
    command.arg(format!("--port={port}"));
    for (option, name) in [
        ("datadir", "data"),
        ("socket", "socket"),
        ("ssl-ca", "ca.pem"),
        ("ssl-cert", "good.pem"),
        ("ssl-key", "good.key"),
    ] {
        let place = folder.path().join(name);
        command.arg(format!("--{option}={}", place.display()));
    }
    let _server = started(&mut command, port);
    goes_over_to_tls(folder.path(), port, "mysql", "postgres");
}

#[test]
fn chrony_tells_the_time_and_when_it_is_not_sure() {
    let Some(chronyd) = optional("chronyd") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let scenario = |port: u16| {
        format!(
            "name: time\nsteps:\n  - ntp: {{ host: \"127.0.0.1:{port}\", within: 50ms }}\n    timeout: 500ms\n    check: ntp.stratum < 10\n"
        )
    };
    for (stratum, expected) in [("local stratum 3", PASS), ("", FAIL)] {
        let port = free_port();
        let text = format!(
            "port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\ncmdport 0\npidfile {0}/pid\ndriftfile {0}/drift\n{stratum}\n",
            folder.path().display()
        );
        let file = folder.path().join("chrony.conf");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(&chronyd);
        command.args(["-x", "-d", "-u", "root", "-f"]).arg(file);
        let _server = Process::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        let look = || performed(("shop", "http://127.0.0.1:1"), &scenario(port), &[], &[]);
        let is_there =
            |(_, said): &(i32, String)| !said.contains("refused") && !said.contains("no answer");
        let (code, said) = eventually("chrony answers", Duration::from_secs(20), || {
            Some(look()).filter(is_there)
        });
        assert_eq!(code, expected, "{stratum}: {said}");
        let _ = std::fs::remove_file(folder.path().join("pid"));
    }
}

#[test]
fn proxies_that_exist_lead_there_and_say_who_may_not() {
    let target = super::standin::serve(|_| super::standin::of(200, "text/plain", "well"));
    let folder = tempfile::tempdir().unwrap();
    let scenario =
        format!("name: way\nsteps:\n  - get: http://{target}/\n    check: text == 'well'\n");
    std::fs::write(folder.path().join("way.yaml"), scenario).unwrap();
    let perform = |proxy: &str, word: &str| {
        let text = format!(
            "environments: {{ test: {{ services: {{}}, proxy: {{ url: \"{proxy}\", user: ann, password: {{ env: PROXY_WORD }}, except: [] }} }} }}\n"
        );
        std::fs::write(folder.path().join("bellwether.yaml"), text).unwrap();
        let mut command = bellwether();
        command.current_dir(folder.path()).env("PROXY_WORD", word);
        let (code, out, err) = run(command.args(["run", "way.yaml", "--env", "test"]));
        (code, out + &err)
    };
    let both = |proxy: &str| {
        let (code, said) = perform(proxy, "long-enough");
        assert_eq!(code, PASS, "{proxy}: {said}");
        let (code, said) = perform(proxy, "another-word");
        assert!(
            code == DOUBT && !said.contains("another-word"),
            "{proxy}: {code} {said}"
        );
    };
    if let Some(tinyproxy) = optional("tinyproxy") {
        let port = free_port();
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nBasicAuth ann long-enough\n"
        );
        let file = folder.path().join("tinyproxy.conf");
        std::fs::write(&file, text).unwrap();
        let _server = started(Command::new(tinyproxy).arg("-d").arg("-c").arg(file), port);
        both(&format!("http://127.0.0.1:{port}"));
    }
    if let Some(microsocks) = optional("microsocks") {
        let port = free_port();
        let mut command = Command::new(microsocks);
        command.args(["-i", "127.0.0.1", "-u", "ann", "-P", "long-enough", "-p"]);
        let _server = started(command.arg(port.to_string()), port);
        both(&format!("socks5://127.0.0.1:{port}"));
    }
}
