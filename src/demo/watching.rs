//! The chapter of the demo without any deploy: something breaks by itself, one incident is told, somebody has
//! it, the error budget burns, and it ends.

use super::shop::Deploy;
use super::story::Demo;
use crate::report::style::Style;
use std::time::Duration;

/// What takes longer does not come.
const TOLD_WITHIN: Duration = Duration::from_secs(40);

impl Demo {
    /// Whether everything that is to be told is told, once, in its order.
    pub(super) async fn watching(&self, style: Style) -> bool {
        println!();
        let title = "no deploy: the catalogue breaks by itself";
        self.line(style, &style.bold(title));
        self.shop.deploy(Deploy {
            fail_every: 1,
            ..Deploy::healthy("1.0.0")
        });
        let told = self.trouble(style).await;
        self.shop.deploy(Deploy::healthy("1.0.0"));
        let told = told && self.told(style, "✅ shop-api is up again").await;
        if !told {
            self.line(style, &style.bad("this is not what was expected"));
        }
        told
    }

    async fn trouble(&self, style: Style) -> bool {
        if !self.told(style, "shop-api is down").await {
            return false;
        }
        let incidents = self.daemon.incidents();
        let Some(incident) = incidents.first() else {
            return false;
        };
        let (id, by) = (incident.id, "on-call".to_owned());
        if let Err(refused) = self.daemon.acknowledge(id, by, "on it".to_owned()).await {
            self.line(
                style,
                &style.bad(&format!("nobody can have it: {refused:?}")),
            );
            return false;
        }
        self.line(
            style,
            "  on-call has the incident; nobody is reminded any more",
        );
        self.told(style, "shop burns its error budget").await
    }

    /// Waits until the pager has a message, and shows it.
    async fn told(&self, style: Style, what: &str) -> bool {
        let arrived = async {
            loop {
                let messages = self.pager.messages();
                if let Some(message) = messages.iter().find(|message| message.contains(what)) {
                    return message.clone();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(TOLD_WITHIN, arrived).await {
            Ok(message) => {
                self.line(style, &format!("  the pager: {message}"));
                true
            }
            Err(_) => {
                self.line(style, &style.bad(&format!("nobody was told: {what}")));
                false
            }
        }
    }
}
