//! JUnit's XML, as test runners of all languages write it.

use super::report::{Attachment, Came, Suite, Test, plain};
use roxmltree::{Document, Node, ParsingOptions};

/// Reads it.
pub(super) fn read(text: &str) -> Result<Suite, String> {
    let options = ParsingOptions {
        allow_dtd: false,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|why| why.to_string())?;
    let root = document.root_element();
    if !root.has_tag_name("testsuites") && !root.has_tag_name("testsuite") {
        return Err(format!(
            "it is no report of JUnit: it begins with `{}`",
            root.tag_name().name()
        ));
    }
    let mut suite = Suite::default();
    for node in root.descendants() {
        if node.has_tag_name("testcase") {
            suite.tests.push(test(node));
        } else if node.has_tag_name("testsuite") {
            let declared = |key: &str| {
                node.attribute(key)
                    .and_then(|count| count.parse::<u64>().ok())
            };
            let own = node
                .children()
                .filter(|child| child.has_tag_name("testcase"))
                .count() as u64;
            // Those of suites within it are theirs.
            let has_others = node.children().any(|child| child.has_tag_name("testsuite"));
            if let Some(tests) = declared("tests").filter(|tests| *tests > own && !has_others) {
                let name = node.attribute("name").unwrap_or_default();
                suite
                    .errors
                    .push(format!("`{name}` names {own} of its {tests} tests"));
            }
            let alone = node.children().filter(|child| child.has_tag_name("error"));
            suite.errors.extend(alone.map(|error| plain(&words(error))));
        }
    }
    Ok(suite)
}

fn words(node: Node<'_, '_>) -> String {
    let said = node.attribute("message").unwrap_or_default().to_owned();
    match said.is_empty() {
        true => node.text().unwrap_or_default().to_owned(),
        false => said,
    }
}

fn test(node: Node<'_, '_>) -> Test {
    let child = |name: &str| node.children().find(|child| child.has_tag_name(name));
    let failed = child("failure").or(child("error"));
    let came = match (failed, child("skipped")) {
        (Some(_), _) => Came::Failed,
        (None, Some(_)) => Came::Skipped,
        // Maven tells so of those that passed the second time.
        (None, None) if child("flakyFailure").or(child("flakyError")).is_some() => Came::Flaky,
        (None, None) => Came::Passed,
    };
    let [class, name] = ["classname", "name"].map(|key| node.attribute(key).unwrap_or_default());
    let said = child("system-out")
        .and_then(|said| said.text())
        .unwrap_or_default();
    let seconds: f64 = node
        .attribute("time")
        .and_then(|time| time.parse().ok())
        .unwrap_or_default();
    Test {
        name: match class.is_empty() {
            true => name.to_owned(),
            false => format!("{class} › {name}"),
        },
        came,
        ms: (seconds.max(0.0) * 1e3) as u64,
        message: failed
            .map(|failed| plain(&words(failed)))
            .unwrap_or_default(),
        files: attachments(said),
    }
}

/// Files, as the plugin for Jenkins has them named: `[[ATTACHMENT|path]]`.
fn attachments(said: &str) -> Vec<Attachment> {
    let parts = said.split("[[ATTACHMENT|").skip(1);
    let files = parts.filter_map(|part| part.split_once("]]"));
    files
        .map(|(file, _)| Attachment {
            file: file.trim().to_owned(),
            ..Attachment::default()
        })
        .collect()
}
