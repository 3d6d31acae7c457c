//! The scenarios of the five guides, unedited, against stand-ins of their systems: they pass as the guide
//! says, and against what was really built they name the fault.

use super::standin::{Answer, Asked, json, now, of, programs, serve};
use super::support::{bellwether, root, run};
use serde_json::{Value, json as value};
use std::path::{Path, PathBuf};

const FLY_LOGS: &str =
    "logs*) echo '2026-11-26T12:00:00Z app[1] sjc [info] server listening on 8080';;";

/// Secrets that ApexMediation has on its platform.
pub(super) const SECRETS: [&str; 9] = [
    "DATABASE_URL",
    "CLICKHOUSE_URL",
    "CLICKHOUSE_PASSWORD",
    "UPSTASH_REDIS_URL",
    "UPSTASH_REDIS_TOKEN",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "RESEND_API_KEY",
    "JWT_SECRET",
];

fn fly(app: &str, count: usize) -> String {
    let machine = value!({ "id": "1", "state": "started", "region": "sjc", "image_ref": { "tag": "1.2.0" }, "checks": [ { "name": "http", "status": "passing" } ] });
    let machines = Value::Array(vec![machine; count]);
    let secrets: Vec<Value> = SECRETS
        .iter()
        .map(|name| value!({ "name": name }))
        .collect();
    let secrets = Value::Array(secrets);
    format!("*machine*{app}*) echo '{machines}';;\n*secrets*) echo '{secrets}';;\n{FLY_LOGS}")
}

/// One guide: its folder, its stand-in, its values and programs.
struct Guide {
    folder: &'static str,
    services: Vec<(&'static str, String)>,
    environment: Vec<(&'static str, &'static str)>,
    bin: PathBuf,
}

impl Guide {
    /// Performs one of its scenarios: exit code and what was said.
    fn perform(&self, file: &str, inputs: &[String]) -> (i32, String) {
        let folder = root().join("scenarios").join(self.folder);
        let mut command = bellwether();
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{}:{path}", self.bin.display()))
            .envs(self.environment.iter().copied())
            .args(["run", "--env", "production"])
            .arg(folder.join(file));
        for (name, address) in &self.services {
            command.args(["--service", &format!("{name}=http://{address}")]);
        }
        for input in inputs {
            command.args(["--input", input]);
        }
        let (code, out, err) = run(&mut command);
        (code, format!("{out}{err}"))
    }

    #[track_caller]
    fn passes(&self, files: &[&str]) {
        for file in files {
            let (code, said) = self.perform(file, &[]);
            assert_eq!(code, 0, "{}/{file}\n{said}", self.folder);
        }
    }

