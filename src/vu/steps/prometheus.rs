//! Questions to Prometheus and to Alertmanager.

use super::asked::attempt;
use super::exchange::Attempt;
use crate::net::Fault;
use crate::scenario::steps::alertmanager::AlertQuestion;
use crate::scenario::steps::prometheus::PromQuestion;
use crate::scenario::template::Template;
use crate::vu::user::VirtualUser;
use crate::witness::said::Said;
use crate::witness::{alerts, series};
use serde_json::Value;
use std::time::Instant;

impl VirtualUser {
    pub(super) async fn prometheus(&self, question: &PromQuestion, deadline: Instant) -> Attempt {
        let begun = Instant::now();
        attempt(self.answer(question, deadline).await, begun)
    }

    async fn answer(&self, question: &PromQuestion, deadline: Instant) -> Result<Said, Fault> {
        let (scraped, doubts) = match &question.only_if {
            None => (None, Vec::new()),
            Some(only_if) => self.scraped(question, only_if, deadline).await?,
        };
        let query = self.render(&question.query)?;
        let reply = match question.range {
            None => {
                let at = [("query", query.as_str())];
                self.ask_json(&question.asked, "/api/v1/query", &at, deadline)
                    .await?
            }
            Some(range) => {
                let end = crate::clock::now_ms() as f64 / 1e3;
                let (start, end) = (end - range.as_secs_f64(), end.to_string());
                let (start, step) = (start.to_string(), question.step.as_secs_f64().to_string());
                let over = [
                    ("query", query.as_str()),
                    ("start", &start),
                    ("end", &end),
                    ("step", &step),
                ];
                self.ask_json(&question.asked, "/api/v1/query_range", &over, deadline)
                    .await?
            }
        };
        let said = series::understand(&reply, question.empty, scraped);
        let mut said = said.map_err(|why| Fault::unknown(format!("`{query}`: {why}")))?;
        said.doubts.extend(doubts);
        Ok(said)
    }

    /// Whether the question beside has an answer, and what is doubtful of that.
    async fn scraped(
        &self,
        question: &PromQuestion,
        only_if: &Template,
        deadline: Instant,
    ) -> Result<(Option<bool>, Vec<String>), Fault> {
        let query = self.render(only_if)?;
        let at = [("query", query.as_str())];
        let reply = self.ask_json(&question.asked, "/api/v1/query", &at, deadline);
        let said = series::understand(&reply.await?, series::Empty::Doubt, None);
        let said = said.map_err(|why| Fault::unknown(format!("`{query}`: {why}")))?;
        let values = said.values.get("values").and_then(Value::as_array);
        let is_empty = values.is_none_or(Vec::is_empty);
        if is_empty && said.doubts.len() <= 1 {
            return Ok((Some(false), Vec::new()));
        }
        let mut doubts = said.doubts;
        if values.is_some_and(|all| all.iter().any(|one| one.as_f64() == Some(0.0))) {
            doubts.push(format!(
                "`only_if: {query}` is 0: compare it, such as with `== 1`"
            ));
        }
        Ok((Some(true), doubts))
    }

    pub(super) async fn alertmanager(
        &self,
        question: &AlertQuestion,
        deadline: Instant,
    ) -> Attempt {
        let begun = Instant::now();
        attempt(self.firing(question, deadline).await, begun)
    }

    async fn firing(&self, question: &AlertQuestion, deadline: Instant) -> Result<Said, Fault> {
        let labels = question.labels.iter();
        let labels = labels.map(|(name, value)| Ok((name.clone(), self.render(value)?)));
        let wanted = alerts::Wanted {
            labels: labels.collect::<Result<_, Fault>>()?,
            heartbeat: question.heartbeat.clone(),
            ignore_silenced: question.ignore_silenced,
            since_ms: self.moment(question.since.as_ref())?,
            refuse_silences: question.refuse_silences,
        };
        let asked = &question.asked;
        let list = self
            .ask_json(asked, "/api/v2/alerts", &[], deadline)
            .await?;
        let silences = match question.refuse_silences {
            true => Some(
                self.ask_json(asked, "/api/v2/silences", &[], deadline)
                    .await?,
            ),
            false => None,
        };
        alerts::understand(&list, silences.as_ref(), &wanted).map_err(Fault::unknown)
    }
}
