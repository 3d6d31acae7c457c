//! What every page has: its head, the way to the others, who looks at it.

pub use crate::report::prose::prose;
use crate::report::view;
use crate::report::wrong::Tone;
use crate::web::site::Viewer;
use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

/// Pages that are reached from everywhere: address and name.
const WAYS: [(&str, &str); 7] = [
    ("/", "Home"),
    ("/gates", "Gates"),
    ("/runs", "Runs"),
    ("/slos", "SLOs"),
    ("/alerts", "Alerts"),
    ("/events", "Events"),
    ("/docs", "Reference"),
];

/// A page without its content.
#[derive(Debug)]
pub struct Frame<'a> {
    /// What it is about.
    pub title: String,
    /// The way to it, or to what it belongs to.
    pub at: &'static str,
    /// Whether it changes while somebody looks at it.
    pub is_live: bool,
    /// Who looks.
    pub viewer: &'a Viewer,
}

impl Frame<'_> {
    /// The whole page.
    pub fn page(&self, content: Markup) -> Html<String> {
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · Bellwether" }
                    link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/assets/bellwether.css";
                    @if self.is_live { script src="/assets/live.js" defer {} }
                }
                body {
                    a.skip href="#main" { "To the content" }
                    (self.ways())
                    main id="main" data-live[self.is_live] { (content) }
                }
            }
        };
        Html(markup.into_string())
    }

    fn ways(&self) -> Markup {
        html! {
            nav.top aria-label="Pages" {
                span.name { "Bellwether" }
                @for (to, name) in WAYS { a href=(to) aria-current=[(to == self.at).then_some("page")] { (name) } }
                span.room {}
                @match &self.viewer.caller {
                    Some(caller) if self.viewer.is_session => {
                        span.who { (caller.name.as_deref().unwrap_or("the server's token")) " · " (self.viewer.role_word()) }
                        form method="post" action="/logout" { button { "Log out" } }
                    }
                    None if self.viewer.has_tokens => { a href="/login" { "Log in" } }
                    _ => {}
                }
            }
        }
    }
}

/// A word that is seen at once.
pub fn badge(word: &str) -> Markup {
    html! { span class=(format!("badge {}", word.replace(' ', "-"))) { (word) } }
}

/// A word in a tone.
pub fn toned(tone: Tone, word: &str) -> Markup {
    html! { span class=(format!("badge {}", tone.word())) { (word) } }
}

/// A moment, from RFC 3339.
pub fn clock(text: &str) -> Markup {
    let shown = text
        .get(..19)
        .map_or_else(|| text.to_owned(), |text| text.replace('T', " "));
    html! { time datetime=(text) { (shown) @if text.ends_with('Z') { " UTC" } } }
}

/// A moment, from milliseconds since 1970, and how long ago it was.
pub fn since(from_ms: i64, now_ms: i64) -> Markup {
    let at = view::time(from_ms);
    html! { time datetime=(at) title=(at) { "for " (crate::figures::ago(now_ms - from_ms)) } }
}

/// When something was, and what.
pub fn told_line(at: &str, text: &str) -> Markup {
    html! { span.soft.small { (clock(at)) } " " (prose(text)) }
}

/// How something on its way to others stands.
pub fn delivery_badge(state: &str) -> Markup {
    let class = match state {
        "delivered" => "pass",
        "given_up" => "fail",
        _ => "running",
    };
    html! { span class={ "badge " (class) } { (state.replace('_', " ")) } }
}

/// What somebody sent as an address: only one of the web is a link.
pub fn link(address: &str) -> Markup {
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    html! { @if is_web { a href=(address) rel="noreferrer" { (address) } } @else { (address) } }
}

/// Names and values beside one another; what is empty is left out.
pub fn facts(all: &[(&str, Markup)]) -> Markup {
    let shown = all.iter().filter(|(_, value)| !value.0.is_empty());
    html! { dl.facts { @for (name, value) in shown { div { dt { (name) } dd { (value) } } } } }
}

/// A field for a name, where nobody knows who asks.
pub fn name_field(viewer: &Viewer) -> Markup {
    let is_known = viewer
        .caller
        .as_ref()
        .is_some_and(|caller| caller.name.is_some());
    html! { @if !is_known { label { "Your name" input name="by" required autocomplete="name"; } } }
}
