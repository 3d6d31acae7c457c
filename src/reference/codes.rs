//! Codes of diagnostics, what they mean, and how they are mended.
//!
//! A test holds that every code that is said is explained here, and none that is not.

use super::page::{Entry, Page, Section};

/// A code: what it means, and how it is mended.
pub type Explained = (&'static str, &'static str, &'static str);

/// All codes, in the order of their names.
pub const ALL: &[Explained] = &[
    (
        "bad-certificate",
        "A certificate, a key or a file of authorities of an environment cannot be used.",
        "Name a PEM file that holds what is asked for; a key belongs to its certificate.",
    ),
    (
        "bad-command",
        "A command line of one text holds values in `${…}`: a shell would take them apart.",
        "Write the command as a list of words, or hand values over as variables of its environment.",
    ),
    (
        "bad-data",
        "A data file, or a file that a step sends, cannot be read, or is not what its ending says.",
        "Check the path, which is relative to the scenario; a CSV file has its names in the first line.",
    ),
    (
        "bad-duration",
        "A length of time has no unit, or one that is not known.",
        "Write `250ms`, `1.5s`, `1m30s`, `2h` or `1d`.",
    ),
    (
        "bad-expression",
        "An expression is no CEL, or calls a function in a way that it does not have.",
        "`bellwether docs expressions` lists names, operators and functions with examples.",
    ),
    (
        "bad-header",
        "A header has a name or a value that no request can carry.",
        "Names are letters, digits and `-`; values hold no line breaks.",
    ),
    (
        "bad-import",
        "A file is not in the format that was named, or nothing of it can be said as a scenario.",
        "Check the format: `bellwether import --help` lists them.",
    ),
    (
        "bad-input",
        "An `--input` on the command line is not `NAME=VALUE`.",
        "Write `--input version=1.2.3`.",
    ),
    (
        "bad-name",
        "A name holds letters that names cannot have, or one that is taken for something else.",
        "Use letters, digits, `-`, `_`, `.` and spaces.",
    ),
    (
        "bad-objective",
        "An objective is none, or is about something that is not measured.",
        "Write `p95 < 300ms`, `error_rate < 1%`, `rate > 100/s`, or `p99{step: search} < 2s` for one step.",
    ),
    (
        "bad-pattern",
        "A pattern (a regular expression, or `*` in a target) cannot be read.",
        "The dialect of regular expressions is that of Rust: no look-around, no back references.",
    ),
    (
        "bad-proxy",
        "A proxy cannot be used as it is written.",
        "Write `http://host:port` or `socks5://host:port`; its name and password are a secret of their own.",
    ),
    (
        "bad-rule",
        "A gate sets one of its rules to something that it cannot be.",
        "The label beside the caret says what can stand there.",
    ),
    (
        "bad-schedule",
        "An interval or a `cron` line is none, or never comes true.",
        "Five fields (minute hour day month weekday) or six with seconds first; an interval is at least 100ms.",
    ),
    (
        "bad-script",
        "A script of k6 cannot be read, or asks for something that is not there.",
        "The message is the interpreter's, with the script's own line.",
    ),
    (
        "bad-secret",
        "A secret cannot be had from where it is kept, or cannot be used as it is.",
        "The message says what was tried; a file or a program must give one value without a line break in it.",
    ),
    (
        "bad-selector",
        "A selector of metrics or labels is none.",
        "Write it as Prometheus has it: `{service=\"api\", status=~\"5..\"}`.",
    ),
    (
        "bad-template",
        "A text with `${…}` in it cannot be read: a brace that is not closed, or an expression that is none.",
        "A `$` that is meant as itself is written `$$`.",
    ),
    (
        "bad-url",
        "An address has no scheme or host, or a port that cannot be.",
        "Write `https://host/path`; an address that starts with `/` is relative to the step's service.",
    ),
    (
        "bad-value",
        "A value is of the right kind, but cannot be used.",
        "The label beside the caret says what can stand there.",
    ),
    (
        "bad-yaml",
        "The file is no YAML, holds a key twice, or more than one document.",
        "Quote texts that hold `: ` or ` #`, and indent by spaces.",
    ),
    (
        "bakes-too-short",
        "A bake is so short that its counters will hold more often than they decide.",
        "Make the bake as long as the hint says, or count something that happens more often.",
    ),
    (
        "best-of-runs",
        "A file of Lighthouse CI judges by the best of all runs, which is what it does where it says nothing else. One good run hides bad ones.",
        "Say `\"aggregationMethod\": \"median\"` there.",
    ),
    (
        "cannot-be-waived",
        "A phase that nobody may answer for is named as one that can be waived.",
        "Only what is measured can be waived: smoke, load, bake, or a scenario.",
    ),
    (
        "capture-before-made",
        "A step uses a value that only a later step captures.",
        "Move the step that captures it to the front, or capture it in `setup`.",
    ),
    (
        "circular-dependency",
        "A probe would depend on itself, through others.",
        "Take one of the dependencies out.",
    ),
    (
        "counts-every-version",
        "A counter of a bake counts requests of every version, so that the old one hides the new one.",
        "Add a label that tells the version: `{version=\"${version}\"}`.",
    ),
    (
        "data-without-row",
        "A row of a data file is used where there is none: in setup, teardown or an input.",
        "Rows change with iterations; use them in `steps`.",
    ),
    (
        "duplicate-field",
        "Two things that must differ are named alike, or a value is said twice.",
        "Give one of them another name, or take one out.",
    ),
    (
        "duplicate-step",
        "Two steps have the same name: reports and objectives could not tell them apart.",
        "Give each step a name of its own.",
    ),
    (
        "duplicate-value",
        "Two steps measure a value of the same name.",
        "Give one of them another name.",
    ),
    (
        "failures-not-counted",
        "None of the objectives says how many requests may fail, so none may.",
        "Add `error_rate < 1%`, or what your service promises.",
    ),
    (
        "hidden-exit-code",
        "A command succeeds whatever happens in it, so the step would always pass.",
        "Leave out what hides the exit code: `|| true`, `; exit 0`, or a pipe without `set -o pipefail`.",
    ),
    (
        "missing-field",
        "Something that must be said is not there.",
        "Add the field that the label names; the hint says what it is.",
    ),
    (
        "missing-input",
        "An input of a scenario has no value.",
        "Give it one: `--input NAME=VALUE`, `inputs` of the environment, probe or gate, or a default in the scenario.",
    ),
    (
        "missing-secret",
        "A secret that a scenario needs has no value here. Nothing is sent without it.",
        "Set it where the environment says that it is kept; by default that is a variable of its name.",
    ),
    (
        "never-allowed",
        "A window of time is empty: nothing is ever inside.",
        "Let it end after it begins; one that ends before it begins goes over midnight.",
    ),
    (
        "never-concludes",
        "A load can never show what its objectives ask for: too few requests are counted.",
        "Make it longer, or faster, or the objective less strict.",
    ),
    (
        "never-converges",
        "A gate can never see its version everywhere in the time that it has.",
        "Give `converge` more time, look more often, or ask for fewer looks.",
    ),
    (
        "never-down",
        "A probe could never count as down: more failures are asked for than runs are looked at.",
        "Let `within` be at least as many as `failures`.",
    ),
    (
        "never-frozen",
        "A freeze ends before it begins.",
        "Both days are part of it: let it end on a later day.",
    ),
    (
        "no-browser",
        "A scenario opens pages, and no browser is installed here. Its steps would be inconclusive.",
        "Install Chromium, or name one in the environment: `browser: { binary: /path }`.",
    ),
    (
        "no-lighthouse",
        "A scenario measures the quality of a page, and Lighthouse is not installed here. The step would be inconclusive.",
        "Install it with npm, or name it in the environment: `browser: { lighthouse: /path }`. Web vitals are measured without it: `vitals.lcp`.",
    ),
    (
        "no-load",
        "What is performed once is asked for under load.",
        "The label says what a load can do instead.",
    ),
    (
        "no-page",
        "Something is done in a page before one is open.",
        "Begin with a step `open: /path`; each iteration, setup and teardown has a page of its own.",
    ),
    (
        "no-pair",
        "Two gates that are rolled back together do not fit: one does not name the other, or both do not exist.",
        "Name each gate in the other one.",
    ),
    (
        "no-program",
        "A program that an action starts is not on this machine.",
        "Install it where the daemon runs, or name it with its path. A gate whose rollback cannot be started holds.",
    ),
    (
        "no-stand-in",
        "A step stands in for another one where that cannot be.",
        "A step stands in for the one just before it, in a scenario that is performed once.",
    ),
    (
        "no-version",
        "A gate cannot see which version is served.",
        "Say `version` of a service in the environment: a path and where it stands in the reply, or a command.",
    ),
    (
        "nobody-acts",
        "A gate rolls nothing back and tells nobody.",
        "Give it a `rollback`, or a channel in `tell`.",
    ),
    (
        "not-carried",
        "Something of a file of another tool has no counterpart here.",
        "The message says what it is; what is left of the file is used.",
    ),
    (
        "nothing-checked",
        "A step looks at something and asks nothing of it, so it would always pass.",
        "Add a `check`.",
    ),
    (
        "nothing-measured",
        "A gate's load has nothing to be judged by. Nothing measured is never a promotion.",
        "Give its scenario `load` and `objectives`.",
    ),
    (
        "nothing-proven",
        "After a rollback nothing would show that the old version works.",
        "Give the gate a `smoke`, or a version that can be read.",
    ),
    (
        "nothing-read",
        "A file holds nothing of the kind that is read from it.",
        "Check that it is the file that was meant.",
    ),
    (
        "objective-never-provable",
        "So few requests are planned that an objective can never be shown to hold.",
        "Plan as many as the label says, or ask for less.",
    ),
    (
        "objective-not-judged",
        "Objectives are judged under load, and this scenario is performed once.",
        "Add a `load`, or say what must hold in `check`.",
    ),
    (
        "open-api",
        "The API could be reached from other machines by anybody.",
        "Set `server.token`, or listen on 127.0.0.1.",
    ),
    (
        "own-baseline",
        "A gate is compared with its own environment, which would always be as good as itself.",
        "Name another environment, or a version.",
    ),
    (
        "placeholder-secret",
        "A secret still holds a placeholder, such as `changeme`.",
        "Fill it in where it is kept.",
    ),
    (
        "rate-above-cap",
        "A load asks for more than the environment allows.",
        "Ask for less, or raise `caps` of the environment where that is meant.",
    ),
    (
        "rate-above-limit",
        "A load has no rate of its own, and the service allows so many requests a minute only.",
        "Use an executor with a rate, such as `constant-arrival-rate`.",
    ),
    (
        "too-short",
        "What was seen is kept for a shorter time than something looks back.",
        "Keep it as long as the label says.",
    ),
    (
        "unknown-channel",
        "A channel is told that is not configured.",
        "Name one of `channels`, or add it.",
    ),
    (
        "unknown-column",
        "A data file has no column of that name.",
        "The hint lists its columns; names are those of the first line.",
    ),
    (
        "unknown-data",
        "An expression names a data file that the scenario does not have.",
        "Add it to `data`.",
    ),
    (
        "unknown-environment",
        "An environment is named that is not configured.",
        "Name one of `environments`.",
    ),
    (
        "unknown-fact",
        "An action asks for a fact that a gate does not know.",
        "The hint lists what a gate knows: version, environment, number and so on.",
    ),
    (
        "unknown-field",
        "A key is written where nothing reads it. It would be ignored in silence, so it is refused.",
        "Take the key that the hint names, or leave it out.",
    ),
    (
        "unknown-gate",
        "A gate is named that is not configured.",
        "Name one of `gates`.",
    ),
    (
        "unknown-group",
        "A status page names a group that no probe has.",
        "Name the `group` of a probe, or leave `groups` out: then all are shown.",
    ),
    (
        "unknown-input",
        "A value is given for an input that the scenario does not declare.",
        "Declare it in `inputs`, or leave it out.",
    ),
    (
        "unknown-name",
        "An expression uses a name that does not exist there.",
        "`bellwether docs expressions` lists all names; those of a reply exist after it only.",
    ),
    (
        "unknown-probe",
        "A probe is named that is not configured.",
        "Name one of `probes`.",
    ),
    (
        "unknown-secret",
        "A secret is used that is not declared.",
        "Declare it in `secrets` of the scenario, or of the environment.",
    ),
    (
        "unknown-service",
        "A service is named that the environment does not have.",
        "Name one of its `services`, or add it with its `url`.",
    ),
    (
        "unknown-slo",
        "An objective over weeks is named that is not configured.",
        "Name one of `slos`.",
    ),
    (
        "unknown-step",
        "An objective is about a step that the scenario does not have.",
        "Name a step as it is written.",
    ),
    (
        "unknown-value",
        "A value is followed that no step measures.",
        "Measure it: `measure: { NAME: expression }` of a step.",
    ),
    (
        "unknown-zone",
        "A time zone is no IANA name.",
        "Write `Europe/Berlin`, or `UTC`.",
    ),
    (
        "unread-input",
        "A value was supplied that nothing reads.",
        "Leave it out, or use it: `${inputs.NAME}`.",
    ),
    (
        "unreadable-file",
        "A file is not there, or cannot be read.",
        "Check its path and who may read it; paths in a file are relative to it.",
    ),
    (
        "which-element",
        "An element of a page is said by nothing, or by several things at once.",
        "Say one of `button`, `link`, `label`, `text`, `test_id`, `css` or another.",
    ),
    (
        "without-effect",
        "Something is said that changes nothing as it stands.",
        "The label says what it would need.",
    ),
    (
        "wrong-environment",
        "A step is performed in an environment that it is not meant for.",
        "Name the environment in `only_in`, or leave the step out there.",
    ),
    (
        "wrong-type",
        "A value is of another kind than what is read there.",
        "The label says what is expected.",
    ),
    (
        "zero-for-anything",
        "A query ends in `or vector(0)`, and answers 0 for anything, a typo too.",
        "Leave it out: what has no series is told apart from what is zero.",
    ),
];

/// The page.
pub fn page() -> Page {
    let entries = ALL.iter().map(|(code, what, mend)| Entry {
        name: (*code).to_owned(),
        about: format!("{what} To mend it: {mend}"),
        ..Entry::default()
    });
    Page {
        name: "codes",
        title: "Codes of diagnostics",
        about: "What stands in brackets, as in error[unknown-field], with what it means and how it is mended.",
        sections: vec![Section::new("Codes", "").with(entries)],
    }
}
