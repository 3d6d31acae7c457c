//! What stands on the path of a request, piece by piece: `cargo bench`.
//!
//! Figures to compare from change to change on one machine; nothing here passes or fails.

use bellwether::document::Diagnostics;
use bellwether::document::source::Source;
use bellwether::environment::needs::Supplied;
use bellwether::environment::settings::{Caps, Environment, TlsFiles};
use bellwether::load::arrival::Arrivals;
use bellwether::load::recorder::{Inner, LocalRecorder};
use bellwether::net::Phases;
use bellwether::net::http1_parser::{Keep, Parser};
use bellwether::scenario::expression::Expression;
use bellwether::scenario::extract::extract;
use bellwether::scenario::plan::{Executor, OpenModel, Spacing};
use bellwether::scenario::steps::action::Action;
use bellwether::scenario::{self, Plan};
use bellwether::vu::cookies::Jar;
use bellwether::vu::reply::{Reply, UserScope};
use bellwether::vu::{Binding, Headings, Sample, Sink, Variables, compiled, request};
use divan::{Bencher, black_box};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() {
    divan::main();
}

const SCENARIO: &str = r#"
name: bench
inputs: { item: { default: "17" } }
steps:
  - name: list
    get: http://shop.test/items?limit=10
    check: [ status == 200, "body.version == '1.2'" ]
    capture: { id: "body.items[0].id" }
  - name: order
    post: "http://shop.test/items/${vars.id}/order"
    headers: { x-trace: "${vars.id}-${inputs.item}" }
    json: { item: "${inputs.item}", id: "${vars.id}", count: 2 }
    check: [ status == 201 ]
"#;

fn plan() -> Arc<Plan> {
    let source = Source::new("bench.yaml", SCENARIO);
    let mut found = Diagnostics::default();
    Arc::new(scenario::compile(&source, Path::new("."), &mut found).expect("the scenario is sound"))
}

fn binding() -> Binding {
    let environment = Environment {
        enforce: false,
        name: "bench".to_owned(),
        services: BTreeMap::new(),
        caps: Caps::default(),
        inputs: BTreeMap::new(),
        secrets: BTreeMap::new(),
        windows: None,
        tls_files: TlsFiles::default(),
        proxy: None,
        vantage: Vec::new(),
        browser: bellwether::browser::settings::Settings::default(),
    };
    let supplied = Supplied::default();
    let mut found = Diagnostics::default();
    Binding::new(plan(), &environment, &supplied, Duration::ZERO, &mut found)
        .expect("the binding is sound")
}

/// A JSON text of about 1 KiB.
fn json() -> String {
    let items: Vec<String> = (0..13)
        .map(|n| {
            format!(
                r#"{{"id": "{n:05}", "name": "item {n}", "price": {n}.25, "tags": ["a", "b"]}}"#
            )
        })
        .collect();
    format!(r#"{{"version": "1.2", "items": [{}]}}"#, items.join(", "))
}

struct Values {
    binding: Binding,
    vars: Variables,
    data: BTreeMap<String, serde_json::Value>,
    jar: Jar,
    reply: Reply,
}

impl Values {
    fn new() -> Values {
        let mut vars = Variables::default();
        vars.set(&"id".into(), "00123".into());
        let mut reply = Reply::default();
        reply.status = Some(200);
        reply.body = json().into();
        Values {
            binding: binding(),
            vars,
            data: BTreeMap::new(),
            jar: Jar::default(),
            reply,
        }
    }

    fn scope(&self) -> UserScope<'_> {
        UserScope {
            binding: &self.binding,
            vars: &self.vars,
            data: &self.data,
            jar: &self.jar,
            user: 1,
            iteration: 0,
            reply: Some(&self.reply),
            paths: &[],
        }
    }
}

#[divan::bench]
fn compile_a_scenario() -> Arc<Plan> {
    plan()
}

#[divan::bench]
fn bind_a_scenario(bencher: Bencher<'_, '_>) {
    bencher.bench_local(binding);
}

#[divan::bench]
fn render_url_header_and_json_body(bencher: Bencher<'_, '_>) {
    let values = Values::new();
    let step = &values.binding.plan.steps[1];
    let Action::Http(http) = &step.action else {
        unreachable!("the step is an HTTP step")
    };
    let compiled = values.binding.compiled[step.index].as_ref();
    let compiled = compiled.expect("HTTP steps are compiled");
    bencher.bench_local(|| {
        let scope = values.scope();
        let url = request::url(http, None, &scope).expect("it renders");
        let rest = compiled::late(http, compiled, &scope).expect("it renders");
        (url, rest)
    });
}

#[divan::bench(args = ["status == 200", "vars.id.size() == 5"])]
fn check_a_condition(bencher: Bencher<'_, '_>, text: &str) {
    let expression = Expression::compile(text, true).expect("it compiles");
    let values = Values::new();
    bencher.bench_local(|| expression.holds(&values.scope()));
}

#[divan::bench]
fn take_two_parts_out_of_a_kibibyte_of_json(bencher: Bencher<'_, '_>) {
    let text = json();
    let paths = plan().steps[0].paths.clone();
    bencher.bench_local(|| extract(black_box(text.as_bytes()), &paths));
}

#[divan::bench(args = [false, true])]
fn read_a_reply(bencher: Bencher<'_, '_>, kept: bool) {
    let body = json();
    let text = format!(
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: keep-alive\r\n\r\n{body}",
        body.len()
    );
    let keep = Keep {
        head: kept,
        body: kept,
        shows: false,
        limit: 1 << 20,
    };
    bencher.bench_local(|| {
        let mut parser = Parser::new(keep, false);
        parser.feed(black_box(text.as_bytes())).expect("it is HTTP");
        parser.finish()
    });
}

#[divan::bench]
fn record_a_sample(bencher: Bencher<'_, '_>) {
    let now = Instant::now();
    let recorder = LocalRecorder(RefCell::new(Inner::new(Headings::of(&plan()), now, false)));
    let sample = Sample {
        step: 0,
        intended: now,
        start: now,
        end: now + Duration::from_micros(1234),
        phases: Phases {
            send: 7,
            wait: 1200,
            receive: 27,
            ..Phases::default()
        },
        error: None,
        status: 200,
        bytes_sent: 120,
        bytes_received: 1300,
        advisory: false,
    };
    bencher.bench_local(|| recorder.sample(black_box(&sample)));
}

#[divan::bench(args = ["even", "poisson"])]
fn schedule_a_thousand_arrivals(bencher: Bencher<'_, '_>, spacing: &str) {
    let executor = Executor::ConstantArrivalRate {
        rate_per_second: 1000.0,
        duration: Duration::from_secs(1),
        open: OpenModel {
            users: 1,
            max_users: 1,
            max_wait: Duration::ZERO,
            spacing: if spacing == "even" {
                Spacing::Even
            } else {
                Spacing::Poisson
            },
        },
    };
    bencher.bench_local(|| Arrivals::of(&executor, 7).map(Iterator::count));
}
