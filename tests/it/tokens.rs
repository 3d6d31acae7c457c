//! Tokens by client credentials, against stand-ins of who gives them out and of who wants them.

use super::standin::{Asked, json, of, serve_by};
use super::support::performed;
use base64::Engine as _;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

/// One that gives out tokens by number, and one that takes all but those below a number; how often each was asked.
struct Peers {
    tokens: String,
    api: String,
    given: Arc<AtomicUsize>,
    valid_from: Arc<AtomicUsize>,
}

fn peers(lasts: i64) -> Peers {
    let given = Arc::new(AtomicUsize::new(0));
    let valid_from = Arc::new(AtomicUsize::new(1));
    let (counting, least) = (given.clone(), valid_from.clone());
    let tokens = serve_by(move |asked: &Asked| {
        let basic = base64::engine::general_purpose::STANDARD.encode("me%3A1:s%2Bcret");
        let by_header = asked.header("authorization") == format!("Basic {basic}");
        let by_body = asked
            .body
            .contains("client_id=me%3A1&client_secret=s%2Bcret");
        let wants = asked.body.contains("grant_type=client_credentials")
            && asked.body.contains("scope=read%20write");
        if !(by_header || by_body) {
            return json(
                401,
                json!({ "error": "invalid_client", "error_description": "s+cret is wrong" }),
            );
        }
        if !wants {
            return json(400, json!({ "error": "invalid_scope" }));
        }
        if asked.path == "/page" {
            return of(200, "text/html", "<html>log in</html>");
        }
        let number = counting.fetch_add(1, SeqCst) + 1;
        json(
            200,
            json!({ "access_token": format!("t0ken{number}"), "token_type": "bearer", "expires_in": lasts }),
        )
    });
    let api = serve_by(move |asked: &Asked| {
        let number = asked.header("authorization").strip_prefix("Bearer t0ken");
        let number: usize = number.and_then(|number| number.parse().ok()).unwrap_or(0);
        match number >= least.load(SeqCst) {
            true => json(200, json!({ "ok": true })),
            false => json(401, json!({ "error": "invalid_token" })),
        }
    });
    Peers {
        tokens,
        api,
        given,
        valid_from,
    }
}

/// Where tokens are given, to whom, what for, and nothing beside.
const USUAL: (&str, &str, &str, &str) = ("/token", "me:1", "[read, write]", "");

/// Runs a scenario of one step; exit code and what was said.
fn step(
    peers: &Peers,
    (path, id, scopes, more): (&str, &str, &str, &str),
    load: &str,
) -> (i32, String) {
    let (tokens, api) = (&peers.tokens, &peers.api);
    let oauth2 = format!(
        "{{ token_url: \"http://{tokens}{path}\", client_id: \"{id}\", client_secret: \"${{secrets.KEY}}\", scopes: {scopes}{more} }}"
    );
    let scenario = format!(
        "name: shop\nservice: api\nsecrets: [ KEY ]\nsteps:\n  - name: read\n    get: /orders\n    auth: {{ oauth2: {oauth2} }}\n    check: [ body.ok ]\n{load}"
    );
    let url = format!("http://{api}");
    performed(("api", &url), &scenario, &[], &[("KEY", "s+cret")])
}

#[test]
fn one_token_is_shared_and_one_that_ended_is_asked_for_again() {
    let peers = peers(3_600);
    for more in ["", ", style: body"] {
        let (code, said) = step(&peers, ("/token", "me:1", "[read, write]", more), "");
        assert_eq!(code, 0, "{said}");
        assert!(
            !said.contains("t0ken") && !said.contains("s+cret"),
            "{said}"
        );
    }
    assert_eq!(peers.given.load(SeqCst), 2);
    let load = "load: [ { executor: shared-iterations, vus: 8, iterations: 400 } ]\nobjectives: [ error_rate < 1% ]\n";
    let (code, said) = step(&peers, USUAL, load);
    assert_eq!(code, 0, "{said}");
    assert_eq!(peers.given.load(SeqCst), 3, "all virtual users share it");
    // The server forgets tokens before their time.
    let forgets = peers.valid_from.clone();
    let given = peers.given.clone();
    let forgetting = std::thread::spawn(move || {
        while given.load(SeqCst) < 4 {
            std::thread::yield_now();
        }
        forgets.store(5, SeqCst);
    });
    let load = "load: [ { executor: shared-iterations, vus: 4, iterations: 4000 } ]\nobjectives: [ error_rate < 1% ]\n";
    let (code, said) = step(&peers, USUAL, load);
    forgetting.join().unwrap();
    assert_eq!(code, 0, "{said}");
    assert_eq!(peers.given.load(SeqCst), 5, "it is asked for once more");
}

#[test]
fn a_token_that_is_not_given_says_nothing_about_the_product() {
    let peers = peers(60);
    for (path, id, scopes, said) in [
        (
            "/page",
            "me:1",
            "[read, write]",
            "its answer has no `access_token`",
        ),
        (
            "/token",
            "you",
            "[read, write]",
            "401, invalid_client: [secret KEY] is wrong",
        ),
        ("/token", "me:1", "all", "400, invalid_scope"),
    ] {
        let (code, text) = step(&peers, (path, id, scopes, ""), "");
        assert_eq!(code, 98, "{text}");
        assert!(text.contains(said) && !text.contains("s+cret"), "{text}");
    }
    let nobody = Peers {
        tokens: "127.0.0.1:1".to_owned(),
        ..peers
    };
    let (code, text) = step(&nobody, ("/token", "me:1", "read", ""), "");
    assert_eq!(code, 98, "{text}");
    assert!(
        text.contains("no token of http://127.0.0.1:1/token: refused"),
        "{text}"
    );
    // A token that is refused twice is refused.
    let strict = self::peers(60);
    strict.valid_from.store(100, SeqCst);
    let (code, text) = step(&strict, ("/token", "me:1", "[read, write]", ""), "");
    assert_eq!(code, 98, "credentials, not the product: {text}");
    assert_eq!(
        strict.given.load(SeqCst),
        1,
        "one that is new is not asked for again"
    );
}
