//! The page of an iteration: opened once something is done in it, and furnished as the scenario says.

use crate::browser::keeper::Keeper;
use crate::browser::page::Page;
use crate::net::Fault;
use crate::secret::Secret;
use crate::vu::tab::Tab;
use crate::vu::user::VirtualUser;
use std::time::Instant;

impl VirtualUser {
    /// Sees to it that there is a page; whether that took anything.
    pub(super) async fn open_tab(&mut self, deadline: Instant) -> Result<bool, Fault> {
        if self.tab.is_some() {
            return Ok(false);
        }
        let binding = &self.shared.binding;
        let keeper = Keeper::of(&binding.browser);
        let options = &binding.plan.browsing.options;
        let mut page = Box::pin(keeper.page(options, deadline)).await?;
        self.furnish(&mut page, deadline).await?;
        self.tab = Some(Box::new(Tab::new(page)));
        Ok(true)
    }

    async fn furnish(&self, page: &mut Page, by: Instant) -> Result<(), Fault> {
        let binding = &self.shared.binding;
        let browsing = &binding.plan.browsing;
        if let Some(slow) = &browsing.slow {
            page.slow_down(slow, by).await?;
        }
        if browsing.headers.is_empty() {
            return Ok(());
        }
        let mut headers = Vec::new();
        for (name, value) in &browsing.headers {
            headers.push((name.clone(), Secret::new(self.render(value)?)));
        }
        page.add_headers(&binding.origins(), headers, by).await
    }
}
