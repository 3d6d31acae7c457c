//! Status pages, which everybody may see: how groups of probes do, and did over 90 days. No inner facts: no
//! probe, no address, no reason, nobody's name.
//!
//! They are made at most every few seconds, however many ask. Invariant: what nobody measures is never shown as
//! well.

use super::probes::days_strip;
use super::uptime::Uptime;
use crate::clock::{self, now_ms};
use crate::figures::{ago, uptime};
use crate::project::status_page::StatusPage;
use crate::report::view::{Glimpse, time};
use crate::report::wrong::Tone;
use crate::store::StoreFault;
use crate::watch::incident::Incident;
use crate::web::problem::Problem;
use crate::web::site::Site;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use maud::{DOCTYPE, Markup, html};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Mutex;

/// How old a page may be, in milliseconds.
const FRESH_MS: i64 = 5_000;
/// Incidents that ended are shown for so long.
const PAST_MS: i64 = 14 * 86_400_000;
/// Maintenance is shown that begins within so long.
const AHEAD_MS: i64 = 14 * 86_400_000;
/// Incidents that are looked at.
const INCIDENTS_MAX: u32 = 200;

/// Pages that were made, and when.
pub type Made = Arc<Mutex<BTreeMap<String, (i64, Arc<Shown>)>>>;

/// What a status page shows.
#[derive(Debug)]
pub struct Shown {
    title: String,
    groups: Vec<Group>,
    now: Vec<Trouble>,
    past: Vec<Trouble>,
    planned: Vec<Planned>,
    at_ms: i64,
}

#[derive(Debug)]
struct Group {
    name: String,
    tone: Tone,
    word: &'static str,
    uptime: Uptime,
}

#[derive(Debug)]
struct Trouble {
    groups: Vec<String>,
    from_ms: i64,
    to_ms: Option<i64>,
}

/// A window of maintenance.
#[derive(Debug)]
struct Planned {
    from_ms: i64,
    to_ms: i64,
    groups: Vec<String>,
}

/// Windows in force and those of the next days, each once with all of its groups, the first one first.
fn planned(windows: impl Iterator<Item = (i64, i64, String)>, now_ms: i64) -> Vec<Planned> {
    let mut all: BTreeMap<(i64, i64), BTreeSet<String>> = BTreeMap::new();
    for (from_ms, to_ms, group) in windows.filter(|(from_ms, ..)| *from_ms < now_ms + AHEAD_MS) {
        all.entry((from_ms, to_ms)).or_default().insert(group);
    }
    let windows = all.into_iter().map(|((from_ms, to_ms), groups)| Planned {
        from_ms,
        to_ms,
        groups: groups.into_iter().collect(),
    });
    windows.collect()
}

/// How a group does, by the states of its probes.
fn state(states: &[&str]) -> (Tone, &'static str) {
    let count = |word: &str| states.iter().filter(|state| **state == word).count();
    let looked_at = states.len() - count("paused") - count("idle");
    let troubled = count("degraded") + count("flapping");
    match (looked_at, count("down")) {
        (0, _) => (Tone::Calm, "not measured now"),
        (all, down) if down == all => (Tone::Bad, "down"),
        (_, 1..) => (Tone::Bad, "partly down"),
        _ if count("unknown") > 0 => (Tone::Doubt, "not known"),
        _ if troubled > 0 => (Tone::Doubt, "impaired"),
        _ if count("maintenance") > 0 => (Tone::Calm, "in maintenance"),
        _ => (Tone::Good, "works"),
    }
}

