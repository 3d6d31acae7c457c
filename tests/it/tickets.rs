//! The record of a gate, attached to the ticket of the change: once, whole, and only where one is named.

use super::policy::World;
use super::receiver::{Received, Receiver};
use super::support::eventually;
use bellwether::demo::shop::Deploy;
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// A gate that holds at once, whose record goes to a ticket.
fn held(ticket: &str, change: &str) -> (Receiver, i64) {
    let (world, receiver) = (World::new(), Receiver::start(Duration::ZERO));
    let file = "name: ci\nsteps: [ { name: checks, command: [ sh, -c, 'echo not green yet; false' ], keep: true } ]\n";
    std::fs::write(world.path().join("ci.yaml"), file).unwrap();
    let ticket = ticket.replace("AT", &format!("http://{}", receiver.address));
    let gate = format!(
        "    preconditions: {{ ci: {{ scenarios: ci.yaml }} }}\n    smoke: [ home.yaml ]\n    ticket: {ticket}\n    links: {{ Dashboard: 'https://grafana.example/d/shop' }}"
    );
    let daemon = world.daemon("", &gate, "");
    world.shop.deploy(Deploy::healthy("1.1.0"));
    let id = daemon.start_gate(&json!({ "gate": "shop", "version": "1.1.0", "ticket": change }));
    let gate = daemon.done(id);
    assert_eq!(gate["verdict"], "hold", "{gate}");
    assert_eq!(gate["links"]["Dashboard"], "https://grafana.example/d/shop");
    eventually("the row is settled", SOON, || {
        let gate = super::support::api(&daemon.address, &format!("/api/v1/gates/{id}"))?;
        let signals = gate["signals"].as_array()?.clone();
        let ticket = signals.iter().find(|it| it["target"] == "ticket:shop")?;
        (ticket["state"] == "delivered").then_some(())
    });
    (receiver, id)
}

fn came(receiver: &Receiver, path: &str, part: &str) -> Received {
    let all = receiver.at(path);
    let found = all.into_iter().find(|it| it.body.contains(part));
    found.unwrap_or_else(|| panic!("nothing of {part} came to {path}"))
}

#[test]
fn an_issue_of_github_gets_a_comment_with_the_whole_record() {
    let ticket =
        "{ github: { api: \"AT\", repository: a/b, issue: \"${inputs.ticket}\", token: t0ken } }";
    let (receiver, id) = held(ticket, "#12");
    let comment = came(&receiver, "/repos/a/b/issues/12/comments", "body");
    assert_eq!(comment.header("authorization"), "Bearer t0ken");
    let body: serde_json::Value = serde_json::from_str(&comment.body).unwrap();
    let text = body["body"].as_str().unwrap();
    for said in [
        "# hold: shop 1.1.0".to_owned(),
        "| Ticket | #12 |".to_owned(),
        "| Dashboard | https://grafana.example/d/shop |".to_owned(),
        "not green yet".to_owned(),
        format!("<!-- bellwether-gate-{id}-verdict.json -->"),
    ] {
        assert!(text.contains(&said), "{said}: {text}");
    }
}

#[test]
fn an_issue_of_jira_gets_a_file() {
    let ticket = "{ jira: { url: \"AT\", issue: \"${inputs.ticket}\", user: jane, token: t0ken } }";
    let (receiver, id) = held(ticket, "OPS-7");
    let file = came(
        &receiver,
        "/rest/api/2/issue/OPS-7/attachments",
        "filename=",
    );
    assert!(file.header("authorization").starts_with("Basic "));
    assert!(
        file.header("content-type")
            .starts_with("multipart/form-data; boundary=")
    );
    assert_eq!(file.header("x-atlassian-token"), "no-check");
    assert!(
        file.body
            .contains(&format!("filename=\"bellwether-gate-{id}-verdict.json\""))
    );
    assert!(file.body.contains("not green yet"), "{}", file.body);
}

#[test]
fn an_issue_of_gitlab_gets_an_upload_and_a_comment() {
    let ticket =
        "{ gitlab: { api: \"AT\", project: \"5\", issue: \"${inputs.ticket}\", token: t0ken } }";
    let (receiver, _) = held(ticket, "3");
    came(&receiver, "/projects/5/uploads", "not green yet");
    let note = came(&receiver, "/projects/5/issues/3/notes", "body");
    assert!(note.body.contains("# hold: shop 1.1.0"), "{}", note.body);
}

#[test]
fn of_a_deploy_without_a_ticket_nothing_is_sent() {
    let ticket = "{ jira: { url: \"AT\", issue: \"${inputs.ticket}\", token: t0ken } }";
    let (receiver, _) = held(ticket, "");
    assert!(receiver.received.lock().unwrap().is_empty());
}
