//! What people write who come from other tools, and what it is called here.
//!
//! Pure. Knows words alone: k6, Gatus, blackbox_exporter, Postman, Artillery, Checkly, Uptime Kuma, Grafana and shell. Invariant: a
//! word is in the table only where it is no word of ours in that place.

use crate::document::Diagnostics;

/// Keys of mappings.
const KEYS: &[(&[&str], &str)] = &[
    (
        &["url", "uri", "endpoint", "href", "target_url"],
        "here a request is its method: `get: https://…`, or `request: { method: PURGE, url: … }`",
    ),
    (
        &["method", "verb"],
        "here the method is the key: `post: https://…`; any other is `request: { method: PURGE, url: … }`",
    ),
    (
        &["sleep", "pause", "delay"],
        "here it is called `wait: 2s` as a step of its own, or `think: 2s` after one",
    ),
    (
        &["thresholds", "slo", "sla", "ensure"],
        "here they are called `objectives: [ p95 < 300ms, error_rate < 1% ]`",
    ),
    (
        &["extract", "extractors", "store", "save", "register", "set"],
        "here it is called `capture: { id: body.id }`, used as `${vars.id}`",
    ),
    (
        &[
            "conditions",
            "assert",
            "asserts",
            "assertions",
            "expect",
            "expects",
            "expectations",
            "tests",
            "validate",
            "checks",
            "verifications",
        ],
        "here it is called `check: [ status == 200, 'body.ok == true' ]`",
    ),
    (
        &[
            "endpoints",
            "monitors",
            "sites",
            "pings",
            "scrape",
            "scrape_configs",
        ],
        "here a scenario says what is asked, and `probes: { NAME: { scenario: …, environment: …, interval: 30s } }` when; `bellwether import gatus` and `import blackbox` write them",
    ),
    (
        &[
            "status",
            "status_code",
            "statusCode",
            "expected_status",
            "expected_code",
            "valid_status_codes",
        ],
        "here it is a condition: `check: [ status == 200 ]`, or `status in [200, 204]`",
    ),
    (
        &["vus", "users", "virtual_users", "concurrency", "threads"],
        "here it is part of a load: `load: { executor: constant-vus, vus: 10, duration: 1m }`",
    ),
    (
        &["stages", "phases", "ramp", "rampup", "rampUp"],
        "here it is part of a load: `load: { executor: ramping-vus, stages: [ { duration: 1m, target: 50 } ] }`",
    ),
    (
        &[
            "iterations",
            "executor",
            "rps",
            "arrivalRate",
            "arrival_rate",
            "qps",
        ],
        "here it is part of a load: `load: { executor: constant-arrival-rate, rate: 100, duration: 1m }`",
    ),
    (
        &[
            "scenarios",
            "requests",
            "tasks",
            "flow",
            "collection",
            "journey",
            "transactions",
        ],
        "here what is performed is a list: `steps: [ { name: …, get: … } ]`",
    ),
    (
        &[
            "variables",
            "vars",
            "env",
            "environment_variables",
            "parameters",
        ],
        "here values from outside are `inputs: { NAME: default }`, and what nobody may see is a name in `secrets: [NAME]`",
    ),
    (
        &["params", "query_params", "qs", "querystring"],
        "here it is called `query: { page: 1 }`",
    ),
    (
        &["data_file", "dataset", "csv", "payload_file", "feeder"],
        "here it is called `data: { people: { file: people.csv } }`, used as `${data.people.name}`",
    ),
    (
        &["payload", "post_data", "request_body", "raw"],
        "here it is called `body: text`, `json: { … }` or `form: { … }`",
    ),
    (
        &[
            "basic_auth",
            "bearer_token",
            "authorization",
            "authentication",
            "credentials",
        ],
        "here it is called `auth: { basic: { user: …, password: \"${secrets.PASSWORD}\" } }` or `auth: { bearer: \"${secrets.TOKEN}\" }`",
    ),
    (
        &[
            "insecure",
            "insecure_skip_verify",
            "verify_ssl",
            "skip_tls_verify",
            "ignore_https_errors",
            "rejectUnauthorized",
            "tls_verify",
        ],
        "here it is called `verify: false`",
    ),
    (
        &[
            "follow_redirects",
            "followRedirects",
            "followRedirect",
            "max_redirects",
            "maxRedirects",
            "allow_redirects",
        ],
        "here it is called `redirects: false`, or how many: `redirects: 5`",
    ),
    (
        &["retries", "attempts", "max_retries"],
        "here it is called `retry: { attempts: 3, delay: 1s }`",
    ),
    (
        &[
            "loop",
            "count",
            "times",
            "foreach",
            "with_items",
            "for_each",
        ],
        "here it is called `repeat: 5`, or `data` for a row of a file in each iteration",
    ),
    (
        &["if", "condition", "only_if", "skip", "unless"],
        "here it is called `when: 'vars.id != \"\"'`",
    ),
    (
        &["before", "beforeAll", "before_script", "pre", "prerequest"],
        "here it is called `setup: [ … ]`, with steps",
    ),
    (
        &[
            "after",
            "afterAll",
            "after_script",
            "post_script",
            "cleanup",
        ],
        "here it is called `teardown: [ … ]`, with steps, which are performed whatever failed",
    ),
    (&["id", "title", "label"], "here it is called `name`"),
    (
        &["tags", "labels"],
        "here a step is told apart by its `name`; a probe has `group` and `labels`",
    ),
    (
        &["interval", "every", "schedule", "frequency"],
        "here when a scenario runs is said in bellwether.yaml: `probes: { NAME: { scenario: …, environment: …, interval: 30s } }`",
    ),
    (
        &["shell", "run", "script", "exec", "cmd"],
        "here it is called `command: [program, argument]`",
    ),
    (
        &[
            "continue_on_error",
            "ignore_errors",
            "allow_failure",
            "optional",
        ],
        "here it is called `continue: true`, or `advisory: true` for a step whose failure only warns",
    ),
    (
        &[
            "alerting",
            "notifications",
            "notifiers",
            "receivers",
            "integrations",
        ],
        "here whom to tell is called `channels`, and probes and gates name them in `tell`",
    ),
    (
        &["port", "host", "bind", "address"],
        "here it is called `server: { listen: \"127.0.0.1:9911\" }`",
    ),
    (
        &["database", "storage", "db"],
        "here it is called `state: bellwether.db`",
    ),
    (
        &["canary", "analysis", "rollout", "deployments", "deploys"],
        "here it is called `gates: { NAME: { environment: …, smoke: […], load: […] } }`",
    ),
];

