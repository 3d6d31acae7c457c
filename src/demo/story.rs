//! The story of the demo: deploys, what the gate says to each, and whether that was expected.

use super::setting;
use super::shop::{Deploy, Shop};
use crate::daemon::Daemon;
use crate::record::gate::{Facts, Record};
use crate::record::state::{Phase, Verdict};
use crate::report::style::Style;
use axum::Router;
use axum::routing::post;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One deploy of the story.
struct Chapter {
    title: &'static str,
    deploy: Deploy,
    stuck: bool,
    verdict: Verdict,
    proven: Option<bool>,
}

/// A page that takes longer has not come.
const PAGED_WITHIN: Duration = Duration::from_secs(30);

/// Messages that reached the demo's pager.
#[derive(Debug, Clone, Default)]
pub struct Pager(Arc<Mutex<Vec<String>>>);

impl Pager {
    /// Starts a Slack-compatible receiver.
    pub async fn start() -> std::io::Result<(Pager, SocketAddr)> {
        let pager = Pager::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let inbox = pager.clone();
        let routes = Router::new().route(
            "/",
            post(
                move |axum::Json(body): axum::Json<serde_json::Value>| async move {
                    let text = body["text"].as_str().unwrap_or_default().to_owned();
                    inbox
                        .0
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(text);
                    "ok"
                },
            ),
        );
        tokio::spawn(async move {
            // The demo ends with the process.
            let _ = axum::serve(listener, routes).await;
        });
        Ok((pager, address))
    }

