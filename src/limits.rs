//! Bounds on everything that could otherwise grow: each a named constant with its reason.

use std::time::Duration;

/// Values in one YAML file, aliases unfolded: a large configuration has some thousands.
pub const YAML_NODES_MAX: usize = 200_000;
/// Bytes of a reply that are kept for checks and captures, after decompression.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most that a scenario may ask for of it: what fits into memory beside other things.
pub const BODY_LIMIT_MAX: usize = 1024 * 1024 * 1024;
/// Characters of a fact that somebody sends: what a reason needs, and far below what a program's
/// variables may hold.
pub const FACT_CHARACTERS_MAX: usize = 2_000;
/// Bytes of an inbound request body: Standard Webhooks asks senders to stay under 20 KB.
pub const INBOUND_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Names whose addresses are remembered: a scenario that makes names up must not fill the memory.
pub const NAMES_MAX: usize = 4_096;
/// Cookies of one virtual user: what browsers keep of one domain, and some more.
pub const COOKIES_MAX: usize = 300;
/// Bytes of one cookie, name and value (RFC 6265, section 6.1, asks for at least as many).
pub const COOKIE_BYTES_MAX: usize = 16 * 1024;
/// Arrivals that wait for a virtual user on one worker; those beyond are dropped at once.
pub const WAITING_ARRIVALS_MAX: usize = 1_000_000;
/// Time for a program to print a secret.
pub const SECRET_TIMEOUT: Duration = Duration::from_secs(30);
/// Redirects that one exchange follows; the same as k6 and curl's habit.
pub const REDIRECTS_MAX: u32 = 10;
/// Time for one step where nothing else is said.
pub const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes kept of a command's output for checks, of each stream; what is longer is not looked at, and the
/// step says so.
pub const COMMAND_OUTPUT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a log that one step reads: what a busy service writes in some hours.
pub const LOG_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Bytes that are kept as evidence of what came back of a step.
pub const KEPT_BYTES_MAX: usize = 64 * 1024;
/// Performances of one step of which that is kept in one run.
pub const KEPT_MAX: usize = 3;
/// Pictures of one step that are kept in one run.
pub const PICTURES_MAX: usize = 5;
/// Runs that passed whose pictures are kept, of each scenario in each environment, where nothing else is said.
pub const PICTURED_RUNS: u64 = 5;
/// Longest latency that a histogram holds: one hour in microseconds.
pub const LATENCY_MICROS_MAX: u64 = 3_600_000_000;
/// Virtual users of one run on one machine.
pub const VIRTUAL_USERS_MAX: u64 = 100_000;
/// Virtual users on one HTTP/2 connection: servers seldom allow more streams.
pub const STREAMS_MAX: u64 = 10_000;
/// Rounds of one `repeat`.
pub const REPEAT_MAX: u64 = 100_000;
/// Attempts of one `retry`.
pub const RETRY_MAX: u64 = 100;
/// Different failures of one step that are shown with their texts.
pub const EXAMPLES_MAX: usize = 5;
/// Characters of a failure's text that are kept.
pub const EXAMPLE_CHARACTERS_MAX: usize = 300;
/// Attempts to deliver one effect before it is given up: with the back-off of the outbox about three days.
pub const DELIVERY_ATTEMPTS_MAX: u32 = 900;
/// Time for one delivery attempt.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(20);
/// Webhook timestamps further away than this are refused (Standard Webhooks).
pub const WEBHOOK_SKEW: Duration = Duration::from_secs(300);
/// Webhook ids are remembered this long, so that a replay within the skew is seen.
pub const WEBHOOK_MEMORY: Duration = Duration::from_secs(3600);
/// Bodies of webhooks whose signature has no time are remembered this long.
pub const REPLAY_MEMORY: Duration = Duration::from_secs(30 * 24 * 3600);
/// A verdict that is older than this answers no question about a rollout that goes on now.
pub const VERDICT_FRESH: Duration = Duration::from_secs(3600);
/// Probe results kept in memory for the pages, of each probe.
pub const PROBE_HISTORY_MAX: usize = 60;
/// Results of each probe that are read at the start: as many as its rules look back.
pub const PROBE_RECENT: usize = 64;
/// Results of probes that are older are removed from the database: the history has them.
pub const RESULTS_RETENTION: Duration = Duration::from_secs(24 * 3600);
/// History by the minute that is older is removed.
pub const MINUTES_RETENTION: Duration = Duration::from_secs(8 * 24 * 3600);
/// History by the hour that is older is removed.
pub const HOURS_RETENTION: Duration = Duration::from_secs(400 * 24 * 3600);
/// Evidence of runs and settled effects older than this are removed from the database.
pub const EVIDENCE_RETENTION: Duration = Duration::from_secs(180 * 24 * 3600);
/// Gates that ended longer ago are removed, but for those that tell which version to go back to.
pub const GATE_RETENTION: Duration = Duration::from_secs(3 * 365 * 24 * 3600);
/// Bytes of a body that is shown to whoever looks at single exchanges.
pub const TRACED_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a body of which the start is kept with a step that failed.
pub const GLANCED_BODY_BYTES_MAX: usize = 64 * 1024;
/// Letters of that start.
pub const GLANCED_LETTERS_MAX: usize = 4_000;
/// Exchanges in a recording of a run, and bytes of their texts: a load makes more in a minute.
pub const RECORDED_MAX: usize = 10_000;
/// See [`RECORDED_MAX`].
pub const RECORDED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Points in a report's time series; a longer run is thinned.
pub const SERIES_POINTS_MAX: usize = 7200;

