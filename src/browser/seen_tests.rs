//! What a page showed, from events as a browser tells them.

use super::*;

fn page() -> Seen {
    Seen {
        session: "S".to_owned(),
        frame: "F".to_owned(),
        world_name: "bellwether",
        ..Seen::default()
    }
}

fn told(seen: &mut Seen, method: &str, params: Value) -> Vec<Reaction> {
    seen.take(&Event {
        session: Some("S".to_owned()),
        method: method.to_owned(),
        params,
    })
}

fn arrives(seen: &mut Seen, loader: &str, url: &str) {
    told(
        seen,
        "Page.frameStartedNavigating",
        json!({"frameId": "F", "loaderId": loader, "navigationType": "differentDocument"}),
    );
    told(
        seen,
        "Page.frameNavigated",
        json!({"frame": {"id": "F", "loaderId": loader, "url": url}}),
    );
}

#[test]
fn a_page_is_at_rest_once_its_newest_document_has_come_so_far() {
    let mut seen = page();
    arrives(&mut seen, "L1", "http://a/");
    let load = |loader: &str| json!({"frameId": "F", "loaderId": loader, "name": "load"});
    told(&mut seen, "Page.lifecycleEvent", load("L0"));
    assert!(
        !seen.has_reached("load"),
        "that of another document does not count"
    );
    told(&mut seen, "Page.lifecycleEvent", load("L1"));
    assert!(seen.has_reached("load"));
    told(
        &mut seen,
        "Page.frameStartedNavigating",
        json!({"frameId": "F", "loaderId": "L2", "navigationType": "differentDocument"}),
    );
    assert!(!seen.has_reached("load"), "another document is on its way");
    told(
        &mut seen,
        "Page.frameNavigated",
        json!({"frame": {"id": "F", "loaderId": "L2", "url": "http://a/2"}}),
    );
    assert!(!seen.has_reached("load"));
    told(&mut seen, "Page.lifecycleEvent", load("L2"));
    assert_eq!((seen.has_reached("load"), seen.documents), (true, 2));
}

#[test]
fn what_comes_without_a_document_leaves_the_page_as_it_was() {
    let mut seen = page();
    arrives(&mut seen, "L1", "http://a/");
    told(
        &mut seen,
        "Page.frameStartedNavigating",
        json!({"frameId": "F", "loaderId": "L2", "navigationType": "differentDocument"}),
    );
    assert!(seen.is_leaving());
    told(
        &mut seen,
        "Network.loadingFailed",
        json!({"requestId": "L9", "type": "Document", "canceled": true}),
    );
    assert!(seen.is_leaving(), "a frame's document is not the page's");
    told(
        &mut seen,
        "Network.loadingFailed",
        json!({"requestId": "L2", "type": "Document", "canceled": true}),
    );
    assert!(!seen.is_leaving());
}

#[test]
fn frames_within_a_page_move_nothing_of_it() {
    let mut seen = page();
    arrives(&mut seen, "L1", "http://a/");
    told(
        &mut seen,
        "Page.frameNavigated",
        json!({"frame": {"id": "F2", "parentId": "F", "loaderId": "L2", "url": "http://b/"}}),
    );
    told(
        &mut seen,
        "Page.navigatedWithinDocument",
        json!({"frameId": "F2", "url": "http://b/#x"}),
    );
    assert_eq!((seen.url.as_str(), seen.documents), ("http://a/", 1));
}

#[test]
fn a_dialog_is_answered_at_once() {
    let mut seen = page();
    let opened = json!({"type": "confirm", "message": "Delete all?"});
    let answer = told(&mut seen, "Page.javascriptDialogOpening", opened);
    assert_eq!(answer[0].method, "Page.handleJavaScriptDialog");
    assert_eq!(answer[0].params["accept"], false);
    let leaving = told(
        &mut seen,
        "Page.javascriptDialogOpening",
        json!({"type": "beforeunload"}),
    );
    assert_eq!(leaving[0].params["accept"], true);
    assert_eq!(
        seen.dialogs[0],
        ("confirm".to_owned(), "Delete all?".to_owned())
    );
}

