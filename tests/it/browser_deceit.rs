//! Pages that show one thing and are another: what nobody can see is not seen, what can be read is not unseen, and no
//! picture shows a secret, or shows less than a person sees.

use super::browser::browser;
use super::standin::{Answer, Asked, of, serve};
use super::support::{bellwether, run};
use std::path::Path;

const PASS: i32 = 0;
const USAGE: i32 = 104;
const DOUBT: i32 = 98;
const FAIL: i32 = 99;

/// The page is what its query says.
fn site(asked: &Asked) -> Answer {
    let body = percent_encoding::percent_decode_str(&asked.query).decode_utf8_lossy();
    match asked.path.as_str() {
        "/nothing" => of(204, "text/html", ""),
        "/file" => of(200, "application/octet-stream", "bytes")
            .with("content-disposition", "attachment; filename=x.bin"),
        "/socket" => of(404, "text/plain", "none here"),
        _ => of(
            200,
            "text/html; charset=utf-8",
            &format!(
                "<!doctype html><html lang=en><title>Shop</title><link rel=icon href='data:,'><style>body {{ font: 16px sans-serif }}</style>{body}"
            ),
        ),
    }
}

fn performed(folder: &Path, browser: &str, head: &str, body: &str, steps: &str) -> (i32, String) {
    let site = serve(site);
    let text = format!(
        "environments: {{ test: {{ services: {{ shop: {{ url: \"http://{site}\" }} }}, browser: {browser}, secrets: {{ TOKEN: {{ env: TOKEN }} }} }} }}\n"
    );
    std::fs::write(folder.join("bellwether.yaml"), text).unwrap();
    let query = percent_encoding::utf8_percent_encode(body, percent_encoding::NON_ALPHANUMERIC);
    let scenario =
        format!("name: deceit\nservice: shop\n{head}steps:\n  - open: \"/?{query}\"\n{steps}");
    std::fs::write(folder.join("scenario.yaml"), scenario).unwrap();
    let mut command = bellwether();
    command.current_dir(folder).env("TOKEN", "open-sesame-7");
    let (code, out, err) = run(command.args(["run", "scenario.yaml", "--json", "run.json"]));
    (code, out + &err)
}

