//! Looking at a file of environment variables.

use super::asked::attempt;
use super::exchange::Attempt;
use crate::net::Fault;
use crate::scenario::steps::dotenv::Dotenv;
use crate::vu::user::VirtualUser;
use crate::witness::dotenv::{Wanted, understand};
use crate::witness::said::Said;
use std::time::Instant;

impl VirtualUser {
    pub(super) async fn dotenv(&self, step: &Dotenv) -> Attempt {
        let begun = Instant::now();
        attempt(self.variables(step).await, begun)
    }

    async fn variables(&self, step: &Dotenv) -> Result<Said, Fault> {
        let path = self
            .shared
            .binding
            .plan
            .folder
            .join(self.render(&step.file)?);
        let equal = step.equal.iter();
        let equal = equal.map(|(name, value)| Ok((name.clone(), self.render(value)?)));
        let wanted = Wanted {
            required: step.required.clone(),
            one_of: step.one_of.clone(),
            refuse: step.refuse.clone(),
            equal: equal.collect::<Result<_, Fault>>()?,
        };
        Ok(match tokio::fs::read_to_string(&path).await {
            Ok(text) => understand(&text, &wanted),
            // It says nothing of what was deployed.
            Err(error) => Said::doubt(format!("`{}` cannot be read: {error}", path.display())),
        })
    }
}
