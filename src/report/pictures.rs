//! Pictures of pages in a report, beside what they should look like.

use crate::picture::kept::{Likeness, Picture};
use maud::{Markup, html};

/// What a page looked like, and what it came to beside its baseline.
pub fn shown(picture: &Picture) -> Markup {
    let compared = picture.compared.as_deref();
    let others = compared.map(|compared| (&compared.baseline, &compared.difference));
    html! { details.picture open {
        summary { (picture.name) ": " (picture.width) "×" (picture.height) ", SHA-256 " code { (picture.sha256.get(..12).unwrap_or_default()) } }
        @if let Some(compared) = compared {
            p { span class={ "badge " (class(compared.likeness)) } { (word(compared.likeness)) } " " (compared.words) }
            @if compared.likeness != Likeness::Alike {
                p.soft { "Kept in " code { (compared.file) } "; if this is how it should look: " code { "bellwether baseline accept" } }
            }
        }
        @if let Some((Some(baseline), difference)) = others {
            div.pictures {
                (figure("What was accepted", baseline))
                (figure("What is there now", picture))
                @if let Some(difference) = difference { (figure("What differs", difference)) }
            }
        } @else {
            (linked(picture))
        }
    } }
}

fn figure(caption: &str, picture: &Picture) -> Markup {
    html! { figure { figcaption.soft { (caption) } (linked(picture)) } }
}

fn linked(picture: &Picture) -> Markup {
    let source = picture.source();
    html! { a href=(source) { img src=(source) alt=(picture.name) width=(picture.width) height=(picture.height) loading="lazy"; } }
}

fn class(likeness: Likeness) -> &'static str {
    match likeness {
        Likeness::Alike => "pass",
        Likeness::Differs => "fail",
        Likeness::Unknown => "inconclusive",
    }
}

fn word(likeness: Likeness) -> &'static str {
    match likeness {
        Likeness::Alike => "as accepted",
        Likeness::Differs => "differs",
        Likeness::Unknown => "cannot be told",
    }
}

/// The same in a line of text.
pub fn line(picture: &Picture) -> String {
    let sha256 = picture.sha256.get(..12).unwrap_or_default();
    let size = format!("{}×{}", picture.width, picture.height);
    let compared = picture.compared.as_deref();
    let compared =
        compared.map(|compared| format!(", {}: {}", word(compared.likeness), compared.words));
    let compared = compared.unwrap_or_default();
    format!(
        "picture: {}, {size}, SHA-256 {sha256}…{compared}",
        picture.name
    )
}
