//! Scripts for k6 that use its browser, on our own: the same pages, and what they come to.

use super::browser::browser;
use super::standin::{Answer, Asked, of, serve};
use super::support::{bellwether, run};
use std::path::Path;

const PASS: i32 = 0;
const DOUBT: i32 = 98;
const FAIL: i32 = 99;

fn site(asked: &Asked) -> Answer {
    let page = |body: &str| {
        let whole = format!(
            "<!doctype html><html lang=en><title>Shop</title><link rel=icon href='data:,'>{body}"
        );
        of(200, "text/html; charset=utf-8", &whole)
    };
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/login") if asked.body.contains("login=ada") => {
            of(302, "text/html", "").with("location", "/messages")
        }
        ("GET", "/login") => page(
            "<h1>Log in</h1><form method=post action=/login><input name=login placeholder=Login><input name=password type=password><label><input type=checkbox> Stay</label><select name=role><option value=a>Admin<option value=v>Viewer</select><input type=submit value='Log in'></form>",
        ),
        ("GET", "/messages") => page(
            "<h2>Welcome, ada!</h2><ul><li>One</li><li>Two</li></ul><p id=late></p><script>setTimeout(() => { late.textContent = 'Ready'; window.isReady = true }, 300)</script>",
        ),
        ("GET", "/blank") => page("<div id=root></div>"),
        _ => of(404, "text/html", "<h1>Not found</h1>"),
    }
}

/// As people write them for k6.
const JOURNEY: &str = r#"
import { browser } from 'k6/browser';
import { check } from 'https://jslib.k6.io/k6-utils/1.5.0/index.js';

export const options = {
  scenarios: { ui: { executor: 'shared-iterations', vus: 1, iterations: 2, options: { browser: { type: 'chromium' } } } },
  thresholds: { checks: ['rate==1.0'], browser_web_vital_lcp: ['p(95) < 10000'] },
};

export default async function () {
  const page = await browser.newPage();
  try {
    const reply = await page.goto(`${__ENV.URL}/login`, { waitUntil: 'networkidle' });
    await check(reply, { 'login is there': (reply) => reply.status() === 200 });
    await page.locator('input[name="login"]').type('ada');
    await page.locator('//input[@name="password"]').fill('lovelace');
    await page.getByLabel('Stay').check();
    await page.selectOption('select', 'v');
    await Promise.all([page.waitForNavigation(), page.locator('input[type="submit"]').click()]);
    await check(page.locator('h2'), {
      'header is right': async (header) => (await header.textContent()) === 'Welcome, ada!',
    });
    await page.waitForFunction(() => window.isReady);
    await page.waitForSelector('text=Ready');
    await check(page, {
      'two messages': async (page) => (await page.locator('li').count()) === 2,
      'the second': async (page) => (await page.locator('li').nth(1).innerText()) === 'Two',
      'no error': async (page) => !(await page.getByText('Something went wrong').isVisible()),
      'evaluated': async (page) => (await page.evaluate((a, b) => a + b, 2, 3)) === 5,
      'address': (page) => page.url().endsWith('/messages'),
      'title': async (page) => (await page.title()) === 'Shop',
    });
    await page.screenshot({ path: 'screenshot.png' });
  } finally {
    await page.close();
  }
}
"#;

fn of_k6(folder: &Path, script: &str, address: &str, is_sandboxed: bool) -> (i32, String) {
    std::fs::write(folder.join("script.js"), script).unwrap();
    let mut command = bellwether();
    command.current_dir(folder);
    if !is_sandboxed {
        command.env("K6_BROWSER_ARGS", "no-sandbox");
    }
    let url = format!("URL=http://{address}");
    let (code, out, err) = run(command.args(["k6", "run", "--quiet", "-e", &url, "script.js"]));
    (code, out + &err)
}

