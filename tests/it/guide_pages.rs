//! What four guides ask of pages, their scenarios unedited, in a real Chromium against stand-ins: they pass on pages that work, and
//! name what is wrong with pages that do not.

use super::browser::browser;
use super::quality::lighthouse;
use super::standin::{Answer, Asked, json, of, serve_by};
use super::support::{bellwether, root, run};
use serde_json::json as value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

const FAIL: i32 = 99;
const SESSION: &str = "session=of-the-test-account";

/// What is wrong with the pages.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    /// The dashboard is a blank page that answers 200.
    Blank,
    /// The login leads back to itself.
    NoLogin,
    /// The PDF is a page that says sorry.
    NoPdf,
    /// A request of the page is refused by another origin.
    Cors,
    /// A link leads to staging.
    Staging,
}

fn page(body: &str) -> Answer {
    of(
        200,
        "text/html; charset=utf-8",
        &format!(
            "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><link rel=icon href='data:,'><title>Console</title><main>{body}</main>"
        ),
    )
}

fn site(asked: &Asked, wrong: Wrong, has_invoice: &AtomicBool) -> Answer {
    const LOGIN: &str = "<h1>Sign in</h1><form method=post action=/login><input type=hidden name=csrf value=token-7><label>Email <input name=email></label><label>Password <input name=password type=password></label><button>Sign in</button></form>";
    const BILLING: &str = "<h1>Billing</h1><button onclick=\"fetch('/api/invoices', { method: 'POST' }).then(show)\">Create invoice</button><div id=made hidden><a href=/invoice.pdf download>Download PDF</a><button onclick=\"fetch('/api/invoices/7', { method: 'DELETE' }).then(() => { made.hidden = true })\">Delete invoice</button></div><script>function show() { made.hidden = false }</script>";
    let is_in = asked.header("cookie").contains(SESSION);
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/login") => {
            let good =
                asked.body.contains("csrf=token-7") && asked.body.contains("password=open-sesame");
            match good && wrong != Wrong::NoLogin {
                true => of(302, "text/html", "")
                    .with("location", "/dashboard")
                    .with("set-cookie", format!("{SESSION}; HttpOnly; Path=/")),
                false => page(&format!("<p role=alert>Wrong password</p>{LOGIN}")),
            }
        }
        ("GET", "/login") => page(LOGIN),
        ("GET", "/dashboard") if !is_in => of(302, "text/html", "").with("location", "/login"),
        ("GET", "/dashboard") if wrong == Wrong::Blank => {
            of(200, "text/html", "<div id=root></div>")
        }
        ("GET", "/dashboard") => {
            page("<h1>Dashboard</h1><p>Sales</p><nav><a href=/billing>Billing</a></nav>")
        }
        ("GET", "/billing") if is_in => page(BILLING),
        ("GET", "/p/demo") => {
            let host = if wrong == Wrong::Staging {
                "staging.example.com"
            } else {
                "docs.calibr.lat"
            };
            page(&format!("<h1>Demo</h1><a href='https://{host}/'>Docs</a>"))
        }
        ("GET", "/front") => page("<h1>Documents</h1>"),
        ("POST", "/api/invoices") => {
            has_invoice.store(true, Relaxed);
            json(201, value!({"id": 7}))
        }
        ("DELETE", "/api/invoices/7") => {
            has_invoice.store(false, Relaxed);
            json(200, value!({}))
        }
        ("GET", "/invoice.pdf") => {
            let body = if wrong == Wrong::NoPdf {
                "<h1>Sorry</h1>".repeat(20)
            } else {
                format!("%PDF-1.4 {}", "an invoice ".repeat(20))
            };
            of(200, "application/pdf", &body)
                .with("content-disposition", "attachment; filename=invoice-7.pdf")
        }
        _ => of(404, "text/html", "<h1>Not found</h1>"),
    }
}

/// A site whose start page is this one of it.
fn serve(start: &'static str, wrong: Wrong) -> (String, Arc<AtomicBool>) {
    let has_invoice = Arc::new(AtomicBool::new(false));
    let kept = has_invoice.clone();
    let other = serve_by(|_| of(200, "application/json", "{}"));
    let address = serve_by(move |asked| {
        let mut asked = asked.clone();
        if asked.path == "/" {
            start.clone_into(&mut asked.path);
        }
        let mut answer = site(&asked, wrong, &kept);
        if wrong == Wrong::Cors && asked.path == "/front" {
            answer
                .body
                .push_str(&format!("<script>fetch('http://{other}/api/me')</script>"));
        }
        answer
    });
    (address, has_invoice)
}