fn overall(groups: &[Group]) -> (Tone, String) {
    let worst = groups.iter().max_by_key(|group| group.tone);
    match worst.map(|group| group.tone) {
        None => (Tone::Calm, "Nothing is measured.".to_owned()),
        Some(Tone::Good) => (Tone::Good, "Everything works.".to_owned()),
        Some(Tone::Calm) => (Tone::Calm, "What is measured now works.".to_owned()),
        Some(Tone::Doubt) => (
            Tone::Doubt,
            "Something may not work as it should.".to_owned(),
        ),
        Some(Tone::Bad) if groups.iter().all(|group| group.word == "down") => {
            (Tone::Bad, "Everything is down.".to_owned())
        }
        Some(Tone::Bad) => (Tone::Bad, "Something is down.".to_owned()),
    }
}

/// Several probes as one: runs of all of them together.
fn together(all: &[Uptime]) -> Uptime {
    let shares = std::array::from_fn(|span| {
        let known: Vec<f64> = all
            .iter()
            .filter_map(|uptime| uptime.shares[span])
            .collect();
        // Whatever is probed more often is not more important.
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    });
    let length = all
        .iter()
        .map(|uptime| uptime.days.len())
        .max()
        .unwrap_or(0);
    let day = |number: usize| {
        let days: Vec<(f64, u64)> = all
            .iter()
            .filter_map(|uptime| {
                uptime
                    .days
                    .get(number)
                    .and_then(|(share, runs)| Some(((*share)?, *runs)))
            })
            .collect();
        let runs = days.iter().map(|(_, runs)| runs).sum();
        let share = (!days.is_empty())
            .then(|| days.iter().map(|(share, _)| share).sum::<f64>() / days.len() as f64);
        (share, runs)
    };
    Uptime {
        shares,
        days: (0..length).map(day).collect(),
    }
}

async fn made(site: &Site, page: &StatusPage, now_ms: i64) -> Result<Shown, StoreFault> {
    let glimpses = site.prober.glimpses();
    let mut members: BTreeMap<&str, Vec<&Glimpse>> = BTreeMap::new();
    for probe in glimpses
        .iter()
        .filter(|probe| probe.environment == page.environment)
    {
        if let Some(group) = &probe.group {
            members.entry(group).or_default().push(probe);
        }
    }
    let named: Vec<&str> = match page.groups.as_slice() {
        [] => members.keys().copied().collect(),
        groups => groups.iter().map(String::as_str).collect(),
    };
    let mut groups = Vec::new();
    for name in &named {
        let probes = members.get(name).map(Vec::as_slice).unwrap_or_default();
        let mut uptimes = Vec::new();
        for probe in probes {
            uptimes.push(site.uptimes.of(&site.store, &probe.name, now_ms).await?);
        }
        let states: Vec<&str> = probes.iter().map(|probe| probe.standing).collect();
        let (tone, word) = state(&states);
        groups.push(Group {
            name: (*name).to_owned(),
            tone,
            word,
            uptime: together(&uptimes),
        });
    }
    let concerned = |incident: &Incident| -> Vec<String> {
        let is_in = |group: &&&str| {
            let probes = members.get(**group).map(Vec::as_slice).unwrap_or_default();
            probes.iter().any(|probe| {
                incident
                    .members
                    .contains_key(&format!("probe/{}", probe.name))
            })
        };
        named
            .iter()
            .filter(is_in)
            .map(|group| (*group).to_owned())
            .collect()
    };
    let trouble = |incident: &Incident| {
        let groups = concerned(incident);
        (!groups.is_empty()).then_some(Trouble {
            groups,
            from_ms: incident.opened_ms,
            to_ms: incident.ended_ms,
        })
    };
    let now = site.keeper.incidents().iter().filter_map(trouble).collect();
    let kept = site.store.incidents(INCIDENTS_MAX).await?;
    let past = kept.iter().filter(|incident| {
        incident
            .ended_ms
            .is_some_and(|ended| ended > now_ms - PAST_MS)
    });
    let past = past.filter_map(trouble).collect();
    let (project, moment) = (site.current.get(), clock::now());
    let watched = project.probes.iter();
    let watched = watched.filter(|probe| probe.environment == page.environment && !probe.paused);
    let windows = watched.flat_map(|probe| {
        let group = probe.group.as_deref().filter(|group| named.contains(group));
        let windows = probe
            .maintenance
            .iter()
            .filter_map(|window| window.next(moment));
        windows.filter_map(move |(from, to)| {
            Some((
                from.timestamp_millis(),
                to.timestamp_millis(),
                group?.to_owned(),
            ))
        })
    });
    Ok(Shown {
        planned: planned(windows, now_ms),
        title: page.title.clone(),
        groups,
        now,
        past,
        at_ms: now_ms,
    })
}

