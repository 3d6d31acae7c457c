//! The faults that the five real systems had, one at a time, in a system that is well otherwise: the
//! shipped scenario that looks there does not pass, and its reason names the fault.

use super::guides::{apex, calibrate, docsense, hotdash, paintbox};
use super::standin::{Answer, Asked, json, now, of, programs, serve_by};
use super::support::{bellwether, root, run};
use serde_json::{Value, json as value};
use std::path::Path;

/// What is answered in place of what a system that is well would answer.
type Instead = fn(&Asked) -> Option<Answer>;

/// One fault.
struct Fault {
    /// The folder, and the scenario that notices it.
    file: &'static str,
    /// What is wrong.
    called: &'static str,
    /// What the system answers.
    instead: Instead,
    /// What a program prints, by its words.
    prints: &'static str,
    /// What the reason says.
    said: &'static [&'static str],
}

const fn answering(
    file: &'static str,
    called: &'static str,
    instead: Instead,
    said: &'static [&'static str],
) -> Fault {
    Fault {
        file,
        called,
        instead,
        prints: "",
        said,
    }
}

const fn printing(
    file: &'static str,
    called: &'static str,
    prints: &'static str,
    said: &'static [&'static str],
) -> Fault {
    Fault {
        file,
        called,
        instead: |_| None,
        prints,
        said,
    }
}

/// At this path, that.
fn at(asked: &Asked, path: &str, answer: impl FnOnce() -> Answer) -> Option<Answer> {
    (asked.path == path).then(answer)
}

fn apex_health(status: &str, down: &str) -> Answer {
    let of = |name: &str| if name == down { "down" } else { "up" };
    let services: Value = ["postgres", "clickhouse", "redis", "queues"]
        .map(|name| (name.to_owned(), Value::from(of(name))))
        .into_iter()
        .collect();
    json(
        200,
        value!({ "status": status, "timestamp": now(), "uptime": 9, "services": services }),
    )
}

fn calibrate_health(status: u16, said: &str, database: &str, percentage: u64) -> Answer {
    json(
        status,
        value!({ "status": said, "timestamp": now(), "database": { "status": database, "latency": 5 }, "memory": { "used": percentage * 5, "total": 500, "percentage": percentage }, "uptime": 3600 }),
    )
}

fn paintbox_health(status: u16, said: &str, failing: &str) -> Answer {
    let of = |name: &str| value!({ "status": if name == failing { "fail" } else { "pass" } });
    json(
        status,
        value!({ "status": said, "timestamp": now(), "version": "1.2.0", "checks": { "memory": of("memory"), "jwks": of("jwks"), "storage": of("storage") } }),
    )
}

fn page() -> Answer {
    let text = "<!doctype html><html><head><title>docsense</title></head><body><div id=\"root\"></div></body></html>";
    of(200, "text/html", text)
}

fn projections(all: Value) -> Answer {
    json(200, value!({ "projections": all }))
}

