//! What a suite comes to: each test that fails speaks against it, and one that did not run says nothing.

use super::report::{Came, Suite, Test};
use crate::witness::said::Said;
use serde_json::{Value, json};

/// Tests that are kept as evidence.
const KEPT_MAX: usize = 2_000;

/// Judges a suite of which at least so many tests must have been performed.
pub fn judge(suite: &Suite, at_least: u64) -> Said {
    let mut said = Said::default();
    said.value("tests", values(suite));
    let failed = suite.tests.iter().filter(|test| test.came == Came::Failed);
    said.objections
        .extend(failed.map(|test| format!("test `{}` failed{}", test.name, test.reason())));
    let performed = suite.tests.len() - suite.count(Came::Skipped);
    let passed = suite.count(Came::Passed) + suite.count(Came::Flaky);
    if suite.tests.is_empty() {
        said.doubts.push("the report names no test".to_owned());
    } else if passed == 0 && said.objections.is_empty() {
        said.doubts.push("every test was left out".to_owned());
    } else if (performed as u64) < at_least {
        said.doubts.push(format!(
            "{performed} tests were performed, expected at least {at_least}"
        ));
    }
    said.doubts.extend(suite.errors.iter().map(|error| {
        let first = error.lines().next().unwrap_or_default();
        format!("not all tests may have been performed: {first}")
    }));
    let flaky = suite.tests.iter().filter(|test| test.came == Came::Flaky);
    said.warnings
        .extend(flaky.map(|test| format!("test `{}` passed only when it was repeated", test.name)));
    said
}

fn values(suite: &Suite) -> Value {
    let all = suite.tests.iter().take(KEPT_MAX);
    let all = all.map(|test| json!({"name": test.name, "came": test.came.word(), "ms": test.ms}));
    json!({
        "total": suite.tests.len(), "passed": suite.count(Came::Passed), "failed": suite.count(Came::Failed),
        "flaky": suite.count(Came::Flaky), "skipped": suite.count(Came::Skipped),
        "ms": suite.tests.iter().map(|test| test.ms).sum::<u64>(),
        "list": all.collect::<Vec<_>>(),
    })
}

/// Tests that are kept: those that failed first, and the others as far as there is room.
pub fn kept(suite: Suite) -> Vec<Test> {
    let (mut kept, others): (Vec<Test>, Vec<Test>) = suite
        .tests
        .into_iter()
        .partition(|test| test.came == Came::Failed);
    kept.extend(others);
    kept.truncate(KEPT_MAX);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(all: &[Came]) -> Suite {
        let tests = all.iter().enumerate().map(|(number, came)| Test {
            name: format!("t{number}"),
            came: *came,
            ms: 10,
            message: "\nit is 2\nand not 1".to_owned(),
            files: Vec::new(),
        });
        Suite {
            tests: tests.collect(),
            errors: Vec::new(),
        }
    }

    #[test]
    fn a_suite_passes_only_if_tests_of_it_passed_and_none_failed() {
        use Came::{Failed, Flaky, Passed, Skipped};
        type Case<'a> = (&'a [Came], u64, &'a [&'a str], &'a [&'a str]);
        let cases: [Case<'_>; 7] = [
            (&[Passed, Skipped], 0, &[], &[]),
            (&[Passed, Failed], 0, &["test `t1` failed: it is 2"], &[]),
            (&[], 0, &[], &["the report names no test"]),
            (&[Skipped, Skipped], 0, &[], &["every test was left out"]),
            (&[Flaky], 1, &[], &[]),
            (
                &[Passed, Skipped],
                2,
                &[],
                &["1 tests were performed, expected at least 2"],
            ),
            (
                &[Failed],
                2,
                &["test `t0` failed: it is 2"],
                &["1 tests were performed, expected at least 2"],
            ),
        ];
        for (all, at_least, objections, doubts) in cases {
            let said = judge(&suite(all), at_least);
            assert_eq!(said.objections, objections, "{all:?}");
            assert_eq!(said.doubts, doubts, "{all:?}");
        }
        let said = judge(&suite(&[Flaky]), 0);
        assert_eq!(
            said.warnings,
            ["test `t0` passed only when it was repeated"]
        );
        let broken = Suite {
            errors: vec!["Error: cannot find module\nat x".to_owned()],
            ..suite(&[Passed])
        };
        let said = judge(&broken, 0);
        assert_eq!(
            said.doubts,
            ["not all tests may have been performed: Error: cannot find module"]
        );
    }

    #[test]
    fn what_failed_is_kept_first() {
        let kept = kept(suite(&[Came::Passed, Came::Failed]));
        assert_eq!(kept[0].came, Came::Failed);
    }
}