async fn shown(site: &Site, name: &str) -> Result<Arc<Shown>, Problem> {
    let project = site.current.get();
    let page = project
        .file
        .status_pages
        .iter()
        .find(|page| page.name == name);
    let page = page.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "there is no status page of this name",
        )
    })?;
    // Whoever comes while it is made waits for it.
    let mut known = site.statuses.lock().await;
    let now_ms = now_ms();
    if let Some((at_ms, shown)) = known.get(name)
        && (*at_ms..*at_ms + FRESH_MS).contains(&now_ms)
    {
        return Ok(shown.clone());
    }
    let shown = Arc::new(made(site, page, now_ms).await?);
    known.insert(name.to_owned(), (now_ms, shown.clone()));
    Ok(shown)
}

/// `GET /status/{name}`
pub async fn status(
    State(site): State<Site>,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let shown = shown(&site, &name).await?;
    let (tone, headline) = overall(&shown.groups);
    let content = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="60";
                title { (shown.title) ": " (headline) }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/bellwether.css";
            }
            body { main id="main" {
                p.soft { (shown.title) }
                div class={ "card headline " (tone.word()) } { h1 { (headline) } }
                @for trouble in &shown.now { p.card { strong { (trouble.groups.join(", ")) } ": trouble for " (ago(shown.at_ms - trouble.from_ms)) } }
                @for window in &shown.planned { p.card { strong { (window.groups.join(", ")) } (announced(window, shown.at_ms)) } }
                h2 { "Parts" }
                @for group in &shown.groups { (part(group)) }
                h2 { "The last 14 days" }
                div.card { @if shown.past.is_empty() { p.soft { "No trouble that has ended." } } @else { ol.timeline { @for trouble in &shown.past { li { (past(trouble)) } } } } }
                footer { "As of " (moment(shown.at_ms)) ". Bars are days of UTC." }
            } }
        }
    };
    Ok(Html(content.into_string()))
}

fn moment(at_ms: i64) -> String {
    let at = time(at_ms);
    format!("{} UTC", at.get(..16).unwrap_or_default().replace('T', " "))
}

fn announced(window: &Planned, now_ms: i64) -> String {
    match window.from_ms <= now_ms {
        true => format!(": maintenance until {}", moment(window.to_ms)),
        false => format!(
            ": maintenance is planned from {} to {}",
            moment(window.from_ms),
            moment(window.to_ms)
        ),
    }
}

fn past(trouble: &Trouble) -> Markup {
    let length = trouble.to_ms.unwrap_or(trouble.from_ms) - trouble.from_ms;
    html! { span.soft.small { (moment(trouble.from_ms)) } " " (trouble.groups.join(", ")) ": trouble for " (ago(length)) }
}

fn part(group: &Group) -> Markup {
    html! { div.card {
        h3 { (group.name) " " span class={ "badge " (group.tone.word()) } { (group.word) } }
        (days_strip(&group.uptime, |_| None))
        @if let Some(share) = group.uptime.shares[3] { p.soft.small { (uptime(share)) " over 90 days" } }
    } }
}

