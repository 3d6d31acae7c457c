//! GitHub: deployment and commit statuses, check runs with the report, an issue for a rollback, and
//! the answer to a protection rule.
//!
//! Setting the same status twice is harmless. A check run and an issue are looked for first, by the
//! gate's mark, and brought up to date if they are there.

use super::call::{Answer, Call, github_headers, text_of};
use crate::delivery::attempt::Delivery;
use crate::document::shape::{Object, Shape, field, required};
use crate::net::connect::Connector;
use crate::record::announcement::Announcement;
use crate::record::gate::Record;
use crate::record::state::Verdict;
use crate::report::incident::markdown;
use crate::report::view;
use crate::scenario::template::Template;
use crate::secret::Secret;
use http::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Longest description that GitHub takes.
const DESCRIPTION_MAX: usize = 140;
/// Longest report in a check run or an issue, a little below what GitHub takes.
const REPORT_MAX: usize = 60_000;

/// Tells GitHub once. `kind` is `deployment`, `commit`, `check`, `issue` or `callback`.
pub async fn send(
    connector: &Connector,
    github: &Github,
    token: &Secret,
    kind: &str,
    announcement: &Announcement,
    timeout: Duration,
) -> Delivery {
    let call = Call {
        settings: [("token".to_owned(), token.clone())].into(),
        connector,
        key: "",
        deadline: Instant::now() + timeout,
    };
    let told = Told::of(announcement);
    let hub = Hub {
        call: &call,
        github,
    };
    let sent = match kind {
        "deployment" => hub.deployment(announcement, &told).await,
        "check" => hub.check(announcement, &told).await,
        "issue" => hub.issue(announcement, &told).await,
        "callback" => hub.callback(announcement, &told).await,
        _ => hub.commit(announcement, &told).await,
    };
    sent.map_or_else(|refused| refused, Delivery::done)
}

/// What is to be told, in GitHub's words.
struct Told {
    state: &'static str,
    conclusion: &'static str,
    lead: &'static str,
    reasons: String,
}

impl Told {
    fn of(announcement: &Announcement) -> Told {
        let state = &announcement.record.state;
        let proof = state
            .proof
            .as_ref()
            .filter(|_| announcement.event == "proof");
        let (word, conclusion, lead) = match (proof, state.verdict) {
            (Some(proof), _) if proof.proven => ("failure", "failure", "rolled back and proven"),
            (Some(_), _) => ("error", "action_required", "rollback not proven"),
            (None, Some(Verdict::Promote)) if state.undone.is_some() => {
                ("error", "action_required", "promoted, but not carried out")
            }
            (None, Some(Verdict::Promote)) => ("success", "success", "promoted"),
            (None, Some(Verdict::Rollback)) if state.dry_run => {
                ("failure", "failure", "would roll back (dry run)")
            }
            (None, Some(Verdict::Rollback)) => ("failure", "failure", "rolling back"),
            _ => ("error", "action_required", "on hold"),
        };
        let reasons = proof.map_or(&state.reasons, |proof| &proof.reasons);
        let reasons = state.undone.clone().unwrap_or_else(|| reasons.join("; "));
        Told {
            state: word,
            conclusion,
            lead,
            reasons,
        }
    }

    fn description(&self) -> String {
        let all = format!("{}: {}", self.lead, self.reasons);
        all.chars().take(DESCRIPTION_MAX).collect()
    }
}

fn report(announcement: &Announcement) -> String {
    let detail = view::detail(&announcement.record, &[], &[], &[]);
    let page = announcement.page.as_deref().unwrap_or_default();
    let text = format!("{}\n{page}\n", markdown(&detail));
    text.chars().take(REPORT_MAX).collect()
}

/// The environment as GitHub calls it.
fn environment(record: &Record) -> &str {
    if record.facts.target.is_empty() {
        &record.environment
    } else {
        &record.facts.target
    }
}

struct Hub<'a> {
    call: &'a Call<'a>,
    github: &'a Github,
}