#[test]
fn what_nobody_can_see_is_not_seen_and_what_can_be_read_is_not_unseen() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        // Seen.
        ("<p>Hello</p>", "see: Hello", PASS),
        (
            "<label><input type=checkbox style='opacity:0;position:absolute'>Agree</label>",
            "tick: { label: Agree }",
            PASS,
        ),
        (
            "<div style='height:0'>Hello</div><p>.</p>",
            "see: Hello",
            PASS,
        ),
        (
            "<p>Hello</p><div style='position:fixed;bottom:0;background:#fff;width:100%'>Cookies?</div>",
            "see: Hello",
            PASS,
        ),
        (
            "<p>Hello</p><dialog id=d>Note</dialog><script>d.showModal()</script>",
            "see: Hello",
            PASS,
        ),
        (
            "<p style='background:linear-gradient(red,blue);background-clip:text;color:transparent'>Hello</p>",
            "see: Hello",
            PASS,
        ),
        (
            "<div style='height:50px;overflow:auto'><div style='height:500px'></div><p>Hello</p></div><div style='background:#fff'>footer</div>",
            "see: Hello",
            PASS,
        ),
        (
            "<select><option>Admin<option>Viewer</select>",
            "see: { role: option, name: Admin }",
            PASS,
        ),
        (
            "<header style='position:sticky;top:0;background:#fff;height:80px'>Shop</header><div style='height:3000px'></div><p>Hello</p>",
            "see: Hello",
            PASS,
        ),
        // Not seen.
        ("<p>.</p><p style='opacity:0'>Hello</p>", "see: Hello", FAIL),
        (
            "<p>.</p><p style='color:transparent'>Hello</p>",
            "see: Hello",
            FAIL,
        ),
        (
            "<p>.</p><p style='position:absolute;left:-9999px'>Hello</p>",
            "see: Hello",
            FAIL,
        ),
        (
            "<p>.</p><p style='position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0 0 0 0)'>Hello</p>",
            "see: Hello",
            FAIL,
        ),
        (
            "<p>Hello</p><div style='position:fixed;inset:0;background:#fff'>Please wait</div>",
            "see: Hello",
            FAIL,
        ),
        (
            "<p>Hello</p><iframe style='position:fixed;inset:0;width:100%;height:100%' srcdoc='Gateway down'></iframe>",
            "see: Hello",
            FAIL,
        ),
        (
            "<p>.</p><select hidden><option>Hello</select>",
            "see: Hello",
            FAIL,
        ),
        (
            "<p>.</p><datalist><option>Hello</datalist>",
            "see: Hello",
            FAIL,
        ),
        (
            "<p>.</p><select><option>Admin<option>Hello</select>",
            "see: Hello",
            FAIL,
        ),
        (
            "<p>.</p><button style='position:absolute;left:-9999px'>Ghost</button>",
            "see: { button: Ghost }",
            FAIL,
        ),
        // Unseen.
        ("<p>All is well</p>", "unseen: Something went wrong", PASS),
        (
            "<p>All</p><p hidden>Something went wrong</p>",
            "unseen: Something went wrong",
            PASS,
        ),
        (
            "<p>Something<br>went wrong</p>",
            "unseen: Something went wrong",
            FAIL,
        ),
        (
            "<p><span style='display:contents'>Something went wrong</span></p>",
            "unseen: Something went wrong",
            FAIL,
        ),
        (
            "<div style='height:0'>Something went wrong</div>",
            "unseen: Something went wrong",
            FAIL,
        ),
        (
            "<p>Some&shy;thing went wr\u{200b}ong</p>",
            "unseen: Something went wrong",
            FAIL,
        ),
        (
            "<input readonly size=40 value='Something went wrong'>",
            "unseen: Something went wrong",
            FAIL,
        ),
        (
            "<iframe srcdoc='Something went wrong'></iframe>",
            "unseen: Something went wrong",
            FAIL,
        ),
        (
            "<button onclick='document.body.replaceChildren()'>Pay</button>",
            "click: { button: Pay }\n  - unseen: Something went wrong",
            FAIL,
        ),
        (
            "<button onclick='document.body.replaceChildren()'>Pay</button>",
            "click: { button: Pay }\n  - expect: { css: .error, count: 0 }",
            FAIL,
        ),
        (
            "<p id=w>Please<br>wait</p><script>setTimeout(() => { w.innerHTML = 'Done' }, 700)</script>",
            "unseen: Please wait",
            PASS,
        ),
        // Clicked.
        (
            "<button onclick='this.textContent=1'>Pay</button>",
            "click: { button: Pay }",
            PASS,
        ),
        (
            "<button id=b>Pay</button><div id=o style='display:none;position:fixed;inset:0'></div><script>addEventListener('mousemove', () => { o.style.display = 'block' })</script>",
            "click: { button: Pay }",
            FAIL,
        ),
        (
            "<button onmousedown='this.remove()'>Pay</button><p>.</p>",
            "click: { button: Pay }",
            FAIL,
        ),
        (
            "<button>Pay</button><script>addEventListener('click', (e) => e.stopImmediatePropagation(), true)</script>",
            "click: { button: Pay }",
            FAIL,
        ),
    ];
    for (body, step, wanted) in cases {
        // What is not so is waited for in vain.
        let time = if wanted == PASS { 5 } else { 1 };
        let (code, told) = performed(
            folder.path(),
            browser,
            "",
            body,
            &format!("  - {step}\n    timeout: {time}s\n"),
        );
        assert_eq!(code, wanted, "{body} {step}\n{told}");
    }
}

#[test]
fn what_brings_no_page_is_no_page() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (step, wanted, why) in [
        ("open: /nothing", FAIL, "no document came"),
        ("open: /file", FAIL, "is a file that is downloaded"),
    ] {
        let (code, told) = performed(
            folder.path(),
            browser,
            "",
            "<p>Hello</p>",
            &format!("  - {step}\n"),
        );
        assert!(code == wanted && told.contains(why), "{step}: {told}");
    }
    let socket = "<p>Hello</p><script>new WebSocket(`ws://${location.host}/socket`)</script>";
    let (code, told) = performed(
        folder.path(),
        browser,
        "browser: { requests: fail }\n",
        socket,
        "  - wait: 300ms\n  - see: Hello\n",
    );
    assert_eq!(code, FAIL, "{told}");
    let timed = "  - wait: 300ms\n  - see: Hello\n    check: \"requests.exists(r, r.kind == 'WebSocket' && r.failed && r.ms < 60000.0)\"\n";
    let (code, told) = performed(folder.path(), browser, "", socket, timed);
    assert_eq!(code, PASS, "{told}");
    let bell = "<p>Hello</p><script>console.error('a \\x1b[31mred\\x07 bell')</script>";
    let (code, told) = performed(
        folder.path(),
        browser,
        "browser: { console: fail }\n",
        bell,
        "  - see: Hello\n",
    );
    assert!(
        code == FAIL && !told.contains('\u{7}') && !told.contains("\u{1b}[31mred"),
        "{told}"
    );
    let (code, told) = performed(
        folder.path(),
        browser,
        "browser: { timezone: Mars/Olympus }\n",
        "<p>Hello</p>",
        "  - see: Hello\n",
    );
    assert_eq!(code, DOUBT, "{told}");
}