    /// What came so far.
    pub fn messages(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A demo that runs.
#[derive(Debug)]
pub struct Demo {
    /// The daemon.
    pub daemon: Daemon,
    /// The shop.
    pub shop: Shop,
    /// The pager.
    pub pager: Pager,
    /// The folder with its configuration and state.
    pub folder: PathBuf,
    started: Instant,
}

impl Demo {
    /// Starts shop, pager and daemon. `listen` is the daemon's address; port 0 takes a free one.
    pub async fn start(listen: &str) -> Result<Demo, String> {
        let fault = |what: &str, error: &dyn std::fmt::Display| {
            format!("{what} cannot be started: {error}")
        };
        let folder = std::env::temp_dir().join(format!("bellwether-demo-{}", crate::ids::short()));
        let shop = Shop::start(Deploy::healthy("1.0.0"))
            .await
            .map_err(|error| fault("the shop", &error))?;
        let (pager, pager_address) = Pager::start()
            .await
            .map_err(|error| fault("the pager", &error))?;
        let path = setting::write(&folder, shop.address, pager_address, listen)
            .map_err(|error| fault("the demo", &error))?;
        let daemon = Daemon::start(&path)
            .await
            .map_err(|error| fault("the daemon", &error))?;
        Ok(Demo {
            daemon,
            shop,
            pager,
            folder,
            started: Instant::now(),
        })
    }

    /// Tells the whole story; whether every verdict was as expected.
    pub async fn tell(&self, style: Style) -> bool {
        let chapters = [
            Chapter {
                title: "a good deploy",
                deploy: Deploy::healthy("1.1.0"),
                stuck: false,
                verdict: Verdict::Promote,
                proven: None,
            },
            Chapter {
                title: "a slow deploy: every fourth catalogue request takes 400 ms longer",
                deploy: Deploy {
                    slow_ms: 400,
                    slow_every: 4,
                    ..Deploy::healthy("1.2.0")
                },
                stuck: false,
                verdict: Verdict::Rollback,
                proven: Some(true),
            },
            Chapter {
                title: "an erroring deploy: the catalogue answers 500",
                deploy: Deploy {
                    fail_every: 1,
                    ..Deploy::healthy("1.3.0")
                },
                stuck: false,
                verdict: Verdict::Rollback,
                proven: Some(true),
            },
            Chapter {
                title: "a deploy whose dashboard is a blank page that answers 200",
                deploy: Deploy {
                    blank: true,
                    ..Deploy::healthy("1.3.1")
                },
                stuck: false,
                verdict: Verdict::Rollback,
                proven: Some(true),
            },
            Chapter {
                title: "an erroring deploy on a platform that accepts the rollback and does nothing",
                deploy: Deploy {
                    fail_every: 1,
                    ..Deploy::healthy("1.5.0")
                },
                stuck: true,
                verdict: Verdict::Rollback,
                proven: Some(false),
            },
        ];
        let (mut expected, mut last) = (self.watching(style).await, false);
        let count = chapters.len();
        for (number, chapter) in chapters.into_iter().enumerate() {
            if number + 1 == count {
                expected &= self.eleventh_hour(style).await;
            }
            if chapter.deploy.blank
                && let Err(why) = setting::browser()
            {
                println!();
                self.line(
                    style,
                    &style.dim(&format!("not told: {} ({why})", chapter.title)),
                );
                continue;
            }
            last = self.chapter(chapter, style).await;
            expected &= last;
        }
        // Without a rollback that failed there is nothing to page for.
        let paged = last && self.page().await;
        let messages = self.pager.messages();
        self.line(
            style,
            &format!(
                "the pager has {} messages; the last: {}",
                messages.len(),
                messages.last().map_or("none", String::as_str)
            ),
        );
        self.shop.set_stuck(false);
        self.shop.deploy(Deploy::healthy("1.1.0"));
        if last && !paged {
            self.line(style, &style.bad("nobody was paged for the last rollback"));
        }
        expected && paged
    }

    /// Waits for the page of the rollback that failed: it is delivered beside the gate, which does
    /// not wait for it.
    async fn page(&self) -> bool {
        let arrived = async {
            while !self
                .pager
                .messages()
                .iter()
                .any(|message| message.contains("Rollback Failed"))
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PAGED_WITHIN, arrived).await.is_ok()
    }

    pub(super) fn line(&self, style: Style, text: &str) {
        let passed = self.started.elapsed().as_secs_f64();
        println!("{} {text}", style.dim(&format!("{passed:>5.1} s")));
    }

    async fn chapter(&self, chapter: Chapter, style: Style) -> bool {
        println!();
        self.line(
            style,
            &style.bold(&format!(
                "deploy {}: {}",
                chapter.deploy.version, chapter.title
            )),
        );
        self.shop.set_stuck(chapter.stuck);
        let version = chapter.deploy.version.clone();
        self.shop.deploy(chapter.deploy);
        let facts = Facts {
            version,
            previous_version: "1.0.0".to_owned(),
            commit: "4f2a9c1".to_owned(),
            actor: "the demo".to_owned(),
            reason: chapter.title.to_owned(),
            ..Facts::default()
        };
        let record = match self.daemon.driver().start("shop", facts, Vec::new()).await {
            Ok((record, _)) => record,
            Err(fault) => {
                self.line(
                    style,
                    &style.bad(&format!("the gate did not start: {fault}")),
                );
                return false;
            }
        };
        let record = self.follow(record, style).await;
        let proven = record.state.proof.as_ref().map(|proof| proof.proven);
        let as_expected = record.state.verdict == Some(chapter.verdict) && proven == chapter.proven;
        if !as_expected {
            self.line(style, &style.bad("this is not what was expected"));
        }
        as_expected
    }

    /// Shows what becomes of a gate until it is done.
    async fn follow(&self, mut record: Record, style: Style) -> Record {
        let mut phases = 0;
        let mut decided = false;
        loop {
            for phase in record.state.phases.iter().skip(phases) {
                use crate::objective::Outcome;
                let mark = match phase.outcome {
                    Outcome::Pass => style.good("✓"),
                    Outcome::Fail => style.bad("✗"),
                    Outcome::Inconclusive => style.doubtful("?"),
                };
                let why = phase.reasons.first().cloned().unwrap_or_default();
                let word = if phase.phase == Phase::Preflight {
                    "preflight"
                } else {
                    phase.phase.word()
                };
                self.line(style, &format!("  {mark} {word:<9} {}", style.dim(&why)));
            }
            phases = record.state.phases.len();
            if let (Some(verdict), false) = (record.state.verdict, decided) {
                decided = true;
                let text = match verdict {
                    Verdict::Promote => style.good("verdict: promote"),
                    Verdict::Rollback => style.bad(&format!(
                        "verdict: rollback to {}",
                        record.rollback_to.clone().unwrap_or_default()
                    )),
                    Verdict::Hold => style.doubtful("verdict: hold"),
                };
                self.line(style, &text);
            }
            if let Some(proof) = &record.state.proof {
                let clocks = format!(
                    "action {:.1} s, healthy {}",
                    proof.action_ms.unwrap_or_default() as f64 / 1e3,
                    proof
                        .healthy_ms
                        .map_or("never".to_owned(), |ms| format!("{:.1} s", ms as f64 / 1e3))
                );
                let text = if proof.proven {
                    style.good("rollback proven")
                } else {
                    style.bad("rollback NOT proven: people are paged")
                };
                self.line(
                    style,
                    &format!(
                        "{text} {}",
                        style.dim(&format!(
                            "({clocks}; {})",
                            proof.reasons.first().cloned().unwrap_or_default()
                        ))
                    ),
                );
            }
            if record.state.is_done() {
                return record;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            if let Ok(Some(now)) = self.daemon.gate(record.id).await {
                record = now;
            }
        }
    }
}
