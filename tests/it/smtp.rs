//! A real SMTP server: STARTTLS, authentication, subjects that survive the way.

use super::messages::rolled_back;
use super::nginx::certificates;
use super::support::{Process, bellwether, eventually, free_port, program, root, run};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

struct Mail {
    folder: tempfile::TempDir,
    port: u16,
    _process: Process,
}

impl Mail {
    fn start() -> Option<Mail> {
        let python = Path::new("/usr/bin/python3");
        let there = python.is_file()
            && Command::new(python)
                .args(["-c", "import aiosmtpd"])
                .status()
                .is_ok_and(|status| status.success());
        if !there {
            // Named after the Debian package that brings it.
            program("python3-aiosmtpd");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let port = free_port();
        let process = Process::start(
            Command::new(python)
                .arg(root().join("tests/it/smtp_sink.py"))
                .arg(port.to_string())
                .args(["good.pem", "good.key", "letters"].map(|name| folder.path().join(name))),
        );
        eventually("the mail server answers", Duration::from_secs(20), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Some(Mail {
            folder,
            port,
            _process: process,
        })
    }

    fn test(&self, password: &str, more: &str) -> (i32, String) {
        let text = format!(
            "secrets: {{ MAIL_PASSWORD: {{ env: MAIL_PASSWORD }} }}
environments: {{ test: {{ services: {{}} }} }}
channels:
  mail:
    email:
      server: localhost:{}
      from: Größte Glocke <deploys@example.com>
      to: [ a@example.com, b@example.com ]
      user: deploys
      password: \"${{secrets.MAIL_PASSWORD}}\"
{more}",
            self.port
        );
        let path = self.folder.path().join("bellwether.yaml");
        std::fs::write(&path, text).unwrap();
        let (code, out, err) = run(bellwether()
            .args(["alert", "test", "--config"])
            .arg(&path)
            .env("MAIL_PASSWORD", password));
        (code, out + &err)
    }
}

#[test]
fn letters_arrive_over_starttls_with_their_subjects_intact() {
    let Some(mail) = Mail::start() else { return };
    let (code, said) = mail.test("mail-pass-word", "      ca_file: ca.pem\n");
    assert_eq!(code, 0, "{said}");
    let letters = std::fs::read_to_string(mail.folder.path().join("letters")).unwrap();
    let letter: serde_json::Value = serde_json::from_str(letters.lines().next().unwrap()).unwrap();
    assert_eq!(
        letter["to"],
        serde_json::json!(["a@example.com", "b@example.com"])
    );
    assert_eq!(letter["tls"], true);
    let content = letter["content"].as_str().unwrap();
    assert!(content.is_ascii(), "headers and bodies are encoded");
    let decoded = run(Command::new("/usr/bin/python3").args([
        "-c",
        "import sys, email, email.policy; m = email.message_from_string(sys.argv[1], policy=email.policy.default); print(m['subject']); print(m['from']); print(m.get_body(('plain',)).get_content())",
        content,
    ]));
    assert!(
        decoded.1.starts_with(
            "⚠️ Bellwether test message\nGrößte Glocke <deploys@example.com>\nThis channel works."
        ),
        "{}",
        decoded.1
    );
}

/// What a letter says, as whoever receives it takes it apart.
const TAKEN_APART: &str = "import sys, json, email, email.policy
m = email.message_from_string(sys.argv[1], policy=email.policy.default)
print(json.dumps({**{k.lower(): str(v) for k, v in m.items()}, 'plain': m.get_body(('plain',)).get_content(), 'html': m.get_body(('html',)).get_content()}))";

#[test]
fn letters_of_a_gate_are_one_thread() {
    let Some(mail) = Mail::start() else { return };
    let channel = format!(
        "{{ email: {{ server: \"localhost:{}\", from: deploys@example.com, to: a@example.com, user: deploys, password: \"${{secrets.MAIL_PASSWORD}}\", ca_file: {:?} }} }}",
        mail.port,
        mail.folder.path().join("ca.pem")
    );
    let folder = tempfile::tempdir().unwrap();
    let environment = [("MAIL_PASSWORD", "mail-pass-word")];
    let _daemon = rolled_back(folder.path(), &channel, &environment);
    let sent = mail.folder.path().join("letters");
    let letters = eventually("both letters came", Duration::from_secs(20), || {
        let text = std::fs::read_to_string(&sent).ok()?;
        let letters: Vec<serde_json::Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        (letters.len() >= 3).then_some(letters)
    });
    let apart = |letter: &serde_json::Value| -> serde_json::Value {
        let content = letter["content"].as_str().unwrap();
        let (_, out, err) =
            run(Command::new("/usr/bin/python3").args(["-c", TAKEN_APART, content]));
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"))
    };
    let [verdict, proof] = [&letters[1], &letters[2]].map(apart);
    assert_eq!(
        verdict["subject"],
        "🚨 Production Deployment Failed: shop 1.0.0"
    );
    assert_eq!(
        proof["subject"],
        "🚨 Production Rollback Failed: shop 1.0.0"
    );
    assert_eq!(verdict["auto-submitted"], "auto-generated");
    assert!(
        verdict["in-reply-to"]
            .as_str()
            .unwrap()
            .contains("-gate-2@example.com")
    );
    assert_eq!(verdict["in-reply-to"], proof["in-reply-to"]);
    assert_eq!(verdict["in-reply-to"], proof["references"]);
    assert_ne!(verdict["message-id"], proof["message-id"]);
    let plain = verdict["plain"].as_str().unwrap();
    for fact in [
        "Environment       production",
        "Version           1.0.0",
        " UTC",
        "Took",
    ] {
        assert!(plain.contains(fact), "{fact}: {plain}");
    }
    assert!(
        verdict["html"]
            .as_str()
            .unwrap()
            .contains("<html lang=\"en\">")
    );
}

#[test]
fn what_a_mail_server_refuses_is_said_without_the_password() {
    let Some(mail) = Mail::start() else { return };
    for (password, more, why) in [
        ("wrong-password", "      ca_file: ca.pem\n", "535"),
        ("mail-pass-word", "", "invalid peer certificate"),
        ("mail-pass-word", "      security: none\n", "authentication"),
    ] {
        let (code, said) = mail.test(password, more);
        assert_eq!(code, 99, "{said}");
        assert!(said.contains(why) && !said.contains(password), "{said}");
    }
}

#[test]
fn the_certificate_of_a_mail_server_is_looked_at_over_starttls() {
    let Some(mail) = Mail::start() else { return };
    let path = mail.folder.path();
    std::fs::write(
        path.join("bellwether.yaml"),
        "environments: { test: { services: {}, ca_file: ca.pem } }\n",
    )
    .unwrap();
    let perform = |asked: &str| {
        let text = format!(
            "name: mail\nsteps:\n  - {{ tls: {{ host: \"localhost:{}\"{asked} }}, timeout: 5s, check: [ tls.valid, tls.days_left > 14.0, \"'localhost' in tls.names\" ] }}\n",
            mail.port
        );
        std::fs::write(path.join("mail.yaml"), text).unwrap();
        let (code, out, err) = run(bellwether().arg("run").arg(path.join("mail.yaml")));
        (code, out + &err)
    };
    let (code, said) = perform(", starttls: smtp");
    assert_eq!(code, 0, "{said}");
    let (code, said) = perform(", starttls: pop3");
    assert_eq!(code, 99, "{said}");
    assert!(
        said.contains("asking for TLS over POP3: expected `+OK`, got \"220"),
        "{said}"
    );
    let (code, said) = perform("");
    assert_eq!(code, 99, "{said}");
}