/// `GET /status/{name}/{badge}`: `badge.svg` of all, or `GROUP.svg`.
pub async fn badge(
    State(site): State<Site>,
    Path((name, badge)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let shown = shown(&site, &name).await?;
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "there is no badge of this name");
    let wanted = badge.strip_suffix(".svg").ok_or_else(unknown)?;
    let (left, tone, word) = match shown.groups.iter().find(|group| group.name == wanted) {
        Some(group) => (group.name.clone(), group.tone, group.word.to_owned()),
        None if wanted == "badge" => {
            let (tone, word) = overall(&shown.groups);
            let word = word.trim_end_matches('.').to_lowercase();
            (shown.title.clone(), tone, word)
        }
        None => return Err(unknown()),
    };
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "max-age=30"),
    ];
    Ok((headers, drawn(&left, tone, &word)).into_response())
}

/// A badge as people know it: what on the left, how it does on the right.
fn drawn(left: &str, tone: Tone, word: &str) -> String {
    let wide = |text: &str| 12 + 7 * text.chars().count();
    let (first, second) = (wide(left), wide(word));
    let fill = match tone {
        Tone::Good => "#15703f",
        Tone::Calm => "#4a5b6c",
        Tone::Doubt => "#845100",
        Tone::Bad => "#b3261e",
    };
    let all = first + second;
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(all) height="20" role="img" aria-label=(format!("{left}: {word}")) {
            title { (left) ": " (word) }
            rect width=(all) height="20" rx="4" fill="#33404d" {}
            rect x=(first) width=(second) height="20" rx="4" fill=(fill) {}
            g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" {
                text x=(first / 2) y="14" text-anchor="middle" textLength=(7 * left.chars().count()) { (left) }
                text x=(first + second / 2) y="14" text-anchor="middle" textLength=(7 * word.chars().count()) { (word) }
            }
        }
    };
    markup.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_measures_is_never_well() {
        assert_eq!(state(&[]).1, "not measured now");
        assert_eq!(state(&["paused", "idle"]).1, "not measured now");
        assert_eq!(state(&["up", "unknown"]).1, "not known");
        assert_eq!(state(&["up", "paused"]).1, "works");
        assert_eq!(state(&["up", "down", "unknown"]).1, "partly down");
        assert_eq!(state(&["down", "paused"]).1, "down");
        assert_eq!(state(&["up", "flapping"]).1, "impaired");
        assert_eq!(state(&["up", "maintenance"]).1, "in maintenance");
        assert_eq!(overall(&[]).1, "Nothing is measured.");
    }

    #[test]
    fn probes_of_a_group_count_alike() {
        let of = |share: f64, runs: u64| Uptime {
            shares: [Some(share), None, None, None],
            days: vec![(Some(share), runs)],
        };
        let group = together(&[of(1.0, 1_000), of(0.0, 10)]);
        assert_eq!(group.shares, [Some(0.5), None, None, None]);
        assert_eq!(group.days, [(Some(0.5), 1_010)]);
        assert_eq!(together(&[]), Uptime::default());
    }

    #[test]
    fn maintenance_is_announced_once_with_all_it_is_about() {
        let of = |from_ms: i64, group: &str| (from_ms, from_ms + 3_600_000, group.to_owned());
        let windows = [
            of(AHEAD_MS + 1_000, "far"),
            of(7_200_000, "b"),
            of(7_200_000, "a"),
            of(0, "a"),
        ];
        let all = planned(windows.into_iter(), 1_000);
        let groups: Vec<&[String]> = all.iter().map(|window| window.groups.as_slice()).collect();
        assert_eq!(groups, [&["a"][..], &["a", "b"]]);
        assert_eq!(
            announced(&all[0], 1_000),
            ": maintenance until 1970-01-01 01:00 UTC"
        );
        assert!(
            announced(&all[1], 1_000).contains("from 1970-01-01 02:00 UTC to 1970-01-01 03:00 UTC")
        );
    }

    #[test]
    fn a_badge_holds_text_and_nothing_else() {
        let badge = drawn("<script>", Tone::Good, "works");
        assert!(
            badge.contains("&lt;script&gt;") && !badge.contains("<script>"),
            "{badge}"
        );
    }
}
