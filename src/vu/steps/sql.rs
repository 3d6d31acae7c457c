//! Questions to PostgreSQL, in a transaction that only reads.

use super::asked::attempt;
use super::exchange::Attempt;
use crate::net::Fault;
use crate::net::postgres::{self, Question};
use crate::scenario::steps::sql::SqlQuestion;
use crate::vu::user::VirtualUser;
use crate::witness::rows;
use crate::witness::said::Said;
use std::time::Instant;

impl VirtualUser {
    pub(super) async fn sql(&self, question: &SqlQuestion, deadline: Instant) -> Attempt {
        let begun = Instant::now();
        attempt(self.rows(question, deadline).await, begun)
    }

    async fn rows(&self, question: &SqlQuestion, deadline: Instant) -> Result<Said, Fault> {
        let (url, query) = (self.render(&question.url)?, self.render(&question.query)?);
        let connector = &self.shared.binding.connector;
        let wrapped = rows::wrapped(&query, question.rows_max);
        let asked = Question {
            url: &url,
            may_write: rows::MAY_WRITE,
            query: &wrapped,
        };
        let text = match postgres::ask(connector, asked, deadline).await {
            Ok(text) => text,
            Err(postgres::Refusal::MayWrite(role, what)) => {
                return Err(Fault::unknown(format!(
                    "the role `{role}` {what}: ask by one that may only SELECT, since a session that only reads is no boundary"
                )));
            }
            Err(postgres::Refusal::Fault(fault)) => return Err(fault),
        };
        rows::understand(&text, question.rows_max).map_err(Fault::unknown)
    }
}