/// Longest pause before another attempt of a delivery, whatever the other side asks for.
pub const DELIVERY_PAUSE_MAX: Duration = Duration::from_secs(3600);

/// Bytes of an answer of who is asked for what others know: a page of Loki holds thousands of lines, and an
/// answer of Prometheus thousands of samples.
pub const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of one message of a browser: a picture of a tall page is some 20 MB.
pub const BROWSER_MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Events of one page that wait for being read.
pub const BROWSER_EVENTS_MAX: usize = 8_192;
/// Time for a browser to start.
pub const BROWSER_START_TIMEOUT: Duration = Duration::from_secs(20);
/// Time for one call of a browser, which often never answers.
pub const BROWSER_CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a page to answer a question, also just before its step's time is up: one that takes longer hangs.
pub const BROWSER_ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for a browser to end by itself.
pub const BROWSER_CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// A browser that nobody has used for so long is ended.
pub const BROWSER_IDLE: Duration = Duration::from_secs(300);
/// Pages after which a browser is replaced.
pub const BROWSER_PAGES_MAX: u32 = 500;
/// Time for something that is done in a page, where nothing else is said.
pub const BROWSER_ACT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a page that is there may show nothing.
pub const BROWSER_BLANK: Duration = Duration::from_secs(5);
/// Requests of one page that are kept.
pub const BROWSER_REQUESTS_MAX: usize = 1_000;
/// Lines, violations and dialogs of one page that are kept, of each.
pub const BROWSER_LINES_MAX: usize = 200;
/// Windows that one page may open.
pub const BROWSER_POPUPS_MAX: usize = 10;
/// Documents that one step may lead through.
pub const BROWSER_DOCUMENTS_MAX: u32 = 20;
/// Letters of a page that expressions look at.
pub const BROWSER_TEXT_MAX: usize = 200_000;
/// Pixels of one picture.
pub const BROWSER_PIXELS_MAX: u64 = 20_000_000;
/// Bytes of one download.
pub const BROWSER_DOWNLOAD_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Tests of one suite.
pub const SUITE_TESTS_MAX: usize = 50_000;
/// Bytes of the report of a suite.
pub const SUITE_REPORT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of a file that a test of a suite left, of which more is told than its name.
pub const SUITE_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Time for one run of Lighthouse.
pub const QUALITY_RUN_TIMEOUT: Duration = Duration::from_secs(180);
/// Time for all runs of one step, where nothing else is said.
pub const QUALITY_TIMEOUT: Duration = Duration::from_secs(900);
/// Bytes of a report of Lighthouse.
pub const QUALITY_REPORT_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Time for one picture.
pub const BROWSER_PICTURE_TIMEOUT: Duration = Duration::from_secs(5);
