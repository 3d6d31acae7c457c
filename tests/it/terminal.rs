//! What people see of a run, at every width that terminals have.

use super::support::{root, snapshot};
use bellwether::report::style::Style;
use bellwether::report::text;
use bellwether::run::Summary;

#[test]
fn a_summary_fits_terminals_of_every_width() {
    for case in ["smoke", "load"] {
        let folder = root().join("tests/cases/terminal");
        let read = std::fs::read_to_string(folder.join(format!("{case}.json"))).unwrap();
        let summary: Summary = serde_json::from_str(&read).unwrap();
        for width in [60, 80, 100, 140] {
            let style = Style {
                width,
                wraps: true,
                ..Style::plain()
            };
            let shown = text::render(&summary, style);
            for line in shown
                .lines()
                .filter(|line| line.starts_with("  ") && !line.contains('✓'))
            {
                let length = line.chars().count();
                // A word that does not fit is not broken.
                let fits = length <= width || !line.trim().contains(' ');
                assert!(fits, "{length} letters at {width}: {line}");
            }
            snapshot(&folder.join(format!("{case}.{width}.out")), &shown);
        }
        let piped = text::render(&summary, Style::plain());
        snapshot(&folder.join(format!("{case}.piped.out")), &piped);
    }
}

#[test]
fn reports_for_pull_requests_and_dashboards_are_those_on_disk() {
    use bellwether::report::{ctrf, junit, markdown};
    let folder = root().join("tests/cases/terminal");
    let read = |case: &str| -> Summary {
        let text = std::fs::read_to_string(folder.join(format!("{case}.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let both = [read("smoke"), read("load")];
    snapshot(&folder.join("both.md"), &markdown::render(&both));
    snapshot(&folder.join("smoke.md"), &markdown::render(&both[..1]));
    snapshot(&folder.join("both.ctrf.json"), &ctrf::render(&both));
    snapshot(&folder.join("both.junit.xml"), &junit::render(&both));

    let mut hostile = read("smoke");
    hostile.scenario = "<script>|\n## x".to_owned();
    hostile.checks[1].check = "text == '`|` <b>'".to_owned();
    let text = markdown::render(&[hostile]);
    assert!(
        !text.contains("<script>") && !text.contains("\n## x"),
        "{text}"
    );
}

#[test]
fn a_workflow_of_github_gets_a_summary_and_annotations() {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.md");
    let scenario = "name: shop\nsteps: [ { name: front, get: \"http://127.0.0.1:1/\", check: [ status == 200 ] } ]\n";
    std::fs::write(folder.path().join("shop.yaml"), scenario).unwrap();
    let perform = |is_there: &str| {
        let mut command = super::support::bellwether();
        command
            .current_dir(folder.path())
            .args(["run", "shop.yaml"]);
        command
            .env("GITHUB_ACTIONS", is_there)
            .env("GITHUB_STEP_SUMMARY", &summary);
        super::support::run(&mut command)
    };
    let (code, _, said) = perform("true");
    assert_eq!(code, 99, "{said}");
    assert!(
        said.contains("::error title=shop%3A fail::step `front` failed"),
        "{said}"
    );
    let text = std::fs::read_to_string(&summary).unwrap();
    assert!(
        text.starts_with("## ✗ Bellwether: fail")
            && text.contains("| ✗ | `status == 200` | front | 0 | 1 |"),
        "{text}"
    );
    let (_, _, said) = perform("");
    assert!(!said.contains("::error"), "{said}");
    assert_eq!(std::fs::read_to_string(&summary).unwrap(), text);
}

#[test]
fn a_folder_is_performed_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let perform = || {
        let mut command = super::support::bellwether();
        super::support::run(
            command
                .current_dir(folder.path())
                .args(["run", ".", "--once"]),
        )
    };
    let host = super::standin::serve(|_| super::standin::of(200, "text/plain", "ok"));
    put(
        "good.yaml",
        &format!(
            "name: good\nsteps: [ {{ get: \"http://{host}/\", check: [ status == 200 ] }} ]\n"
        ),
    );
    put(
        "bellwether.yaml",
        "environments: { test: { services: {} } }\n",
    );
    put(
        "action.yml",
        "name: a\ndescription: b\nruns: { using: composite }\n",
    );
    std::os::unix::fs::symlink(".", folder.path().join("loop")).unwrap();
    std::process::Command::new("mkfifo")
        .arg(folder.path().join("pipe.yaml"))
        .status()
        .unwrap();
    let (code, out, said) = perform();
    assert_eq!(code, 0, "{out}{said}");
    assert_eq!(out.matches("outcome: pass").count(), 1, "{out}");
    // What is misspelt, empty or not there is no reason to pass.
    for (name, text) in [
        (
            "typo.yaml",
            "name: x\nstep: [ { get: \"http://127.0.0.1:1/\" } ]\n",
        ),
        ("empty.yaml", ""),
        ("binary.yaml", "\u{0}x"),
    ] {
        put(name, text);
        let (code, out, said) = perform();
        assert_eq!(code, 104, "{name}: {out}{said}");
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    std::os::unix::fs::symlink("nowhere", folder.path().join("gone.yaml")).unwrap();
    assert_eq!(perform().0, 104);
}