fn of_ours(folder: &Path, script: &str, address: &str, browser: &str) -> (i32, String) {
    std::fs::write(folder.join("script.js"), script).unwrap();
    let text = format!(
        "environments: {{ test: {{ services: {{ shop: {{ url: \"http://{address}\" }} }}, browser: {browser}, inputs: {{ URL: \"http://{address}\" }} }} }}\n"
    );
    std::fs::write(folder.join("bellwether.yaml"), text).unwrap();
    let mut command = bellwether();
    command.current_dir(folder);
    let (code, out, err) = run(command.args(["run", "script.js", "--env", "test"]));
    (code, out + &err)
}

#[test]
fn a_script_logs_in_as_it_does_with_k6() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let address = serve(site);
    let (code, told) = of_k6(folder.path(), JOURNEY, &address, browser.contains("true"));
    assert_eq!(code, PASS, "{told}");
    assert!(told.contains("browser_web_vital_lcp"), "{told}");
    assert!(!told.contains("✗"), "{told}");
    let (code, told) = of_ours(folder.path(), JOURNEY, &address, browser);
    assert_eq!(code, PASS, "{told}");
    assert!(told.contains("picture: screenshot"), "{told}");
}

#[test]
fn what_is_wrong_with_a_page_is_wrong_with_the_run() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let address = serve(site);
    let script = |body: &str| {
        format!(
            "import {{ browser }} from 'k6/browser';\nimport {{ check }} from 'k6';\nexport const options = {{ thresholds: {{ checks: ['rate==1.0'] }} }};\nexport default async function () {{\n  const page = await browser.newPage();\n  await page.goto(`${{__ENV.URL}}/login`);\n  {body}\n}}\n"
        )
    };
    for (body, wanted, why) in [
        (
            "check(await page.title(), { title: (title) => title === 'Shop' });",
            PASS,
            "",
        ),
        (
            "check(await page.title(), { title: (title) => title === 'Another' });",
            FAIL,
            "title",
        ),
        (
            "await page.getByRole('button', { name: 'Pay' }).click({ timeout: 800 });",
            FAIL,
            "it is not there",
        ),
        (
            "await page.locator('h1').waitFor({ state: 'hidden', timeout: 500 });",
            FAIL,
            "can be seen, expected none",
        ),
        (
            "page.on('console', () => {});",
            FAIL,
            "page.on('console') is not supported",
        ),
        (
            "await page.goto(`${__ENV.URL}/blank`);",
            FAIL,
            "the page is blank",
        ),
        (
            "await page.locator('[name=login]').focus(); await page.keyboard.type('ada'); check(await page.inputValue('[name=login]'), { typed: (text) => text === 'ada' });",
            PASS,
            "",
        ),
        (
            "await page.evaluate('document.body.replaceChildren()'); await page.getByText('Wrong').waitFor({ state: 'hidden', timeout: 800 });",
            FAIL,
            "the page is blank",
        ),
        ("await page.route('**', () => {});", FAIL, "not a function"),
        (
            "await browser.newPage();",
            FAIL,
            "a context is open already",
        ),
        (
            "await page.goto('file:///etc/passwd');",
            FAIL,
            "is no address of the web",
        ),
    ] {
        let (code, told) = of_ours(folder.path(), &script(body), &address, browser);
        assert_eq!(code == PASS, wanted == PASS, "{body}: {told}");
        assert!(told.contains(why), "{body}: {told}");
    }
    // What one iteration leaves open is closed.
    let left = "import { browser } from 'k6/browser';\nimport { check } from 'k6';\nexport const options = { iterations: 3 };\nexport default async function () { const page = await browser.newPage(); await page.goto(`${__ENV.URL}/login`); check(page.url(), { there: (url) => url.endsWith('/login') }); }\n";
    let (code, told) = of_ours(folder.path(), left, &address, browser);
    assert_eq!(code, PASS, "{told}");
    // Without a browser nothing is said of the page, whatever the script makes of it.
    let catches = "import { browser } from 'k6/browser';\nimport { check } from 'k6';\nexport default async function () { try { await browser.newPage(); } catch (error) { console.log(String(error)); } check(1, { one: (one) => one === 1 }); }\n";
    let (code, told) = of_ours(
        folder.path(),
        catches,
        &address,
        "{ binary: /no/such/browser }",
    );
    assert_eq!(code, DOUBT, "{told}");
    assert!(told.contains("no browser"), "{told}");
}