const FAULTS: &[Fault] = &[
    // ApexMediation.
    answering(
        "apexmediation/health.yaml",
        "Redis is down, and health says 200",
        |asked| at(asked, "/health", || apex_health("degraded", "redis")),
        &["`body.status` is \"degraded\""],
    ),
    answering(
        "apexmediation/health.yaml",
        "a queue is down, and the status does not say so",
        |asked| at(asked, "/health", || apex_health("healthy", "queues")),
        &["body.services.all"],
    ),
    answering(
        "apexmediation/health.yaml",
        "health under the API is not routed",
        |asked| {
            at(asked, "/api/v1/health", || {
                json(
                    404,
                    value!({ "success": false, "error": "Route not found" }),
                )
            })
        },
        &["status was 404", "Route not found"],
    ),
    answering(
        "apexmediation/tracking.yaml",
        "the auction refuses what the guide sends",
        |asked| {
            at(asked, "/api/v1/rtb/bid", || {
                json(
                    400,
                    value!({ "success": false, "error": "Auction failed", "reason": "requestId" }),
                )
            })
        },
        &["step `auction`", "status was 400", "Auction failed"],
    ),
    answering(
        "apexmediation/tracking.yaml",
        "URLs of impressions lead to nothing",
        |asked| {
            at(asked, "/api/v1/rtb/t/imp", || {
                json(404, value!({ "error": "Route not found" }))
            })
        },
        &["step `impression`", "status was 404"],
    ),
    answering(
        "apexmediation/tracking.yaml",
        "tokens of impressions are not good",
        |asked| {
            at(asked, "/api/v1/rtb/t/imp", || {
                of(400, "text/plain", "invalid token")
            })
        },
        &["status was 400", "invalid token"],
    ),
    answering(
        "apexmediation/tracking.yaml",
        "no fill, and no URLs",
        |asked| at(asked, "/api/v1/rtb/bid", || of(204, "text/plain", "")),
        &["step `auction`", "status was 204"],
    ),
    answering(
        "apexmediation/tracking.yaml",
        "clicks do not lead on",
        |asked| at(asked, "/api/v1/rtb/t/click", || of(200, "text/plain", "")),
        &["step `click`", "status was 200"],
    ),
    answering(
        "apexmediation/billing.yaml",
        "the kill switch is on",
        |asked| {
            at(asked, "/api/v1/billing/usage/current", || {
                json(
                    503,
                    value!({ "success": false, "error": "Service temporarily unavailable (kill switch active)" }),
                )
            })
        },
        &["status was 503", "kill switch active"],
    ),
    answering(
        "apexmediation/billing.yaml",
        "the limiter counts the verifier in",
        |asked| {
            at(asked, "/api/v1/billing/invoices", || {
                of(429, "text/plain", "Too many requests from this IP").with("retry-after", "600")
            })
        },
        &["status was 429", "Too many requests"],
    ),
    answering(
        "apexmediation/billing.yaml",
        "an invoice is no PDF",
        |asked| {
            at(asked, "/api/v1/billing/invoices/in_1/pdf", || {
                of(200, "application/pdf", "<html>error</html>").with("etag", "\"a\"")
            })
        },
        &["step `download pdf`", "%PDF"],
    ),
    answering(
        "apexmediation/billing.yaml",
        "a PDF is sent anew each time",
        |asked| {
            (asked.header("if-none-match") == "\"a\"")
                .then(|| of(200, "application/pdf", "%PDF-1.7").with("etag", "\"a\""))
        },
        &["step `pdf is revalidated`", "status was 200"],
    ),
    answering(
        "apexmediation/fraud.yaml",
        "no model is loaded",
        |asked| {
            at(asked, "/health/ready", || {
                json(503, value!({ "detail": "Model not loaded" }))
            })
        },
        &["status was 503", "Model not loaded"],
    ),
    answering(
        "apexmediation/fraud.yaml",
        "scores are no shares",
        |asked| {
            at(asked, "/v1/score", || {
                json(200, value!({ "fraud_score": 20.0, "is_fraud": false }))
            })
        },
        &["step `score`", "`body.fraud_score` is 20"],
    ),
    answering(
        "apexmediation/fraud.yaml",
        "scoring asks for a token that the guide does not send",
        |asked| {
            at(asked, "/v1/score", || {
                json(401, value!({ "detail": "Missing bearer token" }))
            })
        },
        &["status was 401", "Missing bearer token"],
    ),
    answering(
        "apexmediation/console.yaml",
        "the console is a blank page",
        |asked| at(asked, "/", || of(200, "text/html", "<html></html>")),
        &["<title"],
    ),
    printing(
        "apexmediation/machines.yaml",
        "one machine is left",
        "*machine*) echo '[{\"state\":\"started\",\"region\":\"sjc\"}]';;",
        &["body.size() >= 2"],
    ),
    // Calibrate.
    answering(
        "calibrate/api-health.yaml",
        "the database is not well, within a 200",
        |asked| {
            at(asked, "/api/health", || {
                calibrate_health(200, "healthy", "unhealthy", 10)
            })
        },
        &["`body.database.status` is \"unhealthy\""],
    ),
    answering(
        "calibrate/api-health.yaml",
        "health has another word",
        |asked| {
            at(asked, "/api/health", || {
                calibrate_health(200, "ok", "connected", 10)
            })
        },
        &["`body.status` is \"ok\""],
    ),
    answering(
        "calibrate/api-health.yaml",
        "memory is used up",
        |asked| {
            at(asked, "/api/health", || {
                calibrate_health(200, "healthy", "connected", 95)
            })
        },
        &["double(body.memory.used)"],
    ),
    answering(
        "calibrate/api-health.yaml",
        "numbers are texts",
        |asked| {
            at(asked, "/api/health", || {
                json(
                    200,
                    value!({ "status": "healthy", "timestamp": now(), "database": { "status": "connected", "latency": "5ms" }, "memory": { "used": "50MB", "total": "512MB" } }),
                )
            })
        },
        &["body.memory.used"],
    ),
    answering(
        "calibrate/api-auth.yaml",
        "the API is open to everybody",
        |asked| (asked.method == "GET").then(|| json(200, value!({ "platforms": [], "count": 0 }))),
        &["step `platforms without a token` failed", "status was 200"],
    ),
    answering(
        "calibrate/pages.yaml",
        "the console sends everybody to the login",
        |asked| {
            (asked.method == "HEAD" && asked.path == "/")
                .then(|| of(307, "text/html", "").with("location", "/login?callbackUrl=%2F"))
        },
        &["step `console` failed", "status was 307"],
    ),
    // Paintbox.
    answering(
        "paintbox/deep-health.yaml",
        "the volume is not mounted",
        |asked| {
            at(asked, "/api/health", || {
                paintbox_health(200, "degraded", "storage")
            })
        },
        &["`body.status` is \"degraded\""],
    ),
    answering(
        "paintbox/deep-health.yaml",
        "health is not measured",
        |asked| {
            at(asked, "/api/metrics", || {
                of(500, "text/plain", "paintbox_health_status 0\n")
            })
        },
        &["step `metrics`", "status was 500"],
    ),
    answering(
        "paintbox/simple-health.yaml",
        "memory is used up",
        |asked| {
            at(asked, "/api/simple-health", || {
                json(
                    503,
                    value!({ "status": "error", "reason": "high_memory_usage" }),
                )
            })
        },
        &["status was 503", "high_memory_usage"],
    ),
    answering(
        "paintbox/jwks.yaml",
        "a stale key is served by one of two ways",
        |asked| {
            at(asked, "/api/.well-known/jwks.json", || {
                json(
                    200,
                    value!({ "keys": [ { "kty": "RSA", "kid": "stale", "n": "n", "e": "AQAB" } ] }),
                )
            })
        },
        &["step `jwks by the rewrite`"],
    ),
    answering(
        "paintbox/jwks.yaml",
        "the hard-coded key is served by both ways",
        |asked| {
            asked.path.ends_with("/jwks.json").then(|| {
                json(
                    200,
                    value!({ "keys": [ { "kty": "RSA", "kid": "stale", "n": "n", "e": "AQAB" } ] }),
                )
                .with("x-jwks-source", "fallback")
            })
        },
        &["step `jwks`", "`headers['x-jwks-source']` is \"fallback\""],
    ),
    answering(
        "paintbox/headers.yaml",
        "frames are denied to its own pages",
        |asked| {
            at(asked, "/", || {
                of(200, "text/html", "<html></html>")
                    .with("x-frame-options", "DENY")
                    .with("x-content-type-options", "nosniff")
                    .with("x-xss-protection", "1; mode=block")
                    .with("referrer-policy", "strict-origin-when-cross-origin")
            })
        },
        &["`headers['x-frame-options']` is \"DENY\""],
    ),
    // docsense.
    answering(
        "docsense/api-health.yaml",
        "the page of the application stands where health should",
        |asked| at(asked, "/health", page),
        &["an HTML page (\"docsense\") came where JSON was expected"],
    ),
    answering(
        "docsense/api-health.yaml",
        "the version is a page",
        |asked| at(asked, "/version", page),
        &["step `version`", "an HTML page"],
    ),
    answering(
        "docsense/api-health.yaml",
        "no provider is there",
        |asked| {
            at(asked, "/health/ai", || {
                json(
                    200,
                    value!({ "providers": [ { "name": "a", "status": "down" } ] }),
                )
            })
        },
        &["step `ai providers`"],
    ),
    answering(
        "docsense/projections.yaml",
        "no projection is registered",
        |asked| at(asked, "/health/projections", || projections(value!([]))),
        &["body.projections.size()"],
    ),
    answering(
        "docsense/projections.yaml",
        "a projection is critical",
        |asked| {
            at(asked, "/health/projections", || {
                projections(value!([ { "name": "documents", "status": "critical", "lag": 3 } ]))
            })
        },
        &["body.projections.all"],
    ),
    answering(
        "docsense/projections.yaml",
        "the tracker of projections is missing",
        |asked| {
            at(asked, "/health/projections", || {
                json(503, value!({ "detail": "no tracker" }))
            })
        },
        &["status was 503", "no tracker"],
    ),
    printing(
        "docsense/pods.yaml",
        "pods start again and again",
        "*pods*) echo '{\"items\":[{\"status\":{\"containerStatuses\":[{\"ready\":true,\"restartCount\":9}]}}]}';;",
        &["step `pods` failed"],
    ),
    printing(
        "docsense/logs.yaml",
        "no provider has a key",
        "*logs*) echo 'Configuration validation failed: At least one AI provider API key must be configured';;",
        &["no AI provider has a key"],
    ),
    // HotDash.
    answering(
        "hotdash/health.yaml",
        "health is not routed",
        |asked| at(asked, "/health", || of(404, "text/plain", "Not Found")),
        &["step `health`", "status was 404"],
    ),
    answering(
        "hotdash/health.yaml",
        "health has another word",
        |asked| {
            at(asked, "/health", || {
                json(
                    200,
                    value!({ "status": "ok", "timestamp": now(), "uptime": 3 }),
                )
            })
        },
        &["`body.status` is \"ok\""],
    ),
    answering(
        "hotdash/health.yaml",
        "metrics are not routed",
        |asked| at(asked, "/metrics", || of(404, "text/plain", "Not Found")),
        &["step `metrics`", "status was 404"],
    ),
    answering(
        "hotdash/pages.yaml",
        "the page is that of a template",
        |asked| {
            at(asked, "/", || {
                of(
                    200,
                    "text/html",
                    "<html><body>A short heading about [your app]</body></html>",
                )
            })
        },
        &["step `home`", "[your app]"],
    ),
    printing(
        "hotdash/machines.yaml",
        "a machine is stopped",
        "*machine*) echo '[{\"state\":\"started\"},{\"state\":\"stopped\"}]';;",
        &["m.state == 'started'"],
    ),
];