#[test]
fn a_picture_shows_what_a_person_sees_and_no_secret() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let head = "secrets: [TOKEN]\n";
    let fill = "  - fill: { label: Key, with: \"${secrets.TOKEN}\" }\n";
    let field = "<label>Key <input id=k></label>";
    let shows = |what: &str| format!("{field}<div id=s></div><script>{what}</script>");
    let typed = "k.oninput = () => ";
    for (body, wanted) in [
        (field.to_owned(), PASS),
        (field.replace("<input", "<input type=password"), PASS),
        (
            shows(&format!(
                "{typed}{{ s.innerHTML = `<input readonly value=\"${{k.value}}\">` }}"
            )),
            DOUBT,
        ),
        (
            shows(&format!(
                "{typed}{{ s.innerHTML = `<input placeholder=\"${{k.value}}\">` }}"
            )),
            DOUBT,
        ),
        (
            shows(&format!(
                "{typed}{{ s.attachShadow({{ mode: 'closed' }}).innerHTML = `<p>${{k.value}}</p>` }}"
            )),
            DOUBT,
        ),
        (
            shows(&format!(
                "{typed}{{ s.innerHTML = [...k.value].map((c) => `<b>${{c}}</b>`).join('') }}"
            )),
            DOUBT,
        ),
        (
            shows(&format!(
                "{typed}{{ const f = document.createElement('iframe'); f.srcdoc = k.value; s.append(f) }}"
            )),
            DOUBT,
        ),
        (
            shows(&format!(
                "{typed}{{ s.dataset.v = k.value; document.head.innerHTML += '<style>#s::after {{ content: attr(data-v) }}</style>' }}"
            )),
            DOUBT,
        ),
    ] {
        let (code, told) = performed(
            folder.path(),
            browser,
            head,
            &body,
            &format!("{fill}  - wait: 200ms\n  - screenshot: true\n"),
        );
        assert_eq!(code, wanted, "{body}\n{told}");
    }
    // A page that fades an error in shows it; the baseline was without one.
    let steps = "  - wait: 600ms\n  - name: the page\n    screenshot: { baseline: true }\n    timeout: 3s\n";
    let fades = |text: &str| {
        format!(
            "<style>h1 {{ opacity: 0; animation: a .3s forwards }} i {{ animation: b 1s infinite alternate }} @keyframes a {{ to {{ opacity: 1 }} }} @keyframes b {{ to {{ opacity: .2 }} }}</style><h1>{text}</h1><i>busy</i>"
        )
    };
    let (code, told) = performed(folder.path(), browser, "", &fades("Orders"), steps);
    assert_eq!(code, DOUBT, "{told}");
    let png = |folder: &Path| {
        let mut command = bellwether();
        command.current_dir(folder);
        run(command.args(["run", "scenario.yaml", "--pictures", "pictures"]));
        let mut command = bellwether();
        command.current_dir(folder);
        run(command.args([
            "baseline", "accept", "pictures", "--by", "jane", "--folder", ".",
        ]))
    };
    // The stand-in of the scenario that is accepted is still there.
    let (code, out, err) = png(folder.path());
    assert_eq!(code, PASS, "{out}{err}");
    let (code, told) = performed(folder.path(), browser, "", &fades("Orders"), steps);
    assert_eq!(code, PASS, "an endless animation stands still: {told}");
    let (code, told) = performed(folder.path(), browser, "", &fades("ERROR"), steps);
    assert_eq!(code, FAIL, "{told}");
    let (code, told) = performed(folder.path(), browser, "", "<p>.</p>", steps);
    assert_eq!(code, FAIL, "{told}");
}

#[test]
fn what_would_check_nothing_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("bellwether.yaml"),
        "environments: { test: { services: { shop: { url: \"http://127.0.0.1:9\" } } } }\n",
    )
    .unwrap();
    for (head, step) in [
        ("browser: { console: fail, ignore: [\"\"] }\n", "see: Hello"),
        ("", "see: \"\""),
        ("", "see: \" \""),
        ("", "click: \"\""),
        ("", "unseen: { role: headin, name: x }"),
        ("", "unseen: { role: Heading, name: x }"),
        ("", "unseen: { button: \"\" }"),
        ("", "screenshot: false"),
        ("", "reload: false"),
        ("", "screenshot: { baseline: \"../x\" }"),
        ("", "screenshot: { baseline: \"\" }"),
    ] {
        let text = format!("name: nothing\nservice: shop\n{head}steps:\n  - open: /\n  - {step}\n");
        std::fs::write(folder.path().join("scenario.yaml"), text).unwrap();
        let mut command = bellwether();
        command.current_dir(folder.path());
        let (code, out, err) = run(command.args(["check", "scenario.yaml"]));
        assert_eq!(code, USAGE, "{step}: {out}{err}");
    }
}
