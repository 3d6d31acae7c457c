//! Every operation of the API: its address, what it takes and answers, which role it needs.
//!
//! Does not know how an operation is done. A test holds the table against the routes, and another what a daemon
//! answers against the forms that stand here.

use super::alerts::{Acknowledge, MakeSilence, RouteView};
use super::api::{ConsentByHand, ProbeDetail, Reloaded, RollbackByHand, StartGate, StatusView};
use super::heartbeats::HeartbeatView;
use super::inbound_vendors::Answer;
use super::loads::Order;
use super::pages::events::OrderView;
use crate::load::live::LoadState;
use crate::project::access::Role;
use crate::record::note::Note;
use crate::report::view::{GateDetail, GateView, ProbeView};
use crate::report::watching::{IncidentView, SilenceView, SloView};
use crate::run::Summary;
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

/// The form of a body, made when it is asked for.
pub(super) type Form = fn(&mut SchemaGenerator) -> Schema;

/// One operation.
#[derive(Debug, Clone)]
pub struct Operation {
    /// `GET`, `POST` or `DELETE`.
    pub method: Method,
    /// Its address, with what differs in braces.
    pub path: &'static str,
    /// What it is about, in a sentence.
    pub about: &'static str,
    /// The role that it needs where tokens exist; nothing where it has a token or signature of its own.
    pub role: Option<Role>,
    /// What may follow `?`: names and what they are.
    pub query: &'static [(&'static str, &'static str)],
    /// What it takes.
    pub(super) takes: Option<Form>,
    /// What it answers when it is done: the status, and the body where there is one.
    pub(super) answers: (u16, Option<Form>),
    /// Statuses of problems beside those that every operation has.
    pub problems: &'static [u16],
}

fn form<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Operation {
    fn new(method: Method, path: &'static str, about: &'static str, role: Role) -> Operation {
        Operation {
            method,
            path,
            about,
            role: Some(role),
            query: &[],
            takes: None,
            answers: (204, None),
            problems: &[],
        }
    }

    fn look<T: JsonSchema>(path: &'static str, about: &'static str) -> Operation {
        Operation::new(Method::GET, path, about, Role::Read).answers::<T>(200)
    }

    fn order(path: &'static str, about: &'static str, role: Role) -> Operation {
        Operation::new(Method::POST, path, about, role)
    }

    fn takes<T: JsonSchema>(mut self) -> Operation {
        self.takes = Some(form::<T>);
        self
    }

    fn answers<T: JsonSchema>(mut self, status: u16) -> Operation {
        self.answers = (status, Some(form::<T>));
        self
    }

    fn accepted(mut self) -> Operation {
        self.answers = (202, None);
        self
    }

    fn asks(mut self, query: &'static [(&'static str, &'static str)]) -> Operation {
        self.query = query;
        self
    }

    fn may(mut self, problems: &'static [u16]) -> Operation {
        self.problems = problems;
        self
    }
}

/// All operations, in the order in which they are explained.
pub fn all() -> Vec<Operation> {
    [gates(), watching(), others()].concat()
}

fn gates() -> Vec<Operation> {
    vec![
        Operation::look::<Vec<GateView>>("/api/v1/gates", "The newest gates first."),
        Operation::order(
            "/api/v1/gates",
            "Start a gate. The same version that is still being verified is answered with 200 and its gate.",
            Role::Operate,
        )
        .takes::<StartGate>()
        .answers::<GateView>(201)
        .may(&[404, 409, 422]),
        Operation::look::<GateDetail>("/api/v1/gates/{id}", "A gate with its timeline, signals and runs.")
            .may(&[404]),
        Operation::order("/api/v1/gates/{id}/cancel", "Call a gate off.", Role::Operate)
            .accepted()
            .may(&[404, 409]),
        Operation::order("/api/v1/gates/{id}/approve", "Agree to a promotion.", Role::Approve)
            .takes::<Note>()
            .accepted()
            .may(&[404, 409, 422]),
        Operation::order(
            "/api/v1/gates/{id}/waive",
            "Answer for a failure of a phase, so that it does not decide.",
            Role::Approve,
        )
        .takes::<Note>()
        .accepted()
        .may(&[404, 409, 422]),
        Operation::order("/api/v1/gates/{id}/attest", "Say that something is so.", Role::Approve)
            .takes::<Note>()
            .accepted()
            .may(&[404, 409, 422]),
        Operation::order(
            "/api/v1/gates/{id}/consent",
            "Consent to a rollback that is unsafe alone.",
            Role::Approve,
        )
        .takes::<ConsentByHand>()
        .accepted()
        .may(&[404, 409, 422]),
        Operation::order(
            "/api/v1/rollback/{gate}",
            "Order a rollback, and have it proven.",
            Role::Operate,
        )
        .takes::<RollbackByHand>()
        .answers::<GateView>(202)
        .may(&[404, 409, 422]),
        Operation::look::<Answer>(
            "/api/v1/gates/by-name/{gate}/verdict",
            "What a gate says of a version; who may operate starts it by asking with a rollout.",
        )
        .asks(&[
            ("version", "the version that is asked for"),
            ("rollout", "what tells this rollout from another of the same version"),
            ("within", "how old the verdict may be, such as 6h"),
        ])
        .may(&[404, 409, 422]),
        Operation::look::<Summary>("/api/v1/runs/{id}", "The summary of a run.").may(&[404]),
    ]
}