/// What a system that is well answers, by its folder.
fn well(folder: &str, asked: &Asked) -> Answer {
    match folder {
        "apexmediation" => apex(asked, false),
        "calibrate" => calibrate(asked, false),
        "paintbox" => paintbox(asked, false),
        "docsense" => docsense(asked, false),
        _ => hotdash(asked, false),
    }
}

/// Performs the scenario of a fault: exit code, what was said.
fn perform(fault: &Fault, instead: Instead, bin: &Path) -> (i32, String) {
    let (folder, _) = fault.file.split_once('/').unwrap();
    let address = serve_by(move |asked| instead(asked).unwrap_or_else(|| well(folder, asked)));
    let bin = match fault.prints {
        "" => bin.to_owned(),
        prints => programs(&bin.join("sick"), &[("fly", prints), ("kubectl", prints)]),
    };
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = bellwether();
    command
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("BILLING_ORG_ID", "org_1")
        .env("API_TOKEN", "eyJhbGciOiJub25lIn0")
        .env("TRACKING_USERNAME", "probe@example.com")
        .env("TRACKING_PASSWORD", "long-enough")
        .env(
            "CONSOLE_INTERNAL_TOKEN",
            "a-token-of-thirty-two-characters-0",
        )
        .env("SLACK_WEBHOOK_URL", "http://127.0.0.1:1/hook")
        .env("OPENAI_API_KEY", "sk-test-key")
        .env("GITHUB_TOKEN", "ghp_token")
        .env("SMTP_PASSWORD", "a-password")
        .env(
            "DEPLOY_WEBHOOK_KEY",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        )
        .args(["run", "--env", "production"])
        .arg(root().join("scenarios").join(fault.file));
    let services: &[&str] = match folder {
        "apexmediation" => &["backend", "fraud", "console"],
        "calibrate" => &["api", "console", "marketing", "docs"],
        "docsense" => &["api", "app"],
        _ => &["app"],
    };
    for name in services {
        command.args(["--service", &format!("{name}=http://{address}")]);
    }
    let (code, out, err) = run(&mut command);
    (code, format!("{out}{err}"))
}

#[test]
fn every_fault_of_the_real_systems_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sick")).unwrap();
    let bin = programs(folder.path(), &[]);
    let mut wrong = Vec::new();
    for fault in FAULTS {
        let (code, said) = perform(fault, fault.instead, &bin);
        let missing: Vec<_> = fault
            .said
            .iter()
            .filter(|text| !said.contains(**text))
            .collect();
        if code == 0 || !missing.is_empty() {
            wrong.push(format!(
                "{} ({}): exit code {code}, does not say {missing:?}\n{said}",
                fault.called, fault.file
            ));
        }
        // It is that fault alone that is noticed: without it, the scenario passes.
        if fault.prints.is_empty() {
            let (code, said) = perform(fault, |_| None, &bin);
            if code != 0 {
                wrong.push(format!("{} does not pass by itself\n{said}", fault.file));
            }
        }
    }
    assert!(FAULTS.len() >= 34, "{} faults", FAULTS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
