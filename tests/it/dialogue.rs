//! Conversations in lines: banners and answers of servers that speak no HTTP.

use super::support::{bellwether, run};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// A mail server as far as its greeting goes, or what answers in its place.
fn server(greeting: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.write_all(greeting.as_bytes()).unwrap();
            let mut asked = String::new();
            let heard = BufReader::new(stream.try_clone().unwrap()).read_line(&mut asked);
            if heard.is_ok() && asked == "EHLO probe\r\n" {
                stream.write_all(b"250-mail\r\n250 SIZE 1000\r\n").unwrap();
            }
        }
    });
    address
}

#[test]
fn the_awaited_lines_come_or_it_is_told_what_came() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("mail.yaml"),
        r#"
name: mail
inputs: { host: {} }
steps:
  - name: greeting
    tcp:
      host: ${inputs.host}
      exchange:
        - expect: "^220 "
        - send: "EHLO probe\r\n"
        - expect: "^250 "
    timeout: 1s
    check: text.contains('SIZE')
"#,
    )
    .unwrap();
    for (greeting, code, said) in [
        ("220-hello\r\n220 ready\r\n", 0, ""),
        ("220 ready\n", 0, ""),
        (
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            99,
            "the awaited line did not come, but \"HTTP/1.1 400 Bad Request\"",
        ),
        ("", 99, "the awaited line did not come, but nothing"),
    ] {
        let host = format!("host={}", server(greeting));
        let (came, out, err) = run(bellwether().current_dir(folder.path()).args([
            "run",
            "mail.yaml",
            "--input",
            &host,
        ]));
        assert_eq!(came, code, "{greeting:?}\n{out}{err}");
        assert!(out.contains(said), "{greeting:?}\n{out}{err}");
    }
}
