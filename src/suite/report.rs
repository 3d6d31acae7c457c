//! What a suite came to: its tests, as every format tells them.

use super::{ctrf, junit, playwright};
use crate::limits::SUITE_TESTS_MAX;
use serde::{Deserialize, Serialize};

/// What a suite came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suite {
    /// Its tests, in the order of the report.
    pub tests: Vec<Test>,
    /// What went wrong beside them, so that some may not have been performed.
    pub errors: Vec<String>,
}

/// A test of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Test {
    /// Its name, with that of what it is part of.
    pub name: String,
    /// What it came to.
    pub came: Came,
    /// Milliseconds that it took.
    pub ms: u64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Files that it left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
}

/// A file that a test left: a picture, a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Attachment {
    /// Where it is.
    pub file: String,
    /// Its bytes, if it was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What a test came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Came {
    /// It passed.
    Passed,
    /// It passed, but not the first time.
    Flaky,
    /// It failed.
    Failed,
    /// It was left out.
    Skipped,
}

impl Test {
    /// The first line of why it failed, as it follows its name.
    pub fn reason(&self) -> String {
        let first = self.message.lines().find(|line| !line.trim().is_empty());
        first
            .map(|line| format!(": {}", line.trim()))
            .unwrap_or_default()
    }
}

impl Came {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Came::Passed => "passed",
            Came::Flaky => "flaky",
            Came::Failed => "failed",
            Came::Skipped => "skipped",
        }
    }
}

impl Suite {
    /// Reads a report: JUnit's XML, CTRF, or Playwright's JSON.
    ///
    /// # Errors
    ///
    /// It is none of them, is cut off, or has too many tests.
    pub fn read(bytes: &[u8]) -> Result<Suite, String> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let suite = match text.starts_with('<') {
            true => junit::read(text)?,
            false => {
                let value = serde_json::from_str(text).map_err(|why| why.to_string())?;
                match ctrf::read(&value).or_else(|| playwright::read(&value)) {
                    Some(suite) => suite?,
                    None => {
                        return Err("it is neither JUnit, CTRF nor Playwright's JSON".to_owned());
                    }
                }
            }
        };
        match suite.tests.len() <= SUITE_TESTS_MAX {
            true => Ok(suite),
            false => Err(format!("it has over {SUITE_TESTS_MAX} tests")),
        }
    }

    /// How many came to this.
    pub fn count(&self, came: Came) -> usize {
        self.tests.iter().filter(|test| test.came == came).count()
    }
}

/// A text without the colors of a terminal, no longer than a screen.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            // Colors end with a letter (ECMA-48, section 5.4).
            '\u{1b}' => drop(letters.by_ref().find(char::is_ascii_alphabetic)),
            letter => plain.push(letter),
        }
    }
    plain.trim().chars().take(2_000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(suite: &Suite) -> Vec<(String, &'static str)> {
        let tests = suite.tests.iter();
        tests
            .map(|test| (test.name.clone(), test.came.word()))
            .collect()
    }

    #[test]
    fn one_suite_says_the_same_in_every_format() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/suites");
        let read =
            |file: &str| Suite::read(&std::fs::read(format!("{folder}/{file}")).unwrap()).unwrap();
        let [playwright, junit, ctrf] = ["playwright.json", "junit.xml", "ctrf.json"].map(read);
        let name = |text: &str| format!("shop.spec.js › dashboard › {text}");
        assert_eq!(
            told(&playwright),
            [
                (name("shows its title"), "passed"),
                (name("pays"), "failed"),
                (name("second time"), "flaky"),
                (name("later"), "skipped"),
                (name("is known to fail"), "passed"),
            ]
        );
        // JUnit knows nothing of tests that pass the second time.
        assert_eq!(junit.count(Came::Passed), 3);
        assert_eq!(
            (junit.count(Came::Failed), junit.count(Came::Skipped)),
            (1, 1)
        );
        assert_eq!(junit.tests[1].name, name("pays"));
        assert_eq!((ctrf.count(Came::Failed), ctrf.count(Came::Flaky)), (1, 1));
        for suite in [&playwright, &junit, &ctrf] {
            let test = &suite.tests[1];
            assert!(
                test.message.contains("toBeVisible") && !test.message.contains('\u{1b}'),
                "{}",
                test.message
            );
            let pictures = test.files.iter().filter(|file| file.file.ends_with(".png"));
            assert!(pictures.count() >= 1, "{:?}", test.files);
            assert!(
                test.files
                    .iter()
                    .any(|file| file.file.ends_with("trace.zip"))
            );
        }
    }

    #[test]
    fn what_is_none_of_them_or_cut_off_is_refused() {
        for (bytes, why) in [
            ("", "EOF"),
            ("{}", "neither JUnit"),
            ("[]", "neither JUnit"),
            ("<html></html>", "no report of JUnit"),
            ("<testsuites><testsuite>", "not closed"),
            ("{\"suites\": [", "EOF"),
        ] {
            let told = Suite::read(bytes.as_bytes()).unwrap_err();
            assert!(told.contains(why) || why == "not closed", "{bytes}: {told}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Suite::read(&bytes);
        }
    }
}