#[test]
fn errors_are_kept_whoever_tells_them_and_nothing_else_is() {
    let mut seen = page();
    told(
        &mut seen,
        "Runtime.consoleAPICalled",
        json!({"type": "log", "args": [{"value": "fine"}]}),
    );
    told(
        &mut seen,
        "Runtime.consoleAPICalled",
        json!({"type": "error", "args": [{"value": "boom"}, {"description": "Object"}]}),
    );
    let thrown = json!({"exceptionDetails": {"text": "Uncaught", "exception": {"description": "Error: late\n  at x"}}});
    told(&mut seen, "Runtime.exceptionThrown", thrown);
    let entry = |source: &str, url: &str| json!({"entry": {"level": "error", "source": source, "text": "404", "url": url}});
    told(
        &mut seen,
        "Log.entryAdded",
        entry("network", "http://a/app.js"),
    );
    told(
        &mut seen,
        "Log.entryAdded",
        entry("network", "http://a/favicon.ico"),
    );
    told(
        &mut seen,
        "Log.entryAdded",
        entry("worker", "http://a/worker.js"),
    );
    let texts: Vec<&str> = seen.lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["boom Object", "Error: late\n  at x", "404"]);
}

#[test]
fn what_a_page_says_without_end_is_counted_and_not_kept() {
    let mut seen = page();
    for number in 0..BROWSER_LINES_MAX + 7 {
        told(
            &mut seen,
            "Runtime.consoleAPICalled",
            json!({"type": "error", "args": [{"value": number}]}),
        );
    }
    assert_eq!((seen.lines.len(), seen.more_lines), (BROWSER_LINES_MAX, 7));
}

#[test]
fn a_window_is_let_go_and_one_too_many_is_closed() {
    let mut seen = page();
    for number in 0..=BROWSER_POPUPS_MAX {
        let info = json!({"targetId": format!("T{number}"), "type": "page", "url": "http://a/pop"});
        let calls = told(
            &mut seen,
            "Target.attachedToTarget",
            json!({"sessionId": "P", "targetInfo": info}),
        );
        let last = calls.last().unwrap().method;
        match number < BROWSER_POPUPS_MAX {
            true => assert_eq!(last, "Runtime.runIfWaitingForDebugger"),
            false => assert_eq!(last, "Target.closeTarget"),
        }
    }
}

#[test]
fn violations_say_what_was_refused_by_what() {
    let mut seen = page();
    let details = json!({"violatedDirective": "script-src-elem", "contentSecurityPolicyViolationType": "kInlineViolation", "isReportOnly": false});
    let issue = json!({"issue": {"code": "ContentSecurityPolicyIssue", "details": {"contentSecurityPolicyIssueDetails": details}}});
    told(&mut seen, "Audits.issueAdded", issue.clone());
    told(&mut seen, "Audits.issueAdded", issue);
    assert_eq!(seen.violations.len(), 1);
    assert_eq!(
        (
            seen.violations[0].what.as_str(),
            seen.violations[0].is_report_only
        ),
        ("inline", false)
    );
}

#[test]
fn what_is_measured_is_that_of_our_own_script_in_the_main_frame() {
    let mut seen = page();
    arrives(&mut seen, "L1", "http://a/");
    let context = |id: u64, name: &str| json!({"context": {"id": id, "uniqueId": format!("u{id}"), "name": name, "auxData": {"frameId": "F"}}});
    told(&mut seen, "Runtime.executionContextCreated", context(1, ""));
    told(
        &mut seen,
        "Runtime.executionContextCreated",
        context(2, "bellwether"),
    );
    let payload = json!({"kind": "largest", "at": 120.0}).to_string();
    told(
        &mut seen,
        "Runtime.bindingCalled",
        json!({"executionContextId": 1, "payload": payload}),
    );
    assert_eq!(
        seen.vitals.values().get("lcp"),
        None,
        "a page cannot tell it for us"
    );
    told(
        &mut seen,
        "Runtime.bindingCalled",
        json!({"executionContextId": 2, "payload": payload}),
    );
    assert_eq!(seen.vitals.values()["lcp"], 120.0);
    told(&mut seen, "Runtime.executionContextsCleared", json!({}));
    assert!(seen.world("F").is_none());
}