fn watching() -> Vec<Operation> {
    vec![
        Operation::look::<Vec<ProbeView>>("/api/v1/probes", "All probes and how they stand."),
        Operation::look::<ProbeDetail>(
            "/api/v1/probes/{name}",
            "A probe with its newest results and the summary of its last run.",
        )
        .may(&[404]),
        Operation::order(
            "/api/v1/probes/{name}/run",
            "Run a probe now.",
            Role::Operate,
        )
        .answers::<Summary>(200)
        .may(&[404]),
        Operation::look::<Vec<IncidentView>>("/api/v1/incidents", "Open incidents.")
            .asks(&[("all", "true: those that ended, too")]),
        Operation::look::<IncidentView>("/api/v1/incidents/{id}", "An incident.").may(&[404]),
        Operation::order(
            "/api/v1/incidents/{id}/acknowledge",
            "Say that you have an incident: reminders and escalation end.",
            Role::Operate,
        )
        .takes::<Acknowledge>()
        .answers::<IncidentView>(200)
        .may(&[404, 409, 422]),
        Operation::look::<Vec<SilenceView>>("/api/v1/silences", "Silences that are in force."),
        Operation::order("/api/v1/silences", "Silence what fits.", Role::Operate)
            .takes::<MakeSilence>()
            .answers::<SilenceView>(201)
            .may(&[422]),
        Operation::new(
            Method::DELETE,
            "/api/v1/silences/{id}",
            "End a silence.",
            Role::Operate,
        )
        .may(&[404]),
        Operation::look::<Vec<RouteView>>(
            "/api/v1/alerts/routes",
            "Who would be told of what has these labels: any label may be asked for.",
        )
        .asks(&[
            ("probe", "the name of a probe"),
            ("severity", "how bad it would be"),
        ]),
        Operation::look::<Vec<SloView>>(
            "/api/v1/slos",
            "Objectives over weeks, and what is left of their budgets.",
        ),
        Operation::look::<Vec<HeartbeatView>>("/api/v1/heartbeats", "Jobs that report."),
        reported(Method::POST, "/api/v1/heartbeats/{name}", DONE),
        reported(Method::GET, "/api/v1/heartbeats/{name}", DONE).may(&[404, 405]),
        reported(Method::POST, "/api/v1/heartbeats/{name}/{what}", REPORTS),
        reported(Method::GET, "/api/v1/heartbeats/{name}/{what}", REPORTS).may(&[404, 405]),
    ]
}

const DONE: &str = "A job came to a good end; the end of its log may be the body. Only its own token may get it: others post.";
const REPORTS: &str = "A job reports: start, success, fail or its exit code. Only its own token may get it: others post.";

/// What a job says, by its own token or by a role.
fn reported(method: Method, path: &'static str, about: &'static str) -> Operation {
    Operation {
        role: None,
        answers: (200, None),
        ..Operation::new(method, path, about, Role::Operate)
    }
    .may(&[404])
}

fn others() -> Vec<Operation> {
    vec![
        Operation::look::<StatusView>("/api/v1/status", "How the daemon stands."),
        Operation::look::<Map<String, Value>>("/api/v1/openapi.json", "The API as OpenAPI 3.1."),
        Operation::look::<Vec<LoadState>>("/api/v1/loads", "Loads that run now."),
        Operation::order(
            "/api/v1/loads/{id}",
            "Pause, resume, scale or stop a load.",
            Role::Operate,
        )
        .takes::<Order>()
        .answers::<LoadState>(200)
        .may(&[404, 409, 422]),
        Operation::look::<Vec<OrderView>>("/api/v1/audit", "Who asked for what over the network."),
        Operation::order(
            "/api/v1/reload",
            "Read the configuration again; a broken one changes nothing.",
            Role::Administer,
        )
        .answers::<Reloaded>(200)
        .may(&[422]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What the routes of the server say: `.route("/api/v1/…", get(…).post(…))`.
    fn routed() -> BTreeSet<String> {
        let source = include_str!("server.rs");
        let routes = source.split(".route(").skip(1);
        let mut all = BTreeSet::new();
        for route in routes {
            let route = route.split("\n        .").next().unwrap_or_default();
            let path = route.split('"').nth(1).unwrap_or_default();
            if !path.starts_with("/api/v1/") {
                continue;
            }
            let handlers = &route[route.find(path).unwrap_or(0) + path.len()..];
            for (word, method) in [("get(", "GET"), ("post(", "POST"), ("delete(", "DELETE")] {
                if handlers.contains(word) {
                    all.insert(format!("{method} {path}"));
                }
            }
        }
        all
    }

    #[test]
    fn every_route_of_the_api_is_an_operation_and_no_other() {
        let told: BTreeSet<String> = all()
            .iter()
            .map(|operation| format!("{} {}", operation.method, operation.path))
            .collect();
        assert!(told.len() > 25, "{told:?}");
        assert_eq!(told, routed());
    }
}