/// Performs a scenario of a guide as it is shipped: exit code and what was said.
fn performed(folder: &Path, file: &str, site: &str, browser: &str, more: &[&str]) -> (i32, String) {
    let shipped = root().join("scenarios").join(file);
    let name = shipped.file_name().unwrap().to_str().unwrap();
    std::fs::copy(&shipped, folder.join(name)).unwrap();
    let text = format!(
        "environments: {{ production: {{ services: {{ console: {{ url: \"http://{site}\" }}, app: {{ url: \"http://{site}\" }} }}, browser: {browser} }} }}\n"
    );
    std::fs::write(folder.join("bellwether.yaml"), text).unwrap();
    let mut command = bellwether();
    command.current_dir(folder);
    for (name, value) in [
        ("CONSOLE_EMAIL", "admin@example.com"),
        ("CONSOLE_PASSWORD", "open-sesame"),
        ("TEST_ACCOUNT_EMAIL", "test@example.com"),
        ("TEST_ACCOUNT_PASSWORD", "open-sesame"),
        ("HOTDASH_EMAIL", "ops@example.com"),
        ("HOTDASH_PASSWORD", "open-sesame"),
        ("LHCI_RUNS", "3"),
        ("WEBSITE_SCREENSHOT_HISTORY", "5"),
    ] {
        command.env(name, value);
    }
    let (code, out, err) = run(command.args(["run", name]).args(more));
    (code, out + &err)
}

#[test]
fn journeys_of_the_guides_pass_on_pages_that_work_and_name_what_is_wrong() {
    let Some(browser) = browser() else { return };
    let journeys = [
        (
            "apexmediation/console-journey.yaml",
            "/login",
            Wrong::Nothing,
            "",
        ),
        (
            "apexmediation/console-journey.yaml",
            "/login",
            Wrong::Blank,
            "step `the dashboard` failed",
        ),
        (
            "apexmediation/console-journey.yaml",
            "/login",
            Wrong::NoLogin,
            "step `the dashboard` failed",
        ),
        (
            "apexmediation/console-journey.yaml",
            "/login",
            Wrong::NoPdf,
            "step `its PDF` failed",
        ),
        ("calibrate/console.yaml", "/login", Wrong::Nothing, ""),
        (
            "calibrate/console.yaml",
            "/login",
            Wrong::Staging,
            "step `links lead to production` failed",
        ),
        (
            "docsense/frontend-console.yaml",
            "/front",
            Wrong::Nothing,
            "",
        ),
        (
            "docsense/frontend-console.yaml",
            "/front",
            Wrong::Cors,
            "CORS policy",
        ),
        ("hotdash/journey.yaml", "/login", Wrong::Nothing, ""),
        (
            "hotdash/journey.yaml",
            "/login",
            Wrong::Blank,
            "step `the dashboard` failed",
        ),
    ];
    for (file, start, wrong, why) in journeys {
        let folder = tempfile::tempdir().unwrap();
        let (site, has_invoice) = serve(start, wrong);
        let (code, said) = performed(folder.path(), file, &site, browser, &[]);
        assert_eq!(
            code,
            if wrong == Wrong::Nothing { 0 } else { FAIL },
            "{file} {wrong:?}: {said}"
        );
        assert!(said.contains(why), "{file} {wrong:?}: {said}");
        assert!(!said.contains("open-sesame"), "{said}");
        if wrong == Wrong::Nothing {
            assert!(!has_invoice.load(Relaxed), "what was made is taken back");
        }
    }
}

#[test]
fn pictures_and_quality_are_as_the_guide_asks() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (site, _) = serve("/front", Wrong::Nothing);
    let pictures = |site: &str| {
        performed(
            folder,
            "apexmediation/website-pictures.yaml",
            site,
            browser,
            &["--pictures", "artifacts"],
        )
    };
    let (code, said) = pictures(&site);
    assert!(
        code == 98 && said.contains("no baseline was accepted"),
        "{said}"
    );
    let mut accept = bellwether();
    accept.current_dir(folder);
    let (code, out, err) = run(accept.args([
        "baseline",
        "accept",
        "artifacts",
        "--folder",
        ".",
        "--by",
        "jane",
    ]));
    assert_eq!(code, 0, "{out}{err}");
    let (code, said) = pictures(&site);
    assert_eq!(code, 0, "{said}");
    assert!(
        folder
            .join("artifacts/apexmediation-website/production")
            .is_dir()
    );
    let (other, _) = serve("/p/demo", Wrong::Nothing);
    let (code, said) = pictures(&other);
    assert!(
        code == FAIL && said.contains("is not like its baseline"),
        "{said}"
    );

    for (scores, code, why) in [
        ("0.88, 0.93, 0.95", 0, "performance  93"),
        (
            "0.80, 0.80, 0.80, 0.80, 0.81, 0.82, 0.83",
            FAIL,
            "performance is 82",
        ),
    ] {
        let measured = lighthouse(browser, folder, scores);
        let (came, said) = performed(folder, "apexmediation/quality.yaml", &site, &measured, &[]);
        assert!(came == code && said.contains(why), "{came} {said}");
    }
}