/// Names in expressions.
const NAMES: &[(&[&str], &str)] = &[
    (
        &["json", "jsonBody", "BODY"],
        "the JSON of a reply is called `body`: `body.items[0].id`",
    ),
    (
        &["response", "res", "resp", "reply", "r", "result"],
        "a reply has no name of its own: `status`, `headers`, `body`, `text`, `latency`",
    ),
    (
        &[
            "statusCode",
            "status_code",
            "code",
            "STATUS",
            "http_code",
            "responseCode",
        ],
        "it is called `status`",
    ),
    (
        &[
            "responseTime",
            "response_time",
            "duration",
            "elapsed",
            "time",
            "RESPONSE_TIME",
            "timings",
        ],
        "it is called `latency`: `latency < duration('300ms')`",
    ),
    (
        &["header", "HEADERS"],
        "they are called `headers`: `headers['content-type']`",
    ),
    (
        &["cookie"],
        "they are called `cookies`: `cookies['session']`",
    ),
    (
        &["env", "ENV", "environment", "process"],
        "values from outside are `inputs.NAME` and `secrets.NAME`",
    ),
    (
        &[
            "variables",
            "var",
            "variable",
            "ctx",
            "context",
            "steps",
            "captured",
        ],
        "what was captured is called `vars.NAME`",
    ),
    (
        &["stdout", "stderr"],
        "they are called `output.stdout` and `output.stderr`",
    ),
    (
        &["certificate", "cert", "CERTIFICATE_EXPIRATION", "ssl"],
        "it is called `tls`: `tls.days_left > 14`",
    ),
    (
        &["responseBody", "html", "content"],
        "the body as it came is called `text`",
    ),
    (
        &["row", "item", "record"],
        "a row of a data file is called `data.FILE.COLUMN`",
    ),
];

fn found(table: &'static [(&[&str], &str)], word: &str) -> Option<&'static str> {
    let mut rows = table.iter();
    rows.find(|(words, _)| words.contains(&word))
        .map(|(_, hint)| *hint)
}

/// What a name in expressions of other tools is called here.
pub fn name(word: &str) -> Option<&'static str> {
    found(NAMES, word)
}

/// Gives hints to keys that other tools have: whoever came from there did not mistype.
pub fn hint(diagnostics: &mut Diagnostics) {
    diagnostics.hint_each(|one| {
        let word = one.title.rsplit('`').nth(1)?;
        let is_key = one.code == "unknown-field";
        found(KEYS, word).filter(|_| is_key).map(str::to_owned)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Source;
    use std::path::Path;

    #[test]
    fn whoever_comes_from_elsewhere_is_shown_the_way() {
        let text = "name: a\nthresholds: [ p95 < 1s ]\nsteps:\n  - { url: \"https://a.test\", sleep: 1 }\n  - { get: \"https://a.test\", extract: { a: b }, check: [ json.ok, statusCode == 200 ] }\n";
        let mut found = Diagnostics::default();
        crate::scenario::compile(&Source::new("a.yaml", text), Path::new("."), &mut found);
        let said = found.render(false);
        for wanted in [
            "called `objectives:",
            "a request is its method",
            "`wait: 2s`",
            "called `capture:",
            "is called `body`",
            "is called `status`",
        ] {
            assert!(said.contains(wanted), "{wanted} is missing:\n{said}");
        }
    }

    #[test]
    fn every_word_stands_once() {
        for table in [KEYS, NAMES] {
            let mut all: Vec<&str> = table
                .iter()
                .flat_map(|(words, _)| words.iter().copied())
                .collect();
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count);
        }
    }
}
