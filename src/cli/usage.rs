//! What is wrong with a command line, in words of ours: whoever reads it knows no parser of numbers.

use super::commands::Arguments;
use super::exit::Exit;
use crate::report::columns::fitted;
use crate::report::style::Style;
use clap::Parser as _;
use regex::Regex;

/// What the standard library and clap say, and what people understand.
const WORDS: [(&str, &str); 7] = [
    (
        r"invalid digit found in string",
        "a whole number is expected, such as 12",
    ),
    (
        r"cannot parse integer from empty string",
        "a whole number is expected, such as 12",
    ),
    (
        r"number too (large|small) to fit in target type",
        "the number is too $1",
    ),
    (
        r"invalid float literal",
        "a number is expected, such as 1.5",
    ),
    (
        r"cannot parse float from empty string",
        "a number is expected, such as 1.5",
    ),
    (r"\S+ is not in (\S+)\.\.=(\S+)", "it must be from $1 to $2"),
    (r"invalid value '' for", "nothing is given for"),
];

/// The arguments; whoever asks for help gets it, and whoever is wrong is told so.
pub(super) fn arguments() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|error| {
        if !error.use_stderr() {
            error.exit();
        }
        let style = Style::for_stream(&std::io::stderr());
        let text = match style.color {
            true => error.render().ansi().to_string(),
            false => error.render().to_string(),
        };
        eprint!("{}", fitted(&in_words(&text), style));
        std::process::exit(i32::from(Exit::Usage.code()));
    })
}

fn in_words(text: &str) -> String {
    let mut made = text.to_owned();
    for (theirs, ours) in WORDS {
        if let Ok(pattern) = Regex::new(theirs) {
            made = pattern.replace_all(&made, ours).into_owned();
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_asked_for_in_words() {
        for (arguments, expected) in [
            (
                &["run", "--vus", "x", "--url", "http://a"][..],
                "a whole number is expected, such as 12",
            ),
            (
                &["run", "--vus", "0", "--url", "http://a"],
                "it must be from 1 to ",
            ),
            (
                &[
                    "run",
                    "--max-vus",
                    "99999999999999999999",
                    "--url",
                    "http://a",
                ],
                "the number is too large",
            ),
            (&["gate", "show", "x"], "a whole number is expected"),
            (&["demo", "--port", "70000"], "from 0 to 65535"),
            (
                &["load", "scale", "much"],
                "a number is expected, such as 1.5",
            ),
        ] {
            let all = [&["bellwether"], arguments].concat();
            let error = Arguments::try_parse_from(all).unwrap_err();
            let said = in_words(&error.render().to_string());
            assert!(said.contains(expected), "{arguments:?}: {said}");
            for theirs in ["digit", "float", "target type", "..="] {
                assert!(!said.contains(theirs), "{arguments:?}: {said}");
            }
        }
    }
}
