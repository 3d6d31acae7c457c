//! The reference for people: what can be written, asked for and read.

use super::frame::{Frame, prose};
use crate::reference::{Entry, Page, Section};
use crate::web::openapi;
use crate::web::problem::Problem;
use crate::web::site::{Site, Viewer};
use axum::extract::{Path, State};
use axum::response::Html;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use std::sync::OnceLock;

/// The pages, made when somebody first looks at one: a daemon does not start later for them.
#[derive(Debug)]
pub struct Reference {
    commands: Option<fn() -> Page>,
    made: OnceLock<Vec<Page>>,
}

impl Reference {
    /// With the page that explains the commands, where there are any.
    pub fn new(commands: Option<fn() -> Page>) -> Reference {
        Reference {
            commands,
            made: OnceLock::new(),
        }
    }

    /// All pages.
    pub fn pages(&self) -> &[Page] {
        let make = || {
            let mut pages = crate::reference::pages();
            pages.push(openapi::page());
            pages.extend(self.commands.map(|page| page()));
            pages
        };
        self.made.get_or_init(make)
    }
}

/// `GET /docs`
pub async fn index(State(site): State<Site>, headers: HeaderMap) -> Html<String> {
    framed(
        &site.viewer(&headers),
        "Reference",
        html! {
            h1 { "Reference" }
            ul.pages { @for page in site.reference.pages() { li {
                a href=(format!("/docs/{}", page.name)) { (page.title) }
                div.soft { (prose(page.about)) }
            } } }
        },
    )
}

/// `GET /docs/{name}`
pub async fn page(
    State(site): State<Site>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Html<String>, Problem> {
    let page = site.reference.pages().iter().find(|page| page.name == name);
    let page = page.ok_or_else(|| {
        let detail = format!("the reference has no page `{name}`: /docs lists them");
        Problem::new(StatusCode::NOT_FOUND, detail)
    })?;
    Ok(framed(&site.viewer(&headers), page.title, content(page)))
}

fn framed(viewer: &Viewer, title: &str, content: Markup) -> Html<String> {
    let frame = Frame {
        title: title.to_owned(),
        at: "/docs",
        is_live: false,
        viewer,
    };
    frame.page(content)
}

fn content(page: &Page) -> Markup {
    html! {
        p.small { a href="/docs" { "Reference" } }
        h1 { (page.title) }
        p.soft { (prose(page.about)) @if page.name == "api" { " " a href="/api/v1/openapi.json" { "OpenAPI document" } } }
        @if page.sections.len() > 2 { nav.sections aria-label="Sections" { @for section in &page.sections {
            a href=(format!("#{}", section.anchor())) { (section.title) }
        } } }
        @for section in &page.sections { (self::section(section)) }
    }
}

fn section(section: &Section) -> Markup {
    html! {
        h2 id=(section.anchor()) { (section.title) }
        @if !section.about.is_empty() { p.soft { (prose(&section.about)) } }
        dl.entries { @for entry in &section.entries { (self::entry(entry)) } }
    }
}

fn entry(entry: &Entry) -> Markup {
    html! { div {
        dt { code { (entry.name) } @if !entry.form.is_empty() { " " span.soft.small { (prose(&entry.form)) } } }
        dd {
            @if !entry.about.is_empty() { (prose(&entry.about)) }
            @if !entry.example.is_empty() { pre tabindex="0" { (entry.example) } }
        }
    } }
}
