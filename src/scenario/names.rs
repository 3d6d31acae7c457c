//! What every name of an expression stands for, as it is explained.
//!
//! Invariant: what is explained is what there is.

/// Names that every expression may use, and what they stand for.
pub const ALWAYS: [(&str, &str); 6] = [
    ("vars", "values that earlier steps captured: `vars.token`"),
    ("inputs", "inputs of the scenario: `inputs.tenant`"),
    (
        "secrets",
        "secrets of the scenario; they are redacted wherever they show",
    ),
    (
        "data",
        "the row of each data file that this iteration took: `data.users.mail`",
    ),
    (
        "vu",
        "the virtual user: `vu.id` from 1, `vu.iteration` from 0",
    ),
    ("now", "the time: `now - duration('24h')`"),
];

/// Names that exist once there is a reply, and what they stand for.
pub const AFTER: [(&str, &str); 40] = [
    (
        "status",
        "status of an HTTP reply, or the exit code of a command",
    ),
    (
        "headers",
        "headers of the reply, in any case: `headers['ETag']`",
    ),
    (
        "body",
        "the body as JSON, or as text where it is none: `body.items[0].id`",
    ),
    (
        "text",
        "the body as text, in the charset that the reply names",
    ),
    ("bytes", "the body as it came"),
    (
        "latency",
        "time from when the request should have started, with the attempts and pauses of a `retry`: `latency < duration('300ms')`",
    ),
    (
        "phases",
        "resolve, connect, tls, send, wait, receive: `phases.wait`",
    ),
    (
        "tls",
        "the certificate and what was agreed on: `tls.days_left`, `tls.names`, `tls.chain`",
    ),
    ("cookies", "cookies of the virtual user: `cookies.session`"),
    ("url", "the URL in the end, redirects included"),
    ("version", "`HTTP/1.1` or `HTTP/2`"),
    ("records", "answers to a `dns` step"),
    (
        "output",
        "what a command printed: `output.stdout`, `output.stderr`",
    ),
    ("redirects", "redirects that were followed"),
    (
        "value",
        "the value of a `prometheus` or `sql` step that has one",
    ),
    ("values", "all values of a `prometheus` step"),
    (
        "series",
        "series of a `prometheus` step, with labels and values",
    ),
    ("alerts", "alerts of an `alertmanager` step"),
    ("lines", "lines of a `logs` step that matched"),
    ("rows", "rows of a `sql` step"),
    (
        "count",
        "how many alerts, events, lines, rows or variables there are",
    ),
    ("counts", "how often each pattern of a `logs` step matched"),
    ("rates", "the same, a minute"),
    (
        "grpc",
        "how a `grpc` step ended: `grpc.status` (0 is well), `grpc.name`, `grpc.message`",
    ),
    (
        "messages",
        "all messages that a `grpc` step received; `body` is the last",
    ),
    ("trailers", "what came after the messages of a `grpc` step"),
    (
        "event",
        "the event that an `events` step waited for: `event.name`, `event.id`, `event.data`",
    ),
    (
        "ntp",
        "what a server of time says: `ntp.offset_ms` (its clock less ours), `ntp.delay_ms`, `ntp.stratum`",
    ),
    (
        "domain",
        "what a registry says: `domain.days_left`, `domain.expires`, `domain.status`, `domain.registrar`",
    ),
    ("title", "title of the page"),
    (
        "console",
        "errors on the console and exceptions that nobody caught, since the page was opened: `console.size() == 0`, `console.exists(c, c.text.contains('CORS'))`; each with `source`, `text`, `url`",
    ),
    (
        "violations",
        "what policies of the page refused: `violations.size() == 0`; each with `policy`, `directive`, `what`, `report_only`",
    ),
    (
        "requests",
        "requests of the page: `requests.exists(r, r.url.endsWith('/api/me') && r.status == 200)`; each with `method`, `url`, `kind`, `status`, `error`, `failed`, `ms`, `bytes`",
    ),
    (
        "vitals",
        "web vitals of the document: `vitals.lcp`, `vitals.fcp`, `vitals.ttfb`, `vitals.inp`, `vitals.tbt` in milliseconds, and `vitals.cls`; what was not measured is not there",
    ),
    (
        "element",
        "the element that was looked at: `element.text`, `element.value`, `element.checked`, `element.enabled`",
    ),
    (
        "file",
        "what was downloaded: `file.name`, `file.bytes`, `file.sha256`",
    ),
    (
        "dialogs",
        "dialogs that the page opened: `dialogs.size() == 0`; each with `kind` and `text`",
    ),
    ("popups", "addresses of windows that the page opened"),
    (
        "quality",
        "what Lighthouse measured: `quality.performance`, `quality['best-practices']` (0 to 100, the median of all runs), `quality.audits['largest-contentful-paint']`, `quality.swing.performance`, `quality.runs`, `quality.warm`, `quality.version`",
    ),
    (
        "tests",
        "tests of a suite, of a program with a `report`: `tests.total`, `tests.passed`, `tests.failed`, `tests.flaky`, `tests.skipped`, `tests.ms`, `tests.list.all(t, t.ms < 5000)`; each with `name`, `came`, `ms`",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::expression::{NAMES, REPLY_NAMES};

    #[test]
    fn every_name_is_explained() {
        assert_eq!(ALWAYS.map(|(name, _)| name), NAMES);
        assert_eq!(AFTER.map(|(name, _)| name), REPLY_NAMES);
    }
}