    #[track_caller]
    fn names(&self, file: &str, faults: &[&str]) {
        let (code, said) = self.perform(file, &[]);
        assert!(code != 0, "{}/{file} passed\n{said}", self.folder);
        for fault in faults {
            assert!(
                said.contains(fault),
                "{}/{file} does not say `{fault}`\n{said}",
                self.folder
            );
        }
    }
}

#[test]
fn every_shipped_folder_is_clean() {
    for folder in [
        "apexmediation",
        "calibrate",
        "paintbox",
        "docsense",
        "hotdash",
    ] {
        let path = root().join("scenarios").join(folder);
        let (code, out, err) = run(bellwether().arg("check").arg(&path));
        assert_eq!(code, 0, "{out}{err}");
        let said = format!("{out}{err}");
        assert!(said.contains(" 0 errors"), "{said}");
        assert!(!said.contains("unread-input"), "{said}");
    }
}

// ApexMediation.

pub(super) fn apex(asked: &Asked, as_built: bool) -> Answer {
    let bearer = asked.header("authorization").starts_with("Bearer ey");
    let denied = || {
        json(
            401,
            value!({ "success": false, "error": "No token provided" }),
        )
    };
    let up = |redis: &str| value!({ "postgres": "up", "clickhouse": "up", "redis": redis, "queues": redis });
    let health = |status: &str, redis: &str| {
        json(
            200,
            value!({ "status": status, "timestamp": now(), "uptime": 9, "environment": "production", "services": up(redis) }),
        )
    };
    match (asked.method.as_str(), asked.path.as_str()) {
        (_, "/health") if as_built => health("degraded", "down"),
        (_, "/health") => health("ok", "up"),
        (_, "/api/v1/health") if as_built => json(
            404,
            value!({ "success": false, "error": "Route not found", "path": asked.path }),
        ),
        (_, "/api/v1/health") => json(200, value!({ "status": "ok" })),
        (_, "/api/v1/auth/csrf") => {
            json(200, value!({})).with("set-cookie", "XSRF-TOKEN=abc; Path=/")
        }
        ("POST", "/api/v1/auth/login")
            if asked.body.contains("\"email\":\"probe@example.com\"") =>
        {
            json(
                200,
                value!({ "success": true, "data": { "token": "eyJ0ZXN0IjoidG9rZW4tdGVzdCJ9" } }),
            )
        }
        ("POST", "/api/v1/auth/login") => json(
            401,
            value!({ "success": false, "error": "Invalid email or password" }),
        ),
        ("POST", "/api/v1/rtb/bid") if asked.header("x-csrf-token") != "abc" => json(
            403,
            value!({ "success": false, "error": "Invalid CSRF token" }),
        ),
        ("POST", "/api/v1/rtb/bid") if !bearer => denied(),
        ("POST", "/api/v1/rtb/bid") => {
            let base = if as_built { "/t" } else { "/api/v1/rtb/t" };
            let url = |kind: &str| format!("http://{}{base}/{kind}?token=t", asked.host);
            json(
                200,
                value!({ "bidId": "1", "tracking": { "impression": url("imp"), "click": url("click") } }),
            )
        }
        (_, "/api/v1/rtb/t/imp") => of(204, "text/plain", ""),
        (_, "/api/v1/rtb/t/click") => of(302, "text/plain", ""),
        (_, "/api/v1/billing/usage/current") if bearer => json(
            200,
            value!({ "success": true, "data": { "usage": {}, "plan": "pro" } }),
        ),
        (_, "/api/v1/billing/invoices") if bearer => json(
            200,
            value!({ "success": true, "data": [ { "id": "in_1" } ], "pagination": {} }),
        ),
        (_, "/api/v1/billing/invoices/in_1/pdf")
            if bearer && asked.header("if-none-match") == "\"a\"" =>
        {
            of(304, "application/pdf", "")
        }
        (_, "/api/v1/billing/invoices/in_1/pdf") if bearer => {
            of(200, "application/pdf", "%PDF-1.7").with("etag", "\"a\"")
        }
        (_, path) if path.starts_with("/api/v1/billing/") => denied(),
        (_, "/health/ready") if as_built => json(503, value!({ "detail": "Model not loaded" })),
        (_, "/health/ready") => json(
            200,
            value!({ "status": "ready", "model_loaded": true, "model_version": "3" }),
        ),
        ("POST", "/v1/score") => json(
            200,
            value!({ "fraud_score": 0.2, "is_fraud": false, "threshold": 0.5, "latency_ms": 3 }),
        ),
        (_, "/") => of(
            200,
            "text/html",
            "<html><head><title>Console</title></head></html>",
        ),
        _ => json(
            404,
            value!({ "success": false, "error": "Route not found", "path": asked.path }),
        ),
    }
}

fn apexmediation(folder: &Path, answer: fn(&Asked) -> Answer) -> Guide {
    let address = serve(answer);
    Guide {
        folder: "apexmediation",
        services: ["backend", "fraud", "console"]
            .map(|name| (name, address.clone()))
            .to_vec(),
        environment: vec![
            ("BILLING_ORG_ID", "org_1"),
            ("API_TOKEN", "eyJhbGciOiJub25lIn0"),
            ("TRACKING_USERNAME", "probe@example.com"),
            ("TRACKING_PASSWORD", "long-enough"),
        ],
        bin: programs(folder, &[("fly", &fly("apexmediation-backend-prod", 4))]),
    }
}

#[test]
fn apexmediation_passes_as_its_guide_says_and_names_what_was_built() {
    let folder = tempfile::tempdir().unwrap();
    let guide = apexmediation(folder.path(), |asked| apex(asked, false));
    guide.passes(&[
        "health.yaml",
        "machines.yaml",
        "console.yaml",
        "fraud.yaml",
        "billing.yaml",
        "tracking.yaml",
        "logs.yaml",
        "platform-secrets.yaml",
    ]);
    let built = apexmediation(folder.path(), |asked| apex(asked, true));
    built.names(
        "health.yaml",
        &[
            "`body.status` is \"degraded\"",
            "2 checks do not hold",
            "status was 404",
            "Route not found",
        ],
    );
    built.names("fraud.yaml", &["status was 503", "Model not loaded"]);
    built.names(
        "tracking.yaml",
        &["step `impression` failed", "status was 404"],
    );
    // Wrong credentials are no fault of the product.
    let stale = Guide {
        environment: vec![
            ("BILLING_ORG_ID", "org_1"),
            ("API_TOKEN", "stale"),
            ("TRACKING_USERNAME", "nobody@example.com"),
            ("TRACKING_PASSWORD", "long-enough"),
        ],
        ..built
    };
    for (file, said) in [
        ("billing.yaml", "No token provided"),
        ("tracking.yaml", "Invalid email or password"),
    ] {
        let (code, text) = stale.perform(file, &[]);
        assert_eq!(code, 98, "{text}");
        assert!(text.contains(said), "{text}");
    }
    let missing = "logs*) printf 'listening\\nError: connect ECONNREFUSED 10.0.0.1:6379\\n';;\n*machine*) echo '[]';;\n*secrets*) echo '[{\"name\":\"DATABASE_URL\"}]';;";
    let platform = Guide {
        bin: programs(folder.path(), &[("fly", missing)]),
        ..stale
    };
    platform.names(
        "logs.yaml",
        &[
            "ECONNREFUSED",
            "a database or Redis is not reached",
            "look at the secrets",
        ],
    );
    platform.names("machines.yaml", &["body.size() >= 2"]);
    platform.names("platform-secrets.yaml", &["STRIPE_SECRET_KEY"]);
}

// Calibrate.

pub(super) fn calibrate(asked: &Asked, as_built: bool) -> Answer {
    let page = |text: &str| {
        of(
            200,
            "text/html",
            &format!("<html><body>{text}</body></html>"),
        )
    };
    let is_console = asked.header("host").contains("localhost");
    match (asked.method.as_str(), asked.path.as_str()) {
        (_, "/api/health") if as_built => json(
            200,
            value!({ "status": "ok", "timestamp": now(), "version": "1", "database": { "status": "unhealthy", "latency": "5ms" }, "memory": { "used": "50MB", "total": "512MB" } }),
        ),
        (_, "/api/health") => json(
            200,
            value!({ "status": "healthy", "timestamp": now(), "database": { "status": "connected", "latency": 5 }, "memory": { "used": 50, "total": 512, "percentage": 10 }, "uptime": 3600 }),
        ),
        (_, "/api/healthz") => of(200, "text/plain", "OK"),
        ("OPTIONS", "/api/platforms") => {
            let origin = asked.header("origin");
            let known = origin == "https://console.calibr.lat";
            let answer = of(204, "text/plain", "");
            if known {
                answer.with("access-control-allow-origin", origin)
            } else {
                answer
            }
        }
        ("POST", "/api/platforms") => json(400, value!({ "error": "malformed" })),
        (_, "/api/platforms")
            if as_built
                || asked.header("authorization") == "Bearer a-token-of-thirty-two-characters-0" =>
        {
            json(200, value!({ "platforms": [], "count": 0 }))
        }
        (_, "/api/platforms") => json(401, value!({ "error": "unauthorized" })),
        (_, "/login") => page("sign in"),
        (_, _) if as_built && is_console => {
            of(307, "text/html", "").with("location", "/login?callbackUrl=%2F")
        }
        _ => page("go to console.calibr.lat"),
    }
}

fn calibrate_guide(folder: &Path, answer: fn(&Asked) -> Answer) -> Guide {
    let address = serve(answer);
    let console = address.replace("127.0.0.1", "localhost");
    Guide {
        folder: "calibrate",
        services: vec![
            ("api", address.clone()),
            ("console", console),
            ("marketing", address.clone()),
            ("docs", address),
        ],
        environment: vec![(
            "CONSOLE_INTERNAL_TOKEN",
            "a-token-of-thirty-two-characters-0",
        )],
        bin: programs(folder, &[]),
    }
}

#[test]
fn calibrate_passes_as_its_guide_says_and_names_what_was_built() {
    let folder = tempfile::tempdir().unwrap();
    let guide = calibrate_guide(folder.path(), |asked| calibrate(asked, false));
    guide.passes(&["api-health.yaml", "api-auth.yaml", "pages.yaml"]);
    let backups = folder.path().join("backups");
    std::fs::create_dir(&backups).unwrap();
    let input = [format!("backups={}", backups.display())];
    let (code, said) = guide.perform("backup.yaml", &input);
    assert_ne!(code, 0, "there is no backup: {said}");
    std::fs::write(backups.join("backup-20261126.sql"), "-- a dump").unwrap();
    let (code, said) = guide.perform("backup.yaml", &input);
    assert_eq!(code, 0, "{said}");
    let built = calibrate_guide(folder.path(), |asked| calibrate(asked, true));
    built.names(
        "api-health.yaml",
        &["`body.status` is \"ok\"", "3 checks do not hold"],
    );
    built.names(
        "api-auth.yaml",
        &["step `platforms without a token` failed", "status was 200"],
    );
    built.names("pages.yaml", &["step `console` failed", "status was 307"]);
}

// Paintbox.

pub(super) fn paintbox(asked: &Asked, as_built: bool) -> Answer {
    let checks = |storage: &str| value!({ "memory": { "status": "pass" }, "jwks": { "status": "pass" }, "storage": { "status": storage, "message": "/data is not mounted" } });
    let key = |kid: &str| value!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": "n", "e": "AQAB" });
    let script = "/_next/static/chunks/main.js";
    match (asked.method.as_str(), asked.path.as_str()) {
        (_, "/api/simple-health") => json(
            200,
            value!({ "status": "ok", "timestamp": now(), "uptime": 5, "memory": "41.2%" }),
        ),
        (_, "/api/health") if as_built => json(
            200,
            value!({ "status": "degraded", "timestamp": now(), "version": "1.2.0", "checks": checks("warn") }),
        ),
        (_, "/api/health") => json(
            200,
            value!({ "status": "healthy", "timestamp": now(), "version": "1.2.0", "checks": checks("pass") }),
        ),
        (_, "/api/metrics") => of(
            200,
            "text/plain; charset=utf-8",
            "# TYPE paintbox_uptime_seconds gauge\npaintbox_uptime_seconds 5\npaintbox_memory_rss_mb 300\npaintbox_health_status 1\n",
        ),
        (_, "/.well-known/jwks.json") => json(200, value!({ "keys": [key("now")] })),
        (_, "/api/.well-known/jwks.json") if as_built => {
            json(200, value!({ "keys": [key("stale")] })).with("x-jwks-source", "fallback")
        }
        (_, "/api/.well-known/jwks.json") => json(200, value!({ "keys": [key("now")] })),
        (_, path) if path == script && asked.header("if-none-match") == "\"s\"" => {
            of(304, "text/javascript", "")
        }
        (_, path) if path == script => Answer {
            body: "\u{1f}".to_owned(),
            ..of(200, "text/javascript", "")
        }
        .with("content-encoding", "gzip")
        .with("etag", "\"s\""),
        (_, "/") => {
            let (frame, xss) = if as_built {
                ("DENY", "0")
            } else {
                ("SAMEORIGIN", "1; mode=block")
            };
            of(
                200,
                "text/html",
                &format!("<html><script src=\"{script}\"></script></html>"),
            )
            .with("x-frame-options", frame)
            .with("x-content-type-options", "nosniff")
            .with("x-xss-protection", xss)
            .with("referrer-policy", "strict-origin-when-cross-origin")
        }
        _ => of(404, "text/plain", "no"),
    }
}

fn paintbox_guide(folder: &Path, count: usize, answer: fn(&Asked) -> Answer) -> Guide {
    Guide {
        folder: "paintbox",
        services: vec![("app", serve(answer))],
        environment: vec![("SLACK_WEBHOOK_URL", "http://127.0.0.1:1/hook")],
        bin: programs(folder, &[("fly", &fly("paintbox", count))]),
    }
}

#[test]
fn paintbox_passes_as_its_guide_says_and_names_what_was_built() {
    let folder = tempfile::tempdir().unwrap();
    let guide = paintbox_guide(folder.path(), 3, |asked| paintbox(asked, false));
    guide.passes(&[
        "simple-health.yaml",
        "deep-health.yaml",
        "machines.yaml",
        "jwks.yaml",
        "headers.yaml",
        "logs.yaml",
    ]);
    let built = paintbox_guide(folder.path(), 1, |asked| paintbox(asked, true));
    built.names(
        "deep-health.yaml",
        &["`body.status` is \"degraded\"", "2 checks do not hold"],
    );
    built.names("jwks.yaml", &["step `jwks by the rewrite` failed"]);
    built.names(
        "headers.yaml",
        &[
            "`headers['x-frame-options']` is \"DENY\"",
            "2 checks do not hold",
        ],
    );
    built.names("machines.yaml", &["body.size() >= 2"]);
}

// docsense.

pub(super) fn docsense(asked: &Asked, as_built: bool) -> Answer {
    let page = || {
        of(
            200,
            "text/html",
            "<!doctype html><html><head><title>docsense</title></head><body><div id=\"root\"></div><script src=\"/a.js\"></script></body></html>",
        )
    };
    if asked.method == "OPTIONS" {
        let origin = asked.header("origin");
        let answer = of(204, "text/plain", "");
        return if origin == "https://app.example.com" {
            answer.with("access-control-allow-origin", origin)
        } else {
            answer
        };
    }
    let projection = |lag: u64| value!({ "projections": [ { "name": "documents", "status": "healthy", "lag": lag } ] });
    match asked.path.as_str() {
        "/" => page(),
        // The catch-all of a single-page application answers whatever is not routed.
        _ if as_built => page(),
        "/health" => json(200, value!({ "status": "healthy" })),
        "/version" => json(200, value!({ "version": "1.2.0" })),
        "/health/db" => json(200, value!({ "status": "healthy" })),
        "/health/ai" => json(
            200,
            value!({ "providers": [ { "name": "a", "status": "down" }, { "name": "b", "status": "up" } ] }),
        ),
        "/health/projections" => json(200, projection(3)),
        "/admin/projections/status" => json(200, value!({ "failed_projections": [] })),
        "/repos/example/docsense/commits/c1/check-runs" => {
            let run = |name: &str| value!({ "name": name, "status": "completed", "conclusion": "success" });
            json(
                200,
                value!({ "check_runs": [run("unit"), run("integration"), run("e2e")] }),
            )
        }
        "/repos/example/docsense/commits/c2/check-runs" => {
            let run = |name: &str| value!({ "name": name, "status": "completed", "conclusion": "success" });
            json(
                200,
                value!({ "check_runs": [run("unit"), run("integration")] }),
            )
        }
        "/repos/example/docsense/commits/c1/pulls" => json(200, value!([ { "number": 7 } ])),
        "/repos/example/docsense/pulls/7/reviews" => json(
            200,
            value!([ { "state": "APPROVED" }, { "state": "COMMENTED" }, { "state": "APPROVED" } ]),
        ),
        _ => json(404, value!({ "detail": "Not Found" })),
    }
}

fn docsense_guide(folder: &Path, kubectl: &str, answer: fn(&Asked) -> Answer) -> Guide {
    let address = serve(answer);
    Guide {
        folder: "docsense",
        services: vec![("api", address.clone()), ("app", address)],
        environment: vec![
            ("OPENAI_API_KEY", "sk-test-key"),
            ("GITHUB_TOKEN", "ghp_token"),
        ],
        bin: programs(folder, &[("kubectl", kubectl)]),
    }
}

#[test]
fn docsense_passes_as_its_guide_says_and_names_what_was_built() {
    let folder = tempfile::tempdir().unwrap();
    let pod = value!({ "items": [ { "status": { "containerStatuses": [ { "ready": true, "restartCount": 0 } ] } } ] });
    let healthy = format!(
        "*pods*) echo '{pod}';;\n*logs*) echo '{{\"level\":\"INFO\",\"message\":\"up\"}}';;"
    );
    let guide = docsense_guide(folder.path(), &healthy, |asked| docsense(asked, false));
    guide.passes(&[
        "api-health.yaml",
        "projections.yaml",
        "frontend.yaml",
        "pods.yaml",
        "logs.yaml",
    ]);
    let of_commit = |commit: &str| {
        let api = format!("api=http://{}", guide.services[0].1);
        guide.perform("github.yaml", &[format!("commit={commit}"), api])
    };
    let (code, said) = of_commit("c1");
    assert_eq!(code, 0, "{said}");
    let (code, said) = of_commit("c2");
    assert!(
        code != 0 && said.contains("required checks"),
        "a check is missing: {said}"
    );
    let sick = "*pods*) echo '{\"items\":[{\"status\":{\"containerStatuses\":[{\"ready\":false,\"restartCount\":9}]}}]}';;\n*logs*) echo 'Configuration validation failed: At least one AI provider API key must be configured';;";
    let built = docsense_guide(folder.path(), sick, |asked| docsense(asked, true));
    built.names(
        "api-health.yaml",
        &["an HTML page (\"docsense\") came where JSON was expected"],
    );
    built.names("projections.yaml", &["an HTML page"]);
    built.names("pods.yaml", &["step `pods` failed"]);
    built.names(
        "logs.yaml",
        &["no AI provider has a key", "set one of ANTHROPIC_API_KEY"],
    );
}

// HotDash.

pub(super) fn hotdash(asked: &Asked, as_built: bool) -> Answer {
    match asked.path.as_str() {
        "/" => of(200, "text/html", "<html><body>HotDash</body></html>"),
        _ if as_built => of(404, "text/plain", "Not Found"),
        "/health" => json(
            200,
            value!({ "status": "healthy", "timestamp": now(), "uptime": 12.5 }),
        ),
        "/metrics" => of(
            200,
            "text/plain; version=0.0.4",
            "# TYPE process_uptime_seconds gauge\nprocess_uptime_seconds 12.5\n",
        ),
        _ => of(404, "text/plain", "Not Found"),
    }
}

#[test]
fn hotdash_passes_as_its_guide_says_and_names_what_was_built() {
    let folder = tempfile::tempdir().unwrap();
    let of = |answer: fn(&Asked) -> Answer, fly: &str| Guide {
        folder: "hotdash",
        services: vec![("app", serve(answer))],
        environment: vec![
            ("GITHUB_TOKEN", "ghp_token"),
            ("SMTP_PASSWORD", "a-password"),
            (
                "DEPLOY_WEBHOOK_KEY",
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            ),
        ],
        bin: programs(folder.path(), &[("fly", fly)]),
    };
    let guide = of(|asked| hotdash(asked, false), &fly("hotdash-production", 2));
    guide.passes(&["health.yaml", "pages.yaml", "machines.yaml", "logs.yaml"]);
    let sick = "logs*) echo 'Fatal: cannot start';;\n*machine*) echo '[{\"state\":\"stopped\"}]';;";
    let built = of(|asked| hotdash(asked, true), sick);
    built.names("health.yaml", &["step `health` failed", "status was 404"]);
    built.names("machines.yaml", &["step `machines` failed"]);
    built.names("logs.yaml", &["is there once", "Fatal: cannot start"]);
}

#[test]
fn the_suites_of_apexmediation_are_scripts_of_k6_and_pass_only_what_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("fraud.json");
    let suites = |address: &str, suite: &str, ours: bool| {
        let script = root().join(format!("scenarios/apexmediation/k6/{suite}.js"));
        let mut command = bellwether();
        match ours {
            true => command.args(["run", "--once"]),
            false => command.args(["k6", "run", "--quiet"]),
        };
        for (name, value) in [
            ("BASE_URL", format!("http://{address}").as_str()),
            ("BILLING_ORG_ID", "org_1"),
            ("API_TOKEN", "eyJhbGciOiJub25lIn0"),
            ("TRACKING_USERNAME", "probe@example.com"),
            ("TRACKING_PASSWORD", "long-enough"),
            ("VUS", "2"),
            ("DURATION", "1s"),
            ("SLEEP", "0.1"),
            ("FRAUD_SUMMARY_FILE", &written.display().to_string()),
        ] {
            let flag = if ours { "--input" } else { "-e" };
            command.args([flag, &format!("{name}={value}")]);
        }
        let (code, out, err) = run(command.arg(script));
        (code, format!("{out}{err}"))
    };
    let well = serve(|asked| apex(asked, false));
    for suite in [
        "fraud", "auction", "tracking", "usage", "invoices", "pdf", "probes", "soak",
    ] {
        let (code, said) = suites(&well, suite, false);
        assert_eq!(code, 0, "{suite}: {said}");
        let (code, said) = suites(&well, suite, true);
        assert_eq!(code, 0, "{suite}: {said}");
    }
    let summary: Value = serde_json::from_slice(&std::fs::read(&written).unwrap()).unwrap();
    assert!(summary["metrics"]["fraud_scoring"]["values"]["avg"].is_number());
    // As built, links of tracking lead nowhere, and one of the health paths is none.
    let built = serve(|asked| apex(asked, true));
    for suite in ["tracking", "probes"] {
        assert_eq!(suites(&built, suite, false).0, 99, "{suite}");
        assert_eq!(suites(&built, suite, true).0, 99, "{suite}");
    }
}