impl Hub<'_> {
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, Delivery> {
        let api = self.github.api.trim_end_matches('/');
        let url = format!("{api}/repos/{}{path}", self.github.repository);
        self.ask_url(method, &url, body).await
    }

    async fn ask_url(
        &self,
        method: Method,
        url: &str,
        body: Option<Value>,
    ) -> Result<Answer, Delivery> {
        let headers = github_headers(self.call);
        self.call
            .ask("GitHub", method, url, &headers, body, &[])
            .await
    }

    async fn deployment(
        &self,
        announcement: &Announcement,
        told: &Told,
    ) -> Result<String, Delivery> {
        let record = &announcement.record;
        let path = format!("/deployments/{}/statuses", record.facts.deployment);
        let body = json!({
            "state": told.state, "description": told.description(), "log_url": announcement.page,
            "environment": environment(record), "auto_inactive": told.state == "success",
        });
        let answer = self.ask(Method::POST, &path, Some(body)).await?;
        Ok(format!("GitHub answered {}", answer.status))
    }

    async fn commit(&self, announcement: &Announcement, told: &Told) -> Result<String, Delivery> {
        let path = format!("/statuses/{}", announcement.record.facts.commit);
        let body = json!({
            "state": told.state, "description": told.description(), "target_url": announcement.page,
            "context": self.github.context,
        });
        let answer = self.ask(Method::POST, &path, Some(body)).await?;
        Ok(format!("GitHub answered {}", answer.status))
    }

    async fn check(&self, announcement: &Announcement, told: &Told) -> Result<String, Delivery> {
        let record = &announcement.record;
        let mark = format!("bellwether-gate-{}", record.id);
        let title: String = told.description();
        let body = json!({
            "name": self.github.context, "head_sha": record.facts.commit, "external_id": mark,
            "details_url": announcement.page, "status": "completed", "conclusion": told.conclusion,
            "output": { "title": title, "summary": report(announcement) },
        });
        let path = format!("/commits/{}/check-runs?per_page=100", record.facts.commit);
        let known = self.ask(Method::GET, &path, None).await?.json;
        let runs = known["check_runs"].as_array().into_iter().flatten();
        let ours = runs
            .into_iter()
            .find(|run| text_of(run, "/external_id") == mark);
        match ours.and_then(|run| run["id"].as_u64()) {
            Some(id) => {
                self.ask(Method::PATCH, &format!("/check-runs/{id}"), Some(body))
                    .await?
            }
            None => self.ask(Method::POST, "/check-runs", Some(body)).await?,
        };
        Ok(format!("the check run says {}", told.conclusion))
    }

    async fn issue(&self, announcement: &Announcement, told: &Told) -> Result<String, Delivery> {
        let record = &announcement.record;
        let mark = format!("<!-- bellwether gate {} {} -->", record.gate, record.id);
        let title = format!("{} {}: {}", record.gate, record.facts.version, told.lead);
        let body = json!({
            "title": title, "body": format!("{}\n{mark}\n", report(announcement)), "labels": ["bellwether"],
        });
        let known = self
            .ask(
                Method::GET,
                "/issues?labels=bellwether&state=all&per_page=100",
                None,
            )
            .await?
            .json;
        let mut issues = known.as_array().into_iter().flatten();
        let ours = issues.find(|issue| text_of(issue, "/body").contains(&mark));
        match ours.and_then(|issue| issue["number"].as_u64()) {
            Some(number) => {
                self.ask(Method::PATCH, &format!("/issues/{number}"), Some(body))
                    .await?;
                Ok(format!("issue {number} is up to date"))
            }
            None => {
                let made = self.ask(Method::POST, "/issues", Some(body)).await?.json;
                Ok(format!("issue {} is open", made["number"]))
            }
        }
    }

    /// The address came in a signed webhook; the token is sent nowhere but to GitHub all the same.
    async fn callback(&self, announcement: &Announcement, told: &Told) -> Result<String, Delivery> {
        let record = &announcement.record;
        let url = &record.facts.callback;
        let own = format!("{}/", self.github.api.trim_end_matches('/'));
        if !url.starts_with(&own) {
            return Err(Delivery::give_up(
                "the callback of the protection rule is not at GitHub; nothing was sent".to_owned(),
            ));
        }
        if announcement.event == "proof" {
            return Ok("the rule was answered with the verdict".to_owned());
        }
        let state = if told.state == "success" {
            "approved"
        } else {
            "rejected"
        };
        let body = json!({ "environment_name": environment(record), "state": state, "comment": told.description() });
        self.ask_url(Method::POST, url, Some(body)).await?;
        Ok(format!("the protection rule is {state}"))
    }
}

/// Statuses on GitHub.
#[derive(Debug)]
pub struct Github {
    /// `owner/name`.
    pub repository: String,
    /// A token.
    pub token: Template,
    /// Name of the commit status.
    pub context: String,
    /// Whether a check run is made (a GitHub App's token).
    pub checks: bool,
    /// Whether an issue is opened for a rollback, once, and kept up to date.
    pub issues: bool,
    /// Base URL of the API.
    pub api: String,
}

/// The form of statuses on GitHub.
pub static GITHUB: Object = Object {
    name: "github",
    called: "the GitHub statuses",
    fields: &[
        required("repository", Shape::Text, "`owner/name`"),
        required(
            "token",
            Shape::Template,
            "a token that may write deployments and statuses",
        ),
        field(
            "context",
            Shape::Text,
            "name of the commit status (bellwether/GATE)",
        ),
        field(
            "checks",
            Shape::Bool,
            "make a check run with the report; needs the token of a GitHub App (false)",
        ),
        field(
            "issues",
            Shape::Bool,
            "open an issue for a rollback, once, and keep it up to date (false)",
        ),
        field(
            "api",
            Shape::Text,
            "base URL of the API (https://api.github.com)",
        ),
    ],
};
